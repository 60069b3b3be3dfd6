//! Finds the interpolations in a text: `${env:X}`, `${file:path}`, `${var:x}`, `${ref:a.b.slug}`,
//! `${sops:path#place}` and `${exec:program}`.

use std::ops::Range;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text as it is, `$${` turned into `${`.
    Text(String),
    /// An interpolation.
    Hole(Hole),
}

/// An interpolation and the bytes of the text that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) scheme: Scheme,
    pub(super) name: String,
    pub(super) range: Range<usize>,
}

/// Where an interpolated value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Env,
    File,
    Var,
    Ref,
    Sops,
    Exec,
}

/// A `${` that is no interpolation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: String,
}

const LITERAL: &str = "write `$${` for a literal `${`";

/// Takes a text apart.
///
/// # Errors
/// Every `${` that is no interpolation.
pub(super) fn scan(text: &str) -> Result<Vec<Piece>, Vec<Malformed>> {
    let mut pieces = Vec::new();
    let mut malformed = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let start = at + found;
        if text[at..start].ends_with('$') {
            literal.push_str(&text[at..start - 1]);
            literal.push_str("${");
            at = start + 2;
            continue;
        }
        literal.push_str(&text[at..start]);
        let Some(length) = text[start..].find('}') else {
            malformed.push(Malformed {
                range: start..text.len(),
                message: "interpolation without its `}`".to_owned(),
                help: format!("close it, or {LITERAL}"),
            });
            return Err(malformed);
        };
        let range = start..start + length + 1;
        match hole(&text[start + 2..start + length], range.clone()) {
            Ok(hole) => {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Hole(hole));
            }
            Err(problem) => malformed.push(problem),
        }
        at = range.end;
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    if malformed.is_empty() {
        Ok(pieces)
    } else {
        Err(malformed)
    }
}

fn hole(inside: &str, range: Range<usize>) -> Result<Hole, Malformed> {
    let malformed = |message: String, help: String| {
        let range = range.clone();
        Err(Malformed {
            range,
            message,
            help,
        })
    };
    let known = "`env:`, `file:`, `sops:`, `exec:`, `var:` or `ref:`";
    let Some((scheme, name)) = inside.split_once(':') else {
        return malformed(
            format!("interpolation `${{{inside}}}` does not say where the value comes from"),
            format!("begin it with {known}, for example `${{env:{inside}}}`; {LITERAL}"),
        );
    };
    let known = match scheme {
        "env" => Scheme::Env,
        "file" => Scheme::File,
        "var" => Scheme::Var,
        "ref" => Scheme::Ref,
        "sops" => Scheme::Sops,
        "exec" => Scheme::Exec,
        _ => {
            return malformed(
                format!("unknown interpolation `${{{scheme}:...}}`"),
                format!("use {known}; {LITERAL}"),
            );
        }
    };
    if name.trim().is_empty() {
        return malformed(
            format!("interpolation `${{{scheme}:}}` has no name"),
            format!("write a name after `{scheme}:`"),
        );
    }
    Ok(Hole {
        scheme: known,
        name: name.to_owned(),
        range,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match scan(text) {
            Ok(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => format!("[{text}]"),
                    Piece::Hole(hole) => format!("<{:?} {}>", hole.scheme, hole.name),
                })
                .collect(),
            Err(malformed) => malformed
                .iter()
                .map(|problem| format!("{}: {};", &text[problem.range.clone()], problem.message))
                .collect(),
        }
    }

    #[test]
    fn texts_are_taken_apart() {
        for (text, expected) in [
            ("plain $ {x} }", "[plain $ {x} }]"),
            ("${env:A}", "<Env A>"),
            ("a${env:A}ä${file:b/c.txt}", "[a]<Env A>[ä]<File b/c.txt>"),
            ("$${env:A} ${var:x}", "[${env:A} ]<Var x>"),
            ("$$${env:A}", "[$${env:A}]"),
            ("${ref:guardrails.a.slug}", "<Ref guardrails.a.slug>"),
            ("a ${env:A", "${env:A: interpolation without its `}`;"),
            ("${foo:x}", "${foo:x}: unknown interpolation `${foo:...}`;"),
            ("${env:}", "${env:}: interpolation `${env:}` has no name;"),
            (
                "${A}",
                "${A}: interpolation `${A}` does not say where the value comes from;",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
