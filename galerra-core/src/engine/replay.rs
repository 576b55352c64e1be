//! The ledger replayed: whatever it tells and the records, which may come from an older backup, know nothing of is carried
//! out once more, before anything is served.

mod bury;
mod recall;

use galerra_storage::{Key, collect};
use serde::de::DeserializeOwned;
use time::{Duration, OffsetDateTime};

use super::ledger::{Marked, Since, Tombstone};
use super::records::{Change, Stored};
use super::{Engine, Result};
use crate::layout::Kind;
use crate::{Error, layout};

/// Lines listed at once.
const PAGE: usize = 500;

/// A line of which the records know nothing.
#[derive(Debug)]
enum Forgotten {
    Tombstone(Box<Tombstone>),
    Mark(Box<Marked>),
}

impl Engine {
    /// Carries out again, in the order of time, whatever the ledger tells and the records, which may come from an older
    /// backup, know nothing of: hides what is to be forgotten, lays into the trash and takes out of it, and places and
    /// releases holds. To be called before anything is served; answers how many lines were carried out.
    ///
    /// Refuses records that are older than the oldest tombstone: what was forgotten since cannot be told any more.
    pub async fn replay(&self) -> Result<usize> {
        let now = self.parts.env.now();
        let lived = self.check_horizon().await?;
        self.recover_log().await?;
        self.recall_seen().await?;
        self.check_witnesses().await?;
        self.note_rules().await?;
        let oldest = now - self.parts.policy.backup_life * 2 - Duration::days(1);
        let (mut replayed, mut after) = (0, None);
        // The whole ledger, each time: what is known of one line says nothing of another, whoever died in between and
        // whatever clocks have shown.
        loop {
            let lines = self.parts.blobs.list(&layout::ledger(), after, PAGE).await?;
            let full = lines.len() == PAGE;
            after = lines.last().map(|line| line.key.clone());
            let lines = lines.into_iter().map(|line| line.key);
            let (young, old): (Vec<_>, Vec<_>) = lines.partition(|line| layout::is_line_since(line, oldest));
            if let Some(lived) = &lived {
                // Of older lines records may have let go, but of none from after they lived.
                let since = old.into_iter().filter(|line| layout::is_line_since(line, lived.value.at));
                if !self.forgotten(since.collect()).await?.is_empty() {
                    return Err(Error::TooOld);
                }
            }
            let forgotten = self.forgotten(young).await?;
            if replayed == 0 && !forgotten.is_empty() {
                self.note_restore(now).await?;
                self.doubt_findings(now).await?;
            }
            for line in &forgotten {
                match line {
                    Forgotten::Tombstone(stone) => self.bury(stone).await?,
                    Forgotten::Mark(marked) => self.recall(marked).await?,
                }
            }
            replayed += forgotten.len();
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
        self.beat(now, lived).await?;
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
    async fn forgotten(&self, lines: Vec<Key>) -> Result<Vec<Forgotten>> {
        let told = |line| layout::told_by(line).ok_or_else(|| unreadable(line));
        let told: Vec<Key> = lines.iter().map(told).collect::<Result<_>>()?;
        let rows = self.parts.records.get(&told).await?;
        let unknown = rows.iter().zip(&told).zip(lines).filter(|((row, _), _)| row.is_none());
        let mut forgotten = Vec::new();
        for ((_, told), line) in unknown {
            // What somebody did not get to write whole is not there, and no line: nobody was answered.
            forgotten.extend(match Kind::of(told) {
                Some(Kind::Event) => self.line(&line).await?.map(Box::new).map(Forgotten::Mark),
                _ => self.line(&line).await?.map(Box::new).map(Forgotten::Tombstone),
            });
        }
        Ok(forgotten)
    }

    /// Reads a line of the ledger.
    pub(super) async fn line<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        let Some(blob) = self.parts.blobs.get(key, None).await? else { return Ok(None) };
        let bytes = collect(blob.body).await.map_err(|_| unreadable(key))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| unreadable(key))
    }

    /// Until when the records lived; refuses them when the ledger does not reach back to that.
    async fn check_horizon(&self) -> Result<Option<Stored<Since>>> {
        let lived: Option<Stored<Since>> = self.read(layout::heartbeat()).await?;
        if let (Some(lived), Some(horizon)) = (&lived, self.line::<Since>(&layout::horizon()).await?)
            && lived.value.at < horizon.at
        {
            return Err(Error::TooOld);
        }
        Ok(lived)
    }
}

/// Without it nobody can tell what was to be forgotten: whoever runs the service has to look.
fn unreadable(line: &Key) -> Error {
    tracing::error!(%line, "a line of the ledger cannot be read");
    Error::Unreadable("line of the ledger")
}
