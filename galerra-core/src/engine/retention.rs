use std::collections::BTreeMap;

use galerra_storage::Prefix;
use time::Duration;

use super::hold::operator_only;
use super::records::{Change, Place, Stored};
use super::{Engine, Result, ranked, tail};
use crate::{Error, Happened, Retained, Rule, ShareId, Viewer, layout};

/// Rows let go by one commit.
const PAGE: usize = 200;
/// Most things that a forecast counts for one rule.
const MOST: usize = 10_000;
/// Most ids that a forecast names for one rule.
const NAMED: usize = 20;

/// What a rule will let go of.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// The rule.
    pub rule: Rule,
    /// How many things are due by then; at most 10 000 are counted.
    pub due: usize,
    /// The ids of the first of them.
    pub first: Vec<String>,
}

impl Engine {
    /// Lets go what has been kept for as long as its rule says. A rule that fails never holds up another.
    pub(super) async fn let_go(&self) {
        for rule in self.parts.policy.rules() {
            let outcome = match rule.name {
                Retained::Trash => self.empty_trash().await,
                Retained::ExpiredShare => self.end_expired_shares(rule.after).await,
                Retained::Event => self.remove_older(&layout::events(), rule.after).await,
                Retained::FinishedErasure => self.forget_erasures(rule.after).await,
                Retained::Tombstone => self.prune_ledger().await,
                // Accounts have an erasure that begins then, and dead uploads are swept before anything else.
                Retained::AccountGrace | Retained::AbandonedUpload => Ok(()),
            };
            if let Err(error) = outcome {
                tracing::warn!(
                    rule = rule.name.as_str(),
                    code = error.code(),
                    "a retention rule could not be carried out; the next tick tries again"
                );
            }
        }
    }

    /// What goes within so many days if nothing changes: nothing is touched. Only the operator may look.
    pub async fn forecast(&self, viewer: &Viewer, days: u16) -> Result<Vec<Forecast>> {
        operator_only(viewer)?;
        let now = self.parts.env.now();
        let mut forecasts = Vec::new();
        for rule in self.parts.policy.rules() {
            let mut forecast = Forecast { rule, due: 0, first: Vec::new() };
            if let Some((range, after)) = timed(&rule) {
                let end = layout::rank(now + Duration::days(days.into()) - after, 0);
                let mut after = None;
                loop {
                    let rows = self.parts.records.scan(&range, after, PAGE).await?;
                    let due: Vec<_> =
                        rows.iter().take_while(|row| layout::time_of(&row.key) <= end.as_str()).collect();
                    forecast.due += due.len();
                    let room = NAMED - forecast.first.len();
                    let ids = due
                        .iter()
                        .filter_map(|row| tail(&row.key).split_once('.').map(|(_, id)| id.to_owned()));
                    forecast.first.extend(ids.take(room));
                    if due.len() < PAGE || forecast.due >= MOST {
                        break;
                    }
                    after = rows.last().map(|row| row.key.clone());
                }
            }
            forecasts.push(forecast);
        }
        Ok(forecasts)
    }

    /// Tells of rules that have another time than the last time anybody looked.
    pub(super) async fn note_rules(&self) -> Result<()> {
        let found: Option<Stored<BTreeMap<String, i64>>> = self.read(layout::rules()).await?;
        let rules = self.parts.policy.rules();
        let now: BTreeMap<String, i64> =
            rules.iter().map(|rule| (rule.name.as_str().to_owned(), rule.after.whole_seconds())).collect();
        let before = found.as_ref().map(|found| &found.value);
        if before == Some(&now) {
            return Ok(());
        }
        let mut change = Change::default();
        for (rule, after) in &now {
            let before = before.and_then(|before| before.get(rule)).copied();
            if before != Some(*after) {
                self.tell(&mut change, Happened::RuleChanged { rule: rule.clone(), before, after: *after });
            }
        }
        change.put(layout::rules(), found.map(|found| found.version), &now);
        self.let_conflict_pass(change).await
    }

    async fn remove_older(&self, range: &Prefix, life: Duration) -> Result<()> {
        let end = layout::rank(self.parts.env.now() - life, 0);
        let rows = self.parts.records.scan(range, None, PAGE).await?;
        let mut change = Change::default();
        let old: Vec<_> = rows.iter().take_while(|row| layout::time_of(&row.key) < end.as_str()).collect();
        for row in &old {
            change.remove_row(row);
        }
        if old.is_empty() { Ok(()) } else { self.let_conflict_pass(change).await }
    }

    /// Removes erasures that ended long ago. What the log says of them stays.
    async fn forget_erasures(&self, life: Duration) -> Result<()> {
        let end = layout::rank(self.parts.env.now() - life, 0);
        let rows = self.parts.records.scan(&layout::shelf(), None, PAGE).await?;
        let mut change = Change::default();
        let old: Vec<_> = rows.iter().take_while(|row| layout::time_of(&row.key) < end.as_str()).collect();
        let keys: Vec<_> = old.iter().filter_map(|row| ranked(&row.key)).map(layout::erasure).collect();
        let erasures = self.parts.records.get(&keys).await?;
        for row in old.iter().copied().chain(erasures.iter().flatten()) {
            change.remove_row(row);
        }
        if old.is_empty() { Ok(()) } else { self.let_conflict_pass(change).await }
    }

    /// Removes links that expired long ago. A link that was given more time since has another entry.
    async fn end_expired_shares(&self, life: Duration) -> Result<()> {
        let end = self.parts.env.now() - life;
        for row in self.parts.records.scan(&layout::lapses(), None, PAGE).await? {
            if layout::time_of(&row.key) >= layout::rank(end, 0).as_str() {
                break;
            }
            if let Some(id) = ranked::<ShareId>(&row.key)
                && let Some(place) = self.read::<Place>(layout::reference(id)).await?
                && let Ok((owner, _)) = place.value.here()
            {
                let viewer = Viewer::account(owner);
                match self.remove_expired(&viewer, id, end).await {
                    Ok(()) | Err(Error::NotFound | Error::Unauthenticated) => {}
                    Err(error) => {
                        tracing::warn!(code = error.code(), "an expired link could not be removed yet");
                        continue;
                    }
                }
            }
            let mut change = Change::default();
            change.remove_row(&row);
            self.let_conflict_pass(change).await?;
        }
        Ok(())
    }
}

/// The records that a rule lets go of, sorted by a time, and how long after that they go.
fn timed(rule: &Rule) -> Option<(Prefix, Duration)> {
    Some(match rule.name {
        Retained::Trash => (layout::trash(), Duration::ZERO),
        Retained::AbandonedUpload => (layout::leases(), Duration::ZERO),
        Retained::ExpiredShare => (layout::lapses(), rule.after),
        Retained::Event => (layout::events(), rule.after),
        Retained::FinishedErasure => (layout::shelf(), rule.after),
        // Erasures in their grace lie among others, and the ledger beside the blobs.
        Retained::AccountGrace | Retained::Tombstone => return None,
    })
}
