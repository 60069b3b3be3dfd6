//! A small repository with entries of every kind, taken from the examples.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gatewright::kind::System;
use gatewright::manifest::{self, Options, Repository};
use gatewright::model::Address;
use serde_json::{Map, Value, json};

use super::edit::Edit;
use crate::support::{Cli, Project, Run, Server};

/// The examples that have every kind of a system.
const EXAMPLES: &[(&str, &str)] = &[
    ("portkey", "examples/acme"),
    ("arize", "examples/twosystems"),
];

/// Entries of one system, by kind and key, as manifests have them.
#[derive(Clone)]
pub(super) struct Sample {
    pub(super) system: &'static System,
    project_file: String,
    /// One file each.
    files: Vec<Entries>,
    /// The value of any variable.
    secret: fn(&str) -> String,
}

type Entries = BTreeMap<String, Map<String, Value>>;

/// A sample of every system.
pub(super) fn samples() -> Vec<Sample> {
    EXAMPLES
        .iter()
        .map(|(system, folder)| sample(system, folder))
        .collect()
}

fn sample(system: &str, folder: &str) -> Sample {
    let system = gatewright::systems::SYSTEMS
        .iter()
        .find(|known| known.name == system)
        .unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let all = entries(&folder, system);
    let repository = load(&folder).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut chosen = BTreeSet::new();
    for kind in system.kinds {
        // The one that needs the least beside it, and the one that says the most.
        let own = || {
            repository
                .entries
                .iter()
                .filter(|entry| entry.address.kind == kind.name)
        };
        let least = own().min_by_key(|entry| closure(&repository, &entry.address).len());
        let most = own().max_by_key(|entry| all[kind.name][&entry.address.key].to_string().len());
        let found = [least, most];
        assert!(found[0].is_some(), "the examples have no {}", kind.name);
        for entry in found.into_iter().flatten() {
            chosen.extend(closure(&repository, &entry.address));
        }
    }
    let mut file = Entries::new();
    if system.name == "portkey" {
        file.insert("guardrails".to_owned(), of_the_organisation());
    }
    for address in chosen {
        let entry = all[&address.kind][&address.key].clone();
        file.entry(address.kind)
            .or_default()
            .insert(address.key, entry);
    }
    Sample {
        system,
        project_file: std::fs::read_to_string(folder.join("gatewright.yaml")).unwrap(),
        files: vec![file],
        secret: variable,
    }
}

/// A guardrail of the whole organisation, whose id is the same on every mock: examples have none,
/// because they are for any organisation.
fn of_the_organisation() -> Map<String, Value> {
    let guardrail = json!({
        "organisation_id": Server::of_all().organisation(),
        "checks": [{ "id": "portkey.gibberish" }],
        "actions": { "deny": false, "async": true },
    });
    Map::from_iter([("of-the-organisation".to_owned(), guardrail)])
}

/// An entry and everything that it refers to.
fn closure(repository: &Repository, address: &Address) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    let mut open = vec![address.clone()];
    while let Some(address) = open.pop() {
        if found.insert(address.clone()) {
            let entry = repository
                .entries
                .iter()
                .find(|entry| entry.address == address)
                .unwrap();
            open.extend(entry.links().iter().map(|link| link.to.clone()));
        }
    }
    found
}

/// The entries of a repository's manifests as they are written.
fn entries(folder: &Path, system: &System) -> Entries {
    let mut all = Entries::new();
    for file in walkdir::WalkDir::new(folder.join("org")) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let document: Map<String, Value> = serde_saphyr::from_str(&text).unwrap();
            let of = document
                .get("system")
                .and_then(Value::as_str)
                .unwrap_or("portkey");
            for (kind, entries) in document.iter().filter(|_| of == system.name) {
                if let Value::Object(entries) = entries {
                    all.entry(kind.clone()).or_default().extend(entries.clone());
                }
            }
        }
    }
    all
}

/// Loads a repository as `validate` does.
pub(super) fn load(folder: &Path) -> Result<Repository, Vec<String>> {
    let loaded = loaded(folder);
    loaded.repository.ok_or_else(|| {
        loaded
            .diagnostics
            .iter()
            .map(|problem| problem.message.clone())
            .collect()
    })
}

/// Whether nothing is wrong with a repository, and nothing in it is out of reach: of that, a server
/// may refuse what is only warned of.
pub(super) fn is_sound(folder: &Path) -> bool {
    let loaded = loaded(folder);
    let mut codes = loaded.diagnostics.iter().map(|problem| problem.code);
    loaded.repository.is_some() && codes.all(|code| code != "out-of-reach")
}

fn loaded(folder: &Path) -> manifest::Loaded {
    manifest::load(&Options {
        root: folder,
        environment: None,
        variables: &|name| Some(variable(name)),
        placeholders: false,
        may_be_empty: false,
        systems: gatewright::systems::SYSTEMS,
        texts: &manifest::Texts::new(),
        defer_secrets: false,
    })
}

/// The value of any variable.
fn variable(name: &str) -> String {
    match name.contains("JSON") {
        true => json!({ "type": "service_account", "private_key": name }).to_string(),
        false => format!("value-of-{name}"),
    }
}

impl Sample {
    /// The entries of one kind.
    pub(super) fn of(&self, kind: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.files
            .iter()
            .filter_map(move |file| file.get(kind))
            .flatten()
    }

    /// The same entries, with other values for the variables.
    pub(super) fn with_secrets(&self, secret: fn(&str) -> String) -> Self {
        Self {
            secret,
            ..self.clone()
        }
    }

    /// A repository with the project file and nothing else.
    pub(super) fn bare(&self) -> Project {
        let project = Project::new();
        project.file("gatewright.yaml", &self.project_file);
        project
    }

    /// A repository with these entries.
    pub(super) fn project(&self) -> Project {
        let project = Project::new();
        self.write(&project);
        project
    }

    /// Writes the entries over those of a repository.
    pub(super) fn write(&self, project: &Project) {
        project.file("gatewright.yaml", &self.project_file);
        let _ = std::fs::remove_dir_all(project.path().join("org"));
        for (at, file) in self.files.iter().enumerate() {
            let mut document = json!(file);
            document["system"] = json!(self.system.name);
            project.file(&format!("org/{at}.yaml"), &format!("{document:#}\n"));
        }
    }

    /// The entries after these edits.
    pub(super) fn with(&self, edits: &[Edit]) -> Self {
        let mut edited = self.clone();
        for edit in edits {
            for file in &mut edited.files {
                let entry = file
                    .get_mut(&edit.kind)
                    .and_then(|kind| kind.get_mut(&edit.key));
                entry.into_iter().for_each(|entry| edit.apply(entry));
            }
        }
        edited
    }

    /// The same entries, in other files and in another order.
    pub(super) fn arranged(&self, seed: usize) -> Self {
        let mut files = vec![Entries::new(); seed + 1];
        let entries = self.files.iter().flatten();
        let entries = entries.flat_map(|(kind, map)| map.iter().map(move |e| (kind, e)));
        for (at, (kind, (key, entry))) in entries.enumerate() {
            let file = &mut files[(at * 7 + seed) % (seed + 1)];
            let reversed = match entry {
                Value::Object(members) if seed % 2 == 1 => members
                    .iter()
                    .rev()
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect(),
                other => other.clone(),
            };
            file.entry(kind.clone())
                .or_default()
                .insert(key.clone(), reversed);
        }
        Self {
            files,
            ..self.clone()
        }
    }

    /// A run in a repository of these entries.
    pub(super) fn run<const N: usize>(
        &self,
        project: &Project,
        server: &Server,
        arguments: [&str; N],
    ) -> Run {
        self.run_with(project, server, arguments, &|name| {
            Some((self.secret)(name))
        })
    }

    /// [`Self::run`], with these values for the variables that the manifests name. Those of the
    /// project file are always there.
    pub(super) fn run_with<const N: usize>(
        &self,
        project: &Project,
        server: &Server,
        arguments: [&str; N],
        value: &dyn Fn(&str) -> Option<String>,
    ) -> Run {
        let cli: Cli = project.on(server.address(), arguments);
        let mut cli = cli.env("GATEWRIGHT_FINGERPRINT_KEY", "the-fingerprint-key");
        let own = self.variables(&self.project_file).into_iter();
        let own = own.map(|name| (name.clone(), Some((self.secret)(&name))));
        let texts: String = manifests(project).into_values().collect();
        let named = self.variables(&texts).into_iter();
        let named = named.map(|name| (name.clone(), value(&name)));
        for (name, value) in named.chain(own) {
            if let Some(value) = value {
                cli = cli.env(&name, &value);
            }
        }
        cli.run()
    }

    /// The variables that a text names.
    fn variables(&self, texts: &str) -> BTreeSet<String> {
        let names = texts.split("${env:").skip(1);
        let names = names.filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
        let systems = gatewright::systems::SYSTEMS;
        let keys: Vec<&str> = systems.iter().map(|it| it.api_key_variable).collect();
        names
            .filter(|name| !keys.contains(&name.as_str()))
            .collect()
    }
}

/// The manifests of a repository.
pub(super) fn manifests(project: &Project) -> BTreeMap<String, String> {
    let files = walkdir::WalkDir::new(project.path().join("org"));
    let files = files.into_iter().filter_map(Result::ok);
    let files = files.filter(|file| file.file_type().is_file());
    let named = files.map(|file| {
        let name = file.path().strip_prefix(project.path()).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        (name.display().to_string(), text)
    });
    named.collect()
}
