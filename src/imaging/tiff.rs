//! Reading the numbers and texts of an EXIF block, which is a TIFF file (CIPA DC-008 §4.6). Nothing is followed
//! twice and nothing is believed.

/// Most entries of a directory that are looked at.
const MOST: usize = 512;
/// Longest text that is read.
const LONGEST: usize = 256;

/// A block with its byte order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    big: bool,
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    tiff: Tiff<'a>,
    pub(crate) tag: u16,
    kind: u16,
    count: usize,
    /// Where its value, or the place of its value, is.
    at: usize,
}

impl<'a> Tiff<'a> {
    /// The block of an EXIF segment, with or without its prefix.
    pub(crate) fn of_exif(exif: &'a [u8]) -> Option<Self> {
        let bytes = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
        match bytes.get(..4)? {
            b"II*\0" => Some(Self { bytes, big: false }),
            b"MM\0*" => Some(Self { bytes, big: true }),
            _ => None,
        }
    }

    /// Where the first directory is.
    pub(crate) fn first(self) -> Option<usize> {
        usize::try_from(self.u32(4)?).ok()
    }

    /// The entries of a directory, as far as they are there.
    pub(crate) fn directory(self, at: usize) -> impl Iterator<Item = Entry<'a>> {
        let count = self.u16(at).map_or(0, usize::from).min(MOST);
        (0..count).map_while(move |nth| self.entry(at.checked_add(2 + nth * 12)?))
    }

    fn entry(self, at: usize) -> Option<Entry<'a>> {
        let count = usize::try_from(self.u32(at + 4)?).ok()?;
        self.u32(at + 8)?;
        Some(Entry { tiff: self, tag: self.u16(at)?, kind: self.u16(at + 2)?, count, at: at + 8 })
    }

    fn u16(self, at: usize) -> Option<u16> {
        let raw = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    fn u32(self, at: usize) -> Option<u32> {
        let raw = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }
}

impl<'a> Entry<'a> {
    /// Where its values are: in the entry if they fit, else elsewhere.
    fn values(self, size: usize) -> Option<usize> {
        if self.count.checked_mul(size)? <= 4 {
            Some(self.at)
        } else {
            usize::try_from(self.tiff.u32(self.at)?).ok()
        }
    }

    /// A single whole number.
    pub(crate) fn number(self) -> Option<u32> {
        match self.kind {
            1 => self.tiff.bytes.get(self.at).map(|&byte| u32::from(byte)),
            3 => self.tiff.u16(self.values(2)?).map(u32::from),
            4 => self.tiff.u32(self.values(4)?),
            _ => None,
        }
    }

    /// The nth of its fractions; `None` when it has no value.
    pub(crate) fn fraction(self, nth: usize) -> Option<f64> {
        if self.kind != 5 || nth >= self.count {
            return None;
        }
        let at = self.values(8)?.checked_add(nth.checked_mul(8)?)?;
        let (over, under) = (self.tiff.u32(at)?, self.tiff.u32(at + 4)?);
        (under != 0).then(|| f64::from(over) / f64::from(under))
    }

    /// A text without control characters and blanks around it; `None` when nothing is left.
    pub(crate) fn text(self) -> Option<String> {
        if self.kind != 2 {
            return None;
        }
        let at = self.values(1)?;
        let bytes = self.tiff.bytes.get(at..)?;
        let bytes = bytes.get(..self.count.min(LONGEST)).unwrap_or(bytes);
        let bytes = bytes.split(|&byte| byte == 0).next()?;
        let text: String = String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Its first byte.
    pub(crate) fn byte(self) -> Option<u8> {
        self.tiff.bytes.get(self.values(1)?).copied()
    }

    /// Another directory that it leads to.
    pub(crate) fn directory(self) -> impl Iterator<Item = Entry<'a>> {
        let at = self.number().and_then(|at| usize::try_from(at).ok());
        at.into_iter().flat_map(move |at| self.tiff.directory(at))
    }
}
