//! What the log has to keep, by its public interface alone.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in what its cases share"
)]

mod grown;
mod keys;
mod proofs;
mod receipt;
mod tiles;
mod tree;
mod witness;
