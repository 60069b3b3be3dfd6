//! Omitted, null and a value: three different things.

use serde_json::{Value, json};

use crate::support::{Project, Server, text};

/// A field in its three states.
struct Field {
    /// The field's name in the manifest.
    name: &'static str,
    /// A declared value.
    declared: &'static str,
    /// The same as the API returns it.
    live: Value,
    /// What somebody sets behind gatewright's back.
    other: Value,
    /// What the API returns where there is nothing.
    nothing: &'static [Value],
}

const NOTHING: &[Value] = &[Value::Null];

struct Subject {
    /// The manifest; `FIELD` stands for the field under test.
    manifest: &'static str,
    path: fn(&Server) -> String,
    fields: Vec<Field>,
}

fn is_nothing(value: &Value, also: &[Value]) -> bool {
    value.is_null()
        || value == ""
        || value == &json!([])
        || value == &json!({})
        || also.contains(value)
}

#[track_caller]
fn matches(found: &Value, wanted: &Value, context: &str) {
    // Limits come back with what the server adds; times in another precision.
    let wanted_map = wanted
        .as_object()
        .cloned()
        .or_else(|| wanted[0].as_object().cloned());
    let found_map = found
        .as_object()
        .cloned()
        .or_else(|| found[0].as_object().cloned());
    match (wanted_map, found_map) {
        (Some(wanted), Some(found)) => {
            for (key, value) in wanted {
                assert_eq!(found[&key], value, "{context}: {key}");
            }
        }
        _ => match (wanted.as_str(), found.as_str()) {
            (Some(wanted), Some(found)) if wanted.ends_with('Z') => {
                assert_eq!(wanted[..19], found[..19], "{context}");
            }
            _ => assert_eq!(found, wanted, "{context}"),
        },
    }
}

fn check(subject: &Subject) {
    for field in &subject.fields {
        let name = field.name;
        let server = Server::start();
        let url = server.url();
        let with = |line: &str| subject.manifest.replace("    FIELD\n", line);
        let omitted = with("");
        let null = with(&format!("    {name}: null\n"));
        let value = with(&format!("    {name}: {}\n", field.declared));
        let live = || server.get(&(subject.path)(&server))[name].clone();

        // A value sets it, also from the start.
        let project = Project::of(&value);
        project.apply(&url);
        matches(&live(), &field.live, &format!("{name} created"));
        project.assert_converged(&server, &url);

        // Omitted: what is there stays, whoever wrote it.
        project.file("org/all.yaml", &omitted);
        server.clear();
        project.apply(&url);
        assert_eq!(server.writes(), [""; 0], "{name}: omitting is not a change");
        server.put(&(subject.path)(&server), json!({ name: field.other }));
        let other = live();
        assert!(
            !is_nothing(&other, field.nothing),
            "{name}: the test sets nothing"
        );
        project.assert_converged(&server, &url);
        project.apply(&url);
        assert_eq!(live(), other, "{name}: omitted and yet changed");

        // Null clears it.
        project.file("org/all.yaml", &null);
        let plan = project
            .at(&url, ["plan", "--detailed-exitcode"])
            .run()
            .expect(2);
        assert!(
            plan.stdout.contains(&format!("- /{name}")),
            "{name}: {plan}"
        );
        project.apply(&url);
        let cleared = live();
        assert!(
            is_nothing(&cleared, field.nothing),
            "{name}: not cleared: {cleared}"
        );
        project.assert_converged(&server, &url);

        // A value sets it again.
        project.file("org/all.yaml", &value);
        let plan = project
            .at(&url, ["plan", "--detailed-exitcode"])
            .run()
            .expect(2);
        assert!(
            plan.stdout.contains(&format!("+ /{name}")),
            "{name}: {plan}"
        );
        project.apply(&url);
        matches(&live(), &field.live, &format!("{name} set again"));
        project.assert_converged(&server, &url);
    }
}

#[test]
fn of_workspaces() {
    check(&Subject {
        manifest: "workspaces:\n  w:\n    name: W\n    FIELD\n",
        path: |server| server.workspace_path("W"),
        fields: vec![
            Field {
                name: "description",
                declared: "Mine",
                live: json!("Mine"),
                other: json!("Theirs"),
                nothing: NOTHING,
            },
            Field {
                name: "usage_limits",
                declared: "[{ type: cost, credit_limit: 5, periodic_reset: weekly }]",
                live: json!([{ "credit_limit": 5, "periodic_reset": "weekly" }]),
                other: json!([{ "type": "cost", "credit_limit": 7, "periodic_reset": "monthly" }]),
                nothing: NOTHING,
            },
            Field {
                name: "rate_limits",
                declared: "[{ type: requests, unit: rpm, value: 5 }]",
                live: json!([{ "unit": "rpm", "value": 5 }]),
                other: json!([{ "type": "tokens", "unit": "rpd", "value": 7 }]),
                nothing: NOTHING,
            },
        ],
    });
}

const PROVIDER: &str = "workspaces:
  w: { name: W }
integrations:
  i:
    name: I
    ai_provider_id: openai
    key: ${env:OPENAI_API_KEY}
    workspaces: { w: { enabled: true } }
providers:
  p:
    name: P
    workspace_id: w
    integration_id: i
    FIELD
";

fn provider(server: &Server) -> String {
    format!(
        "/providers/p?workspace_id={}",
        text(&server.workspace("W")["id"])
    )
}

#[test]
fn of_providers() {
    check(&Subject {
        manifest: PROVIDER,
        path: provider,
        fields: vec![
            Field {
                name: "note",
                declared: "Mine",
                live: json!("Mine"),
                other: json!("Theirs"),
                nothing: NOTHING,
            },
            Field {
                name: "usage_limits",
                declared: "{ type: cost, credit_limit: 5, periodic_reset: weekly }",
                live: json!({ "credit_limit": 5, "periodic_reset": "weekly" }),
                other: json!({ "type": "cost", "credit_limit": 7, "periodic_reset": "monthly" }),
                nothing: NOTHING,
            },
            Field {
                name: "expires_at",
                declared: "\"2031-05-01T00:00:00Z\"",
                live: json!("2031-05-01T00:00:00Z"),
                other: json!("2032-06-02T00:00:00Z"),
                nothing: NOTHING,
            },
        ],
    });
}

#[test]
fn of_integrations_and_secret_references() {
    check(&Subject {
        manifest: "integrations:\n  i:\n    name: I\n    ai_provider_id: openai\n    key: ${env:OPENAI_API_KEY}\n    FIELD\n",
        path: |_| "/integrations/i".to_owned(),
        fields: vec![Field {
            name: "description",
            declared: "Mine",
            live: json!("Mine"),
            other: json!("Theirs"),
            nothing: NOTHING,
        }],
    });
    check(&Subject {
        manifest: "secret_references:\n  s:\n    name: S\n    manager_type: aws_sm\n    \
                   auth_config: { aws_auth_type: serviceRole, aws_region: us-east-1 }\n    secret_path: p\n    \
                   allow_all_workspaces: true\n    FIELD\n",
        path: |_| "/secret-references/s".to_owned(),
        fields: vec![
            Field {
                name: "description",
                declared: "Mine",
                live: json!("Mine"),
                other: json!("Theirs"),
                nothing: NOTHING,
            },
            Field {
                name: "secret_key",
                declared: "mine",
                live: json!("mine"),
                other: json!("theirs"),
                nothing: NOTHING,
            },
        ],
    });
}

#[test]
fn of_policies() {
    check(&Subject {
        manifest: "workspaces:\n  w: { name: W }\nusage_limits_policies:\n  p:\n    workspace_id: w\n    name: P\n    \
                   conditions: [{ key: api_key, value: \"*\" }]\n    group_by: [{ key: api_key }]\n    \
                   type: cost\n    credit_limit: 100\n    FIELD\n",
        path: |server| {
            format!(
                "/policies/usage-limits/{}",
                text(&server.named("/policies/usage-limits", "P")["id"])
            )
        },
        fields: vec![
            Field {
                name: "alert_threshold",
                declared: "50",
                live: json!(50),
                other: json!(60),
                nothing: NOTHING,
            },
            Field {
                name: "periodic_reset",
                declared: "weekly",
                live: json!("weekly"),
                other: json!("monthly"),
                nothing: NOTHING,
            },
            Field {
                name: "periodic_reset_days",
                declared: "10",
                live: json!(10),
                other: json!(20),
                nothing: NOTHING,
            },
        ],
    });
}

#[test]
fn of_api_keys() {
    check(&Subject {
        manifest: "workspaces:\n  w: { name: W }\napi_keys:\n  k:\n    name: K\n    type: workspace\n    \
                   sub_type: service\n    workspace_id: w\n    scopes: [logs.list]\n    FIELD\n    \
                   lifecycle: { sink: { file: k.txt } }\n",
        path: |server| format!("/api-keys/{}", text(&server.named("/api-keys", "K")["id"])),
        fields: vec![
            Field {
                name: "description",
                declared: "Mine",
                live: json!("Mine"),
                other: json!("Theirs"),
                nothing: NOTHING,
            },
            Field {
                name: "usage_limits",
                declared: "{ type: cost, credit_limit: 5, periodic_reset: weekly }",
                live: json!({ "credit_limit": 5, "periodic_reset": "weekly" }),
                other: json!({ "type": "cost", "credit_limit": 7, "periodic_reset": "monthly" }),
                nothing: NOTHING,
            },
            Field {
                name: "rate_limits",
                declared: "[{ type: requests, unit: rps, value: 5 }]",
                live: json!([{ "unit": "rps", "value": 5 }]),
                other: json!([{ "type": "tokens", "unit": "rpw", "value": 7 }]),
                nothing: NOTHING,
            },
            Field {
                name: "alert_emails",
                declared: "[a@example.com]",
                live: json!(["a@example.com"]),
                other: json!(["b@example.com"]),
                nothing: NOTHING,
            },
            Field {
                name: "expires_at",
                declared: "\"2031-05-01T00:00:00Z\"",
                live: json!("2031-05-01T00:00:00Z"),
                other: json!("2032-06-02T00:00:00Z"),
                nothing: NOTHING,
            },
            Field {
                name: "rotation_policy",
                declared: "{ rotation_period: weekly }",
                live: json!({ "rotation_period": "weekly" }),
                other: json!({ "rotation_period": "monthly" }),
                nothing: NOTHING,
            },
        ],
    });
}
