//! Prompts, partials, their versions and rendering.

use serde_json::{Value, json};

use crate::harness::*;

/// A workspace with a provider and a collection for prompts.
struct Place {
    api: Api,
    workspace: Value,
    provider: Value,
    collection: Value,
}

async fn place() -> Place {
    let api = Api::live().await;
    let workspace = api.workspace("W").await;
    let integration = api.integration("openai", Some(&workspace)).await;
    let provider = json!({
        "name": "p", "slug": "p", "integration_id": integration, "workspace_id": workspace["id"],
    });
    let provider = api.post("/providers", provider).await.ok();
    let collection = json!({ "name": "c", "workspace_id": workspace["id"] });
    let collection = api.post("/collections", collection).await.ok();
    Place {
        api,
        workspace,
        provider,
        collection,
    }
}

impl Place {
    fn body(&self, template: &str) -> Value {
        json!({
            "name": "Greeting", "collection_id": self.collection["slug"], "string": template,
            "parameters": { "temperature": 0 }, "model": "gpt-5", "virtual_key": self.provider["id"],
        })
    }

    async fn prompt(&self, template: &str) -> Value {
        let created = self.api.post("/prompts", self.body(template)).await.ok();
        assert!(
            text(&created["slug"]).starts_with("pp-greeti-"),
            "{created}"
        );
        assert_eq!(created["object"], "prompt");
        created
    }

    /// Makes a version of a prompt with another template, and returns its id.
    async fn version(&self, prompt: &Value, template: &str) -> Value {
        let path = format!("/prompts/{}", text(&prompt["slug"]));
        let body = json!({ "patch": true, "string": template });
        self.api.put(&path, body).await.ok()["prompt_version_id"].clone()
    }

    async fn rendered(&self, reference: &str, variables: Value) -> Value {
        let path = format!("/prompts/{reference}/render");
        let body = json!({ "variables": variables });
        self.api.post(&path, body).await.ok()["data"].clone()
    }
}

#[tokio::test]
async fn a_prompt_is_read_with_its_published_version() {
    let place = place().await;
    let created = place.prompt("Hello").await;
    for name in [&created["id"], &created["slug"]] {
        let read = place
            .api
            .get(&format!("/prompts/{}", text(name)))
            .await
            .ok();
        assert_eq!(read["string"], "Hello");
        // The slug whatever was sent, and the model among the parameters.
        assert_eq!(read["virtual_key"], place.provider["slug"]);
        assert_eq!(
            read["parameters"],
            json!({ "temperature": 0, "model": "gpt-5" })
        );
        assert_eq!(read["collection_id"], place.collection["id"]);
        assert_eq!(read["prompt_version"], 1);
        assert_eq!(read["prompt_version_id"], created["version_id"]);
        assert_eq!(read["prompt_version_status"], "active");
    }
    let list = place.api.get("/prompts").await.ok();
    assert_eq!(list["data"][0]["model"], "gpt-5");
    assert!(list["data"][0].get("string").is_none(), "{list}");
}

#[tokio::test]
async fn content_makes_a_version_that_is_published_separately() {
    let place = place().await;
    let created = place.prompt("one").await;
    let path = format!("/prompts/{}", text(&created["slug"]));
    let updated = place.api.put(&path, place.body("two")).await.ok();
    assert_ne!(updated["prompt_version_id"], created["version_id"]);
    assert_eq!(place.api.get(&path).await.ok()["string"], "one");
    for (version, template) in [
        ("latest", "two"),
        ("default", "one"),
        ("1", "one"),
        ("2", "two"),
    ] {
        let read = place
            .api
            .get(&format!("{path}?version={version}"))
            .await
            .ok();
        assert_eq!(read["string"], template, "{version}");
    }
    place
        .api
        .get(&format!("{path}?version=3"))
        .await
        .refused(404, "AB08");
    // The newest first.
    let versions = place.api.get(&format!("{path}/versions")).await.ok();
    assert_eq!(versions["data"][0]["id"], updated["prompt_version_id"]);
    assert_eq!(versions["data"][0]["prompt_version"], 2);
    assert_eq!(versions["data"][1]["prompt_version"], 1);
    let default = format!("{path}/makeDefault");
    assert_eq!(
        place.api.put(&default, json!({ "version": 2 })).await.ok(),
        json!({})
    );
    assert_eq!(place.api.get(&path).await.ok()["string"], "two");
    place
        .api
        .put(&default, json!({ "version": 9 }))
        .await
        .refused(404, "AB08");
    let one = format!("{path}/versions/{}", text(&created["version_id"]));
    assert_eq!(place.api.get(&one).await.ok()["string"], "one");
}

#[tokio::test]
async fn a_name_alone_makes_no_version() {
    let place = place().await;
    let created = place.prompt("one").await;
    let path = format!("/prompts/{}", text(&created["id"]));
    // As the official Terraform provider sends it.
    let body = json!({ "name": "Other", "parameters": null });
    assert_eq!(place.api.put(&path, body).await.ok(), json!({}));
    let read = place.api.get(&path).await.ok();
    assert_eq!(
        (&read["name"], &read["prompt_version"]),
        (&json!("Other"), &json!(1))
    );
    assert_eq!(read["slug"], created["slug"]);
    let versions = place.api.get(&format!("{path}/versions")).await.ok();
    assert_eq!(versions["total"], 1);
}

#[tokio::test]
async fn patch_fills_in_what_is_left_out_from_the_latest_version() {
    let place = place().await;
    let created = place.prompt("one").await;
    let path = format!("/prompts/{}", text(&created["id"]));
    // Without it, a version has to be complete.
    place
        .api
        .put(&path, json!({ "string": "two" }))
        .await
        .refused(400, "AB01");
    place.version(&created, "two").await;
    let body = json!({ "patch": true, "model": "gpt-4o", "version_description": "cheaper" });
    place.api.put(&path, body).await.ok();
    let read = place.api.get(&format!("{path}?version=latest")).await.ok();
    assert_eq!(
        (&read["string"], &read["model"]),
        (&json!("two"), &json!("gpt-4o"))
    );
    assert_eq!(read["prompt_version_description"], "cheaper");
    assert_eq!(read["parameters"]["temperature"], 0);
}

#[tokio::test]
async fn prompts_need_a_collection_and_a_provider_of_the_same_workspace() {
    let place = place().await;
    let mut body = place.body("x");
    body["collection_id"] = json!("co-none-000000");
    place.api.post("/prompts", body).await.refused(404, "AB08");
    let other = place.api.workspace("Other").await;
    let collection = json!({ "name": "c", "workspace_id": other["id"] });
    let collection = place.api.post("/collections", collection).await.ok();
    let mut body = place.body("x");
    body["collection_id"] = collection["id"].clone();
    place.api.post("/prompts", body).await.refused(404, "AB08");
    assert_eq!(place.api.get("/prompts").await.ok()["total"], 0);
    let created = place.prompt("x").await;
    let within = format!("/prompts?workspace_id={}", text(&place.workspace["slug"]));
    assert_eq!(
        place.api.listed(&within, "id").await,
        [text(&created["id"])]
    );
    let without = format!("/prompts?workspace_id={}", text(&other["slug"]));
    assert!(place.api.listed(&without, "id").await.is_empty());
    // A collection with a prompt in it counts it and stays.
    let path = format!("/collections/{}", text(&place.collection["id"]));
    place.api.delete(&path).await.refused(409, "AB07");
    place
        .api
        .delete(&format!("/prompts/{}", text(&created["slug"])))
        .await
        .ok();
    place.api.delete(&path).await.ok();
}

#[tokio::test]
async fn a_label_is_on_one_version_and_goes_with_its_deletion() {
    let place = place().await;
    let created = place.prompt("one").await;
    let second = place.version(&created, "two").await;
    let labels = format!("/labels?workspace_id={}", text(&place.workspace["id"]));
    let labels = place.api.get(&labels).await.ok();
    let slug = text(&created["slug"]);
    let put = async |version: &Value, label: &Value| {
        let path = format!("/prompts/{slug}/versions/{}", text(version));
        place.api.put(&path, json!({ "label_id": label })).await
    };
    let production = &labels["data"][0]["id"];
    put(&created["version_id"], production).await.ok();
    let read = place.api.get(&format!("/prompts/{slug}")).await.ok();
    assert_eq!(&read["prompt_version_label_id"], production);
    put(&second, production).await.ok();
    let versions = place
        .api
        .get(&format!("/prompts/{slug}/versions"))
        .await
        .ok();
    assert_eq!(&versions["data"][0]["label_id"], production);
    assert!(versions["data"][1].get("label_id").is_none(), "{versions}");
    let data = place
        .rendered(&format!("{slug}@production"), json!({}))
        .await;
    assert_eq!(data["prompt"], "two");
    // A custom one: not of another workspace, and gone when deleted.
    let other = place.api.workspace("Other").await;
    let body = json!({ "name": "x", "workspace_id": other["id"] });
    let foreign = place.api.post("/labels", body).await.ok();
    put(&second, &foreign["id"]).await.refused(404, "AB08");
    let body = json!({ "name": "x", "workspace_id": place.workspace["id"] });
    let own = place.api.post("/labels", body).await.ok();
    put(&second, &own["id"]).await.ok();
    place.rendered(&format!("{slug}@x"), json!({})).await;
    place
        .api
        .delete(&format!("/labels/{}", text(&own["id"])))
        .await
        .ok();
    let path = format!("/prompts/{slug}@x/render");
    place
        .api
        .post(&path, json!({ "variables": {} }))
        .await
        .refused(404, "AB08");
}

#[tokio::test]
async fn prompts_render_with_variables_and_partials() {
    let place = place().await;
    let partial = json!({ "name": "Sign off", "string": "Yours, {{who}}", "workspace_id": place.workspace["slug"] });
    let partial = place.api.post("/prompts/partials", partial).await.ok();
    let slug = text(&partial["slug"]);
    let messages = json!([
        { "role": "system", "content": "Be {{mood}}." },
        { "role": "user", "content": format!("Hi {{{{name}}}}. {{{{>{slug}}}}}") },
    ]);
    let created = place.prompt(&messages.to_string()).await;
    let variables = json!({ "mood": "kind", "name": "\"Ada\"", "who": "B" });
    let data = place
        .rendered(&text(&created["id"]), variables.clone())
        .await;
    assert_eq!(data["model"], "gpt-5");
    assert_eq!(data["temperature"], 0);
    assert_eq!(data["messages"][0]["content"], "Be kind.");
    assert_eq!(data["messages"][1]["content"], "Hi \"Ada\". Yours, B");
    // The same again, and with a partial's later version only when that is published.
    let path = format!("/prompts/partials/{slug}");
    let updated = place.api.put(&path, json!({ "string": "Bye" })).await.ok();
    assert!(
        updated["prompt_partial_version_id"].is_string(),
        "{updated}"
    );
    assert_eq!(
        place
            .rendered(&text(&created["id"]), variables.clone())
            .await,
        data
    );
    place
        .api
        .put(&format!("{path}/makeDefault"), json!({ "version": 2 }))
        .await
        .ok();
    let data = place.rendered(&text(&created["id"]), variables).await;
    assert_eq!(data["messages"][1]["content"], "Hi \"Ada\". Bye");
    let number = format!("{slug}@1");
    place.version(&created, &format!("{{{{>{number}}}}}")).await;
    let data = place
        .rendered(
            &format!("{}@latest", text(&created["slug"])),
            json!({ "who": "C" }),
        )
        .await;
    assert_eq!(data["prompt"], "Yours, C");
}

#[tokio::test]
async fn partials_have_versions_as_prompts_do() {
    let place = place().await;
    let workspace = &place.workspace;
    let body = json!({ "name": "P", "string": "one", "workspace_id": workspace["slug"], "version_description": "first" });
    let created = place.api.post("/prompts/partials", body).await.ok();
    assert!(text(&created["slug"]).starts_with("pp-p-"), "{created}");
    let path = format!("/prompts/partials/{}", text(&created["id"]));
    let read = place.api.get(&path).await.ok();
    assert_eq!(
        (&read["string"], &read["version"]),
        (&json!("one"), &json!(1))
    );
    assert_eq!(read["prompt_partial_version_id"], created["version_id"]);
    assert_eq!(read["version_description"], "first");
    assert_eq!(
        place.api.put(&path, json!({ "name": "Q" })).await.ok(),
        json!({})
    );
    // The document calls it `description`, the Terraform provider sends what create has.
    let body = json!({ "string": "two", "version_description": "second" });
    let second = place.api.put(&path, body).await.ok();
    assert_eq!(place.api.get(&path).await.ok()["string"], "one");
    let latest = place.api.get(&format!("{path}?version=latest")).await.ok();
    assert_eq!(
        (&latest["string"], &latest["name"]),
        (&json!("two"), &json!("Q"))
    );
    assert_eq!(latest["version_description"], "second");
    let versions = place.api.get(&format!("{path}/versions")).await.ok();
    let newest = &versions["data"][0];
    assert_eq!(
        newest["prompt_partial_version_id"],
        second["prompt_partial_version_id"]
    );
    assert_eq!(
        (&newest["version"], &newest["string"]),
        (&json!(2), &json!("two"))
    );
    assert_eq!(newest["prompt_partial_id"], created["id"]);
    let list = format!("/prompts/partials?workspace_id={}", text(&workspace["id"]));
    assert_eq!(place.api.listed(&list, "name").await, ["Q"]);
    place.api.delete(&path).await.ok();
    place.api.get(&path).await.refused(404, "AB08");
}

#[tokio::test]
async fn whether_a_template_is_raw_is_a_number() {
    let place = place().await;
    let mut body = place.body("Hi");
    for (given, read) in [(None, 0), (Some(0), 0), (Some(1), 1)] {
        if let Some(given) = given {
            body["is_raw_template"] = json!(given);
        }
        let made = place.api.post("/prompts", body.clone()).await.ok();
        let path = format!("/prompts/{}", text(&made["slug"]));
        assert_eq!(place.api.get(&path).await.ok()["is_raw_template"], read);
    }
}

#[tokio::test]
async fn a_partial_is_archived_by_its_status() {
    let api = Api::live().await;
    let partial = json!({ "name": "p", "string": "one" });
    let partial = api.post("/prompts/partials", partial).await.ok();
    let path = format!("/prompts/partials/{}", text(&partial["slug"]));
    api.put(&path, json!({ "status": "archived" })).await.ok();
    assert_eq!(api.get(&path).await.ok()["status"], "archived");
    let listed = api.get("/prompts/partials").await.ok();
    assert_eq!(listed["data"][0]["status"], "archived");
}
