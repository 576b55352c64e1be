//! Bytes and records that can be proven erased.
//!
//! Two traits, [`Blobs`] for bytes and [`Records`] for a sorted map with transactions, the backends that
//! implement them, and the public conformance suites that hold every backend to the same contract.
//! Nothing here knows what a gallery is.

mod blobs;
#[cfg(any(feature = "conformance", test))]
pub mod conformance;
mod error;
mod json;
mod key;
mod memory;
#[cfg(feature = "objects")]
mod objects;
#[cfg(feature = "postgres")]
mod postgres;
mod records;
mod semantics;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod views;

pub use blobs::{Blob, Blobs, Body, Entry, Erased, collect, whole};
pub use error::StorageError;
pub use key::{Key, KeyError, MAX_KEY, Prefix};
pub use memory::{Call, Fault, Memory, Snapshot};
#[cfg(feature = "objects")]
pub use objects::Objects;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use records::{Batch, Belief, MAX_BATCH, MAX_VALUE, Op, Records, Row, Version, View};
pub use semantics::{Deletes, Semantics, TornWrites};
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;

#[cfg(feature = "mock")]
pub use {blobs::MockBlobs, records::MockRecords};
