//! Bare axum handlers to compare the mock with: a check of the key, a look-up, a validation, JSON.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use jsonschema::Validator;
use serde_json::{Value, json};
use uuid::Uuid;

type Rows = RwLock<Vec<Arc<Value>>>;

struct App {
    configs: Rows,
    by_slug: RwLock<HashMap<String, Bytes>>,
    integrations: Rows,
    validator: Validator,
}

/// Serves the handlers on a free port, until the process ends.
pub(crate) async fn serve() {
    let schema = json!({ "type": "object", "required": ["name", "config"], "properties": {
        "name": { "type": "string", "minLength": 1 }, "config": { "type": "object" },
        "workspace_id": { "type": "string" }, "is_default": { "type": "boolean" } } });
    let app = App {
        configs: RwLock::default(),
        by_slug: RwLock::default(),
        integrations: RwLock::default(),
        validator: jsonschema::validator_for(&schema).expect("a schema"),
    };
    let router = Router::new()
        .route("/v1/configs", get(configs).post(create_config))
        .route("/v1/configs/{slug}", get(config))
        .route(
            "/v1/integrations",
            get(integrations).post(create_integration),
        )
        .with_state(Arc::new(app));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    println!("http://{address}");
    axum::serve(listener, router).await.expect("a server");
}

fn is_admitted(headers: &HeaderMap) -> bool {
    headers
        .get("x-portkey-api-key")
        .is_some_and(|key| key == "mock-admin-key")
}

fn refused() -> Response {
    StatusCode::UNAUTHORIZED.into_response()
}

async fn config(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_admitted(&headers) {
        return refused();
    }
    let found = app.by_slug.read().expect("no panics").get(&slug).cloned();
    match found {
        Some(text) => ([("content-type", "application/json")], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn page(rows: &Rows) -> Response {
    let (items, total) = {
        let rows = rows.read().expect("no panics");
        (
            rows.iter().take(50).cloned().collect::<Vec<_>>(),
            rows.len(),
        )
    };
    let items: Vec<&Value> = items.iter().map(|item| &**item).collect();
    Json(json!({ "object": "list", "total": total, "data": items })).into_response()
}

async fn configs(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match is_admitted(&headers) {
        true => page(&app.configs),
        false => refused(),
    }
}

async fn integrations(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match is_admitted(&headers) {
        true => page(&app.integrations),
        false => refused(),
    }
}

/// What the API stores beside what a request sends.
fn row(body: Value, prefix: &str) -> Value {
    let mut row = body;
    let id = || Value::from(Uuid::new_v4().to_string());
    let time = || Value::from("2026-01-01T00:00:00.000Z");
    row["id"] = id();
    row["slug"] = Value::from(format!("{prefix}-{}", Uuid::new_v4().simple()));
    row["organisation_id"] = id();
    row["owner_id"] = id();
    row["status"] = Value::from("active");
    row["created_at"] = time();
    row["last_updated_at"] = time();
    row
}

async fn create_config(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_admitted(&headers) {
        return refused();
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !app.validator.is_valid(&body) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let row = row(body, "pc");
    let text = Bytes::from(row.to_string());
    let slug = row["slug"].as_str().expect("a slug").to_owned();
    app.by_slug
        .write()
        .expect("no panics")
        .insert(slug, text.clone());
    app.configs.write().expect("no panics").push(Arc::new(row));
    ([("content-type", "application/json")], text).into_response()
}

async fn create_integration(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !is_admitted(&headers) {
        return refused();
    }
    let row = row(body, "int");
    app.integrations
        .write()
        .expect("no panics")
        .push(Arc::new(row.clone()));
    Json(row).into_response()
}
