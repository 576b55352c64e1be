use std::fmt;
use std::str::FromStr;

use crate::MAX_SIZE;
use crate::bundle::BundleId;
use crate::hash::Hash;
use crate::path::{place, read_place};

/// Levels of the tree between a hash of a tile and the tile above.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// Hashes of a full tile.
pub(crate) const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

/// Which tile of the tree: `tile/<level>/<index>`, with `.p/<width>` behind if it is not full.
///
/// Its width is 1 to 256, and trees of up to [`MAX_SIZE`] leaves have one at its place. Source: C2SP tlog-tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    level: u32,
    index: u64,
    width: u64,
}

/// Why a path or bytes are no tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TileError {
    /// The path does not follow C2SP tlog-tiles to the letter, or no tree is that large.
    #[error("`{path}` is not the path of a tile")]
    Path {
        /// The path.
        path: String,
    },
    /// The bytes are not `width` hashes of 32 bytes.
    #[error("{path} has {found} bytes instead of {wanted}")]
    Length {
        /// Path of the tile.
        path: String,
        /// Bytes there are.
        found: usize,
        /// Bytes there should be.
        wanted: u64,
    },
}

impl TileId {
    /// A tile by its place, as wide as it is in a tree of `size` leaves; `None` if that tree does not have it.
    #[must_use]
    pub fn within(level: u32, index: u64, size: u64) -> Option<Self> {
        let hashes = (size <= MAX_SIZE).then_some(size)?.checked_shr(level.checked_mul(TILE_HEIGHT)?)?;
        let width = hashes.checked_sub(index.checked_mul(TILE_WIDTH)?)?.min(TILE_WIDTH);
        (width > 0).then_some(Self { level, index, width })
    }

    /// The level: 0 has the hashes of leaves, each further one the roots of the full tiles below.
    #[must_use]
    pub const fn level(&self) -> u32 {
        self.level
    }

    /// The place within the level, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.width
    }

    /// The full tile at the same place, which may be read instead once it exists.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// The bundle with the entries of its leaves; `None` unless the level is 0.
    #[must_use]
    pub fn bundle(&self) -> Option<BundleId> {
        (self.level == 0).then(|| BundleId::beside(self.index, self.width))
    }

    /// Path below the prefix of the log, for example `tile/0/x001/x234/067.p/8`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, place(self.index, self.width))
    }

    /// Reads [`TileId::path`], in its only spelling.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let read = || {
            let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
            let (index, width) = read_place(rest)?;
            let id = Self { level: level.parse().ok()?, index, width };
            (id.fits() && id.path() == path).then_some(id)
        };
        read().ok_or_else(|| TileError::Path { path: path.to_owned() })
    }

    fn fits(self) -> bool {
        let hashes = self.index.checked_mul(TILE_WIDTH).and_then(|before| before.checked_add(self.width));
        let most = self.level.checked_mul(TILE_HEIGHT).and_then(|bits| MAX_SIZE.checked_shr(bits));
        hashes.zip(most).is_some_and(|(hashes, most)| hashes <= most)
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl FromStr for TileId {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        Self::parse(path)
    }
}

/// A tile: up to 256 hashes that stand side by side in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    id: TileId,
    hashes: Vec<Hash>,
}

impl Tile {
    /// A tile as wide as it has hashes, of which there must be 1 to 256.
    pub(crate) fn new(level: u32, index: u64, hashes: Vec<Hash>) -> Self {
        let id = TileId { level, index, width: hashes.len() as u64 };
        debug_assert!((1..=TILE_WIDTH).contains(&id.width), "{id}");
        Self { id, hashes }
    }

    /// Which tile it is.
    #[must_use]
    pub const fn id(&self) -> TileId {
        self.id
    }

    /// Its hashes, from the left.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Its hashes, from the left.
    #[must_use]
    pub fn into_hashes(self) -> Vec<Hash> {
        self.hashes
    }

    /// The tile as it is published: its hashes, 32 bytes each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(Hash::as_bytes).copied().collect()
    }

    /// Reads [`Tile::to_bytes`].
    pub fn from_bytes(id: TileId, bytes: &[u8]) -> Result<Self, TileError> {
        let (hashes, rest) = bytes.as_chunks::<{ Hash::LENGTH }>();
        if !rest.is_empty() || hashes.len() as u64 != id.width {
            let wanted = id.width * Hash::LENGTH as u64;
            return Err(TileError::Length { path: id.path(), found: bytes.len(), wanted });
        }
        Ok(Self { id, hashes: hashes.iter().copied().map(Hash::from_bytes).collect() })
    }
}
