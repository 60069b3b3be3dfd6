//! A resource that the repository declares.

use std::collections::BTreeMap;

use super::lifecycle::Lifecycle;
use super::locate::Locator;
use crate::diagnostic::{FileId, Location};
use crate::kind::Kind;
use crate::model::{Address, Map, Pointer};
use crate::yaml::Node;

/// A resource that the repository declares.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name in the repository.
    pub address: Address,
    /// What it is.
    pub kind: &'static Kind,
    /// Its fields, without `lifecycle`.
    pub fields: Map,
    /// How it wants to be treated.
    pub lifecycle: Lifecycle,
    /// Secrets whose variables are not set.
    pub unset: Vec<Unset>,
    /// Texts that somebody chose to encrypt though the API has no secret there, and those that repeat
    /// what is a secret elsewhere, with the names of their sources: no ledger is to have them in the
    /// clear.
    pub sealed: BTreeMap<Pointer, String>,
    pub(super) links: Vec<Link>,
    pub(super) locator: Locator,
}

/// A secret of an entry whose variable is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unset {
    /// The place of the secret.
    pub at: Pointer,
    /// The variable.
    pub variable: String,
    /// Where the variable is named.
    pub locations: Vec<Location>,
}

/// Something in an entry that names another entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The entry that is named. It exists in the same repository.
    pub to: Address,
    /// Where it is named.
    pub at: Pointer,
    /// Whether this place is written in a second step, so that the other entry need not be there
    /// first.
    pub deferred: bool,
    /// Whether the API would do without it: a mention in a text.
    pub(super) soft: bool,
}

impl Entry {
    /// Where the manifest says what stands at `pointer`: the key that leads there, or the
    /// deepest one on the way that exists.
    pub fn locate(&self, pointer: &Pointer) -> Location {
        self.locator.key(pointer)
    }

    /// Where the manifest says what stands in the entry's `lifecycle`.
    pub fn locate_lifecycle(&self, option: &str) -> Location {
        self.locator
            .key(&Pointer::root().child("lifecycle").child(option))
    }

    /// What the manifest says at `pointer`, before interpolation; `None` where it says nothing, or
    /// where a variable stands for something further up.
    pub fn node(&self, pointer: &Pointer) -> Option<&Node> {
        self.locator.node(pointer)
    }

    /// What the manifest takes from elsewhere at a place, below it or for what it is in: the first
    /// interpolation that is no `${ref:...}`, and where it stands.
    pub fn taken_from(&self, pointer: &Pointer) -> Option<(String, Location)> {
        let (node, text) = self.locator.taken_from(pointer)?;
        Some((text, self.locator.at(&node.span)))
    }

    /// The file that declares it.
    pub fn file(&self) -> FileId {
        self.locator.file
    }

    /// Every entry of the repository that this one names, in the order of its fields: values and
    /// map keys that are references, `${ref:...}` in texts, and mentions.
    pub fn links(&self) -> &[Link] {
        &self.links
    }
}
