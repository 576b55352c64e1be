use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{EdgeTarget, Erasure, ErasureId, Lane, StoreTarget, Subject};

/// How much a receipt proves; it never claims more than its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "level", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Level {
    /// Every store was read back empty; there was no network in front.
    StoresEmpty,
    /// And every edge of every network was probed absent, twice.
    EdgesVerified,
    /// And every network was purged, but one at least cannot be probed: no copy outlives `until`.
    TtlBounded {
        /// The end of the life of the last possible copy.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
}

/// Proof that something is gone: made from a finished [`Erasure`] and in no other way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of this document.
    version: u32,
    /// The erasure it proves.
    erasure: ErasureId,
    /// What was erased, by ids only.
    subject: Subject,
    /// How fast it was asked to be.
    lane: Lane,
    /// How much it proves.
    #[serde(flatten)]
    level: Level,
    /// When it was accepted and the origin stopped serving it.
    #[serde(with = "time::serde::rfc3339")]
    accepted: OffsetDateTime,
    /// When the last evidence was taken.
    #[serde(with = "time::serde::rfc3339")]
    finished: OffsetDateTime,
    /// By when it was promised.
    #[serde(with = "time::serde::rfc3339")]
    due: OffsetDateTime,
    /// Whether the promise was kept.
    in_time: bool,
    /// Evidence for each store that something had to go from.
    stores: Vec<StoreTarget>,
    /// Evidence for each network.
    edges: Vec<EdgeTarget>,
    /// What no service can take back.
    out_of_scope: String,
}

impl Receipt {
    /// The receipt of an erasure whose every target is proven; `None` while one is not.
    pub(crate) fn of(erasure: &Erasure, now: OffsetDateTime) -> Option<Self> {
        let level = erasure.proven()?;
        Some(Self {
            version: 1,
            erasure: erasure.id,
            subject: erasure.subject.clone(),
            lane: erasure.lane,
            level,
            accepted: erasure.accepted,
            finished: now,
            due: erasure.due,
            in_time: now <= erasure.due,
            stores: match erasure.subject {
                // Nothing was to go from them.
                Subject::Copies { .. } => Vec::new(),
                _ => vec![erasure.records.clone(), erasure.blobs.clone()],
            },
            edges: erasure.edges.clone(),
            out_of_scope: "copies that viewers made, backups of the operator".to_owned(),
        })
    }

    /// How much it proves.
    #[must_use]
    pub fn level(&self) -> &Level {
        &self.level
    }
}
