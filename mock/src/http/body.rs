//! Reading bodies.

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use http_body::Body as _;

use super::App;
use crate::engine::error::ApiError;

/// The largest body that is read. The API's own limits are not documented; this one keeps a
/// runaway client from filling the memory.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// Reads a body, within the bounds of size and time.
pub(super) async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced == Some(0) || body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(ApiError::too_large());
    }
    let reading = axum::body::to_bytes(body, MAX_BODY);
    match tokio::time::timeout(app.timeouts.body, reading).await {
        Ok(read) => read.map_err(|_| ApiError::too_large()),
        Err(_) => Err(ApiError::too_slow()),
    }
}
