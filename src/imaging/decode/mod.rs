//! From bytes to pixels, one file a format. Only what `sniff` has accepted comes here.

mod gif;
#[cfg(feature = "heif")]
mod heif;
mod jpeg;
mod png;
mod webp;

use image::{ImageDecoder, ImageError};

use super::colour::MAX_PROFILE;
use super::limits::Limits;
use super::raster::{Kind, Raster};
use super::sniff::Header;
use super::{Format, Refusal};

/// A decoded picture, neither turned nor brought to other colours.
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
        #[cfg(feature = "heif")]
        Format::Avif | Format::Heic => heif::decode(bytes, header, limits),
        #[cfg(not(feature = "heif"))]
        Format::Avif | Format::Heic => Err(Refusal::Unsupported),
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

/// Reads the pixels out of a decoder, eight bits a channel, without colours that cannot be seen.
fn pixels(decoder: impl ImageDecoder, header: &Header) -> Result<Raster, Refusal> {
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
    Ok(match colour.channel_count() {
        1 => Raster { width, height, kind: Kind::Grey, data },
        2 => {
            let (pixels, _) = data.as_chunks::<2>();
            let data = pixels.iter().flat_map(|&[grey, alpha]| [grey, grey, grey, alpha]).collect();
            seen(Raster { width, height, kind: Kind::Rgba, data })
        }
        4 => seen(Raster { width, height, kind: Kind::Rgba, data }),
        _ => Raster { width, height, kind: Kind::Rgb, data },
    })
}

/// Brings 16-bit samples, in the byte order of this machine, down to their high bytes.
fn keep_high_bytes(data: &mut Vec<u8>) {
    let mut high = cfg!(target_endian = "big");
    data.retain(|_| {
        high = !high;
        !high
    });
}

/// An RGBA picture without colours that cannot be seen; RGB when all of it can.
fn seen(mut raster: Raster) -> Raster {
    let (pixels, _) = raster.data.as_chunks_mut::<4>();
    if pixels.iter().all(|&[.., alpha]| alpha == u8::MAX) {
        let mut nth = 0;
        raster.data.retain(|_| {
            nth = (nth + 1) % 4;
            nth != 0
        });
        return Raster { kind: Kind::Rgb, ..raster };
    }
    pixels.iter_mut().filter(|[.., alpha]| *alpha == 0).for_each(|pixel| *pixel = [0; 4]);
    raster
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
        ImageError::Unsupported(_) => Refusal::UnsupportedCoding { what: "an image of this coding".into() },
        _ => Refusal::Corrupt,
    }
}

#[cfg(test)]
mod tests;
