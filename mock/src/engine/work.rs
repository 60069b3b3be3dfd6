//! A write in progress: the description, a fork of the state, and the steps every write is made of.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::ApiError;
use super::{identity, references, secrets};
use crate::description::Description;
use crate::description::behaviour::{MemberSpec, OnDelete};
use crate::description::resource::{OWNER, Resource};
use crate::hooks::{self, Hook};
use crate::store::State;
use crate::store::record::{Link, Object, Record};

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
    /// The definition of a kind of object.
    pub(crate) fn resource(&self, name: &str) -> Result<&'static Resource, ApiError> {
        resource(self.description, name)
    }

    /// The active object that `name` names, by id or by slug, inside `within` if that is given.
    pub(crate) fn find(
        &self,
        resource: &str,
        name: &str,
        within: Option<&str>,
    ) -> Option<Arc<Record>> {
        find(self.state, resource, name, within)
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
        mut input: Map<String, Value>,
        owner: Option<&Arc<Record>>,
    ) -> Result<Arc<Record>, ApiError> {
        let spec = &resource.spec;
        let hook = Self::hook(resource);
        self.rename(resource, &mut input);
        if let Some(member) = &spec.member {
            compose_key(member, &mut input);
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

        let mut fields = spec.defaults.clone();
        fields.append(&mut input);
        let mut links = references::links(self, resource, &mut fields);
        if let Some(owner) = owner {
            links.push(Link {
                field: Arc::from(OWNER),
                target: Arc::clone(&owner.id),
            });
        }
        let id: Arc<str> = Arc::from(identity::id());
        let within = match (&spec.slug, owner) {
            (_, Some(owner)) => Arc::clone(&owner.id),
            (Some(slug), None) => slug
                .within
                .as_deref()
                .and_then(|field| links.iter().find(|link| &*link.field == field))
                .map(|link| Arc::clone(&link.target))
                .unwrap_or_default(),
            (None, None) => Arc::default(),
        };
        let slug = self.slug(resource, chosen.as_ref(), &fields, &within)?;

        let now = Value::from(self.state.clock.now());
        let organisation = Value::from(&*self.state.account.organisation_id);
        let user = Value::from(&**self.caller.user(self.state));
        if spec.member.is_none() {
            fields.insert("id".to_owned(), Value::from(&*id));
            let keyed = spec.slug.as_ref().is_some_and(|slug| slug.from.is_some());
            if let Some(slug) = slug.as_ref().filter(|_| !keyed) {
                fields.insert("slug".to_owned(), Value::from(&**slug));
            }
            for by in ["owner_id", "updated_by", "created_by"] {
                fields.insert(by.to_owned(), user.clone());
            }
            fields.insert("organisation_id".to_owned(), organisation);
        }
        fields.insert("created_at".to_owned(), now.clone());
        fields.insert("last_updated_at".to_owned(), now);
        if spec.versioned {
            fields.insert("version_id".to_owned(), Value::from(identity::id()));
        }
        let record = Record {
            sequence: self.state.next_sequence(),
            id: Arc::clone(&id),
            slug,
            within,
            archived: false,
            fields: Object::new(fields),
            links,
            history: imbl::Vector::new(),
        };
        self.state.collection_mut(&resource.name).put(record);
        let record = self.existing(resource, &id)?;
        hook.after_write(self, None, &record, &steering)?;
        self.existing(resource, &id)
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
        references::resolve(self, resource, &mut input, Some(record))?;
        hook.before_update(self, record, &mut input)?;
        let steering = take(&spec.transient, &mut input);
        self.derive(resource, &mut input)?;
        prepare(resource, &mut input);

        let mut updated = Record::clone(record);
        let mut fields = Map::clone(&*record.fields);
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
        if spec.slug.as_ref().is_some_and(|slug| slug.from.is_some()) {
            let key = self.key(resource, &fields);
            if key.as_deref() != record.slug.as_deref() {
                updated.slug = self.slug(resource, None, &fields, &record.within)?;
            }
        }
        fields.insert(
            "last_updated_at".to_owned(),
            Value::from(self.state.clock.now()),
        );
        if spec.versioned {
            fields.insert("version_id".to_owned(), Value::from(identity::id()));
        }
        if spec.history {
            updated.history.push_front(Arc::clone(&record.fields));
            updated
                .history
                .truncate(VERSIONS_KEPT.min(updated.history.len()));
        }
        updated.fields = Object::new(fields);
        self.state.collection_mut(&resource.name).put(updated);
        let updated = self.existing(resource, &record.id)?;
        hook.after_write(self, Some(record), &updated, &steering)?;
        self.existing(resource, &record.id)
    }

    /// Sets fields of an object without any of the consequences of a request.
    pub(crate) fn amend(
        &mut self,
        resource: &str,
        id: &str,
        amend: impl FnOnce(&mut Map<String, Value>),
    ) {
        let collection = self.state.collection_mut(resource);
        if let Some(record) = collection.by_id(id) {
            let mut record = Record::clone(record);
            let mut fields = Map::clone(&*record.fields);
            amend(&mut fields);
            record.fields = Object::new(fields);
            collection.put(record);
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
        let collection = self.state.collection_mut(&resource.name);
        if collection.remove(record.sequence).is_none() {
            return Ok(());
        }
        if resource.spec.delete.archive {
            let now = self.state.clock.now();
            let mut archived = Record::clone(record);
            let mut fields = Map::clone(&*record.fields);
            fields.insert("status".to_owned(), Value::from("archived"));
            fields.insert("last_updated_at".to_owned(), Value::from(now));
            archived.fields = Object::new(fields);
            archived.archived = true;
            self.state.collection_mut(&resource.name).put(archived);
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
            for holder in linked(self.state, &dependent.resource, &link) {
                self.discard(kind, &holder)?;
            }
        }
        Ok(())
    }

    /// The object with this id, or the kind's own answer for a missing one.
    fn existing(&self, resource: &Resource, id: &str) -> Result<Arc<Record>, ApiError> {
        self.find(&resource.name, id, None)
            .ok_or_else(|| missing(resource))
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
                let default = Value::from(&*self.state.account.default_workspace);
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

    /// The value that takes the place of a slug, if the kind has one.
    fn key(&self, resource: &Resource, fields: &Map<String, Value>) -> Option<Arc<str>> {
        let field = resource.spec.slug.as_ref()?.from.as_deref()?;
        fields.get(field).and_then(Value::as_str).map(Arc::from)
    }

    fn slug(
        &self,
        resource: &Resource,
        chosen: Option<&Value>,
        fields: &Map<String, Value>,
        within: &str,
    ) -> Result<Option<Arc<str>>, ApiError> {
        let taken = |slug: &str| {
            let collection = self.state.collection(&resource.name);
            collection.is_some_and(|collection| collection.by_slug(slug, within).is_some())
        };
        if let Some(member) = &resource.spec.member {
            let key = fields
                .get(&member.key)
                .and_then(Value::as_str)
                .unwrap_or_default();
            return Ok(Some(Arc::from(key)));
        }
        let Some(spec) = &resource.spec.slug else {
            return Ok(None);
        };
        if spec.from.is_some() {
            let key = self.key(resource, fields);
            // What is there for the whole account is there inside of everything, too.
            let collection = self.state.collection(&resource.name);
            let clash = |key: &str, within: &str| {
                collection.is_some_and(|collection| collection.by_slug(key, within).is_some())
            };
            return match key {
                Some(key) if clash(&key, within) || clash(&key, "") => Err(ApiError::conflict(
                    format!("This {} exists already", resource.spec.noun),
                )),
                key => Ok(key),
            };
        }
        if let Some(slug) = chosen
            .and_then(Value::as_str)
            .filter(|slug| !slug.is_empty())
        {
            return match taken(slug) {
                true => Err(ApiError::conflict(format!(
                    "{} with slug {slug} already exists",
                    resource.spec.noun
                ))),
                false => Ok(Some(Arc::from(slug))),
            };
        }
        let name = fields
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        loop {
            let slug = identity::slug(spec, name);
            if !taken(&slug) {
                return Ok(Some(Arc::from(slug)));
            }
        }
    }
}

/// The definition of a kind of object.
pub(crate) fn resource(
    description: &'static Description,
    name: &str,
) -> Result<&'static Resource, ApiError> {
    // The description was checked when it was read: every name that annotations use is defined.
    description
        .resources
        .get(name)
        .ok_or_else(|| ApiError::invalid(format!("{name} is not described")))
}

/// The active object that `name` names, by id or by slug, inside `within` if that is given.
pub(crate) fn find(
    state: &State,
    resource: &str,
    name: &str,
    within: Option<&str>,
) -> Option<Arc<Record>> {
    let collection = state.collection(resource)?;
    let by_id = collection.by_id(name).filter(|record| !record.archived);
    let found = match (by_id, within) {
        (Some(record), None) => Some(record),
        (Some(record), Some(within)) => {
            let inside = record.links.iter().any(|link| &*link.target == within);
            inside.then_some(record)
        }
        (None, Some(within)) => collection.by_slug(name, within).or_else(|| {
            // A slug of the whole account, of an object that is inside all the same.
            let found = collection.by_slug_anywhere(name)?;
            let inside = found.links.iter().any(|link| &*link.target == within);
            inside.then_some(found)
        }),
        (None, None) => collection.by_slug_anywhere(name),
    };
    found.cloned()
}

/// The active objects that hold a reference, in the order of their creation.
pub(crate) fn linked(state: &State, resource: &str, link: &Link) -> Vec<Arc<Record>> {
    let Some(collection) = state.collection(resource) else {
        return Vec::new();
    };
    collection
        .linked(link)
        .into_iter()
        .flatten()
        .filter_map(|sequence| collection.at(*sequence).cloned())
        .collect()
}

/// Makes the key of a member from the fields that it consists of.
pub(crate) fn compose_key(member: &MemberSpec, fields: &mut Map<String, Value>) {
    let parts: Vec<&str> = member
        .parts
        .iter()
        .filter_map(|part| fields.get(part).and_then(Value::as_str))
        .collect();
    if !parts.is_empty() {
        let key = Value::from(parts.join("/"));
        fields.insert(member.key.clone(), key);
    }
}

/// The answer for an object that does not exist.
pub(crate) fn missing(resource: &Resource) -> ApiError {
    ApiError::annotated(&resource.spec.missing, || {
        format!("{} not found", resource.spec.noun)
    })
}

/// What every write does to the fields of a request before they are kept.
fn prepare(resource: &Resource, input: &mut Map<String, Value>) {
    let spec = &resource.spec;
    secrets::mask_all(&spec.secrets, input);
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
