//! Live changes as edits of the entry that declares something else. No I/O.
//!
//! The diff says where they differ. A list of another length is taken item by item where it lost or
//! gained some, so that the rest keeps its comments, and else as a whole. What an entry takes from
//! elsewhere, such as a variable, and what the API does not show is left to people, with the reason.

use super::spell::{Context, may_be_null, spell_at};
use crate::diff::{Because, FieldChange, Origin, deep};
use crate::kind::Is;
use crate::manifest::Entry;
use crate::model::{Map, Pointer, Reference, Segment, Value};
use crate::yaml::{Node, NodeValue};

/// An entry and its object.
pub struct Resource<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// What is live.
    pub live: &'a Map,
    /// What is known of its kind and of what it may refer to.
    pub context: Context<'a>,
    /// The id or slug of another resource.
    pub resolve: &'a dyn Fn(&Reference) -> Option<String>,
}

impl std::fmt::Debug for Resource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resource")
            .field("entry", &self.entry.address)
            .finish_non_exhaustive()
    }
}

/// An edit of an entry.
#[derive(Clone, Debug)]
pub struct Change {
    /// The place.
    pub at: Pointer,
    /// What happens there.
    pub what: What,
}

/// What happens at a place.
#[derive(Clone, Debug)]
pub enum What {
    /// It says this.
    Set(Node),
    /// It goes.
    Remove,
    /// The list there gets another element.
    Append(Node),
}

/// A difference that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The place.
    pub at: Pointer,
    /// Why.
    pub because: String,
}

/// The edits after which an entry says what is live, in an order in which they can be made, and
/// what is left. `whole` takes what the manifest changed as well; without it, that is left.
pub fn write_back(
    resource: &Resource<'_>,
    fields: &[FieldChange],
    whole: bool,
) -> (Vec<Change>, Vec<Left>) {
    let (mut sets, mut removals, mut appends) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = Vec::new();
    let mut lists: Vec<Pointer> = Vec::new();
    for field in fields {
        let at = &field.pointer;
        if let Some(because) = not_drift(field, whole) {
            left.push(Left {
                at: at.clone(),
                because,
            });
            continue;
        }
        // What is said of a list of another length is said once.
        let list = resource.resized_list(at);
        if let Some(list) = list {
            if lists.contains(&list) {
                continue;
            }
            let below = |it: &&FieldChange| list.contains(&it.pointer);
            let mixed = fields
                .iter()
                .filter(below)
                .any(|it| not_drift(it, whole).is_some());
            let result = match mixed {
                true => Err("the manifest changes this list as well".to_owned()),
                false => resource.list(&list),
            };
            match result {
                Ok(changes) => {
                    for change in changes {
                        match change.what {
                            What::Set(_) => sets.push(change),
                            What::Remove => removals.push(change),
                            What::Append(_) => appends.push(change),
                        }
                    }
                }
                Err(because) => left.push(Left {
                    at: list.clone(),
                    because,
                }),
            }
            lists.push(list);
            continue;
        }
        match resource.change(field) {
            Ok(change) => match change.what {
                What::Set(_) => sets.push(change),
                What::Remove => removals.push(change),
                What::Append(_) => appends.push(change),
            },
            Err(because) => left.push(Left {
                at: at.clone(),
                because,
            }),
        }
    }
    // From behind, so that what comes before keeps its place.
    removals.sort_by(|a, b| backwards(&a.at, &b.at));
    sets.append(&mut removals);
    sets.append(&mut appends);
    (sets, left)
}

fn backwards(a: &Pointer, b: &Pointer) -> std::cmp::Ordering {
    let key = |at: &Pointer| -> Vec<(usize, String)> {
        let segments = at.segments().iter();
        let number = |text: &String| text.parse().unwrap_or(usize::MAX);
        segments.map(|text| (number(text), text.clone())).collect()
    };
    key(b).cmp(&key(a))
}

/// Why a difference is not somebody else's, or not to be read.
fn not_drift(field: &FieldChange, whole: bool) -> Option<String> {
    let because = match (field.because, field.origin) {
        (Some(Because::NotFound), _) => "the server has not found it",
        (Some(Because::Absent), _) => "the API says that nothing is there, and not what was",
        (Some(_), _) => "the API does not show it",
        (None, Some(Origin::Intended)) => "the manifest changed it since the last apply",
        (None, Some(Origin::Conflict)) if !whole => {
            "the manifest changed it as well: name the entry to take what is live"
        }
        _ => return None,
    };
    Some(because.to_owned())
}

impl Resource<'_> {
    fn change(&self, field: &FieldChange) -> Result<Change, String> {
        let at = &field.pointer;
        let above = above(at);
        let in_list = matches!(self.declared(&above), Some(Value::List(_)));
        if at.segments().last().is_some_and(|last| last == "-") {
            self.is_own(&above)?;
            let what = What::Append(self.spell(at, &field.old)?);
            return Ok(Change { at: above, what });
        }
        self.is_own(at)?;
        let what = match &field.old {
            Value::Null if in_list => What::Remove,
            Value::Null if self.clears(at) => What::Set(Node::null()),
            Value::Null => What::Remove,
            old => What::Set(self.spell(at, old)?),
        };
        Ok(Change {
            at: at.clone(),
            what,
        })
    }

    /// The outermost list around a place that is longer or shorter live, where order counts.
    fn resized_list(&self, at: &Pointer) -> Option<Pointer> {
        let mut list = Pointer::root();
        for segment in at.segments() {
            if let (Some(Value::List(want)), Some(Value::List(have))) =
                (self.declared(&list), self.shown(&list))
            {
                let is_set = self.context.kind.has(&list, |is| matches!(is, Is::Set));
                if is_set {
                    return None;
                }
                if want.len() != have.len() {
                    return Some(list);
                }
            }
            list.push(segment);
        }
        None
    }

    /// A list that lost or gained elements.
    fn list(&self, at: &Pointer) -> Result<Vec<Change>, String> {
        let (Some(Value::List(want)), Some(Value::List(have))) =
            (self.declared(at), self.shown(at))
        else {
            return Err("there is no list".to_owned());
        };
        let same = |a: &Value, b: &Value| deep(a, b, self.resolve);
        let gone = missing(want, have, &same);
        if let Some(gone) = gone {
            return gone
                .into_iter()
                .map(|index| {
                    let at = at.child(index);
                    self.is_own(&at)?;
                    let what = What::Remove;
                    Ok(Change { at, what })
                })
                .collect();
        }
        if have.len() > want.len() && want.iter().zip(have).all(|(a, b)| same(a, b)) {
            self.is_own_here(at)?;
            let more = have.iter().skip(want.len());
            return more
                .map(|item| {
                    let what = What::Append(self.spell(&at.child("-"), item)?);
                    Ok(Change {
                        at: at.clone(),
                        what,
                    })
                })
                .collect();
        }
        self.is_own(at)?;
        let whole = Value::List(have.clone());
        let what = What::Set(self.spell(at, &whole)?);
        Ok(vec![Change {
            at: at.clone(),
            what,
        }])
    }

    fn spell(&self, at: &Pointer, value: &Value) -> Result<Node, String> {
        let mut node = spell_at(&self.context, at, value)?;
        if let Some(declared) = self.declared(at) {
            self.refer(&mut node, declared);
        }
        Ok(node)
    }

    /// Puts the references of a text back that the live one has as ids and slugs.
    fn refer(&self, node: &mut Node, declared: &Value) {
        let (NodeValue::Scalar { text, plain: false }, Value::Template(template)) =
            (&mut node.value, declared)
        else {
            return;
        };
        for segment in &template.0 {
            let Segment::Reference(reference) = segment else {
                continue;
            };
            if let Some(ident) = (self.resolve)(reference).filter(|ident| ident.len() > 7) {
                *text = text.replace(&ident, &super::spell::reference(reference));
            }
        }
    }

    /// Whether nothing there is a null that asks for it to be cleared, and not just an absence.
    fn clears(&self, at: &Pointer) -> bool {
        let above = above(at);
        let kind = self.context.kind;
        let managed = above.is_root() || kind.has(&above, |is| matches!(is, Is::Merge | Is::Patch));
        managed && may_be_null(self.context.schema, at)
    }

    /// Refuses what the entry takes from elsewhere.
    fn is_own(&self, at: &Pointer) -> Result<(), String> {
        match self.entry.taken_from(at) {
            None => Ok(()),
            Some((text, _)) => Err(format!("it comes from `{text}`: change it there")),
        }
    }

    /// [`Self::is_own`] for the list itself, whatever its elements are.
    fn is_own_here(&self, at: &Pointer) -> Result<(), String> {
        match self.entry.node(at) {
            Some(_) => Ok(()),
            None => self.is_own(at),
        }
    }

    fn declared(&self, at: &Pointer) -> Option<&Value> {
        find(&self.entry.fields, at)
    }

    fn shown(&self, at: &Pointer) -> Option<&Value> {
        find(self.live, at)
    }
}

/// The elements of `want` that `have` lacks, where it has all others in their order and no more.
fn missing(
    want: &[Value],
    have: &[Value],
    same: &dyn Fn(&Value, &Value) -> bool,
) -> Option<Vec<usize>> {
    let mut rest = have.iter().peekable();
    let mut gone = Vec::new();
    for (index, value) in want.iter().enumerate() {
        if rest.next_if(|have| same(value, have)).is_none() {
            gone.push(index);
        }
    }
    rest.next().is_none().then_some(gone)
}

fn above(at: &Pointer) -> Pointer {
    let mut above = at.clone();
    above.pop();
    above
}

fn find<'m>(map: &'m Map, at: &Pointer) -> Option<&'m Value> {
    let (first, rest) = at.segments().split_first()?;
    map.get(first)?.at(rest)
}
