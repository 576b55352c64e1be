//! From bytes to pixels, one file a format. Only what `sniff` has accepted comes here.

mod gif;
mod jpeg;
mod png;
mod webp;

use image::{ColorType, ImageDecoder, ImageError};

use super::colour::MAX_PROFILE;
use super::limits::Limits;
use super::raster::{Kind, Raster};
use super::sniff::Header;
use super::{Format, Refusal};

/// A decoded picture, flattened on white but neither turned nor brought to sRGB.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// At least as large as the longest edge asked for, unless the original is smaller.
    pub(crate) raster: Raster,
    pub(crate) profile: Option<Vec<u8>>,
}

/// Decodes what is needed to make renditions up to `edge`.
pub(crate) fn decode(bytes: &[u8], header: &Header, limits: &Limits, edge: u32) -> Result<Decoded, Refusal> {
    match header.format {
        Format::Jpeg => jpeg::decode(bytes, header, limits, edge),
        Format::Png => png::decode(bytes, header),
        Format::Gif => gif::decode(bytes, header),
        Format::Webp => webp::decode(bytes, header),
    }
}

/// What a decoder may allocate beside the pixels: tables, rows, an inflated profile.
const SIDE_MEMORY: u64 = 16 << 20;

/// Limits for the decoders of crate `image`, exact for this picture.
fn exact_limits(header: &Header) -> image::Limits {
    let mut limits = image::Limits::no_limits();
    limits.max_image_width = Some(header.width);
    limits.max_image_height = Some(header.height);
    limits.max_alloc =
        Some(super::limits::area(header.width, header.height) * header.pixel_cost + SIDE_MEMORY);
    limits
}

/// Reads the pixels out of a decoder and flattens them on white.
fn flattened(decoder: impl ImageDecoder, header: &Header) -> Result<Raster, Refusal> {
    let (width, height) = decoder.dimensions();
    let colour = decoder.color_type();
    let total = decoder.total_bytes();
    // INVARIANT: the walk and the decoder agree, so nothing larger than checked is allocated.
    if (width, height) != (header.width, header.height) || colour.bytes_per_pixel() > 8 {
        return Err(Refusal::Corrupt);
    }
    let mut data = vec![0; usize::try_from(total).map_err(|_| Refusal::Corrupt)?];
    decoder.read_image(&mut data).map_err(refusal)?;
    if colour.bytes_per_pixel() / colour.channel_count() == 2 {
        keep_high_bytes(&mut data);
    }
    let kind = flatten(&mut data, colour);
    Ok(Raster { width, height, kind, data })
}

/// Brings 16-bit samples, in the byte order of this machine, down to their high bytes.
fn keep_high_bytes(data: &mut Vec<u8>) {
    let mut high = cfg!(target_endian = "big");
    data.retain(|_| {
        high = !high;
        !high
    });
}

/// Lays transparent pixels on white in place.
fn flatten(data: &mut Vec<u8>, colour: ColorType) -> Kind {
    match colour.channel_count() {
        1 => Kind::Grey,
        2 => {
            for [grey, alpha] in data.as_chunks_mut::<2>().0 {
                *grey = on_white(*grey, *alpha);
            }
            let mut alpha = true;
            data.retain(|_| {
                alpha = !alpha;
                !alpha
            });
            Kind::Grey
        }
        4 => {
            for [red, green, blue, alpha] in data.as_chunks_mut::<4>().0 {
                for channel in [red, green, blue] {
                    *channel = on_white(*channel, *alpha);
                }
            }
            Kind::Rgbx
        }
        _ => Kind::Rgb,
    }
}

fn on_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u16::from(value), u16::from(alpha));
    u8::try_from((value * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
}

/// A profile, unless it is too long to be interpreted.
fn usable(profile: Vec<u8>) -> Option<Vec<u8>> {
    (!profile.is_empty() && profile.len() <= MAX_PROFILE).then_some(profile)
}

fn refusal(error: ImageError) -> Refusal {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Refusal::Truncated,
        ImageError::Limits(_) => {
            Refusal::TooManyPixels { what: "its decoder asks for too much memory".into() }
        }
        ImageError::Unsupported(_) => Refusal::UnsupportedCoding { what: "an image of this coding" },
        _ => Refusal::Corrupt,
    }
}

#[cfg(test)]
mod tests;
