//! The part of JSONPath that overlays may use in `target`.
//!
//! `$` for the document, then any number of `.name`, `['name']` or `["name"]`, `[0]` and `[*]`. A quote
//! within a quoted name is written `\'`. Filters, slices and descent are left out on purpose: a correction
//! should say which place it is about.

use super::node::Node;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    Every,
}

/// A parsed target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target(Vec<Step>);

/// A key or an index: one step from a node to what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Key(String),
    Index(usize),
}

impl Target {
    /// Reads a target; the error is a sentence about what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.strip_prefix('$').ok_or("a target begins with $")?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = if let Some(name) = rest.strip_prefix('.') {
                let end = name.find(['.', '[']).unwrap_or(name.len());
                if end == 0 || name.starts_with('*') {
                    return Err(format!(
                        "`{rest}` is not supported, only .name, ['name'], [0] and [*]"
                    ));
                }
                (Step::Name(name[..end].to_owned()), &name[end..])
            } else if let Some(after) = rest.strip_prefix("[*]") {
                (Step::Every, after)
            } else if let Some(inner) = rest.strip_prefix('[') {
                bracket(inner)?
            } else {
                return Err(format!("`{rest}` does not continue a path"));
            };
            steps.push(step);
            rest = after;
        }
        Ok(Self(steps))
    }

    /// The places in `document` that the target names, as ways from its top, in document order.
    pub(crate) fn find(&self, document: &Node) -> Vec<Vec<Place>> {
        let mut found = vec![(Vec::new(), document)];
        for step in &self.0 {
            let mut next = Vec::new();
            for (way, node) in found {
                let mut push = |place: Place, child| {
                    let mut longer: Vec<Place> = way.clone();
                    longer.push(place);
                    next.push((longer, child));
                };
                match (step, node) {
                    (Step::Name(name), Node::Map(map)) => {
                        if let Some(child) = map.get(name) {
                            push(Place::Key(name.clone()), child);
                        }
                    }
                    (Step::Index(index), Node::List(list)) => {
                        if let Some(child) = list.get(*index) {
                            push(Place::Index(*index), child);
                        }
                    }
                    (Step::Every, Node::Map(map)) => map
                        .iter()
                        .for_each(|(key, child)| push(Place::Key(key.clone()), child)),
                    (Step::Every, Node::List(list)) => list
                        .iter()
                        .enumerate()
                        .for_each(|(index, child)| push(Place::Index(index), child)),
                    _ => {}
                }
            }
            found = next;
        }
        found.into_iter().map(|(way, _)| way).collect()
    }
}

/// The node at the end of a way.
pub(crate) fn walk<'a>(document: &'a mut Node, way: &[Place]) -> Option<&'a mut Node> {
    way.iter()
        .try_fold(document, |node, place| match (node, place) {
            (Node::Map(map), Place::Key(key)) => map.get_mut(key),
            (Node::List(list), Place::Index(index)) => list.get_mut(*index),
            _ => None,
        })
}

/// Reads what follows an opening bracket: a quoted name or an index.
fn bracket(inner: &str) -> Result<(Step, &str), String> {
    let mut characters = inner.char_indices();
    match characters.next() {
        Some((_, quote @ ('\'' | '"'))) => {
            let mut name = String::new();
            while let Some((at, character)) = characters.next() {
                if character == '\\' {
                    name.extend(characters.next().map(|(_, escaped)| escaped));
                } else if character == quote {
                    let after = inner[at + 1..]
                        .strip_prefix(']')
                        .ok_or_else(|| format!("`[{inner}` lacks its ]"))?;
                    return Ok((Step::Name(name), after));
                } else {
                    name.push(character);
                }
            }
            Err(format!("`[{inner}` lacks its closing quote"))
        }
        _ => {
            let (digits, after) = inner
                .split_once(']')
                .ok_or_else(|| format!("`[{inner}` lacks its ]"))?;
            let index = digits
                .parse()
                .map_err(|_| format!("`[{digits}]` is neither a quoted name, an index nor [*]"))?;
            Ok((Step::Index(index), after))
        }
    }
}
