use futures::StreamExt;
use galerra_storage::Key;

use super::records::{Stored, stored};
use super::write::Intent;
use super::{Engine, Result, tail};
use crate::{ErasureId, layout};

/// Work items taken up by one tick; the next tick takes the next ones.
const PAGE: usize = 100;
/// Erasures moved on side by side.
const AT_ONCE: usize = 4;

/// What a tick saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Erasures that are not finished.
    pub open: usize,
    /// Uploads that were cut short and have been swept.
    pub swept: usize,
}

impl Engine {
    /// Does what is due: sweeps uploads whose lease is over, empties the trash, and moves every open erasure on.
    ///
    /// It takes no input, may run in many processes at once, and can be dropped and called again at any
    /// point: all progress is in the records. One failing item never holds up another.
    pub async fn tick(&self) -> Result<Ticked> {
        let swept = self.sweep_uploads().await?;
        self.empty_trash().await?;
        let mut open = 0;
        let mut after: Option<Key> = None;
        loop {
            let rows = self.parts.records.scan(&layout::open_erasures(), after, PAGE).await?;
            let full = rows.len() == PAGE;
            after = rows.last().map(|row| row.key.clone());
            open += rows.len();
            let ids = rows.iter().filter_map(|row| tail(&row.key).parse::<ErasureId>().ok());
            futures::stream::iter(ids).for_each_concurrent(AT_ONCE, |id| self.prove_or_log(id)).await;
            if !full {
                return Ok(Ticked { open, swept });
            }
        }
    }

    async fn prove_or_log(&self, erasure: ErasureId) {
        match self.prove(erasure).await {
            Ok(()) => {}
            Err(error) if error.is_conflict() => tracing::debug!(%erasure, "another worker has it"),
            Err(error) => tracing::warn!(%erasure, code = error.code(), "an erasure could not be moved on"),
        }
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
