//! What somebody asks for once on the command line: `--rotate` and `--reset-usage`.

use std::collections::{BTreeMap, BTreeSet};

use super::args::OnceArgs;
use super::exit::Exit;
use super::world::World;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::manifest::Entry;
use crate::model::{Address, Map, Pointer, Value};

/// What a plan does besides bringing about what is declared.
#[derive(Debug, Default)]
pub(super) struct Once {
    rotate: BTreeMap<Address, BTreeSet<Pointer>>,
    impulses: BTreeSet<Address>,
}

impl Once {
    /// The secrets of a resource that are to be sent or made once more.
    pub(super) fn rotate(&self, address: &Address) -> BTreeSet<Pointer> {
        self.rotate.get(address).cloned().unwrap_or_default()
    }

    /// Whether the impulse of a resource is to be sent.
    pub(super) fn impulse(&self, address: &Address) -> bool {
        self.impulses.contains(address)
    }

    /// Finds what the arguments mean in the repository.
    pub(super) fn read(world: &World, args: &OnceArgs) -> Result<Self, (Exit, Vec<Diagnostic>)> {
        let mut once = Self::default();
        let mut problems = Vec::new();
        for text in &args.rotate {
            match rotation(world, text) {
                Ok((address, places)) => once.rotate.entry(address).or_default().extend(places),
                Err(problem) => problems.push(*problem),
            }
        }
        for text in &args.reset_usage {
            match entry(world, text) {
                Ok(entry) if entry.kind.impulse() == Some("reset_usage") => {
                    once.impulses.insert(entry.address.clone());
                }
                Ok(entry) => {
                    let message = format!("the use of `{}` cannot be reset", entry.address);
                    let note = format!("the API counts nothing for one {}", entry.kind.noun);
                    problems.push(Diagnostic::error("not-resettable", message).note(note));
                }
                Err(problem) => problems.push(*problem),
            }
        }
        if problems.is_empty() {
            Ok(once)
        } else {
            Err((Exit::Error, problems))
        }
    }
}

/// The entry that `KIND/KEY` or `KIND.KEY` names.
fn entry<'w>(world: &'w World, text: &str) -> Result<&'w Entry, Box<Diagnostic>> {
    let dotted = match text.contains('.') {
        true => text.to_owned(),
        false => text.replacen('/', ".", 1),
    };
    let address: Address = dotted.parse().map_err(|_| {
        let message = format!("`{text}` does not name an entry");
        Diagnostic::error("usage", message).help("write KIND/KEY, for example `api_keys/reports`")
    })?;
    world.entry(&address).ok_or_else(|| {
        let entries = world.repository.entries.iter();
        let names: Vec<String> = entries.map(|entry| entry.address.to_string()).collect();
        let near = did_you_mean(&dotted, names.iter().map(String::as_str));
        let message = format!("no manifest declares `{address}`");
        Box::new(Diagnostic::error("unknown-entry", message).maybe_help(near))
    })
}

/// The places of secrets that `KIND/KEY` or `KIND/KEY#field` means.
fn rotation(world: &World, text: &str) -> Result<(Address, BTreeSet<Pointer>), Box<Diagnostic>> {
    let (name, field) = match text.split_once('#') {
        Some((name, field)) => (name, Some(field)),
        None => (text, None),
    };
    let entry = entry(world, name)?;
    let mut places = BTreeSet::new();
    secrets(&entry.fields, &mut Pointer::root(), &mut places);
    places.extend(entry.kind.issued().map(|(place, _)| place));
    let address = entry.address.clone();
    if let Some(field) = field {
        let wanted = Pointer::from(format!("/{}", field.trim_start_matches('/')));
        if places.contains(&wanted) {
            return Ok((address, BTreeSet::from([wanted])));
        }
        let known: Vec<String> = places.iter().map(|at| format!("`{at}`")).collect();
        let problem = Diagnostic::error(
            "not-a-secret",
            format!("`{wanted}` of `{address}` is not a secret that can be rotated"),
        );
        return Err(Box::new(match known.is_empty() {
            true => problem.note("it has no secrets"),
            false => problem.note(format!("its secrets are {}", known.join(", "))),
        }));
    }
    if places.is_empty() {
        let message = format!("`{address}` has no secrets that could be rotated");
        return Err(Box::new(Diagnostic::error("not-a-secret", message)));
    }
    Ok((address, places))
}

fn secrets(map: &Map, at: &mut Pointer, found: &mut BTreeSet<Pointer>) {
    fn go(value: &Value, at: &mut Pointer, found: &mut BTreeSet<Pointer>) {
        match value {
            Value::Secret(_) => {
                found.insert(at.clone());
            }
            Value::Map(map) => secrets(map, at, found),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    at.push(index);
                    go(item, at, found);
                    at.pop();
                }
            }
            _ => {}
        }
    }
    for (key, value) in map {
        at.push(key);
        go(value, at, found);
        at.pop();
    }
}
