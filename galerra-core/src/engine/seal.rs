//! Into the log, and out of it with a receipt. Three steps, each of which any process may finish for another:
//! *sequence* gives findings their places, in one commit with the head that is signed over them; *publish* lays tiles and
//! checkpoint beside the blobs, where anyone may read them; only then *seal* hands the receipts out.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use galerra_log::{BundleId, Checkpoint, Edge, Hash, LogKey, LogVerifier, Plan, TileId, leaf_hash};
use galerra_storage::{Key, Row, collect, whole};
use serde::{Deserialize, Serialize};

use super::records::{Change, Stored, stored};
use super::{Engine, Result};
use crate::receipt::Finding;
use crate::{Env, Erasure, ErasureId, Error, Happened, Receipt, layout};

/// Findings that get their places by one commit.
const PAGE: usize = 200;
/// Files written side by side.
const AT_ONCE: usize = 8;
/// Entries of one bundle.
const BUNDLE: u64 = 256;

/// The secret that signs checkpoints, and the name of the log.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Seed {
    name: String,
    seed: String,
}

impl Seed {
    fn draw(env: &dyn Env) -> Self {
        let name = format!("galerra-log/{}", ErasureId::draw(env).bare());
        Self { name, seed: Hash::from_bytes(env.random()).to_hex() }
    }
}

/// How far the log has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Head {
    edge: Edge,
    /// Signed over the edge; nothing while the log is empty.
    checkpoint: String,
    /// How much of it lies beside the blobs.
    published: u64,
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
        let Some(checkpoint) = self.publish_log().await? else { return Ok(0) };
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

    /// Lays what is new of the log beside the blobs, the checkpoint last; answers it. What it writes follows from the
    /// records alone, so that it does not matter who does it, or how often.
    async fn publish_log(&self) -> Result<Option<Checkpoint>> {
        let verifier = self.log_verifier().await?;
        let mut overtaken = false;
        loop {
            let Some(found) = self.read::<Head>(layout::log_head()).await? else { return Ok(None) };
            let size = found.value.edge.size();
            let signed = Checkpoint::open(&found.value.checkpoint, &verifier).map_err(|_| UNREADABLE)?;
            if found.value.published == size && !overtaken {
                return Ok(Some(signed));
            }
            self.lay_out(&found.value).await?;
            let mut change = Change::default();
            self.drop_bundled(&mut change, size).await?;
            change.replace(layout::log_head(), found.version, &Head { published: size, ..found.value });
            match self.commit(change).await {
                Ok(_) => return Ok(Some(signed)),
                // Its checkpoint may lie under this older one now.
                Err(error) if error.is_conflict() => overtaken = true,
                Err(error) => return Err(error),
            }
        }
    }

    /// Adds to a change that entries go from the records that lie in full bundles.
    async fn drop_bundled(&self, change: &mut Change, size: u64) -> Result<()> {
        let rows = self.parts.records.scan(&layout::log_entries(), None, PAGE).await?;
        let end = size / BUNDLE * BUNDLE;
        for row in rows.iter().filter(|row| layout::log_index(&row.key).is_some_and(|index| index < end)) {
            change.remove_row(row);
        }
        Ok(())
    }

    async fn lay_out(&self, head: &Head) -> Result<()> {
        let Head { edge, checkpoint, published } = head;
        let size = edge.size();
        if *published == 0 {
            self.keep_seed().await?;
        }
        let old: BTreeSet<TileId> = Edge::tiles(*published).into_iter().collect();
        let first = published / BUNDLE;
        let tiles: BTreeSet<TileId> =
            (first..size.div_ceil(BUNDLE)).flat_map(|nth| tiles_up_to(nth, size)).collect();
        let mut full = Vec::new();
        for tile in tiles.into_iter().filter(|tile| !old.contains(tile)) {
            let hashes: Stored<Vec<Hash>> = self.read(layout::log_tile(tile)).await?.ok_or(UNREADABLE)?;
            // Another process may have made it wider meanwhile.
            let width = usize::try_from(tile.width()).unwrap_or(usize::MAX);
            let bytes: Vec<u8> = hashes.value.iter().take(width).flat_map(|hash| *hash.as_bytes()).collect();
            self.put_log(&tile.path(), bytes).await?;
            full.extend((tile.full() == tile).then(|| tile.path()));
        }
        for nth in first..size.div_ceil(BUNDLE) {
            let keys: Vec<Key> =
                (nth * BUNDLE..size.min((nth + 1) * BUNDLE)).map(layout::log_entry).collect();
            let rows = self.parts.records.get(&keys).await?;
            let entries = rows.iter().flatten().map(|row| stored::<String>(row).map(|entry| entry.value));
            let entries: Vec<String> = entries.collect::<Result<_>>()?;
            let bundle = BundleId::with_entry(nth * BUNDLE, size).ok_or(UNREADABLE)?;
            self.put_log(&bundle.path(), bundle.write(&entries).map_err(|_| UNREADABLE)?).await?;
            full.extend((bundle.full() == bundle).then(|| bundle.path()));
        }
        self.put_log("checkpoint", checkpoint.clone().into_bytes()).await?;
        for path in full {
            self.drop_narrower(&path).await?;
        }
        Ok(())
    }

    /// Erases the narrower files that a full one has taken the place of, as C2SP tlog-tiles allows.
    async fn drop_narrower(&self, full: &str) -> Result<()> {
        let folder = layout::log_folder(&format!("{full}.p")).ok_or(UNREADABLE)?;
        let narrower = self.parts.blobs.list(&folder, None, PAGE * 2).await?;
        self.erase_blobs(narrower.into_iter().map(|entry| entry.key).collect()).await.map(|_| ())
    }

    async fn put_log(&self, path: &str, bytes: Vec<u8>) -> Result<()> {
        let key = layout::log_file(path).ok_or(UNREADABLE)?;
        Ok(self.parts.blobs.put(&key, whole(Bytes::from(bytes))).await?)
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

    /// The hashes that lead from an entry to the root.
    async fn path(&self, plan: &Plan) -> Result<Vec<Hash>> {
        let read = |tile: TileId| async move {
            let there: Option<Stored<Vec<Hash>>> = self.read(layout::log_tile(tile)).await?;
            Ok::<_, Error>((tile, there.map(|there| there.value)))
        };
        let tiles = stream::iter(plan.tiles()).map(read).buffered(AT_ONCE);
        let tiles: BTreeMap<TileId, Option<Vec<Hash>>> = tiles.try_collect().await?;
        plan.hashes(|tile| tiles.get(&tile).cloned().flatten()).map_err(|_| UNREADABLE)
    }

    /// Takes the log up again where the public files say it is, if the records come from an older backup: it never says
    /// something else about a place than it has said before.
    pub(super) async fn recover_log(&self) -> Result<()> {
        let Ok(bytes) = self.log_file("checkpoint").await else { return Ok(()) };
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::LogForked)?;
        let public = Checkpoint::open(text, &self.log_verifier().await?).map_err(|_| Error::LogForked)?;
        let size = public.head().size;
        let found: Option<Stored<Head>> = self.read(layout::log_head()).await?;
        let known = found.as_ref().map_or(0, |found| found.value.edge.size());
        if size <= known {
            return Ok(());
        }
        let mut tiles = BTreeMap::new();
        for tile in Edge::tiles(size) {
            let bytes = self.log_file(&tile.path()).await?;
            let read = galerra_log::Tile::from_bytes(tile, &bytes).map_err(|_| Error::LogForked)?;
            tiles.insert(tile, read.into_hashes());
        }
        let edge = Edge::rebuild(&public, |tile| tiles.get(&tile).cloned()).map_err(|_| Error::LogForked)?;
        let mut change = Change::default();
        for (tile, hashes) in &tiles {
            let place = layout::log_tile(*tile);
            let there: Option<Stored<Vec<Hash>>> = self.read(place.clone()).await?;
            change.put(place, there.map(|there| there.version), hashes.as_slice());
        }
        if let Some(bundle) = size.checked_sub(1).and_then(|last| BundleId::with_entry(last, size)) {
            let bytes = self.log_file(&bundle.path()).await?;
            let entries = bundle.read(&bytes).map_err(|_| Error::LogForked)?;
            for (entry, index) in entries.iter().zip((size - 1) / BUNDLE * BUNDLE..) {
                let text = std::str::from_utf8(entry).map_err(|_| Error::LogForked)?;
                let there: Option<Stored<String>> = self.read(layout::log_entry(index)).await?;
                change.put(layout::log_entry(index), there.map(|there| there.version), text);
            }
        }
        let head = Head { edge, checkpoint: text.to_owned(), published: size };
        change.put(layout::log_head(), found.map(|found| found.version), &head);
        // What had a place that the restored records do not know of gets its receipt by another entry.
        self.commit(change).await.map(|_| ())
    }

    /// Whose signature the log bears: what receipts are verified with, as C2SP signed-note writes it.
    pub async fn log_verifier(&self) -> Result<LogVerifier> {
        Ok(self.log_key().await?.verifier().clone())
    }

    /// A public file of the log: `checkpoint`, or a tile by its C2SP tlog-tiles path.
    pub async fn log_file(&self, path: &str) -> Result<Bytes> {
        let known = path == "checkpoint" || TileId::parse(path).is_ok() || BundleId::parse(path).is_ok();
        let key = layout::log_file(path).filter(|_| known).ok_or(Error::NotFound)?;
        let blob = self.parts.blobs.get(&key, None).await?.ok_or(Error::NotFound)?;
        collect(blob.body).await.map_err(|_| Error::NotFound)
    }

    /// The log's key: drawn by whoever needs it first, and kept with the records. A copy lies with the blobs before
    /// anything is published, for records that come from a backup from before it was drawn.
    async fn log_key(&self) -> Result<LogKey> {
        let place = layout::log_key();
        let seed = if let Some(seed) = self.read::<Seed>(place.clone()).await? {
            seed.value
        } else {
            let seed = self.lost_seed().await?.unwrap_or_else(|| Seed::draw(self.parts.env.as_ref()));
            let mut change = Change::default();
            change.create(place.clone(), &seed);
            match self.commit(change).await {
                Ok(_) => seed,
                Err(error) if error.is_conflict() => {
                    self.read::<Seed>(place).await?.ok_or(Error::Contended)?.value
                }
                Err(error) => return Err(error),
            }
        };
        let bytes = data_encoding::HEXLOWER.decode(seed.seed.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(UNREADABLE)?;
        LogKey::new(&seed.name, bytes).map_err(|_| UNREADABLE)
    }

    async fn lost_seed(&self) -> Result<Option<Seed>> {
        let Some(blob) = self.parts.blobs.get(&layout::log_secret(), None).await? else { return Ok(None) };
        let bytes = collect(blob.body).await.map_err(|_| UNREADABLE)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| UNREADABLE)
    }

    async fn keep_seed(&self) -> Result<()> {
        let seed: Stored<Seed> = self.read(layout::log_key()).await?.ok_or(UNREADABLE)?;
        let text = serde_json::to_vec(&seed.value).map_err(|_| UNREADABLE)?;
        Ok(self.parts.blobs.put(&layout::log_secret(), whole(Bytes::from(text))).await?)
    }

    /// Puts a finished erasure where its retention rule finds it.
    pub(super) fn shelve(change: &mut Change, erasure: &Erasure, now: time::OffsetDateTime) {
        change.create(layout::shelved(now, erasure.id), &super::records::Mark {});
    }
}

const UNREADABLE: Error = Error::Unreadable("log");

/// The tile of each level that the entries of a bundle are under.
fn tiles_up_to(bundle: u64, size: u64) -> impl Iterator<Item = TileId> {
    (0..8).map_while(move |level| TileId::within(level, bundle.checked_shr(8 * level).unwrap_or(0), size))
}
