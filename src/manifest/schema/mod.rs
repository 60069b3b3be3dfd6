//! Checks values against their JSON Schemas and says what is wrong in the terms of the YAML.

mod explain;
mod faults;
mod lookup;
mod plain;

use super::locate::Locator;
use super::read::Origins;
use crate::diagnostic::{Diagnostic, Sources};
use crate::kind::Kind;

pub(super) use plain::plain;

/// A schema, ready to check many values.
#[derive(Debug)]
pub(super) struct Compiled {
    validator: jsonschema::Validator,
    schema: serde_json::Value,
}

/// A value to check, and where it stands.
pub(super) struct Subject<'a> {
    /// What it is, for messages: `integration`.
    pub(super) noun: &'a str,
    pub(super) locator: &'a Locator,
    pub(super) origins: &'a Origins,
    pub(super) json: &'a serde_json::Value,
}

impl Compiled {
    /// The schema of a kind's entries.
    pub(super) fn of_kind(kind: &Kind) -> Result<Self, Box<Diagnostic>> {
        Self::new(kind.name, crate::schema::kind_schema(kind))
    }

    /// Prepares a schema of draft 2020-12.
    pub(super) fn new(name: &str, schema: serde_json::Value) -> Result<Self, Box<Diagnostic>> {
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| {
                let message = format!("the schema of `{name}` is not valid: {error}");
                Box::new(
                    Diagnostic::error("internal", message)
                        .help("this is a mistake in gatewright; please report it"),
                )
            })?;
        Ok(Self { validator, schema })
    }

    /// Reports everything that is wrong with a value; says whether it is right.
    pub(super) fn check(
        &self,
        subject: &Subject<'_>,
        sources: &mut Sources,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> bool {
        if self.validator.is_valid(subject.json) {
            return true;
        }
        let faults = faults::collect(self.validator.iter_errors(subject.json));
        let found = explain::explain(&self.schema, subject, faults, sources);
        let right = found.is_empty();
        diagnostics.extend(found);
        right
    }
}
