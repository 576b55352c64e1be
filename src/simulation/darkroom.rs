//! Imaging and passwords, as far as the engine can tell. Every picture made here says which photograph it is of, so that
//! it is recognised wherever it turns up.

use async_trait::async_trait;
use bytes::Bytes;
use galerra_core::{
    Audience, Developed, Error, Facts, Format, Imaging, Master, Order, Password, PasswordHash, Passwords,
    Refusal, Rendered, Want,
};

/// A photograph, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Photo(pub(super) u64);

impl Photo {
    /// The bytes of the file.
    pub(super) fn file(self) -> Bytes {
        Bytes::from(format!("the original of photograph {}", self.0))
    }

    /// Which photograph these bytes are of.
    pub(super) fn seen_in(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        text.rsplit_once(" of photograph ")?.1.parse().ok().map(Self)
    }

    fn developed(self, what: &str) -> Bytes {
        Bytes::from(format!("the {what} of photograph {}", self.0))
    }
}

/// The rendition that is made with every upload.
pub(super) const THUMB: &str = "thumb.jpg";
/// The rendition that is made when it is asked for.
pub(super) const LARGE: &str = "large.jpg";

/// Develops photographs into two renditions and a master, at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Darkroom;

#[async_trait]
impl Imaging for Darkroom {
    fn max_bytes(&self) -> u64 {
        1 << 20
    }

    fn recipe(&self) -> &'static str {
        "darkroom"
    }

    fn admit(&self, _head: &[u8]) -> Result<Format, Refusal> {
        Ok(Format::Jpeg)
    }

    async fn develop(&self, original: Bytes, order: Order) -> Result<Developed, Refusal> {
        let photo = Photo::seen_in(&original).ok_or(Refusal::Corrupt)?;
        let rendered = |name: &str, file: &str, eager: bool| {
            let wanted = match &order.want {
                Want::Eager => eager,
                Want::Again(files) => eager || files.iter().any(|wanted| wanted == file),
                Want::Files(files) => files.iter().any(|wanted| wanted == file),
                Want::Master => false,
            };
            Rendered {
                name: name.to_owned(),
                format: Format::Jpeg,
                width: 4,
                height: 3,
                audience: Audience::Everyone,
                bytes: wanted.then(|| photo.developed(name)),
            }
        };
        Ok(Developed {
            format: Format::Jpeg,
            width: 4,
            height: 3,
            placeholder: String::new(),
            colour: String::new(),
            facts: Facts::default(),
            renditions: vec![rendered("thumb", THUMB, true), rendered("large", LARGE, false)],
            master: (order.want == Want::Master).then(|| Master {
                format: Format::Jpeg,
                exact: true,
                bytes: photo.developed("master"),
            }),
        })
    }
}

#[async_trait]
impl Passwords for Darkroom {
    async fn hash(&self, password: Password, _salt: [u8; 32]) -> Result<PasswordHash, Error> {
        Ok(PasswordHash::phc(password.reveal().to_owned()))
    }

    async fn fits(&self, password: Password, hash: PasswordHash) -> Result<bool, Error> {
        Ok(password.reveal() == hash.as_str())
    }
}
