//! Values of files that are encrypted with sops as a whole.

use super::{Guard, Origin, Reading, Scope};
use crate::diagnostic::Diagnostic;
use crate::manifest::encrypted::{self, Encrypted};
use crate::manifest::rules::States;
use crate::model::{Secret, Value};
use crate::yaml::{Member, Node};

impl Reading<'_, '_> {
    /// The file that a scalar stands in, if it is encrypted there.
    pub(super) fn encrypted(&self, node: &Node, scope: &Scope) -> Option<Encrypted> {
        let found = self.reader.encrypted.get(&scope.file)?;
        let text = self.reader.sources.text(scope.file);
        let source = text.get(node.span.clone())?;
        encrypted::is_sealed(source).then(|| found.clone())
    }

    /// What stands for a value in a run against the mock.
    pub(super) fn sealed_stand_in(
        &mut self,
        node: &Node,
        scope: &Scope,
        guard: Guard,
        encrypted: &Encrypted,
    ) -> Value {
        let name = self.pointer.segments().last().cloned().unwrap_or_default();
        let text = self.stand_in(&name, guard);
        self.unset = false;
        let outside = vec![encrypted.source.to_string()];
        self.outside.extend_from_slice(&outside);
        self.seal(Value::text(&text), node, scope, guard, outside, true)
    }

    /// A value without interpolations. It is encrypted where it stands, so that it may be a secret;
    /// it comes from outside of what people can read.
    pub(super) fn seal_decrypted(
        &mut self,
        value: Value,
        node: &Node,
        scope: &Scope,
        guard: Guard,
        encrypted: &Encrypted,
    ) -> Value {
        let outside = vec![encrypted.source.to_string()];
        self.outside.extend_from_slice(&outside);
        self.unset = false;
        match value {
            Value::String(text) => {
                if guard == Guard::Open && encrypted.chosen {
                    self.seal_in_the_open(&text, &encrypted.source, node, scope);
                }
                self.seal(Value::String(text), node, scope, guard, outside, false)
            }
            Value::Null => value,
            value => {
                if !self.failed_here() {
                    self.mark(Origin::Outside);
                }
                value
            }
        }
    }

    /// Whether some members of a map in an encrypted file are secrets. Who encrypts such a map as a
    /// whole means those.
    pub(super) fn has_secrets(&self, members: &[Member], scope: &Scope, states: &States) -> bool {
        let secret = |member: &Member| {
            let states = self.rules.step(states, &member.key);
            self.guard(Guard::Open, &states) > Guard::Open
        };
        self.reader.encrypted.contains_key(&scope.file) && members.iter().any(secret)
    }

    /// Somebody chose to encrypt a text that is nothing secret to the API: no output shows it, and
    /// the ledger does not have it.
    pub(super) fn seal_in_the_open(
        &mut self,
        text: &str,
        source: &str,
        node: &Node,
        scope: &Scope,
    ) {
        if self.beside_secrets {
            return;
        }
        let secret = Secret::declared(text, Vec::new());
        self.reader.secrets.insert(&secret);
        self.sealed.insert(self.pointer.clone(), source.to_owned());
        let message = format!("`{}` is encrypted, and no secret to the API", self.pointer);
        let diagnostic = Diagnostic::warning("encrypted-in-the-open", message)
            .at(
                scope.at(node),
                "everybody who may read the object sees it there",
            )
            .note(
                "no output shows it, and the ledger has it in the clear only where it tells which \
                 object is meant: a name, or where something lives",
            );
        self.report(diagnostic, scope);
    }
}
