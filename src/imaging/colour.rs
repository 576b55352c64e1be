use moxcms::{ColorProfile, DataColorSpace, Layout, ParsingOptions, TransformOptions};

use super::raster::{Kind, Raster};

/// Longest profile that is interpreted; a longer one is ignored.
pub(crate) const MAX_PROFILE: usize = 3 << 20;

/// The picture in sRGB, by its profile when that can be used and by convention when not.
pub(crate) fn to_srgb(raster: Raster, profile: Option<&[u8]>) -> Raster {
    let raster = simplified(raster);
    let managed = profile.and_then(|profile| by_profile(&raster, profile));
    let data = managed.unwrap_or_else(|| by_convention(&raster));
    Raster { kind: Kind::Rgb, data, ..raster }
}

/// Brings the kinds down to grey, RGB and CMYK with 255 as full ink.
fn simplified(mut raster: Raster) -> Raster {
    match raster.kind {
        Kind::Rgbx => {
            let (pixels, _) = raster.data.as_chunks::<4>();
            let data = pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
            Raster { kind: Kind::Rgb, data, ..raster }
        }
        Kind::InvertedCmyk => {
            raster.data.iter_mut().for_each(|ink| *ink = 255 - *ink);
            Raster { kind: Kind::Cmyk, ..raster }
        }
        Kind::Grey | Kind::Rgb | Kind::Cmyk => raster,
    }
}

/// `None` when the profile is too long, broken, or of another kind of picture.
fn by_profile(raster: &Raster, profile: &[u8]) -> Option<Vec<u8>> {
    if profile.len() > MAX_PROFILE {
        return None;
    }
    let options = ParsingOptions { max_profile_size: MAX_PROFILE + 1, ..ParsingOptions::default() };
    let profile = ColorProfile::new_from_slice_with_options(profile, options).ok()?;
    let layout = match (raster.kind, profile.color_space) {
        (Kind::Rgb, DataColorSpace::Rgb) => Layout::Rgb,
        (Kind::Grey, DataColorSpace::Gray) => Layout::Gray,
        // The library counts inks as the four channels of this layout.
        (Kind::Cmyk, DataColorSpace::Cmyk) => Layout::Rgba,
        _ => return None,
    };
    let srgb = ColorProfile::new_srgb();
    let transform =
        profile.create_transform_8bit(layout, &srgb, Layout::Rgb, TransformOptions::default()).ok()?;
    let pixels = raster.data.len() / raster.kind.channels();
    let mut data = vec![0; pixels * 3];
    transform.transform(&raster.data, &mut data).ok()?;
    Some(data)
}

fn by_convention(raster: &Raster) -> Vec<u8> {
    match raster.kind {
        Kind::Grey => raster.data.iter().flat_map(|&grey| [grey; 3]).collect(),
        Kind::Cmyk | Kind::InvertedCmyk => {
            let (pixels, _) = raster.data.as_chunks::<4>();
            pixels.iter().flat_map(|&[c, m, y, k]| [light(c, k), light(m, k), light(y, k)]).collect()
        }
        Kind::Rgb | Kind::Rgbx => raster.data.clone(),
    }
}

/// What one ink under black lets through.
fn light(ink: u8, black: u8) -> u8 {
    let through = u16::from(255 - ink) * u16::from(255 - black);
    u8::try_from((through + 127) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(kind: Kind, data: &[u8]) -> Raster {
        Raster { width: 1, height: 1, kind, data: data.to_vec() }
    }

    #[test]
    fn without_a_profile_the_usual_meaning_counts() {
        for (kind, data, seen) in [
            (Kind::Grey, &[7][..], [7, 7, 7]),
            (Kind::Rgbx, &[1, 2, 3, 0], [1, 2, 3]),
            (Kind::Cmyk, &[0, 0, 0, 0], [255, 255, 255]),
            (Kind::Cmyk, &[255, 0, 0, 0], [0, 255, 255]),
            (Kind::InvertedCmyk, &[255, 255, 255, 255], [255, 255, 255]),
            (Kind::InvertedCmyk, &[255, 255, 255, 0], [0, 0, 0]),
        ] {
            assert_eq!(to_srgb(pixel(kind, data), None).data, seen, "{kind:?}");
        }
    }

    #[test]
    fn a_profile_is_applied_and_a_broken_one_ignored() {
        let wide = ColorProfile::new_display_p3().encode().unwrap();
        let green = to_srgb(pixel(Kind::Rgb, &[100, 200, 100]), Some(&wide)).data;
        assert!(green[0] < 95 && green[1] > 200, "{green:?}");
        let same = [100, 200, 100];
        for broken in [&wide[..200], &[0; 500], &vec![1; MAX_PROFILE + 1], b""] {
            assert_eq!(to_srgb(pixel(Kind::Rgb, &same), Some(broken)).data, same);
        }
        // A profile of another kind of picture.
        assert_eq!(to_srgb(pixel(Kind::Grey, &[8]), Some(&wide)).data, [8, 8, 8]);
    }
}
