mod inks;

use moxcms::{ColorProfile, DataColorSpace, Layout, ParsingOptions, TransformOptions};

use super::preset::Gamut;
use super::raster::{Kind, Raster};

/// Longest profile that is interpreted; a longer one is ignored.
pub(crate) const MAX_PROFILE: usize = 3 << 20;

/// The picture in the colours of `gamut`, by its profile when that can be used and by convention when not.
pub(crate) fn converted(raster: Raster, profile: Option<&[u8]>, gamut: Gamut) -> Raster {
    let raster = upright_inks(raster);
    let source = profile.and_then(|profile| usable(&raster, profile));
    if let Some(source) = source
        && let Some(managed) = transformed(&raster, &source, gamut)
    {
        return managed;
    }
    let raster = by_convention(raster);
    match gamut {
        Gamut::Srgb => raster,
        Gamut::P3 => transformed(&raster, &ColorProfile::new_srgb(), gamut).unwrap_or(raster),
    }
}

/// The profile that goes with pictures of this gamut; sRGB goes without saying.
pub(crate) fn profile_of(gamut: Gamut) -> Option<Vec<u8>> {
    match gamut {
        Gamut::Srgb => None,
        Gamut::P3 => ColorProfile::new_display_p3().encode().ok(),
    }
}

/// Brings inks to 255 as full ink.
fn upright_inks(mut raster: Raster) -> Raster {
    if raster.kind == Kind::InvertedCmyk {
        raster.data.iter_mut().for_each(|ink| *ink = 255 - *ink);
        raster.kind = Kind::Cmyk;
    }
    raster
}

/// The profile, read; `None` when it is too long, broken, or of another kind of picture.
fn usable(raster: &Raster, profile: &[u8]) -> Option<ColorProfile> {
    if profile.len() > MAX_PROFILE {
        return None;
    }
    let options = ParsingOptions { max_profile_size: MAX_PROFILE + 1, ..ParsingOptions::default() };
    let profile = ColorProfile::new_from_slice_with_options(profile, options).ok()?;
    let fits = matches!(
        (raster.kind, profile.color_space),
        (Kind::Rgb | Kind::Rgba, DataColorSpace::Rgb)
            | (Kind::Grey, DataColorSpace::Gray)
            | (Kind::Cmyk, DataColorSpace::Cmyk)
    );
    fits.then_some(profile)
}

fn transformed(raster: &Raster, source: &ColorProfile, gamut: Gamut) -> Option<Raster> {
    let (from, to, kind) = match raster.kind {
        Kind::Rgb => (Layout::Rgb, Layout::Rgb, Kind::Rgb),
        Kind::Rgba => (Layout::Rgba, Layout::Rgba, Kind::Rgba),
        Kind::Grey => (Layout::Gray, Layout::Rgb, Kind::Rgb),
        Kind::Cmyk | Kind::InvertedCmyk => return inks::printed(raster, source, gamut),
    };
    // What the profile was made for.
    let options =
        TransformOptions { rendering_intent: source.rendering_intent, ..TransformOptions::default() };
    let transform = source.create_transform_8bit(from, &target(gamut), to, options).ok()?;
    let pixels = raster.data.len() / raster.kind.channels();
    let mut data = vec![0; pixels * kind.channels()];
    transform.transform(&raster.data, &mut data).ok()?;
    Some(Raster { width: raster.width, height: raster.height, kind, data })
}

fn target(gamut: Gamut) -> ColorProfile {
    match gamut {
        Gamut::Srgb => ColorProfile::new_srgb(),
        Gamut::P3 => ColorProfile::new_display_p3(),
    }
}

fn by_convention(raster: Raster) -> Raster {
    let data = match raster.kind {
        Kind::Rgb | Kind::Rgba => return raster,
        Kind::Grey => raster.data.iter().flat_map(|&grey| [grey; 3]).collect(),
        Kind::Cmyk | Kind::InvertedCmyk => {
            let (pixels, _) = raster.data.as_chunks::<4>();
            pixels.iter().flat_map(|&[c, m, y, k]| [light(c, k), light(m, k), light(y, k)]).collect()
        }
    };
    Raster { kind: Kind::Rgb, data, ..raster }
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
            (Kind::Cmyk, &[0, 0, 0, 0], [255, 255, 255]),
            (Kind::Cmyk, &[255, 0, 0, 0], [0, 255, 255]),
            (Kind::InvertedCmyk, &[255, 255, 255, 255], [255, 255, 255]),
            (Kind::InvertedCmyk, &[255, 255, 255, 0], [0, 0, 0]),
        ] {
            assert_eq!(converted(pixel(kind, data), None, Gamut::Srgb).data, seen, "{kind:?}");
        }
    }

    #[test]
    fn a_profile_is_applied_and_a_broken_one_ignored() {
        let wide = ColorProfile::new_display_p3().encode().unwrap();
        let green = converted(pixel(Kind::Rgb, &[100, 200, 100]), Some(&wide), Gamut::Srgb).data;
        assert!(green[0] < 95 && green[1] > 200, "{green:?}");
        let same = [100, 200, 100];
        for broken in [&wide[..200], &[0; 500], &vec![1; MAX_PROFILE + 1], b""] {
            assert_eq!(converted(pixel(Kind::Rgb, &same), Some(broken), Gamut::Srgb).data, same);
        }
        // A profile of another kind of picture.
        assert_eq!(converted(pixel(Kind::Grey, &[8]), Some(&wide), Gamut::Srgb).data, [8, 8, 8]);
    }

    #[test]
    fn a_wide_picture_stays_wide_where_that_is_asked_for() {
        let wide = profile_of(Gamut::P3).unwrap();
        let green = [40, 250, 40];
        let kept = converted(pixel(Kind::Rgb, &green), Some(&wide), Gamut::P3).data;
        assert!(kept.iter().zip(green).all(|(a, b)| a.abs_diff(b) <= 1), "{kept:?}");
        let narrow = converted(pixel(Kind::Rgba, &[0, 255, 0, 9]), None, Gamut::P3).data;
        assert!(narrow[0] > 100 && narrow[3] == 9, "{narrow:?}");
    }
}
