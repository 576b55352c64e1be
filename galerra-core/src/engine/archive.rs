use std::ops::Range;

use data_encoding::HEXLOWER;
use futures::StreamExt;
use galerra_storage::{Blob, StorageError};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::view::SeenImage;
use super::{Engine, MAX_PAGE, Result};
use crate::zip::{self, Entry};
use crate::{Error, Format, GalleryId, Grant, Image, ImageId, Made, Viewer};

/// Most images of one archive.
const MOST: usize = 50_000;

/// In which form images go into an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// The bytes as uploaded; for their owner alone.
    Original,
    /// The picture at full size, without metadata.
    Master,
    /// The rendition of this preset.
    Preset(String),
}

impl From<&str> for Form {
    fn from(text: &str) -> Self {
        match text {
            "original" => Self::Original,
            "master" => Self::Master,
            preset => Self::Preset(preset.to_owned()),
        }
    }
}

/// A gallery as one file, as far as it is known before its bytes are read.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The images in it, in the gallery's order.
    pub packed: Vec<Packed>,
}

/// An image in an archive.
#[derive(Debug, Clone)]
pub struct Packed {
    image: ImageId,
    form: Form,
    /// The last segment of its rendition's address.
    file: String,
    name: String,
    modified: OffsetDateTime,
    /// What is known of its bytes; `None` before anybody has asked for them.
    made: Option<Made>,
}

impl Packed {
    /// The entry that it makes; `None` before its bytes were made.
    #[must_use]
    pub fn entry(&self) -> Option<Entry> {
        let Made { bytes, crc32, .. } = self.made.as_ref()?;
        let (name, modified) = (self.name.clone(), self.modified);
        Some(Entry { name, bytes: *bytes, crc32: (*crc32)?, modified })
    }
}

impl Archive {
    /// Every entry, its length and its tag, if all that is in it was made before: then it can be sent in parts.
    #[must_use]
    pub fn settled(&self) -> Option<(u64, String)> {
        let entries: Vec<Entry> = self.packed.iter().map(Packed::entry).collect::<Option<_>>()?;
        let mut tag = Sha256::new();
        for (packed, entry) in self.packed.iter().zip(&entries) {
            let sha256 = packed.made.as_ref().map_or("", |made| made.sha256.as_str());
            tag.update(format!("{}\n{sha256}\n{}\n", entry.name, entry.modified.unix_timestamp()));
        }
        Some((zip::length(&entries), HEXLOWER.encode(&tag.finalize())))
    }
}

impl Engine {
    /// Plans an archive of a gallery for whoever may download from it, in the form they ask for, or else the best that
    /// they may have. No byte is read yet.
    pub async fn archive(&self, viewer: &Viewer, id: GalleryId, form: Option<Form>) -> Result<Archive> {
        let grant = self.gallery(viewer, id).await?.grant;
        let best = if grant.is_owner() { Form::Original } else { Form::Master };
        let form = form.unwrap_or(best);
        if !grant.may_download() || (form == Form::Original && !grant.is_owner()) {
            return Err(Error::NotFound);
        }
        let mut archive = Archive { packed: Vec::new() };
        let mut cursor = None;
        loop {
            let page = self.images(&grant, cursor.as_deref(), MAX_PAGE).await?;
            archive.packed.extend(page.items.iter().filter_map(|image| packed(&grant, image, &form)));
            if archive.packed.is_empty() && !page.items.is_empty() {
                let reason = "must be `original`, `master` or the name of a preset".to_owned();
                return Err(Error::Invalid { field: "form", reason });
            }
            if archive.packed.len() > MOST {
                let reason = format!("is too large for one archive: it has more than {MOST} images");
                return Err(Error::Invalid { field: "gallery", reason });
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(archive),
            }
        }
    }

    /// An image of an archive as it is now, with its bytes made if nobody has asked for them before. Decided anew for
    /// each of them: a download takes long, and what was revoked meanwhile ends it.
    pub async fn pack(&self, viewer: &Viewer, packed: &Packed) -> Result<(SeenImage, Packed)> {
        let id = packed.image;
        let seen = match &packed.form {
            Form::Original => self.image(viewer, id).await?,
            Form::Master => self.mastered(viewer, id).await?,
            Form::Preset(_) => self.developed(viewer, id, &packed.file).await?,
        };
        let now = self::packed(&seen.grant, &seen.image, &packed.form).ok_or(Error::NotFound)?;
        // Bytes that were made anew meanwhile would not fit into what was announced; nor would another name.
        let now = match &packed.made {
            None => now,
            planned if (&now.made, &now.file) == (planned, &packed.file) => packed.clone(),
            Some(_) => return Err(Error::Contended),
        };
        let now = match now.made {
            Some(Made { crc32: None, .. }) => self.checked(&seen, now).await?,
            _ => now,
        };
        Ok((seen, now))
    }

    /// Reads bytes whose check sum was not recorded when they were made.
    async fn checked(&self, seen: &SeenImage, packed: Packed) -> Result<Packed> {
        let mut body = self.packed(seen, &packed, None).await?.body;
        let mut sum = crc32fast::Hasher::new();
        while let Some(chunk) = body.next().await {
            sum.update(&chunk.map_err(|source| StorageError::Transient {
                store: "blobs".to_owned(),
                operation: "get",
                source: source.into(),
            })?);
        }
        let made = packed.made.map(|made| Made { crc32: Some(sum.finalize()), ..made });
        Ok(Packed { made, ..packed })
    }

    /// The bytes of an image of an archive.
    pub async fn packed(&self, seen: &SeenImage, packed: &Packed, range: Option<Range<u64>>) -> Result<Blob> {
        match &packed.form {
            Form::Original => self.original(seen, range).await,
            Form::Master => self.master(seen, range).await,
            Form::Preset(_) => self.rendition(seen, &packed.file, range).await,
        }
    }
}

/// How an image goes into an archive of this form; `None` if the viewer may not have it so.
fn packed(grant: &Grant, image: &Image, form: &Form) -> Option<Packed> {
    let (format, file, made) = match form {
        Form::Original => (image.original.format, String::new(), Some(image.original.made())),
        Form::Master => match &image.master {
            Some(master) => (master.format, String::new(), Some(master.made.clone())),
            // Told when it is made.
            None => (image.original.format, String::new(), None),
        },
        Form::Preset(name) => {
            let mut shown = image.renditions.iter().filter(|r| grant.shows(r) && r.name == *name);
            let plain = shown.clone().find(|r| r.format == Format::Jpeg);
            let rendition = plain.or_else(|| shown.next())?;
            (rendition.format, rendition.file(), rendition.made.clone())
        }
    };
    let name = format!("{}.{}", stem(image), format.extension());
    Some(Packed { image: image.id, form: form.clone(), file, name, modified: image.created, made })
}

/// The name of an image's file but for its extension: the same whatever is added to the gallery or moved in it, and
/// harmless on every system. The name it had on its owner's machine is private.
fn stem(image: &Image) -> String {
    let title = image.title.as_str().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' });
    let title = title.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    let title: String = title.chars().take(60).collect();
    let id: String = image.id.bare().chars().take(12).collect();
    if title.is_empty() { id } else { format!("{} {id}", title.trim()) }
}
