//! Taking secrets out of what is shown: by the description's annotations, and by what members are
//! called wherever the description is silent.

use std::borrow::Cow;

use serde_json::Value;

use crate::description::Description;
use crate::description::behaviour::SecretSpec;
use crate::description::operation::Operation;

/// What stands in the place of a secret.
const MASK: &str = "*****";

/// Members that hold secrets whatever they are a part of.
const NAMES: [&str; 14] = [
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "client_secret",
    "credentials",
    "custom_headers",
    "headers",
    "passphrase",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "token",
];

/// Ends of names of members that hold secrets.
const ENDS: [&str; 6] = [
    "_access_key",
    "_api_key",
    "_password",
    "_secret",
    "_token",
    "-key",
];

/// Where the bodies of an operation have secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secrets<'d> {
    annotated: &'d [SecretSpec],
}

impl<'d> Secrets<'d> {
    /// The secrets in requests for an operation.
    pub(crate) fn of(description: &'d Description, operation: Option<&Operation>) -> Secrets<'d> {
        let behaviour = operation.and_then(|operation| operation.behaviour.as_ref());
        let resource =
            behaviour.and_then(|behaviour| description.resources.get(&behaviour.resource));
        Secrets {
            annotated: resource.map_or(&[], |resource| &resource.spec.secrets),
        }
    }
}

/// Masks the secrets of a body.
pub(crate) fn redact(body: &mut Value, secrets: &Secrets<'_>) {
    match body {
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, secrets)),
        Value::Object(members) => {
            for spec in secrets.annotated {
                let holder = match &spec.inside {
                    None => Some(&mut *members),
                    Some(field) => members.get_mut(field).and_then(Value::as_object_mut),
                };
                let Some(holder) = holder else { continue };
                for field in &spec.fields {
                    if let Some(value) = holder.get_mut(field) {
                        mask(value);
                    }
                }
            }
            by_name(body);
        }
        _ => {}
    }
}

/// Masks the members whose names say that they are secret, at any depth.
pub(crate) fn by_name(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(by_name),
        Value::Object(members) => {
            for (name, value) in members {
                match is_secret(name) {
                    true => mask(value),
                    false => by_name(value),
                }
            }
        }
        _ => {}
    }
}

/// Nothing of a secret remains; that there is one does, and the names of its members.
fn mask(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Object(members) => members.values_mut().for_each(mask),
        value => *value = Value::from(MASK),
    }
}

fn is_secret(name: &str) -> bool {
    let is = |known: &&str| name.eq_ignore_ascii_case(known);
    let ends = |end: &&str| {
        let start = name.len().checked_sub(end.len());
        start
            .and_then(|start| name.get(start..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    NAMES.iter().any(is) || ENDS.iter().any(ends)
}

/// A query string without the values of parameters whose names say that they are secret.
pub(crate) fn query(query: &str) -> Cow<'_, str> {
    let secret = |pair: &str| {
        let name = pair.split_once('=').map(|(name, _)| name);
        let decoded =
            name.map(|name| percent_encoding::percent_decode_str(name).decode_utf8_lossy());
        decoded
            .filter(|name| is_secret(name) || name == "key")
            .is_some()
    };
    if !query.split('&').any(secret) {
        return Cow::Borrowed(query);
    }
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if secret(pair) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    Cow::Owned(pairs.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Secrets, query, redact};
    use crate::Profile;
    use crate::description::Description;

    #[test]
    fn annotations_and_names_say_what_is_secret() {
        let description = Description::portkey(Profile::Live).unwrap();
        let operation = description
            .operations
            .iter()
            .find(|operation| operation.id == "createIntegration");
        let mut body = json!({
            "name": "x", "key": "s1", "slug": "y", "count": 3,
            "configurations": {
                "aws_secret_access_key": "s2", "vertex_service_account_json": { "private_key": "s3" },
                "custom_headers": { "Authorization": "s4", "x": ["s5"] }, "aws_region": "eu",
            },
            "deep": [{ "nested": { "Client_Secret": 12345, "api_token": "s6", "plain": "kept" } }],
        });
        redact(&mut body, &Secrets::of(description, operation));
        let shown = body.to_string();
        for secret in ["s1", "s2", "s3", "s4", "s5", "s6", "12345"] {
            assert!(
                !shown.contains(&format!("\"{secret}\"")),
                "{secret}: {shown}"
            );
        }
        assert!(!shown.contains("12345"), "{shown}");
        for kept in ["\"x\"", "\"y\"", "eu", "kept", "3", "Authorization"] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }

    #[test]
    fn queries_lose_the_values_that_are_secret() {
        assert_eq!(query("page=1&q=key"), "page=1&q=key");
        assert_eq!(
            query("a=1&api%5Fkey=s&token=t"),
            "a=1&api%5Fkey=*****&token=*****"
        );
    }
}
