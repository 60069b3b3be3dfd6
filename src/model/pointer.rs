//! JSON pointers (RFC 6901) into a resource, and patterns over them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place inside a resource, written as a JSON pointer: `/checks/0/parameters`.
/// The empty pointer is the resource itself.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// The resource itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The pointer one segment further down.
    #[must_use]
    pub fn child(&self, segment: impl ToString) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment.to_string());
        Self(segments)
    }

    /// Goes down one segment, in place.
    pub fn push(&mut self, segment: impl ToString) {
        self.0.push(segment.to_string());
    }

    /// Goes up one segment, in place.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// The unescaped segments, outermost first.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The outermost segment: the resource's field.
    pub fn field(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// Whether this is the resource itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `self` is `other` or stands above it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl From<&str> for Pointer {
    /// Reads `/a/b~1c`; a missing leading slash is forgiven.
    fn from(text: &str) -> Self {
        if text.is_empty() {
            return Self::root();
        }
        let text = text.strip_prefix('/').unwrap_or(text);
        Self(
            text.split('/')
                .map(|s| s.replace("~1", "/").replace("~0", "~"))
                .collect(),
        )
    }
}

impl From<String> for Pointer {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.to_string()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.0 {
            write!(f, "/{}", segment.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

/// A pattern over pointers: `*` stands for one segment, `**` for any number of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern(pub &'static str);

impl Pattern {
    /// Whether the pattern names exactly this place.
    pub fn matches(self, pointer: &Pointer) -> bool {
        fn go(pattern: &[&str], segments: &[String]) -> bool {
            match (pattern.split_first(), segments.split_first()) {
                (None, None) => true,
                (Some((&"**", rest)), _) => {
                    (0..=segments.len()).any(|skipped| go(rest, &segments[skipped..]))
                }
                (Some((head, rest)), Some((segment, below))) => {
                    (*head == "*" || head == segment) && go(rest, below)
                }
                _ => false,
            }
        }
        // Most patterns are told apart by their first segment: that comes before any splitting.
        let Some(text) = self.0.strip_prefix('/') else {
            return pointer.is_root();
        };
        let head = text.split('/').next().unwrap_or_default();
        if head != "*" && head != "**" && Some(head) != pointer.field() {
            return false;
        }
        // Patterns are short literals; the split stays on the stack.
        let mut parts = [""; 12];
        let mut count = 0;
        for part in text.split('/') {
            if count == parts.len() {
                return false;
            }
            parts[count] = part;
            count += 1;
        }
        go(&parts[..count], pointer.segments())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_slashes_and_tildes() {
        let pointer = Pointer::root().child("models").child("a/b~c");
        assert_eq!(pointer.to_string(), "/models/a~1b~0c");
        assert_eq!(Pointer::from(pointer.to_string()), pointer);
    }

    #[test]
    fn patterns_know_one_and_many_segments() {
        let at = |text: &str| Pointer::from(text);
        assert!(Pattern("/checks/*/name").matches(&at("/checks/0/name")));
        assert!(!Pattern("/checks/*").matches(&at("/checks/0/name")));
        assert!(
            Pattern("/config/**/input_guardrails/*").matches(&at("/config/input_guardrails/1"))
        );
        assert!(
            Pattern("/config/**/input_guardrails/*")
                .matches(&at("/config/targets/0/input_guardrails/1"))
        );
        assert!(!Pattern("/config/**/x").matches(&at("/config/y")));
    }
}
