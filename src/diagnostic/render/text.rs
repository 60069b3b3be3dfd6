//! Problems for people, the way cargo shows them.

use std::ops::Range;

use annotate_snippets::{
    AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};

use super::excerpt::Excerpt;
use super::order::sorted;
use crate::diagnostic::{Diagnostic, FileId, Location, Severity, Sources};

/// How many lines may lie between two places that are shown together.
const TOGETHER: usize = 5;

/// How to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours.
    pub colour: bool,
    /// How many columns there are; longer lines of a file are cut.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            colour: false,
            width: 80,
        }
    }
}

/// A place to mark in an excerpt.
struct Mark<'a> {
    location: &'a Location,
    label: &'a str,
    primary: bool,
}

/// The problems in order, each once, separated by empty lines.
pub fn text(diagnostics: &[Diagnostic], sources: &Sources, style: Style) -> String {
    let renderer = match style.colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = renderer.term_width(style.width);
    let mut text = String::new();
    for diagnostic in sorted(diagnostics, sources) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&renderer.render(&[group(diagnostic, sources)]));
        text.push('\n');
    }
    text
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code);
    let mut elements: Vec<Element<'a>> = Vec::new();
    for marks in together(diagnostic, sources) {
        elements.push(snippet(&marks, sources));
    }
    for note in &diagnostic.notes {
        elements.push(Level::NOTE.message(normalize_untrusted_str(note)).into());
    }
    if let Some(help) = &diagnostic.help {
        elements.push(Level::HELP.message(normalize_untrusted_str(help)).into());
    }
    title.elements(elements)
}

/// The places of a problem, those that stand near each other in one file together. The first
/// group has the problem's own place.
fn together<'a>(diagnostic: &'a Diagnostic, sources: &Sources) -> Vec<Vec<Mark<'a>>> {
    let primary = diagnostic.primary.iter().map(|at| (at, true));
    let related = diagnostic.related.iter().map(|at| (at, false));
    let mut groups: Vec<Vec<Mark<'a>>> = Vec::new();
    for ((location, label), primary) in primary.chain(related) {
        let line = sources.position(location).line;
        let near = |mark: &Mark<'_>| {
            mark.location.file == location.file
                && sources.position(mark.location).line.abs_diff(line) <= TOGETHER
        };
        let mark = Mark {
            location,
            label,
            primary,
        };
        match groups.iter_mut().find(|marks| marks.iter().any(near)) {
            Some(marks) => marks.push(mark),
            None => groups.push(vec![mark]),
        }
    }
    groups
}

fn snippet<'a>(marks: &[Mark<'a>], sources: &'a Sources) -> Element<'a> {
    let Some(first) = marks.first() else {
        return Origin::path("").into();
    };
    let file = first.location.file;
    let span = marks
        .iter()
        .map(|mark| first_line(mark.location, sources))
        .reduce(|all, span| all.start.min(span.start)..all.end.max(span.end))
        .unwrap_or_default();
    let excerpt = Excerpt::new(sources, file, &span);
    if excerpt.text.trim().is_empty() {
        // Nothing to show: the place alone.
        return place(file, first.location, sources);
    }
    let annotations: Vec<_> = marks
        .iter()
        .map(|mark| {
            let kind = match mark.primary {
                true => AnnotationKind::Primary,
                false => AnnotationKind::Context,
            };
            let label = Some(mark.label).filter(|label| !label.is_empty());
            kind.span(excerpt.span(&first_line(mark.location, sources)))
                .label(label)
        })
        .collect();
    Snippet::source(excerpt.text)
        .line_start(excerpt.line)
        .path(sources.name(file))
        .annotations(annotations)
        .into()
}

fn place<'a>(file: FileId, location: &Location, sources: &'a Sources) -> Element<'a> {
    let position = sources.position(location);
    Origin::path(sources.name(file))
        .line(position.line)
        .char_column(position.column)
        .into()
}

/// A location without what lies beyond its first line: the beginning of a map says enough.
fn first_line(location: &Location, sources: &Sources) -> Range<usize> {
    let span = &location.span;
    let text = sources.text(location.file);
    let covered = text.get(span.clone()).unwrap_or_default();
    let length = covered.find(['\n', '\r']).unwrap_or(covered.len());
    span.start..span.start + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn sample() -> (Sources, Vec<Diagnostic>) {
        let mut sources = Sources::default();
        let one = sources.add("one.yaml", "first: 1\r\nä: [b, c]\r\nlast: x\r\n");
        let two = sources.add(
            "two.yaml",
            format!("a: sk-very-secret\n{}", "a: b\n".repeat(39)),
        );
        sources.hide(&Location {
            file: two,
            span: 3..17,
        });
        let at = |file, span| Location { file, span };
        let diagnostics = vec![
            Diagnostic::warning("second", "comes later")
                .at(at(two, 0..1), "here")
                .related(at(two, 168..169), "far away")
                .related(at(one, 10..12), "elsewhere"),
            Diagnostic::error("first", "with \u{1b}[31m colour")
                .at(at(one, 15..20), "from here on")
                .note("a note with \u{1b}[31m colour")
                .help("do something"),
            Diagnostic::error("none", "without a place"),
        ];
        (sources, diagnostics)
    }

    #[test]
    fn problems_are_sorted_and_shown_once() {
        let (sources, mut diagnostics) = sample();
        diagnostics.push(diagnostics[1].clone());
        let text = text(&diagnostics, &sources, Style::default());
        assert!(!text.contains('\u{1b}') && !text.contains("sk-very"));
        assert_snapshot!(text, @r##"
    error[none]: without a place

    error[first]: with ␛[31m colour
     --> one.yaml:2:5
      |
    2 | ä: [b, c]
      |     ^^^^^ from here on
      |
      = note: a note with ␛[31m colour
      = help: do something

    warning[second]: comes later
      --> two.yaml:1:1
       |
     1 | a: ****
       | ^ here
       |
      ::: two.yaml:32:1
       |
    32 | a: b
       | - far away
       |
      ::: one.yaml:2:1
       |
     2 | ä: [b, c]
       | - elsewhere
    "##);
    }

    #[test]
    fn colours_are_only_used_when_asked_for() {
        let (sources, diagnostics) = sample();
        let style = Style {
            colour: true,
            width: 80,
        };
        assert!(text(&diagnostics, &sources, style).contains("\u{1b}["));
    }

    #[test]
    fn long_lines_are_cut_to_the_width() {
        let mut sources = Sources::default();
        let long = format!("a: {} # {}", "x".repeat(300), "y".repeat(300));
        let file = sources.add("a.yaml", long);
        let location = Location { file, span: 3..303 };
        let diagnostic = Diagnostic::error("long", "too long").at(location, "");
        let text = text(&[diagnostic], &sources, Style::default());
        assert!(
            text.lines().all(|line| line.chars().count() <= 90),
            "{text}"
        );
    }
}
