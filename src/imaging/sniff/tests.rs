use libjpeg_turbo_rs::PixelFormat;

use super::*;
use crate::imaging::sample;

fn whole(bytes: &[u8]) -> Result<Header, Refusal> {
    inspect(bytes, Extent::Whole, &Limits::default())
}

fn head(bytes: &[u8]) -> Result<Header, Refusal> {
    inspect(bytes, Extent::Head, &Limits::default())
}

fn samples() -> Vec<Vec<u8>> {
    vec![
        sample::jpeg(70, 50),
        sample::png(70, 50),
        sample::gif(70, 50, 1),
        sample::webp(70, 50),
        sample::animated_webp(70, 50, 2, 4, 2),
    ]
}

fn too_many(what: &str, refused: Result<Header, Refusal>) {
    match refused {
        Err(Refusal::TooManyPixels { what: text }) => assert!(text.contains(what), "{text}"),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn size_and_end_are_read_from_every_format() {
    for mut file in samples() {
        let length = file.len();
        file.extend(b"<script>trailer</script>");
        let header = whole(&file).unwrap();
        assert_eq!((header.width, header.height, header.end), (70, 50, length), "{header:?}");
    }
}

#[test]
fn every_cut_is_refused_and_every_head_is_fine() {
    for file in samples() {
        for end in 12..file.len() {
            assert_eq!(whole(&file[..end]), Err(Refusal::Truncated), "cut at {end} of {}", file.len());
            assert!(head(&file[..end]).is_ok(), "head of {end}");
        }
    }
}

#[test]
fn other_content_is_unsupported() {
    let others: [&[u8]; 7] = [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"II*\0\x08\0\0\0",
        b"BM1234",
        b"some text",
        b"RIFF\x04\0\0\0WAVE",
        b"\xff\xd8",
    ];
    for bytes in others {
        assert_eq!(whole(bytes), Err(Refusal::Unsupported));
    }
    assert_eq!(whole(b""), Err(Refusal::Empty));
    let small = Limits { bytes: 3, ..Limits::default() };
    assert_eq!(inspect(b"1234", Extent::Head, &small), Err(Refusal::TooLarge { limit: 3 }));
}

#[test]
fn huge_sizes_are_refused_from_the_first_bytes() {
    let mut png = sample::png(4, 4);
    png[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    too_many("longest side", head(&png[..33]));
    let mut gif = sample::gif(4, 4, 1);
    gif[6..10].fill(0xff);
    too_many("longest side", head(&gif[..13]));
    let mut jpeg = sample::jpeg(4, 4);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    too_many("pixels", head(&jpeg));
    let mut webp = sample::webp(4, 4);
    webp[21..25].copy_from_slice(&[0xff, 0xff, 0xff, 0x0f]);
    too_many("pixels", head(&webp[..30]));
}

#[test]
fn a_first_frame_counts_like_the_screen() {
    let mut gif = sample::gif(8, 8, 1);
    let frame = gif.windows(5).position(|window| window == [b',', 0, 0, 0, 0]).unwrap();
    gif[frame + 5..frame + 9].fill(0xff);
    too_many("longest side", head(&gif));
}

#[test]
fn frames_are_counted() {
    assert_eq!(whole(&sample::gif(8, 8, 5)).unwrap().frames, 5);
    assert_eq!(whole(&sample::animated_webp(8, 8, 0, 0, 5)).unwrap().frames, 5);
    too_many("frames", whole(&sample::gif(2, 2, 301)));
    too_many("frames", whole(&sample::animated_webp(8, 8, 0, 0, 301)));
    let png = sample::png(8, 8);
    assert_eq!(whole(&sample::with_chunk(&png, *b"acTL", &[0, 0, 0, 9, 0, 0, 0, 0])).unwrap().frames, 9);
    too_many("frames", head(&sample::with_chunk(&png, *b"acTL", &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])));
}

#[test]
fn a_webp_frame_stays_on_its_canvas() {
    assert!(whole(&sample::animated_webp(40, 40, 20, 20, 1)).is_ok());
    assert_eq!(whole(&sample::animated_webp(40, 40, 22, 20, 1)), Err(Refusal::Corrupt));
}

#[test]
fn scans_are_counted() {
    let rgb = sample::rgb(64, 64);
    let file = sample::encoder(&rgb, 64, 64, PixelFormat::Rgb).progressive(true).encode().unwrap();
    let header = whole(&file).unwrap();
    assert_eq!(header.scans, 10);
    let start = file.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let body = &file[start..file.len() - 2];
    let bomb = [&file[..start], &body.repeat(7)].concat();
    too_many("scans", whole(&bomb));
}

#[test]
fn unusual_jpegs_are_told_apart() {
    let file = sample::jpeg(16, 16);
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let changed = |at: usize, value: u8| {
        let mut file = file.clone();
        file[frame + at] = value;
        whole(&file).unwrap_err()
    };
    assert!(matches!(changed(4, 12), Refusal::UnsupportedCoding { .. }));
    assert!(matches!(changed(1, 0xc3), Refusal::UnsupportedCoding { .. }));
    assert!(matches!(changed(1, 0xc9), Refusal::UnsupportedCoding { .. }));
    assert_eq!(changed(9, 2), Refusal::Corrupt);
    assert_eq!(changed(11, 0x50), Refusal::Corrupt);
}

#[test]
fn orientation_is_read_from_every_format() {
    let exif = sample::exif(6, true);
    let rgb = sample::rgb(30, 20);
    let jpeg = sample::encoder(&rgb, 30, 20, PixelFormat::Rgb).exif_data(&exif).encode().unwrap();
    let png = sample::with_chunk(&sample::png(30, 20), *b"eXIf", &exif);
    let mut webp = sample::webp(30, 20);
    webp.extend([b"EXIF", &u32::try_from(exif.len()).unwrap().to_le_bytes()[..], &exif].concat());
    let webp = sample::riff(&webp[12..]);
    for file in [jpeg, png, webp] {
        assert_eq!(whole(&file).unwrap().seen_size(), (20, 30));
    }
}

#[test]
fn the_scale_is_the_smallest_that_covers() {
    for (longest, edge, eighths) in [
        (6000, 2048, 3),
        (4096, 2048, 4),
        (4095, 2048, 4),
        (4094, 2048, 8),
        (16_384, 2048, 1),
        (500, 2048, 8),
    ] {
        assert_eq!(Sampling::eighths(&LIBRARY_SCALES, longest, 10, edge), eighths, "{longest} for {edge}");
    }
}
