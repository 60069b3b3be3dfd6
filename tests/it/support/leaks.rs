//! Looking for secrets where none may be, in any spelling.

use std::fmt::Write as _;

/// Asserts that no spelling of `secret` is in `text`.
#[track_caller]
pub(crate) fn assert_no_leak(place: &str, text: &str, secret: &str) {
    for (encoding, spelling) in spellings(secret) {
        assert!(
            !text.contains(&spelling),
            "the secret is in {place} ({encoding}: `{spelling}`)\n{text}"
        );
    }
}

/// Ways in which a secret could be spelt.
fn spellings(secret: &str) -> Vec<(&'static str, String)> {
    let hex = |upper: bool| {
        secret.bytes().fold(String::new(), |mut text, byte| {
            let _ = if upper {
                write!(text, "{byte:02X}")
            } else {
                write!(text, "{byte:02x}")
            };
            text
        })
    };
    let quoted = serde_json::to_string(secret).unwrap();
    let twice = serde_json::to_string(&quoted).unwrap();
    let mut all = vec![
        ("plain", secret.to_owned()),
        ("reversed", secret.chars().rev().collect()),
        ("hex", hex(false)),
        ("HEX", hex(true)),
        ("JSON", quoted[1..quoted.len() - 1].to_owned()),
        ("JSON in JSON", twice[3..twice.len() - 3].to_owned()),
        (
            "URL",
            percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC)
                .to_string(),
        ),
        (
            "Rust debug",
            format!("{secret:?}").trim_matches('"').to_owned(),
        ),
    ];
    for alphabet in ["+/", "-_"] {
        // Inside of a longer text, base64 depends on where the secret begins.
        for shift in 0..3 {
            let mut bytes = vec![0; shift];
            bytes.extend(secret.bytes());
            let encoded = base64(&bytes, alphabet);
            let begin = (shift * 8).div_ceil(6);
            let end = bytes.len() * 8 / 6;
            all.push(("base64", encoded[begin..end].to_owned()));
        }
    }
    all
}

fn base64(bytes: &[u8], last: &str) -> String {
    let alphabet = format!("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789{last}");
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| {
            bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        for at in 0..=chunk.len() {
            text.push(alphabet[(bits >> (18 - 6 * at) & 63) as usize]);
        }
    }
    text
}

/// The spelling of a secret in base64, for servers that answer so.
pub(crate) fn base64_of(secret: &str) -> String {
    base64(secret.as_bytes(), "+/")
}

#[test]
fn base64_is_base64() {
    assert_eq!(base64_of("Man"), "TWFu");
    assert_eq!(base64_of("light w"), "bGlnaHQgdw");
    assert!(
        spellings("light work")
            .iter()
            .any(|(_, s)| "bGlnaHQgd29yaw==".contains(s.as_str()))
    );
}
