//! The edges' track: drain, purge, wait, purge again, wait, probe twice. Purges before the drain are sent for
//! speed and not counted. Weaker orders lose: a fill authorised before the gate, or a dirty parent, brings the
//! picture back after the only purge.

use std::collections::BTreeMap;

use futures::StreamExt;
use galerra_cdn::{Cdn, CdnError, Probe, Progress, Purge, Selects, Sighting, Ticket, Verdict};
use time::{Duration, OffsetDateTime};

use super::super::records::{Change, Stored};
use super::{Engine, Moved, Result, Work};
use crate::erasure::{EdgeStep, EdgeTarget};
use crate::plan::{PlanPage, Served};
use crate::{Env, Image, Outcome, Subject, layout};

/// Clean probe rounds that count as proof.
const ROUNDS: u32 = 2;
/// Probes under way at once.
const AT_ONCE: usize = 8;

/// What a step at one network came to.
enum Step {
    /// Nothing to do now.
    Wait,
    /// It moved on.
    To(EdgeStep),
    /// An uncounted purge was accepted.
    Hinted(Ticket),
    /// A counted purge was accepted.
    Purged(Ticket, EdgeStep),
    /// It did not work; what to try next is the step named, and not before the network wants to be asked again.
    Failed { outcome: Outcome, next: EdgeStep, after: Option<Duration> },
}

impl Engine {
    /// Moves every network on by one step; what one network does never holds up another.
    pub(super) async fn step_edges(&self, work: &mut Work) -> Result<Moved> {
        let now = self.parts.env.now();
        let mut moved = Moved::Not;
        for nth in 0..work.erasure.edges.len() {
            let Some(edge) = work.erasure.edges.get(nth) else { continue };
            if edge.step.is_done() || !edge.attempts.is_due(now) {
                continue;
            }
            let step = self.step_edge(work, edge, now).await?;
            let erasure = work.erasure.id;
            let Some(edge) = work.erasure.edges.get_mut(nth) else { continue };
            if let Step::Failed { outcome, .. } = &step {
                tracing::warn!(%erasure, network = edge.name, ?outcome, "a network is not proven clean yet");
            }
            if let Some(next) = note(edge, step, now, self.parts.env.as_ref()) {
                // One that has to wait never makes the others wait.
                moved = if moved == Moved::On { moved } else { next };
                self.save(work, Change::default()).await?;
            }
        }
        Ok(moved)
    }

    async fn step_edge(&self, work: &Work, edge: &EdgeTarget, now: OffsetDateTime) -> Result<Step> {
        let policy = &self.parts.policy;
        let Some(cdn) = self.parts.cdns.iter().find(|cdn| cdn.name() == edge.name) else {
            return Ok(unconfigured(edge, self.outlived(work), now));
        };
        let purge = Purge::tag(layout::subject_tag(&work.erasure.subject, work.erasure.owner));
        let spread =
            cdn.capabilities().purge_max.try_into().unwrap_or(policy.purge_max).max(policy.purge_max);
        // A network that selects by paths waits for the plan that names them.
        let by_paths = cdn.capabilities().selects == Selects::Paths;
        if by_paths && !work.erasure.records.step.is_absent() {
            return Ok(Step::Wait);
        }
        let pages = if by_paths { work.erasure.pages } else { 0 };
        let turn = Turn { engine: self, work, cdn: cdn.as_ref(), edge, purge, pages, now };
        Ok(match &edge.step {
            EdgeStep::Draining { until } if now < *until => turn.hint().await,
            EdgeStep::Draining { .. } => {
                let wait = spread + policy.fill_max;
                turn.purge(|ticket, sent| EdgeStep::PurgedOnce { ticket, until: sent + wait }).await
            }
            EdgeStep::PurgedOnce { until, .. } | EdgeStep::PurgedTwice { until, .. } if now < *until => {
                Step::Wait
            }
            EdgeStep::PurgedOnce { ticket, .. } => {
                let next = |ticket, sent| EdgeStep::PurgedTwice { ticket, until: sent + spread };
                match turn.follow(ticket).await {
                    Ok(()) => turn.purge(next).await,
                    Err(step) => step,
                }
            }
            EdgeStep::PurgedTwice { ticket, .. } => match turn.follow(ticket).await {
                Ok(()) if cdn.capabilities().probes => {
                    Step::To(EdgeStep::Probing { rounds: 0, probes: 0, page: 0, after: now })
                }
                Ok(()) => Step::To(EdgeStep::Bounded { until: self.outlived(work) }),
                Err(step) => step,
            },
            // The plan names what to ask for; it is whole once the records are gone.
            EdgeStep::Probing { rounds, probes, page, after }
                if now >= *after && work.erasure.records.step.is_absent() =>
            {
                let (asked, seen) = self.probe_page(work, cdn.as_ref(), *page).await?;
                let probes = *probes + asked;
                match (seen, page + 1 < work.erasure.pages) {
                    (None, true) => {
                        Step::To(EdgeStep::Probing { rounds: *rounds, probes, page: page + 1, after: *after })
                    }
                    (seen, _) => self.judge(*rounds, probes, seen, self.unknown_until(work)),
                }
            }
            EdgeStep::Probing { .. } | EdgeStep::Verified { .. } | EdgeStep::Bounded { .. } => Step::Wait,
        })
    }

    /// Until when copies live that nobody can ask for.
    fn outlived(&self, work: &Work) -> OffsetDateTime {
        let own = work.erasure.outlived(&self.parts.policy);
        self.unknown_until(work).map_or(own, |until| own.max(until))
    }

    /// Until when networks may hold what no record knows of, because older records were put back.
    fn unknown_until(&self, work: &Work) -> Option<OffsetDateTime> {
        let until = self.parts.policy.outlived(work.restored?);
        (work.erasure.accepted <= until).then_some(until)
    }

    /// What a probe round means: clean rounds add up, a sighting starts the purging over. What cannot be asked for, since
    /// nobody knows of it any more, only time can prove gone.
    fn judge(
        &self,
        rounds: u32,
        probes: u64,
        seen: Option<Sighting>,
        unknown: Option<OffsetDateTime>,
    ) -> Step {
        let now = self.parts.env.now();
        match seen {
            None if rounds + 1 >= ROUNDS => Step::To(match unknown {
                Some(until) => EdgeStep::Bounded { until },
                None => EdgeStep::Verified { at: now, probes },
            }),
            None => {
                let after = now + self.parts.policy.fill_max;
                Step::To(EdgeStep::Probing { rounds: rounds + 1, probes, page: 0, after })
            }
            Some(seen) => {
                let present = seen.verdict == Verdict::Present;
                let again = EdgeStep::Probing { rounds: 0, probes, page: 0, after: now };
                let next = if present { EdgeStep::Draining { until: now } } else { again };
                Step::Failed { outcome: Outcome::NotClean { seen }, next, after: None }
            }
        }
    }

    /// Asks a network for everything on a page of the plan; answers how much was asked and the worst that was seen.
    async fn probe_page(&self, work: &Work, cdn: &dyn Cdn, page: u32) -> Result<(u64, Option<Sighting>)> {
        let gated = work.erasure.closed.unwrap_or(work.erasure.accepted);
        let served = self.served(work, page).await?;
        let successors = self.successors(work).await?;
        let probe = |Served { path, sha256 }| {
            let successor = successors.get(&path).cloned();
            let probe = Probe { path: self.mounted(&path), sha256, gated, successor };
            async move {
                cdn.probe(&probe).await.unwrap_or_else(|error| Sighting {
                    verdict: Verdict::Inconclusive,
                    status: 0,
                    witness: error.to_string(),
                })
            }
        };
        let mut asked = 0;
        let mut worst: Option<Sighting> = None;
        let mut seen = futures::stream::iter(served).map(probe).buffer_unordered(AT_ONCE);
        while let Some(sighting) = seen.next().await {
            asked += 1;
            let known = worst.as_ref().map_or(Verdict::Absent, |worst| worst.verdict);
            if sighting.verdict > known {
                worst = Some(sighting);
            }
        }
        Ok((asked, worst))
    }

    /// What networks may hold, from a page of the plan.
    async fn served(&self, work: &Work, page: u32) -> Result<Vec<Served>> {
        let plan: Option<Stored<PlanPage>> = self.read(layout::plan_page(work.erasure.id, page)).await?;
        Ok(plan.map(|plan| plan.value.served).unwrap_or_default())
    }

    /// A path as networks see it.
    fn mounted(&self, path: &str) -> String {
        format!("{}{path}", self.parts.mount)
    }

    /// What is served now where renditions were replaced, by path.
    async fn successors(&self, work: &Work) -> Result<BTreeMap<String, String>> {
        let Subject::Renditions { gallery, image } = work.erasure.subject else { return Ok(BTreeMap::new()) };
        let key = layout::image(work.erasure.owner, gallery, image);
        let image: Option<Stored<Image>> = self.read(key).await?;
        let mut page = PlanPage::default();
        if let Some(image) = image {
            page.add(&image.value);
        }
        Ok(page.served.into_iter().map(|served| (served.path, served.sha256)).collect())
    }
}

/// One network's turn in one step.
struct Turn<'a> {
    engine: &'a Engine,
    work: &'a Work,
    cdn: &'a dyn Cdn,
    edge: &'a EdgeTarget,
    purge: Purge,
    /// Pages of the plan whose paths it has to be told.
    pages: u32,
    now: OffsetDateTime,
}

impl Turn<'_> {
    /// Sends the early purge, once: good for viewers, proof of nothing.
    async fn hint(&self) -> Step {
        if self.edge.attempts.count > 0 {
            return Step::Wait;
        }
        match self.send().await {
            Ok(ticket) => Step::Hinted(ticket),
            Err(step) => step,
        }
    }

    /// Sends a counted purge. What is waited for begins when all of it was sent: many paths take their time.
    async fn purge(&self, next: impl FnOnce(Ticket, OffsetDateTime) -> EdgeStep) -> Step {
        match self.send().await {
            Ok(ticket) => Step::Purged(ticket.clone(), next(ticket, self.engine.parts.env.now())),
            Err(step) => step,
        }
    }

    /// One purge by tag, or one for each page of the plan; it counts if every one was accepted.
    async fn send(&self) -> std::result::Result<Ticket, Step> {
        let mut last = None;
        for page in 0..self.pages {
            let served = self.engine.served(self.work, page).await;
            let served = served.map_err(|error| self.failed(error.code().to_owned(), None))?;
            let paths: Vec<String> = served.iter().map(|served| self.engine.mounted(&served.path)).collect();
            let purge = self.purge.clone().with_paths(paths);
            last = Some(self.cdn.purge(&purge).await.map_err(|error| self.refused(&error))?);
        }
        match last {
            Some(ticket) => Ok(ticket),
            None => self.cdn.purge(&self.purge).await.map_err(|error| self.refused(&error)),
        }
    }

    /// Follows an accepted purge: `Ok` once the network says it is complete, else what to do instead.
    async fn follow(&self, ticket: &Ticket) -> std::result::Result<(), Step> {
        match self.cdn.progress(ticket).await {
            Ok(Progress::Complete) => Ok(()),
            Ok(Progress::Unknown) => {
                let outcome = Outcome::Failed { error: "purge-unknown".to_owned() };
                Err(Step::Failed { outcome, next: EdgeStep::Draining { until: self.now }, after: None })
            }
            Ok(_) => Err(self.failed("purge-underway".to_owned(), None)),
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn refused(&self, error: &CdnError) -> Step {
        let after = match error {
            CdnError::RateLimited { after, .. } => after.and_then(|after| after.try_into().ok()),
            _ => None,
        };
        self.failed(error.to_string(), after)
    }

    /// The same step is tried again later.
    fn failed(&self, error: String, after: Option<Duration>) -> Step {
        Step::Failed { outcome: Outcome::Failed { error }, next: self.edge.step.clone(), after }
    }
}

/// What to do about a network that the service no longer knows: only time can prove it clean.
fn unconfigured(edge: &EdgeTarget, outlived: OffsetDateTime, now: OffsetDateTime) -> Step {
    if now >= outlived {
        return Step::To(EdgeStep::Bounded { until: outlived });
    }
    let outcome = Outcome::Failed { error: "network-not-configured".to_owned() };
    Step::Failed { outcome, next: edge.step.clone(), after: None }
}

/// Writes a step's outcome into the target; `None` when there is nothing to save.
fn note(edge: &mut EdgeTarget, step: Step, now: OffsetDateTime, env: &dyn Env) -> Option<Moved> {
    match step {
        Step::Wait => return None,
        Step::To(next) => {
            edge.attempts.recovered();
            edge.step = next;
        }
        Step::Hinted(ticket) => edge.attempts.accepted(now, ticket),
        Step::Purged(ticket, next) => {
            edge.attempts.recovered();
            edge.attempts.accepted(now, ticket);
            edge.step = next;
        }
        Step::Failed { outcome, next, after } => {
            edge.attempts.failed(now, outcome, env);
            if let Some(after) = after {
                edge.attempts.no_earlier(now + after);
            }
            edge.step = next;
            return Some(Moved::Not);
        }
    }
    Some(Moved::On)
}
