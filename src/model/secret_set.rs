//! Every secret that a run knows, and how it is taken out of texts.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, PoisonError, RwLock};

use zeroize::Zeroizing;

use super::unescape::{self, Unescaped};
use super::{Secret, Value};

/// What stands in a text where a secret was.
const REDACTED: &str = "(secret)";

/// Every secret that a run knows, to take them out of texts that come from elsewhere: an error
/// body of a server may well repeat the key that it refuses, and a description on a server may
/// hold one. Clones share what they know, so that a secret which is only learnt in the middle of a
/// run, such as the key that a server has just made, is hidden from then on by everybody.
#[derive(Clone, Debug, Default)]
pub struct SecretSet(Arc<RwLock<Vec<Known>>>);

#[derive(Clone)]
struct Known {
    secret: Secret,
    /// How the secret reads where its bytes are encoded.
    encoded: Arc<Zeroizing<Vec<String>>>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known(..)")
    }
}

impl SecretSet {
    /// Adds a secret, and what may well come to light alone: the text without the space around it,
    /// of a document what is secret in it, and of other texts their longer lines. Texts shorter than
    /// four characters are too common to search for.
    pub fn insert(&self, secret: &Secret) {
        const LINE: usize = 20;
        self.insert_text(secret);
        let text = secret.reveal().trim();
        self.insert_part(text);
        if text.starts_with('{')
            && let Ok(document) = serde_json::from_str(text)
        {
            let mut inner = Vec::new();
            secrets_in("", &document, &mut inner);
            inner.iter().for_each(|text| self.insert_part(text));
        } else if text.contains('\n') {
            let lines = text.lines().map(str::trim);
            let lines = lines.filter(|line| line.len() >= LINE && !line.starts_with("-----"));
            lines.for_each(|line| self.insert_part(line));
        }
    }

    fn insert_part(&self, text: &str) {
        self.insert_text(&Secret::live(text));
    }

    fn insert_text(&self, secret: &Secret) {
        // What is behind a poisoned lock is still whole: a push either happened or did not.
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if secret.reveal().len() >= 4 && !known.iter().any(|known| known.secret == *secret) {
            known.push(Known {
                secret: secret.clone(),
                encoded: Arc::new(Zeroizing::new(encoded(secret.reveal()))),
            });
        }
    }

    /// Adds the secrets of another set.
    pub fn extend(&self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        let others = other.0.read().unwrap_or_else(PoisonError::into_inner);
        others.iter().for_each(|known| self.insert(&known.secret));
    }

    /// `text` with every known secret replaced: as it is, as JSON, HTML and URLs have it, in base64
    /// and in hexadecimal.
    pub fn redact(&self, text: &str) -> String {
        Self::redact_all(std::slice::from_ref(self), text)
    }

    /// [`Self::redact`] for several sets at once. One after the other would leave the rest of a secret
    /// of which another one is a part.
    pub fn redact_all(sets: &[Self], text: &str) -> String {
        let readings = unescape::readings(text);
        let mut found = Vec::new();
        for set in sets {
            let all = set.0.read().unwrap_or_else(PoisonError::into_inner);
            for known in all.iter() {
                known.find(text, &readings, &mut found);
            }
        }
        found.sort_unstable_by_key(|range| range.start);
        let mut clean = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            if range.start >= end {
                clean.push_str(&text[end..range.start]);
                clean.push_str(REDACTED);
            }
            end = end.max(range.end);
        }
        clean.push_str(&text[end..]);
        clean
    }

    /// Puts secrets in place of the texts of a value that hold a known one. Once a text is cut to fit
    /// on a line, a part of the secret may be left that nobody finds.
    pub fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.redact(text) != *text => {
                *value = Value::Secret(Secret::live(text.as_str()));
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Map(map) => map.values_mut().for_each(|member| self.hide_in(member)),
            _ => {}
        }
    }
}

impl Known {
    fn find(&self, text: &str, readings: &[Rc<Unescaped>], found: &mut Vec<Range<usize>>) {
        let secret = self.secret.reveal();
        for spelling in self.encoded.iter().map(String::as_str).chain([secret]) {
            let places = text.match_indices(spelling);
            found.extend(places.map(|(at, _)| at..at + spelling.len()));
        }
        for reading in readings {
            let places = reading.text.match_indices(secret);
            found.extend(places.map(|(at, _)| reading.stands_at(at..at + secret.len())));
        }
    }
}

/// The texts of a document that its members' names or their own lengths tell to be secret. The rest,
/// such as the address of an account, is too common to be hidden.
fn secrets_in(name: &str, value: &serde_json::Value, found: &mut Vec<String>) {
    const NAMES: &[&str] = &["key", "secret", "token", "password", "credential"];
    const LONG: usize = 40;
    match value {
        serde_json::Value::String(text) => {
            let named = text.len() >= 8 && NAMES.iter().any(|part| name.contains(part));
            if (named || text.len() >= LONG) && !text.starts_with("https://") {
                found.push(text.clone());
            }
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| secrets_in(name, item, found));
        }
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                secrets_in(&name.to_ascii_lowercase(), member, found);
            }
        }
        _ => {}
    }
}

/// The spellings of a secret that have nothing of its characters: hexadecimal and base64.
fn encoded(text: &str) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut all = Vec::new();
    all.push(text.bytes().map(|byte| format!("{byte:02x}")).collect());
    all.push(text.bytes().map(|byte| format!("{byte:02X}")).collect());
    // In base64 a text reads differently at each of three offsets, for example behind a user name;
    // what depends on its neighbours stays.
    for offset in 0..3 {
        let bytes = [&[0; 3][..offset], text.as_bytes()].concat();
        for encoded in [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            let start = [0, 2, 3][offset];
            let end = encoded.len() - usize::from(bytes.len() % 3 != 0);
            all.extend(
                encoded
                    .get(start..end)
                    .filter(|core| core.len() >= 5)
                    .map(str::to_owned),
            );
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(secrets: &[&str]) -> SecretSet {
        let known = SecretSet::default();
        for secret in secrets {
            known.insert(&Secret::declared(*secret, vec![]));
        }
        known
    }

    #[test]
    fn redaction_reaches_json_escapes() {
        let known = SecretSet::default();
        known.insert(&Secret::declared("line\nbreak\"key", vec![]));
        let echoed = serde_json::json!({ "got": "line\nbreak\"key" }).to_string();
        assert!(!known.redact(&echoed).contains("break"));
        let twice = serde_json::json!({ "text": echoed }).to_string();
        assert!(!known.redact(&twice).contains("break"));
    }

    #[test]
    fn what_is_secret_in_a_document_is_hidden_alone_as_well() {
        let known = SecretSet::default();
        let document = r#"{"type":"service_account","private_key":"pem-of-it","project_id":"p-1",
                           "token_uri":"https://oauth2.example/token"}"#;
        known.insert(&Secret::declared(document, vec![]));
        let said = "service_account p-1 pem-of-it https://oauth2.example/token";
        assert_eq!(
            known.redact(said),
            "service_account p-1 (secret) https://oauth2.example/token"
        );
    }

    #[test]
    fn redaction_knows_the_usual_encodings() {
        let known = SecretSet::default();
        known.insert(&Secret::declared("sk/a+b==?&c%", vec![]));
        for spelled in [
            "c2svYStiPT0/JmMl",
            "736b2f612b623d3d3f266325",
            "sk%2Fa%2Bb%3D%3D%3F%26c%25",
        ] {
            assert_eq!(known.redact(spelled), "(secret)", "{spelled}");
        }
    }

    #[test]
    fn escapes_are_seen_through_whoever_made_them() {
        let known = knowing(&["sk/a+b=&<\u{e9}\u{1f511}'z"]);
        for spelled in [
            // PHP, Go, .NET, Gson and Python.
            r#"sk\/a+b=&<\u00e9\ud83d\udd11'z"#,
            "sk/a+b=\\u0026\\u003c\u{e9}\u{1f511}'z",
            r#"sk/a\u002Bb=\u0026\u003C\u00E9\uD83D\uDD11\u0027z"#,
            "sk/a+b\\u003d\\u0026\\u003c\u{e9}\u{1f511}\\u0027z",
            r#"sk/a+b=&<\u00e9\ud83d\udd11'z"#,
            // URLs, with more or less of it escaped; once more inside of JSON.
            "sk/a%2Bb%3D%26%3C%C3%A9%F0%9F%94%91%27z",
            "sk%2fa+b=%26%3c%c3%a9%f0%9f%94%91'z",
            r#"sk\/a%2Bb%3D%26%3C%C3%A9%F0%9F%94%91'z"#,
            // HTML, in names and numbers; and in JSON.
            "sk&#x2F;a+b=&amp;&lt;\u{e9}&#128273;&#39;z",
            "sk/a&#43;b&#61;&#38;&#60;&#233;&#x1F511;&apos;z",
            r#"sk\/a+b=&amp;&lt;\u00e9\ud83d\udd11&#39;z"#,
        ] {
            assert_eq!(
                known.redact(&format!("<{spelled}>")),
                "<(secret)>",
                "{spelled}"
            );
        }
    }

    #[test]
    fn a_secret_that_is_a_part_of_another_one_leaves_nothing_of_that() {
        let (short, long) = (knowing(&["prod"]), knowing(&["sk-prod-1234"]));
        let both = knowing(&["prod", "sk-prod-1234", "1234-sk"]);
        assert_eq!(
            both.redact("a sk-prod-1234 b prod"),
            "a (secret) b (secret)"
        );
        assert_eq!(both.redact("sk-prod-1234-sk."), "(secret).");
        let sets = [short, long];
        assert_eq!(SecretSet::redact_all(&sets, "sk-prod-1234"), "(secret)");
    }

    #[test]
    fn what_comes_to_light_without_the_space_around_it_or_line_by_line_is_hidden() {
        let pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASC\n-----END KEY-----\n";
        let known = knowing(&["sk-1234\n", pem]);
        assert_eq!(known.redact("key sk-1234"), "key (secret)");
        assert_eq!(
            known.redact("near MIIEvQIBADANBgkqhkiG9w0B"),
            "near (secret)"
        );
        assert_eq!(known.redact("-----BEGIN KEY-----"), "-----BEGIN KEY-----");
    }
}
