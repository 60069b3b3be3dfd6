//! What a request to a model is about: which provider and model it goes to, for whom, and what it wants to be filed under.
//!
//! The headers are those of <https://portkey.ai/docs/api-reference/inference-api/headers>. Of a config, what
//! selects a provider, a model and the cache is followed; of several targets the first one serves, as no
//! provider behind the mock ever fails.

use std::sync::Arc;

use axum::http::HeaderMap;
use serde_json::{Map, Value};

use crate::engine::caller::Caller;
use crate::engine::find;
use crate::store::State;
use crate::store::record::Record;

/// What a request to a model is about.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) trace_id: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) key: Option<Arc<Record>>,
    pub(crate) workspace: Option<Arc<Record>>,
    /// The stored provider that the request goes through, which older clients call a virtual key.
    pub(crate) provider: Option<Arc<Record>>,
    /// What the request calls the provider, stored or not.
    pub(crate) slug: Option<String>,
    /// Whose models they are, `openai` for one.
    pub(crate) ai_org: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) config: Option<Arc<Record>>,
    pub(crate) mode: String,
    /// The place in the config of the target that served.
    pub(crate) option: String,
    pub(crate) cache: Option<Cache>,
    /// Whether bodies are to be kept out of the log.
    pub(crate) discreet: bool,
    pub(crate) spans: Map<String, Value>,
}

/// How a request wants to be cached.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) semantic: bool,
    pub(crate) refresh: bool,
    pub(crate) namespace: String,
    /// In seconds.
    pub(crate) max_age: Option<i64>,
}

/// The text of a header.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

/// How the slug of a stored provider is written where it may also be a vendor's name.
fn stored(slug: &str) -> String {
    format!("@{}", slug.strip_prefix('@').unwrap_or(slug))
}

/// Whether headers say where a request is to go, so that it is for a provider whatever its path.
pub(crate) fn selects_provider(headers: &HeaderMap) -> bool {
    [
        "x-portkey-provider",
        "x-portkey-virtual-key",
        "x-portkey-custom-host",
    ]
    .iter()
    .any(|name| header(headers, name).is_some())
}

/// Whether headers bring a config, which may say where a request is to go.
pub(crate) fn brings_config(headers: &HeaderMap) -> bool {
    header(headers, "x-portkey-config").is_some()
}

impl Call {
    /// Reads headers and body. What is named and not there is kept as a name.
    pub(crate) fn read(
        state: &State,
        caller: &Caller,
        headers: &HeaderMap,
        body: &Value,
        request_id: &str,
    ) -> Call {
        let key = caller.key().cloned();
        let mut call = Call {
            trace_id: header(headers, "x-portkey-trace-id")
                .unwrap_or(request_id)
                .to_owned(),
            discreet: header(headers, "x-portkey-debug") == Some("false"),
            mode: "single".to_owned(),
            option: "config".to_owned(),
            model: body.get("model").and_then(Value::as_str).map(str::to_owned),
            ..Call::default()
        };
        let spans = ["span_id", "span_name", "parent_span_id"];
        for name in spans {
            let sent = format!("x-portkey-{}", name.replace('_', "-"));
            if let Some(value) = header(headers, &sent) {
                call.spans.insert(name.to_owned(), Value::from(value));
            }
        }
        call.configure(state, key.as_deref(), headers);
        call.select(state, headers);
        let place = caller
            .workspace()
            .or_else(|| call.provider.as_ref()?.target("workspace_id"))
            .unwrap_or(&caller.account(state).default_workspace);
        call.workspace = find::named(state, "workspace", place, None);
        call.key = key;
        call.file(headers, body);
        call
    }

    /// Follows the config that the request or its key brings.
    fn configure(&mut self, state: &State, key: Option<&Record>, headers: &HeaderMap) {
        let given = header(headers, "x-portkey-config");
        let inline = given.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let content = match inline.filter(Value::is_object) {
            Some(config) => config,
            None => {
                let default = || key?.get("defaults")?.get("config_id")?.as_str();
                let named = given.or_else(default);
                self.config = named.and_then(|name| find::named(state, "config", name, None));
                let content = self.config.as_ref().and_then(|config| config.get("config"));
                match content {
                    // A config is kept in the form in which it was written, which may be text.
                    Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
                    Some(content) => content.clone(),
                    None => Value::Null,
                }
            }
        };
        let mut target = &content;
        loop {
            let text = |field: &str| target.get(field).and_then(Value::as_str);
            if let Some(named) = text("virtual_key").map(stored) {
                self.slug = Some(named);
            } else if let Some(named) = text("provider") {
                self.slug = Some(named.to_owned());
            }
            if let Some(model) = target
                .get("override_params")
                .and_then(|params| params.get("model")?.as_str())
            {
                self.model = Some(model.to_owned());
            }
            if let Some(mode) = target.get("cache").and_then(|cache| cache.get("mode")) {
                self.cache = Some(Cache {
                    semantic: mode == "semantic",
                    refresh: false,
                    namespace: String::new(),
                    max_age: target["cache"].get("max_age").and_then(Value::as_i64),
                });
            }
            let targets = target.get("targets").and_then(Value::as_array);
            let Some(targets) = targets.filter(|targets| !targets.is_empty()) else {
                break;
            };
            let strategy = target.get("strategy");
            let word = |name: &str| strategy.and_then(|strategy| strategy.get(name)?.as_str());
            if let Some(mode) = word("mode") {
                mode.clone_into(&mut self.mode);
            }
            // Conditions are not evaluated: their default serves.
            let named = |target: &Value| {
                word("default").is_some()
                    && target.get("name").and_then(Value::as_str) == word("default")
            };
            let index = targets.iter().position(named).unwrap_or(0);
            self.option = format!("{}.targets[{index}]", self.option);
            target = &targets[index];
        }
    }

    /// Finds the provider: a header names it, or the model's name, or the config did.
    fn select(&mut self, state: &State, headers: &HeaderMap) {
        if let Some(named) = header(headers, "x-portkey-virtual-key").map(stored) {
            self.slug = Some(named);
        } else if let Some(named) = header(headers, "x-portkey-provider") {
            self.slug = Some(named.to_owned());
        }
        // `@slug/model` names both.
        let both = self.model.as_deref().and_then(|model| {
            let (slug, model) = model.strip_prefix('@')?.split_once('/')?;
            Some((slug.to_owned(), model.to_owned()))
        });
        if let Some((slug, model)) = both {
            self.slug = Some(stored(&slug));
            self.model = Some(model);
        }
        let Some(named) = self.slug.take() else {
            return;
        };
        // Without the sign it is not a stored provider but whose models they are, unless a stored one is called so.
        let slug = named.strip_prefix('@').unwrap_or(&named);
        self.provider = find::named(state, "provider", slug, None);
        match &self.provider {
            Some(provider) => self.ai_org = provider.text("ai_provider_id").map(str::to_owned),
            None if !named.starts_with('@') => {
                self.ai_org = Some(named);
                return;
            }
            None => {}
        }
        self.slug = Some(slug.to_owned());
    }

    /// Gathers what the request is to be found by.
    fn file(&mut self, headers: &HeaderMap, body: &Value) {
        let defaults = |record: &Option<Arc<Record>>| {
            let metadata = record.as_ref()?.get("defaults")?.get("metadata")?;
            metadata.as_object().cloned()
        };
        let sent = header(headers, "x-portkey-metadata")
            .and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
        // The nearer to the request, the later it comes and the more it counts.
        let layers = [defaults(&self.workspace), defaults(&self.key), sent];
        for (name, value) in layers.into_iter().flatten().flatten() {
            if let Value::String(_) = value {
                self.metadata.insert(name, value);
            }
        }
        // A body in OpenAI's manner names its user, which counts when the metadata names none.
        if let Some(user) = body.get("user").filter(|user| user.is_string()) {
            self.metadata
                .entry("_user".to_owned())
                .or_insert_with(|| user.clone());
        }
        if let Some(mode) = header(headers, "x-portkey-cache") {
            self.cache = Some(Cache {
                semantic: mode == "semantic",
                refresh: false,
                namespace: String::new(),
                max_age: None,
            });
        }
        if let Some(cache) = &mut self.cache {
            cache.refresh = header(headers, "x-portkey-cache-force-refresh") == Some("true");
            let namespace = header(headers, "x-portkey-cache-namespace").unwrap_or_default();
            namespace.clone_into(&mut cache.namespace);
        }
    }
}

impl Call {
    /// Takes the provider and the model from a prompt where the request itself names none.
    pub(crate) fn prompt(&mut self, state: &State, edition: &Record, body: &Value) {
        if let Some(model) = body.get("model").and_then(Value::as_str) {
            self.model = Some(model.to_owned());
        }
        if self.slug.is_none() {
            self.slug = edition.text("virtual_key").map(stored);
            self.select(state, &HeaderMap::new());
        }
    }
}
