use std::collections::BTreeSet;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use galerra_storage::{Key, Version};
use sha2::{Digest, Sha256};

use super::records::{Change, Mark, Place, Stored};
use super::write::{Intent, Writing};
use super::{Engine, Result, Seen};
use crate::{
    Description, Developed, Error, FileName, Focal, GalleryId, Grant, Happened, Image, ImageId, Life, Made,
    Order, Original, Refusal, Rendered, Rendition, Share, Tally, Title, Viewer, layout,
};

/// What its owner says about a new image.
#[derive(Debug, Clone, Default)]
pub struct NewImage {
    /// Its title.
    pub title: Title,
    /// Its text alternative.
    pub alt: Description,
    /// The name the file had.
    pub file_name: FileName,
    /// Its place among images uploaded by one request.
    pub nth: u16,
}

impl NewImage {
    /// An image of which nothing is said but the name its file had.
    #[must_use]
    pub fn named(file_name: &str) -> Self {
        Self { file_name: FileName::clean(file_name), ..Self::default() }
    }
}

impl Engine {
    /// Takes an image into a gallery of the viewer's own, or from a guest whose link allows it: then it is held until
    /// the owner takes it.
    ///
    /// The picture is developed before anything is written, so a file that is refused leaves nothing. Then
    /// the intent (with the manifest) is committed, the bytes are put, and one commit makes the image whole.
    pub async fn upload(
        &self,
        viewer: &Viewer,
        gallery: GalleryId,
        new: &NewImage,
        bytes: Bytes,
    ) -> Result<Image> {
        let Seen { grant, .. } = self.gallery(viewer, gallery).await?;
        let life = grant.takes().ok_or(Error::NotFound)?;
        if !life.is_live() {
            // Looked at once more when it is whole; before that, it would be work for nothing.
            let tally: Option<Stored<Tally>> = self.read(layout::tally(grant.owner(), gallery)).await?;
            if tally.is_some_and(|tally| tally.value.held >= self.parts.policy.max_held) {
                return Err(Error::TooManyHeld);
            }
        }
        if bytes.len() as u64 > self.parts.imaging.max_bytes() {
            return Err(Refusal::TooLarge { limit: self.parts.imaging.max_bytes() }.into());
        }
        let developed = self.parts.imaging.develop(bytes.clone(), Order::default()).await?;
        let image = self.describe(&grant, life, new, &bytes, &developed);
        let puts =
            files(&image, &developed).chain([(layout::original_blob(&image), bytes.clone())]).collect();
        self.write(&image, Writing::Upload, puts, |lease| self.publish(viewer, &image, lease)).await?;
        Ok(image)
    }

    fn describe(
        &self,
        grant: &Grant,
        life: Life,
        new: &NewImage,
        bytes: &Bytes,
        developed: &Developed,
    ) -> Image {
        let env = self.parts.env.as_ref();
        let created = env.now();
        Image {
            id: ImageId::draw(env),
            owner: grant.owner(),
            gallery: grant.gallery(),
            title: new.title.clone(),
            alt: new.alt.clone(),
            original: Original {
                format: developed.format,
                bytes: bytes.len() as u64,
                sha256: sha256(bytes),
                crc32: Some(crc32fast::hash(bytes)),
                file_name: new.file_name.clone(),
            },
            width: developed.width,
            height: developed.height,
            placeholder: developed.placeholder.clone(),
            colour: developed.colour.clone(),
            focal: Focal::default(),
            facts: developed.facts.clone(),
            shown: BTreeSet::new(),
            hidden: false,
            recipe: self.parts.imaging.recipe().to_owned(),
            round: 0,
            renditions: developed.renditions.iter().map(|made| rendition(made, 0)).collect(),
            master: None,
            created,
            rank: layout::rank(created, new.nth),
            life,
        }
    }

    /// Makes the image whole: fails if the lease was taken away, the gallery was gated or the link was revoked
    /// meanwhile.
    async fn publish(&self, viewer: &Viewer, image: &Image, lease: Stored<Intent>) -> Result<()> {
        let (acc, gal, img) = (image.owner, image.gallery, image.id);
        self.settle(|| async {
            let mut change = Change::default();
            self.redeem(&lease, &mut change).await?;
            let sent_by_guest = !image.life.is_live();
            if sent_by_guest {
                self.expect_link(viewer, image, &mut change).await?;
            }
            let tally: Option<Stored<Tally>> = self.read(layout::tally(acc, gal)).await?;
            let counted = tally.as_ref().map(|tally| tally.value).unwrap_or_default().with(image);
            if sent_by_guest && counted.held > self.parts.policy.max_held {
                return Err(Error::TooManyHeld);
            }
            change.create(layout::image(acc, gal, img), image);
            change.create(layout::image_listed(acc, gal, &image.rank, img), &Mark {});
            change.create(layout::reference(img), &Place::Here { owner: acc, gallery: gal });
            change.put(layout::tally(acc, gal), tally.map(|tally| tally.version), &counted);
            self.tell(
                &mut change,
                if sent_by_guest {
                    Happened::ImageHeld { image: img, gallery: gal }
                } else {
                    Happened::ImageUploaded { image: img, gallery: gal }
                },
            );
            self.commit(change).await.map(|_: Version| ())
        })
        .await
    }

    /// Makes a change depend on a guest's link, which has to allow it still.
    async fn expect_link(&self, viewer: &Viewer, image: &Image, change: &mut Change) -> Result<()> {
        let Life::Held { by } = image.life else { return Ok(()) };
        let share: Option<Stored<Share>> = self.read(layout::share(image.owner, image.gallery, by)).await?;
        change.expect(layout::share(image.owner, image.gallery, by), share.ok_or(Error::NotFound)?.version);
        let Seen { grant, .. } = self.gallery(viewer, image.gallery).await?;
        if grant.takes() == Some(image.life) { Ok(()) } else { Err(Error::NotFound) }
    }
}

/// The record of a rendition that was planned, or made, in a round.
pub(super) fn rendition(made: &Rendered, round: u32) -> Rendition {
    Rendition {
        name: made.name.clone(),
        format: made.format,
        width: made.width,
        height: made.height,
        audience: made.audience,
        round,
        made: made.bytes.as_deref().map(stored_bytes),
    }
}

/// What is recorded of bytes.
pub(super) fn stored_bytes(bytes: &[u8]) -> Made {
    Made { bytes: bytes.len() as u64, sha256: sha256(bytes), crc32: Some(crc32fast::hash(bytes)) }
}

/// Where the bytes that were made go.
fn files(image: &Image, developed: &Developed) -> impl Iterator<Item = (Key, Bytes)> {
    let pairs = image.renditions.iter().zip(&developed.renditions);
    pairs
        .filter_map(|(rendition, made)| Some((layout::rendition_blob(image, rendition), made.bytes.clone()?)))
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}
