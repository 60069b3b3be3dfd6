//! `exclusive` and `limits` of the project file.

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
    kinds: indexmap::IndexMap<String, LimitForm>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LimitForm {
    Count(usize),
    Text(String),
}

impl LimitForm {
    fn read(&self) -> Option<Limit> {
        match self {
            Self::Count(count) => Some(Limit::Count(*count)),
            Self::Text(text) => Limit::parse(text),
        }
    }
}

/// Reads both; their form has been checked.
pub(super) fn read(
    file: FileId,
    [exclusive, limits]: [Option<(&Node, serde_json::Value)>; 2],
    reader: &mut Reader<'_>,
) -> Gates {
    let mut gates = Gates::default();
    if let Some((node, json)) = exclusive {
        let forms: Vec<ExclusiveForm> = serde_json::from_value(json).unwrap_or_default();
        for form in forms {
            let (name, within) = match form {
                ExclusiveForm::Kind(kind) => (kind, None),
                ExclusiveForm::Within { kind, workspaces } => (kind, workspaces),
            };
            let Some(kind) = kind(&name, file, node, reader) else {
                continue;
            };
            let lives_in = kind.lives_in().map(|(name, _)| name);
            if within.is_some() && lives_in.is_none() {
                let message = format!("{name} do not live in workspaces");
                let at = Location {
                    file,
                    span: node.span.clone(),
                };
                reader
                    .diagnostics
                    .push(Diagnostic::error("exclusive", message).at(at, ""));
            }
            if let Some(why) = cannot_be_exclusive(kind) {
                let message = format!("{name} cannot be exclusive: {why}");
                let at = Location {
                    file,
                    span: node.span.clone(),
                };
                reader
                    .diagnostics
                    .push(Diagnostic::error("exclusive", message).at(at, ""));
            }
            let within = within.zip(lives_in).map(|(keys, lives_in)| {
                let address = |key| Address::new(kind.system, lives_in, key);
                keys.into_iter().map(address).collect()
            });
            gates.exclusive.push(Exclusive { kind: name, within });
        }
    }
    if let Some((node, json)) = limits {
        let form: LimitsForm = serde_json::from_value(json).unwrap_or_default();
        let mut limits = Limits::default();
        if let Some(limit) = form.delete.and_then(|limit| limit.read()) {
            limits.default = limit;
        }
        for (name, limit) in form.kinds {
            if let (Some(_), Some(limit)) = (kind(&name, file, node, reader), limit.read()) {
                limits.kinds.insert(name, limit);
            }
        }
        gates.limits = limits;
    }
    gates
}

/// Why nobody can tell or take away what others made of a kind.
fn cannot_be_exclusive(kind: &Kind) -> Option<&'static str> {
    if kind.found().is_some() {
        return Some("entries neither make nor remove them");
    }
    (kind.identity == Identity::Recorded).then_some("the API does not list them")
}

/// The kind of that name, in any system.
fn kind(name: &str, file: FileId, node: &Node, reader: &mut Reader<'_>) -> Option<&'static Kind> {
    let found = reader.options.systems.iter().find_map(|s| s.kind(name));
    if found.is_none() {
        let systems = reader.options.systems.iter();
        let names = systems.flat_map(|system| system.kinds.iter().map(|kind| kind.name));
        let at = Location {
            file,
            span: node.span.clone(),
        };
        reader.diagnostics.push(
            Diagnostic::error("unknown-kind", format!("unknown kind `{name}`"))
                .at(at, "")
                .maybe_help(did_you_mean(name, names)),
        );
    }
    found
}
