//! The mock's description of the API: OpenAPI 3.1 documents with the behaviour as annotations.
//!
//! The documents are merged when the crate is built and embedded as JSON. Everything read from
//! them here is constant, so it is parsed once per process and profile, and shared by every mock
//! the process starts: a test-suite that starts hundreds of mocks parses the document once.

pub(crate) mod api;
pub(crate) mod behaviour;
pub(crate) mod document;
pub(crate) mod members;
pub(crate) mod node;
pub(crate) mod operation;
pub(crate) mod resource;
pub(crate) mod router;
pub(crate) mod schema;
pub(crate) mod spec;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

use self::api::{ApiSpec, SeedSpec};
use self::behaviour::{Action, ResourceSpec};
use self::document::{BASE_URI, Located};
use self::node::Node;
use self::operation::{METHODS, Operation};
use self::resource::Resource;
use self::router::Router;
use crate::coverage::Coverage;
use crate::{ArizeRevision, Profile, hooks};

/// A description that is part of the program. It is parsed when it is first asked for.
struct Embedded {
    text: &'static str,
    tree: OnceLock<Node>,
    parsed: OnceLock<Result<Description, String>>,
}

impl Embedded {
    const fn new(text: &'static str) -> Self {
        Embedded {
            text,
            tree: OnceLock::new(),
            parsed: OnceLock::new(),
        }
    }

    fn get(&'static self) -> Result<&'static Description, String> {
        let parsed = self.parsed.get_or_init(|| {
            let tree = Node::read(self.text)?;
            let description = Description::read(self.text, self.tree.get_or_init(|| tree))?;
            match description.not_served.first() {
                None => Ok(description),
                Some(problem) => Err(problem.clone()),
            }
        });
        parsed.as_ref().map_err(Clone::clone)
    }
}

/// A document that the build script made.
macro_rules! embedded {
    ($name:literal) => {
        Embedded::new(include_str!(concat!(env!("OUT_DIR"), "/", $name, ".json")))
    };
}

// Constants that need parsing: immutable, the same for every mock, and a megabyte each.
static PORTKEY_DOCUMENTED: Embedded = embedded!("portkey.documented");
static PORTKEY_LIVE: Embedded = embedded!("portkey.live");
static ARIZE: Embedded = embedded!("arize.current");
static ARIZE_FIRST: Embedded = embedded!("arize.2026-07-02");

/// A description, ready to serve.
#[derive(Debug)]
pub(crate) struct Description {
    /// The document as it is served to clients.
    pub(crate) text: &'static str,
    pub(crate) document: &'static Node,
    pub(crate) api: ApiSpec,
    /// The objects that an account begins with.
    pub(crate) seed: Vec<SeedSpec>,
    pub(crate) operations: Vec<Operation>,
    /// What of the document cannot be served, and why.
    pub(crate) not_served: Vec<String>,
    pub(crate) router: Router,
    pub(crate) resources: BTreeMap<String, Resource>,
    registry: OnceLock<Option<Registry<'static>>>,
    /// What requests have reached, if the environment asks for it.
    coverage: OnceLock<Option<Coverage>>,
}

impl Description {
    /// The embedded description of Portkey's API.
    pub(crate) fn portkey(profile: Profile) -> Result<&'static Description, String> {
        match profile {
            Profile::Documented => PORTKEY_DOCUMENTED.get(),
            Profile::Live => PORTKEY_LIVE.get(),
        }
    }

    /// The embedded description of Arize's API.
    pub(crate) fn arize(revision: ArizeRevision) -> Result<&'static Description, String> {
        match revision {
            ArizeRevision::Current => ARIZE.get(),
            ArizeRevision::Of20260702 => ARIZE_FIRST.get(),
        }
    }

    fn read(text: &'static str, document: &'static Node) -> Result<Description, String> {
        let root = Located::root(document);
        let api = document
            .get("x-api")
            .ok_or("the description has no x-api")?;
        let api: ApiSpec =
            serde_json::from_value(Value::from(api)).map_err(|error| format!("x-api: {error}"))?;
        let seed = match document.get("x-seed") {
            None => Vec::new(),
            Some(seed) => serde_json::from_value(Value::from(seed))
                .map_err(|error| format!("x-seed: {error}"))?,
        };
        let paths = root.get("paths").ok_or("the description has no paths")?;
        let mut operations = Vec::new();
        let mut router = Router::default();
        let mut not_served = Vec::new();
        for path in paths.value.keys() {
            let Some(item) = paths.get(path) else {
                continue;
            };
            for method in METHODS {
                if let Some(operation) = Operation::read(document, &api, path, &item, method)? {
                    match router.add(path, method, operations.len()) {
                        Ok(()) => operations.push(operation),
                        Err(problem) => not_served.push(problem),
                    }
                }
            }
        }
        not_served.extend(router.finish());
        let mut specs = BTreeMap::new();
        if let Some(annotations) = document.get("x-resources").and_then(Node::as_object) {
            for (name, annotation) in annotations {
                let spec = serde_json::from_value::<ResourceSpec>(Value::from(annotation))
                    .map_err(|error| format!("x-resources.{name}: {error}"))?;
                specs.insert(name.to_string(), spec);
            }
        }
        let description = Description {
            text,
            document,
            api,
            seed,
            operations,
            not_served,
            router,
            resources: resource::prepare(specs)?,
            registry: OnceLock::new(),
            coverage: OnceLock::new(),
        };
        description.check()?;
        Ok(description)
    }

    /// What requests have reached, if that is to be known.
    pub(crate) fn coverage(&self) -> Option<&Coverage> {
        let wanted = || {
            (self.api.name == "portkey")
                .then(Coverage::wanted)
                .flatten()
        };
        self.coverage.get_or_init(wanted).as_ref()
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
    ///
    /// It is boxed because most operations are never asked for, and it is large.
    pub(crate) fn validator(&self, located: &Located) -> Option<Box<Validator>> {
        let registry = self
            .registry
            .get_or_init(|| {
                // The library's own kind of tree is several times as large, and idle mocks need none.
                let document: Value = serde_json::from_str(self.text).ok()?;
                let document: &'static Value = Box::leak(Box::new(document));
                Registry::new()
                    .draft(Draft::Draft202012)
                    .add(BASE_URI, document)
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
            .map(Box::new)
    }
}

#[cfg(test)]
mod tests {
    use super::Description;
    use crate::{ArizeRevision, Profile};

    #[test]
    fn every_schema_of_a_request_or_a_response_compiles() {
        let descriptions = [
            Description::portkey(Profile::Documented),
            Description::portkey(Profile::Live),
            Description::arize(ArizeRevision::Current),
            Description::arize(ArizeRevision::Of20260702),
        ];
        for description in descriptions.map(Result::unwrap) {
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
