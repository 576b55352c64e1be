//! A JPEG in which a person has left traces wherever a JPEG has room for them.

use bytes::Bytes;

use crate::photos;

/// The texts of a file's metadata, each with the name of its place.
pub fn texts(of: &str) -> Vec<(&'static str, String)> {
    ["maker", "model", "artist", "description", "lens", "remark", "xmp", "iptc", "comment"]
        .map(|place| (place, format!("{of}-{place}")))
        .into()
}

/// The seconds of the latitude, in ten-thousandths: another number for every picture.
fn seconds(seed: u32) -> u32 {
    123_457 + seed * 1_001
}

/// The place as the file has it: degrees, minutes and seconds as fractions.
pub fn place(seed: u32) -> Vec<u8> {
    [43, 1, 12, 1, seconds(seed), 10_000].map(u32::to_le_bytes).concat()
}

/// A picture with all of [`texts`] and [`place`] in it.
pub fn with_traces(seed: u32, of: &str) -> Bytes {
    // Seeds that are neighbours make the same picture.
    let picture = image::load_from_memory(&photos::generated(seed * 10, 300, 200)).unwrap();
    let mut plain = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut plain, image::ImageFormat::Jpeg).unwrap();
    let plain = plain.into_inner();
    let texts = texts(of);
    let text = |place: &str| texts.iter().find(|(name, _)| *name == place).unwrap().1.as_bytes().to_vec();
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>".to_vec(), text("xmp"), b"</x:xmpmeta>".to_vec()];
    let segments = [
        segment(0xe1, &[b"Exif\0\0".to_vec(), tiff(seed, &text)].concat()),
        segment(0xe1, &xmp.concat()),
        segment(0xed, &iptc(&text("iptc"))),
        segment(0xfe, &text("comment")),
    ];
    [&plain[..2], &segments.concat(), &plain[2..]].concat().into()
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, body].concat()
}

/// A caption as Photoshop writes it.
fn iptc(caption: &[u8]) -> Vec<u8> {
    let record =
        [&[0x1c, 2, 120][..], &u16::try_from(caption.len()).unwrap().to_be_bytes(), caption].concat();
    let size = u32::try_from(record.len()).unwrap().to_be_bytes();
    let padding = vec![0; record.len() % 2];
    [&b"Photoshop 3.0\x008BIM\x04\x04\0\0"[..], &size, &record, &padding].concat()
}

/// One field of EXIF: its tag, its kind, how many values, and the values.
type Field = (u16, u16, u32, Vec<u8>);

fn tiff(seed: u32, text: &dyn Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let ascii = |tag, place: &str| -> Field {
        let value = [text(place), vec![0]].concat();
        (tag, 2, u32::try_from(value.len()).unwrap(), value)
    };
    let remark = [b"ASCII\0\0\0".to_vec(), text("remark")].concat();
    let photo = [(0x9286, 7, u32::try_from(remark.len()).unwrap(), remark), ascii(0xa434, "lens")];
    let east = [5, 1, 0, 1, 0, 1].map(u32::to_le_bytes).concat();
    let gps: [Field; 4] =
        [(1, 2, 2, b"N\0".to_vec()), (2, 5, 3, place(seed)), (3, 2, 2, b"E\0".to_vec()), (4, 5, 3, east)];
    let main = |photo_at: u32, gps_at: u32| {
        let at = |tag, at: u32| -> Field { (tag, 4, 1, at.to_le_bytes().to_vec()) };
        let texts = [ascii(0x010e, "description"), ascii(0x010f, "maker"), ascii(0x0110, "model")];
        let more = [ascii(0x013b, "artist"), at(0x8769, photo_at), at(0x8825, gps_at)];
        directory(8, &[&texts[..], &more].concat())
    };
    let photo_at = 8 + u32::try_from(main(0, 0).len()).unwrap();
    let photo = directory(photo_at, &photo);
    let gps_at = photo_at + u32::try_from(photo.len()).unwrap();
    [b"II*\0\x08\0\0\0".to_vec(), main(photo_at, gps_at), photo, directory(gps_at, &gps)].concat()
}

/// A directory that begins at this offset, followed by the values that have no room in it.
fn directory(at: u32, fields: &[Field]) -> Vec<u8> {
    let count = u16::try_from(fields.len()).unwrap();
    let mut entries = count.to_le_bytes().to_vec();
    let (mut values, values_at) = (Vec::new(), at + 2 + 12 * u32::from(count) + 4);
    for (tag, kind, count, value) in fields {
        entries.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        entries.extend(count.to_le_bytes());
        if value.len() <= 4 {
            entries.extend([value.as_slice(), &[0; 4]].concat()[..4].to_vec());
        } else {
            entries.extend((values_at + u32::try_from(values.len()).unwrap()).to_le_bytes());
            values.extend(value);
        }
    }
    [entries, vec![0; 4], values].concat()
}
