//! What has to be proven empty or clean, and how far it is.

use galerra_cdn::Ticket;
use galerra_storage::Semantics;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Attempts;
use crate::Policy;

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
    /// All is gone but the originals that a legal hold keeps.
    Held {
        /// How many were removed.
        removed: u64,
        /// How many are kept.
        kept: u64,
        /// When that was seen.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
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
            Self::Erasing { removed, .. } | Self::Held { removed, .. } | Self::Absent { removed, .. } => {
                *removed
            }
        }
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }

    pub(crate) fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
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

impl EdgeTarget {
    /// Has the network asked for a page of the plan that was not there before, if it was asked for pages at all.
    pub(crate) fn ask_again(&mut self, page: u32, now: OffsetDateTime) {
        if let EdgeStep::Probing { probes, .. } | EdgeStep::Verified { probes, .. } = self.step {
            self.step = EdgeStep::Probing { rounds: 0, probes, page, after: now };
        }
    }

    /// When there is something to do again; `None` when it is done.
    pub(crate) fn next(&self) -> Option<OffsetDateTime> {
        let step = match &self.step {
            EdgeStep::Draining { until }
            | EdgeStep::PurgedOnce { until, .. }
            | EdgeStep::PurgedTwice { until, .. } => *until,
            EdgeStep::Probing { after, .. } => *after,
            EdgeStep::Verified { .. } | EdgeStep::Bounded { .. } => return None,
        };
        Some(self.attempts.next().map_or(step, |next| next.max(step)))
    }
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
        /// Pages of the plan asked for in this round.
        page: u32,
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

    /// Whether the next step asks for everything in the plan, which is whole once the records are gone.
    pub(crate) fn needs_plan(&self) -> bool {
        matches!(self, Self::Probing { .. })
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Verified { .. } | Self::Bounded { .. })
    }
}
