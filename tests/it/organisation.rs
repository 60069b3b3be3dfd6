//! What a run costs for an organisation of 403 objects: 3 integrations, and 50 workspaces with a
//! grant, a provider, a config, a guardrail, a budget, an API key and a SCIM mapping each.

use std::fmt::Write as _;

use crate::support::{Project, Server};

const WORKSPACES: usize = 50;
const INTEGRATIONS: usize = 3;

fn organisation() -> Project {
    let all = || 0..WORKSPACES;
    let mut text = String::from("workspaces:\n");
    let mut add = |line: String| writeln!(text, "{line}").unwrap();
    for at in all() {
        add(format!("  w{at}: {{ name: Team {at} }}"));
    }
    add("integrations:".to_owned());
    for one in 0..INTEGRATIONS {
        let grants: Vec<String> = all()
            .filter(|at| at % INTEGRATIONS == one)
            .map(|at| format!("w{at}: {{ enabled: true }}"))
            .collect();
        add(format!(
            "  i{one}: {{ name: I{one}, ai_provider_id: openai, key: \"${{env:OPENAI_API_KEY}}\", workspaces: {{ {} }} }}",
            grants.join(", ")
        ));
    }
    type Fields = fn(usize) -> String;
    let kinds: [(&str, Fields); 6] = [
        ("providers", |at| {
            format!("integration_id: i{}", at % INTEGRATIONS)
        }),
        ("configs", |_| {
            "config: { retry: { attempts: 3 } }".to_owned()
        }),
        ("guardrails", |_| {
            "checks: [{ id: default.regexMatch, parameters: { rule: a } }], actions: { deny: true, async: false }"
                .to_owned()
        }),
        ("usage_limits_policies", |_| {
            "type: cost, credit_limit: 100, conditions: [{ key: api_key, value: \"*\" }], group_by: [{ key: api_key }]"
                .to_owned()
        }),
        ("api_keys", |_| {
            "type: workspace, sub_type: service, scopes: [completions.write]".to_owned()
        }),
        ("scim_workspace_mappings", |at| {
            format!("role: member, scim_group_name: group-{at}")
        }),
    ];
    for (kind, fields) in kinds {
        add(format!("{kind}:"));
        for at in all() {
            add(format!(
                "  x{at}: {{ workspace_id: w{at}, {} }}",
                fields(at)
            ));
        }
    }
    let project = Project::of(&text);
    project.file(
        "gatewright.yaml",
        "gatewright: 1\nmanifests: [\"org/*.yaml\"]\nsink: { file: \"keys/{key}\" }\n",
    );
    project
}

#[test]
fn a_plan_of_403_objects_reads_lists_and_then_only_what_changed() {
    let (server, project) = (Server::start(), organisation());
    project.apply(&server.url());
    let plan = |cold: bool| {
        server.clear();
        let mut plan = project.at(&server.url(), ["plan", "--detailed-exitcode"]);
        if cold {
            plan = plan.arg("--no-cache");
        }
        plan.run().expect(0);
        server.total()
    };
    // Stamps have to be some seconds old before they are believed.
    std::thread::sleep(std::time::Duration::from_millis(3_200));
    assert_eq!(plan(true), 163, "cold");
    plan(false);
    assert_eq!(plan(false), 63, "warm");
}
