//! Requests of the mock's own, such as a seed.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::{Answered, App, Arrival, Head, Trace};

/// Answers a request of the mock's own, such as a seed: no fault strikes it, and the journal does not
/// have it.
pub(crate) async fn direct(
    app: &App,
    method: &Method,
    target: &str,
    headers: &HeaderMap,
    body: Option<&Value>,
) -> Answered {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // A path is written as clients write it after their base URL.
    let description = app.first().ok();
    let base = description.map_or("", |description| {
        description
            .api
            .base_paths
            .first()
            .map_or("", String::as_str)
    });
    let path = match path.starts_with(base) {
        true => path.to_owned(),
        false => format!("{base}{path}"),
    };
    let mut headers = headers.clone();
    if let Some(description) = description
        && let Some(place) = description.api.keys.first()
        && let (Ok(name), Ok(key)) = (
            place.header.parse::<HeaderName>(),
            HeaderValue::from_str(&app.api_key),
        )
    {
        headers.entry(name).or_insert(key);
    }
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let head = Head {
        method,
        path: &path,
        query,
        headers: &headers,
    };
    let routed = match app.route(method.as_str(), &path) {
        Ok(routed) => routed,
        Err(problem) => return Answered::outside(500, &problem),
    };
    let request_id = app.request_id();
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let arrival = Arrival {
        app,
        head,
        routed,
        request_id: &request_id,
    };
    arrival.reached(body, &mut Trace::default()).await
}
