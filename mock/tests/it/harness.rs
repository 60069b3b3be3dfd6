//! A mock and a client for it, with as little between the test and the wire as possible.

use gatewright_mock::{MockPortkey, Profile};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// An answer: the status, and the body as JSON (null when there is none).
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of a success; anything else fails the test with the answer in full.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{:#}", self.body);
        self.body
    }

    /// Asserts a refusal in the live API's envelope.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{:#}", self.body);
        assert_eq!(self.body["success"], json!(false), "{:#}", self.body);
        assert_eq!(
            self.body["data"]["errorCode"],
            json!(code),
            "{:#}",
            self.body
        );
        assert!(self.body["data"]["message"].is_string(), "{:#}", self.body);
    }
}

/// An HTTP client. Built together with the rest of the workspace, reqwest has TLS and wants a choice
/// of its cryptography before the first client, also for plain HTTP.
pub(crate) fn client() -> Client {
    static PROVIDER: std::sync::Once = std::sync::Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::new()
}

/// A running mock with an authorised client.
pub(crate) struct Api {
    pub(crate) mock: MockPortkey,
    pub(crate) client: Client,
}

impl Api {
    pub(crate) async fn live() -> Api {
        Api::start(Profile::Live).await
    }

    pub(crate) async fn start(profile: Profile) -> Api {
        let mock = MockPortkey::builder()
            .profile(profile)
            .start()
            .await
            .unwrap();
        Api {
            mock,
            client: client(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.mock.base_url()))
            .header("x-portkey-api-key", self.mock.api_key())
    }

    /// Sends a request with another key than the admin's; null is no body.
    pub(crate) async fn with_key(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let request = self
            .client
            .request(method, format!("{}{path}", self.mock.base_url()))
            .header("x-portkey-api-key", key);
        send(match body {
            Value::Null => request,
            body => request.json(&body),
        })
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn delete_with(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::DELETE, path).json(&body)).await
    }

    /// Creates a workspace and returns it.
    pub(crate) async fn workspace(&self, name: &str) -> Value {
        self.post("/admin/workspaces", json!({ "name": name }))
            .await
            .ok()
    }

    /// Creates an integration, grants it to a workspace without a provider, and returns its slug.
    pub(crate) async fn integration(&self, slug: &str, workspace: Option<&Value>) -> String {
        let body = json!({ "name": slug, "slug": slug, "ai_provider_id": "openai" });
        self.post("/integrations", body).await.ok();
        if let Some(workspace) = workspace {
            let grant = json!({
                "workspaces": [{ "id": workspace["id"], "enabled": true }],
                "create_default_provider": false,
            });
            self.put(&format!("/integrations/{slug}/workspaces"), grant)
                .await
                .ok();
        }
        slug.to_owned()
    }

    /// The names or slugs of a list's objects.
    pub(crate) async fn listed(&self, path: &str, field: &str) -> Vec<String> {
        let body = self.get(path).await.ok();
        let items = body["data"]
            .as_array()
            .unwrap_or_else(|| panic!("{path}: {body:#}"));
        items.iter().map(|item| text(&item[field])).collect()
    }
}

/// Sends a request as it is.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = response.bytes().await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer {
        status,
        headers,
        body,
    }
}

/// The text of a JSON string.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not text: {value:#}"))
        .to_owned()
}
