use data_encoding::BASE64;

use super::Refusal;
use super::preset::fit;
use super::raster::Raster;

/// Longest edge that `ThumbHash` takes.
const EDGE: u32 = 100;

/// The `ThumbHash` of an RGB picture, base64.
pub(crate) fn of(raster: &Raster) -> Result<String, Refusal> {
    let (width, height) = fit(raster.width, raster.height, EDGE);
    let small = raster.resized(width, height)?;
    let (pixels, _) = small.data.as_chunks::<3>();
    let rgba: Vec<u8> = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    Ok(BASE64.encode(&thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &rgba)))
}

/// The average colour of a placeholder as CSS, such as `#aabbcc`.
///
/// `None` when the text is not a placeholder.
#[must_use]
pub fn average_colour(placeholder: &str) -> Option<String> {
    let hash = BASE64.decode(placeholder.as_bytes()).ok()?;
    // A hash with alpha is read one byte further than the library checks.
    if hash.len() < 6 {
        return None;
    }
    let (red, green, blue, _) = thumbhash::thumb_hash_to_average_rgba(&hash).ok()?;
    Some(format!("#{:02x}{:02x}{:02x}", byte(red), byte(green), byte(blue)))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte first")]
fn byte(share: f32) -> u8 {
    (share * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::super::raster::Kind;
    use super::*;

    fn flat(width: u32, height: u32, colour: [u8; 3]) -> Raster {
        Raster { width, height, kind: Kind::Rgb, data: colour.repeat((width * height) as usize) }
    }

    #[test]
    fn the_average_of_a_flat_picture_is_its_colour() {
        for (colour, expected) in [([255, 0, 0], [255, 0, 0]), ([20, 130, 60], [20, 130, 60])] {
            let css = average_colour(&of(&flat(300, 200, colour)).unwrap()).unwrap();
            let value = u32::from_str_radix(css.strip_prefix('#').unwrap(), 16).unwrap().to_be_bytes();
            for (seen, wanted) in value[1..].iter().zip(expected) {
                assert!(seen.abs_diff(wanted) < 12, "{css}");
            }
        }
    }

    #[test]
    fn extreme_shapes_have_one_too() {
        for (width, height) in [(1, 1), (1, 20_000), (20_000, 1), (100, 100)] {
            assert!(average_colour(&of(&flat(width, height, [9, 9, 9])).unwrap()).is_some());
        }
    }

    #[test]
    fn other_texts_have_none() {
        for text in ["", "!", "not base64", "AAAA", "AAAAAA==", "//////8="] {
            assert_eq!(average_colour(text), None, "{text}");
        }
        // All bits set, with alpha.
        assert!(average_colour("////////").is_some());
    }
}
