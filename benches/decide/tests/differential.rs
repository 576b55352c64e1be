//! Whether `decide`, Cedar and Casbin answer alike.

use std::collections::HashSet;

use decide::casbin::{Casbin, asked};
use decide::cedar::Cedar;
use decide::facts::terms;
use decide::{Case, Facts, Link, Question, Stage, galerra};
use galerra_core::Policy;
use time::Duration;

/// Everyone who is asked.
struct Panel {
    stage: Stage,
    policy: Policy,
    cedar: Cedar,
    casbin: Casbin,
}

impl Panel {
    fn new() -> Self {
        let (stage, policy) = (Stage::new(), Policy::default());
        Self { stage, policy, cedar: Cedar::new(), casbin: Casbin::new() }
    }

    /// Asks everyone everything about one row; answers what they agree on.
    fn agrees_on(&self, case: &Case) -> [bool; 5] {
        let facts = Facts::of(&self.stage, case);
        let opened = facts.opened();
        assert_eq!(opened.is_some(), case.link.is_some(), "{case:?}: the link was opened in time");
        let grant = galerra::decide(&facts, opened, &self.policy);
        let entities = self.cedar.entities(&facts);
        Question::ALL.map(|question| {
            let ours = galerra::allows(grant.as_ref(), &facts, question);
            let cedar = self.cedar.allows(&self.cedar.request(&facts, question), &entities);
            assert_eq!(ours, cedar, "decide (left) and Cedar (right) on {question:?}: {case:?}");
            let casbin = self.casbin.allows(asked(&facts, question));
            assert_eq!(ours, casbin, "decide (left) and Casbin (right) on {question:?}: {case:?}");
            ours
        })
    }
}

#[test]
fn all_answer_alike_on_every_row() {
    let panel = Panel::new();
    let mut rows = HashSet::new();
    let mut allowed = [0; 5];
    for case in Case::table() {
        assert!(rows.insert(format!("{case:?}")), "a row is there twice: {case:?}");
        for (count, answer) in allowed.iter_mut().zip(panel.agrees_on(&case)) {
            *count += usize::from(answer);
        }
    }
    assert_eq!(rows.len(), 11 * Case::PER_LINK);
    // By hand, of 4 × 11 × 4 times Free and Pro: owners; open galleries; private ones by a good link, Pro alone.
    let (owners, passers, guests) = (2 * 3 * 11 * 4, 2 * 2 * 3 * 11 * 4, 3 * 8 * 4);
    assert_eq!(
        allowed,
        [
            owners + passers + guests,
            owners + guests / 2,
            owners + guests / 2,
            owners + passers / 2 + guests / 2,
            owners + passers / 4 + guests / 8,
        ]
    );
}

#[test]
fn all_answer_alike_where_links_are_about_to_end() {
    const ROUNDS: usize = 10_000;
    let panel = Panel::new();
    let mut dice = Dice(7);
    let mut ended = 0;
    for _ in 0..ROUNDS {
        // From fifty nanoseconds to fifty minutes before and after, and now itself.
        let unit = [1, 1_000, 1_000_000, 1_000_000_000, 60_000_000_000][dice.throw(5)];
        let left = Duration::nanoseconds(unit * (i64::try_from(dice.throw(101)).unwrap() - 50));
        let link = Link { elsewhere: dice.throw(8) == 0, left, terms: terms(dice.throw(8)) };
        panel.agrees_on(&Case::nth(dice.throw(Case::PER_LINK), Some(link)));
        ended += usize::from(!left.is_positive());
    }
    assert!((ROUNDS / 3..ROUNDS * 2 / 3).contains(&ended), "{ended} of {ROUNDS} links had ended");
}

/// SplitMix64, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }
}
