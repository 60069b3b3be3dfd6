//! `gatewright diff --from staging --to prod`: what differs between two environments.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::args::{DiffArgs, Global};
use super::exit::Exit;
use super::output::{Document, Finish, Printer};
use super::world::{self, Lives, Opening, World};
use crate::diagnostic::{Diagnostic, Sources};
use crate::import;
use crate::model::{Address, Map, Pointer, Value};
use crate::render;
use crate::schema;
use crate::systems::SYSTEMS;

/// What differs between two environments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Differences {
    /// The environment that is compared with the other one.
    pub from: String,
    /// The other one.
    pub to: String,
    /// Whether what is live was compared, and not what is declared.
    pub live: bool,
    /// What only the first has.
    pub only_from: Vec<Address>,
    /// What only the second has.
    pub only_to: Vec<Address>,
    /// What both have, in different forms.
    pub changed: Vec<Different>,
    /// How many are alike.
    pub alike: usize,
}

/// A resource that both environments have, in different forms.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Different {
    /// The resource.
    pub address: Address,
    /// The places.
    pub fields: Vec<DifferentField>,
}

/// A place that is not the same in both.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DifferentField {
    /// The place.
    pub pointer: Pointer,
    /// What the first has; nothing where it says nothing. Secrets are the names of their sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub from: Option<Value>,
    /// What the second has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub to: Option<Value>,
}

pub(super) async fn run(global: &Global, args: &DiffArgs, printer: &Printer) -> Finish {
    if global.environment.is_some() {
        let problem = Diagnostic::error(
            "usage",
            "`diff` takes its environments with --from and --to",
        );
        let problem = problem.help("leave out `--env`");
        return Finish::failed(Exit::Error, Sources::default(), vec![problem]);
    }
    let side = async |name: &str| {
        let global = Global {
            environment: Some(name.to_owned()),
            ..global.clone()
        };
        match args.live {
            true => live(&global, printer).await,
            false => declared(&global, printer),
        }
    };
    let mut diagnostics = Vec::new();
    let mut sides = Vec::new();
    for name in [&args.from, &args.to] {
        match side(name).await {
            Ok((side, found)) => {
                sides.push(side);
                // Both are one repository: what is said of it is said once.
                for problem in found {
                    if !diagnostics.contains(&problem) {
                        diagnostics.push(problem);
                    }
                }
            }
            Err(finish) => return *finish,
        }
    }
    let [from, to] = sides.as_slice() else {
        return Finish::new(Exit::Error, Sources::default());
    };
    let mut differences = compare(from, to);
    differences.from.clone_from(&args.from);
    differences.to.clone_from(&args.to);
    differences.live = args.live;
    for field in differences.changed.iter_mut().flat_map(|it| &mut it.fields) {
        let values = field.from.iter_mut().chain(&mut field.to);
        values.for_each(|value| printer.hide_in(value));
    }
    let differ = differences.alike < from.len().max(to.len());
    let exit = match args.detailed_exitcode && differ {
        true => Exit::Changes,
        false => Exit::Done,
    };
    Finish {
        text: text(&differences),
        document: Document {
            differences: Some(differences),
            ..Document::default()
        },
        ..Finish::failed(exit, Sources::default(), diagnostics)
    }
}

/// The fields of resources.
type Side = BTreeMap<Address, Map>;

/// What an environment declares. Its secrets need not be set: only their sources are compared.
fn declared(global: &Global, printer: &Printer) -> Result<(Side, Vec<Diagnostic>), Box<Finish>> {
    let variables = world::variables(global)?;
    // Placeholders stand for what is unset.
    let global = &Global {
        mock: true,
        ..global.clone()
    };
    let (repository, _, _) = world::load(global, &variables, &Opening::default())?;
    printer.hide(world::secrets(&repository, &variables));
    let entries = repository.entries.into_iter();
    Ok((
        entries.map(|entry| (entry.address, entry.fields)).collect(),
        Vec::new(),
    ))
}

/// What is live of what an environment declares or has in its ledger, as far as it is not that
/// server's alone: ids and times are nobody's decision.
async fn live(global: &Global, printer: &Printer) -> Result<(Side, Vec<Diagnostic>), Box<Finish>> {
    let world = World::open(global, printer).await?;
    // A part of what is there would look like a difference.
    let lives = world.read().await.and_then(Lives::all);
    let (sources, diagnostics) = world.close().await;
    let lives =
        lives.map_err(|(exit, problems)| Box::new(Finish::failed(exit, sources, problems)))?;
    let mut side = Side::new();
    let mut schemas = HashMap::new();
    for system in SYSTEMS {
        let Some(live) = lives.get(system.name) else {
            continue;
        };
        let marks = import::marks_of(system, live);
        for (address, object) in &live.objects {
            let Some(kind) = system.kind(&address.kind) else {
                continue;
            };
            let schema = schemas.entry(kind.name);
            let schema = schema.or_insert_with(|| schema::kind_schema(kind));
            let fields = import::portable(kind, schema, &marks, &object.fields);
            side.insert(address.clone(), fields);
        }
    }
    Ok((side, diagnostics))
}

fn compare(from: &Side, to: &Side) -> Differences {
    let addresses: BTreeSet<&Address> = from.keys().chain(to.keys()).collect();
    let mut found = Differences::default();
    for address in addresses {
        match (from.get(address), to.get(address)) {
            (Some(from), Some(to)) => {
                let mut fields = Vec::new();
                members(&mut Pointer::root(), from, to, &mut fields);
                match fields.is_empty() {
                    true => found.alike += 1,
                    false => found.changed.push(Different {
                        address: address.clone(),
                        fields,
                    }),
                }
            }
            (Some(_), None) => found.only_from.push(address.clone()),
            (None, _) => found.only_to.push(address.clone()),
        }
    }
    found
}

/// Compares maps member by member, and everything else as a whole.
fn members(at: &mut Pointer, from: &Map, to: &Map, found: &mut Vec<DifferentField>) {
    let more = to.keys().filter(|key| !from.contains_key(*key));
    for key in from.keys().chain(more) {
        at.push(key);
        match (from.get(key), to.get(key)) {
            (Some(Value::Map(from)), Some(Value::Map(to))) => members(at, from, to, found),
            (from, to) if !alike(from, to) => found.push(DifferentField {
                pointer: at.clone(),
                from: from.cloned(),
                to: to.cloned(),
            }),
            _ => {}
        }
        at.pop();
    }
}

/// Secrets are alike where they come from the same source; what they are is nobody's business.
fn alike(from: Option<&Value>, to: Option<&Value>) -> bool {
    match (from, to) {
        (Some(Value::Secret(from)), Some(Value::Secret(to))) => from.sources() == to.sources(),
        (Some(Value::List(from)), Some(Value::List(to))) => {
            let mut pairs = from.iter().zip(to);
            from.len() == to.len() && pairs.all(|(from, to)| alike(Some(from), Some(to)))
        }
        (Some(Value::Map(from)), Some(Value::Map(to))) => {
            let mut members = from.iter();
            from.len() == to.len() && members.all(|(key, from)| alike(Some(from), to.get(key)))
        }
        (from, to) => from == to,
    }
}

fn text(found: &Differences) -> String {
    let Differences { from, to, .. } = found;
    let mut out = String::new();
    // Writing into a string cannot fail.
    for address in &found.only_from {
        let _ = writeln!(out, "- {address}  only in {from}");
    }
    for address in &found.only_to {
        let _ = writeln!(out, "+ {address}  only in {to}");
    }
    for Different { address, fields } in &found.changed {
        let _ = writeln!(out, "~ {address}");
        for field in fields {
            let shown = |value: &Option<Value>| match value {
                None if found.live => "(nothing)".to_owned(),
                None => "(not declared)".to_owned(),
                Some(Value::Secret(secret)) if !secret.sources().is_empty() => {
                    format!("secret {}", secret.sources().join(" + "))
                }
                Some(value) => render::value(value),
            };
            let _ = writeln!(
                out,
                "    {}: {} → {}",
                field.pointer,
                shown(&field.from),
                shown(&field.to)
            );
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    let (only_from, only_to) = (found.only_from.len(), found.only_to.len());
    let changed = found.changed.len();
    let verb = if changed == 1 { "differs" } else { "differ" };
    let _ = writeln!(
        out,
        "From {from} to {to}: {changed} {verb}, {only_from} only in {from}, {only_to} only in {to}; \
         {} alike.",
        found.alike
    );
    out
}
