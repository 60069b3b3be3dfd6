//! Streams of server-sent events.

use serde_json::Value;

/// Whether an answer of this media type goes out event by event.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// The last word of a stream in the manner of OpenAI's chat.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// Adds an event without a name.
pub(crate) fn data(to: &mut String, data: &Value) {
    to.push_str("data: ");
    to.push_str(&data.to_string());
    to.push_str("\n\n");
}

/// Adds an event with a name.
pub(crate) fn event(to: &mut String, name: &str, payload: &Value) {
    to.push_str("event: ");
    to.push_str(name);
    to.push('\n');
    data(to, payload);
}

/// The length of the first event of a stream.
pub(crate) fn first(stream: &[u8]) -> usize {
    let end = stream.windows(2).position(|pair| pair == b"\n\n");
    end.map_or(stream.len(), |end| end + 2)
}
