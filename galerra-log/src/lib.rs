//! A log that can only grow, and proofs of what is in it.
//!
//! An append-only Merkle tree (RFC 6962) with signed checkpoints, tiles, witnesses and receipts after the
//! specifications of [C2SP](https://c2sp.org): signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-witness
//! and tlog-proof. Nothing here knows what a gallery is, and nothing reads a clock, randomness, a disk or a network: the
//! caller brings times, seeds and tiles.
//!
//! A log keeps an [`Edge`]. To append, it hashes entries with [`leaf_hash`], stores the tiles that [`Edge::append`]
//! tells and the bundles beside them ([`TileId::bundle`]), and then signs ([`TreeHead::sign`]). A [`Plan`] says which
//! tiles a proof needs and makes it of them. Witnesses are asked with [`AddCheckpoint`] and answer with
//! [`WitnessKey::answer`]. A [`Receipt`] has it all in one text, which anybody can verify offline
//! ([`Receipt::verify`]).
//!
//! Whatever others may send (keys, paths, checkpoints, requests, receipts) is read in one spelling only: a text that was
//! accepted is, byte for byte, the text that is printed for what was read.
//!
//! ```
//! use galerra_log::{Checkpoint, Edge, LogKey, Plan, leaf_hash, verify_inclusion};
//!
//! let key = LogKey::new("gallery.example/log", [7; 32])?;
//! let mut edge = Edge::default();
//! let tiles = edge.append([leaf_hash(b"one"), leaf_hash(b"two"), leaf_hash(b"three")]);
//! let text = edge.head().sign(&key).to_string();
//!
//! let checkpoint = Checkpoint::open(&text, key.verifier())?;
//! let plan = Plan::inclusion(1, checkpoint.head().size)?;
//! let path = plan.hashes(|id| tiles.iter().find(|tile| tile.id() == id).map(|tile| tile.hashes().to_vec()))?;
//! verify_inclusion(leaf_hash(b"two"), 1, &path, checkpoint.head())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bundle;
mod canonical;
mod checkpoint;
mod commitment;
mod edge;
mod hash;
mod head;
mod key;
mod note;
mod path;
mod plan;
mod proof;
mod receipt;
mod span;
mod tile;
mod witness;

pub use bundle::{BundleError, BundleId};
pub use canonical::{CanonicalError, canonical};
pub use checkpoint::{Checkpoint, CheckpointError, Cosignature};
pub use commitment::{Salt, SaltError, commitment};
pub use edge::{Edge, EdgeError};
pub use hash::{Hash, HashError, leaf_hash, node_hash};
pub use head::{MAX_SIZE, TreeHead};
pub use key::{
    Cosigning, Key, KeyError, LogKey, LogVerifier, Purpose, Signing, Verifier, WitnessKey, WitnessVerifier,
};
pub use note::NoteError;
pub use plan::{Plan, PlanError};
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use receipt::{Contents, Receipt, ReceiptError, Verified, evidence_hash};
pub use tile::{Tile, TileError, TileId};
pub use witness::{AddCheckpoint, AddCheckpointError, Answer, Refusal};
