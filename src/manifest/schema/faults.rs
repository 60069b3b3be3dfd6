//! The validator's errors, reduced to what a person would say is wrong.
//!
//! A value that fits none of several forms fails each of them for a reason. Only the form that
//! was probably meant is worth reporting.

use std::collections::BTreeSet;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::types::JsonType;

/// Something wrong at a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// The place, as a JSON pointer.
    pub(super) at: String,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// Members that do not exist, and the schema's place that says so.
    Unknown(Vec<String>, String),
    /// A member that is missing, and the schema's places that say so.
    Missing(String, Vec<String>),
    /// Other types are expected, in the words of messages.
    Type(BTreeSet<&'static str>),
    /// One of these is expected.
    Choice(Vec<serde_json::Value>),
    /// A limit, in words that follow "must".
    Limit(String),
    /// Anything else, in words that follow "must".
    Other(String),
}

/// What is wrong, in the order of the validator.
pub(super) fn collect<'a>(errors: impl IntoIterator<Item = ValidationError<'a>>) -> Vec<Fault> {
    errors
        .into_iter()
        .flat_map(|error| faults(&error))
        .collect()
}

fn faults(error: &ValidationError<'_>) -> Vec<Fault> {
    use ValidationErrorKind as Kind;
    let at = error.instance_path().as_str().to_owned();
    let schema = || error.schema_path().as_str().to_owned();
    let limit = |words: String| What::Limit(words);
    let what = match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let below =
                |errors: &Vec<ValidationError<'_>>| errors.iter().flat_map(faults).collect();
            return likeliest(&at, context.iter().map(below).collect());
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            What::Unknown(unexpected.clone(), schema())
        }
        Kind::Required { property } => What::Missing(
            property.as_str().unwrap_or_default().to_owned(),
            vec![schema()],
        ),
        Kind::Type { kind } => What::Type(match kind {
            TypeKind::Single(single) => BTreeSet::from([noun(*single)]),
            TypeKind::Multiple(several) => several.iter().map(noun).collect(),
        }),
        Kind::Enum { options } => What::Choice(options.as_array().cloned().unwrap_or_default()),
        Kind::Constant { expected_value } => What::Choice(vec![(**expected_value).clone()]),
        Kind::Minimum { limit: least } => limit(format!("be at least {least}")),
        Kind::Maximum { limit: most } => limit(format!("be at most {most}")),
        Kind::ExclusiveMinimum { limit: least } => limit(format!("be more than {least}")),
        Kind::ExclusiveMaximum { limit: most } => limit(format!("be less than {most}")),
        Kind::MultipleOf { multiple_of } => limit(format!("be a multiple of {multiple_of}")),
        Kind::MinLength { limit: 1 } => limit("not be empty".to_owned()),
        Kind::MinLength { limit: least } => limit(format!("have at least {least} characters")),
        Kind::MaxLength { limit: most } => limit(format!("have at most {most} characters")),
        Kind::MinItems { limit: 1 } => limit("not be empty".to_owned()),
        Kind::MinItems { limit: least } => limit(format!("have at least {least} elements")),
        Kind::MaxItems { limit: most } => limit(format!("have at most {most} elements")),
        Kind::MinProperties { limit: 1 } => limit("not be empty".to_owned()),
        Kind::MinProperties { limit: least } => limit(format!("have at least {least} members")),
        Kind::MaxProperties { limit: most } => limit(format!("have at most {most} members")),
        Kind::UniqueItems => limit("not repeat an element".to_owned()),
        Kind::Pattern { pattern } => limit(in_words(pattern)),
        Kind::Format { format } => limit(format!("be a valid {format}")),
        Kind::PropertyNames { error } => match faults(error).into_iter().next() {
            Some(Fault {
                what: What::Limit(words) | What::Other(words),
                ..
            }) => limit(format!("have keys that each {words}")),
            _ => What::Other("have other keys".to_owned()),
        },
        Kind::FalseSchema => What::Other("not be here".to_owned()),
        Kind::OneOfMultipleValid { .. } => {
            What::Other("fit one of the allowed forms, and fits several".to_owned())
        }
        // The validator's own words could quote the value.
        other => What::Other(format!("satisfy `{}`", other.keyword())),
    };
    vec![Fault { at, what }]
}

/// What a pattern asks for, in words that follow "must".
fn in_words(pattern: &str) -> String {
    match pattern {
        "^/" => "begin with `/`, such as `/config`".to_owned(),
        "^[a-zA-Z0-9_-]+$" => "have letters, digits, `-` and `_` alone".to_owned(),
        shares if shares.ends_with("%)$") => "be a number, or a share such as `20%`".to_owned(),
        other => format!("match `{other}`"),
    }
}

/// What is wrong with a value that fits none of several forms.
fn likeliest(at: &str, forms: Vec<Vec<Fault>>) -> Vec<Fault> {
    let mistyped = |fault: &Fault| fault.at == at && matches!(fault.what, What::Type(_));
    let (other_types, right_type): (Vec<_>, Vec<_>) = forms
        .into_iter()
        .partition(|faults| faults.iter().any(mistyped));
    if right_type.is_empty() {
        let mut expected = BTreeSet::new();
        for fault in other_types.into_iter().flatten() {
            if let What::Type(types) = fault.what {
                expected.extend(types);
            }
        }
        return vec![Fault {
            at: at.to_owned(),
            what: What::Type(expected),
        }];
    }
    if let Some(common) = common_choice(&right_type).or_else(|| common_missing(&right_type)) {
        return vec![common];
    }
    right_type
        .into_iter()
        .min_by_key(|faults| rank(at, faults))
        .unwrap_or_default()
}

/// Where every form wants another value at one place, such as the name of the form: all of them.
fn common_choice(forms: &[Vec<Fault>]) -> Option<Fault> {
    let first = forms.first()?;
    let choice = first
        .iter()
        .find(|fault| matches!(fault.what, What::Choice(_)))?;
    let mut options = Vec::new();
    for form in forms {
        let found = form.iter().find_map(|fault| match &fault.what {
            What::Choice(options) if fault.at == choice.at => Some(options),
            _ => None,
        })?;
        for option in found {
            if !options.contains(option) {
                options.push(option.clone());
            }
        }
    }
    Some(Fault {
        at: choice.at.clone(),
        what: What::Choice(options),
    })
}

/// Where every form misses one member, such as the name of the form: that it is missing.
fn common_missing(forms: &[Vec<Fault>]) -> Option<Fault> {
    forms.first()?.iter().find_map(|fault| {
        let What::Missing(name, _) = &fault.what else {
            return None;
        };
        let mut places = Vec::new();
        for form in forms {
            places.extend(form.iter().find_map(|found| match &found.what {
                What::Missing(other, places) if found.at == fault.at && other == name => {
                    Some(places.iter().cloned())
                }
                _ => None,
            })?);
        }
        Some(Fault {
            at: fault.at.clone(),
            what: What::Missing(name.clone(), places),
        })
    })
}

/// How far a form is from what was meant: a value that names another form, then members that do
/// not belong or are missing, then the number of faults.
fn rank(at: &str, faults: &[Fault]) -> (usize, usize, usize) {
    let count = |wanted: fn(&What) -> bool, near: bool| {
        let within = |fault: &&Fault| {
            let below = fault.at.strip_prefix(at).unwrap_or_default();
            wanted(&fault.what) && (!near || below.matches('/').count() <= 1)
        };
        faults.iter().filter(within).count()
    };
    (
        count(|what| matches!(what, What::Choice(_)), true),
        count(
            |what| matches!(what, What::Unknown(..) | What::Missing(..)),
            true,
        ),
        faults.len(),
    )
}

fn noun(json: JsonType) -> &'static str {
    match json {
        JsonType::Null => "null",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "a list",
        JsonType::Object => "a map",
    }
}
