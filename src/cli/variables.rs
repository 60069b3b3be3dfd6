//! Environment variables, with an env file behind them.

use std::collections::HashMap;
use std::path::Path;

use crate::diagnostic::Diagnostic;

/// The variables of a run.
#[derive(Debug, Default)]
pub(super) struct Variables {
    file: HashMap<String, String>,
}

impl Variables {
    /// Reads an env file: `NAME=VALUE` lines, `#` comments, an optional `export `, and values in
    /// single or double quotes.
    pub(super) fn load(path: Option<&Path>) -> Result<Self, Box<Diagnostic>> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            Box::new(Diagnostic::error(
                "env-file",
                format!("cannot read {}: {error}", path.display()),
            ))
        })?;
        let mut file = HashMap::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let assignment = line.strip_prefix("export ").unwrap_or(line);
            let Some((name, value)) = assignment.split_once('=') else {
                // The line could be a secret, so it is not shown.
                let place = format!("{}:{}", path.display(), at + 1);
                let message = format!("{place}: expected NAME=VALUE");
                return Err(Box::new(Diagnostic::error("env-file", message)));
            };
            let value = value.trim();
            let unquoted = ['"', '\''].iter().find_map(|quote| {
                value
                    .strip_prefix(*quote)
                    .and_then(|rest| rest.strip_suffix(*quote))
            });
            file.insert(name.trim().to_owned(), unquoted.unwrap_or(value).to_owned());
        }
        Ok(Self { file })
    }

    /// The value of a variable; the process environment goes first.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        std::env::var(name)
            .ok()
            .or_else(|| self.file.get(name).cloned())
    }

    /// The variables whose names begin with one of these.
    pub(super) fn beginning(&self, prefixes: &[&str]) -> Vec<(String, String)> {
        let process = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let file = self.file.clone().into_iter();
        // Where both have one, the last one counts.
        let mut found: Vec<_> = file.chain(process).collect();
        found.retain(|(name, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_have_comments_quotes_and_exports() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "# c\nGW_A=1\n\nexport GW_B=\"two words\"\nGW_C='x=y'\n",
        )
        .unwrap();
        let variables = Variables::load(Some(file.path())).unwrap();
        assert_eq!(variables.get("GW_A").as_deref(), Some("1"));
        assert_eq!(variables.get("GW_B").as_deref(), Some("two words"));
        assert_eq!(variables.get("GW_C").as_deref(), Some("x=y"));
        std::fs::write(file.path(), "sk-secret-without-a-name\n").unwrap();
        let error = Variables::load(Some(file.path())).unwrap_err();
        assert!(
            error.message.ends_with(":1: expected NAME=VALUE"),
            "{}",
            error.message
        );
    }
}
