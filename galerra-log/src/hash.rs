use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 hash, as text 44 characters of base64 with padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; Hash::LENGTH]);

/// Why a text is not a [`struct@Hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: 32 bytes in the one base64 spelling they have")]
pub struct HashError;

impl Hash {
    /// Length of a hash, in bytes.
    pub const LENGTH: usize = 32;

    /// Root of the tree without leaves: the hash of nothing (RFC 6962 §2.1).
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// A hash that somebody else has computed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The hash as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The hash as 64 lower-case hexadecimal digits, as it is spelled within entries.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// SHA-256 of all parts, one after the other.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

/// Hash of a leaf of the tree: SHA-256 of `0x00 ‖ entry` (RFC 6962 §2.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash::of(&[&[0], entry])
}

/// Hash of an inner node of the tree: SHA-256 of `0x01 ‖ left ‖ right` (RFC 6962 §2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash::of(&[&[1], &left.0, &right.0])
}

/// Root of the perfect subtree above hashes, of which there are a power of two; none have [`Hash::EMPTY`].
pub(crate) fn perfect(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::EMPTY,
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&perfect(left), &perfect(right))
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        // The decoder takes neither a missing padding nor bits behind the last byte.
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| HashError)?;
        bytes.try_into().map(Self).map_err(|_| HashError)
    }
}

impl TryFrom<String> for Hash {
    type Error = HashError;

    fn try_from(text: String) -> Result<Self, HashError> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hashes_to_the_empty_root() {
        assert_eq!(Hash::of(&[]), Hash::EMPTY);
    }

    #[test]
    fn a_hash_has_one_spelling() {
        let text = leaf_hash(b"a").to_string();
        assert_eq!(text.parse::<Hash>().unwrap().to_string(), text);
        let json = serde_json::to_string(&leaf_hash(b"a")).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Hash>(&json).unwrap(), leaf_hash(b"a"));
        let bare = text.trim_end_matches('=');
        // 43 characters hold two bits more than 32 bytes: the last may be one of four, of which one is canonical.
        let twisted = format!("{}{}=", &text[..42], if text.as_bytes()[42] == b'A' { 'B' } else { '9' });
        for bad in [bare, "", "AA==", &format!("{text}\n"), &format!("{text}{text}"), &twisted] {
            assert!(bad.parse::<Hash>().is_err(), "{bad:?}");
        }
    }
}
