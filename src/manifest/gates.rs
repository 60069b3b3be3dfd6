//! `exclusive` and `limits` of the project file.

use std::ops::Range;

use serde::Deserialize;

use super::read::Reader;
use crate::diagnostic::{Diagnostic, FileId, Location, did_you_mean};
use crate::kind::{Identity, Kind};
use crate::model::{Address, Exclusive, Gates, Limit, Limits};
use crate::yaml::Node;

#[derive(Deserialize)]
#[serde(untagged)]
enum ExclusiveForm {
    Kind(String),
    Within {
        kind: String,
        workspaces: Option<Vec<String>>,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LimitsForm {
    delete: Option<LimitForm>,
    kinds: indexmap::IndexMap<String, Option<LimitForm>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LimitForm {
    /// Whole, but YAML has more than one way to write it.
    Count(f64),
    Text(String),
}

impl LimitForm {
    fn read(&self) -> Option<Limit> {
        match self {
            Self::Count(count) => Some(Limit::Count(*count as usize)),
            Self::Text(text) => Limit::parse(text),
        }
    }
}

/// Reads both; their form has been checked.
pub(super) fn read(
    file: FileId,
    [exclusive, limits]: [Option<(&Node, serde_json::Value)>; 2],
    reader: &mut Reader<'_>,
) -> (Gates, Vec<Within>) {
    let mut gates = Gates::default();
    let mut named = Vec::new();
    let at = |span: &Range<usize>| Location {
        file,
        span: span.clone(),
    };
    if let Some((node, json)) = exclusive {
        let forms: Vec<ExclusiveForm> = serde_json::from_value(json).unwrap_or_default();
        let items = node.items().iter();
        for (form, item) in forms.into_iter().zip(items) {
            let (name, within) = match form {
                ExclusiveForm::Kind(kind) => (kind, None),
                ExclusiveForm::Within { kind, workspaces } => (kind, workspaces),
            };
            let said = item.member("kind").map_or(item, |member| &member.value);
            let Some(kind) = kind(&name, at(&said.span), reader) else {
                continue;
            };
            let lives_in = kind.lives_in().map(|(name, _)| name);
            let homeless = (within.is_some() && lives_in.is_none())
                .then(|| format!("{name} do not live in workspaces"));
            let unclear =
                cannot_be_exclusive(kind).map(|why| format!("{name} cannot be exclusive: {why}"));
            let problems = homeless.into_iter().chain(unclear);
            reader.diagnostics.extend(
                problems
                    .map(|message| Diagnostic::error("exclusive", message).at(at(&item.span), "")),
            );
            let within = within.zip(lives_in).map(|(keys, lives_in)| {
                let address = |key| Address::new(kind.system, lives_in, key);
                keys.into_iter().map(address).collect::<Vec<_>>()
            });
            let places = item.member("workspaces");
            let places = places.map_or(&[][..], |member| member.value.items());
            for (address, place) in within.iter().flatten().zip(places) {
                named.push(Within {
                    address: address.clone(),
                    location: at(&place.span),
                });
            }
            let system = name.contains(':').then(|| kind.system.to_owned());
            gates.exclusive.push(Exclusive {
                kind: kind.name.to_owned(),
                system,
                within,
            });
        }
    }
    if let Some((node, json)) = limits {
        let form: LimitsForm = serde_json::from_value(json).unwrap_or_default();
        let mut limits = Limits::default();
        if let Some(limit) = form.delete.and_then(|limit| limit.read()) {
            limits.default = limit;
        }
        let kinds = node.member("kinds").map(|member| &member.value);
        for (name, limit) in form.kinds {
            let said = kinds.and_then(|kinds| kinds.member(&name));
            let said = said.map_or(&node.span, |member| &member.key_span);
            let known = kind(&name, at(said), reader).is_some();
            if let (true, Some(limit)) = (known, limit.and_then(|limit| limit.read())) {
                limits.kinds.insert(name, limit);
            }
        }
        gates.limits = limits;
    }
    (gates, named)
}

/// A resource in which a kind is to be exclusive, and where the project file names it.
#[derive(Debug)]
pub(super) struct Within {
    address: Address,
    location: Location,
}

/// Reports what the project file names and no manifest declares: nothing would be exclusive there.
pub(super) fn check(named: &[Within], reader: &mut Reader<'_>) {
    for Within { address, location } in named {
        if reader.index.contains(address) {
            continue;
        }
        let Address { system, kind, key } = address;
        let known = reader.options.systems.iter().find(|it| it.name == *system);
        let noun = known
            .and_then(|system| system.kind(kind))
            .map_or("", |kind| kind.noun);
        let near = reader
            .index
            .near(system, kind, key, &mut reader.suggestions);
        reader.diagnostics.push(
            Diagnostic::error(
                "dangling-reference",
                format!("no {noun} `{key}` in this repository"),
            )
            .at(location.clone(), "nothing would be exclusive there")
            .help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it under `{kind}:`, or take it out here"),
            }),
        );
    }
}

/// Why nobody can tell or take away what others made of a kind.
fn cannot_be_exclusive(kind: &Kind) -> Option<&'static str> {
    if kind.found().is_some() {
        return Some("entries neither make nor remove them");
    }
    (kind.identity == Identity::Recorded).then_some("the API does not list them")
}

/// The kind of that name, in any system, or in the one that stands before it and a colon.
fn kind(name: &str, location: Location, reader: &mut Reader<'_>) -> Option<&'static Kind> {
    let (system, kind) = match name.split_once(':') {
        Some((system, kind)) => (Some(system), kind),
        None => (None, name),
    };
    let mut systems = reader.options.systems.iter();
    let found = systems.find_map(|it| {
        let is_meant = system.is_none_or(|system| system == it.name);
        it.kind(kind).filter(|_| is_meant)
    });
    if found.is_none() {
        let systems = reader.options.systems.iter();
        let names = systems.flat_map(|system| system.kinds.iter().map(|kind| kind.name));
        reader.diagnostics.push(
            Diagnostic::error("unknown-kind", format!("unknown kind `{name}`"))
                .at(location, "")
                .maybe_help(did_you_mean(name, names)),
        );
    }
    found
}
