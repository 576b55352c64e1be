use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use galerra_core::{Developed, Order, Refusal};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::Processes;
use super::child::{Child, Fault, Program};
use super::frames::{Request, Setup};
use crate::imaging::{Limits, Recipe};

/// After so many images a child is replaced, so that what its allocator has lost comes back.
const JOBS: u32 = 500;

/// What an image is given.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// Bytes of memory.
    pub(crate) memory: u64,
    pub(crate) time: Duration,
    /// Its part of the budget.
    pub(crate) room: OwnedSemaphorePermit,
}

/// Children that develop images: started when there are too few, and kept warm.
///
/// How many there are follows from how many images are let in at once.
#[derive(Debug)]
pub(crate) struct Pool {
    program: Program,
    setup: Setup,
    idle: Mutex<Vec<Child>>,
}

impl Pool {
    pub(crate) fn new(_: Processes, limits: &Limits, recipe: &Recipe) -> Self {
        Self {
            program: Program::this(),
            setup: Setup { limits: limits.clone(), recipe: recipe.clone() },
            idle: Mutex::default(),
        }
    }

    /// Develops an image in a child. When nobody waits any more, that goes on to the end of the work or of the
    /// child; the room is held until then.
    pub(crate) async fn develop(
        self: Arc<Self>,
        original: Bytes,
        order: Order,
        Allowance { memory, time, room }: Allowance,
    ) -> Result<Developed, Refusal> {
        let task = tokio::spawn(async move {
            let _room = room;
            let seconds = time.as_secs().saturating_add(1);
            let request = Request { order, memory, seconds, bytes: original.len() };
            self.run(&request, &original, time).await
        });
        // The runtime is being shut down; that says nothing about the image.
        task.await.unwrap_or(Err(Refusal::Busy))
    }

    async fn run(
        &self,
        request: &Request,
        original: &[u8],
        deadline: Duration,
    ) -> Result<Developed, Refusal> {
        if let Some(child) = self.warm()
            && let Some(made) = self.ask(child, request, original, deadline).await
        {
            return made;
        }
        let child = self.fresh().await?;
        self.ask(child, request, original, deadline).await.unwrap_or(Err(Refusal::Busy))
    }

    /// What comes of the image in this child; `None` if the child was gone before it.
    async fn ask(
        &self,
        mut child: Child,
        request: &Request,
        original: &[u8],
        deadline: Duration,
    ) -> Option<Result<Developed, Refusal>> {
        match timeout(deadline, child.ask(request, original, &self.setup)).await {
            Ok(Ok(made)) => {
                self.keep(child);
                Some(made)
            }
            Ok(Err(Fault::Unheard)) => {
                child.kill().await;
                None
            }
            Ok(Err(Fault::Silent)) => Some(Err(child.death().await)),
            Ok(Err(Fault::Babble(error))) => {
                tracing::error!(%error, "a child that develops images is not to be believed");
                child.kill().await;
                Some(Err(Refusal::Corrupt))
            }
            Err(_) => {
                tracing::warn!("an image takes too long; its child is killed");
                child.kill().await;
                Some(Err(Refusal::TooSlow))
            }
        }
    }

    /// The idle child that worked last, if one is still there.
    fn warm(&self) -> Option<Child> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find_map(|mut child| child.is_alive().then_some(child))
    }

    async fn fresh(&self) -> Result<Child, Refusal> {
        Child::start(&self.program, &self.setup).await.map_err(|error| {
            tracing::error!(%error, "no child can be started to develop images");
            Refusal::Busy
        })
    }

    fn keep(&self, child: Child) {
        if child.jobs < JOBS {
            self.idle().push(child);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Child>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
