/// How many bits there are after a refill, at the least.
const FULL: u32 = 56;

/// Reads entropy-coded bits, most significant first. Past the end there are zeros, which `overrun` tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The first byte that is not among the next bits.
    at: usize,
    next: Next,
}

/// Bits that are read and not yet taken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Next {
    /// From the top.
    window: u64,
    /// How many there are.
    count: u32,
}

impl<'a> Bits<'a> {
    /// The bits of `data`, after those that were read before it.
    pub(super) fn new(data: &'a [u8], next: Next) -> Self {
        Self { data, at: 0, next }
    }

    /// How many bytes of the data are read, and what of them is not yet taken.
    pub(super) fn position(self) -> (usize, Next) {
        (self.at, self.next)
    }

    /// How many bytes of the data are not yet read.
    #[inline(always)]
    pub(super) fn left(&self) -> usize {
        self.data.len().saturating_sub(self.at)
    }

    /// Makes sure that at least 56 bits are there.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let chunk = match self.data.get(self.at..self.at + 8).and_then(<[u8]>::first_chunk) {
            Some(chunk) => u64::from_be_bytes(*chunk),
            None => short(self.data.get(self.at..).unwrap_or_default()),
        };
        self.next.window |= chunk >> self.next.count;
        self.at += ((63 - self.next.count) >> 3) as usize;
        self.next.count |= FULL;
    }

    /// The next bits, as many as asked for, without taking them; from 1 to 32.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "32 bits at the most")]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.next.window >> (64 - count)) as usize
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.next.window <<= count;
        self.next.count -= count;
    }

    /// Whether more bits were taken than there are.
    pub(super) fn overrun(&self) -> bool {
        self.at * 8 > self.data.len() * 8 + self.next.count as usize
    }
}

/// The last bytes, with zeros behind them.
#[cold]
#[inline(never)]
fn short(rest: &[u8]) -> u64 {
    let mut chunk = [0; 8];
    chunk.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_order_and_the_end_is_noticed() {
        let mut bits = Bits::new(&[0b1010_0101, 0xff, 0x01], Next::default());
        for (count, value) in [(4, 0b1010), (4, 0b0101), (8, 0xff), (7, 0)] {
            bits.refill();
            assert_eq!(bits.peek(count), value);
            bits.skip(count);
        }
        assert!(!bits.overrun());
        bits.refill();
        assert_eq!(bits.peek(1), 1);
        bits.skip(1);
        assert!(!bits.overrun());
        bits.refill();
        assert_eq!(bits.peek(1), 0);
        bits.skip(1);
        assert!(bits.overrun());
    }
}
