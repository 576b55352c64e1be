//! Every backend of this crate against the contracts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in what its cases share"
)]

#[cfg(feature = "objects")]
mod disk;
mod lies;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod suites;
