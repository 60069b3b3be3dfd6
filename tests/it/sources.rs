//! Secrets that programs know: `${exec:...}` and `${sops:file#place}`.

use crate::support::{Project, Server, assert_no_leak, program};

const SECRET: &str = "sk-from-a-program-77/+==";

fn manifest(key: &str) -> String {
    format!("integrations:\n  i:\n    name: I\n    ai_provider_id: openai\n    key: {key}\n")
}

fn allowed(project: &Project) {
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nallow_exec: true\n",
    );
}

/// A folder with a program that stands for `sops`: it knows one file and says no to all others.
#[cfg(unix)]
fn with_sops(project: &Project) -> String {
    program(
        &project.path().join("bin/sops"),
        "#!/bin/sh\n\
         echo \"$@\" >> calls.txt\n\
         for last; do :; done\n\
         [ \"$last\" = ./prod.enc.yaml ] || { echo \"no key could decrypt $last\" >&2; exit 128; }\n\
         [ \"$2\" = --output-type ] || { cat whole.txt; exit; }\n\
         cat plain.json\n",
    );
    project.file(
        "org/plain.json",
        &format!("{{\"openai\": {{\"key\": \"{SECRET}\"}}}}"),
    );
    project.file("org/whole.txt", &format!("{SECRET}\n"));
    let path = std::env::var("PATH").unwrap();
    format!("{}:{path}", project.path().join("bin").display())
}

#[test]
#[cfg(unix)]
fn sops_decrypts_what_manifests_name() {
    for (key, calls) in [
        (
            "${sops:prod.enc.yaml#openai/key}",
            "--decrypt --output-type json ./prod.enc.yaml\n",
        ),
        ("${sops:prod.enc.yaml}", "--decrypt ./prod.enc.yaml\n"),
    ] {
        let server = Server::start();
        let project = Project::of(&manifest(key));
        let path = with_sops(&project);
        let url = server.url();
        let run = project
            .at(&url, ["apply", "--yes"])
            .env("PATH", &path)
            .run()
            .expect(0);
        assert_no_leak("the output", &run.output(), SECRET);
        assert_no_leak("the state", &project.state(), SECRET);
        assert_eq!(project.read("org/calls.txt"), calls);
        let mask = server.get("/integrations/i")["masked_key"].to_string();
        assert!(mask.contains("sk"), "{mask}");
        let plan = project.at(&url, ["plan", "--detailed-exitcode", "--format", "json"]);
        let plan = plan.env("PATH", &path).run().expect(0);
        assert_no_leak("the plan", &plan.output(), SECRET);
    }
}

#[test]
#[cfg(unix)]
fn what_cannot_be_decrypted_is_said_with_its_place() {
    let cases = [
        ("${sops:other.yaml#a}", "no key could decrypt ./other.yaml"),
        (
            "${sops:prod.enc.yaml#openai/kex}",
            "it has nothing at `openai/kex`",
        ),
    ];
    for (key, says) in cases {
        let project = Project::of(&manifest(key));
        let path = with_sops(&project);
        let run = project.cli(["validate"]).env("PATH", &path).run().expect(1);
        assert!(run.stderr.contains(says), "{run}");
        assert!(run.stderr.contains("org/all.yaml:5:10"), "{run}");
        assert_no_leak("the output", &run.output(), SECRET);
    }
    let project = Project::of(&manifest("${sops:prod.enc.yaml#a}"));
    let run = project
        .cli(["validate"])
        .env("PATH", "/nonexistent")
        .run()
        .expect(1);
    assert!(
        run.stderr
            .contains("there is no program `sops` on the PATH"),
        "{run}"
    );
    // The mock needs none of it.
    project
        .cli(["plan", "--mock"])
        .env("PATH", "/nonexistent")
        .run()
        .expect(0);
}

#[test]
#[cfg(unix)]
fn programs_give_values_where_the_project_allows_it() {
    let server = Server::start();
    let key = "${exec:cat 'a secret.txt'}";
    let project = Project::of(&manifest(key));
    project.file("org/a secret.txt", &format!("{SECRET}\n"));
    let refused = project.cli(["validate"]).run().expect(1);
    assert!(
        refused.stderr.contains("may not name programs"),
        "{refused}"
    );
    assert!(refused.stderr.contains("allow_exec: true"), "{refused}");
    assert_no_leak("the refusal", &refused.output(), SECRET);
    allowed(&project);
    let run = project.apply(&server.url());
    assert_no_leak("the output", &run.output(), SECRET);
    assert_no_leak("the state", &project.state(), SECRET);
    project.assert_converged(&server, &server.url());
}

#[test]
#[cfg(unix)]
fn no_shell_reads_what_is_run_and_failures_are_told_without_what_was_printed() {
    let run = |key: &str| {
        let project = Project::of(&manifest(key));
        allowed(&project);
        let said = format!("echo {SECRET}\necho \"cannot: {SECRET}\" >&2\nexit 4\n");
        project.file("org/fail.sh", &said);
        (project.cli(["validate"]).run(), project)
    };
    let (done, project) = run("\"${exec:echo x; touch made.txt}\"");
    assert_eq!(done.code, 0, "{done}");
    assert!(
        !project.path().join("org/made.txt").exists(),
        "a shell ran it"
    );
    for (key, says) in [
        (
            "${exec:sh fail.sh}",
            "ended with exit status: 4: cannot: (secret)",
        ),
        (
            "${exec:no-such-program}",
            "there is no program `no-such-program` on the PATH",
        ),
        ("\"${exec:echo 'x}\"", "its quotes do not match"),
        ("${exec:true}", "printed nothing"),
    ] {
        let (failed, _) = run(key);
        assert_eq!(failed.code, 1, "{failed}");
        assert!(failed.stderr.contains(says), "{says}: {failed}");
        assert_no_leak("the output", &failed.output(), SECRET);
    }
}

#[test]
#[cfg(unix)]
fn what_sops_decrypts_is_in_no_ledger_where_the_api_has_no_secret() {
    let server = Server::start();
    let project = Project::of(
        "workspaces:\n  w: { name: W, description: \"Ask ${sops:prod.enc.yaml#openai/key}\" }\n",
    );
    let path = with_sops(&project);
    for arguments in [["apply", "--yes"], ["plan", "--detailed-exitcode"]] {
        let run = project.at(&server.url(), arguments).env("PATH", &path);
        let run = run.run().expect(0);
        assert!(
            run.stderr.contains("warning[encrypted-in-the-open]"),
            "{run}"
        );
        assert_no_leak("the output", &run.output(), SECRET);
        assert_no_leak("the state", &project.state(), SECRET);
    }
    let description = server.workspace("W")["description"].clone();
    assert_eq!(description, format!("Ask {SECRET}"));
    let source = r#"{"$secret":["${sops:prod.enc.yaml#openai/key}"]}"#;
    assert!(project.ledger().contains(source), "{}", project.ledger());
}
