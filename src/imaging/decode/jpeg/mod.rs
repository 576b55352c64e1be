#[allow(clippy::inline_always, reason = "the loops over coefficients have to stay one function")]
mod baseline;
#[allow(clippy::inline_always, reason = "the loops over coefficients have to stay one function")]
mod bits;
#[allow(clippy::inline_always, reason = "the loops over coefficients have to stay one function")]
mod block;
#[allow(clippy::inline_always, reason = "the loops over coefficients have to stay one function")]
mod huffman;
#[allow(clippy::inline_always, reason = "the loops over coefficients have to stay one function")]
mod idct;
#[allow(clippy::inline_always, reason = "the loops over coefficients have to stay one function")]
mod intervals;
mod planes;
#[allow(clippy::inline_always, reason = "the loops over coefficients have to stay one function")]
mod skip;

use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat, ScalingFactor};

use super::Decoded;
use crate::imaging::Refusal;
use crate::imaging::limits::{Limits, area};
use crate::imaging::raster::{Kind, Raster};
use crate::imaging::sniff::{Header, LIBRARY_SCALES, Sampling, jpeg_profile};

/// Decodes at the smallest of the decoder's scales that covers `edge`.
pub(super) fn decode(bytes: &[u8], header: &Header, limits: &Limits, edge: u32) -> Result<Decoded, Refusal> {
    // What follows the end of the image is another file's business.
    let bytes = bytes.get(..header.end).ok_or(Refusal::Truncated)?;
    let profile = jpeg_profile(bytes);
    let eighths = Sampling::eighths(&baseline::SCALES, header.width, header.height, edge);
    let scan = if eighths < 8 && header.scans == 1 { baseline::Scan::read(bytes) } else { None };
    let raster = match scan {
        Some(scan) => scan.decode(eighths)?.interleaved(),
        None => by_library(bytes, header, limits, edge)?,
    };
    Ok(Decoded { raster, profile })
}

/// Decodes whatever the library knows and we leave to it: progressive pictures, inks, odd scans.
fn by_library(bytes: &[u8], header: &Header, limits: &Limits, edge: u32) -> Result<Raster, Refusal> {
    let (kind, format) = match header.sampling.components {
        1 => (Kind::Grey, PixelFormat::Grayscale),
        4 if header.sampling.adobe => (Kind::InvertedCmyk, PixelFormat::Cmyk),
        4 => (Kind::Cmyk, PixelFormat::Cmyk),
        _ => (Kind::Rgb, PixelFormat::Rgb),
    };
    let mut decoder = Decoder::new_with_limits(bytes, decode_limits(header, limits)).map_err(refusal)?;
    decoder.set_output_format(format);
    decoder.set_scale(scale(header, edge)?);
    let image = decoder.decode_image().map_err(refusal)?;
    let width = u32::try_from(image.width).map_err(|_| Refusal::Corrupt)?;
    let height = u32::try_from(image.height).map_err(|_| Refusal::Corrupt)?;
    if image.data.len() as u64 != area(width, height) * kind.channels() as u64 {
        return Err(Refusal::Corrupt);
    }
    Ok(Raster { width, height, kind, data: image.data })
}

fn decode_limits(header: &Header, limits: &Limits) -> DecodeLimits {
    DecodeLimits {
        max_width: header.width as usize,
        max_height: header.height as usize,
        max_pixels: area(header.width, header.height),
        max_scans: header.scans as usize,
        // The decoder's own estimate leaves the scale out; ours, in `sniff`, does not.
        max_memory: Some(limits.memory.saturating_mul(2)),
    }
}

fn scale(header: &Header, edge: u32) -> Result<ScalingFactor, Refusal> {
    let (num, denom) = match Sampling::eighths(&LIBRARY_SCALES, header.width, header.height, edge) {
        1 => (1, 8),
        2 => (1, 4),
        3 => (3, 8),
        4 => (1, 2),
        _ => (1, 1),
    };
    ScalingFactor::try_new(num, denom).map_err(refusal)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn refusal(error: JpegError) -> Refusal {
    match error {
        JpegError::UnexpectedEof => Refusal::Truncated,
        JpegError::LimitExceeded { what, actual, limit } => {
            Refusal::TooManyPixels { what: format!("{what} {actual}, the limit is {limit}") }
        }
        JpegError::AllocationFailed { .. } => Refusal::Busy,
        JpegError::Unsupported(_) => Refusal::UnsupportedCoding { what: "a JPEG of this coding".into() },
        _ => Refusal::Corrupt,
    }
}
