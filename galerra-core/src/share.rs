use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{Env, GalleryId, Pass, PassKey, ShareId, Title};

/// A revocable link to a private gallery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Share {
    /// Its id; not the secret.
    pub id: ShareId,
    /// The gallery it opens.
    pub gallery: GalleryId,
    /// What its owner calls it.
    pub label: Title,
    /// Whom its owner gave it to, in the owner's words.
    #[serde(default)]
    pub recipient: Title,
    /// What whoever holds it may do.
    #[serde(default)]
    pub terms: Terms,
    /// How often it may be opened, and was.
    #[serde(default)]
    pub uses: Uses,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it stops opening anything; counted from its creation, never from an edit.
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
    /// SHA-256 of its token.
    pub(crate) digest: String,
    /// What its passes are made with; they end with it.
    #[serde(default)]
    pub(crate) key: PassKey,
}

/// What the holder of a link may do besides looking. Nothing, by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Fetch masters: pictures at their full size.
    pub download: bool,
    /// Read when and with what pictures were taken; and where, of those whose owner shows it.
    pub show_metadata: bool,
}

/// How often a link may be opened, and was. Nothing is kept about who opened it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    /// How often it was opened.
    pub opened: u64,
    /// How often it may be; `None` is as often as one likes.
    pub most: Option<u64>,
}

impl Uses {
    /// The uses after one more; `None` where there may be no more.
    #[must_use]
    pub fn another(self) -> Option<Self> {
        let opened = self.opened + 1;
        self.most.is_none_or(|most| opened <= most).then_some(Self { opened, ..self })
    }
}

impl Share {
    /// Longest life of a pass; the link itself can be opened again.
    pub const PASS_LIFE: Duration = Duration::hours(12);

    /// Whether what it opened is open now.
    #[must_use]
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        now < self.expires
    }

    /// What it is exchanged for by whoever opens it.
    #[must_use]
    pub fn pass(&self, now: OffsetDateTime) -> Pass {
        Pass::new(&self.key, self.id, self.expires.min(now + Self::PASS_LIFE))
    }

    /// Whether a pass is one of its own, and still good.
    #[must_use]
    pub fn admits(&self, pass: &Pass, now: OffsetDateTime) -> bool {
        self.is_open(now) && pass.is_of(&self.key, self.id, now)
    }
}

/// What a new share is made of.
#[derive(Debug, Clone, Default)]
pub struct NewShare {
    /// What its owner calls it.
    pub label: Title,
    /// Whom it is for.
    pub recipient: Title,
    /// What its holder may do.
    pub terms: Terms,
    /// How often it may be opened; `None` is as often as one likes.
    pub most_uses: Option<u64>,
    /// When it shall expire; by default after [`crate::Policy::share_life`].
    pub expires: Option<OffsetDateTime>,
}

impl NewShare {
    /// The share, with its secrets drawn.
    pub(crate) fn drawn(
        &self,
        env: &dyn Env,
        gallery: GalleryId,
        (created, expires): (OffsetDateTime, OffsetDateTime),
        digest: String,
    ) -> Share {
        Share {
            id: ShareId::draw(env),
            gallery,
            label: self.label.clone(),
            recipient: self.recipient.clone(),
            terms: self.terms,
            uses: Uses { opened: 0, most: self.most_uses },
            created,
            expires,
            digest,
            key: PassKey::draw(env),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_and_end() {
        let mut uses = Uses { opened: 0, most: Some(2) };
        for opened in 1..=2 {
            uses = uses.another().unwrap();
            assert_eq!(uses.opened, opened);
        }
        assert_eq!(uses.another(), None);
        assert_eq!(Uses { opened: 9, most: None }.another(), Some(Uses { opened: 10, most: None }));
        assert_eq!(Uses { opened: 0, most: Some(0) }.another(), None);
    }
}
