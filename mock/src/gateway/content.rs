//! What a model of the mock says: the same words for the same request, and figures that follow from them.

use serde_json::{Map, Value};

/// How much of a question an answer repeats, in bytes.
const REPEATED: usize = 200;

/// Tokens are counted as four bytes each, the rule of thumb of
/// <https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them>: the tokenizers of
/// hundreds of models are not the mock's business.
const TOKEN: usize = 4;

/// How many tokens text has.
pub(crate) fn tokens(text: &str) -> usize {
    text.len().div_ceil(TOKEN)
}

/// How many tokens all the text inside a value has.
pub(crate) fn tokens_in(value: &Value) -> usize {
    match value {
        Value::String(text) => tokens(text),
        Value::Array(items) => items.iter().map(tokens_in).sum(),
        Value::Object(members) => members.values().map(tokens_in).sum(),
        // An input may be a list of tokens already.
        Value::Number(_) => 1,
        Value::Bool(_) | Value::Null => 0,
    }
}

/// What a model says, and whether it was cut off.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) cut: bool,
}

/// The answer to a question, of at most so many tokens.
pub(crate) fn answer(model: &str, question: &Value, limit: Option<usize>) -> Said {
    let asked = asked(question);
    let asked = &asked[..asked.floor_char_boundary(REPEATED)];
    let mut text = format!("Mock answer of {model} to: {asked}");
    cut(&mut text, limit)
}

/// Text, cut down to so many tokens.
pub(crate) fn cut(text: &mut String, limit: Option<usize>) -> Said {
    let mut is_cut = false;
    if let Some(limit) = limit
        && tokens(text) > limit
    {
        text.truncate(text.floor_char_boundary(limit.saturating_mul(TOKEN)));
        is_cut = true;
    }
    Said {
        text: std::mem::take(text),
        cut: is_cut,
    }
}

/// The last thing that was said in a prompt, a list of messages or a list of parts.
fn asked(question: &Value) -> &str {
    match question {
        Value::String(text) => text,
        Value::Array(items) => items.last().map_or("", asked),
        Value::Object(members) => ["content", "text"]
            .iter()
            .find_map(|name| members.get(*name))
            .map_or("", asked),
        _ => "",
    }
}

/// Text in the pieces in which it is streamed: words with the space behind them.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// A value that fits the JSON Schema of a tool or of an answer's format.
pub(crate) fn sample(schema: &Value) -> Value {
    Sampler { root: schema }.value(schema, 0)
}

/// The deepest nesting of a sample.
const DEEPEST: usize = 8;

struct Sampler<'s> {
    root: &'s Value,
}

impl Sampler<'_> {
    fn value(&self, schema: &Value, depth: usize) -> Value {
        let keyword = |name: &str| schema.get(name);
        if let Some(value) = keyword("const").or_else(|| keyword("default")) {
            return value.clone();
        }
        if let Some(value) = keyword("enum").and_then(|values| values.get(0)) {
            return value.clone();
        }
        if depth > DEEPEST {
            return Value::Null;
        }
        let referred = keyword("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| self.root.pointer(reference.strip_prefix('#')?));
        let branch = ["anyOf", "oneOf", "allOf"]
            .iter()
            .find_map(|name| keyword(name)?.get(0));
        if let Some(schema) = referred.or(branch) {
            return self.value(schema, depth + 1);
        }
        let kind = match keyword("type") {
            Some(Value::Array(kinds)) => kinds.first(),
            kind => kind,
        };
        match kind.and_then(Value::as_str) {
            Some("string") => Value::from("sample"),
            Some("integer" | "number") => keyword("minimum").cloned().unwrap_or(Value::from(1)),
            Some("boolean") => Value::Bool(true),
            Some("null") => Value::Null,
            Some("array") => {
                let item = keyword("items").map(|items| self.value(items, depth + 1));
                Value::Array(item.into_iter().collect())
            }
            _ => {
                let properties = keyword("properties").and_then(Value::as_object);
                let members = properties.into_iter().flatten();
                let members =
                    members.map(|(name, schema)| (name.clone(), self.value(schema, depth + 1)));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{answer, pieces, sample, tokens};

    #[test]
    fn answers_repeat_the_question_and_are_cut() {
        let question = json!([{ "role": "user", "content": [{ "type": "text", "text": "Wie geht es dir, Müller?" }] }]);
        let said = answer("m", &question, None);
        assert_eq!(said.text, "Mock answer of m to: Wie geht es dir, Müller?");
        assert!(!said.cut);
        assert_eq!(pieces(&said.text).collect::<String>(), said.text);
        for limit in 0..tokens(&said.text) {
            let cut = answer("m", &question, Some(limit));
            assert!(cut.cut && tokens(&cut.text) <= limit, "{}", cut.text);
        }
    }

    #[test]
    fn samples_fit_their_schema() {
        let schema = json!({
            "type": "object", "required": ["city", "days", "unit", "place", "when"],
            "properties": {
                "city": { "type": "string" }, "days": { "type": "integer", "minimum": 3 },
                "unit": { "enum": ["c", "f"] }, "place": { "$ref": "#/$defs/place" },
                "when": { "type": ["array", "null"], "items": { "type": "number" } },
            },
            "$defs": { "place": { "anyOf": [{ "type": "boolean" }] } },
        });
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&sample(&schema)), "{}", sample(&schema));
        let endless = json!({ "type": "object", "properties": { "next": { "$ref": "#" } } });
        assert!(sample(&endless).is_object());
    }
}
