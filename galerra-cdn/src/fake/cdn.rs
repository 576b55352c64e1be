//! The fake network as the service sees it.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};
use time::OffsetDateTime;
use url::Url;

use super::{CACHE_TAG, FakeCdn, Fault, HOST, Place, State, serve::visit, store::Wanted};
use crate::{Capabilities, Cdn, CdnError, Probe, Progress, Purge, Sighting, Tag, Ticket, Verdict, judge};

#[async_trait]
impl Cdn for FakeCdn {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            probes: self.probes,
            signs: false,
            selects: self.selects,
            purge_max: self.state().spread(),
        }
    }

    async fn purge(&self, purge: &Purge) -> Result<Ticket, CdnError> {
        let now = self.clock.now();
        let wanted = Wanted::of(purge, self.selects);
        let mut state = self.state();
        if !state.stores.values().any(super::Store::is_up) {
            return Err(self.transient("no edge is up"));
        }
        let fault = state.next.pop_front().or_else(|| state.always.clone());
        match fault {
            Some(Fault::FailBefore) => return Err(self.transient("it failed before it began")),
            Some(Fault::Refuse) => return Err(self.refused("purge", "it refuses")),
            Some(Fault::RateLimit(after)) => {
                let after = Some(after);
                return Err(CdnError::RateLimited { cdn: self.name.clone(), operation: "purge", after });
            }
            Some(Fault::Lie) => {}
            Some(Fault::FailAfter) => {
                state.send(now, &wanted, &[]);
                return Err(self.transient("it failed after it was done"));
            }
            Some(Fault::Lose(ref places)) => state.send(now, &wanted, places),
            None => state.send(now, &wanted, &[]),
        }
        let due = now + state.spread();
        state.accepted.push((due, purge.clone()));
        Ok(Ticket(format!("fake-{}", state.accepted.len())))
    }

    async fn progress(&self, ticket: &Ticket) -> Result<Progress, CdnError> {
        let number = ticket.0.strip_prefix("fake-").and_then(|n| n.parse::<usize>().ok());
        let state = self.state();
        let accepted = number.and_then(|n| state.accepted.get(n.checked_sub(1)?));
        Ok(match accepted {
            None => Progress::Unknown,
            Some((due, _)) if *due <= self.clock.now() => Progress::Complete,
            Some(_) => Progress::Underway,
        })
    }

    /// Looks at every edge. What is down cannot be seen, so nothing is absent while any cache is.
    async fn probe(&self, probe: &Probe) -> Result<Sighting, CdnError> {
        if !self.probes {
            return Err(self.unsupported("probe"));
        }
        let request = visit(&probe.path).ok_or_else(|| self.refused("probe", "the path is malformed"))?;
        let places: Vec<_> =
            self.state().stores.iter().map(|(place, store)| (*place, store.is_up())).collect();
        let mut sightings = Vec::new();
        for (place, up) in places {
            match (place, up) {
                (_, false) => sightings.push(unseen()),
                (Place::Edge(_), true) => {
                    sightings.push(judge(probe, &self.serve_at(place, request.clone()).await));
                }
                // The edges show what the shield holds.
                (Place::Shield, true) => {}
            }
        }
        Ok(sightings.into_iter().max_by_key(|seen| seen.verdict).unwrap_or_else(unseen))
    }

    fn headers(&self, tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)> {
        if tags.is_empty() {
            return Vec::new();
        }
        let list = tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",");
        vec![(CACHE_TAG, HeaderValue::try_from(list).expect("tags are ASCII letters, digits and dashes"))]
    }

    fn url(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = Url::parse(&format!("https://{HOST}")).expect("a constant");
        url.set_path(path);
        url.set_query(query);
        url
    }

    fn sign(&self, _path: &str, _until: OffsetDateTime) -> Result<Url, CdnError> {
        Err(self.unsupported("sign"))
    }
}

impl State {
    /// Sends a purge to every cache but those that lose it.
    fn send(&mut self, now: OffsetDateTime, wanted: &Wanted, lost: &[Place]) {
        for (place, store) in self.stores.iter_mut().filter(|(place, _)| !lost.contains(place)) {
            let lag = self.lags.get(place).copied().unwrap_or_default();
            store.expect(now + self.delay + lag, wanted.clone());
        }
    }

    /// How long a purge takes to reach the last cache.
    fn spread(&self) -> Duration {
        self.delay + self.lags.values().max().copied().unwrap_or_default()
    }
}

impl FakeCdn {
    fn transient(&self, reason: &str) -> CdnError {
        CdnError::Transient { cdn: self.name.clone(), operation: "purge", reason: reason.into() }
    }

    fn refused(&self, operation: &'static str, reason: &str) -> CdnError {
        CdnError::Permanent { cdn: self.name.clone(), operation, reason: reason.into() }
    }

    fn unsupported(&self, operation: &'static str) -> CdnError {
        CdnError::Unsupported { cdn: self.name.clone(), operation }
    }
}

fn unseen() -> Sighting {
    Sighting { verdict: Verdict::Inconclusive, status: 0, witness: String::new() }
}
