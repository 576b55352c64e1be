//! How bodies come in: every byte is counted before it is kept, every pause is bounded, and what cannot
//! become an image is refused at its head.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use galerra_core::{Imaging, Refusal};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http::problem::Problem;

/// How much of a file is looked at before the rest is read; also the longest text field of a form.
pub(super) const HEAD: usize = 64 * 1024;
/// Longest pause between two chunks of a body.
pub(super) const IDLE: Duration = Duration::from_secs(30);
/// Longest time for all of a file: a slow sender does not keep its place for ever.
const WHOLE: Duration = Duration::from_secs(5 * 60);
/// Longest wait for room.
const QUEUE: Duration = Duration::from_secs(30);
/// Most bytes of a refused body that are read and thrown away, so that the client reads our answer.
const DISCARDED: usize = 512 * 1024 * 1024;
/// Most bytes of a form between two signs of a field: what never gets to one would be kept in memory.
const SIGNLESS: usize = 1024 * 1024;

/// Room for the bytes of uploads under way: what bounds the memory of them all.
#[derive(Debug)]
pub(crate) struct Room {
    limit: u64,
    kib: Semaphore,
}

/// A file that has come in whole, and its place in the room while it is worked on.
pub(super) struct Arrived<'a> {
    pub(super) bytes: Bytes,
    pub(super) place: Option<SemaphorePermit<'a>>,
}

impl Room {
    /// Room for four of the largest files at once, or for many small ones.
    pub(crate) fn new(limit: u64) -> Self {
        let kib = usize::try_from(limit / 1024 + 1).unwrap_or(usize::MAX / 16);
        Self { limit, kib: Semaphore::new(kib.saturating_mul(4).min(Semaphore::MAX_PERMITS)) }
    }

    /// Whether a file of this declared length may come in at all.
    pub(super) fn admits(&self, declared: Option<u64>) -> Result<(), Refusal> {
        match declared {
            Some(length) if length > self.limit => Err(Refusal::TooLarge { limit: self.limit }),
            _ => Ok(()),
        }
    }

    /// Reads a file to its end, unless its first bytes or its length say that it will not be taken.
    pub(super) async fn read<S, E>(
        &self,
        imaging: &dyn Imaging,
        stream: &mut S,
    ) -> Result<Arrived<'_>, Problem>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        tokio::time::timeout(WHOLE, self.read_all(imaging, stream)).await.unwrap_or_else(|_| Err(too_slow()))
    }

    async fn read_all<S, E>(&self, imaging: &dyn Imaging, stream: &mut S) -> Result<Arrived<'_>, Problem>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let mut bytes = BytesMut::new();
        let mut place: Option<SemaphorePermit<'_>> = None;
        let mut admitted = false;
        while let Some(chunk) = next(stream).await? {
            if (bytes.len() + chunk.len()) as u64 > self.limit {
                return Err(Refusal::TooLarge { limit: self.limit }.into());
            }
            self.widen(&mut place, chunk.len()).await?;
            bytes.extend_from_slice(&chunk);
            if !admitted && bytes.len() >= HEAD {
                admit(imaging, &bytes)?;
                admitted = true;
            }
        }
        if !admitted {
            admit(imaging, &bytes)?;
        }
        Ok(Arrived { bytes: bytes.freeze(), place })
    }

    /// Takes more room for bytes that have come: a sender holds no more than it has sent.
    async fn widen<'a>(
        &'a self,
        place: &mut Option<SemaphorePermit<'a>>,
        bytes: usize,
    ) -> Result<(), Problem> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let Ok(Ok(more)) = tokio::time::timeout(QUEUE, self.kib.acquire_many(kib)).await else {
            return Err(Refusal::Busy.into());
        };
        match place {
            Some(place) => place.merge(more),
            None => *place = Some(more),
        }
        Ok(())
    }
}

async fn next<S, E>(stream: &mut S) -> Result<Option<Bytes>, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    match tokio::time::timeout(IDLE, stream.next()).await {
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(None) => Ok(None),
        Ok(Some(Err(_))) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "body-cut-short", "the body ended before the file did"))
        }
        Err(_) => Err(too_slow()),
    }
}

fn admit(imaging: &dyn Imaging, bytes: &[u8]) -> Result<(), Refusal> {
    imaging.admit(bytes.get(..HEAD).unwrap_or(bytes)).map(|_| ())
}

/// Reads the rest of a refused body and throws it away, within bounds.
pub(super) async fn discard<S, E>(stream: &mut S)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let reading = async {
        let mut left = DISCARDED;
        while let Ok(Some(chunk)) = next(stream).await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    // Who is still sending after that does not read answers.
    drop(tokio::time::timeout(WHOLE, reading).await);
}

/// How much of a form has come since the last sign of a field.
#[derive(Debug, Clone, Default)]
pub(super) struct Signless(Arc<AtomicUsize>);

impl Signless {
    /// The same request with a body that breaks off when too much of it comes without a sign.
    pub(super) fn watch(&self, request: Request) -> Request {
        let seen = Arc::clone(&self.0);
        request.map(|body| {
            Body::from_stream(body.into_data_stream().map(move |chunk| {
                let chunk = chunk.map_err(io::Error::other)?;
                match seen.fetch_add(chunk.len(), Ordering::Relaxed) {
                    before if before > SIGNLESS => Err(io::Error::other("a form without fields")),
                    _ => Ok(chunk),
                }
            }))
        })
    }

    /// There was a sign of a field.
    pub(super) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

fn too_slow() -> Problem {
    let detail = "no byte came for thirty seconds, or the file took longer than five minutes";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail)
}
