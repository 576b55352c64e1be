use super::{Cursor, Extent, Header, Stop};
use crate::imaging::Refusal;
use crate::imaging::limits::Limits;
use crate::imaging::orientation::Orientation;

const ANIMATION: u8 = 0x02;
const ALPHA: u8 = 0x10;

// Bytes a pixel that the decoder takes, measured.
const LOSSY: u64 = 5;
const LOSSLESS: u64 = 7;
const LOSSY_ALPHA: u64 = 11;

pub(super) fn walk(
    cursor: &mut Cursor<'_>,
    extent: Extent,
    limits: &Limits,
    header: &mut Header,
) -> Result<(), Stop> {
    let _magic: [u8; 4] = cursor.array()?;
    let length = usize::try_from(cursor.u32_le()?).map_err(|_| Refusal::Corrupt)?;
    if extent == Extent::Whole {
        header.end = length.checked_add(8).ok_or(Refusal::Corrupt)?;
        // Within the container only; what follows it is not part of the image.
        *cursor = Cursor::new(Cursor::new(cursor.rest()).take(length)?);
    }
    cursor.take(4)?;
    let mut pictures = 0;
    while !cursor.rest().is_empty() {
        let (kind, length) = chunk_head(cursor)?;
        if extent == Extent::Head && matches!(&kind, b"VP8 " | b"VP8L" | b"ANMF") {
            // Of a picture chunk the first bytes are enough, and there may be no more.
            return if &kind == b"ANMF" { Ok(()) } else { still(kind, cursor.rest(), limits, header) };
        }
        let body = chunk_body(cursor, length)?;
        match &kind {
            b"VP8X" if header.width == 0 => extended(body, limits, header)?,
            b"VP8 " | b"VP8L" if pictures == 0 => {
                still(kind, body, limits, header)?;
                pictures += 1;
            }
            b"ANMF" => {
                frame(body, limits, header)?;
                pictures += 1;
            }
            b"ALPH" => header.pixel_cost = LOSSY_ALPHA,
            b"EXIF" => header.orientation = Orientation::from_exif(body).unwrap_or_default(),
            _ => {}
        }
        if header.width == 0 {
            return Err(Refusal::Corrupt.into());
        }
    }
    if pictures == 0 { Err(Stop::Cut) } else { Ok(()) }
}

/// The canvas of an extended file.
fn extended(body: &[u8], limits: &Limits, header: &mut Header) -> Result<(), Stop> {
    let mut body = Cursor::new(body);
    let [flags, _, _, _] = body.array().map_err(|_| Refusal::Corrupt)?;
    let width = body.u24_le().map_err(|_| Refusal::Corrupt)? + 1;
    let height = body.u24_le().map_err(|_| Refusal::Corrupt)? + 1;
    limits.check_size(width, height)?;
    // Frames may have alpha whatever the flags say.
    header.pixel_cost = if flags & (ALPHA | ANIMATION) == 0 { LOSSLESS } else { LOSSY_ALPHA };
    (header.width, header.height) = (width, height);
    Ok(())
}

/// A picture that fills the canvas, or the whole file.
fn still(kind: [u8; 4], body: &[u8], limits: &Limits, header: &mut Header) -> Result<(), Stop> {
    let PictureSize { width, height } = PictureSize::read(kind, body)?;
    limits.check_size(width, height)?;
    if header.width == 0 {
        (header.width, header.height, header.pixel_cost) =
            (width, height, if &kind == b"VP8L" { LOSSLESS } else { LOSSY });
    }
    let fills = (width, height) == (header.width, header.height);
    if fills { Ok(()) } else { Err(Refusal::Corrupt.into()) }
}

/// One frame of an animation: it has to lie within the canvas and its picture has to be of its size.
fn frame(body: &[u8], limits: &Limits, header: &mut Header) -> Result<(), Stop> {
    let frame = Frame::read(body).ok_or(Refusal::Corrupt)?;
    let right = frame.x + frame.size.width;
    let bottom = frame.y + frame.size.height;
    if right > header.width || bottom > header.height {
        return Err(Refusal::Corrupt.into());
    }
    header.frames += 1;
    limits.check_frames(header.frames, header.width, header.height)?;
    let pictures = Chunks::of_slice(frame.chunks).filter(|(kind, _)| matches!(kind, b"VP8 " | b"VP8L"));
    for (kind, body) in pictures {
        if PictureSize::read(kind, body)? != frame.size {
            return Err(Refusal::Corrupt.into());
        }
    }
    Ok(())
}

/// A frame of an animation, as its chunk describes it.
pub(crate) struct Frame<'a> {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) size: PictureSize,
    pub(crate) chunks: &'a [u8],
}

impl<'a> Frame<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut body = Cursor::new(body);
        let (x, y) = (body.u24_le().ok()? * 2, body.u24_le().ok()? * 2);
        let (width, height) = (body.u24_le().ok()? + 1, body.u24_le().ok()? + 1);
        body.take(4).ok()?;
        Some(Self { x, y, size: PictureSize { width, height }, chunks: body.rest() })
    }
}

/// The size that a `VP8 ` or `VP8L` bit stream states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PictureSize {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl PictureSize {
    pub(crate) fn read(kind: [u8; 4], body: &[u8]) -> Result<Self, Stop> {
        let mut body = Cursor::new(body);
        if &kind == b"VP8L" {
            let (signature, packed) = (body.u8()?, body.u32_le()?);
            let size = Self { width: (packed & 0x3fff) + 1, height: ((packed >> 14) & 0x3fff) + 1 };
            return if signature == 0x2f { Ok(size) } else { Err(Refusal::Corrupt.into()) };
        }
        let [tag, _, _, magic @ ..]: [u8; 6] = body.array()?;
        // The first bit says that the frame stands for itself.
        if tag & 1 != 0 || magic != [0x9d, 0x01, 0x2a] {
            return Err(Refusal::Corrupt.into());
        }
        let (width, height) = (u32::from(body.u16_le()? & 0x3fff), u32::from(body.u16_le()? & 0x3fff));
        Ok(Self { width, height })
    }
}

/// The chunks of a container, one after the other, as far as they are whole.
#[derive(Debug, Clone)]
pub(crate) struct Chunks<'a>(Cursor<'a>);

impl<'a> Chunks<'a> {
    /// The chunks of a file.
    pub(crate) fn of_file(bytes: &'a [u8]) -> Self {
        Self::of_slice(bytes.get(12..).unwrap_or_default())
    }

    /// The chunks that a slice consists of.
    pub(crate) fn of_slice(bytes: &'a [u8]) -> Self {
        Self(Cursor::new(bytes))
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, length) = chunk_head(&mut self.0).ok()?;
        Some((kind, chunk_body(&mut self.0, length).ok()?))
    }
}

fn chunk_head(cursor: &mut Cursor<'_>) -> Result<([u8; 4], usize), Stop> {
    let kind = cursor.array()?;
    let length = usize::try_from(cursor.u32_le()?).map_err(|_| Refusal::Corrupt)?;
    Ok((kind, length))
}

fn chunk_body<'a>(cursor: &mut Cursor<'a>, length: usize) -> Result<&'a [u8], Stop> {
    let body = cursor.take(length)?;
    // The padding of the last chunk is often forgotten.
    let padding = if length % 2 == 1 { cursor.rest().len().min(1) } else { 0 };
    cursor.take(padding)?;
    Ok(body)
}
