//! What providers keep for their customers behind the gateway: files, threads, vector stores and the like.

use gatewright_mock::Profile;
use reqwest::{Method, multipart};
use serde_json::json;

use crate::harness::*;

#[tokio::test]
async fn messages_are_in_their_thread_and_go_with_it() {
    let api = Api::start(Profile::Live).await;
    let thread = text(&api.post("/threads", json!({})).await.ok()["id"]);
    let messages = format!("/threads/{thread}/messages");
    let said = json!({ "role": "user", "content": "hello" });
    let message = api.post(&messages, said).await.ok();
    assert_eq!(message["thread_id"], *thread);
    assert_eq!(message["content"][0]["text"]["value"], "hello");
    // Seconds, as the schema has it.
    assert!(message["created_at"].is_u64(), "{message}");
    let listed = api.get(&messages).await.ok();
    assert_eq!(listed["data"], json!([message]));

    let run = json!({ "assistant_id": "asst_1" });
    let run = api.post(&format!("/threads/{thread}/runs"), run).await.ok();
    let steps = |run: &str| format!("/threads/{thread}/runs/{run}/steps");
    api.get(&steps(&text(&run["id"]))).await.ok();
    assert_eq!(api.get(&steps("run_unknown")).await.status, 404);

    let gone = api.request(Method::DELETE, &format!("/threads/{thread}"));
    let gone = send(gone).await.ok();
    assert_eq!(gone["id"], *thread);
    assert_eq!(gone["deleted"], true);
    for path in [
        messages,
        format!("/threads/{thread}"),
        steps(&text(&run["id"])),
    ] {
        assert_eq!(api.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_uploaded_file_is_listed_by_its_name_and_purpose() {
    let api = Api::start(Profile::Live).await;
    let part = multipart::Part::text("{}").file_name("requests.jsonl");
    let form = multipart::Form::new()
        .text("purpose", "batch")
        .part("file", part);
    let file = api.request(Method::POST, "/files").multipart(form);
    let file = send(file).await.ok();
    assert_eq!(file["filename"], "requests.jsonl");
    let listed = api.get("/files?purpose=batch").await.ok();
    assert_eq!(listed["data"], json!([file]));
    assert_eq!(
        api.get("/files?purpose=assistants").await.ok()["data"],
        json!([])
    );
}

#[tokio::test]
async fn a_model_is_there_until_it_is_deleted() {
    let api = Api::live().await;
    let path = "/models/ft:gpt-4o:me:1";
    assert_eq!(api.get(path).await.ok()["id"], "ft:gpt-4o:me:1");
    assert_eq!(api.delete(path).await.ok()["deleted"], true);
    api.get(path).await.refused(404, "AB08");
    api.delete(path).await.refused(404, "AB08");
    api.get("/models/gpt-4o").await.ok();
}
