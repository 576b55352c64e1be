use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest key in bytes: fits S3 (1,024) and leaves room for a bucket prefix.
pub const MAX_KEY: usize = 512;

/// Name of one record or blob: segments of `[a-z0-9._-]` joined by `/`, at most [`MAX_KEY`] bytes.
///
/// The grammar is the intersection of what local disks (also case-folding ones), object stores and SQL
/// collations keep apart and sort alike: keys sort by their bytes everywhere. No segment is empty, starts
/// with a dot, or is longer than 128 bytes. Among blobs, no key may be another key followed by `/…`,
/// because a disk cannot hold a file and a folder of one name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// Why a text is not a [`Key`] or [`Prefix`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a key: segments of [a-z0-9._-] joined by `/`, at most {MAX_KEY} bytes")]
pub struct KeyError {
    text: String,
}

impl Key {
    /// Checks the grammar and makes a key of the text.
    pub fn parse(text: impl Into<String>) -> Result<Self, KeyError> {
        let text = text.into();
        if text.len() <= MAX_KEY && text.split('/').all(is_segment) {
            Ok(Self(text))
        } else {
            Err(KeyError { text })
        }
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_segment(segment: &str) -> bool {
    (1..=128).contains(&segment.len())
        && !segment.starts_with('.')
        && segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

/// A range of keys: every key below one folder, or every key there is.
///
/// `Prefix::parse("a")` holds `a/b` and `a/b/c`, never `a` itself and never `ab/c`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

impl Prefix {
    /// Every key of the store.
    #[must_use]
    pub fn all() -> Self {
        Self(String::new())
    }

    /// Every key below `folder`; a trailing `/` is allowed, an empty text means [`Prefix::all`].
    pub fn parse(folder: impl Into<String>) -> Result<Self, KeyError> {
        let mut text: String = folder.into();
        if text.is_empty() {
            return Ok(Self::all());
        }
        if text.ends_with('/') {
            text.pop();
        }
        let Key(mut folder) = Key::parse(text)?;
        folder.push('/');
        Ok(Self(folder))
    }

    /// The text every key of the range starts with: empty, or ending in `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `key` lies in the range.
    #[must_use]
    pub fn holds(&self, key: &Key) -> bool {
        key.0.starts_with(&self.0)
    }

    /// The least text above every key of the range (`0` follows `/`), or `None` when there is no bound.
    #[must_use]
    pub fn end(&self) -> Option<String> {
        self.0.strip_suffix('/').map(|folder| format!("{folder}0"))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}*", self.0)
    }
}

impl TryFrom<String> for Prefix {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_outside_the_grammar_are_refused() {
        for bad in ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".a", "A", "a b", "a#1", "ä", "a\\b", "a\0"]
        {
            assert!(Key::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Key::parse("a/".repeat(300) + "a").is_err());
        assert!(Key::parse("a".repeat(129)).is_err());
    }

    #[test]
    fn a_prefix_ends_at_a_segment() {
        let prefix = Prefix::parse("a/b").unwrap();
        assert!(prefix.holds(&Key::parse("a/b/c").unwrap()));
        for outside in ["a/b", "a/bc", "a/b0", "a/b-c"] {
            assert!(!prefix.holds(&Key::parse(outside).unwrap()), "{outside}");
        }
        assert_eq!(prefix.end().unwrap(), "a/b0");
        assert!(Prefix::all().holds(&Key::parse("x").unwrap()));
    }
}
