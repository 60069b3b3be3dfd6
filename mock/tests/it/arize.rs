//! Arize's API: its envelope, its ids and pages, and the rules of the kinds that are kept.

mod integrations;
mod kinds;
mod walk;

use gatewright_mock::{Api as Served, ArizeRevision, MockPortkey};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Answer, client, send, text};

/// A mock that serves Arize's API, with a client for it.
pub(crate) struct Arize {
    pub(crate) mock: MockPortkey,
    client: Client,
}

impl Arize {
    pub(crate) async fn start() -> Arize {
        Arize::of(ArizeRevision::Current, false).await
    }

    pub(crate) async fn of(revision: ArizeRevision, uneven_pages: bool) -> Arize {
        let mock = MockPortkey::builder()
            .api(Served::Arize(revision))
            .uneven_pages(uneven_pages)
            .start()
            .await
            .unwrap();
        Arize {
            mock,
            client: client(),
        }
    }

    fn base_url(&self) -> String {
        let [(title, url)] = &self.mock.beside()[..] else {
            panic!("one other API is served")
        };
        assert_eq!(title, "Arize API");
        url.clone()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base_url());
        self.client
            .request(method, url)
            .bearer_auth(self.mock.api_key())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Creates an object and returns it.
    pub(crate) async fn made(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 201, "{path}: {:#}", answer.body);
        answer.body
    }

    pub(crate) async fn organization(&self, name: &str) -> String {
        let body = json!({ "name": name });
        text(&self.made("/v2/organizations", body).await["id"])
    }

    pub(crate) async fn space(&self, name: &str, organization: &str) -> String {
        let body = json!({ "name": name, "organization_id": organization });
        text(&self.made("/v2/spaces", body).await["id"])
    }
}

/// Asserts a refusal in the form of RFC 9457.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{:#}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["status"], json!(status), "{:#}", answer.body);
    assert!(answer.body["title"].is_string() && answer.body["detail"].is_string());
}

#[tokio::test]
async fn a_key_is_a_bearer_token() {
    let arize = Arize::start().await;
    let url = format!("{}/v2/organizations", arize.base_url());
    refused(&send(arize.client.get(&url)).await, 401);
    refused(
        &send(arize.client.get(&url).bearer_auth("other")).await,
        401,
    );
    let portkey = arize.client.get(&url);
    let portkey = portkey.header("x-portkey-api-key", arize.mock.api_key());
    refused(&send(portkey).await, 401);
    assert_eq!(arize.get("/v2/organizations").await.status, 200);
    refused(&arize.get("/v2/nothing").await, 404);
}

#[tokio::test]
async fn one_process_serves_both_apis() {
    let arize = Arize::start().await;
    arize.organization("One").await;
    let request = arize
        .client
        .get(format!("{}/integrations", arize.mock.base_url()));
    let portkey = send(request.header("x-portkey-api-key", arize.mock.api_key())).await;
    assert_eq!(portkey.status, 200);
    assert!(portkey.headers.contains_key("x-portkey-trace-id"));
    let own = arize.get("/v2/integrations").await;
    assert!(!own.headers.contains_key("x-portkey-trace-id"));
    // A client that takes a host and nothing else reaches the paths, too.
    let bare = format!("http://{}/v2/organizations", arize.mock.address());
    let bare = send(arize.client.get(bare).bearer_auth(arize.mock.api_key())).await;
    assert_eq!(bare.body["organizations"][0]["name"], "One");
}

#[tokio::test]
async fn ids_tell_their_kind() {
    use base64::Engine as _;
    let arize = Arize::start().await;
    let id = arize.organization("Ids").await;
    let inside = base64::engine::general_purpose::STANDARD
        .decode(&id)
        .unwrap();
    assert!(
        String::from_utf8(inside)
            .unwrap()
            .starts_with("AccountOrg:")
    );
    refused(&arize.get("/v2/organizations/Ids").await, 400);
    refused(
        &arize
            .get("/v2/organizations/QWNjb3VudE9yZzo5OTpub25l")
            .await,
        404,
    );
}

#[tokio::test]
async fn pages_follow_a_cursor_that_is_good_for_one_list() {
    let arize = Arize::start().await;
    for number in 0..7 {
        arize.organization(&format!("org {number}")).await;
    }
    let first = arize.get("/v2/organizations?limit=3").await.ok();
    let names = |page: &Value| -> Vec<String> {
        let items = page["organizations"].as_array().unwrap();
        items.iter().map(|item| text(&item["name"])).collect()
    };
    assert_eq!(names(&first), ["org 6", "org 5", "org 4"]);
    assert_eq!(first["pagination"]["has_more"], json!(true));
    let cursor = text(&first["pagination"]["next_cursor"]);
    // What comes or goes in between neither repeats nor hides anything.
    arize.organization("org 7").await;
    let gone = text(&first["organizations"][2]["id"]);
    assert_eq!(
        arize
            .delete(&format!("/v2/organizations/{gone}"))
            .await
            .status,
        204
    );
    let second = format!("/v2/organizations?limit=3&cursor={cursor}");
    assert_eq!(
        names(&arize.get(&second).await.ok()),
        ["org 3", "org 2", "org 1"]
    );
    let other = format!("/v2/organizations?limit=3&name=org&cursor={cursor}");
    refused(&arize.get(&other).await, 400);
    refused(&arize.get("/v2/organizations?cursor=nonsense").await, 400);
    refused(&arize.get("/v2/organizations?limit=0").await, 400);
}

#[tokio::test]
async fn pages_can_be_short_and_empty_with_more_to_come() {
    let arize = Arize::of(ArizeRevision::Current, true).await;
    for number in 0..7 {
        arize.organization(&format!("org {number}")).await;
    }
    let (mut sizes, mut all) = (Vec::new(), Vec::new());
    let mut path = "/v2/organizations?limit=5".to_owned();
    loop {
        let page = arize.get(&path).await.ok();
        let items = page["organizations"].as_array().unwrap();
        sizes.push(items.len());
        all.extend(items.iter().map(|item| text(&item["name"])));
        if page["pagination"]["has_more"] == json!(false) {
            assert!(page["pagination"]["next_cursor"].is_null());
            break;
        }
        let cursor = text(&page["pagination"]["next_cursor"]);
        path = format!("/v2/organizations?limit=5&cursor={cursor}");
    }
    assert!(
        sizes.contains(&0) && sizes.iter().all(|size| *size < 5),
        "{sizes:?}"
    );
    all.sort();
    let expected: Vec<String> = (0..7).map(|number| format!("org {number}")).collect();
    assert_eq!(all, expected);
}
