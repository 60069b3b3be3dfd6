//! Recording what another server answers, and answering from what was recorded.
//!
//! A recording is a folder with one small JSON file for each exchange, in the order in which they happened. No
//! header of a request is in it but what it says of its body, and no secret (`redact`).

mod exchange;
mod record;
mod redact;
mod replay;

use crate::http::Head;
use axum::body::Bytes;

pub(crate) use self::record::Recorder;
pub(crate) use self::replay::Player;

/// Where answers come from instead of the mock's own state.
#[derive(Debug)]
pub(crate) enum Relay {
    Record(Recorder),
    Replay(Player),
}

/// An answer as it goes to the client.
#[derive(Debug)]
pub(crate) struct Relayed {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Relayed {
    /// An answer of the relay itself.
    pub(crate) fn own(status: u16, body: &serde_json::Value) -> Relayed {
        Relayed {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Bytes::from(body.to_string()),
        }
    }
}

impl Relay {
    /// Answers a request.
    pub(crate) async fn answer(&self, head: &Head<'_>, body: Bytes) -> Relayed {
        match self {
            Relay::Record(recorder) => recorder.answer(head, body).await,
            Relay::Replay(player) => player.answer(head, &body),
        }
    }
}
