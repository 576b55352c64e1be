use super::bits::{Bits, Next};

/// How many bytes are unstuffed at a time: few enough to stay near.
const WINDOW: usize = 64 << 10;

/// The entropy-coded data of a scan, interval by interval, of which a window at a time is there.
#[derive(Debug)]
pub(super) struct Intervals<'a> {
    /// What is not yet unstuffed.
    source: &'a [u8],
    /// What is, and not yet read.
    plain: Vec<u8>,
    next: Next,
    /// Whether the interval has nothing behind the window.
    whole: bool,
    /// The most bytes that a unit takes.
    unit: usize,
}

impl<'a> Intervals<'a> {
    /// The first interval, of units that take up to `unit` bytes.
    pub(super) fn new(source: &'a [u8], unit: usize) -> Self {
        let mut intervals = Self { source, plain: Vec::new(), next: Next::default(), whole: false, unit };
        intervals.read();
        intervals
    }

    /// The bits of the window.
    pub(super) fn bits(&self) -> Bits<'_> {
        Bits::new(&self.plain, self.next)
    }

    /// Whether the window surely has the bits of another unit, as far as the interval has them.
    #[inline(always)]
    pub(super) fn has_unit(&self, bits: &Bits<'_>) -> bool {
        self.whole || bits.left() >= self.unit
    }

    /// Moves the window on to this position.
    pub(super) fn advance(&mut self, (read, next): (usize, Next)) {
        self.plain.drain(..read.min(self.plain.len()));
        self.next = next;
        self.read();
    }

    /// Moves on to the next interval. Where there is none it has no bits, which is noticed.
    pub(super) fn restart(&mut self) {
        while !self.whole {
            self.plain.clear();
            self.read();
        }
        if let [0xff, 0xd0..=0xd7, rest @ ..] = self.source {
            self.source = rest;
        }
        self.plain.clear();
        self.next = Next::default();
        self.whole = false;
        self.read();
    }

    /// Fills the window up to its size or to the next marker, without the bytes that were stuffed in.
    fn read(&mut self) {
        let size = WINDOW.max(2 * self.unit);
        while self.plain.len() < size && !self.whole {
            let most = self.source.len().min(size - self.plain.len());
            let (near, _) = self.source.split_at(most);
            let plain = memchr::memchr(0xff, near).unwrap_or(most);
            self.plain.extend_from_slice(near.get(..plain).unwrap_or_default());
            self.source = self.source.get(plain..).unwrap_or_default();
            match self.source {
                [0xff, 0, rest @ ..] => {
                    self.plain.push(0xff);
                    self.source = rest;
                }
                [0xff, ..] | [] => self.whole = true,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_is_taken_out_up_to_the_marker() {
        for (source, plain) in [
            (&[1, 0xff, 0, 2, 0xff, 0xd9, 7][..], &[1, 0xff, 2][..]),
            (&[1, 2, 0xff], &[1, 2]),
            (&[1, 2], &[1, 2]),
            (&[], &[]),
        ] {
            let intervals = Intervals::new(source, 9);
            assert_eq!((&*intervals.plain, intervals.whole), (plain, true), "{source:?}");
        }
    }

    #[test]
    fn a_long_interval_comes_in_windows_and_is_passed_over_at_its_end() {
        let mut source = Vec::new();
        let mut plain = Vec::new();
        for nth in 0..300_000_u32 {
            let [byte, ..] = (nth.wrapping_mul(2_654_435_761) >> 13).to_le_bytes();
            plain.push(byte);
            source.push(byte);
            source.extend((byte == 0xff).then_some(0));
        }
        source.extend([0xff, 0xd3, 5, 0xff, 0xd9]);
        let mut intervals = Intervals::new(&source, 100);
        let mut seen = Vec::new();
        while seen.len() < 200_000 {
            let mut bits = intervals.bits();
            while intervals.has_unit(&bits) && seen.len() < 200_000 {
                bits.refill();
                seen.extend(u8::try_from(bits.peek(8)));
                bits.skip(8);
            }
            let position = bits.position();
            assert!(intervals.plain.len() <= WINDOW);
            intervals.advance(position);
        }
        assert!(seen == plain[..200_000]);
        for last in [vec![5], vec![]] {
            intervals.restart();
            assert_eq!(intervals.plain, last);
            assert!(intervals.whole);
        }
    }
}
