//! Files of a repository that are encrypted with sops as a whole: with the real program where it is
//! installed, and with one that stands for it.
#![cfg(unix)]
#![expect(clippy::print_stderr, reason = "a test that is skipped should say so")]

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Cli, Project, Run, Server, assert_no_leak, program};

const SECRET: &str = "sk-sealed-at-rest-55/+==";
const HIDDEN: &str = "AKIASEALEDATREST";

fn manifest() -> String {
    format!(
        "# Ours.
workspaces:
  payments: {{ name: Payments }}
integrations:
  openai-prod:
    name: OpenAI
    ai_provider_id: openai
    key: {SECRET}
    workspaces: {{ payments: {{ enabled: true }} }}
secret_references:
  vault:
    manager_type: aws_sm
    auth_config:
      aws_auth_type: accessKey
      aws_region: us-east-1
      aws_access_key_id: {HIDDEN}
      aws_secret_access_key: {SECRET}
    secret_path: ai/openai
    allow_all_workspaces: true
"
    )
}

/// The key with which sops encrypts and decrypts; nothing where a program is missing.
struct Sops {
    folder: tempfile::TempDir,
    recipient: String,
}

impl Sops {
    fn found() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.txt");
        let made = Command::new("age-keygen").arg("-o").arg(&file).output();
        let there = Command::new("sops")
            .args(["--version", "--disable-version-check"])
            .output();
        if made.is_err() || there.is_err() {
            eprintln!("skipped: `sops` and `age-keygen` are not both installed");
            return None;
        }
        let key = std::fs::read_to_string(&file).unwrap();
        let recipient = key.lines().find_map(|line| line.split("key: ").nth(1));
        let recipient = recipient.unwrap().to_owned();
        Some(Self { folder, recipient })
    }

    fn key(&self) -> String {
        self.folder.path().join("key.txt").display().to_string()
    }

    /// Encrypts a file in its place.
    fn encrypt(&self, path: &Path, more: &[&str]) {
        let done = Command::new("sops")
            .args(["--encrypt", "--in-place", "--age", &self.recipient])
            .args(more)
            .arg(path)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

#[test]
fn what_sops_encrypted_is_read_as_any_other_manifest() {
    let Some(sops) = Sops::found() else { return };
    let chosen = ["--encrypted-regex", "^(key|auth_config)$"];
    for more in [&[][..], &chosen] {
        let (server, project) = (Server::start(), Project::of(&manifest()));
        sops.encrypt(&project.path().join("org/all.yaml"), more);
        let sealed = project.read("org/all.yaml");
        assert!(sealed.contains("mac: ENC["), "{sealed}");
        assert_no_leak("the file", &sealed, SECRET);
        let (url, key) = (server.url(), sops.key());
        let with = |cli: Cli| cli.env("SOPS_AGE_KEY_FILE", &key);
        let checked = with(project.cli(["validate"])).run().expect(0);
        assert_eq!(checked.stderr, "", "{checked}");
        let apply = project.at(&url, ["apply", "--yes"]);
        let apply = with(apply).run().expect(0);
        let plan = project.at(&url, ["plan", "--detailed-exitcode", "--format", "json"]);
        let plan = with(plan).run().expect(0);
        for secret in [SECRET, HIDDEN] {
            assert_no_leak("the output", &apply.output(), secret);
            assert_no_leak("the plan", &plan.output(), secret);
            assert_no_leak("the state", &project.state(), secret);
        }
        let mask = server.get("/integrations/openai-prod")["masked_key"].to_string();
        assert!(mask.contains("sk"), "{mask}");

        // Without the key nothing is known, and the file and sops are named.
        let other = project.at(&url, ["plan"]).run().expect(1);
        assert!(
            other.stderr.contains("cannot decrypt `org/all.yaml`"),
            "{other}"
        );
        assert!(other.stderr.contains("--> org/all.yaml:"), "{other}");
        // What somebody changed without sops is not what was signed.
        project.file(
            "org/all.yaml",
            &sealed.replace("openai-prod:", "openai-test:"),
        );
        let changed = with(project.at(&url, ["plan"])).run().expect(1);
        assert!(
            changed.stderr.contains("run `sops org/all.yaml`"),
            "{changed}"
        );
    }
}

#[test]
fn the_project_file_and_other_secret_sources_work_with_the_real_program() {
    let Some(sops) = Sops::found() else { return };
    let server = Server::start();
    let project = Project::of(
        "integrations:\n  i: { name: I, ai_provider_id: openai, key: \"${sops:values.enc.json#openai/key}\" }\n",
    );
    project
        .file(
            "gatewright.yaml",
            &format!(
                "gatewright: 1\nmanifests: [\"org/*.yaml\"]\nsystems:\n  portkey:\n    api_key: {}\n",
                crate::support::KEY
            ),
        )
        .file("org/values.enc.json", &format!("{{\"openai\": {{\"key\": \"{SECRET}\"}}}}"));
    sops.encrypt(
        &project.path().join("gatewright.yaml"),
        &["--encrypted-regex", "^api_key$"],
    );
    sops.encrypt(&project.path().join("org/values.enc.json"), &[]);
    let run = |arguments: [&str; 2]| {
        let cli = project
            .at(&server.url(), arguments)
            .without("PORTKEY_API_KEY");
        cli.env("SOPS_AGE_KEY_FILE", &sops.key()).run()
    };
    let apply = run(["apply", "--yes"]).expect(0);
    for secret in [SECRET, crate::support::KEY] {
        assert_no_leak("the output", &apply.output(), secret);
        assert_no_leak("the state", &project.state(), secret);
    }
    run(["plan", "--detailed-exitcode"]).expect(0);
}

/// A repository with an encrypted manifest, and a program that stands for `sops` and knows what is
/// in it. It leaves a note of each run.
fn with_stand_in(sealed: &str, open: &str) -> (Project, String) {
    let project = Project::of(&format!("{sealed}sops:\n  mac: ENC[x,type:str]\n"));
    project.file("open.txt", open);
    let text = "#!/bin/sh\necho \"$@\" >> calls.txt\ncat ../open.txt\n";
    program(&project.path().join("bin/sops"), text);
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", project.path().join("bin").display());
    (project, path)
}

#[test]
fn problems_of_decrypted_values_point_into_the_encrypted_file() {
    let (project, path) = with_stand_in(
        "integrations:\n    i:\n        # ENC[comment]\n        ai_provider_id: ENC[a,type:str]\n        \
         key: ENC[b,type:str]\n        description: ENC[c,type:int]\n    j:\n        \
         ai_provider_id: openai\n        key: sk-in-the-clear-9\n        description: ENC[d,type:str]\n",
        &format!(
            "integrations:\n  i: {{ ai_provider_id: openai, key: {SECRET}, description: 77001 }}\n  j:\n    \
             ai_provider_id: openai\n    key: sk-in-the-clear-9\n    description: A codename\n",
        ),
    );
    let run = project.cli(["validate"]).env("PATH", &path).run().expect(1);
    assert_eq!(
        project.read("org/calls.txt"),
        "--decrypt --output-type yaml ./all.yaml\n"
    );
    for said in [
        // A number where a text belongs; a secret that sops did not encrypt; a value that it did.
        "error[wrong-type]",
        "--> org/all.yaml:6:22",
        "error[literal-secret]",
        "--> org/all.yaml:9:14",
        "warning[encrypted-in-the-open]",
        "--> org/all.yaml:10:22",
    ] {
        assert!(run.stderr.contains(said), "{said}: {run}");
    }
    for hidden in [SECRET, "77001", "sk-in-the-clear-9", "A codename", "ENC["] {
        assert!(!run.output().contains(hidden), "{hidden}: {run}");
    }
}

#[test]
fn a_run_against_the_mock_decrypts_only_what_it_cannot_do_without() {
    let sealed = |system: &str| {
        format!(
            "{system}integrations:\n    i:\n        ai_provider_id: openai\n        key: ENC[b,type:str]\n"
        )
    };
    let (project, _) = with_stand_in(&sealed(""), "");
    let run = project.cli(["plan", "--mock"]).run().expect(0);
    assert!(run.stdout.contains("+ integrations.i"), "{run}");
    // Every value is encrypted, as sops does by itself: without them nothing can be known.
    let all = sealed("").replace("openai", "ENC[a,type:str]");
    let (project, path) = with_stand_in(
        &all,
        &format!("integrations: {{ i: {{ ai_provider_id: openai, key: {SECRET} }} }}\n"),
    );
    let run = project
        .cli(["plan", "--mock"])
        .env("PATH", "/nonexistent")
        .run();
    let run = run.expect(1);
    assert!(run.stderr.contains("there is no program `sops`"), "{run}");
    project
        .cli(["plan", "--mock"])
        .env("PATH", &path)
        .run()
        .expect(0);
}

#[test]
fn encrypted_files_are_left_for_sops_to_edit() {
    let server = Server::start();
    let open = format!(
        "workspaces: {{ w: {{ name: W, description: One }} }}\nintegrations: {{ i: {{ name: I, ai_provider_id: openai, key: {SECRET} }} }}\n"
    );
    let (project, path) = with_stand_in(
        "workspaces: { w: { name: W, description: One } }\nintegrations: { i: { name: I, ai_provider_id: openai, key: \"ENC[b,type:str]\" } }\n",
        &open,
    );
    let url = server.url();
    let run = |arguments: &[&str]| {
        let cli = project.at(&url, []).env("PATH", &path);
        arguments.iter().fold(cli, |cli, it| cli.arg(it)).run()
    };
    run(&["apply", "--yes"]).expect(0);
    let before = project.read("org/all.yaml");
    server.put(
        &server.workspace_path("W"),
        serde_json::json!({ "description": "Two" }),
    );
    server.make_workspace("Theirs");
    let adopt = run(&["adopt", "--drift", "--yes"]).expect(0);
    assert!(adopt.stdout.contains("edit it with `sops`"), "{adopt}");
    let import = run(&["import", "--into", "org/all.yaml"]).expect(1);
    assert!(
        import.stderr.contains("it is encrypted with sops"),
        "{import}"
    );
    assert_eq!(project.read("org/all.yaml"), before);
    run(&["import"]).expect(0);
    assert!(project.read("org/workspaces.yaml").contains("Theirs"));
}

#[test]
fn what_somebody_chose_to_encrypt_is_not_in_the_ledger_which_still_tells_who_changed_it() {
    const OLD: &str = "Codename Hummingbird";
    const NEW: &str = "Codename Kingfisher";
    let sealed = "workspaces:\n  w: { name: W, description: \"ENC[a,type:str]\" }\n";
    let open = |text: &str| sealed.replace("ENC[a,type:str]", text);
    let server = Server::start();
    let (project, path) = with_stand_in(sealed, &open(OLD));
    let url = server.url();
    let say = |text: &str| {
        project.file("open.txt", &open(text));
    };
    let put = |text: &str| {
        server.put(&server.workspace_path("W"), json!({ "description": text }));
    };
    let run = |key: &str, arguments: &[&str]| {
        let cli = project.at(&url, []).env("PATH", &path);
        let cli = cli.env("GATEWRIGHT_FINGERPRINT_KEY", key);
        let run = arguments.iter().fold(cli, |cli, it| cli.arg(it)).run();
        for secret in [OLD, NEW] {
            assert_no_leak("the output", &run.output(), secret);
            assert_no_leak("the state", &project.state(), secret);
        }
        run
    };
    let origin = |run: &Run| {
        let field = run.json()["plan"]["changes"][0]["fields"][0].clone();
        assert_eq!(field["pointer"], "/description", "{field:#}");
        assert_eq!(field["new"], json!({ "$secret": ["${sops:all.yaml}"] }));
        assert_eq!(field["old"], json!({ "$secret": [] }), "{field:#}");
        field["origin"].as_str().unwrap_or("unknown").to_owned()
    };
    let plan = ["plan", "--format", "json", "--detailed-exitcode"];
    let apply = run("k", &["apply", "--yes"]).expect(0);
    assert!(
        apply.stderr.contains("warning[encrypted-in-the-open]"),
        "{apply}"
    );
    assert_eq!(server.workspace("W")["description"], OLD);
    let source = r#""description":{"$secret":["${sops:all.yaml}"]}"#;
    assert!(project.ledger().contains(source), "{}", project.ledger());
    run("k", &plan).expect(0);

    // The repository, somebody else, and both.
    say(NEW);
    assert_eq!(origin(&run("k", &plan).expect(2)), "intended");
    put("Theirs");
    assert_eq!(origin(&run("k", &plan).expect(2)), "conflict");
    assert_eq!(origin(&run("", &plan).expect(2)), "unknown");
    say(OLD);
    assert_eq!(origin(&run("k", &plan).expect(2)), "drift");
    run("k", &["drift"]).expect(2);
    // Both to the same.
    say(NEW);
    put(NEW);
    run("k", &["apply", "--yes"]).expect(0);
    put(OLD);
    assert_eq!(origin(&run("k", &plan).expect(2)), "drift");

    // Without a key for fingerprints it is compared all the same, by what is live.
    server.clear();
    run("", &["apply", "--yes"]).expect(0);
    assert_eq!(server.writes().len(), 1);
    run("", &plan).expect(0);
    say(OLD);
    assert_eq!(origin(&run("", &plan).expect(2)), "unknown");
    // Made plain, the old text stays hidden.
    project.file("org/all.yaml", &open("In the clear"));
    let field = run("k", &plan).expect(2).json()["plan"]["changes"][0]["fields"][0].clone();
    assert_eq!(
        (&field["old"], &field["new"]),
        (&json!({ "$secret": [] }), &json!("In the clear"))
    );
}

#[test]
fn a_ledger_from_before_is_rid_of_what_somebody_chose_to_encrypt() {
    let sealed = "workspaces:\n  w: { name: W, description: \"ENC[a,type:str]\" }\n";
    let open = sealed.replace("ENC[a,type:str]", "Hummingbird");
    let server = Server::start();
    let (project, path) = with_stand_in(sealed, &open);
    project.file("org/all.yaml", &open);
    project.apply(&server.url());
    assert!(project.ledger().contains("Hummingbird"));
    project.file(
        "org/all.yaml",
        &format!("{sealed}sops:\n  mac: ENC[x,type:str]\n"),
    );
    server.clear();
    let apply = project
        .at(&server.url(), ["apply", "--yes"])
        .env("PATH", &path);
    apply.run().expect(0);
    assert_eq!(server.writes(), [""; 0]);
    assert_no_leak("the state", &project.state(), "Hummingbird");
}

#[test]
fn an_encrypted_variable_is_not_shown_inside_of_a_text_either() {
    const TOKEN: &str = "T0KENOFTHEHOOK";
    let server = Server::start();
    let project = Project::of(
        "workspaces:\n  w: { name: W, description: \"https://h.example/${var:token}/x\" }\n",
    );
    let open = "gatewright: 1\nmanifests: [\"org/*.yaml\"]\nvars: { token: \"ENC[x,type:str]\" }\n";
    project.file(
        "gatewright.yaml",
        &format!("{open}sops:\n  mac: ENC[x,type:str]\n"),
    );
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(
        outside.path().join("open"),
        open.replace("ENC[x,type:str]", TOKEN),
    )
    .unwrap();
    let text = format!("#!/bin/sh\ncat {}/open\n", outside.path().display());
    program(&outside.path().join("sops"), &text);
    let path = format!(
        "{}:{}",
        outside.path().display(),
        std::env::var("PATH").unwrap()
    );
    for arguments in [
        ["plan", "--full"],
        ["apply", "--yes"],
        ["plan", "--format=json"],
    ] {
        let run = project
            .at(&server.url(), arguments)
            .env("PATH", &path)
            .run()
            .expect(0);
        assert_no_leak("the output", &run.output(), TOKEN);
        assert_no_leak("the state", &project.state(), TOKEN);
        assert!(run.output().contains("encrypted-in-the-open"), "{run}");
    }
    assert_eq!(
        server.workspace("W")["description"],
        format!("https://h.example/{TOKEN}/x")
    );
    let plan = project
        .at(&server.url(), ["plan", "--detailed-exitcode"])
        .env("PATH", &path);
    plan.run().expect(0);
}
