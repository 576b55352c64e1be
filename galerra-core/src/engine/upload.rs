use std::collections::BTreeSet;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use galerra_storage::{Key, Version};
use sha2::{Digest, Sha256};

use super::records::{Change, Mark, Place, Stored};
use super::write::{Intent, Writing};
use super::{Engine, Result};
use crate::{
    AccountId, Description, Developed, FileName, Focal, GalleryId, Happened, Image, ImageId, Life, Made,
    Order, Original, Refusal, Rendered, Rendition, Tally, Title, Viewer, layout,
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
    /// Takes an image into a gallery of the viewer's own.
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
        let owner = self.own_gallery(viewer, gallery).await?.value.owner;
        if bytes.len() as u64 > self.parts.imaging.max_bytes() {
            return Err(Refusal::TooLarge { limit: self.parts.imaging.max_bytes() }.into());
        }
        let developed = self.parts.imaging.develop(bytes.clone(), Order::default()).await?;
        let image = self.describe(owner, gallery, new, &bytes, &developed);
        let puts =
            files(&image, &developed).chain([(layout::original_blob(&image), bytes.clone())]).collect();
        self.write(&image, Writing::Upload, puts, |lease| self.publish(&image, lease)).await?;
        Ok(image)
    }

    fn describe(
        &self,
        owner: AccountId,
        gallery: GalleryId,
        new: &NewImage,
        bytes: &Bytes,
        developed: &Developed,
    ) -> Image {
        let env = self.parts.env.as_ref();
        let created = env.now();
        Image {
            id: ImageId::draw(env),
            owner,
            gallery,
            title: new.title.clone(),
            alt: new.alt.clone(),
            original: Original {
                format: developed.format,
                bytes: bytes.len() as u64,
                sha256: sha256(bytes),
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
            life: Life::Live,
        }
    }

    /// Makes the image whole: fails if the lease was taken away or the gallery was gated meanwhile.
    async fn publish(&self, image: &Image, lease: Stored<Intent>) -> Result<()> {
        let (acc, gal, img) = (image.owner, image.gallery, image.id);
        self.settle(|| async {
            let mut change = Change::default();
            self.redeem(&lease, &mut change).await?;
            let tally: Option<Stored<Tally>> = self.read(layout::tally(acc, gal)).await?;
            let counted = tally.as_ref().map(|tally| tally.value).unwrap_or_default().with(image);
            change.create(layout::image(acc, gal, img), image);
            change.create(layout::image_listed(acc, gal, &image.rank, img), &Mark {});
            change.create(layout::reference(img), &Place::Here { owner: acc, gallery: gal });
            change.put(layout::tally(acc, gal), tally.map(|tally| tally.version), &counted);
            self.tell(&mut change, Happened::ImageUploaded { image: img, gallery: gal });
            self.commit(change).await.map(|_: Version| ())
        })
        .await
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
    Made { bytes: bytes.len() as u64, sha256: sha256(bytes) }
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
