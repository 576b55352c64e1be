use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, ErasureId, EventId, GalleryId, HoldId, ImageId, ShareId};

/// One line of the feed that embedders read; committed together with the change it tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What happened.
    #[serde(flatten)]
    pub what: Happened,
}

/// What happened: ids only, so that the feed outlives what it tells of without naming anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Happened {
    /// An account was created.
    AccountCreated {
        /// The account.
        account: AccountId,
    },
    /// An account has another plan.
    PlanChanged {
        /// The account.
        account: AccountId,
    },
    /// What its owner says about a gallery, or who may see it, has changed.
    GalleryEdited {
        /// The gallery.
        gallery: GalleryId,
    },
    /// A gallery was created.
    GalleryCreated {
        /// The gallery.
        gallery: GalleryId,
    },
    /// An image was uploaded.
    ImageUploaded {
        /// The image.
        image: ImageId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// The renditions of an image were made anew.
    ImageRedeveloped {
        /// The image.
        image: ImageId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// What its owner says about an image, or who may see it, has changed.
    ImageEdited {
        /// The image.
        image: ImageId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// An image was put into the trash.
    ImageTrashed {
        /// The image.
        image: ImageId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// An image was taken out of the trash.
    ImageRestored {
        /// The image.
        image: ImageId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// A gallery was put into the trash.
    GalleryTrashed {
        /// The gallery.
        gallery: GalleryId,
    },
    /// A gallery was taken out of the trash.
    GalleryRestored {
        /// The gallery.
        gallery: GalleryId,
    },
    /// A share was made.
    Shared {
        /// The share.
        share: ShareId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// What a share allows was changed.
    ShareEdited {
        /// The share.
        share: ShareId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// A guest has sent an image, which waits for its owner.
    ImageHeld {
        /// The image.
        image: ImageId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// A share was revoked.
    ShareRevoked {
        /// The share.
        share: ShareId,
        /// Its gallery.
        gallery: GalleryId,
    },
    /// Something was hidden for good and will be erased.
    ErasureAccepted {
        /// The erasure.
        erasure: ErasureId,
    },
    /// An account that its owner had deleted was brought back in its grace.
    AccountBroughtBack {
        /// The account.
        account: AccountId,
    },
    /// An erasure was moved to the expedited lane.
    ErasureExpedited {
        /// The erasure.
        erasure: ErasureId,
    },
    /// A legal hold was placed: destruction of originals is suspended.
    HoldPlaced {
        /// The hold.
        hold: HoldId,
    },
    /// A legal hold was released.
    HoldReleased {
        /// The hold.
        hold: HoldId,
    },
    /// A retention rule has another time.
    RuleChanged {
        /// The rule.
        rule: String,
        /// How long things were kept before, in seconds; nothing if the rule is new.
        before: Option<i64>,
        /// How long things are kept now, in seconds.
        after: i64,
    },
    /// An erasure missed the promised time; the work goes on.
    ErasureBreached {
        /// The erasure.
        erasure: ErasureId,
    },
    /// An erasure ended with a receipt.
    ErasureDone {
        /// The erasure.
        erasure: ErasureId,
    },
}
