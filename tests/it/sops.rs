//! Files of a repository that are encrypted with sops as a whole: with the real program where it is
//! installed, and with one that stands for it.
#![cfg(unix)]
#![expect(clippy::print_stderr, reason = "a test that is skipped should say so")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::{Cli, Project, Server, assert_no_leak};

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
    project.file("open.txt", open).file(
        "bin/sops",
        "#!/bin/sh\necho \"$@\" >> calls.txt\ncat ../open.txt\n",
    );
    let program = project.path().join("bin/sops");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
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
