use serde::{Deserialize, Serialize};

/// What a delete really does in a store; receipts quote it word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Semantics {
    /// Name of the store in receipts and errors, such as `sqlite` or `file`; never a path or a credential.
    pub store: String,
    /// What is left where a deleted value lay.
    pub deletes: Deletes,
    /// What is left of a write that was cut short.
    pub torn_writes: TornWrites,
}

/// What is left where a deleted value lay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Deletes {
    /// Nothing that any file of the store still holds: values are overwritten in place, logs are cut off.
    Overwrites,
    /// Unreachable bytes on the medium until the space is used again (files, freed memory).
    Unlinks,
    /// Dead rows and write-ahead log in the engine's own files until it writes over them (PostgreSQL, whose VACUUM alone
    /// overwrites nothing).
    Vacuums,
    /// Whatever the provider's bucket settings say: versions, soft delete and replicas are not visible here.
    ProviderDecides,
}

/// What is left of a write that was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TornWrites {
    /// Nothing: a write is whole or absent.
    Nothing,
    /// Parts that `list` shows under the key they were meant for and `erase` removes.
    Listed,
    /// Parts that only the provider's lifecycle rule removes.
    Lifecycle,
}
