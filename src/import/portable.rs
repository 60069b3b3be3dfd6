//! What of a live object could be so on another server as well: what manifests can say of it,
//! without what the server keeps for itself, and with the ids and slugs that it made up as whose
//! they are. No I/O.

use serde_json::Value as Json;

use super::Marks;
use super::spell::{Below, below, is_blank};
use crate::kind::{Is, Kind};
use crate::model::{Map, Pointer, Reference, Segment, Template, Value};

/// The fields of an object that are the same wherever the same manifests were applied. `schema` is
/// that of the kind's entries.
pub fn portable(kind: &Kind, schema: &Json, marks: &Marks, fields: &Map) -> Map {
    let whole = Whole {
        kind,
        schema,
        marks,
    };
    whole.members(&mut Pointer::root(), fields, Some(schema))
}

struct Whole<'a> {
    kind: &'a Kind,
    schema: &'a Json,
    marks: &'a Marks,
}

impl<'a> Whole<'a> {
    fn members(&self, at: &mut Pointer, map: &Map, schema: Option<&'a Json>) -> Map {
        let mut members = Map::new();
        for (key, value) in map {
            // An object is called by its address here, and by its slug only where it chose it.
            if at.is_root() && matches!(key.as_str(), "id" | "slug") {
                continue;
            }
            let own = match below(self.schema, schema, key) {
                Below::Schema(own) => Some(own),
                Below::Free => None,
                Below::Unknown => continue,
            };
            at.push(key);
            // What is absent and what is empty are the same, unless somebody else's text says it.
            let kept = !self.is_the_servers(at) && (schema.is_none() || !is_blank(value));
            if kept {
                members.insert(key.clone(), self.value(at, value, own));
            }
            at.pop();
        }
        members
    }

    fn value(&self, at: &mut Pointer, value: &Value, schema: Option<&'a Json>) -> Value {
        match value {
            Value::Map(map) => Value::Map(self.members(at, map, schema)),
            Value::List(items) => {
                let of_items = match below(self.schema, schema, "0") {
                    Below::Schema(own) => Some(own),
                    Below::Free | Below::Unknown => None,
                };
                let items = items.iter().enumerate().map(|(index, item)| {
                    at.push(index);
                    let item = self.value(at, item, of_items);
                    at.pop();
                    item
                });
                Value::List(items.collect())
            }
            Value::String(text) => match self.marks.get(text) {
                Some((address, attribute)) => {
                    Value::Template(Template(vec![Segment::Reference(Reference {
                        address: address.clone(),
                        attribute: *attribute,
                    })]))
                }
                None => value.clone(),
            },
            other => other.clone(),
        }
    }

    fn is_the_servers(&self, at: &Pointer) -> bool {
        let mut rules = self.kind.rules_at(at);
        rules.any(|is| matches!(is, Is::ServerOwned | Is::CreateOnly))
    }
}
