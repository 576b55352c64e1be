use serde::Serialize;
use time::Duration;

use self::Action::{Erase, Remove};
use crate::Policy;

/// How long something is kept, and what happens then: the one list that the scheduler works by and the operator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name, kebab-case.
    pub name: &'static str,
    /// From when on time counts.
    pub since: &'static str,
    /// How long it is kept.
    #[serde(skip)]
    pub after: Duration,
    /// What happens then.
    pub action: Action,
    /// Why it is kept that long.
    pub basis: &'static str,
}

/// What happens when the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// An erasure begins, which ends with a receipt.
    Erase,
    /// The record goes.
    Remove,
}

impl Policy {
    /// Every retention rule.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        let rule = |name, since, after, action, basis| Rule { name, since, after, action, basis };
        vec![
            rule("trash", "put into the trash", self.trash_life, Erase, "its owner may take it back"),
            rule(
                "account-grace",
                "deleted by its owner",
                self.account_grace,
                Erase,
                "its owner may take it back",
            ),
            rule("abandoned-upload", "begun", self.write_lease, Remove, "somebody may still be writing"),
            rule(
                "expired-share",
                "expired",
                self.expired_share_life,
                Remove,
                "its owner sees what was shared",
            ),
            rule("event", "happened", self.event_life, Remove, "whoever embeds Galerra reads the feed"),
            rule("finished-erasure", "finished", self.receipt_life, Remove, "its owner fetches the receipt"),
            rule("tombstone", "accepted", self.backup_life * 2, Remove, "backups may be restored"),
        ]
    }
}
