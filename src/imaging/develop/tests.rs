use libjpeg_turbo_rs::PixelFormat;

use super::super::{Format, sample};
use super::*;

fn developed(file: &[u8]) -> Developed {
    develop(file, &Limits::default(), &Preset::standard()).unwrap()
}

fn near(seen: [u8; 3], wanted: [u8; 3]) -> bool {
    seen.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 25)
}

#[test]
fn every_format_becomes_jpegs_of_the_right_size() {
    for (file, format) in [
        (sample::jpeg(900, 600), Format::Jpeg),
        (sample::png(900, 600), Format::Png),
        (sample::gif(900, 600, 2), Format::Gif),
        (sample::webp(900, 600), Format::Webp),
    ] {
        let made = developed(&file);
        assert_eq!((made.format, made.width, made.height), (format, 900, 600));
        let sizes: Vec<_> = made.renditions.iter().map(|r| (&*r.name, r.width, r.height)).collect();
        assert_eq!(sizes, [("thumb", 320, 213), ("small", 640, 427), ("medium", 900, 600)]);
        for rendition in &made.renditions {
            let image = libjpeg_turbo_rs::decompress(&rendition.bytes).unwrap();
            assert_eq!((image.width, image.height), (rendition.width as usize, rendition.height as usize));
            assert!(near(sample::pixel(&rendition.bytes, 3, 3), [2, 4, 40]), "{rendition:?}");
        }
        assert!(super::super::average_colour(&made.placeholder).is_some());
    }
}

#[test]
fn orientation_is_applied_to_size_and_pixels() {
    // Where the dark corner, stored at the top left, is seen.
    let (left, right, top, bottom) = (3, 5, 3, 5);
    for (value, size, x, y) in [
        (1, (600, 400), left, top),
        (2, (600, 400), right, top),
        (3, (600, 400), right, bottom),
        (4, (600, 400), left, bottom),
        (5, (400, 600), left, top),
        (6, (400, 600), right, top),
        (7, (400, 600), right, bottom),
        (8, (400, 600), left, bottom),
    ] {
        let rgb = sample::rgb(600, 400);
        let exif = sample::exif(value, false);
        let file = sample::encoder(&rgb, 600, 400, PixelFormat::Rgb).exif_data(&exif).encode().unwrap();
        let made = developed(&file);
        assert_eq!((made.width, made.height), size);
        let thumb = &made.renditions[0];
        assert_eq!((thumb.width > thumb.height), size.0 > size.1);
        let place = |side: u32, at: usize| if at == 3 { 3 } else { side as usize - 4 };
        let corner = sample::pixel(&thumb.bytes, place(thumb.width, x), place(thumb.height, y));
        assert!(near(corner, [3, 3, 40]), "{value}: {corner:?}");
    }
}

#[test]
fn alpha_is_laid_on_white() {
    let clear = [0; 64 * 64 * 4];
    let file = sample::png_of(&clear, 64, 64, image::ExtendedColorType::Rgba8);
    assert_eq!(sample::pixel(&developed(&file).renditions[0].bytes, 30, 30), [255; 3]);
}

#[test]
fn a_profile_changes_the_pixels_and_is_not_handed_on() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let green = [60, 220, 60].repeat(64 * 64);
    let plain = sample::encoder(&green, 64, 64, PixelFormat::Rgb);
    let tagged = sample::encoder(&green, 64, 64, PixelFormat::Rgb).icc_profile(&profile);
    let plain = developed(&plain.encode().unwrap()).renditions.remove(0).bytes;
    let tagged = developed(&tagged.encode().unwrap()).renditions.remove(0).bytes;
    assert!(sample::pixel(&tagged, 9, 9)[0] < sample::pixel(&plain, 9, 9)[0]);
    assert!(!tagged.windows(11).any(|window| window == b"ICC_PROFILE"));
}

#[test]
fn extreme_shapes_and_no_presets_are_fine() {
    for (width, height) in [(1, 1), (1, 3000), (3000, 1)] {
        let made = developed(&sample::png(width, height));
        assert!(made.renditions.iter().all(|rendition| rendition.width > 0 && rendition.height > 0));
    }
    let made = develop(&sample::png(30, 20), &Limits::default(), &[]).unwrap();
    assert!(made.renditions.is_empty() && !made.placeholder.is_empty());
}

#[test]
fn changed_bytes_never_panic() {
    let files = [
        sample::jpeg(60, 40),
        sample::png(60, 40),
        sample::gif(60, 40, 2),
        sample::animated_webp(60, 40, 4, 4, 2),
    ];
    for file in files {
        for at in 0..file.len() {
            let mut broken = file.clone();
            broken[at] ^= u8::try_from(1 + at % 255).unwrap();
            // Either answer is right, as long as there is one.
            drop(develop(&broken, &Limits::default(), &Preset::standard()));
        }
    }
}

#[test]
fn a_huge_header_costs_nothing() {
    let mut png = sample::png(4, 4);
    png[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let refused = develop(&png, &Limits::default(), &Preset::standard()).unwrap_err();
    assert_eq!(refused.code(), "image-too-large");
}
