//! Secrets as a type: they cannot be printed, logged or serialised, only revealed on purpose.

use std::fmt;
use std::sync::Arc;

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
}
