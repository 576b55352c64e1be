//! Records in one SQLite file.

mod cache;
mod commit;
mod readers;
mod schema;
mod scrub;
mod writer;

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use self::cache::Cache;
use self::readers::Readers;
use self::writer::Writer;
use crate::records::check_keys;
use crate::{
    Batch, Deletes, Key, Prefix, Records, Row, Semantics, StorageError, TornWrites, Version, View, views,
};

const NAME: &str = "sqlite";
/// How many bytes of records are kept at hand.
const CACHED: usize = 32 * 1024 * 1024;
/// Sorts above every key: `{` follows `z`, the greatest letter of a key.
const ABOVE_ALL: &str = "{";

/// Records in one SQLite file, which belongs to this value alone.
///
/// A lock on `<file>.lock` keeps every other process, and a second `open` in this one, from writing; anyone
/// may read the file and its views with SQLite's own tools. Commits from many tasks share one sync of the
/// disk. Removed and replaced values are overwritten in the file at once; the write-ahead log and what SQLite leaves of
/// them in the middle of other pages are cleared as soon as the store is idle, at the latest after a few seconds.
///
/// Dropping it waits until every commit that was asked for is done and the log is empty.
pub struct Sqlite {
    cache: Arc<Cache>,
    readers: Readers,
    writer: Writer,
    // INVARIANT: after every connection, for closing a file lets go of the locks that SQLite has on it in this process.
    _file: Arc<File>,
    // INVARIANT: the last field, so that the lock is let go after every connection is closed.
    _lock: File,
}

impl Sqlite {
    /// Opens the file, makes it if it is not there, and puts the views in place. Blocks the calling thread.
    pub fn open(path: impl AsRef<Path>, views: &[View]) -> Result<Self, StorageError> {
        let path = path.as_ref();
        views::check(views, NAME)?;
        let lock = lock(path)?;
        let (connection, version) = schema::open(path, views)?;
        let cache = Arc::new(Cache::new(CACHED));
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| broken("open", e))?;
        let file = Arc::new(file);
        let readers = Readers::start(path).map_err(|e| error("open", e))?;
        let writer = Writer::start(connection, version, cache.clone(), file.clone());
        let writer = writer.map_err(|e| broken("open", e))?;
        Ok(Self { cache, readers, writer, _file: file, _lock: lock })
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

fn lock(path: &Path) -> Result<File, StorageError> {
    let mut name = OsString::from(path);
    name.push(".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(name);
    let file = file.map_err(|e| broken("open", e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            let cause = "the file is in use by another process, or opened twice in this one";
            Err(broken("open", io::Error::other(cause)))
        }
        Err(std::fs::TryLockError::Error(cause)) => Err(broken("open", cause)),
    }
}

fn broken(operation: &'static str, cause: io::Error) -> StorageError {
    StorageError::Permanent { store: NAME.to_owned(), operation, source: cause.into() }
}

/// SQLite's messages name tables and columns, never values: those are bound, not part of the text.
fn error(operation: &'static str, cause: rusqlite::Error) -> StorageError {
    use ErrorCode::{
        CannotOpen, ConstraintViolation, DatabaseCorrupt, DiskFull, NotADatabase, PermissionDenied, ReadOnly,
    };
    let (code, store) = (cause.sqlite_error_code(), NAME.to_owned());
    let source = cause.into();
    match code {
        Some(
            CannotOpen | ConstraintViolation | DatabaseCorrupt | DiskFull | NotADatabase | PermissionDenied
            | ReadOnly,
        ) => StorageError::Permanent { store, operation, source },
        _ => StorageError::Transient { store, operation, source },
    }
}

#[async_trait]
impl Records for Sqlite {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError> {
        check_keys(keys, NAME)?;
        let seen = match self.cache.get(keys) {
            Ok(found) => return Ok(found),
            Err(seen) => seen,
        };
        let asked = keys.to_vec();
        let found = self.readers.run(move |db| find(db, &asked)).await.map_err(|e| error("get", e))?;
        self.cache.fill(keys, &found, seen);
        Ok(found)
    }

    async fn scan(
        &self,
        prefix: &Prefix,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        let start = after.map_or_else(String::new, String::from).max(prefix.as_str().to_owned());
        let end = prefix.end().unwrap_or_else(|| ABOVE_ALL.to_owned());
        self.readers.run(move |db| page(db, &start, &end, limit)).await.map_err(|e| error("scan", e))
    }

    async fn commit(&self, batch: Batch) -> Result<Version, StorageError> {
        self.writer.commit(batch.checked(NAME)?).await
    }

    fn semantics(&self) -> Semantics {
        Semantics { store: NAME.to_owned(), deletes: Deletes::Overwrites, torn_writes: TornWrites::Nothing }
    }
}

/// Reads all keys from one state of the database.
fn find(db: &Connection, keys: &[Key]) -> rusqlite::Result<Vec<Option<Row>>> {
    let snapshot = db.unchecked_transaction()?;
    let mut one = snapshot.prepare_cached("SELECT version, value FROM records WHERE key = ?1")?;
    keys.iter()
        .map(|key| {
            let row = |row: &rusqlite::Row<'_>| {
                Ok(Row { key: key.clone(), version: Version(row.get(0)?), value: row.get(1)? })
            };
            one.query_row([key.as_str()], row).optional()
        })
        .collect()
}

fn page(db: &Connection, start: &str, end: &str, limit: usize) -> rusqlite::Result<Vec<Row>> {
    let mut page = db.prepare_cached(
        "SELECT key, version, value FROM records WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = page.query_map((start, end, limit), |row| {
        let key = Key::parse(row.get::<_, String>(0)?);
        let key = key.map_err(|e| {
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, e.into())
        })?;
        Ok(Row { key, version: Version(row.get(1)?), value: row.get(2)? })
    })?;
    rows.collect()
}
