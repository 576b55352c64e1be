use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Description, Error, GalleryId, Image, Life, Plan, ProPlan, Title};

/// Who may see a gallery besides its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Visibility {
    /// Anyone; it may be listed and indexed.
    Public,
    /// Anyone who has the link; it is listed nowhere.
    Unlisted,
    /// Whoever holds one of its shares. Only a Pro plan opens this door.
    Private(Shares),
}

/// The sharing of a private gallery; a public gallery has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// How many links there are.
    pub links: u32,
}

/// A visibility as people ask for it, before the plan was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VisibilityKind {
    /// See [`Visibility::Public`].
    Public,
    /// See [`Visibility::Unlisted`].
    #[default]
    Unlisted,
    /// See [`Visibility::Private`].
    Private,
}

impl Visibility {
    /// A private gallery without any link yet.
    #[must_use]
    pub fn private(_: ProPlan) -> Self {
        Self::Private(Shares { links: 0 })
    }

    /// What an account on this plan gets when it asks for `kind`.
    pub fn on_plan(kind: VisibilityKind, plan: Plan) -> Result<Self, Error> {
        Ok(match kind {
            VisibilityKind::Public => Self::Public,
            VisibilityKind::Unlisted => Self::Unlisted,
            VisibilityKind::Private => Self::private(plan.pro()?),
        })
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> VisibilityKind {
        match self {
            Self::Public => VisibilityKind::Public,
            Self::Unlisted => VisibilityKind::Unlisted,
            Self::Private(_) => VisibilityKind::Private,
        }
    }

    /// Whether anyone with the link may see it, so that shared caches may hold its bytes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Private(_))
    }
}

/// A gallery: an ordered set of images with one visibility.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Gallery {
    /// Its id.
    pub id: GalleryId,
    /// Whose it is.
    pub owner: AccountId,
    /// Its title.
    pub title: Title,
    /// A longer text.
    pub description: Description,
    /// Who may see it.
    pub visibility: Visibility,
    /// Bumped by every tightening: what was granted under an earlier epoch is void.
    pub epoch: u64,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// Whether anything of it may still be seen.
    pub life: Life,
}

/// What a new gallery is made of.
#[derive(Debug, Clone)]
pub struct NewGallery {
    /// Its title.
    pub title: Title,
    /// A longer text.
    pub description: Description,
    /// Who may see it.
    pub visibility: VisibilityKind,
}

impl NewGallery {
    /// An unlisted gallery of this title.
    pub fn titled(title: &str) -> Result<Self, Error> {
        let (title, description) = (Title::parse(title)?, Description::parse("")?);
        Ok(Self { title, description, visibility: VisibilityKind::Unlisted })
    }
}

/// How many images a gallery has; a record of its own, so that uploads do not contend with edits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Images that its owner can see.
    pub images: u64,
    /// Those of them that nobody else can.
    #[serde(default)]
    pub hidden: u64,
    /// Those of these that guests have sent and their owner has not taken yet.
    #[serde(default)]
    pub held: u64,
}

impl Tally {
    /// The tally with one image more.
    #[must_use]
    pub fn with(self, image: &Image) -> Self {
        Self {
            images: self.images + 1,
            hidden: self.hidden + u64::from(image.is_kept()),
            held: self.held + u64::from(image.is_held()),
        }
    }

    /// The tally without an image that it counted.
    #[must_use]
    pub fn without(self, image: &Image) -> Self {
        Self {
            images: self.images.saturating_sub(1),
            hidden: self.hidden.saturating_sub(u64::from(image.is_kept())),
            held: self.held.saturating_sub(u64::from(image.is_held())),
        }
    }
}
