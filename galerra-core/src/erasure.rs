use galerra_cdn::{Sighting, Ticket};
use galerra_storage::Semantics;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{AccountId, ErasureId, GalleryId, ImageId, Level, Policy, Receipt};

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
    /// Renditions of an image that others have taken the place of.
    Renditions {
        /// The gallery it is in.
        gallery: GalleryId,
        /// The image.
        image: ImageId,
    },
}

/// How fast an erasure is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Lane {
    /// Within the promised window.
    Standard,
}

/// Where an erasure stands, as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The origin refuses it; the plan is durable.
    Gated,
    /// Stores are being emptied.
    Stores,
    /// Stores are proven empty; edges are not proven clean yet.
    Edges,
    /// There is a receipt.
    Done,
    /// The promised time has passed; the work goes on.
    Breached,
    /// Its owner has shown it to everyone again before it was gone: there is nothing to prove any more.
    Withdrawn,
}

/// One try at a target, kept as evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What was tried and what came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a try.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The network accepted a purge. Not evidence of absence.
    PurgeAccepted {
        /// The network's ticket.
        ticket: Ticket,
    },
    /// A probe found the bytes, or could not tell.
    NotClean {
        /// What it saw.
        seen: Sighting,
    },
    /// The call failed.
    Failed {
        /// Stable code or text without personal data.
        error: String,
    },
}

/// Most attempts kept for one target; older ones are only counted.
const ATTEMPTS_KEPT: usize = 32;
/// Longest pause between two tries at one target.
const LONGEST_PAUSE: Duration = Duration::minutes(5);

/// The tries at one target: the latest in full, the older ones as a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Attempts {
    /// How many there were.
    pub count: u32,
    /// The latest.
    pub latest: Vec<Attempt>,
    failures: u32,
    #[serde(with = "time::serde::rfc3339::option")]
    next: Option<OffsetDateTime>,
}

impl Attempts {
    /// Notes a try that moved the target on.
    pub(crate) fn accepted(&mut self, at: OffsetDateTime, ticket: Ticket) {
        self.note(at, Outcome::PurgeAccepted { ticket });
    }

    /// Notes a try that did not, and when to try again: doubling from one second, never giving up.
    pub(crate) fn failed(&mut self, at: OffsetDateTime, outcome: Outcome) {
        let pause = Duration::seconds(1 << self.failures.min(9)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.next = Some(at + pause);
        self.note(at, outcome);
    }

    /// Forgets the pause: the target answered.
    pub(crate) fn recovered(&mut self) {
        self.failures = 0;
        self.next = None;
    }

    /// Whether the pause after the last failure is over.
    pub(crate) fn is_due(&self, now: OffsetDateTime) -> bool {
        self.next.is_none_or(|next| now >= next)
    }

    fn note(&mut self, at: OffsetDateTime, outcome: Outcome) {
        self.count += 1;
        if self.latest.len() == ATTEMPTS_KEPT {
            self.latest.remove(0);
        }
        self.latest.push(Attempt { at, outcome });
    }
}

/// A store that has to be proven empty.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoreTarget {
    /// What a delete does there.
    pub semantics: Semantics,
    /// How far it is.
    pub step: StoreStep,
    /// The tries that failed.
    pub attempts: Attempts,
}

/// How far a store is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum StoreStep {
    /// Things are being removed.
    Erasing {
        /// How many so far.
        removed: u64,
        /// Pages of the plan done so far.
        page: u32,
    },
    /// A full listing came back empty.
    Absent {
        /// How many were removed.
        removed: u64,
        /// When the listing was empty.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
}

impl StoreStep {
    pub(crate) fn removed(&self) -> u64 {
        match self {
            Self::Erasing { removed, .. } | Self::Absent { removed, .. } => *removed,
        }
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }
}

/// A network that has to be proven clean.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EdgeTarget {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub step: EdgeStep,
    /// The tries, purges included.
    pub attempts: Attempts,
}

/// How far a network is. Each step holds only what the next one needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum EdgeStep {
    /// Waiting until no fill that was authorised before the gate can land any more.
    Draining {
        /// When the counted purge may start.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// The first counted purge was accepted.
    PurgedOnce {
        /// The network's ticket.
        ticket: Ticket,
        /// When the second may start: the purge has spread, and so has any refill from a dirty parent.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// The second counted purge was accepted.
    PurgedTwice {
        /// The network's ticket.
        ticket: Ticket,
        /// When it has spread.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// Every response is being asked for; two clean rounds, `fill_max` apart, are proof.
    Probing {
        /// Clean rounds so far.
        rounds: u32,
        /// Responses asked for in all rounds.
        probes: u64,
        /// When the next round may start.
        #[serde(with = "time::serde::rfc3339")]
        after: OffsetDateTime,
    },
    /// Probed absent.
    Verified {
        /// When the last round ended.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        /// Responses asked for in all rounds.
        probes: u64,
    },
    /// Purged, but the network cannot be probed: no copy outlives `until`.
    Bounded {
        /// The end of the life of the last possible copy.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
}

impl EdgeStep {
    /// The first step of an erasure gated at `gated`, and of one that has to start over at `gated`.
    pub(crate) fn start(gated: OffsetDateTime, policy: &Policy) -> Self {
        Self::Draining { until: gated + policy.fill_max }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Verified { .. } | Self::Bounded { .. })
    }
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
    /// By when it is promised to be finished.
    #[serde(with = "time::serde::rfc3339")]
    pub due: OffsetDateTime,
    /// When it was late, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub breached: Option<OffsetDateTime>,
    /// Where it stands; for SQL views, kept equal to [`Erasure::stage`] by [`Erasure::restaged`].
    pub(crate) stage: Stage,
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
    /// When it was withdrawn, if it was; only copies can be.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) withdrawn: Option<OffsetDateTime>,
    /// The proof.
    pub receipt: Option<Receipt>,
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

    /// What has been proven, once there is nothing left to do: the only way to a [`Receipt`].
    pub(crate) fn proven(&self) -> Option<Level> {
        if !self.stores_are_empty() || !self.edges.iter().all(|edge| edge.step.is_done()) {
            return None;
        }
        let bounds = self.edges.iter().filter_map(|edge| match &edge.step {
            EdgeStep::Bounded { until } => Some(*until),
            _ => None,
        });
        Some(match (bounds.max(), self.edges.is_empty()) {
            (Some(until), _) => Level::TtlBounded { until },
            (None, false) => Level::EdgesVerified,
            (None, true) => Level::StoresEmpty,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_never_given_up_and_the_latest_are_kept() {
        let mut attempts = Attempts::default();
        let mut now = OffsetDateTime::UNIX_EPOCH;
        for _ in 0..100 {
            attempts.failed(now, Outcome::Failed { error: "down".to_owned() });
            assert!(!attempts.is_due(now));
            now += LONGEST_PAUSE;
            assert!(attempts.is_due(now));
        }
        assert_eq!((attempts.count, attempts.latest.len()), (100, ATTEMPTS_KEPT));
    }
}
