//! The master: the picture at full size for whoever may download it, without anything but pixels.

use galerra_core::Master;

use super::limits::Limits;
use super::preset::Gamut;
use super::raster::Kind;
use super::sniff::Header;
use super::{Format, Refusal, colour, decode, encode, rewrite};

/// Quality of masters that are encoded anew.
const QUALITY: u8 = 92;

/// Rebuilds the file by allow-list, or encodes its pixels anew: without loss where the original had none.
pub(super) fn of(bytes: &[u8], header: &Header, limits: &Limits) -> Result<Master, Refusal> {
    if let Some(rebuilt) = rewrite::rebuilt(bytes, header)? {
        return Ok(Master { format: header.format, exact: true, bytes: rebuilt.into() });
    }
    let edge = header.width.max(header.height);
    limits.check_memory(header.memory(edge))?;
    let decoded = decode::decode(bytes, header, limits, edge)?;
    let raster = decoded.raster.into_resized(header.width, header.height)?;
    let raster = colour::converted(raster, decoded.profile.as_deref(), Gamut::Srgb);
    let raster = header.orientation.applied(raster);
    let lossy =
        raster.kind == Kind::Rgb && matches!(header.format, Format::Jpeg | Format::Avif | Format::Heic);
    let format = if lossy { Format::Jpeg } else { Format::Png };
    Ok(Master { format, exact: false, bytes: encode::whole(&raster, format, QUALITY)? })
}

/// The file with all its frames and nothing else, if it is an animation that can be rebuilt.
pub(super) fn animation(bytes: &[u8], header: &Header) -> Result<Option<Vec<u8>>, Refusal> {
    if header.frames < 2 || !matches!(header.format, Format::Gif | Format::Webp) {
        return Ok(None);
    }
    rewrite::rebuilt(bytes, header)
}
