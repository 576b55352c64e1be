use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, available_parallelism};

use futures::channel::oneshot;
use rusqlite::Connection;

use super::schema;

type Work = Box<dyn FnOnce(&Connection) + Send>;

/// Threads that read, each with a connection of its own.
pub(super) struct Readers {
    queue: Option<Sender<Work>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(path: &Path) -> rusqlite::Result<Self> {
        let (queue, work) = channel();
        let work = Arc::new(Mutex::new(work));
        let mut readers = Self { queue: Some(queue), threads: Vec::new() };
        for _ in 0..available_parallelism().map_or(2, usize::from).clamp(2, 4) {
            let (db, work) = (schema::reader(path)?, work.clone());
            let thread = std::thread::Builder::new().name("galerra-read".to_owned());
            readers.threads.push(thread.spawn(move || serve(&db, &work)).map_err(unavailable)?);
        }
        Ok(readers)
    }

    /// Runs a query on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |db| {
            // Nobody waits any more when the receiver is gone.
            drop(reply.send(query(db)));
        });
        if self.queue.as_ref().is_none_or(|queue| queue.send(work).is_err()) {
            return Err(unavailable("the readers are gone"));
        }
        answer.await.map_err(unavailable)?
    }
}

fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(cause.into())
}

fn serve(db: &Connection, queue: &Mutex<Receiver<Work>>) {
    loop {
        // The lock is let go at the end of this statement, before the work is done.
        let work = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match work {
            Ok(work) => work(db),
            Err(_) => return,
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of sqlite panicked");
            }
        }
    }
}
