use serde::{Deserialize, Serialize};

use crate::Error;

/// Text that people wrote, bounded and free of characters that could steer a terminal, a header or a reader.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $field:literal, $min:literal..=$max:literal, $lines:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Trims the text, removes control and bidirectional-override characters, and checks its length.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let clean: String = text.chars().filter(|c| harmless(*c, $lines)).collect();
                let clean = clean.trim();
                if ($min..=$max).contains(&clean.chars().count()) {
                    return Ok(Self(clean.to_owned()));
                }
                let reason = concat!("must have ", stringify!($min), " to ", stringify!($max), " characters");
                Err(Error::Invalid { field: $field, reason: reason.to_owned() })
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )*};
}

texts! {
    /// A gallery's or image's title: one line.
    Title: "title", 0..=200, false;
    /// A longer text under a title, or an image's text alternative.
    Description: "description", 0..=5000, true;
}

/// The name a file had on its owner's machine: private, shown to the owner alone, never part of a key,
/// path or header. It cannot be refused, only cleaned and cut to 200 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// Keeps what is harmless of the last path segment.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let kept: String = last.chars().filter(|c| harmless(*c, false)).take(200).collect();
        Self(kept.trim().to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn harmless(c: char, lines: bool) -> bool {
    let bidi =
        matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}');
    let line = lines && c == '\n';
    (!c.is_control() || line) && !bidi && !matches!(c, '\u{FEFF}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_keeps_only_what_is_harmless() {
        assert_eq!(FileName::clean("../../etc/passwd\0").as_str(), "passwd");
        assert_eq!(FileName::clean("C:\\photos\\a\r\nSet-Cookie: x.jpg").as_str(), "aSet-Cookie: x.jpg");
        assert_eq!(FileName::clean("gpj.\u{202e}exe").as_str(), "gpj.exe");
        assert_eq!(FileName::clean(&"ä".repeat(999)).as_str().chars().count(), 200);
    }

    #[test]
    fn a_title_is_bounded() {
        assert!(Title::parse(&"x".repeat(201)).is_err());
        assert_eq!(Title::parse(" a\u{0}b ").unwrap().as_str(), "ab");
    }
}
