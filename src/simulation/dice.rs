//! Chance that can be had again: everything that a history leaves open is thrown here.

use std::time::Duration;

/// A small generator of numbers (xoshiro256++ by Blackman and Vigna), the same ones for the same seed.
#[derive(Debug, Clone)]
pub(super) struct Dice([u64; 4]);

impl Dice {
    /// Dice that fall as this seed wants them to.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = seed;
        Self([(); 4].map(|()| splitmix(&mut state)))
    }

    /// Dice of their own, so that who throws more often does not change what the others throw.
    pub(super) fn fork(&mut self) -> Self {
        Self::new(self.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let thrown = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.0 = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        thrown
    }

    /// A number below `sides`; 0 if there are none.
    pub(super) fn below(&mut self, sides: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(sides);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `least` to `most`.
    pub(super) fn from(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// Whether something happens that happens so often in a thousand.
    pub(super) fn chance(&mut self, in_a_thousand: u32) -> bool {
        in_a_thousand > 0 && self.below(1000) < u64::from(in_a_thousand)
    }

    /// A time from nothing to `most`.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        self.between(Duration::ZERO, most)
    }

    /// A time from `least` to `most`, in whole microseconds.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.from(micros(least), micros(most)))
    }

    /// A place in a list of this length.
    pub(super) fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// One of these; `None` if there are none.
    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.place(of.len()))
    }

    /// 32 bytes, as secrets and ids are made of.
    pub(super) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        bytes
    }
}

/// The generator that spreads one seed over a whole state.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same() {
        let throw = |seed| (0..100).map(|_| 0).scan(Dice::new(seed), |dice, _| Some(dice.next()));
        assert!(throw(7).eq(throw(7)));
        assert!(!throw(7).eq(throw(8)));
    }

    #[test]
    fn throws_stay_within_their_bounds_and_reach_them() {
        let mut dice = Dice::new(1);
        let thrown: Vec<u64> = (0..1000).map(|_| dice.from(3, 8)).collect();
        assert_eq!((thrown.iter().min(), thrown.iter().max()), (Some(&3), Some(&8)));
        assert_eq!(dice.below(0), 0);
        assert!((0..1000).all(|_| !dice.chance(0) && dice.chance(1000)));
    }
}
