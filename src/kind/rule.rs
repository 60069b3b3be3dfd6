//! What is special about the fields of a kind.

use crate::model::{Attribute, Pattern, Value};

/// A statement about the places that a pattern names.
#[derive(Debug)]
pub struct Rule {
    /// The places.
    pub at: Pattern,
    /// What they are.
    pub is: Is,
}

/// What a place can be. A place can be several of these.
///
/// Without any rule, a top-level field is compared and written as a whole: members that the
/// manifest leaves out count as absent, and lists are compared in order.
#[derive(Debug)]
pub enum Is {
    /// The value names another resource of the repository by its key, or an object that is not in
    /// the repository by its UUID.
    Reference {
        /// The kind of that resource.
        kind: &'static str,
        /// What the endpoint wants to hear of it.
        attribute: Attribute,
    },
    /// Like [`Is::Reference`], said of the keys of the map at this place.
    ReferenceKeys {
        /// The kind of those resources.
        kind: &'static str,
        /// What the endpoint wants to hear of them.
        attribute: Attribute,
    },
    /// A text that may name another resource by its own slug after a prefix, as `@slug` and
    /// `@slug/model` in a gateway config do. It orders changes and catches misspellings; what is
    /// not in the repository is let through.
    Mention {
        /// The kind of that resource.
        kind: &'static str,
        /// What stands before the slug; texts without it are no mention.
        prefix: &'static str,
    },
    /// A secret: never shown, and a literal in a manifest is refused.
    Secret,
    /// A secret that travels as a JSON document.
    SecretJson,
    /// May hold a secret: interpolated texts and what the API returns are treated as secrets,
    /// while literals are allowed.
    Sensitive,
    /// Cannot change once the object exists.
    Immutable,
    /// An object of which only the declared members are managed. Whether the server merges an
    /// update or replaces the object is not known, so updates repeat the other members as they are.
    Merge,
    /// An object of which only the declared members are managed, and which the server is known to
    /// merge, so that updates send only those.
    Patch,
    /// A list whose order means nothing.
    Set,
    /// Kept by the server: compared only where it is declared.
    ServerOwned,
    /// What the server fills in, so that absent and this value are the same.
    Default(fn() -> Value),
    /// Cannot be part of the first request, because what it refers to may itself depend on this
    /// object: written in a second step.
    Deferred,
    /// Only read when the object is made; a later change has nothing to change.
    CreateOnly,
    /// Not returned by the API, or not in full: compared with what the ledger says was written
    /// last, and with what the API shows if it shows something.
    WriteOnly,
    /// A moment in time: two spellings of one instant are the same.
    Instant,
}

impl Rule {
    /// A statement about the places that a pattern names.
    pub const fn new(at: &'static str, is: Is) -> Self {
        Self {
            at: Pattern(at),
            is,
        }
    }
}
