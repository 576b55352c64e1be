use std::fmt;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

/// Opaque surrogate key by which cached responses are purged: `[a-z0-9][a-z0-9-]{0,31}`.
///
/// The grammar is the intersection of what Cloudflare, Fastly, `CloudFront`, Akamai, Google, Bunny, `KeyCDN`,
/// Varnish and RFC 9875 accept and compare alike. Some networks show tags to visitors: never put a name in one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

/// Why a text is not a [`Tag`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a tag: [a-z0-9][a-z0-9-]{{0,31}}")]
pub struct TagError {
    text: String,
}

impl Tag {
    /// Checks the grammar and makes a tag of the text.
    pub fn parse(text: impl Into<String>) -> Result<Self, TagError> {
        let text = text.into();
        let body = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(body) && !text.starts_with('-') {
            Ok(Self(text))
        } else {
            Err(TagError { text })
        }
    }

    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;
    fn try_from(text: String) -> Result<Self, TagError> {
        Self::parse(text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

/// In which header a network wants the tags of a response, and how it wants them parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagHeader {
    /// Varnish with the module `xkey`.
    Xkey,
    /// Fastly.
    SurrogateKey,
    /// Cloudflare and Google.
    CacheTag,
    /// `KeyCDN`: the header of Cloudflare, parted as at Fastly.
    CacheTagBySpaces,
    /// Akamai.
    EdgeCacheTag,
    /// Bunny.
    CdnTag,
    /// Cache groups (RFC 9875), a list of strings (RFC 9651).
    CacheGroups,
}

impl TagHeader {
    /// The header of a response with these tags; no tags, no header.
    #[must_use]
    pub fn of(self, tags: &[Tag]) -> Option<(HeaderName, HeaderValue)> {
        let (name, between) = match self {
            Self::Xkey => ("xkey", " "),
            Self::SurrogateKey => ("surrogate-key", " "),
            Self::CacheTag => ("cache-tag", ","),
            Self::CacheTagBySpaces => ("cache-tag", " "),
            Self::EdgeCacheTag => ("edge-cache-tag", ","),
            Self::CdnTag => ("cdn-tag", ","),
            Self::CacheGroups => ("cache-groups", "\", \""),
        };
        let listed = tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(between);
        let listed = if self == Self::CacheGroups { format!("\"{listed}\"") } else { listed };
        let value = HeaderValue::try_from(listed).ok()?;
        (!tags.is_empty()).then(|| (HeaderName::from_static(name), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_is_told_tags_in_its_own_way() {
        let tags = ["i-01j9", "g-7", "x"].map(|tag| Tag::parse(tag).unwrap());
        for (form, name, value) in [
            (TagHeader::Xkey, "xkey", "i-01j9 g-7 x"),
            (TagHeader::SurrogateKey, "surrogate-key", "i-01j9 g-7 x"),
            (TagHeader::CacheTag, "cache-tag", "i-01j9,g-7,x"),
            (TagHeader::CacheTagBySpaces, "cache-tag", "i-01j9 g-7 x"),
            (TagHeader::EdgeCacheTag, "edge-cache-tag", "i-01j9,g-7,x"),
            (TagHeader::CdnTag, "cdn-tag", "i-01j9,g-7,x"),
            (TagHeader::CacheGroups, "cache-groups", "\"i-01j9\", \"g-7\", \"x\""),
        ] {
            let (told, list) = form.of(&tags).unwrap();
            assert_eq!((told.as_str(), list.to_str().unwrap()), (name, value));
            assert_eq!(form.of(&[]), None);
        }
    }

    #[test]
    fn only_the_portable_grammar_is_a_tag() {
        for good in ["a", "0", "i-abc", "g-", &"a".repeat(32)] {
            assert!(Tag::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a,b", "a_b", "ä", "a\n", "*", &"a".repeat(33)] {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
    }
}
