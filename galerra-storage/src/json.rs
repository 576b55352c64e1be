use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Whether a text is JSON that every engine can keep: well formed, without the character U+0000.
pub(crate) fn is_storable(text: &str) -> bool {
    serde_json::from_str::<Storable>(text).is_ok()
}

/// A JSON value that is read to its end and not kept.
struct Storable;

impl<'de> Deserialize<'de> for Storable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Storable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without U+0000")
    }

    fn visit_unit<E>(self) -> Result<Storable, E> {
        Ok(Storable)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Storable, E> {
        Ok(Storable)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Storable, E> {
        Ok(Storable)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Storable, E> {
        Ok(Storable)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Storable, E> {
        Ok(Storable)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Storable, E> {
        if text.contains('\0') { Err(E::custom("holds U+0000")) } else { Ok(Storable) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Storable, A::Error> {
        while seq.next_element::<Storable>()?.is_some() {}
        Ok(Storable)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Storable, A::Error> {
        while map.next_entry::<Storable, Storable>()?.is_some() {}
        Ok(Storable)
    }
}

#[cfg(test)]
mod tests {
    use super::is_storable;

    #[test]
    fn what_some_engine_cannot_keep_is_refused() {
        for good in ["null", "1", "-2.5e3", "\"\"", "[]", "{}", r#"{"a":[1,{"b":"\\u0000"}]}"#, " true "] {
            assert!(is_storable(good), "{good}");
        }
        for bad in [
            "",
            "nul",
            "{",
            "{} {}",
            r#""\u0000""#,
            r#"{"\u0000":1}"#,
            r#""\ud800""#,
            "\"\0\"",
            "1e999",
            "'a'",
        ] {
            assert!(!is_storable(bad), "{bad}");
        }
    }
}
