use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    AccountId, Description, Fact, Facts, FileName, Format, GalleryId, ImageId, Life, Narrowed, Title,
};

/// An image: its original, what was made of it, and what its owner says about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Whose it is.
    pub owner: AccountId,
    /// The gallery it is in.
    pub gallery: GalleryId,
    /// Its title.
    pub title: Title,
    /// Its text alternative.
    pub alt: Description,
    /// The bytes as uploaded.
    pub original: Original,
    /// Width in pixels, orientation applied.
    pub width: u32,
    /// Height in pixels, orientation applied.
    pub height: u32,
    /// `ThumbHash` of the picture, base64.
    pub placeholder: String,
    /// Dominant colour as CSS, such as `#aabbcc`; empty for images of the first version.
    #[serde(default)]
    pub colour: String,
    /// What crops keep in sight.
    #[serde(default)]
    pub focal: Focal,
    /// What the file said about how it was taken; its owner's, but for what `shown` names.
    #[serde(default)]
    pub facts: Facts,
    /// The facts that every viewer is shown.
    #[serde(default)]
    pub shown: BTreeSet<Fact>,
    /// Whether its owner keeps it from everyone else.
    #[serde(default)]
    pub hidden: bool,
    /// The recipe by which the renditions were planned; empty for images of the first version.
    #[serde(default)]
    pub recipe: String,
    /// How often the renditions were made anew: blobs of different rounds have different keys.
    #[serde(default)]
    pub(crate) round: u32,
    /// What is shown to viewers, smallest first.
    pub renditions: Vec<Rendition>,
    /// The picture at full size without metadata, once somebody has asked for it.
    #[serde(default)]
    pub master: Option<StoredMaster>,
    /// When it was uploaded.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// Its place in the gallery: the tail of its index key.
    pub(crate) rank: String,
    /// Whether it may still be seen.
    pub life: Life,
}

impl Image {
    /// Whether its owner alone sees it: it is hidden, a guest has sent it and it was not taken yet,
    /// or it is in the trash.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.hidden || matches!(self.life, Life::Held { .. } | Life::Trashed { .. })
    }

    /// The same image, of which others than its owner see less.
    pub(crate) fn narrowed(self, narrowed: Narrowed) -> Self {
        match narrowed {
            Narrowed::Links { .. } => self,
            // What else was taken back with it nobody knows: its owner says anew what is shown of it.
            Narrowed::Image { .. } => Self { hidden: true, shown: BTreeSet::new(), ..self },
            Narrowed::Facts { .. } => Self { shown: BTreeSet::new(), ..self },
        }
    }

    /// Whether a guest has sent it, and its owner has not taken it yet.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.life, Life::Held { .. })
    }

    /// Whether both are there and have the same bytes stored, and the same still to come.
    pub(crate) fn has_bytes_of(&self, other: &Self) -> bool {
        let bytes = |image: &Self| (image.life, image.round, image.renditions.clone(), image.master.clone());
        self.life.is_there() && bytes(self) == bytes(other)
    }
}

/// The bytes as uploaded, bit-exact; its owner alone can fetch them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Original {
    /// Its format, told by its content.
    pub format: Format,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// CRC-32 (ISO-HDLC), for archives; `None` for bytes of the first version.
    #[serde(default)]
    pub crc32: Option<u32>,
    /// The name the file had; private.
    pub file_name: FileName,
}

impl Original {
    /// What is known of its bytes.
    pub(crate) fn made(&self) -> Made {
        Made { bytes: self.bytes, sha256: self.sha256.clone(), crc32: self.crc32 }
    }
}

/// A named size × format of an image, encoded from pixels.
///
/// It is in the record, and so in every plan to erase, before its bytes exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Name of its preset, such as `thumb`.
    pub name: String,
    /// Its format.
    pub format: Format,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Who is shown it.
    #[serde(default)]
    pub audience: Audience,
    /// In which round its blob was, or will be, written.
    #[serde(default)]
    pub(crate) round: u32,
    /// Its bytes; `None` until somebody has asked for them.
    #[serde(flatten)]
    pub made: Option<Made>,
}

/// What is known of bytes that are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hex: the strong `ETag`, and what probes look for after it was erased.
    pub sha256: String,
    /// CRC-32 (ISO-HDLC), for archives; `None` for bytes of the first version.
    #[serde(default)]
    pub crc32: Option<u32>,
}

impl Rendition {
    /// The last segment of its URL and of its blob key, such as `thumb.jpg`.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.{}", self.name, self.format.extension())
    }
}

/// The master of an image, stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMaster {
    /// Its format.
    pub format: Format,
    /// Whether its pixels are those of the original bit for bit.
    pub exact: bool,
    /// In which round its blob was written.
    pub(crate) round: u32,
    /// Its bytes.
    #[serde(flatten)]
    pub made: Made,
}

/// Who is shown a rendition. The owner may fetch all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Whoever may see the image.
    #[default]
    Everyone,
    /// Its owner alone, such as a size without a watermark.
    Owner,
    /// Everybody else, such as a size with a watermark.
    Guests,
}

/// The point of a picture that crops keep in sight, as shares of its width and height; `(0.5, 0.5)` is the middle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(f32, f32)", into = "(f32, f32)")]
pub struct Focal {
    x: f32,
    y: f32,
}

impl Focal {
    /// A point; `None` unless both shares are from 0 to 1.
    #[must_use]
    pub fn at(x: f32, y: f32) -> Option<Self> {
        let inside = |share: f32| (0.0..=1.0).contains(&share);
        (inside(x) && inside(y)).then_some(Self { x, y })
    }

    /// Share of the width, from the left.
    #[must_use]
    pub fn x(self) -> f32 {
        self.x
    }

    /// Share of the height, from the top.
    #[must_use]
    pub fn y(self) -> f32 {
        self.y
    }
}

impl Default for Focal {
    fn default() -> Self {
        Self { x: 0.5, y: 0.5 }
    }
}

impl TryFrom<(f32, f32)> for Focal {
    type Error = &'static str;

    fn try_from((x, y): (f32, f32)) -> Result<Self, Self::Error> {
        Self::at(x, y).ok_or("a focal point is two shares from 0 to 1")
    }
}

impl From<Focal> for (f32, f32) {
    fn from(focal: Focal) -> Self {
        (focal.x, focal.y)
    }
}
