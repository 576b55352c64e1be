use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Error, GalleryId, HoldId, ImageId};

/// Longest text of a member of a hold, in characters.
const MAX_TEXT: usize = 500;

/// A legal hold: what it covers may be deleted as always, but the originals are kept until it is released. It never
/// makes anything visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose originals it keeps.
    pub account: AccountId,
    /// In this gallery alone.
    pub gallery: Option<GalleryId>,
    /// Of this image alone.
    pub image: Option<ImageId>,
    /// Who, why, and until when.
    #[serde(flatten)]
    pub reason: Reason,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    pub placed: OffsetDateTime,
    /// When it was released, if it was, and by whom.
    pub released: Option<Release>,
}

/// What is written down of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Who asks for it, such as a court.
    pub authority: String,
    /// Their reference.
    pub reference: String,
    /// On what it rests: GDPR Art. 17(3)(b), a legal obligation, or (e), legal claims.
    pub basis: Basis,
    /// Who places it.
    pub placed_by: String,
    /// When it has to be looked at again. A hold does not end by itself: it then shows as overdue.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// On what a hold rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// GDPR Art. 17(3)(b).
    LegalObligation,
    /// GDPR Art. 17(3)(e).
    LegalClaims,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who released it.
    pub by: String,
}

impl Reason {
    /// Refuses a hold that nobody answers for, and one that is due for review already.
    pub fn checked(self, now: OffsetDateTime) -> Result<Self, Error> {
        let texts =
            [("authority", &self.authority), ("reference", &self.reference), ("placed_by", &self.placed_by)];
        for (field, text) in texts {
            check_text(field, text)?;
        }
        if self.until <= now {
            return Err(Error::Invalid { field: "until", reason: "must be in the future".to_owned() });
        }
        Ok(self)
    }
}

pub(crate) fn check_text(field: &'static str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        let reason = format!("must have 1 to {MAX_TEXT} characters");
        return Err(Error::Invalid { field, reason });
    }
    Ok(())
}

impl Hold {
    /// Whether it keeps something.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.released.is_none()
    }

    /// Whether it should have been looked at again.
    #[must_use]
    pub fn is_overdue(&self, now: OffsetDateTime) -> bool {
        self.is_active() && self.reason.until <= now
    }
}
