//! Reading a state file.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::event::{Header, Line, VERSION};
use crate::engine::error::ApiError;

/// What was found in a file.
#[derive(Debug)]
pub(crate) struct Found {
    /// How many lines it has; none if it is new.
    pub(crate) lines: u64,
    /// How long these are.
    pub(super) length: u64,
    /// Whether there was an unfinished line after them.
    pub(crate) unfinished: bool,
}

/// Reads a file from its beginning.
pub(super) fn read(
    path: &Path,
    file: &File,
    header: &Header,
    mut replay: impl FnMut(Line) -> Result<(), ApiError>,
) -> Result<Found, String> {
    let mut found = Found {
        lines: 0,
        length: 0,
        unfinished: false,
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        let read = read.map_err(|error| format!("{}: {error}", path.display()))?;
        let first = found.lines == 0;
        if line.last() != Some(&b'\n') {
            // Before anything is cut off, the file has to be one of ours.
            if first && !header.text().starts_with(&line) {
                return Err(format!(
                    "{}:1: this is no state file of a mock",
                    path.display()
                ));
            }
            found.unfinished = read > 0;
            return Ok(found);
        }
        let told = |problem: String| format!("{}:{}: {problem}", path.display(), found.lines + 1);
        if first {
            check(&line, header).map_err(told)?;
        } else {
            let line = serde_json::from_slice(&line);
            let line = line.map_err(|error| told(format!("this line is damaged: {error}")))?;
            replay(line)
                .map_err(|error| told(format!("this does not follow: {}", error.message)))?;
        }
        found.lines += 1;
        found.length += read as u64;
    }
}

fn check(line: &[u8], header: &Header) -> Result<(), String> {
    let Ok(is) = serde_json::from_slice::<Header>(line) else {
        return Err("this is no state file of a mock".to_owned());
    };
    if is.gatewright_mock_state != VERSION {
        return Err(format!(
            "this state file has the form {}, and this mock reads {VERSION}",
            is.gatewright_mock_state
        ));
    }
    if is.api != header.api {
        return Err(format!(
            "this is the state of {}, and the mock serves {}",
            is.api, header.api
        ));
    }
    Ok(())
}
