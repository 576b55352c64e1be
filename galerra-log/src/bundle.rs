use std::fmt;
use std::str::FromStr;

use crate::MAX_SIZE;
use crate::path::{place, read_place};
use crate::tile::TILE_WIDTH;

/// Which bundle of entries: `tile/entries/<index>`, with `.p/<width>` behind if it is not full.
///
/// Its entries are those of the leaves in the tile of level 0 at the same place. Source: C2SP tlog-tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    index: u64,
    width: u64,
}

/// Why a path, entries or bytes are no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The path does not follow C2SP tlog-tiles to the letter, or no tree is that large.
    #[error("`{path}` is not the path of a bundle")]
    Path {
        /// The path.
        path: String,
    },
    /// An entry does not fit its length of two bytes.
    #[error("an entry of {length} bytes is longer than 65535")]
    LongEntry {
        /// Length of the entry, in bytes.
        length: usize,
    },
    /// A bundle has 1 to 256 entries, and exactly as many as its path says.
    #[error("a bundle has {found} entries instead of {wanted}")]
    Count {
        /// Entries there are.
        found: usize,
        /// Entries there should be.
        wanted: u64,
    },
    /// The bytes end within an entry.
    #[error("a bundle ends within an entry")]
    Truncated,
}

impl BundleId {
    /// Longest entry that fits a bundle, in bytes.
    pub const LONGEST_ENTRY: usize = u16::MAX as usize;

    /// The bundle that has the entry at `index`, as wide as it is in a log of `size` entries; `None` if that log is
    /// too short.
    #[must_use]
    pub fn with_entry(index: u64, size: u64) -> Option<Self> {
        let bundle = index / TILE_WIDTH;
        (index < size && size <= MAX_SIZE)
            .then(|| Self { index: bundle, width: (size - bundle * TILE_WIDTH).min(TILE_WIDTH) })
    }

    pub(crate) const fn beside(index: u64, width: u64) -> Self {
        Self { index, width }
    }

    /// The place within the log, from 0: its first entry has the index `256 * index`.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many entries it has, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.width
    }

    /// The full bundle at the same place, which may be read instead once it exists.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// Path below the prefix of the log, for example `tile/entries/x001/067.p/8`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/entries/{}", place(self.index, self.width))
    }

    /// Reads [`BundleId::path`], in its only spelling.
    pub fn parse(path: &str) -> Result<Self, BundleError> {
        let read = || {
            let (index, width) = read_place(path.strip_prefix("tile/entries/")?)?;
            let id = Self { index, width };
            let end = index.checked_mul(TILE_WIDTH)?.checked_add(width)?;
            (end <= MAX_SIZE && id.path() == path).then_some(id)
        };
        read().ok_or_else(|| BundleError::Path { path: path.to_owned() })
    }

    /// The bundle as it is published: each entry behind its length as a big-endian number of two bytes.
    pub fn write<E: AsRef<[u8]>>(&self, entries: &[E]) -> Result<Vec<u8>, BundleError> {
        self.count(entries.len())?;
        let mut bytes = Vec::new();
        for entry in entries.iter().map(AsRef::as_ref) {
            let length =
                u16::try_from(entry.len()).map_err(|_| BundleError::LongEntry { length: entry.len() })?;
            bytes.extend(length.to_be_bytes());
            bytes.extend(entry);
        }
        Ok(bytes)
    }

    /// Reads [`BundleId::write`]: the entries, in the order of the log.
    pub fn read<'a>(&self, mut bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, BundleError> {
        let mut entries = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_first_chunk().ok_or(BundleError::Truncated)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, rest) = rest.split_at_checked(length).ok_or(BundleError::Truncated)?;
            entries.push(entry);
            bytes = rest;
        }
        self.count(entries.len())?;
        Ok(entries)
    }

    fn count(&self, found: usize) -> Result<(), BundleError> {
        let wanted = self.width;
        if found as u64 == wanted { Ok(()) } else { Err(BundleError::Count { found, wanted }) }
    }
}

impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl FromStr for BundleId {
    type Err = BundleError;

    fn from_str(path: &str) -> Result<Self, BundleError> {
        Self::parse(path)
    }
}
