//! What must not be left: texts of a person and bytes of files, in every spelling that is cheap to look for.

use data_encoding::{BASE64_NOPAD, HEXLOWER};
use memchr::memmem::Finder;

/// Until when something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// It is never kept at all.
    Never,
    /// Its owner wrote something else instead, or revoked it.
    Replaced,
    /// The first image is erased.
    Image,
    /// The open gallery is erased.
    Gallery,
    /// The account is erased.
    Account,
}

/// Something to look for.
pub struct Needle {
    pub name: String,
    pub until: Until,
    spellings: Vec<Finder<'static>>,
}

impl Needle {
    /// A text: as it is, as UTF-16, in hex, and in base64 at every place it can have there.
    pub fn text(until: Until, name: &str, text: &str) -> Self {
        let bytes = text.as_bytes();
        let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let mut spellings = vec![bytes.to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)];
        spellings.push(HEXLOWER.encode(bytes).into_bytes());
        spellings.extend((0..3).map(|place| base64(bytes, place)));
        Self::spelt(until, name, &spellings)
    }

    /// Bytes, as they are.
    pub fn bytes(until: Until, name: &str, bytes: &[u8]) -> Self {
        Self::spelt(until, name, &[bytes.to_vec()])
    }

    /// Some bytes from the middle of a file: where no header makes files alike.
    pub fn file(until: Until, name: &str, file: &[u8]) -> Self {
        let at = file.len() / 2;
        Self::bytes(until, name, &file[at..(at + 48).min(file.len())])
    }

    fn spelt(until: Until, name: &str, spellings: &[Vec<u8>]) -> Self {
        assert!(spellings.iter().all(|spelling| spelling.len() >= 8), "{name} is too short to mean anything");
        let spellings = spellings.iter().map(|spelling| Finder::new(spelling).into_owned()).collect();
        Self { name: name.to_owned(), until, spellings }
    }

    pub fn is_in(&self, haystack: &[u8]) -> bool {
        self.spellings.iter().any(|spelling| spelling.find(haystack).is_some())
    }
}

/// What base64 makes of bytes that begin at this place of its groups of three, without the letters that others have a
/// part in.
fn base64(bytes: &[u8], place: usize) -> Vec<u8> {
    let shifted = [&vec![0; place], bytes].concat();
    let letters = BASE64_NOPAD.encode(&shifted).into_bytes();
    letters[(place * 8).div_ceil(6)..shifted.len() * 8 / 6].to_vec()
}

#[test]
fn a_text_is_found_in_every_spelling_and_another_is_not() {
    let needle = Needle::text(Until::Never, "a text", "canary-of-a-test");
    for around in ["", "x", "xy", "xyz"] {
        let there = format!("{around}canary-of-a-test{around}");
        let wide: Vec<u8> = there.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let other = there.replace("canary", "parrot");
        let spellings: [fn(&str) -> String; 2] = [str::to_owned, |text| BASE64_NOPAD.encode(text.as_bytes())];
        for encode in spellings {
            assert!(needle.is_in(encode(&there).as_bytes()), "{there}");
            assert!(!needle.is_in(encode(&other).as_bytes()), "{other}");
        }
        assert!(needle.is_in(&wide) && needle.is_in(HEXLOWER.encode(there.as_bytes()).as_bytes()));
    }
}
