mod attempts;
mod target;

use galerra_log::Salt;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

pub use attempts::{Attempt, Attempts, Outcome};
pub use target::{EdgeStep, EdgeTarget, StoreStep, StoreTarget};

use crate::receipt::Finding;
use crate::{AccountId, ErasureId, GalleryId, ImageId, Level, Policy, Receipt, ShareId};

/// Pause of an erasure that waits for something without a time, such as a lease.
const POLL: Duration = Duration::seconds(1);
/// Pause of an erasure that waits for a legal hold to end.
const HELD_POLL: Duration = Duration::minutes(1);

/// What is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Subject {
    /// One image.
    Image {
        /// The gallery it was in.
        gallery: GalleryId,
        /// The image.
        image: ImageId,
    },
    /// A gallery and every image in it.
    Gallery {
        /// The gallery.
        gallery: GalleryId,
    },
    /// An account and everything it owns.
    Account,
    /// Copies in networks of what fewer people may see from now on; nothing goes from the stores.
    Copies {
        /// The gallery that was open, or in which it was seen.
        gallery: GalleryId,
        /// The one image that was hidden; without it everything in the gallery.
        image: Option<ImageId>,
    },
    /// What somebody may see less of from now on, and networks never had. Nothing is to go; but no backup that is put
    /// back gives it back.
    Access {
        /// The gallery.
        gallery: GalleryId,
        /// What of it.
        narrowed: Narrowed,
    },
    /// Renditions of an image that others have taken the place of.
    Renditions {
        /// The gallery it is in.
        gallery: GalleryId,
        /// The image.
        image: ImageId,
    },
}

/// What of a gallery somebody may see less of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum Narrowed {
    /// Links as they were: they were revoked, or lead to less.
    Links {
        /// The one link; without it all that the gallery had.
        share: Option<ShareId>,
    },
    /// An image that its owner keeps from everyone else.
    Image {
        /// The image.
        image: ImageId,
    },
    /// What the file of an image says about it.
    Facts {
        /// The image.
        image: ImageId,
    },
}

impl Subject {
    /// Whether what another one names is a part of what this one does, both of the same account.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Account, Self::Image { .. } | Self::Gallery { .. }) => true,
            (Self::Gallery { gallery }, Self::Image { gallery: within, .. }) => gallery == within,
            _ => false,
        }
    }

    /// What others see less of, if it is nothing more: an image, or a whole gallery.
    pub(crate) fn narrows(&self) -> Option<(GalleryId, Option<ImageId>)> {
        match *self {
            Self::Copies { gallery, image } => Some((gallery, image)),
            Self::Access { gallery, narrowed: Narrowed::Links { .. } } => Some((gallery, None)),
            Self::Access { gallery, narrowed: Narrowed::Image { image } | Narrowed::Facts { image } } => {
                Some((gallery, Some(image)))
            }
            _ => None,
        }
    }

    /// Whether its owner keeps it, and others see less of it.
    pub(crate) fn is_narrowing(&self) -> bool {
        self.narrows().is_some()
    }
}

/// How fast an erasure is asked to be. The lanes are worked on in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Lane {
    /// Within an hour: overtakes everything in the other lane.
    Expedited,
    /// Within the promised window.
    #[default]
    Standard,
}

impl Lane {
    /// All of them, the fastest first.
    pub const ALL: [Self; 2] = [Self::Expedited, Self::Standard];

    /// How long after its acceptance an erasure is promised to be finished.
    #[must_use]
    pub fn promise(self, policy: &Policy) -> Duration {
        match self {
            Self::Expedited => policy.expedited,
            Self::Standard => policy.promise,
        }
    }

    /// By when an erasure is promised to be finished that was asked for then, and could be taken back until `grace`.
    pub(crate) fn due(
        self,
        accepted: OffsetDateTime,
        grace: Option<OffsetDateTime>,
        policy: &Policy,
    ) -> OffsetDateTime {
        accepted.max(grace.unwrap_or(accepted)) + self.promise(policy)
    }
}

/// Where an erasure stands, as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The origin refuses it; the plan is durable.
    Gated,
    /// Stores are being emptied.
    Stores,
    /// Stores are proven empty; edges are not proven clean yet, or the receipt is on its way into the log.
    Edges,
    /// A legal hold keeps originals; all the rest goes.
    Restricted,
    /// There is a receipt.
    Done,
    /// The promised time has passed; the work goes on.
    Breached,
    /// It was taken back before it was carried out: there is nothing to prove any more.
    Withdrawn,
}

/// Something on its way to being proven gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// Whose it was.
    pub owner: AccountId,
    /// What is erased.
    pub subject: Subject,
    /// The place it had in its list: the tail of its index key.
    pub(crate) rank: String,
    /// How fast it is asked to be.
    pub lane: Lane,
    /// When it was accepted; the gate closed in the same commit.
    #[serde(with = "time::serde::rfc3339")]
    pub accepted: OffsetDateTime,
    /// By when its gate was closed for certain: when a worker first saw it. Whoever accepted it read the clock before
    /// the commit that closes the gate, which may take long.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) closed: Option<OffsetDateTime>,
    /// By when it is promised to be finished.
    #[serde(with = "time::serde::rfc3339")]
    pub due: OffsetDateTime,
    /// When the last legal hold on it was released, if there was one: from then on it is promised anew.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) held_until: Option<OffsetDateTime>,
    /// When the stores may be touched, if not at once; until then it can be taken back.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub not_before: Option<OffsetDateTime>,
    /// When it was late, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub breached: Option<OffsetDateTime>,
    /// Where it stands; for SQL views, kept equal to [`Erasure::stage`] by [`Erasure::restaged`].
    pub(crate) stage: Stage,
    /// When it is looked at again: the time in the key of its work item.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) next: OffsetDateTime,
    /// The time in the key of its tombstone.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) buried: OffsetDateTime,
    /// What came of the ledger outside the records.
    pub(crate) ledger: Ledgered,
    /// Hides in the log what was erased; only the receipt tells it.
    pub(crate) salt: Salt,
    /// Pages of the plan written so far.
    pub(crate) pages: u32,
    /// The records.
    pub records: StoreTarget,
    /// The bytes.
    pub blobs: StoreTarget,
    /// The networks, as they were when it was accepted.
    pub edges: Vec<EdgeTarget>,
    /// When it was finished.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) done: Option<OffsetDateTime>,
    /// When it was taken back, if it was.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) withdrawn: Option<OffsetDateTime>,
    /// What was found, on its way into the log.
    pub(crate) finding: Option<Finding>,
    /// The proof.
    pub receipt: Option<Receipt>,
}

/// What the ledger outside the records knows of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ledgered {
    /// Nothing for certain yet.
    Unknown,
    /// Its tombstone.
    Entombed,
}

impl Erasure {
    /// Where it stands.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let begun = self.records.step.removed() + self.blobs.step.removed() > 0;
        match () {
            () if self.receipt.is_some() => Stage::Done,
            () if self.withdrawn.is_some() => Stage::Withdrawn,
            () if self.breached.is_some() => Stage::Breached,
            () if self.blobs.step.is_held() => Stage::Restricted,
            () if self.stores_are_empty() => Stage::Edges,
            () if begun => Stage::Stores,
            () => Stage::Gated,
        }
    }

    /// The same erasure with the stored stage brought up to date.
    pub(crate) fn restaged(mut self) -> Self {
        self.stage = self.stage();
        self
    }

    pub(crate) fn stores_are_empty(&self) -> bool {
        self.records.step.is_absent() && self.blobs.step.is_absent()
    }

    /// Notes that the gate is closed: from here on fills are waited for. That is once, and once more if older records were
    /// put `back` since: they have forgotten whether it was open in between.
    pub(crate) fn note_gate(&mut self, now: OffsetDateTime, back: Option<OffsetDateTime>, policy: &Policy) {
        let known = self.closed.filter(|closed| back.is_none_or(|back| back <= *closed));
        if known.is_some() {
            return;
        }
        let closed = now.max(self.accepted);
        let anew = self.closed.replace(closed).is_some();
        for edge in &mut self.edges {
            if anew || matches!(edge.step, EdgeStep::Draining { .. }) {
                edge.step = EdgeStep::start(closed, policy);
            }
        }
    }

    /// The end of the life of a copy that was authorised just before the gate closed.
    pub(crate) fn outlived(&self, policy: &Policy) -> OffsetDateTime {
        policy.outlived(self.closed.unwrap_or(self.accepted))
    }

    /// Whether nothing is to go from the stores.
    pub(crate) fn spares_stores(&self) -> bool {
        self.subject.is_narrowing()
    }

    /// Whether the stores may not be touched yet.
    pub(crate) fn is_in_grace(&self, now: OffsetDateTime) -> bool {
        self.not_before.is_some_and(|then| now < then)
    }

    /// Whether its end is near: every target is proven, and it is for the log to take it.
    pub(crate) fn is_found(&self) -> bool {
        self.finding.is_some()
    }

    /// Whether the promised time has passed without notice being taken. What a hold keeps is not late.
    pub(crate) fn is_late(&self, now: OffsetDateTime) -> bool {
        now > self.due && self.breached.is_none() && !self.is_found() && !self.blobs.step.is_held()
    }

    /// When there is something to do again if nobody does anything to it meanwhile.
    pub(crate) fn next(&self, now: OffsetDateTime) -> OffsetDateTime {
        let soon = now + POLL;
        let stores = match (&self.records.step, &self.blobs.step) {
            _ if self.is_in_grace(now) => self.not_before,
            (_, StoreStep::Held { .. }) => Some(now + HELD_POLL),
            (StoreStep::Absent { .. }, StoreStep::Absent { .. }) => None,
            (StoreStep::Absent { .. }, _) => Some(self.blobs.attempts.next().unwrap_or(soon)),
            _ => Some(soon),
        };
        let planned = self.records.step.is_absent();
        let edges = self.edges.iter().filter(|edge| planned || !edge.step.needs_plan());
        let edges = edges.filter_map(EdgeTarget::next);
        // What is due now and was not done waits for something else, such as the plan.
        let edges = edges.map(|at| if at <= now { soon } else { at });
        // With nothing left to do it waits for parts of it that have erasures of their own.
        let work = stores.into_iter().chain(edges).min().unwrap_or(soon);
        let watched = self.breached.is_none() && !self.blobs.step.is_held();
        if watched { work.min(self.due + POLL) } else { work }
    }

    /// What has been proven, once there is nothing left to do: the only way to a [`Finding`].
    pub(crate) fn proven(&self) -> Option<Level> {
        let entombed = self.ledger != Ledgered::Unknown;
        if !entombed || !self.stores_are_empty() || !self.edges.iter().all(|edge| edge.step.is_done()) {
            return None;
        }
        let bounds = self.edges.iter().filter_map(|edge| match &edge.step {
            EdgeStep::Bounded { until } => Some(*until),
            _ => None,
        });
        Some(match (bounds.max(), self.edges.is_empty()) {
            (Some(until), _) => Level::TtlBounded { until },
            (None, false) => Level::EdgesVerified,
            (None, true) if self.spares_stores() => Level::Denied,
            (None, true) => Level::StoresEmpty,
        })
    }
}
