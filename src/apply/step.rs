//! Carrying out one step: its requests, and what becomes known by them.

use serde_json::Value as Json;

use super::deliver::Place;
use super::{Run, Session, StepError, lock};
use crate::client::{self, ApiError, ApiErrorKind, item_path};
use crate::kind::{Identity, Kind};
use crate::ledger::{Outcome, Record};
use crate::model::{Ident, Map, Reference, Secret, Value, WireError};
use crate::plan::{Action, Request, Step};

/// How often a creation is tried when the server neither did it nor said no.
const CREATE_ATTEMPTS: usize = 3;
/// How often to look again for what a creation may have made: the live API's lists may lag behind
/// its writes for a moment.
const LOOKS_AGAIN: usize = 4;

impl Run<'_> {
    /// Carries out one step.
    pub(super) async fn step(&self, step: &Step) -> Result<(), StepError> {
        let address = &step.address;
        let unknown = || StepError::Unknown(address.to_string());
        let session = self.sessions.get(&address.system).ok_or_else(unknown)?;
        let kind = session.system.kind(&address.kind).ok_or_else(unknown)?;
        // A secret that nobody can receive is not made.
        let mut place = match &step.issues {
            Some(issue) => {
                let place = session.delivery.prepare(&issue.sink);
                Some(place.map_err(|source| StepError::Undeliverable {
                    field: issue.field.clone(),
                    source,
                })?)
            }
            None => None,
        };
        let mut made = Json::Null;
        for (at, request) in step.requests.iter().enumerate() {
            let request = &self.of_version(session, step, request, &made).await?;
            let post = request.method == "POST";
            let creates = post && at == 0 && step.action == Action::Create;
            let issues = post && place.is_some();
            let answer = match (creates, issues) {
                (true, _) => self.create(session, kind, step, request).await?,
                (false, true) => self.call(session, step, request).await?,
                (false, false) => self.write(session, kind, step, request).await?,
            };
            if let Some(place) = place.take_if(|_| issues) {
                self.deliver(session, step, place, &answer).await?;
            }
            made = answer;
        }
        if step.action == Action::Delete {
            lock(session.ledger).records.remove(address);
            session.journal.record(address, None).await;
        } else {
            self.remember(session, step, false).await;
        }
        Ok(())
    }

    /// Hands a secret that the server has just made to what is to receive it. Until then, ledger
    /// and journal have it that nobody has it, so that the next run makes another one.
    async fn deliver(
        &self,
        session: &Session<'_>,
        step: &Step,
        place: Place,
        answer: &Json,
    ) -> Result<(), StepError> {
        let Some(issue) = &step.issues else {
            return Ok(());
        };
        let wrapped = answer.get("data").and_then(|data| data.get(&issue.field));
        let text = answer.get(&issue.field).or(wrapped).and_then(Json::as_str);
        let lost = |reason: String| StepError::Undelivered {
            field: issue.field.clone(),
            reason,
        };
        let text = text.ok_or_else(|| lost("its answer was lost, or had none".to_owned()))?;
        let secret = Secret::live(text);
        session.client.secrets().insert(&secret);
        let delivered = session.delivery.deliver(place, &step.address, &secret);
        delivered.await.map_err(|error| lost(error.to_string()))
    }

    /// Sends a POST that makes nothing but a secret. It is not repeated: every time makes another.
    async fn call(
        &self,
        session: &Session<'_>,
        step: &Step,
        request: &Request,
    ) -> Result<Json, StepError> {
        let wire = self.wire(step, request)?;
        let before = lock(session.ledger).records.get(&step.address).cloned();
        self.remember(session, step, true).await;
        let answer = self.attempt(session, step, &wire, None).await?;
        // What was refused left the old secret as it was.
        if let (Err(error), Some(before)) = (&answer, before)
            && !error.outcome_unknown()
        {
            session.journal.record(&step.address, Some(&before)).await;
            lock(session.ledger)
                .records
                .insert(step.address.clone(), before);
        }
        Ok(answer?)
    }

    /// Sends a PUT, PATCH or DELETE, which the client may repeat by itself.
    async fn write(
        &self,
        session: &Session<'_>,
        kind: &'static Kind,
        step: &Step,
        request: &Request,
    ) -> Result<Json, StepError> {
        let wire = self.wire(step, request)?;
        let answer = self.attempt(session, step, &wire, None).await?;
        // Where nothing is listed, this is the only way to hear that it is gone.
        let gone = |error: &ApiError| error.kind == ApiErrorKind::NotFound;
        if kind.identity == Identity::Recorded && answer.as_ref().is_err_and(gone) {
            lock(session.ledger).records.remove(&step.address);
            session.journal.record(&step.address, None).await;
        }
        Ok(answer?)
    }

    /// Sends one request, with its intent and its outcome in the journal; `creates` is what the
    /// ledger will know of what it creates.
    async fn attempt(
        &self,
        session: &Session<'_>,
        step: &Step,
        wire: &client::Request,
        creates: Option<&Record>,
    ) -> Result<Result<Json, ApiError>, StepError> {
        let journal = session.journal;
        let intent = journal.intent(&step.address, wire.method, &wire.path, creates);
        intent.await?;
        let answer = match session.client.send(wire).await {
            // Somebody else was faster, or an earlier attempt did it and its answer was lost.
            Err(error)
                if step.action == Action::Delete && self.is_gone(session, step, &error).await =>
            {
                Ok(Json::Null)
            }
            answer => answer,
        };
        let (outcome, text) = match &answer {
            Ok(_) => (Outcome::Done, None),
            Err(error) if error.outcome_unknown() => (Outcome::Unknown, Some(error.to_string())),
            Err(error) => (Outcome::Refused, Some(error.to_string())),
        };
        journal.outcome(&step.address, outcome, text).await;
        Ok(answer)
    }

    /// Sends a POST. When its outcome is not known, the server is asked whether the object is
    /// there before anything is sent again: POST is not idempotent and names are not unique.
    async fn create(
        &self,
        session: &Session<'_>,
        kind: &'static Kind,
        step: &Step,
        request: &Request,
    ) -> Result<Json, StepError> {
        let wire = self.wire(step, request)?;
        let planned = self.record(session, step, step.issues.is_some());
        let mut attempt = 0;
        let (mut known, answer) = loop {
            attempt += 1;
            match self.attempt(session, step, &wire, Some(&planned)).await? {
                Ok(answer) => break (name_of(&answer), answer),
                Err(error) if error.outcome_unknown() && kind.identity != Identity::Recorded => {
                    if let Some(found) = self.look_out(session, kind, step, request).await? {
                        break (found, Json::Null);
                    }
                    if attempt == CREATE_ATTEMPTS {
                        return Err(error.into());
                    }
                }
                // The name is taken: by what an earlier attempt made after all, if it shows by now.
                Err(error) if error.kind == ApiErrorKind::Conflict && attempt > 1 => {
                    match self.look_out(session, kind, step, request).await? {
                        Some(found) => break (found, Json::Null),
                        None => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        };
        if kind.identity == Identity::Slug && known.slug.is_none() {
            known.slug = Some(step.address.key.clone());
        }
        // Some answers name the new object by half: what later requests need is looked up.
        let needs_slug = kind.endpoints.item.contains("{slug}") && known.slug.is_none();
        let needs_id = kind.endpoints.item.contains("{id}") && known.id.is_none();
        if needs_slug || needs_id {
            let missing = if needs_slug { "slug" } else { "id" };
            let found = self
                .find(session, kind, step, request, Some(&known))
                .await?;
            known = found.ok_or(StepError::Unnamed(missing))?;
        }
        lock(&self.known).insert(step.address.clone(), known);
        self.remember(session, step, step.issues.is_some()).await;
        Ok(answer)
    }

    /// Whether a refused deletion was refused because there is nothing to delete. The live API
    /// answers 403 for what is not there as well as for what may not be done; the list tells.
    async fn is_gone(&self, session: &Session<'_>, step: &Step, error: &ApiError) -> bool {
        if error.kind == ApiErrorKind::NotFound {
            return true;
        }
        let Some(kind) = session.system.kind(&step.address.kind) else {
            return false;
        };
        if error.kind != ApiErrorKind::Forbidden {
            return false;
        }
        let record = lock(session.ledger).records.get(&step.address).cloned();
        let scope = record.unwrap_or_default().scope;
        let Ok(items) = self.siblings(session, kind, &scope).await else {
            return false;
        };
        let own = self.own(step);
        let is_own = |item: &Json, name: &str| text(item, name).is_some_and(|text| own.is(&text));
        !items
            .iter()
            .any(|item| ["id", "slug"].iter().any(|name| is_own(item, name)))
    }

    /// The list that shows what lives where `fields` say.
    async fn siblings(
        &self,
        session: &Session<'_>,
        kind: &'static Kind,
        fields: &Map,
    ) -> Result<Vec<Json>, StepError> {
        let mut query = Vec::new();
        if kind.endpoints.list.per_scope
            && let Some((field, value)) = kind.outer_place().find_map(|field| {
                let value = fields.get(field).filter(|value| !value.is_null())?;
                Some((field, value))
            })
            && let Json::String(text) = value.to_wire(&|r| self.resolve(r))?
        {
            query.push((field.to_owned(), text));
        }
        Ok(session.client.list(&kind.endpoints.list, &query).await?)
    }

    /// What the server calls a step's resource, as far as it is known.
    pub(super) fn own(&self, step: &Step) -> Ident {
        lock(&self.known)
            .get(&step.address)
            .cloned()
            .unwrap_or_default()
    }

    /// Looks for an object that a creation may have made, more than once: lists may lag behind.
    async fn look_out(
        &self,
        session: &Session<'_>,
        kind: &'static Kind,
        step: &Step,
        request: &Request,
    ) -> Result<Option<Ident>, StepError> {
        for wait in session.client.waits().doubling().take(LOOKS_AGAIN) {
            if let Some(found) = self.find(session, kind, step, request, None).await? {
                return Ok(Some(found));
            }
            tokio::time::sleep(wait).await;
        }
        self.find(session, kind, step, request, None).await
    }

    /// Looks for an object that a creation may have made.
    async fn find(
        &self,
        session: &Session<'_>,
        kind: &'static Kind,
        step: &Step,
        request: &Request,
        known: Option<&Ident>,
    ) -> Result<Option<Ident>, StepError> {
        let none = Map::new();
        let body = request
            .body
            .as_ref()
            .and_then(Value::as_map)
            .unwrap_or(&none);
        let value = |field: &str| body.get(field).filter(|value| !value.is_null());
        let outer = kind.outer_scope();
        let outside = kind.instead_of_scope().and_then(value).is_some();
        // Not every list says in what outermost scope its objects live, and a key may have but one.
        let lives_here = |field: &str, found: Option<String>| match (value(field), found) {
            (Some(value), Some(found)) => self.stands_for(value, &found),
            (wanted, found) => {
                (Some(field) == outer && !outside) || wanted.is_some() == found.is_some()
            }
        };
        let mut items = self.siblings(session, kind, body).await?;
        // What is known by another address is not what was asked for: of an object that is replaced,
        // the old one has the same name.
        let others: Vec<Ident> = lock(&self.known)
            .iter()
            .filter(|(address, _)| **address != step.address && address.kind == kind.name)
            .map(|(_, ident)| ident.clone())
            .collect();
        items.retain(|item| {
            let called = |name: &str| text(item, name);
            let names = [called("id"), called("slug")];
            !others
                .iter()
                .any(|other| names.iter().flatten().any(|name| other.is(name)))
        });
        let name = body.get("name").and_then(Value::as_str);
        let found = items
            .iter()
            .find(|item| match known.and_then(|known| known.id.as_deref()) {
                Some(id) => text(item, "id").as_deref() == Some(id),
                None => match kind.identity {
                    Identity::Slug => {
                        text(item, "slug").as_deref() == Some(step.address.key.as_str())
                    }
                    Identity::Name | Identity::UniqueName | Identity::Place => {
                        (kind.identity == Identity::Place || text(item, "name").as_deref() == name)
                            && kind
                                .scope
                                .iter()
                                .all(|field| lives_here(field, text(item, field)))
                    }
                    Identity::Recorded => false,
                },
            });
        Ok(found.map(|item| Ident {
            id: text(item, "id"),
            slug: text(item, "slug"),
        }))
    }

    /// Whether a text from the API names what a value of a request refers to.
    fn stands_for(&self, value: &Value, text: &str) -> bool {
        match value {
            Value::Reference(reference) => lock(&self.known)
                .get(&reference.address)
                .is_some_and(|ident| ident.is(text)),
            value => value.as_str() == Some(text),
        }
    }

    /// Puts into ledger and journal what is now known of a step's resource.
    async fn remember(&self, session: &Session<'_>, step: &Step, undelivered: bool) {
        let record = self.record(session, step, undelivered);
        let address = &step.address;
        lock(session.ledger)
            .records
            .insert(address.clone(), record.clone());
        session.journal.record(address, Some(&record)).await;
    }

    /// What the ledger has to know of a step's resource.
    fn record(&self, session: &Session<'_>, step: &Step, undelivered: bool) -> Record {
        let planned = self.plan.records.get(&step.address).cloned();
        // A resource whose record stays as it is has none in the plan.
        let known = || lock(session.ledger).records.get(&step.address).cloned();
        Record {
            ident: self.own(step),
            undelivered,
            ..planned.or_else(known).unwrap_or_default()
        }
    }

    /// The request as it goes over the wire.
    fn wire(&self, step: &Step, request: &Request) -> Result<client::Request, StepError> {
        let own = self.own(step);
        let path = item_path(&request.path, &own);
        let path = path.ok_or_else(|| WireError::Unresolved(step.address.clone()))?;
        let resolve = |reference: &Reference| self.resolve(reference);
        let path = match &request.below {
            Some(below) => match below.to_wire(&resolve)? {
                Json::String(text) => format!("{path}/{}", client::escape(&text)),
                other => format!("{path}/{other}"),
            },
            None => path,
        };
        let mut query = Vec::with_capacity(request.query.len());
        for (name, value) in &request.query {
            let text = match value.to_wire(&resolve)? {
                Json::String(text) => text,
                other => other.to_string(),
            };
            query.push((name.clone(), text));
        }
        let body = request
            .body
            .as_ref()
            .map(|body| body.to_wire(&resolve))
            .transpose()?;
        let method = match request.method.as_str() {
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            other => return Err(StepError::Unknown(other.to_owned())),
        };
        Ok(client::Request {
            method,
            path,
            query,
            body,
        })
    }

    fn resolve(&self, reference: &Reference) -> Option<String> {
        let known = lock(&self.known);
        known
            .get(&reference.address)?
            .get(reference.attribute)
            .map(str::to_owned)
    }
}

fn text(item: &Json, field: &str) -> Option<String> {
    item.get(field).and_then(Json::as_str).map(str::to_owned)
}

/// What an answer to a creation calls the new object; some answers wrap it in `data`.
fn name_of(answer: &Json) -> Ident {
    let text = |name: &str| {
        let wrapped = answer.get("data").and_then(|data| data.get(name));
        answer
            .get(name)
            .or(wrapped)
            .and_then(Json::as_str)
            .map(str::to_owned)
    };
    Ident {
        id: text("id"),
        slug: text("slug"),
    }
}
