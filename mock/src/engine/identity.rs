//! Ids and slugs made by the server.

use uuid::Uuid;

use crate::description::behaviour::SlugSpec;

/// How many characters of a name go into a slug when the annotation does not say.
const NAME_LENGTH: usize = 6;

/// A new UUID.
pub(crate) fn id() -> String {
    Uuid::new_v4().hyphenated().to_string()
}

/// A new slug in the live API's form: a prefix, the beginning of the name and six hex digits, as
/// in `ws-test-a-174eb1`.
pub(crate) fn slug(spec: &SlugSpec, name: &str) -> String {
    let mut start = String::new();
    let length = spec.length.unwrap_or(NAME_LENGTH);
    for character in name.chars().flat_map(char::to_lowercase) {
        if start.len() >= length {
            break;
        }
        match character {
            'a'..='z' | '0'..='9' => start.push(character),
            // Runs of other characters become one hyphen; a slug never begins with one.
            _ if !start.is_empty() && !start.ends_with('-') => start.push('-'),
            _ => {}
        }
    }
    let start = start.trim_end_matches('-');
    let random = Uuid::new_v4().simple().to_string();
    let random = random.get(..6).unwrap_or(&random);
    match start {
        "" => format!("{}{random}", spec.prefix),
        start => format!("{}{start}-{random}", spec.prefix),
    }
}
