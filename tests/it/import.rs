//! `gatewright import`: manifests for what is live.

use serde_json::json;

use crate::support::{Cli, Fate, Project, Proxy, Server};

/// A folder without anything in it.
fn empty() -> Project {
    let project = Project::new();
    std::fs::remove_file(project.path().join("gatewright.yaml")).unwrap();
    project
}

/// A run without any variable but the API key.
fn bare<const N: usize>(project: &Project, server: &Server, arguments: [&str; N]) -> Cli {
    project
        .at(&server.url(), arguments)
        .without("OPENAI_API_KEY")
}

/// Asserts that a plan finds nothing, and that importing again does neither.
#[track_caller]
fn assert_imported(project: &Project, server: &Server) {
    server.clear();
    let plan = bare(project, server, ["plan", "--detailed-exitcode"]).run();
    assert_eq!(plan.code, 0, "a plan after the import is not empty\n{plan}");
    bare(project, server, ["drift"]).run().expect(0);
    let before = snapshot(project);
    let again = bare(project, server, ["import", "--format", "json"])
        .run()
        .expect(0);
    assert_eq!(again.json()["imported"]["entries"], json!([]), "{again}");
    assert_eq!(snapshot(project), before, "a second import wrote something");
    assert_eq!(server.writes(), [""; 0], "an import wrote to the server");
}

/// Every file of a repository, journals and caches aside.
fn snapshot(project: &Project) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![project.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(project.path())
                .unwrap()
                .display()
                .to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !name.contains("/cache/") {
                files.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn what_acme_applied_is_imported_into_an_empty_folder() {
    let (server, acme) = (Server::start(), Project::acme());
    let run =
        |arguments: [&str; 2]| super::examples::variables(acme.at(&server.url(), arguments)).run();
    let applied = run(["apply", "--yes"]).expect(0);
    let created = applied
        .changes()
        .iter()
        .filter(|it| it.starts_with("+ "))
        .count();
    for layout in ["kind", "workspace"] {
        server.clear();
        let project = empty();
        let arguments = ["import", "--format", "json", "--layout", layout];
        let import = bare(&project, &server, arguments).run().expect(0);
        assert_eq!(server.writes(), [""; 0]);
        let document = import.json();
        // Of this secret the API shows nothing, so that nothing says that it is there.
        let warnings: Vec<_> = import.codes();
        assert_eq!(warnings, ["legacy-kind", "missing-secret"], "{import}");
        let imported = &document["imported"];
        let entries = imported["entries"].as_array().unwrap().len();
        // The server came with a workspace and two people.
        assert_eq!(entries, created + 3, "{import}");
        let because: std::collections::BTreeSet<_> = imported["left_out"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["because"].as_str().unwrap())
            .collect();
        // Nobody declares an owner.
        let expected = [
            "its `role` is `owner`, which no entry can say",
            "every workspace has one from the start",
            "everybody has them from the start",
        ];
        assert_eq!(because, expected.into(), "{import}");
        let unseen = |kind: &str, place: &str| {
            let all = imported["unseen"].as_array().unwrap();
            let found = all
                .iter()
                .find(|it| it["kind"] == kind && it["place"] == place);
            found.map(|it| it["entries"].as_u64().unwrap())
        };
        assert_eq!(unseen("invites", "/workspaces"), Some(1), "{import}");
        assert_eq!(unseen("providers", "/note"), None, "{import}");
        let keys = |kind: &str| {
            let addresses = imported["entries"].as_array().unwrap().iter();
            let addresses = addresses.map(|it| it["address"].as_str().unwrap());
            let keys = addresses.filter_map(|it| it.strip_prefix(kind)?.strip_prefix('.'));
            keys.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(keys("users"), ["admin", "member"]);
        assert_eq!(keys("invites"), ["auditor"]);
        assert_imported(&project, &server);
        // Many are one line in a plan, and each of them one in its document.
        let plan = bare(&project, &server, ["plan"]).run().expect(0);
        let unset = "Left alone, because their variables are not set yet: ";
        assert_eq!(plan.stdout.matches(unset).count(), 1, "{plan}");
        if layout == "workspace" {
            let text = project.read("org/payments.yaml");
            assert!(text.starts_with("workspaces:\n  payments:\n"), "{text}");
            assert!(
                project
                    .read("org/shared.yaml")
                    .contains("\nsecret_references:\n")
            );
            continue;
        }
        let configs = project.read("org/configs.yaml");
        assert!(
            configs.contains("\"${ref:guardrails.no-card-data.slug}\""),
            "{configs}"
        );
        assert!(
            configs.contains("provider: \"@azure-eu-payments\""),
            "{configs}"
        );
        for (_, text) in snapshot(&project)
            .iter()
            .filter(|(name, _)| name.starts_with("org/"))
        {
            for server_owned in ["created_at", "status: active", "masked", "***"] {
                assert!(!text.contains(server_owned), "{server_owned} in\n{text}");
            }
        }
    }
}

/// The small organisation, applied.
fn applied() -> Server {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    server
}

#[test]
fn secrets_are_placeholders_that_nobody_needs_until_they_change() {
    let (server, project) = (applied(), empty());
    let import = bare(&project, &server, ["import"]).run().expect(0);
    assert!(
        import
            .stdout
            .contains("OPENAI_PROD_KEY  integrations.openai-prod/key"),
        "{import}"
    );
    let text = project.read("org/integrations.yaml");
    assert!(text.contains("key: ${env:OPENAI_PROD_KEY}"), "{text}");
    assert_imported(&project, &server);
    let plan = bare(&project, &server, ["plan"]).run().expect(0);
    let why = "because its variable is not set yet: integrations.openai-prod /key.";
    assert!(plan.stdout.contains(why), "{plan}");
    // Other changes do not need it.
    project.edit_file(
        "org/integrations.yaml",
        "name: OpenAI production",
        "name: OpenAI",
    );
    bare(&project, &server, ["apply", "--yes"]).run().expect(0);
    assert_eq!(server.writes(), ["PUT /v1/integrations/openai-prod 200"]);
    // Checking offline knows nothing of the ledger.
    let validate = bare(&project, &server, ["validate", "--format", "json"])
        .run()
        .expect(1);
    assert_eq!(validate.codes(), ["unset-variable"], "{validate}");
    // The right value is no change, and a wrong one is.
    let with = |key: &str, arguments: [&str; 2]| {
        bare(&project, &server, arguments)
            .env("OPENAI_PROD_KEY", key)
            .run()
    };
    with(crate::support::OPENAI_KEY, ["plan", "--detailed-exitcode"]).expect(0);
    let wrong = with("sk-another-one-altogether", ["plan", "--detailed-exitcode"]).expect(2);
    assert_eq!(wrong.changes(), ["~ integrations.openai-prod"], "{wrong}");
    // Once it has been set, it is needed like any other.
    project.edit_file("org/integrations.yaml", "name: OpenAI", "name: Ours");
    server.clear();
    with(crate::support::OPENAI_KEY, ["apply", "--yes"]).expect(0);
    assert_eq!(server.writes(), ["PUT /v1/integrations/openai-prod 200"]);
    let plan = bare(&project, &server, ["plan", "--format", "json"])
        .run()
        .expect(1);
    assert_eq!(plan.codes(), ["unset-variable"], "{plan}");
}

#[test]
fn an_object_that_has_to_be_made_again_needs_its_secrets() {
    let (server, project) = (applied(), empty());
    bare(
        &project,
        &server,
        ["import", "--only", "integrations.openai-prod"],
    )
    .run()
    .expect(0);
    let delete = |path: &str| server.send(reqwest::Method::DELETE, path, None);
    let provider = "/providers/openai-payments";
    let workspace = server
        .send(reqwest::Method::GET, "/admin/workspaces", None)
        .1;
    let workspace = workspace["data"].as_array().unwrap();
    let id = |name: &str| {
        let it = workspace.iter().find(|it| it["name"] == name).unwrap();
        it["id"].as_str().unwrap().to_owned()
    };
    delete(&format!("{provider}?workspace_id={}", id("Payments")));
    assert_eq!(delete("/integrations/openai-prod").0, 200);
    let plan = bare(&project, &server, ["plan", "--format", "json"])
        .run()
        .expect(1);
    assert_eq!(plan.codes(), ["unset-variable"], "{plan}");
}

#[test]
fn what_is_asked_for_is_imported_and_the_rest_is_not() {
    let server = applied();
    let imported = |arguments: &[&str]| {
        let project = empty();
        let mut cli = bare(&project, &server, ["import", "--format", "json"]);
        for argument in arguments {
            cli = cli.arg(argument);
        }
        let document = cli.run().expect(0).json();
        let entries = document["imported"]["entries"].as_array().unwrap();
        let entries = entries.iter().map(|it| it["address"].as_str().unwrap());
        let entries: Vec<_> = entries.map(str::to_owned).collect();
        bare(&project, &server, ["plan", "--detailed-exitcode"])
            .run()
            .expect(0);
        (entries.join(" "), project)
    };
    let (entries, project) = imported(&["--kind", "configs", "--kind", "guardrails"]);
    assert_eq!(entries, "configs.standard guardrails.no-pii");
    // What is not in the repository is named by its id.
    let text = project.read("org/guardrails.yaml");
    let line = text
        .lines()
        .find(|line| line.contains("workspace_id"))
        .unwrap();
    assert_eq!(line.trim().len(), "workspace_id: ".len() + 36, "{text}");
    let (entries, _) = imported(&["--only", "configs.standard", "--into", "org/a/b.yaml"]);
    assert_eq!(entries, "configs.standard");
    let (entries, _) = imported(&["--workspace", "Payments"]);
    assert_eq!(
        entries,
        "configs.standard guardrails.no-pii rate_limits_policies.requests-a-minute usage_limits_policies.monthly-cost \
         workspaces.payments"
    );
    let project = empty();
    let wrong = [
        "import",
        "--kind=config",
        "--kind=nope",
        "--into=./gatewright.yaml",
    ];
    let wrong = bare(&project, &server, wrong).run().expect(1);
    for said in [
        "did you mean `configs`?",
        "unknown kind `nope`",
        "gatewright.yaml is the project file and no manifest",
    ] {
        assert!(wrong.stderr.contains(said), "{wrong}");
    }
    for (flag, name, meant) in [
        ("--only", "configs.standrad", "configs.standard"),
        ("--workspace", "Paymnts", "Payments"),
    ] {
        let wrong = bare(&project, &server, ["import", flag, name]);
        let wrong = wrong.run().expect(1);
        let said = format!("did you mean `{meant}`?");
        assert!(wrong.stderr.contains(&said), "{wrong}");
    }
    let outside = bare(&project, &server, ["import", "--into", "elsewhere.yaml"])
        .run()
        .expect(1);
    assert!(
        outside
            .stderr
            .contains("elsewhere.yaml would not be read as a manifest"),
        "{outside}"
    );
    let dry = bare(&project, &server, ["import", "--dry-run"])
        .run()
        .expect(0);
    assert!(
        dry.stdout
            .contains("# org/configs.yaml\nconfigs:\n  standard:\n"),
        "{dry}"
    );
    assert_eq!(snapshot(&project), [], "a dry run wrote something");
}

#[test]
fn what_a_key_may_not_list_is_named_and_the_rest_is_imported() {
    const REFUSAL: &str = r#"{"success":false,"data":{"message":"You do not have enough permissions","errorCode":"AB03"}}"#;
    let (server, project) = (applied(), empty());
    let refusing = |refused: &'static str| {
        Proxy::start(&server, move |seen| match seen.path.starts_with(refused) {
            true => Fate::answer(
                "403 Forbidden",
                "content-type: application/json\r\n",
                REFUSAL,
            ),
            false => Fate::Forward,
        })
    };
    let import = |proxy: &Proxy, more: &[&str]| {
        let cli = project.at(&proxy.url(), ["import", "--format", "json"]);
        more.iter().fold(cli, |cli, it| cli.arg(it)).run()
    };
    let users = refusing("/admin/users");
    // Who names a kind wants to have it.
    let named = import(&users, &["--kind", "users"]).expect(6);
    assert_eq!(named.codes(), ["forbidden"], "{named}");
    let run = import(&users, &[]).expect(0);
    assert!(run.codes().contains(&"not-listed".to_owned()), "{run}");
    assert!(run.stdout.contains("users cannot be listed"), "{run}");
    assert!(!run.stdout.contains("configs cannot"), "{run}");
    assert!(project.read("org/configs.yaml").contains("standard:"));
    assert!(!project.path().join("org/users.yaml").exists());
    let plan = project.at(&users.url(), ["plan", "--detailed-exitcode"]);
    plan.run().expect(0);
    // A key that reaches nothing is the wrong one.
    let project = empty();
    let nothing = project.at(&refusing("/").url(), ["import"]).run().expect(6);
    assert_eq!(snapshot(&project), [], "{nothing}");
}

#[test]
fn an_import_leaves_a_pending_replacement_pending() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url();
    project.file("org/other.yaml", "workspaces: { other: { name: Other } }\n");
    project.apply(&url);
    let record = |project: &Project| {
        let ledger = project.ledger();
        let lines = ledger
            .lines()
            .filter(|line| line.starts_with("{\"address\":\"configs.standard\""));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = record(&project);
    assert_eq!(before.len(), 1, "{before:?}");
    project.edit(
        "standard:\n    workspace_id: payments",
        "standard:\n    workspace_id: other",
    );
    let pending = project.plan(&url)["changes"].clone();
    let replaced = |it: &&serde_json::Value| it["address"] == "configs.standard";
    let change = pending.as_array().unwrap().iter().find(replaced);
    assert_eq!(change.unwrap()["action"], "replace", "{pending}");
    server.make_workspace("Theirs");
    project.at(&url, ["import"]).run().expect(0);
    assert_eq!(record(&project), before);
    assert_eq!(project.plan(&url)["changes"], pending);
}

#[test]
fn what_lost_its_entry_is_not_imported_in_silence() {
    let (server, project) = (Server::start(), Project::small());
    let url = server.url();
    project.apply(&url);
    project.remove_entry("rate_limits_policies", "per-minute");
    for arguments in [
        &["import"][..],
        &["import", "--only", "rate_limits_policies.per-minute"],
    ] {
        let run = arguments
            .iter()
            .fold(project.at(&url, []), |cli, it| cli.arg(it));
        let run = run.run().expect(0);
        let said = "the entry of rate_limits_policies.per-minute was removed: the next apply deletes \
                    it unless the entry comes back";
        assert!(run.stdout.contains(said), "{run}");
    }
    let deleted = &project.plan(&url)["changes"][0];
    assert_eq!(deleted["action"], "delete", "{deleted}");
}

#[test]
fn existing_files_keep_their_comments_and_their_order() {
    let (server, project) = (applied(), Project::new());
    let ours = "# Ours.\n\nconfigs:   # of the team\n  mine:\n    # Ask first.\n    name: Standard\n    \
                workspace_id: pay\n    config: { provider: \"@openai-payments\" } # one\n\n\
                workspaces: { pay: { name: Payments } }\n";
    project.file("org/all.yaml", ours);
    // Somebody else's config of that name has become ours by its name already.
    let import = [
        "import",
        "--format",
        "json",
        "--into",
        "org/all.yaml",
        "--kind",
        "guardrails",
    ];
    let run = bare(&project, &server, import).run().expect(0);
    assert_eq!(
        run.json()["imported"]["entries"][0]["address"],
        "guardrails.no-pii"
    );
    let text = project.read("org/all.yaml");
    assert!(text.starts_with(ours), "{text}");
    assert!(
        text.contains("guardrails:\n  no-pii:\n    name: No PII\n    workspace_id: pay\n"),
        "{text}"
    );
    let again = [
        "import",
        "--format",
        "json",
        "--into",
        "org/all.yaml",
        "--kind",
        "providers",
    ];
    bare(&project, &server, again).run().expect(0);
    let more = project.read("org/all.yaml");
    assert!(more.starts_with(&text), "{more}");
}

#[test]
fn names_that_yaml_and_manifests_are_fond_of_misreading() {
    let (server, project) = (applied(), empty());
    let post = |path: &str, body: serde_json::Value| {
        let (status, answer) = server.send(reqwest::Method::POST, path, Some(body));
        assert_eq!(status, 200, "{answer}");
        answer["id"].as_str().unwrap_or_default().to_owned()
    };
    let names = [
        "no",
        "1e3",
        "2026-01-02",
        "null",
        "${env:HOME}",
        "a: b #c",
        "\u{65e5}\u{672c}\u{8a9e}",
        "Z\u{fc}rich \"x\"",
        "- [x]",
        "'",
        "tab\there",
    ];
    for name in names {
        let workspace = post(
            "/admin/workspaces",
            json!({ "name": name, "description": format!("{name}\nand more\n") }),
        );
        post(
            "/configs",
            json!({ "name": name, "workspace_id": workspace,
                    "config": { "provider": "@x", "override_params": { "stop": [name, "yes"], "note": " a\n\n  b\n" } } }),
        );
    }
    // The same name twice in one workspace cannot be told apart without the ledger.
    let workspace = post("/admin/workspaces", json!({ "name": "Twins" }));
    for _ in 0..2 {
        post(
            "/configs",
            json!({ "name": "Twin", "workspace_id": workspace, "config": { "provider": "@x" } }),
        );
    }
    let import = bare(&project, &server, ["import", "--format", "json"])
        .run()
        .expect(0);
    let left_out = import.json()["imported"]["left_out"].clone();
    let twins = left_out
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["name"] == "Twin");
    let because: Vec<_> = twins.map(|it| it["because"].as_str().unwrap()).collect();
    assert_eq!(
        because,
        ["two entries declare a config called `Twin` in one place"]
    );
    let text = project.read("org/configs.yaml");
    assert!(text.contains("stop: [\"no\", \"yes\"]"), "{text}");
    assert!(
        text.contains("note: |2\n           a\n\n            b\n"),
        "{text}"
    );
    let plan = bare(&project, &server, ["plan", "--detailed-exitcode"]).run();
    assert_eq!(plan.code, 0, "{plan}");
    let entries = import.json()["imported"]["entries"]
        .as_array()
        .unwrap()
        .len();
    assert!(entries >= 2 * names.len(), "{import}");
}
