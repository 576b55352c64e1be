use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{PUBLIC_KEY_LENGTH, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// What a key is for: [`Signing`] checkpoints of one log, or [`Cosigning`] those of others.
pub trait Purpose: sealed::Sealed {
    /// The byte that stands for the kind of signature in keys (C2SP signed-note).
    const SIGNATURE_TYPE: u8;
}

/// The purpose of a log's key: Ed25519 over the text of a note, type `0x01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {}

/// The purpose of a witness's key: Ed25519 over a time and the text of a note, type `0x04` (C2SP tlog-cosignature).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cosigning {}

impl Purpose for Signing {
    const SIGNATURE_TYPE: u8 = 0x01;
}

impl Purpose for Cosigning {
    const SIGNATURE_TYPE: u8 = 0x04;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Signing {}
    impl Sealed for super::Cosigning {}
}

/// Name and secret key of a log; its name is the origin of its checkpoints.
pub type LogKey = Key<Signing>;

/// Name and secret key of a witness.
pub type WitnessKey = Key<Cosigning>;

/// Name and public key of a log.
pub type LogVerifier = Verifier<Signing>;

/// Name and public key of a witness.
pub type WitnessVerifier = Verifier<Cosigning>;

/// A name and a secret Ed25519 key, which is wiped from memory when dropped and never printed.
pub struct Key<P> {
    secret: SigningKey,
    verifier: Verifier<P>,
}

/// A name and a public Ed25519 key, as text `name+<hex key id>+<base64 of type ‖ key>` (C2SP signed-note).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "String",
    into = "String",
    bound(deserialize = "P: Purpose", serialize = "P: Purpose + Clone")
)]
pub struct Verifier<P> {
    name: String,
    id: KeyId,
    key: VerifyingKey,
    purpose: PhantomData<P>,
}

/// The first bytes of SHA-256 of `name ‖ 0x0A ‖ type ‖ key`.
pub(crate) type KeyId = [u8; 4];

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A name has one character at least, and neither white space nor `+` nor control characters.
    #[error("`{name}` is not the name of a key")]
    Name {
        /// The name.
        name: String,
    },
    /// The text is not `name+id+key` with the id of that key, in its only spelling.
    #[error("`{text}` is not a verifier key")]
    Text {
        /// The text.
        text: String,
    },
    /// It is a key for something else: that of a witness where a log's is wanted, or the other way round.
    #[error("`{text}` is a key of type {found:#04x}, not {wanted:#04x}")]
    Purpose {
        /// The text.
        text: String,
        /// The type that it says.
        found: u8,
        /// The type that is wanted.
        wanted: u8,
    },
    /// The key is not a point of the curve, or one under which anybody can sign.
    #[error("`{text}` has no usable Ed25519 key")]
    Weak {
        /// The text.
        text: String,
    },
}

impl<P: Purpose> Key<P> {
    /// A key of its name and its seed, the 32 secret bytes of RFC 8032.
    pub fn new(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name { name: name.to_owned() });
        }
        let secret = SigningKey::from_bytes(&seed);
        Ok(Self { verifier: Verifier::new(name, secret.verifying_key()), secret })
    }
}

impl<P> Key<P> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.verifier.name
    }

    /// What others verify its signatures with.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier<P> {
        &self.verifier
    }

    pub(crate) const fn secret(&self) -> &SigningKey {
        &self.secret
    }
}

impl<P: Purpose> Verifier<P> {
    fn new(name: &str, key: VerifyingKey) -> Self {
        let hash = Hash::of(&[name.as_bytes(), b"\n", &[P::SIGNATURE_TYPE], key.as_bytes()]);
        let [a, b, c, d, ..] = *hash.as_bytes();
        Self { name: name.to_owned(), id: [a, b, c, d], key, purpose: PhantomData }
    }

    /// Reads the text of a key, in its only spelling.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let owned = || text.to_owned();
        let (name, key) = name_and_key(text).ok_or_else(|| KeyError::Text { text: owned() })?;
        let (found, wanted) = (key[0], P::SIGNATURE_TYPE);
        if found != wanted {
            return Err(KeyError::Purpose { text: owned(), found, wanted });
        }
        let [_, key @ ..] = key;
        let key = VerifyingKey::from_bytes(&key).ok().filter(|key| !key.is_weak());
        let verifier = Self::new(name, key.ok_or_else(|| KeyError::Weak { text: owned() })?);
        // The id has to be that of the key, and every part as it would be printed.
        if verifier.to_string() == text { Ok(verifier) } else { Err(KeyError::Text { text: owned() }) }
    }
}

impl<P> Verifier<P> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) const fn key(&self) -> &VerifyingKey {
        &self.key
    }
}

/// Name, and type with key, of a verifier key; the id is left to the caller.
fn name_and_key(text: &str) -> Option<(&str, [u8; 1 + PUBLIC_KEY_LENGTH])> {
    let (name, rest) = text.split_once('+')?;
    let (_, key) = rest.split_once('+')?;
    let key = BASE64.decode(key.as_bytes()).ok()?.try_into().ok()?;
    is_name(name).then_some((name, key))
}

/// Whether a text may name a key (C2SP signed-note).
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control())
}

impl<P> fmt::Debug for Key<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.name())
    }
}

impl<P: Purpose> fmt::Display for Verifier<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![P::SIGNATURE_TYPE];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&self.id), BASE64.encode(&key))
    }
}

impl<P: Purpose> fmt::Debug for Verifier<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<P: Purpose> FromStr for Verifier<P> {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl<P: Purpose> TryFrom<String> for Verifier<P> {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(&text)
    }
}

impl<P: Purpose> From<Verifier<P>> for String {
    fn from(verifier: Verifier<P>) -> Self {
        verifier.to_string()
    }
}
