//! Both traits in memory, with faults on demand.

mod faults;

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use self::faults::Faults;
pub use self::faults::{Call, Fault};
use crate::blobs::cut;
use crate::records::check_keys;
use crate::{
    Batch, Blob, Blobs, Body, Deletes, Entry, Erased, Key, Op, Prefix, Records, Row, Semantics, StorageError,
    TornWrites, Version, collect,
};

/// Blobs and records in memory, with faults on demand.
///
/// Clones share one content, so a test can drop whatever used the store, "restart" it over a clone and find
/// what a crash would have left. [`Memory::fail`], [`Memory::fail_nth`] and [`Memory::heal`] make it fail, lie
/// or hang; [`Memory::contains`] looks into everything that is stored.
#[derive(Clone)]
pub struct Memory {
    name: Arc<str>,
    state: Arc<Mutex<State>>,
}

/// What a [`Memory`] held at one moment: a backup.
#[derive(Clone)]
pub struct Snapshot {
    blobs: BTreeMap<String, (Key, Bytes)>,
    rows: BTreeMap<String, Row>,
    version: i64,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot of {} rows and {} blobs", self.rows.len(), self.blobs.len())
    }
}

impl Snapshot {
    /// Every record that the backup holds, sorted by its key.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, (Key, Bytes)>,
    rows: BTreeMap<String, Row>,
    version: i64,
    faults: Faults,
}

impl Memory {
    /// An empty store called `memory`.
    #[must_use]
    pub fn new() -> Self {
        Self::named("memory")
    }

    /// An empty store with a name of its own, for tests with several.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.into(), state: Arc::default() }
    }

    /// Makes every call of this kind meet the fault until [`Memory::heal`].
    pub fn fail(&self, call: Call, fault: Fault) {
        self.lock().faults.always(call, fault);
    }

    /// Makes the `n`-th next call (1 is the next), of whatever kind, meet the fault; once.
    pub fn fail_nth(&self, n: u64, fault: Fault) {
        self.lock().faults.nth(n, fault);
    }

    /// Takes all faults back; what they did stays done.
    pub fn heal(&self) {
        self.lock().faults.heal();
    }

    /// How many calls there have been, of all kinds: what a test counts to fail at each of them in turn.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().faults.calls()
    }

    /// Whether these bytes lie anywhere in the store, in a key, a blob or a value.
    #[must_use]
    pub fn contains(&self, needle: &[u8]) -> bool {
        let found = |hay: &[u8]| needle.is_empty() || hay.windows(needle.len()).any(|w| w == needle);
        let state = self.lock();
        state.blobs.iter().any(|(key, (_, bytes))| found(key.as_bytes()) || found(bytes))
            || state.rows.iter().any(|(key, row)| found(key.as_bytes()) || found(row.value.as_bytes()))
    }

    /// A backup of everything that is stored.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        Snapshot { blobs: state.blobs.clone(), rows: state.rows.clone(), version: state.version }
    }

    /// Puts back what a backup holds, and nothing else; faults stay as they are.
    ///
    /// Rows have their versions of then, and new ones go on growing from those of now: no version is given twice,
    /// so whoever lives through it conflicts where rows have changed. A database whose files are put back promises
    /// less: see [`Memory::rewind`].
    pub fn restore(&self, backup: &Snapshot) {
        let mut state = self.lock();
        state.blobs.clone_from(&backup.blobs);
        state.rows.clone_from(&backup.rows);
    }

    /// Puts back what a backup holds, and the counter of versions with it, as a database does whose files are put
    /// back: versions are given again. Whoever has read from the store before must not live through it.
    pub fn rewind(&self, backup: &Snapshot) {
        let mut state = self.lock();
        state.blobs.clone_from(&backup.blobs);
        state.rows.clone_from(&backup.rows);
        state.version = backup.version;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a call through whatever fault is due: `act` does it, `lie` only says so.
    async fn call<T>(
        &self,
        call: Call,
        act: impl FnOnce(&mut State) -> Result<T, StorageError> + Send,
        lie: impl FnOnce(&mut State) -> T + Send,
    ) -> Result<T, StorageError> {
        let fault = self.lock().faults.next(call);
        match fault {
            None => act(&mut self.lock()),
            Some(Fault::Before) => Err(self.transient(call, "a fault on demand")),
            Some(Fault::After) => {
                act(&mut self.lock())?;
                Err(self.transient(call, "a fault on demand"))
            }
            Some(Fault::Lie) => Ok(lie(&mut self.lock())),
            Some(Fault::Hang) => pending().await,
        }
    }

    fn transient(
        &self,
        call: Call,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StorageError {
        StorageError::Transient {
            store: self.name.as_ref().to_owned(),
            operation: call.name(),
            source: cause.into(),
        }
    }

    fn semantics(&self) -> Semantics {
        Semantics {
            store: self.name.as_ref().to_owned(),
            deletes: Deletes::Unlinks,
            torn_writes: TornWrites::Nothing,
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where a page starts: after a key, or at the least key below the prefix.
fn start<'a>(prefix: &'a Prefix, after: Option<&'a Key>) -> Bound<&'a str> {
    match after {
        Some(after) if after.as_str() > prefix.as_str() => Bound::Excluded(after.as_str()),
        _ => Bound::Included(prefix.as_str()),
    }
}

fn page<'a, T>(
    map: &'a BTreeMap<String, T>,
    prefix: &'a Prefix,
    after: Option<&'a Key>,
    limit: usize,
) -> impl Iterator<Item = &'a T> {
    map.range::<str, _>((start(prefix, after), Bound::Unbounded))
        .take_while(|(key, _)| key.starts_with(prefix.as_str()))
        .take(limit)
        .map(|(_, found)| found)
}

#[async_trait]
impl Blobs for Memory {
    async fn put(&self, key: &Key, body: Body) -> Result<(), StorageError> {
        let bytes = collect(body).await.map_err(|e| self.transient(Call::Put, e))?;
        let put = |state: &mut State| {
            state.blobs.insert(key.as_str().to_owned(), (key.clone(), bytes));
            Ok(())
        };
        self.call(Call::Put, put, |_| ()).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Blob>, StorageError> {
        let read = |state: &mut State| Ok(state.blobs.get(key.as_str()).map(|(_, bytes)| cut(bytes, range)));
        self.call(Call::Read, read, |_| None).await
    }

    async fn erase(&self, key: &Key) -> Result<Erased, StorageError> {
        let erase = |state: &mut State| {
            Ok(match state.blobs.remove(key.as_str()) {
                Some(_) => Erased::Removed,
                None => Erased::Absent,
            })
        };
        let lie = |state: &mut State| {
            if state.blobs.contains_key(key.as_str()) { Erased::Removed } else { Erased::Absent }
        };
        self.call(Call::Erase, erase, lie).await
    }

    async fn list(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        let list = |state: &mut State| {
            let entry = |(key, bytes): &(Key, Bytes)| Entry { key: key.clone(), size: bytes.len() as u64 };
            Ok(page(&state.blobs, prefix, after.as_ref(), limit).map(entry).collect())
        };
        self.call(Call::List, list, |_| Vec::new()).await
    }

    fn semantics(&self) -> Semantics {
        self.semantics()
    }
}

impl State {
    fn commit(&mut self, ops: BTreeMap<Key, Op>) -> Result<Version, StorageError> {
        for (key, op) in &ops {
            let found = self.rows.get(key.as_str()).map(|row| row.version);
            if !op.belief().holds(found) {
                return Err(StorageError::Conflict { key: key.clone() });
            }
        }
        let version = self.give_version();
        for (key, op) in ops {
            match op {
                Op::Create(value) | Op::Replace(_, value) => {
                    self.rows.insert(key.as_str().to_owned(), Row { key, version, value });
                }
                Op::Remove(_) => {
                    self.rows.remove(key.as_str());
                }
                Op::Expect(_) => {}
            }
        }
        Ok(version)
    }

    fn give_version(&mut self) -> Version {
        self.version += 1;
        Version(self.version)
    }
}

#[async_trait]
impl Records for Memory {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError> {
        check_keys(keys, &self.name)?;
        let read =
            |state: &mut State| Ok(keys.iter().map(|key| state.rows.get(key.as_str()).cloned()).collect());
        self.call(Call::Get, read, |_| vec![None; keys.len()]).await
    }

    async fn scan(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        let scan =
            |state: &mut State| Ok(page(&state.rows, prefix, after.as_ref(), limit).cloned().collect());
        self.call(Call::Scan, scan, |_| Vec::new()).await
    }

    async fn commit(&self, batch: Batch) -> Result<Version, StorageError> {
        let ops = batch.checked(&self.name)?;
        self.call(Call::Commit, |state| state.commit(ops), State::give_version).await
    }

    fn semantics(&self) -> Semantics {
        self.semantics()
    }
}
