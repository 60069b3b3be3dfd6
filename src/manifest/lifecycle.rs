//! The reserved key `lifecycle` of an entry: what is about gatewright rather than the API.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kind::{Is, Kind};
use crate::model::{Address, Pointer, Sink};

/// How an entry wants to be treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// Never delete or replace it.
    pub protect: bool,
    /// Whether it may be replaced by another one where something changes that cannot change.
    pub replace: bool,
    /// Places that are left as they are on the live object.
    pub ignore: Vec<Pointer>,
    /// The address under which it was declared before.
    pub moved_from: Option<Address>,
    /// Whether a live object with this identity that gatewright did not make may be taken over.
    pub adopt: bool,
    /// Where a secret goes that the server makes for it.
    pub sink: Option<Sink>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            protect: false,
            replace: true,
            ignore: Vec::new(),
            moved_from: None,
            adopt: true,
            sink: None,
        }
    }
}

/// How gatewright treats this resource. None of it is sent to the API.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Lifecycle")]
pub struct LifecycleForm {
    /// Refuse plans that would delete or replace the live object. True if left out for what takes
    /// along things that cannot be brought back, such as a project with its traces.
    #[schemars(with = "bool")]
    pub(super) protect: Option<bool>,
    /// Whether a change of something that cannot change makes a new object in place of the old
    /// one. Plans show what that means; `false` refuses them.
    #[schemars(default = "yes")]
    pub(super) replace: Option<bool>,
    /// JSON pointers to values that are left as they are on the live object.
    #[schemars(inner(regex(pattern = "^/")))]
    pub(super) ignore: Vec<String>,
    /// The key under which this resource was declared before, or `KIND.KEY`, so that renaming an
    /// entry does not replace the live object.
    pub(super) moved_from: Option<String>,
    /// Whether an existing live object with the same identity may be taken over.
    #[schemars(default = "yes")]
    pub(super) adopt: Option<bool>,
    /// Where a secret goes that the server makes for it; what the project file says if left out.
    #[schemars(schema_with = "Sink::setting")]
    pub(super) sink: Option<Sink>,
}

fn yes() -> Option<bool> {
    Some(true)
}

impl LifecycleForm {
    /// The options of the entry at `address`.
    pub(super) fn read(self, address: &Address, kind: &Kind) -> Lifecycle {
        let moved_from = self.moved_from.map(|from| {
            from.parse::<Address>()
                .map(|before| Address {
                    system: address.system.clone(),
                    ..before
                })
                .unwrap_or_else(|_| Address {
                    key: from,
                    ..address.clone()
                })
        });
        Lifecycle {
            protect: self
                .protect
                .unwrap_or_else(|| kind.has(&Pointer::root(), |is| matches!(is, Is::Precious))),
            replace: self.replace.unwrap_or(true),
            ignore: self.ignore.into_iter().map(Pointer::from).collect(),
            moved_from,
            adopt: self.adopt.unwrap_or(true),
            sink: self.sink,
        }
    }
}
