use std::f64::consts::PI;
use std::hint::black_box;

/// The coefficients of a block, row by row; rows lie 4 or 8 apart.
pub(super) type Block = [f32; 64];

/// The inverse transform of the lowest `N` × `N` coefficients of a block of 8 × 8, which gives the block at the
/// scale of `N` eighths (ITU-T T.81 A.3.3, with `N` points in place of 8). Rows of `W` fill vector registers.
#[derive(Debug, Clone)]
pub(super) struct Idct<const N: usize, const W: usize> {
    /// For each frequency its share of each pixel.
    waves: [[f32; W]; N],
}

/// The level that a coefficient of zero stands for.
const LEVEL: f32 = 128.0;
/// The number from which on numbers are whole: what is added to it is rounded into its last bits.
const WHOLE: f32 = 8_388_608.0;

impl<const N: usize, const W: usize> Idct<N, W> {
    pub(super) fn new() -> Self {
        let mut waves = [[0.0; W]; N];
        for (frequency, wave) in waves.iter_mut().enumerate() {
            for (place, share) in wave.iter_mut().take(N).enumerate() {
                *share = share_of(N, frequency, place);
            }
        }
        // Not known to the compiler, which otherwise takes the sums apart and leaves the vectors.
        Self { waves: black_box(waves) }
    }

    /// Writes the `N` × `N` pixels of a block to the rows of a plane, and up to `W` of them to the right, which the
    /// next block overwrites.
    #[inline(always)]
    pub(super) fn write(&self, block: &Block, rows: &mut [u8], stride: usize) {
        let (coefficients, _) = block.as_chunks::<W>();
        let mut lines = [[0.0; W]; N];
        for (line, coefficients) in lines.iter_mut().zip(coefficients) {
            for (wave, coefficient) in self.waves.iter().zip(coefficients) {
                line.iter_mut().zip(wave).for_each(|(sum, share)| *sum += share * coefficient);
            }
        }
        let mut pixels = [[LEVEL; W]; N];
        for (y, row) in pixels.iter_mut().enumerate() {
            for (wave, line) in self.waves.iter().zip(&lines) {
                let share = wave.get(y).copied().unwrap_or_default();
                row.iter_mut().zip(line).for_each(|(sum, value)| *sum += share * value);
            }
        }
        let mut bytes = [[0; W]; N];
        let places = bytes.as_flattened_mut().iter_mut();
        places.zip(pixels.as_flattened()).for_each(|(to, from)| *to = byte(*from));
        put(bytes, rows, stride);
    }

    /// Writes the pixels of a block that has a mean value and nothing else.
    #[inline(always)]
    pub(super) fn write_flat(mean: f32, rows: &mut [u8], stride: usize) {
        put([[byte(mean / 8.0 + LEVEL); W]; N], rows, stride);
    }
}

#[inline(always)]
fn put<const N: usize, const W: usize>(bytes: [[u8; W]; N], rows: &mut [u8], stride: usize) {
    for (y, from) in bytes.into_iter().enumerate() {
        if let Some(to) = rows.get_mut(y * stride..).and_then(<[u8]>::first_chunk_mut) {
            *to = from;
        }
    }
}

/// Rounds to a byte; without the branches of a cast, so that rows become vector code.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "the last byte is what is wanted")]
fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 255.0) + WHOLE).to_bits() as u8
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers")]
fn share_of(points: usize, frequency: usize, place: usize) -> f32 {
    let (points, frequency, place) = (points as f64, frequency as f64, place as f64);
    let norm = if frequency == 0.0 { (1.0 / points).sqrt() } else { (2.0 / points).sqrt() };
    // The mean of a block of 8 points becomes that of one with fewer.
    let scale = (points / 8.0).sqrt();
    (scale * norm * ((2.0 * place + 1.0) * frequency * PI / (2.0 * points)).cos()) as f32
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    /// The forward transform of a block, in the plainest way.
    fn forward(pixels: &[[f64; 8]; 8]) -> Block {
        let mut block = [0.0; 64];
        for (v, u) in (0..8).flat_map(|v| (0..8).map(move |u| (v, u))) {
            let mut sum = 0.0;
            for (y, x) in (0..8).flat_map(|y| (0..8).map(move |x| (y, x))) {
                let wave = |place: usize, frequency: usize| {
                    ((2.0 * place as f64 + 1.0) * frequency as f64 * PI / 16.0).cos()
                };
                sum += (pixels[y][x] - 128.0) * wave(y, v) * wave(x, u);
            }
            let norm = |frequency| if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
            block[v * 8 + u] = (sum * norm(u) * norm(v) / 4.0) as f32;
        }
        block
    }

    #[test]
    fn eight_points_give_the_block_back() {
        let mut pixels = [[0.0; 8]; 8];
        for (y, row) in pixels.iter_mut().enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = ((x * 37 + y * 91) % 256) as f64;
            }
        }
        let mut out = [0; 64];
        Idct::<8, 8>::new().write(&forward(&pixels), &mut out, 8);
        for (seen, wanted) in out.iter().zip(pixels.iter().flatten()) {
            assert!((f64::from(*seen) - wanted).abs() <= 1.0, "{seen} {wanted}");
        }
    }

    #[test]
    fn fewer_points_give_a_smaller_block() {
        // A slope: every pixel of the smaller block is the mean of what it covers.
        let mut pixels = [[0.0; 8]; 8];
        for row in &mut pixels {
            row.iter_mut().enumerate().for_each(|(x, pixel)| *pixel = 20.0 * x as f64 + 30.0);
        }
        let whole = forward(&pixels);
        let mut block = [0.0; 64];
        for (at, value) in block.iter_mut().take(16).enumerate() {
            *value = whole[at / 4 * 8 + at % 4];
        }
        let mut out = [0; 16];
        Idct::<4, 4>::new().write(&block, &mut out, 4);
        for (x, seen) in out.iter().take(4).enumerate() {
            assert!((f64::from(*seen) - (40.0 + 40.0 * x as f64)).abs() < 6.0, "{out:?}");
        }
        let mut one = [0; 4];
        Idct::<1, 4>::new().write(&block, &mut one, 4);
        assert_eq!(one[0], 100);
    }

    #[test]
    fn levels_end_at_black_and_white() {
        let mut out = [7; 16];
        for (mean, level) in [(-5000.0, 0), (5000.0, 255), (0.0, 128), (8.0, 129), (3.9, 128), (4.1, 129)] {
            Idct::<4, 4>::write_flat(mean, &mut out, 4);
            assert_eq!(out, [level; 16], "{mean}");
            let mut block = [0.0; 64];
            block[0] = mean;
            Idct::<4, 4>::new().write(&block, &mut out, 4);
            assert_eq!(out, [level; 16], "{mean}");
        }
    }
}
