//! Long lines on a terminal: broken between words, with what follows further in. What goes into a
//! file or a pipe is never broken, so that scripts see the same bytes wherever they run.

use unicode_width::UnicodeWidthChar as _;

/// The fewest columns for which breaking lines helps.
const NARROWEST: usize = 20;

/// How much further in a line goes on.
const FURTHER: usize = 4;

/// A text for a terminal with so many columns. Escape sequences take no room.
pub(super) fn wrapped(text: &str, columns: usize) -> String {
    if columns < NARROWEST {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (body, end) = match line.strip_suffix('\n') {
            Some(body) => (body, "\n"),
            None => (line, ""),
        };
        if width(body) <= columns {
            out.push_str(body);
        } else if body.contains('\r') {
            cut(&mut out, body, columns);
        } else {
            break_line(&mut out, body, columns);
        }
        out.push_str(end);
    }
    out
}

fn break_line(out: &mut String, body: &str, columns: usize) {
    let hang = Hang::of(body, columns);
    let (mut column, mut gap, mut begun) = (0, 0, false);
    for (at, word) in body.split(' ').enumerate() {
        gap += usize::from(at > 0);
        let room = width(word);
        if word.is_empty() {
            continue;
        }
        if begun && column + gap + room > columns {
            out.push('\n');
            out.push_str(&hang.text);
            column = hang.width;
        } else {
            out.extend(std::iter::repeat_n(' ', gap));
            column += gap;
        }
        out.push_str(word);
        column += room;
        gap = 0;
        begun |= room > 0;
    }
    out.extend(std::iter::repeat_n(' ', gap));
}

/// A line that is written over again must stay one line.
fn cut(out: &mut String, body: &str, columns: usize) {
    let mut column = 0;
    for (c, room) in characters(body) {
        if room > 0 && column + room >= columns {
            continue;
        }
        out.push(c);
        column += room;
    }
}

/// What a line that goes on begins with.
struct Hang {
    text: String,
    width: usize,
}

impl Hang {
    fn of(body: &str, columns: usize) -> Self {
        let plain: String = visible(body).collect();
        let rest = plain.trim_start();
        let indent = width(&plain) - width(rest);
        // `= help: ...` below an excerpt, and `| ^^^ ...` in one, go on below their own words.
        let (gutter, inside) = match (rest.strip_prefix("= "), rest.strip_prefix('|')) {
            (Some(note), _) => {
                let word = note.find(": ").map_or(0, |colon| colon + 2);
                (String::new(), indent + 2 + word)
            }
            (_, Some(label)) => {
                let marks = [' ', '^', '-', '_', '|'];
                let marks = width(label) - width(label.trim_start_matches(marks));
                (format!("{}|", " ".repeat(indent)), indent + 1 + marks)
            }
            _ => (String::new(), indent + FURTHER),
        };
        let width = inside.min(columns / 2).max(self::width(&gutter));
        let space = " ".repeat(width - self::width(&gutter));
        Self {
            text: format!("{gutter}{space}"),
            width,
        }
    }
}

/// How many columns a text takes.
fn width(text: &str) -> usize {
    characters(text).map(|(_, room)| room).sum()
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    characters(text).filter_map(|(c, room)| (room > 0).then_some(c))
}

/// Every character with the columns it takes: none for what is part of an escape sequence.
fn characters(text: &str) -> impl Iterator<Item = (char, usize)> {
    let mut inside = false;
    let mut before = ' ';
    text.chars().map(move |c| {
        let escapes = inside || c == '\x1b';
        // A sequence begins with `ESC [` and ends with its first letter.
        inside = match (c, before) {
            ('\x1b', _) => true,
            ('[', '\x1b') => true,
            ('@'..='~', _) => false,
            _ => inside,
        };
        before = c;
        let room = if escapes { 0 } else { c.width().unwrap_or(0) };
        (c, room)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_go_on_further_in() {
        let text = "  + a long line that does not fit\nshort\n";
        assert_eq!(
            wrapped(text, 20),
            "  + a long line that\n      does not fit\nshort\n"
        );
        // What already fits stays as it is, with its spaces.
        assert_eq!(wrapped("a   b  c:  ", 20), "a   b  c:  ");
        // A word has no place where it could be broken.
        let path = "x/".repeat(15);
        assert_eq!(
            wrapped(&format!("see {path} now"), 20),
            format!("see\n    {path}\n    now")
        );
    }

    #[test]
    fn colours_take_no_room() {
        let (on, off) = ("\x1b[1m\x1b[38;5;9m", "\x1b[0m");
        let text = format!("{on}one{off} two three {on}four{off}");
        assert_eq!(wrapped(&text, 20), text);
        let longer = format!("{text} five");
        assert_eq!(wrapped(&longer, 20), format!("{text}\n    five"));
    }

    #[test]
    fn labels_and_notes_go_on_below_themselves() {
        let text = "   | ^^ what is wrong with it\n   = help: write this or that\n";
        assert_eq!(
            wrapped(text, 24),
            "   | ^^ what is wrong\n   |    with it\n   = help: write this or\n           that\n"
        );
    }

    #[test]
    fn a_line_that_changes_is_cut() {
        let text = "\r\x1b[2Kapplying 12 of 34: workspaces.payments";
        let cut = wrapped(text, 20);
        assert!(cut.starts_with("\r\x1b[2Kapplying 12"), "{cut:?}");
        assert!(width(&cut) < 20, "{cut:?}");
    }
}
