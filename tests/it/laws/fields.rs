//! Every field that can be changed, of every kind: what somebody else makes of it is said and set
//! back. The fields come from the kinds' own schemas.

use gatewright::kind::Is;
use gatewright::model::Pointer;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::edit::Edit;
use super::generate::Places;
use super::repository::{self, Sample};
use super::states::{self, Place};
use super::{apply, states::done};
use crate::support::{Project, Server};

/// How often another value is drawn where one is not valid beside the others.
const DRAWS: usize = 60;

/// Where no other value can be drawn beside what the entries have: what other providers and managers
/// need (`forms.rs`), a period beside another (`states.rs`), and what an MCP server can do, which
/// only the server knows (`mcp.rs`).
const EXCLUDED: &[&str] = &[
    "integrations/configurations/",
    "secret_references/auth_config/",
    "usage_limits_policies/periodic_reset_days",
    "mcp_integrations/capabilities",
    "mcp_servers/capabilities",
    "integrations/config/",
    // Of another type of annotation (`arize.rs`).
    "annotation_configs/minimum_score",
    "annotation_configs/maximum_score",
    // Others would be of other workspaces (`workspaces.rs`).
    "workspaces/defaults/user_api_key_config",
    "workspaces/defaults/output_guardrails",
    // The example has one role (`arize.rs`).
    "role_bindings/role_id",
];

fn has(place: &Place, wanted: fn(&Is) -> bool) -> bool {
    let at = place
        .1
        .iter()
        .fold(Pointer::root(), |at, one| at.child(one));
    place.0.has(&at, wanted)
}

/// Whether a change of a place is a change of an object that stays the same.
fn can_change(place: &Place) -> bool {
    !has(place, |is| {
        matches!(is, Is::Immutable | Is::CreateOnly | Is::InsteadOfScope)
    }) && !place.0.scope.contains(&place.1[0].as_str())
}

/// Whether the API shows a place as it is.
fn is_shown(place: &Place) -> bool {
    !has(place, |is| {
        matches!(
            is,
            Is::WriteOnly | Is::Secret | Is::SecretJson | Is::Sensitive
        )
    })
}

/// An edit that puts another value to a place of some entry, valid in itself.
fn another(sample: &Sample, runner: &mut TestRunner, place: &Place) -> Option<Edit> {
    let (kind, path) = place;
    let schema = gatewright::schema::kind_schema(kind);
    let pointer = path.iter().fold(Pointer::root(), |at, one| at.child(one));
    for (key, entry) in sample.of(kind.name) {
        let nothing = [json!(null), json!(""), json!([]), json!({})];
        let old = states::at(entry, path).filter(|old| !nothing.contains(old));
        let Some(old) = old else {
            continue;
        };
        let keys = |name: &str| {
            let keys = sample.of(name).map(|(key, _)| key.clone());
            keys.filter(|other| name != kind.name || other != key)
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
        let Some(values) = places.values(own, &pointer) else {
            continue;
        };
        for _ in 0..DRAWS {
            let value = values.new_tree(runner).ok()?.current();
            if value == *old || nothing.contains(&value) {
                continue;
            }
            let edit = Edit {
                kind: kind.name.to_owned(),
                key: key.clone(),
                path: path.clone(),
                value: Some(value),
            };
            let mut edited = entry.clone();
            edit.apply(&mut edited);
            if states::is_valid(kind, &edited) {
                return Some(edit);
            }
        }
    }
    None
}

/// Edits of all the places that go together, and the sample after them. What does not go together
/// is halved until it is clear what to draw again.
fn others(
    sample: &Sample,
    runner: &mut TestRunner,
    places: &[Place],
    folder: &Project,
    rest: &mut Vec<String>,
) -> (Sample, Vec<(Place, Edit)>) {
    for _ in 0..10 {
        let (mut edited, mut edits) = (sample.clone(), Vec::new());
        for place in places {
            match another(&edited, runner, place) {
                Some(edit) => {
                    edited = edited.with(std::slice::from_ref(&edit));
                    edits.push((place.clone(), edit));
                }
                None if places.len() == 1 => rest.push(name(place)),
                None => {}
            }
        }
        edited.write(folder);
        if edits.len() == places.len() && repository::is_sound(folder.path()) {
            return (edited, edits);
        }
        if places.len() > 1 {
            let (one, two) = places.split_at(places.len() / 2);
            let (edited, mut edits) = others(sample, runner, one, folder, rest);
            let (edited, more) = others(&edited, runner, two, folder, rest);
            edits.extend(more);
            return (edited, edits);
        }
        if edits.is_empty() {
            return (sample.clone(), edits);
        }
    }
    rest.extend(places.iter().map(name));
    (sample.clone(), Vec::new())
}

fn name((kind, path): &Place) -> String {
    format!("{}/{}", kind.name, path.join("/"))
}

#[test]
fn what_somebody_makes_of_any_field_is_said_and_set_back() {
    for base in repository::samples() {
        let mut runner = TestRunner::deterministic();
        let kinds = base.system.kinds.iter();
        let open: Vec<Place> = kinds
            .flat_map(|kind| [true, false].map(|nullable| states::places(kind, nullable)))
            .flatten()
            .filter(can_change)
            .collect();
        // What has members that are managed one by one is those members.
        let is_leaf = |place: &&Place| {
            let inside = |other: &Place| {
                other.0.name == place.0.name
                    && other.1.len() > place.1.len()
                    && other.1.starts_with(&place.1)
            };
            !open.iter().any(inside)
        };
        let open: Vec<Place> = open.iter().filter(is_leaf).cloned().collect();
        let (mut full, mut rest) = (base.clone(), Vec::new());
        for place in &open {
            match states::fill(&full, &mut runner, place) {
                Some(edit) => full = full.with(std::slice::from_ref(&edit)),
                None => rest.push(name(place)),
            }
        }
        let known = |place: &Place| !rest.contains(&name(place));
        let open: Vec<Place> = open.iter().filter(|it| known(it)).cloned().collect();
        let folder = full.project();
        let (other, edits) = others(&full, &mut runner, &open, &folder, &mut rest);
        let shown = edits.iter().filter(|(place, _)| is_shown(place));
        let shown: Vec<Edit> = shown.map(|(_, edit)| edit.clone()).collect();
        let edits: Vec<Edit> = edits.into_iter().map(|(_, edit)| edit).collect();
        rest.retain(|place| !EXCLUDED.iter().any(|start| place.starts_with(start)));
        assert!(rest.is_empty(), "no values can be drawn for {rest:?}");

        let (server, project) = (Server::of_all(), full.project());
        done(apply(&full, &project, &server), "set");
        // Somebody else, with a copy of the repository.
        let copy = other.project();
        for ledger in project.state_files(".ledger") {
            let name = ledger.strip_prefix(project.path()).unwrap();
            let name = name.to_str().unwrap();
            copy.file(name, &project.read(name));
        }
        states::assert_planned(&states::planned(&other, &copy, &server), &edits, "changed");
        done(apply(&other, &copy, &server), "changed");

        let drift = full.run(&project, &server, ["drift", "--format", "json"]);
        let drift: Value = drift.expect(2).json();
        states::assert_planned(&states::changes(&drift), &shown, "drift");
        done(apply(&full, &project, &server), "set back");
    }
}
