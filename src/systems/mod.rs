//! The services that gatewright manages, each of them data: one folder per system, one file per
//! kind, and this registry.

pub mod arize;
mod forms;
pub mod portkey;
pub mod spec;

use crate::kind::System;

/// Every system that manifests can speak of, the default one first.
pub static SYSTEMS: &[&System] = &[&portkey::SYSTEM, &arize::SYSTEM];

#[cfg(test)]
mod tests {
    //! Whether the data agrees with itself.

    use serde_json::Value as Json;

    use super::SYSTEMS;
    use crate::kind::{Identity, Is, Kind, Paging, Rule, System};

    fn kinds() -> impl Iterator<Item = (&'static System, &'static Kind)> {
        let systems = SYSTEMS.iter();
        systems.flat_map(|system| system.kinds.iter().map(|kind| (*system, *kind)))
    }

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
        for (_, kind) in kinds() {
            let schema = crate::schema::kind_schema(kind);
            // What the server makes, and what has no state, cannot be declared.
            let undeclared: Vec<&str> = kind
                .rules
                .iter()
                .filter(|rule| {
                    matches!(
                        rule.is,
                        Is::Issued { .. }
                            | Is::Impulse(_)
                            | Is::ServerMade { .. }
                            | Is::KeptElsewhere { .. }
                            | Is::Status { .. }
                    )
                })
                .map(|rule| rule.at.0)
                .collect();
            let declarable = |rule: &&Rule| !undeclared.contains(&rule.at.0);
            for rule in kind.rules.iter().filter(declarable) {
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
        for (system, kind) in kinds() {
            for rule in kind.rules {
                if let Is::Reference { kind: to, .. }
                | Is::ReferenceKeys { kind: to, .. }
                | Is::Mention { kind: to, .. } = rule.is
                {
                    assert!(system.kind(to).is_some(), "{}: {to}", kind.name);
                }
                if let Is::ReferenceBy { kinds, .. } = rule.is {
                    for (_, to) in kinds {
                        assert!(system.kind(to).is_some(), "{}: {to}", kind.name);
                    }
                }
            }
        }
    }

    #[test]
    fn scopes_that_requests_name_cannot_change() {
        for (_, kind) in kinds() {
            for field in kind.scope {
                let at = crate::model::Pointer::root().child(field);
                let has = |wanted: fn(&Is) -> bool| Kind::has(kind, &at, wanted);
                let named = kind.endpoints.list.per_scope || kind.endpoints.scope_in_query;
                let immutable = has(|is| matches!(is, Is::Immutable));
                assert!(!named || immutable, "{}", kind.name);
            }
        }
    }

    #[test]
    fn items_are_addressed_by_id_or_slug() {
        for (_, kind) in kinds() {
            let slug = kind.endpoints.item.ends_with("{slug}");
            assert!(
                slug || kind.endpoints.item.ends_with("{id}"),
                "{}",
                kind.name
            );
        }
    }

    #[test]
    fn kinds_know_their_system_and_what_is_not_listed_is_only_written() {
        for (system, kind) in kinds() {
            assert_eq!(system.name, kind.system, "{}", kind.name);
            let list = &kind.endpoints.list;
            if kind.identity != Identity::Recorded {
                assert!(list.path.starts_with('/'), "{}", kind.name);
                continue;
            }
            assert_eq!((list.path, list.paging), ("", Paging::Whole));
            let schema = crate::schema::kind_schema(kind);
            for field in schema["properties"].as_object().unwrap().keys() {
                let at = crate::model::Pointer::root().child(field);
                let hidden = kind.has(&at, |is| matches!(is, Is::WriteOnly));
                let scope = kind.scope.contains(&field.as_str());
                assert!(hidden || scope, "{}: {field}", kind.name);
            }
        }
    }
}
