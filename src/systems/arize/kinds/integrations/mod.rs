//! Integrations: access to models of a provider, to agents, and to evaluators.
//!
//! The list shows one type at a time where it is asked for one, and evaluators only then. Neither
//! the type nor the provider can change. An update of `config` replaces the members that it has,
//! `auth` and `headers` each as a whole, so secrets are sent again with them.

mod check;
mod config;

pub use config::{Auth, AuthType, Config, Preset, Provider};

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::wire::{self, Scoping};
use super::list;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Operation, Rule, Update};
use crate::model::{Attribute, Map, Value};
use crate::systems::spec::NotNull;

/// Access to the models of a provider, to an agent, or to an evaluator of one's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationSpec {
    /// The name, which no other integration of the type may have, agents and evaluators counting
    /// as one type; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: NotNull<String>,
    /// What it gives access to. Cannot be changed.
    #[serde(rename = "type")]
    pub kind: Type,
    /// What it is for; not for `LLM`.
    pub description: Option<String>,
    /// Who sees it; `[]` for the whole account.
    #[serde(default)]
    pub scopings: NotNull<Vec<Scoping>>,
    /// How to reach it.
    pub config: Config,
}

/// What an integration gives access to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Type {
    /// Models of a provider.
    Llm,
    /// An agent behind an endpoint.
    Agent,
    /// An evaluator behind an endpoint; the account needs to have the feature.
    Evaluator,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "integrations",
    noun: "integration",
    schema: |generator| generator.subschema_for::<IntegrationSpec>(),
    identity: Identity::UniqueName,
    scope: &["type"],
    endpoints: Endpoints {
        list: List {
            per_scope: true,
            scopes: &["LLM", "AGENT", "EVALUATOR"],
            ..list("/v2/integrations", "integrations")
        },
        create: "/v2/integrations",
        item: "/v2/integrations/{id}",
        update: Update {
            repeats: &["type"],
            ..Update::PATCH
        },
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/type", Is::Immutable),
        Rule::new("/scopings", Is::Set),
        Rule::new(
            "/scopings/*/organization_id",
            Is::Reference {
                kind: "organizations",
                attribute: Attribute::Id,
            },
        ),
        Rule::new(
            "/scopings/*/space_id",
            Is::Reference {
                kind: "spaces",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/config", Is::Patch),
        Rule::new("/config/provider", Is::Immutable),
        Rule::new("/config/api_key", Is::Secret),
        Rule::new("/config/api_key", Is::Presence),
        Rule::new("/config/headers", Is::WriteOnly),
        Rule::new("/config/headers", Is::Presence),
        Rule::new("/config/headers/*", Is::Sensitive),
        Rule::new("/config/headers/*", Is::Presence),
        Rule::new("/config/auth/api_key", Is::Secret),
        Rule::new("/config/auth/api_key", Is::Presence),
        Rule::new("/config/auth/client_secret", Is::Secret),
        Rule::new("/config/auth/client_secret", Is::Presence),
        Rule::new("/config/auth/headers", Is::WriteOnly),
        Rule::new("/config/auth/headers", Is::Presence),
        Rule::new("/config/auth/headers/*", Is::Sensitive),
        Rule::new("/config/auth/headers/*", Is::Presence),
        Rule::new("/config/model_names", Is::Set),
        Rule::new("/config/request_presets", Is::Set),
    ],
    parts: &[],
    check: Some(check::check),
    decode: Some(decode),
    encode: Some(encode),
};

fn decode(live: &mut Map) {
    wire::read_scopings(live);
    let Some(config) = live.get_mut("config").and_then(Value::as_map_mut) else {
        return;
    };
    read_secrets(config);
    if let Some(auth) = config.get_mut("auth").and_then(Value::as_map_mut) {
        read_secrets(auth);
    }
    if let Some(Value::List(presets)) = config.get_mut("request_presets") {
        for preset in presets.iter_mut().filter_map(Value::as_map_mut) {
            preset.retain(|field, _| !["id", "created_at", "updated_at"].contains(&field.as_str()));
        }
    }
}

fn read_secrets(map: &mut Map) {
    wire::read_presence(map, "has_api_key", "api_key");
    wire::read_presence(map, "has_client_secret", "client_secret");
    wire::read_presence(map, "has_headers", "headers");
    wire::read_header_names(map);
}

fn encode(body: &mut Map, operation: Operation) {
    let Some(config) = body.get_mut("config").and_then(Value::as_map_mut) else {
        return;
    };
    if operation == Operation::Create {
        // What is JSON of the user's own keeps its nulls.
        config.retain(|_, value| !value.is_null());
    }
    // It is replaced as a whole, so what is left out is cleared.
    if let Some(auth) = config.get_mut("auth").and_then(Value::as_map_mut) {
        wire::drop_nulls(auth);
    }
}

#[cfg(test)]
mod tests;
