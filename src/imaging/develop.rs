use super::limits::Limits;
use super::orientation::Orientation;
use super::preset::{Preset, Target, plan, top_edge};
use super::raster::Raster;
use super::sniff::{Extent, inspect};
use super::{Developed, Refusal, Rendered};
use super::{colour, decode, encode, placeholder};

/// Makes the renditions and the placeholder of an image, or says why not.
///
/// Pure and synchronous: the same bytes give the same answer. Headers are checked against the limits before
/// any decoder runs, and everything returned is encoded from pixels, so that it says nothing else.
pub fn develop(bytes: &[u8], limits: &Limits, presets: &[Preset]) -> Result<Developed, Refusal> {
    let edge = top_edge(presets);
    let header = inspect(bytes, Extent::Whole, limits, edge)?;
    let decoded = decode::decode(bytes, &header, limits, edge)?;
    let mut targets = plan(presets, header.width, header.height);
    // The largest is made first, and turned and converted while it is small.
    let (width, height) = targets.last().map_or((header.width, header.height), |top| (top.width, top.height));
    let top = decoded.raster.into_resized(width, height)?;
    let top = colour::to_srgb(top, decoded.profile.as_deref());
    let top = header.orientation.applied(top);
    let (renditions, smallest) = cascade(top, &mut targets, header.orientation)?;
    let (width, height) = header.seen_size();
    Ok(Developed {
        format: header.format,
        width,
        height,
        placeholder: placeholder::of(&smallest)?,
        renditions,
    })
}

/// Encodes each target from the next larger one; gives them smallest first, and the smallest picture.
fn cascade(
    top: Raster,
    targets: &mut Vec<Target>,
    orientation: Orientation,
) -> Result<(Vec<Rendered>, Raster), Refusal> {
    let mut picture = top;
    let mut renditions = Vec::with_capacity(targets.len());
    while let Some(Target { name, width, height }) = targets.pop() {
        let (width, height) = if orientation.swaps() { (height, width) } else { (width, height) };
        picture = picture.into_resized(width, height)?;
        renditions.push(encode::jpeg(name, &picture)?);
    }
    renditions.reverse();
    Ok((renditions, picture))
}

#[cfg(test)]
mod tests;
