//! Seals what stands in the places of secrets.

use super::{Guard, Origin, Reading, Scope};
use crate::diagnostic::Diagnostic;
use crate::manifest::rules::States;
use crate::model::{Map, Secret, Value};
use crate::yaml::{Member, Node, NodeValue};

impl Reading<'_, '_> {
    /// A value that the YAML says in so many words.
    pub(super) fn seal_literal(
        &mut self,
        value: Value,
        node: &Node,
        text: &str,
        scope: &Scope,
        guard: Guard,
    ) -> Value {
        if guard < Guard::Secret || value.is_null() || self.failed_here() {
            return value;
        }
        self.refuse_literal(node, scope);
        if guard == Guard::SecretJson && !is_json_object(text) {
            return self.not_json(node, scope);
        }
        self.secret(Secret::declared(text, Vec::new()), guard)
    }

    /// A text with something from outside in it.
    pub(super) fn seal(
        &mut self,
        value: Value,
        node: &Node,
        scope: &Scope,
        guard: Guard,
        outside: Vec<String>,
        stand_in: bool,
    ) -> Value {
        let guarded = guard > Guard::Open;
        if self.unset && guarded && matches!(value, Value::String(_)) {
            // Nothing is known of it, not even whether it is the JSON that it should be.
            return self.secret(Secret::declared("", outside), guard);
        }
        if guard >= Guard::Secret {
            // What stands beside the interpolation may be a part of the secret.
            self.hide(node, scope);
        }
        match value {
            Value::String(text) if guard == Guard::SecretJson && !is_json_object(&text) => {
                self.not_json(node, scope)
            }
            Value::String(text) if guarded && !outside.is_empty() => {
                self.secret(Secret::declared(text, outside), guard)
            }
            Value::String(text) => {
                if outside.is_empty() {
                    // Made of literal variables only: as literal as if it stood here.
                    return self.seal_literal(Value::text(&text), node, &text, scope, guard);
                }
                self.mark(if stand_in {
                    Origin::Opaque
                } else {
                    Origin::Outside
                });
                Value::String(text)
            }
            Value::Template(_) if guarded && !outside.is_empty() => {
                let message = "a secret cannot be mixed with a `${ref:...}`";
                let diagnostic = Diagnostic::error("bad-interpolation", message)
                    .at(scope.at(node), "both in one text")
                    .note("the reference is only known later, when the text would be in the open");
                self.report(diagnostic, scope);
                self.fail()
            }
            value => {
                self.mark(Origin::Opaque);
                value
            }
        }
    }

    /// A secret that is written as a map. It may have parts that come from outside; without any,
    /// it is a literal.
    pub(super) fn secret_document(
        &mut self,
        node: &Node,
        members: &[Member],
        scope: &Scope,
    ) -> Value {
        let before = self.outside.len();
        let failed_before = std::mem::take(&mut self.failed);
        // The rules do not reach into the document: it is a secret as a whole.
        let states = States::default();
        let beside = std::mem::replace(&mut self.beside_secrets, true);
        let map: Map = members
            .iter()
            .map(|member| {
                let value = self.member(member, scope, &states, Guard::Open);
                (member.key.clone(), value)
            })
            .collect();
        self.beside_secrets = beside;
        let failed_inside = self.failed;
        self.failed |= failed_before;
        self.hide(node, scope);
        let outside = self.outside[before..].to_vec();
        if outside.is_empty() {
            self.refuse_literal(node, scope);
        }
        if failed_inside {
            return self.fail();
        }
        match Value::Map(map).to_wire(&|_| None) {
            Ok(document) => {
                let secret = Secret::declared(document.to_string(), outside);
                self.secret(secret, Guard::SecretJson)
            }
            Err(_) => {
                let message = "a secret cannot be mixed with a `${ref:...}`";
                let diagnostic = Diagnostic::error("bad-interpolation", message)
                    .at(scope.at(node), "a reference stands inside");
                self.report(diagnostic, scope);
                self.fail()
            }
        }
    }

    fn secret(&mut self, secret: Secret, guard: Guard) -> Value {
        self.reader.secrets.insert(&secret);
        self.mark(Origin::Opaque);
        Value::Secret(match guard {
            Guard::SecretJson => secret.as_json(),
            _ => secret,
        })
    }

    fn not_json(&mut self, node: &Node, scope: &Scope) -> Value {
        self.hide(node, scope);
        let diagnostic = Diagnostic::error("secret-not-json", "the secret is not a JSON object")
            .at(scope.at(node), "its text must be a JSON object")
            .note("the text is not shown, because it may be a secret");
        self.report(diagnostic, scope);
        self.fail()
    }

    /// A secret in the clear: hidden from all snippets and refused, unless the project says
    /// otherwise.
    fn refuse_literal(&mut self, node: &Node, scope: &Scope) {
        self.hide(node, scope);
        if self.reader.allow_literal_secrets {
            return;
        }
        let diagnostic = Diagnostic::error("literal-secret", "a secret stands in the repository")
            .at(scope.at(node), "a literal in a secret's place")
            .note("everyone who can read the repository, now or later, can read the secret")
            .help(
                "write `${env:NAME}` or `${file:PATH}`, and replace the secret where it is valid",
            );
        self.report(diagnostic, scope);
    }

    /// Keeps the literal scalars of a node out of all snippets.
    fn hide(&mut self, node: &Node, scope: &Scope) {
        super::hide::hide_literals(self.reader.sources, scope.file, node);
    }

    pub(super) fn failed_here(&self) -> bool {
        self.origins.get(&self.pointer.to_string()) == Some(&Origin::Failed)
    }
}

/// Whether a text is a JSON object. What the parser says of it is not passed on: it could quote
/// the text.
fn is_json_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

/// Whether a scalar is nothing but interpolations, which are no secrets themselves.
pub(super) fn is_one_hole(node: &Node) -> bool {
    matches!(&node.value, NodeValue::Scalar { text, .. }
        if text.starts_with("${") && text.find('}') == Some(text.len() - 1))
}
