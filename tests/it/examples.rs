//! The example repository, as its README says it is to be used.

use crate::support::{Cli, Project, Server};

/// The variables of the example, with values that fit their places.
pub(crate) fn variables(mut cli: Cli) -> Cli {
    for name in [
        "VAULT_SECRET_ID",
        "VAULT_SANDBOX_TOKEN",
        "AWS_DATA_SECRETS_ACCESS_KEY_ID",
        "AWS_DATA_SECRETS_SECRET_ACCESS_KEY",
        "AZURE_KEYVAULT_CLIENT_SECRET",
        "AZURE_OPENAI_CLIENT_SECRET",
        "AWS_BEDROCK_EU_ACCESS_KEY_ID",
        "AWS_BEDROCK_EU_SECRET_ACCESS_KEY",
        "HUGGINGFACE_TOKEN",
        "COHERE_SANDBOX_KEY",
    ] {
        cli = cli.env(name, &format!("value-of-{name}"));
    }
    cli.env(
        "VERTEX_SERVICE_ACCOUNT_JSON",
        r#"{"type":"service_account","private_key":"pem-of-vertex"}"#,
    )
    .env("PORTKEY_STAGING_API_KEY", crate::support::KEY)
    .env("PORTKEY_PROD_API_KEY", crate::support::KEY)
}

fn repository() -> Cli {
    Cli::new([]).folder(std::path::Path::new(env!("CARGO_MANIFEST_DIR")))
}

#[test]
fn it_applies_to_the_embedded_mock_without_any_variable() {
    for environment in [None, Some("staging"), Some("prod")] {
        let project = Project::acme();
        let folder = project.path().to_string_lossy().into_owned();
        let with = |arguments: &[&str]| {
            let mut cli = repository();
            for argument in arguments {
                cli = cli.arg(argument);
            }
            cli = cli.arg("-C").arg(&folder);
            environment
                .iter()
                .fold(cli, |cli, name| cli.arg("--env").arg(name))
        };
        let apply = with(&["apply", "--mock", "--yes"]).run().expect(0);
        let created = apply
            .changes()
            .iter()
            .filter(|change| change.starts_with("+ "))
            .count();
        assert!(created >= 80, "{created} objects\n{apply}");
        assert!(
            apply.stdout.contains(&format!(
                "Applied: {created} created, 0 updated, 0 deleted."
            )),
            "{apply}"
        );
        assert!(
            apply.stdout.contains("a second plan finds nothing to do"),
            "{apply}"
        );
        // The one virtual key is there to show what it is told.
        assert_eq!(apply.stderr.matches("warning").count(), 1, "{apply}");
        assert!(apply.stderr.starts_with("warning[legacy-kind]"), "{apply}");
        assert!(
            project.state_files("").is_empty(),
            "the mock's runs leave no state"
        );

        let json = with(&["apply", "--mock", "--yes", "--format", "json"])
            .run()
            .expect(0)
            .json();
        assert_eq!(json["plan"]["summary"]["create"], created);
        assert_eq!(json["applied"]["verified"], true);
        assert_eq!(json["applied"]["steps"]["failed"], 0);

        let validate = with(&["validate", "--mock"]).run().expect(0);
        assert!(
            validate.stdout.contains("170 resources are declared"),
            "{validate}"
        );
        let plan = with(&["plan", "--mock", "--detailed-exitcode"])
            .run()
            .expect(2);
        assert_eq!(plan.changes().len(), created, "{plan}");
    }
}

#[test]
fn environments_differ_in_what_their_variables_say() {
    let project = Project::acme();
    let plan = |environment: &str| {
        let run = project
            .cli(["plan", "--mock", "--format", "json", "--env", environment])
            .run()
            .expect(0);
        run.json()["plan"]["changes"].clone()
    };
    let limit = |changes: &serde_json::Value| {
        let changes = changes.as_array().unwrap();
        let payments = changes
            .iter()
            .find(|change| change["address"] == "workspaces.payments")
            .unwrap();
        let fields = payments["fields"].as_array().unwrap();
        let limits = fields
            .iter()
            .find(|field| field["pointer"] == "/usage_limits")
            .unwrap();
        limits["new"][0]["credit_limit"].clone()
    };
    assert_eq!(limit(&plan("staging")), 250);
    assert_eq!(limit(&plan("prod")), 6000);
}

#[test]
fn it_applies_to_a_server_and_then_plans_nothing() {
    let (server, project) = (Server::start(), Project::acme());
    let run = |arguments: [&str; 2]| variables(project.at(&server.url(), arguments)).run();
    run(["apply", "--yes"]).expect(0);
    server.clear();
    run(["plan", "--detailed-exitcode"]).expect(0);
    run(["drift", "--full"]).expect(0);
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn looking_as_its_readme_says_needs_no_variable() {
    let project = Project::acme();
    let readme = project.read("README.md");
    let block = readme
        .split("To look without applying:")
        .nth(1)
        .unwrap()
        .split("```")
        .nth(1)
        .unwrap();
    let commands: Vec<&str> = block
        .lines()
        .filter(|line| line.starts_with("gatewright "))
        .collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        let mut cli = Cli::new([]).folder(project.path());
        for word in command.split_whitespace().skip(1) {
            cli = cli.arg(if word == "examples/acme" { "." } else { word });
        }
        let run = cli.run();
        assert_eq!(run.code, 0, "{command}\n{run}");
    }
}

#[test]
fn a_real_run_needs_its_variables_and_names_all_that_are_missing() {
    let (server, project) = (Server::start(), Project::acme());
    let run = project.at(&server.url(), ["plan"]).run().expect(1);
    for name in [
        "VAULT_SECRET_ID",
        "VERTEX_SERVICE_ACCOUNT_JSON",
        "HUGGINGFACE_TOKEN",
    ] {
        assert!(
            run.stderr
                .contains(&format!("environment variable `{name}` is not set")),
            "{run}"
        );
    }
    assert!(
        run.stderr
            .contains("org/platform/secret-references.yaml:13:24"),
        "{run}"
    );
    assert_eq!(server.total(), 0);
}

#[test]
fn the_first_change_of_its_readme_plans_one_config_and_its_typo_has_a_place() {
    let (server, project) = (Server::start(), Project::acme());
    let run = |arguments: [&str; 1]| variables(project.at(&server.url(), arguments)).run();
    variables(project.at(&server.url(), ["apply", "--yes"]))
        .run()
        .expect(0);
    let readme = project.read("README.md");
    let block = readme
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let entry: String = block
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("   ").unwrap_or(line)))
        .collect();
    project.edit_file(
        "org/teams/search/search.yaml",
        "\nconfigs:\n",
        &format!("\nconfigs:\n{entry}"),
    );
    let plan = run(["plan"]).expect(0);
    assert_eq!(
        plan.changes(),
        ["+ configs.search-embeddings-trial"],
        "{plan}"
    );

    let file = "org/teams/search/search.yaml";
    let broken = project.read(file).replacen(
        "guardrails.search-request-types.slug",
        "guardrails.search-request-type.slug",
        1,
    );
    project.file(file, &broken);
    let line = broken
        .lines()
        .position(|line| line.contains("search-request-type.slug"))
        .unwrap()
        + 1;
    let plan = run(["plan"]).expect(1);
    assert!(plan.stderr.contains(&format!("{file}:{line}:")), "{plan}");
    assert!(
        plan.stderr.contains("did you mean `search-request-types`?"),
        "{plan}"
    );
}
