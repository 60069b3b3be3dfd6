//! The mock's description of the API: OpenAPI 3.1 documents with the behaviour as annotations.
//!
//! The documents are merged when the crate is built and embedded as JSON. Everything read from
//! them here is constant, so it is parsed once per process and profile, and shared by every mock
//! the process starts: a test-suite that starts hundreds of mocks parses the document once.

pub(crate) mod behaviour;
pub(crate) mod document;
pub(crate) mod operation;
pub(crate) mod resource;
pub(crate) mod router;
pub(crate) mod schema;

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

use self::behaviour::{Action, ResourceSpec};
use self::document::{BASE_URI, Located};
use self::operation::{METHODS, Operation};
use self::resource::Resource;
use self::router::Router;
use crate::{Profile, hooks};

const DOCUMENTED: &str = include_str!(concat!(env!("OUT_DIR"), "/portkey.documented.json"));
const LIVE: &str = include_str!(concat!(env!("OUT_DIR"), "/portkey.live.json"));

/// A description, ready to serve.
#[derive(Debug)]
pub(crate) struct Description {
    /// The document as it is served to clients.
    pub(crate) text: &'static str,
    pub(crate) document: &'static Value,
    pub(crate) operations: Vec<Operation>,
    pub(crate) router: Router,
    pub(crate) resources: HashMap<String, Resource>,
    registry: OnceLock<Option<Registry<'static>>>,
}

impl Description {
    /// The embedded description of `profile`.
    pub(crate) fn embedded(profile: Profile) -> Result<&'static Description, String> {
        type Parsed = OnceLock<Result<Description, String>>;
        // Constants that need parsing: immutable, the same for every mock, and a megabyte each.
        static DOCUMENTED_PARSED: Parsed = OnceLock::new();
        static LIVE_PARSED: Parsed = OnceLock::new();
        static DOCUMENTED_VALUE: OnceLock<Value> = OnceLock::new();
        static LIVE_VALUE: OnceLock<Value> = OnceLock::new();
        let (parsed, value, text) = match profile {
            Profile::Documented => (&DOCUMENTED_PARSED, &DOCUMENTED_VALUE, DOCUMENTED),
            Profile::Live => (&LIVE_PARSED, &LIVE_VALUE, LIVE),
        };
        let description = parsed.get_or_init(|| {
            let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            Description::read(text, value.get_or_init(|| document))
        });
        description.as_ref().map_err(Clone::clone)
    }

    fn read(text: &'static str, document: &'static Value) -> Result<Description, String> {
        let root = Located::root(document);
        let paths = root.get("paths").ok_or("the description has no paths")?;
        let mut operations = Vec::new();
        let mut router = Router::default();
        for path in paths
            .value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(path, _)| path)
        {
            let Some(item) = paths.get(path) else {
                continue;
            };
            for method in METHODS {
                if let Some(operation) = Operation::read(document, path, &item, method)? {
                    router.add(path, method, operations.len())?;
                    operations.push(operation);
                }
            }
        }
        router.finish()?;
        let mut specs = HashMap::new();
        if let Some(annotations) = document.get("x-resources").and_then(Value::as_object) {
            for (name, annotation) in annotations {
                let spec = serde_json::from_value::<ResourceSpec>(annotation.clone())
                    .map_err(|error| format!("x-resources.{name}: {error}"))?;
                specs.insert(name.clone(), spec);
            }
        }
        let description = Description {
            text,
            document,
            operations,
            router,
            resources: resource::prepare(specs)?,
            registry: OnceLock::new(),
        };
        description.check()?;
        Ok(description)
    }

    /// Refuses annotations that name a resource or code that does not exist.
    fn check(&self) -> Result<(), String> {
        for operation in &self.operations {
            let Some(behaviour) = &operation.behaviour else {
                continue;
            };
            let own = matches!(behaviour.action, Action::Call | Action::View);
            if own && behaviour.step.is_none() {
                return Err(format!("{}: no step", operation.id));
            }
            if !self.resources.contains_key(&behaviour.resource) {
                return Err(format!(
                    "{}: no resource `{}`",
                    operation.id, behaviour.resource
                ));
            }
        }
        for resource in self.resources.values() {
            if let Some(editions) = &resource.spec.editions
                && !self.resources.contains_key(&editions.kind)
            {
                return Err(format!(
                    "x-resources.{}: no resource `{}`",
                    resource.name, editions.kind
                ));
            }
            if let Some(hook) = &resource.spec.hook
                && hooks::named(hook).is_none()
            {
                return Err(format!("x-resources.{}: no hook `{hook}`", resource.name));
            }
        }
        Ok(())
    }

    /// Compiles the validator of the schema at `located`.
    ///
    /// All validators share one registry that holds the whole document, so that a schema's
    /// references are resolved in place. `None` means that the schema cannot be compiled; a test
    /// compiles every schema of the description, so this does not happen to a released one.
    pub(crate) fn validator(&self, located: &Located) -> Option<Validator> {
        let registry = self
            .registry
            .get_or_init(|| {
                Registry::new()
                    .draft(Draft::Draft202012)
                    .add(BASE_URI, self.document)
                    .ok()?
                    .prepare()
                    .ok()
            })
            .as_ref()?;
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(registry)
            .should_validate_formats(true)
            .build(&json!({ "$ref": located.uri() }))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Description;
    use crate::Profile;

    #[test]
    fn every_schema_of_a_request_or_a_response_compiles() {
        for profile in [Profile::Documented, Profile::Live] {
            let description = Description::embedded(profile).unwrap();
            let mut compiled = 0;
            for operation in &description.operations {
                let parameters = operation.parameters.iter().map(|p| &p.schema);
                let bodies = operation.body.iter().flat_map(|body| &body.contents);
                let responses = operation.responses.iter().flat_map(|r| &r.contents);
                let contents = bodies.chain(responses).map(|content| &content.schema);
                for schema in parameters.chain(contents).flatten() {
                    let validator = description.validator(schema);
                    assert!(validator.is_some(), "{}: {}", operation.id, schema.pointer);
                    compiled += 1;
                }
            }
            assert!(compiled > 400, "only {compiled} schemas were found");
        }
    }
}
