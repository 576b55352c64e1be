use data_encoding::BASE64;

use super::Refusal;
use super::preset::fit;
use super::raster::{Kind, Raster};

/// Longest edge that `ThumbHash` takes.
pub(crate) const EDGE: u32 = 100;

/// The `ThumbHash` of an RGB or RGBA picture, base64, and its dominant colour as CSS.
pub(crate) fn of(raster: &Raster) -> Result<(String, String), Refusal> {
    let (width, height) = fit(raster.width, raster.height, EDGE);
    let small = raster.resized(width, height)?;
    let rgba: Vec<u8> = match small.kind {
        Kind::Rgba => small.data,
        _ => small.data.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect(),
    };
    let hash = thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &rgba);
    Ok((BASE64.encode(&hash), dominant(&rgba)))
}

/// The mean of the most frequent of 512 colours: what a viewer would say the picture is.
fn dominant(rgba: &[u8]) -> String {
    // For each colour: how many pixels, and the sums of their channels.
    let mut bins = vec![[0_u32; 4]; 512];
    let (pixels, _) = rgba.as_chunks::<4>();
    for &[r, g, b, _] in pixels.iter().filter(|[.., alpha]| *alpha >= 128) {
        let place = usize::from(r >> 5) << 6 | usize::from(g >> 5) << 3 | usize::from(b >> 5);
        if let Some(bin) = bins.get_mut(place) {
            for (sum, value) in bin.iter_mut().zip([1, u32::from(r), u32::from(g), u32::from(b)]) {
                *sum += value;
            }
        }
    }
    let [count, sums @ ..] = bins.into_iter().max_by_key(|bin| bin[0]).unwrap_or_default();
    let [r, g, b] = sums.map(|sum| (sum + count / 2).checked_div(count).unwrap_or(255));
    format!("#{r:02x}{g:02x}{b:02x}")
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
    use super::*;

    fn flat(width: u32, height: u32, colour: [u8; 3]) -> Raster {
        Raster { width, height, kind: Kind::Rgb, data: colour.repeat((width * height) as usize) }
    }

    #[test]
    fn the_average_of_a_flat_picture_is_its_colour() {
        for (colour, expected) in [([255, 0, 0], [255, 0, 0]), ([20, 130, 60], [20, 130, 60])] {
            let css = average_colour(&of(&flat(300, 200, colour)).unwrap().0).unwrap();
            let value = u32::from_str_radix(css.strip_prefix('#').unwrap(), 16).unwrap().to_be_bytes();
            for (seen, wanted) in value[1..].iter().zip(expected) {
                assert!(seen.abs_diff(wanted) < 12, "{css}");
            }
        }
    }

    #[test]
    fn the_dominant_colour_is_one_that_is_there() {
        let mut picture = flat(100, 100, [10, 20, 200]);
        picture.data[..9000].fill(250);
        assert_eq!(of(&picture).unwrap().1, "#0a14c8");
        let clear = Raster { width: 2, height: 2, kind: Kind::Rgba, data: vec![0; 16] };
        assert_eq!(of(&clear).unwrap().1, "#ffffff");
    }

    #[test]
    fn extreme_shapes_have_one_too() {
        for (width, height) in [(1, 1), (1, 20_000), (20_000, 1), (100, 100)] {
            assert!(average_colour(&of(&flat(width, height, [9, 9, 9])).unwrap().0).is_some());
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
