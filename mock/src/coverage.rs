//! Which parts of the description requests have reached: operations, documented statuses,
//! parameters, and the branches of the schemas of bodies.
//!
//! Off unless `GATEWRIGHT_MOCK_COVERAGE` names a file. To it, every process appends what it reaches
//! for the first time, one name a line; the tool `coverage` puts the files of a test-suite together
//! and compares them with what there is to reach. One walk over a schema does both: without a
//! value it names everything, with one what the value has.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::Value;

use crate::Profile;
use crate::description::Description;
use crate::description::document::Located;
use crate::description::operation::{Operation, Parameter, ParameterIn};
use crate::engine::parameters::Raw;
use crate::engine::request::Request;

/// Names the file to append to.
const VARIABLE: &str = "GATEWRIGHT_MOCK_COVERAGE";

/// How deep values are followed.
const MAX_DEPTH: usize = 32;

/// Everything there is to reach in the live profile, by name.
///
/// # Errors
///
/// The embedded description is wrong.
pub fn reachable() -> Result<BTreeSet<String>, String> {
    let description = Description::portkey(Profile::Live)?;
    let mut walk = Walk {
        description,
        validators: &mut HashMap::new(),
        found: BTreeSet::new(),
        entered: BTreeSet::new(),
    };
    for operation in &description.operations {
        let mut names = vec![format!("operation {}", operation.id)];
        let statuses = operation.responses.iter().filter_map(|r| r.status);
        names.extend(statuses.map(|status| named_status(operation, status)));
        names.extend(operation.parameters.iter().map(|p| named(operation, p)));
        walk.found.extend(names);
        for content in operation.body.iter().flat_map(|body| &body.contents) {
            if let Some(schema) = &content.schema {
                walk.visit(schema, None, 0);
            }
        }
    }
    Ok(walk.found)
}

/// What the requests of this process have reached.
#[derive(Debug)]
pub(crate) struct Coverage {
    state: Mutex<Reached>,
}

#[derive(Debug)]
struct Reached {
    file: File,
    known: BTreeSet<String>,
    validators: HashMap<String, Option<Box<Validator>>>,
}

impl Coverage {
    /// The coverage that the environment asks for.
    pub(crate) fn wanted() -> Option<Coverage> {
        let path = std::env::var_os(VARIABLE)?;
        let file = OpenOptions::new().create(true).append(true).open(path);
        Some(Coverage {
            state: Mutex::new(Reached {
                file: file.ok()?,
                known: BTreeSet::new(),
                validators: HashMap::new(),
            }),
        })
    }

    /// An operation was answered.
    pub(crate) fn answered(&self, operation: &Operation, status: u16) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.add([
            format!("operation {}", operation.id),
            named_status(operation, status),
        ]);
    }

    /// A request was found to be valid.
    pub(crate) fn accepted(
        &self,
        description: &'static Description,
        operation: &Operation,
        request: &Request,
        raw: &Raw<'_>,
    ) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = operation.parameters.iter().filter(|p| match p.place {
            ParameterIn::Path => request.segment(&p.name).is_some(),
            ParameterIn::Query => request.query.contains_key(&p.name),
            ParameterIn::Header => raw.headers.contains_key(&p.name),
        });
        state.add(sent.map(|parameter| named(operation, parameter)));
        let Some(body) = &request.body else {
            return;
        };
        let mut walk = Walk {
            description,
            validators: &mut state.validators,
            found: BTreeSet::new(),
            entered: BTreeSet::new(),
        };
        for content in operation.body.iter().flat_map(|body| &body.contents) {
            if let Some(schema) = &content.schema {
                walk.visit(schema, Some(body), 0);
            }
        }
        let found = walk.found;
        state.add(found);
    }
}

impl Reached {
    fn add(&mut self, names: impl IntoIterator<Item = String>) {
        let mut lines = String::new();
        for name in names {
            if !self.known.contains(&name) {
                lines.push_str(&name);
                lines.push('\n');
                self.known.insert(name);
            }
        }
        // In one write, so that the lines of several processes do not mix. A file that cannot be
        // written to shows as a figure that falls.
        let _ = self.file.write_all(lines.as_bytes());
    }
}

fn named_status(operation: &Operation, status: u16) -> String {
    format!("status {} {status}", operation.id)
}

fn named(operation: &Operation, parameter: &Parameter) -> String {
    let place = match parameter.place {
        ParameterIn::Path => "path",
        ParameterIn::Query => "query",
        ParameterIn::Header => "header",
    };
    format!("parameter {} {place}:{}", operation.id, parameter.name)
}

/// A walk over a schema: its properties, the values of its enums, and the arms of its choices.
struct Walk<'w> {
    description: &'static Description,
    validators: &'w mut HashMap<String, Option<Box<Validator>>>,
    found: BTreeSet<String>,
    entered: BTreeSet<String>,
}

impl Walk<'_> {
    fn visit(&mut self, schema: &Located, value: Option<&Value>, depth: usize) {
        let Some(schema) = schema.resolved(self.description.document) else {
            return;
        };
        if depth > MAX_DEPTH {
            return;
        }
        // Without a value a schema is walked once; it is entered again only from inside itself or
        // from another operation, and has nothing new to tell then.
        if value.is_none() && !self.entered.insert(schema.pointer.clone()) {
            return;
        }
        let values = schema.get("enum");
        for index in 0..values.as_ref().map_or(0, length) {
            let item = values.as_ref().and_then(|values| values.item(index));
            if let Some(item) = item
                && value.is_none_or(|value| *value == Value::from(item.value))
            {
                self.found.insert(format!("schema {}", item.pointer));
            }
        }
        if let Some(properties) = schema.get("properties") {
            for name in properties.value.keys() {
                let there = value.map(|value| value.get(name));
                if let Some(property) = properties.get(name)
                    && there != Some(None)
                {
                    self.found.insert(format!("schema {}", property.pointer));
                    self.visit(&property, there.flatten(), depth + 1);
                }
            }
        }
        if let Some(items) = schema.get("items") {
            match value {
                None => self.visit(&items, None, depth + 1),
                Some(value) => {
                    for item in value.as_array().into_iter().flatten() {
                        self.visit(&items, Some(item), depth + 1);
                    }
                }
            }
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let Some(arms) = schema.get(keyword) else {
                continue;
            };
            for index in 0..length(&arms) {
                let Some(arm) = arms.item(index) else {
                    continue;
                };
                if keyword == "allOf" || value.is_none_or(|value| self.fits(&arm, value)) {
                    self.found.insert(format!("schema {}", arm.pointer));
                    self.visit(&arm, value, depth + 1);
                }
            }
        }
    }

    fn fits(&mut self, schema: &Located, value: &Value) -> bool {
        let description = self.description;
        self.validators
            .entry(schema.pointer.clone())
            .or_insert_with(|| description.validator(schema))
            .as_ref()
            .is_some_and(|validator| validator.is_valid(value))
    }
}

fn length(list: &Located) -> usize {
    list.value.as_array().map_or(0, <[_]>::len)
}
