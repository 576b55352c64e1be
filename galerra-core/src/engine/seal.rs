//! Into the log, and out of it with a receipt. Three steps, each of which any process may finish for another:
//! *sequence* gives findings their places, in one commit with the head that is signed over them; *publish* lays tiles and
//! checkpoint beside the blobs, where anyone may read them, and has witnesses cosign it; only then *seal* hands the receipts
//! out.

mod key;
mod publish;

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use galerra_log::{Checkpoint, Edge, Hash, Plan, TileId, leaf_hash};
use galerra_storage::Row;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::records::{Change, Part, Stored, stored};
use super::witness::Silence;
use super::{Engine, Result};
use crate::receipt::Finding;
use crate::{Erasure, ErasureId, Error, Happened, Receipt, layout};

pub(super) use key::Seed;

/// Findings that get their places by one commit.
const PAGE: usize = 200;
/// Tiles read side by side.
const AT_ONCE: usize = 8;

/// How far the log has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) edge: Edge,
    /// Signed over the edge; nothing while the log is empty.
    checkpoint: String,
    /// How much of it lies beside the blobs.
    published: u64,
    /// Whether witnesses have cosigned it since it was laid there.
    #[serde(default)]
    unshown: bool,
    /// Witnesses that were asked and have not cosigned.
    #[serde(default)]
    pub(super) silence: Option<Silence>,
}

impl Head {
    /// The same head with what its witnesses have said of it.
    pub(super) fn witnessed(self, checkpoint: &Checkpoint, silence: Option<Silence>) -> Self {
        let checkpoint = checkpoint.to_string();
        let unshown = self.unshown || checkpoint != self.checkpoint;
        Self { checkpoint, unshown, silence, ..self }
    }
}

/// An entry of the log, and whose it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    erasure: ErasureId,
    text: String,
    /// Whether a receipt is made of it.
    proves: bool,
}

impl Engine {
    /// Adds a finding to what waits for its place in the log.
    pub(super) fn queue(&self, change: &mut Change, erasure: ErasureId, finding: &Finding) -> Result<()> {
        let (text, proves) = (finding.entry()?, finding.level.is_some());
        change.create(layout::log_queue(self.parts.env.now(), erasure), &Entry { erasure, text, proves });
        Ok(())
    }

    /// Takes findings into the log and writes the receipts of those that are in; answers how many.
    pub(super) async fn seal(&self) -> Result<usize> {
        match self.sequence().await {
            Err(error) if !error.is_conflict() => return Err(error),
            _ => {}
        }
        let Some(published) = self.publish_log().await? else { return Ok(0) };
        let Some(checkpoint) = self.witnessed(published).await? else { return Ok(0) };
        let mut sealed = 0;
        let mut after = None;
        loop {
            let rows = self.parts.records.scan(&layout::log_unsealed(), after, PAGE).await?;
            after = rows.last().map(|row| row.key.clone());
            for row in &rows {
                match self.seal_one(row, &checkpoint).await {
                    Ok(()) => sealed += 1,
                    Err(error) if error.is_conflict() => {}
                    Err(error) => tracing::warn!(code = error.code(), "a receipt could not be written yet"),
                }
            }
            if rows.len() < PAGE {
                return Ok(sealed);
            }
        }
    }

    /// Gives places to what waits: one commit, so that two processes never give the same.
    async fn sequence(&self) -> Result<()> {
        let waiting = self.parts.records.scan(&layout::log_queued(), None, PAGE).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let key = self.log_key().await?;
        let found: Option<Stored<Head>> = self.read(layout::log_head()).await?;
        let (version, mut head) =
            found.map_or_else(Default::default, |found| (Some(found.version), found.value));
        let mut change = Change::default();
        let mut leaves = Vec::with_capacity(waiting.len());
        for (row, index) in waiting.iter().zip(head.edge.size()..) {
            let entry: Entry = stored(row)?.value;
            leaves.push(leaf_hash(entry.text.as_bytes()));
            change.remove_row(row);
            if entry.proves {
                change.create(layout::log_unsealed_at(index), &entry);
            }
            change.create(layout::log_entry(index), entry.text.as_str());
        }
        for tile in head.edge.append(leaves) {
            let place = layout::log_tile(tile.id());
            let there: Option<Stored<Vec<Hash>>> = self.read(place.clone()).await?;
            change.put(place, there.map(|there| there.version), tile.hashes());
        }
        head.checkpoint = head.edge.head().sign(&key).to_string();
        change.put(layout::log_head(), version, &head);
        self.commit(change).await.map(|_| ())
    }

    /// Writes the receipt of an entry that is in the log.
    async fn seal_one(&self, row: &Row, checkpoint: &Checkpoint) -> Result<()> {
        let entry: Entry = stored(row)?.value;
        let index = layout::log_index(&row.key).ok_or(UNREADABLE)?;
        let erasure: Stored<Erasure> = self.read(layout::erasure(entry.erasure)).await?.ok_or(UNREADABLE)?;
        let finding = erasure.value.finding.clone().ok_or(UNREADABLE)?;
        let plan = Plan::inclusion(index, checkpoint.head().size).map_err(|_| UNREADABLE)?;
        let path = self.path(&plan).await?;
        let proof = galerra_log::Receipt::new(finding.contents.clone(), index, path, checkpoint.clone());
        let proof = proof.map_err(|_| UNREADABLE)?;
        let receipt = Receipt::sealed(&finding, &proof, index);
        let sealed = Erasure { receipt, finding: None, ..erasure.value }.restaged();
        let mut change = Change::default();
        change.remove_row(row);
        change.replace(layout::erasure(sealed.id), erasure.version, &sealed);
        self.tell(&mut change, Happened::ErasureDone { erasure: sealed.id });
        Self::shelve(&mut change, &sealed, self.parts.env.now());
        self.commit(change).await.map(|_| ())
    }

    /// Has everything proven anew that was through when older records were put back, but has no receipt: they have
    /// forgotten whether its gate was open since.
    pub(super) async fn doubt_findings(&self, back: OffsetDateTime) -> Result<()> {
        for range in [layout::log_queued(), layout::log_unsealed()] {
            let mut after = None;
            loop {
                let rows = self.parts.records.scan(&range, after, PAGE).await?;
                for row in &rows {
                    self.doubt(row, back).await?;
                }
                if rows.len() < PAGE {
                    break;
                }
                after = rows.last().map(|row| row.key.clone());
            }
        }
        Ok(())
    }

    /// Its plan is gone; what cannot be asked for any more is outlived.
    async fn doubt(&self, row: &Row, back: OffsetDateTime) -> Result<()> {
        let entry: Entry = stored(row)?.value;
        let found: Stored<Erasure> = self.read(layout::erasure(entry.erasure)).await?.ok_or(UNREADABLE)?;
        if !entry.proves || found.value.done.is_none_or(|done| done >= back) {
            return Ok(());
        }
        let next = self.parts.env.now();
        let erasure = Erasure { done: None, finding: None, pages: 0, next, ..found.value }.restaged();
        let mut change = Change::default();
        change.remove_row(row);
        change.replace(layout::erasure(erasure.id), found.version, &erasure);
        change.create(layout::part(&erasure), &Part { subject: erasure.subject.clone() });
        Self::open(&mut change, &erasure);
        self.let_conflict_pass(change).await
    }

    /// The hashes of a proof.
    pub(super) async fn path(&self, plan: &Plan) -> Result<Vec<Hash>> {
        let read = |tile: TileId| async move {
            let there: Option<Stored<Vec<Hash>>> = self.read(layout::log_tile(tile)).await?;
            Ok::<_, Error>((tile, there.map(|there| there.value)))
        };
        let tiles = stream::iter(plan.tiles()).map(read).buffered(AT_ONCE);
        let tiles: BTreeMap<TileId, Option<Vec<Hash>>> = tiles.try_collect().await?;
        plan.hashes(|tile| tiles.get(&tile).cloned().flatten()).map_err(|_| UNREADABLE)
    }

    /// Puts a finished erasure where its retention rule finds it.
    pub(super) fn shelve(change: &mut Change, erasure: &Erasure, now: OffsetDateTime) {
        change.create(layout::shelved(now, erasure.id), &super::records::Mark {});
    }
}

pub(super) const UNREADABLE: Error = Error::Unreadable("log");
