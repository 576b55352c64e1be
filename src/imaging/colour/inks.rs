use moxcms::{ColorProfile, Layout, RenderingIntent, TransformOptions};

use super::target;
use crate::imaging::preset::Gamut;
use crate::imaging::raster::{Kind, Raster};

/// Inks as the colours that they print, with the darkest of them as black (black-point compensation, ISO 18619):
/// ink on paper is less black than a screen, and without that pictures look faded.
pub(super) fn printed(raster: &Raster, source: &ColorProfile, gamut: Gamut) -> Option<Raster> {
    let intent = RenderingIntent::RelativeColorimetric;
    let options = TransformOptions { rendering_intent: intent, ..TransformOptions::default() };
    // The library counts inks as the four channels of this layout.
    let transform = source.create_transform_16bit(Layout::Rgba, &target(gamut), Layout::Rgb, options).ok()?;
    let mut darkest = [0; 3];
    transform.transform(&black_of(source).map(wide), &mut darkest).ok()?;
    let levels = levels(luminance(darkest));
    let row = raster.width as usize * 4;
    let (mut inks, mut light) = (vec![0; row], vec![0; row / 4 * 3]);
    let mut data = Vec::with_capacity(raster.data.len() / 4 * 3);
    for line in raster.data.chunks_exact(row) {
        inks.iter_mut().zip(line).for_each(|(to, from)| *to = wide(*from));
        transform.transform(&inks, &mut light).ok()?;
        data.extend(light.iter().map(|&level| levels.get(usize::from(level)).copied().unwrap_or_default()));
    }
    Some(Raster { width: raster.width, height: raster.height, kind: Kind::Rgb, data })
}

fn wide(ink: u8) -> u16 {
    u16::from(ink) * 257
}

/// The inks that the profile prints black with; all of them where it does not say.
fn black_of(profile: &ColorProfile) -> [u8; 4] {
    let options =
        TransformOptions { rendering_intent: RenderingIntent::Perceptual, ..TransformOptions::default() };
    let screen = ColorProfile::new_srgb();
    let mut inks = [0; 4];
    match screen.create_transform_8bit(Layout::Rgb, profile, Layout::Rgba, options) {
        Ok(transform) if transform.transform(&[0; 3], &mut inks).is_ok() => inks,
        _ => [255; 4],
    }
}

/// What each level becomes where `black` becomes none; in linear light, so that greys stay grey.
fn levels(black: f32) -> Vec<u8> {
    let level = |level: u16| encoded((linear(level) - black) / (1.0 - black));
    (0..=u16::MAX).map(level).collect()
}

/// Half of what is there at the most: no inks are as pale as that.
fn luminance(colour: [u16; 3]) -> f32 {
    let [red, green, blue] = colour.map(linear);
    (0.2126 * red + 0.7152 * green + 0.0722 * blue).min(0.5)
}

/// From the curve of sRGB (IEC 61966-2-1), which Display P3 has, too.
fn linear(level: u16) -> f32 {
    let level = f32::from(level) / f32::from(u16::MAX);
    if level <= 0.04045 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte first")]
fn encoded(light: f32) -> u8 {
    let level = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (level * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_darkest_becomes_black_and_white_stays() {
        let plain = levels(0.0);
        assert!((0..=255_u8).all(|level| plain[usize::from(wide(level))] == level));
        let deeper = levels(linear(wide(48)));
        assert_eq!((deeper[usize::from(wide(48))], deeper[usize::from(wide(20))]), (0, 0));
        assert_eq!(deeper[usize::from(wide(255))], 255);
        assert!(deeper[usize::from(wide(128))] < 128 && deeper[usize::from(wide(128))] > 110);
    }
}
