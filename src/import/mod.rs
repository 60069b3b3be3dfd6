//! From live objects to manifests: keys, fields worth declaring, files to put them in, and edits of
//! what is declared already. No I/O.
//!
//! Nothing here knows a particular kind. What is left out follows from the kind's rules: defaults,
//! what the server keeps for itself, what only counted at creation. Secrets become placeholders.

mod back;
mod files;
mod keys;
mod portable;
mod spell;
mod unseen;

pub use back::{Change, Left, Resource, What, write_back};
pub use files::{Layout, Placed, folder, place, system_of};
pub use keys::{assign, label};
pub use portable::portable;
pub use spell::{Context, Spelled, Variables, spell};
pub use unseen::unseen;

use std::collections::{BTreeMap, HashMap};

use crate::kind::{Detail, Identity, Kind, System};
pub use crate::live::Found;
use crate::live::Live;
use crate::model::{Address, Attribute, Ident, Map, Pointer, Value};

/// Texts that a server made up, and whose they are.
pub type Marks = HashMap<String, (Address, Attribute)>;

/// The ids and slugs among `names` (a kind, a text, and whose it is) that tell for themselves, so
/// that a text which is one of them means that object.
pub fn marks<'a>(
    system: &System,
    names: impl IntoIterator<Item = (&'a str, &'a str, &'a Address)>,
    idents: &BTreeMap<Address, Ident>,
) -> Marks {
    let mut marks = Marks::new();
    for (kind, text, address) in names {
        let kind = system.kind(kind);
        let made = kind.is_some_and(|it| it.identity != Identity::Slug);
        // A slug that is just the name says nothing about whose text it is.
        let id = (system.ids.is)(text);
        let telling = id || (text.len() >= 8 && text != address.key && text.contains('-'));
        if let (true, true, Some(ident)) = (made, telling, idents.get(address)) {
            let attribute = match ident.slug.as_deref() == Some(text) {
                true => Attribute::Slug,
                false => Attribute::Id,
            };
            marks.insert(text.to_owned(), (address.clone(), attribute));
        }
    }
    marks
}

/// [`marks`] of what belongs to entries.
pub fn marks_of(system: &System, live: &Live) -> Marks {
    let objects = live.objects.iter();
    let idents = objects.map(|(address, object)| (address.clone(), object.ident.clone()));
    let idents: BTreeMap<Address, Ident> = idents.collect();
    let names = idents.iter().flat_map(|(address, ident)| {
        let texts = [&ident.id, &ident.slug].into_iter().flatten();
        texts.map(move |text| (address.kind.as_str(), text.as_str(), address))
    });
    marks(system, names, &idents)
}

/// The fields of an entry that makes everything be read that there is to read of its object.
pub fn everything(kind: &Kind) -> Map {
    let mut fields = Map::new();
    for part in kind.parts {
        fields.insert(part.field.to_owned(), Value::Null);
    }
    if let Detail::ReadFor(places) = kind.endpoints.detail {
        for place in places {
            ask(&mut fields, Pointer::from(*place).segments());
        }
    }
    fields
}

fn ask(fields: &mut Map, path: &[String]) {
    match path {
        [] => {}
        [last] => drop(fields.entry(last.clone()).or_insert(Value::Null)),
        [first, rest @ ..] => {
            let below = fields.entry(first.clone());
            let below = below.or_insert_with(|| Value::Map(Map::new()));
            if let Value::Map(below) = below {
                ask(below, rest);
            }
        }
    }
}
