//! The edges' track: drain, purge, wait, purge again, wait, probe twice. Purges before the drain are sent for
//! speed and not counted. Weaker orders lose: a fill authorised before the gate, or a dirty parent, brings the
//! picture back after the only purge.

use std::collections::BTreeMap;

use futures::StreamExt;
use galerra_cdn::{Cdn, Probe, Progress, Purge, Sighting, Ticket, Verdict};
use time::OffsetDateTime;

use super::super::records::{Change, Stored};
use super::{Engine, Moved, Result, Work};
use crate::erasure::{EdgeStep, EdgeTarget};
use crate::plan::{PlanPage, Served};
use crate::{Image, Outcome, Subject, layout};

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
    /// It did not work; what to try next is the step named.
    Failed(Outcome, EdgeStep),
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
            if let Step::Failed(outcome, _) = &step {
                tracing::warn!(%erasure, network = edge.name, ?outcome, "a network is not proven clean yet");
            }
            if let Some(next) = note(edge, step, now) {
                moved = next;
                self.save(work, Change::default()).await?;
            }
        }
        Ok(moved)
    }

    async fn step_edge(&self, work: &Work, edge: &EdgeTarget, now: OffsetDateTime) -> Result<Step> {
        let policy = &self.parts.policy;
        // The end of the life of a copy that was authorised just before the gate.
        let outlived = work.erasure.accepted + policy.fill_max + policy.edge_ttl;
        let Some(cdn) = self.parts.cdns.iter().find(|cdn| cdn.name() == edge.name) else {
            return Ok(unconfigured(edge, outlived, now));
        };
        let purge = Purge::tag(layout::subject_tag(&work.erasure.subject, work.erasure.owner));
        let spread =
            cdn.capabilities().purge_max.try_into().unwrap_or(policy.purge_max).max(policy.purge_max);
        let turn = Turn { cdn: cdn.as_ref(), edge, purge, now };
        Ok(match &edge.step {
            EdgeStep::Draining { until } if now < *until => turn.hint().await,
            EdgeStep::Draining { .. } => {
                let until = now + spread + policy.fill_max;
                turn.purge(|ticket| EdgeStep::PurgedOnce { ticket, until }).await
            }
            EdgeStep::PurgedOnce { until, .. } | EdgeStep::PurgedTwice { until, .. } if now < *until => {
                Step::Wait
            }
            EdgeStep::PurgedOnce { ticket, .. } => {
                let until = now + spread;
                match turn.follow(ticket).await {
                    Ok(()) => turn.purge(|ticket| EdgeStep::PurgedTwice { ticket, until }).await,
                    Err(step) => step,
                }
            }
            EdgeStep::PurgedTwice { ticket, .. } => match turn.follow(ticket).await {
                Ok(()) if cdn.capabilities().probes => {
                    Step::To(EdgeStep::Probing { rounds: 0, probes: 0, after: now })
                }
                Ok(()) => Step::To(EdgeStep::Bounded { until: outlived }),
                Err(step) => step,
            },
            // The plan names what to ask for; it is whole once the records are gone.
            EdgeStep::Probing { rounds, probes, after }
                if now >= *after && work.erasure.records.step.is_absent() =>
            {
                let (asked, seen) = self.probe_all(work, cdn.as_ref()).await?;
                self.judge(*rounds, *probes + asked, seen)
            }
            EdgeStep::Probing { .. } | EdgeStep::Verified { .. } | EdgeStep::Bounded { .. } => Step::Wait,
        })
    }

    /// What a probe round means: clean rounds add up, a sighting starts the purging over.
    fn judge(&self, rounds: u32, probes: u64, seen: Option<Sighting>) -> Step {
        let now = self.parts.env.now();
        match seen {
            None if rounds + 1 >= ROUNDS => Step::To(EdgeStep::Verified { at: now, probes }),
            None => {
                let after = now + self.parts.policy.fill_max;
                Step::To(EdgeStep::Probing { rounds: rounds + 1, probes, after })
            }
            Some(seen) => {
                let present = seen.verdict == Verdict::Present;
                let again = EdgeStep::Probing { rounds: 0, probes, after: now };
                let next = if present { EdgeStep::Draining { until: now } } else { again };
                Step::Failed(Outcome::NotClean { seen }, next)
            }
        }
    }

    /// Asks a network for everything in the plan; answers how much was asked and the worst that was seen.
    async fn probe_all(&self, work: &Work, cdn: &dyn Cdn) -> Result<(u64, Option<Sighting>)> {
        let gated = work.erasure.accepted;
        let mut asked = 0;
        for page in 0..work.erasure.pages {
            let plan: Option<Stored<PlanPage>> = self.read(layout::plan_page(work.erasure.id, page)).await?;
            let served = plan.map(|plan| plan.value.served).unwrap_or_default();
            let mount = self.parts.mount.as_str();
            let successors = self.successors(work).await?;
            let probe = |Served { path, sha256 }| {
                let successor = successors.get(&path).cloned();
                let path = format!("{mount}{path}");
                let probe = Probe { path, sha256, gated, successor };
                async move {
                    cdn.probe(&probe).await.unwrap_or_else(|error| Sighting {
                        verdict: Verdict::Inconclusive,
                        status: 0,
                        witness: error.to_string(),
                    })
                }
            };
            let mut seen = futures::stream::iter(served).map(probe).buffer_unordered(AT_ONCE);
            let mut worst: Option<Sighting> = None;
            while let Some(sighting) = seen.next().await {
                asked += 1;
                let known = worst.as_ref().map_or(Verdict::Absent, |worst| worst.verdict);
                if sighting.verdict > known {
                    worst = Some(sighting);
                }
            }
            if worst.is_some() {
                return Ok((asked, worst));
            }
        }
        Ok((asked, None))
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
    cdn: &'a dyn Cdn,
    edge: &'a EdgeTarget,
    purge: Purge,
    now: OffsetDateTime,
}

impl Turn<'_> {
    /// Sends the early purge, once: good for viewers, proof of nothing.
    async fn hint(&self) -> Step {
        if self.edge.attempts.count > 0 {
            return Step::Wait;
        }
        match self.cdn.purge(&self.purge).await {
            Ok(ticket) => Step::Hinted(ticket),
            Err(error) => self.failed(error.to_string()),
        }
    }

    /// Sends a counted purge.
    async fn purge(&self, next: impl FnOnce(Ticket) -> EdgeStep) -> Step {
        match self.cdn.purge(&self.purge).await {
            Ok(ticket) => Step::Purged(ticket.clone(), next(ticket)),
            Err(error) => self.failed(error.to_string()),
        }
    }

    /// Follows an accepted purge: `Ok` once the network says it is complete, else what to do instead.
    async fn follow(&self, ticket: &Ticket) -> std::result::Result<(), Step> {
        match self.cdn.progress(ticket).await {
            Ok(Progress::Complete) => Ok(()),
            Ok(Progress::Unknown) => {
                let error = "purge-unknown".to_owned();
                Err(Step::Failed(Outcome::Failed { error }, EdgeStep::Draining { until: self.now }))
            }
            Ok(_) => Err(self.failed("purge-underway".to_owned())),
            Err(error) => Err(self.failed(error.to_string())),
        }
    }

    /// The same step is tried again later.
    fn failed(&self, error: String) -> Step {
        Step::Failed(Outcome::Failed { error }, self.edge.step.clone())
    }
}

/// What to do about a network that the service no longer knows: only time can prove it clean.
fn unconfigured(edge: &EdgeTarget, outlived: OffsetDateTime, now: OffsetDateTime) -> Step {
    if now >= outlived {
        return Step::To(EdgeStep::Bounded { until: outlived });
    }
    Step::Failed(Outcome::Failed { error: "network-not-configured".to_owned() }, edge.step.clone())
}

/// Writes a step's outcome into the target; `None` when there is nothing to save.
fn note(edge: &mut EdgeTarget, step: Step, now: OffsetDateTime) -> Option<Moved> {
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
        Step::Failed(outcome, next) => {
            edge.attempts.failed(now, outcome);
            edge.step = next;
            return Some(Moved::Not);
        }
    }
    Some(Moved::On)
}
