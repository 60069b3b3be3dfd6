//! What is special about the fields of a kind.

use crate::model::{Attribute, Pattern, Value};

/// A statement about the places that a pattern names.
#[derive(Debug)]
pub struct Rule {
    /// The places.
    pub at: Pattern,
    /// What they are.
    pub is: Is,
}

/// What a place can be. A place can be several of these.
///
/// Without any rule, a top-level field is compared and written as a whole: members that the
/// manifest leaves out count as absent, and lists are compared in order.
#[derive(Debug)]
pub enum Is {
    /// The value names another resource of the repository by its key, or an object that is not in
    /// the repository by its UUID.
    Reference {
        /// The kind of that resource.
        kind: &'static str,
        /// What the endpoint wants to hear of it.
        attribute: Attribute,
    },
    /// Like [`Is::Reference`], where the value of the field beside it says of which kind.
    ReferenceBy {
        /// That field.
        field: &'static str,
        /// Its values and what kinds they stand for.
        kinds: &'static [(&'static str, &'static str)],
        /// What the endpoint wants to hear of the resource.
        attribute: Attribute,
    },
    /// Like [`Is::Reference`], said of the keys of the map at this place.
    ReferenceKeys {
        /// The kind of those resources.
        kind: &'static str,
        /// What the endpoint wants to hear of them.
        attribute: Attribute,
    },
    /// A text that may name another resource by its own slug after a prefix, as `@slug` and
    /// `@slug/model` in a gateway config do. It orders changes and catches misspellings; what is
    /// not in the repository is let through.
    Mention {
        /// The kind of that resource.
        kind: &'static str,
        /// What stands before the slug; texts without it are no mention.
        prefix: &'static str,
    },
    /// A secret: never shown, and a literal in a manifest is refused.
    Secret,
    /// A secret that travels as a JSON document.
    SecretJson,
    /// May hold a secret: interpolated texts and what the API returns are treated as secrets,
    /// while literals are allowed.
    Sensitive,
    /// Cannot change once the object exists.
    Immutable,
    /// Where it is true, the server made the object by itself, and it is nobody's to delete or to
    /// import.
    ServerMade {
        /// How that came about, after "because".
        because: &'static str,
    },
    /// Where it is true, somebody else makes and removes the object: entries may change it and
    /// imports write one, but nothing deletes it. An entry that goes is only forgotten.
    KeptElsewhere {
        /// By whom, after "because".
        because: &'static str,
    },
    /// Entries that live in no outermost scope say here to what they belong instead. Lists of
    /// scopes take the field as a query parameter, and other objects show what it is in a field of
    /// that name.
    InsteadOfScope,
    /// An object of which only the declared members are managed. Whether the server merges an
    /// update or replaces the object is not known, so updates repeat the other members as they are.
    Merge,
    /// An object of which only the declared members are managed, and which the server is known to
    /// merge, so that updates send only those.
    Patch,
    /// A list whose order means nothing.
    Set,
    /// Kept by the server: compared only where it is declared, and left out by imports.
    ServerOwned,
    /// Another name of what the field beside it names: entries use either of them, imports that
    /// field where the server shows it.
    Alternative {
        /// That field.
        to: &'static str,
    },
    /// Stays as it is where the entry leaves it out, even inside of something that is otherwise
    /// declared as a whole.
    Stays,
    /// What the server fills in, so that absent and this value are the same.
    Default(fn() -> Value),
    /// Cannot be part of the first request, because what it refers to may itself depend on this
    /// object: written in a second step.
    Deferred,
    /// A field that the request which makes the object does not take: a second one writes it.
    UpdateOnly,
    /// Only read when the object is made; a later change has nothing to change.
    CreateOnly,
    /// Not returned by the API, or not in full: compared with what the ledger says was written
    /// last, and with what the API shows if it shows something.
    WriteOnly,
    /// Of a secret or of something that hides it, the API says whether it is there, and decoding
    /// puts an empty secret in its place if it is: where there is nothing, it has to be written.
    Presence,
    /// Said of the resource itself: deleting it takes along what nobody can bring back, so it is
    /// protected unless its entry says `protect: false`.
    Precious,
    /// A secret that the server makes and shows once, in the answer to the creation. It goes to
    /// the sink that the entry names. Not a field that can be declared.
    Issued {
        /// How a new one is made in its place.
        rotate: Option<Rotate>,
    },
    /// Said of the resource itself: the server has it from elsewhere. Entries change what is there;
    /// they make nothing, and taking one away takes nothing away.
    Found {
        /// How one comes to be there, for whoever declares one that is not.
        how: &'static str,
    },
    /// Said of the resource itself: one list shows it together with another kind. What nobody
    /// declares is the other kind's where it has a field.
    ListedWith {
        /// The other kind.
        kind: &'static str,
        /// The field.
        with: &'static str,
    },
    /// What became of an object: not a field that can be declared.
    Status {
        /// It is as good as gone.
        over: &'static [&'static str],
        /// It has done what it was for, and stays as it is: nothing of it is compared any more,
        /// and its entry may go without it.
        done: &'static [&'static str],
    },
    /// Said of the resource itself: its content comes in numbered versions, of which one is
    /// published. A change of content makes a version that the server does not publish by itself.
    Versioned(Versions),
    /// A field that only does something, as `reset_usage: true` does. Not a field that can be
    /// declared, because it has no state. Said of members of a [`Part`](super::Part), it is asked
    /// of one of them.
    Impulse(Impulse),
    /// A moment in time: two spellings of one instant are the same.
    Instant,
}

/// What a field that only does something is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impulse {
    /// `true`.
    Flag,
    /// A text that says for what.
    Value,
}

/// Where the versions of a resource are.
#[derive(Debug)]
pub struct Versions {
    /// The fields that make up a version. An update with one of them brings all of them.
    pub content: &'static [&'static str],
    /// Where all versions are listed, as a bare list or in `data`.
    pub list: &'static str,
    /// The members of answers and of listed versions that may have a version's id, first match.
    pub ids: &'static [&'static str],
    /// The member of listed versions that has the number.
    pub number: &'static str,
    /// Where the `version` of a number is published, with PUT.
    pub publish: &'static str,
    /// The label that the published version carries.
    pub label: Option<VersionLabel>,
}

/// How a version is labelled.
#[derive(Debug)]
pub struct VersionLabel {
    /// The field of the resource.
    pub field: &'static str,
    /// Where it is written, with PUT; `{version}` stands for the version's id.
    pub path: &'static str,
}

/// How a secret that the server makes is replaced by a new one.
#[derive(Debug)]
pub struct Rotate {
    /// Where, with POST; the answer has the new secret where a creation's has it.
    pub path: &'static str,
    /// What the request takes over from the entry: the field, and the place in the entry.
    pub body: &'static [(&'static str, &'static str)],
}

impl Rule {
    /// A statement about the places that a pattern names.
    pub const fn new(at: &'static str, is: Is) -> Self {
        Self {
            at: Pattern(at),
            is,
        }
    }
}
