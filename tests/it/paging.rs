//! Every page of every list is read.

use std::fmt::Write as _;

use serde_json::json;

use crate::examples::variables;
use crate::support::{Fate, Project, Proxy, Server, text};

const MANY: usize = 260;

/// More bodies than fit on one page.
fn bodies(make: &dyn Fn(usize) -> serde_json::Value) -> Vec<serde_json::Value> {
    (0..MANY).map(make).collect()
}

/// An account with more of everything than fits on one page, and a project that declares it all.
fn crowded() -> (Server, Project) {
    let server = Server::start();
    server.post_all(
        "/admin/workspaces",
        bodies(&|at| json!({ "name": format!("W {at}") })),
    );
    let home = server.make_workspace("Home");
    server.post_all(
        "/secret-references",
        bodies(&|at| json!({ "name": format!("S {at}"), "slug": format!("s-{at}"), "manager_type": "aws_sm",
            "secret_path": "p", "auth_config": { "aws_auth_type": "serviceRole", "aws_region": "us-east-1" },
            "allow_all_workspaces": true })),
    );
    let policy = |name: String, more: serde_json::Value| {
        let mut policy = json!({ "name": name, "workspace_id": home["id"], "type": "requests",
            "conditions": [{ "key": "api_key", "value": "*" }], "group_by": [{ "key": "api_key" }] });
        policy
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        policy
    };
    server.post_all(
        "/policies/usage-limits",
        bodies(&|at| policy(format!("U {at}"), json!({ "credit_limit": 5 }))),
    );
    server.post_all(
        "/policies/rate-limits",
        bodies(&|at| policy(format!("R {at}"), json!({ "unit": "rpm", "value": 5 }))),
    );
    server.post(
        "/integrations",
        json!({ "name": "I", "slug": "i", "ai_provider_id": "openai", "key": "k" }),
    );
    server.put(
        "/integrations/i/workspaces",
        json!({ "workspaces": [{ "id": home["id"], "enabled": true }] }),
    );
    server.post_all(
        "/providers",
        bodies(&|at| {
            json!({ "name": format!("P {at}"), "slug": format!("p-{at}"),
            "workspace_id": home["id"], "integration_id": "i" })
        }),
    );
    server.post_all(
        "/guardrails",
        bodies(&|at| json!({ "name": format!("G {at}"), "workspace_id": home["id"],
            "checks": [{ "id": "portkey.gibberish", "parameters": {} }], "actions": { "deny": false, "async": false } })),
    );

    let mut manifest = String::new();
    let mut section = |kind: &str, extra: &str, entry: &dyn Fn(usize) -> String| {
        let entries: Vec<String> = (0..MANY).map(|at| format!("  {}\n", entry(at))).collect();
        write!(manifest, "{kind}:\n{extra}{}", entries.concat()).unwrap();
    };
    section("workspaces", "  home: { name: Home }\n", &|at| {
        format!("w-{at}: {{ name: W {at} }}")
    });
    section("secret_references", "", &|at| {
        format!(
            "s-{at}: {{ name: S {at}, manager_type: aws_sm, secret_path: p, allow_all_workspaces: true, \
         auth_config: {{ aws_auth_type: serviceRole, aws_region: us-east-1 }} }}"
        )
    });
    let policy = "workspace_id: home, type: requests, conditions: [{ key: api_key, value: \"*\" }], group_by: [{ key: api_key }]";
    section("usage_limits_policies", "", &|at| {
        format!("u-{at}: {{ name: U {at}, credit_limit: 5, {policy} }}")
    });
    section("rate_limits_policies", "", &|at| {
        format!("r-{at}: {{ name: R {at}, unit: rpm, value: 5, {policy} }}")
    });
    section(
        "integrations",
        "  i: { name: I, ai_provider_id: openai }\n",
        &|at| format!("i-{at}: {{ name: I {at}, ai_provider_id: openai }}"),
    );
    section("providers", "", &|at| {
        format!("p-{at}: {{ name: P {at}, workspace_id: home, integration_id: i }}")
    });
    section("guardrails", "", &|at| {
        format!(
            "g-{at}: {{ name: G {at}, workspace_id: home, checks: [{{ id: portkey.gibberish, parameters: {{}} }}], actions: {{ deny: false, async: false }} }}"
        )
    });
    server.post_all("/integrations", bodies(&|at| json!({ "name": format!("I {at}"), "slug": format!("i-{at}"), "ai_provider_id": "openai", "key": "k" })));
    (server, Project::of(&manifest))
}

#[test]
fn plan_finds_everything_on_later_pages() {
    let (server, project) = crowded();
    server.clear();
    let run = project
        .at(&server.url(), ["plan", "--format", "json"])
        .run();
    let document = run.json();
    let errors: Vec<_> = document["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["severity"] == "error")
        .collect();
    assert_eq!(run.code, 0, "{errors:#?}");
    let plan = document["plan"].clone();
    let summary =
        json!({ "create": 0, "update": 0, "replace": 0, "delete": 0, "unchanged": 7 * MANY + 2 });
    assert_eq!(plan["summary"], summary, "{:#}", plan["changes"]);
    assert_eq!(plan["adopted"].as_array().unwrap().len(), 7 * MANY + 2);
    // As many pages as there are and no more: 262 workspaces with the shared one.
    let traffic = server.traffic();
    let pages = |size: usize, count: usize| count.div_ceil(size);
    assert_eq!(traffic["GET /admin/workspaces"], pages(100, MANY + 2));
    assert_eq!(traffic["GET /policies/usage-limits"], pages(100, MANY));
    assert_eq!(traffic["GET /providers"], pages(50, MANY));

    // A server may make its pages smaller than it is asked to.
    let proxy = Proxy::start(&server, |seen| {
        Fate::ForwardAs(
            seen.path
                .replace("page_size=100", "page_size=40")
                .replace("page_size=50", "page_size=40"),
        )
    });
    let plan = project.plan(&proxy.url());
    assert_eq!(plan["summary"], summary, "{:#}", plan["changes"]);
    let asked = proxy
        .seen()
        .iter()
        .filter(|seen| seen.path.starts_with("/admin/workspaces?"))
        .count();
    assert_eq!(asked, pages(40, MANY + 2));
}

/// The query with pages of one object, however many are asked for.
fn one_by_one(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parameters = query.split('&').map(|one| match one.split_once('=') {
        Some((name @ ("page_size" | "pageSize"), _)) => format!("{name}=1"),
        _ => one.to_owned(),
    });
    let query: Vec<String> = parameters.collect();
    format!("{path}?{}", query.join("&"))
}

#[test]
fn pages_of_one_object_show_everything_of_every_kind() {
    let (server, project) = (Server::start(), Project::acme());
    let run = |url: &str, arguments: [&str; 2]| variables(project.at(url, arguments)).run();
    run(&server.url(), ["apply", "--yes"]).expect(0);
    let proxy = Proxy::start(&server, |seen| match seen.path.contains('?') {
        true => Fate::ForwardAs(one_by_one(&seen.path)),
        false => Fate::Forward,
    });
    project.forget();
    // Without a ledger nothing but the lists says what is there. An invite that somebody else sent
    // cannot be changed, so the plan as a whole is refused.
    let document = run(&proxy.url(), ["plan", "--format=json"])
        .expect(3)
        .json();
    let changes = document["plan"]["changes"].as_array().unwrap();
    let new: Vec<_> = changes
        .iter()
        .filter(|change| change["action"] == "create")
        .collect();
    assert!(new.is_empty(), "{new:#?}");
    // The second page of each has been asked for, in the numbers that each counts its pages in.
    let seen = proxy.seen();
    let lists = [
        ("/admin/workspaces?", "current_page=1"),
        ("/admin/users?", "currentPage=1"),
        ("/scim/workspaces?", "page=1"),
        ("/api-keys?", "current_page=1"),
        ("/integrations?", "current_page=1"),
        ("/providers?", "current_page=1"),
        ("/collections?", "current_page=1"),
        ("/guardrails?", "current_page=1"),
        ("/mcp-integrations?", "current_page=1"),
        ("/mcp-servers?", "current_page=1"),
        ("/secret-references?", "current_page=1"),
    ];
    let unread = lists.iter().filter(|(list, second)| {
        let asked = |path: &str| {
            let query = path.strip_prefix(list).unwrap_or_default();
            query.split('&').any(|one| one == *second)
        };
        !seen.iter().any(|seen| asked(&seen.path))
    });
    assert_eq!(unread.collect::<Vec<_>>(), [&("", ""); 0]);
}

#[test]
fn import_finds_everything_on_later_pages() {
    let server = Server::start();
    server.post_all(
        "/admin/workspaces",
        bodies(&|at| json!({ "name": format!("W {at}") })),
    );
    let home = server.make_workspace("Home");
    server.post_all(
        "/collections",
        bodies(&|at| json!({ "name": format!("C {at}"), "workspace_id": home["id"] })),
    );
    let project = Project::new();
    let import = [
        "import",
        "--format",
        "json",
        "--kind",
        "workspaces",
        "--kind",
        "collections",
    ];
    let run = project.at(&server.url(), import).run().expect(0);
    let entries = run.json()["imported"]["entries"].clone();
    // With the workspace that every account has, and the one called Home.
    assert_eq!(entries.as_array().unwrap().len(), 2 * MANY + 2);
    let plan = project.at(&server.url(), ["plan", "--detailed-exitcode"]);
    plan.run().expect(0);
}

#[test]
fn a_page_that_fails_is_not_an_empty_page() {
    let server = Server::start();
    server.post_all(
        "/admin/workspaces",
        (0..120)
            .map(|at| json!({ "name": format!("W {at}") }))
            .collect(),
    );
    let project = Project::of("workspaces:\n  w: { name: W 119 }\n  new: { name: New }\n");
    let proxy = Proxy::start(&server, |seen| match seen.path.contains("current_page=1") {
        true => Fate::answer(
            "403 Forbidden",
            "content-type: application/json\r\n",
            r#"{"success":false,"data":{"message":"You do not have enough permissions","errorCode":"AB03"}}"#,
        ),
        false => Fate::Forward,
    });
    server.clear();
    let run = project.at(&proxy.url(), ["apply", "--yes"]).run().expect(6);
    assert!(run.stderr.contains("GET /admin/workspaces: 403"), "{run}");
    assert_eq!(
        server.writes(),
        [""; 0],
        "an unreadable page was taken for the end"
    );
    proxy.heal();
    project.apply(&proxy.url());
    assert_eq!(server.list("/admin/workspaces").len(), 122);
    assert_eq!(text(&server.workspace("W 119")["name"]), "W 119");
}
