use std::fmt::{self, Write};

use serde_json::{Map, Number, Value};

/// The largest number up to which every whole number has a value of its own in JSON (RFC 7493 §2.2).
const LARGEST: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{number}` is not a whole number between -(2^53 - 1) and 2^53 - 1")]
pub struct CanonicalError {
    number: String,
}

/// The canonical JSON of a value (RFC 8785): no white space, members by their names in UTF-16, one spelling of each text.
///
/// Numbers are whole and exact in every implementation; others are refused, so that none of them is ever rounded.
pub fn canonical(value: &Value) -> Result<String, CanonicalError> {
    let mut text = String::new();
    write(&mut text, value)?;
    Ok(text)
}

fn write(out: &mut String, value: &Value) -> Result<(), CanonicalError> {
    match value {
        // The printer of these has one spelling, which is that of RFC 8785 §3.2.2.
        Value::Null | Value::Bool(_) | Value::String(_) => print(out, value),
        Value::Number(number) => print(out, &exact(number)?),
        Value::Array(items) => list(out, ['[', ']'], items, write)?,
        Value::Object(members) => list(out, ['{', '}'], sorted(members), member)?,
    }
    Ok(())
}

fn member(out: &mut String, (name, value): (&String, &Value)) -> Result<(), CanonicalError> {
    print(out, &Value::from(name.as_str()));
    out.push(':');
    write(out, value)
}

fn list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    one: impl Fn(&mut String, T) -> Result<(), CanonicalError>,
) -> Result<(), CanonicalError> {
    out.push(open);
    for (nth, item) in items.into_iter().enumerate() {
        if nth > 0 {
            out.push(',');
        }
        one(out, item)?;
    }
    out.push(close);
    Ok(())
}

fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    members
}

fn exact(number: &Number) -> Result<i64, CanonicalError> {
    let exact = number.as_i64().filter(|number| number.unsigned_abs() <= LARGEST);
    exact.ok_or_else(|| CanonicalError { number: number.to_string() })
}

fn print(out: &mut String, value: &impl fmt::Display) {
    // Writing to a string cannot fail.
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> String {
        canonical(&serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn members_are_sorted_by_utf16() {
        // RFC 8785 §3.2.3: the emoji is above U+FB33 by its code point, and below it in UTF-16.
        let text = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        let sorted = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}";
        assert_eq!(of(text), sorted);
    }

    #[test]
    fn texts_have_one_spelling() {
        // RFC 8785 §3.2.2.2.
        let text = r#"[ "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\/", "\b\t\n\f\r\u007f\u2028\u001F", true , null ]"#;
        let spelled =
            "[\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\",\"\\b\\t\\n\\f\\r\u{7f}\u{2028}\\u001f\",true,null]";
        assert_eq!(of(text), spelled);
        assert_eq!(of(r#" { "b" : [ ] , "a" : { } } "#), r#"{"a":{},"b":[]}"#);
    }

    #[test]
    fn numbers_are_whole_and_exact() {
        assert_eq!(
            of("[0,-1,9007199254740991,-9007199254740991]"),
            "[0,-1,9007199254740991,-9007199254740991]"
        );
        for number in
            ["1.0", "0.5", "1e3", "-0", "9007199254740992", "-9007199254740992", "18446744073709551615"]
        {
            let value: Value = serde_json::from_str(number).unwrap();
            assert!(canonical(&json!({ "n": [value] })).is_err(), "{number}");
        }
    }
}
