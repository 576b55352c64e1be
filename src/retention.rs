use galerra_core::Policy;
use serde::Deserialize;
use time::Duration;

use crate::OpenError;

/// What is promised, and how long everything is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// By when an erasure is finished, in hours.
    pub promise_hours: f64,
    /// By when it should be, in hours.
    pub target_hours: f64,
    /// By when an expedited erasure is finished, in hours.
    pub expedited_hours: f64,
    /// Longest life of a response in shared caches, in hours; an hour less than the promise at the most.
    pub edge_hours: f64,
    /// How many days what is deleted lies in the trash.
    pub trash_days: f64,
    /// How many days an account that its owner has deleted can be brought back; 30 at the most.
    pub account_grace_days: f64,
    /// How many days a link lives that names no end of its own.
    pub share_days: f64,
    /// How many days a link is kept after it has expired.
    pub expired_share_days: f64,
    /// How many days events stay in the feed.
    pub event_days: f64,
    /// How many days a finished erasure is shown with its receipt.
    pub receipt_days: f64,
    /// How many days old a backup may be that is restored.
    pub backup_days: f64,
}

impl Default for Retention {
    fn default() -> Self {
        let policy = Policy::default();
        let (hours, days) = (Duration::HOUR.as_seconds_f64(), Duration::DAY.as_seconds_f64());
        let hours = |time: Duration| time.as_seconds_f64() / hours;
        let days = |time: Duration| time.as_seconds_f64() / days;
        Self {
            promise_hours: hours(policy.promise),
            target_hours: hours(policy.target),
            expedited_hours: hours(policy.expedited),
            edge_hours: hours(policy.edge_ttl),
            trash_days: days(policy.trash_life),
            account_grace_days: days(policy.account_grace),
            share_days: days(policy.share_life),
            expired_share_days: days(policy.expired_share_life),
            event_days: days(policy.event_life),
            receipt_days: days(policy.receipt_life),
            backup_days: days(policy.backup_life),
        }
    }
}

impl Retention {
    /// The policy that keeps it; an error names the number that is no sensible count.
    pub(crate) fn policy(&self) -> Result<Policy, OpenError> {
        Ok(Policy {
            promise: many("retention.promise_hours", self.promise_hours, Duration::HOUR)?,
            target: many("retention.target_hours", self.target_hours, Duration::HOUR)?,
            expedited: many("retention.expedited_hours", self.expedited_hours, Duration::HOUR)?,
            edge_ttl: many("retention.edge_hours", self.edge_hours, Duration::HOUR)?,
            trash_life: many("retention.trash_days", self.trash_days, Duration::DAY)?,
            account_grace: many("retention.account_grace_days", self.account_grace_days, Duration::DAY)?,
            share_life: many("retention.share_days", self.share_days, Duration::DAY)?,
            expired_share_life: many("retention.expired_share_days", self.expired_share_days, Duration::DAY)?,
            event_life: many("retention.event_days", self.event_days, Duration::DAY)?,
            receipt_life: many("retention.receipt_days", self.receipt_days, Duration::DAY)?,
            backup_life: many("retention.backup_days", self.backup_days, Duration::DAY)?,
            ..Policy::default()
        })
    }
}

/// So many hours or days, up to a century.
fn many(what: &'static str, count: f64, of: Duration) -> Result<Duration, OpenError> {
    let time = count * of.as_seconds_f64();
    let sensible = (0.0..=36_525.0 * Duration::DAY.as_seconds_f64()).contains(&time);
    if sensible { Ok(Duration::seconds_f64(time)) } else { Err(OpenError::Unreadable { what }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_the_policys_own() {
        let policy = Retention::default().policy().unwrap();
        assert_eq!(format!("{policy:?}"), format!("{:?}", Policy::default()));
    }

    #[test]
    fn what_is_set_is_kept_and_nonsense_is_refused() {
        let set = Retention {
            promise_hours: 30.0,
            target_hours: 12.0,
            expedited_hours: 0.5,
            edge_hours: 6.0,
            trash_days: 7.0,
            account_grace_days: 14.0,
            share_days: 2.0,
            expired_share_days: 3.0,
            event_days: 80.0,
            receipt_days: 100.0,
            backup_days: 10.0,
        };
        let policy = set.policy().unwrap();
        let hours = [policy.promise, policy.target, policy.expedited, policy.edge_ttl];
        assert_eq!(hours.map(Duration::whole_minutes), [1800, 720, 30, 360]);
        let days = [policy.trash_life, policy.account_grace, policy.share_life, policy.expired_share_life];
        assert_eq!(days.map(Duration::whole_days), [7, 14, 2, 3]);
        let days = [policy.event_life, policy.receipt_life, policy.backup_life];
        assert_eq!(days.map(Duration::whole_days), [80, 100, 10]);
        for wrong in [-1.0, f64::NAN, f64::INFINITY, 40_000.0] {
            let refused = Retention { trash_days: wrong, ..Retention::default() }.policy().unwrap_err();
            assert!(refused.to_string().contains("`retention.trash_days`"), "{wrong}: {refused}");
        }
    }
}
