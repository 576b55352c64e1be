use super::{Cursor, Refusal, Stop};

/// A box of the container, without its head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boxed<'a> {
    pub(super) kind: [u8; 4],
    pub(super) body: &'a [u8],
}

impl<'a> Boxed<'a> {
    /// The boxes that a slice consists of, one after the other; one that does not fit ends in an error.
    pub(super) fn all(slice: &'a [u8]) -> impl Iterator<Item = Result<Self, Stop>> {
        let mut cursor = Cursor::new(slice);
        std::iter::from_fn(move || {
            if cursor.rest().is_empty() {
                return None;
            }
            let read = Self::read(&mut cursor);
            if read.is_err() {
                cursor = Cursor::new(&[]);
            }
            Some(read)
        })
    }

    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Stop> {
        let (kind, length) = head(cursor)?;
        let body = cursor.take(length.unwrap_or(cursor.rest().len()))?;
        Ok(Self { kind, body })
    }

    /// A body that begins with a version and flags.
    pub(super) fn versioned(&self) -> Result<(u8, u32, Cursor<'a>), Stop> {
        let mut body = Cursor::new(self.body);
        let [version, flags @ ..]: [u8; 4] = body.array()?;
        let [a, b, c] = flags;
        Ok((version, u32::from_be_bytes([0, a, b, c]), body))
    }
}

/// The kind of a box and the length of its body, `None` when that goes on to the end.
pub(super) fn head(cursor: &mut Cursor<'_>) -> Result<([u8; 4], Option<usize>), Stop> {
    let size = cursor.u32_be()?;
    let kind = cursor.array()?;
    let length = match size {
        0 => return Ok((kind, None)),
        1 => u64::from_be_bytes(cursor.array()?).checked_sub(16),
        _ => u64::from(size).checked_sub(8),
    };
    let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(Refusal::Corrupt)?;
    Ok((kind, Some(length)))
}

/// A big-endian number of 2 or 4 bytes.
pub(super) fn id(cursor: &mut Cursor<'_>, wide: Wide) -> Result<u32, Stop> {
    match wide {
        Wide::No => cursor.u16_be().map(u32::from),
        Wide::Yes => cursor.u32_be(),
    }
}

/// Whether the numbers of items take four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wide {
    No,
    Yes,
}

impl Wide {
    /// Wide from this version of a box on.
    pub(super) fn from_version(version: u8, first: u8) -> Self {
        if version >= first { Self::Yes } else { Self::No }
    }
}
