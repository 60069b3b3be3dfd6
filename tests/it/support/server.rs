//! Mock servers, and a client that changes things behind gatewright's back.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Once};

use gatewright_mock::{Api, MockPortkey};
use reqwest::Method;
use serde_json::{Value, json};

use super::RUNTIME;

/// The admin key that the servers accept. It has characters that encodings change.
pub(crate) const KEY: &str = "pk-admin-7Qv/Z+w==?&e%";

/// A client for what tests do behind gatewright's back.
pub(crate) static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::new()
});

/// A running mock.
pub(crate) struct Server {
    mock: MockPortkey,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mock = RUNTIME
            .block_on(MockPortkey::builder().api_key(KEY).start())
            .unwrap();
        Self { mock }
    }

    /// A mock of every system, the same in every run. Pages that a cursor leads to are short or empty
    /// before their end.
    pub(crate) fn of_all() -> Self {
        let builder = MockPortkey::builder()
            .api_key(KEY)
            .seed(7)
            .uneven_pages(true);
        let builder = Api::BESIDE.iter().fold(builder, |all, api| all.api(*api));
        let mock = RUNTIME.block_on(builder.start()).unwrap();
        Self { mock }
    }

    pub(crate) fn url(&self) -> String {
        self.mock.base_url()
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.mock.address()
    }

    /// Makes reads lag behind writes from now on, or no longer.
    pub(crate) fn lag(&self, lag: Option<std::time::Duration>) {
        self.mock.set_lag(lag);
    }

    /// Forgets the requests so far.
    pub(crate) fn clear(&self) {
        self.mock.clear_journal();
    }

    /// The requests since the last [`Server::clear`] that were no reads, and how they ended.
    pub(crate) fn writes(&self) -> Vec<String> {
        let requests = self.mock.journal();
        let writes = requests.iter().filter(|request| request.method != "GET");
        writes
            .map(|r| format!("{} {} {}", r.method, r.path, r.status))
            .collect()
    }

    /// How often which operation was asked for since the last [`Server::clear`], by method and
    /// path with ids left out.
    pub(crate) fn traffic(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in self.mock.journal() {
            let collection = [
                "workspaces",
                "integrations",
                "guardrails",
                "configs",
                "providers",
                "virtual-keys",
                "secret-references",
                "collections",
                "labels",
                "mcp-integrations",
                "mcp-servers",
                "usage-limits",
                "rate-limits",
                "api-keys",
                "users",
                "prompts",
                "partials",
                "versions",
            ];
            let mut path = Vec::new();
            let mut after_collection = false;
            for segment in request
                .path
                .trim_start_matches("/v1")
                .split('/')
                .filter(|s| !s.is_empty())
            {
                let known = collection.contains(&segment)
                    || ["admin", "policies", "models", "invites", "service"].contains(&segment);
                path.push(if known || !after_collection {
                    segment
                } else {
                    "*"
                });
                after_collection = collection.contains(&segment);
            }
            *counts
                .entry(format!("{} /{}", request.method, path.join("/")))
                .or_insert(0) += 1;
        }
        counts
    }

    /// How many requests there were since the last [`Server::clear`].
    pub(crate) fn total(&self) -> usize {
        self.mock.journal().len()
    }

    /// Sends a request with the admin key; the status and the body, null where there is none.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        RUNTIME.block_on(async {
            let mut request = HTTP
                .request(method, format!("{}{path}", self.url()))
                .header("x-portkey-api-key", KEY);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or_default())
        })
    }

    #[track_caller]
    fn done(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let name = format!("{method} {path}");
        let (status, body) = self.send(method, path, body);
        assert_eq!(status, 200, "{name}: {body:#}");
        body
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.done(Method::GET, path, None)
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: Value) -> Value {
        self.done(Method::POST, path, Some(body))
    }

    #[track_caller]
    pub(crate) fn put(&self, path: &str, body: Value) -> Value {
        self.done(Method::PUT, path, Some(body))
    }

    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Value {
        self.done(Method::DELETE, path, None)
    }

    /// Creates many objects at once.
    pub(crate) fn post_all(&self, path: &str, bodies: Vec<Value>) {
        RUNTIME.block_on(async {
            for chunk in bodies.chunks(50) {
                let requests = chunk.iter().map(|body| async {
                    let request = HTTP.post(format!("{}{path}", self.url()));
                    let request = request.header("x-portkey-api-key", KEY).json(body);
                    let answer = request.send().await.unwrap();
                    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
                });
                futures_util::future::join_all(requests).await;
            }
        });
    }

    /// All objects of a list, through all its pages.
    #[track_caller]
    pub(crate) fn list(&self, path: &str) -> Vec<Value> {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        let mut page = 0;
        loop {
            let answer = self.get(&format!("{path}{join}current_page={page}&page_size=100"));
            let items = answer["data"].as_array().cloned().unwrap_or_default();
            let none = items.is_empty();
            // Configs and partials come on one page, whatever is asked for.
            let whole = ["/configs", "/prompts/partials"];
            let whole = whole.iter().any(|list| path.starts_with(list));
            all.extend(items);
            if none || whole {
                return all;
            }
            page += 1;
        }
    }

    /// The only object of a list with this name.
    #[track_caller]
    pub(crate) fn named(&self, path: &str, name: &str) -> Value {
        let mut found = self.list(path);
        found.retain(|item| item["name"] == name);
        assert_eq!(found.len(), 1, "`{name}` in {path}: {found:#?}");
        found.remove(0)
    }

    /// The only workspace with this name.
    #[track_caller]
    pub(crate) fn workspace(&self, name: &str) -> Value {
        self.named("/admin/workspaces", name)
    }

    /// The path of the only workspace with this name.
    #[track_caller]
    pub(crate) fn workspace_path(&self, name: &str) -> String {
        format!("/admin/workspaces/{}", text(&self.workspace(name)["id"]))
    }

    /// A list of one workspace: `/providers` or `/guardrails`.
    #[track_caller]
    pub(crate) fn list_in(&self, path: &str, workspace: &Value) -> Vec<Value> {
        self.list(&format!("{path}?workspace_id={}", text(&workspace["id"])))
    }

    /// Everything in the account by kind, place and name: what duplicates would show in.
    #[track_caller]
    pub(crate) fn inventory(&self) -> Vec<String> {
        let mut all = Vec::new();
        let name = |item: &Value| text(&item["name"]);
        let lists = [
            "/integrations",
            "/secret-references",
            "/configs",
            "/policies/usage-limits",
            "/policies/rate-limits",
        ];
        for path in lists {
            all.extend(
                self.list(path)
                    .iter()
                    .map(|item| format!("{path} {}", name(item))),
            );
        }
        for workspace in self.list("/admin/workspaces") {
            let place = name(&workspace);
            all.push(format!("/workspaces {place}"));
            for path in ["/providers", "/guardrails"] {
                let items = self.list_in(path, &workspace);
                all.extend(
                    items
                        .iter()
                        .map(|item| format!("{path} {place} {}", name(item))),
                );
            }
        }
        all.sort();
        all
    }

    /// The id of the organisation, which every object of it says.
    #[track_caller]
    pub(crate) fn organisation(&self) -> String {
        text(&self.list("/labels")[0]["organisation_id"])
    }

    /// A workspace made by hand.
    #[track_caller]
    pub(crate) fn make_workspace(&self, name: &str) -> Value {
        self.post("/admin/workspaces", json!({ "name": name }));
        self.workspace(name)
    }
}

/// A JSON text as such.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}
