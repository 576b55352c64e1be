use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::json::is_storable;
use crate::{Key, Prefix, Semantics, StorageError};

/// Longest value in bytes of JSON text.
pub const MAX_VALUE: usize = 256 * 1024;
/// Most operations in one batch.
pub const MAX_BATCH: usize = 1024;

/// Which writing of a record this is; greater than every earlier version of the same key, also across removals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i64);

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub key: Key,
    /// Which writing of it this is.
    pub version: Version,
    /// Its value: JSON text, equal as JSON to what was committed, not always byte for byte.
    pub value: Arc<str>,
}

/// What a writer believes about a record before it changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// There is no such record.
    Absent,
    /// The record is there, and this is its version.
    At(Version),
}

impl Belief {
    /// Whether it is true of a record found at this version, or not found.
    #[must_use]
    pub fn holds(&self, found: Option<Version>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::At(version) => found == Some(*version),
        }
    }
}

/// One operation of a batch: a belief and what to do if it holds. A blind write cannot be spelt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Believe `Absent`, write the value.
    Create(Arc<str>),
    /// Believe `At`, write the value.
    Replace(Version, Arc<str>),
    /// Believe `At`, remove the record.
    Remove(Version),
    /// Change nothing; the batch fails unless the belief holds when it commits.
    Expect(Belief),
}

impl Op {
    /// What the operation believes.
    #[must_use]
    pub fn belief(&self) -> Belief {
        match self {
            Self::Create(_) => Belief::Absent,
            Self::Replace(at, _) | Self::Remove(at) => Belief::At(*at),
            Self::Expect(belief) => *belief,
        }
    }
}

/// Changes that happen together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    ops: BTreeMap<Key, Op>,
    twice: Option<Key>,
}

impl Batch {
    /// A batch that changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one operation. Naming a key twice makes the batch invalid; the commit says so.
    pub fn push(&mut self, key: Key, op: Op) {
        if let Some(earlier) = self.ops.insert(key.clone(), op) {
            self.ops.insert(key.clone(), earlier);
            self.twice = Some(key);
        }
    }

    /// How many operations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether there is no operation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The operations in key order, once limits and values are checked: what every backend calls first.
    pub fn checked(self, store: &str) -> Result<BTreeMap<Key, Op>, StorageError> {
        let invalid = |reason: String| StorageError::Invalid { store: store.to_owned(), reason };
        if let Some(key) = self.twice {
            return Err(invalid(format!("the batch names `{key}` twice")));
        }
        if self.ops.len() > MAX_BATCH {
            return Err(invalid(format!("the batch has more than {MAX_BATCH} operations")));
        }
        for (key, op) in &self.ops {
            let (Op::Create(value) | Op::Replace(_, value)) = op else { continue };
            if value.len() > MAX_VALUE {
                return Err(invalid(format!("the value of `{key}` is longer than {MAX_VALUE} bytes")));
            }
            if !is_storable(value) {
                return Err(invalid(format!("the value of `{key}` is not JSON without U+0000")));
            }
        }
        Ok(self.ops)
    }
}

/// Refuses a `get` of more keys than the contract allows.
pub(crate) fn check_keys(keys: &[Key], store: &str) -> Result<(), StorageError> {
    if keys.len() <= MAX_BATCH {
        return Ok(());
    }
    let reason = format!("more than {MAX_BATCH} keys are asked for");
    Err(StorageError::Invalid { store: store.to_owned(), reason })
}

/// A read-only SQL view that backends with SQL create, so that operators can query and join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Name of the view: `[a-z_]+`.
    pub name: &'static str,
    /// Which records it shows: a `LIKE` pattern over keys with `\` as escape character.
    pub pattern: &'static str,
    /// Its columns: column name, and the path of the JSON member (`title`, `state.name`).
    pub columns: &'static [(&'static str, &'static str)],
}

/// A sorted map from keys to JSON values, with transactions.
///
/// # Contract
/// - `get` answers in the order asked, `None` where there is no record; it costs one round trip, however
///   many keys are asked for (at most [`MAX_BATCH`]), and shows one state of the store.
/// - `scan` shows every record below the prefix in byte order of the keys, after `after`, at most `limit`
///   (a page shorter than `limit` is the last). Its cost does not grow with the size of the store.
/// - `commit` is atomic and durable: when it returns `Ok`, all of the batch is on stable storage; when it
///   returns an error other than `Transient`, none of it ever will be.
/// - A batch whose beliefs do not all hold at one instant is a [`StorageError::Conflict`] and changes nothing.
///   Batches are serialisable: the beliefs of a committed batch held when it took effect.
/// - All records a batch writes get one new version, greater than every version given before for these keys.
/// - `get` and `scan` see every commit that returned before they were called, from any process.
/// - Keys up to [`crate::MAX_KEY`] and values up to [`MAX_VALUE`] bytes are kept; larger ones are
///   [`StorageError::Invalid`], and so is a value that is not JSON or holds the character U+0000.
/// - An empty batch commits and changes nothing.
/// - Calls may be dropped at any await point: a dropped commit has happened wholly or not at all.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Records: fmt::Debug + Send + Sync {
    /// Reads the records under the keys.
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError>;
    /// Reads a page of the records below the prefix.
    async fn scan(&self, prefix: &Prefix, after: Option<Key>, limit: usize)
    -> Result<Vec<Row>, StorageError>;
    /// Writes the batch and answers the version its records now have.
    async fn commit(&self, batch: Batch) -> Result<Version, StorageError>;
    /// What a delete really does here.
    fn semantics(&self) -> Semantics;
}
