//! Documents that the mock does not know, served with state.

use std::path::PathBuf;

use gatewright_mock::{MockPortkey, StartError};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::harness::{Answer, client, send, text};

struct Foreign {
    mock: MockPortkey,
    client: Client,
}

impl Foreign {
    async fn of(document: &str) -> Foreign {
        let mock = MockPortkey::builder()
            .spec(path(document))
            .start()
            .await
            .unwrap();
        Foreign {
            mock,
            client: client(),
        }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{path}", self.mock.base_url());
        let request = self.client.request(method, url);
        let request = request.header("x-garden-key", "any");
        send(match body {
            Value::Null => request,
            body => request.json(&body),
        })
        .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Value::Null).await
    }
}

fn path(document: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/documents")
        .join(document)
}

#[tokio::test]
async fn a_document_in_the_style_of_3_0_is_stateful() {
    let garden = Foreign::of("garden.yaml").await;
    assert!(garden.mock.base_url().ends_with("/api/v3"));
    let bed = json!({ "name": "roses", "kind": "flowers", "note": null, "depth": 0.5 });
    let made = garden.send("POST", "/beds", bed).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = &made.body["bed"];
    assert!(
        made["id"].is_u64() && made["createdAt"].is_string(),
        "{made}"
    );
    let own = format!("/beds/{}", made["id"]);
    assert_eq!(garden.get(&own).await.ok()["bed"], *made);
    let patched = garden
        .send("PATCH", &own, json!({ "note": "red" }))
        .await
        .ok();
    assert_eq!(
        (&patched["bed"]["note"], &patched["bed"]["depth"]),
        (&json!("red"), &json!(0.5))
    );
    // A replacement drops what it leaves out, and neither the id nor the time of creation.
    let replaced = json!({ "name": "beans", "kind": "vegetables" });
    let replaced = garden.send("PUT", &own, replaced).await.ok();
    assert_eq!(replaced["bed"]["id"], made["id"]);
    assert_eq!(replaced["bed"]["createdAt"], made["createdAt"]);
    assert!(replaced["bed"]["depth"].is_null());
    let other = json!({ "name": "tulips", "kind": "flowers" });
    garden.send("POST", "/beds", other).await;
    let listed = garden.get("/beds?kind=flowers").await.ok();
    assert_eq!(
        (&listed["total"], &listed["beds"][0]["name"]),
        (&json!(1), &json!("tulips"))
    );
    let second = garden.get("/beds?page=2&per_page=1").await.ok();
    assert_eq!(
        (&second["total"], &second["beds"][0]["name"]),
        (&json!(2), &json!("tulips"))
    );
    assert_eq!(garden.send("DELETE", &own, Value::Null).await.status, 204);
    // Errors have the form that the document gives them.
    let gone = garden.get(&own).await;
    assert_eq!((gone.status, &gone.body["code"]), (404, &json!(404)));
    assert!(gone.body["message"].is_string());
    let wrong = garden
        .send(
            "POST",
            "/beds",
            json!({ "name": "", "kind": "x", "depth": 0 }),
        )
        .await;
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    assert!(wrong.body["message"].as_str().unwrap().contains("/name"));
    assert!(garden.get("/weather").await.ok()["sky"].is_string());
    let anonymous = garden
        .client
        .get(format!("{}/beds", garden.mock.base_url()));
    assert_eq!(send(anonymous).await.status, 401);
}

#[tokio::test]
async fn collections_inside_of_items_are_kept_apart() {
    let library = Foreign::of("library.json").await;
    for label in ["a", "b"] {
        let shelf = json!({ "label": label, "parts": [{ "label": "part" }] });
        assert_eq!(library.send("POST", "/shelves", shelf).await.status, 201);
    }
    // The document lets requests choose the name of a shelf, so that two cannot have the same.
    let again = library
        .send("POST", "/shelves", json!({ "label": "a" }))
        .await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert_eq!(again.headers["content-type"], "application/problem+json");
    let mut ids = Vec::new();
    for title in ["one", "two", "three"] {
        let body = json!({ "title": title, "lent": title == "two" });
        let book = library.send("POST", "/shelves/a/books", body).await;
        assert_eq!(book.status, 201, "{}", book.body);
        ids.push(text(&book.body["book_id"]));
    }
    let lost = library
        .send("POST", "/shelves/c/books", json!({ "title": "x" }))
        .await;
    assert_eq!(lost.status, 404);
    let first = library.get("/shelves/a/books?limit=2").await.ok();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = format!(
        "/shelves/a/books?limit=2&cursor={}",
        text(&first["next_cursor"])
    );
    let second = library.get(&next).await.ok();
    assert_eq!(second["items"][0]["title"], "three");
    assert!(second.get("next_cursor").is_none());
    let lent = library.get("/shelves/a/books?lent=true").await.ok();
    assert_eq!(lent["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        library.get("/shelves/b/books").await.ok()["items"],
        json!([])
    );
    let own = format!("/shelves/a/books/{}", ids[0]);
    let request = library
        .client
        .patch(format!("{}{own}", library.mock.base_url()));
    let request = request.header("content-type", "application/merge-patch+json");
    let patched = send(request.body(r#"{"lent": true}"#)).await.ok();
    assert_eq!(
        (&patched["title"], &patched["lent"]),
        (&json!("one"), &json!(true))
    );
    let elsewhere = format!("/shelves/b/books/{}", ids[0]);
    assert_eq!(library.get(&elsewhere).await.status, 404);
    // What is inside goes with what it is in.
    assert_eq!(
        library
            .send("DELETE", "/shelves/a", Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(library.get(&own).await.status, 404);
    let resources = library.get("/_mock/resources").await.ok();
    let books = &resources["resources"][1];
    assert_eq!(
        (&books["name"], &books["inside"]),
        (&json!("shelves.books"), &json!("shelves"))
    );
    assert_eq!(books["identity"], "book_id");
    assert_eq!(
        books["links"],
        json!([{ "field": "shelf_id", "to": "shelves" }])
    );
    assert_eq!(resources, library.mock.resources());
}

#[tokio::test]
async fn odd_documents_are_served_as_far_as_they_go() {
    let hostile = Foreign::of("hostile.yaml").await;
    let made = hostile
        .send("POST", "/things", json!({ "kind": 1, "nullable": null }))
        .await
        .ok();
    let own = format!("/things/{}", text(&made["id"]));
    assert_eq!(hostile.get(&own).await.ok(), made);
    for path in [
        "/loop",
        "/deep",
        "/outside",
        "/things",
        "/nothing",
        "/relative",
        "/things/x",
    ] {
        let answer = hostile.get(path).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
    }
    let pattern = hostile.send("POST", "/pattern", json!("x")).await;
    assert!(pattern.status < 500, "{}", pattern.status);
    for body in [json!([]), json!("text"), json!({ "parent": 7 })] {
        let answer = hostile.send("POST", "/things", body).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
}

#[tokio::test]
async fn what_is_no_such_document_is_refused_with_the_reason() {
    let folder = std::env::temp_dir().join(format!("foreign-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, content, reason) in [
        (
            "old.yaml",
            "swagger: '2.0'\npaths: {}\n",
            "not an OpenAPI 3.0 or 3.1 document",
        ),
        (
            "empty.yaml",
            "openapi: 3.1.0\n",
            "the document has no paths",
        ),
        ("broken.yaml", "openapi: [\n", "broken.yaml"),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        match MockPortkey::builder().spec(path).start().await {
            Err(StartError::Description(problem)) => {
                assert!(problem.contains(reason), "{problem}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn an_item_may_be_named_in_the_body_and_found_beside_the_collection() {
    let zoo = Foreign::of("zoo.yaml").await;
    // A base path that is the mock's own is left out, not shadowed by it.
    assert!(!zoo.mock.base_url().contains("_mock"));
    let animal = json!({ "id": 7, "name": "Nell", "state": "asleep", "food": ["hay"] });
    assert_eq!(
        zoo.send("POST", "/animal", animal.clone()).await.ok(),
        animal
    );
    zoo.send(
        "POST",
        "/animal",
        json!({ "id": 8, "name": "Bo", "state": "awake" }),
    )
    .await
    .ok();
    let replaced = json!({ "id": 7, "name": "Nellie", "state": "awake" });
    assert_eq!(
        zoo.send("PUT", "/animal", replaced.clone()).await.ok(),
        replaced
    );
    assert_eq!(zoo.get("/animal/7").await.ok(), replaced);
    let changed = zoo
        .send("PATCH", "/animal", json!({ "id": 7, "state": "fed" }))
        .await
        .ok();
    assert_eq!(
        changed,
        json!({ "id": 7, "name": "Nellie", "state": "fed" })
    );
    for nobody in [json!({ "id": 9, "name": "?" }), json!({ "name": "?" })] {
        assert_eq!(zoo.send("PUT", "/animal", nobody).await.status, 404);
    }
    let found = zoo.get("/animal/findByState?state=fed").await.ok();
    assert_eq!(found, json!([changed]));
    let all = zoo.get("/animal/findByState?food=hay").await.ok();
    assert_eq!(all.as_array().map(Vec::len), Some(2), "not compared: {all}");
    assert_ne!(zoo.get("/animal/names").await.ok(), json!([]));
}
