use super::raster::Raster;
use super::tiff::Tiff;

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
        let tiff = Tiff::of_exif(exif)?;
        let value = tiff.directory(tiff.first()?).find(|entry| entry.tag == 0x0112)?.number()?;
        u8::try_from(value).ok().filter(|value| (1..=8).contains(value)).map(Self)
    }

    /// An EXIF block that says this and nothing else; `None` for pictures that stand upright.
    pub(crate) fn as_exif(self) -> Option<Vec<u8>> {
        let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, self.0, 0, 0];
        let block = [b"MM\0*\0\0\0\x08\0\x01", &entry[..], &[0; 4]].concat();
        (self != Self::default()).then_some(block)
    }

    /// Turned anticlockwise by a quarter after all this.
    #[cfg(feature = "heif")]
    pub(crate) fn then_turned_left(self) -> Self {
        Self(match self.0 {
            1 => 8,
            8 => 3,
            3 => 6,
            2 => 5,
            5 => 4,
            4 => 7,
            7 => 2,
            _ => 1,
        })
    }

    /// Mirrored, left for right, after all this.
    #[cfg(feature = "heif")]
    pub(crate) fn then_mirrored(self) -> Self {
        // The values are numbered so that each odd one is followed by its mirror image.
        Self(if self.0 % 2 == 1 { self.0 + 1 } else { self.0 - 1 })
    }

    /// Whether width and height change places.
    pub(crate) fn swaps(self) -> bool {
        self.0 >= 5
    }

    /// The picture as it is to be seen. Takes RGB, with opacity or without.
    pub(crate) fn applied(self, raster: Raster) -> Raster {
        match raster.kind.channels() {
            4 => self.turned::<4>(raster),
            _ => self.turned::<3>(raster),
        }
    }

    fn turned<const N: usize>(self, raster: Raster) -> Raster {
        let mut raster = if self.swaps() { transposed::<N>(&raster) } else { raster };
        let (pixels, _) = raster.data.as_chunks_mut::<N>();
        let stride = raster.width as usize;
        match self.0 {
            2 | 6 => pixels.chunks_exact_mut(stride).for_each(<[_]>::reverse),
            3 | 7 => pixels.reverse(),
            4 | 8 => upside_down(pixels, stride),
            _ => {}
        }
        raster
    }
}

/// Pixels on a side of the squares that are transposed one after the other: they fit the fastest cache.
const SQUARE: usize = 16;

fn transposed<const N: usize>(raster: &Raster) -> Raster {
    let (source, _) = raster.data.as_chunks::<N>();
    let (width, height) = (raster.width as usize, raster.height as usize);
    let mut data = vec![0; raster.data.len()];
    let (target, _) = data.as_chunks_mut::<N>();
    for (band, rows) in source.chunks(width * SQUARE).enumerate() {
        for left in (0..width).step_by(SQUARE) {
            for (down, row) in rows.chunks_exact(width).enumerate() {
                let at = band * SQUARE + down;
                let places = target.iter_mut().skip(left * height + at).step_by(height);
                let pixels = row.iter().skip(left).take(SQUARE);
                places.zip(pixels).for_each(|(place, pixel)| *place = *pixel);
            }
        }
    }
    Raster { width: raster.height, height: raster.width, kind: raster.kind, data }
}

fn upside_down<const N: usize>(pixels: &mut [[u8; N]], stride: usize) {
    let (upper, lower) = pixels.split_at_mut(pixels.len() / stride.max(1) / 2 * stride);
    let rows = upper.chunks_exact_mut(stride).zip(lower.chunks_exact_mut(stride).rev());
    rows.for_each(|(above, below)| above.swap_with_slice(below));
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

    #[cfg(feature = "heif")]
    #[test]
    fn turns_and_mirrors_follow_one_another() {
        let data = b"ABCDEF".iter().flat_map(|&letter| [letter; 3]).collect();
        let raster = Raster { width: 3, height: 2, kind: Kind::Rgb, data };
        for value in 1..=8 {
            let (first, left) = (Orientation(value), Orientation(8));
            let turned = left.applied(first.applied(raster.clone()));
            assert_eq!(first.then_turned_left().applied(raster.clone()).data, turned.data, "{value}");
            let mirrored = Orientation(2).applied(first.applied(raster.clone()));
            assert_eq!(first.then_mirrored().applied(raster.clone()).data, mirrored.data, "{value}");
        }
    }

    #[test]
    fn large_pictures_are_transposed_pixel_by_pixel() {
        let (width, height) = (37_u32, 53_u32);
        let data = (0..width * height).flat_map(u32::to_le_bytes).collect();
        let raster = Raster { width, height, kind: Kind::Rgba, data };
        let turned = Orientation(5).applied(raster.clone());
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            let at = |raster: &Raster, x: u32, y: u32| {
                raster.data[((y * raster.width + x) * 4) as usize..][..4].to_vec()
            };
            assert_eq!(at(&turned, y, x), at(&raster, x, y));
        }
    }

    #[test]
    fn the_tag_is_read_in_both_byte_orders() {
        for value in 1..=8 {
            assert_eq!(Orientation::from_exif(&sample::exif(value, true)), Some(Orientation(value)));
            assert_eq!(Orientation::from_exif(&sample::exif(value, false)), Some(Orientation(value)));
        }
        assert_eq!(Orientation::from_exif(&sample::exif(9, true)), None);
        let written =
            (1..=8).map(|value| Orientation(value).as_exif().and_then(|b| Orientation::from_exif(&b)));
        assert_eq!(
            written.collect::<Vec<_>>(),
            (1..=8).map(|v| (v != 1).then_some(Orientation(v))).collect::<Vec<_>>()
        );
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
