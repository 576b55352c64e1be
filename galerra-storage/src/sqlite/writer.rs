use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use rusqlite::Connection;

use super::cache::Cache;
use super::commit::{apply, transaction};
use super::schema::PATIENCE;
use super::scrub::scrub;
use super::{NAME, broken, error};
use crate::{Key, Op, Row, StorageError, Version};

/// Most batches that share one sync of the disk.
const GROUP: usize = 256;
/// How long the store must be idle before the log is emptied of forgotten values.
const IDLE: Duration = Duration::from_millis(100);
/// How long forgotten values may stay in the log of a store that is never idle.
const BUSY: Duration = Duration::from_secs(2);

/// How long commits may wait for a reader that keeps the log from being emptied.
const GIVE_WAY: Duration = Duration::from_millis(50);
/// How many times longer than it took to scrub the file it is left alone then.
const SELDOM: u32 = 20;
/// How much longer when that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// The one thread that writes.
pub(super) struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

struct Job {
    ops: BTreeMap<Key, Op>,
    reply: oneshot::Sender<Result<Version, StorageError>>,
}

impl Writer {
    /// Starts the thread; the log is empty when this returns.
    pub(super) fn start(
        db: Connection,
        version: i64,
        cache: Arc<Cache>,
        file: Arc<File>,
    ) -> io::Result<Self> {
        let (queue, jobs) = channel();
        let mut thread =
            Thread { db, version, cache, file, forgotten: Some(Instant::now()), rests_until: None };
        thread.empty_log();
        let name = std::thread::Builder::new().name("galerra-write".to_owned());
        let thread = name.spawn(move || thread.serve(&jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(super) async fn commit(&self, ops: BTreeMap<Key, Op>) -> Result<Version, StorageError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { ops, reply };
        if self.queue.as_ref().is_none_or(|queue| queue.send(job).is_err()) {
            return Err(broken("commit", io::Error::other("the writer is gone")));
        }
        // A writer that dies with the batch in hand may have committed it.
        answer.await.unwrap_or_else(|gone| {
            Err(StorageError::Transient { store: NAME.to_owned(), operation: "commit", source: gone.into() })
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("sqlite's writer panicked");
        }
    }
}

struct Thread {
    db: Connection,
    version: i64,
    cache: Arc<Cache>,
    /// The file beneath the database.
    file: Arc<File>,
    /// Since when log and file hold values that should be forgotten.
    forgotten: Option<Instant>,
    /// Until when the file is not scrubbed again.
    rests_until: Option<Instant>,
}

impl Thread {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match self.forgotten {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => jobs.recv_timeout(IDLE),
            };
            match first {
                Ok(first) => self.group(std::iter::once(first).chain(jobs.try_iter()).take(GROUP).collect()),
                Err(RecvTimeoutError::Timeout) => self.empty_log(),
                Err(RecvTimeoutError::Disconnected) => {
                    self.rests_until = None;
                    return self.empty_log();
                }
            }
            if self.forgotten.is_some_and(|since| since.elapsed() > BUSY) {
                self.empty_log();
            }
        }
    }

    /// Commits jobs together; if that fails, each alone, so that one cannot spoil the others.
    fn group(&mut self, mut jobs: Vec<Job>) {
        match self.commit(&jobs) {
            Ok(outcome) => {
                for (job, outcome) in jobs.into_iter().zip(outcome) {
                    // A caller that has gone away does not change what was done.
                    drop(job.reply.send(outcome));
                }
            }
            Err(cause) if jobs.len() == 1 => {
                drop(jobs.pop().map(|job| job.reply.send(Err(cause))));
            }
            Err(_) => jobs.into_iter().for_each(|job| self.group(vec![job])),
        }
    }

    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Result<Version, StorageError>>, StorageError> {
        self.cache.begin(jobs.iter().flat_map(|job| written(&job.ops)));
        let (db, last) = (&self.db, &mut self.version);
        let outcome = transaction(db, || {
            let outcome = jobs
                .iter()
                .map(|job| {
                    *last += 1;
                    let version = Version(*last);
                    let done = apply(db, &job.ops, version)?;
                    Ok(done.map(|()| version).map_err(|key| StorageError::Conflict { key }))
                })
                .collect::<rusqlite::Result<Vec<_>>>()?;
            db.prepare_cached("UPDATE counter SET last = ?1")?.execute([*last])?;
            Ok(outcome)
        });
        let done = || jobs.iter().zip(outcome.iter().flatten());
        let changed = done().flat_map(|(job, version)| changed(&job.ops, version.as_ref().ok())).collect();
        self.cache.end(changed);
        if self.forgotten.is_none() && done().any(|(job, version)| version.is_ok() && forgets(&job.ops)) {
            self.forgotten = Some(Instant::now());
        }
        outcome
    }

    /// Moves the log into the file and cuts it to nothing, and clears what SQLite left in the file: removed values are in
    /// neither afterwards.
    fn empty_log(&mut self) {
        match checkpoint(&self.db) {
            Ok(true) if self.rests_until.is_some_and(|until| Instant::now() < until) => {}
            Ok(true) => self.scrub(),
            // A reader was in the way: tried again when the store is idle.
            Ok(false) => self.forgotten = Some(Instant::now()),
            Err(cause) => {
                tracing::error!(%cause, "sqlite could not empty its log");
                self.forgotten = Some(Instant::now());
            }
        }
    }

    /// Clears the unused middle of pages, in the file and in the memory of the one connection that writes.
    fn scrub(&mut self) {
        let began = Instant::now();
        let done = transaction(&self.db, || Ok(scrub(&self.file)))
            .and_then(|done| done.map_err(|cause| broken("scrub", cause)))
            .and_then(|()| self.db.execute_batch("PRAGMA shrink_memory").map_err(|e| error("scrub", e)));
        let mut rest = began.elapsed() * SELDOM;
        self.forgotten = match done {
            Ok(()) => None,
            Err(cause) => {
                tracing::error!(%cause, "sqlite's file could not be scrubbed");
                rest += AFTER_FAILURE;
                Some(Instant::now())
            }
        };
        self.rests_until = Some(Instant::now() + rest);
    }
}

/// Empties the log unless somebody reads from it; answers whether it is empty.
fn checkpoint(db: &Connection) -> rusqlite::Result<bool> {
    db.busy_timeout(GIVE_WAY)?;
    let left = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    db.busy_timeout(PATIENCE)?;
    Ok(left? == (0, 0))
}

/// The keys a batch writes.
fn written(ops: &BTreeMap<Key, Op>) -> impl Iterator<Item = &Key> {
    ops.iter().filter(|(_, op)| !matches!(op, Op::Expect(_))).map(|(key, _)| key)
}

/// Whether a batch leaves values that should be forgotten.
fn forgets(ops: &BTreeMap<Key, Op>) -> bool {
    ops.values().any(|op| matches!(op, Op::Replace(..) | Op::Remove(_)))
}

/// The records as a committed batch leaves them.
fn changed(ops: &BTreeMap<Key, Op>, version: Option<&Version>) -> Vec<(Key, Option<Row>)> {
    let Some(&version) = version else { return Vec::new() };
    let row = |key: &Key, value: &Arc<str>| Some(Row { key: key.clone(), version, value: value.clone() });
    let change = |(key, op): (&Key, &Op)| match op {
        Op::Create(value) | Op::Replace(_, value) => Some((key.clone(), row(key, value))),
        Op::Remove(_) => Some((key.clone(), None)),
        Op::Expect(_) => None,
    };
    ops.iter().filter_map(change).collect()
}
