//! Pages: by number, by offset, or by a cursor that says where the last one ended.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::ApiError;
use super::request::Request;
use crate::description::behaviour::OperationBehaviour;
use crate::description::node::Node;
use crate::description::operation::Operation;

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// Which of the objects, by their index.
    pub(crate) range: Range<usize>,
    pub(crate) more: bool,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// A list that pages are taken from: how objects are named in cursors. The name of an object has
/// to outlive changes of the list, and to grow or shrink along it.
pub(crate) trait Paged {
    /// How many objects there are.
    fn total(&self) -> usize;
    /// The name of the object at an index.
    fn name(&self, index: usize) -> u64;
    /// The index of the first object after the one with this name, which may be gone.
    fn after(&self, name: u64) -> usize;
}

/// A list of which only the length is known: objects are named by their places.
impl Paged for usize {
    fn total(&self) -> usize {
        *self
    }

    fn name(&self, index: usize) -> u64 {
        index as u64
    }

    fn after(&self, name: u64) -> usize {
        let next = usize::try_from(name)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        next.min(*self)
    }
}

/// The page that a request asks for.
///
/// Pages count from 0 or, in a few places, from 1. The names of the parameters differ between
/// areas, so whichever the operation declares are read.
pub(crate) fn page(
    list: &impl Paged,
    operation: &Operation,
    behaviour: &OperationBehaviour,
    request: &Request,
) -> Result<Page, ApiError> {
    let total = list.total();
    let names = &operation.paging;
    let given = |name: &Option<String>| name.as_deref().and_then(|name| request.query_number(name));
    let size = match (given(&names.size), behaviour.page_size) {
        (Some(size), _) => size,
        (None, _) if behaviour.unpaged || names.size.is_none() => {
            return Ok(Page {
                range: 0..total,
                more: false,
                next: None,
            });
        }
        (None, Some(size)) => size,
        (None, None) => names
            .size
            .as_deref()
            .and_then(|name| operation.query_default(name))
            .and_then(Node::as_u64)
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(names.default),
    };
    if let Some(name) = &names.cursor {
        return by_cursor(list, size, name, operation, request);
    }
    let start = match &names.offset {
        Some(_) => given(&names.offset).unwrap_or(0),
        None => {
            // An area whose first page is 1 says so with the parameter's default.
            let first = names.number.as_deref();
            let first = first.and_then(|name| operation.query_default(name));
            let first = usize::from(first.and_then(Node::as_u64) == Some(1));
            let number = given(&names.number).unwrap_or(first);
            number.saturating_sub(first).saturating_mul(size)
        }
    };
    let start = start.min(total);
    let end = start.saturating_add(size).min(total);
    Ok(Page {
        range: start..end,
        more: end < total,
        next: None,
    })
}

/// A page that begins where another one ended.
///
/// Where pages are to be uneven, the first is at most half as long as it could be, the next empty and
/// the one after it short again: what an API may do that filters after it has taken a page.
fn by_cursor(
    list: &impl Paged,
    size: usize,
    name: &str,
    operation: &Operation,
    request: &Request,
) -> Result<Page, ApiError> {
    let total = list.total();
    let question = question(name, operation, request);
    let (start, step) = match request.query_text(name).filter(|text| !text.is_empty()) {
        None => (0, 0),
        Some(text) => match Cursor::read(text).filter(|cursor| cursor.question == question) {
            Some(cursor) => (
                cursor.after.map_or(0, |after| list.after(after)),
                cursor.step,
            ),
            None => {
                return Err(ApiError::invalid(format!(
                    "{name} is not a cursor of this list with these parameters"
                )));
            }
        },
    };
    let size = match request.uneven_pages {
        true if step % 2 == 1 => 0,
        true => size.div_ceil(2).min(total.div_ceil(3)).max(1),
        false => size,
    };
    let end = start.saturating_add(size).min(total);
    let more = end < total;
    let next = more.then(|| {
        let cursor = Cursor {
            after: end.checked_sub(1).map(|last| list.name(last)),
            step: step + 1,
            question,
        };
        cursor.written()
    });
    Ok(Page {
        range: start..end,
        more,
        next,
    })
}

/// What is inside of a cursor.
struct Cursor {
    /// The name of the last object that was shown, if one was.
    after: Option<u64>,
    /// How many pages came before.
    step: u64,
    question: u64,
}

impl Cursor {
    fn written(&self) -> String {
        let after = self.after.map(|name| name.to_string()).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(format!("{after}.{}.{:016x}", self.step, self.question))
    }

    fn read(text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.split('.');
        let (after, step, question) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Cursor {
            after: match after {
                "" => None,
                after => Some(after.parse().ok()?),
            },
            step: step.parse().ok()?,
            question: u64::from_str_radix(question, 16).ok()?,
        })
    }
}

/// What a cursor is good for: the list and the parameters that it was made for, but for the size
/// of the page.
fn question(cursor: &str, operation: &Operation, request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    operation.id.hash(&mut hasher);
    let size = operation.paging.size.as_deref();
    request.names.hash(&mut hasher);
    for (name, value) in &request.query {
        if name != cursor && Some(name.as_str()) != size {
            name.hash(&mut hasher);
            value.to_string().hash(&mut hasher);
        }
    }
    hasher.finish()
}
