use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Description, FileName, Format, GalleryId, ImageId, Life, Title};

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
    /// What is shown to viewers, smallest first.
    pub renditions: Vec<Rendition>,
    /// When it was uploaded.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// Its place in the gallery: the tail of its index key.
    pub(crate) rank: String,
    /// Whether it may still be seen.
    pub life: Life,
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
    /// The name the file had; private.
    pub file_name: FileName,
}

/// A named size × format of an image, encoded from pixels.
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
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hex: its strong `ETag`, and what probes look for after it was erased.
    pub sha256: String,
}

impl Rendition {
    /// The last segment of its URL and of its blob key, such as `thumb.jpg`.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.{}", self.name, self.format.extension())
    }
}
