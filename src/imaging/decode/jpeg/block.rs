use super::bits::Bits;
use super::huffman::{LOOKS, Look, Table};
use super::idct::{Block, Idct};
use super::planes::Plane;
use super::skip::Skips;

/// Where each coefficient of the zigzag order lies in a block (ITU-T T.81 Figure 5).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The most bytes of a block: 64 codes of up to 16 bits with values of up to 15, and what is read ahead.
pub(super) const MOST: usize = 64 * 4 + 8;

/// A component on its way to a plane.
#[derive(Debug)]
pub(super) struct Layer<'a> {
    pub(super) plane: Plane,
    dc: &'a Table,
    ac: &'a Table,
    skips: Skips,
    places: [Place; 128],
    /// The mean value of the block before.
    mean: i32,
    /// Blocks of each unit.
    across: usize,
    down: usize,
}

impl<'a> Layer<'a> {
    /// A component with its plane, its tables, the steps of its coefficients, and its blocks of each unit.
    pub(super) fn new<const N: usize, const W: usize>(
        plane: Plane,
        (dc, ac): (&'a Table, &'a Table),
        steps: &[u16; 64],
        (across, down): (usize, usize),
    ) -> Self {
        Self { plane, dc, ac, skips: Skips::new(ac), places: places::<N, W>(steps), mean: 0, across, down }
    }

    /// How many blocks of it a unit has.
    pub(super) fn blocks(&self) -> usize {
        self.across * self.down
    }

    /// Begins an interval, which owes nothing to the one before.
    pub(super) fn restart(&mut self) {
        self.mean = 0;
    }
}

/// Where a coefficient goes, and the step by which it is multiplied.
#[derive(Debug, Clone, Copy)]
struct Place {
    step: f32,
    at: u8,
}

/// Where coefficients go that the scale does not need, as zeros, and what stands for those behind the end of a
/// block. It is the place of the last coefficient of all, after which nothing comes.
const NOWHERE: u8 = 63;

/// A place for each coefficient, and for each index that the end of a block can lead to.
fn places<const N: usize, const W: usize>(steps: &[u16; 64]) -> [Place; 128] {
    let mut places = [Place { step: 0.0, at: NOWHERE }; 128];
    for (place, (step, natural)) in places.iter_mut().zip(steps.iter().zip(ZIGZAG)) {
        let (row, column) = (usize::from(natural) / 8, usize::from(natural) % 8);
        if row < N && column < N {
            let at = u8::try_from(row * W + column).unwrap_or(NOWHERE);
            *place = Place { step: f32::from(*step), at };
        }
    }
    places
}

/// How many coefficients in zigzag order it takes to have the lowest `points` × `points`.
const fn needed(points: usize) -> usize {
    2 * points * (points - 1) + 1
}

/// Decodes all blocks of one unit; `None` when a code means nothing.
#[inline(always)]
pub(super) fn decode_unit<const N: usize, const W: usize>(
    layers: &mut [Layer<'_>],
    bits: &mut Bits<'_>,
    (column, row): (usize, usize),
    idct: &Idct<N, W>,
) -> Option<()> {
    for layer in layers {
        for down in 0..layer.down {
            for across in 0..layer.across {
                let at = ((column * layer.across + across) * N, (row * layer.down + down) * N);
                decode_block(layer, bits, at, idct)?;
            }
        }
    }
    Some(())
}

#[inline(always)]
fn decode_block<const N: usize, const W: usize>(
    layer: &mut Layer<'_>,
    reader: &mut Bits<'_>,
    (x, y): (usize, usize),
    idct: &Idct<N, W>,
) -> Option<()> {
    // A copy stays in registers.
    let mut bits = *reader;
    bits.refill();
    layer.mean += i32::from(layer.dc.next(&mut bits)?.value());
    let mean = coefficient(layer.mean) * layer.places.first()?.step;
    let mut block: Block = [0.0; 64];
    let look = layer.ac.next(&mut bits)?;
    let flat = look.run() >= 64;
    let mut at = put(&mut block, &layer.places, 1, look)?;
    while at < needed(N) {
        bits.refill();
        // There are bits for as many looks.
        for _ in 0..LOOKS {
            let look = layer.ac.next(&mut bits)?;
            at = put(&mut block, &layer.places, at, look)?;
            if at >= needed(N) {
                break;
            }
        }
    }
    while at < 64 {
        bits.refill();
        for _ in 0..LOOKS {
            at = layer.skips.pass(layer.ac, &mut bits, at)?;
            if at >= 64 {
                break;
            }
        }
    }
    *reader = bits;
    let stride = layer.plane.stride;
    let rows = layer.plane.rows_from(x, y);
    if flat || N == 1 {
        Idct::<N, W>::write_flat(mean, rows, stride);
    } else {
        *block.first_mut()? = mean;
        idct.write(&block, rows, stride);
    }
    Some(())
}

/// Puts a coefficient where it belongs; gives the index of the next one.
#[inline(always)]
fn put(block: &mut Block, places: &[Place; 128], at: usize, look: Look) -> Option<usize> {
    let at = at + look.run();
    // An index is at most 63 and a run at most 64: there always is a place.
    let place = places.get(at & 127)?;
    *block.get_mut(usize::from(place.at & 63))? = f32::from(look.value()) * place.step;
    Some(at + 1)
}

#[allow(clippy::cast_precision_loss, reason = "means stay far below the precision of the type")]
fn coefficient(mean: i32) -> f32 {
    mean as f32
}
