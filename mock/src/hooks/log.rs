//! Logs of requests to models, the feedback on them, and their exports.

use serde_json::{Map, Value, json};

use super::{Hook, Target};
use crate::description::Description;
use crate::engine::caller::is_over;
use crate::engine::error::ApiError;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::engine::{analytics, identity, write};
use crate::store::State;
use crate::store::record::{Object, Record};

/// How many logs and how much feedback is kept.
const KEPT: usize = 10_000;

/// How long an export takes, in milliseconds.
const EXPORT_TAKES: i64 = 1_000;

#[derive(Debug)]
pub(crate) struct Log;

impl Hook for Log {
    fn call(
        &self,
        work: &mut Work<'_>,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        for entry in entries(target) {
            add_log(work, target, &entry)?;
        }
        Ok(Outcome::Empty)
    }
}

/// The entries of a body that is one or a list of them.
fn entries(target: &Target<'_>) -> Vec<Value> {
    match &target.request.body {
        Some(Value::Array(entries)) => entries.clone(),
        Some(entry) => vec![entry.clone()],
        None => Vec::new(),
    }
}

fn add_log(work: &mut Work<'_>, target: &Target<'_>, entry: &Value) -> Result<(), ApiError> {
    let resource = work.resource("log")?;
    let at = |pointer: &str| entry.pointer(pointer).cloned().unwrap_or_default();
    let or = |pointer: &str, other: Value| match at(pointer) {
        Value::Null => other,
        value => value,
    };
    let tokens = |name: &str| {
        let count = entry.pointer(&format!("/response/body/usage/{name}"));
        count.and_then(Value::as_f64).unwrap_or(0.0)
    };
    let (sent, received) = (tokens("prompt_tokens"), tokens("completion_tokens"));
    let model = or("/response/body/model", at("/request/body/model"));
    let provider = at("/request/provider");
    let price = |tokens: f64, which: usize| {
        let prices = analytics::prices(work.description, model.as_str().unwrap_or_default());
        prices.map_or(0.0, |prices| {
            prices.get(which).copied().unwrap_or(0.0) * tokens
        })
    };
    let status = or("/response/status", json!(200));
    let metadata = match at("/metadata") {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    };
    let id = identity::id();
    let text = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let trace = match text("trace_id") {
        Value::Null => Value::from(id.as_str()),
        trace => trace,
    };
    let time = or("/response/response_time", json!(0));
    let method = or("/request/method", json!("POST"));
    let mut metrics = json!({
        "id": id, "organisation_id": &*work.state.account.organisation_id,
        "created_at": work.state.clock.later(0),
        "is_success": status.as_u64().is_some_and(|status| status < 400),
        "req_units": sent, "res_units": received, "total_units": sent + received,
        "cost": price(sent, 0) + price(received, 1), "cost_currency": "USD",
        "request_url": at("/request/url"), "request_method": method,
        "response_status_code": status, "response_time": time, "trace_id": trace,
        "metadata.key": metadata.keys().collect::<Vec<_>>(),
        "metadata.value": metadata.values().map(Value::as_str).collect::<Vec<_>>(),
    });
    let optional = [
        ("ai_model", model.clone()),
        ("ai_org", provider),
        ("span_id", text("span_id")),
        ("span_name", text("span_name")),
        (
            "api_key_id",
            work.caller.key_id().map_or(Value::Null, Value::from),
        ),
    ];
    for (name, value) in optional {
        if value.is_string() {
            metrics[name] = value;
        }
    }
    let fields = json!({
        "request": {
            "url": at("/request/url"), "method": method, "headers": or("/request/headers", json!({})),
            "body": or("/request/body", json!({})), "portkeyHeaders": {},
        },
        "response": {
            "status": status, "headers": or("/response/headers", json!({})),
            "body": or("/response/body", json!({})), "responseTime": time,
            "lastUsedOptionJsonPath": "config",
        },
        "metrics": metrics,
        "metadata": metadata,
    });
    let mut input = fields.as_object().cloned().unwrap_or_default();
    write::confine(work, resource, target.request, &mut input)?;
    // A log is found by its trace, too; of several with one trace, by the first.
    if let Some(trace) = trace.as_str()
        && work.find("log", trace, None).is_none()
    {
        input.insert("slug".to_owned(), Value::from(trace));
    }
    let record = work.create(resource, input, None)?;
    let workspace = record.target("workspace_id").cloned();
    let workspace = workspace.and_then(|id| work.find("workspace", &id, None));
    work.amend("log", &record.id, |fields| {
        fields.insert("_id".to_owned(), Value::from(&*record.id));
        if let (Some(workspace), Some(metrics)) = (workspace, fields.get_mut("metrics")) {
            metrics["workspace_slug"] = workspace.get("slug").cloned().unwrap_or_default();
            metrics["id"] = Value::from(&*record.id);
        }
    });
    keep_recent(work, "log");
    Ok(())
}

/// Forgets the oldest objects of a kind beyond what is kept.
fn keep_recent(work: &mut Work<'_>, kind: &str) {
    let collection = work.state.collection_mut(kind);
    while collection.active().len() > KEPT {
        let Some(oldest) = collection.active().front().copied() else {
            return;
        };
        collection.remove(oldest);
    }
}

#[derive(Debug)]
pub(crate) struct Feedback;

impl Hook for Feedback {
    fn call(
        &self,
        work: &mut Work<'_>,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let resource = work.resource("feedback")?;
        let mut ids = Vec::new();
        if step == "update" {
            let record = target.record(work.description, work.state)?;
            work.update(resource, &record, target.request.members())?;
            ids.push(Value::from(&*record.id));
        } else {
            for entry in entries(target) {
                let Value::Object(entry) = entry else {
                    continue;
                };
                let wanted = ["trace_id", "value", "weight", "metadata"];
                let mut input: Map<String, Value> = entry
                    .into_iter()
                    .filter(|(name, _)| wanted.contains(&name.as_str()))
                    .collect();
                input.entry("weight".to_owned()).or_insert(json!(1.0));
                write::confine(work, resource, target.request, &mut input)?;
                let record = work.create(resource, input, None)?;
                ids.push(Value::from(&*record.id));
            }
            keep_recent(work, "feedback");
        }
        let mut fields = Map::new();
        fields.insert("status".to_owned(), Value::from("success"));
        fields.insert("message".to_owned(), Value::from("Feedback saved"));
        fields.insert("feedback_ids".to_owned(), Value::Array(ids));
        Ok(Outcome::Object(Object::new(fields)))
    }
}

#[derive(Debug)]
pub(crate) struct LogExport;

impl Hook for LogExport {
    /// An answer says how many logs there are to export, and how far the export is.
    fn present(
        &self,
        _description: &'static Description,
        _state: &State,
        fields: &mut Map<String, Value>,
    ) {
        let status = status(fields);
        fields.insert("status".to_owned(), Value::from(status));
    }

    fn after_write(
        &self,
        work: &mut Work<'_>,
        _former: Option<&Record>,
        record: &Record,
        _steering: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        let slug = record.target("workspace_id");
        let workspace = slug.and_then(|id| work.find("workspace", id, None));
        let slug = workspace.and_then(|workspace| workspace.slug.clone());
        let filters = record.get("filters").and_then(Value::as_object);
        let total = analytics::matching(work.state, slug.as_deref(), filters).len();
        work.amend("log-export", &record.id, |fields| {
            fields.insert("total".to_owned(), Value::from(total));
        });
        Ok(())
    }

    fn call(
        &self,
        work: &mut Work<'_>,
        step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let record = target.record(work.description, work.state)?;
        let now = status(&record.fields);
        let (from, to) = match step {
            "start" => (["draft", "stopped"], "in_progress"),
            _ => (["in_progress", "in_progress"], "stopped"),
        };
        if !from.contains(&now) {
            return Err(ApiError::invalid(format!("The export is {now}")));
        }
        let ends = Value::from(work.state.clock.later(EXPORT_TAKES));
        work.amend("log-export", &record.id, |fields| {
            fields.insert("status".to_owned(), Value::from(to));
            fields.insert("^ends".to_owned(), ends);
        });
        let mut fields = Map::clone(&record.fields);
        fields.insert(
            "message".to_owned(),
            Value::from(format!("The export is {to}")),
        );
        Ok(Outcome::Object(Object::new(fields)))
    }

    fn view(
        &self,
        description: &'static Description,
        state: &State,
        _step: &str,
        target: &Target<'_>,
    ) -> Result<Outcome, ApiError> {
        let record = target.record(description, state)?;
        let status = status(&record.fields);
        if status != "success" {
            return Err(ApiError::invalid(format!("The export is {status}")));
        }
        let mut fields = Map::new();
        let url = format!("https://exports.example.com/{}.jsonl", record.id);
        fields.insert("signed_url".to_owned(), Value::from(url));
        Ok(Outcome::Object(Object::new(fields)))
    }
}

/// How far an export is: one that was started ends by itself.
fn status(fields: &Map<String, Value>) -> &'static str {
    match fields.get("status").and_then(Value::as_str) {
        Some("in_progress") if is_over(fields.get("^ends")) => "success",
        Some("in_progress") => "in_progress",
        Some("stopped") => "stopped",
        _ => "draft",
    }
}
