//! Bytes and records that can be proven erased.
//!
//! Two traits, [`Blobs`] for bytes and [`Records`] for a sorted map with transactions, the backends that
//! implement them, and the public conformance suites that hold every backend to the same contract.
//! Nothing here knows what a gallery is.

mod blobs;
mod error;
mod key;
mod records;
mod semantics;

pub use blobs::{Blob, Blobs, Body, Entry, Erased, collect, whole};
pub use error::StorageError;
pub use key::{Key, KeyError, MAX_KEY, Prefix};
pub use records::{Batch, Belief, MAX_BATCH, MAX_VALUE, Op, Records, Row, Version, View};
pub use semantics::{Deletes, Semantics, TornWrites};

#[cfg(feature = "mock")]
pub use {blobs::MockBlobs, records::MockRecords};
