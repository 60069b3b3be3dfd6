//! The parameters of checks as a JSON Schema: what editors complete from and point out.
//!
//! It accepts whatever the kind's own check accepts: parameters that nobody knows are only warned of.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::catalogue::{Accepts, CHECKS, COMMON, Check, Parameter};
use crate::systems::portkey::spec::for_editors;

/// The parameters of a check.
pub(in super::super) fn any(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<CheckParameters>();
    json_schema!({ "type": "object" })
}

/// Adds to the schema of a check, which has [`any`] parameters, what they are by its id.
pub(in super::super) fn by_id(check: &mut Schema) {
    let reference = json!([{ "$ref": "#/$defs/CheckParameters" }]);
    check.insert("allOf".to_owned(), reference);
}

/// What the parameters of a check are, by its id.
struct CheckParameters;

impl JsonSchema for CheckParameters {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CheckParameters".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let checks: Vec<Value> = CHECKS.iter().map(of_check).collect();
        for_editors(json!({ "allOf": checks }))
    }
}

fn of_check(check: &Check) -> Value {
    let all = check.parameters.iter().chain(COMMON);
    let properties: Map<String, Value> = all
        .map(|parameter| (parameter.name.to_owned(), of_parameter(check, parameter)))
        .collect();
    let required = check
        .parameters
        .iter()
        .filter(|parameter| parameter.required);
    let required: Vec<&str> = required.map(|parameter| parameter.name).collect();
    let mut then = json!({ "properties": { "parameters": {
        "description": format!("The parameters of `{}`.", check.id),
        "type": "object",
        "properties": properties,
    } } });
    if !required.is_empty() {
        then["properties"]["parameters"]["required"] = json!(required);
        then["required"] = json!(["parameters"]);
    }
    json!({ "if": { "required": ["id"], "properties": { "id": { "const": check.id } } }, "then": then })
}

fn of_parameter(check: &Check, parameter: &Parameter) -> Value {
    let word = |words: &[&str]| {
        let mut all: Vec<Value> = words.iter().map(|word| json!(word)).collect();
        all.push(Value::Null);
        json!({ "type": ["string", "null"], "enum": all })
    };
    let mut schema = match parameter.accepts {
        Accepts::Flag => json!({ "type": ["boolean", "null"] }),
        Accepts::Number => json!({ "type": ["number", "null"] }),
        Accepts::Share => json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 }),
        Accepts::Text => json!({ "type": ["string", "null"] }),
        Accepts::Word(words) => word(words),
        Accepts::Texts => {
            json!({ "type": ["array", "null"], "items": { "type": ["string", "null"] } })
        }
        Accepts::Words(words) => json!({ "type": ["array", "null"], "items": word(words) }),
        Accepts::Object => json!({ "type": ["object", "null"] }),
        Accepts::Objects => json!({ "type": ["array", "null"] }),
        Accepts::Anything => json!({}),
    };
    schema["description"] = json!(meaning(check.id, parameter.name));
    schema
}

/// What a parameter is for. A name means the same in every check, but for a few.
fn meaning(check: &str, name: &str) -> &'static str {
    let own = MEANINGS
        .iter()
        .filter(|(of, ..)| of.is_empty() || *of == check);
    let mut own = own.filter(|(_, known, _)| *known == name);
    own.next().map_or("", |(.., text)| text)
}

/// The check where the meaning is its own, the parameter, and what it is for.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "portkey.language",
        "language",
        "The language that the text has to be in.",
    ),
    (
        "azure.pii",
        "language",
        "The language of the text, by its ISO code.",
    ),
    (
        "acuvity.scan",
        "language",
        "Whether the language is looked at.",
    ),
    (
        "azure.contentSafety",
        "categories",
        "The sorts of harm to look for.",
    ),
    (
        "portkey.pii",
        "categories",
        "The sorts of personal data to look for.",
    ),
    (
        "",
        "timeout",
        "How long the check may take, in milliseconds.",
    ),
    (
        "",
        "failOnError",
        "Whether an error of the check itself counts as a failure.",
    ),
    (
        "",
        "forwardHeaders",
        "Headers of the request that the check gets.",
    ),
    (
        "",
        "not",
        "Whether the verdict is turned round: what passed fails, and the other way.",
    ),
    (
        "",
        "redact",
        "Whether what is found is blacked out instead of failing.",
    ),
    ("", "operator", "How many of the listed ones there must be."),
    (
        "",
        "jwksUri",
        "Where the keys are by which tokens are verified.",
    ),
    (
        "",
        "headerKey",
        "The header of the request that has the token.",
    ),
    ("", "cacheMaxAge", "How long keys are kept, in seconds."),
    (
        "",
        "clockTolerance",
        "How far clocks may differ, in seconds.",
    ),
    (
        "",
        "maxTokenAge",
        "How old a token may be, for example `1d`.",
    ),
    (
        "",
        "algorithms",
        "The signature algorithms that are accepted.",
    ),
    ("", "models", "The models that are allowed."),
    ("", "rule", "The regular expression."),
    ("", "minSentences", "The least number of sentences."),
    ("", "maxSentences", "The greatest number of sentences."),
    ("", "minWords", "The least number of words."),
    ("", "maxWords", "The greatest number of words."),
    ("", "minCharacters", "The least number of characters."),
    ("", "maxCharacters", "The greatest number of characters."),
    ("", "schema", "The JSON Schema that the answer has to fit."),
    ("", "keys", "The keys to look for in the answer's JSON."),
    ("", "words", "The words or phrases to look for."),
    (
        "",
        "onlyDNS",
        "Whether it is enough that a URL's host is known to DNS.",
    ),
    ("", "format", "The language of the code to look for."),
    ("", "webhookURL", "The URL that decides."),
    ("", "headers", "Headers that the URL is sent."),
    ("", "suffix", "What the text has to end with."),
    (
        "",
        "metadataKeys",
        "The keys to look for in the request's metadata.",
    ),
    (
        "",
        "allowedTypes",
        "The sorts of requests that are allowed.",
    ),
    (
        "",
        "blockedTypes",
        "The sorts of requests that are refused.",
    ),
    ("", "categories", "The sorts of content to look for."),
    (
        "",
        "prompt_injection",
        "Whether to look for injected instructions.",
    ),
    (
        "",
        "prompt_injection_threshold",
        "From which score on, 0 to 1, injected instructions fail.",
    ),
    (
        "",
        "toxicity_threshold",
        "From which score on, 0 to 1, toxic text fails.",
    ),
    (
        "",
        "evasion_threshold",
        "From which score on, 0 to 1, attempts at evasion fail.",
    ),
    (
        "",
        "projectID",
        "The project of the vendor that has the policies.",
    ),
    ("", "scanners", "What to scan for."),
    ("", "profile", "The evaluator's profile."),
    (
        "",
        "guardrailVersion",
        "The version of the guardrail in Bedrock.",
    ),
    ("", "guardrailId", "The id of the guardrail in Bedrock."),
    ("", "toxic", "Whether to look for toxic text."),
    (
        "",
        "toxic_threshold",
        "From which score on, 0 to 1, toxic text fails.",
    ),
    (
        "",
        "jail_break",
        "Whether to look for attempts to break out.",
    ),
    (
        "",
        "jail_break_threshold",
        "From which score on, 0 to 1, attempts to break out fail.",
    ),
    ("", "malicious_url", "Whether to look for malicious URLs."),
    (
        "",
        "malicious_url_threshold",
        "From which score on, 0 to 1, URLs count as malicious.",
    ),
    ("", "biased", "Whether to look for bias."),
    (
        "",
        "biased_threshold",
        "From which score on, 0 to 1, bias fails.",
    ),
    ("", "harmful", "Whether to look for harmful content."),
    (
        "",
        "harmful_threshold",
        "From which score on, 0 to 1, harmful content fails.",
    ),
    (
        "",
        "language_values",
        "The language that the text has to be in.",
    ),
    ("", "pii", "Whether to look for personal data."),
    ("", "pii_redact", "Whether personal data is blacked out."),
    (
        "",
        "pii_categories",
        "The sorts of personal data to look for.",
    ),
    ("", "secrets", "Whether to look for credentials."),
    ("", "secrets_redact", "Whether credentials are blacked out."),
    (
        "",
        "secrets_categories",
        "The sorts of credentials to look for.",
    ),
    (
        "",
        "messages",
        "The messages to classify, each with `role` and `content`.",
    ),
    (
        "",
        "conversationId",
        "The conversation that the messages belong to.",
    ),
    ("", "userId", "The user that the messages come from."),
    (
        "",
        "blocklistNames",
        "Block lists of the Azure resource to compare with.",
    ),
    ("", "apiVersion", "The version of Azure's API."),
    ("", "severity", "From which severity on content fails."),
    (
        "",
        "domain",
        "The sort of text: `phi` for medical, `none` for any.",
    ),
    ("", "modelVersion", "The version of Azure's model."),
    ("", "profile_name", "The security profile, by its name."),
    ("", "profile_id", "The security profile, by its id."),
    (
        "",
        "ai_model",
        "The model that the vendor's log is to name.",
    ),
    ("", "app_user", "The user that the vendor's log is to name."),
    (
        "",
        "app_name",
        "The application that the vendor's log is to name.",
    ),
    ("", "scan_scope", "Which messages are scanned."),
    (
        "",
        "strip_scaffolding",
        "Whether what frames the messages is taken out first.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::portkey::spec::testing::problems;

    /// A value that a parameter accepts, and one that it does not.
    fn values(accepts: Accepts) -> (Value, Value) {
        match accepts {
            Accepts::Flag => (json!(true), json!("yes")),
            Accepts::Number => (json!(5), json!("5")),
            Accepts::Share => (json!(0.5), json!(1.5)),
            Accepts::Text => (json!("x"), json!(5)),
            Accepts::Word(words) => (json!(words[0]), json!("no such word")),
            Accepts::Texts => (json!(["x"]), json!("x")),
            Accepts::Words(words) => (json!(words), json!(["no such word"])),
            Accepts::Object => (json!({}), json!([])),
            Accepts::Objects => (json!([{}]), json!({})),
            Accepts::Anything => (json!({ "a": 1 }), Value::Null),
        }
    }

    #[test]
    fn every_parameter_is_described() {
        for check in CHECKS {
            for parameter in check.parameters.iter().chain(COMMON) {
                let text = meaning(check.id, parameter.name);
                assert!(!text.is_empty(), "{} {}", check.id, parameter.name);
            }
        }
    }

    #[test]
    fn the_published_schema_says_of_every_check_what_the_kind_says() {
        let schema = crate::schema::manifest_schema(&crate::systems::portkey::SYSTEM);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let entry = |check: &Check, parameters: &Map<String, Value>| {
            json!({ "name": "x", "workspace_id": "w", "actions": { "deny": true, "async": false },
                    "checks": [{ "id": check.id, "parameters": parameters }] })
        };
        let agree = |check: &Check, parameters: &Map<String, Value>, good: bool| {
            let entry = entry(check, parameters);
            let file = json!({ "guardrails": { "x": entry } });
            assert_eq!(validator.is_valid(&file), good, "{file}");
            let found = problems(&super::super::KIND, entry);
            let wrong = found.iter().any(|line| line.starts_with("error"));
            assert_eq!(!wrong, good, "{file} {found:?}");
        };
        for check in CHECKS {
            let all = || check.parameters.iter().chain(COMMON);
            let right: Map<String, Value> = all()
                .map(|it| (it.name.to_owned(), values(it.accepts).0))
                .collect();
            agree(check, &right, true);
            for parameter in all() {
                let mut less = right.clone();
                less.remove(parameter.name);
                agree(check, &less, !parameter.required);
                let mut wrong = right.clone();
                wrong.insert(parameter.name.to_owned(), values(parameter.accepts).1);
                agree(
                    check,
                    &wrong,
                    matches!(parameter.accepts, Accepts::Anything),
                );
                // Before interpolation, any of them may be a variable.
                let mut variable = json!({ "guardrails": { "x": entry(check, &right) } });
                variable["guardrails"]["x"]["checks"][0]["parameters"][parameter.name] =
                    json!("${var:x}");
                let list = matches!(
                    parameter.accepts,
                    Accepts::Texts | Accepts::Words(_) | Accepts::Object | Accepts::Objects
                );
                assert_eq!(validator.is_valid(&variable), !list, "{variable}");
            }
            let mut more = right;
            more.insert("brandNewInTheService".to_owned(), json!(1));
            agree(check, &more, true);
        }
    }
}
