use time::{Duration, OffsetDateTime};

use crate::Rate;

/// The times and limits that Galerra promises to keep.
#[derive(Debug, Clone)]
pub struct Policy {
    /// By when an erasure is promised to be finished, counted from its acceptance.
    pub promise: Duration,
    /// By when it should be: what takes longer shows in the metrics.
    pub target: Duration,
    /// By when an expedited erasure is promised to be finished.
    pub expedited: Duration,
    /// Longest life of a response in shared caches: the backstop if every purge fails.
    pub edge_ttl: Duration,
    /// Longest time between the origin's decision and the copy landing in the last cache.
    pub fill_max: Duration,
    /// Longest time an accepted purge takes to reach the last edge, where the network does not know better.
    pub purge_max: Duration,
    /// Life of a write lease: an upload that has not committed by then never will.
    pub write_lease: Duration,
    /// Life of a grant: the longest an earlier decision may still be acted upon.
    pub grant_life: Duration,
    /// Life of a share for which no expiry was asked.
    pub share_life: Duration,
    /// Most links of one gallery.
    pub max_links: u32,
    /// How fast one address may guess the password of one link.
    pub guesses_of_address: Rate,
    /// How fast all of them together may.
    pub guesses_of_link: Rate,
    /// How long what is deleted lies in the trash.
    pub trash_life: Duration,
    /// How long an account that its owner has deleted can be brought back; nobody sees anything of it meanwhile.
    pub account_grace: Duration,
    /// How long ago whoever deletes their account may have proved who they are.
    pub reauthentication: Duration,
    /// How long a link is kept after it has expired.
    pub expired_share_life: Duration,
    /// How long events stay in the feed.
    pub event_life: Duration,
    /// How long a finished erasure is shown with its receipt. What the log says of it stays.
    pub receipt_life: Duration,
    /// How old a backup may be that is restored: tombstones live twice as long.
    pub backup_life: Duration,
    /// Most images of one gallery that guests have sent and its owner has not taken yet.
    pub max_held: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            promise: Duration::hours(48),
            target: Duration::hours(24),
            expedited: Duration::hours(1),
            edge_ttl: Duration::hours(24),
            fill_max: Duration::seconds(120),
            purge_max: Duration::seconds(30),
            write_lease: Duration::seconds(60),
            grant_life: Duration::minutes(5),
            share_life: Duration::days(30),
            max_links: 100,
            guesses_of_address: Rate { burst: 10, every: Duration::seconds(10) },
            guesses_of_link: Rate { burst: 100, every: Duration::seconds(10) },
            trash_life: Duration::days(30),
            account_grace: Duration::ZERO,
            reauthentication: Duration::minutes(10),
            expired_share_life: Duration::days(30),
            event_life: Duration::days(90),
            receipt_life: Duration::days(400),
            backup_life: Duration::days(30),
            max_held: 500,
        }
    }
}

/// Why a policy cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy cannot be kept: {0}")]
pub struct PolicyError(&'static str);

impl Policy {
    /// The end of the life of every copy whose making was allowed before then.
    #[must_use]
    pub fn outlived(&self, then: OffsetDateTime) -> OffsetDateTime {
        then + self.fill_max + self.edge_ttl
    }

    /// Refuses a policy whose promise could fail by its own numbers.
    pub fn checked(self) -> Result<Self, PolicyError> {
        let times = [self.edge_ttl, self.fill_max, self.purge_max, self.write_lease];
        if times.iter().any(|time| time.is_negative()) || !self.write_lease.is_positive() {
            return Err(PolicyError("a time is negative or the write lease is zero"));
        }
        if self.edge_ttl + self.fill_max + Duration::hours(1) > self.promise {
            return Err(PolicyError(
                "shared caches may keep a response for at most the promised window less one hour",
            ));
        }
        if self.fill_max * 3 + self.purge_max * 3 > self.expedited {
            return Err(PolicyError(
                "an expedited erasure cannot wait for purges and fills within its promise",
            ));
        }
        if self.account_grace.is_negative() || self.account_grace > Duration::days(30) {
            return Err(PolicyError("an account can be brought back for at most 30 days"));
        }
        // Else a line of the ledger would be taken for one that the records have lost, and carried out once more.
        if self.receipt_life.min(self.event_life) < self.backup_life * 2 + Duration::days(1) {
            return Err(PolicyError(
                "events and finished erasures are known for longer than the ledger tells of them",
            ));
        }
        if self.grant_life > Duration::minutes(5) {
            return Err(PolicyError("a grant lives for at most five minutes"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_life_that_outlives_the_promise_is_refused() {
        assert!(Policy::default().checked().is_ok());
        assert!(Policy { edge_ttl: Duration::hours(48), ..Policy::default() }.checked().is_err());
        assert!(Policy { promise: Duration::hours(24), ..Policy::default() }.checked().is_err());
    }

    #[test]
    fn times_that_contradict_each_other_are_refused() {
        let refused = |policy: Policy| assert!(policy.checked().is_err());
        refused(Policy { receipt_life: Duration::days(60), ..Policy::default() });
        refused(Policy { account_grace: Duration::days(31), ..Policy::default() });
        refused(Policy { expedited: Duration::minutes(5), ..Policy::default() });
        refused(Policy { event_life: Duration::days(60), ..Policy::default() });
    }
}
