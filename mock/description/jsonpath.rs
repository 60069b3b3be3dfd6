//! The part of JSONPath that overlays may use in `target`.
//!
//! `$` for the document, then any number of `.name`, `['name']` or `["name"]`, `[0]`, `[*]` and
//! `[?@.name=='text']`, which is how a parameter is found whose place in its list may change. A quote
//! within quotes is written `\'`. Other filters, slices and descent are left out on purpose: a correction
//! should say which place it is about.

use super::node::Node;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    Every,
    /// The items with this text under this key.
    Where(String, String),
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
                        "`{rest}` is not supported, only .name, ['name'], [0], [*] and [?@.name=='text']"
                    ));
                }
                (Step::Name(name[..end].to_owned()), &name[end..])
            } else if let Some(after) = rest.strip_prefix("[*]") {
                (Step::Every, after)
            } else if let Some(inner) = rest.strip_prefix("[?@.") {
                let (name, inner) = inner
                    .split_once("==")
                    .ok_or_else(|| format!("`{rest}` compares nothing with =="))?;
                let (text, after) = quoted(inner)?;
                (Step::Where(name.to_owned(), text), after)
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
                    (Step::Where(key, text), Node::List(list)) => list
                        .iter()
                        .enumerate()
                        .filter(|(_, child)| child.get(key).and_then(Node::as_text) == Some(text))
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
    if inner.starts_with(['\'', '"']) {
        let (name, after) = quoted(inner)?;
        return Ok((Step::Name(name), after));
    }
    let (digits, after) = inner
        .split_once(']')
        .ok_or_else(|| format!("`[{inner}` lacks its ]"))?;
    let index = digits
        .parse()
        .map_err(|_| format!("`[{digits}]` is neither a quoted name, an index nor [*]"))?;
    Ok((Step::Index(index), after))
}

/// Reads a quoted text and the bracket that ends the step.
fn quoted(inner: &str) -> Result<(String, &str), String> {
    let mut characters = inner.char_indices();
    let quote = match characters.next() {
        Some((_, quote @ ('\'' | '"'))) => quote,
        _ => return Err(format!("`{inner}` does not begin with a quote")),
    };
    let mut text = String::new();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            text.extend(characters.next().map(|(_, escaped)| escaped));
        } else if character == quote {
            let after = &inner[at + 1..];
            let after = after
                .strip_prefix(']')
                .ok_or_else(|| format!("`{inner}` lacks its ]"))?;
            return Ok((text, after));
        } else {
            text.push(character);
        }
    }
    Err(format!("`{inner}` lacks its closing quote"))
}

#[cfg(test)]
mod tests {
    use super::{Node, Place, Target};

    fn find(target: &str) -> Vec<String> {
        let source = r#"{"paths": {"/a/{b}": {"get": {"it's": 1, "list": [{"name": "x"}, {"name": "y", "in": "z"}]}}}}"#;
        let document: Node = serde_json::from_str(source).expect("valid JSON");
        let target = Target::parse(target).expect("a target");
        let spell = |place: &Place| match place {
            Place::Key(key) => key.clone(),
            Place::Index(index) => index.to_string(),
        };
        let ways = target.find(&document);
        ways.iter()
            .map(|way| way.iter().map(spell).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn targets_find_their_places() {
        assert_eq!(find("$"), [""]);
        assert_eq!(
            find(r#"$.paths["/a/{b}"]['get']['it\'s']"#),
            ["paths /a/{b} get it's"]
        );
        assert_eq!(find("$.paths[*][*].list[1]"), ["paths /a/{b} get list 1"]);
        assert_eq!(
            find("$.paths[*].get.list[*].name"),
            [
                "paths /a/{b} get list 0 name",
                "paths /a/{b} get list 1 name"
            ]
        );
        assert_eq!(
            find("$.paths[*].get.list[?@.name=='y'].in"),
            ["paths /a/{b} get list 1 in"]
        );
        assert!(find("$.paths['/b']").is_empty());
    }

    #[test]
    fn what_is_not_supported_is_said() {
        for target in [
            "paths", "$..get", "$.a.*", "$[1:2]", "$['a", "$['a'", "$[?@.a]", "$a",
        ] {
            assert!(Target::parse(target).is_err(), "{target}");
        }
    }
}
