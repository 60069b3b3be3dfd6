//! The APIs that a mock can serve, and how each is named.

use std::str::FromStr;

use crate::description::Description;
use crate::description::node::Node;

/// Which of the two descriptions of the API a mock follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The vendor's published document, to the letter.
    Documented,
    /// The document with the corrections that make it what the API does.
    #[default]
    Live,
}

/// An API that a mock can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    /// Portkey's, at `/v1`.
    Portkey(Profile),
    /// Arize's, at `/arize`.
    Arize(ArizeRevision),
}

/// Which revision of Arize's API a mock follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ArizeRevision {
    /// The one of the vendor's client of today.
    #[default]
    Current,
    /// The one of 2026-07-02, with the spellings of that time (`llm`, `openAI`).
    Of20260702,
}

impl Api {
    /// Every API that a mock can serve beside Portkey's, as it is today.
    pub const BESIDE: &[Self] = &[Self::Arize(ArizeRevision::Current)];

    /// What the revisions of these are called.
    const REVISIONS: &[(&str, Self)] = &[
        ("arize=current", Self::Arize(ArizeRevision::Current)),
        ("arize=2026-07-02", Self::Arize(ArizeRevision::Of20260702)),
    ];

    /// Whether both are the same API, perhaps not at the same revision.
    pub(crate) fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// Its title and the path below which clients find it: what its description says as well, which
    /// takes time and room to read.
    fn signpost(self) -> (&'static str, &'static str) {
        match self {
            Api::Portkey(_) => ("Portkey API", "/v1"),
            Api::Arize(_) => ("Arize API", "/arize"),
        }
    }

    /// Its description. It is read when it is first asked for.
    pub(crate) fn description(self) -> Result<&'static Description, String> {
        match self {
            Api::Portkey(profile) => Description::portkey(profile),
            Api::Arize(revision) => Description::arize(revision),
        }
    }
}

/// One of the APIs beside Portkey's as it was at some time: `SYSTEM=REVISION`.
impl FromStr for Api {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::REVISIONS.iter().find(|(name, _)| *name == text);
        known.map(|(_, api)| *api).ok_or_else(|| {
            let names: Vec<&str> = Self::REVISIONS.iter().map(|(name, _)| *name).collect();
            format!("there is no such revision: there are {}", names.join(", "))
        })
    }
}

/// An API that is served.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Served {
    /// One that the mock knows.
    Known(Api),
    /// One whose document was read from a file.
    Read(&'static Description),
}

impl Served {
    pub(crate) fn description(self) -> Result<&'static Description, String> {
        match self {
            Served::Known(api) => api.description(),
            Served::Read(description) => Ok(description),
        }
    }

    /// Its title and the path below which clients find it. A description is not read for that.
    pub(crate) fn signpost(self) -> (String, String) {
        match self {
            Served::Known(api) => {
                let (title, base) = api.signpost();
                (title.to_owned(), base.to_owned())
            }
            Served::Read(description) => {
                let title = description
                    .document
                    .pointer("/info/title")
                    .and_then(Node::as_str);
                let base = description.api.base_paths.first();
                (
                    title.unwrap_or_default().to_owned(),
                    base.cloned().unwrap_or_default(),
                )
            }
        }
    }

    /// The description of the API as its vendor has published it.
    pub(crate) fn published(self) -> Result<&'static Description, String> {
        match self {
            Served::Known(Api::Portkey(_)) => Api::Portkey(Profile::Documented).description(),
            other => other.description(),
        }
    }
}

/// Refuses the name of an operation that no API has: what is to be seen there would never be.
pub(crate) fn check_operation(apis: &[Served], name: Option<&str>) -> Result<(), String> {
    let Some(name) = name else {
        return Ok(());
    };
    let mut like = None;
    for api in apis {
        for operation in &api.description()?.operations {
            if operation.id == name {
                return Ok(());
            }
            if operation.id.eq_ignore_ascii_case(name) {
                like = Some(operation.id.as_str());
            }
        }
    }
    Err(match like {
        Some(like) => format!("there is no operation `{name}`; did you mean `{like}`?"),
        None => format!("there is no operation `{name}`; its description names them all"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_without_a_description_is_what_the_description_says() {
        let apis = Api::REVISIONS.iter().map(|(_, api)| *api);
        for api in apis.chain([Profile::Documented, Profile::Live].map(Api::Portkey)) {
            let read = Served::Read(api.description().unwrap()).signpost();
            assert_eq!(Served::Known(api).signpost(), read, "{api:?}");
        }
    }
}
