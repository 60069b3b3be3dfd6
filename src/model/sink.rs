//! Where a secret goes that a server makes and shows once: to a place that the user names, and
//! nowhere else.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Address;

/// What `{env}` is outside of any environment.
const NO_ENVIRONMENT: &str = "default";

/// Where a secret goes that the server makes, such as a new API key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sink {
    /// A file that only its owner can read, relative to the project file. What it had is replaced.
    File(String),
    /// A program with its arguments, run in the project's folder and without a shell. It reads
    /// the secret from its standard input. Needs `allow_exec` in the project file.
    Command(Vec<String>),
    /// The name of an output of the current step of a GitHub workflow.
    GithubOutput(String),
    /// The name of an environment variable of the following steps of a GitHub workflow.
    GithubEnv(String),
}

impl Sink {
    /// The schema of a setting that is one of these, in keywords of which problems can be told.
    pub fn setting(_: &mut SchemaGenerator) -> Schema {
        let text = |description: &str| json!({ "type": "string", "minLength": 1, "description": description });
        json_schema!({
            "description": "Where a secret goes that the server makes and shows once, such as a \
                new API key: exactly one of these. In each, `{kind}` and `{key}` stand for the \
                resource, `{KEY}` for its key in upper case with `_` for `-`, and `{env}` for the \
                environment, `default` where there is none. Where there are several, `{env}` has \
                to be in it unless it is a program.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
            "properties": {
                "file": text("A file that only its owner can read, relative to the project file. \
                    What it had is replaced."),
                "command": {
                    "description": "A program with its arguments, run in the project's folder and \
                        without a shell. It reads the secret from its standard input. Needs \
                        `allow_exec` in the project file.",
                    "type": "array",
                    "minItems": 1,
                    "items": { "type": "string" },
                },
                "github_output": text("An output of the current step of a GitHub workflow."),
                "github_env": text("An environment variable of the following steps of a GitHub \
                    workflow."),
            },
        })
    }

    /// What is wrong with it for any resource. The braces of programs are their own matter.
    pub fn fault(&self) -> Option<String> {
        let (Self::File(text) | Self::GithubOutput(text) | Self::GithubEnv(text)) = self else {
            return None;
        };
        let rest = ["{kind}", "{key}", "{KEY}", "{env}"]
            .iter()
            .fold(text.clone(), |rest, known| rest.replace(known, ""));
        let unknown = rest
            .split_once('{')
            .and_then(|(_, rest)| rest.split_once('}'));
        if let Some((name, _)) = unknown {
            return Some(format!(
                "`{{{name}}}` stands for nothing: there are `{{kind}}`, `{{key}}`, `{{KEY}}` and \
                 `{{env}}`"
            ));
        }
        let file = matches!(self, Self::File(_));
        (!file && !rest.chars().all(Self::may_name))
            .then(|| format!("`{text}` cannot be the name of an output or a variable"))
    }

    /// Whether the name of a step's output or of a variable may have this character.
    pub fn may_name(c: char) -> bool {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
    }

    /// Whether it says by `{env}` in which environment a resource is. A program is told nothing
    /// of that, and where it takes a secret is its own matter.
    pub fn tells_environments_apart(&self) -> bool {
        match self {
            Self::File(text) | Self::GithubOutput(text) | Self::GithubEnv(text) => {
                text.contains("{env}")
            }
            Self::Command(_) => true,
        }
    }

    /// The sink of one resource, in an environment if there is one.
    #[must_use]
    pub fn of(&self, address: &Address, environment: Option<&str>) -> Self {
        let upper = address.key.to_ascii_uppercase().replace('-', "_");
        let fill = |text: &String| {
            text.replace("{kind}", &address.kind)
                .replace("{key}", &address.key)
                .replace("{env}", environment.unwrap_or(NO_ENVIRONMENT))
                .replace("{KEY}", &upper)
        };
        match self {
            // One file has one name, however it is written.
            Self::File(path) => {
                let path: PathBuf = Path::new(&fill(path)).components().collect();
                let own = path.strip_prefix(".").unwrap_or(&path);
                Self::File(own.to_string_lossy().into_owned())
            }
            Self::Command(words) => Self::Command(words.iter().map(fill).collect()),
            Self::GithubOutput(name) => Self::GithubOutput(fill(name)),
            Self::GithubEnv(name) => Self::GithubEnv(fill(name)),
        }
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {path}"),
            // Its arguments may be long, and the plan's JSON form has them.
            Self::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                write!(f, "the program {program}")
            }
            Self::GithubOutput(name) => write!(f, "the step output {name}"),
            Self::GithubEnv(name) => write!(f, "the variable {name} of later steps"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_setting_serves_many_resources() {
        let address: Address = "api_keys.pay-prod".parse().unwrap();
        for (sink, shown) in [
            (
                Sink::File("{env}/{kind}.{key}".to_owned()),
                "the file default/api_keys.pay-prod",
            ),
            (
                Sink::GithubEnv("PORTKEY_{KEY}".to_owned()),
                "the variable PORTKEY_PAY_PROD of later steps",
            ),
        ] {
            assert_eq!(sink.of(&address, None).to_string(), shown);
        }
        let spelled = Sink::File("./keys//{key}".to_owned()).of(&address, None);
        assert_eq!(spelled, Sink::File("keys/pay-prod".to_owned()));
        let command = Sink::Command(vec!["vault".to_owned(), "{key}=-".to_owned()]);
        assert_eq!(
            command.of(&address, Some("prod")),
            Sink::Command(vec!["vault".to_owned(), "pay-prod=-".to_owned()])
        );
    }
}
