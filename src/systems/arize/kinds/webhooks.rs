//! Webhooks: where an organization's events are sent.
//!
//! Neither the token nor the headers can be read back. The secret with which `HMAC_SHA256` signs
//! is shown once, in the answer to the creation, and gatewright keeps no secrets.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::wire;
use super::list;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, Problems, Rule, Update};
use crate::model::{Attribute, Map, Pointer, Value};
use crate::systems::forms::has;
use crate::systems::spec::NotNull;

/// Where events of an organization are sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// The name, which no other webhook of the organization may have; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// The organization that it is of, by key. Cannot be changed.
    #[schemars(length(min = 1))]
    pub organization_id: String,
    /// Where events are sent; an `https://` URL.
    #[schemars(length(min = 1), extend("format" = "uri"))]
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// How the receiver knows that an event is genuine. Cannot be changed.
    #[serde(default)]
    pub auth_type: NotNull<AuthType>,
    /// With `BEARER`: all of the `Authorization` header, `Bearer ` included. Cannot be read back.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub auth_token: NotNull<String>,
    /// How long the receiver may take, in milliseconds.
    #[serde(default)]
    #[schemars(range(min = 1000, max = 60000))]
    pub timeout_ms: NotNull<u32>,
    /// More headers, `{}` for none. They cannot be read back.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 20))]
    pub headers: NotNull<IndexMap<String, String>>,
}

/// How the receiver of an event knows that it is genuine.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthType {
    /// By a token that it gets.
    Bearer,
    /// By a signature.
    #[serde(rename = "HMAC_SHA256")]
    HmacSha256,
}

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "arize",
    name: "webhooks",
    noun: "webhook",
    schema: |generator| generator.subschema_for::<WebhookSpec>(),
    identity: Identity::UniqueName,
    scope: &["organization_id"],
    endpoints: Endpoints {
        list: list("/v2/webhooks", "webhooks"),
        create: "/v2/webhooks",
        item: "/v2/webhooks/{id}",
        update: Update::PATCH,
        detail: Detail::Listed,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/organization_id", Is::Immutable),
        Rule::new(
            "/organization_id",
            Is::Reference {
                kind: "organizations",
                attribute: Attribute::Id,
            },
        ),
        Rule::new("/auth_type", Is::Immutable),
        Rule::new("/auth_token", Is::Secret),
        Rule::new("/headers", Is::WriteOnly),
        Rule::new("/headers/*", Is::Sensitive),
    ],
    parts: &[],
    check: Some(check),
    decode: None,
    encode: None,
};

fn check(entry: &Map, problems: &mut Problems) {
    let root = Pointer::root();
    wire::check_https(entry, &root, "url", problems);
    let signed = entry.get("auth_type").and_then(Value::as_str) == Some("HMAC_SHA256");
    if signed && has(entry, "auth_token") {
        problems
            .error(
                "unknown-field",
                &root.child("auth_token"),
                "`auth_token` does not go with `auth_type: HMAC_SHA256`",
            )
            .help("remove it: the server makes the secret for the signatures by itself");
    }
    if signed {
        problems
            .warning(
                "secret-shown-once",
                &root.child("auth_type"),
                "the server shows the secret for the signatures once, when the webhook is made, \
                 and gatewright does not keep it",
            )
            .help(
                "make this webhook where you can see the secret, and let gatewright take it over \
                 by its name",
            );
    }
    let headers = entry.get("headers").and_then(Value::as_map);
    for name in headers.into_iter().flat_map(Map::keys) {
        let taken = ["host", "content-length", "connection", "transfer-encoding"];
        if taken.contains(&name.to_ascii_lowercase().as_str()) {
            problems.error(
                "invalid-value",
                &root.child("headers").child(name),
                format!("the header `{name}` belongs to the connection and cannot be set"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::spec::testing::{accepts, problems};
    use serde_json::json;

    #[test]
    fn limits_are_checked() {
        let headers: serde_json::Map<_, _> =
            (0..21).map(|n| (format!("X-{n}"), json!("v"))).collect();
        for (bad, good) in [
            (json!({ "timeout_ms": 999 }), json!({ "timeout_ms": 1000 })),
            (json!({ "headers": headers }), json!({ "headers": {} })),
            (
                json!({ "auth_type": "BASIC" }),
                json!({ "auth_type": "BEARER" }),
            ),
            (json!({ "auth_token": null }), json!({ "auth_token": "t" })),
        ] {
            let with = |more: &serde_json::Value| {
                let mut entry = json!({ "organization_id": "o", "url": "https://x" });
                let more = more.as_object().unwrap().clone();
                entry.as_object_mut().unwrap().extend(more);
                entry
            };
            assert!(!accepts::<WebhookSpec>(&KIND, &with(&bad)), "{bad}");
            assert!(accepts::<WebhookSpec>(&KIND, &with(&good)), "{good}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_pointed_out() {
        let entry = json!({ "url": "http://x", "auth_type": "HMAC_SHA256", "auth_token": "t",
                            "headers": { "Host": "x" } });
        let places: Vec<String> = problems(&KIND, entry)
            .iter()
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(
            places,
            [
                "error /url invalid-value",
                "error /auth_token unknown-field",
                "warning /auth_type secret-shown-once",
                "error /headers/Host invalid-value",
            ]
        );
    }
}
