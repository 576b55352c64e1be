/// What is kept of a profile, and of which types: what decides how colours look (ICC.1:2022 §9.2).
const TAGS: [(&[u8; 4], &[&[u8; 4]]); 15] = [
    (b"wtpt", &[b"XYZ "]),
    (b"chad", &[b"sf32"]),
    (b"rXYZ", &[b"XYZ "]),
    (b"gXYZ", &[b"XYZ "]),
    (b"bXYZ", &[b"XYZ "]),
    (b"rTRC", CURVES),
    (b"gTRC", CURVES),
    (b"bTRC", CURVES),
    (b"kTRC", CURVES),
    (b"A2B0", TABLES),
    (b"A2B1", TABLES),
    (b"A2B2", TABLES),
    (b"B2A0", TABLES),
    (b"B2A1", TABLES),
    (b"B2A2", TABLES),
];
const CURVES: &[&[u8; 4]] = &[b"curv", b"para"];
const TABLES: &[&[u8; 4]] = &[b"mft1", b"mft2", b"mAB ", b"mBA "];

/// Length of the header, and of an entry of the table of tags.
const HEADER: usize = 128;
const ENTRY: usize = 12;
/// Most tags that are looked at.
const MOST: usize = 100;

/// The profile rebuilt by allow-list: no date, maker, model, name or text of its own; `None` when it cannot be.
pub(super) fn canonical(profile: &[u8]) -> Option<Vec<u8>> {
    let header = header(profile.get(..HEADER)?)?;
    let mut tags: Vec<([u8; 4], Vec<u8>)> =
        vec![(*b"desc", description(&header)), (*b"cprt", copyright(&header))];
    let count = usize::try_from(number(profile, HEADER)?).ok().filter(|count| *count <= MOST)?;
    for nth in 0..count {
        let entry = HEADER + 4 + nth * ENTRY;
        let kind: [u8; 4] = *profile.get(entry..)?.first_chunk()?;
        let Some((_, types)) = TAGS.iter().find(|(tag, _)| **tag == kind) else { continue };
        let (start, length) = (number(profile, entry + 4)? as usize, number(profile, entry + 8)? as usize);
        let body = profile.get(start..start.checked_add(length)?)?;
        if !types.iter().any(|known| body.starts_with(*known)) || tags.iter().any(|(seen, _)| *seen == kind) {
            return None;
        }
        tags.push((kind, trimmed(body)?.to_vec()));
    }
    // A profile that says nothing about colours is none.
    if tags.len() < 4 { None } else { assembled(&header, &tags) }
}

/// The header with what decides the meaning, and zeros (§7.2).
fn header(given: &[u8]) -> Option<[u8; HEADER]> {
    let mut header = [0; HEADER];
    // Version; class, colour space, connection space; the signature; the rendering intent; the illuminant.
    for range in [8..12, 12..24, 36..40, 64..68, 68..80] {
        header.get_mut(range.clone())?.copy_from_slice(given.get(range)?);
    }
    (header.get(36..40)? == b"acsp").then_some(header)
}

/// The description that every profile has to have (§9.2.41), which says nothing.
fn description(header: &[u8; HEADER]) -> Vec<u8> {
    if is_old(header) {
        // One letter and its end; neither Unicode nor the code of a Macintosh.
        let mut text = b"desc\0\0\0\0\0\0\0\x02-\0".to_vec();
        text.resize(14 + 8 + 3 + 67, 0);
        return text;
    }
    localised()
}

/// The copyright that every profile has to have (§9.2.22), which says nothing.
fn copyright(header: &[u8; HEADER]) -> Vec<u8> {
    if is_old(header) { b"text\0\0\0\0-\0".to_vec() } else { localised() }
}

fn is_old(header: &[u8; HEADER]) -> bool {
    header.get(8).is_none_or(|version| *version < 4)
}

/// One record: English, of one letter (§10.15).
fn localised() -> Vec<u8> {
    b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS\0\0\0\x02\0\0\0\x1c\0-".to_vec()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|raw| u32::from_be_bytes(*raw))
}

/// A tag's body without what its own numbers do not account for (§10).
fn trimmed(body: &[u8]) -> Option<&[u8]> {
    let half = |at: usize| Some(usize::from(u16::from_be_bytes(*body.get(at..)?.first_chunk()?)));
    let byte = |at: usize| body.get(at).map(|&byte| usize::from(byte));
    let length = match body.first_chunk()? {
        b"XYZ " => 20,
        b"sf32" => 8 + 9 * 4,
        b"curv" => 12 + 2 * number(body, 8)? as usize,
        b"para" => 12 + 4 * *[1, 3, 4, 5, 7].get(half(8)?)?,
        b"mft1" | b"mft2" => {
            let (inputs, outputs, grid) = (byte(8)?, byte(9)?, byte(10)?);
            let cells = grid.checked_pow(u32::try_from(inputs).ok()?)?.checked_mul(outputs)?;
            if body.starts_with(b"mft1") {
                48_usize.checked_add(256 * (inputs + outputs))?.checked_add(cells)?
            } else {
                let entries = half(48)? * inputs + half(50)? * outputs;
                52_usize.checked_add(2 * entries)?.checked_add(cells.checked_mul(2)?)?
            }
        }
        // Its parts lie anywhere inside.
        _ => body.len(),
    };
    body.get(..length)
}

fn assembled(header: &[u8; HEADER], tags: &[([u8; 4], Vec<u8>)]) -> Option<Vec<u8>> {
    let mut profile = header.to_vec();
    profile.extend(u32::try_from(tags.len()).ok()?.to_be_bytes());
    let mut place = HEADER + 4 + tags.len() * ENTRY;
    for (kind, body) in tags {
        profile.extend(kind);
        profile.extend(u32::try_from(place).ok()?.to_be_bytes());
        profile.extend(u32::try_from(body.len()).ok()?.to_be_bytes());
        place += body.len().next_multiple_of(4);
    }
    for (_, body) in tags {
        profile.extend(body);
        profile.resize(profile.len().next_multiple_of(4), 0);
    }
    let length = u32::try_from(profile.len()).ok()?.to_be_bytes();
    profile.get_mut(..4)?.copy_from_slice(&length);
    Some(profile)
}
