//! The imaging pipeline from outside: real photographs, hostile files, and what the renditions must not hold.
//!
//! `GALERRA_PHOTOS`, `GALERRA_HOSTILE` and `GALERRA_BOMBS` name folders of files; what is not set is not run.
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use galerra::imaging::{Limits, Preset, Recipe, Size, average_colour, develop};
use galerra_core::{Developed, Format, Order, Refusal, Rendered};
use libjpeg_turbo_rs::PixelFormat;
use serde_json::Value;

fn developed(bytes: &[u8]) -> Result<Developed, Refusal> {
    develop(bytes, &Limits::default(), &Recipe::standard(), &Order::default())
}

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The files of the folder of photographs that this pipeline takes.
fn photos() -> Vec<PathBuf> {
    let all = folder("GALERRA_PHOTOS").map(|folder| files(&folder)).unwrap_or_default();
    all.into_iter()
        .filter(|path| {
            path.extension().is_some_and(|e| ["jpg", "png", "avif", "heic"].iter().any(|known| e == *known))
        })
        .collect()
}

/// The bytes of a rendition that was made with the upload.
fn bytes(rendition: &Rendered) -> &[u8] {
    rendition.bytes.as_deref().unwrap()
}

/// Only what a decoder needs, and nothing behind the end.
fn assert_clean(rendition: &Rendered) {
    match rendition.format {
        Format::Jpeg => assert_clean_jpeg(bytes(rendition)),
        Format::Webp => assert_clean_webp(bytes(rendition)),
        other => panic!("a rendition in {other:?}"),
    }
}

fn assert_clean_jpeg(jpeg: &[u8]) {
    assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
    let mut at = 2;
    loop {
        let marker = jpeg[at + 1];
        assert!(matches!(marker, 0xe0 | 0xdb | 0xc0 | 0xc4 | 0xda), "segment {marker:x}");
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if marker == 0xda {
            break;
        }
    }
    let end = jpeg[at..].windows(2).position(|pair| pair[0] == 0xff && pair[1] != 0).unwrap();
    assert_eq!(at + end + 2, jpeg.len(), "bytes behind the end");
}

fn assert_clean_webp(webp: &[u8]) {
    let number = |at: usize| u32::from_le_bytes(webp[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&webp[..4], number(4) + 8, &webp[8..12]), (&b"RIFF"[..], webp.len(), &b"WEBP"[..]));
    let mut at = 12;
    while at < webp.len() {
        let kind = &webp[at..at + 4];
        assert!(matches!(kind, b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH"), "chunk {kind:?}");
        at += 8 + number(at + 4).next_multiple_of(2);
    }
    assert_eq!(at, webp.len(), "bytes behind the end");
}

/// What holds of everything that is accepted.
fn assert_sound(made: &Developed) {
    let longest = made.width.max(made.height);
    assert_eq!(made.renditions[0].name, "thumb");
    assert!(average_colour(&made.placeholder).is_some());
    let presets = Preset::standard();
    for rendition in made.renditions.iter().filter(|rendition| rendition.name != "animation") {
        let preset = presets.iter().find(|preset| preset.name == rendition.name).unwrap();
        let Size::Edge(edge) = preset.size else { panic!("{preset:?}") };
        assert!(preset.formats.contains(&rendition.format));
        assert_eq!(rendition.width.max(rendition.height), edge.min(longest));
        assert_eq!(rendition.width >= rendition.height, made.width >= made.height);
        let picture = image::load_from_memory(bytes(rendition)).unwrap();
        assert_eq!((picture.width(), picture.height()), (rendition.width, rendition.height));
        assert_clean(rendition);
    }
    for format in [Format::Jpeg, Format::Webp] {
        let stills = made.renditions.iter().filter(|rendition| rendition.name != "animation");
        let alike = stills.filter(|rendition| rendition.format == format);
        let full = alike.filter(|rendition| rendition.width.max(rendition.height) == longest).count();
        assert!(full <= 1, "two renditions of the same size");
    }
}

/// Mean difference of two thumbs, in steps of 255.
fn distance(a: &Developed, b: &Developed) -> f64 {
    let pixels = |made: &Developed| libjpeg_turbo_rs::decompress(bytes(&made.renditions[0])).unwrap().data;
    let (a, b) = (pixels(a), pixels(b));
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(&b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    f64::from(u32::try_from(sum).unwrap()) / f64::from(u32::try_from(a.len()).unwrap())
}

#[test]
fn a_made_image_becomes_clean_renditions() {
    let pixels: Vec<u8> = (0..1500 * 1000 * 3)
        .map(|n: u32| u8::try_from(n.wrapping_mul(2_654_435_761) >> 26).unwrap())
        .collect();
    let file = libjpeg_turbo_rs::Encoder::new(&pixels, 1500, 1000, PixelFormat::Rgb)
        .exif_data(b"II*\0\x08\0\0\0\0\0secret")
        .xmp_data(b"secret")
        .comment("secret")
        .icc_profile(b"secret")
        .encode()
        .unwrap();
    let made = developed(&file).unwrap();
    assert_sound(&made);
    assert_eq!(made.renditions.iter().filter(|rendition| rendition.format == Format::Jpeg).count(), 4);
    assert!(made.renditions.iter().all(|rendition| !contains(bytes(rendition), b"secret")));
}

#[test]
fn photographs_are_developed() {
    for path in photos() {
        let bytes = std::fs::read(&path).unwrap();
        let made = developed(&bytes).unwrap_or_else(|refusal| panic!("{}: {refusal}", path.display()));
        assert_sound(&made);
        for share in [10, 50, 90, 99] {
            let cut = &bytes[..bytes.len() * share / 100];
            let refused = developed(cut).expect_err(&format!("{} cut at {share} %", path.display()));
            assert_eq!(refused, Refusal::Truncated, "{} cut at {share} %", path.display());
        }
    }
}

#[test]
fn the_eight_orientations_are_one_picture() {
    let turned: Vec<_> =
        photos().into_iter().filter(|path| path.to_string_lossy().contains("orient-")).collect();
    let made: Vec<_> = turned.iter().map(|path| developed(&std::fs::read(path).unwrap()).unwrap()).collect();
    for (path, other) in turned.iter().zip(&made) {
        assert_eq!((other.width, other.height), (made[0].width, made[0].height), "{}", path.display());
        let distance = distance(&made[0], other);
        assert!(distance < 3.0, "{}: {distance}", path.display());
    }
}

/// A photograph's name, and the mean colours of its cells, four across and three down.
type Cells = (&'static str, [[f64; 3]; 12]);

/// What `LittleCMS` 2 makes of photographs in sRGB, relative to white, with black-point compensation.
const BY_LCMS: [Cells; 3] = [
    (
        "seeding-p3-icc.jpg",
        [
            [140.7, 127.8, 85.0],
            [209.5, 185.3, 147.9],
            [192.9, 172.9, 136.3],
            [140.4, 128.3, 85.7],
            [68.1, 65.0, 28.2],
            [110.0, 90.9, 50.1],
            [84.7, 73.0, 34.4],
            [68.6, 62.5, 20.6],
            [26.7, 33.3, 6.6],
            [33.1, 37.6, 5.3],
            [29.6, 34.2, 8.4],
            [51.5, 48.6, 19.9],
        ],
    ),
    (
        "seeding-adobergb-icc.jpg",
        [
            [140.7, 127.9, 85.0],
            [209.4, 185.3, 147.9],
            [192.9, 173.0, 136.3],
            [140.3, 128.3, 85.7],
            [68.1, 65.0, 28.1],
            [110.0, 91.0, 50.1],
            [84.6, 73.1, 34.4],
            [68.5, 62.5, 20.5],
            [26.8, 33.2, 6.4],
            [33.1, 37.6, 5.1],
            [29.6, 34.2, 8.3],
            [51.4, 48.6, 19.7],
        ],
    ),
    (
        "seeding-cmyk-icc.jpg",
        [
            [135.2, 123.4, 76.8],
            [205.0, 182.4, 142.5],
            [188.5, 169.7, 128.2],
            [134.0, 122.7, 74.6],
            [66.0, 63.5, 25.8],
            [104.0, 85.5, 39.3],
            [77.9, 66.9, 20.9],
            [65.3, 59.6, 14.5],
            [26.8, 34.2, 10.5],
            [34.8, 39.7, 9.9],
            [31.8, 35.6, 12.3],
            [50.2, 47.5, 19.4],
        ],
    ),
];

#[test]
fn profiles_are_brought_to_one_colour_space() {
    let Some(folder) = folder("GALERRA_PHOTOS") else { return };
    for (name, wanted) in BY_LCMS {
        let Ok(file) = std::fs::read(folder.join(name)) else { continue };
        let made = developed(&file).unwrap();
        let large = made.renditions.iter().rfind(|rendition| rendition.format == Format::Jpeg).unwrap();
        let picture = image::load_from_memory(bytes(large)).unwrap().into_rgb8();
        for (cell, wanted) in cells(&picture).iter().zip(wanted) {
            let distance = difference(*cell, wanted);
            assert!(distance < 2.0, "{name}: {cell:.1?} for {wanted:?}, {distance:.2}");
        }
    }
}

/// The mean colours of a picture's cells.
fn cells(picture: &image::RgbImage) -> Vec<[f64; 3]> {
    let (width, height) = (picture.width(), picture.height());
    let mean = |row: u32, column: u32| {
        let across = width * column / 4..width * (column + 1) / 4;
        let down = height * row / 3..height * (row + 1) / 3;
        let count = f64::from((across.end - across.start) * (down.end - down.start));
        let pixels = down.flat_map(|y| across.clone().map(move |x| picture.get_pixel(x, y).0.map(f64::from)));
        pixels.fold([0.0; 3], |sum, pixel| [0, 1, 2].map(|n| sum[n] + pixel[n])).map(|sum| sum / count)
    };
    (0..3).flat_map(|row| (0..4).map(move |column| mean(row, column))).collect()
}

/// The distance of two colours of sRGB in CIE L*a*b* (Delta E of 1976).
fn difference(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (lab(a), lab(b));
    [0, 1, 2].map(|n| (a[n] - b[n]).powi(2)).iter().sum::<f64>().sqrt()
}

fn lab(srgb: [f64; 3]) -> [f64; 3] {
    let [red, green, blue] = srgb.map(|value| {
        let value = value / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let [x, y, z] = [
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
    ]
    .map(|share| if share > 0.008_856 { share.cbrt() } else { 7.787 * share + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn assert_no_canary(made: &Developed, canaries: &[Value]) {
    for canary in canaries.iter().map(|canary| canary.as_str().unwrap()) {
        let wide: Vec<u8> = canary.bytes().flat_map(|byte| [byte, 0]).collect();
        for rendition in &made.renditions {
            assert!(!contains(bytes(rendition), canary.as_bytes()), "{canary}");
            assert!(!contains(bytes(rendition), &wide), "{canary} in UTF-16");
        }
    }
}

#[test]
fn hostile_files_are_answered_as_they_should() {
    let Some(folder) = folder("GALERRA_HOSTILE") else { return };
    let bombs = self::folder("GALERRA_BOMBS");
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let mut asked = 0;
    for case in &cases {
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let path = match (text("file"), &bombs) {
            ("", None) => continue,
            ("", Some(bombs)) => bombs.join(text("name")),
            (file, _) => folder.join(file),
        };
        let bytes = std::fs::read(&path).unwrap();
        let start = Instant::now();
        let answer = developed(&bytes);
        let (id, time) = (text("id"), start.elapsed());
        let shown = answer.as_ref().map(|made| (made.width, made.height));
        println!("{:>6} ms {id}: {shown:?}", time.as_millis());
        assert!(time < Duration::from_secs(10), "{id} took {time:?}");
        match (text("expect"), text("prefer"), &answer) {
            ("accept", _, Err(_)) | ("refuse", _, Ok(_)) | (_, "refuse", Ok(_)) => panic!("{id}: {shown:?}"),
            (_, _, Ok(made)) => {
                assert_sound(made);
                assert_no_canary(made, case["canaries"].as_array().unwrap());
            }
            _ => {}
        }
        asked += 1;
    }
    println!("{asked} of {} cases", cases.len());
}
