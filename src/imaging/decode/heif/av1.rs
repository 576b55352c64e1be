use re_rav1d::dav1d::pixel::YUVRange;
use re_rav1d::dav1d::{Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings};

use super::planes::{Chroma, Plane, Planes};
use super::unsupported;
use crate::imaging::Refusal;
use crate::imaging::limits::area;
use crate::imaging::sniff::{CodePoints, Cursor, Piece, Stop};

/// Frames that a picture may be coded in: it has up to four layers.
const MAX_FRAMES: usize = 4;

/// A picture as the decoder has left it.
pub(super) struct Av1 {
    planes: [re_rav1d::dav1d::Plane; 3],
    strides: [usize; 3],
    /// Bits of a sample.
    depth: u8,
    chroma: Chroma,
    full_range: bool,
}

/// Decodes one coded picture of this size.
pub(super) fn decode(piece: &Piece<'_>, size: (u32, u32)) -> Result<Av1, Refusal> {
    let bytes = piece.bytes();
    // Frames cost time, however short they are, and only the last layer is seen.
    if frames(&bytes).map_err(|_| Refusal::Corrupt)? > MAX_FRAMES {
        return Err(unsupported("an AVIF image of many frames"));
    }
    let picture = first_picture(bytes, size).map_err(refusal)?;
    let shown = (picture.width(), picture.height());
    if shown == size { Av1::new(&picture) } else { Err(Refusal::Corrupt) }
}

fn first_picture(bytes: Vec<u8>, size: (u32, u32)) -> Result<Picture, Error> {
    let mut settings = Settings::new();
    // The picture is on a thread of its own already.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(area(size.0, size.1)).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings)?;
    let mut sent = decoder.send_data(bytes, None, None, None);
    for _ in 0..=MAX_FRAMES {
        match decoder.get_picture() {
            Err(Error::Again) if sent == Err(Error::Again) => sent = decoder.send_pending_data(),
            answer => return answer,
        }
    }
    Err(Error::Again)
}

/// Counts the frames of a coded picture.
fn frames(bytes: &[u8]) -> Result<usize, Stop> {
    let mut cursor = Cursor::new(bytes);
    let mut frames = 0;
    while !cursor.rest().is_empty() {
        let head = cursor.u8()?;
        if head & 0x04 != 0 {
            cursor.u8()?;
        }
        let length = if head & 0x02 == 0 { cursor.rest().len() } else { leb128(&mut cursor)? };
        cursor.take(length)?;
        // A frame, or the header of one.
        frames += usize::from(matches!(head >> 3 & 15, 3 | 6));
    }
    Ok(frames)
}

/// A number of seven bits a byte, the lowest first.
fn leb128(cursor: &mut Cursor<'_>) -> Result<usize, Stop> {
    let mut number = 0;
    for nth in 0..4 {
        let byte = cursor.u8()?;
        number |= usize::from(byte & 0x7f) << (7 * nth);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Refusal::Corrupt.into())
}

impl Av1 {
    fn new(picture: &Picture) -> Result<Self, Refusal> {
        let bits = picture.bits_per_component().ok_or(Refusal::Corrupt)?.0;
        let chroma = match picture.pixel_layout() {
            PixelLayout::I400 => Chroma::None,
            PixelLayout::I420 => Chroma::Quarter,
            PixelLayout::I422 => Chroma::Half,
            PixelLayout::I444 => Chroma::Full,
        };
        // A grey picture has one plane; the others are never asked for.
        let components = match chroma {
            Chroma::None => [PlanarImageComponent::Y; 3],
            _ => [PlanarImageComponent::Y, PlanarImageComponent::U, PlanarImageComponent::V],
        };
        Ok(Self {
            planes: components.map(|component| picture.plane(component)),
            strides: components.map(|component| picture.stride(component) as usize),
            depth: u8::try_from(bits).map_err(|_| Refusal::Corrupt)?,
            chroma,
            full_range: picture.color_range() == YUVRange::Full,
        })
    }
}

impl Planes for Av1 {
    fn depth(&self) -> u8 {
        self.depth
    }

    fn chroma(&self) -> Chroma {
        self.chroma
    }

    /// The decoder panics over numbers that are not taken, so that only the range is asked for.
    fn code_points(&self) -> CodePoints {
        CodePoints { full_range: self.full_range, ..CodePoints::UNSPECIFIED }
    }

    fn row(&self, plane: Plane, y: u32, into: &mut [u16]) -> Option<()> {
        let nth = plane as usize;
        let start = self.strides.get(nth)?.checked_mul(y as usize)?;
        let row = self.planes.get(nth)?.get(start..)?;
        if self.depth == 8 {
            let row = row.get(..into.len())?;
            into.iter_mut().zip(row).for_each(|(sample, &byte)| *sample = u16::from(byte));
        } else {
            let (row, _) = row.get(..into.len() * 2)?.as_chunks::<2>();
            into.iter_mut().zip(row).for_each(|(sample, &bytes)| *sample = u16::from_ne_bytes(bytes));
        }
        Some(())
    }
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::NotEnoughMemory => Refusal::Busy,
        Error::UnsupportedBitstream => unsupported("an AVIF image of this coding"),
        _ => Refusal::Corrupt,
    }
}
