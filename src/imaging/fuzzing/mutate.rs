//! Fixed mutations of files: the same seed, the same bytes.

/// Marsaglia's xorshift generator.
pub(super) struct Xorshift(u64);

impl Xorshift {
    /// A generator that starts where `seed` says.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// A place where one mostly hits headers: half of all are in the first 64 bytes.
    fn place(&mut self, length: usize) -> usize {
        if self.below(2) == 0 { self.below(length.min(64)) } else { self.below(length) }
    }
}

/// Lengths and counts at which arithmetic breaks.
const EDGES: [u32; 14] =
    [0, 1, 2, 3, 4, 7, 8, 127, 255, 0x7fff, 0xffff, 0x00ff_ffff, i32::MAX.cast_unsigned(), u32::MAX];

/// One to four mutations of a file; `other` is what it is spliced with.
pub(super) fn mutated(file: &[u8], other: &[u8], random: &mut Xorshift) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        once(&mut bytes, other, random);
    }
    if random.below(2) == 0 {
        checksums(&mut bytes);
    }
    bytes
}

fn once(bytes: &mut Vec<u8>, other: &[u8], random: &mut Xorshift) {
    let at = random.place(bytes.len());
    let span = at..(at + 1 + random.below(40)).min(bytes.len());
    match random.below(10) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(span)),
        2 => {
            let copy = bytes[span].to_vec();
            bytes.splice(at..at, copy);
        }
        3 if !other.is_empty() => {
            let from = random.place(other.len());
            let piece = &other[from..(from + random.below(200)).min(other.len())];
            bytes.splice(span, piece.iter().copied());
        }
        4..=6 => {
            let value = EDGES[random.below(EDGES.len())];
            let (big, little) = (value.to_be_bytes(), value.to_le_bytes());
            let field: &[u8] = match random.below(4) {
                0 => &little[..1],
                1 => &little,
                2 => &big[2..],
                _ => &big,
            };
            bytes.iter_mut().skip(at).zip(field).for_each(|(to, from)| *to = *from);
        }
        _ => {
            for _ in 0..=random.below(8) {
                let at = random.place(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
    }
}

/// Makes the checksums of a PNG right again, or its decoder would look at little else.
fn checksums(bytes: &mut [u8]) {
    if !bytes.starts_with(b"\x89PNG") {
        return;
    }
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(body) = bytes.get(at + 4..).and_then(|rest| rest.get(..length + 4)) else { return };
        let sum = crc(body).to_be_bytes();
        at += 8 + length;
        let Some(place) = bytes.get_mut(at..at + 4) else { return };
        place.copy_from_slice(&sum);
        at += 4;
    }
}

/// The checksum of a PNG chunk: kind and body.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), |sum, _| step(sum)))
}
