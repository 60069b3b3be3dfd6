//! From the parser's events to a tree.
//!
//! Nesting lives on a stack of our own, so that deep input cannot overflow the program's. What
//! can be stepped over (a duplicate key, a tag) is reported and the reading goes on; a syntax
//! error or an exceeded limit ends it.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::merge;
use super::syntax;
use super::{MAX_DEPTH, MAX_EXPANSION, Member, Node, NodeValue};
use crate::diagnostic::{Diagnostic, FileId, Location};

/// What a file says.
#[derive(Debug)]
pub struct Parsed {
    /// The document; `None` for an empty file or one that cannot be read.
    pub root: Option<Node>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the one document of a file.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let mut builder = Builder {
        file,
        text,
        stack: Vec::new(),
        anchors: HashMap::new(),
        expanded: 0,
        documents: 0,
        root: None,
        diagnostics: Vec::new(),
    };
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: 2 * MAX_DEPTH,
        block_nesting_limit: 2 * MAX_DEPTH,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => Err(Box::new(syntax::explain(file, text, &error))),
        };
        if let Err(fatal) = step {
            builder.diagnostics.push(*fatal);
            builder.root = None;
            break;
        }
    }
    Parsed {
        root: builder.root,
        diagnostics: builder.diagnostics,
    }
}

struct Builder<'a> {
    file: FileId,
    text: &'a str,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchor>,
    /// How many nodes aliases have expanded to so far.
    expanded: usize,
    documents: usize,
    root: Option<Node>,
    diagnostics: Vec<Diagnostic>,
}

/// A finished node that aliases can repeat.
struct Anchor {
    node: Node,
    nodes: usize,
    depth: usize,
}

/// A collection that is not finished yet.
struct Frame {
    start: usize,
    flow: bool,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping(Mapping),
}

#[derive(Default)]
struct Mapping {
    members: Vec<Member>,
    merged: Vec<Member>,
    keys: HashMap<String, Range<usize>>,
    pending: Pending,
}

/// What a map waits for.
#[derive(Default)]
enum Pending {
    #[default]
    Key,
    Value(String, Range<usize>),
    /// The value of `<<`.
    Merge,
    /// The value of a key that was refused.
    Refused,
}

type Step = Result<(), Box<Diagnostic>>;

impl Builder<'_> {
    fn at(&self, span: Range<usize>) -> Location {
        Location {
            file: self.file,
            span,
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Step {
        let range = span.byte_range().unwrap_or_default();
        if let Some(tag) = event.tag() {
            let place = span.tag_span().and_then(|span| span.byte_range());
            let diagnostic = Diagnostic::error(
                "yaml-tag",
                format!("tag `{}` is not supported", tag.original()),
            )
            .at(self.at(place.unwrap_or(range.clone())), "remove the tag")
            .help("quote a value to make it a string; leave it plain for everything else");
            self.diagnostics.push(diagnostic);
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Box::new(
                        Diagnostic::error("multiple-documents", "more than one document in a file")
                            .at(self.at(range), "a second document begins here")
                            .help("move it to a file of its own, or remove the `---`"),
                    ));
                }
                Ok(())
            }
            Event::Alias(id) => self.alias(id, range),
            Event::Scalar(text, style, anchor, _) => {
                let span = range.start..range.start + self.text[range].trim_end().len();
                let node = Node {
                    span,
                    value: NodeValue::Scalar {
                        text: text.into_owned(),
                        plain: style == ScalarStyle::Plain,
                    },
                };
                self.finished(node, anchor)
            }
            Event::SequenceStart(style, anchor, _) => {
                self.begin(&range, style, anchor, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(style, anchor, _) => {
                self.begin(&range, style, anchor, Content::Mapping(Mapping::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end),
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        range: &Range<usize>,
        style: StructureStyle,
        anchor: usize,
        content: Content,
    ) -> Step {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Box::new(syntax::too_deep(self.at(range.clone()))));
        }
        self.stack.push(Frame {
            start: range.start,
            flow: style == StructureStyle::Flow,
            anchor,
            content,
        });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Step {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let value = match frame.content {
            Content::Sequence(items) => NodeValue::Sequence(items),
            Content::Mapping(mut mapping) => {
                merge::apply(&mut mapping.members, mapping.merged);
                NodeValue::Mapping(mapping.members)
            }
        };
        // The parser ends a block where the next thing begins; people see its last value.
        let last = match &value {
            NodeValue::Sequence(items) => items.iter().map(|item| item.span.end).max(),
            NodeValue::Mapping(members) => {
                let end = |member: &Member| member.value.span.end.max(member.key_span.end);
                members.iter().map(end).max()
            }
            NodeValue::Scalar { .. } => None,
        };
        let end = match last {
            Some(last) if !frame.flow && last >= frame.start => last.min(end),
            _ => end,
        };
        let span = frame.start..end.max(frame.start);
        self.finished(Node { span, value }, frame.anchor)
    }

    fn alias(&mut self, id: usize, range: Range<usize>) -> Step {
        let Some(anchor) = self.anchors.get(&id) else {
            let diagnostic = Diagnostic::error("recursive-alias", "alias inside its own anchor")
                .at(self.at(range), "this would never end");
            return Err(Box::new(diagnostic));
        };
        self.expanded += anchor.nodes;
        if self.expanded > MAX_EXPANSION {
            let message = format!("aliases expand to more than {MAX_EXPANSION} values");
            return Err(Box::new(
                Diagnostic::error("yaml-alias-limit", message)
                    .at(self.at(range), "this alias is one too many")
                    .note("a few aliases of aliases can fill the memory of any machine"),
            ));
        }
        if self.stack.len() + anchor.depth > MAX_DEPTH {
            return Err(Box::new(syntax::too_deep(self.at(range))));
        }
        let node = anchor.node.clone();
        self.place(node, Some(range))
    }

    /// Takes a node whose text has been read to its end.
    fn finished(&mut self, node: Node, anchor: usize) -> Step {
        if anchor != 0 {
            let (nodes, depth) = measure(&node);
            self.anchors.insert(
                anchor,
                Anchor {
                    node: node.clone(),
                    nodes,
                    depth,
                },
            );
        }
        self.place(node, None)
    }

    /// Puts a node where it belongs. `alias` is the place of the alias that it comes from.
    fn place(&mut self, node: Node, alias: Option<Range<usize>>) -> Step {
        let file = self.file;
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let refused = match &mut frame.content {
            Content::Sequence(items) => {
                items.push(node);
                None
            }
            Content::Mapping(mapping) => mapping.take(node, alias),
        };
        if let Some(refused) = refused {
            self.diagnostics.push(refused.diagnostic(file));
        }
        Ok(())
    }
}

/// Why a map does not take a key or a value.
enum Refused {
    Duplicate(String, Range<usize>, Range<usize>),
    NotAString(String, Range<usize>),
    Complex(Range<usize>),
    Merge(Range<usize>),
}

impl Mapping {
    fn take(&mut self, node: Node, alias: Option<Range<usize>>) -> Option<Refused> {
        match std::mem::take(&mut self.pending) {
            Pending::Key => {
                let span = alias.unwrap_or_else(|| node.span.clone());
                self.pending = Pending::Refused;
                let NodeValue::Scalar { text, plain } = node.value else {
                    return Some(Refused::Complex(span));
                };
                if let Some(first) = self.keys.get(&text) {
                    return Some(Refused::Duplicate(text, first.clone(), span));
                }
                if plain && !matches!(super::resolve(&text), Ok(super::Scalar::Text)) {
                    return Some(Refused::NotAString(text, span));
                }
                self.keys.insert(text.clone(), span.clone());
                self.pending = if plain && text == "<<" {
                    Pending::Merge
                } else {
                    Pending::Value(text, span)
                };
                None
            }
            Pending::Value(key, key_span) => {
                self.members.push(Member {
                    key,
                    key_span,
                    value: node,
                });
                None
            }
            Pending::Merge => match merge::merged(node) {
                Ok(members) => {
                    self.merged = members;
                    None
                }
                Err(span) => Some(Refused::Merge(span)),
            },
            Pending::Refused => None,
        }
    }
}

impl Refused {
    fn diagnostic(self, file: FileId) -> Diagnostic {
        let at = |span| Location { file, span };
        match self {
            Self::Duplicate(key, first, second) => {
                Diagnostic::error("duplicate-key", format!("duplicate key `{key}`"))
                    .at(at(second), "said again here")
                    .related(at(first), "first said here")
                    .help("remove one of them")
            }
            Self::NotAString(key, span) if key.is_empty() => {
                Diagnostic::error("non-string-key", "a key is missing")
                    .at(at(span), "nothing before the `:`")
            }
            Self::NotAString(key, span) => {
                Diagnostic::error("non-string-key", format!("key `{key}` is not a string"))
                    .at(at(span), "keys must be strings")
                    .help(format!("quote it: \"{key}\""))
            }
            Self::Complex(span) => {
                Diagnostic::error("non-string-key", "a list or map cannot be a key")
                    .at(at(span), "keys must be strings")
            }
            Self::Merge(span) => Diagnostic::error("merge-key", "`<<` merges maps only")
                .at(at(span), "not a map")
                .help(
                    "write `<<: *anchor` or `<<: [*first, *second]`; quote \"<<\" for a plain key",
                ),
        }
    }
}

/// How many nodes there are, and how deep they are nested. Anchored trees are at most
/// [`MAX_DEPTH`] deep, so recursion is safe.
fn measure(node: &Node) -> (usize, usize) {
    let mut nodes = 1;
    let mut depth = 0;
    let mut add = |child: &Node| {
        let (below, levels) = measure(child);
        nodes += below;
        depth = depth.max(levels);
    };
    match &node.value {
        NodeValue::Scalar { .. } => return (1, 0),
        NodeValue::Sequence(items) => items.iter().for_each(&mut add),
        NodeValue::Mapping(members) => members.iter().for_each(|member| add(&member.value)),
    }
    (nodes, depth + 1)
}

#[cfg(test)]
mod tests;
