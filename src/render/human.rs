//! A plan as people read it in a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::text;
use crate::diff::Because;
use crate::model::{Address, Value};
use crate::plan::{Action, Change, Plan, Summary};

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
            delete,
            unchanged,
        } = summary;
        line(
            &mut out,
            format_args!(
                "{STRONG}Plan:{STRONG:#} {create} to create, {update} to update, {delete} to delete; \
             {unchanged} unchanged."
            ),
        );
    }
    out
}

/// A plan that was cut down to drift, as text: what somebody changed or removed.
pub fn drift(plan: &Plan, detail: Detail) -> String {
    let mut out = String::new();
    changes(&mut out, plan, detail);
    if plan.is_empty() {
        let unchanged = objects(plan.summary.unchanged, "is", "are");
        line(
            &mut out,
            format_args!("{STRONG}No drift.{STRONG:#} {unchanged} as declared."),
        );
    } else {
        let changed = objects(plan.summary.update, "differs", "differ");
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
        Action::Update => UPDATE,
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
            Some(Because::NotFound) => " (the server has not found it)",
            None => "",
        };
        let (style, sign, text) = match (&field.old, &field.new) {
            (Value::Null, new) => (CREATE, '+', text::value(new)),
            (old, Value::Null) => (DELETE, '-', text::value(old)),
            (old, new) => (UPDATE, '~', text::change(old, new)),
        };
        line(
            out,
            format_args!("    {style}{sign}{style:#} {pointer}: {text}{because}{at}"),
        );
    }
}

fn notes(out: &mut String, plan: &Plan) {
    let mut any = false;
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
            format_args!("{QUIET}Forgetting: {gone} neither declared nor there any more.{QUIET:#}"),
        );
    }
    if !plan.left_alone.is_empty() {
        any = true;
        let kinds = plan
            .left_alone
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"));
        line(
            out,
            format_args!(
                "{QUIET}Left alone, neither created nor adopted by gatewright: {}.{QUIET:#}",
                kinds.collect::<Vec<_>>().join(", ")
            ),
        );
    }
    if any {
        out.push('\n');
    }
}

/// `1 object is`, `2 objects are`.
fn objects(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 object {one}")
    } else {
        format!("{count} objects {many}")
    }
}
