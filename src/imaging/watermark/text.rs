//! Text as a mark: white letters on a soft dark edge, so that they are read on light and on dark.

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};

use super::{LETTERS, WatermarkError, wrong};
use crate::imaging::raster::{Kind, Raster};

/// Go Medium by Bigelow & Holmes; its licence lies beside it.
const FONT: &[u8] = include_bytes!("Go-Medium.ttf");
/// Height of a line before it is scaled.
const LINE: f32 = 100.0;
/// How strong the dark edge is.
const EDGE: f32 = 0.55;

fn font() -> FontRef<'static> {
    FontRef::try_from_slice(FONT).expect("the font is part of the program")
}

/// The text, if all of it can be written.
pub(super) fn checked(text: &str) -> Result<String, WatermarkError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LETTERS {
        return Err(wrong("its text has 1 to 80 characters"));
    }
    let font = font();
    match text.chars().find(|letter| letter.is_control() || font.glyph_id(*letter).0 == 0) {
        Some(letter) => Err(wrong(format!("there is no letter for {letter:?}"))),
        None => Ok(text.to_owned()),
    }
}

/// Width and height of a line.
pub(super) fn proportions(text: &str) -> (f32, f32) {
    (laid_out(text, LINE).1.max(1.0), LINE)
}

/// Where each letter goes, and the width of them all.
fn laid_out(text: &str, height: f32) -> (Vec<Glyph>, f32) {
    let font = font();
    let scaled = font.as_scaled(PxScale::from(height));
    let (mut glyphs, mut x) = (Vec::new(), 0.0);
    for letter in text.chars() {
        let glyph = scaled.scaled_glyph(letter);
        if let Some(before) = glyphs.last().map(|before: &Glyph| before.id) {
            x += scaled.kern(before, glyph.id);
        }
        let advance = scaled.h_advance(glyph.id);
        glyphs.push(Glyph { position: point(x, scaled.ascent()), ..glyph });
        x += advance;
    }
    (glyphs, x)
}

/// The line at a height, with opacity.
pub(super) fn drawn(text: &str, height: f32) -> Raster {
    let (glyphs, length) = laid_out(text, height);
    // Wider edges would be slow and no easier to read.
    let edge = (height / 24.0).clamp(1.0, 8.0);
    let (width, height) = (whole(length + 2.0 * edge), whole(height + 2.0 * edge));
    let mut cover = vec![0.0_f32; width * height];
    let font = font();
    for glyph in glyphs {
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, share| {
            let (x, y) =
                (whole_signed(corner.x + edge) + i64::from(x), whole_signed(corner.y + edge) + i64::from(y));
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
            if let Some(place) = cover.get_mut(y * width + x).filter(|_| x < width) {
                *place = place.max(share);
            }
        });
    }
    let dark = blurred(&cover, width, whole(edge));
    let data = cover.iter().zip(&dark).flat_map(|(&light, &dark)| {
        let alpha = 1.0 - (1.0 - light) * (1.0 - (dark * EDGE).min(1.0));
        let level = if alpha > 0.0 { 255.0 * light / alpha } else { 0.0 };
        [byte(level), byte(level), byte(level), byte(255.0 * alpha)]
    });
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    Raster { width: side(width), height: side(height), kind: Kind::Rgba, data: data.collect() }
}

/// Spreads what is covered over a few pixels: twice across, twice down.
fn blurred(cover: &[f32], width: usize, reach: usize) -> Vec<f32> {
    let height = cover.len() / width.max(1);
    let mut field = cover.to_vec();
    for (step, lines, length) in [(1, height, width), (width, width, height)] {
        let jump = if step == 1 { width } else { 1 };
        for line in 0..lines {
            let at = |nth: usize| line * jump + nth * step;
            let row: Vec<f32> = (0..length).map(|nth| field.get(at(nth)).copied().unwrap_or(0.0)).collect();
            for nth in 0..length {
                let near =
                    row.get(nth.saturating_sub(reach)..(nth + reach + 1).min(length)).unwrap_or_default();
                let most = near.iter().copied().fold(0.0, f32::max);
                let mean =
                    near.iter().sum::<f32>() / f32::from(u16::try_from(near.len()).unwrap_or(1).max(1));
                if let Some(place) = field.get_mut(at(nth)) {
                    *place = f32::midpoint(most, mean);
                }
            }
        }
    }
    field
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sides of a mark")]
fn whole(length: f32) -> usize {
    length.ceil().clamp(1.0, 65_535.0) as usize
}

#[allow(clippy::cast_possible_truncation, reason = "places in a mark")]
fn whole_signed(place: f32) -> i64 {
    place.round() as i64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte first")]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
