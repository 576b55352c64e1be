use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

use crate::Env;

/// Secrets are a family of their own: shown once, hashed at rest, and never printed.
macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// 256 random bits. It has no `Display` and no `Serialize`; only its SHA-256 is stored, so a lookup
        /// needs no comparison that could leak by time.
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Draws a new secret.
            pub fn draw(env: &dyn Env) -> Self {
                Self(format!("{}{}", $prefix, BASE64URL_NOPAD.encode(&env.random())))
            }

            /// The text to hand to whoever may hold it: never to a log, never to a store.
            #[must_use]
            pub fn reveal(&self) -> &str {
                &self.0
            }

            /// SHA-256 of the text in lower-case hex: what is stored and looked up.
            #[must_use]
            pub fn digest(&self) -> String {
                HEXLOWER.encode(&Sha256::digest(self.0.as_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "…"))
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                let body = text.strip_prefix($prefix).ok_or(())?;
                let shape = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
                if body.len() == 43 && body.bytes().all(shape) { Ok(Self(text.to_owned())) } else { Err(()) }
            }
        }
    )*};
}

secrets! {
    /// What an account shows to prove who is asking: `Authorization: Bearer gk_…`.
    ApiKey = "gk_";
    /// What the operator shows: `Authorization: Bearer go_…`.
    OperatorToken = "go_";
    /// What opens a private gallery to whoever holds the link.
    ShareToken = "gs_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let text = format!("gs_{}", "x".repeat(43));
        let token: ShareToken = text.parse().unwrap();
        assert!(!format!("{token:?}").contains('x'));
        assert_eq!(token.digest().len(), 64);
        assert!(text.parse::<ApiKey>().is_err());
        assert!(text[..45].parse::<ShareToken>().is_err());
    }
}
