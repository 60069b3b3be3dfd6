//! What plain scalars mean: the core schema of YAML 1.2, in which `no` and `on` are strings.

use serde_json::Number;

/// The meaning of a plain scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string: the text as it is.
    Text,
}

/// Why a plain scalar that looks like a number cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It does not fit into 64 bits.
    #[error("a number that does not fit into 64 bits")]
    Range,
    /// `.inf` or `.nan`, which JSON does not have.
    #[error("a number that JSON cannot express")]
    NotFinite,
}

/// The meaning of a plain scalar.
///
/// # Errors
/// Where it is a number that JSON or 64 bits cannot hold.
pub fn resolve(text: &str) -> Result<Scalar, NumberError> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Scalar::Null),
        "true" | "True" | "TRUE" => return Ok(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Scalar::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Err(NumberError::NotFinite),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Err(NumberError::NotFinite);
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Ok(Scalar::Text);
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        // The core schema has no signs before these two.
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
        {
            return u64::from_str_radix(digits, radix)
                .map(|number| Scalar::Number(number.into()))
                .map_err(|_| NumberError::Range);
        }
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return integer(text);
    }
    if !is_float(unsigned) {
        return Ok(Scalar::Text);
    }
    text.parse::<f64>()
        .ok()
        .and_then(Number::from_f64)
        .map(Scalar::Number)
        .ok_or(NumberError::Range)
}

fn integer(text: &str) -> Result<Scalar, NumberError> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let number = text
        .parse::<u64>()
        .map(Number::from)
        .or_else(|_| text.parse::<i64>().map(Number::from));
    number.map(Scalar::Number).map_err(|_| NumberError::Range)
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema_and_nothing_more() {
        let number = |json: &str| Ok(Scalar::Number(serde_json::from_str(json).unwrap()));
        for (text, meaning) in [
            ("", Ok(Scalar::Null)),
            ("~", Ok(Scalar::Null)),
            ("Null", Ok(Scalar::Null)),
            ("true", Ok(Scalar::Bool(true))),
            ("FALSE", Ok(Scalar::Bool(false))),
            ("no", Ok(Scalar::Text)),
            ("yes", Ok(Scalar::Text)),
            ("on", Ok(Scalar::Text)),
            ("y", Ok(Scalar::Text)),
            ("0", number("0")),
            ("-0", number("0")),
            ("-12", number("-12")),
            ("+12", number("12")),
            ("007", number("7")),
            ("0o17", number("15")),
            ("0xFf", number("255")),
            ("-0x10", Ok(Scalar::Text)),
            ("18446744073709551615", number("18446744073709551615")),
            ("18446744073709551616", Err(NumberError::Range)),
            ("-9223372036854775809", Err(NumberError::Range)),
            ("1.10", number("1.1")),
            (".5", number("0.5")),
            ("5.", number("5.0")),
            ("1e3", number("1000.0")),
            ("-1.5E-2", number("-0.015")),
            ("1e400", Err(NumberError::Range)),
            (".inf", Err(NumberError::NotFinite)),
            ("-.INF", Err(NumberError::NotFinite)),
            (".nan", Err(NumberError::NotFinite)),
            (".", Ok(Scalar::Text)),
            ("1e", Ok(Scalar::Text)),
            ("1_000", Ok(Scalar::Text)),
            ("12:30:45", Ok(Scalar::Text)),
            ("2025-04-14", Ok(Scalar::Text)),
            ("1.2.3", Ok(Scalar::Text)),
            ("-", Ok(Scalar::Text)),
            ("infinity", Ok(Scalar::Text)),
        ] {
            assert_eq!(resolve(text), meaning, "{text}");
        }
    }
}
