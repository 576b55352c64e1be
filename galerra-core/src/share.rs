use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{GalleryId, ShareId, Title};

/// A revocable link to a private gallery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Share {
    /// Its id; not the secret.
    pub id: ShareId,
    /// The gallery it opens.
    pub gallery: GalleryId,
    /// What its owner calls it.
    pub label: Title,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it stops opening anything; counted from its creation, never from an edit.
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
    /// SHA-256 of its token.
    pub(crate) digest: String,
}

impl Share {
    /// Whether it opens its gallery now.
    #[must_use]
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        now < self.expires
    }
}

/// What a new share is made of.
#[derive(Debug, Clone)]
pub struct NewShare {
    /// What its owner calls it.
    pub label: Title,
    /// When it shall expire; by default after [`crate::Policy::share_life`].
    pub expires: Option<OffsetDateTime>,
}
