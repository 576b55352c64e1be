use futures::StreamExt;
use galerra_storage::{Key, Row};

use super::records::{Change, Stored, stored};
use super::upload::Intent;
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
    /// Does what is due: sweeps uploads whose lease is over and moves every open erasure on.
    ///
    /// It takes no input, may run in many processes at once, and can be dropped and called again at any
    /// point: all progress is in the records. One failing item never holds up another.
    pub async fn tick(&self) -> Result<Ticked> {
        let swept = self.sweep_uploads().await?;
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

    async fn sweep(&self, lease: &Row, intent: &Intent) -> Result<()> {
        let held: Option<Stored<Intent>> = self.read(intent_key(intent)).await?;
        if held.is_some() {
            return self.abandon(intent).await;
        }
        let mut change = Change::default();
        change.remove_row(lease);
        self.commit(change).await.map(|_| ())
    }

    /// Takes an upload's lease away, erases what it put, and forgets it: in this order, so that the upload
    /// can neither commit nor be forgotten while bytes are left.
    pub(super) async fn abandon(&self, intent: &Intent) -> Result<()> {
        let key = intent_key(intent);
        let Some(held) = self.read::<Intent>(key.clone()).await? else { return Ok(()) };
        let mut version = held.version;
        if !held.value.abandoned {
            let mut change = Change::default();
            change.replace(key.clone(), version, &Intent { abandoned: true, ..held.value });
            version = self.commit(change).await?;
        }
        self.erase_blobs(intent.blobs.clone()).await?;
        let prefix = layout::image_blobs(intent.owner, intent.gallery, intent.image);
        loop {
            let left = self.parts.blobs.list(&prefix, None, PAGE).await?;
            if left.is_empty() {
                break;
            }
            self.erase_blobs(left.into_iter().map(|entry| entry.key).collect()).await?;
        }
        let lease_key = layout::lease(intent.deadline, intent.image);
        let mut change = Change::default();
        change.remove(key, version);
        if let Some(lease) = self.read::<Intent>(lease_key.clone()).await? {
            change.remove(lease_key, lease.version);
        }
        self.commit(change).await.map(|_| ())
    }
}

fn intent_key(intent: &Intent) -> Key {
    layout::intent(intent.owner, intent.gallery, intent.image)
}
