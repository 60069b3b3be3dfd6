//! `/_mock/snapshots`: states that have names.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Refused;
use crate::description::router;
use crate::worlds::Place;

fn decoded(name: &str) -> Result<String, Refused> {
    let decoded = router::decode(name);
    decoded
        .map(Cow::into_owned)
        .ok_or_else(|| Refused::new("the name is not valid UTF-8"))
}

pub(super) fn list(place: &Place) -> Value {
    let names = place.tenant.names().into_iter();
    let shown: Vec<Value> = names
        .map(|(name, branches)| json!({ "name": name, "branches": branches }))
        .collect();
    json!({ "object": "list", "total": shown.len(), "data": shown })
}

pub(super) fn take(place: &Place, name: &str) -> Result<Value, Refused> {
    let name = decoded(name)?;
    place.tenant.take(&name, &place.store)?;
    Ok(json!({ "name": name }))
}

pub(super) fn restore(place: &Place, name: &str) -> Result<Value, Refused> {
    let name = decoded(name)?;
    place.tenant.restore(&name, &place.store)?;
    Ok(json!({ "name": name }))
}

pub(super) fn forget(place: &Place, name: &str) -> Result<Value, Refused> {
    place.tenant.forget(&decoded(name)?)?;
    Ok(json!({}))
}
