use super::raster::Raster;

/// How stored pixels are to be turned, as EXIF numbers it from 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Default for Orientation {
    fn default() -> Self {
        Self(1)
    }
}

impl Orientation {
    /// Reads the tag out of an EXIF block, which is a TIFF file with or without the `Exif` prefix.
    pub(crate) fn from_exif(exif: &[u8]) -> Option<Self> {
        let tiff = Tiff::new(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))?;
        let directory = usize::try_from(tiff.u32(4)?).ok()?;
        let entries = usize::from(tiff.u16(directory)?);
        let mut places = (0..entries).filter_map(|n| directory.checked_add(2 + n * 12));
        let entry = places.find(|&at| tiff.u16(at) == Some(0x0112))?;
        let value = match tiff.u16(entry + 2)? {
            3 => u32::from(tiff.u16(entry + 8)?),
            4 => tiff.u32(entry + 8)?,
            _ => return None,
        };
        u8::try_from(value).ok().filter(|value| (1..=8).contains(value)).map(Self)
    }

    /// Whether width and height change places.
    pub(crate) fn swaps(self) -> bool {
        self.0 >= 5
    }

    /// The picture as it is to be seen. Takes RGB.
    pub(crate) fn applied(self, raster: Raster) -> Raster {
        let raster = if self.swaps() { transposed(&raster) } else { raster };
        match self.0 {
            2 | 6 => mirrored(raster),
            4 | 8 => upside_down(&raster),
            3 | 7 => turned_half(raster),
            _ => raster,
        }
    }
}

/// A reader of numbers in either byte order.
struct Tiff<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        match bytes.get(..4)? {
            b"II*\0" => Some(Self { bytes, big: false }),
            b"MM\0*" => Some(Self { bytes, big: true }),
            _ => None,
        }
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let raw = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let raw = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }
}

fn transposed(raster: &Raster) -> Raster {
    let (pixels, _) = raster.data.as_chunks::<3>();
    let stride = raster.width as usize;
    let mut data = Vec::with_capacity(raster.data.len());
    for column in 0..stride {
        data.extend(pixels.iter().skip(column).step_by(stride).flatten());
    }
    Raster { width: raster.height, height: raster.width, kind: raster.kind, data }
}

fn mirrored(mut raster: Raster) -> Raster {
    let (pixels, _) = raster.data.as_chunks_mut::<3>();
    for row in pixels.chunks_exact_mut(raster.width as usize) {
        row.reverse();
    }
    raster
}

fn turned_half(mut raster: Raster) -> Raster {
    raster.data.as_chunks_mut::<3>().0.reverse();
    raster
}

fn upside_down(raster: &Raster) -> Raster {
    let rows = raster.data.chunks_exact(raster.width as usize * 3);
    Raster { data: rows.rev().flatten().copied().collect(), ..*raster }
}

#[cfg(test)]
mod tests {
    use super::super::raster::Kind;
    use super::super::sample;
    use super::*;

    #[test]
    fn all_eight_are_applied() {
        // Rows: A B C / D E F.
        for (value, width, seen) in [
            (1, 3, "ABCDEF"),
            (2, 3, "CBAFED"),
            (3, 3, "FEDCBA"),
            (4, 3, "DEFABC"),
            (5, 2, "ADBECF"),
            (6, 2, "DAEBFC"),
            (7, 2, "FCEBDA"),
            (8, 2, "CFBEAD"),
        ] {
            let data = b"ABCDEF".iter().flat_map(|&letter| [letter; 3]).collect();
            let raster = Raster { width: 3, height: 2, kind: Kind::Rgb, data };
            let turned = Orientation(value).applied(raster);
            let letters: Vec<u8> = turned.data.chunks(3).map(|pixel| pixel[0]).collect();
            assert_eq!(
                (turned.width, String::from_utf8(letters).unwrap().as_str()),
                (width, seen),
                "{value}"
            );
        }
    }

    #[test]
    fn the_tag_is_read_in_both_byte_orders() {
        for value in 1..=8 {
            assert_eq!(Orientation::from_exif(&sample::exif(value, true)), Some(Orientation(value)));
            assert_eq!(Orientation::from_exif(&sample::exif(value, false)), Some(Orientation(value)));
        }
        assert_eq!(Orientation::from_exif(&sample::exif(9, true)), None);
    }

    #[test]
    fn broken_blocks_say_nothing() {
        let whole = sample::exif(6, true);
        // The entry's value ends at byte 20; the rest of the block may be missing.
        for end in 0..20 {
            assert_eq!(Orientation::from_exif(&whole[..end]), None);
        }
        assert_eq!(Orientation::from_exif(b"II*\0\xff\xff\xff\xff"), None);
    }
}
