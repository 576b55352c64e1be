use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// What parts commitments from everything else that is hashed.
const DOMAIN: &[u8] = b"galerra-erasure-commit-v1\0";

/// 32 random bytes that make a commitment tell nothing of the object; as text 64 lower-case hexadecimal digits.
///
/// Once the receipt is given out it is in the receipt alone, so it shows in no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt([u8; Salt::LENGTH]);

/// Why a text is not a [`Salt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a salt: 64 lower-case hexadecimal digits")]
pub struct SaltError;

impl Salt {
    /// Length of a salt, in bytes.
    pub const LENGTH: usize = 32;

    /// A salt of bytes that nobody can guess.
    #[must_use]
    pub const fn new(random: [u8; Self::LENGTH]) -> Self {
        Self(random)
    }

    /// The salt as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }
}

/// What the log says instead of the object: SHA-256 of `"galerra-erasure-commit-v1" ‖ 0x00 ‖ salt ‖ object id`.
///
/// Whoever has the salt can show which object was meant, and nobody else can find out.
#[must_use]
pub fn commitment(salt: &Salt, object_id: &str) -> Hash {
    Hash::of(&[DOMAIN, &salt.0, object_id.as_bytes()])
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

impl FromStr for Salt {
    type Err = SaltError;

    fn from_str(text: &str) -> Result<Self, SaltError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| SaltError)?;
        bytes.try_into().map(Self).map_err(|_| SaltError)
    }
}

impl TryFrom<String> for Salt {
    type Error = SaltError;

    fn try_from(text: String) -> Result<Self, SaltError> {
        text.parse()
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        salt.to_hex()
    }
}
