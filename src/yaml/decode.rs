//! From the bytes of a file to its text.

use super::MAX_BYTES;

/// Why the bytes of a file are not a text that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The file is larger than [`MAX_BYTES`].
    #[error("the file has more than {0} bytes")]
    TooLarge(usize),
    /// The file is not UTF-8.
    #[error("the file is not UTF-8: line {line} has the byte 0x{byte:02x}")]
    NotUtf8 {
        /// The line, counted from 1.
        line: usize,
        /// The first byte that does not fit.
        byte: u8,
    },
}

/// The text of a file, without the byte order mark that some editors put first.
///
/// # Errors
/// Where the file is too large or not UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String, DecodeError> {
    if bytes.len() > MAX_BYTES {
        return Err(DecodeError::TooLarge(MAX_BYTES));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        DecodeError::NotUtf8 {
            line: 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count(),
            byte: bytes.get(at).copied().unwrap_or_default(),
        }
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(decode(b"\xef\xbb\xbfa: 1".to_vec()).unwrap(), "a: 1");
    }

    #[test]
    fn other_encodings_and_huge_files_are_refused() {
        let error = decode(b"a: 1\nb: caf\xe9\n".to_vec()).unwrap_err();
        assert_eq!(
            error,
            DecodeError::NotUtf8 {
                line: 2,
                byte: 0xe9
            }
        );
        let size = MAX_BYTES + 1;
        assert_eq!(
            decode(vec![b' '; size]),
            Err(DecodeError::TooLarge(MAX_BYTES))
        );
    }
}
