//! Portkey: the classic admin API at `https://api.portkey.ai/v1`.

mod forms;
pub mod kinds;
pub mod limits;
pub mod spec;
mod wire;

use crate::kind::System;

/// The system as data.
pub static SYSTEM: System = System {
    name: "portkey",
    default_base_url: "https://api.portkey.ai/v1",
    base_url_variable: "PORTKEY_BASE_URL",
    api_key_variable: "PORTKEY_API_KEY",
    auth_header: "x-portkey-api-key",
    auth_prefix: "",
    kinds: &[
        &kinds::workspaces::KIND,
        &kinds::secret_references::KIND,
        &kinds::integrations::KIND,
        &kinds::providers::KIND,
        &kinds::guardrails::KIND,
        &kinds::configs::KIND,
        &kinds::collections::KIND,
        &kinds::labels::KIND,
        &kinds::mcp_integrations::KIND,
        &kinds::mcp_servers::KIND,
        &kinds::usage_limits_policies::KIND,
        &kinds::rate_limits_policies::KIND,
    ],
};

#[cfg(test)]
mod tests {
    //! Whether the data agrees with itself.

    use serde_json::Value as Json;

    use super::SYSTEM;
    use crate::kind::{Is, Kind};

    /// Whether a place that a pattern names exists in a schema.
    fn exists(root: &Json, schema: &Json, path: &[&str]) -> bool {
        if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
            let target = root.pointer(name.trim_start_matches('#'));
            return target.is_some_and(|target| exists(root, target, path));
        }
        let Some((head, rest)) = path.split_first() else {
            return true;
        };
        let below = match *head {
            "*" => schema
                .get("items")
                .or_else(|| schema.get("additionalProperties")),
            "**" => return true,
            name => schema.pointer(&format!("/properties/{name}")),
        };
        // What is free in form may hold anything.
        let free = schema.get("properties").is_none() && schema.get("items").is_none();
        below.map_or(free, |below| {
            below.is_boolean() || exists(root, below, rest)
        })
    }

    #[test]
    fn every_rule_speaks_of_a_place_that_the_schema_has() {
        for kind in SYSTEM.kinds {
            let schema = crate::schema::kind_schema(kind);
            for rule in kind.rules {
                let path: Vec<&str> = rule.at.0.split('/').skip(1).collect();
                assert!(
                    exists(&schema, &schema, &path),
                    "{}: {}",
                    kind.name,
                    rule.at.0
                );
            }
            for field in kind
                .scope
                .iter()
                .chain(kind.parts.iter().map(|part| &part.field))
            {
                assert!(exists(&schema, &schema, &[field]), "{}: {field}", kind.name);
            }
        }
    }

    #[test]
    fn every_reference_names_a_kind_that_exists() {
        for kind in SYSTEM.kinds {
            for rule in kind.rules {
                if let Is::Reference { kind: to, .. }
                | Is::ReferenceKeys { kind: to, .. }
                | Is::Mention { kind: to, .. } = rule.is
                {
                    assert!(SYSTEM.kind(to).is_some(), "{}: {to}", kind.name);
                }
            }
        }
    }

    #[test]
    fn scopes_are_references_that_cannot_change() {
        for kind in SYSTEM.kinds {
            for field in kind.scope {
                let at = crate::model::Pointer::root().child(field);
                let has = |wanted: fn(&Is) -> bool| Kind::has(kind, &at, wanted);
                assert!(has(|is| matches!(is, Is::Immutable)), "{}", kind.name);
                assert!(
                    has(|is| matches!(is, Is::Reference { .. })),
                    "{}",
                    kind.name
                );
            }
        }
    }

    #[test]
    fn items_are_addressed_by_id_or_slug() {
        for kind in SYSTEM.kinds {
            let slug = kind.endpoints.item.ends_with("{slug}");
            assert!(
                slug || kind.endpoints.item.ends_with("{id}"),
                "{}",
                kind.name
            );
        }
    }
}
