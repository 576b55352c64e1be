use super::Place;
use crate::imaging::raster::{Kind, Raster};

/// Draws a mark with opacity onto a picture, once or all over it.
pub(super) fn at(picture: &mut Raster, mark: &Raster, place: Place, opacity: f32) {
    let free = (
        i64::from(picture.width) - i64::from(mark.width),
        i64::from(picture.height) - i64::from(mark.height),
    );
    let margin = i64::from(mark.height) / 2;
    let near = |free: i64| margin.min(free / 2).max(0);
    let (left, top, right, bottom) =
        (near(free.0), near(free.1), free.0 - near(free.0), free.1 - near(free.1));
    let mut put = |x: i64, y: i64| blend(picture, mark, (x, y), opacity);
    match place {
        Place::BottomRight => put(right, bottom),
        Place::BottomLeft => put(left, bottom),
        Place::TopRight => put(right, top),
        Place::TopLeft => put(left, top),
        Place::Centre => put(free.0 / 2, free.1 / 2),
        Place::Tiled => {
            let (wide, high) = (i64::from(mark.width), i64::from(mark.height));
            let size = (free.0 + wide, free.1 + high);
            if size.0 <= wide * 2 || size.1 <= high * 2 {
                return put(free.0 / 2, free.1 / 2);
            }
            // Every other row begins half a step further left.
            for (row, y) in (0..).zip((margin..size.1.max(margin + 1)).step_by(steps(high * 4))) {
                let start = if row % 2 == 0 { margin } else { margin - wide * 3 / 4 };
                for x in (start..size.0.max(start + 1)).step_by(steps(wide * 3 / 2)) {
                    put(x, y);
                }
            }
        }
    }
}

fn steps(length: i64) -> usize {
    usize::try_from(length).unwrap_or(1).max(1)
}

/// Lays the part of a mark that is inside the picture over it.
fn blend(picture: &mut Raster, mark: &Raster, (x, y): (i64, i64), opacity: f32) {
    let channels = picture.kind.channels();
    let stride = picture.width as usize * channels;
    let (pixels, _) = mark.data.as_chunks::<4>();
    let rows = pixels.chunks_exact(mark.width.max(1) as usize).enumerate();
    let inside = |start: i64| (usize::try_from(start).unwrap_or(0), usize::try_from(-start).unwrap_or(0));
    let ((left, cut_left), (top, cut_top)) = (inside(x), inside(y));
    for (nth, row) in rows.skip(cut_top) {
        let Some(line) = picture.data.chunks_exact_mut(stride).nth(top + nth - cut_top) else { return };
        let places = line.chunks_exact_mut(channels).skip(left);
        for (place, &source) in places.zip(row.iter().skip(cut_left)) {
            over(place, source, opacity, picture.kind);
        }
    }
}

/// One pixel over another (Porter and Duff).
fn over(place: &mut [u8], [r, g, b, alpha]: [u8; 4], opacity: f32, kind: Kind) {
    let share = f32::from(alpha) / 255.0 * opacity;
    let below = match (kind, &*place) {
        (Kind::Rgba, [.., alpha]) => f32::from(*alpha) / 255.0 * (1.0 - share),
        _ => 1.0 - share,
    };
    let total = share + below;
    if total <= 0.0 {
        return;
    }
    for (channel, colour) in place.iter_mut().zip([r, g, b]) {
        *channel = byte((f32::from(colour) * share + f32::from(*channel) * below) / total);
    }
    if let (Kind::Rgba, [.., alpha]) = (kind, place) {
        *alpha = byte(total * 255.0);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte first")]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
