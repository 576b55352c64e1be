use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// Most leaves of a tree: what fits a proof of 63 hashes, the longest that a witness takes.
pub const MAX_SIZE: u64 = u64::MAX >> 1;

/// What a tree is, in two values; the default is the empty tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TreeHead {
    /// How many leaves it has.
    pub size: u64,
    /// Its root (RFC 6962 §2.1).
    pub root: Hash,
}

impl TreeHead {
    /// The tree without leaves: what a witness knows of a log that it never saw.
    pub const EMPTY: Self = Self { size: 0, root: Hash::EMPTY };
}

impl Default for TreeHead {
    fn default() -> Self {
        Self::EMPTY
    }
}
