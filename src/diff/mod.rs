//! The difference between what is declared and what is live, for one resource.
//!
//! Pure: no I/O, no clock, no printing. What a user wants left alone is copied from live into
//! desired before it gets here, so nothing has to be filtered afterwards.

mod equal;
mod origin;

pub(crate) use equal::{deep, is_blank};
pub use origin::Origin;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use origin::Ways;

use crate::diagnostic::Position;
use crate::kind::{Fate, Is, Kind, Members};
use crate::ledger::Record;
use crate::model::{
    Address, Exposure, Fingerprint, FingerprintKey, Map, Pointer, Reference, Secret, Value,
};

/// One changed place of a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// The place.
    pub pointer: Pointer,
    /// What is there now; null where there is nothing.
    #[schemars(with = "serde_json::Value")]
    pub old: Value,
    /// What shall be there; null where it is to go.
    #[schemars(with = "serde_json::Value")]
    pub new: Value,
    /// Why this counts as a change, where that does not show: for secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Because>,
    /// Whether this cannot change on the live object, so that another one has to take its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forces_replacement: bool,
    /// Who made the difference, where it is known what was applied last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What was applied last, where both sides are something else now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub last_applied: Option<Value>,
    /// Where the place is declared; the diff leaves this to the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Position>,
}

/// How a change was recognised that cannot be seen by comparing two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The keyed fingerprint in the ledger is another one.
    Fingerprint,
    /// The mask that the API shows does not fit the declared secret.
    Mask,
    /// The API does not read this back, and the ledger does not say that it was written.
    NeverWritten,
    /// Somebody asked for it to be sent again.
    Asked,
    /// The server finds things of this sort by itself, and has not found this one.
    NotFound,
    /// The API does not show it, but says that nothing is there.
    Absent,
}

/// What a diff may know beside the two sides.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The resource's address, which fingerprints are bound to unless the record says otherwise.
    pub address: &'a Address,
    /// What was written last.
    pub record: Option<&'a Record>,
    /// The key of the ledger's fingerprints.
    pub fingerprint_key: Option<&'a FingerprintKey>,
    /// The id or slug of another resource, where it already exists.
    pub resolve: &'a dyn Fn(&Reference) -> Option<String>,
}

impl Context<'_> {
    /// Whether the ledger's fingerprint of a secret is another one; `None` where that cannot be said.
    fn fingerprint_differs(&self, at: &Pointer, secret: &Secret) -> Option<bool> {
        let record = self.record?;
        let written = Fingerprint::from_text(record.fingerprints.get(at)?.as_str());
        let address = record.bound_to.as_ref().unwrap_or(self.address);
        let now = fingerprint(self.fingerprint_key?, address, at, secret);
        now.comparable(&written).then(|| now != written)
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("address", self.address)
            .finish_non_exhaustive()
    }
}

/// The changes that bring a live object to what is desired, in the order of the manifest.
pub fn diff(kind: &Kind, desired: &Map, live: &Map, context: Context<'_>) -> Vec<FieldChange> {
    if kind.fate(live) == Fate::Done {
        return Vec::new();
    }
    let mut walk = Walk {
        kind,
        context,
        changes: Vec::new(),
    };
    walk.members(&mut Pointer::root(), desired, Some(live), true);
    let base = context.record.map(|record| &record.applied);
    if let Some(base) = base.filter(|base| !base.is_empty()) {
        let ways = Ways {
            kind,
            base,
            desired,
            resolve: context.resolve,
            fingerprint_differs: &|at, secret| context.fingerprint_differs(at, secret),
        };
        for change in &mut walk.changes {
            ways.label(change);
        }
    }
    walk.changes
}

struct Walk<'a> {
    kind: &'a Kind,
    context: Context<'a>,
    changes: Vec<FieldChange>,
}

impl<'a> Walk<'a> {
    fn changed(&mut self, pointer: &Pointer, old: Option<&Value>, new: &Value) {
        self.changes.push(FieldChange {
            pointer: pointer.clone(),
            old: old.cloned().unwrap_or(Value::Null),
            new: new.clone(),
            because: None,
            forces_replacement: false,
            origin: None,
            last_applied: None,
            source: None,
        });
    }

    /// Compares the members of two objects. With `partial`, members that are not declared are not
    /// managed; without, they are to go.
    fn members(&mut self, at: &mut Pointer, desired: &Map, live: Option<&Map>, partial: bool) {
        for (key, value) in desired {
            at.push(key);
            self.value(at, value, live.and_then(|map| map.get(key)));
            at.pop();
        }
        if partial {
            return;
        }
        for (key, old) in live.into_iter().flatten() {
            if desired.contains_key(key) {
                continue;
            }
            at.push(key);
            if !self.is_nothing(at, Some(old)) {
                self.changed(at, Some(old), &Value::Null);
            }
            at.pop();
        }
    }

    fn value(&mut self, at: &mut Pointer, desired: &Value, live: Option<&Value>) {
        let rules: Vec<&Is> = self.kind.rules_at(at).collect();
        let is = |wanted: fn(&Is) -> bool| rules.iter().any(|rule| wanted(rule));
        if is(|rule| matches!(rule, Is::CreateOnly)) {
            return;
        }
        if is(|rule| matches!(rule, Is::Presence))
            && live.is_none_or(equal::is_blank)
            && !equal::is_blank(desired)
        {
            self.changed(at, None, desired);
            if let Some(change) = self.changes.last_mut() {
                change.because = Some(Because::Absent);
            }
            return;
        }
        if is(|rule| matches!(rule, Is::WriteOnly)) {
            let unseen = live.is_none_or(equal::is_blank);
            let before = self.changes.len();
            if unseen || self.written(at).is_some() {
                self.write_only(at, desired);
            }
            if unseen || self.changes.len() > before {
                return;
            }
            // What the API shows, masked as it may be, can still tell of what others did.
        }
        let part = at.field().and_then(|field| self.kind.part(field));
        let depth = at.segments().len();
        let found_by_server = part.is_some_and(|part| part.members == Members::Found);
        if live.is_none() && depth == 2 && found_by_server && matches!(desired, Value::Map(_)) {
            self.changed(at, None, desired);
            if let Some(change) = self.changes.last_mut() {
                change.because = Some(Because::NotFound);
            }
            return;
        }
        if live.is_none() && depth == 2 && part.is_some_and(|part| (part.is_absent)(desired)) {
            return;
        }
        match desired {
            Value::Secret(secret) => self.secret(at, secret, desired, live),
            // A literal where secrets may stand, such as a header: live values are hidden there.
            Value::String(text) if matches!(live, Some(Value::Secret(_))) => {
                self.secret(at, &Secret::declared(text, Vec::new()), desired, live);
            }
            Value::Null => {
                if !self.is_nothing(at, live) {
                    self.changed(at, live, desired);
                }
            }
            // The API says that something is there, and nothing of what it is.
            Value::Map(_) if matches!(live, Some(Value::Secret(_))) => {
                if self.written(at).is_none() {
                    self.write_only(at, desired);
                }
            }
            Value::Map(members) if matches!(live, None | Some(Value::Map(_))) => {
                // A part and each of its members are managed field by field, as a resource is.
                let partial = is(|rule| matches!(rule, Is::Merge | Is::Patch))
                    || (part.is_some() && depth < 3);
                let before = self.changes.len();
                self.members(at, members, live.and_then(Value::as_map), partial);
                // An object that is wholly new shows as one change rather than as its leaves.
                if live.is_none() && self.changes.len() > before {
                    self.changes.truncate(before);
                    self.changed(at, None, desired);
                }
                // An empty object where there was nothing is no change on any server we know.
            }
            Value::List(items) if matches!(live, Some(Value::List(_))) => {
                let old = live.and_then(Value::as_list).unwrap_or_default();
                if is(|rule| matches!(rule, Is::Set)) {
                    self.set(at, items, old);
                } else {
                    self.list(at, items, old);
                }
            }
            _ => {
                let same = match live {
                    Some(live) => {
                        let instant = is(|rule| matches!(rule, Is::Instant));
                        equal::leaves(desired, live, instant, self.context.resolve)
                    }
                    None => self.is_nothing(at, Some(desired)),
                };
                if !same {
                    self.changed(at, live, desired);
                }
            }
        }
    }

    fn list(&mut self, at: &mut Pointer, desired: &[Value], live: &[Value]) {
        for (index, value) in desired.iter().enumerate() {
            at.push(index);
            self.value(at, value, live.get(index));
            at.pop();
        }
        for (index, old) in live.iter().enumerate().skip(desired.len()) {
            self.changed(&at.child(index), Some(old), &Value::Null);
        }
    }

    fn set(&mut self, at: &Pointer, desired: &[Value], live: &[Value]) {
        let mut rest: Vec<&Value> = live.iter().collect();
        for (index, value) in desired.iter().enumerate() {
            // An element that says nothing asks for nothing.
            if equal::is_blank(value) {
                continue;
            }
            let found = rest
                .iter()
                .position(|old| equal::deep(value, old, self.context.resolve));
            match found {
                Some(found) => drop(rest.remove(found)),
                None => self.changed(&at.child(index), None, value),
            }
        }
        for old in rest {
            self.changed(&at.child("-"), Some(old), &Value::Null);
        }
    }

    /// Whether what is live at a place is as good as nothing, so that asking for nothing asks for
    /// no change. The live API returns `null`, `""`, `[]` and `{}` for what was never set.
    fn is_nothing(&self, at: &Pointer, live: Option<&Value>) -> bool {
        let Some(live) = live else { return true };
        if equal::is_blank(live) {
            return true;
        }
        let part = at.field().and_then(|field| self.kind.part(field));
        if at.segments().len() == 2 && part.is_some_and(|part| (part.is_absent)(live)) {
            return true;
        }
        self.kind.rules_at(at).any(|rule| match rule {
            Is::ServerOwned | Is::Stays => true,
            Is::Default(default) => equal::deep(&default(), live, self.context.resolve),
            _ => false,
        })
    }

    /// What the ledger says was written to a place.
    fn written(&self, at: &Pointer) -> Option<&'a Value> {
        let (field, below) = at.segments().split_first()?;
        self.context.record?.applied.get(field)?.at(below)
    }

    /// Fields that the API does not return: the ledger says what was written.
    fn write_only(&mut self, at: &Pointer, desired: &Value) {
        let written = self.written(at);
        // What is left as it is live was not written.
        let told = without_left(desired);
        let desired = &told;
        let mut sealed = Vec::new();
        let known = written.map(|written| as_recorded(desired, written, at, &mut sealed));
        let differs = |(at, text): &(Pointer, Secret)| {
            self.context.fingerprint_differs(at, text) == Some(true)
        };
        let because = match written.zip(known) {
            None if equal::is_blank(desired) => return,
            None => Some(Because::NeverWritten),
            Some((written, known)) if !equal::deep(&known, written, self.context.resolve) => None,
            Some(_) if self.any_fingerprint_differs(at, desired) || sealed.iter().any(differs) => {
                Some(Because::Fingerprint)
            }
            Some(_) => return,
        };
        self.changed(at, written, desired);
        if let Some(change) = self.changes.last_mut() {
            change.because = because;
        }
    }

    fn any_fingerprint_differs(&self, at: &Pointer, value: &Value) -> bool {
        match value {
            Value::Secret(secret) => self.context.fingerprint_differs(at, secret) == Some(true),
            Value::Map(members) => members
                .iter()
                .any(|(key, member)| self.any_fingerprint_differs(&at.child(key), member)),
            Value::List(items) => items
                .iter()
                .enumerate()
                .any(|(index, item)| self.any_fingerprint_differs(&at.child(index), item)),
            _ => false,
        }
    }

    /// Secrets: the ledger's fingerprint decides, else the mask that the API shows. Where it shows
    /// nothing, a secret that was never written has to be.
    fn secret(&mut self, at: &Pointer, secret: &Secret, desired: &Value, live: Option<&Value>) {
        // Left as it is live.
        if *secret.exposure() == Exposure::Live {
            return;
        }
        let record = self.context.record;
        let recorded = record.is_some_and(|record| record.fingerprints.contains_key(at));
        let because = match self.context.fingerprint_differs(at, secret) {
            Some(true) => Some(Because::Fingerprint),
            Some(false) => None,
            None => {
                let mask = match live {
                    Some(Value::Secret(mask)) => mask.reveal(),
                    Some(Value::String(mask)) => mask.as_str(),
                    _ => "",
                };
                // A literal is no secret, and the ledger has it as it was written.
                let literal = match (desired, self.written(at)) {
                    (Value::String(text), Some(Value::String(written))) => Some(text == written),
                    _ => None,
                };
                match (literal, mask) {
                    (Some(same), _) => (!same).then_some(Because::Mask),
                    // Nothing is there, and nobody knows of having put something there.
                    (None, "") => (!recorded).then_some(Because::NeverWritten),
                    // Not masked at all: an exact comparison is possible.
                    (None, text) if !text.contains('*') => {
                        (text != secret.reveal()).then_some(Because::Mask)
                    }
                    (None, mask) => {
                        (secret.fits_mask(mask) == Some(false)).then_some(Because::Mask)
                    }
                }
            }
        };
        if let Some(because) = because {
            self.changes.push(FieldChange {
                pointer: at.clone(),
                old: match because {
                    Because::NeverWritten => Value::Null,
                    _ => Value::Secret(Secret::live("")),
                },
                new: desired.clone(),
                because: Some(because),
                forces_replacement: false,
                origin: None,
                last_applied: None,
                source: None,
            });
        }
    }
}

/// A value without the secrets in it that are left as they are live.
fn without_left(value: &Value) -> Value {
    let is_left =
        |value: &Value| matches!(value, Value::Secret(it) if *it.exposure() == Exposure::Live);
    match value {
        Value::Map(members) => {
            let told = members.iter().filter(|(_, member)| !is_left(member));
            let told = told.map(|(key, member)| (key.clone(), without_left(member)));
            Value::Map(told.collect())
        }
        Value::List(items) => Value::List(items.iter().map(without_left).collect()),
        value => value.clone(),
    }
}

/// A value as the ledger has it, which has some texts as secrets; and those texts, by place.
fn as_recorded(
    value: &Value,
    recorded: &Value,
    at: &Pointer,
    texts: &mut Vec<(Pointer, Secret)>,
) -> Value {
    match (value, recorded) {
        (Value::String(text), Value::Secret(_)) => {
            texts.push((at.clone(), Secret::declared(text, Vec::new())));
            recorded.clone()
        }
        (Value::Map(members), Value::Map(recorded)) => {
            let members = members.iter().map(|(key, member)| {
                let known = recorded.get(key).map_or_else(
                    || member.clone(),
                    |it| as_recorded(member, it, &at.child(key), texts),
                );
                (key.clone(), known)
            });
            Value::Map(members.collect())
        }
        (Value::List(items), Value::List(recorded)) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                recorded.get(index).map_or_else(
                    || item.clone(),
                    |it| as_recorded(item, it, &at.child(index), texts),
                )
            });
            Value::List(items.collect())
        }
        (value, _) => value.clone(),
    }
}

/// The fingerprint of a secret at its place, as ledgers keep it.
pub fn fingerprint(
    key: &FingerprintKey,
    address: &Address,
    at: &Pointer,
    secret: &Secret,
) -> Fingerprint {
    key.fingerprint(&format!("{address}{at}"), secret)
}

#[cfg(test)]
mod tests;
