use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures::future::join_all;
use galerra_storage::{Key, Version, whole};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::records::{Change, Mark, Place, Stored};
use super::{Engine, Result};
use crate::{
    Account, AccountId, Description, Developed, Error, FileName, Gallery, GalleryId, Happened, Image,
    ImageId, Life, Original, Refusal, Rendition, Tally, Title, Viewer, layout,
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

/// That bytes are about to be written, and where: committed before the first of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) owner: AccountId,
    pub(super) gallery: GalleryId,
    pub(super) image: ImageId,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) deadline: OffsetDateTime,
    pub(super) blobs: Vec<Key>,
    /// Set by the sweeper before it erases: from then on the upload cannot commit.
    pub(super) abandoned: bool,
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
        let developed = self.parts.imaging.develop(bytes.clone()).await?;
        let image = self.describe(owner, gallery, new, &bytes, &developed);
        let lease = self.lease(&image).await?;
        let outcome = match self.put_all(&image, &bytes, &developed).await {
            Ok(()) => self.publish(&image, &lease).await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            // A failure here is the sweeper's: the intent stays until the bytes are gone.
            if let Err(error) = self.abandon(&lease.value).await {
                tracing::warn!(image = %image.id, code = error.code(), "an abandoned upload is left to the sweeper");
            }
        }
        outcome.map(|()| image)
    }

    /// The gallery and account an upload depends on, both live.
    async fn open_gallery(
        &self,
        acc: AccountId,
        gal: GalleryId,
    ) -> Result<(Stored<Account>, Stored<Gallery>)> {
        let account = self.live_account(acc).await?.ok_or(Error::NotFound)?;
        let gallery: Option<Stored<Gallery>> = self.read(layout::gallery(acc, gal)).await?;
        let gallery = gallery.filter(|gallery| gallery.value.life.is_live()).ok_or(Error::NotFound)?;
        Ok((account, gallery))
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
        let renditions = developed.renditions.iter().map(|made| Rendition {
            name: made.name.clone(),
            format: made.format,
            width: made.width,
            height: made.height,
            bytes: made.bytes.len() as u64,
            sha256: sha256(&made.bytes),
        });
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
            renditions: renditions.collect(),
            created,
            rank: layout::rank(created, new.nth),
            life: Life::Live,
        }
    }

    /// Commits the intent in the same transaction that checks that account and gallery are live.
    async fn lease(&self, image: &Image) -> Result<Stored<Intent>> {
        let (acc, gal) = (image.owner, image.gallery);
        self.settle(|| async {
            let (account, gallery) = self.open_gallery(acc, gal).await?;
            let intent = Intent {
                owner: acc,
                gallery: gal,
                image: image.id,
                deadline: self.parts.env.now() + self.parts.policy.write_lease,
                blobs: layout::manifest(image),
                abandoned: false,
            };
            let mut change = Change::default();
            change.expect(layout::account(acc), account.version);
            change.expect(layout::gallery(acc, gal), gallery.version);
            change.create(layout::intent(acc, gal, image.id), &intent);
            change.create(layout::lease(intent.deadline, image.id), &intent);
            let version = self.commit(change).await?;
            Ok(Stored { version, value: intent })
        })
        .await
    }

    /// Puts the original and the renditions; waits for all of them even when one fails, so that nothing
    /// is still under way when the caller cleans up.
    async fn put_all(&self, image: &Image, original: &Bytes, developed: &Developed) -> Result<()> {
        let (acc, gal, img) = (image.owner, image.gallery, image.id);
        let files = image.renditions.iter().zip(&developed.renditions);
        let files = files.map(|(rendition, made)| {
            (layout::rendition_blob(acc, gal, img, &rendition.file()), made.bytes.clone())
        });
        let all = files.chain([(layout::original_blob(acc, gal, img), original.clone())]);
        let blobs = self.parts.blobs.as_ref();
        let puts = all.map(|(key, bytes)| async move { blobs.put(&key, whole(bytes)).await });
        join_all(puts).await.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }

    /// Makes the image whole: fails if the lease was taken away or the gallery was gated meanwhile.
    async fn publish(&self, image: &Image, lease: &Stored<Intent>) -> Result<()> {
        let (acc, gal, img) = (image.owner, image.gallery, image.id);
        self.settle(|| async {
            if self.parts.env.now() >= lease.value.deadline {
                return Err(Error::Contended);
            }
            let (account, gallery) = self.open_gallery(acc, gal).await?;
            let tally: Option<Stored<Tally>> = self.read(layout::tally(acc, gal)).await?;
            let images = tally.as_ref().map_or(0, |tally| tally.value.images) + 1;
            let held: Option<Stored<Intent>> = self.read(layout::intent(acc, gal, img)).await?;
            if held.is_none_or(|held| held.version != lease.version) {
                return Err(Error::Contended);
            }
            let mut change = Change::default();
            change.expect(layout::account(acc), account.version);
            change.expect(layout::gallery(acc, gal), gallery.version);
            change.remove(layout::intent(acc, gal, img), lease.version);
            change.remove(layout::lease(lease.value.deadline, img), lease.version);
            change.create(layout::image(acc, gal, img), image);
            change.create(layout::image_listed(acc, gal, &image.rank, img), &Mark {});
            change.create(layout::reference(img), &Place::Here { owner: acc, gallery: gal });
            change.put(layout::tally(acc, gal), tally.map(|tally| tally.version), &Tally { images });
            self.tell(&mut change, Happened::ImageUploaded { image: img, gallery: gal });
            self.commit(change).await.map(|_: Version| ())
        })
        .await
    }
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}
