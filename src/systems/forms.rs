//! Objects whose fields depend on a choice, as tables: an integration's `configurations` depend on
//! its provider and way of authentication, a secret reference's `auth_config` on its manager.
//!
//! What is surely wrong is an error. What may just be newer than gatewright is a warning: the API
//! gains fields faster than its document.

use crate::diagnostic::{did_you_mean, nearest};
use crate::kind::Problems;
use crate::model::{Map, Pointer, Value};

/// Whether a field is there and not being cleared.
pub(super) fn has(entry: &Map, field: &str) -> bool {
    entry.get(field).is_some_and(|value| !value.is_null())
}

/// A set of fields. Names may end in `*`, which stands for any rest.
#[derive(Debug)]
pub(super) struct Form {
    /// Fields that must be there.
    pub(super) required: &'static [&'static str],
    /// Fields that may be there.
    pub(super) optional: &'static [&'static str],
    /// Further fields that depend on the value of one.
    pub(super) modes: Option<&'static Modes>,
}

/// Fields that depend on the value of one.
#[derive(Debug)]
pub(super) struct Modes {
    /// The field whose value decides; required.
    pub(super) field: &'static str,
    /// What it may be.
    pub(super) modes: &'static [Mode],
}

/// One value of the deciding field, and the fields that belong to it.
#[derive(Debug)]
pub(super) struct Mode {
    /// The value.
    pub(super) name: &'static str,
    /// Fields that must be there.
    pub(super) required: &'static [&'static str],
    /// Fields that may be there.
    pub(super) optional: &'static [&'static str],
}

/// What a check of a form needs to know besides the form.
pub(super) struct Context<'a> {
    /// What the form is of, for messages: `bedrock`.
    pub(super) what: &'a str,
    /// Fields that are secrets. A manifest may leave them to the console, so that their absence is
    /// only a warning.
    pub(super) secrets: &'a [&'a str],
    /// Whether a field comes from elsewhere, for example from a secret mapping.
    pub(super) supplied: &'a dyn Fn(&str) -> bool,
    /// What to say of a field that this form does not have, where something is known of it.
    pub(super) hint: &'a dyn Fn(&str) -> Option<String>,
}

impl Form {
    /// A form without any field.
    pub(super) const EMPTY: Self = Self {
        required: &[],
        optional: &[],
        modes: None,
    };

    fn modes(&self) -> &'static [Mode] {
        self.modes.map_or(&[], |modes| modes.modes)
    }

    /// Every field that the form may have.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static str> {
        let modes = self.modes().iter().flat_map(Mode::fields);
        self.modes
            .map(|modes| modes.field)
            .into_iter()
            .chain(self.required.iter().copied())
            .chain(self.optional.iter().copied())
            .chain(modes)
    }

    /// Whether the form may have this field.
    pub(super) fn knows(&self, field: &str) -> bool {
        self.fields().any(|name| named(name, field))
    }

    /// The mode that an object is in, if it says a known one.
    pub(super) fn mode(&self, object: &Map) -> Option<&'static Mode> {
        let modes = self.modes?;
        let name = object.get(modes.field)?.as_str()?;
        modes.modes.iter().find(|mode| mode.name == name)
    }

    /// Checks an object, its missing fields only where they are not `complete` without them.
    pub(super) fn check(
        &self,
        object: &Map,
        at: &Pointer,
        context: &Context<'_>,
        complete: bool,
        problems: &mut Problems,
    ) {
        let mode = self.mode(object);
        for field in object.keys() {
            self.check_field(field, mode, &at.child(field), context, problems);
        }
        if complete {
            return;
        }
        self.require(object, self.required, context.what, at, context, problems);
        let Some(modes) = self.modes else { return };
        let values = || modes.modes.iter().map(|mode| mode.name);
        match object.get(modes.field) {
            Some(Value::String(value)) => match mode {
                Some(mode) => {
                    let what = format!("{} with `{}: {value}`", context.what, modes.field);
                    self.require(object, mode.required, &what, at, context, problems);
                }
                None => {
                    let all: Vec<_> = values().collect();
                    problems
                        .error(
                            "unknown-value",
                            &at.child(modes.field),
                            format!("`{value}` is no `{}` of {}", modes.field, context.what),
                        )
                        .help(did_you_mean(value, values()).unwrap_or_else(|| one_of(&all)));
                }
            },
            Some(Value::Null) | None => {
                let all: Vec<_> = values().collect();
                problems
                    .error(
                        "missing-field",
                        at,
                        format!("{} needs `{}`", context.what, modes.field),
                    )
                    .help(one_of(&all));
            }
            Some(_) => {}
        }
    }

    fn check_field(
        &self,
        field: &str,
        mode: Option<&Mode>,
        at: &Pointer,
        context: &Context<'_>,
        problems: &mut Problems,
    ) {
        if !self.knows(field) {
            let what = context.what;
            let message = format!("`{field}` is not a field of {what}");
            let help = (context.hint)(field).or_else(|| did_you_mean(field, self.fields()));
            match help {
                Some(help) => problems.error("unknown-field", at, message).help(help),
                None => problems
                    .warning("unknown-field", at, message)
                    .help("it is sent as it is, in case the server knows more"),
            }
            return;
        }
        let Some((modes, mode)) = self.modes.zip(mode) else {
            return;
        };
        let anywhere = self.required.iter().chain(self.optional).copied();
        let here = anywhere.chain(mode.fields()).chain([modes.field]);
        if !here.into_iter().any(|name| named(name, field)) {
            problems.warning(
                "unused-field",
                at,
                format!(
                    "`{field}` means nothing with `{}: {}`",
                    modes.field, mode.name
                ),
            );
        }
    }

    fn require(
        &self,
        object: &Map,
        fields: &[&str],
        what: &str,
        at: &Pointer,
        context: &Context<'_>,
        problems: &mut Problems,
    ) {
        for field in fields {
            if has(object, field) || (context.supplied)(field) {
                continue;
            }
            // A misspelt field is reported as such; that it is missing as well says nothing new.
            if object
                .keys()
                .any(|key| !self.knows(key) && nearest(key, [*field]).is_some())
            {
                continue;
            }
            let message = format!("{what} needs `{field}`");
            if context.secrets.contains(field) {
                problems
                    .warning("missing-secret", at, message)
                    .help("it can be left out only while the object exists already");
            } else {
                problems.error("missing-field", at, message);
            }
        }
    }
}

impl Mode {
    fn fields(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.required.iter().chain(self.optional).copied()
    }
}

/// Whether a name of a table, which may end in `*`, is that of a field.
fn named(name: &str, field: &str) -> bool {
    match name.strip_suffix('*') {
        Some(head) => field.starts_with(head),
        None => name == field,
    }
}

/// `expected one of ...`
pub(super) fn one_of(values: &[&str]) -> String {
    format!("expected one of `{}`", values.join("`, `"))
}
