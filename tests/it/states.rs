//! Omitted, null and a value: three different things.

use serde_json::{Value, json};

use crate::support::{Project, Server, at_once, text};

/// A field in its three states.
struct Field {
    /// The field's name in the manifest.
    name: &'static str,
    /// A declared value.
    declared: String,
    /// The same as the API returns it.
    live: Value,
    /// What somebody sets behind gatewright's back.
    other: Value,
}

impl Field {
    fn new(name: &'static str, declared: impl Into<String>, live: Value, other: Value) -> Self {
        Self {
            name,
            declared: declared.into(),
            live,
            other,
        }
    }

    fn text(name: &'static str) -> Self {
        Self::new(name, "mine", json!("mine"), json!("theirs"))
    }

    /// The end of something's time.
    fn expires_at() -> Self {
        let (mine, theirs) = ("2031-05-01T00:00:00Z", "2032-06-02T00:00:00Z");
        Self::new(
            "expires_at",
            "\"2031-05-01T00:00:00Z\"",
            json!(mine),
            json!(theirs),
        )
    }

    /// A budget, where there can be one.
    fn usage_limits() -> Self {
        let declared = "{ type: cost, credit_limit: 5, periodic_reset: weekly }";
        let live = json!({ "credit_limit": 5, "periodic_reset": "weekly" });
        let other = json!({ "type": "cost", "credit_limit": 7, "periodic_reset": "monthly" });
        Self::new("usage_limits", declared, live, other)
    }

    /// The same where the API has a list of one.
    fn list_of_usage_limits() -> Self {
        let declared = "[{ type: cost, credit_limit: 5, periodic_reset: weekly }]";
        let Self { live, other, .. } = Self::usage_limits();
        Self::new("usage_limits", declared, json!([live]), json!([other]))
    }

    /// How much of it, in two of the units that the kind has.
    fn rate_limits([mine, theirs]: [&str; 2]) -> Self {
        let declared = format!("[{{ type: requests, unit: {mine}, value: 5 }}]");
        let live = json!([{ "unit": mine, "value": 5 }]);
        let other = json!([{ "type": "tokens", "unit": theirs, "value": 7 }]);
        Self::new("rate_limits", declared, live, other)
    }
}

struct Subject {
    /// The manifest; `FIELD` stands for the field under test.
    manifest: &'static str,
    path: fn(&Server) -> String,
    fields: Vec<Field>,
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value == "" || value == &json!([]) || value == &json!({})
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
    at_once(&subject.fields, |field| {
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
        assert!(!is_nothing(&other), "{name}: the test sets nothing");
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
        assert!(is_nothing(&cleared), "{name}: not cleared: {cleared}");
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
    });
}

#[test]
fn of_workspaces() {
    check(&Subject {
        manifest: "workspaces:\n  w:\n    name: W\n    FIELD\n",
        path: |server| server.workspace_path("W"),
        fields: vec![
            Field::text("description"),
            Field::list_of_usage_limits(),
            Field::rate_limits(["rpm", "rpd"]),
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
            Field::text("note"),
            Field::usage_limits(),
            Field::expires_at(),
        ],
    });
}

#[test]
fn of_integrations() {
    check(&Subject {
        manifest: "integrations:\n  i:\n    name: I\n    ai_provider_id: openai\n    key: ${env:OPENAI_API_KEY}\n    FIELD\n",
        path: |_| "/integrations/i".to_owned(),
        fields: vec![Field::text("description")],
    });
}

#[test]
fn of_secret_references() {
    check(&Subject {
        manifest: "secret_references:\n  s:\n    name: S\n    manager_type: aws_sm\n    \
                   auth_config: { aws_auth_type: serviceRole, aws_region: us-east-1 }\n    secret_path: p\n    \
                   allow_all_workspaces: true\n    FIELD\n",
        path: |_| "/secret-references/s".to_owned(),
        fields: vec![Field::text("description"), Field::text("secret_key")],
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
            Field::new("alert_threshold", "50", json!(50), json!(60)),
            Field::new(
                "periodic_reset",
                "weekly",
                json!("weekly"),
                json!("monthly"),
            ),
            Field::new("periodic_reset_days", "10", json!(10), json!(20)),
        ],
    });
}

#[test]
fn of_api_keys() {
    let list = (
        "[a@example.com]",
        json!(["a@example.com"]),
        json!(["b@example.com"]),
    );
    let rotation = |period: &str| json!({ "rotation_period": period });
    check(&Subject {
        manifest: "workspaces:\n  w: { name: W }\napi_keys:\n  k:\n    name: K\n    type: workspace\n    \
                   sub_type: service\n    workspace_id: w\n    scopes: [logs.list]\n    FIELD\n    \
                   lifecycle: { sink: { file: k.txt } }\n",
        path: |server| format!("/api-keys/{}", text(&server.named("/api-keys", "K")["id"])),
        fields: vec![
            Field::text("description"),
            Field::usage_limits(),
            Field::rate_limits(["rps", "rpw"]),
            Field::new("alert_emails", list.0, list.1, list.2),
            Field::expires_at(),
            Field::new(
                "rotation_policy",
                "{ rotation_period: weekly }",
                rotation("weekly"),
                rotation("monthly"),
            ),
        ],
    });
}
