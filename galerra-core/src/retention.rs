use serde::Serialize;
use time::Duration;

use self::Action::{Erase, Remove};
use crate::Policy;

/// How long something is kept, and what happens then: the one list that the scheduler works by and the operator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// What it is about.
    pub name: Retained,
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

/// What a rule lets go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retained {
    /// What lies in the trash.
    Trash,
    /// Accounts that were deleted and may be brought back.
    AccountGrace,
    /// What uploads left that were cut short.
    AbandonedUpload,
    /// Links that have expired.
    ExpiredShare,
    /// Lines of the event feed.
    Event,
    /// Erasures that have ended, with their receipts.
    FinishedErasure,
    /// Lines of the ledger beside the blobs.
    Tombstone,
}

impl Retained {
    /// Its name, kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trash => "trash",
            Self::AccountGrace => "account-grace",
            Self::AbandonedUpload => "abandoned-upload",
            Self::ExpiredShare => "expired-share",
            Self::Event => "event",
            Self::FinishedErasure => "finished-erasure",
            Self::Tombstone => "tombstone",
        }
    }
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
        use Retained::{
            AbandonedUpload, AccountGrace, Event, ExpiredShare, FinishedErasure, Tombstone, Trash,
        };
        let rule = |name, since, after, action, basis| Rule { name, since, after, action, basis };
        let taken_back = "its owner may take it back";
        vec![
            rule(Trash, "put into the trash", self.trash_life, Erase, taken_back),
            rule(AccountGrace, "deleted by its owner", self.account_grace, Erase, taken_back),
            rule(AbandonedUpload, "begun", self.write_lease, Remove, "somebody may still be writing"),
            rule(ExpiredShare, "expired", self.expired_share_life, Remove, "its owner sees what was shared"),
            rule(Event, "happened", self.event_life, Remove, "whoever embeds Galerra reads the feed"),
            rule(FinishedErasure, "finished", self.receipt_life, Remove, "its owner fetches the receipt"),
            rule(Tombstone, "accepted", self.backup_life * 2, Remove, "backups may be restored"),
        ]
    }
}
