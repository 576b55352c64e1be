//! A log with everything it has published.

use std::collections::BTreeMap;

use galerra_log::{Checkpoint, Edge, Hash, LogKey, Plan, TileId, TreeHead, leaf_hash};

/// A log that has grown, and its published tiles.
#[derive(Default)]
pub(crate) struct Grown {
    pub(crate) edge: Edge,
    pub(crate) tiles: BTreeMap<TileId, Vec<Hash>>,
}

impl Grown {
    /// A log of so many leaves, appended in one go.
    pub(crate) fn to(size: u64) -> Self {
        let mut log = Self::default();
        log.append((0..size).map(leaf));
        log
    }

    pub(crate) fn append(&mut self, leaves: impl IntoIterator<Item = Hash>) {
        let new = self.edge.append(leaves);
        self.tiles.extend(new.into_iter().map(|tile| (tile.id(), tile.into_hashes())));
    }

    /// A tile as a reader finds it that takes any wider one, too.
    pub(crate) fn read(&self, id: TileId) -> Option<Vec<Hash>> {
        let there = self.tiles.range(id..=id.full()).find(|(tile, _)| tile.width() >= id.width());
        there.map(|(_, hashes)| hashes.clone())
    }

    pub(crate) fn proof(&self, plan: &Plan) -> Vec<Hash> {
        plan.hashes(|id| self.read(id)).unwrap()
    }

    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        self.proof(&Plan::inclusion(index, size).unwrap())
    }

    pub(crate) fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        self.proof(&Plan::consistency(old, new).unwrap())
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        self.edge.head().sign(&key())
    }
}

/// The heads of a log at all sizes up to one.
pub(crate) fn heads(to: u64) -> Vec<TreeHead> {
    let mut edge = Edge::default();
    let mut heads = vec![edge.head()];
    for index in 0..to {
        edge.append([leaf(index)]);
        heads.push(edge.head());
    }
    heads
}

pub(crate) fn leaf(index: u64) -> Hash {
    leaf_hash(format!("entry {index}").as_bytes())
}

pub(crate) fn key() -> LogKey {
    LogKey::new("gallery.example/log", [1; 32]).unwrap()
}

/// Numbers that look random and are the same each time (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % limit
    }
}
