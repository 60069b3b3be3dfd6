//! `/_mock/clock`: what time it is for the mock.

use axum::body::Bytes;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::{Refused, parse};
use crate::http::App;
use crate::store::clock::{Time, text};

pub(super) fn show(app: &App) -> Value {
    json!({ "now": text(app.time.millisecond()), "running": app.time.runs() })
}

/// Sets the clock (it then stands still), moves it, lets it run on, or goes back to the system's.
pub(super) fn set(app: &App, body: &Bytes) -> Result<Value, Refused> {
    let body = parse(body)?;
    let known = "one of `set`, `advance`, `resume` and `reset` is needed";
    let Some(members) = body.as_object().filter(|members| members.len() == 1) else {
        return Err(Refused::new(known));
    };
    let time = &app.time;
    match members
        .iter()
        .next()
        .map(|(name, value)| (name.as_str(), value))
    {
        Some(("set", Value::String(text))) => {
            let moment = text.parse::<Timestamp>();
            time.stop_at(moment.map_err(|_| {
                Refused::new(format!("`{text}` is no time; write 2026-01-01T00:00:00Z"))
            })?)?;
        }
        Some(("advance", Value::String(text))) => time.advance(distance(time, text)?)?,
        Some(("resume", Value::Bool(true))) => time.resume()?,
        Some(("reset", Value::Bool(true))) => time.reset()?,
        _ => return Err(Refused::new(known)),
    }
    Ok(show(app))
}

/// How many milliseconds from now a span ends: months and days are the calendar's.
pub(crate) fn distance(time: &Time, text: &str) -> Result<i64, Refused> {
    let now = time.timestamp();
    let end = text
        .parse::<Span>()
        .and_then(|span| now.to_zoned(TimeZone::UTC).checked_add(span));
    match end {
        Ok(end) => Ok(end.timestamp().as_millisecond() - now.as_millisecond()),
        Err(_) => Err(Refused::new(format!(
            "`{text}` is no span of time; write 90s, 1h 30m, 30d or 1mo"
        ))),
    }
}
