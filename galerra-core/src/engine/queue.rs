use galerra_storage::Prefix;
use time::{Duration, OffsetDateTime};

use super::hold::operator_only;
use super::records::{Open, stored};
use super::{Engine, Page, Result, ranked};
use crate::{ErasureId, Lane, Viewer, layout};

/// Work items read at once.
const PAGE: usize = 200;

/// An erasure that is not finished, as the operator sees it in the queue.
#[derive(Debug, Clone)]
pub struct UnderWay {
    /// Its id.
    pub id: ErasureId,
    /// When it was accepted.
    pub accepted: OffsetDateTime,
    /// By when it is promised to be finished.
    pub due: OffsetDateTime,
    /// Whether that has passed.
    pub breached: bool,
    /// Whether a legal hold keeps originals.
    pub held: bool,
}

/// How far behind the work is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Unfinished erasures of the expedited lane.
    pub expedited: u64,
    /// Unfinished erasures of the standard lane.
    pub standard: u64,
    /// How many of both are later than the operator aims for.
    pub late: u64,
    /// How many of both have missed the promised time.
    pub breached: u64,
    /// How many wait for a legal hold to be released.
    pub held: u64,
    /// How many findings have no receipt yet: they wait for the log, or for its witnesses.
    pub unsealed: u64,
    /// How long the oldest that no hold keeps has been under way.
    pub oldest: Duration,
}

impl Engine {
    /// The erasures that are not finished, each lane by when it is looked at next. Only the operator may look.
    pub async fn queue_of_erasures(
        &self,
        viewer: &Viewer,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<UnderWay>> {
        operator_only(viewer)?;
        let Page { items, next } = self.list_below(&layout::open_erasures(), cursor, limit).await?;
        let under_way = items.iter().filter_map(|row| {
            let id = ranked(&row.key)?;
            Some(stored::<Open>(row).map(|open| {
                let Open { accepted, due, breached, held, .. } = open.value;
                UnderWay { id, accepted, due, breached, held }
            }))
        });
        Ok(Page { items: under_way.collect::<Result<_>>()?, next })
    }

    /// Counts what is under way.
    pub async fn lag(&self) -> Result<Lag> {
        let now = self.parts.env.now();
        let mut lag = Lag::default();
        for lane in Lane::ALL {
            let mut after = None;
            loop {
                let rows = self.parts.records.scan(&layout::open_lane(lane), after, PAGE).await?;
                for row in &rows {
                    let open: Open = stored(row)?.value;
                    lag.count(lane, &open, now, self.parts.policy.target);
                }
                if rows.len() < PAGE {
                    break;
                }
                after = rows.last().map(|row| row.key.clone());
            }
        }
        for range in [layout::log_queued(), layout::log_unsealed()] {
            lag.unsealed += self.count(&range).await?;
        }
        Ok(lag)
    }

    async fn count(&self, range: &Prefix) -> Result<u64> {
        let (mut count, mut after) = (0, None);
        loop {
            let rows = self.parts.records.scan(range, after, PAGE).await?;
            count += rows.len() as u64;
            if rows.len() < PAGE {
                return Ok(count);
            }
            after = rows.last().map(|row| row.key.clone());
        }
    }
}

impl Lag {
    fn count(&mut self, lane: Lane, open: &Open, now: OffsetDateTime, target: Duration) {
        match lane {
            Lane::Expedited => self.expedited += 1,
            Lane::Standard => self.standard += 1,
        }
        let age = now - open.accepted;
        self.breached += u64::from(open.breached);
        self.held += u64::from(open.held);
        if !open.held {
            self.late += u64::from(age > target);
            self.oldest = self.oldest.max(age);
        }
    }
}
