use crate::hash::{Hash, node_hash};
use crate::head::{MAX_SIZE, TreeHead};

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The tree does not have that leaf, or is smaller than the older one, or larger than any tree.
    #[error("{wanted} is beyond the {size} leaves of the tree")]
    Beyond {
        /// The index of the leaf, or the size of the older tree.
        wanted: u64,
        /// The size of the tree.
        size: u64,
    },
    /// There are more or fewer hashes than a proof between these sizes has.
    #[error("a proof of {found} hashes has the wrong length")]
    Length {
        /// How many hashes there are.
        found: usize,
    },
    /// The hashes do not lead to the root of the tree.
    #[error("the proof does not lead to the root of the tree")]
    Root,
    /// The hashes do not lead to the root of the older tree.
    #[error("the proof does not lead to the root of the older tree")]
    OldRoot,
}

/// Verifies that the leaf with this hash is at `index` (from 0) of a tree (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(leaf: Hash, index: u64, path: &[Hash], tree: TreeHead) -> Result<(), ProofError> {
    if index >= tree.size || tree.size > MAX_SIZE {
        return Err(ProofError::Beyond { wanted: index, size: tree.size });
    }
    let mut climb = Climb { node: index, last: tree.size - 1 };
    let mut root = leaf;
    for sibling in path {
        root = match climb.up(path.len())? {
            Side::Left => node_hash(sibling, &root),
            Side::Right => node_hash(&root, sibling),
        };
    }
    climb.arrived(path.len())?;
    if root == tree.root { Ok(()) } else { Err(ProofError::Root) }
}

/// Verifies that a tree begins with all leaves of an older one (RFC 9162 §2.1.4.2).
///
/// The proof is empty if the older tree is empty or the two are the same.
pub fn verify_consistency(old: TreeHead, new: TreeHead, proof: &[Hash]) -> Result<(), ProofError> {
    if old.size > new.size || new.size > MAX_SIZE {
        return Err(ProofError::Beyond { wanted: old.size, size: new.size });
    }
    if old.size == 0 || old.size == new.size {
        return verify_without_growth(old, new, proof);
    }
    // A tree that is perfect is a node of the newer one, and its root is left out of the proof.
    let (start, rest) = match proof.split_first() {
        _ if old.size.is_power_of_two() => (&old.root, proof),
        Some(split) => split,
        None => return Err(ProofError::Length { found: 0 }),
    };
    let perfect = (old.size - 1).trailing_ones();
    let mut climb = Climb { node: (old.size - 1) >> perfect, last: (new.size - 1) >> perfect };
    let (mut old_root, mut new_root) = (*start, *start);
    for sibling in rest {
        match climb.up(proof.len())? {
            Side::Left => {
                old_root = node_hash(sibling, &old_root);
                new_root = node_hash(sibling, &new_root);
            }
            Side::Right => new_root = node_hash(&new_root, sibling),
        }
    }
    climb.arrived(proof.len())?;
    match () {
        () if old_root != old.root => Err(ProofError::OldRoot),
        () if new_root != new.root => Err(ProofError::Root),
        () => Ok(()),
    }
}

fn verify_without_growth(old: TreeHead, new: TreeHead, proof: &[Hash]) -> Result<(), ProofError> {
    match () {
        () if !proof.is_empty() => Err(ProofError::Length { found: proof.len() }),
        () if old.size == 0 && old.root != Hash::EMPTY => Err(ProofError::OldRoot),
        () if old.size == new.size && old.root != new.root => Err(ProofError::Root),
        () => Ok(()),
    }
}

/// The way from a node to the root, beside the way of the last node of its level.
struct Climb {
    node: u64,
    last: u64,
}

/// On which side of a node its sibling is.
enum Side {
    Left,
    Right,
}

impl Climb {
    /// One sibling up; fails at the root, which has none.
    fn up(&mut self, found: usize) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::Length { found });
        }
        // The last node of a level is carried up until it is a right child.
        let carried = if self.node == self.last { self.node.trailing_zeros() } else { 0 };
        let side = if self.node >> carried & 1 == 1 { Side::Left } else { Side::Right };
        self.node >>= carried + 1;
        self.last >>= carried + 1;
        Ok(side)
    }

    /// Fails anywhere but at the root.
    fn arrived(&self, found: usize) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::Length { found }) }
    }
}
