//! The canary: a random secret in every place where a secret may stand, and no trace of any of them
//! in anything that is written anywhere.
//!
//! The places come from the kinds' own rules, so that a new one fails here until it is planted.
//! Panics are provoked in the unit tests of the command line: nothing from outside makes one.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use gatewright::kind::{Is, Kind};
use gatewright::manifest::{self, Options};
use gatewright::model::{Pointer, Value};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::support::{
    Fate, Project, Proxy, Run, Server, assert_no_leak, at_once, base64_of, program,
};

/// Where nobody listens.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// Every secret place of every kind, each with a variable of its own.
const MANIFEST: &str = r#"workspaces:
  w: { name: W }
secret_references:
  aws:
    name: A
    manager_type: aws_sm
    secret_path: p
    allow_all_workspaces: true
    auth_config: { aws_auth_type: accessKey, aws_region: r, aws_access_key_id: "${env:C_SR_ID}", aws_secret_access_key: "${env:C_SR_KEY}" }
  azure:
    name: B
    manager_type: azure_kv
    secret_path: p
    allow_all_workspaces: true
    auth_config: { azure_auth_mode: entra, azure_vault_url: "https://v", azure_entra_tenant_id: t, azure_entra_client_id: c, azure_entra_client_secret: "${env:C_SR_ENTRA}" }
  token:
    name: C
    manager_type: hashicorp_vault
    secret_path: p
    allow_all_workspaces: true
    auth_config: { vault_auth_type: token, vault_addr: "https://v", vault_token: "${env:C_SR_TOKEN}" }
  approle:
    name: D
    manager_type: hashicorp_vault
    secret_path: p
    allow_all_workspaces: true
    auth_config: { vault_auth_type: approle, vault_addr: "https://v", vault_role_id: r, vault_secret_id: "${env:C_SR_APPROLE}" }
integrations:
  openai:
    name: O
    ai_provider_id: openai
    key: ${env:C_KEY}
    configurations: { custom_host: "https://llm.example/v1", custom_headers: { x-token: "${env:C_HEADER}" } }
    models:
      mine: { enabled: true, is_custom: true, configurations: { custom_host: "https://m.example", custom_headers: { x-token: "${env:C_MODEL}" } } }
  bedrock:
    name: P
    ai_provider_id: bedrock
    configurations: { aws_auth_type: accessKey, aws_region: r, aws_access_key_id: "${env:C_BR_ID}", aws_secret_access_key: "${env:C_BR_KEY}" }
  azure:
    name: Q
    ai_provider_id: azure-openai
    configurations:
      azure_auth_mode: entra
      azure_resource_name: r
      azure_entra_tenant_id: t
      azure_entra_client_id: c
      azure_entra_client_secret: ${env:C_ENTRA}
      azure_deployment_config: [{ azure_deployment_name: d, azure_api_version: v, azure_model_slug: gpt-5, alias: gpt-5, is_default: true }]
  vertex:
    name: R
    ai_provider_id: vertex-ai
    configurations: { vertex_auth_type: serviceAccount, vertex_region: r, vertex_project_id: p, vertex_service_account_json: "${env:C_VERTEX_JSON}" }
virtual_keys:
  old:
    name: V
    workspace_id: w
    provider: openai
    key: ${env:C_VK_KEY}
guardrails:
  hook:
    workspace_id: w
    name: Hook
    checks: [{ id: default.webhook, parameters: { webhookURL: "https://h.example", headers: { x-token: "${env:C_HOOK}" } } }]
    actions: { deny: true, async: false }
configs:
  inline:
    workspace_id: w
    name: Inline
    config:
      strategy: { mode: fallback }
      targets:
        - { provider: openai, api_key: "${env:C_CFG_KEY}" }
        - { provider: bedrock, aws_access_key_id: "${env:C_CFG_ID}", aws_secret_access_key: "${env:C_CFG_SECRET}", aws_session_token: "${env:C_CFG_SESSION}", aws_region: r }
        - { provider: azure-openai, azure_ad_token: "${env:C_CFG_AD}", azure_entra_client_secret: "${env:C_CFG_ENTRA}" }
        - { provider: vertex-ai, vertex_service_account_json: "${env:C_CFG_JSON}" }
mcp_integrations:
  headers:
    name: M
    url: https://mcp.example
    transport: http
    auth_type: headers
    configurations: { custom_headers: { x-token: "${env:C_MCP}" } }
  oauth:
    name: N
    url: https://mcp.example/o
    transport: http
    auth_type: oauth_auto
    configurations: { oauth_metadata: { client_id: c, client_secret: "${env:C_OAUTH}" }, external_auth_config: { clientSecret: "${env:C_IDP}" } }
api_keys:
  made:
    name: Made
    type: workspace
    sub_type: service
    workspace_id: w
    scopes: [logs.list]
"#;

/// The same for the second system, in a file of its own.
const OTHER: &str = r#"system: arize
organizations:
  o: { name: O }
integrations:
  openai: { type: LLM, config: { provider: OPEN_AI, api_key: "${env:C_AZ_KEY}" } }
  proxy:
    type: LLM
    config:
      provider: AWS_BEDROCK
      is_default_models_enabled: true
      auth: { auth_type: PROXY_WITH_HEADERS, base_url: "https://p.example", headers: { X-Key: "${env:C_AZ_PROXY}" } }
  bearer:
    type: LLM
    config: { provider: AWS_BEDROCK, is_default_models_enabled: true, auth: { auth_type: BEARER_TOKEN, api_key: "${env:C_AZ_BEARER}" } }
  oauth:
    type: LLM
    config:
      provider: CUSTOM
      base_url: https://m.example/v1
      is_default_models_enabled: true
      headers: { X-Key: "${env:C_AZ_HEADER}" }
      auth: { auth_type: OAUTH2_CLIENT_CREDENTIALS, token_url: "https://id.example", client_id: c, client_secret: "${env:C_AZ_OAUTH}" }
  agent:
    type: AGENT
    config: { endpoint: "https://a.example", input_schema: { type: object }, headers: { Authorization: "${env:C_AZ_AGENT}" } }
ai_integrations:
  older: { provider: OPEN_AI, api_key: "${env:C_AZ_OLDER}", headers: { X-Key: "${env:C_AZ_SHOWN}" } }
webhooks:
  pager: { organization_id: o, url: "https://w.example", auth_token: "${env:C_AZ_HOOK}", headers: { X-Key: "${env:C_AZ_DESK}" } }
"#;

/// A secret that occurs nowhere else, with characters that encodings change.
fn canary(variable: &str) -> String {
    let random = uuid::Uuid::now_v7().simple().to_string();
    match variable.ends_with("JSON") {
        true => json!({ "type": "service_account", "private_key": format!("pem/{random}+==") })
            .to_string(),
        false => format!("sk-{random}/+&<\"\\%=="),
    }
}

/// The part of a secret that must not show: of a document, what is secret in it.
fn core(secret: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(secret) {
        Ok(document) => document["private_key"]
            .as_str()
            .unwrap_or(secret)
            .to_owned(),
        Err(_) => secret.to_owned(),
    }
}

/// What is encrypted in a file of its own, where the API has no secrets.
const SEALED: &str = "workspaces:
  sealed: { name: Sealed, description: \"ENC[a]\", defaults: { metadata: { codename: \"ENC[a]\" } } }
guardrails:
  sealed:
    workspace_id: sealed
    name: Sealed
    checks: [{ id: default.webhook, parameters: { webhookURL: \"ENC[a]\" } }]
    actions: { deny: true, async: false }
sops: { mac: \"ENC[x]\" }
";

struct Nest {
    project: Project,
    /// A program that stands for sops, and what it prints.
    sops: tempfile::TempDir,
    secrets: BTreeMap<String, String>,
}

impl Nest {
    fn new() -> Self {
        let project = Project::of(MANIFEST);
        project.file("org/other.yaml", OTHER);
        project.file(
            "gatewright.yaml",
            "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nfingerprint_key: ${env:C_FINGERPRINT}\n\
             sink: { file: \"sunk/{env}/{key}\" }\n",
        );
        let sops = tempfile::tempdir().unwrap();
        let text = format!("#!/bin/sh\ncat {}/open.yaml\n", sops.path().display());
        program(&sops.path().join("sops"), &text);
        let mut nest = Self {
            project,
            sops,
            secrets: BTreeMap::new(),
        };
        nest.draw();
        nest.project.file("org/sealed.yaml", SEALED);
        nest
    }

    /// New values for all variables; the old ones stay secret.
    fn draw(&mut self) -> Vec<String> {
        let old = self.secrets.values().map(|secret| core(secret)).collect();
        let mut names: Vec<&str> = [MANIFEST, OTHER]
            .iter()
            .flat_map(|text| text.split("${env:").skip(1))
            .filter_map(|rest| rest.split('}').next())
            .collect();
        names.push("C_FINGERPRINT");
        names.push("SEALED");
        let drawn = names
            .into_iter()
            .map(|name| (name.to_owned(), canary(name)));
        self.secrets = drawn.collect();
        let sealed = serde_json::to_string(&self.secrets["SEALED"]).unwrap();
        let open = SEALED.replace("\"ENC[a]\"", &sealed);
        let (open, _) = open.split_once("sops:").unwrap();
        std::fs::write(self.sops.path().join("open.yaml"), open).unwrap();
        old
    }

    fn run(&self, address: SocketAddr, arguments: &[&str]) -> Run {
        let mut cli = self.project.on(address, []);
        for argument in arguments {
            cli = cli.arg(argument);
        }
        cli = cli.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        let path = std::env::var("PATH").unwrap();
        let cli = cli.env("PATH", &format!("{}:{path}", self.sops.path().display()));
        let set = self.secrets.iter();
        set.fold(cli, |cli, (name, value)| cli.env(name, value))
            .run()
    }
}

/// Asserts that no spelling of any secret is in any of these texts.
#[track_caller]
fn assert_silent(secrets: &[String], runs: &[Run], project: &Project) {
    let texts: Vec<String> = runs
        .iter()
        .map(Run::output)
        .chain([project.state()])
        .collect();
    let whole = texts.join("\n");
    at_once(secrets, |secret| {
        assert_no_leak("something", &whole, secret)
    });
}

/// The places of a kind's secrets that an entry fills.
fn places(kind: &Kind, value: &Value, at: &mut Pointer, found: &mut Vec<&'static str>) {
    if matches!(value, Value::Secret(_)) {
        let hit = kind.rules.iter().filter(|rule| {
            matches!(rule.is, Is::Secret | Is::SecretJson | Is::Sensitive) && rule.at.matches(at)
        });
        found.extend(hit.map(|rule| rule.at.0));
        return;
    }
    let below: Vec<(String, &Value)> = match value {
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::List(items) => {
            let items = items.iter().enumerate();
            items.map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (key, value) in below {
        at.push(key);
        places(kind, value, at, found);
        at.pop();
    }
}

#[test]
fn every_place_for_a_secret_has_a_canary_in_it() {
    let nest = Nest::new();
    nest.project.file("org/sealed.yaml", "{}\n");
    let loaded = manifest::load(&Options {
        root: Path::new(nest.project.path()),
        environment: None,
        variables: &|name| nest.secrets.get(name).cloned(),
        placeholders: false,
        may_be_empty: false,
        defer_secrets: false,
        texts: &manifest::Texts::new(),
        systems: gatewright::systems::SYSTEMS,
    });
    let repository = loaded.repository.unwrap_or_else(|| {
        panic!("{:?}", loaded.diagnostics);
    });
    let mut missing = Vec::new();
    let systems = gatewright::systems::SYSTEMS.iter();
    for kind in systems.flat_map(|system| system.kinds) {
        let mut found = Vec::new();
        for entry in repository
            .entries
            .iter()
            .filter(|entry| std::ptr::eq(entry.kind, *kind))
        {
            let fields = Value::Map(entry.fields.clone());
            places(kind, &fields, &mut Pointer::root(), &mut found);
        }
        let issued = kind.issued().map(|(place, _)| place.to_string());
        let secret = |is: &Is| matches!(is, Is::Secret | Is::SecretJson | Is::Sensitive);
        for rule in kind.rules.iter().filter(|rule| secret(&rule.is)) {
            // What the server makes is planted by the server.
            if !found.contains(&rule.at.0) && issued.as_deref() != Some(rule.at.0) {
                missing.push(format!("{}{}", kind.name, rule.at.0));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn no_command_says_any_of_them() {
    let (server, mut nest) = (Server::of_all(), Nest::new());
    let at = server.address();
    let mut runs = Vec::new();
    let all: &[&[&str]] = &[
        &["validate"],
        &["validate", "--format", "json"],
        &["plan", "--full"],
        &["plan", "--format", "json"],
        &["apply", "--yes", "--full"],
        &["plan", "--format", "json"],
        &["drift", "--full"],
        &["drift", "--format", "json"],
    ];
    for arguments in all {
        let run = nest.run(at, arguments);
        assert_eq!(run.code, 0, "{run}");
        runs.push(run);
    }
    let mut secrets: Vec<String> = nest.secrets.values().map(|secret| core(secret)).collect();
    secrets.push(nest.project.read("sunk/default/made"));
    // Rotated, changed, resent, and gone: in every form of output.
    secrets.extend(nest.draw());
    secrets.extend(nest.secrets.values().map(|secret| core(secret)));
    let all: &[&[&str]] = &[
        &["plan", "--full"],
        &["plan", "--format", "json"],
        &["apply", "--yes", "--format", "json"],
        &[
            "plan",
            "--rotate",
            "integrations/openai",
            "--rotate",
            "configs/inline",
        ],
        &[
            "apply",
            "--yes",
            "--rotate",
            "api_keys/made",
            "--rotate",
            "integrations/vertex",
            "--rotate",
            "arize:webhooks.pager",
        ],
        &["drift"],
    ];
    for arguments in all {
        runs.push(nest.run(at, arguments));
    }
    secrets.push(nest.project.read("sunk/default/made"));
    nest.project
        .file("org/all.yaml", "workspaces:\n  w: { name: W }\n")
        .file("org/other.yaml", "system: arize\norganizations:\n  o: {}\n")
        .file("org/sealed.yaml", "{}\n");
    runs.push(nest.run(at, &["apply", "--yes", "--full"]));
    assert_silent(&secrets, &runs, &nest.project);
}

/// Every file of a repository.
fn files(project: &Project) -> String {
    let files = walkdir::WalkDir::new(project.path()).into_iter();
    let files = files
        .filter_map(Result::ok)
        .filter(|file| file.file_type().is_file());
    let texts = files.map(|file| {
        let bytes = std::fs::read(file.path()).unwrap();
        format!(
            "{}\n{}",
            file.path().display(),
            String::from_utf8_lossy(&bytes)
        )
    });
    texts.collect()
}

#[test]
fn nothing_that_is_written_for_people_to_keep_has_any_of_them() {
    let (server, nest) = (Server::of_all(), Nest::new());
    let at = server.address();
    nest.run(at, &["apply", "--yes"]);
    let mut secrets: Vec<String> = nest.secrets.values().map(|secret| core(secret)).collect();
    secrets.push(nest.project.read("sunk/default/made"));
    std::fs::remove_dir_all(nest.project.path().join("sunk")).unwrap();
    let mut runs = Vec::new();
    // Somebody else puts a secret where one may be, and changes what is beside it.
    let theirs = canary("THEIRS");
    secrets.push(theirs.clone());
    server.put(
        "/integrations/openai",
        json!({ "key": theirs, "name": "Theirs", "description": "more",
                "configurations": { "custom_host": "https://theirs.example/v1", "custom_headers": { "x-token": theirs } } }),
    );
    let hook = server.named("/guardrails", "Hook")["slug"].clone();
    server.put(
        &format!("/guardrails/{}", hook.as_str().unwrap()),
        json!({ "name": "Hook", "checks": [{ "id": "default.webhook", "parameters": {
            "webhookURL": "https://theirs.example", "headers": { "x-token": theirs, "x-more": theirs } } }],
            "actions": { "deny": false, "async": true } }),
    );
    let config = server.named("/configs", "Inline")["slug"].clone();
    server.put(
        &format!("/configs/{}", config.as_str().unwrap()),
        json!({ "config": { "strategy": { "mode": "loadbalance" },
                "targets": [{ "provider": "openai", "api_key": theirs }, { "provider": "x", "api_key": theirs }] } }),
    );
    for arguments in [
        &["plan", "--full"][..],
        &["drift", "--full"],
        &["drift", "--format", "json"],
        &["adopt", "--drift", "--dry-run"],
        &["adopt", "--drift", "--dry-run", "--format", "json"],
        &["adopt", "--drift", "--yes", "--format", "json"],
        &[
            "adopt",
            "--drift",
            "--yes",
            "configs.inline",
            "guardrails.hook",
        ],
    ] {
        let run = nest.run(at, arguments);
        assert!(matches!(run.code, 0 | 2), "{run}");
        runs.push(run);
    }
    let adopted = nest.project.read("org/all.yaml");
    assert!(
        adopted.contains("name: Theirs"),
        "nothing was adopted\n{adopted}"
    );
    // What is imported names variables, in new files and beside others. That somebody encrypts what
    // is a description to the API can only be known where that is.
    let sealed = core(&nest.secrets["SEALED"]);
    let known: Vec<String> = secrets
        .iter()
        .filter(|it| **it != sealed)
        .cloned()
        .collect();
    for arguments in [
        &["import", "--dry-run"][..],
        &["import", "--dry-run", "--format", "json"],
        &["import", "--into", "org/all.yaml", "--kind", "integrations"],
        &["import", "--format", "json"],
        &["plan", "--format", "json"],
    ] {
        let elsewhere = Project::new();
        let mut cli = elsewhere.on(at, []).env("RUST_LOG", "trace");
        for argument in arguments {
            cli = cli.arg(argument);
        }
        let run = cli.run();
        assert_silent(&known, &[run], &elsewhere);
        let text = files(&elsewhere);
        at_once(&known, |secret| {
            assert_no_leak("an imported file", &text, secret)
        });
    }
    // And at the end of everything.
    let host = at.to_string();
    for arguments in [
        &["destroy", "--yes", "--confirm", "elsewhere"][..],
        &["destroy", "--yes", "--confirm", &host, "--format", "json"],
        &["destroy", "--yes", "--confirm", &host],
    ] {
        runs.push(nest.run(at, arguments));
    }
    let last = runs.last().unwrap();
    assert!(last.stdout.contains("- integrations.openai"), "{last}");
    // Two environments of one server, as declared and as they are live.
    let project_file = nest.project.read("gatewright.yaml");
    let project_file = project_file.replace("{key}", "{env}/{key}");
    let environments = format!("{project_file}environments: {{ a: {{}}, b: {{}} }}\n");
    nest.project.file("gatewright.yaml", &environments);
    for arguments in [
        &["diff", "--from", "a", "--to", "b"][..],
        &["diff", "--from", "a", "--to", "b", "--format", "json"],
        &["diff", "--from", "a", "--to", "b", "--live"],
    ] {
        let run = nest.run(at, arguments);
        assert!(!run.output().is_empty(), "{run}");
        runs.push(run);
    }
    assert_silent(&secrets, &runs, &nest.project);
    let text = files(&nest.project);
    at_once(&secrets, |secret| assert_no_leak("a file", &text, secret));
}

#[test]
fn no_answer_of_a_server_brings_any_of_them_to_light() {
    type Answer = fn(&[String]) -> String;
    let answers: [(&str, Answer); 5] = [
        ("400 Bad Request", |spelled| {
            json!({ "message": spelled.join(" ") }).to_string()
        }),
        ("500 Internal Server Error", |spelled| spelled.join("\n")),
        ("200 OK", |spelled| {
            format!("<html>{}</html>", spelled.join(" "))
        }),
        ("403 Forbidden", |spelled| {
            json!({ "data": { "message": spelled.join(","), "errorCode": spelled[0] } }).to_string()
        }),
        ("422 Unprocessable", |spelled| {
            json!({ "error": { "message": "no", "code": spelled[1] } }).to_string()
        }),
    ];
    // Each waits for what the run before it may have created.
    at_once(answers, |(status, answer)| {
        let (server, nest) = (Server::of_all(), Nest::new());
        let secrets: Vec<String> = nest.secrets.values().map(|secret| core(secret)).collect();
        let spelled: Vec<String> = secrets
            .iter()
            .flat_map(|secret| {
                let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
                let html = secret
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('"', "&quot;");
                let url = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
                [secret.clone(), base64_of(secret), hex, html, url]
            })
            .collect();
        let body = answer(&spelled);
        let proxy = Proxy::start(&server, move |request| match request.is_write() {
            true => Fate::answer(status, "x-request-id: r\r\n", &body),
            false => Fate::Forward,
        });
        let runs = ["human", "json"].map(|format| {
            let run = nest.run(proxy.address(), &["apply", "--yes", "--format", format]);
            assert_ne!(run.code, 0, "{status}");
            run
        });
        assert_silent(&secrets, &runs, &nest.project);
    });
}

#[test]
fn no_mistake_in_a_manifest_brings_any_of_them_to_light() {
    let nest = Nest::new();
    nest.project.file("org/sealed.yaml", "{}\n");
    let literal = canary("LITERAL");
    let quoted = serde_json::to_string(&literal).unwrap();
    let mut runs = Vec::new();
    let mistakes = |manifest: &str| -> Vec<String> {
        let variables = manifest.match_indices("${env:C_");
        let literally = variables.map(|(at, _)| {
            let end = at + manifest[at..].find('}').unwrap() + 1;
            let variable = &manifest[at..end];
            // With its quotes, where it has any.
            let with = format!("\"{variable}\"");
            match manifest.contains(&with) {
                true => manifest.replacen(&with, &quoted, 1),
                false => manifest.replacen(variable, &quoted, 1),
            }
        });
        literally.collect()
    };
    for (file, manifest) in [("org/other.yaml", OTHER), ("org/all.yaml", MANIFEST)] {
        for literally in mistakes(manifest) {
            nest.project.file(file, &literally);
            runs.push(nest.project.cli(["validate"]).run());
        }
    }
    // Broken off, misspelt and of the wrong type, with literals in place.
    let first = &mistakes(MANIFEST)[0];
    for broken in [
        first.replacen("manager_type: aws_sm", "manager_type: [aws_sm", 1),
        first.replacen("aws_secret_access_key:", "aws_secret_acces_key:", 1),
        first.replacen("auth_config: {", "auth_config: [", 1),
        MANIFEST.replacen("key: ${env:C_KEY}", &format!("keey: {quoted}"), 1),
        MANIFEST.replacen("key: ${env:C_KEY}", &format!("key: [{quoted}]"), 1),
        MANIFEST.replacen("key: ${env:C_KEY}", &format!("key: {quoted} x"), 1),
        MANIFEST
            .replacen("integrations:", "integration:", 1)
            .replacen("${env:C_KEY}", &quoted, 1),
        MANIFEST.replacen("ai_provider_id: openai", "ai_provider_id: 5", 1),
    ] {
        nest.project.file("org/all.yaml", &broken);
        runs.push(nest.run(NOWHERE, &["validate"]));
        runs.push(nest.run(NOWHERE, &["plan", "--format", "json"]));
    }
    let mut secrets: Vec<String> = nest.secrets.values().map(|secret| core(secret)).collect();
    secrets.push(literal);
    assert_silent(&secrets, &runs, &nest.project);
}

#[test]
fn ledgers_elsewhere_and_several_environments_show_none() {
    let server = Server::of_all();
    let nest = Nest::new();
    let text = nest.project.read("gatewright.yaml");
    let more = "ledger: kept\nenvironments:\n  one: {}\n  two: { manifests: [\"org/*.yaml\"] }\n";
    let text = text.replace("{key}", "{env}/{key}") + more;
    nest.project.file("gatewright.yaml", &text);
    let mut runs = Vec::new();
    for arguments in [
        &["plan", "--env", "one,two", "--full"] as &[&str],
        &["apply", "--yes", "--env", "one"],
        &["plan", "--env", "all", "--format", "json"],
        &["drift", "--env", "all"],
        &["diff", "--from", "one", "--to", "two"],
        &["diff", "--from", "one", "--to", "two", "--format", "json"],
        &["diff", "--from", "one", "--to", "two", "--live"],
    ] {
        runs.push(nest.run(server.address(), arguments));
    }
    assert_eq!(runs[1].code, 0, "{}", runs[1]);
    let kept = walkdir::WalkDir::new(nest.project.path().join("kept"));
    let kept = kept.into_iter().filter_map(Result::ok);
    let kept: Vec<String> = kept
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .collect();
    assert!(
        kept.iter().any(|text| text.contains("gatewright_ledger")),
        "{kept:?}"
    );
    let secrets: Vec<String> = nest.secrets.values().map(|secret| core(secret)).collect();
    assert_silent(&secrets, &runs, &nest.project);
    for secret in &secrets {
        assert_no_leak("a ledger elsewhere", &kept.join("\n"), secret);
    }
}
