use super::meta::Item;
use super::{Cursor, Refusal, Stop, unsupported};
use crate::imaging::orientation::Orientation;

/// What its properties say about an item.
#[derive(Debug, Default)]
pub(super) struct Traits<'a> {
    /// Width and height before anything is cut off or turned.
    pub(super) size: (u32, u32),
    pub(super) crop: Option<Crop>,
    pub(super) orientation: Orientation,
    /// The body of `av1C` or `hvcC`.
    pub(super) config: &'a [u8],
    pub(super) profile: Option<&'a [u8]>,
    pub(super) code_points: Option<CodePoints>,
    /// That the item is the opacity of another.
    pub(super) opacity: bool,
}

/// What is to be seen of a picture, in whole pixels of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crop {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Colours by the numbers of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodePoints {
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    pub(crate) full_range: bool,
}

impl CodePoints {
    /// What nothing is said about.
    pub(crate) const UNSPECIFIED: Self = Self { primaries: 2, transfer: 2, matrix: 2, full_range: false };
}

impl<'a> Traits<'a> {
    pub(super) fn of(item: &Item<'a>) -> Result<Self, Refusal> {
        let mut traits = Self::default();
        for property in &item.properties {
            let read = match &property.kind {
                // The first counts, as it does for other readers.
                b"ispe" if traits.size == (0, 0) => traits.read_size(property.body),
                b"av1C" | b"hvcC" if traits.config.is_empty() => {
                    traits.config = property.body;
                    Ok(())
                }
                b"colr" => traits.read_colour(property.body),
                b"clap" => traits.read_crop(property.body),
                b"irot" => traits.read_turn(property.body),
                b"imir" => traits.read_mirror(property.body),
                b"auxC" => {
                    traits.opacity |= names_opacity(property.body);
                    Ok(())
                }
                b"ispe" | b"av1C" | b"hvcC" | b"pixi" | b"pasp" | b"a1lx" => Ok(()),
                _ if property.essential => return Err(unsupported("a HEIF image with unusual properties")),
                _ => Ok(()),
            };
            read.map_err(super::broken)?;
        }
        Ok(traits)
    }

    /// Width and height of what is not cut off.
    pub(super) fn shown(&self) -> (u32, u32) {
        self.crop.map_or(self.size, |crop| (crop.width, crop.height))
    }

    fn read_size(&mut self, body: &[u8]) -> Result<(), Stop> {
        let mut body = Cursor::new(body);
        body.take(4)?;
        self.size = (body.u32_be()?, body.u32_be()?);
        Ok(())
    }

    fn read_colour(&mut self, body: &'a [u8]) -> Result<(), Stop> {
        let mut body = Cursor::new(body);
        match &body.array()? {
            b"prof" | b"rICC" => self.profile = Some(body.rest()),
            b"nclx" => {
                self.code_points = Some(CodePoints {
                    primaries: body.u16_be()?,
                    transfer: body.u16_be()?,
                    matrix: body.u16_be()?,
                    full_range: body.u8()? & 0x80 != 0,
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn read_crop(&mut self, body: &[u8]) -> Result<(), Stop> {
        if self.crop.is_some() || self.orientation != Orientation::default() {
            return Err(unsupported("a HEIF image that is turned before it is cut").into());
        }
        let mut body = Cursor::new(body);
        let mut ratio = || Ok::<_, Stop>((body.u32_be()?, body.u32_be()?));
        let (width, height, right, down) = (ratio()?, ratio()?, ratio()?, ratio()?);
        let (left, width) = span(self.size.0, width, right).ok_or(Refusal::Corrupt)?;
        let (top, height) = span(self.size.1, height, down).ok_or(Refusal::Corrupt)?;
        self.crop = Some(Crop { left, top, width, height });
        Ok(())
    }

    fn read_turn(&mut self, body: &[u8]) -> Result<(), Stop> {
        for _ in 0..Cursor::new(body).u8()? & 3 {
            self.orientation = self.orientation.then_turned_left();
        }
        Ok(())
    }

    fn read_mirror(&mut self, body: &[u8]) -> Result<(), Stop> {
        let mirrored = self.orientation.then_mirrored();
        let left_for_right = Cursor::new(body).u8()? & 1 == 1;
        // Top for bottom is left for right, upside down.
        self.orientation =
            if left_for_right { mirrored } else { mirrored.then_turned_left().then_turned_left() };
        Ok(())
    }
}

/// Start and length of what a clean aperture leaves of a side; `None` if these are no whole pixels of it.
fn span(side: u32, length: (u32, u32), offset: (u32, u32)) -> Option<(u32, u32)> {
    let whole = |(n, d): (i128, i128)| (d > 0 && n % d == 0).then(|| n / d);
    let length = whole((length.0.into(), length.1.into()))?;
    // The offset, which may be negative, is that of the centre from the centre.
    let (n, d) = (i128::from(offset.0.cast_signed()), i128::from(offset.1));
    let start = whole(((i128::from(side) - length) * d + 2 * n, 2 * d))?;
    let (start, length) = (u32::try_from(start).ok()?, u32::try_from(length).ok()?);
    (length > 0 && start.checked_add(length)? <= side).then_some((start, length))
}

fn names_opacity(body: &[u8]) -> bool {
    let name = body.get(4..).unwrap_or_default().split(|&byte| byte == 0).next().unwrap_or_default();
    matches!(name, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" | b"urn:mpeg:hevc:2015:auxid:1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_aperture_is_a_span_of_whole_pixels() {
        let minus = |number: i32| number.cast_unsigned();
        for (side, length, offset, seen) in [
            (10, (10, 1), (0, 1), Some((0, 10))),
            (10, (4, 1), (0, 1), Some((3, 4))),
            (10, (4, 1), (minus(-3), 1), Some((0, 4))),
            (10, (4, 1), (3, 1), Some((6, 4))),
            (9, (4, 1), (1, 2), Some((3, 4))),
            (10, (8, 2), (minus(-6), 2), Some((0, 4))),
            (10, (4, 1), (4, 1), None),
            (10, (4, 1), (minus(-4), 1), None),
            (10, (0, 1), (0, 1), None),
            (10, (11, 1), (0, 1), None),
            (9, (4, 1), (0, 1), None),
            (10, (7, 2), (0, 1), None),
            (10, (4, 0), (0, 1), None),
            (10, (4, 1), (0, 0), None),
        ] {
            assert_eq!(span(side, length, offset), seen, "{length:?} at {offset:?} of {side}");
        }
    }
}
