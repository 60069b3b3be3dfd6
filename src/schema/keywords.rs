//! What generated schemas say, put into the few keywords of which problems can be told, and, in the
//! published files, with `${...}` wherever a manifest may have it.

use serde_json::{Map, Value, json};

pub(super) fn set(schema: &mut Value, keyword: &str, value: Value) {
    if let Some(object) = schema.as_object_mut() {
        object.insert(keyword.to_owned(), value);
    }
}

pub(super) fn definition_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// The schema that a reference stands for, what stands beside the reference laid over it.
pub(super) fn resolved(schema: Value, definitions: &Map<String, Value>) -> Value {
    let Some(target) = definition_name(&schema).and_then(|name| definitions.get(name)) else {
        return schema;
    };
    let mut target = target.clone();
    if let Value::Object(beside) = schema {
        for (keyword, value) in beside {
            if keyword != "$ref" {
                set(&mut target, &keyword, value);
            }
        }
    }
    target
}

/// Calls `visit` with every schema directly below this one.
fn for_each_below(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    for (keyword, value) in object {
        match keyword.as_str() {
            "properties" | "patternProperties" | "$defs" => {
                value
                    .as_object_mut()
                    .into_iter()
                    .flatten()
                    .for_each(|(_, below)| visit(below));
            }
            "anyOf" | "allOf" | "oneOf" | "prefixItems" => {
                value
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                    .for_each(&mut *visit);
            }
            "items" | "additionalProperties" | "then" if value.is_object() => visit(value),
            _ => {}
        }
    }
}

/// Drops what holds under a condition, and definitions of nothing else: that is for editors, see
/// [`crate::systems::spec::for_editors`].
pub(super) fn drop_conditions(definitions: &mut Map<String, Value>) {
    fn drop_in(schema: &mut Value, conditional: &[String]) {
        for_each_below(schema, &mut |below| drop_in(below, conditional));
        if let Some(object) = schema.as_object_mut()
            && let Some(Value::Array(all)) = object.get_mut("allOf")
        {
            all.retain(|one| {
                let gone = definition_name(one)
                    .is_some_and(|name| conditional.iter().any(|it| it == name));
                one.get("if").is_none() && !gone
            });
            if all.is_empty() {
                object.remove("allOf");
            }
        }
    }
    definitions
        .values_mut()
        .for_each(|schema| drop_in(schema, &[]));
    let says_nothing = |schema: &Value| schema.as_object().is_some_and(Map::is_empty);
    let empty = definitions
        .iter()
        .filter(|(_, schema)| says_nothing(schema));
    let conditional: Vec<String> = empty.map(|(name, _)| name.clone()).collect();
    definitions.retain(|name, _| !conditional.contains(name));
    definitions
        .values_mut()
        .for_each(|schema| drop_in(schema, &conditional));
}

pub(super) fn simplify_all(definitions: &mut Map<String, Value>) {
    // Later definitions may refer to earlier ones and the other way round: what is inlined into a
    // nullable field is simplified there once more, so one look at the originals is enough.
    let originals = definitions.clone();
    for schema in definitions.values_mut() {
        simplify(schema, &originals);
    }
}

/// Rewrites what schemars makes of enums and options into plain keywords, because problems with
/// `oneOf` and `anyOf` cannot be told in a sentence, and drops the formats of Rust's number types.
pub(super) fn simplify(schema: &mut Value, definitions: &Map<String, Value>) {
    for_each_below(schema, &mut |below| simplify(below, definitions));
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(format) = object.get("format").and_then(Value::as_str)
        && (format.starts_with("int") || format.starts_with("uint") || format == "double")
    {
        object.remove("format");
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = unwrapped(text);
    }
    // What serde falls back to for an option says nothing to a user.
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(words) = object.get("oneOf").and_then(words) {
        let names: Vec<&String> = words.iter().map(|(name, _)| name).collect();
        let meanings: Vec<String> = words
            .iter()
            .filter_map(|(name, meaning)| Some(format!("- `{name}`: {}", meaning.as_ref()?)))
            .collect();
        let own = object.get("description").and_then(Value::as_str);
        let text = match own {
            Some(own) => format!("{own}\n\n{}", meanings.join("\n")),
            None => meanings.join("\n"),
        };
        let names = json!(names);
        object.remove("oneOf");
        object.insert("type".to_owned(), json!("string"));
        object.insert("enum".to_owned(), names);
        object.insert("description".to_owned(), json!(text));
    }
    if let Some([option, Value::Object(null)]) = object
        .get("anyOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        && null.get("type") == Some(&json!("null"))
    {
        let mut option = resolved(option.clone(), definitions);
        simplify(&mut option, definitions);
        if add_null(&mut option) {
            object.remove("anyOf");
            let beside = std::mem::take(object);
            merge_description(&mut option, &beside);
            for (keyword, value) in beside {
                if keyword != "description" {
                    set(&mut option, &keyword, value);
                }
            }
            *schema = option;
        }
    }
}

/// A doc comment without the line breaks of its source.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        if paragraph.starts_with("- ") {
            paragraph.to_owned()
        } else {
            paragraph.replace('\n', " ")
        }
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Puts the description of a field over that of its type; the list of words stays below it.
fn merge_description(option: &mut Value, beside: &Map<String, Value>) {
    let Some(field) = beside.get("description").and_then(Value::as_str) else {
        return;
    };
    let own = option.get("description").and_then(Value::as_str);
    let list = own.filter(|_| option.get("enum").is_some());
    let list = list.and_then(|own| own.find("- `").map(|at| &own[at..]));
    let text = match list {
        Some(list) => format!("{field}\n\n{list}"),
        None => field.to_owned(),
    };
    set(option, "description", json!(text));
}

/// The words of an enum and what they mean, if every alternative is a word.
fn words(alternatives: &Value) -> Option<Vec<(String, Option<String>)>> {
    let word = |alternative: &Value| {
        let name = alternative.get("const")?.as_str()?.to_owned();
        let meaning = alternative.get("description").and_then(Value::as_str);
        Some((name, meaning.map(str::to_owned)))
    };
    alternatives.as_array()?.iter().map(word).collect()
}

/// Lets a schema accept null as well, if it says what it accepts by a single type.
fn add_null(schema: &mut Value) -> bool {
    let Some(object) = schema.as_object_mut() else {
        return false;
    };
    if ["anyOf", "oneOf", "allOf", "$ref", "const"]
        .iter()
        .any(|keyword| object.contains_key(*keyword))
    {
        return false;
    }
    let Some(Value::String(kind)) = object.get("type") else {
        return false;
    };
    let kinds = json!([kind, "null"]);
    object.insert("type".to_owned(), kinds);
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.push(Value::Null);
    }
    true
}

/// Lets a text that begins with `${` stand where a number, a boolean or certain texts are expected.
pub(super) fn allow_interpolation(schema: &mut Value) {
    for_each_below(schema, &mut allow_interpolation);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let is = |kind: &str| match object.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        _ => false,
    };
    let picky = ["enum", "pattern", "format"]
        .iter()
        .any(|keyword| object.contains_key(*keyword));
    let scalar = is("integer") || is("number") || is("boolean");
    if !(scalar && !is("string") || is("string") && picky) {
        return;
    }
    let mut inner = std::mem::take(object);
    for keyword in ["description", "default"] {
        if let Some(value) = inner.remove(keyword) {
            object.insert(keyword.to_owned(), value);
        }
    }
    object.insert(
        "anyOf".to_owned(),
        json!([inner, { "type": "string", "pattern": r"^\$\{" }]),
    );
}
