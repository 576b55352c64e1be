use crate::imaging::Refusal;
use crate::imaging::sniff::{Cursor, Stop};

pub(super) fn rebuilt(bytes: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    match rebuild(bytes) {
        Ok(file) => Ok(Some(file)),
        Err(Stop::Cut) => Err(Refusal::Truncated),
        Err(Stop::Refused(refusal)) => Err(refusal),
    }
}

fn rebuild(bytes: &[u8]) -> Result<Vec<u8>, Stop> {
    let mut cursor = Cursor::new(bytes);
    let mut file = Vec::with_capacity(bytes.len());
    let head: [u8; 13] = cursor.array()?;
    file.extend(head);
    file.extend(colour_table(&mut cursor, head[10])?);
    loop {
        match cursor.u8()? {
            b';' => break,
            b'!' => extension(&mut cursor, &mut file)?,
            b',' => {
                let descriptor: [u8; 9] = cursor.array()?;
                file.push(b',');
                file.extend(descriptor);
                file.extend(colour_table(&mut cursor, descriptor[8])?);
                file.push(cursor.u8()?);
                sub_blocks(&mut cursor, |block| {
                    file.push(u8::try_from(block.len()).unwrap_or(u8::MAX));
                    file.extend(block);
                })?;
                file.push(0);
            }
            _ => return Err(Refusal::Corrupt.into()),
        }
    }
    file.push(b';');
    Ok(file)
}

/// Keeps how a frame is drawn and how often an animation is repeated, and nothing else.
fn extension(cursor: &mut Cursor<'_>, file: &mut Vec<u8>) -> Result<(), Stop> {
    let kind = cursor.u8()?;
    let mut blocks: Vec<&[u8]> = Vec::new();
    sub_blocks(cursor, |block| {
        if blocks.len() < 2 {
            blocks.push(block);
        }
    })?;
    match (kind, blocks.as_slice()) {
        (0xf9, [control, ..]) if control.len() == 4 => {
            file.extend(b"!\xf9\x04");
            file.extend(*control);
            file.push(0);
        }
        (0xff, [b"NETSCAPE2.0" | b"ANIMEXTS1.0", [1, low, high]]) => {
            file.extend(b"!\xff\x0bNETSCAPE2.0\x03\x01");
            file.extend([*low, *high, 0]);
        }
        _ => {}
    }
    Ok(())
}

fn colour_table<'a>(cursor: &mut Cursor<'a>, flags: u8) -> Result<&'a [u8], Stop> {
    if flags & 0x80 == 0 { Ok(&[]) } else { cursor.take(3 << ((flags & 7) + 1)) }
}

fn sub_blocks<'a>(cursor: &mut Cursor<'a>, mut each: impl FnMut(&'a [u8])) -> Result<(), Stop> {
    loop {
        match cursor.u8()? {
            0 => return Ok(()),
            length => each(cursor.take(usize::from(length))?),
        }
    }
}
