//! The plan: a value that says what will be done, in what order, and why.
//!
//! It is built from the two sides ([`build`]), shown by renderers and carried out by
//! [`crate::apply`], which both know nothing else. It can be stored: secrets are in it as the
//! names of their sources alone.

mod build;
mod gates;
mod issue;
mod order;
mod remember;
mod renames;
mod replace;
mod sealed;
mod steps;
mod write;

pub use build::{Declared, Side, build};
pub use issue::{Instead, Issue};
pub(crate) use remember::IMPORTED;
pub use renames::Rename;
pub(crate) use replace::retired_from;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::diagnostic::Position;
use crate::diff::FieldChange;
use crate::ledger::Record;
use crate::model::{Address, Ident, Pointer, SecretSet, Value};

/// The version of the plan's form. It changes when a reader of an older form would go wrong.
pub const FORMAT: u32 = 1;

/// What will be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The version of this form.
    pub format: u32,
    /// The version of gatewright that made it.
    pub gatewright: String,
    /// The environment it is for.
    pub environment: Option<String>,
    /// The systems that were looked at, with their base URLs.
    pub systems: BTreeMap<String, String>,
    /// The systems that could not be read, with their base URLs: the plan does not touch them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unread: BTreeMap<String, String>,
    /// The changes, in the order in which people read them: by kind and key.
    pub changes: Vec<Change>,
    /// The steps that carry them out; a step comes after those that it needs.
    pub steps: Vec<Step>,
    /// What must not happen, so that applying is refused.
    pub refusals: Vec<Refusal>,
    /// Existing objects that match their entries and are recorded as gatewright's from now on.
    pub adopted: Vec<Address>,
    /// Recorded objects that are gone and no longer declared: the ledger forgets them.
    pub forgotten: Vec<Address>,
    /// What is there, or differs, and is left alone, and why.
    pub left_alone: Vec<LeftAlone>,
    /// Deletions and creations that are probably one resource under a new key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renames: Vec<Rename>,
    /// Entries under another key than before, as their `lifecycle.moved_from` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Move>,
    /// Records that get another address before anything is sent: those of objects that are
    /// replaced, so that a run that ends early leaves a ledger that knows both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Move>,
    /// How many of what.
    pub summary: Summary,
    /// What the server calls the existing objects that the steps are about or refer to.
    pub known: BTreeMap<Address, Ident>,
    /// What the ledger will know of the resources that change or are adopted. Ids that do not
    /// exist yet are missing here.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub records: BTreeMap<Address, Record>,
    /// SHA-256 over what will be done: two plans with one digest do the same, wherever it is
    /// declared.
    pub digest: String,
}

/// What is left alone for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftAlone {
    /// The reason.
    pub because: WhyLeft,
    /// The kind.
    pub kind: String,
    /// More of the reason, after "because".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many objects, or for one object how many places.
    pub count: usize,
    /// The resource, where it is about the places of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Pointer>,
}

/// Why something is left alone.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WhyLeft {
    /// Gatewright neither created nor adopted it, and its scope is not exclusive.
    NotOurs,
    /// The server made it by itself.
    ServerMade,
    /// Somebody else makes and removes it, as SCIM does.
    KeptElsewhere,
    /// It differs from what is declared, and `lifecycle.ignore` lists it.
    Ignored,
    /// A secret that was imported, whose variable has not been set yet.
    Unset,
}

/// How many resources are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Objects to create.
    pub create: usize,
    /// Objects to change.
    pub update: usize,
    /// Objects to replace by another one.
    pub replace: usize,
    /// Objects to delete.
    pub delete: usize,
    /// Objects that are as declared.
    pub unchanged: usize,
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The resource.
    pub address: Address,
    /// What happens to it.
    pub action: Action,
    /// What people call the object.
    pub name: Option<String>,
    /// What the server calls the existing object.
    pub ident: Ident,
    /// The changed places.
    pub fields: Vec<FieldChange>,
    /// Where the entry is; nothing once it is gone.
    pub source: Option<Position>,
    /// Whether gatewright made it before and somebody else deleted it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recreates: bool,
    /// Whether nobody declared it, and it goes because its scope is exclusive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// What a replacement means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<Replacement>,
    /// Fields that are sent once for what they do, such as `reset_usage`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impulses: Vec<Impulse>,
    /// A secret that the server makes for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issues: Option<Issue>,
    /// Why, in a few words.
    pub because: String,
}

/// A field that is sent once for what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Impulse {
    /// The field.
    pub pointer: Pointer,
    /// What it is done to, where the field says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Impulse {
    /// One that says no more than that it is to be done.
    pub const fn of(pointer: Pointer) -> Self {
        Self {
            pointer,
            value: None,
        }
    }
}

/// One object takes the place of another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replacement {
    /// The address of the old object in the steps, and in the ledger for as long as it is there.
    pub old: Address,
    /// Which of the two comes first.
    pub order: Order,
    /// Existing resources that refer to the old object and are updated or replaced as well.
    pub dependants: Vec<Address>,
    /// What is set on the old object and not declared, so that the new one will not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loses: Vec<Pointer>,
}

/// Which comes first when one object takes the place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The new one is made, what refers to the old one is moved over, and the old one is deleted.
    CreateFirst,
    /// The old one is deleted, because both would have the same slug or name, and the new one is made.
    DeleteFirst,
}

/// A record that gets another address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Move {
    /// Its address so far.
    pub from: Address,
    /// Its address from now on.
    pub to: Address,
}

/// What happens to a resource.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// Another one takes its place. Steps do not have this: they create one and delete the other.
    Replace,
    /// It is removed.
    Delete,
}

/// One or more requests that belong together. Between the steps of one resource, steps of others
/// may be needed: a workspace's default guardrails live in that workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// What this step does to it.
    pub action: Action,
    /// Whether it is the second step of its resource.
    pub second: bool,
    /// The steps, by position in [`Plan::steps`], that must have succeeded before.
    pub after: Vec<usize>,
    /// The requests, in order.
    pub requests: Vec<Request>,
    /// The secret that one of them makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issues: Option<Issue>,
}

/// A request as a plan has it: references and secrets are still names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// The path after the base URL; `{id}` and `{slug}` stand for the object's own.
    pub path: String,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<(String, serde_json::Value)>")]
    pub query: Vec<(String, Value)>,
    /// A segment below the path: the member of the object that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub below: Option<Value>,
    /// The version that it is about, where that is known only once it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub body: Option<Value>,
}

/// Which version of its resource a request is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// The one that the request before it made: its number is sent as `version`.
    Made {
        /// Where the versions are listed.
        list: String,
        /// The members that may have a version's id.
        ids: Vec<String>,
        /// The member that has its number.
        number: String,
    },
    /// The published one: its id stands in the path.
    Published {
        /// Where the object is read.
        item: String,
        /// The members that may have a version's id.
        ids: Vec<String>,
    },
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The resource, where it is about one.
    pub address: Option<Address>,
    /// A stable identifier in kebab case.
    pub code: String,
    /// What and why.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Which place of the resource it is about.
    pub pointer: Pointer,
    /// Where in the repository.
    pub source: Option<Position>,
}

impl Plan {
    /// The same plan with only some of its changes, to be shown and not to be applied.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&Change) -> bool) -> Self {
        self.changes.retain(wanted);
        self.steps.clear();
        self.refusals.clear();
        self.records.clear();
        self.known.clear();
        self.adopted.clear();
        self.forgotten.clear();
        self.renames.clear();
        self.moved.clear();
        self.moves.clear();
        let count = |action| {
            self.changes
                .iter()
                .filter(|change| change.action == action)
                .count()
        };
        self.summary = Summary {
            create: count(Action::Create),
            update: count(Action::Update),
            replace: count(Action::Replace),
            delete: count(Action::Delete),
            unchanged: self.summary.unchanged,
        };
        self.digest = self.compute_digest();
        self
    }

    /// The same plan, saying which systems are not in it.
    #[must_use]
    pub fn without(mut self, unread: BTreeMap<String, String>) -> Self {
        self.unread = unread;
        self
    }

    /// The same plan, saying which entries have another key than before.
    #[must_use]
    pub fn after(mut self, moved: Vec<Move>) -> Self {
        self.moved = moved;
        self
    }

    /// The same plan, with secrets in place of the texts that hold a known one: what a server shows
    /// may repeat a key.
    #[must_use]
    pub fn hiding(mut self, secrets: &SecretSet) -> Self {
        let fields = self.changes.iter_mut().flat_map(|it| &mut it.fields);
        for field in fields {
            let values = [&mut field.old, &mut field.new];
            for value in values.into_iter().chain(&mut field.last_applied) {
                secrets.hide_in(value);
            }
        }
        self
    }

    /// Whether nothing will be written to any server.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The digest of what will be done. Where it is declared and how it is shown do not count.
    fn compute_digest(&self) -> String {
        let done = (
            (self.format, &self.environment, &self.systems, &self.steps),
            (&self.adopted, &self.forgotten, &self.known, &self.records),
            &self.moves,
        );
        // All keys are strings, so that serialising cannot fail.
        let bytes = serde_json::to_vec(&done).unwrap_or_default();
        Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl Action {
    /// The sign that plans show before a resource.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Replace => '±',
            Self::Delete => '-',
        }
    }

    /// What is being done, for progress messages.
    pub fn gerund(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Replace => "replacing",
            Self::Delete => "deleting",
        }
    }
}

#[cfg(test)]
mod tests;
