//! The Responses API, in the form of <https://platform.openai.com/docs/api-reference/responses>: streams are of named
//! events, counted by `sequence_number`, without a last word.

use serde_json::{Value, json};

use super::content;
use super::{Made, Stamp, sse};

/// `POST /responses`.
pub(crate) fn create(stamp: &Stamp, model: &str, body: &Value) -> Made {
    let input = body.get("input").unwrap_or(&Value::Null);
    let limit = body.get("max_output_tokens").and_then(Value::as_u64);
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let said = content::answer(model, input, limit);
    let instructions = body.get("instructions").cloned().unwrap_or_default();
    let sent = content::tokens_in(input) + content::tokens_in(&instructions);
    let received = content::tokens(&said.text);
    let item_id = format!("msg_{}", stamp.id);
    let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
    let item = |status: &str, parts: Vec<Value>| json!({ "id": item_id, "type": "message", "role": "assistant", "status": status, "content": parts });
    let or = |name: &str, other: Value| match body.get(name) {
        None | Some(Value::Null) => other,
        Some(value) => value.clone(),
    };
    let response = |status: &str, output: Value, usage: Value| {
        let mut response = json!({
            "id": format!("resp_{}", stamp.id), "object": "response", "created_at": stamp.second, "status": status,
            "error": null, "incomplete_details": null, "instructions": instructions, "model": model,
            "output": output, "parallel_tool_calls": or("parallel_tool_calls", json!(true)),
            "temperature": or("temperature", json!(1.0)), "top_p": or("top_p", json!(1.0)),
            "tool_choice": or("tool_choice", json!("auto")), "tools": or("tools", json!([])),
            "metadata": or("metadata", json!({})), "truncation": or("truncation", json!("disabled")),
            "max_output_tokens": or("max_output_tokens", Value::Null),
            "previous_response_id": or("previous_response_id", Value::Null),
            "text": or("text", json!({ "format": { "type": "text" } })),
        });
        if status == "incomplete" {
            response["incomplete_details"] = json!({ "reason": "max_output_tokens" });
        }
        if !usage.is_null() {
            response["usage"] = usage;
        }
        response
    };
    let usage = json!({
        "input_tokens": sent, "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": received, "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": sent + received,
    });
    let ended = if said.cut { "incomplete" } else { "completed" };
    let whole = item(ended, vec![part(&said.text)]);
    let finished = response(ended, json!([whole]), usage);
    if body.get("stream") != Some(&Value::Bool(true)) {
        return Made::json(&finished, sent, received);
    }
    let begun = response("in_progress", json!([]), Value::Null);
    let mut stream = String::new();
    let mut number = 0;
    let mut event = |name: &str, mut payload: Value| {
        payload["type"] = Value::from(name);
        payload["sequence_number"] = Value::from(number);
        number += 1;
        sse::event(&mut stream, name, &payload);
    };
    let place = |more: Value| {
        let mut payload = json!({ "item_id": item_id, "output_index": 0, "content_index": 0 });
        if let (Value::Object(payload), Value::Object(mut more)) = (&mut payload, more) {
            payload.append(&mut more);
        }
        payload
    };
    event("response.created", json!({ "response": begun }));
    event("response.in_progress", json!({ "response": begun }));
    let opened = item("in_progress", Vec::new());
    event(
        "response.output_item.added",
        json!({ "output_index": 0, "item": opened }),
    );
    event(
        "response.content_part.added",
        place(json!({ "part": part("") })),
    );
    for piece in content::pieces(&said.text) {
        event(
            "response.output_text.delta",
            place(json!({ "delta": piece })),
        );
    }
    event(
        "response.output_text.done",
        place(json!({ "text": said.text })),
    );
    event(
        "response.content_part.done",
        place(json!({ "part": part(&said.text) })),
    );
    event(
        "response.output_item.done",
        json!({ "output_index": 0, "item": whole }),
    );
    event(
        &format!("response.{ended}"),
        json!({ "response": finished }),
    );
    Made::stream(stream, sent, received)
}
