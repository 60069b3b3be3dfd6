//! A live object as the entry that somebody would have written for it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::kind::{Identity, Is, Kind, System};
use crate::model::{Address, Attribute, Ident, Map, Pointer, Reference, Value};
use crate::yaml::Node;

/// Why a secret is nobody's to write down.
pub(super) const SECRET: &str = "it holds a secret, which the API does not show";

/// What is known beside the object.
#[derive(Debug)]
pub struct Context<'a> {
    /// The system.
    pub system: &'static System,
    /// The entry's address.
    pub address: &'a Address,
    /// The kind.
    pub kind: &'static Kind,
    /// The schema of its entries.
    pub schema: &'a Json,
    /// Every address that can be referred to.
    pub known: &'a BTreeSet<Address>,
    /// What the server calls objects that are not among them.
    pub idents: &'a BTreeMap<Address, Ident>,
    /// What the list said of the object, as it said it.
    pub listed: &'a Map,
    /// Whether to write down defaults too: what the schema lets go may be needed after all.
    pub full: bool,
    /// Ids and slugs that the server made, and whose they are.
    pub marks: &'a super::Marks,
}

/// An entry.
#[derive(Clone, Debug)]
pub struct Spelled {
    /// Its fields.
    pub node: Node,
    /// The variables that it needs, with the places of the secrets.
    pub variables: Vec<(String, Pointer)>,
    /// Members that name what is not imported, and were left out.
    pub dropped: Vec<Pointer>,
    /// Fields whose values entries cannot have, and were left out.
    pub unsaid: Vec<(Pointer, String)>,
    /// Places of which the API says that something is there, and nothing of what it is.
    pub hidden: Vec<Pointer>,
}

/// The names of environment variables, each for one secret.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeSet<String>);

impl Variables {
    /// Names that are in use.
    pub fn new(taken: impl IntoIterator<Item = String>) -> Self {
        Self(taken.into_iter().collect())
    }

    /// A name for the secret at a place: `OPENAI_PROD_KEY`.
    fn name(&mut self, kind: &Kind, address: &Address, at: &Pointer) -> String {
        let field = at.segments().last().map_or("", String::as_str);
        let short = shout(&[&address.key, field]);
        let long = shout(&[kind.noun, &address.key, &at.to_string()]);
        let numbered = (2..).map(|number| format!("{long}_{number}"));
        let mut names = [short, long.clone()].into_iter().chain(numbered);
        let free = names.find(|name| self.0.insert(name.clone()));
        free.unwrap_or(long)
    }
}

fn shout(words: &[&str]) -> String {
    let mut name = String::new();
    for c in words.join("_").chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_uppercase()),
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    let name = name.trim_end_matches('_');
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("SECRET_{name}"),
        false => name.to_owned(),
    }
}

/// The entry for an object.
///
/// # Errors
/// Why a manifest cannot express it.
pub fn spell(
    context: &Context<'_>,
    fields: &Map,
    variables: &mut Variables,
) -> Result<Spelled, String> {
    let mut speller = Speller {
        context,
        variables,
        spelled: Spelled {
            node: Node::null(),
            variables: Vec::new(),
            dropped: Vec::new(),
            unsaid: Vec::new(),
            hidden: Vec::new(),
        },
    };
    let mut members = speller.members(&mut Pointer::root(), fields, Some(context.schema))?;
    let kind = context.kind;
    members.retain(|(field, node)| {
        // The key is the name where an entry says none.
        let says_nothing = field == "name" && is_text(node, &context.address.key);
        let is_key = field == "slug" && kind.identity == Identity::Slug;
        !says_nothing && !is_key
    });
    // An entry that says no more than where its object is manages nothing.
    if let Some((at, text)) = speller.spelled.unsaid.first()
        && members
            .iter()
            .all(|(field, _)| kind.place().any(|one| one == field))
    {
        return Err(format!(
            "its `{}` is `{text}`, which no entry can say",
            at.field().unwrap_or_default()
        ));
    }
    let rank = |field: &str| match field {
        "name" => 0,
        _ if kind.place().any(|one| one == field) => 1,
        "description" => 2,
        _ if kind.part(field).is_some() => 4,
        _ => 3,
    };
    members.sort_by_key(|(field, _)| rank(field));
    let mut spelled = speller.spelled;
    spelled.node = Node::mapping(members);
    Ok(spelled)
}

/// What an entry would say at a place, so that it means `value`.
///
/// # Errors
/// Why a manifest cannot say it.
pub(super) fn spell_at(context: &Context<'_>, at: &Pointer, value: &Value) -> Result<Node, String> {
    let mut schema = Some(context.schema);
    for segment in at.segments() {
        schema = match below(context.schema, schema, segment) {
            Below::Schema(schema) => Some(schema),
            Below::Free => None,
            Below::Unknown => return Err("no entry can say it".to_owned()),
        };
    }
    let mut variables = Variables::default();
    let mut speller = Speller {
        context,
        variables: &mut variables,
        spelled: Spelled {
            node: Node::null(),
            variables: Vec::new(),
            dropped: Vec::new(),
            unsaid: Vec::new(),
            hidden: Vec::new(),
        },
    };
    let node = speller.value(&mut at.clone(), value, schema, true)?;
    let Spelled {
        variables,
        dropped,
        unsaid,
        hidden,
        ..
    } = speller.spelled;
    match node {
        _ if !variables.is_empty() || !hidden.is_empty() => Err(SECRET.to_owned()),
        Some(node) if dropped.is_empty() && unsaid.is_empty() => Ok(node),
        _ => Err("no entry can say it".to_owned()),
    }
}

/// Whether an entry may say null at a place.
pub(super) fn may_be_null(schema: &Json, at: &Pointer) -> bool {
    let mut own = Some(schema);
    for segment in at.segments() {
        own = match below(schema, own, segment) {
            Below::Schema(schema) => Some(schema),
            Below::Free | Below::Unknown => return false,
        };
    }
    let alternatives = own.map_or_else(Vec::new, |own| alternatives(schema, own));
    alternatives.iter().any(|it| match it.get("type") {
        Some(Json::String(one)) => one == "null",
        Some(Json::Array(several)) => several.iter().any(|one| one == "null"),
        _ => false,
    })
}

fn is_text(node: &Node, wanted: &str) -> bool {
    matches!(&node.value, crate::yaml::NodeValue::Scalar { text, plain: false } if text == wanted)
}

struct Speller<'c, 'v> {
    context: &'c Context<'c>,
    variables: &'v mut Variables,
    spelled: Spelled,
}

impl<'c> Speller<'c, '_> {
    fn members(
        &mut self,
        at: &mut Pointer,
        map: &Map,
        schema: Option<&'c Json>,
    ) -> Result<Vec<(String, Node)>, String> {
        let kind = self.context.kind;
        let root = at.is_root();
        let names = kind.rules_at(at).find_map(|is| match is {
            Is::ReferenceKeys { kind, .. } => Some(*kind),
            _ => None,
        });
        let part = at.field().and_then(|field| kind.part(field));
        let part = part.filter(|_| at.segments().len() == 1);
        let mut members = Vec::new();
        for (key, value) in map {
            let below = below(self.context.schema, schema, key);
            if matches!(below, Below::Unknown) || (root && matches!(key.as_str(), "id" | "slug")) {
                continue;
            }
            if part.is_some_and(|part| (part.is_absent)(value)) {
                continue;
            }
            at.push(key);
            if let Some(other) = names
                && !self.names(other, key)
            {
                self.spelled.dropped.push(at.clone());
                at.pop();
                continue;
            }
            let own = match below {
                Below::Schema(schema) => Some(schema),
                _ => None,
            };
            let required = requires(self.context.schema, schema, key);
            let node = self.value(at, value, own, required);
            at.pop();
            if let Some(node) = node? {
                members.push((key.clone(), node));
            }
        }
        Ok(members)
    }

    /// Whether the key of a member names something that manifests can name.
    fn names(&self, kind: &str, key: &str) -> bool {
        let address = Address::new(&self.context.address.system, kind, key);
        self.context.known.contains(&address) || (self.context.system.ids.is)(key)
    }

    fn value(
        &mut self,
        at: &mut Pointer,
        value: &Value,
        schema: Option<&'c Json>,
        required: bool,
    ) -> Result<Option<Node>, String> {
        let kind = self.context.kind;
        let free = schema.is_none();
        if !required
            && !at.is_root()
            && (self.goes_without_saying(at, value)
                || (!schema.is_none_or(is_document) && is_blank(value)))
        {
            return Ok(None);
        }
        Ok(Some(match value {
            Value::Null => Node::null(),
            Value::Bool(flag) => Node::plain(flag.to_string()),
            Value::Number(number) => Node::plain(number.to_string()),
            Value::String(text) => {
                let reference = kind
                    .rules_at(at)
                    .any(|is| matches!(is, Is::Reference { .. } | Is::ReferenceBy { .. }));
                let id = (self.context.system.ids.is)(text);
                let known = schema.is_none_or(|it| allows(self.context.schema, it, text));
                if !known && !required && self.may_go(at) {
                    self.spelled.unsaid.push((at.clone(), text.clone()));
                    return Ok(None);
                }
                if reference && !id {
                    return Err(format!("`{at}` names `{text}`, which is not there"));
                }
                Node::text(self.text(text, reference))
            }
            // Nothing is there, unless presence is all that the API tells.
            Value::Secret(secret)
                if secret.reveal().is_empty() && !kind.has(at, |is| matches!(is, Is::Presence)) =>
            {
                return Ok(None);
            }
            // Several of them, and all that is known is that they are there.
            Value::Secret(_) if !kind.has(at, is_secret) => {
                if !self.may_go(at) {
                    return Err(SECRET.to_owned());
                }
                self.spelled.hidden.push(at.clone());
                return Ok(None);
            }
            Value::Secret(_) => {
                let context = self.context;
                let name = self.variables.name(kind, context.address, at);
                self.spelled.variables.push((name.clone(), at.clone()));
                Node::text(format!("${{env:{name}}}"))
            }
            Value::Reference(reference) => Node::text(self.key(at, &reference.address)?),
            Value::Template(_) => return Err(format!("`{at}` is not a plain text")),
            Value::List(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let below = match below(self.context.schema, schema, "0") {
                        Below::Schema(schema) => Some(schema),
                        _ => None,
                    };
                    at.push(index);
                    let node = self.value(at, item, below, true);
                    at.pop();
                    nodes.extend(node?);
                }
                Node::sequence(nodes)
            }
            Value::Map(map) => {
                let members = self.members(at, map, schema)?;
                // Inside of what is declared as a whole, its absence would say that it is to go.
                if members.is_empty() && !map.is_empty() && !required && !free && self.may_go(at) {
                    return Ok(None);
                }
                Node::mapping(members)
            }
        }))
    }

    /// Whether leaving a place out leaves it as it is.
    fn may_go(&self, at: &Pointer) -> bool {
        let kind = self.context.kind;
        let mut above = at.clone();
        above.pop();
        above.is_root()
            || kind.has(&above, |is| matches!(is, Is::Merge | Is::Patch))
            || (kind.part(at.field().unwrap_or_default()).is_some() && at.segments().len() < 4)
    }

    /// What would be the same if it were left out.
    fn goes_without_saying(&self, at: &Pointer, value: &Value) -> bool {
        self.context.kind.rules_at(at).any(|is| match is {
            Is::CreateOnly | Is::ServerOwned => true,
            Is::Alternative { to } => {
                let other = self.context.listed.get(*to);
                other.is_some_and(|other| !is_blank(other))
            }
            Is::Default(default) => !self.context.full && default() == *value,
            _ => false,
        })
    }

    /// The key of an entry, or the id of what is no entry.
    fn key(&self, at: &Pointer, address: &Address) -> Result<String, String> {
        if self.context.known.contains(address) {
            return Ok(address.key.clone());
        }
        // A repository names what is outside of it by its id, and that has to be what the API says.
        let listed = at
            .segments()
            .split_first()
            .and_then(|(field, below)| self.context.listed.get(field)?.at(below)?.as_str());
        let is_id = |text: &str| (self.context.system.ids.is)(text);
        let ident = self.context.idents.get(address);
        let ident = ident.filter(|_| listed.is_none_or(is_id));
        let texts = ident
            .into_iter()
            .flat_map(|it| [&it.id, &it.slug])
            .flatten();
        let id = texts.into_iter().find(|text| is_id(text));
        id.cloned()
            .ok_or_else(|| format!("`{at}` names {address}, which has no entry: import it as well"))
    }

    /// A text with `${` made literal. An id or slug that a server made is the same object's in
    /// another organisation only as a reference.
    fn text(&self, text: &str, reference: bool) -> String {
        match self.context.marks.get(text) {
            Some((address, attribute)) if !reference && self.context.known.contains(address) => {
                let reference = Reference {
                    address: address.clone(),
                    attribute: *attribute,
                };
                self::reference(&reference)
            }
            _ => text.replace("${", "$${"),
        }
    }
}

/// Whether one secret, or what may be one, stands at a place.
fn is_secret(rule: &Is) -> bool {
    matches!(rule, Is::Secret | Is::SecretJson | Is::Sensitive)
}

/// A reference inside of a text.
pub(super) fn reference(reference: &Reference) -> String {
    let attribute = match reference.attribute {
        Attribute::Id => "id",
        Attribute::Slug => "slug",
    };
    let address = &reference.address;
    format!("${{ref:{}.{}.{attribute}}}", address.kind, address.key)
}

/// What a schema says of a member.
pub(super) enum Below<'s> {
    /// This.
    Schema(&'s Json),
    /// Anything goes.
    Free,
    /// There is no such member.
    Unknown,
}

/// What a schema says of a member of a map or, whatever the key, of an element of a list.
pub(super) fn below<'s>(root: &'s Json, schema: Option<&'s Json>, key: &str) -> Below<'s> {
    let Some(schema) = schema else {
        return Below::Free;
    };
    let mut free = false;
    for schema in alternatives(root, schema) {
        let property = schema.get("properties").and_then(|all| all.get(key));
        match property.or(schema.get("items")) {
            Some(Json::Bool(_)) => free = true,
            Some(found) => return Below::Schema(found),
            None => match schema.get("additionalProperties") {
                Some(Json::Bool(false)) => {}
                Some(found) if found.is_object() => return Below::Schema(found),
                _ => free |= schema.get("type").and_then(Json::as_str) != Some("null"),
            },
        }
    }
    if free { Below::Free } else { Below::Unknown }
}

/// The schemas that a schema stands for.
fn alternatives<'s>(root: &'s Json, schema: &'s Json) -> Vec<&'s Json> {
    if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
        let target = root.pointer(name.trim_start_matches('#'));
        return target.map_or_else(Vec::new, |target| alternatives(root, target));
    }
    let mut several = ["anyOf", "oneOf", "allOf"].iter();
    let several = several.find_map(|word| schema.get(word)?.as_array());
    match several {
        Some(all) => all.iter().flat_map(|it| alternatives(root, it)).collect(),
        None => vec![schema],
    }
}

fn requires(root: &Json, schema: Option<&Json>, key: &str) -> bool {
    let all = schema.map(|schema| alternatives(root, schema));
    let names = |schema: &&Json| schema.get("required").and_then(Json::as_array).cloned();
    let mut names = all.iter().flatten().filter_map(names).flatten();
    names.any(|name| name == key)
}

/// Whether a text is among those that a schema lists, if it lists any.
fn allows(root: &Json, schema: &Json, text: &str) -> bool {
    let mut listed = false;
    for schema in alternatives(root, schema) {
        let one = schema.get("const").into_iter();
        let several = schema.get("enum").and_then(Json::as_array);
        let words: Vec<&Json> = one.chain(several.into_iter().flatten()).collect();
        let is_null = schema.get("type").and_then(Json::as_str) == Some("null");
        if words.is_empty() && !is_null || words.iter().any(|word| *word == text) {
            return true;
        }
        listed |= !words.is_empty();
    }
    !listed
}

/// Whether a schema wants an object of any form: one without members is not the same as none.
fn is_document(schema: &Json) -> bool {
    let says = |word: &str| schema.get(word).is_some();
    schema.get("type").and_then(Json::as_str) == Some("object")
        && !says("properties")
        && !says("additionalProperties")
}

/// Whether a value says as much as its absence.
pub(super) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(members) => members.values().all(is_blank),
        _ => false,
    }
}
