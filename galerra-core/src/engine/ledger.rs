//! The ledger: tombstones that lie with the blobs, so that they outlive the database and all its backups. After a
//! restore it is replayed before anything is served.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use galerra_storage::{Key, collect, whole};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::gate::Cause;
use super::records::{Change, Stored};
use super::{Engine, Result, ranked};
use crate::erasure::Ledgered;
use crate::plan::PlanPage;
use crate::{
    Account, AccountId, Erasure, ErasureId, Error, Gallery, Image, Lane, Life, Narrowed, Shares, Subject,
    Tally, Visibility, layout,
};

/// Tombstones listed at once.
const PAGE: usize = 500;
/// Days looked at side by side.
const AT_ONCE: usize = 8;
/// How many days with tombstones have to be known in full before the older ones are believed to be.
const KNOWN_DAYS: usize = 2;

/// One tombstone: what was to be forgotten, by ids alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tombstone {
    erasure: ErasureId,
    owner: AccountId,
    subject: Subject,
    /// Until when it could be brought back.
    #[serde(with = "time::serde::rfc3339::option")]
    not_before: Option<OffsetDateTime>,
    /// The time in its key.
    #[serde(with = "time::serde::rfc3339")]
    buried: OffsetDateTime,
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
        let Erasure { id, owner, not_before, buried, .. } = *erasure;
        let subject = erasure.subject.clone();
        if matches!(subject, Subject::Renditions { .. }) {
            return Ok(());
        }
        let stone = Tombstone { erasure: id, owner, subject, not_before, buried };
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

    /// Takes the tombstone of an erasure away that was taken back.
    pub(super) async fn unbury(&self, erasure: &Erasure) -> Result<()> {
        self.parts.blobs.erase(&layout::tombstone(erasure.buried, erasure.id)).await?;
        Ok(())
    }

    /// Hides again whatever the ledger says is to be forgotten and the records, which may come from an older backup, know
    /// nothing of. To be called before anything is served; answers how many erasures began anew.
    ///
    /// Refuses records that are older than the oldest tombstone: what was forgotten since cannot be told any more.
    pub async fn replay(&self) -> Result<usize> {
        let now = self.parts.env.now();
        self.check_horizon(now).await?;
        self.recover_log().await?;
        self.note_rules().await?;
        let oldest = now - self.parts.policy.backup_life * 2 - Duration::days(1);
        let days = (0..).map(|nth| now + Duration::days(1) - Duration::days(nth));
        let days: Vec<_> = days.take_while(|day| *day >= oldest).collect();
        let pages = stream::iter(days).map(|day| self.unknown_of(day)).buffered(AT_ONCE);
        futures::pin_mut!(pages);
        let (mut replayed, mut known) = (0, 0);
        while let Some(Day { tombstones, unknown }) = pages.try_next().await? {
            if replayed == 0 && !unknown.is_empty() {
                self.note_restore(now).await?;
            }
            for key in &unknown {
                self.bury(key).await?;
            }
            replayed += unknown.len();
            known = if unknown.is_empty() { known + usize::from(tombstones > 0) } else { 0 };
            if known == KNOWN_DAYS {
                break;
            }
        }
        if replayed > 0 {
            tracing::warn!(replayed, "the records did not know of some deletions: they were restored");
        }
        Ok(replayed)
    }

    /// Notes, before anything is carried out again, that the records have forgotten what happened before now.
    async fn note_restore(&self, now: OffsetDateTime) -> Result<()> {
        let known: Option<Stored<Since>> = self.read(layout::restored()).await?;
        let mut change = Change::default();
        change.put(layout::restored(), known.map(|known| known.version), &Since { at: now });
        match self.commit(change).await {
            // Another process has just noted it.
            Err(error) if !error.is_conflict() => Err(error),
            _ => Ok(()),
        }
    }

    /// Which tombstones of a day the records know nothing of.
    async fn unknown_of(&self, day: OffsetDateTime) -> Result<Day> {
        let folder = layout::tombstones(day);
        let mut found = Day::default();
        let mut after = None;
        loop {
            let page = self.parts.blobs.list(&folder, after, PAGE).await?;
            let full = page.len() == PAGE;
            after = page.last().map(|entry| entry.key.clone());
            found.tombstones += page.len();
            let keys: Vec<Key> = page.into_iter().map(|entry| entry.key).collect();
            let erasures: Vec<Key> = keys.iter().filter_map(ranked).map(layout::erasure).collect();
            let rows = self.parts.records.get(&erasures).await?;
            let known: BTreeSet<ErasureId> =
                rows.iter().flatten().filter_map(|row| layout::erasure_of(&row.key)).collect();
            found
                .unknown
                .extend(keys.into_iter().filter(|key| ranked(key).is_none_or(|id| !known.contains(&id))));
            if !full {
                return Ok(found);
            }
        }
    }

    /// Begins an erasure anew of which nothing but the tombstone is left.
    async fn bury(&self, key: &Key) -> Result<()> {
        let Some(blob) = self.parts.blobs.get(key, None).await? else { return Ok(()) };
        let bytes = collect(blob.body).await.map_err(|_| Error::Unreadable("Tombstone"))?;
        let stone: Tombstone = serde_json::from_slice(&bytes).map_err(|_| Error::Unreadable("Tombstone"))?;
        let cause = Cause { id: stone.erasure, lane: Lane::Standard, ledger: Ledgered::Entombed };
        self.settle(|| async {
            let mut change = Change::default();
            let hidden = self.hide_again(&mut change, cause, &stone).await?;
            let erasure = hidden.unwrap_or_else(|| self.plan(cause, stone.owner, stone.subject.clone(), ""));
            let promised = cause.lane.promise(&self.parts.policy);
            let due = stone.not_before.map_or(erasure.due, |end| erasure.due.max(end + promised));
            let erasure = Erasure { not_before: stone.not_before, buried: stone.buried, due, ..erasure };
            self.accept_into(&mut change, &erasure);
            match self.commit(change).await {
                // Another process has begun the same.
                Err(error) if error.is_conflict() && self.is_known(stone.erasure).await? => Ok(()),
                done => done.map(|_| ()),
            }
        })
        .await
    }

    async fn is_known(&self, id: ErasureId) -> Result<bool> {
        Ok(self.read::<serde_json::Value>(layout::erasure(id)).await?.is_some())
    }

    /// Adds to a change that what was to be forgotten is hidden again, if there is anything to hide.
    async fn hide_again(
        &self,
        change: &mut Change,
        cause: Cause,
        stone: &Tombstone,
    ) -> Result<Option<Erasure>> {
        let owner = stone.owner;
        Ok(match stone.subject {
            Subject::Image { gallery, image } => {
                let found: Option<Stored<Image>> = self.read(layout::image(owner, gallery, image)).await?;
                match found.filter(|found| found.value.life.is_there()) {
                    Some(found) => Some(self.hide_image(change, cause, found).await?),
                    None => None,
                }
            }
            Subject::Gallery { gallery } => {
                let found: Option<Stored<Gallery>> = self.read(layout::gallery(owner, gallery)).await?;
                match found.filter(|found| found.value.life.is_there()) {
                    Some(found) => Some(self.hide_gallery(change, cause, found).await?),
                    None => None,
                }
            }
            Subject::Account => {
                let found: Option<Stored<Account>> = self.read(layout::account(owner)).await?;
                let found = found.filter(|found| found.value.life.is_there());
                found.map(|found| self.hide_account(change, cause, found))
            }
            Subject::Copies { gallery, image: Some(image) } => {
                let Some(found) = self.read::<Image>(layout::image(owner, gallery, image)).await? else {
                    return Ok(None);
                };
                let mut erasure = self.plan(cause, owner, stone.subject.clone(), "");
                let mut page = PlanPage::default();
                page.add_served(&found.value);
                change.create(layout::plan_page(erasure.id, 0), &page);
                erasure.pages = 1;
                self.narrow_image(change, found, Narrowed::Image { image }).await?;
                Some(erasure)
            }
            Subject::Copies { gallery, image: None } => {
                let key = layout::gallery(owner, gallery);
                if let Some(found) = self.read::<Gallery>(key.clone()).await?
                    && found.value.visibility.is_open()
                {
                    // Whatever the plan: a restore never shows more than was shown before.
                    let visibility = Visibility::Private(Shares { links: 0 });
                    let epoch = found.value.epoch + 1;
                    change.replace(key, found.version, &Gallery { visibility, epoch, ..found.value });
                }
                None
            }
            Subject::Access { gallery, narrowed } => {
                match narrowed {
                    Narrowed::Links { share } => self.end_links_again(change, owner, gallery, share).await?,
                    Narrowed::Image { image } | Narrowed::Facts { image } => {
                        let found: Option<Stored<Image>> =
                            self.read(layout::image(owner, gallery, image)).await?;
                        if let Some(found) = found {
                            self.narrow_image(change, found, narrowed).await?;
                        }
                    }
                }
                None
            }
            Subject::Renditions { .. } => None,
        })
    }

    /// Adds to a change that others see less of an image again.
    async fn narrow_image(
        &self,
        change: &mut Change,
        found: Stored<Image>,
        narrowed: Narrowed,
    ) -> Result<()> {
        let before = found.value;
        let Image { owner, gallery, id, .. } = before;
        if !before.life.is_there() {
            return Ok(());
        }
        let after = before.clone().narrowed(narrowed);
        let key = layout::tally(owner, gallery);
        if !matches!(before.life, Life::Trashed { .. })
            && let Some(Stored { version, value }) = self.read::<Tally>(key.clone()).await?
        {
            change.replace(key, version, &value.without(&before).with(&after));
        }
        change.replace(layout::image(owner, gallery, id), found.version, &after);
        Ok(())
    }

    /// Notes that the records live, and refuses them when the ledger does not reach back to when they did.
    async fn check_horizon(&self, now: OffsetDateTime) -> Result<()> {
        let lived: Option<Stored<Since>> = self.read(layout::heartbeat()).await?;
        if let (Some(lived), Some(blob)) = (&lived, self.parts.blobs.get(&layout::horizon(), None).await?) {
            let bytes = collect(blob.body).await.map_err(|_| Error::Unreadable("horizon"))?;
            let horizon: Since = serde_json::from_slice(&bytes).map_err(|_| Error::Unreadable("horizon"))?;
            if lived.value.at < horizon.at {
                return Err(Error::TooOld);
            }
        }
        self.beat(now, lived).await
    }

    /// Notes once an hour that the records live.
    async fn beat(&self, now: OffsetDateTime, lived: Option<Stored<Since>>) -> Result<()> {
        if lived.as_ref().is_some_and(|lived| now - lived.value.at < Duration::hours(1)) {
            return Ok(());
        }
        let mut change = Change::default();
        change.put(layout::heartbeat(), lived.map(|lived| lived.version), &Since { at: now });
        match self.commit(change).await {
            Err(error) if !error.is_conflict() => Err(error),
            _ => Ok(()),
        }
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
        let old: Vec<Key> = old.into_iter().filter(|key| layout::is_entombed_before(key, end)).collect();
        if old.is_empty() {
            return Ok(());
        }
        let horizon = serde_json::to_vec(&Since { at: end }).map_err(|_| Error::Unreadable("horizon"))?;
        self.parts.blobs.put(&layout::horizon(), whole(Bytes::from(horizon))).await?;
        self.erase_blobs(old).await.map(|_| ())
    }
}

/// What was found of one day.
#[derive(Debug, Default)]
struct Day {
    tombstones: usize,
    unknown: Vec<Key>,
}
