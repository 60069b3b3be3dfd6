//! What somebody asks for once on the command line: `--rotate` and `--reset-usage`.

use std::collections::{BTreeMap, BTreeSet};

use super::args::OnceArgs;
use super::exit::Exit;
use super::world::World;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::kind;
use crate::manifest::Entry;
use crate::model::{Address, Pointer, Value, visit};
use crate::plan::Impulse;

/// What a plan does besides bringing about what is declared.
#[derive(Debug, Default)]
pub(super) struct Once {
    rotate: BTreeMap<Address, BTreeSet<Pointer>>,
    impulses: BTreeMap<Address, Vec<Impulse>>,
}

impl Once {
    /// The secrets of a resource that are to be sent or made once more.
    pub(super) fn rotate(&self, address: &Address) -> BTreeSet<Pointer> {
        self.rotate.get(address).cloned().unwrap_or_default()
    }

    /// What is to be sent for what it does.
    pub(super) fn impulses(&self, address: &Address) -> Vec<Impulse> {
        self.impulses.get(address).cloned().unwrap_or_default()
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
            match reset(world, text) {
                Ok((address, impulse)) => {
                    let all = once.impulses.entry(address).or_default();
                    if !all.contains(&impulse) {
                        all.push(impulse);
                    }
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

/// The count that `KIND/KEY` or `KIND/KEY#OF` means: that of an object, of a member of it, or of a
/// value that it counts by.
fn reset(world: &World, text: &str) -> Result<(Address, Impulse), Box<Diagnostic>> {
    let (name, of) = match text.split_once('#') {
        Some((name, of)) => (name, Some(of).filter(|of| !of.is_empty())),
        None => (text, None),
    };
    let entry = entry(world, name)?;
    let (address, noun) = (&entry.address, entry.kind.noun);
    let refused = |message: String| Diagnostic::error("not-resettable", message);
    let Some((at, sent)) = entry.kind.impulse() else {
        let message = format!("the use of `{address}` cannot be reset");
        let note = format!("the API counts nothing for one {noun}");
        return Err(Box::new(refused(message).note(note)));
    };
    let member = at.0.split_once("/*/");
    let impulse = match (member, sent, of) {
        (None, kind::Impulse::Flag, None) => Impulse::of(Pointer::from(at.0)),
        (None, kind::Impulse::Value, Some(of)) => Impulse {
            value: Some(of.to_owned()),
            ..Impulse::of(Pointer::from(at.0))
        },
        (Some((field, flag)), _, of) => {
            let field = field.trim_start_matches('/');
            let members = entry.fields.get(field).and_then(Value::as_map);
            let members = members.into_iter().flatten();
            let declared: Vec<&str> = members
                .filter(|(_, value)| !value.is_null())
                .map(|(key, _)| key.as_str())
                .collect();
            match of.filter(|of| declared.contains(of)) {
                Some(of) => Impulse::of(Pointer::root().child(field).child(of).child(flag)),
                None => {
                    let message = match of {
                        Some(of) => format!("`{of}` is not among the `{field}` of `{address}`"),
                        None => format!("what is counted for one {noun} is counted by `{field}`"),
                    };
                    let known: Vec<String> = declared.iter().map(|it| format!("`{it}`")).collect();
                    return Err(Box::new(match (declared.first(), of) {
                        (None, _) => refused(message).note("none is declared"),
                        (Some(first), None) => refused(message)
                            .help(format!("say whose it is, for example `{name}#{first}`")),
                        (Some(_), Some(of)) => refused(message)
                            .note(format!("those that are declared are {}", known.join(", ")))
                            .maybe_help(did_you_mean(of, declared.iter().copied())),
                    }));
                }
            }
        }
        (None, kind::Impulse::Value, None) => {
            let message = format!("one {noun} counts by the values of its `group_by`");
            let help = format!(
                "say which value, as the API has it: `{name}#VALUE`, where VALUE is for example \
                 the id of an API key"
            );
            return Err(Box::new(refused(message).help(help)));
        }
        (None, kind::Impulse::Flag, Some(of)) => {
            let message = format!("one {noun} has one count, and none for `{of}`");
            return Err(Box::new(refused(message).help(format!("write `{name}`"))));
        }
    };
    Ok((address.clone(), impulse))
}

/// The places of secrets that `KIND/KEY` or `KIND/KEY#field` means.
fn rotation(world: &World, text: &str) -> Result<(Address, BTreeSet<Pointer>), Box<Diagnostic>> {
    let (name, field) = match text.split_once('#') {
        Some((name, field)) => (name, Some(field)),
        None => (text, None),
    };
    let entry = entry(world, name)?;
    let mut places = BTreeSet::new();
    visit(&entry.fields, &mut |at, value| {
        if matches!(value, Value::Secret(_)) {
            places.insert(at.clone());
        }
    });
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
