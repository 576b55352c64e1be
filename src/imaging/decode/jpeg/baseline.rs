//! Baseline JPEGs at the scale of some eighths, to planes: what most cameras write, and where time matters most.
//! Everything else is left to the library.

use super::block::{Layer, MOST, decode_unit};
use super::huffman::{Class, Table};
use super::idct::Idct;
use super::intervals::Intervals;
use super::planes::{Plane, Planes};
use crate::imaging::Refusal;
use crate::imaging::sniff::{Cursor, jpeg_marker, jpeg_segment};

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
                W - N,
                (usize::from(widest / component.across), usize::from(tallest / component.down)),
            );
            let steps = self.steps.get(usize::from(component.steps)).ok_or(Refusal::Corrupt)?;
            let (dc, ac) = component.tables.as_ref().ok_or(Refusal::Corrupt)?;
            let (across, down) = (usize::from(component.across), usize::from(component.down));
            layers.push(Layer::new::<N, W>(plane, (dc, ac), steps, (across, down)));
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
        let blocks: usize = layers.iter().map(Layer::blocks).sum();
        let mut intervals = Intervals::new(self.entropy, blocks * MOST);
        let mut unit = 0;
        while unit < total {
            let end = total.min(unit + interval);
            while unit < end {
                let mut bits = intervals.bits();
                while unit < end && intervals.has_unit(&bits) {
                    let place = (unit % across, unit / across);
                    decode_unit(layers, &mut bits, place, idct).ok_or(Refusal::Corrupt)?;
                    if bits.overrun() {
                        return Err(Refusal::Truncated);
                    }
                    unit += 1;
                }
                let position = bits.position();
                intervals.advance(position);
            }
            layers.iter_mut().for_each(Layer::restart);
            intervals.restart();
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
