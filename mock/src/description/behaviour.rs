//! The `x-` annotations that say how an operation behaves: the vocabulary of `mock/behaviour/`.
//!
//! Two annotations exist. `x-resources`, at the root of the description, defines the kinds of
//! object the mock keeps. `x-behaviour`, on an operation, says what the operation does to them.
//! `mock/README.md` documents both; the types here are their only reader, and they refuse fields
//! they do not know, so that a misspelt annotation stops the mock instead of changing it quietly.

use std::sync::OnceLock;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Description;
use super::resource::Resource;
use crate::engine::error::ApiError;
use crate::engine::find;

/// One kind of object the mock keeps.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceSpec {
    /// How messages name an object of this kind.
    pub(crate) noun: String,
    /// How an object gets its slug; kinds without slugs leave it out.
    pub(crate) slug: Option<SlugSpec>,
    /// Makes this kind a sub-collection that lives inside another object.
    pub(crate) member: Option<MemberSpec>,
    /// The type that the ids of this kind tell, in APIs whose ids tell one.
    pub(crate) id: Option<IdSpec>,
    /// The field that names an object in paths, where it is not a server-made `id`.
    pub(crate) identity: Option<IdentitySpec>,
    /// Fields that name objects of other kinds, for people to read: field to kind.
    #[serde(default)]
    pub(crate) links: IndexMap<String, String>,
    /// The fields that no two objects can share.
    pub(crate) unique: Option<UniqueSpec>,
    /// Fields that an update must not change, by path; one that it repeats is left alone.
    #[serde(default)]
    pub(crate) fixed: Vec<String>,
    /// What a new object has before the request's own fields are laid over it.
    #[serde(default)]
    pub(crate) defaults: Map<String, Value>,
    /// A new `version_id` is given on every write.
    #[serde(default)]
    pub(crate) versioned: bool,
    /// Earlier versions are kept and can be listed.
    #[serde(default)]
    pub(crate) history: bool,
    /// Numbered editions of an object's content, one of which is the published one.
    pub(crate) editions: Option<EditionsSpec>,
    /// The hook adds to what answers show of an object: counts and fields of related objects.
    #[serde(default)]
    pub(crate) presented: bool,
    /// Fields whose values name other objects, by path (`a.b`, `list[*].field`).
    #[serde(default)]
    pub(crate) references: IndexMap<String, ReferenceSpec>,
    /// Other spellings of request fields, spelling to field.
    #[serde(default)]
    pub(crate) aliases: IndexMap<String, String>,
    /// Fields filled from an object that a reference names: field to `reference.field`.
    #[serde(default)]
    pub(crate) derived: IndexMap<String, String>,
    /// Fields whose values are secrets: only a mask of them is ever kept.
    #[serde(default)]
    pub(crate) secrets: Vec<SecretSpec>,
    /// Request fields that steer the request and are not part of the object.
    #[serde(default)]
    pub(crate) transient: Vec<String>,
    /// Fields that an update leaves alone without complaint.
    #[serde(default)]
    pub(crate) immutable: Vec<String>,
    /// Object fields that an update merges member by member; all others are replaced.
    #[serde(default)]
    pub(crate) merged: Vec<String>,
    /// Boolean fields that arrive as 0/1 too, and are kept as booleans.
    #[serde(default)]
    pub(crate) booleans: Vec<String>,
    /// Fields dropped from what is kept when they have the given value, by path.
    #[serde(default)]
    pub(crate) dropped: IndexMap<String, Value>,
    /// Values that fields get when they are left out or null, by path; the object that holds such
    /// a field has to be there.
    #[serde(default)]
    pub(crate) filled: IndexMap<String, Value>,
    /// What fields become when a request clears them, instead of null.
    #[serde(default)]
    pub(crate) cleared: Map<String, Value>,
    /// A field; an object in which it is true cannot be updated.
    pub(crate) locked: Option<String>,
    /// What deletion does.
    #[serde(default)]
    pub(crate) delete: DeleteSpec,
    /// The answer for an object that does not exist or is not visible.
    #[serde(default)]
    pub(crate) missing: ErrorSpec,
    /// The name of the code that handles what is special about this kind.
    pub(crate) hook: Option<String>,
}

/// The type that an id tells: always the same, or one that depends on a field.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum IdSpec {
    One(String),
    ByField {
        field: String,
        types: IndexMap<String, String>,
    },
}

/// The field that names an object in paths.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentitySpec {
    pub(crate) field: String,
    /// Whether a request may choose it.
    #[serde(default)]
    pub(crate) chosen: bool,
    /// Whether it is a number.
    #[serde(default)]
    pub(crate) numeric: bool,
}

/// Fields that no two objects can share.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UniqueSpec {
    pub(crate) fields: Vec<String>,
    /// The reference inside which they are unique; without it, in the whole account.
    pub(crate) within: Option<String>,
    /// Whether letters are the same in upper and in lower case.
    #[serde(default)]
    pub(crate) folded: bool,
}

/// How slugs come about.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlugSpec {
    /// What a server-made slug begins with, as in `pc-`.
    #[serde(default)]
    pub(crate) prefix: String,
    /// Whether a request may choose the slug.
    #[serde(default)]
    pub(crate) chosen: bool,
    /// How many characters of the name a server-made slug takes over.
    pub(crate) length: Option<usize>,
    /// The reference inside which a slug is unique; without it, in the whole account.
    pub(crate) within: Option<String>,
    /// The field whose value takes the place of a slug: a key that answers do not show twice, that
    /// paths do not accept, and that two objects cannot share.
    pub(crate) from: Option<String>,
}

/// An object whose content is kept in numbered editions, which never change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditionsSpec {
    /// The kind that the editions are of: a sub-collection of the object.
    pub(crate) kind: String,
    /// The fields that belong to an edition and not to the object.
    pub(crate) content: Vec<String>,
    /// The fields that an update with content must bring, unless it builds on the latest edition.
    #[serde(default)]
    pub(crate) required: Vec<String>,
    /// The field in which an edition shows its whole content.
    pub(crate) bundle: Option<String>,
    /// The field in which an edition names its object.
    pub(crate) owner: String,
    /// The request field that describes an edition.
    pub(crate) described_by: String,
    /// The request field that asks to build on the latest edition.
    pub(crate) patch: Option<String>,
    /// The kind of the labels that editions carry.
    pub(crate) labels: Option<String>,
    /// What the properties of an edition are called: first in the object, then in the edition.
    pub(crate) names: EditionNames,
}

/// The names of an edition's properties, in the object that shows it and in the edition itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditionNames {
    pub(crate) id: Vec<String>,
    pub(crate) number: Vec<String>,
    pub(crate) description: Vec<String>,
    pub(crate) status: Vec<String>,
    #[serde(default)]
    pub(crate) label: Vec<String>,
}

/// A kind that is a sub-collection of another object, keyed by one of its fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberSpec {
    /// The resource that owns the members.
    pub(crate) of: String,
    /// The field that tells the members of one owner apart.
    pub(crate) key: String,
    /// The fields that the key is made of, where no single field is enough.
    #[serde(default)]
    pub(crate) parts: Vec<String>,
}

/// A field that names another object, by id or by slug.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReferenceSpec {
    /// The resource that is named.
    pub(crate) to: String,
    /// Which of its names answers carry.
    #[serde(default)]
    pub(crate) spelling: Spelling,
    /// What happens to the holder when the named object is deleted.
    #[serde(default)]
    pub(crate) on_delete: OnDelete,
    /// The answer when nothing has that name; without it, the named resource's own `missing`.
    pub(crate) missing: Option<ErrorSpec>,
    /// A field left out of a creation means the account's default object of that kind.
    #[serde(default)]
    pub(crate) defaulted: bool,
    /// The request field whose presence means that no default is wanted.
    pub(crate) unless: Option<String>,
    /// Holders that name nothing here are out of sight for keys of a workspace.
    #[serde(default)]
    pub(crate) confines: bool,
    /// The reference field whose object must hold the named object, too.
    pub(crate) within: Option<String>,
}

/// Which name of an object an answer carries.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Spelling {
    /// The UUID.
    #[default]
    Id,
    /// The slug.
    Slug,
    /// Whichever the request used.
    Given,
}

/// What happens to the holder of a reference when the named object is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnDelete {
    /// The deletion is refused, unless it is forced: then the holder goes too.
    Guard,
    /// The deletion is always refused.
    Refuse,
    /// The holder goes too.
    Cascade,
    /// The holder stays and keeps the name.
    #[default]
    Keep,
}

/// A secret field and what is kept in its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretSpec {
    /// The object the secrets are in; the resource itself when left out.
    #[serde(rename = "in")]
    pub(crate) inside: Option<String>,
    /// The names of the secret fields.
    pub(crate) fields: Vec<String>,
    /// What the name of the kept mask begins with.
    #[serde(default)]
    pub(crate) prefix: String,
    /// What is kept in place of a mask.
    #[serde(default)]
    pub(crate) kept: Kept,
}

/// What is kept in the place of a secret.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kept {
    /// A mask of it.
    #[default]
    Mask,
    /// Whether it is there.
    Presence,
    /// Nothing at all.
    Nothing,
}

/// What deletion does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteSpec {
    /// Deleted objects stay, archived, and leave the active lists.
    #[serde(default)]
    pub(crate) archive: bool,
    /// A field whose current value the request's body must repeat.
    pub(crate) confirm: Option<String>,
    /// A body field that makes a guarded deletion go through.
    pub(crate) force: Option<String>,
    /// An object in which this field is true cannot be deleted.
    pub(crate) protected: Option<String>,
    /// The answer for a protected object.
    pub(crate) protection: Option<ErrorSpec>,
    /// The answer while something still depends on the object.
    pub(crate) guarded: Option<ErrorSpec>,
}

/// An error answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorSpec {
    pub(crate) status: u16,
    /// The API's own code; without it, the one that goes with the status.
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

impl Default for ErrorSpec {
    fn default() -> Self {
        ErrorSpec {
            status: 404,
            code: None,
            message: None,
        }
    }
}

/// What an operation does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperationBehaviour {
    /// The kind it works on.
    pub(crate) resource: String,
    #[serde(skip)]
    kind: OnceLock<&'static Resource>,
    pub(crate) action: Action,
    /// The path parameter that names the object; the last one when left out.
    pub(crate) by: Option<String>,
    /// The body field that names the object, where the path does not.
    pub(crate) by_body: Option<String>,
    /// The path parameter that names the object whose member this is about.
    pub(crate) owner: Option<String>,
    /// The step that the kind's hook does for `call` and `view`.
    pub(crate) step: Option<String>,
    /// Fields that the answer does not show although its schema has them.
    #[serde(default)]
    pub(crate) hides: Vec<String>,
    /// Lists: query parameter to what it filters by.
    #[serde(default)]
    pub(crate) filters: IndexMap<String, Filter>,
    /// Updates: what a request leaves out is gone.
    #[serde(default)]
    pub(crate) replaces: bool,
    /// Lists: what was created last comes first.
    #[serde(default)]
    pub(crate) newest_first: bool,
    /// Lists: objects that are listed only if the query parameter of that name asks for them,
    /// parameter (and field) to value.
    #[serde(default)]
    pub(crate) on_request: IndexMap<String, String>,
    /// Lists: how many objects a page has when the request does not say.
    pub(crate) page_size: Option<usize>,
    /// Lists: deliver everything when the request asks for no page.
    #[serde(default)]
    pub(crate) unpaged: bool,
    /// Member operations: the body field that holds the members.
    pub(crate) items: Option<String>,
    /// Member operations: the query parameter that holds member keys, separated by commas.
    pub(crate) keys: Option<String>,
    /// Member operations: body fields that belong to the owner, body field to owner's field.
    #[serde(default)]
    pub(crate) owner_fields: IndexMap<String, String>,
    /// Member operations: body fields that stand for every member that lacks them.
    #[serde(default)]
    pub(crate) inherited: Vec<String>,
    /// Member operations: what is no member yet does not become one.
    #[serde(default)]
    pub(crate) only_known: bool,
    /// Views: the answer is a list.
    #[serde(default)]
    pub(crate) lists: bool,
    /// The reference field (in the query or the body) whose object a lookup is confined to.
    pub(crate) scope: Option<String>,
}

impl OperationBehaviour {
    /// The definition of the kind it works on. Reads ask several times.
    pub(crate) fn kind(
        &self,
        description: &'static Description,
    ) -> Result<&'static Resource, ApiError> {
        if let Some(kind) = self.kind.get() {
            return Ok(kind);
        }
        let kind = find::resource(description, &self.resource)?;
        Ok(self.kind.get_or_init(|| kind))
    }
}

/// The verbs of `x-behaviour`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    Create,
    Get,
    List,
    Update,
    Delete,
    ListVersions,
    ListMembers,
    MergeMembers,
    RemoveMembers,
    ListEditions,
    GetEdition,
    LabelEdition,
    Publish,
    /// A write that the kind's hook does.
    Call,
    /// A read that the kind's hook does.
    View,
    /// Nothing but a look whether the object is there: the answer is made up from its schema.
    Existing,
}

/// How a query parameter narrows a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Filter {
    /// The field equals the value.
    Equals(String),
    /// The time in the field is not before the value.
    Since(String),
    /// The time in the field is not after the value.
    Until(String),
    /// The field contains the value, ignoring case.
    Contains(String),
    /// One of the fields contains the value, ignoring case.
    Search(Vec<String>),
    /// The reference field names the object that the value names.
    Reference(String),
    /// The reference field names that object or none at all.
    Visible(String),
    /// The name of the object that the reference field names contains the value, ignoring case.
    #[serde(rename = "name_of")]
    NameOf(String),
    /// The list field has an item that is empty, that names the given object, or that names only
    /// the object in which that is: what holds for the whole account, or for a part of it.
    Scoped {
        list: String,
        field: String,
        around: String,
    },
    /// The field equals the value unless the value is this word, which lets everything through.
    Unless { field: String, word: String },
    /// The object's status is one of the values (separated by commas); archived ones are listed only so.
    Status,
    /// The id or slug is one of the values (separated by commas).
    Ids,
}
