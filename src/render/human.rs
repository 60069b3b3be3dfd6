//! A plan as people read it in a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::text;
use crate::diff::{Because, Origin};
use crate::model::{Address, Value};
use crate::plan::{
    Action, Change, Impulse, Instead, Move, Order, Plan, Rename, Replacement, Summary, WhyLeft,
};

const CREATE: Style = AnsiColor::Green.on_default();
const UPDATE: Style = AnsiColor::Yellow.on_default();
const DELETE: Style = AnsiColor::Red.on_default();
const QUIET: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// How much of a plan to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A line for every new object, every changed place of the others.
    Concise,
    /// The fields of new objects as well.
    Full,
}

impl Detail {
    /// Everything if asked for, else the concise form.
    pub fn full_if(asked: bool) -> Self {
        if asked { Self::Full } else { Self::Concise }
    }
}

/// The plan as text, with ANSI colours; the stream that it is written to removes them where they
/// are not wanted. The last line is always the summary.
pub fn plan(plan: &Plan, detail: Detail) -> String {
    let mut out = String::new();
    changes(&mut out, plan, detail);
    unread(&mut out, plan);
    notes(&mut out, plan);
    let summary = plan.summary;
    if plan.is_empty() {
        let unchanged = objects(summary.unchanged, "is", "are");
        line(
            &mut out,
            format_args!("{STRONG}No changes.{STRONG:#} {unchanged} as declared."),
        );
    } else {
        let Summary {
            create,
            update,
            replace,
            delete,
            unchanged,
        } = summary;
        let replace = match replace {
            0 => String::new(),
            count => format!("{count} to replace, "),
        };
        line(
            &mut out,
            format_args!(
                "{STRONG}Plan:{STRONG:#} {create} to create, {update} to update, {replace}{delete} to \
                 delete; {unchanged} unchanged."
            ),
        );
    }
    out
}

/// A plan that was cut down to drift, as text: what somebody changed or removed.
pub fn drift(plan: &Plan, detail: Detail) -> String {
    let mut out = String::new();
    changes(&mut out, plan, detail);
    unread(&mut out, plan);
    if plan.is_empty() {
        let unchanged = objects(plan.summary.unchanged, "is", "are");
        line(
            &mut out,
            format_args!("{STRONG}No drift.{STRONG:#} {unchanged} as declared."),
        );
    } else {
        let changed = plan.summary.update + plan.summary.replace;
        let changed = objects(changed, "differs", "differ");
        let gone = objects(plan.summary.create, "is gone", "are gone");
        line(
            &mut out,
            format_args!("{STRONG}Drift:{STRONG:#} {changed}, {gone}."),
        );
    }
    out
}

fn changes(out: &mut String, plan: &Plan, detail: Detail) {
    for change in &plan.changes {
        write_change(out, change, detail);
    }
    if !plan.changes.is_empty() {
        out.push('\n');
    }
}

/// Writing into a string cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}

fn style(action: Action) -> Style {
    match action {
        Action::Create => CREATE,
        Action::Update | Action::Replace => UPDATE,
        Action::Delete => DELETE,
    }
}

fn write_change(out: &mut String, change: &Change, detail: Detail) {
    let style = style(change.action);
    let sign = change.action.sign();
    let name = change
        .name
        .as_deref()
        .filter(|name| *name != change.address.key);
    let name = name
        .map(|name| format!(" {}", text::value(&Value::text(name))))
        .unwrap_or_default();
    let place = match (&change.source, change.action) {
        (Some(source), _) => format!("{source}"),
        (None, _) => format!("because {}", change.because),
    };
    // That a new entry does not exist yet goes without saying.
    let again = if change.recreates {
        format!(" (again: {})", change.because)
    } else {
        String::new()
    };
    line(
        out,
        format_args!(
            "{style}{sign}{style:#} {}{name}{again}  {QUIET}{place}{QUIET:#}",
            change.address
        ),
    );
    if let Some(issue) = &change.issues {
        let (style, sign, what) = match issue.instead {
            None => (CREATE, '+', "made by the server, goes to"),
            Some(Instead::Asked) => (UPDATE, '~', "a new one as asked, goes to"),
            Some(Instead::Undelivered) => (
                UPDATE,
                '~',
                "a new one because the last was not delivered, goes to",
            ),
        };
        let (field, sink) = (&issue.field, text::plain(&issue.sink.to_string()));
        line(
            out,
            format_args!("    {style}{sign}{style:#} /{field}: {what} {sink}"),
        );
    }
    for Impulse { pointer, value } in &change.impulses {
        let of = value
            .as_ref()
            .map(|of| format!(" for `{}`", text::plain(of)));
        let of = of.unwrap_or_default();
        line(
            out,
            format_args!("    {UPDATE}~{UPDATE:#} {pointer}: once{of}, as asked"),
        );
    }
    if change.action == Action::Create && detail == Detail::Concise {
        return;
    }
    for field in &change.fields {
        let at = field.source.as_ref();
        // A place that is not in the manifest any more has its line at the entry.
        let at = at.filter(|at| Some(*at) != change.source.as_ref());
        let at = at
            .map(|at| format!("  {QUIET}{at}{QUIET:#}"))
            .unwrap_or_default();
        let pointer = &field.pointer;
        let because = match field.because {
            Some(Because::Fingerprint) => " (its value changed)",
            Some(Because::Mask) => " (it does not fit what the API shows of it)",
            Some(Because::NeverWritten) => " (the API does not return it)",
            Some(Because::Absent) => " (the server says that it has none)",
            Some(Because::Asked) => " (sent again, as asked)",
            Some(Because::NotFound) => " (the server has not found it)",
            None if field.forces_replacement => " (cannot change)",
            None => "",
        };
        let origin = match (field.origin, &field.last_applied) {
            (Some(Origin::Drift), _) => " (drift: changed since the last apply)".to_owned(),
            (Some(Origin::Conflict), base) => {
                let base = base.as_ref().map_or("nothing".to_owned(), text::value);
                format!(" (conflict: it was {base} at the last apply)")
            }
            _ => String::new(),
        };
        let (style, sign, text) = match (&field.old, &field.new) {
            (Value::Null, new) => (CREATE, '+', text::value(new)),
            (old, Value::Null) => (DELETE, '-', text::value(old)),
            (old, new) => (UPDATE, '~', text::change(old, new)),
        };
        line(
            out,
            format_args!("    {style}{sign}{style:#} {pointer}: {text}{because}{origin}{at}"),
        );
    }
    if let Some(replacement) = &change.replacement {
        self::replacement(out, replacement);
    }
}

/// What a replacement means, below its fields.
fn replacement(out: &mut String, replacement: &Replacement) {
    let order = match replacement.order {
        Order::CreateFirst => "the new one is made first, the old one is deleted last",
        Order::DeleteFirst => {
            "the old one is deleted first, because both have one name there: for a moment there is \
             none"
        }
    };
    line(out, format_args!("    {QUIET}{order}{QUIET:#}"));
    let list = |items: Vec<String>| items.join(", ");
    if !replacement.dependants.is_empty() {
        let names = list(
            replacement
                .dependants
                .iter()
                .map(Address::to_string)
                .collect(),
        );
        line(
            out,
            format_args!("    {QUIET}changed with it, because they use it: {names}{QUIET:#}"),
        );
    }
    if !replacement.loses.is_empty() {
        let names = list(replacement.loses.iter().map(ToString::to_string).collect());
        line(
            out,
            format_args!(
                "    {QUIET}not declared, so the new one will not have it: {names}{QUIET:#}"
            ),
        );
    }
}

/// What the plan does not speak of.
fn unread(out: &mut String, plan: &Plan) {
    for (system, base_url) in &plan.unread {
        line(
            out,
            format_args!(
                "{DELETE}!{DELETE:#} {system} at {base_url} could not be read: nothing of it is \
                 shown or changed.\n"
            ),
        );
    }
}

fn notes(out: &mut String, plan: &Plan) {
    let mut any = false;
    for rename in &plan.renames {
        any = true;
        let Rename {
            from,
            to,
            alike,
            moved_from,
        } = rename;
        let advice = match moved_from {
            Some(key) => format!(
                "To keep the object, write in the new entry:\n      lifecycle: {{ moved_from: {key} }}"
            ),
            None => "Its key is its slug, which cannot change: this makes a new object.".to_owned(),
        };
        line(
            out,
            format_args!(
                "{UPDATE}?{UPDATE:#} {to} is probably {from} renamed ({alike} % alike). {advice}"
            ),
        );
    }
    for Move { from, to } in &plan.moved {
        any = true;
        line(
            out,
            format_args!("{QUIET}= {to}, which was {from}{QUIET:#}"),
        );
    }
    if !plan.adopted.is_empty() {
        any = true;
        let found = objects(plan.adopted.len(), "exists", "exist");
        let changing = |address: &&Address| !plan.changes.iter().any(|c| c.address == **address);
        for address in plan.adopted.iter().filter(changing) {
            line(out, format_args!("{QUIET}= {address}{QUIET:#}"));
        }
        line(
            out,
            format_args!(
                "{QUIET}Adopting: {found} already; the ledger records that from now on.{QUIET:#}"
            ),
        );
    }
    if !plan.forgotten.is_empty() {
        any = true;
        let gone = objects(plan.forgotten.len(), "is", "are");
        line(
            out,
            format_args!(
                "{QUIET}Forgetting: {gone} no longer declared, and gone or not ours to delete.{QUIET:#}"
            ),
        );
    }
    any |= left_alone(out, plan);
    if any {
        out.push('\n');
    }
}

/// How many entries are named one by one whose secrets are not set.
const FEW: usize = 3;

/// What stays as it is, and why.
fn left_alone(out: &mut String, plan: &Plan) -> bool {
    let mut counts: BTreeMap<(WhyLeft, Option<&str>), Vec<String>> = BTreeMap::new();
    let objects = plan.left_alone.iter().filter(|left| left.address.is_none());
    for left in objects {
        let why = (left.because, left.reason.as_deref());
        let kinds = counts.entry(why).or_default();
        kinds.push(format!("{} {}", left.count, left.kind));
    }
    for ((why, reason), kinds) in counts {
        let reason = match (why, reason) {
            (_, Some(reason)) => format!("because {reason}"),
            (WhyLeft::NotOurs, None) => "neither created nor adopted by gatewright".to_owned(),
            (_, None) => "not made by gatewright".to_owned(),
        };
        let kinds = kinds.join(", ");
        line(
            out,
            format_args!("{QUIET}Left alone, {reason}: {kinds}.{QUIET:#}"),
        );
    }
    let unset = plan.left_alone.iter();
    let unset: Vec<usize> = unset
        .filter(|left| left.because == WhyLeft::Unset)
        .map(|left| left.count)
        .collect();
    let many = unset.len() > FEW;
    if many {
        let (secrets, entries) = (unset.iter().sum::<usize>(), unset.len());
        line(
            out,
            format_args!(
                "{QUIET}Left alone, because their variables are not set yet: {secrets} secrets of {entries} entries.{QUIET:#}"
            ),
        );
    }
    for left in &plan.left_alone {
        let why = match left.because {
            WhyLeft::Unset if many => continue,
            WhyLeft::Ignored => "because `lifecycle.ignore` says so",
            WhyLeft::Unset => "because its variable is not set yet",
            WhyLeft::NotOurs | WhyLeft::ServerMade | WhyLeft::KeptElsewhere => continue,
        };
        if let Some(address) = &left.address {
            let places: Vec<String> = left.places.iter().map(ToString::to_string).collect();
            let places = places.join(", ");
            line(
                out,
                format_args!("{QUIET}Left alone, {why}: {address} {places}.{QUIET:#}"),
            );
        }
    }
    !plan.left_alone.is_empty()
}

/// `1 object is`, `2 objects are`.
fn objects(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 object {one}")
    } else {
        format!("{count} objects {many}")
    }
}
