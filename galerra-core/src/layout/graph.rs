//! The deletion graph: every kind of record there is, and what becomes of it when what it belongs to is erased.

use galerra_storage::{Key, Prefix};

use super::{gallery, gallery_listed, image, image_listed, prefix, tally};
use crate::{AccountId, Subject};

/// A kind of record, told by its key. Kinds that go with what they belong to stand in the order in which they go: what
/// decides who may see the rest goes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An image.
    Image,
    /// The place of an image in its gallery.
    ImagePlace,
    /// A link.
    Share,
    /// That something is in the trash.
    Trash,
    /// An upload under way.
    Intent,
    /// What a gallery counts.
    Tally,
    /// The place of a gallery in the list of its account.
    GalleryPlace,
    /// A gallery.
    Gallery,
    /// An account.
    Account,
    /// Where the thing behind an id is, or that it is gone.
    Reference,
    /// How a token finds its link.
    ShareKey,
    /// Whose an API key is.
    ApiKey,
    /// That a name or an address is taken.
    Claim,
    /// When an upload is dead.
    Lease,
    /// When something in the trash is erased.
    TrashDue,
    /// When a link has expired.
    Lapse,
    /// Something that happened.
    Event,
    /// An erasure.
    Erasure,
    /// A page of what an erasure has to prove.
    Plan,
    /// When an erasure is worked on.
    Open,
    /// What of an account is under an erasure.
    Part,
    /// When an erasure ended.
    Shelf,
    /// A legal hold.
    Hold,
    /// The operator's token.
    Operator,
    /// The log of erasures.
    Log,
    /// How far the service's own work has come.
    Work,
}

/// What becomes of records once what they belong to is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They lie below their gallery, and go with it.
    WithGallery,
    /// They lie below their account, and go with it.
    WithAccount,
    /// They lead to something, and go in the commit that removes it; what stays of a reference names nobody.
    WithTarget,
    /// They have ids alone, and go at the time in their key.
    AtTime,
    /// They have ids and digests alone, and go when the evidence is let go of.
    Evidence,
    /// The law keeps them, and says until when.
    ByLaw,
    /// They are about nobody.
    Nobodys,
}

impl Kind {
    const BELOW_ACCOUNTS: [(Self, &str); 9] = [
        (Self::Image, "image"),
        (Self::ImagePlace, "images"),
        (Self::Share, "share"),
        (Self::Trash, "trash"),
        (Self::Intent, "intent"),
        (Self::Tally, "tally"),
        (Self::GalleryPlace, "galleries"),
        (Self::Gallery, "gallery"),
        (Self::Account, "account"),
    ];

    /// The kind of the record with this key; `None` if nothing of the kind is ever stored.
    #[must_use]
    pub fn of(key: &Key) -> Option<Self> {
        let mut parts = key.as_str().split('/');
        Some(match parts.next()? {
            "ref" => Self::Reference,
            "sharekey" => Self::ShareKey,
            "apikey" => Self::ApiKey,
            "claim" => Self::Claim,
            "lease" => Self::Lease,
            "trash" => Self::TrashDue,
            "lapse" => Self::Lapse,
            "event" => Self::Event,
            "erasure" => Self::Erasure,
            "plan" => Self::Plan,
            "open" => Self::Open,
            "part" => Self::Part,
            "shelf" => Self::Shelf,
            "hold" => Self::Hold,
            "operator" => Self::Operator,
            "log" => Self::Log,
            "work" => Self::Work,
            account => {
                account.parse::<AccountId>().ok()?;
                let folder = parts.next()?;
                Self::BELOW_ACCOUNTS.iter().find(|(_, name)| *name == folder)?.0
            }
        })
    }

    /// What becomes of it.
    #[must_use]
    pub fn fate(self) -> Fate {
        match self {
            Self::Image | Self::ImagePlace | Self::Share | Self::Trash | Self::Intent => Fate::WithGallery,
            Self::Tally | Self::GalleryPlace | Self::Gallery | Self::Account => Fate::WithAccount,
            Self::Reference | Self::ShareKey | Self::ApiKey | Self::Claim => Fate::WithTarget,
            Self::Lease | Self::TrashDue | Self::Lapse | Self::Event => Fate::AtTime,
            Self::Erasure | Self::Plan | Self::Open | Self::Part | Self::Shelf => Fate::Evidence,
            Self::Hold => Fate::ByLaw,
            Self::Operator | Self::Log | Self::Work => Fate::Nobodys,
        }
    }
}

/// The record ranges of a subject, in the order they are emptied.
pub(crate) fn ranges(subject: &Subject, owner: AccountId) -> Vec<Prefix> {
    let below =
        |gone: fn(Fate) -> bool| Kind::BELOW_ACCOUNTS.iter().filter(move |(kind, _)| gone(kind.fate()));
    match subject {
        Subject::Image { .. }
        | Subject::Renditions { .. }
        | Subject::Copies { .. }
        | Subject::Access { .. } => Vec::new(),
        Subject::Gallery { gallery } => below(|fate| fate == Fate::WithGallery)
            .map(|(_, folder)| prefix(format!("{owner}/{folder}/{gallery}")))
            .collect(),
        Subject::Account => below(|_| true)
            .map(|(_, folder)| prefix(format!("{owner}/{folder}")))
            // The account itself, and whatever nobody thought of.
            .chain([prefix(owner.to_string())])
            .collect(),
    }
}

/// The single records of a subject that lie outside its ranges. What came back from the ledger has no `rank`, for there
/// was nothing left of it in any list.
pub(crate) fn singles(subject: &Subject, owner: AccountId, rank: &str) -> Vec<Key> {
    match subject {
        Subject::Image { gallery, image: img } => {
            let listed = (!rank.is_empty()).then(|| image_listed(owner, *gallery, rank, *img));
            [image(owner, *gallery, *img)].into_iter().chain(listed).collect()
        }
        Subject::Gallery { gallery: gal } => {
            let listed = (!rank.is_empty()).then(|| gallery_listed(owner, *gal, rank));
            [tally(owner, *gal), gallery(owner, *gal)].into_iter().chain(listed).collect()
        }
        Subject::Account | Subject::Renditions { .. } | Subject::Copies { .. } | Subject::Access { .. } => {
            Vec::new()
        }
    }
}

/// Where uploads that are still being written for a subject would show.
pub(crate) fn intents(subject: &Subject, owner: AccountId) -> Option<Prefix> {
    match subject {
        Subject::Image { .. }
        | Subject::Renditions { .. }
        | Subject::Copies { .. }
        | Subject::Access { .. } => None,
        Subject::Gallery { gallery } => Some(prefix(format!("{owner}/intent/{gallery}"))),
        Subject::Account => Some(prefix(format!("{owner}/intent"))),
    }
}
