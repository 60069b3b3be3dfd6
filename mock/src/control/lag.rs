//! `/_mock/lag`: how long it takes until reads see a write.

use std::time::Duration;

use axum::body::Bytes;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Refused, parse, texts};
use crate::faults::latency;
use crate::http::App;

pub(super) fn show(app: &App) -> Value {
    let lag = app.worlds.lag.milliseconds();
    let lag = (lag > 0).then(|| SignedDuration::from_millis(lag));
    json!({ "lag": lag.map(|lag| format!("{lag:#}")) })
}

pub(super) fn set(app: &App, body: &Bytes) -> Result<Value, Refused> {
    let body = parse(body)?;
    let [text] = texts(&body, ["lag"])?;
    let lag: Option<Duration> = text
        .map(latency::duration)
        .transpose()
        .map_err(Refused::new)?;
    app.worlds.lag.set(lag);
    Ok(show(app))
}
