//! Reads headers and applies the limits to them. Nothing here allocates by what a file claims.

mod brand;
mod cursor;
mod gif;
#[cfg(feature = "heif")]
mod heif;
mod jpeg;
mod png;
mod webp;

pub(crate) use cursor::{Cursor, Stop};
#[cfg(feature = "heif")]
pub(crate) use heif::{CodePoints, Coding, Crop, Piece, Still, Tiles};
pub(crate) use jpeg::Sampling;
pub(crate) use jpeg::{
    LIBRARY_SCALES, next_marker as jpeg_marker, next_segment as jpeg_segment, profile as jpeg_profile,
};
pub(crate) use webp::{Chunks, Frame};

use super::limits::{Limits, area};
use super::orientation::Orientation;
use super::{Format, Refusal};

/// How much of a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Up to the first pixel data; the file may end anywhere.
    Head,
    /// To the end of the image, which has to be there.
    Whole,
}

/// What the headers of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) format: Format,
    /// Stored width, zero when it was not seen.
    pub(crate) width: u32,
    /// Stored height, zero when it was not seen.
    pub(crate) height: u32,
    pub(crate) orientation: Orientation,
    /// Frames counted so far; zero is a still picture.
    pub(crate) frames: u32,
    /// JPEG scans counted so far.
    pub(crate) scans: u32,
    /// What of a JPEG decides its decoder's memory and colours.
    pub(crate) sampling: Sampling,
    /// Bytes that a decoder other than that of JPEG takes for each pixel.
    pub(crate) pixel_cost: u64,
    /// Where the image ends; what follows is not part of it.
    pub(crate) end: usize,
}

impl Header {
    fn new(format: Format) -> Self {
        Self {
            format,
            width: 0,
            height: 0,
            orientation: Orientation::default(),
            frames: 0,
            scans: 0,
            sampling: Sampling::default(),
            pixel_cost: 0,
            end: 0,
        }
    }

    /// Width and height as they are to be seen.
    pub(crate) fn seen_size(&self) -> (u32, u32) {
        if self.orientation.swaps() { (self.height, self.width) } else { (self.width, self.height) }
    }

    /// Estimated bytes to decode this and make renditions up to `edge`.
    pub(crate) fn memory(&self, edge: u32) -> u64 {
        let (width, height) = super::preset::fit(self.width, self.height, edge);
        let top = area(width, height);
        let decoder = match self.format {
            Format::Jpeg => self.sampling.memory(self.width, self.height, edge),
            _ => area(self.width, self.height) * self.pixel_cost,
        };
        // The largest rendition is made beside the decoded picture; what follows it, without that: a copy in
        // sRGB, a turned copy, the encoder's planes and output.
        (decoder + top * 4).max(top * 12) + (4 << 20)
    }
}

/// Tells a format by its first bytes.
pub(crate) fn format(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::Webp),
        _ => brand::format(bytes),
    }
}

/// Reads the headers and refuses what is above a limit.
pub(crate) fn inspect(bytes: &[u8], extent: Extent, limits: &Limits) -> Result<Header, Refusal> {
    limits.check_bytes(bytes.len())?;
    let mut header = Header::new(format(bytes).ok_or(Refusal::Unsupported)?);
    let mut cursor = Cursor::new(bytes);
    let walk = match header.format {
        Format::Jpeg => jpeg::walk,
        Format::Png => png::walk,
        Format::Gif => gif::walk,
        Format::Webp => webp::walk,
        #[cfg(feature = "heif")]
        Format::Avif | Format::Heic => heif::walk,
        #[cfg(not(feature = "heif"))]
        Format::Avif => return Err(Refusal::UnsupportedCoding { what: "an AVIF image".into() }),
        #[cfg(not(feature = "heif"))]
        Format::Heic => return Err(Refusal::UnsupportedCoding { what: "a HEIC image".into() }),
    };
    match walk(&mut cursor, extent, limits, &mut header) {
        Err(Stop::Refused(refusal)) => return Err(refusal),
        Err(Stop::Cut) if extent == Extent::Whole => return Err(Refusal::Truncated),
        Err(Stop::Cut) | Ok(()) => {}
    }
    Ok(header)
}

#[cfg(test)]
mod tests;
