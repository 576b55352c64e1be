//! ZIP files of stored entries, laid out before a byte of them is read: what is known of each entry is enough to say
//! where everything lies, so a download can go on where it broke off.
//!
//! APPNOTE.TXT 6.3.10, method 0 (stored), UTF-8 names, ZIP64 only where numbers do not fit.

use std::ops::Range;

use time::OffsetDateTime;

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its name, without folders.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// CRC-32 (ISO-HDLC) of its bytes.
    pub crc32: u32,
    /// When it was last changed.
    pub modified: OffsetDateTime,
}

/// An archive as it is written, entry after entry.
#[derive(Debug, Default)]
pub struct Writer {
    at: u64,
    directory: Vec<u8>,
    entries: u64,
}

impl Writer {
    /// What comes before the bytes of the next entry.
    pub fn begin(&mut self, entry: &Entry) -> Vec<u8> {
        let header = local(entry);
        central(&mut self.directory, entry, self.at);
        self.entries += 1;
        self.at += header.len() as u64 + entry.bytes;
        header
    }

    /// What comes after the last entry.
    #[must_use]
    pub fn end(self) -> Vec<u8> {
        let Self { at, directory, entries } = self;
        let size = directory.len() as u64;
        let mut out = directory;
        if entries >= u64::from(u16::MAX) || at + size >= u64::from(u32::MAX) {
            let end = at + size;
            u32(&mut out, 0x0606_4b50);
            u64(&mut out, 44);
            u16(&mut out, MADE_BY);
            u16(&mut out, ZIP64);
            u32(&mut out, 0);
            u32(&mut out, 0);
            for number in [entries, entries, size, at] {
                u64(&mut out, number);
            }
            u32(&mut out, 0x0706_4b50);
            u32(&mut out, 0);
            u64(&mut out, end);
            u32(&mut out, 1);
        }
        u32(&mut out, 0x0605_4b50);
        u32(&mut out, 0);
        let entries = u16::try_from(entries).unwrap_or(u16::MAX);
        u16(&mut out, entries);
        u16(&mut out, entries);
        u32(&mut out, clamped(size));
        u32(&mut out, clamped(at));
        u16(&mut out, 0);
        out
    }
}

/// How long the archive of these entries is.
#[must_use]
pub fn length<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> u64 {
    let mut writer = Writer::default();
    for entry in entries {
        writer.begin(entry);
    }
    writer.at + writer.end().len() as u64
}

/// The part of `piece`, which lies at `at`, that is in `wanted`: as a range of the piece.
#[must_use]
pub fn overlap(wanted: &Range<u64>, at: u64, length: u64) -> Option<Range<u64>> {
    let (start, end) = (wanted.start.max(at), wanted.end.min(at + length));
    (start < end).then(|| start - at..end - at)
}

const MADE_BY: u16 = 3 << 8 | ZIP64;
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// A regular file that everyone may read.
const MODE: u32 = 0o100_644 << 16;

fn local(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + entry.name.len());
    let large = entry.bytes >= u64::from(u32::MAX);
    let wide = if large { vec![entry.bytes, entry.bytes] } else { Vec::new() };
    u32(&mut out, 0x0403_4b50);
    shared(&mut out, entry, &wide);
    out.extend_from_slice(entry.name.as_bytes());
    extra(&mut out, &wide);
    out
}

fn central(out: &mut Vec<u8>, entry: &Entry, at: u64) {
    let large = entry.bytes >= u64::from(u32::MAX);
    let far = at >= u64::from(u32::MAX);
    let wide: Vec<u64> =
        [(large, entry.bytes), (large, entry.bytes), (far, at)].iter().filter(|n| n.0).map(|n| n.1).collect();
    u32(out, 0x0201_4b50);
    u16(out, MADE_BY);
    shared(out, entry, &wide);
    u16(out, 0);
    u16(out, 0);
    u16(out, 0);
    u32(out, MODE);
    u32(out, clamped(at));
    out.extend_from_slice(entry.name.as_bytes());
    extra(out, &wide);
}

/// What both headers of an entry say; `wide` are the numbers that go into the extra field.
fn shared(out: &mut Vec<u8>, entry: &Entry, wide: &[u64]) {
    u16(out, if wide.is_empty() { PLAIN } else { ZIP64 });
    u16(out, FLAGS);
    u16(out, 0);
    let (day, moment) = dos(entry.modified);
    u16(out, moment);
    u16(out, day);
    u32(out, entry.crc32);
    u32(out, clamped(entry.bytes));
    u32(out, clamped(entry.bytes));
    u16(out, u16::try_from(entry.name.len()).unwrap_or(u16::MAX));
    u16(out, if wide.is_empty() { 0 } else { 4 + 8 * u16::try_from(wide.len()).unwrap_or(0) });
}

fn extra(out: &mut Vec<u8>, wide: &[u64]) {
    if wide.is_empty() {
        return;
    }
    u16(out, 1);
    u16(out, 8 * u16::try_from(wide.len()).unwrap_or(0));
    for number in wide {
        u64(out, *number);
    }
}

/// Date and time as MS-DOS wrote them, in UTC; years before 1980 there were none.
fn dos(at: OffsetDateTime) -> (u16, u16) {
    let year = u16::try_from(at.year().clamp(1980, 2107) - 1980).unwrap_or(0);
    let day = year << 9 | u16::from(u8::from(at.month())) << 5 | u16::from(at.day());
    let moment = u16::from(at.hour()) << 11 | u16::from(at.minute()) << 5 | u16::from(at.second() / 2);
    (day, moment)
}

fn clamped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn entry(name: &str, bytes: u64) -> Entry {
        Entry {
            name: name.to_owned(),
            bytes,
            crc32: 0x1234_5678,
            modified: datetime!(2026-03-01 12:34:56 UTC),
        }
    }

    #[test]
    fn the_length_is_told_before_anything_is_written() {
        for entries in
            [vec![], vec![entry("a.jpg", 3)], vec![entry("ä.jpg", 0), entry("b.jpg", u64::from(u32::MAX))]]
        {
            let mut writer = Writer::default();
            let mut long = 0;
            for entry in &entries {
                long += writer.begin(entry).len() as u64 + entry.bytes;
            }
            assert_eq!(length(&entries), long + writer.end().len() as u64);
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_written_wide() {
        let small = length(&[entry("a", 10)]);
        assert_eq!(small, 30 + 1 + 10 + 46 + 1 + 22);
        // The second entry lies too far for four bytes, and so does the directory.
        let far = length(&[entry("a", u64::from(u32::MAX) - 1), entry("b", 10)]);
        assert_eq!(far, u64::from(u32::MAX) - 1 + 10 + 2 * (30 + 1 + 46 + 1) + 12 + 56 + 20 + 22);
        let many = vec![entry("a", 0); 65_535];
        assert_eq!(length(&many), 65_535 * (31 + 47) + 56 + 20 + 22);
        assert_eq!(length(&many[..65_534]), 65_534 * (31 + 47) + 22);
    }

    #[test]
    fn the_parts_of_a_range_add_up_to_it() {
        for (wanted, at, length, part) in [
            (0..10, 0, 4, Some(0..4)),
            (2..3, 0, 4, Some(2..3)),
            (3..9, 4, 4, Some(0..4)),
            (5..6, 4, 4, Some(1..2)),
            (0..4, 4, 4, None),
            (8..9, 4, 4, None),
            (3..9, 4, 0, None),
        ] {
            assert_eq!(overlap(&wanted, at, length), part);
        }
    }

    #[test]
    fn times_are_written_as_far_as_they_can_be() {
        assert_eq!(dos(datetime!(2026-03-01 12:34:56 UTC)), (0x5c61, 0x645c));
        assert_eq!(dos(datetime!(1970-01-02 0:00 UTC)).0, 0x0022);
    }
}
