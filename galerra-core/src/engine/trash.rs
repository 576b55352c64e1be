mod place;

use galerra_storage::Row;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::ledger::{Again, Marked};
use super::records::{Change, Stored, stored};
use super::{Engine, Page, Result};
use crate::{
    AccountId, Error, Gallery, GalleryId, Happened, Image, ImageId, Lane, Life, Narrowed, Subject, Title,
    Viewer, layout,
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
            let (owner, gallery) = (before.owner, before.gallery);
            match before.life {
                Life::Live | Life::Held { .. } => {}
                Life::Trashed { since, until, .. } => {
                    self.entomb_narrowed(owner, gallery).await?;
                    return Ok(Trashed { owner, gallery, image: Some(id), since, until });
                }
                Life::Gated { .. } => return Err(Error::NotFound),
            }
            let key = layout::image(owner, gallery, id);
            let now: Stored<Image> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
            if now.value.life != before.life {
                return Err(Error::Contended);
            }
            let mut change = Change::default();
            // Also where nobody else sees it: no backup takes it out of the trash.
            let tightened = self.tighten_around(&mut change, viewer, &now.value).await?;
            let tightened = tightened.unwrap_or_else(|| {
                let subject = Subject::Access { gallery, narrowed: Narrowed::Image { image: id } };
                self.tighten(&mut change, owner, subject, None)
            });
            let trashed = self.term(owner, gallery, Some(id));
            self.throw_image(&mut change, now, &trashed).await?;
            self.tell(&mut change, Happened::ImageTrashed { image: id, gallery });
            self.commit_gated(change, Some(&tightened)).await?;
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
            match before.value.life {
                Life::Live => {}
                Life::Trashed { since, until, .. } => {
                    self.entomb_narrowed(owner, id).await?;
                    return Ok(Trashed { owner, gallery: id, image: None, since, until });
                }
                Life::Held { .. } | Life::Gated { .. } => return Err(Error::NotFound),
            }
            let mut change = Change::default();
            let subject = if before.value.visibility.is_open() {
                Subject::Copies { gallery: id, image: None }
            } else {
                Subject::Access { gallery: id, narrowed: Narrowed::Links { share: None } }
            };
            let tightened = self.tighten(&mut change, owner, subject, None);
            let trashed = self.term(owner, id, None);
            self.throw_gallery(&mut change, before, &trashed).await?;
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
            let Life::Trashed { since, until, .. } = now.value.life else { return Err(Error::NotFound) };
            let own = self.own_gallery(viewer, gallery).await?;
            let mut change = Change::default();
            change.expect(layout::gallery(owner, gallery), own.version);
            let trashed = Trashed { owner, gallery, image: Some(id), since, until };
            self.fetch_image(&mut change, now, &trashed).await?;
            let what = Happened::ImageRestored { image: id, gallery };
            self.commit_fetched(change, trashed, what).await
        })
        .await
    }

    /// Takes a gallery out of the trash, as it was.
    pub async fn restore_gallery(&self, viewer: &Viewer, id: GalleryId) -> Result<()> {
        self.settle(|| async {
            let owner = self.account_of(viewer).await?.value.id;
            let now: Stored<Gallery> = self.read(layout::gallery(owner, id)).await?.ok_or(Error::NotFound)?;
            let Life::Trashed { since, until, .. } = now.value.life else { return Err(Error::NotFound) };
            let mut change = Change::default();
            let trashed = Trashed { owner, gallery: id, image: None, since, until };
            self.fetch_gallery(&mut change, now, &trashed).await?;
            self.commit_fetched(change, trashed, Happened::GalleryRestored { gallery: id }).await
        })
        .await
    }

    /// Commits that something is out of the trash: for the ledger always after it went there, whatever clocks show.
    async fn commit_fetched(&self, mut change: Change, trashed: Trashed, what: Happened) -> Result<()> {
        let at = self.parts.env.now().max(trashed.since + Duration::MICROSECOND);
        let told = self.tell_at(&mut change, at, what);
        self.commit_marked(change, &Marked { told, again: Some(Again::TakenOut(trashed)) }).await
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
            let gallery = layout::gallery(owner, trashed.gallery);
            let it = trashed.image.map(|image| layout::image(owner, trashed.gallery, image));
            let rows = self.parts.records.get(&[gallery.clone(), it.unwrap_or(gallery)]).await?;
            if let [Some(gallery), Some(it)] = rows.as_slice()
                // What goes with its gallery cannot be taken out any more.
                && stored::<Gallery>(gallery)?.value.life.is_there()
            {
                items.push((trashed, stored::<Titled>(it)?.value.title));
            }
        }
        Ok(Page { items, next: listed.next })
    }

    /// Begins the erasure of what has lain in the trash for its time. Deadlines sort by time.
    pub(super) async fn empty_trash(&self) -> Result<()> {
        let now = self.parts.env.now();
        let (mut begun, mut after) = (0, None);
        while begun < AT_ONCE {
            let rows = self.parts.records.scan(&layout::trash(), after, AT_ONCE).await?;
            for row in &rows {
                let trashed = stored::<Trashed>(row)?.value;
                if trashed.until > now {
                    return Ok(());
                }
                begun += usize::from(self.end_term(row, &trashed).await?);
            }
            if rows.len() < AT_ONCE {
                break;
            }
            after = rows.last().map(|row| row.key.clone());
        }
        Ok(())
    }

    /// Begins the erasure of something whose time in the trash is over; `false` if it has to wait for its account, which
    /// may be brought back.
    async fn end_term(&self, row: &Row, trashed: &Trashed) -> Result<bool> {
        let owner = Viewer::account(trashed.owner);
        let begun = match trashed.image {
            Some(image) => self.erase_image(&owner, image, Lane::Standard).await,
            None => self.erase_gallery(&owner, trashed.gallery, Lane::Standard).await,
        };
        match begun {
            Ok(_) => {}
            Err(Error::Unauthenticated) if self.may_come_back(trashed.owner).await? => return Ok(false),
            // It went with something larger: only its deadline is left.
            Err(Error::NotFound | Error::Gone | Error::Unauthenticated) => {
                let mut change = Change::default();
                change.remove_row(row);
                self.let_conflict_pass(change).await?;
            }
            Err(error) => {
                tracing::warn!(code = error.code(), "something in the trash could not be erased yet");
            }
        }
        Ok(true)
    }

    /// What goes into the trash now.
    fn term(&self, owner: AccountId, gallery: GalleryId, image: Option<ImageId>) -> Trashed {
        let since = self.parts.env.now();
        Trashed { owner, gallery, image, since, until: since + self.parts.policy.trash_life }
    }
}
