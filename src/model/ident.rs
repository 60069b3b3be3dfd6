//! What a server calls an object.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Attribute;

/// The id and the slug of an object, as far as the server gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ident {
    /// The id, usually a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
}

impl Ident {
    /// The id or the slug, whichever is wanted, or else the other one: paths and references of the
    /// live API accept either nearly everywhere.
    pub fn get(&self, attribute: Attribute) -> Option<&str> {
        let (first, second) = match attribute {
            Attribute::Id => (&self.id, &self.slug),
            Attribute::Slug => (&self.slug, &self.id),
        };
        first.as_deref().or(second.as_deref())
    }

    /// Whether a text is the id or the slug.
    pub fn is(&self, text: &str) -> bool {
        self.id.as_deref() == Some(text) || self.slug.as_deref() == Some(text)
    }
}
