//! Tiny files of every format and coding, and texts of every grammar.

use std::fs;

use data_encoding::BASE64;
use image::ExtendedColorType;
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use super::mutate::crc;
use crate::imaging::preset::Gamut;
use crate::imaging::{colour, sample};

/// What a target starts from: a name and bytes.
pub(super) type Seed = (String, Vec<u8>);

const W: u32 = 40;
const H: u32 = 24;

/// A lossy WebP, as libwebp wrote it.
const LOSSY: &str = "UklGRmYAAABXRUJQVlA4IFoAAAAwBACdASooABgAP83e4Wi/v761qrgN+/A5iWwArDNohlAusHfq8aTZt7AA/tzwZ\
    linc9Ii/bcZuXN+5DELO9OQG+coCI+YwrdJODubReq4GqahDEJEUD5VQAA=";
/// The same with opacity.
const LOSSY_ALPHA: &str = "UklGRuwAAABXRUJQVlA4WAoAAAAQAAAAJwAAFwAAQUxQSGgAAAARL6CgbRs2VDKfwBYRgR93YBBJipxIyEkgElgJ\
    h4Tg38u7SIjoP9mkTYprD3lyp+0rU6KGkTTRy4HTqDsTrIC+j8nsLgA2vzclyrgbDe9dJgtG30vsoUa05vfWnw+Ur/j03vJIF3zFAVZ\
    QOCBeAAAA0AMAnQEqKAAYAD/N2t9mv7a9NCqt+/A5iWwAnTL2ingjEcwt/84AAP7a6eBvYssa1j/AqS4UFAdDXggne5AFaLbYxTxYN07\
    LgtbH3FgEPCh3Jyu3mBEFPLDbkwgAAA==";

/// Images of every format; with `GALERRA_HOSTILE` also its files below 64 KiB.
pub(super) fn images() -> Vec<Seed> {
    [jpegs(), pngs(), gifs(), webps(), hostile()].concat()
}

/// Texts as they come in URLs, headers and forms.
pub(super) fn texts() -> Vec<Seed> {
    let bare = "0123456789abcdefghijklmnop";
    let body = "Az09-_".repeat(8);
    let mut texts: Vec<String> =
        ["acc_", "gal_", "img_", "shr_", "era_", "evt_"].map(|kind| format!("{kind}{bare}")).into();
    texts.extend(["gk_", "go_", "gs_"].map(|kind| format!("{kind}{}", &body[..43])));
    let others = [
        "acc_0/image/gal_0/img_0",
        "lease/00000000000000000000.img_0",
        "acc_0/",
        "i-0123456789abcdefghijklmnop",
        "Tom's \u{202e}title\n of two lines",
        "../../C:\\photos\\holiday.jpg",
        "name.of-a_person",
        "someone@example.org",
        "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        "\"a, b; hit\"; fwd=uri-miss; fwd-status=410; stored, edge; hit; ttl=-3",
        "edge; fwd=stale, other; hit=?0; detail=\"\\\"\"",
    ];
    texts.extend(others.map(str::to_owned));
    texts.into_iter().enumerate().map(|(nth, text)| (format!("text-{nth}"), text.into_bytes())).collect()
}

fn jpegs() -> Vec<Seed> {
    let rgb = sample::rgb(W, H);
    let grey: Vec<u8> = rgb.iter().step_by(3).copied().collect();
    let inks: Vec<u8> = rgb.chunks(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 20]).collect();
    let colour = || sample::encoder(&rgb, W, H, PixelFormat::Rgb);
    let profile = colour::profile_of(Gamut::P3).unwrap();
    let exif = sample::exif(6, true);
    let made = |name: &str, encoder: Encoder<'_>| (format!("{name}.jpg"), encoder.encode().unwrap());
    let mut seeds = vec![
        made("baseline", colour()),
        made("progressive", colour().progressive(true)),
        made("s420", colour().subsampling(Subsampling::S420)),
        made("s411-progressive", colour().subsampling(Subsampling::S411).progressive(true)),
        made("s440", colour().subsampling(Subsampling::S440)),
        made("restarts", colour().restart_blocks(2)),
        made("restarts-progressive", colour().restart_rows(1).progressive(true)),
        made("huffman", colour().optimize_huffman(true)),
        made("profile", colour().icc_profile(&profile)),
        made("exif", colour().exif_data(&exif).comment("c").xmp_data(b"<x/>")),
        made("grey", sample::encoder(&grey, W, H, PixelFormat::Grayscale)),
        made("grey-progressive", sample::encoder(&grey, W, H, PixelFormat::Grayscale).progressive(true)),
        made("cmyk", sample::encoder(&inks, W, H, PixelFormat::Cmyk)),
        made("cmyk-adobe", sample::encoder(&inks, W, H, PixelFormat::Cmyk).write_adobe_marker(true)),
    ];
    // Codings that the encoder does not write: what the frame header says is changed instead.
    let frame = seeds[0].1.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    for (name, at, value) in
        [("arithmetic", 1, 0xc9), ("lossless", 1, 0xc3), ("deep", 4, 12), ("odd-factors", 11, 0x31)]
    {
        let mut file = seeds[0].1.clone();
        file[frame + at] = value;
        seeds.push((format!("{name}.jpg"), file));
    }
    seeds.push(("second.jpg".to_owned(), [&seeds[0].1[..], &seeds[1].1, b"trailer"].concat()));
    seeds
}

/// PNGs of every colour type and depth, with arbitrary samples in stored blocks and every row filter.
fn pngs() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (colour, depths) in
        [(0, &[1, 2, 4, 8, 16][..]), (2, &[8, 16]), (3, &[1, 2, 4, 8]), (4, &[8, 16]), (6, &[8, 16])]
    {
        for &depth in depths {
            for interlaced in 0..=1 {
                seeds.push((format!("c{colour}-d{depth}-i{interlaced}.png"), png(colour, depth, interlaced)));
            }
        }
    }
    let plain = sample::png(W, H);
    let more = |kind: [u8; 4], body: &[u8]| [&plain[..33], &png_chunk(kind, body), &plain[33..]].concat();
    seeds.push(("exif.png".to_owned(), more(*b"eXIf", &sample::exif(5, false))));
    seeds.push(("text.png".to_owned(), more(*b"tEXt", b"Comment\0c")));
    seeds.push(("gamma.png".to_owned(), more(*b"gAMA", &45_455_u32.to_be_bytes())));
    let profile = [b"p\0\0", &zlib(&colour::profile_of(Gamut::P3).unwrap())[..]].concat();
    seeds.push(("profile.png".to_owned(), more(*b"iCCP", &profile)));
    seeds.push(("animated.png".to_owned(), animated_png(&plain)));
    seeds.push(("plain.png".to_owned(), plain));
    seeds
}

fn png(colour: u8, depth: u8, interlaced: u8) -> Vec<u8> {
    let channels = [1, 0, 3, 1, 2, 0, 4][usize::from(colour)];
    let header = [&W.to_be_bytes()[..], &H.to_be_bytes(), &[depth, colour, 0, 0, interlaced]].concat();
    let passes: &[[u32; 4]] = match interlaced {
        0 => &[[0, 0, 1, 1]],
        _ => &[
            [0, 0, 8, 8],
            [4, 0, 8, 8],
            [0, 4, 4, 8],
            [2, 0, 4, 4],
            [0, 2, 2, 4],
            [1, 0, 2, 2],
            [0, 1, 1, 2],
        ],
    };
    let rows = passes.iter().flat_map(|&[x, y, across, down]| {
        let length = ((W - x).div_ceil(across) * channels * u32::from(depth)).div_ceil(8);
        let row = move |nth: u32| (0..=length).map(move |at| if at == 0 { nth % 5 } else { at * 5 + nth });
        (0..(H - y).div_ceil(down)).flat_map(row)
    });
    let rows: Vec<u8> = rows.map(|value| u8::try_from(value % 256).unwrap()).collect();
    let palette = match colour {
        3 => png_chunk(*b"PLTE", &sample::rgb(1 << depth, 1)),
        _ => Vec::new(),
    };
    let clear = match colour {
        0 => png_chunk(*b"tRNS", &[0, 1]),
        2 => png_chunk(*b"tRNS", &[0, 5, 0, 10, 0, 15]),
        3 => png_chunk(*b"tRNS", &[0, 128]),
        _ => Vec::new(),
    };
    let (head, data) = (png_chunk(*b"IHDR", &header), png_chunk(*b"IDAT", &zlib(&rows)));
    [b"\x89PNG\r\n\x1a\n", &head[..], &palette, &clear, &data, &png_chunk(*b"IEND", b"")].concat()
}

/// Two frames, of which the first is the still picture.
fn animated_png(plain: &[u8]) -> Vec<u8> {
    let control = |nth: u32| {
        let sizes = [nth, W, H, 0, 0].map(u32::to_be_bytes).concat();
        png_chunk(*b"fcTL", &[&sizes[..], &[0, 1, 0, 10, 0, 0]].concat())
    };
    let count = png_chunk(*b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    let (head, rest) = plain.split_at(33);
    let (data, end) = rest.split_at(rest.len() - 12);
    let frame = png_chunk(*b"fdAT", &[&[0, 0, 0, 2], &data[8..data.len() - 4]].concat());
    [head, &count, &control(0), data, &control(1), &frame, end].concat()
}

fn png_chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&kind[..], body].concat();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &named, &crc(&named).to_be_bytes()].concat()
}

/// A zlib stream of one stored block.
fn zlib(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    let (a, b) = data.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    let sum = (b << 16 | a).to_be_bytes();
    [&[0x78, 1, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data, &sum].concat()
}

fn gifs() -> Vec<Seed> {
    let still = sample::gif(W, H, 1);
    let descriptor = [&[b',', 0, 0, 0, 0][..], &40_u16.to_le_bytes(), &24_u16.to_le_bytes()].concat();
    let place = still.windows(9).position(|window| window == descriptor).unwrap();
    let with = |at: usize, value: u8| {
        let mut file = still.clone();
        file[place + at] = value;
        file
    };
    vec![
        ("interlaced.gif".to_owned(), with(9, still[place + 9] | 0x40)),
        ("shifted.gif".to_owned(), with(1, 4)),
        ("narrow.gif".to_owned(), with(5, 20)),
        ("animated.gif".to_owned(), sample::gif(W, H, 3)),
        ("still.gif".to_owned(), still),
    ]
}

fn webps() -> Vec<Seed> {
    let rgba: Vec<u8> = sample::rgb(W, H).chunks(3).flat_map(|p| [p[0], p[1], p[2], p[0]]).collect();
    let lossy = BASE64.decode(LOSSY.as_bytes()).unwrap();
    let extended = |flags: u8, kind: &[u8; 4], body: &[u8]| {
        let mut file = crate::imaging::riff::Riff::new();
        file.push_extended(flags, W, H);
        file.push(*b"VP8 ", &lossy[20..]);
        file.push(*kind, body);
        file.finished().unwrap()
    };
    let profile = colour::profile_of(Gamut::P3).unwrap();
    let seeds = [
        ("lossless", sample::webp(W, H)),
        ("lossless-alpha", sample::webp_of(&rgba, W, H, ExtendedColorType::Rgba8)),
        ("lossy-alpha", BASE64.decode(LOSSY_ALPHA.as_bytes()).unwrap()),
        ("animated", sample::animated_webp(W, H, 2, 4, 3)),
        ("exif", extended(0x08, b"EXIF", &sample::exif(8, false))),
        ("profile", extended(0x20, b"ICCP", &profile)),
        ("lossy", lossy.clone()),
    ];
    seeds.into_iter().map(|(name, file)| (format!("{name}.webp"), file)).collect()
}

fn hostile() -> Vec<Seed> {
    let Some(folder) = std::env::var_os("GALERRA_HOSTILE") else { return Vec::new() };
    let folder = std::path::Path::new(&folder);
    let folder = if folder.join("gen").is_dir() { folder.join("gen") } else { folder.to_owned() };
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let small =
        files.filter(|path| path.metadata().is_ok_and(|file| file.is_file() && file.len() < 64 << 10));
    let mut paths: Vec<_> = small.collect();
    paths.sort();
    let named = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(path).unwrap())
    };
    paths.into_iter().map(named).collect()
}
