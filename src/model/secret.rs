//! Secrets as a type: they cannot be printed, logged or serialised, only revealed on purpose.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret value.
///
/// There is no `Display` and no `Serialize`; `Debug` shows that there is a secret and nothing of
/// it. The text leaves through [`Secret::reveal`] alone, which request bodies call.
#[derive(Clone)]
pub struct Secret {
    text: Arc<Zeroizing<String>>,
    exposure: Exposure,
}

/// Where a secret comes from, and with it what may be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Declared in a manifest; the sources may be shown: `${env:OPENAI_API_KEY}`.
    Declared {
        /// The interpolations that the value is made of, as the manifest spells them.
        sources: Vec<String>,
        /// Whether the secret is a JSON document that travels as JSON and not as text.
        json: bool,
    },
    /// Read from the API in a secret position: masked or not, it is never shown.
    Live,
}

impl Secret {
    /// A secret that a manifest declares, with the interpolations it came from.
    pub fn declared(text: impl Into<String>, sources: Vec<String>) -> Self {
        Self {
            text: Arc::new(Zeroizing::new(text.into())),
            exposure: Exposure::Declared {
                sources,
                json: false,
            },
        }
    }

    /// What the API returned where a secret stands, usually a mask such as `sk-a*****xyz`.
    pub fn live(text: impl Into<String>) -> Self {
        Self {
            text: Arc::new(Zeroizing::new(text.into())),
            exposure: Exposure::Live,
        }
    }

    /// The same secret, to be sent as the JSON document that its text holds.
    #[must_use]
    pub fn as_json(mut self) -> Self {
        if let Exposure::Declared { json, .. } = &mut self.exposure {
            *json = true;
        }
        self
    }

    /// Where the secret comes from.
    pub fn exposure(&self) -> &Exposure {
        &self.exposure
    }

    /// The interpolations it was declared with; empty for what the API returned.
    pub fn sources(&self) -> &[String] {
        match &self.exposure {
            Exposure::Declared { sources, .. } => sources,
            Exposure::Live => &[],
        }
    }

    /// The secret itself. For request bodies, fingerprints and redaction only.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether this secret could be behind a mask that the API shows.
    ///
    /// `None` where the mask says nothing: it has no mask characters, or only those. The live
    /// API masks with a run of `*` between the first and the last characters of a key.
    pub fn fits_mask(&self, mask: &str) -> Option<bool> {
        let head = mask.split('*').next().unwrap_or_default();
        let tail = mask.rsplit('*').next().unwrap_or_default();
        if !mask.contains('*') || (head.is_empty() && tail.is_empty()) {
            return None;
        }
        let text = self.reveal();
        Some(
            text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail),
        )
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        *self.text == *other.text
    }
}

/// The key of the fingerprints in a ledger. It comes from the environment and is never stored.
#[derive(Clone)]
pub struct FingerprintKey(Arc<Zeroizing<Vec<u8>>>);

/// A keyed digest of a secret: 16 bytes of HMAC-SHA-256 in hexadecimal, after the key's own
/// check digits, so that a ledger written with another key is recognised and not misread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

impl FingerprintKey {
    /// A key from any non-empty text.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(Arc::new(Zeroizing::new(text.as_bytes().to_vec()))))
    }

    fn digest(&self, domain: &str, text: &str) -> String {
        // HMAC takes keys of any length, so this cannot fail; an empty digest would only ever
        // read as "changed".
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(domain.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize()
            .into_bytes()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The fingerprint of `secret` at `place`. The place is part of it, so that equal secrets in
    /// two places do not show as equal in a ledger.
    pub fn fingerprint(&self, place: &str, secret: &Secret) -> Fingerprint {
        let check = &self.digest("key", "")[..6];
        Fingerprint(format!("{check}.{}", self.digest(place, secret.reveal())))
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

impl Fingerprint {
    /// A fingerprint read from a ledger.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text that a ledger keeps.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both were made with one key, so that comparing them means something.
    pub fn comparable(&self, other: &Self) -> bool {
        self.0.split('.').next() == other.0.split('.').next()
    }
}

/// Every secret that a run knows, to take them out of texts that come from elsewhere: an error
/// body of a server may well repeat the key that it refuses, and a description on a server may
/// hold one. Clones share what they know, so that a secret which is only learnt in the middle of a
/// run, such as the key that a server has just made, is hidden from then on by everybody.
#[derive(Clone, Debug, Default)]
pub struct SecretSet(Arc<RwLock<Vec<(Secret, Spellings)>>>);

/// How a secret may be spelled in a text, longest first.
#[derive(Clone)]
struct Spellings(Arc<Zeroizing<Vec<String>>>);

impl fmt::Debug for Spellings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spellings(..)")
    }
}

impl SecretSet {
    /// Adds a secret, and of a JSON document what is secret in it, which may well come to light
    /// alone. Texts shorter than four characters are too common to search for.
    pub fn insert(&self, secret: &Secret) {
        self.insert_text(secret);
        if secret.reveal().trim_start().starts_with('{')
            && let Ok(document) = serde_json::from_str(secret.reveal())
        {
            let mut inner = Vec::new();
            secrets_in("", &document, &mut inner);
            for text in inner {
                self.insert_text(&Secret::live(text));
            }
        }
    }

    fn insert_text(&self, secret: &Secret) {
        // What is behind a poisoned lock is still whole: a push either happened or did not.
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if secret.reveal().len() >= 4 && !known.iter().any(|(known, _)| known == secret) {
            known.push((secret.clone(), spellings(secret.reveal())));
        }
    }

    /// Adds the secrets of another set.
    pub fn extend(&self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        let others = other.0.read().unwrap_or_else(PoisonError::into_inner);
        others.iter().for_each(|(secret, _)| self.insert(secret));
    }

    /// `text` with every known secret replaced: as it is, as JSON and HTML have it, in base64, in
    /// hexadecimal and percent-encoded.
    pub fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for spelling in known.iter().flat_map(|(_, spellings)| spellings.0.iter()) {
            if clean.contains(spelling) {
                clean = clean.replace(spelling, "(secret)");
            }
        }
        clean
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

fn spellings(text: &str) -> Spellings {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let quoted = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        quoted
            .get(1..quoted.len().saturating_sub(1))
            .unwrap_or_default()
            .to_owned()
    };
    let hex = |upper: bool| -> String {
        let digits = text.bytes().map(|b| {
            if upper {
                format!("{b:02X}")
            } else {
                format!("{b:02x}")
            }
        });
        digits.collect()
    };
    let percent = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let json = quoted(text);
    let mut all = vec![
        quoted(&json),
        json,
        hex(false),
        hex(true),
        percent.to_lowercase(),
        percent,
        // As browsers and most libraries encode it: fewer characters escaped.
        crate::client::escape(text),
        text.to_owned(),
    ];
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
    let html = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    all.push(html.replace('"', "&quot;").replace('\'', "&#39;"));
    all.push(html);
    all.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    all.dedup();
    Spellings(Arc::new(Zeroizing::new(all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::declared("sk-very-secret", vec!["${env:KEY}".to_owned()]);
        assert!(!format!("{secret:?}").contains("very"));
        let key = FingerprintKey::new("hunter22").unwrap();
        assert!(!format!("{key:?}").contains("hunter"));
    }

    #[test]
    fn masks_are_evidence_only_where_they_show_something() {
        let secret = Secret::declared("sk-abcdef123xyz", vec![]);
        assert_eq!(secret.fits_mask("sk-*****xyz"), Some(true));
        assert_eq!(secret.fits_mask("sk-*****abc"), Some(false));
        assert_eq!(secret.fits_mask("*****"), None);
        assert_eq!(secret.fits_mask(""), None);
    }

    #[test]
    fn fingerprints_depend_on_key_place_and_text() {
        let key = FingerprintKey::new("one").unwrap();
        let other = FingerprintKey::new("two").unwrap();
        let secret = Secret::declared("sk-1", vec![]);
        let base = key.fingerprint("integrations.a/key", &secret);
        assert_eq!(base, key.fingerprint("integrations.a/key", &secret));
        assert_ne!(base, key.fingerprint("integrations.b/key", &secret));
        assert!(!base.comparable(&other.fingerprint("integrations.a/key", &secret)));
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
}
