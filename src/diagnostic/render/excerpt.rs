//! The lines of a file that a message shows, with everything hidden taken out.

use std::ops::Range;

use crate::diagnostic::{FileId, Sources};

/// What stands in the place of a hidden text, whatever its length.
const MASK: &str = "****";

/// Whole lines of a file, as they may be shown.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// The text.
    pub(super) text: String,
    /// The number of its first line, from 1.
    pub(super) line: usize,
    /// Where stretches of the file ended up in the text.
    pieces: Vec<(Range<usize>, Range<usize>)>,
}

impl Excerpt {
    /// The lines that a span touches.
    pub(super) fn new(sources: &Sources, file: FileId, span: &Range<usize>) -> Self {
        let (lines, line) = sources.lines(file, span);
        let source = sources.text(file);
        let mut excerpt = Self {
            text: String::new(),
            line,
            pieces: Vec::new(),
        };
        let mut at = lines.start;
        for hidden in sources.hidden(file, &lines) {
            let start = hidden.start.clamp(at, lines.end);
            let end = hidden.end.clamp(start, lines.end);
            excerpt.copy(source, at..start);
            excerpt.mask(source, start..end);
            at = end;
        }
        excerpt.copy(source, at..lines.end);
        excerpt
    }

    /// Where a span of the file stands in the text.
    pub(super) fn span(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.place(span.start, false);
        start..self.place(span.end, true).max(start)
    }

    fn place(&self, at: usize, end: bool) -> usize {
        for (source, shown) in &self.pieces {
            if at < source.end || (end && at == source.end) {
                let offset = at.saturating_sub(source.start);
                return match source.len() == shown.len() {
                    true => shown.start + offset,
                    // Inside a mask: all of it.
                    false if end => shown.end,
                    false => shown.start,
                };
            }
        }
        self.text.len()
    }

    fn copy(&mut self, source: &str, range: Range<usize>) {
        let text = source.get(range.clone()).unwrap_or_default();
        let start = self.text.len();
        self.text.push_str(text);
        if !text.is_empty() {
            self.pieces.push((range, start..start + text.len()));
        }
    }

    /// Lines stay lines, so that numbers and places after them stay right.
    fn mask(&mut self, source: &str, range: Range<usize>) {
        let mut at = range.start;
        for line in source.get(range).unwrap_or_default().split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            let start = self.text.len();
            if !content.is_empty() {
                self.text.push_str(MASK);
                self.pieces
                    .push((at..at + content.len(), start..self.text.len()));
            }
            self.copy(source, at + content.len()..at + line.len());
            at += line.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Location;

    #[test]
    fn hidden_texts_are_masked_and_spans_follow() {
        let text = "a: 1\nkey: sk-very-secret # x\nb: |\n  one\n  two\nc: 3\n";
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text);
        let find = |part: &str| {
            let at = text.find(part).unwrap();
            at..at + part.len()
        };
        for part in ["sk-very-secret", "one\n  two"] {
            sources.hide(&Location {
                file,
                span: find(part),
            });
        }
        let excerpt = Excerpt::new(&sources, file, &find("key: sk-very-secret"));
        assert_eq!(excerpt.text, "key: **** # x\n");
        assert_eq!(excerpt.line, 2);
        assert_eq!(&excerpt.text[excerpt.span(&find("sk-very-secret"))], "****");
        assert_eq!(&excerpt.text[excerpt.span(&find("x"))], "x");

        let whole = Excerpt::new(&sources, file, &(0..text.len()));
        assert_eq!(
            whole.text,
            "a: 1\nkey: **** # x\nb: |\n  ****\n****\nc: 3\n"
        );
        assert_eq!(&whole.text[whole.span(&find("c: 3"))], "c: 3");
    }
}
