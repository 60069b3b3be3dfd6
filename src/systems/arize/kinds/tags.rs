//! Tags: words that things of a space can be marked with.
//!
//! The API makes, changes and deletes tags, but neither lists nor shows them: only what is marked
//! with a tag shows it. So the ledger alone knows which tags there are. A change that somebody else
//! makes is not seen; that a tag was deleted is heard of when it is to be changed or deleted; and a
//! tag that exists already cannot be taken over.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Problems, Rule, Update};
use crate::model::{Attribute, Map, Pointer, Value};
use crate::systems::spec::NotNull;

/// A word that projects, datasets, prompts and the like can be marked with. The API does not show
/// tags, so changes that others make are not noticed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagSpec {
    /// The name, which no other tag of the space may have in any mixture of cases; the entry's key
    /// if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub name: NotNull<String>,
    /// The space that it is in, by key. Cannot be changed.
    #[schemars(length(min = 1))]
    pub space_id: String,
    /// What it is for.
    pub description: Option<String>,
    /// How it looks.
    pub color: Option<Color>,
}

/// The colors of tags.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Color {
    Gray,
    Indigo,
    Blue,
    Cyan,
    Teal,
    Pine,
    Green,
    Lime,
    Olive,
    Lemon,
    Yellow,
    Orange,
    Red,
    Coral,
    Pink,
    Plum,
    Purple,
    Brown,
    Auburn,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "tags",
    noun: "tag",
    schema: |generator| generator.subschema_for::<TagSpec>(),
    identity: Identity::Recorded,
    scope: &["space_id"],
    endpoints: Endpoints {
        list: List::NONE,
        create: "/v2/tags",
        item: "/v2/tags/{id}",
        update: Update::PATCH,
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/space_id", Is::Immutable),
        Rule::new(
            "/space_id",
            Is::Reference {
                kind: "spaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/name", Is::WriteOnly),
        Rule::new("/description", Is::WriteOnly),
        Rule::new("/color", Is::WriteOnly),
    ],
    parts: &[],
    check: Some(check),
    decode: None,
    encode: None,
};

fn check(entry: &Map, problems: &mut Problems) {
    let name = entry.get("name").and_then(Value::as_str);
    if name.is_some_and(|name| name.trim() != name) {
        problems
            .error(
                "invalid-value",
                &Pointer::root().child("name"),
                "a tag's name cannot begin or end with a space",
            )
            .help("the server would take the space away");
    }
}
