//! Tests of finding objects, with folders that may lie in one another.

use serde_json::json;

use std::sync::LazyLock;

use super::*;
use crate::client::{Client, Target};
use crate::kind::{Detail, Endpoints, Is, List, Paging, Rule, System, Update};
use crate::live::Cache;
use crate::model::{Attribute, Reference, Secret, SecretSet};

static SYSTEM: System = System {
    kinds: &[&FOLDERS],
    ..crate::systems::portkey::SYSTEM
};

/// Folders of a workspace, which may lie in one another.
static FOLDERS: Kind = Kind {
    system: "portkey",
    name: "folders",
    noun: "folder",
    schema: |_| schemars::Schema::default(),
    identity: Identity::Name,
    scope: &["workspace_id", "parent_id"],
    endpoints: Endpoints {
        list: List {
            path: "/f",
            items: "data",
            paging: Paging::Whole,
            per_scope: true,
            across: None,
            scopes: &[],
        },
        create: "/f",
        item: "/f/{id}",
        detail: Detail::Listed,
        scope_in_query: false,
        update: Update::PUT,
        delete_body: &[],
    },
    rules: &[Rule::new(
        "/parent_id",
        Is::Reference {
            kind: "folders",
            attribute: Attribute::Id,
        },
    )],
    parts: &[],
    check: None,
    decode: None,
    encode: None,
};

fn client() -> Client {
    let target = Target {
        system: &SYSTEM,
        base_url: SYSTEM.default_base_url.to_owned(),
        api_key: Secret::declared("k", Vec::new()),
    };
    Client::new(target, SecretSet::default(), 1).unwrap()
}

fn reader(client: &Client) -> Reader<'_> {
    static CACHE: LazyLock<Cache> = LazyLock::new(Cache::none);
    Reader {
        client,
        cache: &CACHE,
        live: Live::default(),
        problems: Vec::new(),
    }
}

#[test]
fn a_list_without_a_scope_may_show_several() {
    let client = client();
    let address = Address::new("portkey", "folders", "a");
    let fields = Map::from([("name".to_owned(), Value::text("A"))]);
    let want = Wanted {
        address: &address,
        kind: &FOLDERS,
        fields: Some(&fields),
        record: None,
    };
    let found = |items: Vec<Json>| {
        let mut reader = reader(&client);
        reader.identify(&FOLDERS, &[&want], items, Some(&Vec::new()));
        let object = reader.live.objects.remove(&address);
        object.and_then(|object| object.ident.id)
    };
    let [mine, other, of_nobody] = [
        json!({ "id": "1", "name": "A", "workspace_id": "w" }),
        json!({ "id": "2", "name": "B", "workspace_id": "v" }),
        json!({ "id": "3", "name": "A", "workspace_id": null }),
    ];
    // An object of another scope is somebody else's, also if it is the only one.
    assert_eq!(found(vec![mine.clone()]), None);
    assert_eq!(found(vec![mine.clone(), other.clone()]), None);
    let all = vec![mine, other, of_nobody];
    assert_eq!(found(all).as_deref(), Some("3"));
}

#[test]
fn names_count_within_the_parent_and_parents_are_found_first() {
    let client = client();
    let mut reader = reader(&client);
    let parent = |key: &str| {
        Value::Reference(Reference {
            address: Address::new("portkey", "folders", key),
            attribute: Attribute::Id,
        })
    };
    let fields = |name: &str, above: Option<&str>| {
        let mut fields = Map::from([("name".to_owned(), Value::text(name))]);
        fields.extend(above.map(|key| ("parent_id".to_owned(), parent(key))));
        fields
    };
    // Sorted by key, every folder stands before the one that it lies in.
    let declared = [
        ("a-deep", fields("Drafts", Some("b-middle"))),
        ("b-middle", fields("Drafts", Some("c-top"))),
        ("c-top", fields("Drafts", None)),
        ("d-missing", fields("Drafts", Some("e-missing"))),
        ("e-missing", fields("Old", None)),
    ];
    let addresses: Vec<Address> = declared
        .iter()
        .map(|(key, _)| Address::new("portkey", "folders", *key))
        .collect();
    let wanted: Vec<Wanted<'_>> = declared
        .iter()
        .zip(&addresses)
        .map(|((_, fields), address)| Wanted {
            address,
            kind: &FOLDERS,
            fields: Some(fields),
            record: None,
        })
        .collect();
    let items = vec![
        json!({ "id": "3", "name": "Drafts", "parent_id": "2" }),
        json!({ "id": "1", "name": "Drafts", "parent_id": null }),
        json!({ "id": "2", "name": "Drafts", "parent_id": "1" }),
        json!({ "id": "4", "name": "Drafts", "parent_id": "of-nobody" }),
    ];
    let wants: Vec<&Wanted<'_>> = wanted.iter().collect();
    let scope = vec![("workspace_id".to_owned(), "w".to_owned())];
    reader.identify(&FOLDERS, &wants, items, Some(&scope));

    assert!(reader.problems.is_empty(), "{:?}", reader.problems);
    let found: Vec<(&str, Option<&str>, Option<&Value>)> = reader
        .live
        .objects
        .iter()
        .map(|(address, object)| {
            let above = object.fields.get("parent_id");
            (address.key.as_str(), object.ident.id.as_deref(), above)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("a-deep", Some("3"), Some(&parent("b-middle"))),
            ("b-middle", Some("2"), Some(&parent("c-top"))),
            ("c-top", Some("1"), Some(&Value::Null)),
        ]
    );
    assert_eq!(reader.live.unowned["folders"].len(), 1);
}
