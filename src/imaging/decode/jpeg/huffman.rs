use super::bits::Bits;

/// Bits that are looked up at once; most codes with their values are not longer.
pub(super) const LOOK: u32 = 12;
pub(super) const PLACES: usize = 1 << LOOK;
/// How often one can look after a refill.
pub(super) const LOOKS: u32 = 56 / LOOK;

/// What a table decodes (ITU-T T.81 Annex F).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Differences of mean values: a symbol is the length of a value.
    Dc,
    /// Everything else: a symbol is a run of zeros and the length of a value.
    Ac,
}

/// A Huffman table that decodes a code and its value in one look where both are short.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// What each beginning decides.
    looks: Box<[Look; PLACES]>,
    /// For each length the first code that is longer, as 16 bits from the top; and where its symbols are.
    limits: [u32; 17],
    bases: [i32; 17],
    symbols: Vec<u8>,
    class: Class,
}

/// A symbol with its value, packed: in the low byte how many bits it takes, in the next how many zeros come
/// before the value, above that the value. Where the value does not fit into a look, its length is in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look(u32);

impl Look {
    /// Not even the code fits.
    const NOTHING: Self = Self(Self::PART);
    /// The bit that says that the value is not here.
    const PART: u32 = 0x80;

    /// Whether both the code and the value are here.
    #[inline(always)]
    pub(super) fn is_whole(self) -> bool {
        self.0 & Self::PART == 0
    }

    fn new(bits: u32, run: u8, value: i16) -> Self {
        Self((bits & 0xff) | (u32::from(run) << 8) | (u32::from(value.cast_unsigned()) << 16))
    }

    /// A code, and the length of the value that follows it.
    fn part(bits: u32, run: u8, size: u32) -> Self {
        Self(bits | Self::PART | (u32::from(run) << 8) | (size << 16))
    }

    /// The whole of a part, of the bits that it begins.
    #[inline(always)]
    fn completed(self, next: u32) -> Self {
        let (code, size) = (self.0 & 0x1f, self.0 >> 16);
        let value = if size == 0 { 0 } else { extended((next << code) >> (32 - size), size) };
        Self((self.0 & 0xff00) | (code + size) | (u32::from(value.cast_unsigned()) << 16))
    }

    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 & 0xff
    }

    /// Zeros before the value; [`END`] is the end of the block.
    #[inline(always)]
    pub(super) fn run(self) -> usize {
        ((self.0 >> 8) & 0xff) as usize
    }

    #[inline(always)]
    pub(super) fn value(self) -> i16 {
        let [_, _, low, high] = self.0.to_le_bytes();
        i16::from_le_bytes([low, high])
    }
}

/// The run that ends a block.
pub(super) const END: u8 = 64;

impl Table {
    /// A table of a DHT segment; `None` when its codes do not fit together.
    pub(super) fn new(class: Class, counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            looks: Box::new([Look::NOTHING; PLACES]),
            limits: [0; 17],
            bases: [0; 17],
            symbols: symbols.to_vec(),
            class,
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = u32::from(*counts.get(length as usize - 1)?);
            *table.bases.get_mut(length as usize)? = i32::try_from(place).ok()? - i32::try_from(code).ok()?;
            for _ in 0..count {
                let symbol = *symbols.get(place)?;
                table.fill(code, length, symbol);
                code += 1;
                place += 1;
            }
            if code > 1 << length {
                return None;
            }
            *table.limits.get_mut(length as usize)? = code << (16 - length);
            code <<= 1;
        }
        (place == symbols.len()).then_some(table)
    }

    /// Fills in every beginning that this code, and where it fits its value, decides.
    fn fill(&mut self, code: u32, length: u32, symbol: u8) {
        let Some(free) = LOOK.checked_sub(length) else { return };
        let (run, size) = self.parts(symbol);
        let first = (code << free) as usize;
        let places = self.looks.iter_mut().skip(first).take(1 << free);
        for (after, look) in (0_u32..).zip(places) {
            *look = match free.checked_sub(size) {
                Some(rest) => Look::new(length + size, run, extended(after >> rest, size)),
                None => Look::part(length, run, size),
            };
        }
    }

    /// What a symbol says: zeros before the value, and the value's length.
    fn parts(&self, symbol: u8) -> (u8, u32) {
        match (self.class, symbol >> 4, u32::from(symbol & 15)) {
            (Class::Dc, _, size) => (0, size),
            (Class::Ac, 15, 0) => (15, 0),
            (Class::Ac, _, 0) => (END, 0),
            (Class::Ac, run, size) => (run, size),
        }
    }

    /// What the next [`LOOK`] bits decide.
    #[inline(always)]
    pub(super) fn look_at(&self, next: usize) -> Look {
        self.looks.get(next).copied().unwrap_or(Look::NOTHING)
    }

    /// Decodes the next symbol and its value, of which the bits to look at have to be there. `None` when no code
    /// fits.
    #[inline(always)]
    pub(super) fn next(&self, bits: &mut Bits<'_>) -> Option<Look> {
        let look = self.look_at(bits.peek(LOOK));
        if look.is_whole() {
            bits.skip(look.bits());
            return Some(look);
        }
        bits.refill();
        let next = u32::try_from(bits.peek(32)).ok()?;
        let look = if look == Look::NOTHING { self.longer(next)? } else { look.completed(next) };
        bits.skip(look.bits());
        bits.refill();
        Some(look)
    }

    /// Decodes by the limits of each length. By value, so that the reader stays in registers.
    #[cold]
    #[inline(never)]
    fn longer(&self, next: u32) -> Option<Look> {
        let beginning = next >> 16;
        let length = self.limits.iter().position(|&limit| beginning < limit)?;
        let taken = u32::try_from(length).ok()?;
        let code = i32::try_from(beginning >> (16 - taken)).ok()?;
        let place = usize::try_from(code + self.bases.get(length)?).ok()?;
        let (run, size) = self.parts(*self.symbols.get(place)?);
        Some(Look::part(taken, run, size).completed(next))
    }
}

/// The value behind `size` bits (F.2.2.1).
fn extended(bits: u32, size: u32) -> i16 {
    if size == 0 {
        return 0;
    }
    let bits = i32::try_from(bits).unwrap_or(0);
    let value = if bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits };
    i16::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::decode::jpeg::bits::Next;

    /// The codes 0, 10, 110 and one of 13 bits.
    fn table(class: Class, symbols: [u8; 4]) -> Table {
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[2], counts[12]) = (1, 1, 1, 1);
        Table::new(class, &counts, &symbols).unwrap()
    }

    #[test]
    fn short_and_long_codes_are_decoded() {
        let table = table(Class::Ac, [0x00, 0x02, 0x35, 0xf0]);
        // 110 + five bits 10000 | 10 + 01 | 1110000000000 | 0 | 10 + 11
        let data = [0b1101_0000, 0b1001_1110, 0b0000_0000, 0b0010_1100];
        let mut bits = Bits::new(&data, Next::default());
        let mut seen = Vec::new();
        for _ in 0..5 {
            bits.refill();
            let look = table.next(&mut bits).unwrap();
            seen.push((look.run(), look.value()));
        }
        assert_eq!(seen, [(3, 16), (0, -2), (15, 0), (END.into(), 0), (0, 3)]);
        assert_eq!(self::table(Class::Dc, [0, 2, 5, 15]).parts(2), (0, 2));
    }

    #[test]
    fn codes_that_do_not_fit_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Table::new(Class::Dc, &counts, &[1, 2, 3]).is_none());
        counts[0] = 1;
        assert!(Table::new(Class::Dc, &counts, &[]).is_none());
        assert!(Table::new(Class::Dc, &counts, &[1, 2]).is_none());
        let table = Table::new(Class::Dc, &counts, &[1]).unwrap();
        let mut bits = Bits::new(&[0xff; 8], Next::default());
        bits.refill();
        assert_eq!(table.next(&mut bits), None);
    }
}
