use super::{Cursor, Extent, Header, Stop};
use crate::imaging::Refusal;
use crate::imaging::limits::Limits;
use crate::imaging::orientation::Orientation;

pub(super) fn walk(
    cursor: &mut Cursor<'_>,
    extent: Extent,
    limits: &Limits,
    header: &mut Header,
) -> Result<(), Stop> {
    cursor.take(8)?;
    first_chunk(cursor, limits, header)?;
    let mut pixels = false;
    loop {
        let length = cursor.u32_be()?;
        let kind: [u8; 4] = cursor.array()?;
        if &kind == b"IDAT" && extent == Extent::Head {
            return Ok(());
        }
        // The format allows no longer chunk than this.
        let length = usize::try_from(i32::try_from(length).map_err(|_| Refusal::Corrupt)?);
        let body = cursor.take(length.map_err(|_| Refusal::Corrupt)?)?;
        cursor.take(4)?;
        match &kind {
            b"IDAT" => pixels = true,
            b"IEND" if pixels => break,
            b"IEND" => return Err(Refusal::Corrupt.into()),
            b"acTL" => animation(body, limits, header)?,
            b"eXIf" => header.orientation = Orientation::from_exif(body).unwrap_or_default(),
            _ => {}
        }
    }
    header.end = cursor.at();
    Ok(())
}

/// The header chunk: size, and bytes a pixel has in memory.
fn first_chunk(cursor: &mut Cursor<'_>, limits: &Limits, header: &mut Header) -> Result<(), Stop> {
    if cursor.array()? != *b"\0\0\0\x0dIHDR" {
        return Err(Refusal::Corrupt.into());
    }
    let (width, height) = (cursor.u32_be()?, cursor.u32_be()?);
    limits.check_size(width, height)?;
    let [depth, colour] = cursor.array()?;
    cursor.take(3 + 4)?;
    // A palette or a key colour makes up to four channels of one or three.
    let channels = match colour {
        0 | 4 => 2,
        2 | 3 | 6 => 4,
        _ => return Err(Refusal::Corrupt.into()),
    };
    header.pixel_cost = if depth == 16 { channels * 2 } else { channels };
    (header.width, header.height) = (width, height);
    Ok(())
}

fn animation(body: &[u8], limits: &Limits, header: &mut Header) -> Result<(), Stop> {
    header.frames = Cursor::new(body).u32_be().map_err(|_| Refusal::Corrupt)?;
    Ok(limits.check_frames(header.frames, header.width, header.height)?)
}
