use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, perfect};
use crate::head::{MAX_SIZE, TreeHead};
use crate::plan::{PlanError, read_tiles};
use crate::span::Span;
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TileId};

/// The right edge of a tree, which is all that appending needs: the last, incomplete tile of each level.
///
/// As JSON it is `{"size":N,"levels":["<base64>",…]}`, with the hashes of each level in one string: up to 33 KB
/// for 16 million leaves, 82 KB for any log. The default is the empty log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Edge {
    size: u64,
    /// From the leaves upwards; each has fewer than 256 hashes.
    levels: Vec<Vec<Hash>>,
}

/// Why a record is not an [`Edge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the edge of a tree: the hashes do not fit its size")]
pub struct EdgeError;

impl Edge {
    /// How many leaves there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree (RFC 6962 §2.1).
    #[must_use]
    pub fn root(&self) -> Hash {
        // The perfect subtrees that make up a whole tree are in incomplete tiles, and these are all here.
        let tile = |id: TileId| self.levels.get(id.level() as usize).map(Vec::as_slice);
        Span::tree(self.size).hash(self.size, tile).unwrap_or(Hash::EMPTY)
    }

    /// Size and root, for [`TreeHead::sign`].
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }

    /// Appends leaves ([`crate::leaf_hash`] of each entry) and tells the tiles to be published before the next
    /// checkpoint: those that are new or wider than before, by level and index.
    pub fn append(&mut self, leaves: impl IntoIterator<Item = Hash>) -> Vec<Tile> {
        let before = self.size;
        let mut tiles = Vec::new();
        for leaf in leaves {
            self.push(leaf, &mut tiles);
        }
        tiles.extend(self.incomplete(before));
        tiles.sort_by_key(Tile::id);
        tiles
    }

    /// Adds a leaf, and to each tile above what has become full below.
    fn push(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level as usize {
                self.levels.push(Vec::new());
            }
            let Some(tile) = self.levels.get_mut(level as usize) else { return };
            tile.push(hash);
            if (tile.len() as u64) < TILE_WIDTH {
                return;
            }
            hash = perfect(tile);
            let index = (self.size >> (TILE_HEIGHT * (level + 1))) - 1;
            full.push(Tile::new(level, index, std::mem::take(tile)));
        }
    }

    /// The incomplete tiles that are not as they were at an earlier size.
    fn incomplete(&self, before: u64) -> impl Iterator<Item = Tile> {
        (0_u32..).zip(&self.levels).filter_map(move |(level, hashes)| {
            let grown = self.size >> (TILE_HEIGHT * level) != before >> (TILE_HEIGHT * level);
            let index = (self.size >> (TILE_HEIGHT * level)) / TILE_WIDTH;
            (grown && !hashes.is_empty()).then(|| Tile::new(level, index, hashes.clone()))
        })
    }

    /// The published tiles from which [`Edge::rebuild`] makes the edge of a log of that size.
    #[must_use]
    pub fn tiles(size: u64) -> Vec<TileId> {
        let incomplete = |level: u32| {
            let index = (size >> (TILE_HEIGHT * level)) / TILE_WIDTH;
            TileId::within(level, index, size)
        };
        (0..u64::BITS / TILE_HEIGHT).filter_map(incomplete).collect()
    }

    /// The edge of the log that a checkpoint speaks of, out of published tiles, for when the record was lost.
    ///
    /// `read` tells the hashes of a tile; a wider one at its place, such as [`TileId::full`], will do. Fails if one
    /// is missing, or if they do not add up to the root of the checkpoint.
    pub fn rebuild(
        checkpoint: &Checkpoint,
        read: impl FnMut(TileId) -> Option<Vec<Hash>>,
    ) -> Result<Self, PlanError> {
        let TreeHead { size, root } = checkpoint.head();
        let mut edge = Self { size, levels: vec![Vec::new(); levels(size)] };
        for (id, hashes) in read_tiles(Self::tiles(size), read)? {
            if let Some(level) = edge.levels.get_mut(id.level() as usize) {
                *level = hashes;
            }
        }
        if edge.root() == root { Ok(edge) } else { Err(PlanError::Root { size }) }
    }
}

/// How many levels of tiles a tree has.
fn levels(size: u64) -> usize {
    (0..u64::BITS / TILE_HEIGHT).filter(|level| size >> (TILE_HEIGHT * level) > 0).count()
}

/// An [`Edge`] as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    size: u64,
    levels: Vec<String>,
}

impl From<Edge> for Stored {
    fn from(edge: Edge) -> Self {
        let level = |hashes: Vec<Hash>| {
            let bytes: Vec<u8> = hashes.iter().flat_map(Hash::as_bytes).copied().collect();
            BASE64.encode(&bytes)
        };
        Self { size: edge.size, levels: edge.levels.into_iter().map(level).collect() }
    }
}

impl TryFrom<Stored> for Edge {
    type Error = EdgeError;

    fn try_from(Stored { size, levels: stored }: Stored) -> Result<Self, EdgeError> {
        if size > MAX_SIZE || stored.len() != levels(size) {
            return Err(EdgeError);
        }
        let level = |(level, text): (u32, String)| {
            let bytes = BASE64.decode(text.as_bytes()).map_err(|_| EdgeError)?;
            let (hashes, rest) = bytes.as_chunks();
            let wanted = (size >> (TILE_HEIGHT * level)) % TILE_WIDTH;
            let fits = rest.is_empty() && hashes.len() as u64 == wanted;
            fits.then(|| hashes.iter().copied().map(Hash::from_bytes).collect()).ok_or(EdgeError)
        };
        let levels = (0..).zip(stored).map(level).collect::<Result<_, _>>()?;
        Ok(Self { size, levels })
    }
}
