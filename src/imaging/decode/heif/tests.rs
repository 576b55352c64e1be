//! The samples are a picture of 16 x 12 pixels (odd: 15 x 11) with red above blue at the left and green above almost
//! white at the right, saved by Pillow 13.0 (libavif) and by pillow-heif 1.8 (x265, which codes 64 x 64 and cuts).

use super::*;
use crate::imaging::Format;
use crate::imaging::sniff::{Extent, inspect};

const SAMPLES: [(&[u8], Format, (u32, u32)); 7] = [
    (include_bytes!("../../sample/full.avif"), Format::Avif, (16, 12)),
    (include_bytes!("../../sample/odd.avif"), Format::Avif, (15, 11)),
    (include_bytes!("../../sample/limited.avif"), Format::Avif, (16, 12)),
    (include_bytes!("../../sample/opacity.avif"), Format::Avif, (16, 12)),
    (include_bytes!("../../sample/full.heic"), Format::Heic, (16, 12)),
    (include_bytes!("../../sample/odd.heic"), Format::Heic, (15, 11)),
    (include_bytes!("../../sample/quarter.heic"), Format::Heic, (16, 12)),
];

fn decoded(file: &[u8]) -> Result<(Header, Raster), Refusal> {
    let limits = Limits::default();
    let header = inspect(file, Extent::Whole, &limits)?;
    let raster = decode(file, &header, &limits)?.raster;
    Ok((header, raster))
}

#[test]
fn colours_lie_where_they_should() {
    for (nth, (file, format, size)) in SAMPLES.into_iter().enumerate() {
        let (header, raster) = decoded(file).unwrap();
        assert_eq!((header.format, raster.width, raster.height), (format, size.0, size.1), "{nth}");
        let channels = raster.kind.channels();
        let pixel = |x: u32, y: u32| &raster.data[((y * raster.width + x) as usize * channels)..][..3];
        let strongest = |x, y| (0..3).max_by_key(|n| pixel(x, y)[*n]).unwrap();
        let seen = (strongest(2, size.1 - 3), strongest(size.0 - 3, 2));
        assert_eq!(seen, (2, 1), "{nth}: blue is below at the left, green above at the right");
        assert!(pixel(size.0 - 3, size.1 - 3).iter().all(|value| *value > 200), "{nth}: almost white");
    }
}

#[test]
fn opacity_is_kept_and_hides_no_colour() {
    let (_, raster) = decoded(include_bytes!("../../sample/opacity.avif")).unwrap();
    assert_eq!(raster.kind, Kind::Rgba);
    let (pixels, _) = raster.data.as_chunks::<4>();
    assert!(pixels.iter().any(|[.., alpha]| *alpha == 0) && pixels.iter().any(|[.., alpha]| *alpha == 255));
    assert!(pixels.iter().filter(|[.., alpha]| *alpha == 0).all(|pixel| *pixel == [0; 4]));
}

#[test]
fn grey_pictures_are_decoded() {
    for file in [&include_bytes!("../../sample/grey.avif")[..], include_bytes!("../../sample/grey.heic")] {
        let (_, raster) = decoded(file).unwrap();
        let (pixels, _) = raster.data.as_chunks::<3>();
        assert!(pixels.iter().all(|[r, g, b]| r.abs_diff(*g) < 3 && g.abs_diff(*b) < 3));
    }
}

#[test]
fn cut_and_broken_files_are_refused_and_never_panic() {
    for (file, ..) in SAMPLES {
        for end in 0..file.len() {
            assert!(decoded(&file[..end]).is_err(), "cut at {end}");
            let mut broken = file.to_vec();
            broken[end] ^= u8::try_from(1 + end % 255).unwrap();
            drop(decoded(&broken));
        }
    }
}

#[test]
fn a_huge_claim_costs_nothing() {
    let mut file = include_bytes!("../../sample/full.avif").to_vec();
    let at = file.windows(4).position(|window| window == b"ispe").unwrap() + 8;
    file[at..at + 8].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
    assert!(matches!(decoded(&file).unwrap_err(), Refusal::TooManyPixels { .. }));
}
