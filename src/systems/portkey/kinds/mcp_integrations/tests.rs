//! Tests of the kind.

use serde_json::{Value as Json, json};

use super::*;
use crate::systems::portkey::spec::testing::{accepts, decoded, encoded, map, problems};

fn entry(more: Json) -> Json {
    let mut entry = json!({ "url": "https://mcp.example/mcp", "transport": "http",
                            "auth_type": "none" });
    if let (Json::Object(entry), Json::Object(more)) = (&mut entry, more) {
        entry.extend(more);
    }
    entry
}

#[test]
fn the_schema_describes_the_entry_and_its_parts() {
    let good = [
        json!({}),
        json!({ "transport": "sse", "auth_type": "headers", "description": null,
                "configurations": { "custom_headers": { "authorization": "x" },
                                    "forward_headers": ["x-trace-id"],
                                    "jwt_validation": { "jwksUri": "https://idp.example" },
                                    "oauth_metadata": null, "unheard_of": 1 } }),
        json!({ "secret_mappings": [{ "secret_reference_id": "s", "value_format": "string",
                    "target_field": "configurations.custom_headers.authorization" }] }),
        json!({ "workspaces": { "payments": { "enabled": true }, "old": null },
                "capabilities": { "tool/search": { "enabled": false } } }),
    ];
    for more in good {
        let entry = entry(more);
        assert!(accepts::<McpIntegrationSpec>(&KIND, &entry), "{entry}");
    }
    let bad = [
        json!({ "url": "not a url" }),
        json!({ "transport": "interactive" }),
        json!({ "auth_type": "oauth_client_credentials" }),
        json!({ "slug": "x" }),
        json!({ "configurations": null }),
        json!({ "configurations": { "custom_headers": ["a"] } }),
        json!({ "secret_mappings": [{ "secret_reference_id": "s", "target_field": "key" }] }),
        json!({ "workspaces": { "payments": { "enabled": true, "usage_limits": [] } } }),
        json!({ "workspaces": null }),
        json!({ "capabilities": { "tools/search": { "enabled": false } } }),
    ];
    for more in bad {
        let entry = entry(more);
        assert!(!accepts::<McpIntegrationSpec>(&KIND, &entry), "{entry}");
    }
}

#[test]
fn what_does_not_fit_together_is_pointed_out() {
    let table = [
        (json!({}), None),
        (
            json!({ "auth_type": "headers" }),
            Some(
                "warning /auth_type missing-secret: `auth_type: headers` without \
                 `configurations.custom_headers` (the headers can be left out only while the \
                 object exists already)",
            ),
        ),
        (
            json!({ "auth_type": "headers",
                    "secret_mappings": [{ "secret_reference_id": "s",
                        "target_field": "configurations.custom_headers.authorization" }] }),
            None,
        ),
        (
            json!({ "configurations": { "custom_header": {} } }),
            Some(
                "error /configurations/custom_header unknown-field: `custom_header` is not a field \
                 of an MCP integration's `configurations` (did you mean `custom_headers`?)",
            ),
        ),
        (
            json!({ "configurations": { "oauth_metadata": { "client_name": "Acme" } } }),
            Some(
                "warning /configurations/oauth_metadata unused-field: `oauth_metadata` means \
                 nothing without `auth_type: oauth_auto`",
            ),
        ),
        (
            json!({ "configurations": { "custom_headers": { "a": "b" } },
                    "secret_mappings": [{ "secret_reference_id": "s",
                                          "target_field": "configurations.custom_headers.a" }] }),
            Some(
                "warning /secret_mappings/0/target_field conflicting-fields: \
                 `configurations.custom_headers.a` is both declared and mapped (leave one of them \
                 out)",
            ),
        ),
    ];
    for (more, wanted) in table {
        let wanted: Vec<&str> = wanted.into_iter().collect();
        assert_eq!(problems(&KIND, entry(more)), wanted);
    }
}

#[test]
fn a_live_integration_reads_like_its_manifest() {
    let live = json!({
        "id": "u", "slug": "github", "name": "GitHub", "description": null, "url": "https://g/mcp",
        "configurations": { "custom_headers": { "authorization": "Bea*****xyz" },
                            "jwt_validation": null },
        "secret_mappings": [{ "target_field": "configurations.x", "secret_reference_id": "s",
                              "secret_key": null, "value_format": null }],
    });
    assert_eq!(
        decoded(&KIND, live),
        json!({
            "id": "u", "slug": "github", "name": "GitHub", "url": "https://g/mcp",
            "configurations": { "custom_headers": { "authorization": "Bea*****xyz" } },
            "secret_mappings": [{ "target_field": "configurations.x", "secret_reference_id": "s" }],
        })
    );
}

#[test]
fn clearing_depends_on_the_operation() {
    let body = json!({ "description": null, "secret_mappings": null,
                       "configurations": { "custom_headers": null, "forward_headers": ["a"] } });
    assert_eq!(
        encoded(&KIND, body.clone(), Operation::Update),
        json!({ "description": null, "secret_mappings": [],
                "configurations": { "custom_headers": {}, "forward_headers": ["a"] } })
    );
    // Nulls at the top never reach the body of a new object.
    assert_eq!(
        encoded(&KIND, body, Operation::Create)["configurations"],
        json!({ "forward_headers": ["a"] })
    );
}

#[test]
fn grants_are_switches_and_nothing_else() {
    let part = KIND.part("workspaces").unwrap();
    let live = (part.decode)(json!({
        "workspaces": [{ "id": "ws-a", "enabled": 1, "status": "active" },
                       { "id": "ws-b", "enabled": false }],
        "global_workspace_access": null,
    }));
    assert_eq!(
        serde_json::to_value(&live).unwrap(),
        json!({ "ws-a": { "enabled": true }, "ws-b": { "enabled": false } })
    );
    let changed = map(json!({ "ws-a": null, "ws-b": null, "ws-c": { "enabled": true } }));
    let requests = (part.encode)(&changed, live.as_map().unwrap());
    assert_eq!(requests.len(), 1);
    let body = requests[0].body.as_ref().unwrap();
    let wire = body.to_wire(&|reference| Some(format!("id-of-{}", reference.address.key)));
    assert_eq!(
        wire.unwrap(),
        json!({ "workspaces": [{ "id": "id-of-ws-a", "enabled": false },
                               { "id": "id-of-ws-c", "enabled": true }] })
    );
}
