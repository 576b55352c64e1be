use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use galerra_storage::Key;
use time::OffsetDateTime;

use super::prove::Moved;
use super::records::{Stored, stored};
use super::write::Intent;
use super::{Engine, Result, ranked};
use crate::{ErasureId, Lane, layout};

/// Work items read at once.
const PAGE: usize = 100;
/// Erasures moved on side by side.
const AT_ONCE: usize = 8;

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Erasures that were looked at.
    pub taken: usize,
    /// Uploads that were cut short and have been swept.
    pub swept: usize,
    /// Receipts that were written.
    pub sealed: usize,
    /// Whether there is more to do at once.
    pub busy: bool,
}

/// Where a tick is in the two lanes.
#[derive(Debug, Default)]
struct Queue {
    /// The last one taken of the expedited lane.
    fast: Option<Key>,
    /// The last one read of the standard lane.
    after: Option<Key>,
    page: VecDeque<ErasureId>,
    ended: bool,
}

impl Engine {
    /// Does what is due: sweeps uploads whose lease is over, lets go what its retention rule lets go, moves erasures on
    /// that are due, and seals what has been proven into the log.
    ///
    /// It takes no input, may run in many processes at once, and can be dropped and called again at any
    /// point: all progress is in the records. One failing item never holds up another.
    pub async fn tick(&self) -> Result<Ticked> {
        let swept = self.sweep_uploads().await?;
        self.let_go().await;
        let (taken, busy) = self.move_on().await?;
        let sealed = self.seal().await?;
        Ok(Ticked { taken, swept, sealed, busy })
    }

    /// Moves every erasure on that is due. Before each one of the standard lane the other lane is looked at again, so
    /// that who is in a hurry overtakes however many wait. Answers how many there were, and whether there is more to do.
    async fn move_on(&self) -> Result<(usize, bool)> {
        let began = self.parts.env.now();
        let mut queue = Queue::default();
        let mut under_way = FuturesUnordered::new();
        let (mut taken, mut busy) = (0, false);
        loop {
            while under_way.len() < AT_ONCE
                && let Some(id) = self.next_due(&mut queue, began).await?
            {
                under_way.push(self.prove_or_log(id));
            }
            let Some(moved) = under_way.next().await else { return Ok((taken, busy)) };
            taken += 1;
            busy |= moved == Moved::On;
        }
    }

    async fn next_due(&self, queue: &mut Queue, began: OffsetDateTime) -> Result<Option<ErasureId>> {
        let fast = layout::open_lane(Lane::Expedited);
        let first = self.parts.records.scan(&fast, queue.fast.clone(), 1).await?;
        let now = layout::rank(self.parts.env.now(), 0);
        if let Some(row) = first.into_iter().next().filter(|row| layout::time_of(&row.key) <= now.as_str()) {
            let id = ranked(&row.key);
            queue.fast = Some(row.key);
            return Ok(id);
        }
        if queue.page.is_empty() && !queue.ended {
            let began = layout::rank(began, 0);
            let lane = layout::open_lane(Lane::Standard);
            let rows = self.parts.records.scan(&lane, queue.after.take(), PAGE).await?;
            let due = rows.iter().filter(|row| layout::time_of(&row.key) <= began.as_str());
            queue.page = due.filter_map(|row| ranked(&row.key)).collect();
            queue.ended = queue.page.len() < PAGE;
            queue.after = rows.last().map(|row| row.key.clone());
        }
        Ok(queue.page.pop_front())
    }

    async fn prove_or_log(&self, erasure: ErasureId) -> Moved {
        match self.prove(erasure).await {
            Ok(moved) => return moved,
            Err(error) if error.is_conflict() => tracing::debug!(%erasure, "another worker has it"),
            Err(error) => tracing::warn!(%erasure, code = error.code(), "an erasure could not be moved on"),
        }
        Moved::Not
    }

    /// Erases what uploads left that did not commit in time. Leases sort by their deadline.
    async fn sweep_uploads(&self) -> Result<usize> {
        let mut swept = 0;
        let rows = self.parts.records.scan(&layout::leases(), None, PAGE).await?;
        for row in rows {
            let lease: Stored<Intent> = stored(&row)?;
            if lease.value.deadline > self.parts.env.now() {
                break;
            }
            match self.sweep(&row, &lease.value).await {
                Ok(()) => swept += 1,
                Err(error) if error.is_conflict() => {}
                Err(error) => {
                    let image = lease.value.image;
                    tracing::warn!(%image, code = error.code(), "an abandoned upload could not be swept yet");
                }
            }
        }
        Ok(swept)
    }
}
