//! What a file says about how its picture was taken, for its owner. What cannot be read is not there.

use galerra_core::{Facts, Location};

use super::Format;
use super::sniff::{Chunks, Cursor, jpeg_marker, jpeg_segment};
use super::tiff::{Entry, Tiff};

/// Longest text of a fact.
const LONGEST: usize = 100;

/// Reads the facts of a file whose headers have been accepted.
pub(crate) fn read(bytes: &[u8], format: Format) -> Facts {
    let exif = match format {
        Format::Jpeg => of_jpeg(bytes),
        Format::Png => of_png(bytes),
        Format::Webp => Chunks::of_file(bytes).find(|(kind, _)| kind == b"EXIF").map(|(_, body)| body),
        Format::Gif | Format::Avif | Format::Heic => None,
    };
    exif.and_then(Tiff::of_exif).map(of_exif).unwrap_or_default()
}

fn of_jpeg(bytes: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(2).ok()?;
    loop {
        match jpeg_marker(&mut cursor).ok()? {
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            0xda | 0xd9 => return None,
            marker => {
                let segment = jpeg_segment(&mut cursor).ok()?;
                if marker == 0xe1 && segment.starts_with(b"Exif\0\0") {
                    return Some(segment);
                }
            }
        }
    }
}

fn of_png(bytes: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(8).ok()?;
    loop {
        let length = usize::try_from(cursor.u32_be().ok()?).ok()?;
        let kind: [u8; 4] = cursor.array().ok()?;
        let body = cursor.take(length).ok()?;
        cursor.take(4).ok()?;
        if &kind == b"eXIf" {
            return Some(body);
        }
    }
}

pub(super) fn of_exif(tiff: Tiff<'_>) -> Facts {
    let main: Vec<Entry<'_>> = tiff.first().into_iter().flat_map(|at| tiff.directory(at)).collect();
    let inside =
        |tag| -> Vec<Entry<'_>> { find(&main, tag).into_iter().flat_map(Entry::directory).collect() };
    let (photo, place) = (inside(0x8769), inside(0x8825));
    Facts {
        taken: taken(&photo),
        camera: camera(text(&main, 0x010f), text(&main, 0x0110)),
        lens: text(&photo, 0xa434),
        exposure: exposure(&photo),
        location: location(&place),
    }
}

fn find<'a>(entries: &[Entry<'a>], tag: u16) -> Option<Entry<'a>> {
    entries.iter().find(|entry| entry.tag == tag).copied()
}

fn text(entries: &[Entry<'_>], tag: u16) -> Option<String> {
    find(entries, tag)?.text().map(|text| text.chars().take(LONGEST).collect())
}

fn fraction(entries: &[Entry<'_>], tag: u16) -> Option<f64> {
    find(entries, tag)?.fraction(0)
}

/// `2024:05:03 12:00:00` as ISO 8601 writes it, with the zone if the file has one.
fn taken(photo: &[Entry<'_>]) -> Option<String> {
    let written = text(photo, 0x9003)?;
    let shaped = |text: &str, shape: &str| {
        let fits =
            |(letter, place): (u8, u8)| if place == b'0' { letter.is_ascii_digit() } else { letter == place };
        text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
    };
    let part = |range: std::ops::Range<usize>| written.get(range).and_then(|part| part.parse::<u32>().ok());
    let within = |range, least, most| part(range).is_some_and(|part| (least..=most).contains(&part));
    let day = within(0..4, 1, 9999) && within(5..7, 1, 12) && within(8..10, 1, 31);
    let moment = within(11..13, 0, 23) && within(14..16, 0, 59) && within(17..19, 0, 60);
    if !shaped(&written, "0000:00:00 00:00:00") || !day || !moment {
        return None;
    }
    let (date, time) = written.split_once(' ')?;
    let zone = text(photo, 0x9011).filter(|zone| shaped(zone, "+00:00") || shaped(zone, "-00:00"));
    Some(format!("{}T{time}{}", date.replace(':', "-"), zone.unwrap_or_default()))
}

/// Maker and model, without saying the maker twice.
fn camera(maker: Option<String>, model: Option<String>) -> Option<String> {
    match (maker, model) {
        (Some(maker), Some(model)) if model.to_lowercase().starts_with(&maker.to_lowercase()) => Some(model),
        (Some(maker), Some(model)) => Some(format!("{maker} {model}").chars().take(LONGEST).collect()),
        (maker, model) => model.or(maker),
    }
}

/// Such as `1/250 s f/2.8 ISO 400 35 mm`.
fn exposure(photo: &[Entry<'_>]) -> Option<String> {
    let sensible = |value: &f64| (0.00001..=100_000.0).contains(value);
    let time = fraction(photo, 0x829a).filter(sensible).map(|seconds| {
        if seconds < 0.3 { format!("1/{:.0} s", 1.0 / seconds) } else { format!("{seconds} s") }
    });
    let aperture = fraction(photo, 0x829d).filter(sensible).map(|stop| format!("f/{stop:.1}"));
    let sensitivity = find(photo, 0x8827).and_then(Entry::number).map(|iso| format!("ISO {iso}"));
    let length = fraction(photo, 0x920a).filter(sensible).map(|length| format!("{length:.0} mm"));
    let parts: Vec<String> = [time, aperture, sensitivity, length].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn location(place: &[Entry<'_>]) -> Option<Location> {
    let degrees = |tag: u16, most: f64| {
        let entry = find(place, tag)?;
        let parts = [entry.fraction(0)?, entry.fraction(1).unwrap_or(0.0), entry.fraction(2).unwrap_or(0.0)];
        let [whole, minutes, seconds] = parts;
        Some(whole + minutes / 60.0 + seconds / 3600.0).filter(|degrees| (0.0..=most).contains(degrees))
    };
    let sign = |tag: u16, negative: &str| {
        if text(place, tag).is_some_and(|letter| letter.eq_ignore_ascii_case(negative)) { -1.0 } else { 1.0 }
    };
    let below = find(place, 0x0005).and_then(Entry::byte) == Some(1);
    let altitude = fraction(place, 0x0006).filter(|metres| *metres < 100_000.0);
    Some(Location {
        latitude: sign(0x0001, "S") * degrees(0x0002, 90.0)?,
        longitude: sign(0x0003, "W") * degrees(0x0004, 180.0)?,
        altitude: altitude.map(|metres| if below { -metres } else { metres }),
    })
}

#[cfg(test)]
mod tests;
