//! Secrets that the server makes: when one is to be made, and where it goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Declared, Request, write};
use crate::kind::Kind;
use crate::ledger::Record;
use crate::live::Object;
use crate::model::{Map, Pointer, Sink, Value};

/// A secret that the server makes when a step is carried out, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Issue {
    /// The field of the server's answer that holds it.
    pub field: String,
    /// Where it goes.
    pub sink: Sink,
    /// Why a new one is made in place of the old one; nothing for a new object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Instead>,
}

/// Why a secret is replaced by a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// Somebody asked for it.
    Asked,
    /// An earlier run made one and could not deliver it, so that nobody has it.
    Undelivered,
}

/// Why a secret that should be made cannot be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Obstacle {
    /// Nobody said where it goes.
    NoSink,
    /// The API has no way to make a new one.
    NotRotatable,
}

impl Obstacle {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::NoSink => "no-sink",
            Self::NotRotatable => "not-rotatable",
        }
    }

    pub(super) fn message(self, kind: &Kind, field: &str) -> String {
        let noun = kind.noun;
        match self {
            Self::NoSink => format!(
                "the server shows the `{field}` of this {noun} once, and nothing says where it goes"
            ),
            Self::NotRotatable => format!("the API has no way to make a new `{field}`"),
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Self::NoSink => {
                "name a place under `lifecycle.sink` of the entry or `sink` of the project file, \
                 for example `sink: { file: \"keys/{key}\" }`"
            }
            Self::NotRotatable => "delete the object and declare a new one",
        }
    }
}

/// A secret to make, and the request that does it where the object exists already.
type Issuing = (Issue, Option<Request>);

/// Whether a secret is to be made for a resource, and how; or why it cannot be, and which field.
pub(super) fn issue(
    entry: &Declared<'_>,
    record: Option<&Record>,
    live: Option<&Object>,
    desired: &Map,
) -> Result<Option<Issuing>, (Obstacle, String)> {
    let Some((place, rotate)) = entry.kind.issued() else {
        return Ok(None);
    };
    let field = place.field().unwrap_or_default().to_owned();
    let instead = match live {
        None => None,
        Some(_) if entry.rotate.contains(&place) => Some(Instead::Asked),
        Some(_) if record.is_some_and(|record| record.undelivered) => Some(Instead::Undelivered),
        Some(_) => return Ok(None),
    };
    let request = match (instead, rotate) {
        (None, _) => None,
        (Some(_), None) => return Err((Obstacle::NotRotatable, field)),
        (Some(_), Some(rotate)) => {
            let taken = rotate.body.iter().filter_map(|(field, place)| {
                let place = Pointer::from(*place);
                let (first, rest) = place.segments().split_first()?;
                let value = desired.get(first)?.at(rest)?;
                (!value.is_null()).then(|| ((*field).to_owned(), value.clone()))
            });
            Some(write::request("POST", rotate.path, taken.collect()))
        }
    };
    let Some(sink) = entry.sink.clone() else {
        return Err((Obstacle::NoSink, field));
    };
    let issue = Issue {
        field,
        sink,
        instead,
    };
    Ok(Some((issue, request)))
}

/// The declared secrets of a resource that are to be sent again, without those that change anyway.
pub(super) fn resent<'a>(
    entry: &'a Declared<'_>,
    desired: &'a Map,
) -> impl Iterator<Item = (&'a Pointer, &'a Value)> {
    entry.rotate.iter().filter_map(|place| {
        let (first, rest) = place.segments().split_first()?;
        let value = desired.get(first)?.at(rest)?;
        matches!(value, Value::Secret(_)).then_some((place, value))
    })
}
