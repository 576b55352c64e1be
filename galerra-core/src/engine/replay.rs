//! The ledger replayed: whatever it tells and the records, which may come from an older backup, know nothing of is carried
//! out once more, before anything is served.

use galerra_storage::{Key, collect};
use serde::de::DeserializeOwned;
use time::{Duration, OffsetDateTime};

use super::gate::Cause;
use super::ledger::{Since, Tombstone};
use super::records::{Change, Stored};
use super::{Engine, Result};
use crate::erasure::Ledgered;
use crate::layout::Kind;
use crate::plan::PlanPage;
use crate::{
    Account, Erasure, ErasureId, Error, Event, Gallery, Image, Life, Narrowed, Shares, Subject, Tally,
    Visibility, layout,
};

/// Lines listed at once.
const PAGE: usize = 500;

const UNREADABLE: Error = Error::Unreadable("line of the ledger");

/// The tombstones, and the marks of widenings, of which the records know nothing.
#[derive(Debug, Default)]
struct Forgotten {
    tombstones: Vec<Key>,
    marks: Vec<Key>,
}

impl Engine {
    /// Hides again whatever the ledger says is to be forgotten and the records, which may come from an older backup, know
    /// nothing of. To be called before anything is served; answers how many erasures began anew.
    ///
    /// Refuses records that are older than the oldest tombstone: what was forgotten since cannot be told any more.
    pub async fn replay(&self) -> Result<usize> {
        let now = self.parts.env.now();
        self.check_horizon(now).await?;
        self.recover_log().await?;
        self.recall_seen().await?;
        self.note_rules().await?;
        let oldest = now - self.parts.policy.backup_life * 2 - Duration::days(1);
        let (mut replayed, mut after) = (0, None);
        // The whole ledger, each time: what is known of one line says nothing of another, whoever died in between and
        // whatever clocks have shown.
        loop {
            let lines = self.parts.blobs.list(&layout::ledger(), after, PAGE).await?;
            let full = lines.len() == PAGE;
            after = lines.last().map(|line| line.key.clone());
            let lines =
                lines.into_iter().map(|line| line.key).filter(|line| layout::is_line_since(line, oldest));
            let Forgotten { tombstones, marks } = self.forgotten(lines.collect()).await?;
            let forgotten = tombstones.len() + marks.len();
            if replayed == 0 && forgotten > 0 {
                self.note_restore(now).await?;
                self.doubt_findings(now).await?;
            }
            for key in &tombstones {
                self.bury(key).await?;
            }
            for key in &marks {
                self.recall(key).await?;
            }
            replayed += forgotten;
            if !full {
                break;
            }
        }
        if replayed > 0 {
            tracing::warn!(
                replayed,
                "the records did not know of everything in the ledger: they were restored"
            );
        }
        Ok(replayed)
    }

    /// Notes, before anything is carried out again, that the records have forgotten what happened before now.
    async fn note_restore(&self, now: OffsetDateTime) -> Result<()> {
        let known: Option<Stored<Since>> = self.read(layout::restored()).await?;
        let mut change = Change::default();
        change.put(layout::restored(), known.map(|known| known.version), &Since { at: now });
        self.let_conflict_pass(change).await
    }

    /// Which of these lines the records know nothing of.
    async fn forgotten(&self, lines: Vec<Key>) -> Result<Forgotten> {
        let told: Vec<Key> =
            lines.iter().map(|line| layout::told_by(line).ok_or(UNREADABLE)).collect::<Result<_>>()?;
        let mut forgotten = Forgotten::default();
        for ((row, told), line) in self.parts.records.get(&told).await?.iter().zip(&told).zip(lines) {
            match (row, Kind::of(told)) {
                (Some(_), _) => {}
                (None, Some(Kind::Event)) => forgotten.marks.push(line),
                (None, _) => forgotten.tombstones.push(line),
            }
        }
        Ok(forgotten)
    }

    /// Begins an erasure anew of which nothing but the tombstone is left.
    async fn bury(&self, key: &Key) -> Result<()> {
        let Some(stone) = self.line::<Tombstone>(key).await? else { return Ok(()) };
        let cause = Cause { id: stone.erasure, lane: stone.lane, ledger: Ledgered::Entombed };
        self.settle(|| async {
            let mut change = Change::default();
            let hidden = self.hide_again(&mut change, cause, &stone).await?;
            let erasure = hidden.unwrap_or_else(|| self.plan(cause, stone.owner, stone.subject.clone(), ""));
            // Asked for when it was, whenever the records were put back.
            let (accepted, not_before) = (stone.buried, stone.not_before);
            let due = stone.due.unwrap_or_else(|| stone.lane.due(accepted, not_before, &self.parts.policy));
            let mut erasure = Erasure { accepted, not_before, buried: accepted, due, ..erasure };
            for name in &stone.networks {
                if !erasure.edges.iter().any(|edge| edge.name == *name) {
                    erasure.edges.push(self.edge(name, erasure.accepted));
                }
            }
            self.accept_into(&mut change, &erasure);
            match self.commit(change).await {
                // Another process has begun the same.
                Err(error) if error.is_conflict() && self.is_known(stone.erasure).await? => Ok(()),
                done => done.map(|_| ()),
            }
        })
        .await
    }

    /// Tells again of a widening that the records have forgotten, so that its mark is known from now on.
    async fn recall(&self, key: &Key) -> Result<()> {
        let Some(told) = self.line::<Event>(key).await? else { return Ok(()) };
        let mut change = Change::default();
        change.create(layout::event(told.at, told.id), &told);
        self.let_conflict_pass(change).await
    }

    /// Reads a line of the ledger.
    pub(super) async fn line<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        let Some(blob) = self.parts.blobs.get(key, None).await? else { return Ok(None) };
        let bytes = collect(blob.body).await.map_err(|_| UNREADABLE)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| UNREADABLE)
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
        if let (Some(lived), Some(horizon)) = (&lived, self.line::<Since>(&layout::horizon()).await?)
            && lived.value.at < horizon.at
        {
            return Err(Error::TooOld);
        }
        self.beat(now, lived).await
    }
}
