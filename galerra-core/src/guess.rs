use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::ShareId;

/// How fast passwords may be guessed: so many at once, then one in so long. It slows down and never locks out: a
/// budget that is used up fills again by itself, and right passwords cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Guesses that may be made at once.
    pub burst: u16,
    /// How long it takes until there is one more.
    pub every: Duration,
}

/// What of a budget is used up, as the time at which it is full again.
pub(crate) type Spent = OffsetDateTime;

impl Rate {
    /// Uses one guess up; or how long to wait for the next one.
    pub(crate) fn spend(self, spent: Spent, now: OffsetDateTime) -> Result<Spent, Duration> {
        let after = spent.max(now) + self.every;
        let wait = after - now - self.every * i32::from(self.burst);
        if wait.is_positive() { Err(wait) } else { Ok(after) }
    }

    /// Gives one guess back.
    pub(crate) fn refund(self, spent: Spent) -> Spent {
        spent.saturating_sub(self.every)
    }
}

/// Most budgets kept; beyond it those that are closest to full are forgotten.
const MOST: usize = 20_000;

/// What the addresses that guess have used up. In memory alone: nothing about who came is stored.
#[derive(Debug, Default)]
pub(crate) struct Guessers {
    spent: Mutex<HashMap<(ShareId, IpAddr), Spent>>,
}

impl Guessers {
    /// Uses up one guess of an address at a link; or how long it has to wait.
    pub(crate) fn spend(
        &self,
        rate: Rate,
        link: ShareId,
        from: IpAddr,
        now: OffsetDateTime,
    ) -> Result<(), Duration> {
        let mut all = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            forget(&mut all, now);
        }
        let spent = all.entry((link, household(from))).or_insert(now);
        *spent = rate.spend(*spent, now)?;
        Ok(())
    }

    /// Gives one guess back: it was right.
    pub(crate) fn refund(&self, rate: Rate, link: ShareId, from: IpAddr) {
        let mut all = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spent) = all.get_mut(&(link, household(from))) {
            *spent = rate.refund(*spent);
        }
    }
}

/// Forgets budgets that are full; where that is not half of them, the fullest half.
fn forget(all: &mut HashMap<(ShareId, IpAddr), Spent>, now: OffsetDateTime) {
    let mut times: Vec<Spent> = all.values().copied().collect();
    let half = times.len() / 2;
    let median = *times.select_nth_unstable(half).1;
    all.retain(|_, spent| *spent > now.max(median));
}

/// One household of IPv6 has 2⁶⁴ addresses.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
    const RATE: Rate = Rate { burst: 3, every: Duration::seconds(10) };

    fn link(last: u8) -> ShareId {
        let bare = data_encoding::BASE32_DNSSEC.encode(&[last; 16]);
        format!("shr_{bare}").parse().unwrap()
    }

    #[test]
    fn a_budget_is_used_up_and_fills_again() {
        let mut spent = OffsetDateTime::UNIX_EPOCH;
        for _ in 0..3 {
            spent = RATE.spend(spent, NOW).unwrap();
        }
        assert_eq!(RATE.spend(spent, NOW), Err(Duration::seconds(10)));
        assert_eq!(RATE.spend(spent, NOW + Duration::seconds(4)), Err(Duration::seconds(6)));
        let later = NOW + Duration::seconds(10);
        spent = RATE.spend(spent, later).unwrap();
        assert!(RATE.spend(spent, later).is_err());
        assert!(RATE.spend(RATE.refund(spent), later).is_ok());
        // A clock that steps back gives nothing away, and takes no more than the step.
        assert!(RATE.spend(spent, NOW).is_err());
    }

    #[test]
    fn each_address_has_a_budget_for_each_link() {
        let guessers = Guessers::default();
        let try_it = |last, from: &str| guessers.spend(RATE, link(last), from.parse().unwrap(), NOW).is_ok();
        for _ in 0..3 {
            assert!(try_it(1, "2001:db8::1"));
        }
        assert!(!try_it(1, "2001:db8::2"), "the same household");
        assert!(try_it(1, "2001:db8:0:1::1") && try_it(1, "192.0.2.1"));
        assert!(try_it(2, "2001:db8::1"), "another link");
        guessers.refund(RATE, link(1), "2001:db8::9".parse().unwrap());
        assert!(try_it(1, "2001:db8::3"));
        assert!(try_it(3, "::ffff:192.0.2.9") && try_it(3, "192.0.2.9") && try_it(3, "192.0.2.9"));
        assert!(!try_it(3, "192.0.2.9"), "one address in two spellings");
    }

    #[test]
    fn no_crowd_makes_it_grow_without_end_nor_forgets_who_guesses_most() {
        let guessers = Guessers::default();
        let keen = "192.0.2.1".parse().unwrap();
        for _ in 0..3 {
            guessers.spend(RATE, link(1), keen, NOW).unwrap();
        }
        for nth in 0..50_000_u32 {
            guessers.spend(RATE, link(1), std::net::Ipv4Addr::from_bits(0x0a00_0000 + nth).into(), NOW).ok();
        }
        assert!(guessers.spent.lock().unwrap().len() <= MOST);
        assert!(guessers.spend(RATE, link(1), keen, NOW).is_err());
    }
}
