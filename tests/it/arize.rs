//! Arize's kinds against the mock of its API, whose pages are short and empty on the way.

use serde_json::{Value, json};

use crate::support::{Cli, Fate, Gate, HTTP, KEY, Project, Proxy, RUNTIME, Server, assert_no_leak};

/// What the manifest below reads from the environment, none of which may be seen.
const SECRETS: [(&str, &str); 5] = [
    ("LLM_KEY", "sk-llm-9Qw/e+x="),
    ("OAUTH_SECRET", "oauth-7Rt-secret"),
    ("PROXY_KEY", "proxy-3Yu-secret"),
    ("AGENT_TOKEN", "Bearer agent-5Io"),
    ("PAGER_TOKEN", "Bearer pager-1Pa"),
];

const ALL: &str = r##"system: arize
organizations:
  retail: { name: Retail, description: Shops, lifecycle: { protect: false } }
spaces:
  checkout:
    name: Checkout
    organization_id: retail
    description: Pay
    is_private: true
    ml_models_enabled: true
    gradient_start_color: "#112233"
    default_llm_integration: { integration_id: openai, model_name: gpt-5 }
    default_agent_runtime: { integration_id: helper }
    lifecycle: { protect: false }
integrations:
  openai:
    type: LLM
    scopings: [{ organization_id: retail, space_id: checkout }]
    config: { provider: OPEN_AI, api_key: "${env:LLM_KEY}", is_function_calling_enabled: true }
  anthropic:
    type: LLM
    config: { provider: ANTHROPIC, api_key: "${env:LLM_KEY}", base_url: "https://api.anthropic.com/v1" }
  gemini: { type: LLM, config: { provider: GEMINI, api_key: "${env:LLM_KEY}" } }
  bedrock:
    type: LLM
    config: { provider: AWS_BEDROCK, auth: { auth_type: DEFAULT, role_arn: "arn:aws:iam::123456789012:role/x", external_id: e1 }, is_default_models_enabled: true }
  bedrock-bearer:
    type: LLM
    config: { provider: AWS_BEDROCK, auth: { auth_type: BEARER_TOKEN, api_key: "${env:LLM_KEY}" }, model_names: [m1] }
  bedrock-proxy:
    type: LLM
    config: { provider: AWS_BEDROCK, auth: { auth_type: PROXY_WITH_HEADERS, base_url: "https://proxy.example.com", headers: { X-Team: retail, X-Key: "${env:PROXY_KEY}" } }, model_names: [m1] }
  vertex: { type: LLM, config: { provider: VERTEX_AI, project_id: p, location: europe-west1, project_access_label: arize } }
  custom:
    type: LLM
    config: { provider: CUSTOM, base_url: "https://llm.example.com/v1", api_key: "${env:LLM_KEY}", headers: { X-Team: shop }, model_names: [a, b] }
  custom-oauth:
    type: LLM
    config:
      provider: CUSTOM
      base_url: https://llm.example.com/v1
      model_names: [a]
      auth: { auth_type: OAUTH2_CLIENT_CREDENTIALS, token_url: "https://id.example.com/token", client_id: c, client_secret: "${env:OAUTH_SECRET}", scopes: read write }
  nim: { type: LLM, config: { provider: NVIDIA_NIM, is_default_models_enabled: true } }
  litellm: { type: LLM, config: { provider: LITELLM, base_url: "https://litellm.example.com", api_key: "${env:LLM_KEY}", model_names: [x] } }
  fireworks: { type: LLM, config: { provider: FIREWORKS, api_key: "${env:LLM_KEY}" } }
  together: { type: LLM, config: { provider: TOGETHER_AI, api_key: "${env:LLM_KEY}", model_names: [x] } }
  helper:
    type: AGENT
    description: Answers
    config:
      endpoint: https://agent.example.com/run
      input_schema: { type: object, required: [question], properties: { question: { type: string }, depth: { type: integer } } }
      headers: { Authorization: "${env:AGENT_TOKEN}" }
      request_presets:
        - { name: Deep, description: Looks far, config: { depth: 3 } }
        - { name: Shallow, config: { depth: 1 } }
  judge:
    type: EVALUATOR
    config: { endpoint: "https://judge.example.com/score", input_schema: { type: object } }
ai_integrations:
  azure:
    provider: AZURE_OPEN_AI
    api_key: ${env:LLM_KEY}
    base_url: https://x.openai.azure.com
    model_names: [gpt-5]
    headers: { X-A: "${env:PROXY_KEY}" }
    scopings: [{ organization_id: retail }]
projects:
  web: { name: Web shop, space_id: checkout, lifecycle: { protect: false } }
roles:
  editor: { name: Prompt editor, description: Edits, permissions: [PROMPT_READ, PROMPT_UPDATE] }
  reader: { permissions: [PROMPT_READ] }
role_bindings:
  mary-checkout: { role_id: editor, user_id: "${env:MARY}", resource_type: SPACE, resource_id: checkout }
  mary-web: { role_id: editor, user_id: "${env:MARY}", resource_type: PROJECT, resource_id: web }
annotation_configs:
  quality: { space_id: checkout, annotation_config_type: CATEGORICAL, values: [{ label: good, score: 1 }, { label: bad, score: 0 }], optimization_direction: MAXIMIZE }
  score: { space_id: checkout, annotation_config_type: CONTINUOUS, minimum_score: 0, maximum_score: 10 }
  remark: { space_id: checkout, annotation_config_type: FREEFORM }
tags:
  live: { name: Live, space_id: checkout, color: GREEN, description: Traffic }
webhooks:
  pager: { name: Pager, organization_id: retail, url: "https://pager.example.com/arize", auth_token: "${env:PAGER_TOKEN}", timeout_ms: 5000, headers: { X-Team: desk } }
"##;

/// What is edited in the manifest: other values, and null or nothing where that clears.
const EDITS: [(&str, &str); 26] = [
    ("description: Shops", "description: null"),
    ("description: Pay", "description: Pay here"),
    ("is_private: true", "is_private: false"),
    ("model_name: gpt-5 }", "model_name: gpt-6 }"),
    (
        "default_agent_runtime: { integration_id: helper }",
        "default_agent_runtime: null",
    ),
    (
        "is_function_calling_enabled: true",
        "is_function_calling_enabled: false",
    ),
    (
        "base_url: \"https://api.anthropic.com/v1\"",
        "base_url: null",
    ),
    ("external_id: e1", "external_id: null"),
    (
        "{ X-Team: retail, X-Key: \"${env:PROXY_KEY}\" }",
        "{ X-Team: shops }",
    ),
    (
        "headers: { X-Team: shop }, model_names: [a, b]",
        "headers: null, model_names: [b]",
    ),
    ("scopes: read write", "scopes: null"),
    ("description: Answers\n", "description: Helps\n"),
    (
        "headers: { Authorization: \"${env:AGENT_TOKEN}\" }",
        "headers: null",
    ),
    ("config: { depth: 3 }", "config: { depth: 4 }"),
    ("        - { name: Shallow, config: { depth: 1 } }\n", ""),
    ("provider: AZURE_OPEN_AI", "provider: OPEN_AI"),
    ("scopings: [{ organization_id: retail }]", "scopings: []"),
    ("name: Web shop", "name: Shop"),
    (
        "[PROMPT_READ, PROMPT_UPDATE]",
        "[PROMPT_CREATE, PROMPT_READ]",
    ),
    (
        "{ label: bad, score: 0 }",
        "{ label: poor, score: 0 }, { label: odd }",
    ),
    (
        "minimum_score: 0, maximum_score: 10",
        "minimum_score: 1, maximum_score: 5",
    ),
    ("mary-web: { role_id: editor", "mary-web: { role_id: reader"),
    (
        "url: \"https://pager.example.com/arize\"",
        "url: \"https://pager.example.com/all\"",
    ),
    (
        "color: GREEN, description: Traffic",
        "color: null, description: What customers see",
    ),
    ("timeout_ms: 5000", "timeout_ms: 6000"),
    ("headers: { X-Team: desk }", "headers: {}"),
];

struct Account {
    server: Server,
    base: String,
    mary: String,
}

impl Account {
    fn new() -> Self {
        let server = Server::of_all();
        let base = format!("http://{}", server.address());
        let mut account = Self {
            server,
            base,
            mary: String::new(),
        };
        let users = account.list("users");
        let mary = users.iter().find(|user| user["name"] == "Mary Member");
        account.mary = mary.unwrap()["id"].as_str().unwrap().to_owned();
        account
    }

    /// Everything of a list, through pages that may be empty.
    fn list(&self, items: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v2/{items}?limit=100{cursor}");
            let page = self.api("GET", &path, &Value::Null);
            all.extend(page[items].as_array().unwrap().iter().cloned());
            match page["pagination"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// Does something behind gatewright's back.
    fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.base);
        let method = method.parse().unwrap();
        let request = HTTP.request(method, url);
        let request = request.bearer_auth(KEY);
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        RUNTIME.block_on(async {
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.json().await.unwrap_or_default()
        })
    }

    fn cli<const N: usize>(&self, project: &Project, arguments: [&str; N]) -> Cli {
        let cli = project.on(self.server.address(), arguments);
        let cli = SECRETS
            .iter()
            .fold(cli, |cli, (name, value)| cli.env(name, value));
        cli.env("MARY", &self.mary)
            .env("GATEWRIGHT_FINGERPRINT_KEY", "one")
    }

    /// Applies and wants nothing to be left to do, and no secret to be seen.
    #[track_caller]
    fn apply(&self, project: &Project) -> String {
        let arguments = ["apply", "--yes", "--full", "--allow-deletes"];
        let apply = self.cli(project, arguments).run().expect(0);
        let plan = self.cli(project, ["plan", "--detailed-exitcode"]).run();
        assert_eq!(plan.code, 0, "a second plan is not empty\n{plan}");
        for (_, secret) in SECRETS {
            assert_no_leak("the output", &format!("{apply}"), secret);
            assert_no_leak("the ledger", &project.state(), secret);
        }
        apply.stdout
    }
}

#[test]
fn every_kind_is_made_changed_and_deleted() {
    let (account, project) = (Account::new(), Project::of(ALL));
    let made = account.apply(&project);
    assert!(made.contains("Applied: 28 created"), "{made}");
    for (old, new) in EDITS {
        project.edit(old, new);
    }
    let changed = account.apply(&project);
    assert!(changed.contains(" 0 created, "), "{changed}");
    assert!(changed.contains(" 0 deleted."), "{changed}");
    project.file(
        "org/all.yaml",
        "system: arize\nroles: { last: { permissions: [PROMPT_READ] } }\n",
    );
    let deleted = account.apply(&project);
    assert!(deleted.contains(" 28 deleted."), "{deleted}");
    assert_eq!(account.list("spaces"), Vec::<Value>::new());
}

#[test]
fn what_cannot_change_is_replaced_before_its_name_is_taken_again() {
    let (account, project) = (Account::new(), Project::of(ALL));
    account.apply(&project);
    project
        .edit("provider: FIREWORKS", "provider: TOGETHER_AI")
        .edit(
            "annotation_config_type: FREEFORM",
            "annotation_config_type: CONTINUOUS, minimum_score: 0, maximum_score: 2",
        );
    let replaced = account.apply(&project);
    assert!(
        replaced.contains("± arize:integrations.fireworks"),
        "{replaced}"
    );
    assert!(
        replaced.contains("± arize:annotation_configs.remark"),
        "{replaced}"
    );
    assert!(
        replaced.contains("the old one is deleted first"),
        "{replaced}"
    );
}

#[test]
fn a_key_that_somebody_took_away_is_written_again() {
    let (account, project) = (Account::new(), Project::of(ALL));
    account.apply(&project);
    let all = account.list("integrations");
    let together = all.iter().find(|one| one["name"] == "together").unwrap();
    let id = together["id"].as_str().unwrap();
    let gone = json!({ "type": "LLM", "config": { "api_key": null } });
    account.api("PATCH", &format!("/v2/integrations/{id}"), &gone);
    let plan = account.cli(&project, ["plan"]).run().expect(0);
    assert!(
        plan.stdout.contains("the server says that it has none"),
        "{plan}"
    );
    account.apply(&project);
}

/// A block that says how to authenticate replaces the former one whole: what is not sent is gone.
#[test]
fn blocks_of_authentication_are_sent_whole_with_their_secrets() {
    let (account, project) = (Account::new(), Project::of(ALL));
    account.apply(&project);
    project
        .edit(
            "api_key: \"${env:LLM_KEY}\" }, model_names: [m1]",
            "api_key: \"${env:LLM_KEY}\", base_url: \"https://b.example.com\" }, model_names: [m1]",
        )
        .edit("https://proxy.example.com", "https://other.example.com")
        .edit(
            "https://id.example.com/token",
            "https://id.example.com/other",
        );
    let changed = account.apply(&project);
    assert!(changed.contains(" 3 updated, "), "{changed}");
    let all = account.list("integrations");
    let auth = |name: &str| {
        let one = all.iter().find(|one| one["name"] == name).unwrap();
        one["config"]["auth"].clone()
    };
    let bearer = auth("bedrock-bearer");
    assert_eq!(bearer["base_url"], "https://b.example.com");
    assert_eq!(bearer["has_api_key"], true);
    let proxy = auth("bedrock-proxy");
    assert_eq!(proxy["base_url"], "https://other.example.com");
    assert_eq!(proxy["header_names"], json!(["X-Key", "X-Team"]));
    let oauth = auth("custom-oauth");
    assert_eq!(oauth["token_url"], "https://id.example.com/other");
    assert_eq!(oauth["has_client_secret"], true);
    // A key moves from one way to authenticate to another.
    project.edit(
        "auth_type: OAUTH2_CLIENT_CREDENTIALS, token_url: \"https://id.example.com/other\", client_id: c, client_secret: \"${env:OAUTH_SECRET}\", scopes: read write",
        "auth_type: DEFAULT, api_key: \"${env:LLM_KEY}\"",
    );
    account.apply(&project);
    let all = account.list("integrations");
    let one = all.iter().find(|one| one["name"] == "custom-oauth");
    assert_eq!(
        one.unwrap()["config"]["auth"],
        json!({ "auth_type": "DEFAULT", "has_api_key": true })
    );
}

/// What an object names is made before it, and goes after it.
#[test]
fn nothing_is_deleted_before_what_names_it() {
    let (account, project) = (Account::new(), Project::of(ALL));
    account.apply(&project);
    account.server.clear();
    project.file(
        "org/all.yaml",
        "system: arize\nroles: { last: { permissions: [PROMPT_READ] } }\n",
    );
    account.apply(&project);
    let deleted = account.server.writes();
    let at = |path: &str| {
        let of = |(_, write): &(usize, &String)| write.contains("DELETE") && write.contains(path);
        let found = deleted.iter().enumerate().filter(of).map(|(at, _)| at);
        found.collect::<Vec<_>>()
    };
    let (bindings, roles) = (at("/v2/role-bindings/"), at("/v2/roles/"));
    assert_eq!((bindings.len(), roles.len()), (2, 2), "{deleted:#?}");
    // Each role has one, and goes when that is gone, whether or not the other pair is.
    let mut pairs = bindings.iter().zip(&roles);
    assert!(pairs.all(|(binding, role)| binding < role), "{deleted:#?}");
    let (spaces, organizations) = (at("/v2/spaces/"), at("/v2/organizations/"));
    assert!(
        at("/v2/projects/").iter().max() < spaces.iter().min(),
        "{deleted:#?}"
    );
    assert!(
        spaces.iter().max() < organizations.iter().min(),
        "{deleted:#?}"
    );
}

#[test]
fn what_cannot_be_brought_back_is_protected_unless_it_is_said_otherwise() {
    let (account, project) = (Account::new(), Project::of(ALL));
    let text = project.read("org/all.yaml");
    project.file(
        "org/all.yaml",
        &text.replace(", lifecycle: { protect: false }", ""),
    );
    account.apply(&project);
    project.remove_entry("role_bindings", "mary-web");
    project.remove_entry("projects", "web");
    let plan = account.cli(&project, ["plan"]).run().expect(3);
    assert!(plan.stderr.contains("this project is protected"), "{plan}");
}

#[test]
fn a_name_that_is_taken_where_nothing_is_listed_is_explained() {
    let (account, project) = (Account::new(), Project::of(ALL));
    account.apply(&project);
    project.forget();
    let apply = account.cli(&project, ["apply", "--yes"]).run();
    assert_ne!(apply.code, 0, "{apply}");
    assert!(apply.stderr.contains("creating arize:tags.live"), "{apply}");
    assert!(
        apply.stderr.contains("the API has no list of these"),
        "{apply}"
    );
}

#[test]
fn a_run_that_was_killed_while_it_made_what_is_not_listed_is_told_of() {
    let (account, project) = (Account::new(), Project::of(ALL));
    let gate = Gate::closed();
    let hold = gate.clone();
    let proxy = Proxy::start(&account.server, move |seen| {
        match seen.method == "POST" && seen.path.ends_with("/tags") {
            true => Fate::HoldAnswer(hold.clone()),
            false => Fate::Forward,
        }
    });
    let url = format!("arize={}", proxy.url().replace("/v1", ""));
    let run = |arguments| account.cli(&project, arguments).arg("--base-url").arg(&url);
    let killed = run(["apply", "--yes"]).start();
    proxy.wait_for("the tag", |seen| seen.path.ends_with("/tags"));
    killed.crash();
    gate.open();
    proxy.heal();
    let plan = run(["plan", "--full"]).run().expect(0);
    assert!(
        plan.stderr
            .contains("ended while it created arize:tags.live"),
        "{plan}"
    );
    assert!(
        plan.stderr.contains("no list in which to look for it"),
        "{plan}"
    );
}

#[test]
fn the_example_is_applied_and_then_there_is_nothing_to_do() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/twosystems");
    let folder = std::path::Path::new(example);
    for command in ["plan", "apply"] {
        let run = Cli::new([command, "--mock"]).folder(folder).run().expect(0);
        assert!(run.stdout.contains("+ arize:spaces.shop"), "{run}");
        assert!(run.stdout.contains("+ workspaces.shop"), "{run}");
    }
}

/// A binding has no name of its own: it is called by what it gives to what, and an agent that takes
/// anything says so.
#[test]
fn bindings_are_imported_under_telling_keys_and_a_schema_of_nothing_is_one() {
    let (account, project) = (Account::new(), Project::of(ALL));
    project.edit(
        "input_schema: { type: object, required: [question], properties: { question: { type: string }, depth: { type: integer } } }",
        "input_schema: {}",
    );
    account.apply(&project);
    let empty = Project::new();
    empty.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\n",
    );
    let import = account.cli(&empty, ["import"]).run().expect(0);
    let read = |name: &str| {
        let path = empty.path().join("org/arize").join(name);
        std::fs::read_to_string(path).unwrap_or_else(|_| panic!("no {name}\n{import}"))
    };
    let bindings = read("role-bindings.yaml");
    for key in ["  prompt-editor-checkout:\n", "  prompt-editor-web-shop:\n"] {
        assert!(bindings.contains(key), "{bindings}");
    }
    let integrations = read("integrations.yaml");
    assert!(integrations.contains("input_schema: {}"), "{integrations}");
    let plan = account.cli(&empty, ["plan", "--detailed-exitcode"]);
    plan.run().expect(0);
}

#[test]
fn integrations_that_nobody_declares_go_where_they_are_exclusive() {
    let (account, project) = (Account::new(), Project::of(ALL));
    account.apply(&project);
    let by_hand = |name: &str| {
        let body = json!({ "type": "LLM", "name": name, "config": { "provider": "FIREWORKS", "api_key": "k" } });
        account.api("POST", "/v2/integrations", &body);
    };
    by_hand("By hand");
    by_hand("Another");
    let names = || {
        let all = account.list("integrations");
        let names = all
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let declared = names().len() - 2;
    account.apply(&project);
    assert_eq!(names().len(), declared + 2, "what nobody declares stays");

    let exclusive = |kind: &str| {
        let text =
            format!("gatewright: 1\nmanifests: [\"org/**/*.yaml\"]\nexclusive: [\"{kind}\"]\n");
        project.file("gatewright.yaml", &text);
        let plan = account.cli(&project, ["plan", "--format", "json"]);
        plan.run().expect(0).json()["plan"]["changes"].clone()
    };
    assert_eq!(exclusive("portkey:integrations"), json!([]));
    for kind in ["integrations", "arize:integrations"] {
        let changes = exclusive(kind);
        assert_eq!(changes.as_array().unwrap().len(), 2, "{changes:#}");
        for change in changes.as_array().unwrap() {
            let what = (&change["action"], &change["exclusive"]);
            assert_eq!(what, (&json!("delete"), &json!(true)));
        }
    }
    account.apply(&project);
    assert_eq!(names().len(), declared, "{:?}", names());
    assert!(!names().iter().any(|name| name == "By hand"));
}
