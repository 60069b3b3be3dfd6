//! The texts that problems point into.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file of a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A stretch of a file, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// The bytes, possibly none.
    pub span: Range<usize>,
}

/// A place as people read it. Lines and columns begin at 1; columns count characters.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Position {
    /// The file, relative to the repository.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[derive(Debug)]
struct Source {
    name: String,
    text: String,
    /// Where each line begins.
    lines: Vec<usize>,
    /// Stretches that no message may show: where they begin and end.
    hidden: BTreeMap<usize, usize>,
}

/// Every text of a run, kept so that problems found late can still show their lines.
#[derive(Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text under the name that messages will use.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        let lines = lines.collect();
        self.0.push(Source {
            name: name.into(),
            text,
            lines,
            hidden: BTreeMap::new(),
        });
        FileId(u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX))
    }

    /// The file's name.
    pub fn name(&self, file: FileId) -> &str {
        &self.0[file.0 as usize].name
    }

    /// The file's text.
    pub fn text(&self, file: FileId) -> &str {
        &self.0[file.0 as usize].text
    }

    /// Keeps a stretch of a file, such as a secret, out of everything that shows its lines.
    pub fn hide(&mut self, location: &Location) {
        let hidden = &mut self.0[location.file.0 as usize].hidden;
        let end = hidden.entry(location.span.start).or_default();
        *end = location.span.end.max(*end);
    }

    /// The hidden stretches that touch a span, in order.
    pub fn hidden(&self, file: FileId, span: &Range<usize>) -> Vec<Range<usize>> {
        let hidden = &self.0[file.0 as usize].hidden;
        let touching = hidden
            .range(..span.end)
            .filter(|(_, end)| **end > span.start);
        touching.map(|(start, end)| *start..*end).collect()
    }

    /// The bytes of the lines that a span touches, and the number of the first one from 1.
    pub fn lines(&self, file: FileId, span: &Range<usize>) -> (Range<usize>, usize) {
        let source = &self.0[file.0 as usize];
        let line = |at: usize| source.lines.partition_point(|start| *start <= at) - 1;
        let first = line(span.start.min(source.text.len()));
        let last = line(span.end.saturating_sub(1).max(span.start));
        let end = source.lines.get(last + 1).copied();
        let end = end.unwrap_or(source.text.len());
        (source.lines[first]..end, first + 1)
    }

    /// Where a location ends, as people read it.
    pub fn end(&self, location: &Location) -> Position {
        self.position(&Location {
            file: location.file,
            span: location.span.end..location.span.end,
        })
    }

    /// Where a location begins, as people read it.
    pub fn position(&self, location: &Location) -> Position {
        let source = &self.0[location.file.0 as usize];
        let at = location.span.start.min(source.text.len());
        let line = source.lines.partition_point(|start| *start <= at) - 1;
        let before = source.text.get(source.lines[line]..at).unwrap_or_default();
        Position {
            file: source.name.clone(),
            line: line + 1,
            column: before.chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "x: 1\nä: bc\n");
        let at = |start| {
            sources
                .position(&Location {
                    file,
                    span: start..start,
                })
                .to_string()
        };
        assert_eq!(at(0), "a.yaml:1:1");
        assert_eq!(at(5), "a.yaml:2:1");
        assert_eq!(at(9), "a.yaml:2:4");
        assert_eq!(at(999), "a.yaml:3:1");
    }
}
