use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Error, Life};

/// What an account pays for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Public and unlisted galleries.
    #[default]
    Free,
    /// Private galleries, too.
    Pro,
}

/// Proof that an account is on the Pro plan now; the only way to make a gallery private.
#[derive(Debug, Clone, Copy)]
pub struct ProPlan(());

impl Plan {
    /// The proof, if this is the Pro plan.
    pub fn pro(self) -> Result<ProPlan, Error> {
        match self {
            Self::Pro => Ok(ProPlan(())),
            Self::Free => Err(Error::ProRequired),
        }
    }
}

/// An account: one owner of galleries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Unique name, compared without case.
    pub username: Username,
    /// Unique address, compared without case.
    pub email: Email,
    /// What it pays for.
    pub plan: Plan,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// Whether anything of it may still be seen.
    pub life: Life,
    /// SHA-256 of its API key.
    pub(crate) key_digest: String,
}

/// What a new account is made of.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Unique name.
    pub username: Username,
    /// Unique address.
    pub email: Email,
    /// What it pays for.
    pub plan: Plan,
}

impl NewAccount {
    /// A Free account of this name and address.
    pub fn free(username: &str, email: &str) -> Result<Self, Error> {
        Ok(Self { username: Username::parse(username)?, email: Email::parse(email)?, plan: Plan::Free })
    }
}

/// A unique name: 1 to 64 of letters, digits, `.`, `_` and `-`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Checks the grammar.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let shape = |c: char| c.is_alphanumeric() || "._-".contains(c);
        if (1..=64).contains(&text.chars().count()) && text.chars().all(shape) {
            return Ok(Self(text.to_owned()));
        }
        let reason = "must have 1 to 64 letters, digits, `.`, `_` or `-`".to_owned();
        Err(Error::Invalid { field: "username", reason })
    }
}

/// An e-mail address: only checked for its shape, the way to check it is to write to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Checks that there is one `@` between two parts without blanks or control characters.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let part =
            |p: &str| !p.is_empty() && !p.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@');
        match text.split_once('@') {
            Some((local, domain)) if part(local) && part(domain) && text.len() <= 254 => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Error::Invalid { field: "email", reason: "must be an e-mail address".to_owned() }),
        }
    }
}

/// Personal data prints only through `as_str`, so that no log or error shows it by accident.
macro_rules! personal {
    ($($name:ident)*) => {$(
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

personal!(Username Email);
