//! Which entry goes into which file, and the files' new texts.

use std::collections::BTreeMap;

use crate::diagnostic::Sources;
use crate::kind::{Kind, System};
use crate::manifest::Texts;
use crate::model::Address;
use crate::yaml::edit::{self, EditError};
use crate::yaml::{self, Node, NodeValue};

/// How entries are spread over files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One file per kind.
    Kind,
    /// One file per workspace, or whatever is outermost, and one for what is in none.
    Scope,
    /// One file for everything of its system, and one beside it for each other system.
    Into(String),
}

/// An entry and what decides where it goes.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: &'static Kind,
    /// Its fields.
    pub node: Node,
    /// The key of what it lives in, or its own if others live in it.
    pub scope: Option<String>,
}

impl Layout {
    /// The file of an entry, below `folder`. Files of `first` are not named after their system.
    fn file(&self, entry: &Placed, folder: &str, first: &str) -> String {
        let system = entry.address.system.as_str();
        let name = match self {
            Self::Into(file) if system == first => return file.clone(),
            Self::Into(file) => return beside(file, system),
            Self::Kind => entry.kind.name.replace('_', "-"),
            Self::Scope => entry.scope.clone().unwrap_or_else(|| "shared".to_owned()),
        };
        match system == first {
            true => format!("{folder}{name}.yaml"),
            false => format!("{folder}{system}/{name}.yaml"),
        }
    }
}

/// The file beside another one that is for a system of its own.
fn beside(file: &str, system: &str) -> String {
    let name = file.rfind('/').map_or(0, |slash| slash + 1);
    match file[name..].rfind('.') {
        Some(dot) => format!("{}.{system}{}", &file[..name + dot], &file[name + dot..]),
        None => format!("{file}.{system}"),
    }
}

/// The system that a manifest names, if it names one.
pub fn system_of(manifest: &Node) -> Option<&str> {
    match &manifest.member("system")?.value.value {
        NodeValue::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

/// The texts of all files that get entries. `text` has what a file says now. Entries keep the
/// order of the systems' kinds in files that are new; into others they go behind what is there.
///
/// # Errors
/// The file that cannot be edited.
pub fn place(
    entries: &[Placed],
    layout: &Layout,
    folder: &str,
    systems: &[&'static System],
    text: &dyn Fn(&str) -> Option<String>,
) -> Result<(Texts, BTreeMap<Address, String>), (String, EditError)> {
    let mut files: BTreeMap<String, Vec<&Placed>> = BTreeMap::new();
    let mut homes = BTreeMap::new();
    let first = first(entries, layout, systems, text);
    for entry in entries {
        let file = layout.file(entry, folder, &first);
        homes.insert(entry.address.clone(), file.clone());
        files.entry(file).or_default().push(entry);
    }
    let mut texts = Texts::new();
    for (file, entries) in files {
        let new = match text(&file).filter(|text| !text.trim().is_empty()) {
            Some(text) => added(&text, &entries).map_err(|error| (file.clone(), error))?,
            None => whole(&entries, systems),
        };
        texts.insert(file, new);
    }
    Ok((texts, homes))
}

/// The system whose files are not named after it: the first of all, or the one that the file for
/// everything is about.
fn first(
    entries: &[Placed],
    layout: &Layout,
    systems: &[&'static System],
    text: &dyn Fn(&str) -> Option<String>,
) -> String {
    let default = || {
        systems
            .first()
            .map(|system| system.name)
            .unwrap_or_default()
    };
    let Layout::Into(file) = layout else {
        return default().to_owned();
    };
    match text(file).filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            let nowhere = Sources::default().add("", "");
            let root = yaml::parse(nowhere, &text).root;
            let system = root.as_ref().and_then(system_of);
            system.unwrap_or_else(default).to_owned()
        }
        None => entries
            .first()
            .map_or_else(|| default().to_owned(), |it| it.address.system.clone()),
    }
}

fn added(text: &str, entries: &[&Placed]) -> Result<String, EditError> {
    let mut text = text.to_owned();
    for entry in entries {
        let path = [entry.address.kind.clone(), entry.address.key.clone()];
        text = edit::set(&text, &path, &entry.node, 1)?;
    }
    Ok(text)
}

/// A file of its own.
fn whole(entries: &[&Placed], systems: &[&'static System]) -> String {
    let mut kinds: Vec<(String, Vec<(String, Node)>)> = Vec::new();
    let mut system = None;
    for entry in entries {
        let member = (entry.address.key.clone(), entry.node.clone());
        match kinds
            .iter_mut()
            .find(|(kind, _)| *kind == entry.address.kind)
        {
            Some((_, members)) => members.push(member),
            None => kinds.push((entry.address.kind.clone(), vec![member])),
        }
        system = Some(&entry.address.system);
    }
    let mut blocks = Vec::new();
    if let Some(name) = system.filter(|name| systems.first().is_some_and(|it| it.name != **name)) {
        blocks.push(edit::document(
            &Node::mapping([("system".to_owned(), Node::text(name))]),
            1,
        ));
    }
    for (kind, mut members) in kinds {
        members.sort_by(|a, b| a.0.cmp(&b.0));
        // An entry without fields is an empty map.
        for (_, node) in &mut members {
            if matches!(&node.value, NodeValue::Scalar { .. }) {
                *node = Node::mapping([]);
            }
        }
        let kind = Node::mapping([(kind, Node::mapping(members))]);
        blocks.push(edit::document(&kind, 3));
    }
    blocks.join("\n\n") + "\n"
}

/// The folder that new files go to: as much of the first pattern as names one.
pub fn folder(globs: &[String]) -> String {
    let Some(glob) = globs.first() else {
        return "org/".to_owned();
    };
    let glob = glob.strip_prefix("./").unwrap_or(glob);
    let plain = |part: &&str| !part.contains(['*', '?', '[', '{']);
    let parts: Vec<&str> = glob.split('/').take_while(plain).collect();
    // The last part of a pattern without wildcards is the file.
    let folders = match parts.len() == glob.split('/').count() {
        true => parts.len().saturating_sub(1),
        false => parts.len(),
    };
    parts[..folders]
        .iter()
        .map(|part| format!("{part}/"))
        .collect()
}
