use image::ExtendedColorType;
use libjpeg_turbo_rs::PixelFormat;

use super::*;
use crate::imaging::sample;
use crate::imaging::sniff::{Extent, inspect};

fn decoded(file: &[u8]) -> Decoded {
    let limits = Limits::default();
    let header = inspect(file, Extent::Whole, &limits).unwrap();
    decode(file, &header, &limits, 2048).unwrap()
}

/// The picture at its own size.
fn raster(file: &[u8]) -> Raster {
    let header = inspect(file, Extent::Whole, &Limits::default()).unwrap();
    decoded(file).raster.into_resized(header.width, header.height).unwrap()
}

#[test]
fn png_colours_come_down_to_eight_bits() {
    for (colour, data, kind, seen) in [
        (ExtendedColorType::L8, &[7][..], Kind::Grey, &[7][..]),
        (ExtendedColorType::La8, &[9, 0], Kind::Rgba, &[0, 0, 0, 0]),
        (ExtendedColorType::La8, &[9, 77], Kind::Rgba, &[9, 9, 9, 77]),
        (ExtendedColorType::La8, &[9, 255], Kind::Rgb, &[9, 9, 9]),
        (ExtendedColorType::Rgb8, &[1, 2, 3], Kind::Rgb, &[1, 2, 3]),
        (ExtendedColorType::Rgba8, &[1, 2, 3, 255], Kind::Rgb, &[1, 2, 3]),
        (ExtendedColorType::Rgba8, &[7, 0, 0, 128], Kind::Rgba, &[7, 0, 0, 128]),
    ] {
        let raster = raster(&sample::png_of(data, 1, 1, colour));
        assert_eq!((raster.kind, &raster.data[..]), (kind, seen), "{colour:?}");
    }
    let deep: Vec<u8> = [0x1234_u16, 0x5678, 0x9abc].iter().flat_map(|value| value.to_ne_bytes()).collect();
    let raster = raster(&sample::png_of(&deep, 1, 1, ExtendedColorType::Rgb16));
    assert_eq!((raster.kind, &raster.data[..]), (Kind::Rgb, &[0x12, 0x56, 0x9a][..]));
}

#[test]
fn hidden_colours_of_transparent_pixels_are_gone() {
    let data = [200, 10, 10, 0].repeat(16);
    for file in [
        sample::png_of(&data, 4, 4, ExtendedColorType::Rgba8),
        sample::webp_of(&data, 4, 4, ExtendedColorType::Rgba8),
    ] {
        let raster = raster(&file);
        assert_eq!(raster.data, [0; 64]);
    }
}

#[test]
fn a_small_frame_lies_where_its_animation_says() {
    let raster = raster(&sample::animated_webp(40, 40, 20, 10, 2));
    let channels = raster.kind.channels();
    let pixel = |x: usize, y: usize| &raster.data[(y * 40 + x) * channels..][..3];
    assert_eq!(raster.kind, Kind::Rgba);
    assert_eq!(pixel(19, 12), [0; 3]);
    assert_eq!(pixel(20, 10), [0, 0, 40]);
    assert_eq!(pixel(39, 29)[2], 40);
    assert_eq!(pixel(20, 30), [0; 3]);
}

#[test]
fn the_first_frame_of_a_gif_is_taken() {
    let raster = raster(&sample::gif(20, 10, 3));
    assert_eq!((raster.width, raster.height, raster.kind), (20, 10, Kind::Rgb));
}

#[test]
fn jpegs_of_every_colour_are_decoded() {
    let rgb = sample::rgb(64, 48);
    for (format, data, kind) in [
        (PixelFormat::Grayscale, vec![99; 64 * 48], Kind::Grey),
        (PixelFormat::Rgb, rgb, Kind::Rgb),
        (PixelFormat::Cmyk, vec![50; 64 * 48 * 4], Kind::InvertedCmyk),
    ] {
        // The encoder writes no progressive CMYK.
        for progressive in [false, kind != Kind::InvertedCmyk] {
            let encoder = sample::encoder(&data, 64, 48, format).progressive(progressive);
            let file = encoder.write_adobe_marker(kind == Kind::InvertedCmyk).encode().unwrap();
            let raster = raster(&file);
            assert_eq!((raster.width, raster.height, raster.kind), (64, 48, kind));
        }
    }
}

#[test]
fn large_jpegs_are_decoded_at_a_smaller_scale() {
    let file = sample::jpeg(4400, 20);
    let raster = decoded(&file).raster;
    assert_eq!((raster.width, raster.height), (2200, 10));
}

#[test]
fn a_jpeg_that_lacks_rows_is_refused_even_with_an_end() {
    let whole = sample::jpeg(256, 256);
    let limits = Limits::default();
    for share in [40, 60, 90] {
        let mut file = whole[..whole.len() * share / 100].to_vec();
        while file.last() == Some(&0xff) {
            file.pop();
        }
        file.extend([0xff, 0xd9]);
        let header = inspect(&file, Extent::Whole, &limits).unwrap();
        assert!(decode(&file, &header, &limits, 2048).is_err(), "cut at {share} %");
    }
}

#[test]
fn profiles_are_found_in_every_format() {
    use image::ImageEncoder;
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let rgb = sample::rgb(20, 20);
    let jpeg = sample::encoder(&rgb, 20, 20, PixelFormat::Rgb).icc_profile(&profile).encode().unwrap();
    let mut png = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
    encoder.set_icc_profile(profile.clone()).unwrap();
    encoder.write_image(&rgb, 20, 20, ExtendedColorType::Rgb8).unwrap();
    let mut webp = Vec::new();
    let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut webp);
    encoder.set_icc_profile(profile.clone()).unwrap();
    encoder.write_image(&rgb, 20, 20, ExtendedColorType::Rgb8).unwrap();
    for file in [jpeg, png, webp] {
        assert_eq!(decoded(&file).profile.as_ref(), Some(&profile));
    }
}

#[test]
fn a_whole_file_that_lacks_pixels_is_refused() {
    let limits = Limits::default();
    let refused = |file: &[u8]| {
        let header = inspect(file, Extent::Whole, &limits).unwrap();
        decode(file, &header, &limits, 2048).unwrap_err()
    };
    // A GIF without the last half of its pixels, ended as it should.
    let gif = sample::gif(64, 64, 1);
    let start = gif.windows(9).position(|w| w == [b',', 0, 0, 0, 0, 64, 0, 64, 0]).unwrap();
    let table = if gif[start + 9] & 0x80 == 0 { 0 } else { 3 << ((gif[start + 9] & 7) + 1) };
    let blocks = start + 11 + table;
    let first = usize::from(gif[blocks]) + 1;
    refused(&[&gif[..blocks + first], &[0, b';']].concat());
    // A PNG whose stream ends early: the length of its only data chunk is halved.
    let png = sample::png(64, 64);
    let data = png.windows(4).position(|w| w == b"IDAT").unwrap();
    let length = u32::from_be_bytes(png[data - 4..data].try_into().unwrap()) / 2;
    let kept = data + 4 + usize::try_from(length).unwrap();
    refused(
        &[&png[..data - 4], &length.to_be_bytes(), &png[data..kept], &[0; 4], &png[png.len() - 12..]]
            .concat(),
    );
    // A WebP whose only chunk says that it is half as long.
    let webp = sample::webp(64, 64);
    let length = u32::from_le_bytes(webp[16..20].try_into().unwrap()) / 2;
    let kept = 20 + usize::try_from(length).unwrap();
    refused(&sample::riff(&[b"VP8L", &length.to_le_bytes()[..], &webp[20..kept]].concat()));
}

#[test]
fn an_xmp_packet_in_a_gif_is_stepped_over() {
    let gif = sample::gif(16, 16, 1);
    let at = 13 + if gif[10] & 0x80 == 0 { 0 } else { 3 << ((gif[10] & 7) + 1) };
    let trailer: Vec<u8> = [1].into_iter().chain((0..=255).rev()).chain([0]).collect();
    let packet = [b"!\xff\x0bXMP DataXMP", &b"<x:xmpmeta secret/>"[..], &trailer].concat();
    let raster = raster(&[&gif[..at], &packet, &gif[at..]].concat());
    assert_eq!((raster.width, raster.height), (16, 16));
}

#[test]
fn our_own_decoder_agrees_with_the_library() {
    use libjpeg_turbo_rs::Subsampling;
    let rgb = sample::rgb(1210, 806);
    for (subsampling, restarts) in [
        (Subsampling::S444, 0),
        (Subsampling::S422, 0),
        (Subsampling::S420, 0),
        (Subsampling::S440, 0),
        (Subsampling::S420, 7),
    ] {
        let encoder = sample::encoder(&rgb, 1210, 806, PixelFormat::Rgb).subsampling(subsampling);
        let encoder = if restarts > 0 { encoder.restart_blocks(restarts) } else { encoder };
        let file = encoder.encode().unwrap();
        let whole = libjpeg_turbo_rs::decompress_to(&file, PixelFormat::Rgb).unwrap().data;
        let whole = Raster { width: 1210, height: 806, kind: Kind::Rgb, data: whole };
        for edge in [100, 300, 400, 600, 750] {
            let header = inspect(&file, Extent::Whole, &Limits::default()).unwrap();
            let ours = decode(&file, &header, &Limits::default(), edge).unwrap().raster;
            assert!(ours.width >= edge && ours.width < 1210);
            let wanted = whole.resized(ours.width, ours.height).unwrap();
            let worst = ours.data.iter().zip(&wanted.data).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst < 12, "{subsampling:?} {restarts} at {edge}: {worst}");
        }
    }
}

#[test]
fn grey_jpegs_are_scaled_too() {
    let grey: Vec<u8> = sample::rgb(1200, 800).chunks(3).map(|pixel| pixel[0]).collect();
    let file = sample::encoder(&grey, 1200, 800, PixelFormat::Grayscale).encode().unwrap();
    let header = inspect(&file, Extent::Whole, &Limits::default()).unwrap();
    let small = decode(&file, &header, &Limits::default(), 300).unwrap().raster;
    assert_eq!((small.width, small.height, small.kind), (300, 200, Kind::Grey));
    assert!(small.data[150].abs_diff(127) < 4, "{}", small.data[150]);
}

#[test]
fn a_scaled_jpeg_that_lacks_bits_is_refused() {
    let whole = sample::jpeg(1210, 806);
    let limits = Limits::default();
    for share in [40, 60, 90, 99] {
        let mut file = whole[..whole.len() * share / 100].to_vec();
        while file.last() == Some(&0xff) {
            file.pop();
        }
        file.extend([0xff, 0xd9]);
        let header = inspect(&file, Extent::Whole, &limits).unwrap();
        assert_eq!(decode(&file, &header, &limits, 300).unwrap_err(), Refusal::Truncated, "cut at {share} %");
    }
}
