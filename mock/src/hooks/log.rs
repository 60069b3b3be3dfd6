//! Logs of requests to models, the feedback on them, and their exports.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Hook, Target};
use crate::description::Description;
use crate::engine::analytics::SAVED;
use crate::engine::caller::is_over;
use crate::engine::error::ApiError;
use crate::engine::shape::Outcome;
use crate::engine::work::Work;
use crate::engine::{analytics, log_filters, write};
use crate::gateway::limits::{self, Subject};
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
            add_log(work, &entry)?;
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

/// A request to a model that was served, by whoever.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) request: Value,
    pub(crate) response: Value,
    pub(crate) metrics: Map<String, Value>,
    pub(crate) metadata: Map<String, Value>,
    /// What it would have cost, in cents, had it not come from the cache.
    pub(crate) saved: f64,
    pub(crate) workspace: Option<Arc<Record>>,
    pub(crate) key: Option<Arc<Record>>,
    pub(crate) provider: Option<Arc<Record>>,
}

/// Logs what a client says that it has served without the gateway.
fn add_log(work: &mut Work<'_>, entry: &Value) -> Result<(), ApiError> {
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
    let named = model.as_str().unwrap_or_default();
    let cost = analytics::cost(work.description, named, sent, received);
    let status = or("/response/status", json!(200));
    let metadata = match at("/metadata") {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    };
    let time = or("/response/response_time", json!(0));
    let method = or("/request/method", json!("POST"));
    let mut metrics = json!({
        "is_success": status.as_u64().is_some_and(|status| status < 400),
        "req_units": sent, "res_units": received, "total_units": sent + received,
        "cost": cost, "cost_currency": "USD",
        "request_url": at("/request/url"), "request_method": method,
        "response_status_code": status, "response_time": time,
    });
    let text = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let key = work.caller.key();
    let optional = [
        ("ai_model", model),
        ("ai_org", at("/request/provider")),
        ("trace_id", text("trace_id")),
        ("span_id", text("span_id")),
        ("span_name", text("span_name")),
        (
            "api_key_id",
            key.map_or(Value::Null, |key| Value::from(&*key.id)),
        ),
    ];
    for (name, value) in optional {
        if value.is_string() {
            metrics[name] = value;
        }
    }
    let place = work.caller.workspace();
    let place = place.unwrap_or(&work.account().default_workspace);
    let entry = Entry {
        request: json!({
            "url": at("/request/url"), "method": method, "headers": or("/request/headers", json!({})),
            "body": or("/request/body", json!({})), "portkeyHeaders": {},
        }),
        response: json!({
            "status": status, "headers": or("/response/headers", json!({})),
            "body": or("/response/body", json!({})), "responseTime": time,
            "lastUsedOptionJsonPath": "config",
        }),
        metrics: metrics.as_object().cloned().unwrap_or_default(),
        workspace: work.find("workspace", place, None),
        key: key.cloned(),
        provider: None,
        saved: 0.0,
        metadata,
    };
    keep(work, entry)
}

/// Logs a request, and counts it against every limit that it falls under.
pub(crate) fn keep(work: &mut Work<'_>, entry: Entry) -> Result<(), ApiError> {
    let resource = work.resource("log")?;
    let Entry {
        mut metrics,
        metadata,
        workspace,
        ..
    } = entry;
    let subject = Subject {
        metrics: &metrics,
        metadata: &metadata,
        key: entry.key.as_ref(),
        provider: entry.provider.as_ref(),
        workspace: workspace.as_ref(),
    };
    limits::count(work.state, subject);
    let organisation = Value::from(&*work.account().organisation_id);
    let values = metadata.values().map(Value::as_str);
    metrics.insert(
        "metadata.key".to_owned(),
        metadata.keys().cloned().collect(),
    );
    metrics.insert("metadata.value".to_owned(), values.collect());
    metrics.insert("organisation_id".to_owned(), organisation);
    let mut input = Map::new();
    let mut slug = None;
    if let Some(workspace) = &workspace {
        input.insert("workspace_id".to_owned(), Value::from(&*workspace.id));
        slug = workspace.get("slug").cloned();
    }
    metrics.insert("workspace_slug".to_owned(), slug.unwrap_or_default());
    let trace = metrics
        .get("trace_id")
        .and_then(Value::as_str)
        .map(str::to_owned);
    // A log is found by its trace, too; of several with one trace, by the first.
    if let Some(trace) = &trace
        && work.find("log", trace, None).is_none()
    {
        input.insert("slug".to_owned(), Value::from(trace.as_str()));
    }
    input.insert("request".to_owned(), entry.request);
    input.insert("response".to_owned(), entry.response);
    input.insert("metadata".to_owned(), Value::Object(metadata));
    input.insert(SAVED.to_owned(), Value::from(entry.saved));
    let record = work.create(resource, input, None)?;
    let id = Value::from(&*record.id);
    metrics.insert("id".to_owned(), id.clone());
    metrics
        .entry("trace_id".to_owned())
        .or_insert_with(|| id.clone());
    let made = record.get("created_at").cloned();
    metrics.insert("created_at".to_owned(), made.unwrap_or_default());
    work.amend("log", &record.id, |fields| {
        fields.insert("_id".to_owned(), id);
        fields.insert("metrics".to_owned(), Value::Object(metrics));
    });
    keep_recent(work, "log");
    Ok(())
}

/// Forgets the oldest objects of a kind beyond what is kept.
fn keep_recent(work: &mut Work<'_>, kind: &str) {
    while let Some(collection) = work.state.collection(kind)
        && collection.active().len() > KEPT
        && let Some(oldest) = collection.active().front().copied()
    {
        work.state.remove(kind, oldest);
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
        state: &State,
        fields: &mut Map<String, Value>,
    ) {
        let status = status(state, fields);
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
        let total = log_filters::matching(work.state, slug.as_deref(), filters).len();
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
        let now = status(work.state, &record.fields);
        let (from, to) = match step {
            "start" => (["draft", "stopped"], "in_progress"),
            _ => (["in_progress", "in_progress"], "stopped"),
        };
        if !from.contains(&now) {
            return Err(ApiError::conflict(format!("The export is {now}")));
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
        let status = status(state, &record.fields);
        if status != "success" {
            return Err(ApiError::conflict(format!("The export is {status}")));
        }
        let mut fields = Map::new();
        let url = format!("https://exports.example.com/{}.jsonl", record.id);
        fields.insert("signed_url".to_owned(), Value::from(url));
        Ok(Outcome::Object(Object::new(fields)))
    }
}

/// How far an export is: one that was started ends by itself.
fn status(state: &State, fields: &Map<String, Value>) -> &'static str {
    match fields.get("status").and_then(Value::as_str) {
        Some("in_progress") if is_over(state, fields.get("^ends")) => "success",
        Some("in_progress") => "in_progress",
        Some("stopped") => "stopped",
        _ => "draft",
    }
}
