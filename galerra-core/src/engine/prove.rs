//! What happens to an erasure after its gate: two tracks, stores and edges, each moved on by small steps that
//! commit what they found. A step that fails is noted and tried again; it never holds up the other track.

mod edges;
mod stores;

use galerra_storage::{Key, Prefix, Version};
use time::OffsetDateTime;

use super::ledger::Since;
use super::records::{Change, Part, Stored, stored};
use super::{Engine, Result};
use crate::receipt::Finding;
use crate::{Erasure, ErasureId, Gallery, Happened, Image, Subject, layout};

/// Unfinished erasures looked at by one read.
const PAGE: usize = 200;
/// Steps taken in one go; then others have their turn.
const STEPS: usize = 64;

/// An erasure in a worker's hands, with the version it was read at: the fence between workers.
#[derive(Debug)]
struct Work {
    version: Version,
    erasure: Erasure,
    /// When older records were put back, if they were.
    restored: Option<OffsetDateTime>,
}

/// Whether a step changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// It did; there may be more to do at once.
    On,
    /// It has to wait.
    Not,
}

impl Engine {
    /// Moves one erasure on as far as it goes now. A conflict means that another worker has it.
    pub(super) async fn prove(&self, id: ErasureId) -> Result<Moved> {
        let Some(Stored { version, value }) = self.read::<Erasure>(layout::erasure(id)).await? else {
            return Ok(Moved::Not);
        };
        let restored = self.read::<Since>(layout::restored()).await?.map(|restored| restored.value.at);
        let mut work = Work { version, erasure: value, restored };
        if work.erasure.done.is_some() {
            self.clear(&mut work, Change::default()).await?;
            return Ok(Moved::Not);
        }
        if self.is_taken_back(&work.erasure).await? {
            self.withdraw(&mut work).await?;
            return Ok(Moved::Not);
        }
        // Saved with the first purge, which is due at once.
        work.erasure.note_gate(self.parts.env.now(), work.restored, &self.parts.policy);
        self.entomb_again(&mut work.erasure).await;
        self.check_promise(&mut work).await?;
        for _ in 0..STEPS {
            let stores = self.step_stores(&mut work).await?;
            let edges = self.step_edges(&mut work).await?;
            if self.finish(&mut work).await? {
                return Ok(Moved::Not);
            }
            if (stores, edges) == (Moved::Not, Moved::Not) {
                self.reschedule(&mut work).await?;
                return Ok(Moved::Not);
            }
        }
        Ok(Moved::On)
    }

    /// Whether what was to go may be seen again: it is an account that was brought back, or everyone sees again what was
    /// to go from networks.
    async fn is_taken_back(&self, erasure: &Erasure) -> Result<bool> {
        if erasure.withdrawn.is_some() {
            return Ok(true);
        }
        let Subject::Copies { gallery, image } = erasure.subject else { return Ok(false) };
        let found: Option<Stored<Gallery>> = self.read(layout::gallery(erasure.owner, gallery)).await?;
        let open = found.is_some_and(|found| found.value.life.is_live() && found.value.visibility.is_open());
        let Some(image) = image.filter(|_| open) else { return Ok(open) };
        let found: Option<Stored<Image>> = self.read(layout::image(erasure.owner, gallery, image)).await?;
        Ok(found.is_some_and(|found| found.value.life.is_live() && !found.value.is_kept()))
    }

    /// Ends an erasure that has nothing to prove any more, without a receipt. First of all that is written down: who closes
    /// the gate again meanwhile has an erasure of their own, and half a plan proves nothing.
    async fn withdraw(&self, work: &mut Work) -> Result<()> {
        let now = self.parts.env.now();
        if work.erasure.withdrawn.is_none() {
            work.erasure.withdrawn = Some(now);
            self.save(work, Change::default()).await?;
        }
        self.unbury(&work.erasure).await?;
        let mut change = Change::default();
        Self::shelve(&mut change, &work.erasure, now);
        self.clear(work, change).await
    }

    /// Commits `change`, and with it that the erasure is not work any more. If its plan is longer than a commit may be,
    /// the rest of it goes by others; whatever is left by somebody who died is cleared by the next who looks.
    async fn clear(&self, work: &mut Work, mut change: Change) -> Result<()> {
        loop {
            let rows = self.parts.records.scan(&layout::plan(work.erasure.id), None, PAGE).await?;
            for row in &rows {
                change.remove_row(row);
            }
            if rows.len() < PAGE {
                self.end(&work.erasure, &mut change).await?;
                return self.save(work, change).await;
            }
            self.save(work, std::mem::take(&mut change)).await?;
        }
    }

    /// Adds to a change that an erasure is not work any more.
    async fn end(&self, erasure: &Erasure, change: &mut Change) -> Result<()> {
        self.unlist(change, layout::part(erasure)).await?;
        self.close(erasure, change).await
    }

    /// Adds to a change that an erasure is not due when it was.
    pub(super) async fn close(&self, erasure: &Erasure, change: &mut Change) -> Result<()> {
        self.unlist(change, layout::open_erasure(erasure)).await
    }

    /// Puts the work item where it is due next.
    async fn reschedule(&self, work: &mut Work) -> Result<()> {
        let next = work.erasure.next(self.parts.env.now());
        if next == work.erasure.next {
            return Ok(());
        }
        let mut change = Change::default();
        self.close(&work.erasure, &mut change).await?;
        work.erasure.next = next;
        Self::open(&mut change, &work.erasure);
        self.save(work, change).await
    }

    /// Commits the erasure as it stands in the worker's hands, together with `change`.
    async fn save(&self, work: &mut Work, mut change: Change) -> Result<()> {
        work.erasure = work.erasure.clone().restaged();
        change.replace(layout::erasure(work.erasure.id), work.version, &work.erasure);
        work.version = self.commit(change).await?;
        Ok(())
    }

    /// Notes once that the promised time has passed, in the log, too; the work goes on.
    async fn check_promise(&self, work: &mut Work) -> Result<()> {
        let now = self.parts.env.now();
        if !work.erasure.is_late(now) {
            return Ok(());
        }
        let erasure = work.erasure.id;
        tracing::error!(%erasure, "an erasure is late");
        work.erasure.breached = Some(now);
        let mut change = Change::default();
        self.tell(&mut change, Happened::ErasureBreached { erasure });
        self.queue(&mut change, erasure, &Finding::breach(&work.erasure, now)?)?;
        self.save(work, change).await
    }

    /// Writes down what was found once every target is proven; plan and work item go with that commit, and the log
    /// does the rest.
    async fn finish(&self, work: &mut Work) -> Result<bool> {
        let now = self.parts.env.now();
        let Some(finding) = Finding::of(&work.erasure, now)? else { return Ok(false) };
        if self.awaits_parts(&work.erasure).await? {
            return Ok(false);
        }
        let mut change = Change::default();
        self.queue(&mut change, work.erasure.id, &finding)?;
        work.erasure.done = Some(now);
        work.erasure.finding = Some(finding);
        self.clear(work, change).await?;
        Ok(true)
    }

    /// Whether a part of the subject has an erasure of its own that is not proven yet: what that one has taken out of the
    /// records before is in no other plan, and its copies may still be in networks.
    async fn awaits_parts(&self, erasure: &Erasure) -> Result<bool> {
        let subject = &erasure.subject;
        let parts = match *subject {
            Subject::Gallery { gallery } => layout::parts_of(erasure.owner, gallery),
            Subject::Account => layout::parts(erasure.owner),
            _ => return Ok(false),
        };
        self.is_any_under(&parts, |part| subject.holds(part)).await
    }

    /// Whether an unfinished erasure in this range has such a subject.
    pub(super) async fn is_any_under(
        &self,
        parts: &Prefix,
        such: impl Fn(&Subject) -> bool + Send,
    ) -> Result<bool> {
        let mut after: Option<Key> = None;
        loop {
            let rows = self.parts.records.scan(parts, after, PAGE).await?;
            for row in &rows {
                if such(&stored::<Part>(row)?.value.subject) {
                    return Ok(true);
                }
            }
            if rows.len() < PAGE {
                return Ok(false);
            }
            after = rows.last().map(|row| row.key.clone());
        }
    }
}
