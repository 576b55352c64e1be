use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::head::MAX_SIZE;
use crate::span::Span;
use crate::tile::TileId;

/// A proof that is still to be read from tiles.
///
/// Making a proof takes two steps, so that the tiles in between can be fetched in any way: [`Plan::tiles`] tells what
/// is needed, [`Plan::hashes`] makes the proof of it. Sources: RFC 6962 §2.1.1 and §2.1.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    size: u64,
    /// What each hash of the proof stands for.
    spans: Vec<Span>,
}

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The tree does not have that leaf, or is smaller than the older one.
    #[error("{wanted} is beyond the {size} leaves of the tree")]
    Beyond {
        /// The index of the leaf, or the size of the older tree.
        wanted: u64,
        /// The size of the tree.
        size: u64,
    },
    /// No tree is that large.
    #[error("a tree does not have {size} leaves")]
    Size {
        /// The size that was asked for.
        size: u64,
    },
    /// The reader does not have a tile.
    #[error("{id} is missing")]
    Missing {
        /// Which tile.
        id: TileId,
    },
    /// The reader has fewer hashes of a tile than the tree.
    #[error("{id} has only {found} hashes")]
    Narrow {
        /// Which tile.
        id: TileId,
        /// How many hashes of it there were.
        found: usize,
    },
    /// The tiles are not those of the tree that was signed.
    #[error("the tiles do not have the root of the checkpoint of {size} leaves")]
    Root {
        /// The size of the tree.
        size: u64,
    },
}

impl Plan {
    /// That the leaf at `index` (from 0) is in the tree of `size` leaves.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, PlanError> {
        check(size, index, index < size)?;
        let (mut node, mut spans) = (Span::tree(size), Vec::new());
        while let Some((left, right)) = node.split() {
            let (towards, sibling) = if index < right.start { (left, right) } else { (right, left) };
            spans.push(sibling);
            node = towards;
        }
        spans.reverse();
        Ok(Self { size, spans })
    }

    /// That the tree of `new` leaves begins with the tree of `old` leaves.
    pub fn consistency(old: u64, new: u64) -> Result<Self, PlanError> {
        check(new, old, old <= new)?;
        let (mut node, mut spans) = (Span::tree(new), Vec::new());
        // Nothing has to be shown of a tree that is empty.
        while old > 0 && node.end != old {
            let Some((left, right)) = node.split() else { break };
            let (towards, sibling) = if old <= right.start { (left, right) } else { (right, left) };
            spans.push(sibling);
            node = towards;
        }
        // A node at the left is the whole older tree, whose root the verifier knows.
        if node.start > 0 {
            spans.push(node);
        }
        spans.reverse();
        Ok(Self { size: new, spans })
    }

    /// The tiles that are needed, each once.
    #[must_use]
    pub fn tiles(&self) -> Vec<TileId> {
        let nodes = self.spans.iter().flat_map(|span| span.nodes());
        let mut tiles: Vec<_> = nodes.filter_map(|node| node.tile(self.size)).collect();
        tiles.sort_unstable();
        tiles.dedup();
        tiles
    }

    /// The proof: its hashes in the order of RFC 6962.
    ///
    /// `read` tells the hashes of a tile and is asked once for each of [`Plan::tiles`]; a wider tile at its place,
    /// such as [`TileId::full`], will do. Whether the hashes are right is for [`crate::verify_inclusion`] and
    /// [`crate::verify_consistency`] to say.
    pub fn hashes(&self, read: impl FnMut(TileId) -> Option<Vec<Hash>>) -> Result<Vec<Hash>, PlanError> {
        let tiles = read_tiles(self.tiles(), read)?;
        let hash = |span: &Span| span.hash(self.size, |id| tiles.get(&id).map(Vec::as_slice));
        // All tiles are there and wide enough, so none of the hashes can be missing.
        self.spans.iter().map(hash).collect::<Option<_>>().ok_or(PlanError::Size { size: self.size })
    }
}

fn check(size: u64, wanted: u64, is_there: bool) -> Result<(), PlanError> {
    match () {
        () if size > MAX_SIZE => Err(PlanError::Size { size }),
        () if !is_there => Err(PlanError::Beyond { wanted, size }),
        () => Ok(()),
    }
}

/// Reads tiles, each cut to the width of its id.
pub(crate) fn read_tiles(
    ids: Vec<TileId>,
    mut read: impl FnMut(TileId) -> Option<Vec<Hash>>,
) -> Result<BTreeMap<TileId, Vec<Hash>>, PlanError> {
    let one = |id: TileId| {
        let mut hashes = read(id).ok_or(PlanError::Missing { id })?;
        if (hashes.len() as u64) < id.width() {
            return Err(PlanError::Narrow { id, found: hashes.len() });
        }
        hashes.truncate(usize::try_from(id.width()).unwrap_or(usize::MAX));
        Ok((id, hashes))
    };
    ids.into_iter().map(one).collect()
}
