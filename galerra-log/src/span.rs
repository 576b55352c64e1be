//! Which hashes of which tiles stand for a range of leaves.

use crate::hash::{Hash, node_hash, perfect};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, TileId};

/// Leaves `start..end` that one node of some tree stands for (RFC 6962 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// Root of the perfect subtree above the leaves `index << height .. (index + 1) << height`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    height: u32,
    index: u64,
}

impl Span {
    /// The whole tree of that size.
    pub(crate) const fn tree(size: u64) -> Self {
        Self { start: 0, end: size }
    }

    /// What the two children of the node stand for; `None` for a leaf and for the empty tree.
    pub(crate) fn split(self) -> Option<(Self, Self)> {
        let height = (self.end - self.start).checked_sub(1)?.checked_ilog2()?;
        let middle = self.start + (1 << height);
        Some((Self { start: self.start, end: middle }, Self { start: middle, end: self.end }))
    }

    /// The perfect subtrees it consists of, from the left, each smaller than the one before.
    pub(crate) fn nodes(self) -> impl DoubleEndedIterator<Item = Node> {
        let length = self.end - self.start;
        let heights = (0..u64::BITS).rev().filter(move |height| length >> height & 1 == 1);
        heights.map(move |height| {
            // What is left of the subtree are those of the greater heights.
            let before = length >> height & !1;
            Node { height, index: (self.start >> height) + before }
        })
    }

    /// Its hash in a tree of that size, out of tiles; `None` if one is missing or too narrow.
    pub(crate) fn hash<'a>(self, tree: u64, tiles: impl Fn(TileId) -> Option<&'a [Hash]>) -> Option<Hash> {
        let mut from_the_right = self.nodes().rev().map(|node| node.hash(tiles(node.tile(tree)?)?));
        let Some(last) = from_the_right.next() else { return Some(Hash::EMPTY) };
        from_the_right.try_fold(last?, |right, left| Some(node_hash(&left?, &right)))
    }
}

impl Node {
    /// The tile that holds it, in a tree of that size.
    pub(crate) fn tile(self, tree: u64) -> Option<TileId> {
        let (level, first) = self.place();
        TileId::within(level, first / TILE_WIDTH, tree)
    }

    fn hash(self, tile: &[Hash]) -> Option<Hash> {
        let (_, first) = self.place();
        let from = usize::try_from(first % TILE_WIDTH).ok()?;
        tile.get(from..from + (1 << (self.height % TILE_HEIGHT))).map(perfect)
    }

    /// The level of tiles that holds it, and which hash of that level is its first.
    fn place(self) -> (u32, u64) {
        (self.height / TILE_HEIGHT, self.index << (self.height % TILE_HEIGHT))
    }
}
