use std::collections::BTreeMap;

use galerra_storage::{Key, Prefix};
use time::{Duration, OffsetDateTime};

use super::hold::operator_only;
use super::records::{Change, Place, Stored, stored};
use super::{Engine, Result, ranked, tail};
use crate::{Erasure, Error, Happened, Lane, Retained, Rule, ShareId, Viewer, layout};

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

impl Forecast {
    /// Counts what has this key, and names it as long as there is room.
    fn count(&mut self, key: &Key) {
        self.due += 1;
        if self.first.len() < NAMED {
            self.first.extend(tail(key).split_once('.').map(|(_, id)| id.to_owned()));
        }
    }

    fn is_full(&self) -> bool {
        self.due >= MOST
    }
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
        let by = self.parts.env.now() + Duration::days(days.into());
        let mut forecasts = Vec::new();
        for rule in self.parts.policy.rules() {
            let end = by - rule.after;
            let mut forecast = Forecast { rule, due: 0, first: Vec::new() };
            match forecast.rule.name {
                Retained::Trash => self.foretell(&mut forecast, &layout::trash(), by).await?,
                Retained::AbandonedUpload => self.foretell(&mut forecast, &layout::leases(), by).await?,
                Retained::ExpiredShare => self.foretell(&mut forecast, &layout::lapses(), end).await?,
                Retained::Event => self.foretell(&mut forecast, &layout::events(), end).await?,
                Retained::FinishedErasure => self.foretell(&mut forecast, &layout::shelf(), end).await?,
                Retained::AccountGrace => self.foretell_graces(&mut forecast, by).await?,
                Retained::Tombstone => self.foretell_ledger(&mut forecast, end).await?,
            }
            forecasts.push(forecast);
        }
        Ok(forecasts)
    }

    /// Counts the records of a range that sorts by time, up to `end`.
    async fn foretell(&self, forecast: &mut Forecast, range: &Prefix, end: OffsetDateTime) -> Result<()> {
        let end = layout::rank(end, 0);
        let mut after = None;
        loop {
            let rows = self.parts.records.scan(range, after, PAGE).await?;
            let due = rows.iter().take_while(|row| layout::time_of(&row.key) <= end.as_str());
            let due = due.map(|row| forecast.count(&row.key)).count();
            if due < PAGE || forecast.is_full() {
                return Ok(());
            }
            after = rows.last().map(|row| row.key.clone());
        }
    }

    /// Counts the accounts whose grace is over by `end`: their erasures lie among all others.
    async fn foretell_graces(&self, forecast: &mut Forecast, end: OffsetDateTime) -> Result<()> {
        let now = self.parts.env.now();
        for lane in Lane::ALL {
            let mut after = None;
            loop {
                let rows = self.parts.records.scan(&layout::open_lane(lane), after, PAGE).await?;
                let keys: Vec<_> =
                    rows.iter().filter_map(|row| ranked(&row.key)).map(layout::erasure).collect();
                for row in self.parts.records.get(&keys).await?.iter().flatten() {
                    let erasure: Erasure = stored(row)?.value;
                    if erasure.not_before.is_some_and(|then| now < then && then <= end) {
                        forecast.count(&layout::open_erasure(&erasure));
                    }
                }
                if rows.len() < PAGE || forecast.is_full() {
                    break;
                }
                after = rows.last().map(|row| row.key.clone());
            }
        }
        Ok(())
    }

    /// Counts the lines of the ledger from before `end`.
    async fn foretell_ledger(&self, forecast: &mut Forecast, end: OffsetDateTime) -> Result<()> {
        let mut after = None;
        loop {
            let lines = self.parts.blobs.list(&layout::ledger(), after, PAGE).await?;
            let due = lines.iter().take_while(|line| layout::is_line_before(&line.key, end));
            let due = due.map(|line| forecast.count(&line.key)).count();
            if due < PAGE || forecast.is_full() {
                return Ok(());
            }
            after = lines.last().map(|line| line.key.clone());
        }
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
