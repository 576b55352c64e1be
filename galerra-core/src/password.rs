use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What a link asks for besides its address. Never printed, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A password of 1 to 256 bytes; what an owner chooses is theirs to choose.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if (1..=256).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::Invalid { field: "password", reason: "must have 1 to 256 bytes".to_owned() })
    }

    /// The text, for whoever hashes it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What is stored of a password: a text that says how it was hashed, too.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash in the form of PHC strings, such as `$argon2id$v=19$…`.
    #[must_use]
    pub fn phc(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// The port through which core has passwords hashed: slow on purpose, so never on the thread that asks.
///
/// # Contract
/// - `hash` salts: two hashes of one password differ.
/// - `fits` compares in a time that tells nothing about the password, and is `false` for a text that is no hash.
/// - However many ask at once, memory is bounded.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Passwords: fmt::Debug + Send + Sync {
    /// Hashes a new password with 32 random bytes as its salt.
    async fn hash(&self, password: Password, salt: [u8; 32]) -> Result<PasswordHash, Error>;
    /// Whether this is the password that was hashed.
    async fn fits(&self, password: Password, hash: PasswordHash) -> Result<bool, Error>;
}
