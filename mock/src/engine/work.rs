//! A write in progress: the description, the state, and the steps every write is made of.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::ApiError;
use super::{find, naming, references, secrets};
use crate::description::Description;
use crate::description::behaviour::OnDelete;
use crate::description::resource::{OWNER, Resource};
use crate::hooks::{self, Hook};
use crate::store::record::{Link, Object, Record};
use crate::store::{Account, State};

/// How many versions of an object are kept.
const VERSIONS_KEPT: usize = 1_000;

/// A write in progress.
#[derive(Debug)]
pub(crate) struct Work<'s> {
    pub(crate) description: &'static Description,
    pub(crate) state: &'s mut State,
    pub(crate) caller: &'s Caller,
}

impl Work<'_> {
    /// The account that the write is for.
    pub(crate) fn account(&self) -> &Account {
        self.state.account(&self.description.api.name)
    }

    /// The definition of a kind of object.
    pub(crate) fn resource(&self, name: &str) -> Result<&'static Resource, ApiError> {
        find::resource(self.description, name)
    }

    /// The active object that `name` names, by id or by slug, inside `within` if that is given.
    pub(crate) fn find(
        &self,
        resource: &str,
        name: &str,
        within: Option<&str>,
    ) -> Option<Arc<Record>> {
        find::named(self.state, resource, name, within)
    }

    /// The code for what is special about a kind.
    pub(crate) fn hook(resource: &Resource) -> &'static dyn Hook {
        resource
            .spec
            .hook
            .as_deref()
            .and_then(hooks::named)
            .unwrap_or(&hooks::Plain)
    }

    /// Creates an object from the fields of a request.
    ///
    /// `owner` is the object that a member of a sub-collection belongs to.
    pub(crate) fn create(
        &mut self,
        resource: &'static Resource,
        input: Map<String, Value>,
        owner: Option<&Arc<Record>>,
    ) -> Result<Arc<Record>, ApiError> {
        self.create_as(resource, input, owner, None)
    }

    /// [`Self::create`], with an id that is known beforehand.
    pub(crate) fn create_as(
        &mut self,
        resource: &'static Resource,
        mut input: Map<String, Value>,
        owner: Option<&Arc<Record>>,
        id: Option<&str>,
    ) -> Result<Arc<Record>, ApiError> {
        let spec = &resource.spec;
        let hook = Self::hook(resource);
        self.rename(resource, &mut input);
        if let Some(member) = &spec.member {
            naming::compose_key(member, &mut input);
        }
        self.supply_defaults(resource, &mut input);
        references::resolve(self, resource, &mut input, None)?;
        hook.before_create(self, &mut input, owner)?;
        let steering = take(&spec.transient, &mut input);
        // In a sub-collection `slug` may be the key of the members, which is a field like others.
        let chosen = match &spec.member {
            Some(_) => None,
            None => input
                .remove("slug")
                .filter(|_| spec.slug.as_ref().is_some_and(|s| s.chosen)),
        };
        self.derive(resource, &mut input)?;
        prepare(resource, &mut input);

        let mut fields = input;
        for (field, value) in &spec.defaults {
            if !fields.contains_key(field) {
                fields.insert(field.clone(), value.clone());
            }
        }
        let mut links = references::links(self, resource, &mut fields);
        if let Some(owner) = owner {
            links.push(Link {
                field: Arc::from(OWNER),
                target: Arc::clone(&owner.id),
            });
        }
        let api = &self.description.api;
        let stamps = &api.stamps;
        let sequence = self.state.next_sequence();
        let id = id.map_or_else(
            || {
                let ids = &mut self.state.ids;
                ids.of_object(api.ids, spec.id.as_ref(), &fields, sequence)
            },
            str::to_owned,
        );
        let id: Arc<str> = Arc::from(id);
        let inside = match (&spec.slug, &spec.unique) {
            (Some(slug), _) => slug.within.as_deref(),
            (None, Some(unique)) => unique.within.as_deref(),
            (None, None) => None,
        };
        let within = match owner {
            Some(owner) => Arc::clone(&owner.id),
            None => inside
                .and_then(|field| links.iter().find(|link| &*link.field == field))
                .map(|link| Arc::clone(&link.target))
                .unwrap_or_default(),
        };
        if let Some(identity) = &spec.identity {
            let given = fields.get(&identity.field).filter(|given| !given.is_null());
            if given.is_none() || !identity.chosen {
                let made = match identity.numeric {
                    true => Value::from(sequence),
                    false => Value::from(&*id),
                };
                fields.insert(identity.field.clone(), made);
            }
        }
        let slug = self.slug(resource, chosen.as_ref(), &fields, &within)?;

        let now = Value::from(self.state.clock.now());
        let organisation = Value::from(&*self.account().organisation_id);
        let user = Value::from(&**self.caller.user(self.state));
        if spec.member.is_none() {
            if spec.identity.is_none() {
                fields.insert("id".to_owned(), Value::from(&*id));
            }
            if let Some(slug) = slug.as_ref().filter(|_| !naming::is_keyed(resource)) {
                fields.insert("slug".to_owned(), Value::from(&**slug));
            }
            for by in &stamps.user {
                fields.insert(by.clone(), user.clone());
            }
            if let Some(field) = &stamps.organisation {
                fields.insert(field.clone(), organisation);
            }
        }
        fields.insert(stamps.created.clone(), now.clone());
        fields.insert(stamps.updated.clone(), now);
        if spec.versioned {
            fields.insert(stamps.version.clone(), Value::from(self.state.ids.id()));
        }
        let record = Record {
            sequence,
            id: Arc::clone(&id),
            slug,
            within,
            archived: false,
            fields: Object::new(fields),
            links,
            history: imbl::Vector::new(),
        };
        self.keep(resource, None, record, &steering)
    }

    /// Lays the fields of a request over an object: what the request omits stays, what it gives
    /// as null is cleared.
    pub(crate) fn update(
        &mut self,
        resource: &'static Resource,
        record: &Arc<Record>,
        mut input: Map<String, Value>,
    ) -> Result<Arc<Record>, ApiError> {
        let spec = &resource.spec;
        let hook = Self::hook(resource);
        self.rename(resource, &mut input);
        for field in spec
            .immutable
            .iter()
            .map(String::as_str)
            .chain(["id", "slug"])
        {
            // The live API ignores these without complaint. A member's key stays with it.
            if spec
                .member
                .as_ref()
                .is_none_or(|member| member.key != field)
            {
                input.remove(field);
            }
        }
        if let Some(identity) = &spec.identity {
            // A name stays with what it names.
            input.remove(&identity.field);
        }
        refuse_changes(resource, record, &input)?;
        references::resolve(self, resource, &mut input, Some(record))?;
        hook.before_update(self, record, &mut input)?;
        let steering = take(&spec.transient, &mut input);
        self.derive(resource, &mut input)?;
        prepare(resource, &mut input);

        let mut updated = Record::clone(record);
        let mut fields = record.fields.copied();
        for (name, value) in input {
            match (fields.get_mut(&name), value) {
                (Some(Value::Object(former)), Value::Object(members))
                    if spec.merged.contains(&name) =>
                {
                    former.extend(members);
                }
                (_, value) => {
                    fields.insert(name, value);
                }
            }
        }
        let owner = record
            .links
            .iter()
            .filter(|link| &*link.field == OWNER)
            .cloned();
        updated.links = references::links(self, resource, &mut fields);
        updated.links.extend(owner);
        if naming::is_keyed(resource) && spec.identity.is_none() {
            let key = self.key(resource, &fields);
            if key.as_deref() != record.slug.as_deref() {
                updated.slug = self.slug(resource, None, &fields, &record.within)?;
            }
        }
        let stamps = &self.description.api.stamps;
        fields.insert(stamps.updated.clone(), Value::from(self.state.clock.now()));
        if spec.versioned {
            fields.insert(stamps.version.clone(), Value::from(self.state.ids.id()));
        }
        if spec.history {
            updated.history.push_front(record.fields.packed());
            updated
                .history
                .truncate(VERSIONS_KEPT.min(updated.history.len()));
        }
        updated.fields = Object::new(fields);
        self.keep(resource, Some(record), updated, &steering)
    }

    /// Keeps what was written and has the kind's hook see to the consequences.
    fn keep(
        &mut self,
        resource: &'static Resource,
        former: Option<&Record>,
        record: Record,
        steering: &Map<String, Value>,
    ) -> Result<Arc<Record>, ApiError> {
        // What is kept is packed; the hook and the answer still have the fields as they are here.
        let record = Arc::new(record);
        self.state.put(&resource.name, Record::clone(&record));
        let kept = self.existing(resource, &record.id)?;
        Self::hook(resource).after_write(self, former, &record, steering)?;
        let now = self.existing(resource, &record.id)?;
        match Arc::ptr_eq(&now, &kept) {
            true => Ok(record),
            false => Ok(now),
        }
    }

    /// Sets fields of an object without any of the consequences of a request.
    pub(crate) fn amend(
        &mut self,
        resource: &str,
        id: &str,
        amend: impl FnOnce(&mut Map<String, Value>),
    ) {
        let collection = self.state.collection(resource);
        if let Some(record) = collection.and_then(|collection| collection.by_id(id)) {
            let mut record = Record::clone(record);
            let mut fields = record.fields.copied();
            amend(&mut fields);
            record.fields = Object::new(fields);
            self.state.put(resource, record);
        }
    }

    /// Deletes an object and, as the annotations say, what refers to it.
    pub(crate) fn delete(
        &mut self,
        resource: &'static Resource,
        record: &Arc<Record>,
        force: bool,
    ) -> Result<(), ApiError> {
        for dependent in &resource.dependents {
            let guards = match dependent.on_delete {
                OnDelete::Guard => !force,
                OnDelete::Refuse => true,
                OnDelete::Cascade | OnDelete::Keep => false,
            };
            let link = Link {
                field: Arc::clone(&dependent.field),
                target: Arc::clone(&record.id),
            };
            let held = self
                .state
                .collection(&dependent.resource)
                .and_then(|c| c.linked(&link));
            if guards && held.is_some() {
                let holder = self.resource(&dependent.resource)?;
                let message =
                    || format!("Unable to delete: {} still refers to it", holder.spec.noun);
                return Err(match &resource.spec.delete.guarded {
                    Some(spec) => ApiError::annotated(spec, message),
                    None => ApiError::conflict(message()),
                });
            }
        }
        self.discard(resource, record)
    }

    /// Takes an object out with everything that goes with it.
    fn discard(
        &mut self,
        resource: &'static Resource,
        record: &Arc<Record>,
    ) -> Result<(), ApiError> {
        // The object goes first, so that objects which refer to each other cannot go in circles.
        let gone = self.state.remove(&resource.name, record.sequence);
        if gone.is_none() {
            return Ok(());
        }
        if resource.spec.delete.archive {
            let now = self.state.clock.now();
            let mut archived = Record::clone(record);
            let mut fields = record.fields.copied();
            fields.insert("status".to_owned(), Value::from("archived"));
            let updated = self.description.api.stamps.updated.clone();
            fields.insert(updated, Value::from(now));
            archived.fields = Object::new(fields);
            archived.archived = true;
            self.state.put(&resource.name, archived);
        }
        for dependent in &resource.dependents {
            if !matches!(dependent.on_delete, OnDelete::Guard | OnDelete::Cascade) {
                continue;
            }
            let link = Link {
                field: Arc::clone(&dependent.field),
                target: Arc::clone(&record.id),
            };
            let kind = self.resource(&dependent.resource)?;
            for holder in find::linked(self.state, &dependent.resource, &link) {
                self.discard(kind, &holder)?;
            }
        }
        Ok(())
    }

    /// The object with this id, or the kind's own answer for a missing one.
    fn existing(&self, resource: &Resource, id: &str) -> Result<Arc<Record>, ApiError> {
        self.find(&resource.name, id, None)
            .ok_or_else(|| find::missing(resource))
    }

    fn rename(&self, resource: &Resource, input: &mut Map<String, Value>) {
        for (spelling, field) in &resource.spec.aliases {
            if let Some(value) = input.remove(spelling) {
                input.entry(field.clone()).or_insert(value);
            }
        }
    }

    /// Fills in the references that a creation may leave out.
    fn supply_defaults(&self, resource: &Resource, input: &mut Map<String, Value>) {
        for reference in &resource.references {
            let Some(field) = reference.path.plain() else {
                continue;
            };
            let absent = |field: &str| match input.get(field) {
                None | Some(Value::Null) => true,
                Some(Value::String(text)) => text.is_empty(),
                Some(_) => false,
            };
            if !reference.spec.defaulted || !absent(field) {
                continue;
            }
            let unwanted = reference
                .spec
                .unless
                .as_deref()
                .is_some_and(|other| !absent(other));
            if unwanted {
                input.remove(field);
            } else {
                let default = Value::from(&*self.account().default_workspace);
                input.insert(field.to_owned(), default);
            }
        }
    }

    /// Copies the fields that come from a referenced object.
    fn derive(&self, resource: &Resource, input: &mut Map<String, Value>) -> Result<(), ApiError> {
        for (field, source) in &resource.spec.derived {
            let Some((reference, source)) = source.split_once('.') else {
                continue;
            };
            let Some(name) = input.get(reference).and_then(Value::as_str) else {
                continue;
            };
            let Some(kind) = resource.spec.references.get(reference) else {
                continue;
            };
            let kind = self.resource(&kind.to)?;
            if let Some(value) = self
                .find(&kind.name, name, None)
                .and_then(|record| record.get(source).cloned())
            {
                input.insert(field.clone(), value);
            }
        }
        Ok(())
    }
}

/// Refuses an update that gives a fixed field another value.
fn refuse_changes(
    resource: &Resource,
    record: &Record,
    input: &Map<String, Value>,
) -> Result<(), ApiError> {
    for (name, path) in &resource.fixed {
        if let Some(wanted) = path.value(input)
            && path.value(&record.fields) != Some(wanted)
        {
            return Err(ApiError::unprocessable(format!(
                "{name} of an existing {} cannot be changed",
                resource.spec.noun
            )));
        }
    }
    Ok(())
}

/// What every write does to the fields of a request before they are kept.
fn prepare(resource: &Resource, input: &mut Map<String, Value>) {
    let spec = &resource.spec;
    secrets::mask_all(&spec.secrets, input);
    for (field, value) in &spec.cleared {
        if input.get(field).is_some_and(Value::is_null) {
            input.insert(field.clone(), value.clone());
        }
    }
    for field in &spec.booleans {
        if let Some(Value::Number(number)) = input.get(field) {
            let flag = number.as_f64() != Some(0.0);
            input.insert(field.clone(), Value::Bool(flag));
        }
    }
    for (path, value) in &resource.dropped {
        path.remove(input, value);
    }
    for (path, value) in &resource.filled {
        path.fill(input, value);
    }
}

/// Takes the named fields out of a request.
fn take(names: &[String], input: &mut Map<String, Value>) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|name| input.remove_entry(name))
        .collect()
}
