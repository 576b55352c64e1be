use libjpeg_turbo_rs::PixelFormat;

use super::super::{Format, sample};
use super::*;
use crate::imaging::preset::{Preset, Size};
use galerra_core::Focal;

fn jpegs() -> Recipe {
    let presets = Preset::standard().into_iter().map(|preset| preset.with_formats(&[Format::Jpeg]));
    Recipe::new(presets.collect()).unwrap()
}

fn bytes(rendition: &Rendered) -> &[u8] {
    rendition.bytes.as_ref().unwrap()
}

fn developed(file: &[u8]) -> Developed {
    develop(file, &Limits::default(), &jpegs(), &Order::default()).unwrap()
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
        let (stills, moving): (Vec<_>, Vec<_>) =
            made.renditions.iter().partition(|r| r.format == Format::Jpeg);
        let sizes: Vec<_> = stills.iter().map(|r| (&*r.name, r.width, r.height)).collect();
        assert_eq!(sizes, [("thumb", 320, 213), ("small", 640, 427), ("medium", 900, 600)]);
        assert_eq!(moving.len(), usize::from(format == Format::Gif));
        assert!(moving.iter().all(|r| (&*r.name, r.format, r.width) == ("animation", Format::Gif, 900)));
        for rendition in stills {
            let image = libjpeg_turbo_rs::decompress(bytes(rendition)).unwrap();
            assert_eq!((image.width, image.height), (rendition.width as usize, rendition.height as usize));
            assert!(near(sample::pixel(bytes(rendition), 3, 3), [2, 4, 40]), "{rendition:?}");
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
        let corner = sample::pixel(bytes(thumb), place(thumb.width, x), place(thumb.height, y));
        assert!(near(corner, [3, 3, 40]), "{value}: {corner:?}");
    }
}

#[test]
fn alpha_is_laid_on_white() {
    let clear = [0; 64 * 64 * 4];
    let file = sample::png_of(&clear, 64, 64, image::ExtendedColorType::Rgba8);
    assert_eq!(sample::pixel(bytes(&developed(&file).renditions[0]), 30, 30), [255; 3]);
}

#[test]
fn a_profile_changes_the_pixels_and_is_not_handed_on() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let green = [60, 220, 60].repeat(64 * 64);
    let plain = sample::encoder(&green, 64, 64, PixelFormat::Rgb);
    let tagged = sample::encoder(&green, 64, 64, PixelFormat::Rgb).icc_profile(&profile);
    let plain = developed(&plain.encode().unwrap()).renditions.remove(0).bytes.unwrap();
    let tagged = developed(&tagged.encode().unwrap()).renditions.remove(0).bytes.unwrap();
    assert!(sample::pixel(&tagged, 9, 9)[0] < sample::pixel(&plain, 9, 9)[0]);
    assert!(!tagged.windows(11).any(|window| window == b"ICC_PROFILE"));
}

#[test]
fn extreme_shapes_and_lazy_presets_are_fine() {
    for (width, height) in [(1, 1), (1, 3000), (3000, 1)] {
        let made = developed(&sample::png(width, height));
        assert!(made.renditions.iter().all(|rendition| rendition.width > 0 && rendition.height > 0));
    }
    let lazy = Preset { when: When::Lazy, ..Preset::new("later", 100) };
    let recipe = Recipe::new(vec![lazy]).unwrap();
    let made = develop(&sample::png(300, 200), &Limits::default(), &recipe, &Order::default()).unwrap();
    assert!(made.renditions[0].bytes.is_none() && !made.placeholder.is_empty());
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
            drop(develop(&broken, &Limits::default(), &jpegs(), &Order::default()));
        }
    }
}

#[test]
fn a_huge_header_costs_nothing() {
    let mut png = sample::png(4, 4);
    png[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let refused = develop(&png, &Limits::default(), &jpegs(), &Order::default()).unwrap_err();
    assert_eq!(refused.code(), "image-too-large");
}

#[test]
fn what_is_ordered_is_made_and_the_rest_is_planned() {
    let lazy = Preset { when: When::Lazy, ..Preset::new("later", 200) };
    let recipe = Recipe::new(vec![Preset::new("now", 100), lazy]).unwrap();
    let file = sample::jpeg(600, 400);
    let made = |want| {
        let order = Order { want, ..Order::default() };
        let made = develop(&file, &Limits::default(), &recipe, &order).unwrap();
        let sizes: Vec<_> = made.renditions.iter().map(|r| (r.width, r.height)).collect();
        assert_eq!(sizes, [(100, 67), (200, 133)]);
        made.renditions.iter().map(|r| r.bytes.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(made(Want::Eager), [true, false]);
    assert_eq!(made(Want::Files(vec!["later.jpg".into()])), [false, true]);
    assert_eq!(made(Want::Files(vec!["other.jpg".into()])), [false, false]);
}

#[test]
fn a_cover_shows_the_part_around_its_focal_point_turned_upright() {
    let square = Preset { size: Size::Cover(50, 50), ..Preset::new("square", 1) };
    let recipe = Recipe::new(vec![square]).unwrap();
    let rgb = sample::rgb(600, 300);
    for (orientation, (x, y), seen) in [
        // Red grows rightwards, green downwards.
        (1, (0.0, 0.5), [64, 128, 40]),
        (1, (1.0, 0.5), [191, 128, 40]),
        // Turned by a quarter: what was at the left is at the top.
        (6, (0.5, 0.0), [64, 128, 40]),
        (6, (0.5, 1.0), [191, 128, 40]),
    ] {
        let exif = sample::exif(orientation, true);
        let file = sample::encoder(&rgb, 600, 300, PixelFormat::Rgb).exif_data(&exif).encode().unwrap();
        let order = Order { focal: Focal::at(x, y).unwrap(), ..Order::default() };
        let made = develop(&file, &Limits::default(), &recipe, &order).unwrap();
        assert_eq!((made.renditions[0].width, made.renditions[0].height), (50, 50));
        let middle = sample::pixel(bytes(&made.renditions[0]), 25, 25);
        assert!(near(middle, seen), "{orientation} {x} {y}: {middle:?}");
    }
}

#[test]
fn recipes_name_what_is_wrong_with_a_preset() {
    let wide = Preset { size: Size::Inside(10, 9000), ..Preset::new("a", 1) };
    let coarse = Preset { quality: Some(0), ..Preset::new("a", 1) };
    for (preset, wrong) in [
        (Preset::new("A", 1), "name"),
        (Preset::new("master", 1), "stands for"),
        (Preset::new("a", 0), "sides"),
        (wide, "sides"),
        (coarse, "quality"),
        (Preset::new("a", 1).with_formats(&[]), "no format"),
        (Preset::new("a", 1).with_formats(&[Format::Png]), "JPEG, WebP or AVIF"),
        (Preset::new("a", 1).with_formats(&[Format::Jpeg, Format::Jpeg]), "same format"),
    ] {
        let refused = Recipe::new(vec![preset]).unwrap_err().to_string();
        assert!(refused.contains(wrong), "{refused}");
    }
    assert!(Recipe::new(Vec::new()).is_err());
    let prints = [Recipe::new(vec![Preset::new("a", 1)]), Recipe::new(vec![Preset::new("a", 2)])];
    let [one, two] = prints.map(|recipe| recipe.unwrap().fingerprint());
    assert_ne!(one, two);
}

#[test]
fn memory_above_the_limit_is_refused_before_decoding() {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let refused = develop(&sample::png(600, 600), &limits, &jpegs(), &Order::default()).unwrap_err();
    assert!(refused.to_string().contains("memory"), "{refused}");
}

#[test]
fn a_watermark_is_on_the_renditions_that_ask_for_it_alone() {
    let mark = serde_json::from_str::<crate::imaging::Watermark>(r#"{"text":"Ada","opacity":1,"size":0.3}"#);
    let stamp = mark.unwrap().prepared().unwrap();
    let marked = Preset { marked: true, ..Preset::new("guests", 300) };
    let presets = vec![Preset::new("clean", 300), marked];
    assert!(Recipe::new(presets.clone()).unwrap_err().to_string().contains("watermark"));
    let recipe = Recipe::with_watermark(presets, stamp).unwrap();
    let file = sample::jpeg(600, 400);
    let order =
        |want| develop(&file, &Limits::default(), &recipe, &Order { want, ..Order::default() }).unwrap();
    let made = order(Want::Eager);
    let white = |bytes: &[u8]| {
        let data = libjpeg_turbo_rs::decompress(bytes).unwrap().data;
        // There is little blue in the picture.
        data.into_iter().skip(2).step_by(3).filter(|blue| *blue > 200).count()
    };
    let shown: Vec<bool> = made.renditions.iter().map(|made| white(bytes(made)) > 500).collect();
    assert_eq!(shown, [false, true]);
    let master = order(Want::Master).master.unwrap();
    assert!(master.exact && white(&master.bytes) < 500);
}
