use crate::imaging::raster::{Kind, Raster};

/// A decoded picture as its file has it: brightness, and colours at their own resolution.
#[derive(Debug)]
pub(crate) struct Planes {
    /// The picture's size at this scale.
    pub(super) width: usize,
    /// The picture's size at this scale.
    pub(super) height: usize,
    /// One of grey, or Y, Cb and Cr.
    pub(super) components: Vec<Plane>,
}

/// The samples of one component, whole blocks, of which the picture covers a part from the top left.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) data: Vec<u8>,
    pub(super) stride: usize,
    /// Pixels of the picture for each sample, across and down: one or two.
    pub(super) pixels: (usize, usize),
}

impl Plane {
    /// A plane of `width` samples a row, with `room` for as many behind them.
    pub(super) fn new(width: usize, height: usize, room: usize, pixels: (usize, usize)) -> Self {
        let stride = width + room;
        Self { data: vec![0; stride * height], stride, pixels }
    }

    /// The samples from a place on.
    #[inline]
    pub(super) fn rows_from(&mut self, x: usize, y: usize) -> &mut [u8] {
        self.data.get_mut(y * self.stride + x..).unwrap_or_default()
    }

    /// A row of samples of `covered` width; rows outside are those at the edge.
    fn row(&self, y: usize, covered: usize) -> &[u8] {
        let last = (self.data.len() / self.stride.max(1)).saturating_sub(1);
        let start = y.min(last) * self.stride;
        self.data.get(start..start + covered).unwrap_or_default()
    }

    /// The samples for the pixels of row `y`, as many as the picture is wide: those between two samples are mixed
    /// three to one, which is where JFIF places them.
    fn upsampled(&self, y: usize, height: usize, row: &mut [u8], mixed: &mut Vec<u16>) {
        let (across, down) = self.pixels;
        let covered = row.len().div_ceil(across);
        let near = self.row(y / down, covered);
        if (across, down) == (1, 1) {
            row.copy_from_slice(near);
            return;
        }
        let last = height.div_ceil(down).saturating_sub(1);
        let far = match (down, y % 2) {
            (1, _) => near,
            (_, 0) => self.row((y / down).saturating_sub(1), covered),
            _ => self.row((y / down + 1).min(last), covered),
        };
        mixed.clear();
        mixed.extend(near.iter().zip(far).map(|(&near, &far)| 3 * u16::from(near) + u16::from(far)));
        if across == 1 {
            row.iter_mut().zip(mixed.iter()).for_each(|(to, sum)| *to = byte((sum + 2) >> 2));
        } else {
            widened(mixed, row);
        }
    }
}

/// What is known to fit.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "means of bytes are bytes")]
fn byte(mean: u16) -> u8 {
    mean as u8
}

/// Twice as many samples, from sums of four.
fn widened(sums: &[u16], row: &mut [u8]) {
    let before = sums.first().into_iter().chain(sums);
    let after = sums.iter().skip(1).chain(sums.last());
    for (pair, ((&sum, &left), &right)) in row.chunks_mut(2).zip(sums.iter().zip(before).zip(after)) {
        let mix = [byte((3 * sum + left + 8) >> 4), byte((3 * sum + right + 7) >> 4)];
        pair.iter_mut().zip(mix).for_each(|(to, from)| *to = from);
    }
}

impl Planes {
    /// The picture in grey or RGB.
    pub(crate) fn interleaved(self) -> Raster {
        let (width, height) = (self.width, self.height);
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (kind, data) = match <[Plane; 3]>::try_from(self.components) {
            Ok(planes) => (Kind::Rgb, rgb(&planes, width, height)),
            Err(one) => (Kind::Grey, one.first().map(|grey| grey.cut(width, height)).unwrap_or_default()),
        };
        Raster { width: side(width), height: side(height), kind, data }
    }
}

impl Plane {
    fn cut(&self, width: usize, height: usize) -> Vec<u8> {
        (0..height).flat_map(|y| self.row(y, width)).copied().collect()
    }
}

fn rgb(planes: &[Plane; 3], width: usize, height: usize) -> Vec<u8> {
    let mut data = vec![0; width * height * 3];
    let mut rows = [vec![0; width], vec![0; width], vec![0; width]];
    let mut mixed = Vec::with_capacity(width);
    for (y, line) in data.chunks_exact_mut(width * 3).enumerate() {
        for (plane, row) in planes.iter().zip(&mut rows) {
            plane.upsampled(y, height, row, &mut mixed);
        }
        let [luma, blue, red] = &rows;
        let (pixels, _) = line.as_chunks_mut::<3>();
        for (pixel, ((&y, &cb), &cr)) in pixels.iter_mut().zip(luma.iter().zip(blue).zip(red)) {
            *pixel = colour(y, cb, cr);
        }
    }
    data
}

/// From the colours of JFIF (ITU-T T.871) to RGB, in 65536ths; the half rounds.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte first")]
fn colour(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = ((i32::from(y) << 16) | (1 << 15), i32::from(cb) - 128, i32::from(cr) - 128);
    [y + 91_881 * cr, y - 22_554 * cb - 46_802 * cr, y + 116_130 * cb]
        .map(|sum| (sum >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_jfif() {
        for (ycc, rgb) in [
            ([0, 128, 128], [0; 3]),
            ([255, 128, 128], [255; 3]),
            ([76, 85, 255], [254, 0, 0]),
            ([150, 44, 21], [0, 255, 1]),
            ([29, 255, 107], [0, 0, 254]),
        ] {
            assert_eq!(colour(ycc[0], ycc[1], ycc[2]), rgb);
        }
    }

    #[test]
    fn samples_between_are_mixed() {
        let plane = Plane { data: vec![0, 100, 9, 200, 40, 9], stride: 3, pixels: (2, 2) };
        let mut row = vec![0; 4];
        let at = |y| {
            plane.upsampled(y, 4, &mut row, &mut Vec::new());
            row.clone()
        };
        let rows: Vec<Vec<u8>> = (0..4).map(at).collect();
        assert_eq!(rows, [[0, 25, 75, 100], [50, 59, 76, 85], [150, 126, 79, 55], [200, 160, 80, 40]]);
        let odd = Plane { data: vec![7, 8, 99], stride: 3, pixels: (2, 1) };
        let mut row = vec![0; 3];
        odd.upsampled(0, 1, &mut row, &mut Vec::new());
        assert_eq!(row, [7, 7, 8]);
    }
}
