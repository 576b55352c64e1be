//! The tries at a target, kept as evidence, and when to try again.

use galerra_cdn::{Sighting, Ticket};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::Env;

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

    /// Notes a try that did not, and when to try again: after a pause that doubles from one second to five minutes,
    /// less up to half of it by the dice, so that what failed together does not come back together. Never gives up.
    pub(crate) fn failed(&mut self, at: OffsetDateTime, outcome: Outcome, env: &dyn Env) {
        let pause = Duration::seconds(1 << self.failures.min(9)).min(LONGEST_PAUSE);
        let [dice, ..] = env.random();
        self.failures = self.failures.saturating_add(1);
        self.next = Some(at + pause - pause * f64::from(dice) / 512.0);
        self.note(at, outcome);
    }

    /// Puts the next try off until the target wants to be asked again.
    pub(crate) fn no_earlier(&mut self, than: OffsetDateTime) {
        self.next = self.next.max(Some(than));
    }

    /// When to try again, if the last try failed.
    pub(crate) fn next(&self) -> Option<OffsetDateTime> {
        self.next
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
        self.count = self.count.saturating_add(1);
        if self.latest.len() == ATTEMPTS_KEPT {
            self.latest.remove(0);
        }
        self.latest.push(Attempt { at, outcome });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Dice;

    impl Env for Dice {
        fn now(&self) -> OffsetDateTime {
            OffsetDateTime::UNIX_EPOCH
        }

        fn random(&self) -> [u8; 32] {
            [255; 32]
        }
    }

    #[test]
    fn tries_are_never_given_up_and_the_latest_are_kept() {
        let mut attempts = Attempts::default();
        let mut now = OffsetDateTime::UNIX_EPOCH;
        for _ in 0..100 {
            attempts.failed(now, Outcome::Failed { error: "down".to_owned() }, &Dice);
            assert!(!attempts.is_due(now));
            now += LONGEST_PAUSE;
            assert!(attempts.is_due(now));
        }
        assert_eq!((attempts.count, attempts.latest.len()), (100, ATTEMPTS_KEPT));
    }
}
