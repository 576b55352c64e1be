use crate::imaging::Refusal;

/// Why a walk over a file ended before its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There are no more bytes.
    Cut,
    /// The file is refused.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Takes bytes from the front of a slice.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// How many bytes were taken.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What was not taken yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Stop::Cut)?;
        self.rest = rest;
        self.at += count;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        self.take(N)?.first_chunk().copied().ok_or(Stop::Cut)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Stop> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16_be(&mut self) -> Result<u16, Stop> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u16_le(&mut self) -> Result<u16, Stop> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u24_le(&mut self) -> Result<u32, Stop> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    pub(crate) fn u32_be(&mut self) -> Result<u32, Stop> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u32_le(&mut self) -> Result<u32, Stop> {
        self.array().map(u32::from_le_bytes)
    }

    /// Takes everything up to and including the first `wanted` byte.
    pub(crate) fn past(&mut self, wanted: u8) -> Result<(), Stop> {
        // Whole blocks first: the compiler makes vector code of a count over a fixed size.
        let (blocks, _) = self.rest.as_chunks::<32>();
        let clear = blocks.iter().take_while(|block| !holds(block, wanted)).count() * 32;
        self.take(clear)?;
        let found = self.rest.iter().position(|&byte| byte == wanted).ok_or(Stop::Cut)?;
        self.take(found + 1).map(drop)
    }
}

fn holds(block: &[u8; 32], wanted: u8) -> bool {
    block.iter().map(|&byte| u8::from(byte == wanted)).sum::<u8>() != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_order_and_never_past_the_end() {
        let mut cursor = Cursor::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(cursor.u8(), Ok(1));
        assert_eq!(cursor.u16_be(), Ok(0x0203));
        assert_eq!(cursor.u24_le(), Ok(0x06_0504));
        assert_eq!(cursor.u32_be(), Err(Stop::Cut));
        assert_eq!(cursor.at(), 6);
        assert_eq!(cursor.take(usize::MAX), Err(Stop::Cut));
        assert_eq!(cursor.take(3), Ok(&[7, 8, 9][..]));
    }

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        for at in 0..100 {
            let mut bytes = [0; 100];
            bytes[at] = 9;
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(cursor.past(9), Ok(()));
            assert_eq!(cursor.at(), at + 1);
            assert_eq!(cursor.past(9), Err(Stop::Cut));
        }
    }
}
