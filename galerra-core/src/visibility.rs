use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    Account, AccountId, Audience, ErasureId, Fact, Gallery, GalleryId, Image, Opened, Pass, Policy,
    Rendition, Share, ShareId, Tally, Terms, Ticket, Visibility,
};

/// Whether something may still be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Life {
    /// It may, by whoever has a grant.
    Live,
    /// A guest has sent it; its owner alone sees it, until they take it.
    Held {
        /// The link that it came through.
        by: ShareId,
    },
    /// It is in the trash: its owner may take it out again, until its time is over.
    Trashed {
        /// When it was put there.
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
        /// When it is erased.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
        /// The link that it came through, if it waited for its owner.
        held: Option<ShareId>,
    },
    /// An erasure hides it; nothing opens it again.
    Gated {
        /// The erasure.
        by: ErasureId,
    },
}

impl Life {
    /// Whether it is live.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Live)
    }

    /// Whether it is there for its owner at least.
    #[must_use]
    pub fn is_there(self) -> bool {
        !matches!(self, Self::Gated { .. })
    }
}

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular.
    Anonymous,
    /// The holder of an account.
    Account(AccountId),
    /// The operator: runs the service, but owns nobody's pictures.
    Operator,
}

/// Who is asking, and the passes in their hand. A host makes it; Galerra believes it.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who is asking.
    pub who: Who,
    /// What the links they opened were exchanged for, at most [`Viewer::MAX_PASSES`].
    passes: Vec<Pass>,
    /// As whom an owner looks at what is theirs.
    guise: Option<Guise>,
    /// When they last proved who they are, as far as the host says.
    proved: Option<OffsetDateTime>,
}

/// As whom an owner looks at what is theirs; nobody else can put it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guise {
    /// As anyone who comes by.
    Passer,
    /// As whoever opened this link.
    Guest(ShareId),
}

impl Viewer {
    /// Most passes that are looked at; a browser that came by more shows the first ones.
    pub const MAX_PASSES: usize = 64;

    /// Nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::known_as(Who::Anonymous)
    }

    /// The holder of an account.
    #[must_use]
    pub fn account(id: AccountId) -> Self {
        Self::known_as(Who::Account(id))
    }

    /// The operator.
    #[must_use]
    pub fn operator() -> Self {
        Self::known_as(Who::Operator)
    }

    fn known_as(who: Who) -> Self {
        Self { who, passes: Vec::new(), guise: None, proved: None }
    }

    /// The same viewer, who has shown a password or a key at that time: not just a cookie of an earlier day.
    #[must_use]
    pub fn proved_at(self, at: OffsetDateTime) -> Self {
        Self { proved: Some(at), ..self }
    }

    /// Whether they proved who they are at that time or later.
    #[must_use]
    pub fn has_proved_since(&self, then: OffsetDateTime) -> bool {
        self.proved.is_some_and(|at| at >= then)
    }

    /// The same viewer with passes in hand.
    #[must_use]
    pub fn with_passes(self, passes: impl IntoIterator<Item = Pass>) -> Self {
        Self { passes: passes.into_iter().take(Self::MAX_PASSES).collect(), ..self }
    }

    /// The same viewer in a guise.
    #[must_use]
    pub fn in_guise(self, guise: Guise) -> Self {
        Self { guise: Some(guise), ..self }
    }

    /// As whom they look at what is theirs, if not as its owner.
    #[must_use]
    pub fn guise(&self) -> Option<Guise> {
        self.guise
    }

    /// The passes in hand.
    #[must_use]
    pub fn passes(&self) -> &[Pass] {
        &self.passes
    }
}

/// Proof that a viewer may see a gallery and what is in it; the only key to bytes, names and counts.
///
/// It has no public constructor but [`decide`], and is worth nothing after `until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    gallery: GalleryId,
    owner: AccountId,
    reach: Reach,
    epoch: u64,
    until: OffsetDateTime,
    cache: CachePolicy,
    listed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// Whose gallery it is.
    Owner,
    /// Anyone who comes by an open gallery.
    Passer,
    /// Whoever opened a link to a private one.
    Guest(ShareId, Terms),
    /// Whoever comes with a signed address, which is of one rendition.
    Bearer(Arc<Ticket>),
}

impl Grant {
    /// The gallery it opens.
    #[must_use]
    pub fn gallery(&self) -> GalleryId {
        self.gallery
    }

    /// Whose gallery it is.
    #[must_use]
    pub fn owner(&self) -> AccountId {
        self.owner
    }

    /// Whether the viewer owns the gallery: the original, file names and shares are theirs to see.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.reach == Reach::Owner
    }

    /// Whether the viewer came by a link of a private gallery.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        matches!(self.reach, Reach::Guest(..))
    }

    /// Whether what it opens may be listed and indexed: the gallery is open to everyone, and meant to be found.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Whether the viewer may have masters, which are pictures at their full size.
    #[must_use]
    pub fn may_download(&self) -> bool {
        match &self.reach {
            Reach::Owner => true,
            Reach::Passer | Reach::Bearer(_) => false,
            Reach::Guest(_, terms) => terms.download,
        }
    }

    /// How an image that the viewer sends begins; `None` where they may send none.
    #[must_use]
    pub fn takes(&self) -> Option<Life> {
        match &self.reach {
            Reach::Owner => Some(Life::Live),
            Reach::Passer | Reach::Bearer(_) => None,
            Reach::Guest(by, terms) => terms.upload.then_some(Life::Held { by: *by }),
        }
    }

    /// Whether the viewer may see an image at all: one that is hidden or held is its owner's alone.
    #[must_use]
    pub fn opens(&self, image: &Image) -> bool {
        if let Reach::Bearer(ticket) = &self.reach {
            return ticket.image == image.id && image.life.is_live() && !image.hidden;
        }
        match image.life {
            Life::Live => self.is_owner() || !image.hidden,
            Life::Held { .. } | Life::Trashed { .. } => self.is_owner(),
            Life::Gated { .. } => false,
        }
    }

    /// Whether the viewer is shown a rendition.
    #[must_use]
    pub fn shows(&self, rendition: &Rendition) -> bool {
        if let Reach::Bearer(ticket) = &self.reach {
            return ticket.file == rendition.file() && rendition.audience != Audience::Owner;
        }
        match rendition.audience {
            // An owner may look at what guests see.
            Audience::Everyone | Audience::Guests => true,
            Audience::Owner => self.is_owner(),
        }
    }

    /// Whether the viewer, being a guest, may read facts that were not chosen for everyone.
    #[must_use]
    pub fn may_read_facts(&self) -> bool {
        matches!(&self.reach, Reach::Guest(_, terms) if terms.show_metadata)
    }

    /// Whether the viewer may read a fact about how an image was taken.
    #[must_use]
    pub fn tells(&self, image: &Image, fact: Fact) -> bool {
        let chosen = image.shown.contains(&fact);
        match &self.reach {
            Reach::Owner => true,
            Reach::Passer => chosen,
            Reach::Bearer(_) => false,
            // Where somebody lives is nothing that one switch should give away.
            Reach::Guest(_, terms) => terms.show_metadata && (chosen || fact != Fact::Location),
        }
    }

    /// How many images the viewer may know of.
    #[must_use]
    pub fn counts(&self, tally: Tally) -> u64 {
        match self.reach {
            Reach::Owner => tally.images,
            Reach::Passer | Reach::Guest(..) => tally.images.saturating_sub(tally.hidden),
            Reach::Bearer(_) => 0,
        }
    }

    /// What caches may do with a rendition: what is not for everyone is for no cache, even of an open gallery.
    #[must_use]
    pub fn cache_of(&self, image: &Image, rendition: &Rendition) -> CachePolicy {
        let alone = image.is_kept() || rendition.audience == Audience::Owner;
        if alone { CachePolicy::NoStore } else { self.cache }
    }

    /// The epoch it was given under.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> OffsetDateTime {
        self.until
    }

    /// What caches may do with a response that it opened.
    #[must_use]
    pub fn cache(&self) -> CachePolicy {
        self.cache
    }
}

/// What caches may do with a response. The default is to keep nothing; only a public grant widens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CachePolicy {
    /// `private, no-store`.
    #[default]
    NoStore,
    /// Browsers for five minutes, shared caches until the ceiling; both must ask again afterwards.
    Public {
        /// Life in shared caches, in seconds.
        shared: u32,
    },
}

/// Decides whether `viewer` may see the gallery of `owner`, given the share that they have opened, if there is one.
///
/// A pure function. It and [`honours`] are the only places that make a [`Grant`].
#[must_use]
pub fn decide(
    viewer: &Viewer,
    owner: &Account,
    gallery: &Gallery,
    opened: Option<Opened<'_>>,
    policy: &Policy,
    now: OffsetDateTime,
) -> Option<Grant> {
    if !are_live(owner, gallery) {
        return None;
    }
    let grant = |reach, until, cache| Grant {
        gallery: gallery.id,
        owner: gallery.owner,
        reach,
        epoch: gallery.epoch,
        until,
        cache,
        listed: gallery.visibility == Visibility::Public,
    };
    let soon = now + policy.grant_life;
    let open = CachePolicy::Public { shared: policy.edge_ttl.whole_seconds().try_into().unwrap_or(0) };
    let cache = if gallery.visibility.is_open() { open } else { CachePolicy::NoStore };
    if viewer.who == Who::Account(gallery.owner) {
        return Some(grant(Reach::Owner, soon, cache));
    }
    if gallery.visibility.is_open() {
        return Some(grant(Reach::Passer, soon, cache));
    }
    let share = opened?.share();
    leads(owner, gallery, share, now)
        .then(|| grant(Reach::Guest(share.id, share.terms), soon.min(share.expires), cache))
}

/// Decides what a signed address is still good for: the one rendition that it was made for, until it ends, the gallery's
/// epoch moves, or there is no private gallery to be shared any more.
#[must_use]
pub fn honours(ticket: Ticket, owner: &Account, gallery: &Gallery, now: OffsetDateTime) -> Option<Grant> {
    let good = are_live(owner, gallery)
        && !gallery.visibility.is_open()
        && owner.plan.pro().is_ok()
        && ticket.epoch == gallery.epoch
        && now < ticket.until;
    good.then(|| Grant {
        gallery: gallery.id,
        owner: gallery.owner,
        epoch: ticket.epoch,
        until: ticket.until,
        reach: Reach::Bearer(Arc::new(ticket)),
        cache: CachePolicy::NoStore,
        listed: false,
    })
}

/// Whether a link leads anywhere now: what it takes to open it is another question.
#[must_use]
pub fn leads(owner: &Account, gallery: &Gallery, share: &Share, now: OffsetDateTime) -> bool {
    // Without the plan links are frozen: they open nothing, and nothing opens in their place.
    are_live(owner, gallery)
        && !gallery.visibility.is_open()
        && owner.plan.pro().is_ok()
        && share.gallery == gallery.id
        && share.is_open(now)
}

fn are_live(owner: &Account, gallery: &Gallery) -> bool {
    owner.life.is_live() && gallery.life.is_live() && owner.id == gallery.owner
}

#[cfg(test)]
mod tests;
