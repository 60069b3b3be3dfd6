//! Omitted, null and a value, for every field of every kind that can be null: the fields come from
//! the kinds' own schemas. What cannot be null says so.

use std::collections::BTreeSet;

use gatewright::diagnostic::Severity;
use gatewright::kind::{Is, Kind, Problems};
use gatewright::manifest::{self, Options};
use gatewright::model::Pointer;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::edit::Edit;
use super::generate::Places;
use super::repository::{self, Sample};
use super::{Outcome, apply};
use crate::support::{Project, Server};

/// How often another value is drawn where one is not valid beside the others.
const DRAWS: usize = 30;

/// Places that no entry of the examples can have beside what it has: configurations of other model
/// providers, which are members like any other, and a period beside another, which `states.rs` sets
/// by itself.
const EXCLUDED: &[&str] = &[
    "integrations/configurations/",
    "usage_limits_policies/periodic_reset_days",
    "integrations/config/",
];

/// A place of a kind: a field, or a member of a field that is managed member by member.
pub(super) type Place = (&'static Kind, Vec<String>);

/// The places of a kind that may or may not be null.
pub(super) fn places(kind: &'static Kind, nullable: bool) -> Vec<Place> {
    let schema = gatewright::schema::kind_schema(kind);
    let keys = |_: &str| Vec::new();
    let places = Places {
        kind,
        schema: &schema,
        keys: &keys,
    };
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), places.resolve(&schema))];
    while let Some((path, schema)) = open.pop() {
        let properties = schema["properties"].as_object();
        for (name, member) in properties.into_iter().flatten() {
            let mut path: Vec<String> = path.clone();
            path.push(name.clone());
            let at = path.iter().fold(Pointer::root(), |at, one| at.child(one));
            let fixed = |is: &Is| matches!(is, Is::Immutable | Is::ServerOwned);
            if name == "lifecycle" || (nullable && kind.has(&at, fixed)) {
                continue;
            }
            let member = places.resolve(member);
            if kind.has(&at, |is| matches!(is, Is::Merge | Is::Patch)) {
                open.push((path.clone(), member));
            }
            if may_be_null(&places, member) == nullable {
                found.push((kind, path));
            }
        }
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}

fn may_be_null(places: &Places<'_>, schema: &Value) -> bool {
    let schema = places.resolve(schema);
    let among = |types: &Value| match types {
        Value::Array(several) => several.contains(&json!("null")),
        one => one == "null",
    };
    let any = ["anyOf", "oneOf"]
        .iter()
        .filter_map(|word| schema[*word].as_array());
    among(&schema["type"]) || any.flatten().any(|one| may_be_null(places, one))
}

/// What is at a place of an entry.
pub(super) fn at<'e>(entry: &'e Value, path: &[String]) -> Option<&'e Value> {
    let found = path.iter().try_fold(entry, |value, name| value.get(name));
    found.filter(|value| !value.is_null())
}

/// Whether the kind's own check has nothing against an entry.
pub(super) fn is_valid(kind: &Kind, entry: &Value) -> bool {
    let fields = gatewright::model::Value::from(entry.clone());
    let (Some(check), Some(fields)) = (kind.check, fields.as_map()) else {
        return true;
    };
    let mut problems = Problems::default();
    check(fields, &mut problems);
    !problems
        .0
        .iter()
        .any(|problem| problem.severity == Severity::Error)
}

/// An edit that puts a value to a place of some entry, valid beside what is there.
pub(super) fn fill(sample: &Sample, runner: &mut TestRunner, place: &Place) -> Option<Edit> {
    let (kind, path) = place;
    let schema = gatewright::schema::kind_schema(kind);
    let pointer = path.iter().fold(Pointer::root(), |at, one| at.child(one));
    let entries: Vec<(&String, &Value)> = sample.of(kind.name).collect();
    let has = entries.iter().find(|(_, entry)| at(entry, path).is_some());
    let edit = |key: &String, value: Value| Edit {
        kind: kind.name.to_owned(),
        key: key.clone(),
        path: path.clone(),
        value: Some(value),
    };
    if let Some((key, entry)) = has {
        return Some(edit(key, at(entry, path)?.clone()));
    }
    let parent = |entry: &Value| path.len() == 1 || at(entry, &path[..path.len() - 1]).is_some();
    for (key, entry) in entries.iter().filter(|(_, entry)| parent(entry)) {
        let keys = |name: &str| {
            let keys = sample.of(name).map(|(key, _)| key.clone());
            keys.filter(|other| name != kind.name || other != *key)
                .collect()
        };
        let places = Places {
            kind,
            schema: &schema,
            keys: &keys,
        };
        let mut own = places.resolve(&schema);
        for name in path {
            own = places.resolve(&own["properties"][name]);
        }
        let values = places.values(own, &pointer)?;
        for _ in 0..DRAWS {
            let value = values.new_tree(runner).ok()?.current();
            let says_something = ![json!(null), json!(""), json!([]), json!({})].contains(&value);
            let edit = edit(key, value);
            let mut entry = (*entry).clone();
            edit.apply(&mut entry);
            if says_something && is_valid(kind, &entry) {
                return Some(edit);
            }
        }
    }
    None
}

/// The places that a plan changes.
pub(super) fn planned(sample: &Sample, project: &Project, server: &Server) -> BTreeSet<String> {
    let plan = sample.run(project, server, ["plan", "--format", "json"]);
    changes(&plan.expect(0).json())
}

/// The places that the plan of a document changes.
pub(super) fn changes(document: &Value) -> BTreeSet<String> {
    let changes = document["plan"]["changes"].as_array().cloned();
    let mut places = BTreeSet::new();
    for change in changes.unwrap_or_default() {
        for field in change["fields"].as_array().into_iter().flatten() {
            let (address, at) = (&change["address"], &field["pointer"]);
            let address = address.as_str().unwrap();
            // Edits are of one system, so they do not name it.
            let address = address.split_once(':').map_or(address, |(_, rest)| rest);
            places.insert(format!("{address} {}", at.as_str().unwrap()));
        }
    }
    places
}

/// Asserts that a plan changes something at or in or around each of the places.
#[track_caller]
pub(super) fn assert_planned(planned: &BTreeSet<String>, edits: &[Edit], context: &str) {
    for edit in edits {
        let place = format!("{}.{} /{}", edit.kind, edit.key, edit.path.join("/"));
        let named =
            |found: &String| found.starts_with(&place) || place.starts_with(&format!("{found}/"));
        assert!(
            planned.iter().any(named),
            "{context}: {edit} is not in {planned:#?}"
        );
    }
}

#[track_caller]
pub(super) fn done(outcome: Outcome, context: &str) {
    match outcome {
        Outcome::Done => {}
        Outcome::Refused => panic!("{context}: refused"),
        Outcome::Broken(problem) => panic!("{context}: {problem}"),
    }
}

#[test]
fn every_field_that_can_be_null_is_left_alone_cleared_and_set() {
    for base in repository::samples() {
        let open: Vec<Place> = base
            .system
            .kinds
            .iter()
            .flat_map(|kind| places(kind, true))
            .collect();
        let all = open.len();
        assert!(all > 10, "{all}");
        let mut runner = TestRunner::deterministic();
        let (mut full, mut edits, mut rest) = (base.clone(), Vec::new(), Vec::new());
        for place in open {
            match fill(&full, &mut runner, &place) {
                Some(edit) => {
                    full = full.with(std::slice::from_ref(&edit));
                    edits.push(edit);
                }
                None => rest.push(format!("{}/{}", place.0.name, place.1.join("/"))),
            }
        }
        rest.retain(|place| !EXCLUDED.iter().any(|start| place.starts_with(start)));
        assert!(rest.is_empty(), "no value can be drawn for {rest:?}");
        states(&full, &edits);
    }
}

/// Sets, leaves out, clears and sets again.
fn states(full: &Sample, edits: &[Edit]) {
    let (server, project) = (Server::of_all(), full.project());
    done(apply(full, &project, &server), "set");

    let with = |value: Option<Value>| -> Vec<Edit> {
        let edits = edits.iter().map(|edit| Edit {
            value: value.clone(),
            ..edit.clone()
        });
        edits.collect()
    };
    let nulls = with(Some(Value::Null));
    let omitted = full.with(&with(None));
    omitted.write(&project);
    let left = planned(&omitted, &project, &server);
    assert!(left.is_empty(), "leaving out is no change: {left:#?}");

    let cleared = full.with(&nulls);
    cleared.write(&project);
    assert_planned(&planned(&cleared, &project, &server), &nulls, "null");
    done(apply(&cleared, &project, &server), "cleared");

    // Nothing of it is on the server any more.
    full.write(&project);
    assert_planned(&planned(full, &project, &server), edits, "after null");
    done(apply(full, &project, &server), "set again");
}

#[test]
fn what_cannot_be_null_says_so_where_it_is() {
    for base in repository::samples() {
        for kind in base.system.kinds {
            let (key, entry) = base.of(kind.name).next().unwrap();
            let edits: Vec<Edit> = places(kind, false)
                .into_iter()
                .filter(|(_, path)| path.len() == 1 || at(entry, &path[..1]).is_some())
                .filter(|(_, path)| path.len() == 1)
                .map(|(_, path)| Edit {
                    kind: kind.name.to_owned(),
                    key: key.clone(),
                    path,
                    value: Some(Value::Null),
                })
                .collect();
            let project = base.with(&edits).project();
            let loaded = manifest::load(&Options {
                root: project.path(),
                environment: None,
                variables: &|_| Some("x".to_owned()),
                placeholders: false,
                may_be_empty: false,
                systems: gatewright::systems::SYSTEMS,
                texts: &manifest::Texts::new(),
                defer_secrets: false,
            });
            let told = loaded.diagnostics.iter().filter(|problem| {
                let help = problem.help.as_deref().unwrap_or_default();
                help.contains("cannot be cleared")
            });
            let told: Vec<&str> = told.map(|problem| problem.message.as_str()).collect();
            for edit in &edits {
                let wanted = format!("wrong type for `{}`", edit.path[0]);
                assert!(told.contains(&wanted.as_str()), "{edit}: {told:?}");
            }
        }
    }
}
