//! Mistakes that people make with each other and with themselves, found by trying to make them.

use serde_json::json;

use crate::support::{Project, Server};

const GUARDRAIL: &str = "checks: [{ id: default.wordCount, parameters: { maxWords: WORDS } }]
    actions: { deny: true, async: false }
";

fn guardrail(key: &str, name: &str, workspace: &str, words: &str) -> String {
    let content = GUARDRAIL.replace("WORDS", words);
    format!("guardrails:\n  {key}:\n    name: {name}\n{workspace}    {content}")
}

#[test]
fn two_applies_at_once_do_not_make_everything_twice() {
    let server = Server::start();
    let workspaces: String = (0..40).map(|n| format!("  w{n}: {{}}\n")).collect();
    let project = Project::of(&format!("workspaces:\n{workspaces}"));
    let start = || project.at(&server.url(), ["apply", "--yes"]).start();
    let (one, other) = (start(), start());
    let codes = [one.wait().code, other.wait().code];
    // One of them does it; the other one is kept away, comes late, or finds everything done.
    assert!(codes.contains(&0), "{codes:?}");
    assert!(
        codes.iter().all(|code| matches!(code, 0 | 3 | 4)),
        "{codes:?}"
    );
    assert_eq!(server.list("/admin/workspaces").len(), 41, "{codes:?}");
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn an_entry_that_forgets_its_workspace_does_not_take_over_somebody_elses_object() {
    let server = Server::start();
    let theirs = Project::of(&format!(
        "workspaces:\n  w: {{ name: W }}\n{}",
        guardrail("theirs", "Shared", "    workspace_id: w\n", "10")
    ));
    theirs.apply(&server.url());
    let mine = Project::of(&guardrail("mine", "Shared", "", "99"));
    let plan = mine
        .at(&server.url(), ["plan", "--format", "json"])
        .run()
        .expect(0);
    assert_eq!(plan.json()["plan"]["summary"]["update"], 0, "{plan}");
    assert_eq!(plan.json()["plan"]["adopted"], json!([]), "{plan}");
    theirs.assert_converged(&server, &server.url());
}

#[test]
fn an_object_does_not_move_to_another_workspace_by_leaving_a_copy_behind() {
    let server = Server::start();
    let text = |workspace: &str| {
        let place = format!("    workspace_id: {workspace}\n");
        format!(
            "workspaces:\n  a: {{}}\n  b: {{}}\n{}",
            guardrail("g", "G", &place, "10")
        )
    };
    let project = Project::of(&text("a"));
    project.apply(&server.url());
    project.file("org/all.yaml", &text("b"));
    project.apply(&server.url());
    let names = |workspace: &str| {
        let found = server.list_in("/guardrails", &server.workspace(workspace));
        found.iter().map(|g| g["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("a"), [json!(null); 0]);
    assert_eq!(names("b"), [json!("G")]);
    project.assert_converged(&server, &server.url());
}

#[test]
fn an_entry_under_a_new_key_does_not_adopt_what_the_old_key_deletes() {
    let server = Server::start();
    let text = |key: &str| {
        let place = "    workspace_id: w\n";
        format!(
            "workspaces:\n  w: {{}}\n{}",
            guardrail(key, "Same", place, "10")
        )
    };
    let project = Project::of(&text("old"));
    project.apply(&server.url());
    project.file("org/all.yaml", &text("new"));
    let plan = project.plan(&server.url());
    assert_eq!(plan["summary"]["create"], 1, "{plan:#}");
    assert_eq!(plan["summary"]["delete"], 1, "{plan:#}");
    assert_eq!(plan["adopted"], json!([]), "{plan:#}");
    // What is recorded is not also counted as somebody else's.
    let left = plan["left_alone"].as_array().unwrap();
    assert!(
        left.iter().all(|left| left["kind"] != "guardrails"),
        "{plan:#}"
    );
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn what_goes_with_a_renamed_workspace_is_still_found() {
    let server = Server::start();
    let inside =
        |workspace: &str| guardrail("g", "G", &format!("    workspace_id: {workspace}\n"), "10");
    let project = Project::of(&format!(
        "workspaces:\n  old: {{ name: W }}\n{}",
        inside("old")
    ));
    project.apply(&server.url());
    project.file(
        "org/all.yaml",
        "workspaces:\n  new: { name: W, lifecycle: { moved_from: old } }\n",
    );
    let plan = project.plan(&server.url());
    assert_eq!(plan["summary"]["delete"], 1, "{plan:#}");
    assert_eq!(plan["forgotten"], json!([]), "{plan:#}");
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_secret_that_is_declared_later_is_sent() {
    let server = Server::start();
    let project = Project::of("integrations:\n  i: { name: I, ai_provider_id: openai }\n");
    project.apply(&server.url());
    assert_eq!(server.get("/integrations/i")["masked_key"], json!(null));
    project.file(
        "org/all.yaml",
        "integrations:\n  i:\n    name: I\n    ai_provider_id: openai\n    key: ${env:OPENAI_API_KEY}\n",
    );
    project.apply(&server.url());
    assert!(server.get("/integrations/i")["masked_key"].is_string());
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_header_that_changes_is_noticed_though_the_api_masks_it() {
    let server = Server::start();
    let text = |header: &str| {
        format!(
            "integrations:\n  i:\n    ai_provider_id: openai\n    configurations:\n      \
             custom_host: https://llm.example/v1\n      custom_headers: {{ x-a: {header} }}\n"
        )
    };
    let project = Project::of(&text("one"));
    project.apply(&server.url());
    project.file("org/all.yaml", &text("two"));
    assert_eq!(project.plan(&server.url())["summary"]["update"], 1);
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_credential_that_is_no_longer_declared_is_not_lost_in_passing() {
    let server = Server::start();
    let text = |region: &str, keys: &str| {
        format!(
            "integrations:\n  i:\n    ai_provider_id: bedrock\n    configurations:\n      \
             aws_auth_type: accessKey\n      aws_region: {region}\n{keys}"
        )
    };
    let keys = "      aws_access_key_id: ${env:OPENAI_API_KEY}\n      \
                aws_secret_access_key: ${env:OPENAI_API_KEY}\n";
    let project = Project::of(&text("eu-1", keys));
    project.apply(&server.url());
    project.file("org/all.yaml", &text("eu-2", ""));
    let before = server.get("/integrations/i");
    let refused = project
        .at(&server.url(), ["apply", "--yes"])
        .run()
        .expect(3);
    assert!(
        refused.stderr.contains("aws_secret_access_key"),
        "{refused}"
    );
    assert_eq!(server.get("/integrations/i"), before);
}

#[test]
fn adoption_wants_a_yes_and_says_what_it_adopts() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    project.forget();
    let refused = project.at(&server.url(), ["apply"]).run().expect(3);
    assert!(refused.stdout.contains("= guardrails.no-pii"), "{refused}");
    assert!(project.state_files(".ledger").is_empty());
}

#[test]
fn a_damaged_ledger_is_not_an_empty_one() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let ledger = project.state_files(".ledger").remove(0);
    std::fs::write(&ledger, "").unwrap();
    let run = project.at(&server.url(), ["plan"]).run().expect(1);
    assert!(run.stderr.contains(".ledger:1: the file is empty"), "{run}");
}

#[test]
fn output_that_nobody_gets_is_no_success() {
    let project = Project::small();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_gatewright"))
        .args(["plan", "--mock", "--format", "json", "-C"])
        .arg(project.path())
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
