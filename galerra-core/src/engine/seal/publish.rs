//! The public files of the log, beside the blobs, as C2SP tlog-tiles lays them out: written, read, and taken up again.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use galerra_log::{BundleId, Checkpoint, Edge, Hash, TileId};
use galerra_storage::{Key, collect, whole};

use super::{Head, PAGE, UNREADABLE};
use crate::engine::records::{Change, Stored, stored};
use crate::engine::{Engine, Result};
use crate::{Error, layout};

/// Entries of one bundle.
const BUNDLE: u64 = 256;

impl Engine {
    /// Lays what is new of the log beside the blobs, the checkpoint last; answers it. What it writes follows from the
    /// records alone, so that it does not matter who does it, or how often.
    pub(in crate::engine) async fn publish_log(&self) -> Result<Option<Checkpoint>> {
        let verifier = self.log_verifier().await?;
        let mut overtaken = false;
        loop {
            let Some(found) = self.read::<Head>(layout::log_head()).await? else { return Ok(None) };
            let size = found.value.edge.size();
            let signed = Checkpoint::open(&found.value.checkpoint, &verifier).map_err(|_| UNREADABLE)?;
            if found.value.published == size && !found.value.unshown && !overtaken {
                return Ok(Some(signed));
            }
            self.lay_out(&found.value).await?;
            let mut change = Change::default();
            self.drop_bundled(&mut change, size).await?;
            change.replace(
                layout::log_head(),
                found.version,
                &Head { published: size, unshown: false, ..found.value },
            );
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
        let Head { edge, checkpoint, published, .. } = head;
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

    /// A public file of the log: `checkpoint`, or a tile by its C2SP tlog-tiles path.
    pub async fn log_file(&self, path: &str) -> Result<Bytes> {
        let known = path == "checkpoint" || TileId::parse(path).is_ok() || BundleId::parse(path).is_ok();
        let key = layout::log_file(path).filter(|_| known).ok_or(Error::NotFound)?;
        let blob = self.parts.blobs.get(&key, None).await?.ok_or(Error::NotFound)?;
        collect(blob.body).await.map_err(|_| Error::NotFound)
    }

    /// Takes the log up again where the public files say it is, if the records come from an older backup: it never says
    /// something else about a place than it has said before.
    pub(in crate::engine) async fn recover_log(&self) -> Result<()> {
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
        let head = Head { edge, checkpoint: text.to_owned(), published: size, ..Head::default() };
        change.put(layout::log_head(), found.map(|found| found.version), &head);
        // What had a place that the restored records do not know of gets its receipt by another entry.
        self.commit(change).await.map(|_| ())
    }
}

/// The tile of each level that the entries of a bundle are under.
fn tiles_up_to(bundle: u64, size: u64) -> impl Iterator<Item = TileId> {
    (0..8).map_while(move |level| TileId::within(level, bundle.checked_shr(8 * level).unwrap_or(0), size))
}
