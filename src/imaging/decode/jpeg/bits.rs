/// How many bits there are after a refill, at the least.
const FULL: u32 = 56;

/// Reads entropy-coded bits, most significant first. Past the end there are zeros, which `overrun` tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the top.
    window: u64,
    /// How many of them are there.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, window: 0, count: 0 }
    }

    /// Makes sure that at least 56 bits are there.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let chunk = match self.data.get(self.at..self.at + 8).and_then(<[u8]>::first_chunk) {
            Some(chunk) => u64::from_be_bytes(*chunk),
            None => short(self.data.get(self.at..).unwrap_or_default()),
        };
        self.window |= chunk >> self.count;
        self.at += ((63 - self.count) >> 3) as usize;
        self.count |= FULL;
    }

    /// The next bits, as many as asked for, without taking them; from 1 to 32.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "32 bits at the most")]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.window >> (64 - count)) as usize
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count;
    }

    /// Whether more bits were taken than there are.
    pub(super) fn overrun(&self) -> bool {
        self.at * 8 > self.data.len() * 8 + self.count as usize
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

/// Appends the entropy-coded bytes up to the next marker, without what was stuffed between them; gives how many
/// bytes of the source that were.
pub(super) fn unstuff(source: &[u8], into: &mut Vec<u8>) -> usize {
    let mut at = 0;
    while let Some(rest) = source.get(at..) {
        let plain = memchr::memchr(0xff, rest).unwrap_or(rest.len());
        into.extend_from_slice(rest.get(..plain).unwrap_or_default());
        at += plain;
        match source.get(at + 1) {
            Some(0) => {
                into.push(0xff);
                at += 2;
            }
            _ => return at,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_order_and_the_end_is_noticed() {
        let mut bits = Bits::new(&[0b1010_0101, 0xff, 0x01]);
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

    #[test]
    fn stuffing_is_taken_out_up_to_the_marker() {
        let mut out = Vec::new();
        assert_eq!(unstuff(&[1, 0xff, 0, 2, 0xff, 0xd9, 7], &mut out), 4);
        assert_eq!(out, [1, 0xff, 2]);
        out.clear();
        assert_eq!(unstuff(&[1, 2, 0xff], &mut out), 2);
        assert_eq!(unstuff(&[1, 2], &mut out), 2);
        assert_eq!(out, [1, 2, 1, 2]);
    }
}
