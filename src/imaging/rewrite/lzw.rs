/// Codes are at most that long (Appendix F of the specification of GIF).
const LONGEST: u32 = 12;
const CODES: usize = 1 << LONGEST;

/// The compressed pixels of a frame, cut where they end, and the colours they use.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    pub(super) data: Vec<u8>,
    pub(super) used: [bool; 256],
}

/// Reads codes, least significant bit first, without making pixels of them: how many each one stands for is enough.
struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn code(&mut self, width: u32) -> Option<usize> {
        let mut code = 0;
        for bit in 0..width as usize {
            let at = self.at + bit;
            let byte = self.data.get(at / 8)?;
            code |= usize::from(byte >> (at % 8) & 1) << bit;
        }
        self.at += width as usize;
        Some(code)
    }
}

/// Cuts compressed pixels behind the last one that the frame has room for; `None` when there are more or fewer.
pub(super) fn cut(data: &[u8], size: u8, pixels: u64) -> Option<Pixels> {
    if !(1..=8).contains(&size) {
        return None;
    }
    let clear = 1_usize << size;
    let mut reader = Reader { data, at: 0 };
    // How many pixels each code stands for.
    let mut lengths = vec![1_u64; CODES];
    let (mut width, mut next) = (u32::from(size) + 1, clear + 2);
    let mut before: Option<usize> = None;
    let mut used = [false; 256];
    let mut seen = 0;
    while seen < pixels {
        let code = reader.code(width)?;
        if code == clear {
            (width, next, before) = (u32::from(size) + 1, clear + 2, None);
            continue;
        }
        if code == clear + 1 || code > next || (code == next && next == CODES) {
            return None;
        }
        match before {
            // Every colour comes by itself before a longer code has it.
            None if code > clear => return None,
            Some(before) if next < CODES => {
                *lengths.get_mut(next)? = lengths.get(before)? + 1;
                next += 1;
                if next == 1 << width && width < LONGEST {
                    width += 1;
                }
            }
            _ => {}
        }
        if let Some(used) = used.get_mut(code).filter(|_| code < clear) {
            *used = true;
        }
        seen += lengths.get(code)?;
        before = Some(code);
    }
    (seen == pixels).then(|| Pixels { data: ended(data, reader.at, clear + 1, width), used })
}

/// The first bits of some data with the code that ends them.
fn ended(data: &[u8], bits: usize, end: usize, width: u32) -> Vec<u8> {
    let mut out: Vec<u8> = data.get(..bits.div_ceil(8)).unwrap_or_default().to_vec();
    if let Some(last) = out.last_mut().filter(|_| !bits.is_multiple_of(8)) {
        *last &= (1 << (bits % 8)) - 1;
    }
    for bit in 0..width as usize {
        let at = bits + bit;
        if at / 8 == out.len() {
            out.push(0);
        }
        if let Some(byte) = out.get_mut(at / 8) {
            *byte |= u8::from(end >> bit & 1 == 1) << (at % 8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    /// Codes of these widths, packed.
    fn packed(codes: &[(usize, u32)]) -> Vec<u8> {
        let mut bits = Vec::new();
        for &(code, width) in codes {
            bits.extend((0..width).map(|bit| code >> bit & 1 == 1));
        }
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, &bit| sum << 1 | u8::from(bit))).collect()
    }

    #[test]
    fn pixels_are_cut_where_they_end() {
        // Four colours: clear, 1, 1, the two of them, 3, end.
        let plain = packed(&[(4, 3), (1, 3), (1, 3), (6, 3), (3, 4), (5, 4)]);
        let cut = |data: &[u8], pixels| super::cut(data, 2, pixels);
        let pixels = cut(&plain, 5).unwrap();
        assert_eq!(pixels.data, plain);
        assert_eq!((0..4).filter(|&n| pixels.used[n]).collect::<Vec<_>>(), [1, 3]);
        assert!(cut(&[&plain[..], b"CANARY"].concat(), 5) == Some(pixels));
        for wrong in [3, 6, 100] {
            assert_eq!(cut(&plain, wrong), None, "{wrong}");
        }
        assert!(cut(&packed(&[(4, 3), (7, 3)]), 5).is_none(), "a code that means nothing yet");
        assert!(cut(&[], 5).is_none() && super::cut(&plain, 9, 5).is_none());
    }
}
