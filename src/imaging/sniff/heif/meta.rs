use std::collections::BTreeMap;

use super::boxes::{Boxed, Wide, id};
use super::{Cursor, Refusal, Stop};

/// Items and references that a file may have; the largest grid of a phone needs a few hundred.
const MAX_ITEMS: usize = 4096;
/// Properties that a file may have.
const MAX_PROPERTIES: usize = 4096;
/// Properties that an item may have.
const MAX_OF_ITEM: usize = 64;
/// Pieces that the data of an item may lie in.
const MAX_EXTENTS: u16 = 64;

/// What a file says about its items.
#[derive(Debug, Default)]
pub(super) struct Meta<'a> {
    pub(super) primary: u32,
    pub(super) items: BTreeMap<u32, Item<'a>>,
    properties: Vec<Boxed<'a>>,
    references: Vec<Reference>,
    idat: &'a [u8],
}

/// A picture, a tile of one, or something about one.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    pub(super) kind: [u8; 4],
    pub(super) properties: Vec<Property<'a>>,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Property<'a> {
    pub(super) kind: [u8; 4],
    pub(super) body: &'a [u8],
    /// Whether who does not know it must not show the item.
    pub(super) essential: bool,
}

/// Where the data of an item lies.
#[derive(Debug, Default)]
struct Place {
    source: Source,
    /// Offset and length.
    extents: Vec<(u64, u64)>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Source {
    File,
    Idat,
    #[default]
    Elsewhere,
}

#[derive(Debug)]
struct Reference {
    kind: [u8; 4],
    from: u32,
    to: Vec<u32>,
}

impl<'a> Meta<'a> {
    /// Reads the body of a `meta` box.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Stop> {
        let mut meta = Self::default();
        let mut associations = Vec::new();
        let (_, _, body) = Boxed { kind: *b"meta", body }.versioned()?;
        for boxed in Boxed::all(body.rest()) {
            let boxed = boxed?;
            match &boxed.kind {
                b"hdlr" => picture_handler(&boxed)?,
                b"pitm" => {
                    let (version, _, mut body) = boxed.versioned()?;
                    meta.primary = id(&mut body, Wide::from_version(version, 1))?;
                }
                b"iinf" => meta.infos(&boxed)?,
                b"iloc" => meta.places(&boxed)?,
                b"iref" => meta.read_references(&boxed)?,
                b"idat" => meta.idat = boxed.body,
                b"iprp" => meta.read_properties(&boxed, &mut associations)?,
                _ => {}
            }
        }
        for boxed in &associations {
            meta.associate(boxed)?;
        }
        Ok(meta)
    }

    pub(super) fn item(&self, item: u32) -> Result<&Item<'a>, Refusal> {
        self.items.get(&item).ok_or(Refusal::Corrupt)
    }

    /// What an item refers to.
    pub(super) fn targets(&self, kind: [u8; 4], from: u32) -> &[u32] {
        let found = self.references.iter().find(|reference| (reference.kind, reference.from) == (kind, from));
        found.map_or(&[], |reference| &reference.to)
    }

    /// What refers to an item.
    pub(super) fn sources(&self, kind: [u8; 4], to: u32) -> impl Iterator<Item = u32> {
        let fitting = move |reference: &&Reference| reference.kind == kind && reference.to.contains(&to);
        self.references.iter().filter(fitting).map(|reference| reference.from)
    }

    /// The data of an item, piece by piece.
    pub(super) fn data(&self, item: u32, file: &'a [u8]) -> Result<Vec<&'a [u8]>, Refusal> {
        let place = &self.item(item)?.place;
        let (source, beyond) = match place.source {
            Source::File => (file, Refusal::Truncated),
            Source::Idat => (self.idat, Refusal::Corrupt),
            Source::Elsewhere => return Err(super::unsupported("an image whose data lies elsewhere")),
        };
        let piece = |&(offset, length): &(u64, u64)| {
            let start = usize::try_from(offset).ok()?;
            source.get(start..start.checked_add(usize::try_from(length).ok()?)?)
        };
        let pieces = place.extents.iter().map(|extent| piece(extent).ok_or(beyond.clone()));
        pieces.collect()
    }

    /// Where the last piece of any item ends in the file.
    pub(super) fn end(&self) -> u64 {
        let places = self.items.values().map(|item| &item.place).filter(|place| place.source == Source::File);
        let ends =
            places.flat_map(|place| &place.extents).map(|(offset, length)| offset.saturating_add(*length));
        ends.max().unwrap_or_default()
    }

    /// Bytes of the longest item.
    pub(super) fn longest(&self) -> u64 {
        let lengths = self.items.values().map(|item| {
            item.place.extents.iter().fold(0_u64, |sum, &(_, length)| sum.saturating_add(length))
        });
        lengths.max().unwrap_or_default()
    }

    fn entry(&mut self, item: u32) -> Result<&mut Item<'a>, Refusal> {
        if self.items.len() >= MAX_ITEMS && !self.items.contains_key(&item) {
            return Err(too_many("items"));
        }
        Ok(self.items.entry(item).or_default())
    }

    fn infos(&mut self, boxed: &Boxed<'a>) -> Result<(), Stop> {
        let (version, _, mut body) = boxed.versioned()?;
        let _count = id(&mut body, Wide::from_version(version, 1))?;
        for entry in Boxed::all(body.rest()) {
            let entry = entry?;
            let (version, _, mut body) = entry.versioned()?;
            if &entry.kind == b"infe" && version >= 2 {
                let item = id(&mut body, Wide::from_version(version, 3))?;
                body.take(2)?;
                self.entry(item)?.kind = body.array()?;
            }
        }
        Ok(())
    }

    fn places(&mut self, boxed: &Boxed<'a>) -> Result<(), Stop> {
        let (version, _, mut body) = boxed.versioned()?;
        let [sizes, more] = body.array()?;
        let widths = Widths {
            offset: sizes >> 4,
            length: sizes & 15,
            base: more >> 4,
            index: if version == 0 { 0 } else { more & 15 },
        };
        for _ in 0..id(&mut body, Wide::from_version(version, 2))? {
            let item = id(&mut body, Wide::from_version(version, 2))?;
            let place = place(&mut body, version, &widths)?;
            self.entry(item)?.place = place;
        }
        Ok(())
    }

    fn read_references(&mut self, boxed: &Boxed<'a>) -> Result<(), Stop> {
        let (version, _, body) = boxed.versioned()?;
        let wide = Wide::from_version(version, 1);
        for entry in Boxed::all(body.rest()) {
            let entry = entry?;
            if self.references.len() >= MAX_ITEMS {
                return Err(too_many("references").into());
            }
            let mut body = Cursor::new(entry.body);
            let from = id(&mut body, wide)?;
            let to = (0..body.u16_be()?).map(|_| id(&mut body, wide)).collect::<Result<_, _>>()?;
            self.references.push(Reference { kind: entry.kind, from, to });
        }
        Ok(())
    }

    fn read_properties(&mut self, boxed: &Boxed<'a>, associations: &mut Vec<Boxed<'a>>) -> Result<(), Stop> {
        for part in Boxed::all(boxed.body) {
            let part = part?;
            match &part.kind {
                b"ipco" => {
                    self.properties =
                        Boxed::all(part.body).take(MAX_PROPERTIES + 1).collect::<Result<_, _>>()?;
                }
                b"ipma" => associations.push(part),
                _ => {}
            }
        }
        if self.properties.len() > MAX_PROPERTIES {
            return Err(too_many("properties").into());
        }
        Ok(())
    }

    /// Gives the items their properties.
    fn associate(&mut self, boxed: &Boxed<'a>) -> Result<(), Stop> {
        let (version, flags, mut body) = boxed.versioned()?;
        for _ in 0..body.u32_be()? {
            let item = id(&mut body, Wide::from_version(version, 1))?;
            for _ in 0..body.u8()? {
                let (essential, index) = if flags & 1 == 0 {
                    let packed = body.u8()?;
                    (packed & 0x80 != 0, usize::from(packed & 0x7f))
                } else {
                    let packed = body.u16_be()?;
                    (packed & 0x8000 != 0, usize::from(packed & 0x7fff))
                };
                // Number zero stands for no property.
                let Some(index) = index.checked_sub(1) else { continue };
                let Boxed { kind, body } = *self.properties.get(index).ok_or(Refusal::Corrupt)?;
                let properties = &mut self.entry(item)?.properties;
                if properties.len() >= MAX_OF_ITEM {
                    return Err(too_many("properties").into());
                }
                properties.push(Property { kind, body, essential });
            }
        }
        Ok(())
    }
}

/// How many bytes the numbers of an `iloc` box have.
struct Widths {
    offset: u8,
    length: u8,
    base: u8,
    index: u8,
}

fn place(body: &mut Cursor<'_>, version: u8, widths: &Widths) -> Result<Place, Stop> {
    let method = if version == 0 { 0 } else { body.u16_be()? & 15 };
    let elsewhere = body.u16_be()? != 0;
    let source = match method {
        0 if !elsewhere => Source::File,
        1 if !elsewhere => Source::Idat,
        _ => Source::Elsewhere,
    };
    let base = number(body, widths.base)?;
    let count = body.u16_be()?;
    // INVARIANT: an extent takes bytes, so that there are no more of them than the box is long.
    if count > MAX_EXTENTS || (count > 0 && widths.length == 0) {
        return Err(too_many("pieces of an item").into());
    }
    let mut extents = Vec::new();
    for _ in 0..count {
        number(body, widths.index)?;
        let offset = base.checked_add(number(body, widths.offset)?).ok_or(Refusal::Corrupt)?;
        extents.push((offset, number(body, widths.length)?));
    }
    Ok(Place { source, extents })
}

/// A big-endian number of as many bytes as the box says.
fn number(body: &mut Cursor<'_>, width: u8) -> Result<u64, Stop> {
    match width {
        0 | 4 | 8 => {
            let bytes = body.take(usize::from(width))?;
            Ok(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
        }
        _ => Err(Refusal::Corrupt.into()),
    }
}

fn picture_handler(boxed: &Boxed<'_>) -> Result<(), Stop> {
    let (_, _, mut body) = boxed.versioned()?;
    body.take(4)?;
    if body.array()? == *b"pict" { Ok(()) } else { Err(Refusal::Corrupt.into()) }
}

fn too_many(what: &str) -> Refusal {
    Refusal::TooManyPixels { what: format!("its container has too many {what}") }
}
