use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use galerra_core::Order;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::develop::{Work, develop};
use super::limits::Limits;
#[cfg(all(feature = "processes", unix))]
use super::processes::{Allowance, Pool, Processes};
use super::recipe::Recipe;
use super::sniff::{Extent, inspect};
use super::{Developed, Format, Imaging, Refusal};

const MIB: u64 = 1 << 20;

/// How far to look for the size of an image on the caller's thread.
const LOOK: usize = 1 << 20;

/// What is run for each image: [`develop`], or in tests something worse.
type Job = fn(&[u8], &Limits, &Recipe, &Order) -> Result<Developed, Refusal>;

/// Where images are developed.
#[derive(Debug, Clone)]
enum Place {
    /// On the blocking threads of the runtime.
    Threads(Job),
    /// In child processes.
    #[cfg(all(feature = "processes", unix))]
    Processes(Arc<Pool>),
}

/// Develops images beside the runtime, within a budget of memory.
///
/// Each image takes its estimated memory out of the budget, or waits a while for it, or is told to come back.
#[derive(Debug, Clone)]
pub struct Developer {
    limits: Arc<Limits>,
    recipe: Arc<Recipe>,
    fingerprint: String,
    /// One permit is one MiB.
    budget: Arc<Semaphore>,
    total: u32,
    /// What the smallest image takes, so that no more run at once than there are workers.
    least: u32,
    patience: Duration,
    deadline: Duration,
    place: Place,
}

impl Developer {
    /// A developer on the blocking threads of the runtime, with a budget of 1 GiB for as many workers as there
    /// are cores.
    #[must_use]
    pub fn new(limits: Limits, recipe: Recipe) -> Self {
        let workers = available_parallelism().map_or(2, usize::from);
        Self {
            limits: Arc::new(limits),
            fingerprint: recipe.fingerprint(),
            recipe: Arc::new(recipe),
            budget: Arc::new(Semaphore::new(0)),
            total: 0,
            least: 0,
            patience: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            place: Place::Threads(develop),
        }
        .with_budget(1 << 30, workers)
    }

    /// Develops in child processes instead, so that the worst image ends one of them and not the service.
    ///
    /// They have limits of their own, are started when there is work, and are kept. The runtime has to have I/O
    /// enabled.
    #[cfg(all(feature = "processes", unix))]
    #[must_use]
    pub fn in_processes(self, leave: Processes) -> Self {
        let pool = Pool::new(leave, &self.limits, &self.recipe);
        Self { place: Place::Processes(Arc::new(pool)), ..self }
    }

    /// Takes at most this much memory, estimated, and this many threads or processes at once.
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

    /// Waits for room to develop this image.
    async fn room(&self, original: &[u8], order: &Order) -> Result<OwnedSemaphorePermit, Refusal> {
        self.limits.check_bytes(original.len())?;
        let header = inspect(original.get(..LOOK).unwrap_or(original), Extent::Head, &self.limits)?;
        // Headers that hide behind a lot of metadata cost what the worst image may.
        let decoding = match header.width {
            0 => self.limits.memory,
            _ => Work::new(&header, &self.recipe, order).memory(),
        };
        self.limits.check_memory(decoding)?;
        let cost = mebibytes(decoding + original.len() as u64).clamp(self.least, self.total);
        let room = Arc::clone(&self.budget).acquire_many_owned(cost);
        timeout(self.patience, room).await.ok().and_then(Result::ok).ok_or(Refusal::Busy)
    }

    /// Runs the job on a blocking thread, which goes on when nobody waits for it any more.
    async fn on_a_thread(
        &self,
        original: Bytes,
        order: Order,
        job: Job,
        room: OwnedSemaphorePermit,
    ) -> Result<Developed, Refusal> {
        let (limits, recipe) = (Arc::clone(&self.limits), Arc::clone(&self.recipe));
        let task = tokio::task::spawn_blocking(move || {
            // Held to the end of the work.
            let _room = room;
            job(&original, &limits, &recipe, &order)
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

#[async_trait]
impl Imaging for Developer {
    fn max_bytes(&self) -> u64 {
        self.limits.bytes
    }

    fn recipe(&self) -> &str {
        &self.fingerprint
    }

    fn admit(&self, head: &[u8]) -> Result<Format, Refusal> {
        let header = inspect(head, Extent::Head, &self.limits)?;
        self.limits.check_memory(Work::new(&header, &self.recipe, &Order::default()).memory())?;
        Ok(header.format)
    }

    async fn develop(&self, original: Bytes, order: Order) -> Result<Developed, Refusal> {
        let room = self.room(&original, &order).await?;
        match &self.place {
            Place::Threads(job) => self.on_a_thread(original, order, *job, room).await,
            #[cfg(all(feature = "processes", unix))]
            Place::Processes(pool) => {
                let memory = room.num_permits() as u64 * MIB;
                let allowance = Allowance { memory, time: self.deadline, room };
                Arc::clone(pool).develop(original, order, allowance).await
            }
        }
    }
}

/// Rounded up, at most `u32::MAX`.
fn mebibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
