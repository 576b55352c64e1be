use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use time::OffsetDateTime;

use crate::{Env, ShareId};

/// What a link is exchanged for: it opens the link's gallery for some hours, and dies with the link.
///
/// The link's id, the second it ends at, and an HMAC-SHA-256 of both by a key of the link's own, compared in constant
/// time. Nothing about it is stored, so that there is no list of who came. Like the secrets it has no `Display` and
/// no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Pass {
    share: ShareId,
    until: i64,
    mac: [u8; 32],
}

/// What the passes of one link are made with; without one there are none that are good.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PassKey(String);

impl PassKey {
    pub(crate) fn draw(env: &dyn Env) -> Self {
        Self(BASE64URL_NOPAD.encode(&env.random()))
    }
}

impl fmt::Debug for PassKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassKey(…)")
    }
}

impl Pass {
    const PREFIX: &'static str = "gp_";

    pub(crate) fn new(key: &PassKey, share: ShareId, until: OffsetDateTime) -> Self {
        let until = until.unix_timestamp();
        Self { share, until, mac: signature(key, share, until).finalize().into_bytes().into() }
    }

    /// Whether this key made it for this link, and it has not ended.
    pub(crate) fn is_of(&self, key: &PassKey, share: ShareId, now: OffsetDateTime) -> bool {
        !key.0.is_empty()
            && self.share == share
            && now.unix_timestamp() < self.until
            && signature(key, share, self.until).verify_slice(&self.mac).is_ok()
    }

    /// The link that it says it is of; whether it is, that link's key says.
    #[must_use]
    pub fn share(&self) -> ShareId {
        self.share
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.until).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The text to hand to whoever opened the link: never to a log, never to a store.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mac = BASE64URL_NOPAD.encode(&self.mac);
        format!("{}{}.{:x}.{mac}", Self::PREFIX, self.share.bare(), self.until)
    }
}

fn signature(key: &PassKey, share: ShareId, until: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.0.as_bytes()).expect("any length is a key");
    mac.update(format!("pass\n{share}\n{until}").as_bytes());
    mac
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gp_…")
    }
}

impl FromStr for Pass {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.strip_prefix(Self::PREFIX).ok_or(())?.split('.');
        let (Some(share), Some(until), Some(mac), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(());
        };
        let mac = BASE64URL_NOPAD.decode(mac.as_bytes()).map_err(|_| ())?;
        let pass = Self {
            share: format!("shr_{share}").parse().map_err(|_| ())?,
            until: i64::from_str_radix(until, 16).map_err(|_| ())?,
            mac: mac.try_into().map_err(|_| ())?,
        };
        // One pass has one spelling.
        if pass.reveal() == text { Ok(pass) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn share(last: u8) -> ShareId {
        let bare = data_encoding::BASE32_DNSSEC.encode(&[last; 16]);
        format!("shr_{bare}").parse().unwrap()
    }

    #[test]
    fn a_pass_is_good_for_its_link_until_it_ends() {
        let (key, other) = (PassKey("a".to_owned()), PassKey("b".to_owned()));
        let pass = Pass::new(&key, share(1), NOW);
        let read: Pass = pass.reveal().parse().unwrap();
        assert!(read == pass && read.until() == NOW);
        let before = NOW - time::Duration::SECOND;
        assert!(read.is_of(&key, share(1), before));
        assert!(!read.is_of(&key, share(1), NOW), "it has ended");
        assert!(!read.is_of(&key, share(2), before), "another link");
        assert!(!read.is_of(&other, share(1), before), "another key");
        let none = PassKey::default();
        assert!(!Pass::new(&none, share(1), NOW).is_of(&none, share(1), before), "no key");
        let later = Pass { until: pass.until + 60, ..pass.clone() };
        assert!(!later.is_of(&key, share(1), before), "a life that was made longer");
        assert!(!format!("{pass:?} {key:?}").contains(&pass.reveal()[3..9]));
    }

    #[test]
    fn texts_that_are_no_passes_are_refused() {
        let text = Pass::new(&PassKey("a".to_owned()), share(1), NOW).reveal();
        assert!(text.len() < 120, "it fits into a cookie: {}", text.len());
        let cut = &text[..text.len() - 1];
        for wrong in ["", "gp_", "gp_a.b.c", &format!("{text}.x"), cut, &text[3..], &text.to_uppercase()] {
            assert!(wrong.parse::<Pass>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_single_changed_character_is_believed() {
        let key = PassKey("a".to_owned());
        let text = Pass::new(&key, share(1), NOW).reveal();
        for at in 0..text.len() {
            for other in "0v_-Az.".bytes() {
                let mut changed = text.clone().into_bytes();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let read = String::from_utf8(changed).unwrap().parse::<Pass>();
                let good = read.is_ok_and(|pass| pass.is_of(&key, share(1), NOW - time::Duration::SECOND));
                assert!(!good, "{other} at {at}");
            }
        }
    }
}
