//! What happens to an erasure after its gate: two tracks, stores and edges, each moved on by small steps that
//! commit what they found. A step that fails is noted and tried again; it never holds up the other track.

mod edges;
mod stores;

use galerra_storage::Version;

use super::records::{Change, Stored};
use super::{Engine, Result};
use crate::{Erasure, ErasureId, Gallery, Happened, Image, Receipt, Subject, layout};

/// An erasure in a worker's hands, with the version it was read at: the fence between workers.
#[derive(Debug)]
struct Work {
    version: Version,
    erasure: Erasure,
}

/// Whether a step changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    /// It did; there may be more to do at once.
    On,
    /// It has to wait.
    Not,
}

impl Engine {
    /// Moves one erasure on as far as it goes now. A conflict means that another worker has it.
    pub(super) async fn prove(&self, id: ErasureId) -> Result<()> {
        let Some(Stored { version, value }) = self.read::<Erasure>(layout::erasure(id)).await? else {
            return Ok(());
        };
        let mut work = Work { version, erasure: value };
        if self.is_shown_again(&work.erasure).await? {
            return self.withdraw(&mut work).await;
        }
        self.check_promise(&mut work).await?;
        loop {
            let stores = self.step_stores(&mut work).await?;
            let edges = self.step_edges(&mut work).await?;
            if self.finish(&mut work).await? || (stores, edges) == (Moved::Not, Moved::Not) {
                return Ok(());
            }
        }
    }

    /// Whether everyone may see again what was to go from networks.
    async fn is_shown_again(&self, erasure: &Erasure) -> Result<bool> {
        let Subject::Copies { gallery, image } = erasure.subject else { return Ok(false) };
        let found: Option<Stored<Gallery>> = self.read(layout::gallery(erasure.owner, gallery)).await?;
        let open = found.is_some_and(|found| found.value.life.is_live() && found.value.visibility.is_open());
        let Some(image) = image.filter(|_| open) else { return Ok(open) };
        let found: Option<Stored<Image>> = self.read(layout::image(erasure.owner, gallery, image)).await?;
        Ok(found.is_some_and(|found| found.value.life.is_live() && !found.value.is_kept()))
    }

    /// Ends an erasure that has nothing to prove any more, without a receipt.
    async fn withdraw(&self, work: &mut Work) -> Result<()> {
        self.drop_plan(work).await?;
        work.erasure.withdrawn = Some(self.parts.env.now());
        let mut change = Change::default();
        self.close(work.erasure.id, &mut change).await?;
        self.save(work, change).await
    }

    /// Adds to a change that an erasure is not work any more.
    async fn close(&self, id: ErasureId, change: &mut Change) -> Result<()> {
        if let Some(open) = self.read::<serde_json::Value>(layout::open_erasure(id)).await? {
            change.remove(layout::open_erasure(id), open.version);
        }
        Ok(())
    }

    /// Commits the erasure as it stands in the worker's hands, together with `change`.
    async fn save(&self, work: &mut Work, mut change: Change) -> Result<()> {
        work.erasure = work.erasure.clone().restaged();
        change.replace(layout::erasure(work.erasure.id), work.version, &work.erasure);
        work.version = self.commit(change).await?;
        Ok(())
    }

    /// Notes once that the promised time has passed; the work goes on.
    async fn check_promise(&self, work: &mut Work) -> Result<()> {
        let now = self.parts.env.now();
        if now <= work.erasure.due || work.erasure.breached.is_some() || work.erasure.receipt.is_some() {
            return Ok(());
        }
        let erasure = work.erasure.id;
        tracing::error!(%erasure, "an erasure is late");
        work.erasure.breached = Some(now);
        let mut change = Change::default();
        self.tell(&mut change, Happened::ErasureBreached { erasure });
        self.save(work, change).await
    }

    /// Writes the receipt once every target is proven; the plan and the work item go with that commit.
    async fn finish(&self, work: &mut Work) -> Result<bool> {
        let id = work.erasure.id;
        let now = self.parts.env.now();
        let Some(receipt) = Receipt::of(&work.erasure, now) else { return Ok(false) };
        self.drop_plan(work).await?;
        work.erasure.receipt = Some(receipt);
        work.erasure.done = Some(now);
        let mut change = Change::default();
        self.close(id, &mut change).await?;
        self.tell(&mut change, Happened::ErasureDone { erasure: id });
        self.save(work, change).await?;
        Ok(true)
    }

    async fn drop_plan(&self, work: &mut Work) -> Result<()> {
        loop {
            let rows = self.parts.records.scan(&layout::plan(work.erasure.id), None, 200).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut change = Change::default();
            for row in &rows {
                change.remove_row(row);
            }
            self.save(work, change).await?;
        }
    }
}
