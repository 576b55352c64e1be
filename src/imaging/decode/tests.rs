use image::ExtendedColorType;
use libjpeg_turbo_rs::PixelFormat;

use super::*;
use crate::imaging::sample;
use crate::imaging::sniff::{Extent, inspect};

fn decoded(file: &[u8]) -> Decoded {
    let limits = Limits::default();
    let header = inspect(file, Extent::Whole, &limits, 2048).unwrap();
    decode(file, &header, &limits, 2048).unwrap()
}

#[test]
fn png_colours_come_down_to_eight_bits_on_white() {
    for (colour, data, kind, seen) in [
        (ExtendedColorType::L8, &[7][..], Kind::Grey, &[7][..]),
        (ExtendedColorType::La8, &[0, 0], Kind::Grey, &[255]),
        (ExtendedColorType::La8, &[9, 255], Kind::Grey, &[9]),
        (ExtendedColorType::Rgb8, &[1, 2, 3], Kind::Rgb, &[1, 2, 3]),
        (ExtendedColorType::Rgba8, &[1, 2, 3, 255], Kind::Rgbx, &[1, 2, 3, 255]),
        (ExtendedColorType::Rgba8, &[0, 0, 0, 128], Kind::Rgbx, &[127, 127, 127, 128]),
    ] {
        let raster = decoded(&sample::png_of(data, 1, 1, colour)).raster;
        assert_eq!((raster.kind, &raster.data[..]), (kind, seen), "{colour:?}");
    }
    let deep: Vec<u8> = [0x1234_u16, 0x5678, 0x9abc].iter().flat_map(|value| value.to_ne_bytes()).collect();
    let raster = decoded(&sample::png_of(&deep, 1, 1, ExtendedColorType::Rgb16)).raster;
    assert_eq!((raster.kind, &raster.data[..]), (Kind::Rgb, &[0x12, 0x56, 0x9a][..]));
}

#[test]
fn hidden_colours_of_transparent_pixels_are_gone() {
    let data = [200, 10, 10, 0].repeat(16);
    for file in [
        sample::png_of(&data, 4, 4, ExtendedColorType::Rgba8),
        sample::webp_of(&data, 4, 4, ExtendedColorType::Rgba8),
    ] {
        let raster = decoded(&file).raster;
        assert!(raster.data.chunks(4).all(|pixel| pixel[..3] == [255; 3]));
    }
}

#[test]
fn a_small_frame_lies_where_its_animation_says() {
    let raster = decoded(&sample::animated_webp(40, 40, 20, 10, 2)).raster;
    let channels = raster.kind.channels();
    let pixel = |x: usize, y: usize| &raster.data[(y * 40 + x) * channels..][..3];
    assert_eq!(pixel(19, 12), [255; 3]);
    assert_eq!(pixel(20, 10), [0, 0, 40]);
    assert_eq!(pixel(39, 29)[2], 40);
    assert_eq!(pixel(20, 30), [255; 3]);
}

#[test]
fn the_first_frame_of_a_gif_is_taken() {
    let raster = decoded(&sample::gif(20, 10, 3)).raster;
    assert_eq!((raster.width, raster.height, raster.kind), (20, 10, Kind::Rgbx));
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
            let raster = decoded(&file).raster;
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
        let header = inspect(&file, Extent::Whole, &limits, 2048).unwrap();
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
        let header = inspect(file, Extent::Whole, &limits, 2048).unwrap();
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
    let raster = decoded(&[&gif[..at], &packet, &gif[at..]].concat()).raster;
    assert_eq!((raster.width, raster.height), (16, 16));
}
