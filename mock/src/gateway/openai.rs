//! Chat completions, completions and embeddings in the form of OpenAI's API, which the gateway gives every provider's answers.
//!
//! The forms are those of <https://platform.openai.com/docs/api-reference>: a stream ends with `[DONE]`; with
//! `stream_options.include_usage` a chunk without choices brings the usage before it, and all others have `null` there.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use serde_json::{Value, json};

use super::content::{self, Said};
use super::{Made, Stamp, sse};

/// How many numbers an embedding has unless the request says, as the common models of OpenAI do.
const DIMENSIONS: usize = 1536;

/// The most answers, and the most numbers of an embedding, that one request gets.
const MOST: u64 = 4096;

/// The most answers to one question.
const CHOICES: u64 = 128;

fn number(body: &Value, name: &str) -> Option<usize> {
    usize::try_from(body.get(name)?.as_u64()?).ok()
}

fn choices(body: &Value) -> u64 {
    let wanted = body.get("n").and_then(Value::as_u64).unwrap_or(1);
    wanted.clamp(1, CHOICES)
}

fn streams(body: &Value) -> (bool, bool) {
    let usage = body.pointer("/stream_options/include_usage");
    (
        body.get("stream") == Some(&Value::Bool(true)),
        usage == Some(&Value::Bool(true)),
    )
}

fn usage(sent: usize, received: usize) -> Value {
    json!({ "prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received })
}

/// What the model does: it talks, or it calls a tool that it was told to call.
enum Does {
    Says(Said),
    Calls { name: String, arguments: String },
}

impl Does {
    fn tokens(&self) -> usize {
        match self {
            Does::Says(said) => content::tokens(&said.text),
            Does::Calls { name, arguments } => content::tokens(name) + content::tokens(arguments),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Does::Says(said) if said.cut => "length",
            Does::Says(_) => "stop",
            Does::Calls { .. } => "tool_calls",
        }
    }
}

fn does(model: &str, body: &Value) -> Does {
    let limit = number(body, "max_completion_tokens").or_else(|| number(body, "max_tokens"));
    if let Some(tool) = tool(body) {
        let name = tool.pointer("/function/name").and_then(Value::as_str);
        let parameters = tool.pointer("/function/parameters");
        return Does::Calls {
            name: name.unwrap_or_default().to_owned(),
            arguments: content::sample(parameters.unwrap_or(&Value::Null)).to_string(),
        };
    }
    let format = body
        .pointer("/response_format/type")
        .and_then(Value::as_str);
    let mut text = match format {
        Some("json_schema") => {
            let schema = body.pointer("/response_format/json_schema/schema");
            content::sample(schema.unwrap_or(&Value::Null)).to_string()
        }
        Some("json_object") => json!({ "answer": "sample" }).to_string(),
        _ => {
            let messages = body.get("messages").unwrap_or(&Value::Null);
            return Does::Says(content::answer(model, messages, limit));
        }
    };
    Does::Says(content::cut(&mut text, limit))
}

/// The tool that a request has the model call. With a free choice it calls none.
fn tool(body: &Value) -> Option<&Value> {
    let tools = body.get("tools")?.as_array()?;
    match body.get("tool_choice")? {
        Value::String(word) if word == "required" => tools.first(),
        choice => {
            let name = choice.pointer("/function/name")?;
            let mut tools = tools.iter();
            tools.find(|tool| tool.pointer("/function/name") == Some(name))
        }
    }
}

/// `POST /chat/completions`.
pub(crate) fn chat(stamp: &Stamp, model: &str, body: &Value) -> Made {
    let does = does(model, body);
    let count = choices(body);
    let sent = content::tokens_in(body.get("messages").unwrap_or(&Value::Null));
    let received = does.tokens() * usize::try_from(count).unwrap_or(1);
    let id = format!("chatcmpl-{}", stamp.id);
    let call = format!("call_{}", stamp.id);
    let (streamed, with_usage) = streams(body);
    if !streamed {
        let message = match &does {
            Does::Says(said) => json!({ "role": "assistant", "content": said.text }),
            Does::Calls { name, arguments } => json!({
                "role": "assistant", "content": null, "tool_calls": [
                    { "id": call, "type": "function", "function": { "name": name, "arguments": arguments } },
                ],
            }),
        };
        let choices: Vec<Value> = (0..count)
            .map(|index| json!({ "index": index, "message": message, "logprobs": null, "finish_reason": does.reason() }))
            .collect();
        let body = json!({
            "id": id, "object": "chat.completion", "created": stamp.second, "model": model,
            "choices": choices, "usage": usage(sent, received), "system_fingerprint": "fp_mock",
        });
        return Made::json(&body, sent, received);
    }
    let mut stream = String::new();
    let chunk = |stream: &mut String, choices: Value, used: Value| {
        let mut chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": stamp.second, "model": model,
            "system_fingerprint": "fp_mock", "choices": choices,
        });
        if with_usage {
            chunk["usage"] = used;
        }
        sse::data(stream, &chunk);
    };
    for index in 0..count {
        let mut delta = |delta: Value, reason: Value| {
            let choice = json!([{ "index": index, "delta": delta, "logprobs": null, "finish_reason": reason }]);
            chunk(&mut stream, choice, Value::Null);
        };
        match &does {
            Does::Says(said) => {
                delta(json!({ "role": "assistant", "content": "" }), Value::Null);
                for piece in content::pieces(&said.text) {
                    delta(json!({ "content": piece }), Value::Null);
                }
            }
            Does::Calls { name, arguments } => {
                let opening = json!({ "role": "assistant", "content": null, "tool_calls": [
                    { "index": 0, "id": call, "type": "function", "function": { "name": name, "arguments": "" } },
                ] });
                delta(opening, Value::Null);
                for piece in content::pieces(arguments) {
                    let part = json!({ "tool_calls": [{ "index": 0, "function": { "arguments": piece } }] });
                    delta(part, Value::Null);
                }
            }
        }
        delta(json!({}), Value::from(does.reason()));
    }
    if with_usage {
        chunk(&mut stream, json!([]), usage(sent, received));
    }
    stream.push_str(sse::DONE);
    Made::stream(stream, sent, received)
}

/// `POST /completions`.
pub(crate) fn completion(stamp: &Stamp, model: &str, body: &Value) -> Made {
    let prompt = body.get("prompt").unwrap_or(&Value::Null);
    let said = content::answer(model, prompt, number(body, "max_tokens"));
    let reason = if said.cut { "length" } else { "stop" };
    let count = choices(body);
    let sent = content::tokens_in(prompt);
    let received = content::tokens(&said.text) * usize::try_from(count).unwrap_or(1);
    let id = format!("cmpl-{}", stamp.id);
    let (streamed, with_usage) = streams(body);
    let whole = |choices: Vec<Value>| {
        json!({
            "id": id, "object": "text_completion", "created": stamp.second, "model": model, "choices": choices,
        })
    };
    let choice = |index: u64, text: &str, reason: Value| json!({ "index": index, "text": text, "logprobs": null, "finish_reason": reason });
    if !streamed {
        let choices = (0..count).map(|index| choice(index, &said.text, Value::from(reason)));
        let mut body = whole(choices.collect());
        body["usage"] = usage(sent, received);
        return Made::json(&body, sent, received);
    }
    let mut stream = String::new();
    let mut chunk = |choices: Vec<Value>, used: Value| {
        let mut chunk = whole(choices);
        if with_usage {
            chunk["usage"] = used;
        }
        sse::data(&mut stream, &chunk);
    };
    for index in 0..count {
        for piece in content::pieces(&said.text) {
            chunk(vec![choice(index, piece, Value::Null)], Value::Null);
        }
        chunk(vec![choice(index, "", Value::from(reason))], Value::Null);
    }
    if with_usage {
        chunk(Vec::new(), usage(sent, received));
    }
    stream.push_str(sse::DONE);
    Made::stream(stream, sent, received)
}

/// `POST /embeddings`: equal inputs have equal embeddings, of length one.
pub(crate) fn embeddings(model: &str, body: &Value) -> Made {
    let input = body.get("input").unwrap_or(&Value::Null);
    let inputs: Vec<&Value> = match input {
        Value::Array(items) if items.iter().all(|item| !item.is_number()) => items.iter().collect(),
        one => vec![one],
    };
    let dimensions = body.get("dimensions").and_then(Value::as_u64);
    let dimensions = dimensions.map_or(DIMENSIONS, |wanted| {
        usize::try_from(wanted.clamp(1, MOST)).unwrap_or(DIMENSIONS)
    });
    let encoded = body.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let embeddings = inputs.iter().enumerate().map(|(index, input)| {
        let numbers = direction(input, dimensions);
        let embedding = if encoded {
            let bytes: Vec<u8> = numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect();
            Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
        } else {
            Value::from(numbers)
        };
        json!({ "object": "embedding", "index": index, "embedding": embedding })
    });
    let sent = content::tokens_in(input);
    let body = json!({
        "object": "list", "model": model, "data": embeddings.collect::<Vec<Value>>(),
        "usage": { "prompt_tokens": sent, "total_tokens": sent },
    });
    Made::json(&body, sent, 0)
}

/// A direction in space that depends on the input alone.
fn direction(input: &Value, dimensions: usize) -> Vec<f32> {
    let mut hasher = DefaultHasher::new();
    input.to_string().hash(&mut hasher);
    let mut seed = hasher.finish() | 1;
    let mut numbers: Vec<f32> = (0..dimensions)
        .map(|_| {
            // Marsaglia's xorshift.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let high = u16::try_from(seed >> 48).unwrap_or_default();
            f32::from(high) / 32_768.0 - 1.0
        })
        .collect();
    let length = numbers
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    if length > 0.0 {
        numbers.iter_mut().for_each(|number| *number /= length);
    }
    numbers
}
