//! Tests of planning, with the Portkey kinds and live objects made by hand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::ledger::{Ledger, Record};
use crate::live::{Live, Object};
use crate::model::{Attribute, FingerprintKey, Gates, Map, Pointer, Reference, Secret};
use crate::systems::portkey::SYSTEM;

/// A repository, its ledger and its server, in memory.
#[derive(Default)]
struct World {
    declared: BTreeMap<Address, Map>,
    ledger: Ledger,
    live: Live,
    protect: bool,
    refuse_adoption: bool,
    refuse_replacement: bool,
    gates: Gates,
    ignore: Vec<Pointer>,
    fingerprint_key: Option<FingerprintKey>,
    sealed: BTreeMap<Pointer, String>,
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn map(json: serde_json::Value) -> Map {
    match Value::from(json) {
        Value::Map(map) => map,
        other => panic!("{other:?}"),
    }
}

fn reference(text: &str, attribute: Attribute) -> Value {
    Value::Reference(Reference {
        address: address(text),
        attribute,
    })
}

impl World {
    fn declare(&mut self, at: &str, fields: serde_json::Value) -> &mut Map {
        self.declared
            .entry(address(at))
            .or_insert_with(|| map(fields))
    }

    fn live(&mut self, at: &str, fields: serde_json::Value) -> &mut Object {
        let key = address(at).key;
        let ident = Ident {
            id: Some(format!("id-{key}")),
            slug: Some(key),
        };
        let object = Object {
            ident,
            name: None,
            fields: map(fields),
        };
        self.live.objects.entry(address(at)).or_insert(object)
    }

    fn record(&mut self, at: &str) -> &mut Record {
        self.ledger.records.entry(address(at)).or_default()
    }

    fn plan(&self) -> Plan {
        let locate = |pointer: &Pointer| Position {
            file: "a.yaml".to_owned(),
            line: pointer.segments().len() + 1,
            column: 1,
        };
        let declared = self.declared.iter().map(|(address, fields)| Declared {
            sink: None,
            rotate: BTreeSet::new(),
            impulses: Vec::new(),
            address,
            kind: SYSTEM.kind(&address.kind).unwrap(),
            fields,
            protect: self.protect,
            replace: !self.refuse_replacement,
            adopt: !self.refuse_adoption,
            ignore: &self.ignore,
            unset: Vec::new(),
            sealed: &self.sealed,
            mentions: BTreeSet::new(),
            locate: &locate,
        });
        let side = Side {
            system: &SYSTEM,
            base_url: "http://h/v1",
            declared: declared.collect(),
            ledger: &self.ledger,
            live: &self.live,
            fingerprint_key: self.fingerprint_key.as_ref(),
        };
        build(None, &[side], &self.gates)
    }
}

/// The steps as text, with the steps that they need.
fn steps(plan: &Plan) -> Vec<String> {
    let show = |step: &Step| {
        let second = if step.second { " again" } else { "" };
        format!("{}{}{second}", step.action.sign(), step.address)
    };
    let needs = |step: &Step| {
        let needs: Vec<String> = step.after.iter().map(|at| show(&plan.steps[*at])).collect();
        if needs.is_empty() {
            String::new()
        } else {
            format!(" after {}", needs.join(", "))
        }
    };
    plan.steps
        .iter()
        .map(|step| format!("{}{}", show(step), needs(step)))
        .collect()
}

#[test]
fn a_workspace_whose_defaults_live_in_it_is_made_in_two_steps() {
    let mut world = World::default();
    let workspace = world.declare(
        "workspaces.a",
        json!({"defaults": {"metadata": {"x": "y"}}}),
    );
    let defaults = workspace
        .get_mut("defaults")
        .and_then(Value::as_map_mut)
        .unwrap();
    let guardrail = reference("guardrails.g", Attribute::Slug);
    defaults.insert("input_guardrails".to_owned(), Value::List(vec![guardrail]));
    let guardrail = world.declare("guardrails.g", json!({"checks": [], "actions": {}}));
    guardrail.insert(
        "workspace_id".to_owned(),
        reference("workspaces.a", Attribute::Id),
    );
    let plan = world.plan();
    assert_eq!(
        steps(&plan),
        [
            "+workspaces.a",
            "+guardrails.g after +workspaces.a",
            "+workspaces.a again after +workspaces.a, +guardrails.g",
        ]
    );
    let body = |step: &Step| serde_json::to_value(&step.requests[0].body).unwrap();
    assert_eq!(
        body(&plan.steps[0])["defaults"],
        json!({"metadata": {"x": "y"}})
    );
    assert_eq!(body(&plan.steps[0])["name"], "a");
    let whole = body(&plan.steps[2]);
    assert_eq!(whole["defaults"]["metadata"], json!({"x": "y"}));
    assert_eq!(
        whole["defaults"]["input_guardrails"][0]["$ref"],
        "guardrails.g"
    );
}

#[test]
fn what_is_inside_is_deleted_before_what_it_is_inside_of() {
    let mut world = World::default();
    for at in [
        "workspaces.a",
        "guardrails.g",
        "providers.p",
        "integrations.i",
    ] {
        world.record(at);
        world.live(at, json!({"name": "n"}));
    }
    for at in ["guardrails.g", "providers.p"] {
        let workspace = reference("workspaces.a", Attribute::Id);
        world
            .record(at)
            .scope
            .insert("workspace_id".to_owned(), workspace);
    }
    let integration = reference("integrations.i", Attribute::Slug);
    world
        .live("providers.p", json!({}))
        .fields
        .insert("integration_id".to_owned(), integration);
    let plan = world.plan();
    assert_eq!(
        steps(&plan),
        [
            "-guardrails.g",
            "-providers.p",
            "-integrations.i after -providers.p",
            "-workspaces.a after -guardrails.g, -providers.p",
        ]
    );
    let delete = &plan.steps[3].requests[0];
    assert_eq!(
        (delete.method.as_str(), delete.path.as_str()),
        ("DELETE", "/admin/workspaces/{id}")
    );
    assert_eq!(
        serde_json::to_value(&delete.body).unwrap(),
        json!({"name": "n"})
    );
}

#[test]
fn only_what_is_recorded_is_deleted_and_nothing_protected() {
    let mut world = World::default();
    world
        .live
        .unowned
        .insert("workspaces", vec![Object::default(), Object::default()]);
    world.record("workspaces.gone");
    world.record("workspaces.kept").protect = true;
    world.live("workspaces.kept", json!({"name": "n"}));
    let plan = world.plan();
    assert_eq!(
        plan.summary,
        Summary {
            delete: 1,
            ..Summary::default()
        }
    );
    assert_eq!(plan.left_alone[0].kind, "workspaces");
    assert_eq!(plan.left_alone[0].count, 2);
    assert_eq!(plan.forgotten, [address("workspaces.gone")]);
    let codes: Vec<_> = plan
        .refusals
        .iter()
        .map(|refusal| refusal.code.as_str())
        .collect();
    assert_eq!(codes, ["protected"]);
}

#[test]
fn an_object_that_fits_is_adopted_without_a_request_unless_that_is_refused() {
    let mut world = World::default();
    world.declare("secret_references.a", json!({"description": "d"}));
    world.live(
        "secret_references.a",
        json!({"description": "d", "name": "by hand"}),
    );
    let plan = world.plan();
    assert!(plan.is_empty() && plan.refusals.is_empty());
    assert_eq!(plan.adopted, [address("secret_references.a")]);
    assert_eq!(
        plan.records[&address("secret_references.a")]
            .ident
            .id
            .as_deref(),
        Some("id-a")
    );
    world.refuse_adoption = true;
    assert_eq!(world.plan().refusals[0].code, "exists");
}

#[test]
fn what_cannot_change_on_a_foreign_object_is_refused() {
    let mut world = World::default();
    world.declare("integrations.a", json!({"ai_provider_id": "openai"}));
    world.live("integrations.a", json!({"ai_provider_id": "anthropic"}));
    let plan = world.plan();
    assert_eq!(plan.refusals[0].code, "immutable");
    assert_eq!(plan.refusals[0].pointer.to_string(), "/ai_provider_id");
    let mut world = World::default();
    world.declare("integrations.new", json!({}));
    world.live("integrations.new", json!({})).ident.slug = Some("old".to_owned());
    assert!(world.plan().refusals[0].message.contains("`/slug` cannot"));
}

#[test]
fn a_replacement_deletes_first_where_slugs_clash_and_takes_along_what_hangs_on_it() {
    let mut world = World::default();
    world.declare("integrations.a", json!({"ai_provider_id": "openai"}));
    world.live("integrations.a", json!({"ai_provider_id": "anthropic"}));
    world.record("integrations.a");
    let provider = world.declare("providers.p", json!({}));
    provider.insert(
        "integration_id".to_owned(),
        reference("integrations.a", Attribute::Slug),
    );
    let fields = world.declared[&address("providers.p")].clone();
    world.live("providers.p", json!({})).fields = fields;
    world.record("providers.p");
    let plan = world.plan();
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    assert_eq!(
        steps(&plan),
        [
            "-providers.p~id-p",
            "-integrations.a~id-a after -providers.p~id-p",
            "+integrations.a after -integrations.a~id-a",
            "+providers.p after -providers.p~id-p, +integrations.a",
        ]
    );
    assert_eq!(plan.summary.replace, 2);
    assert_eq!(
        plan.known[&address("integrations.a~id-a")].id.as_deref(),
        Some("id-a")
    );
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    // A plan without changes keeps the ledger as it is.
    let record = |at: &str| world.ledger.records[&address(at)].clone();
    assert_eq!(plan.moves.len(), 2);
    assert_eq!(record("providers.p"), Record::default());
    // An interrupted run that comes back after the manifest was corrected.
    for Move { from, to } in &plan.moves {
        world.ledger.rename(from, to);
        world.live.rename(from, to);
    }
    let correct = world.declared.get_mut(&address("integrations.a")).unwrap();
    correct.insert("ai_provider_id".to_owned(), Value::text("anthropic"));
    let plan = world.plan();
    assert!(plan.is_empty(), "{:?}", plan.changes);
    assert_eq!(plan.moves.len(), 2);
}

#[test]
fn an_update_sends_whole_fields_and_never_a_mask() {
    let mut world = World::default();
    world.declare(
        "integrations.a",
        json!({"configurations": {"aws_region": "eu-west-1", "aws_access_key_id": null}}),
    );
    let live = world.live(
        "integrations.a",
        json!({"configurations": {"aws_region": "us-east-1", "aws_auth_type": "accessKey"}}),
    );
    let configurations = live
        .fields
        .get_mut("configurations")
        .and_then(Value::as_map_mut);
    let mask = Value::Secret(Secret::live("AKI*****"));
    configurations
        .unwrap()
        .insert("aws_access_key_id".to_owned(), mask);
    let plan = world.plan();
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let body = serde_json::to_value(&plan.steps[0].requests[0].body).unwrap();
    let sent = json!({"configurations": {
        "aws_region": "eu-west-1", "aws_auth_type": "accessKey", "aws_access_key_id": null
    }});
    assert_eq!(body, sent);
    // What is not declared cannot be sent again, and may get lost.
    world.declared.get_mut(&address("integrations.a")).unwrap()["configurations"]
        .as_map_mut()
        .unwrap()
        .shift_remove("aws_access_key_id");
    assert_eq!(world.plan().refusals[0].code, "would-lose-secret");
}

#[test]
fn a_secret_that_was_never_written_is_a_change_and_only_what_was_sent_is_remembered() {
    let mut world = World::default();
    let secret = Value::Secret(Secret::declared("sk-1234", vec!["${env:K}".to_owned()]));
    world
        .declare("integrations.a", json!({}))
        .insert("key".to_owned(), secret);
    world.live("integrations.a", json!({"key": null}));
    world.record("integrations.a").ident = Ident {
        id: Some("id-a".into()),
        slug: Some("a".into()),
    };
    let plan = world.plan();
    let pointers: Vec<_> = plan.changes[0]
        .fields
        .iter()
        .map(|c| c.pointer.to_string())
        .collect();
    assert_eq!(pointers, ["/key"]);
    let record = &plan.records[&address("integrations.a")];
    assert_eq!(
        record
            .fingerprints
            .get(&Pointer::from("/key"))
            .map(String::as_str),
        Some("-")
    );
    // Once it was written, a server that shows nothing of it is believed.
    *world.record("integrations.a") = record.clone();
    assert!(world.plan().is_empty());
}

#[test]
fn fingerprints_stay_bound_to_one_address_until_all_of_them_can_be_made_anew() {
    let secret = |text: &str| Value::Secret(Secret::declared(text, Vec::new()));
    let unseen = || Value::Secret(Secret::live("****"));
    let fields = |one: Value, two: Value| {
        let mut fields = map(json!({"configurations": {"aws_access_key_id": null}}));
        let below = fields.get_mut("configurations").and_then(Value::as_map_mut);
        below.unwrap().insert("aws_access_key_id".to_owned(), two);
        fields.insert("key".to_owned(), one);
        fields
    };
    let mut world = World {
        fingerprint_key: FingerprintKey::new("k"),
        ..World::default()
    };
    *world.declare("virtual_keys.old", json!({})) = fields(secret("1"), secret("2"));
    let (old, new) = (address("virtual_keys.old"), address("virtual_keys.new"));
    let made = world.plan().records[&old].clone();
    assert_eq!((made.fingerprints.len(), &made.bound_to), (2, &None));

    // It moves, and the first secret is left alone from then on.
    world.ledger.records.insert(old.clone(), made.clone());
    world.ledger.rename(&old, &new);
    world.declared.clear();
    let declare = |world: &mut World, one: &str, two: &str| {
        *world.declare("virtual_keys.new", json!({})) = fields(secret(one), secret(two));
    };
    declare(&mut world, "other", "2");
    world.live("virtual_keys.new", json!({})).fields = fields(unseen(), unseen());
    world.ignore = vec![Pointer::from("/key")];
    let plan = world.plan();
    assert!(plan.is_empty(), "{plan:#?}");
    let next = plan
        .records
        .get(&new)
        .unwrap_or(&world.ledger.records[&new]);
    assert_eq!(next.bound_to.as_ref(), Some(&old));
    assert_eq!(next.fingerprints, made.fingerprints);

    // Left alone no more, it is still known not to be what was written.
    world.ignore.clear();
    let plan = world.plan();
    let changed = plan.changes[0]
        .fields
        .iter()
        .map(|field| field.pointer.to_string());
    assert_eq!(changed.collect::<Vec<_>>(), ["/key"]);
    assert_eq!(plan.records[&new].bound_to, None);
    assert_ne!(plan.records[&new].fingerprints, made.fingerprints);
}

#[test]
fn parts_that_are_left_out_are_not_managed_and_empty_ones_take_away() {
    let mut world = World::default();
    world.declare("integrations.a", json!({}));
    world.live(
        "integrations.a",
        json!({"workspaces": {"c": {"enabled": true}}}),
    );
    let written = BTreeSet::from(["c".to_owned()]);
    world
        .record("integrations.a")
        .parts
        .insert("workspaces".to_owned(), written);
    let plan = world.plan();
    assert!(plan.is_empty());
    assert!(plan.records[&address("integrations.a")].parts.is_empty());
    world
        .declared
        .insert(address("integrations.a"), map(json!({"workspaces": {}})));
    assert_eq!(
        world.plan().changes[0].fields[0].pointer.to_string(),
        "/workspaces/c"
    );
}

#[test]
fn a_grant_that_was_written_and_is_no_longer_declared_is_revoked() {
    let mut world = World::default();
    world.declare(
        "integrations.a",
        json!({"workspaces": {"b": {"enabled": true}}}),
    );
    let grants =
        json!({"b": {"enabled": true}, "c": {"enabled": true}, "by-hand": {"enabled": true}});
    world.live("integrations.a", json!({ "workspaces": grants }));
    let written = BTreeSet::from(["b".to_owned(), "c".to_owned()]);
    world
        .record("integrations.a")
        .parts
        .insert("workspaces".to_owned(), written);
    let plan = world.plan();
    let pointers: Vec<_> = plan.changes[0]
        .fields
        .iter()
        .map(|change| change.pointer.to_string())
        .collect();
    assert_eq!(pointers, ["/workspaces/c"]);
    let body = serde_json::to_value(&plan.steps[0].requests[0].body).unwrap();
    assert_eq!(body["workspaces"][0]["id"]["$ref"], "workspaces.c");
    assert_eq!(body["workspaces"][0]["enabled"], false);
}

#[test]
fn what_the_server_finds_is_switched_and_never_taken_away() {
    let mut world = World::default();
    world.declare(
        "mcp_integrations.a",
        json!({"capabilities": {"tool/delete": {"enabled": false}, "tool/typo": {"enabled": true}}}),
    );
    world.live(
        "mcp_integrations.a",
        json!({"capabilities": {"tool/delete": {"enabled": true}, "tool/old": {"enabled": false}}}),
    );
    let plan = world.plan();
    let because = |plan: &Plan| -> Vec<String> {
        let fields = plan.changes.iter().flat_map(|change| &change.fields);
        fields
            .map(|field| format!("{} {:?}", field.pointer, field.because))
            .collect()
    };
    assert_eq!(
        because(&plan),
        [
            "/capabilities/tool~1delete/enabled None",
            "/capabilities/tool~1typo Some(NotFound)"
        ]
    );
    assert_eq!(plan.steps[0].requests.len(), 1);
    let record = &plan.records[&address("mcp_integrations.a")];
    assert!(record.parts.is_empty(), "{record:?}");

    // What is no longer declared stays as it is.
    world.ledger.records = plan.records.clone();
    let fields = world.declared.get_mut(&address("mcp_integrations.a"));
    fields.unwrap().shift_remove("capabilities");
    let plan = world.plan();
    assert_eq!(because(&plan), Vec::<String>::new());
    assert!(plan.steps.is_empty());
}

#[test]
fn ignored_places_are_left_as_they_are() {
    let mut world = World::default();
    world.declare(
        "secret_references.a",
        json!({"description": "mine", "name": "n"}),
    );
    world.live(
        "secret_references.a",
        json!({"description": "theirs", "name": "n"}),
    );
    world.ignore = vec!["/description".into()];
    assert!(world.plan().is_empty());
}

#[test]
fn plans_round_trip_and_their_digest_does_not_depend_on_the_order_of_keys() {
    let mut one = World::default();
    one.declare("workspaces.a", json!({}));
    let fields = one.declared.get_mut(&address("workspaces.a")).unwrap();
    fields.insert("name".to_owned(), Value::text("A"));
    fields.insert("description".to_owned(), Value::text("B"));
    let mut other = World::default();
    other.declare("workspaces.a", json!({}));
    let fields = other.declared.get_mut(&address("workspaces.a")).unwrap();
    fields.insert("description".to_owned(), Value::text("B"));
    fields.insert("name".to_owned(), Value::text("A"));
    let plan = one.plan();
    let text = serde_json::to_string(&plan).unwrap();
    let back: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    assert_eq!(plan.digest, plan.compute_digest());
    assert_eq!(plan.steps[0].requests, other.plan().steps[0].requests);
    assert_eq!(plan.digest, other.plan().digest);
}
