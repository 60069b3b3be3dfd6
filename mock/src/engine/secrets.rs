//! Secrets are masked on the way in: the store never holds one, so no answer can leak it.

use serde_json::{Map, Value};

use crate::description::behaviour::{Kept, SecretSpec};

/// Replaces the secret fields of a request by their masks.
pub(crate) fn mask_all(specs: &[SecretSpec], fields: &mut Map<String, Value>) {
    for spec in specs {
        match &spec.inside {
            None => mask_fields(spec, fields),
            Some(field) => {
                if let Some(Value::Object(inner)) = fields.get_mut(field) {
                    mask_fields(spec, inner);
                }
            }
        }
    }
}

fn mask_fields(spec: &SecretSpec, fields: &mut Map<String, Value>) {
    for field in &spec.fields {
        let Some(value) = fields.remove(field) else {
            continue;
        };
        let kept = match spec.kept {
            Kept::Mask => masked(value),
            Kept::Presence => Value::Bool(!value.is_null()),
            Kept::Nothing => continue,
        };
        fields.insert(format!("{}{field}", spec.prefix), kept);
    }
}

/// Text becomes a mask of it; other values with something in them become a mask of nothing.
fn masked(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(text) => Value::String(mask(&text)),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, masked(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(masked).collect()),
        _ => Value::String("*****".to_owned()),
    }
}

/// The live API shows the ends of a long secret (`z1*****3AX`); short ones show nothing, since
/// their ends would be most of them.
pub(crate) fn mask(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    if characters.len() < 16 {
        return "*****".to_owned();
    }
    let start: String = characters.iter().take(2).collect();
    let end: String = characters.iter().skip(characters.len() - 3).collect();
    format!("{start}*****{end}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{mask, mask_all};
    use crate::description::behaviour::SecretSpec;

    #[test]
    fn a_mask_shows_the_ends_of_long_secrets_only() {
        assert_eq!(mask("z1abcdefghijklmn3AX"), "z1*****3AX");
        assert_eq!(mask("fifteen letters"), "*****");
        assert_eq!(mask(""), "*****");
        assert_eq!(mask("äöü0123456789äöü"), "äö*****äöü");
    }

    #[test]
    fn nothing_of_a_structured_secret_remains() {
        let spec = SecretSpec {
            inside: Some("configurations".to_owned()),
            fields: vec!["account".to_owned(), "absent".to_owned()],
            prefix: String::new(),
            kept: super::Kept::Mask,
        };
        let secret = json!({ "configurations": { "account": { "id": 7, "keys": ["hidden"] }, "region": "x" } });
        let mut fields = secret.as_object().unwrap().clone();
        mask_all(&[spec], &mut fields);
        let masked = json!({ "account": { "id": "*****", "keys": ["*****"] }, "region": "x" });
        assert_eq!(fields["configurations"], masked);
    }
}
