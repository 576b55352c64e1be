use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{NAME, error};
use crate::{StorageError, View, views};

/// How long a connection waits for another one.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What brings the file from each version, counted from 0, to the next.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE records (
        key TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        value TEXT NOT NULL CHECK (json_valid(value))
    ) WITHOUT ROWID;
    -- The greatest version ever given: it does not go back when records are removed.
    CREATE TABLE counter (last INTEGER NOT NULL);
    INSERT INTO counter VALUES (0);
"];

/// Opens the file for the writer and answers the greatest version given so far.
pub(super) fn open(path: &Path, views: &[View]) -> Result<(Connection, i64), StorageError> {
    let mut db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
        .map_err(|e| error("open", e))?;
    // `secure_delete` overwrites what is removed; `FULL` syncs the log at every commit.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")
        .map_err(|e| error("open", e))?;
    migrate(&mut db)?;
    let prepared = create_views(&mut db, views)
        .and_then(|()| db.query_row("SELECT last FROM counter", [], |row| row.get(0)));
    prepared.map(|last| (db, last)).map_err(|e| error("open", e))
}

/// Opens the file to read alone.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(PATIENCE)?;
    // 16 MiB of pages, and room for every statement this crate has.
    db.execute_batch("PRAGMA cache_size = -16384;")?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

fn migrate(db: &mut Connection) -> Result<(), StorageError> {
    let at: u32 =
        db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|e| error("open", e))?;
    let Some(missing) = usize::try_from(at).ok().and_then(|at| MIGRATIONS.get(at..)) else {
        let reason = format!("the file has version {at}, this program knows {}", MIGRATIONS.len());
        return Err(StorageError::Invalid { store: NAME.to_owned(), reason });
    };
    let mut all = || {
        let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        missing.iter().try_for_each(|migration| change.execute_batch(migration))?;
        change.execute_batch(&format!("PRAGMA user_version = {}", MIGRATIONS.len()))?;
        change.commit()
    };
    all().map_err(|e| error("open", e))
}

fn create_views(db: &mut Connection, views: &[View]) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for view in views {
        let query = views::query(view, "records", |path| {
            format!("json_extract(value, '$.\"{}\"')", path.split('.').collect::<Vec<_>>().join("\".\""))
        });
        let name = view.name;
        change
            .execute_batch(&format!("DROP VIEW IF EXISTS \"{name}\"; CREATE VIEW \"{name}\" AS {query};"))?;
    }
    change.commit()
}
