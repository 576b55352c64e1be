use super::bits::Bits;
use super::huffman::{END, LOOK, PLACES, Table};

/// What each beginning passes over at once: as many whole symbols as fit into a look. Most coefficients that a scale
/// does not need are small ones, of which one look holds several.
#[derive(Debug, Clone)]
pub(super) struct Skips(Box<[Skip; PLACES]>);

/// Some symbols, packed: their bits in the low four, then whether they end the block, above that how many coefficients
/// they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Skip(u16);

impl Skip {
    const ENDS: u16 = 1 << 4;
    /// More than a block has: these symbols are to be read one by one.
    const TOO_MANY: Self = Self(64 << 8);

    #[inline(always)]
    fn bits(self) -> u32 {
        u32::from(self.0 & 15)
    }

    /// 64 where the block ends.
    #[inline(always)]
    fn end(self) -> usize {
        usize::from(self.0 & Self::ENDS) << 2
    }

    #[inline(always)]
    fn passed(self) -> usize {
        usize::from(self.0 >> 8)
    }

    /// The whole symbols that `next` begins with.
    fn over(table: &Table, next: usize) -> Self {
        let (mut bits, mut passed) = (0_u32, 0);
        loop {
            // What is shifted in is not known: it may not decide anything.
            let look = table.look_at((next << bits) & (PLACES - 1));
            if !look.is_whole() || bits + look.bits() > LOOK {
                return if bits == 0 { Self::TOO_MANY } else { Self::new(bits, passed, 0) };
            }
            bits += look.bits();
            if look.run() == usize::from(END) {
                return Self::new(bits, passed, Self::ENDS);
            }
            passed += look.run() + 1;
        }
    }

    fn new(bits: u32, passed: usize, end: u16) -> Self {
        match (u16::try_from(bits), u16::try_from(passed)) {
            (Ok(bits), Ok(passed @ 0..64)) => Self(bits | end | passed << 8),
            _ => Self::TOO_MANY,
        }
    }
}

impl Skips {
    pub(super) fn new(table: &Table) -> Self {
        let mut skips = Box::new([Skip::TOO_MANY; PLACES]);
        for (next, skip) in skips.iter_mut().enumerate() {
            *skip = Skip::over(table, next);
        }
        Self(skips)
    }

    /// Passes over coefficients from `at` on; gives the index of the next one, 64 or more at the end of the block.
    /// The bits of a look have to be there. `None` when no code fits.
    #[inline(always)]
    pub(super) fn pass(&self, table: &Table, bits: &mut Bits<'_>, at: usize) -> Option<usize> {
        let skip = self.0.get(bits.peek(LOOK)).copied().unwrap_or(Skip::TOO_MANY);
        let past = at + skip.passed();
        if past < 64 {
            bits.skip(skip.bits());
            return Some(past + skip.end());
        }
        // Where symbols fill a block the next ones are another block's.
        let look = table.next(bits)?;
        Some(at + look.run() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::decode::jpeg::bits::Next;
    use crate::imaging::decode::jpeg::huffman::Class;

    /// The codes 0 for the end, 10 for a value of one bit and 11 for three zeros and one of two bits.
    fn table() -> Table {
        let mut counts = [0; 16];
        (counts[0], counts[1]) = (1, 2);
        Table::new(Class::Ac, &counts, &[0x00, 0x01, 0x32]).unwrap()
    }

    #[test]
    fn symbols_are_passed_together_up_to_the_end_of_the_block() {
        let table = table();
        let skips = Skips::new(&table);
        // 10 1 | 10 0 | 11 01 | 0, and then the next block's.
        let data = [0b1011_0011, 0b0101_0110, 0, 0, 0, 0, 0, 0];
        let passed = |at| {
            let mut bits = Bits::new(&data, Next::default());
            bits.refill();
            let past = skips.pass(&table, &mut bits, at).unwrap();
            (past, bits.peek(4))
        };
        assert_eq!(passed(5), (64 + 11, 0b1011), "all three and the end");
        assert_eq!(passed(57), (64 + 63, 0b1011), "they just fit");
        assert_eq!(passed(58), (59, 0b1001), "one at a time, as the third fills the block");
    }

    #[test]
    fn what_a_look_does_not_hold_is_left() {
        let table = table();
        // 11 00 | 11 00 | 10 1 | 1: the last code is not whole.
        let skip = Skip::over(&table, 0b1100_1100_1011);
        assert_eq!((skip.bits(), skip.passed(), skip.end()), (11, 9, 0));
        let skip = Skip::over(&table, 0b1101_1101_1101);
        assert_eq!((skip.bits(), skip.passed(), skip.end()), (12, 12, 0));
    }
}
