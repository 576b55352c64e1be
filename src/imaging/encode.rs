//! From pixels to bytes: what is encoded here holds nothing else of the original.

use bytes::Bytes;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use super::preset::Gamut;
use super::raster::{Kind, Raster};
use super::{Format, Refusal, colour};

#[cfg(feature = "avif")]
mod avif;
#[cfg(feature = "webp")]
mod webp;

/// Whether this build encodes a format.
pub(crate) fn knows(format: Format) -> bool {
    match format {
        Format::Jpeg => true,
        Format::Webp => cfg!(feature = "webp"),
        Format::Avif => cfg!(feature = "avif"),
        Format::Png | Format::Gif | Format::Heic => false,
    }
}

/// Encodes a picture whose pixels are RGB or RGBA in the colours of `gamut`.
pub(crate) fn encode(raster: &Raster, format: Format, quality: u8, gamut: Gamut) -> Result<Bytes, Refusal> {
    match format {
        Format::Jpeg => jpeg(&raster.flattened(), quality, gamut),
        #[cfg(feature = "webp")]
        Format::Webp => webp::encode(raster, quality, gamut),
        #[cfg(feature = "avif")]
        Format::Avif => avif::encode(raster, quality),
        // A recipe has no other formats.
        _ => Err(Refusal::Corrupt),
    }
}

/// Encodes a picture at full size for people to keep: PNG, or JPEG with all its colours.
pub(crate) fn whole(raster: &Raster, format: Format, quality: u8) -> Result<Bytes, Refusal> {
    if format == Format::Png {
        return png(raster);
    }
    let Raster { width, height, kind: Kind::Rgb, ref data } = *raster else { return Err(Refusal::Corrupt) };
    let encoder = Encoder::new(data, width as usize, height as usize, PixelFormat::Rgb)
        .quality(quality)
        .subsampling(Subsampling::S444);
    encoder.encode().map(Bytes::from).map_err(|_| Refusal::Corrupt)
}

fn png(raster: &Raster) -> Result<Bytes, Refusal> {
    let colour = match raster.kind {
        Kind::Rgb => ExtendedColorType::Rgb8,
        Kind::Rgba => ExtendedColorType::Rgba8,
        Kind::Grey | Kind::Cmyk | Kind::InvertedCmyk => return Err(Refusal::Corrupt),
    };
    let mut file = Vec::new();
    let encoder = PngEncoder::new(&mut file);
    encoder.write_image(&raster.data, raster.width, raster.height, colour).map_err(|_| Refusal::Corrupt)?;
    Ok(file.into())
}

fn jpeg(raster: &Raster, quality: u8, gamut: Gamut) -> Result<Bytes, Refusal> {
    let Raster { width, height, kind: Kind::Rgb, ref data } = *raster else { return Err(Refusal::Corrupt) };
    let profile = colour::profile_of(gamut);
    let encoder = Encoder::new(data, width as usize, height as usize, PixelFormat::Rgb)
        .quality(quality)
        .subsampling(Subsampling::S420);
    let encoder = match &profile {
        Some(profile) => encoder.icc_profile(profile),
        None => encoder,
    };
    encoder.encode().map(Bytes::from).map_err(|_| Refusal::Corrupt)
}

#[cfg(test)]
mod tests;
