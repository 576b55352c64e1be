use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_DNSSEC;
use serde::{Deserialize, Serialize};

use crate::Env;

/// Why a text is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct IdError {
    kind: &'static str,
}

/// The one list of ids: append only, prefixes are part of the API.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// 128 random bits, written as a prefix and 26 characters of `[0-9a-v]`; never issued again.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            const PREFIX: &'static str = $prefix;

            /// Draws a new id.
            pub fn draw(env: &dyn Env) -> Self {
                let random = env.random();
                let mut id = [0; 16];
                id.copy_from_slice(random.split_at(16).0);
                Self(id)
            }

            /// The 26 characters after the prefix, for tags.
            #[must_use]
            pub fn bare(&self) -> String {
                BASE32_DNSSEC.encode(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Self::PREFIX)?;
                f.write_str(&self.bare())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError { kind: $prefix };
                let bare = text.strip_prefix(Self::PREFIX).ok_or(error.clone())?;
                if bare.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(error);
                }
                let bytes = BASE32_DNSSEC.decode(bare.as_bytes()).map_err(|_| error.clone())?;
                bytes.try_into().map(Self).map_err(|_| error)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// Names an account.
    AccountId = "acc_";
    /// Names a gallery.
    GalleryId = "gal_";
    /// Names an image.
    ImageId = "img_";
    /// Names a share; not the secret that opens it.
    ShareId = "shr_";
    /// Names an erasure.
    ErasureId = "era_";
    /// Names a legal hold.
    HoldId = "hld_";
    /// Names an event.
    EventId = "evt_";
}

impl ImageId {
    /// Where nothing is: an owner and a gallery that nobody has, the same for the same image.
    pub(crate) fn nowhere(self) -> (AccountId, GalleryId) {
        (AccountId(self.0), GalleryId(self.0))
    }

    /// Its place among all ids there can be, from 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        let [first, second, ..] = self.0;
        f64::from(u16::from_be_bytes([first, second])) / 65_536.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_and_no_other_kind_is() {
        let id = ImageId([7; 16]);
        let text = id.to_string();
        assert_eq!(text.len(), 30);
        assert_eq!(text.parse::<ImageId>().unwrap(), id);
        assert!(text.parse::<GalleryId>().is_err());
        for bad in [
            &text[..29],
            &text.to_uppercase(),
            "img_",
            "",
            &format!("{text}0"),
            &text.replace("img_", "IMG_"),
        ] {
            assert!(bad.parse::<ImageId>().is_err(), "{bad}");
        }
    }
}
