//! The project file `gatewright.yaml`: which files there are, where the systems are, and what
//! differs between environments.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Options;
use super::files::Glob;
use super::gates;
use super::locate::Locator;
use super::read::{Origin, Origins, Reader, Scope, Variables};
use super::schema::{Compiled, Subject};
use crate::diagnostic::{Diagnostic, FileId, Location, did_you_mean};
use crate::model::{Gates, Map, Pointer, Secret, Sink, Value};
use crate::yaml::{self, Member, Node, NodeValue, Scalar};

/// The format version that this program reads.
const VERSION: u64 = 1;

/// What the project file says, for the chosen environment.
#[derive(Debug, Default)]
pub struct Project {
    /// What it says of systems, by their names.
    pub systems: BTreeMap<String, SystemSettings>,
    /// The key of the fingerprints in the ledger.
    pub fingerprint_key: Option<Secret>,
    /// Whether secrets may stand in the repository in the clear.
    pub allow_literal_secrets: bool,
    /// What plans may delete.
    pub gates: Gates,
    /// Whether the repository may name programs to be run.
    pub allow_exec: bool,
    /// Where secrets go that a server makes, unless an entry says otherwise.
    pub sink: Option<Sink>,
    /// Where the ledgers are, if not in the repository.
    pub ledger: Option<String>,
    /// The variables, interpolated.
    pub vars: Map,
    /// The patterns of the manifests; none where every YAML file is one.
    pub manifests: Vec<String>,
}

/// What the project file says of a system.
#[derive(Debug, Default)]
pub struct SystemSettings {
    /// Where it is.
    pub base_url: Option<String>,
    /// In which of its regions, where `base_url` does not say it.
    pub region: Option<String>,
    /// The key to sign in with. An environment variable that is not set is a problem only for
    /// commands that talk to the API: they report the diagnostic.
    pub api_key: Option<Result<Secret, Box<Diagnostic>>>,
}

/// Reads the project file's tree; returns the patterns of the manifests as well, `None` where the
/// file has none, and what has to be declared. Problems go to the reader.
pub(super) fn read(
    file: FileId,
    root: Node,
    reader: &mut Reader<'_>,
) -> (Project, Option<Vec<Glob>>, Vec<gates::Within>) {
    let locator = Locator {
        file,
        key: 0..0,
        node: Arc::new(root),
    };
    check(&locator, reader);
    let scope = Scope::new(file, reader.options.root.to_owned());
    let top = overlaid(&locator, reader);
    let child = |name: &str| top.member(name).map(|member| &member.value);
    let flag = child("allow_literal_secrets").and_then(literal_bool);
    reader.allow_literal_secrets = flag.unwrap_or(false);
    let flag = child("allow_exec").and_then(literal_bool);
    reader.allow_exec = flag.unwrap_or(false);
    if let Some(NodeValue::Mapping(vars)) = child("vars").map(|node| &node.value) {
        reader.variables = std::rc::Rc::new(Variables {
            members: vars.clone(),
            scope: scope.clone(),
        });
    }
    let mut project = Project {
        allow_literal_secrets: reader.allow_literal_secrets,
        allow_exec: reader.allow_exec,
        ..Project::default()
    };
    for member in child("vars").and_then(Node::members).unwrap_or_default() {
        if let Some(value) = reader.value(&member.value, &scope) {
            project.vars.insert(member.key.clone(), value);
        }
    }
    if let Some(node) = child("fingerprint_key").filter(|node| !node.is_null()) {
        project.fingerprint_key = reader.secret(node, &scope);
    }
    let gate = |name: &str| {
        let node = child(name).filter(|node| !node.is_null())?;
        let json = literal(node, &mut Pointer::root(), &mut Origins::new());
        Some((node, json))
    };
    let (gates, within) = gates::read(file, [gate("exclusive"), gate("limits")], reader);
    project.gates = gates;
    if let Some(node) = child("ledger").filter(|node| !node.is_null()) {
        let value = reader.value(node, &scope);
        project.ledger = value.and_then(|value| value.as_str().map(str::to_owned));
        let fault = project.ledger.as_deref().map(crate::ledger::check_place);
        if let (Some(Err(reason)), Some(url)) = (fault, &project.ledger) {
            let message = format!("`{url}` is no place for a ledger: {reason}");
            let problem = Diagnostic::error("ledger-place", message);
            reader.diagnostics.push(problem.at(scope.at(node), ""));
        }
    }
    if let Some(node) = child("sink").filter(|node| !node.is_null()) {
        project.sink = reader.sink(node, &scope);
    }
    for member in child("systems").and_then(Node::members).unwrap_or_default() {
        let settings = system(member, &scope, reader);
        project.systems.insert(member.key.clone(), settings);
    }
    let globs = child("manifests").and_then(|node| match &node.value {
        NodeValue::Sequence(items) => {
            Some(items.iter().filter_map(|item| glob(file, item)).collect())
        }
        _ => None,
    });
    let patterns = globs.iter().flatten().map(|glob: &Glob| glob.text.clone());
    project.manifests = patterns.collect();
    (project, globs, within)
}

fn system(member: &Member, scope: &Scope, reader: &mut Reader<'_>) -> SystemSettings {
    let systems = reader.options.systems;
    let Some(known) = systems.iter().find(|system| system.name == member.key) else {
        let names = reader.options.systems.iter().map(|system| system.name);
        let location = Location {
            file: scope.file,
            span: member.key_span.clone(),
        };
        let known: Vec<_> = names.clone().map(|name| format!("`{name}`")).collect();
        let diagnostic =
            Diagnostic::error("unknown-system", format!("unknown system `{}`", member.key))
                .at(location, "")
                .note(format!("the systems are {}", known.join(" and ")))
                .maybe_help(did_you_mean(&member.key, names));
        reader.diagnostics.push(diagnostic);
        return SystemSettings::default();
    };
    let mut settings = SystemSettings::default();
    let child = |name: &str| {
        let member = member.value.member(name)?;
        (!member.value.is_null()).then_some(&member.value)
    };
    if let Some(node) = child("base_url") {
        let value = reader.value(node, scope);
        settings.base_url = value.and_then(|value| value.as_str().map(str::to_owned));
    }
    if let Some(node) = child("region") {
        let value = reader.value(node, scope);
        settings.region = value.and_then(|value| value.as_str().map(str::to_owned));
        if known.regional_base_url.is_none() {
            let message = format!("{} has no regions", known.name);
            reader.diagnostics.push(
                Diagnostic::error("no-regions", message)
                    .at(scope.at(node), "")
                    .help("say where it is with `base_url`"),
            );
        }
    }
    if let Some(node) = child("api_key") {
        // What is unset elsewhere must not be taken for this key's.
        let unset = reader.take_unset();
        reader.diagnostics.extend(unset);
        let secret = reader.secret(node, scope);
        let unset = reader.take_unset().into_iter().next();
        settings.api_key = secret
            .map(Ok)
            .or_else(|| unset.map(|problem| Err(Box::new(problem))));
    }
    settings
}

/// Checks the whole file against its schema, and its version.
fn check(locator: &Locator, reader: &mut Reader<'_>) {
    let mut origins = Origins::new();
    let json = literal(&locator.node, &mut Pointer::root(), &mut origins);
    if let Some(found) = json.get("gatewright")
        && found.is_number()
        && found.as_u64() != Some(VERSION)
    {
        let location = locator.value(&Pointer::from("/gatewright"));
        let message = format!("format version {found} is not supported");
        reader.diagnostics.push(
            Diagnostic::error("unsupported-version", message)
                .at(location, format!("this program reads version {VERSION}"))
                .help("use a release of gatewright that knows this version"),
        );
        return;
    }
    let subject = Subject {
        noun: "project",
        locator,
        origins: &origins,
        json: &json,
    };
    match Compiled::new("project", crate::schema::project_schema()) {
        Ok(compiled) => {
            compiled.check(&subject, reader.sources, &mut reader.diagnostics);
        }
        Err(problem) => reader.diagnostics.push(*problem),
    }
}

/// The project with its environment laid over it.
fn overlaid(locator: &Locator, reader: &mut Reader<'_>) -> Node {
    let Options { environment, .. } = reader.options;
    let base = (*locator.node).clone();
    let Some(wanted) = *environment else {
        return base;
    };
    let environments = locator.node.member("environments");
    let known = environments.and_then(|member| member.value.members());
    let known = known.unwrap_or_default();
    if let Some(found) = known.iter().find(|member| member.key == wanted) {
        return overlay(base, &found.value);
    }
    let names = || known.iter().map(|member| member.key.as_str());
    let listed: Vec<_> = names().map(|name| format!("`{name}`")).collect();
    let mut diagnostic = Diagnostic::error(
        "unknown-environment",
        format!("unknown environment `{wanted}`"),
    );
    diagnostic = match environments {
        Some(member) => {
            let location = Location {
                file: locator.file,
                span: member.key_span.clone(),
            };
            diagnostic.at(location, "declared here")
        }
        None => diagnostic,
    };
    diagnostic = match listed.as_slice() {
        [] => diagnostic.note("the project file declares no environments"),
        listed => diagnostic.note(format!("there are {}", listed.join(", "))),
    };
    reader
        .diagnostics
        .push(diagnostic.maybe_help(did_you_mean(wanted, names())));
    base
}

/// Maps are merged member by member; everything else is replaced.
fn overlay(base: Node, over: &Node) -> Node {
    match (base.value, &over.value) {
        (NodeValue::Mapping(mut members), NodeValue::Mapping(more)) => {
            for member in more {
                match members.iter_mut().find(|known| known.key == member.key) {
                    Some(known) => {
                        let below = Node {
                            span: known.value.span.clone(),
                            value: std::mem::replace(
                                &mut known.value.value,
                                NodeValue::Sequence(Vec::new()),
                            ),
                        };
                        *known = Member {
                            value: overlay(below, &member.value),
                            ..member.clone()
                        };
                    }
                    None => members.push(member.clone()),
                }
            }
            Node {
                span: base.span,
                value: NodeValue::Mapping(members),
            }
        }
        // `staging:` with nothing below it overlays nothing.
        (value @ NodeValue::Mapping(_), NodeValue::Scalar { .. }) if over.is_null() => Node {
            span: base.span,
            value,
        },
        _ => over.clone(),
    }
}

/// A tree as JSON with nothing filled in: what has interpolations is only checked for its type.
fn literal(node: &Node, pointer: &mut Pointer, origins: &mut Origins) -> serde_json::Value {
    let json = match &node.value {
        NodeValue::Scalar { text, .. } if text.contains("${") => {
            origins.insert(pointer.to_string(), Origin::Opaque);
            Value::text(text)
        }
        NodeValue::Scalar { text, plain: false } => Value::text(text),
        NodeValue::Scalar { text, plain: true } => match yaml::resolve(text) {
            Ok(Scalar::Null) => Value::Null,
            Ok(Scalar::Bool(flag)) => Value::Bool(flag),
            Ok(Scalar::Number(number)) => Value::Number(number),
            Ok(Scalar::Text) | Err(_) => Value::text(text),
        },
        NodeValue::Sequence(items) => {
            let items = items.iter().enumerate().map(|(at, item)| {
                pointer.push(at);
                let json = literal(item, pointer, origins);
                pointer.pop();
                json
            });
            return items.collect();
        }
        NodeValue::Mapping(members) => {
            let members = members.iter().map(|member| {
                pointer.push(&member.key);
                let json = literal(&member.value, pointer, origins);
                pointer.pop();
                (member.key.clone(), json)
            });
            // Leaving a part of the project file empty is the same as leaving it out.
            let top = |json: &serde_json::Value| !json.is_null();
            return members.filter(|(_, json)| top(json)).collect();
        }
    };
    json.to_wire(&|_| None).unwrap_or_default()
}

fn literal_bool(node: &Node) -> Option<bool> {
    match &node.value {
        NodeValue::Scalar { text, plain: true } => text.parse().ok(),
        _ => None,
    }
}

fn glob(file: FileId, node: &Node) -> Option<Glob> {
    match &node.value {
        NodeValue::Scalar { text, .. } => Some(Glob {
            text: text.clone(),
            place: Location {
                file,
                span: node.span.clone(),
            },
        }),
        _ => None,
    }
}
