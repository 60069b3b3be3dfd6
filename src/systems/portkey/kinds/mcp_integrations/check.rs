//! What a schema cannot say of an MCP integration.

use super::configurations::FIELDS;
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};
use crate::systems::portkey::forms::{Context, Form};
use crate::systems::portkey::mappings;
use crate::systems::portkey::wire::has;

static FORM: Form = Form {
    required: &[],
    optional: FIELDS,
    modes: None,
};

pub(super) fn check(entry: &Map, problems: &mut Problems) {
    let at = Pointer::root().child("configurations");
    let configurations = entry.get("configurations").and_then(Value::as_map);
    if let Some(configurations) = configurations {
        let context = Context {
            what: "an MCP integration's `configurations`",
            secrets: &[],
            supplied: &|_| false,
            hint: &|_| None,
        };
        FORM.check(configurations, &at, &context, false, problems);
    }
    let mapped = mappings(entry, problems);
    let auth_type = entry.get("auth_type").and_then(Value::as_str);
    let headers = configurations.is_some_and(|all| has(all, "custom_headers"));
    if auth_type == Some("headers") && !headers && !mapped {
        problems
            .warning(
                "missing-secret",
                &Pointer::root().child("auth_type"),
                "`auth_type: headers` without `configurations.custom_headers`",
            )
            .help("the headers can be left out only while the object exists already");
    }
    if auth_type.is_some_and(|auth_type| auth_type != "oauth_auto")
        && configurations.is_some_and(|all| has(all, "oauth_metadata"))
    {
        problems.warning(
            "unused-field",
            &at.child("oauth_metadata"),
            "`oauth_metadata` means nothing without `auth_type: oauth_auto`",
        );
    }
}

/// Checks `secret_mappings`; returns whether one of them fills a header.
fn mappings(entry: &Map, problems: &mut Problems) -> bool {
    let declared = |target: &str| {
        let path: Vec<&str> = target.split('.').collect();
        let (field, rest) = path.split_first()?;
        entry.get(*field)?.at(rest)
    };
    let mapped = mappings::check(entry, declared, problems);
    let mut fields = mapped.iter().map(|(target, _)| target.split('.').nth(1));
    fields.any(|field| field == Some("custom_headers"))
}
