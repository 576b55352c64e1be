use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::records::{Change, Stored, stored};
use super::{Engine, Page, Result};
use crate::{
    AccountId, Error, Gallery, GalleryId, Happened, Image, ImageId, Lane, Life, Narrowed, Subject, Tally,
    Title, Viewer, layout,
};

/// Deadlines looked at by one tick.
const AT_ONCE: usize = 100;

/// Something in the trash: nobody but its owner knows of it, and it is erased when its time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trashed {
    /// Whose it is.
    pub owner: AccountId,
    /// The gallery, or the one that the image was in.
    pub gallery: GalleryId,
    /// The image; without it, the whole gallery.
    pub image: Option<ImageId>,
    /// When it was put there.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When it is erased.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// What both have.
#[derive(Deserialize)]
struct Titled {
    title: Title,
}

impl Engine {
    /// Puts an image of the viewer's own into the trash: it is out of sight, and out of networks, at once.
    pub async fn trash_image(&self, viewer: &Viewer, id: ImageId) -> Result<Trashed> {
        self.settle(|| async {
            let seen = self.image(viewer, id).await?;
            let before = seen.image.as_ref();
            if !seen.grant.is_owner() {
                return Err(Error::NotFound);
            }
            let (since, until) = self.term();
            let trashed =
                Trashed { owner: before.owner, gallery: before.gallery, image: Some(id), since, until };
            let held = match before.life {
                Life::Live => None,
                Life::Held { by } => Some(by),
                Life::Trashed { since, until, .. } => {
                    self.entomb_narrowed(before.owner, before.gallery).await?;
                    return Ok(Trashed { since, until, ..trashed });
                }
                Life::Gated { .. } => return Err(Error::NotFound),
            };
            let key = layout::image(before.owner, before.gallery, id);
            let now: Stored<Image> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
            if now.value.life != before.life {
                return Err(Error::Contended);
            }
            let after = Image { life: Life::Trashed { since, until, held }, ..now.value.clone() };
            let mut change = Change::default();
            change.replace(key, now.version, &after);
            let listed = layout::image_listed(after.owner, after.gallery, &after.rank, id);
            self.unlist(&mut change, listed).await?;
            self.count_down(&mut change, &now.value).await?;
            let tightened = self.tighten_around(&mut change, viewer, &now.value).await?;
            Self::lay(&mut change, &trashed);
            self.tell(&mut change, Happened::ImageTrashed { image: id, gallery: after.gallery });
            self.commit_gated(change, tightened.as_ref()).await?;
            Ok(trashed)
        })
        .await
    }

    /// Puts a gallery of the viewer's own into the trash, with all that is in it.
    pub async fn trash_gallery(&self, viewer: &Viewer, id: GalleryId) -> Result<Trashed> {
        self.settle(|| async {
            let owner = self.account_of(viewer).await?.value.id;
            let before: Stored<Gallery> =
                self.read(layout::gallery(owner, id)).await?.ok_or(Error::NotFound)?;
            let (since, until) = self.term();
            let trashed = Trashed { owner, gallery: id, image: None, since, until };
            match before.value.life {
                Life::Live => {}
                Life::Trashed { since, until, .. } => {
                    self.entomb_narrowed(owner, id).await?;
                    return Ok(Trashed { since, until, ..trashed });
                }
                Life::Held { .. } | Life::Gated { .. } => return Err(Error::NotFound),
            }
            let life = Life::Trashed { since, until, held: None };
            let after = Gallery { life, epoch: before.value.epoch + 1, ..before.value.clone() };
            let mut change = Change::default();
            change.replace(layout::gallery(owner, id), before.version, &after);
            let rank = layout::rank(after.created, 0);
            self.unlist(&mut change, layout::gallery_listed(owner, id, &rank)).await?;
            let subject = if before.value.visibility.is_open() {
                Subject::Copies { gallery: id, image: None }
            } else {
                Subject::Access { gallery: id, narrowed: Narrowed::Links { share: None } }
            };
            let tightened = self.tighten(&mut change, owner, subject, None);
            Self::lay(&mut change, &trashed);
            self.tell(&mut change, Happened::GalleryTrashed { gallery: id });
            self.commit_gated(change, Some(&tightened)).await?;
            Ok(trashed)
        })
        .await
    }

    /// Takes an image out of the trash, as it was.
    pub async fn restore_image(&self, viewer: &Viewer, id: ImageId) -> Result<()> {
        self.settle(|| async {
            let seen = self.image(viewer, id).await?;
            let (owner, gallery) = (seen.image.owner, seen.image.gallery);
            let key = layout::image(owner, gallery, id);
            let now: Stored<Image> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
            let Life::Trashed { since, until, held } = now.value.life else {
                return Err(Error::NotFound);
            };
            let own = self.own_gallery(viewer, gallery).await?;
            let life = held.map_or(Life::Live, |by| Life::Held { by });
            let after = Image { life, ..now.value };
            let mut change = Change::default();
            change.expect(layout::gallery(owner, gallery), own.version);
            change.replace(key, now.version, &after);
            change.create(layout::image_listed(owner, gallery, &after.rank, id), &super::records::Mark {});
            let tally: Option<Stored<Tally>> = self.read(layout::tally(owner, gallery)).await?;
            if let Some(Stored { version, value }) = tally {
                change.replace(layout::tally(owner, gallery), version, &value.with(&after));
            }
            let trashed = Trashed { owner, gallery, image: Some(id), since, until };
            self.take_out(&mut change, &trashed).await?;
            let told = self.tell(&mut change, Happened::ImageRestored { image: id, gallery });
            self.commit_widened(change, &told).await
        })
        .await
    }

    /// Takes a gallery out of the trash, as it was.
    pub async fn restore_gallery(&self, viewer: &Viewer, id: GalleryId) -> Result<()> {
        self.settle(|| async {
            let owner = self.account_of(viewer).await?.value.id;
            let now: Stored<Gallery> = self.read(layout::gallery(owner, id)).await?.ok_or(Error::NotFound)?;
            let Life::Trashed { since, until, .. } = now.value.life else { return Err(Error::NotFound) };
            let after = Gallery { life: Life::Live, ..now.value };
            let mut change = Change::default();
            change.replace(layout::gallery(owner, id), now.version, &after);
            let rank = layout::rank(after.created, 0);
            change.create(layout::gallery_listed(owner, id, &rank), &Tally::default());
            self.take_out(&mut change, &Trashed { owner, gallery: id, image: None, since, until }).await?;
            let told = self.tell(&mut change, Happened::GalleryRestored { gallery: id });
            self.commit_widened(change, &told).await
        })
        .await
    }

    /// What of the viewer's own is in the trash, each with its title.
    pub async fn trash(
        &self,
        viewer: &Viewer,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<(Trashed, Title)>> {
        let owner = self.account_of(viewer).await?.value.id;
        let listed = self.list_below(&layout::all_trash(owner), cursor, limit).await?;
        let mut items = Vec::with_capacity(listed.items.len());
        for row in &listed.items {
            let trashed = stored::<Trashed>(row)?.value;
            let key = match trashed.image {
                Some(image) => layout::image(owner, trashed.gallery, image),
                None => layout::gallery(owner, trashed.gallery),
            };
            let titled: Option<Stored<Titled>> = self.read(key).await?;
            items.push((trashed, titled.map(|titled| titled.value.title).unwrap_or_default()));
        }
        Ok(Page { items, next: listed.next })
    }

    /// Begins the erasure of what has lain in the trash for its time. Deadlines sort by time.
    pub(super) async fn empty_trash(&self) -> Result<()> {
        let now = self.parts.env.now();
        for row in self.parts.records.scan(&layout::trash(), None, AT_ONCE).await? {
            let trashed = stored::<Trashed>(&row)?.value;
            if trashed.until > now {
                break;
            }
            let owner = Viewer::account(trashed.owner);
            let begun = match trashed.image {
                Some(image) => self.erase_image(&owner, image, Lane::Standard).await,
                None => self.erase_gallery(&owner, trashed.gallery, Lane::Standard).await,
            };
            match begun {
                Ok(_) => {}
                // It went with something larger: only its deadline is left.
                Err(Error::NotFound | Error::Gone | Error::Unauthenticated) => {
                    let mut change = Change::default();
                    change.remove_row(&row);
                    self.let_conflict_pass(change).await?;
                }
                Err(error) => {
                    tracing::warn!(code = error.code(), "something in the trash could not be erased yet");
                }
            }
        }
        Ok(())
    }

    fn term(&self) -> (OffsetDateTime, OffsetDateTime) {
        let now = self.parts.env.now();
        (now, now + self.parts.policy.trash_life)
    }

    fn lay(change: &mut Change, trashed: &Trashed) {
        change.create(layout::trashed(trashed), trashed);
        change.create(layout::trash_due(trashed), trashed);
    }

    /// Adds to a change that something is not in the trash any more.
    pub(super) async fn take_out(&self, change: &mut Change, trashed: &Trashed) -> Result<()> {
        for key in [layout::trashed(trashed), layout::trash_due(trashed)] {
            if let Some(there) = self.read::<Trashed>(key.clone()).await? {
                change.remove(key, there.version);
            }
        }
        Ok(())
    }
}
