//! From live objects to manifests: keys, fields worth declaring, and files to put them in. No I/O.
//!
//! Nothing here knows a particular kind. What is left out follows from the kind's rules: defaults,
//! what the server keeps for itself, what only counted at creation. Secrets become placeholders.

mod files;
mod keys;
mod spell;
mod unseen;

pub use files::{Layout, Placed, folder, place};
pub use keys::{assign, label};
pub use spell::{Context, Spelled, Variables, spell};
pub use unseen::unseen;

use crate::kind::{Detail, Is, Kind};
pub use crate::live::Found;
use crate::model::{Map, Pointer, Value};

/// Whether the server made an object by itself, so that it is nobody's to declare.
pub fn is_server_made(found: &Found) -> bool {
    let rules = found.kind.rules.iter();
    let mut places = rules.filter(|rule| matches!(rule.is, Is::ServerMade));
    places.any(|rule| {
        let at = Pointer::from(rule.at.0);
        let value = at.segments().split_first().and_then(|(field, below)| {
            let field = found.fields.get(field)?;
            field.at(below)?.as_bool()
        });
        value == Some(true)
    })
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
