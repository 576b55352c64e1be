use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::develop::develop;
use super::limits::Limits;
use super::preset::{Preset, top_edge};
use super::sniff::{Extent, Header, inspect};
use super::{Developed, Format, Imaging, Refusal};

const MIB: u64 = 1 << 20;

/// How far to look for the size of an image on the caller's thread.
const LOOK: usize = 1 << 20;

/// What is run for each image: [`develop`], or in tests something worse.
type Work = fn(&[u8], &Limits, &[Preset]) -> Result<Developed, Refusal>;

/// Develops images on the blocking threads of the runtime, within a budget of memory.
///
/// Each image takes its estimated memory out of the budget, or waits a while for it, or is told to come back.
#[derive(Debug, Clone)]
pub struct Developer {
    limits: Arc<Limits>,
    presets: Arc<[Preset]>,
    /// One permit is one MiB.
    budget: Arc<Semaphore>,
    total: u32,
    /// What the smallest image takes, so that no more run at once than there are workers.
    least: u32,
    patience: Duration,
    deadline: Duration,
    work: Work,
}

impl Developer {
    /// A developer with a budget of 1 GiB for as many workers as there are cores.
    #[must_use]
    pub fn new(limits: Limits, presets: Vec<Preset>) -> Self {
        let workers = available_parallelism().map_or(2, usize::from);
        Self {
            limits: Arc::new(limits),
            presets: presets.into(),
            budget: Arc::new(Semaphore::new(0)),
            total: 0,
            least: 0,
            patience: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            work: develop,
        }
        .with_budget(1 << 30, workers)
    }

    /// Takes at most this much memory, estimated, and this many threads at once.
    #[must_use]
    pub fn with_budget(self, bytes: u64, workers: usize) -> Self {
        let total = mebibytes(bytes).max(1);
        let workers = u32::try_from(workers).unwrap_or(u32::MAX).clamp(1, total);
        Self { budget: Arc::new(Semaphore::new(total as usize)), total, least: total / workers, ..self }
    }

    /// How long an image may wait for its turn.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How long developing may take before the caller is answered.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Reads as far as the first pixels: quick whatever the size of the file.
    fn look(&self, head: &[u8]) -> Result<Header, Refusal> {
        inspect(head, Extent::Head, &self.limits, top_edge(&self.presets))
    }

    /// Waits for room to develop this image.
    async fn room(&self, original: &[u8]) -> Result<OwnedSemaphorePermit, Refusal> {
        self.limits.check_bytes(original.len())?;
        let header = self.look(original.get(..LOOK).unwrap_or(original))?;
        // Headers that hide behind a lot of metadata cost what the worst image may.
        let decoding =
            if header.width == 0 { self.limits.memory } else { header.memory(top_edge(&self.presets)) };
        let cost = mebibytes(decoding + original.len() as u64).clamp(self.least, self.total);
        let room = Arc::clone(&self.budget).acquire_many_owned(cost);
        timeout(self.patience, room).await.ok().and_then(Result::ok).ok_or(Refusal::Busy)
    }
}

#[async_trait]
impl Imaging for Developer {
    fn max_bytes(&self) -> u64 {
        self.limits.bytes
    }

    fn admit(&self, head: &[u8]) -> Result<Format, Refusal> {
        self.look(head).map(|header| header.format)
    }

    async fn develop(&self, original: Bytes) -> Result<Developed, Refusal> {
        let room = self.room(&original).await?;
        let (limits, presets) = (Arc::clone(&self.limits), Arc::clone(&self.presets));
        let work = self.work;
        let task = tokio::task::spawn_blocking(move || {
            // Held to the end of the work, which goes on when nobody waits for it any more.
            let _room = room;
            work(&original, &limits, &presets)
        });
        match timeout(self.deadline, task).await {
            Ok(Ok(developed)) => developed,
            Ok(Err(failed)) if failed.is_panic() => {
                tracing::error!(%failed, "a decoder failed on an image");
                Err(Refusal::Corrupt)
            }
            // The runtime is being shut down; that says nothing about the image.
            Ok(Err(_)) => Err(Refusal::Busy),
            Err(_) => Err(Refusal::TooSlow),
        }
    }
}

/// Rounded up, at most `u32::MAX`.
fn mebibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
