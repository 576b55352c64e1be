use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::error;
use crate::{Belief, Key, Op, StorageError, Version};

/// Does what a batch says inside the open transaction, or leaves no trace of it there.
///
/// # Errors
/// The outer error is the database's and concerns the whole transaction, the inner one this batch alone.
pub(super) fn apply(
    db: &Connection,
    ops: &BTreeMap<Key, Op>,
    version: Version,
) -> rusqlite::Result<Result<(), Key>> {
    db.prepare_cached("SAVEPOINT batch")?.execute([])?;
    let mut wrong = None;
    for (key, op) in ops {
        if !step(db, key, op, version)? {
            wrong = Some(key.clone());
            db.prepare_cached("ROLLBACK TO batch")?.execute([])?;
            break;
        }
    }
    db.prepare_cached("RELEASE batch")?.execute([])?;
    Ok(wrong.map_or(Ok(()), Err))
}

/// Does one operation; answers whether its belief was right.
fn step(db: &Connection, key: &Key, op: &Op, Version(new): Version) -> rusqlite::Result<bool> {
    let key = key.as_str();
    let changed = match op {
        Op::Create(value) => db
            .prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
            .execute((key, new, value.as_ref()))?,
        Op::Replace(Version(at), value) => db
            .prepare_cached("UPDATE records SET version = ?3, value = ?4 WHERE key = ?1 AND version = ?2")?
            .execute((key, at, new, value.as_ref()))?,
        Op::Remove(Version(at)) => {
            db.prepare_cached("DELETE FROM records WHERE key = ?1 AND version = ?2")?.execute((key, at))?
        }
        Op::Expect(belief) => return expected(db, key, *belief),
    };
    Ok(changed == 1)
}

fn expected(db: &Connection, key: &str, belief: Belief) -> rusqlite::Result<bool> {
    let mut one = db.prepare_cached("SELECT version FROM records WHERE key = ?1")?;
    let found = one.query_row([key], |row| row.get(0)).optional()?;
    Ok(belief.holds(found.map(Version)))
}

/// Opens a transaction, does `work` in it and commits it, or rolls all of it back.
pub(super) fn transaction<T>(
    db: &Connection,
    work: impl FnOnce() -> rusqlite::Result<T>,
) -> Result<T, StorageError> {
    let all = || {
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let done = work()?;
        db.prepare_cached("COMMIT")?.execute([])?;
        Ok(done)
    };
    all().map_err(|cause| {
        // SQLite has rolled back already after some errors; only the others need it.
        if !db.is_autocommit()
            && let Err(cause) = db.execute_batch("ROLLBACK")
        {
            tracing::error!(%cause, "sqlite could not roll back");
        }
        error("commit", cause)
    })
}
