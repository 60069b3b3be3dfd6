//! Keys for objects that have none yet.

use std::collections::{BTreeSet, HashMap};

use crate::kind::{Identity, Kind};
use crate::live::Found;
use crate::model::{Address, Value};

/// How long a key made from a name gets.
const LONGEST: usize = 60;

/// An address for each object; `None` where its slug cannot be a key. `scope_key` is the key of
/// what an object lives in, or those of what it joins, to tell objects of one name apart. The order of the objects does not
/// matter, and neither does what was imported before.
pub fn assign(
    objects: &[&Found],
    taken: &BTreeSet<Address>,
    scope_key: &dyn Fn(&Found) -> Option<String>,
    is_id: fn(&str) -> bool,
) -> Vec<Option<Address>> {
    let mut taken = taken.clone();
    let mut bases: HashMap<(&str, String), usize> = HashMap::new();
    for object in objects {
        *bases
            .entry((object.kind.name, base(object, is_id)))
            .or_default() += 1;
    }
    let mut order: Vec<usize> = (0..objects.len()).collect();
    order.sort_by_key(|at| {
        let object = objects[*at];
        let created = object.fields.get("created_at").and_then(Value::as_str);
        (created, &object.ident.id, &object.ident.slug)
    });
    let mut addresses = vec![None; objects.len()];
    for at in order {
        let object = objects[at];
        let kind = object.kind;
        let address = |key: String| Address::new(kind.system, kind.name, key);
        addresses[at] = match kind.identity {
            Identity::Slug => {
                let slug = object.ident.slug.clone().filter(|slug| is_key(slug));
                slug.map(address).filter(|it| taken.insert(it.clone()))
            }
            _ => {
                // What nothing else tells apart is the one of its kind in its place.
                let scope = scope_key(object);
                let place = scope.clone().filter(|_| label(object, is_id).is_none());
                let scope = scope.filter(|_| place.is_none());
                let base = place.unwrap_or_else(|| base(object, is_id));
                let alone = bases
                    .get(&(kind.name, base.clone()))
                    .is_none_or(|count| *count == 1);
                let scoped = scope.map(|scope| format!("{scope}-{base}"));
                let first = alone.then(|| base.clone());
                // Of namesakes, the addresses tell who is who.
                let whole = address_of(object, is_id).filter(|_| !alone);
                let whole = whole.map(|text| speaking(text, object.kind));
                let numbered = (2..).map(|number| format!("{base}-{number}"));
                let last = (!alone).then(|| base.clone());
                first
                    .into_iter()
                    .chain(scoped)
                    .chain(whole)
                    .chain(last)
                    .chain(numbered)
                    .map(address)
                    .find(|it| taken.insert(it.clone()))
            }
        };
    }
    addresses
}

fn is_key(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty() && text.len() <= 255 && text.chars().all(allowed)
}

/// What people call an object: its name, or else the last of the texts that say where it is.
pub fn label(object: &Found, is_id: fn(&str) -> bool) -> Option<&str> {
    if object.name.is_some() || object.kind.identity.has_name() {
        return object.name.as_deref();
    }
    let places = object.kind.scope.iter().rev();
    let mut texts = places.filter_map(|field| object.fields.get(*field)?.as_str());
    // The values of a scope that names nothing are the same for many.
    let words = object.kind.endpoints.list.scopes;
    texts.find(|text| !is_id(text) && !words.contains(text))
}

/// A name as a key: small letters and digits, with dashes between them.
fn base(object: &Found, is_id: fn(&str) -> bool) -> String {
    // Of somebody's address, who it is.
    let who = address_of(object, is_id).and_then(|text| Some(text.split_once('@')?.0));
    let label = who.or_else(|| label(object, is_id));
    speaking(label.unwrap_or_default(), object.kind)
}

/// The address of somebody, which is all that there is to call them by.
fn address_of(object: &Found, is_id: fn(&str) -> bool) -> Option<&str> {
    let label = label(object, is_id).filter(|_| object.name.is_none())?;
    label.contains('@').then_some(label)
}

/// A text as a key.
fn speaking(text: &str, kind: &Kind) -> String {
    let mut key = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => key.push(c.to_ascii_lowercase()),
            // An apostrophe does not part a word.
            '\'' | '\u{2019}' => {}
            _ if key.ends_with('-') || key.is_empty() => {}
            _ => key.push('-'),
        }
        if key.len() >= LONGEST {
            break;
        }
    }
    let key = key.trim_matches('-');
    // A key of digits alone would have to be quoted everywhere.
    match key.chars().any(|c| c.is_ascii_alphabetic()) {
        true => key.to_owned(),
        false => format!("{}-{key}", kind.noun.replace(' ', "-"))
            .trim_matches('-')
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ident, Map};
    use crate::systems::portkey::kinds;

    fn config(id: &str, name: &str, workspace: &str) -> Found {
        Found {
            kind: &kinds::configs::KIND,
            ident: Ident {
                id: Some(id.to_owned()),
                slug: None,
            },
            name: Some(name.to_owned()),
            fields: Map::from([("workspace_id".to_owned(), Value::text(workspace))]),
        }
    }

    #[test]
    fn keys_are_speaking_unique_and_independent_of_order() {
        let objects = [
            config("1", "Stand\u{e4}rd: fast & cheap!", "a"),
            config("2", "Main", "a"),
            config("3", "main", "b"),
            config("4", "MAIN", "b"),
            config("5", "2026", "b"),
            config("6", "\u{65e5}\u{672c}", "b"),
            config("7", "Don't", "b"),
        ];
        let keys = |order: &[usize]| {
            let objects: Vec<&Found> = order.iter().map(|at| &objects[*at]).collect();
            let taken = BTreeSet::from([Address::new("portkey", "configs", "dont")]);
            let scope = |it: &Found| it.scope().map(str::to_owned);
            let found = assign(&objects, &taken, &scope, |_| false);
            let mut keys: Vec<_> = order.iter().zip(found).collect();
            keys.sort_by_key(|(at, _)| **at);
            let key = |(_, address): (_, Option<Address>)| address.unwrap().key;
            keys.into_iter().map(key).collect::<Vec<_>>()
        };
        let forwards = keys(&[0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(
            forwards,
            [
                "stand-rd-fast-cheap",
                "a-main",
                "b-main",
                "main",
                "config-2026",
                "config",
                "b-dont",
            ]
        );
        assert_eq!(keys(&[6, 5, 4, 3, 2, 1, 0]), forwards);
    }
    #[test]
    fn people_are_called_by_their_addresses() {
        let user = |email: &str| Found {
            kind: &kinds::users::KIND,
            ident: Ident {
                id: Some(email.to_owned()),
                slug: None,
            },
            name: None,
            fields: Map::from([("email".to_owned(), Value::text(email))]),
        };
        let people = [
            user("Mary.Ann@acme.example"),
            user("ops@acme.example"),
            user("ops@sub.acme.example"),
            user("7@acme.example"),
        ];
        let people: Vec<&Found> = people.iter().collect();
        let found = assign(&people, &BTreeSet::new(), &|_| None, |_| false);
        let keys: Vec<String> = found.into_iter().map(|it| it.unwrap().key).collect();
        assert_eq!(
            keys,
            [
                "mary-ann",
                "ops-acme-example",
                "ops-sub-acme-example",
                "user-7"
            ]
        );
    }
}
