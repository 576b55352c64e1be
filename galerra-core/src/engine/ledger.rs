//! The ledger: what must not be forgotten lies with the blobs, so that it outlives the database and all its backups. Every
//! narrowing leaves a tombstone; every widening leaves a mark, and so does every legal hold. After a restore it is replayed
//! (`replay.rs`).

use bytes::Bytes;
use galerra_storage::{Key, whole};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::records::{Change, Part, Stored, stored};
use super::trash::Trashed;
use super::{Engine, Result, tail};
use crate::erasure::Ledgered;
use crate::{AccountId, Erasure, ErasureId, Error, Event, GalleryId, Hold, Lane, Subject, layout};

/// Tombstones listed at once.
const PAGE: usize = 500;

/// One tombstone: what was to be forgotten, by ids alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tombstone {
    pub(super) erasure: ErasureId,
    pub(super) owner: AccountId,
    pub(super) subject: Subject,
    /// Until when it could be brought back.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) not_before: Option<OffsetDateTime>,
    /// The time in its key: when it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) buried: OffsetDateTime,
    /// How fast it was asked to be.
    #[serde(default)]
    pub(super) lane: Lane,
    /// By when it was promised to be finished, where earlier versions have not left that out.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(super) due: Option<OffsetDateTime>,
    /// The networks that were in front.
    #[serde(default)]
    pub(super) networks: Vec<String>,
    /// Where it is in the trash: it is to be erased then.
    #[serde(default)]
    pub(super) trashed: Option<Trashed>,
}

/// One mark: what happened, and what of it is so again if the records have forgotten it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Marked {
    #[serde(flatten)]
    pub(super) told: Event,
    /// Nothing where whoever it was for may do it anew.
    #[serde(default)]
    pub(super) again: Option<Again>,
}

/// What a replay does again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Again {
    /// It is out of the trash, in which it was like this.
    TakenOut(Trashed),
    /// A legal hold stands like this.
    Hold(Hold),
    /// An account is back, and what was to erase it is taken back.
    BroughtBack(AccountId),
}

impl From<Event> for Marked {
    fn from(told: Event) -> Self {
        Self { told, again: None }
    }
}

/// A time that is kept: until when the records lived, how far back the ledger reaches, when older records were put back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Since {
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
}

impl Engine {
    /// Writes the tombstone of an erasure. Writing it again changes nothing.
    pub(super) async fn entomb(&self, erasure: &Erasure) -> Result<()> {
        let Erasure { id, owner, not_before, buried, lane, due, .. } = *erasure;
        let subject = erasure.subject.clone();
        if matches!(subject, Subject::Renditions { .. }) {
            return Ok(());
        }
        let trashed = self.trashed(owner, &subject).await?;
        let (due, networks) = (Some(due), erasure.edges.iter().map(|edge| edge.name.clone()).collect());
        let stone =
            Tombstone { erasure: id, owner, subject, not_before, buried, lane, due, networks, trashed };
        let text = serde_json::to_vec(&stone).map_err(|_| Error::Unreadable("Tombstone"))?;
        Ok(self.parts.blobs.put(&layout::tombstone(buried, id), whole(Bytes::from(text))).await?)
    }

    /// Makes sure of the tombstone of an erasure that is worked on. A failure is for the next try.
    pub(super) async fn entomb_again(&self, erasure: &mut Erasure) {
        if erasure.ledger != Ledgered::Unknown {
            return;
        }
        match self.entomb(erasure).await {
            Ok(()) => erasure.ledger = Ledgered::Entombed,
            Err(error) => {
                tracing::warn!(erasure = %erasure.id, code = error.code(), "a tombstone could not be written yet");
            }
        }
    }

    /// Makes sure of the tombstones of what was narrowed in a gallery by requests that did not get to their end: whoever asks
    /// again is told that it is so, and what was told is safe from every restore.
    pub(super) async fn entomb_narrowed(&self, owner: AccountId, gallery: GalleryId) -> Result<()> {
        let mut after = None;
        loop {
            let rows = self.parts.records.scan(&layout::parts_of(owner, gallery), after, PAGE).await?;
            for row in &rows {
                if stored::<Part>(row)?.value.subject.is_narrowing()
                    && let Ok(id) = tail(&row.key).parse()
                    && let Some(erasure) = self.read::<Erasure>(layout::erasure(id)).await?
                    && erasure.value.ledger == Ledgered::Unknown
                {
                    self.entomb(&erasure.value).await?;
                }
            }
            if rows.len() < PAGE {
                return Ok(());
            }
            after = rows.last().map(|row| row.key.clone());
        }
    }

    /// Takes the tombstone of an erasure away that was taken back.
    pub(super) async fn unbury(&self, erasure: &Erasure) -> Result<()> {
        self.parts.blobs.erase(&layout::tombstone(erasure.buried, erasure.id)).await?;
        Ok(())
    }

    /// Writes a mark.
    pub(super) async fn mark(&self, marked: &Marked) -> Result<()> {
        let text = serde_json::to_vec(marked).map_err(|_| Error::Unreadable("mark"))?;
        let mark = layout::mark(marked.told.at, marked.told.id);
        Ok(self.parts.blobs.put(&mark, whole(Bytes::from(text))).await?)
    }

    /// Commits a change of which the ledger knows first: after it more people may see something, or a hold is in force.
    ///
    /// A backup that is put back has forgotten it. It takes networks for emptier than they are: an erasure of copies that
    /// was half done then was taken back since. And it knows nothing of the hold.
    pub(super) async fn commit_marked(&self, change: Change, marked: &Marked) -> Result<()> {
        self.mark(marked).await?;
        match self.commit(change).await {
            Err(error) if error.is_conflict() => {
                // It did not happen. A mark that stays has the next start do what was asked for, and prove some things anew.
                self.parts.blobs.erase(&layout::mark(marked.told.at, marked.told.id)).await.ok();
                Err(error)
            }
            done => done.map(|_| ()),
        }
    }

    /// Notes once an hour that the records live.
    pub(super) async fn beat(&self, now: OffsetDateTime, lived: Option<Stored<Since>>) -> Result<()> {
        if lived.as_ref().is_some_and(|lived| now - lived.value.at < Duration::hours(1)) {
            return Ok(());
        }
        let mut change = Change::default();
        change.put(layout::heartbeat(), lived.map(|lived| lived.version), &Since { at: now });
        self.let_conflict_pass(change).await
    }

    /// Lets tombstones go that are older than any backup may be: the horizon first, so that what is gone is known to be.
    pub(super) async fn prune_ledger(&self) -> Result<()> {
        let now = self.parts.env.now();
        let lived: Option<Stored<Since>> = self.read(layout::heartbeat()).await?;
        let rested = lived.as_ref().is_none_or(|lived| now - lived.value.at >= Duration::hours(1));
        if !rested {
            return Ok(());
        }
        self.beat(now, lived).await?;
        let end = now - self.parts.policy.backup_life * 2;
        let old = self.parts.blobs.list(&layout::ledger(), None, PAGE).await?;
        let old: Vec<Key> = old.into_iter().map(|entry| entry.key).collect();
        let old: Vec<Key> = old.into_iter().filter(|key| layout::is_line_before(key, end)).collect();
        if old.is_empty() {
            return Ok(());
        }
        let horizon = serde_json::to_vec(&Since { at: end }).map_err(|_| Error::Unreadable("horizon"))?;
        self.parts.blobs.put(&layout::horizon(), whole(Bytes::from(horizon))).await?;
        self.erase_blobs(old).await.map(|_| ())
    }
}
