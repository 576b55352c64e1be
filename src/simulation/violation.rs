//! What must never happen.

use std::fmt;
use std::time::Duration;

/// A promise that was broken, with an account of how it was noticed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// There is a receipt, and a store or a cache still holds, or gets again, what it says is gone.
    #[error("a receipt came too early {0}")]
    ReceiptTooEarly(Account),
    /// The origin served or listed something after its gate had closed.
    #[error("the origin served what is gated {0}")]
    ServedAfterGate(Account),
    /// A copy was served longer than the promised times allow.
    #[error("a copy outlived its time {0}")]
    Outlived(Account),
    /// Somebody saw what was private, hidden, held or in the trash.
    #[error("somebody saw what is not for them {0}")]
    Widened(Account),
    /// Something is gone that nobody deleted.
    #[error("something is lost {0}")]
    Lost(Account),
    /// An answer said that something was done, and it was not.
    #[error("an answer was not true {0}")]
    Untrue(Account),
    /// Something was not finished although everything had healed.
    #[error("something does not end {0}")]
    Stuck(Account),
    /// Something was created in what is gated or in the trash.
    #[error("something came into what is closed {0}")]
    BornDead(Account),
    /// An id was given twice.
    #[error("an id was given again {0}")]
    Reissued(Account),
    /// Bytes were left that no record knows.
    #[error("bytes were left behind {0}")]
    Orphaned(Account),
    /// Something erased was back after a restore.
    #[error("something erased came back {0}")]
    Resurrected(Account),
}

/// When it was noticed, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// How far into the history.
    pub at: Duration,
    /// What was seen.
    pub told: String,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", Stamp(self.at), self.told)
    }
}

/// A time as traces write it: hours, minutes, seconds, milliseconds.
pub(super) struct Stamp(pub(super) Duration);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        write!(f, "{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}
