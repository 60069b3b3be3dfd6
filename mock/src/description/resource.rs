//! A resource annotation, prepared for use: field paths parsed, and who depends on whom known.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::behaviour::{OnDelete, ReferenceSpec, ResourceSpec};

/// The reference by which a member of a sub-collection names its owner.
pub(crate) const OWNER: &str = "^owner";

/// One kind of object.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: Arc<str>,
    pub(crate) spec: ResourceSpec,
    pub(crate) references: Vec<Reference>,
    pub(crate) dropped: Vec<(FieldPath, Value)>,
    pub(crate) fixed: Vec<(String, FieldPath)>,
    pub(crate) filled: Vec<(FieldPath, Value)>,
    /// The references of all kinds that name objects of this kind.
    pub(crate) dependents: Vec<Dependent>,
}

/// A field that names another object.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) field: Arc<str>,
    pub(crate) path: FieldPath,
    pub(crate) spec: ReferenceSpec,
}

/// A kind that holds references to another, and what a deletion does to it.
#[derive(Debug)]
pub(crate) struct Dependent {
    pub(crate) resource: Arc<str>,
    pub(crate) field: Arc<str>,
    pub(crate) on_delete: OnDelete,
}

/// Prepares all resources.
pub(crate) fn prepare(
    specs: BTreeMap<String, ResourceSpec>,
) -> Result<BTreeMap<String, Resource>, String> {
    let mut dependents: BTreeMap<String, Vec<Dependent>> = BTreeMap::new();
    for (name, spec) in &specs {
        let owner = spec
            .member
            .iter()
            .map(|m| (&m.of, OWNER.to_owned(), OnDelete::Cascade));
        let named = spec
            .references
            .iter()
            .map(|(f, r)| (&r.to, f.clone(), r.on_delete));
        for (target, field, on_delete) in owner.chain(named) {
            if !specs.contains_key(target) {
                return Err(format!("x-resources.{name}: no resource `{target}`"));
            }
            dependents
                .entry(target.clone())
                .or_default()
                .push(Dependent {
                    resource: Arc::from(name.as_str()),
                    field: Arc::from(field),
                    on_delete,
                });
        }
    }
    let prepared = specs.into_iter().map(|(name, spec)| {
        let resource = Resource {
            references: spec
                .references
                .iter()
                .map(|(field, spec)| Reference {
                    field: Arc::from(field.as_str()),
                    path: FieldPath::parse(field),
                    spec: spec.clone(),
                })
                .collect(),
            dropped: by_path(&spec.dropped),
            fixed: spec
                .fixed
                .iter()
                .map(|path| (path.clone(), FieldPath::parse(path)))
                .collect(),
            filled: by_path(&spec.filled),
            dependents: dependents.remove(&name).unwrap_or_default(),
            name: Arc::from(name.as_str()),
            spec,
        };
        (name, resource)
    });
    Ok(prepared.collect())
}

fn by_path(values: &IndexMap<String, Value>) -> Vec<(FieldPath, Value)> {
    values
        .iter()
        .map(|(path, value)| (FieldPath::parse(path), value.clone()))
        .collect()
}

/// The path of a field inside an object: `a.b`, `list[*].field`.
#[derive(Debug)]
pub(crate) struct FieldPath(Vec<Step>);

#[derive(Debug)]
enum Step {
    Field(String),
    Each,
}

impl FieldPath {
    /// Parses a path.
    pub(crate) fn parse(path: &str) -> FieldPath {
        let mut steps = Vec::new();
        for part in path.split('.') {
            match part.strip_suffix("[*]") {
                Some(field) => steps.extend([Step::Field(field.to_owned()), Step::Each]),
                None => steps.push(Step::Field(part.to_owned())),
            }
        }
        FieldPath(steps)
    }

    /// The only step of a path that has one: a field of the object itself.
    pub(crate) fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Step::Field(field)] => Some(field),
            _ => None,
        }
    }

    /// The value at the end of a path without lists.
    pub(crate) fn value<'v>(&self, fields: &'v Map<String, Value>) -> Option<&'v Value> {
        let mut steps = self.0.iter();
        let Some(Step::Field(first)) = steps.next() else {
            return None;
        };
        steps.try_fold(fields.get(first)?, |value, step| match step {
            Step::Field(field) => value.get(field),
            Step::Each => None,
        })
    }

    /// Calls `visit` with every value that the path leads to.
    pub(crate) fn visit<E>(
        &self,
        fields: &mut Map<String, Value>,
        visit: &mut impl FnMut(&mut Value) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.0.split_first() {
            Some((Step::Field(field), rest)) => match fields.get_mut(field) {
                Some(value) => visit_steps(rest, value, visit),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Removes every field that the path leads to and that has this value.
    pub(crate) fn remove(&self, fields: &mut Map<String, Value>, value: &Value) {
        self.visit_holders(fields, |holder, field| {
            if holder.get(field) == Some(value) {
                holder.remove(field);
            }
        });
    }

    /// Gives every field that the path leads to this value, where it is absent or null.
    pub(crate) fn fill(&self, fields: &mut Map<String, Value>, value: &Value) {
        self.visit_holders(fields, |holder, field| {
            if holder.get(field).is_none_or(Value::is_null) {
                holder.insert(field.to_owned(), value.clone());
            }
        });
    }

    /// Calls `visit` with every object that can hold the last field of the path.
    fn visit_holders(
        &self,
        fields: &mut Map<String, Value>,
        visit: impl Fn(&mut Map<String, Value>, &str),
    ) {
        let Some((Step::Field(last), holders)) = self.0.split_last() else {
            return;
        };
        match holders.split_first() {
            None => visit(fields, last),
            Some((Step::Field(field), rest)) => {
                let Some(inner) = fields.get_mut(field) else {
                    return;
                };
                let _ = visit_steps(rest, inner, &mut |holder| {
                    if let Value::Object(holder) = holder {
                        visit(holder, last);
                    }
                    Ok::<(), ()>(())
                });
            }
            Some((Step::Each, _)) => {}
        }
    }
}

fn visit_steps<E>(
    steps: &[Step],
    value: &mut Value,
    visit: &mut impl FnMut(&mut Value) -> Result<(), E>,
) -> Result<(), E> {
    match (steps.split_first(), value) {
        (None, value) => visit(value),
        (Some((Step::Field(field), rest)), Value::Object(fields)) => match fields.get_mut(field) {
            Some(value) => visit_steps(rest, value, visit),
            None => Ok(()),
        },
        (Some((Step::Each, rest)), Value::Array(items)) => items
            .iter_mut()
            .try_for_each(|item| visit_steps(rest, item, visit)),
        // A value of another type than the path expects holds no reference.
        _ => Ok(()),
    }
}
