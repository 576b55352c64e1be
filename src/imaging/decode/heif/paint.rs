use super::lines::Lines;
use super::matrix::{Matrix, Scale};
use super::planes::{Area, Chroma, Planes};
use crate::imaging::Refusal;
use crate::imaging::raster::{Kind, Raster};
use crate::imaging::sniff::CodePoints;

/// How a pixel is made of samples.
enum Mix {
    /// Of luma alone.
    Grey,
    /// The planes are green, blue and red.
    Plain,
    Matrix(Matrix),
}

/// Paints the colours of a tile where it belongs.
pub(super) fn colours(
    raster: &mut Raster,
    place: Area,
    picture: &dyn Planes,
    points: CodePoints,
) -> Result<(), Refusal> {
    let scale = Scale::new(points.full_range, picture.depth())?;
    let mix = match (picture.chroma(), points.matrix) {
        (Chroma::None, _) => Mix::Grey,
        (Chroma::Full, 0) => Mix::Plain,
        (_, matrix) => Mix::Matrix(Matrix::new(matrix, points.full_range, picture.depth())?),
    };
    match raster.kind {
        Kind::Rgba => rows::<4>(raster, place, picture, &scale, &mix),
        _ => rows::<3>(raster, place, picture, &scale, &mix),
    }
    .ok_or(Refusal::Corrupt)
}

fn rows<const N: usize>(
    raster: &mut Raster,
    place: Area,
    picture: &dyn Planes,
    scale: &Scale,
    mix: &Mix,
) -> Option<()> {
    let mut lines = Lines::new(picture, place);
    for (y, row) in (0..).zip(place.rows(raster)) {
        lines.read_luma(y)?;
        let (pixels, _) = row.as_chunks_mut::<N>();
        let pixels = pixels.iter_mut().filter_map(|pixel| pixel.first_chunk_mut::<3>());
        if let Mix::Grey = mix {
            pixels.zip(&lines.luma).for_each(|(pixel, &luma)| *pixel = [scale.byte(luma); 3]);
            continue;
        }
        lines.read_chroma(y)?;
        let samples = lines.luma.iter().zip(&lines.blue.line).zip(&lines.red.line);
        let pixels = pixels.zip(samples);
        if let Mix::Matrix(matrix) = mix {
            pixels.for_each(|(pixel, ((&luma, &blue), &red))| {
                *pixel = matrix.rgb(scale.fixed(luma), blue, red);
            });
        } else {
            pixels.for_each(|(pixel, ((&green, &blue), &red))| {
                *pixel = [scale.sixteenth(red), scale.byte(green), scale.sixteenth(blue)];
            });
        }
    }
    Some(())
}

/// Paints the luma of a tile as opacity.
pub(super) fn opacity(raster: &mut Raster, place: Area, picture: &dyn Planes) -> Result<(), Refusal> {
    let scale = Scale::new(picture.code_points().full_range, picture.depth())?;
    let mut lines = Lines::new(picture, place);
    for (y, row) in (0..).zip(place.rows(raster)) {
        lines.read_luma(y).ok_or(Refusal::Corrupt)?;
        let (pixels, _) = row.as_chunks_mut::<4>();
        pixels.iter_mut().zip(&lines.luma).for_each(|([.., alpha], &luma)| *alpha = scale.byte(luma));
    }
    Ok(())
}
