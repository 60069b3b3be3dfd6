//! Fills in interpolations: the environment, files, variables and references.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::{Guard, Reading, Scope};
use crate::diagnostic::{Diagnostic, Location, did_you_mean};
use crate::manifest::Unset;
use crate::manifest::holes::{self, Hole, Malformed, Piece};
use crate::model::{Address, Attribute, Reference, Secret, Segment};
use crate::yaml::{Node, NodeValue};

/// How large a file may be that becomes a value.
pub(super) const MAX_FILE_BYTES: usize = 1024 * 1024;

/// How many variables a resource may take, counting those inside of variables: a bound for
/// variables that multiply, far above what anybody writes.
const MAX_EXPANSIONS: usize = 10_000;

impl Reading<'_, '_> {
    pub(super) fn malformed(
        &mut self,
        problems: Vec<Malformed>,
        node: &Node,
        plain: bool,
        scope: &Scope,
        guard: Guard,
    ) {
        if guard >= Guard::Secret {
            // What looks like an interpolation may be a part of the secret.
            let location = scope.at(node);
            self.reader.sources.hide(&location);
            let message = "malformed interpolation in a secret";
            let diagnostic = Diagnostic::error("bad-interpolation", message)
                .at(location, "not shown, because it may be a secret")
                .help("write `${env:NAME}` or `${file:PATH}`, and `$${` for a literal `${`");
            self.report(diagnostic, scope);
            return;
        }
        for problem in problems {
            let location = self.place(&problem.range, node, plain, scope);
            let diagnostic = Diagnostic::error("bad-interpolation", problem.message)
                .at(location, "")
                .help(problem.help);
            self.report(diagnostic, scope);
        }
    }

    /// Where a stretch of a scalar's text stands. Escapes and folding move the text of all but
    /// plain scalars, unless the source happens to read the same.
    fn place(
        &self,
        range: &std::ops::Range<usize>,
        node: &Node,
        plain: bool,
        scope: &Scope,
    ) -> Location {
        let whole = scope.at(node);
        let NodeValue::Scalar { text, .. } = &node.value else {
            return whole;
        };
        let source = self.reader.sources.text(scope.file);
        let source = source.get(node.span.clone()).unwrap_or_default();
        let quote = usize::from(!plain);
        let verbatim = source.get(quote..quote + range.end) == text.get(..range.end);
        if !verbatim {
            return whole;
        }
        let start = node.span.start + quote;
        Location {
            file: scope.file,
            span: start + range.start..start + range.end,
        }
    }

    pub(super) fn hole_place(&self, hole: &Hole, node: &Node, scope: &Scope) -> Location {
        let plain = matches!(node.value, NodeValue::Scalar { plain: true, .. });
        self.place(&hole.range, node, plain, scope)
    }

    /// Reports a problem; one inside a variable also shows who asked for the variable.
    pub(super) fn report(&mut self, diagnostic: Diagnostic, scope: &Scope) {
        let diagnostic = match &scope.via {
            Some((used, _)) => diagnostic.related(used.clone(), "used here"),
            None => diagnostic,
        };
        self.reader.diagnostics.push(diagnostic);
    }

    pub(super) fn environment(
        &mut self,
        hole: &Hole,
        node: &Node,
        scope: &Scope,
        guard: Guard,
    ) -> Option<String> {
        self.outside.push(format!("${{env:{}}}", hole.name));
        if let Some(value) = (self.reader.options.variables)(&hole.name) {
            return Some(value);
        }
        if self.reader.options.placeholders {
            return Some(self.stand_in(&hole.name, guard));
        }
        let location = self.hole_place(hole, node, scope);
        let via = scope.via.iter().map(|via| via.0.clone());
        let locations: Vec<Location> = std::iter::once(location).chain(via).collect();
        if self.may_lack && guard > Guard::Open {
            self.unset = true;
            self.reader.unset_secrets.push(Unset {
                at: self.pointer.clone(),
                variable: hole.name.clone(),
                locations,
            });
            return Some(String::new());
        }
        let uses = self.reader.unset.entry(hole.name.clone()).or_default();
        for location in locations {
            if !uses.contains(&location) {
                uses.push(location);
            }
        }
        None
    }

    /// What a run against the mock uses where the real value is not at hand. It is the same in
    /// every run, so that a second plan finds nothing to change.
    pub(super) fn stand_in(&mut self, name: &str, guard: Guard) -> String {
        self.stand_in = true;
        match guard {
            Guard::SecretJson => serde_json::json!({ "placeholder": name }).to_string(),
            _ => format!("placeholder-{name}"),
        }
    }

    pub(super) fn file(
        &mut self,
        hole: &Hole,
        node: &Node,
        scope: &Scope,
        guard: Guard,
    ) -> Option<String> {
        self.outside.push(format!("${{file:{}}}", hole.name));
        let path = scope.folder.join(&hole.name);
        let cached = self.reader.files.get(&path).cloned();
        let text = cached.unwrap_or_else(|| {
            let text = read_file(&path);
            self.reader.files.insert(path, text.clone());
            text
        });
        match text {
            Ok(text) => Some(text.to_string()),
            Err(_) if self.reader.options.placeholders => Some(self.stand_in(&hole.name, guard)),
            Err(reason) => {
                let message = format!("cannot read the file `{}`", hole.name);
                let location = self.hole_place(hole, node, scope);
                let diagnostic = Diagnostic::error("unreadable-file", message)
                    .at(location, reason)
                    .note("the path is relative to the folder of the file that names it");
                self.report(diagnostic, scope);
                None
            }
        }
    }

    /// The node of a variable, and the scope to read it in.
    pub(super) fn variable(
        &mut self,
        hole: &Hole,
        node: &Node,
        scope: &Scope,
    ) -> Option<(Node, Scope)> {
        self.expansions += 1;
        if self.expansions > MAX_EXPANSIONS {
            if self.expansions == MAX_EXPANSIONS + 1 {
                let message = format!("more than {MAX_EXPANSIONS} variables in one value");
                let diagnostic = Diagnostic::error("too-many-variables", message)
                    .at(
                        self.hole_place(hole, node, scope),
                        "while this is filled in",
                    )
                    .help("variables that hold variables multiply: use fewer levels of them");
                self.report(diagnostic, scope);
            }
            return None;
        }
        let variables = Rc::clone(&self.reader.variables);
        let location = self.hole_place(hole, node, scope);
        let mut via = scope
            .via
            .clone()
            .unwrap_or_else(|| (location.clone(), Vec::new()));
        let Some(member) = variables.members.iter().find(|it| it.key == hole.name) else {
            let names = || variables.members.iter().map(|member| member.key.as_str());
            let help = did_you_mean(&hole.name, names())
                .unwrap_or_else(|| "declare it under `vars:` in the project file".to_owned());
            let diagnostic = Diagnostic::error(
                "unknown-variable",
                format!("unknown variable `{}`", hole.name),
            )
            .at(location, "not among the project's `vars`")
            .help(help);
            self.report(diagnostic, scope);
            return None;
        };
        if via.1.contains(&hole.name) {
            via.1.push(hole.name.clone());
            let message = format!("variable `{}` refers to itself", hole.name);
            let diagnostic = Diagnostic::error("variable-cycle", message)
                .at(location, "here the circle closes")
                .note(format!("`{}`", via.1.join("` → `")));
            // Once, whoever asks for it.
            if !self.reader.diagnostics.contains(&diagnostic) {
                self.reader.diagnostics.push(diagnostic);
            }
            return None;
        }
        via.1.push(hole.name.clone());
        let scope = Scope {
            via: Some(via),
            ..variables.scope.clone()
        };
        Some((member.value.clone(), scope))
    }

    /// The text of a variable that is part of a longer text. Numbers keep their spelling.
    pub(super) fn variable_text(
        &mut self,
        hole: &Hole,
        variable: &Node,
        scope: &Scope,
        guard: Guard,
    ) -> Option<Vec<Segment>> {
        if let Some(encrypted) = self.encrypted(variable, scope) {
            self.outside.push(encrypted.source.to_string());
            if !encrypted.opened {
                return Some(vec![Segment::Text(self.stand_in(&hole.name, guard))]);
            }
            if encrypted.chosen
                && let NodeValue::Scalar { text, .. } = &variable.value
            {
                let secret = Secret::declared(text, Vec::new());
                self.reader.secrets.insert(&secret);
                self.sealed_part = Some(encrypted.source);
            }
        }
        let text = match &variable.value {
            NodeValue::Scalar { text, .. } if !variable.is_null() => text,
            _ => {
                let found = variable.type_name();
                let message = format!("variable `{}` cannot be part of a text", hole.name);
                let diagnostic = Diagnostic::error("bad-interpolation", message)
                    .at(scope.at(variable), format!("this is {found}"))
                    .help(format!(
                        "`${{var:{}}}` can only stand alone as a value",
                        hole.name
                    ));
                self.report(diagnostic, scope);
                return None;
            }
        };
        match holes::scan(text) {
            Ok(pieces) => match pieces.as_slice() {
                [] => Some(Vec::new()),
                [Piece::Text(text)] => Some(vec![Segment::Text(text.clone())]),
                pieces => self.text(pieces, variable, scope, guard),
            },
            Err(problems) => {
                let plain = matches!(variable.value, NodeValue::Scalar { plain: true, .. });
                self.malformed(problems, variable, plain, scope, guard);
                None
            }
        }
    }

    pub(super) fn reference(
        &mut self,
        hole: &Hole,
        node: &Node,
        scope: &Scope,
    ) -> Option<Reference> {
        let location = self.hole_place(hole, node, scope);
        let parts: Vec<&str> = hole.name.split('.').collect();
        let [kind, key, attribute] = parts[..] else {
            let diagnostic = Diagnostic::error("bad-interpolation", "incomplete reference")
                .at(location, "expected `kind.key.slug` or `kind.key.id`")
                .help("for example `${ref:guardrails.no-pii.slug}`");
            self.report(diagnostic, scope);
            return None;
        };
        let known = match attribute {
            "slug" => Some(Attribute::Slug),
            "id" => Some(Attribute::Id),
            _ => None,
        };
        let system = self.reader.options.systems.iter();
        let system = system.copied().find(|system| system.name == self.system);
        let kinds = || system.iter().flat_map(|system| system.kinds.iter());
        let named = system.and_then(|system| Some((system, system.kind(kind)?)));
        let Some((system, kind)) = named else {
            let diagnostic = Diagnostic::error("unknown-kind", format!("unknown kind `{kind}`"))
                .at(location, "in this reference")
                .maybe_help(did_you_mean(kind, kinds().map(|kind| kind.name)));
            self.report(diagnostic, scope);
            return None;
        };
        let Some(attribute) = known else {
            let message = format!("a reference cannot stand for `{attribute}`");
            let diagnostic = Diagnostic::error("unknown-attribute", message)
                .at(location, "expected `slug` or `id`")
                .help(format!(
                    "write `${{ref:{}.{key}.slug}}` or `${{ref:{}.{key}.id}}`",
                    kind.name, kind.name
                ));
            self.report(diagnostic, scope);
            return None;
        };
        let address = Address::new(self.system, kind.name, key);
        if !self.reader.index.contains(&address) {
            let Self { reader, .. } = self;
            let diagnostic = reader.index.dangling(
                &address,
                (system, kind),
                location,
                false,
                &mut reader.suggestions,
            );
            self.report(diagnostic, scope);
            return None;
        }
        Some(Reference { address, attribute })
    }
}

fn read_file(path: &Path) -> Result<Rc<str>, String> {
    let told = |error: std::io::Error| crate::manifest::files::reason(&error);
    let bytes = crate::manifest::files::bytes(path, MAX_FILE_BYTES).map_err(told)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(format!("larger than {MAX_FILE_BYTES} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).into())
}

/// One problem for each variable that these secrets lack.
pub fn unset_secrets<'u>(unset: impl IntoIterator<Item = &'u Unset>) -> Vec<Diagnostic> {
    let mut variables: BTreeMap<String, Vec<Location>> = BTreeMap::new();
    for it in unset {
        let uses = variables.entry(it.variable.clone()).or_default();
        for location in &it.locations {
            if !uses.contains(location) {
                uses.push(location.clone());
            }
        }
    }
    variables.into_iter().map(unset_variable).collect()
}

/// One problem for all uses of a variable that is not set.
pub(super) fn unset_variable((name, uses): (String, Vec<Location>)) -> Diagnostic {
    const SHOWN: usize = 4;
    let message = format!("environment variable `{name}` is not set");
    let mut diagnostic = Diagnostic::error("unset-variable", message).help(format!(
        "set `{name}`, or give a file that does with `--env-file`"
    ));
    let more = uses.len().saturating_sub(SHOWN);
    for (at, location) in uses.into_iter().take(SHOWN).enumerate() {
        diagnostic = match at {
            0 => diagnostic.at(location, "needed here"),
            _ => diagnostic.related(location, "and here"),
        };
    }
    match more {
        0 => diagnostic,
        more => diagnostic.note(format!("and {more} more places")),
    }
}
