//! Other readings of a text: what it says once JSON, URLs or HTML are decoded, and where.

use std::ops::Range;
use std::rc::Rc;

/// A text with escapes decoded.
#[derive(Debug)]
pub(super) struct Unescaped {
    pub(super) text: String,
    /// What was decoded, in order.
    decoded: Vec<Decoded>,
    /// The text that it is a reading of, where that is itself one.
    of: Option<Rc<Unescaped>>,
}

/// An escape.
#[derive(Debug)]
struct Decoded {
    /// Where it stands.
    from: Range<usize>,
    /// Where what it stands for does.
    to: Range<usize>,
}

impl Unescaped {
    /// The place in the original of a stretch of this text that is not empty.
    pub(super) fn stands_at(&self, range: Range<usize>) -> Range<usize> {
        let (first, last) = (self.origin(range.start), self.origin(range.end - 1));
        let place = first.start..last.end;
        match &self.of {
            Some(of) => of.stands_at(place),
            None => place,
        }
    }

    /// What the byte at a place was made of.
    fn origin(&self, at: usize) -> Range<usize> {
        let before = self.decoded.partition_point(|one| one.to.start <= at);
        match before.checked_sub(1).map(|last| &self.decoded[last]) {
            Some(one) if one.to.contains(&at) => one.from.clone(),
            Some(one) => {
                let at = one.from.end + (at - one.to.end);
                at..at + 1
            }
            None => at..at + 1,
        }
    }
}

/// A way of writing characters as others.
struct Escape {
    /// What every escape begins with.
    mark: char,
    /// Reads the escape that a text begins with: what it stands for, and how long it is.
    read: fn(&str) -> Option<(char, usize)>,
}

const JSON: Escape = Escape {
    mark: '\\',
    read: json_escape,
};
const URL: Escape = Escape {
    mark: '%',
    read: url_escape,
};
const HTML: Escape = Escape {
    mark: '&',
    read: html_escape,
};

/// All readings of a text that differ from it. Each is one that programs produce: JSON in JSON, and
/// URLs and HTML alone or in JSON.
pub(super) fn readings(text: &str) -> Vec<Rc<Unescaped>> {
    let json = unescaped(text, &JSON, None);
    let own = [unescaped(text, &URL, None), unescaped(text, &HTML, None)];
    let inner = json.iter().flat_map(|json| {
        [JSON, URL, HTML].map(|escape| unescaped(&json.text, &escape, Some(json)))
    });
    inner.chain(own).flatten().chain(json.clone()).collect()
}

/// A text decoded; nothing where there is nothing to decode.
fn unescaped(text: &str, escape: &Escape, of: Option<&Rc<Unescaped>>) -> Option<Rc<Unescaped>> {
    let mut found = Unescaped {
        text: String::new(),
        decoded: Vec::new(),
        of: of.cloned(),
    };
    let mut copied = 0;
    let mut at = 0;
    while let Some(next) = text[at..].find(escape.mark) {
        at += next;
        let Some((c, length)) = (escape.read)(&text[at..]) else {
            at += escape.mark.len_utf8();
            continue;
        };
        found.text.push_str(&text[copied..at]);
        let start = found.text.len();
        found.text.push(c);
        found.decoded.push(Decoded {
            from: at..at + length,
            to: start..found.text.len(),
        });
        at += length;
        copied = at;
    }
    found.text.push_str(&text[copied..]);
    (!found.decoded.is_empty()).then(|| Rc::new(found))
}

fn json_escape(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('\\')?;
    let c = match rest.chars().next()? {
        c @ ('"' | '\\' | '/') => c,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let unit =
                |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
            let first = unit(text)?;
            let second = text.get(6..).and_then(unit);
            let pair = [first, second.unwrap_or_default()];
            let c = char::decode_utf16(pair).next()?.ok()?;
            return Some((c, 6 * c.len_utf16()));
        }
        _ => return None,
    };
    Some((c, 2))
}

/// Percent signs, as many in a row as make up a character.
fn url_escape(text: &str) -> Option<(char, usize)> {
    let byte = |at: usize| {
        let digits = text.get(at..at + 3)?.strip_prefix('%')?;
        u8::from_str_radix(digits, 16).ok()
    };
    let mut bytes = Vec::new();
    // No character has more than four bytes.
    while bytes.len() < 4 {
        bytes.push(byte(3 * bytes.len())?);
        let c = std::str::from_utf8(&bytes).ok();
        if let Some(c) = c.and_then(|text| text.chars().next()) {
            return Some((c, 3 * bytes.len()));
        }
    }
    None
}

fn html_escape(text: &str) -> Option<(char, usize)> {
    // The longest one there is, `&#x10FFFF;`.
    const LONGEST: usize = 10;
    let rest = text.strip_prefix('&')?;
    let end = rest.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = &rest[..end];
    let c = match (name, name.strip_prefix('#')) {
        ("amp", _) => '&',
        ("lt", _) => '<',
        ("gt", _) => '>',
        ("quot", _) => '"',
        ("apos", _) => '\'',
        (_, Some(number)) => {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(number.ok()?)?
        }
        _ => return None,
    };
    Some((c, end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_knows_where_everything_stands() {
        let text = r#"a\u00e9\/%C3%A9&amp;"#;
        let said = |escape: &Escape, piece: &str| {
            let read = unescaped(text, escape, None).unwrap();
            let at = read.text.find(piece).unwrap();
            text[read.stands_at(at..at + piece.len())].to_owned()
        };
        assert_eq!(said(&JSON, "\u{e9}/"), r#"\u00e9\/"#);
        assert_eq!(said(&JSON, "a\u{e9}"), r#"a\u00e9"#);
        assert_eq!(said(&URL, "\u{e9}&amp"), "%C3%A9&amp");
        assert_eq!(said(&HTML, "%A9&"), "%A9&amp;");
        assert!(unescaped("plain 100% & more \\x", &JSON, None).is_none());
    }

    #[test]
    fn what_only_looks_like_an_escape_stays() {
        for text in [
            "\\",
            "\\u12",
            "\\ud83d",
            "%",
            "%4",
            "%zz",
            "%ff%ff",
            "&",
            "&;",
            "&#;",
            "&#xfffffff;",
        ] {
            assert!(readings(text).is_empty(), "{text}");
        }
    }
}
