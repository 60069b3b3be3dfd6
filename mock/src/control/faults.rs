//! `/_mock/faults` and `/_mock/latency`: what goes wrong on purpose.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::{Refused, parse, texts};
use crate::apis::check_operation;
use crate::faults::latency::Latency;
use crate::faults::rule::Fault;
use crate::http::App;

pub(super) fn list(app: &App) -> Value {
    let faults = app.faults.list();
    json!({ "object": "list", "total": faults.len(), "data": faults })
}

pub(super) fn add(app: &App, body: &Bytes) -> Result<Value, Refused> {
    let fault = Fault::parse(parse(body)?).map_err(Refused::new)?;
    check_operation(&app.apis, fault.operation()).map_err(Refused::new)?;
    Ok(json!({ "number": app.faults.add(fault) }))
}

pub(super) fn remove(app: &App, number: &str) -> Result<Value, Refused> {
    let removed = number.parse().is_ok_and(|number| app.faults.remove(number));
    match removed {
        true => Ok(json!({})),
        false => Err(Refused {
            status: 404,
            message: format!("there is no fault {number}"),
        }),
    }
}

pub(super) fn latency(app: &App) -> Value {
    json!({ "latency": app.faults.latency() })
}

pub(super) fn set_latency(app: &App, body: &Bytes) -> Result<Value, Refused> {
    let body = parse(body)?;
    let [text] = texts(&body, ["latency"])?;
    let parsed = text.map(str::parse::<Latency>).transpose();
    app.faults.set_latency(parsed.map_err(Refused::new)?);
    Ok(latency(app))
}
