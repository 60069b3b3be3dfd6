//! Tests of the diff, with a kind made for them.

use serde_json::json;

use super::*;
use crate::kind::{Detail, Endpoints, Identity, List, Members, Paging, Part, Rule, Update};
use crate::model::Attribute;

static KIND: Kind = Kind {
    system: "portkey",
    name: "things",
    noun: "thing",
    schema: |_| schemars::Schema::default(),
    identity: Identity::Slug,
    scope: &[],
    endpoints: Endpoints {
        list: List {
            path: "/t",
            items: "data",
            paging: Paging::Whole,
            per_scope: false,
            across: None,
            scopes: &[],
        },
        create: "/t",
        item: "/t/{slug}",
        detail: Detail::Listed,
        scope_in_query: false,
        update: Update::PUT,
        delete_body: &[],
    },
    rules: &[
        Rule::new("/defaults", Is::Merge),
        Rule::new("/tags", Is::Set),
        Rule::new("/limits/*/next", Is::ServerOwned),
        Rule::new("/checks/*/is_enabled", Is::Default(|| Value::Bool(true))),
        Rule::new("/allowed", Is::WriteOnly),
        Rule::new("/once", Is::CreateOnly),
        Rule::new("/token", Is::Presence),
        Rule::new("/hidden", Is::WriteOnly),
        Rule::new("/hidden", Is::Presence),
        Rule::new("/hidden/*", Is::Presence),
        Rule::new("/expires_at", Is::Instant),
    ],
    parts: &[
        Part {
            field: "models",
            path: "/t/{slug}/models",
            read: None,
            items: "models",
            paging: Paging::Whole,
            members: Members::Written,
            decode: Value::from,
            encode: |_, _| Vec::new(),
            is_absent: |value| value.at(&["enabled"]).and_then(Value::as_bool) == Some(false),
        },
        Part {
            field: "tools",
            path: "/t/{slug}/tools",
            read: None,
            items: "data",
            paging: Paging::Page { size: 500 },
            members: Members::Found,
            decode: Value::from,
            encode: |_, _| Vec::new(),
            is_absent: |_| false,
        },
    ],
    check: None,
    decode: None,
    encode: None,
};

fn map(json: serde_json::Value) -> Map {
    match Value::from(json) {
        Value::Map(map) => map,
        other => panic!("{other:?}"),
    }
}

fn places(desired: serde_json::Value, live: serde_json::Value) -> Vec<String> {
    run(&map(desired), &map(live), None, None)
}

fn run(
    desired: &Map,
    live: &Map,
    record: Option<&Record>,
    key: Option<&FingerprintKey>,
) -> Vec<String> {
    let address = "things.a".parse().unwrap();
    let resolve =
        |reference: &Reference| (reference.address.key == "known").then(|| "pg-known-1".to_owned());
    let context = Context {
        address: &address,
        record,
        fingerprint_key: key,
        resolve: &resolve,
    };
    let changes = diff(&KIND, desired, live, context);
    changes
        .iter()
        .map(|change| {
            let show = |value: &Value| serde_json::to_string(value).unwrap();
            format!(
                "{} {} -> {}",
                change.pointer,
                show(&change.old),
                show(&change.new)
            )
        })
        .collect()
}

#[test]
fn undeclared_fields_are_left_alone_and_null_clears() {
    assert!(
        places(
            json!({"name": "a"}),
            json!({"name": "a", "note": "by hand"})
        )
        .is_empty()
    );
    assert_eq!(
        places(json!({"note": null}), json!({"note": "by hand"})),
        ["/note \"by hand\" -> null"]
    );
    for nothing in [
        json!(null),
        json!(""),
        json!([]),
        json!({}),
        json!({"x": null}),
    ] {
        assert!(places(json!({"note": null}), json!({ "note": nothing })).is_empty());
    }
}

#[test]
fn below_the_top_an_object_is_declared_as_a_whole_unless_it_merges() {
    assert_eq!(
        places(
            json!({"config": {"a": 1}}),
            json!({"config": {"a": 1, "b": 2, "c": null}})
        ),
        ["/config/b 2 -> null"]
    );
    assert!(
        places(
            json!({"defaults": {"a": 1}}),
            json!({"defaults": {"a": 1, "b": 2}})
        )
        .is_empty()
    );
}

#[test]
fn server_owned_and_default_values_make_no_difference() {
    assert!(
        places(
            json!({"limits": [{"type": "cost"}]}),
            json!({"limits": [{"type": "cost", "next": "2026", "reset": ""}]})
        )
        .is_empty()
    );
    assert!(
        places(
            json!({"checks": [{"id": "x"}]}),
            json!({"checks": [{"id": "x", "is_enabled": true}]})
        )
        .is_empty()
    );
    // The live API leaves out `is_enabled` when it is true.
    assert!(
        places(
            json!({"checks": [{"id": "x", "is_enabled": true}]}),
            json!({"checks": [{"id": "x"}]})
        )
        .is_empty()
    );
    assert_eq!(
        places(
            json!({"checks": [{"id": "x"}]}),
            json!({"checks": [{"id": "x", "is_enabled": false}]})
        ),
        ["/checks/0/is_enabled false -> null"]
    );
}

#[test]
fn loose_spellings_of_the_live_api_are_the_same_value() {
    for (want, have) in [
        (json!(true), json!(1)),
        (json!(false), json!("false")),
        (json!(false), json!(null)),
        (json!(10), json!(10.0)),
        (json!(10.5), json!("10.5")),
    ] {
        assert!(
            places(json!({ "x": want }), json!({ "x": have })).is_empty(),
            "{want} {have}"
        );
    }
    assert_eq!(
        places(json!({"x": true}), json!({"x": 0})),
        ["/x 0 -> true"]
    );
    assert!(
        places(
            json!({"expires_at": "2026-01-01T00:00:00Z"}),
            json!({"expires_at": "2026-01-01T00:00:00.000Z"})
        )
        .is_empty()
    );
}

#[test]
fn sets_ignore_order_and_lists_do_not() {
    assert!(places(json!({"tags": ["a", "b"]}), json!({"tags": ["b", "a"]})).is_empty());
    assert_eq!(
        places(json!({"tags": ["a", "c"]}), json!({"tags": ["b", "a"]})),
        ["/tags/1 null -> \"c\"", "/tags/- \"b\" -> null"]
    );
    assert_eq!(
        places(
            json!({"list": ["a", "b"]}),
            json!({"list": ["b", "a", "c"]})
        ),
        [
            "/list/0 \"b\" -> \"a\"",
            "/list/1 \"a\" -> \"b\"",
            "/list/2 \"c\" -> null"
        ]
    );
}

#[test]
fn what_the_server_finds_by_itself_is_reported_where_it_is_missing() {
    let desired = map(json!({ "tools": {
        "search": { "enabled": true }, "delete": { "enabled": false }, "typo": { "enabled": true },
    } }));
    let live = map(json!({ "tools": {
        "search": { "enabled": true }, "delete": { "enabled": true }, "other": { "enabled": true },
    } }));
    let address = "things.a".parse().unwrap();
    let context = Context {
        address: &address,
        record: None,
        fingerprint_key: None,
        resolve: &|_| None,
    };
    let changes = diff(&KIND, &desired, &live, context);
    let because: Vec<(String, Option<Because>)> = changes
        .iter()
        .map(|change| (change.pointer.to_string(), change.because))
        .collect();
    assert_eq!(
        because,
        [
            ("/tools/delete/enabled".to_owned(), None),
            ("/tools/typo".to_owned(), Some(Because::NotFound)),
        ]
    );
}

#[test]
fn members_of_a_part_are_managed_one_by_one() {
    assert!(
        places(
            json!({"models": {"a": {"enabled": true}}}),
            json!({"models": {
                "a": {"enabled": true}, "b": {"enabled": true}
            }})
        )
        .is_empty()
    );
    assert_eq!(
        places(
            json!({"models": {"a": null}}),
            json!({"models": {"a": {"enabled": true}}})
        ),
        ["/models/a {\"enabled\":true} -> null"]
    );
    assert!(
        places(
            json!({"models": {"a": null}}),
            json!({"models": {"a": {"enabled": false}}})
        )
        .is_empty()
    );
}

#[test]
fn what_the_api_does_not_return_is_compared_with_the_ledger() {
    let desired = map(json!({"allowed": ["a"]}));
    let live = Map::new();
    assert_eq!(
        run(&desired, &live, None, None),
        ["/allowed null -> [\"a\"]"]
    );
    let mut record = Record::default();
    record
        .applied
        .insert("allowed".into(), Value::from(json!(["a"])));
    assert!(run(&desired, &live, Some(&record), None).is_empty());
    assert!(places(json!({"once": true}), json!({})).is_empty());
    // What a server shows of it counts too, unless that is nothing.
    let empty = map(json!({"allowed": []}));
    assert!(run(&desired, &empty, Some(&record), None).is_empty());
    let live = map(json!({"allowed": ["b"]}));
    assert_eq!(
        run(&desired, &live, Some(&record), None),
        ["/allowed/0 \"b\" -> \"a\""]
    );
    assert!(places(json!({"allowed": ["a"]}), json!({"allowed": ["a"]})).is_empty());
    // A mask hides that a short text is another one; the ledger knows.
    let mask = Value::Secret(Secret::live("*****"));
    let masked = Map::from([("allowed".to_owned(), Value::List(vec![mask]))]);
    assert!(run(&desired, &masked, Some(&record), None).is_empty());
    let other = map(json!({"allowed": ["c"]}));
    assert!(run(&other, &masked, None, None).is_empty());
    assert_eq!(
        run(&other, &masked, Some(&record), None),
        ["/allowed [\"a\"] -> [\"c\"]"]
    );
}

#[test]
fn a_secret_in_what_the_api_does_not_return_is_compared_by_fingerprint() {
    let secret = |text: &str| Value::Secret(Secret::declared(text, vec!["${env:K}".into()]));
    let desired = |text: &str| Map::from([("allowed".to_owned(), Value::List(vec![secret(text)]))]);
    let key = FingerprintKey::new("k").unwrap();
    let at = Pointer::from("/allowed/0");
    let made = fingerprint(
        &key,
        &"things.a".parse().unwrap(),
        &at,
        &Secret::declared("one", vec![]),
    );
    let mut record = Record::default();
    record.fingerprints.insert(at, made.as_str().to_owned());
    // As it comes back from a ledger: without its text.
    let stored = serde_json::to_string(&Value::List(vec![secret("one")])).unwrap();
    record
        .applied
        .insert("allowed".into(), serde_json::from_str(&stored).unwrap());
    let live = Map::new();
    assert!(run(&desired("one"), &live, Some(&record), Some(&key)).is_empty());
    assert_eq!(
        run(&desired("two"), &live, Some(&record), Some(&key)).len(),
        1
    );
}

#[test]
fn a_text_of_which_the_ledger_has_a_fingerprint_alone_is_compared_and_labelled_by_that() {
    let key = FingerprintKey::new("k").unwrap();
    let address: Address = "things.a".parse().unwrap();
    let sealed = r#"{"$secret":["${sops:a.yaml}"]}"#;
    let applied =
        format!(r#"{{"allowed":["x",{sealed}],"defaults":{{"note":{sealed}}},"tags":[{sealed}]}}"#);
    let mut record = Record {
        applied: serde_json::from_str(&applied).unwrap(),
        ..Record::default()
    };
    for (at, text) in [("/allowed/1", "one"), ("/defaults/note", "note")] {
        let (at, secret) = (Pointer::from(at), Secret::declared(text, vec![]));
        let made = fingerprint(&key, &address, &at, &secret);
        record.fingerprints.insert(at, made.as_str().to_owned());
    }
    let labels = |desired: serde_json::Value, live: serde_json::Value, key| {
        let context = Context {
            address: &address,
            record: Some(&record),
            fingerprint_key: key,
            resolve: &|_| None,
        };
        let changes = diff(&KIND, &map(desired), &map(live), context);
        let labels = changes.iter().map(|change| change.origin);
        labels.collect::<Vec<_>>()
    };
    // What is not read back.
    let allowed = |text: &str, key| labels(json!({"allowed": ["x", text]}), json!({}), key);
    assert_eq!(allowed("one", Some(&key)), []);
    assert_eq!(allowed("two", Some(&key)), [Some(Origin::Intended)]);
    assert_eq!(allowed("two", None), [], "nothing tells");
    assert_eq!(
        labels(json!({"allowed": ["y", "one"]}), json!({}), Some(&key)).len(),
        1
    );
    // What is, in a place of its own and within something new.
    let note = |want: &str, have: &str, key| {
        let note = |text: &str| json!({"defaults": {"note": text}});
        labels(note(want), note(have), key)
    };
    assert_eq!(note("note", "note", Some(&key)), []);
    assert_eq!(note("note", "theirs", Some(&key)), [Some(Origin::Drift)]);
    assert_eq!(note("mine", "note", Some(&key)), [Some(Origin::Intended)]);
    assert_eq!(note("mine", "theirs", Some(&key)), [Some(Origin::Conflict)]);
    assert_eq!(note("mine", "theirs", None), [None]);
    let gone = labels(json!({"defaults": {"note": "note"}}), json!({}), Some(&key));
    assert_eq!(gone, [Some(Origin::Drift)]);
    // Elements of sets have no places to be known by.
    let tags = labels(json!({"tags": ["a"]}), json!({"tags": []}), Some(&key));
    assert_eq!(tags, [None]);
}

#[test]
fn references_and_templates_are_compared_by_what_they_stand_for() {
    let reference = |key: &str| Reference {
        address: Address::new("portkey", "guardrails", key),
        attribute: Attribute::Slug,
    };
    let desired = |key: &str| Map::from([("g".to_owned(), Value::Reference(reference(key)))]);
    assert!(
        run(
            &desired("known"),
            &map(json!({"g": "pg-known-1"})),
            None,
            None
        )
        .is_empty()
    );
    assert_eq!(
        run(
            &desired("new"),
            &map(json!({"g": "pg-known-1"})),
            None,
            None
        )
        .len(),
        1
    );
}

#[test]
fn secrets_change_by_fingerprint_then_by_mask_and_never_show() {
    let secret = |text: &str| {
        Map::from([(
            "key".to_owned(),
            Value::Secret(Secret::declared(text, vec!["${env:K}".into()])),
        )])
    };
    let live = map(json!({"key": "sk-*****xyz"}));
    // The mask alone.
    assert!(run(&secret("sk-12345xyz"), &live, None, None).is_empty());
    let shown = run(&secret("sk-12345abc"), &live, None, None);
    assert_eq!(
        shown,
        ["/key {\"$secret\":[]} -> {\"$secret\":[\"${env:K}\"]}"]
    );
    // A fingerprint knows more than the mask.
    let key = FingerprintKey::new("k").unwrap();
    let address = "things.a".parse().unwrap();
    let at = Pointer::from("/key");
    let written = fingerprint(
        &key,
        &address,
        &at,
        &Secret::declared("sk-12345xyz", vec![]),
    );
    let mut record = Record::default();
    record.fingerprints.insert(at, written.as_str().to_owned());
    assert!(run(&secret("sk-12345xyz"), &live, Some(&record), Some(&key)).is_empty());
    assert_eq!(
        run(&secret("sk-99999xyz"), &live, Some(&record), Some(&key)).len(),
        1
    );
    // Another key says nothing; the mask fits, so nothing is known to have changed.
    let other = FingerprintKey::new("other").unwrap();
    assert!(run(&secret("sk-99999xyz"), &live, Some(&record), Some(&other)).is_empty());
}

#[test]
fn a_secret_that_is_there_is_known_by_its_fingerprint_and_one_that_is_not_is_written() {
    let secret = || Value::Secret(Secret::declared("s-1", vec!["${env:S}".to_owned()]));
    let unseen = || Value::Secret(Secret::live(""));
    let token = |value: Value| Map::from([("token".to_owned(), value)]);
    let key = FingerprintKey::new("k").unwrap();
    let at = Pointer::from("/token");
    let print = fingerprint(
        &key,
        &"things.a".parse().unwrap(),
        &at,
        &secret_of(&secret()),
    );
    let record = Record {
        fingerprints: [(at, print.as_str().to_owned())].into(),
        ..Record::default()
    };
    let said = |desired: Value, live: Value, record: Option<&Record>| {
        run(&token(desired), &token(live), record, Some(&key)).len()
    };
    assert_eq!(said(secret(), unseen(), Some(&record)), 0);
    assert_eq!(
        said(secret(), unseen(), None),
        1,
        "nobody knows what is there"
    );
    assert_eq!(said(secret(), Value::Null, Some(&record)), 1, "it is gone");
    assert_eq!(said(Value::Null, unseen(), None), 1);
    assert_eq!(said(Value::Null, Value::Null, Some(&record)), 0);
}

fn secret_of(value: &Value) -> Secret {
    match value {
        Value::Secret(secret) => secret.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_a_hidden_map_the_ledger_and_what_little_the_api_says_decide() {
    let hidden = |value: Value| Map::from([("hidden".to_owned(), value)]);
    let wanted = || Value::from(json!({ "a": "1" }));
    let unseen = || Value::Secret(Secret::live(""));
    let record = Record {
        applied: [("hidden".to_owned(), wanted())].into(),
        ..Record::default()
    };
    let said =
        |live: Value, record: Option<&Record>| run(&hidden(wanted()), &hidden(live), record, None);
    let names = |names: &[&str]| {
        Value::Map(
            names
                .iter()
                .map(|name| ((*name).to_owned(), unseen()))
                .collect(),
        )
    };
    assert!(said(unseen(), Some(&record)).is_empty());
    assert_eq!(said(unseen(), None).len(), 1);
    assert_eq!(said(Value::Null, Some(&record)).len(), 1);
    assert_eq!(
        said(names(&["a", "b"]), Some(&record)),
        ["/hidden/b {\"$secret\":[]} -> null"]
    );
    assert_eq!(
        said(names(&["b"]), Some(&record)),
        [
            "/hidden/a null -> \"1\"",
            "/hidden/b {\"$secret\":[]} -> null"
        ]
    );
}

#[test]
fn an_element_of_a_set_that_says_nothing_asks_for_nothing() {
    assert!(places(json!({"tags": [{"a": null}]}), json!({"tags": []})).is_empty());
    assert_eq!(
        places(json!({"tags": [{}]}), json!({"tags": [{"a": "x"}]})).len(),
        1
    );
}

#[test]
fn what_was_applied_last_tells_who_made_a_difference() {
    let label = |base: serde_json::Value, live: serde_json::Value, desired: serde_json::Value| {
        let record = Record {
            applied: map(base),
            ..Record::default()
        };
        let address = "things.a".parse().unwrap();
        let context = Context {
            address: &address,
            record: Some(&record),
            fingerprint_key: None,
            resolve: &|_| None,
        };
        let changes = diff(&KIND, &map(desired), &map(live), context);
        let show = |change: FieldChange| {
            let origin = serde_json::to_value(change.origin).unwrap();
            let base = change
                .last_applied
                .map(|base| serde_json::to_string(&base).unwrap());
            format!("{} {} {}", change.pointer, origin, base.unwrap_or_default())
        };
        changes.into_iter().map(show).collect::<Vec<_>>()
    };
    let a = |text: &str| json!({ "a": text });
    assert_eq!(label(a("1"), a("1"), a("2")), ["/a \"intended\" "]);
    assert_eq!(label(a("1"), a("2"), a("1")), ["/a \"drift\" "]);
    assert_eq!(label(a("1"), a("2"), a("3")), ["/a \"conflict\" \"1\""]);
    assert_eq!(label(a("1"), a("2"), a("2")), [""; 0]);
    // Declared for the first time, cleared, and without knowledge.
    assert_eq!(
        label(
            json!({"b": 1}),
            json!({"a": "2", "b": 1}),
            json!({"a": "3", "b": 1})
        ),
        ["/a \"intended\" "]
    );
    assert_eq!(
        label(a("1"), a("1"), json!({"a": null})),
        ["/a \"intended\" "]
    );
    assert_eq!(
        label(a("1"), a("2"), json!({"a": null})),
        ["/a \"conflict\" \"1\""]
    );
    assert_eq!(label(json!({}), a("1"), a("2")), ["/a null "]);
    // Members of what is declared as a whole.
    let whole = |members: serde_json::Value| json!({ "whole": members });
    assert_eq!(
        label(
            whole(json!({"x": 1})),
            whole(json!({"x": 1, "y": 2})),
            whole(json!({"x": 1}))
        ),
        ["/whole/y \"drift\" "]
    );
    assert_eq!(
        label(
            whole(json!({"x": 1, "y": 2})),
            whole(json!({"x": 1, "y": 2})),
            whole(json!({"x": 1}))
        ),
        ["/whole/y \"intended\" "]
    );
    // Elements of sets.
    let set = |items: &[&str]| json!({ "tags": items });
    assert_eq!(
        label(set(&["a", "b"]), set(&["b", "c"]), set(&["a", "b", "d"])),
        [
            "/tags/0 \"drift\" ",
            "/tags/2 \"intended\" ",
            "/tags/- \"drift\" "
        ]
    );
}

#[test]
fn a_secret_that_is_taken_away_on_the_server_is_drift() {
    let sources = || vec!["${env:KEY}".to_owned()];
    let of = |text: &str| {
        Map::from([(
            "token".to_owned(),
            Value::Secret(Secret::declared(text, sources())),
        )])
    };
    // What a ledger remembers of it has no text.
    let record = Record {
        applied: of(""),
        ..Record::default()
    };
    let address = "things.a".parse().unwrap();
    let context = Context {
        address: &address,
        record: Some(&record),
        fingerprint_key: None,
        resolve: &|_| None,
    };
    let changes = diff(&KIND, &of("sk-1"), &map(json!({ "token": "" })), context);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].because, Some(Because::Absent));
    assert_eq!(changes[0].origin, Some(Origin::Drift));
}
