use super::Cursor;
use crate::imaging::Format;

/// Brands that a file may name before ours.
const MAX_BRANDS: usize = 64;

/// Tells AVIF and HEIC by the brands in the first box of a file.
pub(super) fn format(bytes: &[u8]) -> Option<Format> {
    let mut cursor = Cursor::new(bytes);
    let length = usize::try_from(cursor.u32_be().ok()?).ok()?;
    if cursor.array().ok()? != *b"ftyp" {
        return None;
    }
    let major = cursor.array().ok()?;
    if let Some(format) = of(major) {
        return Some(format);
    }
    // A brand that says no more than that there is a picture.
    if !matches!(&major, b"mif1" | b"mif2" | b"msf1" | b"miaf") {
        return None;
    }
    let others = bytes.get(16..).unwrap_or_default();
    let others = others.get(..length.saturating_sub(16)).unwrap_or(others);
    let (others, _) = others.as_chunks::<4>();
    others.iter().take(MAX_BRANDS).find_map(|&brand| of(brand)).or(Some(Format::Heic))
}

fn of(brand: [u8; 4]) -> Option<Format> {
    match &brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some(Format::Heic),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_tell_the_format() {
        for (first, format) in [
            (&b"\0\0\0\x1cftypavif\0\0\0\0mif1"[..], Some(Format::Avif)),
            (b"\0\0\0\x1cftypavis", Some(Format::Avif)),
            (b"\0\0\0\x18ftypheic", Some(Format::Heic)),
            (b"\0\0\0\x18ftypheix", Some(Format::Heic)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Some(Format::Avif)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some(Format::Heic)),
            (b"\0\0\0\x14ftypmif1\0\0\0\0mif1avif", Some(Format::Heic)),
            (b"\0\0\0\x18ftypisom\0\0\0\0avifavif", None),
            (b"\0\0\0\x18ftypqt  ", None),
            (b"\0\0\0\x18ftyp", None),
            (b"\0\0\0\x18wide", None),
        ] {
            assert_eq!(super::format(first), format, "{first:?}");
        }
    }
}
