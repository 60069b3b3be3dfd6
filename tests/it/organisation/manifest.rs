//! The manifest of a made-up organisation, for the test that counts requests and for the benchmark.

/// How many accounts with model providers there are.
const INTEGRATIONS: usize = 3;

/// The project file: the secrets that the server makes go into files.
pub(crate) const PROJECT: &str =
    "gatewright: 1\nmanifests: [\"org/*.yaml\"]\nsink: { file: \"keys/{key}\" }\n";

/// 3 integrations, and so many workspaces with a grant, a provider, a config, a guardrail, a budget,
/// an API key and a SCIM mapping each: 403 objects for 50.
pub(crate) fn manifest(workspaces: usize) -> String {
    let all = || 0..workspaces;
    let mut text = String::from("workspaces:\n");
    let mut add = |line: String| text.extend([line.as_str(), "\n"]);
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
    text
}
