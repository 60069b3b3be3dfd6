//! Edits of a file's text that leave everything else in it as it is: comments, order, style.
//!
//! An edit is a splice at the spans that parsing reported. Each one is checked by reading the
//! result again: if it is not exactly the old tree with that one change, as where an alias stands
//! for the same value elsewhere, the edit is refused and the text stays.

use std::ops::Range;

use super::{Member, Node, NodeValue, Scalar, emit, parse, resolve};
use crate::diagnostic::Sources;

/// Why a text cannot be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is not YAML that this program reads.
    #[error("the file cannot be read")]
    Unreadable,
    /// There is no such place.
    #[error("there is no such place")]
    NoSuchPlace,
    /// The change would reach further than asked.
    #[error("the place is written in a way that cannot be changed alone, as with an alias")]
    Entangled,
}

/// Puts a value at a place: replaces what is there, or adds the member and the maps that lead to
/// it. `blocks` levels of a new map are written as blocks however short they are.
///
/// # Errors
/// Where the text cannot be edited so.
pub fn set(text: &str, path: &[String], value: &Node, blocks: usize) -> Result<String, EditError> {
    let root = read(text)?;
    let mut want = root.clone();
    plant(&mut want, path, value)?;
    let splice = Editor { text, root: &root }.set(path, value, blocks)?;
    checked(splice.apply(text), &want)
}

/// Adds an element to the list at a place.
///
/// # Errors
/// Where the text cannot be edited so.
pub fn append(text: &str, path: &[String], value: &Node) -> Result<String, EditError> {
    let root = read(text)?;
    let mut want = root.clone();
    match find_mut(&mut want, path).map(|node| &mut node.value) {
        Some(NodeValue::Sequence(items)) => items.push(value.clone()),
        _ => return Err(EditError::NoSuchPlace),
    }
    let splice = Editor { text, root: &root }.append(path, value)?;
    checked(splice.apply(text), &want)
}

/// Removes a member or an element. A list or map that loses its last one stays, empty.
///
/// # Errors
/// Where the text cannot be edited so.
pub fn remove(text: &str, path: &[String]) -> Result<String, EditError> {
    let root = read(text)?;
    let mut want = root.clone();
    let (last, above) = path.split_last().ok_or(EditError::NoSuchPlace)?;
    match find_mut(&mut want, above).map(|node| &mut node.value) {
        Some(NodeValue::Mapping(members)) if members.iter().any(|m| m.key == *last) => {
            members.retain(|member| member.key != *last);
        }
        Some(NodeValue::Sequence(items)) => {
            let at = index(last).filter(|at| *at < items.len());
            items.remove(at.ok_or(EditError::NoSuchPlace)?);
        }
        _ => return Err(EditError::NoSuchPlace),
    }
    let splice = Editor { text, root: &root }.remove(path)?;
    checked(splice.apply(text), &want)
}

/// Bytes to put in place of others.
#[derive(Debug)]
struct Splice {
    range: Range<usize>,
    with: String,
}

impl Splice {
    fn apply(self, text: &str) -> String {
        let with = match text.contains("\r\n") {
            true => self.with.replace('\n', "\r\n"),
            false => self.with,
        };
        let (start, end) = (self.range.start, self.range.end);
        format!("{}{with}{}", &text[..start], &text[end..])
    }
}

/// A place in the text where a value stands.
struct Slot<'n> {
    /// From behind the colon or dash to the end of the value.
    range: Range<usize>,
    /// The column of the key or the dash.
    column: usize,
    /// The map or list that it is in.
    parent: &'n Node,
}

struct Editor<'t> {
    text: &'t str,
    root: &'t Node,
}

impl<'t> Editor<'t> {
    fn set(&self, path: &[String], value: &Node, blocks: usize) -> Result<Splice, EditError> {
        let Some((last, above)) = path.split_last() else {
            return Ok(Splice {
                range: 0..self.text.len(),
                with: format!("{}\n", document(value, blocks)),
            });
        };
        let nothing = above.is_empty() && self.root.is_null();
        let parent = find(self.root, above).filter(|_| !nothing);
        let is_hollow = |node: &Node| {
            node.is_null()
                || matches!(&node.value, NodeValue::Mapping(members) if members.is_empty())
        };
        match parent {
            Some(node) if !is_hollow(node) => {}
            _ if nothing => {
                let line_end = if self.text.is_empty() || self.text.ends_with('\n') {
                    ""
                } else {
                    "\n"
                };
                let member = emit::member(last, value, 0, blocks);
                return Ok(Splice {
                    range: self.text.len()..self.text.len(),
                    with: format!("{line_end}{member}\n"),
                });
            }
            // The map itself has to be made first.
            _ => {
                let map = Node::mapping([(last.clone(), value.clone())]);
                return self.set(above, &map, blocks + 1);
            }
        }
        let parent = parent.ok_or(EditError::NoSuchPlace)?;
        match self.slot(parent, last) {
            Some(slot) => Ok(self.replace(&slot, value, blocks)),
            None => match &parent.value {
                NodeValue::Mapping(members) => {
                    Ok(self.insert(parent, members, last, value, blocks))
                }
                _ => Err(EditError::NoSuchPlace),
            },
        }
    }

    fn replace(&self, slot: &Slot<'_>, value: &Node, blocks: usize) -> Splice {
        let range = slot.range.clone();
        if self.is_flow(slot.parent) {
            let space = if matches!(slot.parent.value, NodeValue::Mapping(_)) {
                " "
            } else {
                ""
            };
            let start = match slot.parent.value {
                NodeValue::Mapping(_) => range.start,
                _ => range.end - self.text[range.clone()].trim_start().len(),
            };
            return Splice {
                range: start..range.end,
                with: format!("{space}{}", emit::flow(value)),
            };
        }
        let new = match slot.parent.value {
            NodeValue::Sequence(_) => emit::after_dash(value, slot.column),
            _ => emit::after_key(value, slot.column, blocks),
        };
        // A comment behind the old value goes behind the first line of the new one.
        let rest = &self.text[range.end..self.line_end(range.end)];
        match new.split_once('\n').filter(|_| !rest.trim().is_empty()) {
            Some((first, more)) => Splice {
                range: range.start..range.end + rest.len(),
                with: format!("{first}{rest}\n{more}"),
            },
            None => {
                let blank = if rest.trim().is_empty() {
                    rest.len()
                } else {
                    0
                };
                Splice {
                    range: range.start..range.end + blank,
                    with: new,
                }
            }
        }
    }

    /// A new member behind all others.
    fn insert(
        &self,
        parent: &Node,
        members: &[Member],
        key: &str,
        value: &Node,
        blocks: usize,
    ) -> Splice {
        if self.is_flow(parent) {
            let end = members.iter().map(|member| self.end(member)).max();
            let end = end.unwrap_or(parent.span.start + 1);
            return Splice {
                range: end..end,
                with: format!(", {}", emit::flow_member(key, value)),
            };
        }
        let column = self.column(parent.span.start);
        self.line_after(parent.span.end, &emit::member(key, value, column, blocks))
    }

    fn append(&self, path: &[String], value: &Node) -> Result<Splice, EditError> {
        let list = find(self.root, path).ok_or(EditError::NoSuchPlace)?;
        let NodeValue::Sequence(items) = &list.value else {
            return Err(EditError::NoSuchPlace);
        };
        let Some(last) = items.last() else {
            let list = Node::sequence([value.clone()]);
            return self.set(path, &list, 0);
        };
        if self.is_flow(list) {
            let end = last.span.end;
            return Ok(Splice {
                range: end..end,
                with: format!(", {}", emit::flow(value)),
            });
        }
        let dash = self
            .dash(list, items[0].span.start)
            .ok_or(EditError::Entangled)?;
        let item = emit::item(value, self.column(dash));
        Ok(self.line_after(list.span.end, &item))
    }

    fn remove(&self, path: &[String]) -> Result<Splice, EditError> {
        let (last, above) = path.split_last().ok_or(EditError::NoSuchPlace)?;
        let parent = find(self.root, above).ok_or(EditError::NoSuchPlace)?;
        // Where the parts begin and end, in the order of the text.
        let mut parts: Vec<(bool, Range<usize>)> = match &parent.value {
            NodeValue::Mapping(members) => members
                .iter()
                .map(|it| (it.key == *last, it.key_span.start..self.end(it)))
                .collect(),
            NodeValue::Sequence(items) => {
                let wanted = index(last);
                let part = |(at, it): (usize, &Node)| (Some(at) == wanted, it.span.clone());
                items.iter().enumerate().map(part).collect()
            }
            NodeValue::Scalar { .. } => return Err(EditError::NoSuchPlace),
        };
        parts.sort_by_key(|(_, range)| range.start);
        if parts.len() < 2 {
            let empty = match &parent.value {
                NodeValue::Sequence(_) => Node::sequence([]),
                _ => Node::mapping([]),
            };
            return self.set(above, &empty, 0);
        }
        let at = parts.iter().position(|(wanted, _)| *wanted);
        let at = at.ok_or(EditError::NoSuchPlace)?;
        let own = parts[at].1.clone();
        let nothing = |range| Splice {
            range,
            with: String::new(),
        };
        if self.is_flow(parent) {
            return Ok(nothing(match at.checked_sub(1) {
                Some(before) => parts[before].1.end..own.end,
                None => own.start..parts[at + 1].1.start,
            }));
        }
        let begin = match &parent.value {
            NodeValue::Sequence(_) => self.dash(parent, own.start).ok_or(EditError::Entangled)?,
            _ => own.start,
        };
        let line = begin - self.column(begin);
        if self.text[line..begin].trim().is_empty() {
            let end = self.line_end(own.end);
            return Ok(nothing(line..(end + 1).min(self.text.len())));
        }
        // The first key of an element stands behind its dash.
        let next = parts.get(at + 1).ok_or(EditError::Entangled)?;
        Ok(nothing(begin..next.1.start))
    }

    /// Where the value of a member or element stands.
    fn slot<'n>(&self, parent: &'n Node, segment: &str) -> Option<Slot<'n>> {
        match &parent.value {
            NodeValue::Mapping(_) => {
                let member = parent.member(segment)?;
                // A merged member stands elsewhere: this map gets one of its own.
                if !parent.span.contains(&member.key_span.start) {
                    return None;
                }
                let start = self.colon(member)?;
                Some(Slot {
                    range: start..self.end(member),
                    column: self.column(member.key_span.start),
                    parent,
                })
            }
            NodeValue::Sequence(items) => {
                let item = items.get(index(segment)?)?;
                let start = match self.is_flow(parent) {
                    true => item.span.start,
                    false => self.dash(parent, item.span.start)? + 1,
                };
                Some(Slot {
                    range: start..item.span.end,
                    column: self.column(start.saturating_sub(1)),
                    parent,
                })
            }
            NodeValue::Scalar { .. } => None,
        }
    }

    /// The byte behind the colon of a key.
    fn colon(&self, member: &Member) -> Option<usize> {
        let rest = &self.text[member.key_span.end..];
        let spaces = rest.len() - rest.trim_start().len();
        rest[spaces..]
            .starts_with(':')
            .then_some(member.key_span.end + spaces + 1)
    }

    /// Where a member ends. An alias has the place of its anchor, which is further up.
    fn end(&self, member: &Member) -> usize {
        let colon = self.colon(member).unwrap_or(member.key_span.end);
        if member.value.span.start >= colon && !member.value.span.is_empty() {
            return member.value.span.end;
        }
        let rest = &self.text[colon..];
        let token = rest.trim_start_matches(' ');
        if !token.starts_with('*') {
            return colon;
        }
        let length = token.find([' ', '\n', '\r', '\t', ',', '}', ']']);
        colon + (rest.len() - token.len()) + length.unwrap_or(token.len())
    }

    /// The dash of an element of a list. All of them stand in one column; what stands between one
    /// and its value, such as the `|` of a block, may end with a dash as well.
    fn dash(&self, list: &Node, start: usize) -> Option<usize> {
        let column = self.column(list.span.start);
        let mut line = start - self.column(start);
        loop {
            let dash = line + column;
            if dash <= start && self.text.get(dash..)?.starts_with('-') {
                return Some(dash);
            }
            line -= self.column(line.checked_sub(1)?) + 1;
        }
    }

    fn is_flow(&self, node: &Node) -> bool {
        self.text[node.span.start..].starts_with(['{', '['])
    }

    fn column(&self, at: usize) -> usize {
        at - self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// The end of the line of a byte, without its line end.
    fn line_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let length = rest.find('\n').unwrap_or(rest.len());
        at + rest[..length].trim_end_matches('\r').len()
    }

    /// New lines behind the line of a byte.
    fn line_after(&self, at: usize, lines: &str) -> Splice {
        let end = self.line_end(at);
        Splice {
            range: end..end,
            with: format!("\n{lines}"),
        }
    }
}

/// A map as the text of a file, without the last line end.
pub fn document(value: &Node, blocks: usize) -> String {
    match &value.value {
        NodeValue::Mapping(members) if !members.is_empty() => members
            .iter()
            .map(|it| emit::member(&it.key, &it.value, 0, blocks.saturating_sub(1)))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => emit::flow(value),
    }
}

fn read(text: &str) -> Result<Node, EditError> {
    let file = Sources::default().add("", "");
    let parsed = parse(file, text);
    if !parsed.diagnostics.is_empty() {
        return Err(EditError::Unreadable);
    }
    Ok(parsed.root.unwrap_or_else(Node::null))
}

fn checked(text: String, want: &Node) -> Result<String, EditError> {
    match read(&text) {
        Ok(got) if same(&got, want) => Ok(text),
        _ => Err(EditError::Entangled),
    }
}

/// Whether two trees mean the same, wherever and however they are written.
pub fn same(a: &Node, b: &Node) -> bool {
    fn scalar(node: &Node) -> Option<Result<Scalar, &str>> {
        match &node.value {
            NodeValue::Scalar { text, plain: true } => match resolve(text) {
                Ok(Scalar::Text) | Err(_) => Some(Err(text)),
                Ok(meaning) => Some(Ok(meaning)),
            },
            NodeValue::Scalar { text, plain: false } => Some(Err(text)),
            _ => None,
        }
    }
    match (&a.value, &b.value) {
        (NodeValue::Mapping(a), NodeValue::Mapping(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|a| b.iter().any(|b| a.key == b.key && same(&a.value, &b.value)))
        }
        (NodeValue::Sequence(a), NodeValue::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => scalar(a).is_some() && scalar(a) == scalar(b),
    }
}

/// Puts a value into a tree, with the maps that lead to it.
fn plant(node: &mut Node, path: &[String], value: &Node) -> Result<(), EditError> {
    let Some((first, rest)) = path.split_first() else {
        *node = value.clone();
        return Ok(());
    };
    if node.is_null() {
        *node = Node::mapping([]);
    }
    match &mut node.value {
        NodeValue::Mapping(members) => {
            if let Some(member) = members.iter_mut().find(|member| member.key == *first) {
                return plant(&mut member.value, rest, value);
            }
            let mut below = Node::null();
            plant(&mut below, rest, value)?;
            members.push(Member {
                key: first.clone(),
                key_span: 0..0,
                value: below,
            });
            Ok(())
        }
        NodeValue::Sequence(items) => {
            let item = index(first).and_then(|at| items.get_mut(at));
            plant(item.ok_or(EditError::NoSuchPlace)?, rest, value)
        }
        NodeValue::Scalar { .. } => Err(EditError::NoSuchPlace),
    }
}

fn find<'n>(node: &'n Node, path: &[String]) -> Option<&'n Node> {
    path.iter()
        .try_fold(node, |node, segment| match &node.value {
            NodeValue::Mapping(_) => node.member(segment).map(|member| &member.value),
            NodeValue::Sequence(items) => items.get(index(segment)?),
            NodeValue::Scalar { .. } => None,
        })
}

fn find_mut<'n>(node: &'n mut Node, path: &[String]) -> Option<&'n mut Node> {
    path.iter()
        .try_fold(node, |node, segment| match &mut node.value {
            NodeValue::Mapping(members) => members
                .iter_mut()
                .find(|member| member.key == *segment)
                .map(|member| &mut member.value),
            NodeValue::Sequence(items) => items.get_mut(index(segment)?),
            NodeValue::Scalar { .. } => None,
        })
}

fn index(segment: &str) -> Option<usize> {
    segment.parse().ok()
}

#[cfg(test)]
mod tests;
