//! What a line of a state file says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::store::clock::Setting;
use crate::store::delta::Delta;

/// The version of the form in which changes are written. A file of another one is refused.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(super) gatewright_mock_state: u32,
    /// The API whose account every organisation has.
    pub(super) api: String,
}

impl Header {
    pub(super) fn new(api: &str) -> Header {
        Header {
            gatewright_mock_state: VERSION,
            api: api.to_owned(),
        }
    }

    pub(super) fn text(&self) -> Vec<u8> {
        text(self)
    }
}

/// Any other line: what happened, and to which state.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<Arc<str>>,
    pub(crate) event: Event,
}

/// What happened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// An organisation came into being, with this state at its start.
    Admit(Delta),
    /// Something was written.
    Change(Delta),
    /// A branch began.
    Begin,
    /// A branch ended.
    End,
    /// A snapshot was taken.
    Take(Arc<str>),
    /// A snapshot was put in place of the state.
    Restore(Arc<str>),
    /// A snapshot was forgotten.
    Forget(Arc<str>),
    /// The current state became the one at the start.
    Start,
    /// Everything went back to the start.
    Reset,
    /// The clock was set or moved.
    Clock(Setting),
}

impl Line {
    pub(super) fn text(&self) -> Vec<u8> {
        text(self)
    }
}

fn text(line: &impl Serialize) -> Vec<u8> {
    // All of it is text, numbers and JSON: nothing that JSON cannot say.
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    text
}
