//! Baseline JPEGs at the scale of some eighths, to planes: what most cameras write, and where time matters most.
//! Everything else is left to the library.

use super::bits::{Bits, unstuff};
use super::huffman::{Class, LOOKS, Look, Table};
use super::idct::{Block, Idct};
use super::planes::{Plane, Planes};
use crate::imaging::Refusal;
use crate::imaging::sniff::{Cursor, jpeg_marker, jpeg_segment};

/// Where each coefficient of the zigzag order lies in a block (ITU-T T.81 Figure 5).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The scales at which this is quicker than the library at its next larger one, in eighths.
pub(super) const SCALES: [u32; 5] = [1, 2, 3, 4, 5];

/// A picture whose one scan can be decoded here.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    width: u32,
    height: u32,
    components: Vec<Component>,
    /// Steps of each of up to four quantisation tables, in zigzag order.
    steps: [[u16; 64]; 4],
    /// Units between two restart markers; zero is no markers.
    interval: u32,
    entropy: &'a [u8],
}

#[derive(Debug)]
struct Component {
    id: u8,
    across: u8,
    down: u8,
    steps: u8,
    tables: Option<(Table, Table)>,
}

impl<'a> Scan<'a> {
    /// Reads the headers; `None` for pictures that are for the library.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(2).ok()?;
        let mut scan = Self {
            width: 0,
            height: 0,
            components: Vec::new(),
            steps: [[0; 64]; 4],
            interval: 0,
            entropy: &[],
        };
        let mut tables = Tables::default();
        loop {
            let marker = jpeg_marker(&mut cursor).ok()?;
            if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
                continue;
            }
            let segment = jpeg_segment(&mut cursor).ok()?;
            match marker {
                0xc0 | 0xc1 => scan.frame(segment)?,
                0xc2..=0xcf if marker != 0xc4 && marker != 0xc8 && marker != 0xcc => return None,
                0xc4 => tables.read(segment)?,
                0xdb => scan.quantisation(segment)?,
                0xdd => scan.interval = u32::from(u16::from_be_bytes(*segment.first_chunk()?)),
                // A colour transform other than that of JFIF.
                0xee if segment.starts_with(b"Adobe") && segment.get(11) != Some(&1) => return None,
                0xda => {
                    scan.start(segment, &tables)?;
                    scan.entropy = cursor.rest();
                    return Some(scan);
                }
                _ => {}
            }
        }
    }

    fn frame(&mut self, segment: &[u8]) -> Option<()> {
        let [8, h1, h0, w1, w0, count @ (1 | 3), components @ ..] = segment else { return None };
        (self.width, self.height) =
            (u32::from(u16::from_be_bytes([*w1, *w0])), u32::from(u16::from_be_bytes([*h1, *h0])));
        let (components, _) = components.as_chunks::<3>();
        if components.len() != usize::from(*count) || self.width == 0 || self.height == 0 {
            return None;
        }
        let alone = *count == 1;
        for &[id, sampling, steps] in components {
            // A single component is sampled at every pixel, whatever it says.
            let (across, down) = if alone { (1, 1) } else { (sampling >> 4, sampling & 15) };
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || steps > 3 {
                return None;
            }
            self.components.push(Component { id, across, down, steps, tables: None });
        }
        // By these names a picture says that its components are colours themselves.
        let names: Vec<u8> = self.components.iter().map(|component| component.id).collect();
        (names != *b"RGB" && self.is_common()).then_some(())
    }

    /// Whether each component has all samples, or half of them across, down or both ways.
    fn is_common(&self) -> bool {
        let part = |most: Option<u8>, own: u8| most.is_some_and(|most| most == own || most == 2 * own);
        let widest = self.components.iter().map(|component| component.across).max();
        let tallest = self.components.iter().map(|component| component.down).max();
        self.components.iter().all(|own| part(widest, own.across) && part(tallest, own.down))
    }

    fn quantisation(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = segment {
            let steps = self.steps.get_mut(usize::from(kind & 15))?;
            let (wide, length) = (kind >> 4 != 0, if kind >> 4 == 0 { 64 } else { 128 });
            let (table, after) = rest.split_at_checked(length)?;
            for (nth, step) in steps.iter_mut().enumerate() {
                *step = if wide {
                    u16::from_be_bytes(*table.get(nth * 2..)?.first_chunk()?)
                } else {
                    u16::from(*table.get(nth)?)
                };
            }
            segment = after;
        }
        Some(())
    }

    /// The scan header: all components at once, or it is not for us.
    fn start(&mut self, segment: &[u8], tables: &Tables) -> Option<()> {
        let [count, rest @ ..] = segment else { return None };
        let (selectors, parameters) = rest.split_at_checked(usize::from(*count) * 2)?;
        if usize::from(*count) != self.components.len()
            || self.components.is_empty()
            || parameters != [0, 63, 0]
        {
            return None;
        }
        for (component, selector) in self.components.iter_mut().zip(selectors.as_chunks::<2>().0) {
            let [id, chosen] = *selector;
            let dc = tables.dc.get(usize::from(chosen >> 4))?.clone()?;
            let ac = tables.ac.get(usize::from(chosen & 15))?.clone()?;
            if id != component.id {
                return None;
            }
            component.tables = Some((dc, ac));
        }
        Some(())
    }

    /// Decodes at one of [`SCALES`].
    pub(super) fn decode(&self, eighths: u32) -> Result<Planes, Refusal> {
        match eighths {
            1 => self.scaled::<1, 4>(),
            2 => self.scaled::<2, 4>(),
            3 => self.scaled::<3, 4>(),
            4 => self.scaled::<4, 4>(),
            _ => self.scaled::<5, 8>(),
        }
    }

    fn scaled<const N: usize, const W: usize>(&self) -> Result<Planes, Refusal> {
        let widest = self.components.iter().map(|component| component.across).max().unwrap_or(1);
        let tallest = self.components.iter().map(|component| component.down).max().unwrap_or(1);
        let units = (
            self.width.div_ceil(8 * u32::from(widest)) as usize,
            self.height.div_ceil(8 * u32::from(tallest)) as usize,
        );
        let mut layers = Vec::with_capacity(self.components.len());
        for component in &self.components {
            let plane = Plane::new(
                units.0 * usize::from(component.across) * N,
                units.1 * usize::from(component.down) * N,
                (usize::from(widest / component.across), usize::from(tallest / component.down)),
            );
            let steps = self.steps.get(usize::from(component.steps)).ok_or(Refusal::Corrupt)?;
            let (dc, ac) = component.tables.as_ref().ok_or(Refusal::Corrupt)?;
            let (across, down) = (usize::from(component.across), usize::from(component.down));
            layers.push(Layer { plane, dc, ac, places: places::<N, W>(steps), mean: 0, across, down });
        }
        self.entropy(&mut layers, units, &Idct::<N, W>::new())?;
        let components = layers.into_iter().map(|layer| layer.plane).collect();
        let scaled = |side: u32| (side as usize * N).div_ceil(8);
        Ok(Planes { width: scaled(self.width), height: scaled(self.height), components })
    }

    /// Decodes interval by interval; every one of them has to have all its bits.
    fn entropy<const N: usize, const W: usize>(
        &self,
        layers: &mut [Layer<'_>],
        (across, down): (usize, usize),
        idct: &Idct<N, W>,
    ) -> Result<(), Refusal> {
        let total = across * down;
        let interval = if self.interval == 0 { total } else { self.interval as usize };
        let mut source = self.entropy;
        let mut plain = Vec::new();
        let mut unit = 0;
        while unit < total {
            plain.clear();
            let taken = unstuff(source, &mut plain);
            source = source.get(taken..).unwrap_or_default();
            let mut bits = Bits::new(&plain);
            for layer in layers.iter_mut() {
                layer.mean = 0;
            }
            let end = total.min(unit + interval);
            while unit < end {
                let row_end = end.min((unit / across + 1) * across);
                for at in unit..row_end {
                    decode_unit(layers, &mut bits, (at % across, at / across), idct)
                        .ok_or(Refusal::Corrupt)?;
                }
                if bits.overrun() {
                    return Err(Refusal::Truncated);
                }
                unit = row_end;
            }
            source = match source {
                [0xff, 0xd0..=0xd7, rest @ ..] => rest,
                // The last interval, or one that lacks its marker: it has no bits, which is noticed.
                _ => source,
            };
        }
        Ok(())
    }
}

/// The tables that DHT segments have defined so far.
#[derive(Debug, Default)]
struct Tables {
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
}

impl Tables {
    fn read(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = segment {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, after) = rest.split_at_checked(length)?;
            let (class, tables) =
                if kind >> 4 == 0 { (Class::Dc, &mut self.dc) } else { (Class::Ac, &mut self.ac) };
            *tables.get_mut(usize::from(kind & 15))? = Some(Table::new(class, counts, symbols)?);
            segment = after;
        }
        Some(())
    }
}

/// A component on its way to a plane.
#[derive(Debug)]
struct Layer<'a> {
    plane: Plane,
    dc: &'a Table,
    ac: &'a Table,
    places: [Place; 128],
    /// The mean value of the block before.
    mean: i32,
    across: usize,
    down: usize,
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

/// Decodes all blocks of one unit; `None` when a code means nothing.
#[inline(always)]
fn decode_unit<const N: usize, const W: usize>(
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
    while at < 64 {
        bits.refill();
        // There are bits for as many looks.
        for _ in 0..LOOKS {
            let look = layer.ac.next(&mut bits)?;
            at = put(&mut block, &layer.places, at, look)?;
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
