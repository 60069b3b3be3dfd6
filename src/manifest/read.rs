//! From YAML nodes to values: scalars resolved, interpolations filled in, secrets sealed.

mod hide;
mod hole;
mod program;
mod secret;
mod sops;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::rc::Rc;

use super::encrypted::Encrypted;
use super::holes::{self, Hole, Piece, Scheme};
use super::index::Index;
use super::rules::{Rules, States};
use super::suggest::Suggestions;
use super::{Options, Unset};
use crate::diagnostic::{Diagnostic, FileId, Location, Sources};
use crate::kind::Is;
use crate::model::{Map, Pointer, Secret, SecretSet, Segment, Sink, Template, Value};
use crate::yaml::{self, Member, Node, NodeValue, NumberError, Scalar};

pub use hole::unset_secrets;

pub(super) use hide::{hide_guessed_secrets, hide_literals, hide_secret_names, is_secret_name};

/// Where a value's text comes from, for the values that are not simply what the YAML says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Text from the environment or a file: right to check, wrong to print.
    Outside,
    /// A secret, a reference, or a stand-in of a mock run: only its type can be checked.
    Opaque,
    /// The key of another entry, which need not look like what the API wants there.
    Key,
    /// Already reported: nothing can be checked.
    Failed,
}

/// The origins of an entry's values, by JSON pointer.
pub(super) type Origins = HashMap<String, Origin>;

/// What a place demands of interpolated and literal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Guard {
    Open,
    Sensitive,
    Secret,
    SecretJson,
}

/// In which file a node stands.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) file: FileId,
    /// What `${file:...}` is relative to.
    pub(super) folder: Rc<PathBuf>,
    /// Where the manifest asked for the variable that is being read, with the names of all
    /// variables on the way.
    via: Option<(Location, Vec<String>)>,
}

impl Scope {
    pub(super) fn new(file: FileId, folder: PathBuf) -> Self {
        Self {
            file,
            folder: Rc::new(folder),
            via: None,
        }
    }

    pub(super) fn at(&self, node: &Node) -> Location {
        Location {
            file: self.file,
            span: node.span.clone(),
        }
    }
}

/// The project's variables and the place of their texts.
#[derive(Debug)]
pub(super) struct Variables {
    pub(super) members: Vec<Member>,
    pub(super) scope: Scope,
}

/// What all readings of a run share.
pub(super) struct Reader<'a> {
    pub(super) options: &'a Options<'a>,
    pub(super) sources: &'a mut Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) secrets: SecretSet,
    pub(super) allow_literal_secrets: bool,
    pub(super) allow_exec: bool,
    pub(super) variables: Rc<Variables>,
    pub(super) index: Index,
    pub(super) suggestions: Suggestions,
    /// The files that are encrypted with sops.
    pub(super) encrypted: HashMap<FileId, Encrypted>,
    files: HashMap<PathBuf, Result<Rc<str>, String>>,
    /// What programs printed, by their words and the folder they ran in.
    printed: HashMap<(Vec<String>, PathBuf), Result<Rc<str>, String>>,
    /// Unset environment variables and where they are used, reported once each.
    unset: BTreeMap<String, Vec<Location>>,
    /// Unset secrets of the entry that was read last.
    unset_secrets: Vec<Unset>,
}

/// One value being read.
struct Reading<'r, 'a> {
    reader: &'r mut Reader<'a>,
    system: &'r str,
    rules: &'r Rules,
    pointer: Pointer,
    origins: Origins,
    /// The environment variables and files that went into the value so far, as spelled.
    outside: Vec<String>,
    /// Texts that somebody chose to encrypt where the API has no secrets, and where they are from.
    sealed: BTreeMap<Pointer, String>,
    /// Where a part of the scalar being read is from that is of that sort.
    sealed_part: Option<Rc<str>>,
    /// Whether a stand-in went into the scalar being read.
    stand_in: bool,
    /// Whether a secret that is not set went into the scalar being read.
    unset: bool,
    /// Whether secrets may be unset: only those of entries.
    may_lack: bool,
    /// Whether the value being read stands among secrets, or is a part of one.
    beside_secrets: bool,
    /// Whether something in it has been reported.
    failed: bool,
    /// How many variables were filled in so far.
    expansions: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(options: &'a Options<'a>, sources: &'a mut Sources, project: Scope) -> Self {
        Self {
            options,
            sources,
            diagnostics: Vec::new(),
            secrets: SecretSet::default(),
            allow_literal_secrets: false,
            allow_exec: false,
            variables: Rc::new(Variables {
                members: Vec::new(),
                scope: project,
            }),
            index: Index::default(),
            suggestions: Suggestions::default(),
            encrypted: HashMap::new(),
            files: HashMap::new(),
            printed: HashMap::new(),
            unset: BTreeMap::new(),
            unset_secrets: Vec::new(),
        }
    }

    /// The members of an entry of `system`, with what is known of their origins, and the texts that
    /// [`Entry::sealed`](super::Entry::sealed) has.
    pub(super) fn members<'m>(
        &mut self,
        members: impl Iterator<Item = &'m Member>,
        scope: &Scope,
        system: &str,
        rules: &Rules,
    ) -> (Map, Origins, BTreeMap<Pointer, String>) {
        let mut reading = Reading::new(self, system, rules);
        reading.may_lack = true;
        let root = rules.root();
        let guard = reading.guard(Guard::Open, &root);
        let map = members
            .map(|member| {
                let value = reading.member(member, scope, &root, guard);
                (member.key.clone(), value)
            })
            .collect();
        (map, reading.origins, reading.sealed)
    }

    /// A single value; `None` where it has been reported.
    pub(super) fn value(&mut self, node: &Node, scope: &Scope) -> Option<Value> {
        let rules = Rules::new(&[]);
        let mut reading = Reading::new(self, "", &rules);
        let value = reading.value(node, scope, &rules.root(), Guard::Open);
        let failed = reading.origins.values().any(|at| *at == Origin::Failed);
        (!failed).then_some(value)
    }

    /// A place for secrets that a server makes; `None` where there is none or it has been reported.
    pub(super) fn sink(&mut self, node: &Node, scope: &Scope) -> Option<Sink> {
        let json = self.value(node, scope)?.to_wire(&|_| None).ok()?;
        // What it may be has been checked against the schema.
        let sink = serde_json::from_value(json).ok()?;
        self.permit(&sink, scope.at(node));
        Some(sink)
    }

    /// Refuses a sink that cannot work, or that runs a program where that is not allowed.
    pub(super) fn permit(&mut self, sink: &Sink, location: Location) {
        if let Some(fault) = sink.fault() {
            let problem = Diagnostic::error("bad-value", fault);
            self.diagnostics.push(problem.at(location.clone(), ""));
        }
        if let (Sink::Command(_), false) = (sink, self.allow_exec) {
            let message = "this repository may not name programs to be run";
            self.diagnostics.push(
                Diagnostic::error("exec-not-allowed", message)
                    .at(location, "this names one")
                    .note("whoever can change a manifest could run anything where it is applied")
                    .help(
                        "write `allow_exec: true` in the project file if that is as it should be",
                    ),
            );
        }
    }

    /// A single secret; `None` where there is none or it has been reported.
    pub(super) fn secret(&mut self, node: &Node, scope: &Scope) -> Option<Secret> {
        let rules = Rules::new(&[]);
        let mut reading = Reading::new(self, "", &rules);
        match reading.value(node, scope, &rules.root(), Guard::Secret) {
            Value::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// Takes the secrets of the entry that was read last whose variables are not set.
    pub(super) fn take_unset_secrets(&mut self) -> Vec<Unset> {
        std::mem::take(&mut self.unset_secrets)
    }

    /// Counts an unset secret among what is needed.
    pub(super) fn need(&mut self, unset: &Unset) {
        let uses = self.unset.entry(unset.variable.clone()).or_default();
        for location in &unset.locations {
            if !uses.contains(location) {
                uses.push(location.clone());
            }
        }
    }

    /// Whether a variable that is needed is not set.
    pub(super) fn lacks_variables(&self) -> bool {
        !self.unset.is_empty()
    }

    /// Takes the environment variables that were found unset since the last call.
    pub(super) fn take_unset(&mut self) -> Vec<Diagnostic> {
        let unset = std::mem::take(&mut self.unset);
        unset.into_iter().map(hole::unset_variable).collect()
    }
}

impl<'r, 'a> Reading<'r, 'a> {
    fn new(reader: &'r mut Reader<'a>, system: &'r str, rules: &'r Rules) -> Self {
        Self {
            reader,
            system,
            rules,
            pointer: Pointer::root(),
            origins: Origins::new(),
            outside: Vec::new(),
            sealed: BTreeMap::new(),
            sealed_part: None,
            stand_in: false,
            unset: false,
            may_lack: false,
            beside_secrets: false,
            failed: false,
            expansions: 0,
        }
    }

    /// What the rules demand of a place; it holds for everything below too.
    fn guard(&self, above: Guard, states: &States) -> Guard {
        let rules = self.rules.at(states).map(|is| match is {
            Is::Secret => Guard::Secret,
            Is::SecretJson => Guard::SecretJson,
            Is::Sensitive => Guard::Sensitive,
            _ => Guard::Open,
        });
        rules.fold(above, Guard::max)
    }

    fn member(&mut self, member: &Member, scope: &Scope, states: &States, guard: Guard) -> Value {
        let states = self.rules.step(states, &member.key);
        self.pointer.push(&member.key);
        let value = self.value(&member.value, scope, &states, guard);
        self.pointer.pop();
        value
    }

    fn value(&mut self, node: &Node, scope: &Scope, states: &States, above: Guard) -> Value {
        let guard = self.guard(above, states);
        match &node.value {
            NodeValue::Scalar { text, plain } => {
                let value = self.scalar(node, text, *plain, scope, states, guard);
                let names_entry =
                    |is: &Is| matches!(is, Is::Reference { .. } | Is::ReferenceBy { .. });
                if matches!(value, Value::String(_)) && self.rules.at(states).any(names_entry) {
                    let place = self.pointer.to_string();
                    self.origins.entry(place).or_insert(Origin::Key);
                }
                value
            }
            NodeValue::Mapping(members) if guard == Guard::SecretJson => {
                self.secret_document(node, members, scope)
            }
            NodeValue::Mapping(members) => {
                let beside = self.beside_secrets;
                self.beside_secrets |= self.has_secrets(members, scope, states);
                let map = members.iter().map(|member| {
                    let value = self.member(member, scope, states, guard);
                    (member.key.clone(), value)
                });
                let map = Value::Map(map.collect());
                self.beside_secrets = beside;
                map
            }
            NodeValue::Sequence(items) => {
                let item = |(at, item): (usize, &Node)| {
                    let segment = at.to_string();
                    let states = self.rules.step(states, &segment);
                    self.pointer.push(segment);
                    let value = self.value(item, scope, &states, guard);
                    self.pointer.pop();
                    value
                };
                Value::List(items.iter().enumerate().map(item).collect())
            }
        }
    }

    fn scalar(
        &mut self,
        node: &Node,
        text: &str,
        plain: bool,
        scope: &Scope,
        states: &States,
        guard: Guard,
    ) -> Value {
        let encrypted = self.encrypted(node, scope);
        if let Some(encrypted) = encrypted.as_ref().filter(|it| !it.opened) {
            return self.sealed_stand_in(node, scope, guard, encrypted);
        }
        if !text.contains("${") {
            let value = self.literal(node, text, plain, scope, guard >= Guard::Secret);
            return match encrypted {
                Some(encrypted) => self.seal_decrypted(value, node, scope, guard, &encrypted),
                None => self.seal_literal(value, node, text, scope, guard),
            };
        }
        let pieces = match holes::scan(text) {
            Ok(pieces) => pieces,
            Err(problems) => {
                self.malformed(problems, node, plain, scope, guard);
                return self.fail();
            }
        };
        if let [Piece::Hole(hole)] = pieces.as_slice()
            && hole.scheme == Scheme::Var
        {
            return match self.variable(hole, node, scope) {
                Some((variable, scope)) => self.value(&variable, &scope, states, guard),
                None => self.fail(),
            };
        }
        if let [Piece::Text(text)] = pieces.as_slice() {
            let value = Value::text(text);
            return match encrypted {
                Some(encrypted) => self.seal_decrypted(value, node, scope, guard, &encrypted),
                None => self.seal_literal(value, node, text, scope, guard),
            };
        }
        let before = self.outside.len();
        self.outside
            .extend(encrypted.iter().map(|it| it.source.to_string()));
        self.stand_in = false;
        self.unset = false;
        self.sealed_part = None;
        let segments = self.text(&pieces, node, scope, guard);
        let outside = self.outside.split_off(before);
        let stand_in = self.stand_in;
        let Some(segments) = segments else {
            return self.fail();
        };
        self.outside.extend_from_slice(&outside);
        let value = assemble(segments);
        let chosen = encrypted.filter(|it| it.chosen).map(|it| it.source);
        if let (Some(source), Value::String(text)) = (chosen.or(self.sealed_part.take()), &value)
            && guard == Guard::Open
        {
            self.seal_in_the_open(text, &source, node, scope);
        }
        self.seal(value, node, scope, guard, outside, stand_in)
    }

    /// A scalar without interpolations. In a secret's place numbers keep their text.
    fn literal(
        &mut self,
        node: &Node,
        text: &str,
        plain: bool,
        scope: &Scope,
        secret: bool,
    ) -> Value {
        if !plain {
            return Value::text(text);
        }
        match yaml::resolve(text) {
            Ok(Scalar::Null) => Value::Null,
            Ok(Scalar::Text) => Value::text(text),
            Ok(_) | Err(_) if secret => Value::text(text),
            Ok(Scalar::Bool(flag)) => Value::Bool(flag),
            Ok(Scalar::Number(number)) => Value::Number(number),
            Err(error) => {
                let help = match error {
                    NumberError::Range => "quote it if it is a name and not an amount",
                    NumberError::NotFinite => "quote it if it is a text",
                };
                let label = format!("this is {error}");
                let diagnostic = Diagnostic::error("number-range", "number out of range")
                    .at(scope.at(node), label)
                    .help(help);
                self.reader.diagnostics.push(diagnostic);
                self.fail()
            }
        }
    }

    /// The text that pieces make up; `None` where something has been reported.
    fn text(
        &mut self,
        pieces: &[Piece],
        node: &Node,
        scope: &Scope,
        guard: Guard,
    ) -> Option<Vec<Segment>> {
        let mut segments = Some(Vec::new());
        for piece in pieces {
            let before = self.outside.len();
            let found = match piece {
                Piece::Text(text) => Some(vec![Segment::Text(text.clone())]),
                Piece::Hole(hole) => self.fill(hole, node, scope, guard),
            };
            if guard > Guard::Open && self.outside.len() > before && !self.stand_in {
                self.hide_part(found.iter().flatten());
            }
            segments = segments.zip(found).map(|(mut all, more)| {
                all.extend(more);
                all
            });
        }
        segments
    }

    /// Hides what is a part of a secret, such as the token behind `Bearer `: it may well come to light
    /// alone. Short parts may be names of regions and the like.
    fn hide_part<'s>(&mut self, part: impl Iterator<Item = &'s Segment>) {
        const LONG: usize = 8;
        for segment in part {
            if let Segment::Text(text) = segment
                && text.len() >= LONG
            {
                let secret = Secret::declared(text, Vec::new());
                self.reader.secrets.insert(&secret);
            }
        }
    }

    fn fill(
        &mut self,
        hole: &Hole,
        node: &Node,
        scope: &Scope,
        guard: Guard,
    ) -> Option<Vec<Segment>> {
        match hole.scheme {
            Scheme::Env => Some(vec![Segment::Text(
                self.environment(hole, node, scope, guard)?,
            )]),
            Scheme::File => Some(vec![Segment::Text(self.file(hole, node, scope, guard)?)]),
            Scheme::Sops => Some(vec![Segment::Text(self.sops(hole, node, scope, guard)?)]),
            Scheme::Exec => Some(vec![Segment::Text(self.program(hole, node, scope, guard)?)]),
            Scheme::Ref => Some(vec![Segment::Reference(self.reference(hole, node, scope)?)]),
            Scheme::Var => {
                let (variable, scope) = self.variable(hole, node, scope)?;
                self.variable_text(hole, &variable, &scope, guard)
            }
        }
    }

    /// Marks the current place as one that has been reported.
    fn fail(&mut self) -> Value {
        self.failed = true;
        self.origins
            .insert(self.pointer.to_string(), Origin::Failed);
        Value::text("")
    }

    fn mark(&mut self, origin: Origin) {
        self.origins.insert(self.pointer.to_string(), origin);
    }
}

/// A text where everything is known, a reference where it is nothing else, or a template.
fn assemble(segments: Vec<Segment>) -> Value {
    let mut joined: Vec<Segment> = Vec::with_capacity(segments.len());
    for segment in segments {
        match (joined.last_mut(), segment) {
            (Some(Segment::Text(before)), Segment::Text(text)) => before.push_str(&text),
            (_, segment) => joined.push(segment),
        }
    }
    match joined.as_mut_slice() {
        [] => Value::text(""),
        [Segment::Text(text)] => Value::String(std::mem::take(text)),
        [Segment::Reference(reference)] => Value::Reference(reference.clone()),
        _ => Value::Template(Template(joined)),
    }
}
