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

#[cfg(test)]
mod tests {
    use super::slug;
    use crate::description::behaviour::SlugSpec;

    #[test]
    fn slugs_have_the_forms_seen_on_the_live_api() {
        let spec = SlugSpec {
            prefix: "ws-".to_owned(),
            chosen: false,
            length: None,
            within: None,
            from: None,
        };
        for (name, start) in [
            ("Test A", "ws-test-a-"),
            ("Patronus", "ws-patron-"),
            ("a", "ws-a-"),
            ("a  b !! c", "ws-a-b-c-"),
            ("日本語", "ws-"),
            ("", "ws-"),
        ] {
            let made = slug(&spec, name);
            let random = made
                .strip_prefix(start)
                .unwrap_or_else(|| panic!("{name}: {made}"));
            assert!(random.len() == 6, "{made}");
            assert!(random.chars().all(|c| c.is_ascii_hexdigit()), "{made}");
        }
    }
}
