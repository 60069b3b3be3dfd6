//! Taking secrets out of what is recorded.
//!
//! What is secret is known by its name: credentials in headers, and texts in fields like `key`, `password` or
//! `client_secret`. Whatever was seen under such a name once is taken out wherever else it stands, in every encoding
//! that JSON, URLs and the like put it in.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use base64::Engine as _;
use serde_json::Value;

use super::exchange;

/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "[redacted]";

/// Shorter texts are taken out where they have a secret's name, but not looked for elsewhere: they would be found in every word.
const SHORTEST: usize = 6;

/// Parts of the names of secrets, in lower case and without hyphens and underscores.
const SECRET: [&str; 14] = [
    "secret",
    "password",
    "passphrase",
    "passwd",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "virtualkey",
    "credential",
    "authorization",
    "serviceaccount",
    "cookie",
    "signed",
];

/// Ends of names that only say where a secret is.
const HARMLESS: [&str; 9] = [
    "id",
    "ids",
    "path",
    "name",
    "type",
    "reference",
    "url",
    "at",
    "tokens",
];

/// Takes secrets out, and remembers those that it has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    /// Every known secret in every encoding, the longest first.
    forms: Vec<String>,
    known: BTreeSet<String>,
}

impl Redactor {
    /// Notes the credentials of a request.
    pub(crate) fn learn_headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            let Ok(value) = value.to_str() else { continue };
            let name = name.as_str();
            let config = (name == "x-portkey-config").then(|| serde_json::from_str(value).ok());
            if let Some(mut config) = config.flatten() {
                self.learn(&mut config, "", "");
            } else if is_secret(name) || name.ends_with("-key") {
                // A header's own scheme is no secret.
                let (_, credential) = value.split_once(' ').unwrap_or(("", value));
                self.note(credential);
                if let Some(basic) = value.strip_prefix("Basic ") {
                    let decoded = base64::engine::general_purpose::STANDARD.decode(basic);
                    let decoded = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
                    let decoded = decoded.unwrap_or_default();
                    let (_, password) = decoded.split_once(':').unwrap_or_default();
                    self.note(password);
                }
            }
        }
    }

    /// A body without its secrets.
    pub(crate) fn body(&mut self, body: &[u8]) -> Value {
        let mut value = exchange::value(body);
        // Secrets inside other bytes cannot be told from them.
        if std::str::from_utf8(body).is_err() {
            let found = self
                .forms
                .iter()
                .any(|form| contains(body, form.as_bytes()));
            return if found { Value::from(REDACTED) } else { value };
        }
        self.learn(&mut value, "", "");
        self.clean(&mut value);
        value
    }

    /// The text of a member, which may be a secret by its name.
    pub(crate) fn member(&mut self, name: &str, text: &str) -> String {
        if is_secret(name) && !text.is_empty() {
            self.note(text);
            return REDACTED.to_owned();
        }
        self.text(text)
    }

    /// Text without known secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for form in &self.forms {
            if clean.contains(form.as_str()) {
                clean = clean.replace(form.as_str(), REDACTED);
            }
        }
        clean
    }

    /// Replaces what has the name of a secret, and notes it.
    fn learn(&mut self, value: &mut Value, name: &str, owner: &str) {
        match value {
            Value::String(text) if is_secret_of(name, owner) && !text.is_empty() => {
                if text != REDACTED {
                    self.note(text);
                }
                REDACTED.clone_into(text);
            }
            // JSON inside of text, as configs are written.
            Value::String(text) if text.starts_with(['{', '[']) => {
                if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                    let before = inner.clone();
                    self.learn(&mut inner, name, owner);
                    if inner != before {
                        *text = inner.to_string();
                    }
                }
            }
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.learn(item, name, owner)),
            Value::Object(members) => {
                for (member, value) in members {
                    self.learn(value, member, name);
                }
            }
            _ => {}
        }
    }

    /// Replaces known secrets wherever they stand, in names as well.
    fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean(item)),
            Value::Object(members) => {
                let cleaned = std::mem::take(members)
                    .into_iter()
                    .map(|(name, mut value)| {
                        self.clean(&mut value);
                        (self.text(&name), value)
                    });
                *members = cleaned.collect();
            }
            _ => {}
        }
    }

    fn note(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < SHORTEST || !self.known.insert(secret.to_owned()) {
            return;
        }
        self.forms.extend(forms(secret));
        // What contains another form is replaced before it.
        self.forms
            .sort_unstable_by_key(|form| std::cmp::Reverse(form.len()));
        self.forms.dedup();
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A secret as it is, escaped for JSON once and twice, for URLs, in hex, and in the middle of base64.
fn forms(secret: &str) -> Vec<String> {
    let escaped = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let once = escaped(secret);
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let encoded = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC);
    let mut forms = vec![
        secret.to_owned(),
        escaped(&once),
        once,
        encoded.to_string(),
        hex.to_uppercase(),
        hex,
    ];
    // Where a secret begins within a group of three bytes decides how base64 writes it. The characters at both ends
    // depend on their neighbours, too.
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend(secret.bytes());
        for engine in [
            base64::engine::general_purpose::STANDARD_NO_PAD,
            base64::engine::general_purpose::URL_SAFE_NO_PAD,
        ] {
            let text = engine.encode(&bytes);
            let start = (before * 8).div_ceil(6);
            let end = bytes.len() * 8 / 6;
            if let Some(middle) = text
                .get(start..end)
                .filter(|middle| middle.len() >= SHORTEST)
            {
                forms.push(middle.to_owned());
            }
        }
    }
    forms
}

fn is_secret_of(name: &str, owner: &str) -> bool {
    // A condition of a policy names the field that it looks at in `key`.
    let names_a_field = matches!(owner, "conditions" | "group_by");
    match name {
        "key" => !names_a_field,
        "invite_link" => true,
        // Headers for another server, whatever their names are.
        _ => {
            is_secret(name)
                || owner.to_lowercase().contains("headers") && !owner.is_empty() && is_custom(owner)
        }
    }
}

fn is_custom(owner: &str) -> bool {
    let owner = owner.to_lowercase();
    owner.contains("custom") || owner.contains("forward")
}

/// Whether texts under this name are secrets.
fn is_secret(name: &str) -> bool {
    let words = name.to_lowercase();
    let last = words.rsplit(['-', '_']).next().unwrap_or_default();
    if HARMLESS.contains(&last) && !words.starts_with("signed") {
        return false;
    }
    let joined = words.replace(['-', '_'], "");
    SECRET.iter().any(|part| joined.contains(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{REDACTED, Redactor, is_secret};

    #[test]
    fn names_tell_secrets() {
        for name in [
            "x-portkey-api-key",
            "authorization",
            "aws_secret_access_key",
            "accessToken",
            "signed_url",
            "azure_entra_client_secret",
            "vertex_service_account_json",
            "x-portkey-virtual-key",
            "client_secret",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "secret_reference_id",
            "max_tokens",
            "token_type",
            "name",
            "secret_path",
            "expires_at",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn what_was_secret_once_is_secret_everywhere() {
        use base64::Engine as _;
        let secret = "s3cr\"t/Käse+0123456789";
        let mut redactor = Redactor::default();
        let body = json!({ "key": secret, "scopes": ["a"], "conditions": [{ "key": "api_key" }] });
        let body = redactor.body(body.to_string().as_bytes());
        assert_eq!(
            body,
            json!({ "key": REDACTED, "scopes": ["a"], "conditions": [{ "key": "api_key" }] })
        );
        let standard = base64::engine::general_purpose::STANDARD;
        for before in 0..4 {
            let padded = format!("{}{secret}:after", "x".repeat(before));
            let texts = [
                padded.clone(),
                json!({ "note": padded }).to_string(),
                standard.encode(&padded),
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&padded),
                percent_encoding::utf8_percent_encode(&padded, percent_encoding::NON_ALPHANUMERIC)
                    .to_string(),
                padded.bytes().map(|byte| format!("{byte:02x}")).collect(),
            ];
            for text in texts {
                let clean = redactor.body(
                    json!({ "log": text, (text.clone()): 1 })
                        .to_string()
                        .as_bytes(),
                );
                assert_eq!(
                    clean.to_string().matches(REDACTED).count(),
                    2,
                    "{text}: {clean}"
                );
            }
        }
        // JSON inside of text.
        let inner = json!({ "config": json!({ "api_key": "another-secret" }).to_string() });
        let clean = redactor.body(inner.to_string().as_bytes()).to_string();
        assert!(!clean.contains("another-secret"), "{clean}");
    }
}
