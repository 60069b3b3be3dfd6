//! Kinds and systems as data: what the rest of the program knows of an API.
//!
//! A [`Kind`] describes one sort of resource: how manifests spell it, how the live object is
//! found, which fields refer to other resources, hold secrets or cannot change, and where the API
//! reads and writes it. Everything else (checking, diffing, planning, applying) is common to all
//! kinds and works from this description. Adding a kind is one file and one line in its system's
//! registry.

mod rule;

pub use rule::{Impulse, Is, Rotate, Rule, VersionLabel, Versions};

use schemars::{Schema, SchemaGenerator};

use crate::diagnostic::Severity;
use crate::model::{Attribute, Map, Pattern, Pointer, Value};

/// A service that gatewright manages: where it is, how one signs in, and what it holds.
#[derive(Debug)]
pub struct System {
    /// The name that manifests and the project file use.
    pub name: &'static str,
    /// Where the public service is.
    pub default_base_url: &'static str,
    /// Where its regions are, with `{region}` in the place of their names, if it has any.
    pub regional_base_url: Option<&'static str>,
    /// What the vendor's own tools read from the environment about where it is; the first one that
    /// is set decides.
    pub places: &'static [Place],
    /// The environment variable with the API key that the vendor's own tools read.
    pub api_key_variable: &'static str,
    /// The header that carries the key.
    pub auth_header: &'static str,
    /// What stands before the key in that header, for example `Bearer `.
    pub auth_prefix: &'static str,
    /// How its answers say what went wrong.
    pub errors: Errors,
    /// What its ids look like, so that manifests can name objects outside of the repository.
    pub ids: Ids,
    /// What the system holds, in the order in which people read it.
    pub kinds: &'static [&'static Kind],
}

impl System {
    /// The kind of that name.
    pub fn kind(&self, name: &str) -> Option<&'static Kind> {
        self.kinds.iter().copied().find(|kind| kind.name == name)
    }

    /// Whether others live in objects of a kind.
    pub fn is_scope(&self, kind: &Kind) -> bool {
        let mut scopes = self.kinds.iter().filter_map(|it| it.lives_in());
        kind.system == self.name && scopes.any(|(name, _)| name == kind.name)
    }

    /// The base URL of a region, where the system has regions.
    pub fn region(&self, name: &str) -> Option<String> {
        Some(self.regional_base_url?.replace("{region}", name))
    }
}

/// Environment variables that say where a system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The base URL.
    BaseUrl(&'static str),
    /// The host, and the scheme if it is not `https`.
    Host {
        /// The variable with the host.
        host: &'static str,
        /// The variable with the scheme.
        scheme: &'static str,
    },
    /// The region, for [`System::regional_base_url`].
    Region(&'static str),
}

/// How a system's answers say what went wrong: JSON pointers, the first one with a text or a
/// number decides.
#[derive(Clone, Copy, Debug)]
pub struct Errors {
    /// Where the message is.
    pub message: &'static [&'static str],
    /// Where the error code is.
    pub code: &'static [&'static str],
    /// Where more is said, by members that messages repeat with their names.
    pub details: &'static [&'static str],
    /// Where the request's id is.
    pub request_id: &'static [&'static str],
    /// The headers that have the request's id.
    pub request_id_headers: &'static [&'static str],
}

/// What the ids of a system look like.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// What they are called in messages: `UUID`.
    pub noun: &'static str,
    /// Whether a text is one, and cannot be a key.
    pub is: fn(&str) -> bool,
}

/// A sort of resource.
#[derive(Debug)]
pub struct Kind {
    /// The system it belongs to.
    pub system: &'static str,
    /// The top-level key in manifests, for example `integrations`.
    pub name: &'static str,
    /// One of them, for messages: `integration`.
    pub noun: &'static str,
    /// The JSON Schema of one entry, from the kind's typed spec.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// How the live object of an entry is found.
    pub identity: Identity,
    /// The fields that say in what an object lives (`workspace_id`), outermost first. Names need
    /// to be unique only within equal values of these. All but the outermost may be references to
    /// the kind itself, as a folder's parent is.
    pub scope: &'static [&'static str],
    /// Where the API reads and writes it.
    pub endpoints: Endpoints,
    /// What is special about which fields.
    pub rules: &'static [Rule],
    /// Fields that have endpoints of their own.
    pub parts: &'static [Part],
    /// Finds what a schema cannot say. The fields include the `name` and, where users choose it,
    /// the `slug`, even where the manifest leaves them to the entry's key.
    pub check: Option<fn(&Map, &mut Problems)>,
    /// Turns what the API returned into the form in which manifests declare it.
    pub decode: Option<fn(&mut Map)>,
    /// Turns a request body in the manifests' form into the API's.
    pub encode: Option<fn(&mut Map, Operation)>,
}

/// How the live object of an entry is found when the ledger does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The entry's key is the slug, which the user chooses.
    Slug,
    /// The server makes the slug; the object is found by its name, the entry's `name` or else its
    /// key, within its scope.
    Name,
    /// Like [`Identity::Name`], and the server allows no second object of that name there.
    UniqueName,
    /// It has no name: within its scope there is at most one.
    Place,
    /// The API neither lists nor shows such objects. Only the ledger knows of them, and what it
    /// says was written last counts as live; all fields but the scope are [`Is::WriteOnly`].
    Recorded,
}

impl Identity {
    /// Whether an entry without `name` has its key for one.
    pub fn has_name(self) -> bool {
        self != Self::Place
    }
}

/// Where the API keeps a kind. Paths begin after the base URL; `{id}` and `{slug}` stand for what
/// the server calls the object.
#[derive(Debug)]
pub struct Endpoints {
    /// How all objects are listed.
    pub list: List,
    /// Where one is created, with POST.
    pub create: &'static str,
    /// Where one is read (GET), updated and deleted (DELETE).
    pub item: &'static str,
    /// How one is updated.
    pub update: Update,
    /// When the list does not say enough and the object must be read by itself.
    pub detail: Detail,
    /// Whether requests for one object repeat its outermost scope field as a query parameter.
    pub scope_in_query: bool,
    /// The fields of the live object that a DELETE repeats in its body, as a confirmation.
    pub delete_body: &'static [&'static str],
}

impl Endpoints {
    /// Those of a kind with nothing special about it, for the others to begin with.
    pub const PLAIN: Self = Self {
        list: List::NONE,
        create: "",
        item: "",
        update: Update::PUT,
        detail: Detail::Listed,
        scope_in_query: false,
        delete_body: &[],
    };
}

/// How an existing object is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// `PUT` or `PATCH`. Either way the body has the fields that change and no others: what is left
    /// out stays as it is.
    pub method: &'static str,
    /// The fields of the entry that every update repeats, changed or not.
    pub repeats: &'static [&'static str],
}

impl Update {
    /// With PUT.
    pub const PUT: Self = Self {
        method: "PUT",
        repeats: &[],
    };
    /// With PATCH.
    pub const PATCH: Self = Self {
        method: "PATCH",
        repeats: &[],
    };
}

/// A list endpoint.
#[derive(Debug)]
pub struct List {
    /// The path.
    pub path: &'static str,
    /// The member of the answer that holds the objects.
    pub items: &'static str,
    /// How its pages are turned.
    pub paging: Paging,
    /// Whether one list shows all scopes, or each outermost scope needs a list of its own with
    /// that scope field as query parameter.
    pub per_scope: bool,
    /// Of a list per scope, the query parameter that may ask for all scopes at once, with the
    /// value that other objects show in the field of that name. What such a list does not show is
    /// looked for in its scope's own list, so that this only ever saves requests.
    pub across: Option<&'static str>,
    /// Of a list per scope, the values of the scope field where it names no other object.
    pub scopes: &'static [&'static str],
}

impl List {
    /// There is none, for [`Identity::Recorded`]. The others begin with it.
    pub const NONE: Self = Self {
        path: "",
        items: "",
        paging: Paging::Whole,
        per_scope: false,
        across: None,
        scopes: &[],
    };
}

/// How the pages of a list are turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// There are none: one answer has everything.
    Whole,
    /// `current_page`, counted from 0, and `page_size`.
    CurrentPage {
        /// How many objects to ask for at once.
        size: usize,
    },
    /// `page`, counted from 1, and `page_size`.
    Page {
        /// How many objects to ask for at once.
        size: usize,
    },
    /// `page`, counted from 0, and `page_size`.
    PageFromZero {
        /// How many objects to ask for at once.
        size: usize,
    },
    /// `currentPage`, counted from 0, and `pageSize`.
    CamelPage {
        /// How many objects to ask for at once.
        size: usize,
    },
    /// `limit`, and the `cursor` that the page before names in `pagination.next_cursor` as long as
    /// its `pagination.has_more` is true. Pages may be short or empty in between.
    Cursor {
        /// How many objects to ask for at once.
        size: usize,
    },
}

/// When an object is read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Never: the list has whole objects.
    Listed,
    /// Always: the list has summaries.
    Read,
    /// The list has summaries, and these of their fields change whenever the object does: what
    /// was read before under the same ones need not be read again.
    Stamped(&'static [&'static str]),
    /// When the entry declares something below one of these places, which the list leaves out.
    ReadFor(&'static [&'static str]),
}

/// A field with an endpoint of its own below its resource, for example an integration's models.
#[derive(Debug)]
pub struct Part {
    /// The field.
    pub field: &'static str,
    /// Where it is written (PUT), and read (GET) unless `read` says otherwise.
    pub path: &'static str,
    /// Where it is read, if that is elsewhere.
    pub read: Option<&'static str>,
    /// The member of the answer that grows from page to page.
    pub items: &'static str,
    /// How its pages are turned.
    pub paging: Paging,
    /// Where its members come from.
    pub members: Members,
    /// Turns the answer of a GET, with the items of all pages in it, into the field's value as manifests declare it: a map by key.
    pub decode: fn(serde_json::Value) -> Value,
    /// The requests that bring about `changed`, the members to write. A null member is to go;
    /// `live` has what is there now.
    pub encode: fn(changed: &Map, live: &Map) -> Vec<PartRequest>,
    /// Whether a live member is as good as none, so that declaring `null` asks for nothing.
    pub is_absent: fn(&Value) -> bool,
}

/// Where the members of a [`Part`] come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Members {
    /// From writing them. What gatewright wrote is taken away once it is no longer declared.
    Written,
    /// The server finds them by itself, as it finds the tools of an MCP server. They can be
    /// switched but neither made nor taken away: one that is declared and not there is reported
    /// by every plan, and one that is no longer declared stays as it is.
    Found,
}

/// A request that writes a [`Part`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartRequest {
    /// `PUT`, `DELETE`, or a `POST` that may be repeated.
    pub method: &'static str,
    /// A segment below the part's path: the member that the request is about.
    pub below: Option<Value>,
    /// Query parameters.
    pub query: Vec<(&'static str, String)>,
    /// The body, `None` for no body.
    pub body: Option<Value>,
}

/// What became of an object, see [`Is::Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is there to be compared and changed.
    Open,
    /// It has done what it was for.
    Done,
    /// It is as good as gone.
    Over,
}

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A change of an existing one.
    Update,
}

/// A problem that a kind's own check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// A stable identifier in kebab case.
    pub code: &'static str,
    /// Where in the entry.
    pub pointer: Pointer,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// The problems that a kind's own check found.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds an error; returns it, so that help can be added.
    pub fn error(
        &mut self,
        code: &'static str,
        pointer: &Pointer,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.push(Severity::Error, code, pointer, message.into())
    }

    /// Adds a warning; returns it, so that help can be added.
    pub fn warning(
        &mut self,
        code: &'static str,
        pointer: &Pointer,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.push(Severity::Warning, code, pointer, message.into())
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        pointer: &Pointer,
        message: String,
    ) -> &mut Problem {
        let problem = Problem {
            severity,
            code,
            pointer: pointer.clone(),
            message,
            help: None,
        };
        let at = self.0.len();
        self.0.push(problem);
        &mut self.0[at]
    }
}

impl Problem {
    /// Says what to do.
    pub fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

impl Kind {
    /// Whether any rule says `wanted` of this place.
    pub fn has(&self, pointer: &Pointer, wanted: fn(&Is) -> bool) -> bool {
        self.rules_at(pointer).any(wanted)
    }

    /// Everything that the rules say of this place.
    pub fn rules_at(&self, pointer: &Pointer) -> impl Iterator<Item = &'static Is> {
        self.rules
            .iter()
            .filter(|rule| rule.at.matches(pointer))
            .map(|rule| &rule.is)
    }

    /// The scope field that requests name: the outermost one.
    pub fn outer_scope(&self) -> Option<&'static str> {
        self.scope.first().copied()
    }

    /// The kind of what objects of this kind live in, and the attribute by which requests name it.
    pub fn lives_in(&self) -> Option<(&'static str, Attribute)> {
        let at = Pointer::root().child(self.outer_scope()?);
        self.rules_at(&at).find_map(|is| match is {
            Is::Reference { kind, attribute } => Some((*kind, *attribute)),
            _ => None,
        })
    }

    /// The field that entries outside of any outermost scope say instead of it.
    pub fn instead_of_scope(&self) -> Option<&'static str> {
        let instead = |rule: &&Rule| matches!(rule.is, Is::InsteadOfScope);
        self.rules.iter().find(instead)?.at.0.strip_prefix('/')
    }

    /// The fields of which one says in what outermost scope an object is: that scope's, and the
    /// one instead of it.
    pub fn outer_place(&self) -> impl Iterator<Item = &'static str> {
        self.outer_scope()
            .into_iter()
            .chain(self.instead_of_scope())
    }

    /// The fields that say where an object is.
    pub fn place(&self) -> impl Iterator<Item = &'static str> {
        self.scope.iter().copied().chain(self.instead_of_scope())
    }

    /// Why the server made a live object by itself, if it did.
    pub fn server_made(&self, live: &Map) -> Option<&'static str> {
        self.reason(live, |is| match is {
            Is::ServerMade { because } => Some(because),
            _ => None,
        })
    }

    /// Who else makes and removes a live object, if somebody does.
    pub fn kept_elsewhere(&self, live: &Map) -> Option<&'static str> {
        let all = self.found().map(|_| "entries neither make nor remove them");
        all.or_else(|| {
            self.reason(live, |is| match is {
                Is::KeptElsewhere { because } => Some(because),
                _ => None,
            })
        })
    }

    /// The reason of the first rule that has one and whose place is true in a live object.
    fn reason(&self, live: &Map, of: fn(&Is) -> Option<&'static str>) -> Option<&'static str> {
        let is_true = |at: &str| {
            let field = live.get(at.trim_start_matches('/'));
            field.and_then(Value::as_bool) == Some(true)
        };
        let said = |rule: &Rule| of(&rule.is).filter(|_| is_true(rule.at.0));
        self.rules.iter().find_map(said)
    }

    /// Whether what a field names has another name in the field beside it, of which an entry may
    /// use either.
    pub fn has_another_name(&self, field: &str) -> bool {
        self.rules.iter().any(|rule| match rule.is {
            Is::Alternative { to } => to == field || rule.at.0.strip_prefix('/') == Some(field),
            _ => false,
        })
    }

    /// The secret that the server makes for an object of this kind: its field, and how it is
    /// replaced.
    pub fn issued(&self) -> Option<(Pointer, Option<&'static Rotate>)> {
        self.rules.iter().find_map(|rule| match &rule.is {
            Is::Issued { rotate } => Some((Pointer::from(rule.at.0), rotate.as_ref())),
            _ => None,
        })
    }

    /// The kind that it shares its list with, and the field by which that one's objects are known.
    pub fn listed_with(&self) -> Option<(&'static str, &'static str)> {
        self.rules.iter().find_map(|rule| match rule.is {
            Is::ListedWith { kind, with } => Some((kind, with)),
            _ => None,
        })
    }

    /// How objects come to be that entries cannot make, if they cannot.
    pub fn found(&self) -> Option<&'static str> {
        self.rules.iter().find_map(|rule| match rule.is {
            Is::Found { how } => Some(how),
            _ => None,
        })
    }

    /// What became of a live object.
    pub fn fate(&self, live: &Map) -> Fate {
        for rule in self.rules {
            if let Is::Status { over, done } = rule.is {
                let field = rule.at.0.trim_start_matches('/');
                let status = live.get(field).and_then(Value::as_str).unwrap_or_default();
                if over.contains(&status) {
                    return Fate::Over;
                }
                if done.contains(&status) {
                    return Fate::Done;
                }
            }
        }
        Fate::Open
    }

    /// Where its versions are, if it has any.
    pub fn versions(&self) -> Option<&'static Versions> {
        self.rules.iter().find_map(|rule| match &rule.is {
            Is::Versioned(versions) => Some(versions),
            _ => None,
        })
    }

    /// The field that only does something, and what it is sent with.
    pub fn impulse(&self) -> Option<(Pattern, Impulse)> {
        self.rules.iter().find_map(|rule| match rule.is {
            Is::Impulse(impulse) => Some((rule.at, impulse)),
            _ => None,
        })
    }

    /// Whether objects of this kind may refer to others of it.
    pub fn refers_to_itself(&self) -> bool {
        self.rules
            .iter()
            .any(|rule| matches!(rule.is, Is::Reference { kind, .. } if kind == self.name))
    }

    /// The part that a top-level field is, if it is one.
    pub fn part(&self, field: &str) -> Option<&'static Part> {
        self.parts.iter().find(|part| part.field == field)
    }
}
