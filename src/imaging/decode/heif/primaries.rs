use moxcms::{CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};

use super::unsupported;
use crate::imaging::Refusal;
use crate::imaging::sniff::CodePoints;

/// The profile that says what these numbers of ITU-T H.273 say; `None` when that is sRGB, or nothing.
pub(super) fn profile(points: CodePoints) -> Result<Option<Vec<u8>>, Refusal> {
    let curve = match points.transfer {
        // Light that no rendition can show, and that only looks right when it is mapped by hand.
        16 | 18 => return Err(unsupported("an HDR image (PQ or HLG)")),
        4 => TransferCharacteristics::Bt470M,
        5 => TransferCharacteristics::Bt470Bg,
        8 => TransferCharacteristics::Linear,
        // Cameras and browsers take the curves of television for that of sRGB.
        _ => TransferCharacteristics::Srgb,
    };
    let primaries = match points.primaries {
        5 => CicpColorPrimaries::Bt470Bg,
        6 | 7 => CicpColorPrimaries::Bt601,
        9 => CicpColorPrimaries::Bt2020,
        11 => CicpColorPrimaries::Smpte431,
        12 => CicpColorPrimaries::Smpte432,
        _ if curve == TransferCharacteristics::Srgb => return Ok(None),
        _ => CicpColorPrimaries::Bt709,
    };
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: primaries,
        transfer_characteristics: curve,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    Ok(profile.encode().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::colour::converted;
    use crate::imaging::preset::Gamut;
    use crate::imaging::raster::{Kind, Raster};

    fn seen(primaries: u16, transfer: u16, pixel: [u8; 3]) -> Vec<u8> {
        let points = CodePoints { primaries, transfer, matrix: 6, full_range: true };
        let profile = profile(points).unwrap();
        let raster = Raster { width: 1, height: 1, kind: Kind::Rgb, data: pixel.to_vec() };
        converted(raster, profile.as_deref(), Gamut::Srgb).data
    }

    #[test]
    fn numbers_are_colours() {
        let green = [100, 200, 100];
        for (primaries, transfer) in [(1, 13), (2, 2), (1, 1), (1, 6), (0, 0), (900, 900)] {
            assert_eq!(seen(primaries, transfer, green), green);
        }
        let wide = ColorProfile::new_display_p3().encode().unwrap();
        let raster = Raster { width: 1, height: 1, kind: Kind::Rgb, data: green.to_vec() };
        let managed = converted(raster, Some(&wide), Gamut::Srgb).data;
        let near = |a: &[u8], b: &[u8]| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1);
        assert!(near(&seen(12, 13, green), &managed), "{:?} {managed:?}", seen(12, 13, green));
        let wider = seen(9, 1, green);
        assert!(wider[0] < managed[0] && wider[1] > green[1], "{wider:?}");
        assert!(seen(1, 8, [50; 3])[0] > 100);
        for primaries in [5, 6, 7, 9, 11, 12] {
            assert!(near(&seen(primaries, 13, [255; 3]), &[255; 3]), "white of {primaries}");
        }
    }

    #[test]
    fn light_beyond_white_is_refused() {
        for transfer in [16, 18] {
            let points = CodePoints { primaries: 9, transfer, matrix: 9, full_range: true };
            assert!(matches!(profile(points), Err(Refusal::UnsupportedCoding { .. })));
        }
    }
}
