//! AVIF and HEIC: pictures of tiles, whose colours and opacity are coded apart.

mod av1;
mod hevc;
mod lines;
mod matrix;
mod paint;
mod planes;
mod primaries;

use self::planes::{Area, Planes};
use super::{Decoded, seen, usable};
use crate::imaging::Refusal;
use crate::imaging::limits::{Limits, area};
use crate::imaging::raster::{Kind, Raster};
use crate::imaging::sniff::{CodePoints, Coding, Crop, Header, Piece, Still, Tiles};

/// Decodes the picture as it is stored, without what is cut off.
pub(super) fn decode(bytes: &[u8], header: &Header, limits: &Limits) -> Result<Decoded, Refusal> {
    let file = bytes.get(..header.end).ok_or(Refusal::Truncated)?;
    let still = Still::read(file, limits)?;
    let (mut raster, points) = colours(&still)?;
    let profile = match still.profile {
        Some(profile) => usable(profile.to_vec()),
        None => primaries::profile(points)?,
    };
    if let Some(opacity) = &still.opacity {
        lay(opacity, still.coding, |place, picture| paint::opacity(&mut raster, place, picture))?;
        if still.multiplied {
            divide(&mut raster);
        }
    }
    if let Some(crop) = still.crop {
        raster = cropped(&raster, crop);
    }
    // INVARIANT: the walk and the decoder agree, so that what follows is of the size that was checked.
    if (raster.width, raster.height) != (header.width, header.height) {
        return Err(Refusal::Corrupt);
    }
    Ok(Decoded { raster: if raster.kind == Kind::Rgba { seen(raster) } else { raster }, profile })
}

/// The colours of a picture and what they mean; its opacity is not in them yet.
fn colours(still: &Still<'_>) -> Result<(Raster, CodePoints), Refusal> {
    let kind = if still.opacity.is_some() { Kind::Rgba } else { Kind::Rgb };
    let (width, height) = (still.colour.width, still.colour.height);
    let length = usize::try_from(area(width, height)).map_err(|_| Refusal::Corrupt)? * kind.channels();
    let mut raster = Raster { width, height, kind, data: vec![0; length] };
    let mut points = None;
    lay(&still.colour, still.coding, |place, picture| {
        let points = *points.get_or_insert(still.code_points.unwrap_or(picture.code_points()));
        paint::colours(&mut raster, place, picture, points)
    })?;
    Ok((raster, points.ok_or(Refusal::Corrupt)?))
}

/// Decodes one tile after the other and hands it on with the place where it belongs.
fn lay(
    tiles: &Tiles<'_>,
    coding: Coding,
    mut paint: impl FnMut(Area, &dyn Planes) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let places = (0_u32..).map(|nth| {
        let (left, top) = (nth % tiles.columns * tiles.tile.0, nth / tiles.columns * tiles.tile.1);
        let width = tiles.tile.0.min(tiles.width.saturating_sub(left));
        let height = tiles.tile.1.min(tiles.height.saturating_sub(top));
        Area { left, top, width, height }
    });
    for (place, piece) in places.zip(&tiles.pieces) {
        paint(place, &*picture(piece, coding, tiles.tile)?)?;
    }
    Ok(())
}

/// Decodes one coded picture, which has to be of the size that was checked.
fn picture(piece: &Piece<'_>, coding: Coding, size: (u32, u32)) -> Result<Box<dyn Planes>, Refusal> {
    Ok(match coding {
        Coding::Av1 => Box::new(av1::decode(piece, size)?),
        Coding::Hevc => Box::new(hevc::decode(piece, size)?),
    })
}

/// Takes the opacity out of colours that were multiplied with it.
fn divide(raster: &mut Raster) {
    let (pixels, _) = raster.data.as_chunks_mut::<4>();
    for [colours @ .., alpha] in pixels {
        let alpha = u16::from(*alpha);
        for colour in colours.iter_mut().filter(|_| alpha > 0) {
            let divided = (u16::from(*colour) * 255 + alpha / 2) / alpha;
            *colour = u8::try_from(divided).unwrap_or(u8::MAX);
        }
    }
}

fn cropped(raster: &Raster, crop: Crop) -> Raster {
    let channels = raster.kind.channels();
    let rows = raster.data.chunks_exact(raster.width as usize * channels);
    let rows = rows.skip(crop.top as usize).take(crop.height as usize);
    let part = crop.left as usize * channels..(crop.left + crop.width) as usize * channels;
    let data = rows.flat_map(|row| row.get(part.clone()).unwrap_or_default()).copied().collect();
    Raster { width: crop.width, height: crop.height, kind: raster.kind, data }
}

fn unsupported(what: &'static str) -> Refusal {
    Refusal::UnsupportedCoding { what: what.into() }
}

#[cfg(test)]
mod tests;
