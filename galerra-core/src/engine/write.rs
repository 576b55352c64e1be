//! Writing blobs of an image: what will be written is committed before the first byte, and whoever does not get
//! to the end is swept.

use std::future::Future;

use bytes::Bytes;
use futures::future::join_all;
use galerra_storage::{Key, Row, whole};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::records::{Change, Stored};
use super::{Engine, Result};
use crate::{Account, AccountId, Error, Gallery, GalleryId, Image, ImageId, Refusal, layout};

/// Blobs listed at once.
const PAGE: usize = 100;

/// That bytes are about to be written, and where: committed before the first of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) owner: AccountId,
    pub(super) gallery: GalleryId,
    pub(super) image: ImageId,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) deadline: OffsetDateTime,
    pub(super) blobs: Vec<Key>,
    #[serde(default)]
    pub(super) writing: Writing,
    /// Set by the sweeper before it erases: from then on the writer cannot commit.
    pub(super) abandoned: bool,
}

/// What bytes are written for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Writing {
    /// An image that there is no record of yet: all its blobs are the writer's.
    #[default]
    Upload,
    /// More bytes of an image that there is.
    Addition,
}

impl Engine {
    /// Commits the intent, puts the bytes, and has `publish` commit what refers to them; sweeps what it put if
    /// that fails. One writer an image: a second one is told to come back.
    pub(super) async fn write<F, Fut>(
        &self,
        image: &Image,
        writing: Writing,
        puts: Vec<(Key, Bytes)>,
        publish: F,
    ) -> Result<()>
    where
        F: FnOnce(Stored<Intent>) -> Fut,
        Fut: Future<Output = Result<()>>,
    {
        let keys = puts.iter().map(|(key, _)| key.clone()).collect();
        let lease = self.lease(image, writing, keys).await?;
        let outcome = if self.leaves_time(&lease.value) {
            match self.put_all(puts).await {
                Ok(()) => publish(lease.clone()).await,
                Err(error) => Err(error),
            }
        } else {
            Err(Error::Contended)
        };
        if outcome.is_err() {
            // A failure here is the sweeper's: the intent stays until the bytes are gone.
            if let Err(error) = self.abandon(&lease.value).await {
                tracing::warn!(image = %image.id, code = error.code(), "an abandoned write is left to the sweeper");
            }
        }
        outcome
    }

    /// Whether bytes that are put now are there before the lease is over: calls to blobs take half of it at most.
    ///
    /// Whoever waited longer for the answer to its lease would write behind the back of the sweeper.
    fn leaves_time(&self, lease: &Intent) -> bool {
        self.parts.env.now() + self.parts.policy.write_lease / 2 <= lease.deadline
    }

    /// Commits the intent in the same transaction that checks that account and gallery are live.
    async fn lease(&self, image: &Image, writing: Writing, blobs: Vec<Key>) -> Result<Stored<Intent>> {
        let (acc, gal) = (image.owner, image.gallery);
        let intent = Intent {
            owner: acc,
            gallery: gal,
            image: image.id,
            deadline: self.parts.env.now() + self.parts.policy.write_lease,
            blobs,
            writing,
            abandoned: false,
        };
        self.settle(|| async {
            if self.is_written(acc, gal, image.id).await? {
                return Err(Refusal::Busy.into());
            }
            let mut change = Change::default();
            self.expect_open(acc, gal, &mut change).await?;
            if writing == Writing::Addition {
                // Whoever gave up could otherwise sweep what another writer has committed under the same keys.
                let key = layout::image(acc, gal, image.id);
                let now: Stored<Image> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
                if !now.value.has_bytes_of(image) {
                    return Err(Error::Contended);
                }
                change.expect(key, now.version);
            }
            change.create(layout::intent(acc, gal, image.id), &intent);
            change.create(layout::lease(intent.deadline, image.id), &intent);
            let version = self.commit(change).await?;
            Ok(Stored { version, value: intent.clone() })
        })
        .await
    }

    /// Whether somebody is writing bytes of this image.
    pub(super) async fn is_written(&self, acc: AccountId, gal: GalleryId, img: ImageId) -> Result<bool> {
        Ok(self.read::<Intent>(layout::intent(acc, gal, img)).await?.is_some())
    }

    /// Makes a change depend on the lease, which it ends, and on account and gallery being live.
    pub(super) async fn redeem(&self, lease: &Stored<Intent>, change: &mut Change) -> Result<()> {
        let Intent { owner, gallery, image, deadline, .. } = lease.value;
        if self.parts.env.now() >= deadline {
            return Err(Error::Contended);
        }
        self.expect_open(owner, gallery, change).await?;
        let key = layout::intent(owner, gallery, image);
        let held: Option<Stored<Intent>> = self.read(key.clone()).await?;
        if held.is_none_or(|held| held.version != lease.version) {
            return Err(Error::Contended);
        }
        change.remove(key, lease.version);
        change.remove(layout::lease(deadline, image), lease.version);
        Ok(())
    }

    /// Makes a change depend on an account and a gallery that are live.
    async fn expect_open(&self, acc: AccountId, gal: GalleryId, change: &mut Change) -> Result<()> {
        let account: Stored<Account> = self.live_account(acc).await?.ok_or(Error::NotFound)?;
        let gallery: Option<Stored<Gallery>> = self.read(layout::gallery(acc, gal)).await?;
        let gallery = gallery.filter(|gallery| gallery.value.life.is_live()).ok_or(Error::NotFound)?;
        change.expect(layout::account(acc), account.version);
        change.expect(layout::gallery(acc, gal), gallery.version);
        Ok(())
    }

    /// Puts all of them and waits for all even when one fails, so that nothing is still under way when the
    /// caller cleans up.
    async fn put_all(&self, puts: Vec<(Key, Bytes)>) -> Result<()> {
        let blobs = self.parts.blobs.as_ref();
        let puts = puts.into_iter().map(|(key, bytes)| async move { blobs.put(&key, whole(bytes)).await });
        join_all(puts).await.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }

    /// Sweeps what a lease that is over has left.
    pub(super) async fn sweep(&self, lease: &Row, intent: &Intent) -> Result<()> {
        let key = layout::intent(intent.owner, intent.gallery, intent.image);
        let held: Option<Stored<Intent>> = self.read(key).await?;
        if let Some(held) = held.filter(|held| held.value.deadline == intent.deadline) {
            return match held.value.writing {
                Writing::Upload if !self.parts.cdns.is_empty() => self.disown_write(held).await,
                _ => self.abandon(intent).await,
            };
        }
        let mut change = Change::default();
        change.remove_row(lease);
        self.commit(change).await.map(|_| ())
    }

    /// Ends a lease that is over with the erasure of whatever was put under it: the writer's own commit may be among what
    /// a backup has forgotten.
    async fn disown_write(&self, held: Stored<Intent>) -> Result<()> {
        let Intent { owner, gallery, image, deadline, blobs, .. } = held.value;
        let mut change = Change::default();
        change.remove(layout::intent(owner, gallery, image), held.version);
        let lease = layout::lease(deadline, image);
        if let Some(found) = self.read::<Intent>(lease.clone()).await? {
            change.remove(lease, found.version);
        }
        let erasure = self.disown(&mut change, owner, (gallery, image), blobs);
        self.commit_gated(change, Some(&erasure)).await
    }

    /// Takes a writer's lease away, erases what it put, and forgets it: in this order, so that the writer can
    /// neither commit nor be forgotten while bytes are left.
    async fn abandon(&self, intent: &Intent) -> Result<()> {
        let key = layout::intent(intent.owner, intent.gallery, intent.image);
        let held = self.read::<Intent>(key.clone()).await?;
        // Another writer may have come since; its lease is not this one's to take.
        let Some(held) = held.filter(|held| held.value.deadline == intent.deadline) else { return Ok(()) };
        let Stored { version, value: taken } = self.take_over(held).await?;
        if !self.leaves_time(&taken) {
            return Err(Error::Contended);
        }
        self.erase_blobs(taken.blobs.clone()).await?;
        if taken.writing == Writing::Upload {
            self.sweep_blobs(&taken).await?;
        }
        let lease_key = layout::lease(taken.deadline, taken.image);
        let mut change = Change::default();
        change.remove(key, version);
        change.remove(lease_key, version);
        self.commit(change).await.map(|_| ())
    }

    /// Takes a lease over from whoever holds it. Until it is over nobody else touches the blobs: an erase that is still
    /// on its way from one sweeper would otherwise reach what a writer has put since another one was through.
    async fn take_over(&self, held: Stored<Intent>) -> Result<Stored<Intent>> {
        let Stored { version, value: before } = held;
        let deadline = self.parts.env.now() + self.parts.policy.write_lease;
        let taken = Intent { abandoned: true, deadline, ..before.clone() };
        let (old, new) =
            (layout::lease(before.deadline, before.image), layout::lease(deadline, before.image));
        let lease = self.read::<Intent>(old.clone()).await?.map(|lease| lease.version);
        let mut change = Change::default();
        change.replace(layout::intent(before.owner, before.gallery, before.image), version, &taken);
        if let Some(lease) = lease.filter(|_| old != new) {
            change.remove(old, lease);
            change.create(new, &taken);
        } else {
            change.put(new, lease, &taken);
        }
        let version = self.commit(change).await?;
        Ok(Stored { version, value: taken })
    }

    /// Erases whatever lies under an image of which there is no record.
    async fn sweep_blobs(&self, intent: &Intent) -> Result<()> {
        let prefix = layout::image_blobs(intent.owner, intent.gallery, intent.image);
        loop {
            let left = self.parts.blobs.list(&prefix, None, PAGE).await?;
            if left.is_empty() {
                return Ok(());
            }
            self.erase_blobs(left.into_iter().map(|entry| entry.key).collect()).await?;
        }
    }
}
