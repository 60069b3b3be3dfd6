//! The plan: a value that says what will be done, in what order, and why.
//!
//! It is built from the two sides ([`build`]), shown by renderers and carried out by
//! [`crate::apply`], which both know nothing else. It can be stored: secrets are in it as the
//! names of their sources alone.

mod build;
mod order;
mod remember;
mod steps;
mod write;

pub use build::{Declared, Side, build};
pub(crate) use remember::UNKNOWN;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::diagnostic::Position;
use crate::diff::FieldChange;
use crate::ledger::Record;
use crate::model::{Address, Ident, Pointer, Value};

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
    /// Objects that gatewright neither created nor adopted, by kind: they are left alone.
    pub left_alone: BTreeMap<String, usize>,
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

/// How many resources are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Objects to create.
    pub create: usize,
    /// Objects to change.
    pub update: usize,
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
    /// Why, in a few words.
    pub because: String,
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
}

/// A request as a plan has it: references and secrets are still names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// The path after the base URL; `{id}` and `{slug}` stand for the object's own.
    pub path: String,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<(String, serde_json::Value)>")]
    pub query: Vec<(String, Value)>,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub body: Option<Value>,
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The resource.
    pub address: Address,
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
        let count = |action| {
            self.changes
                .iter()
                .filter(|change| change.action == action)
                .count()
        };
        self.summary = Summary {
            create: count(Action::Create),
            update: count(Action::Update),
            delete: count(Action::Delete),
            unchanged: self.summary.unchanged,
        };
        self.digest = self.compute_digest();
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
            Self::Delete => '-',
        }
    }

    /// What is being done, for progress messages.
    pub fn gerund(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Delete => "deleting",
        }
    }
}

#[cfg(test)]
mod tests;
