//! Ids and slugs made by the server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use serde_json::{Map, Value};

use crate::description::api::IdStyle;
use crate::description::behaviour::{IdSpec, SlugSpec};

/// How many characters of a name go into a slug when the annotation does not say.
const NAME_LENGTH: usize = 6;

/// Where ids, slugs and secrets come from: the same seed gives the same ones in the same order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids(Rng);

impl Ids {
    /// Ids that follow from a seed; without one, others every time.
    pub(crate) fn new(seed: Option<u64>) -> Ids {
        Ids(seed.map_or_else(Rng::new, Rng::with_seed))
    }

    /// The seed of what comes next.
    pub(crate) fn seed(&self) -> u64 {
        self.0.get_seed()
    }

    /// A new UUID.
    pub(crate) fn id(&mut self) -> String {
        self.uuid().hyphenated().to_string()
    }

    /// A new id for an object in the API's style. `sequence` is the object's number.
    pub(crate) fn of_object(
        &mut self,
        style: IdStyle,
        spec: Option<&IdSpec>,
        fields: &Map<String, Value>,
        sequence: u64,
    ) -> String {
        let kind = match (style, spec) {
            (IdStyle::Uuid, _) => return self.id(),
            (IdStyle::Global, Some(IdSpec::One(kind))) => kind.as_str(),
            (IdStyle::Global, Some(IdSpec::ByField { field, types })) => fields
                .get(field)
                .and_then(Value::as_str)
                .and_then(|word| types.get(word))
                .map_or("Object", String::as_str),
            (IdStyle::Global, None) => "Object",
        };
        let random = self.id();
        STANDARD.encode(format!(
            "{kind}:{sequence}:{}",
            random.get(..4).unwrap_or("0000")
        ))
    }

    fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.0.u128(..).to_be_bytes()).into_uuid()
    }

    /// A new slug in the live API's form: a prefix, the beginning of the name and six hex digits,
    /// as in `ws-test-a-174eb1`.
    pub(crate) fn slug(&mut self, spec: &SlugSpec, name: &str) -> String {
        let random = self.0.u32(..0x0100_0000);
        slug(spec, name, &format!("{random:06x}"))
    }
}

/// Whether a text can be an id in the API's style at all.
pub(crate) fn is_possible(style: IdStyle, text: &str) -> bool {
    match style {
        IdStyle::Uuid => true,
        IdStyle::Global => STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .is_some_and(|inside| inside.contains(':')),
    }
}

fn slug(spec: &SlugSpec, name: &str, random: &str) -> String {
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
    match start {
        "" => format!("{}{random}", spec.prefix),
        start => format!("{}{start}-{random}", spec.prefix),
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;
    use crate::description::behaviour::SlugSpec;

    #[test]
    fn a_seed_decides_what_comes() {
        let three = |mut ids: Ids| [ids.id(), ids.id(), ids.id()];
        assert_eq!(three(Ids::new(Some(7))), three(Ids::new(Some(7))));
        assert_ne!(three(Ids::new(Some(7))), three(Ids::new(Some(8))));
        assert_ne!(three(Ids::new(None)), three(Ids::new(None)));
        let mut ids = Ids::new(Some(7));
        ids.id();
        assert_eq!(ids.clone().id(), Ids::new(Some(ids.seed())).id());
        assert_eq!(ids.uuid().get_version_num(), 4);
    }

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
            let made = Ids::new(None).slug(&spec, name);
            let random = made
                .strip_prefix(start)
                .unwrap_or_else(|| panic!("{name}: {made}"));
            assert!(random.len() == 6, "{made}");
            assert!(random.chars().all(|c| c.is_ascii_hexdigit()), "{made}");
        }
    }
}
