use std::ops::Range;
use std::sync::Arc;

use galerra_storage::{Blob, Key};

use super::memo::Decoded;
use super::records::{Place, Stored, stored};
use super::{Engine, MAX_PAGE, Page, Result, ranked};
use crate::{
    Account, AccountId, Error, Gallery, GalleryId, Grant, Guise, Image, ImageId, Life, Opened, Original,
    Pass, Rendition, Share, StoredMaster, Tally, Ticket, Viewer, decide, honours, layout,
};

/// A gallery that a viewer may see, with the grant that says so.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The key to what is in it.
    pub grant: Grant,
    /// The gallery.
    pub gallery: Gallery,
    /// How many images the viewer may know of.
    pub count: u64,
}

/// An image that a viewer may see, with the grant that says so.
#[derive(Debug, Clone)]
pub struct SeenImage {
    /// The key to its bytes.
    pub grant: Grant,
    /// The image.
    pub image: Arc<Image>,
}

impl SeenImage {
    /// The rendition behind a file name such as `thumb.jpg`, if the image has it and the viewer is shown it.
    #[must_use]
    pub fn rendition(&self, file: &str) -> Option<&Rendition> {
        let mut shown = self.image.renditions.iter().filter(|rendition| self.grant.shows(rendition));
        shown.find(|rendition| rendition.file() == file)
    }

    /// What is known of the bytes as uploaded, if they are the viewer's.
    #[must_use]
    pub fn original(&self) -> Option<&Original> {
        self.grant.is_owner().then_some(&self.image.original)
    }

    /// What is known of the master, if there is one and the viewer may download it.
    #[must_use]
    pub fn master(&self) -> Option<&StoredMaster> {
        self.image.master.as_ref().filter(|_| self.grant.may_download())
    }
}

impl Engine {
    /// Shows a gallery, if the viewer may see it. Absent and not-yours are one answer.
    pub async fn gallery(&self, viewer: &Viewer, id: GalleryId) -> Result<Seen> {
        let (owner, _) = self.place(id).await?;
        let keys = [layout::account(owner), layout::gallery(owner, id), layout::tally(owner, id)];
        let rows = self.parts.records.get(&keys).await?;
        let [Some(account), Some(gallery), tally] = rows.as_slice() else { return Err(Error::NotFound) };
        let gallery = stored::<Gallery>(gallery)?.value;
        let tally = tally.as_ref().map(stored::<Tally>).transpose()?.map(|tally| tally.value);
        let grant = self.grant(viewer, &stored::<Account>(account)?.value, &gallery).await?;
        let count = grant.counts(tally.unwrap_or_default());
        Ok(Seen { grant, gallery, count })
    }

    /// Shows an image, if the viewer may see its gallery.
    pub async fn image(&self, viewer: &Viewer, id: ImageId) -> Result<SeenImage> {
        let decoded = self.decoded(id).await?;
        let grant = match self.grant(viewer, &decoded.account, &decoded.gallery).await {
            // What nobody could see is not said to have been there, whatever it goes with.
            Err(Error::Gone) if decoded.image.is_kept() => return Err(Error::NotFound),
            grant => grant?,
        };
        match decoded.image.life {
            Life::Live | Life::Held { .. } | Life::Trashed { .. } if grant.opens(&decoded.image) => {
                Ok(SeenImage { grant, image: Arc::clone(&decoded.image) })
            }
            Life::Live | Life::Held { .. } | Life::Trashed { .. } => Err(Error::NotFound),
            // What nobody could see is not said to have been there.
            Life::Gated { .. } if decoded.image.hidden => Err(Error::NotFound),
            Life::Gated { .. } => Err(gone(&decoded.gallery)),
        }
    }

    /// Shows the rendition that a signed address is of, if it is still good.
    pub async fn by_ticket(&self, ticket: Ticket) -> Result<SeenImage> {
        let decoded = self.decoded(ticket.image).await?;
        let now = self.parts.env.now();
        let grant = honours(ticket, &decoded.account, &decoded.gallery, now).ok_or(Error::NotFound)?;
        if !grant.opens(&decoded.image) {
            return Err(Error::NotFound);
        }
        Ok(SeenImage { grant, image: Arc::clone(&decoded.image) })
    }

    /// The records behind an image as they are now; decoded only if they have changed since the last time.
    async fn decoded(&self, id: ImageId) -> Result<Arc<Decoded>> {
        if let Some(known) = self.memo.find(id) {
            if known.is_current(&self.parts.records.get(&known.keys).await?) {
                return Ok(known);
            }
            self.memo.forget(id);
        }
        let place = self.place(id).await;
        // What never was takes as many looks as what is somebody else's: the time of a refusal is to tell nothing.
        let (owner, gal) = match place {
            Err(Error::NotFound) => id.nowhere(),
            found => found?,
        };
        let keys = [
            layout::reference(id),
            layout::account(owner),
            layout::gallery(owner, gal),
            layout::image(owner, gal, id),
        ];
        let rows = self.parts.records.get(&keys).await?;
        let [Some(place), Some(account), Some(gallery), Some(image)] = rows.as_slice() else {
            return Err(Error::NotFound);
        };
        let decoded = Arc::new(Decoded {
            versions: [place.version, account.version, gallery.version, image.version],
            account: stored(account)?.value,
            gallery: stored(gallery)?.value,
            image: Arc::new(stored(image)?.value),
            keys,
        });
        self.memo.keep(id, Arc::clone(&decoded));
        Ok(decoded)
    }

    /// The images a grant opens, in the gallery's order.
    pub async fn images(&self, grant: &Grant, cursor: Option<&str>, limit: usize) -> Result<Page<Image>> {
        self.honour(grant)?;
        let (owner, gal) = (grant.owner(), grant.gallery());
        let limit = limit.clamp(1, MAX_PAGE);
        let (mut items, mut after) = (Vec::new(), cursor.map(str::to_owned));
        loop {
            let listed = self.list(&layout::images(owner, gal), after.as_deref(), limit).await?;
            let ids = listed.items.iter().filter_map(|row| ranked::<ImageId>(&row.key));
            let keys: Vec<Key> = ids.map(|id| layout::image(owner, gal, id)).collect();
            for row in self.parts.records.get(&keys).await?.iter().flatten() {
                let image = stored::<Image>(row)?.value;
                if grant.opens(&image) {
                    items.push(image);
                }
                // A page is full or the last one, and goes on after what it shows: what it leaves out leaves no gap.
                if items.len() == limit {
                    let next = items.last().map(|image| format!("{}.{}", image.rank, image.id));
                    return Ok(Page { items, next });
                }
            }
            match listed.next {
                Some(next) => after = Some(next),
                None => return Ok(Page { items, next: None }),
            }
        }
    }

    /// The bytes of a rendition named by its file, such as `thumb.jpg`.
    pub async fn rendition(&self, seen: &SeenImage, file: &str, range: Option<Range<u64>>) -> Result<Blob> {
        let rendition = seen.rendition(file).ok_or(Error::NotFound)?;
        self.honour(&seen.grant)?;
        let key = layout::rendition_blob(&seen.image, rendition);
        self.parts.blobs.get(&key, range).await?.ok_or(Error::NotFound)
    }

    /// The bytes as uploaded, for their owner alone.
    pub async fn original(&self, seen: &SeenImage, range: Option<Range<u64>>) -> Result<Blob> {
        seen.original().ok_or(Error::NotFound)?;
        self.honour(&seen.grant)?;
        let key = layout::original_blob(&seen.image);
        self.parts.blobs.get(&key, range).await?.ok_or(Error::NotFound)
    }

    /// The bytes of the master, for whoever may download it.
    pub async fn master(&self, seen: &SeenImage, range: Option<Range<u64>>) -> Result<Blob> {
        let master = seen.master().ok_or(Error::NotFound)?;
        self.honour(&seen.grant)?;
        let key = layout::master_blob(&seen.image, master.round);
        self.parts.blobs.get(&key, range).await?.ok_or(Error::NotFound)
    }

    /// A grant that has ended opens nothing.
    pub(super) fn honour(&self, grant: &Grant) -> Result<()> {
        if self.parts.env.now() < grant.until() { Ok(()) } else { Err(Error::NotFound) }
    }

    async fn place(&self, id: impl std::fmt::Display) -> Result<(AccountId, GalleryId)> {
        let place: Option<Stored<Place>> = self.read(layout::reference(id)).await?;
        place.ok_or(Error::NotFound)?.value.here()
    }

    async fn grant(&self, viewer: &Viewer, account: &Account, gallery: &Gallery) -> Result<Grant> {
        let trashed = matches!(gallery.life, Life::Trashed { .. });
        if !account.life.is_live() || (!gallery.life.is_live() && !trashed) {
            return Err(gone(gallery));
        }
        let (now, policy) = (self.parts.env.now(), &self.parts.policy);
        // Only a private gallery asks for passes: an open one must not cost a look-up per request.
        let shares = match viewer.passes() {
            passes if !passes.is_empty() && !gallery.visibility.is_open() => {
                self.shares_named_by(gallery, passes).await?
            }
            _ => Vec::new(),
        };
        let opened = viewer
            .passes()
            .iter()
            .zip(&shares)
            .find_map(|(pass, share)| share.as_ref()?.opened_by(pass, now));
        let grant = decide(viewer, account, gallery, opened, policy, now).ok_or(Error::NotFound)?;
        match viewer.guise() {
            Some(guise) => self.disguised(&grant, guise, account, gallery).await,
            None => Ok(grant),
        }
    }

    /// What an owner would be granted as somebody else.
    async fn disguised(
        &self,
        own: &Grant,
        guise: Guise,
        account: &Account,
        gallery: &Gallery,
    ) -> Result<Grant> {
        let share = match guise {
            Guise::Guest(id) => self.read::<Share>(layout::share(gallery.owner, gallery.id, id)).await?,
            Guise::Passer => None,
        };
        if !own.is_owner() {
            return Err(Error::NotFound);
        }
        let opened = share.as_ref().and_then(|share| Opened::for_its_owner(own, &share.value));
        let (now, nobody) = (self.parts.env.now(), Viewer::anonymous());
        decide(&nobody, account, gallery, opened, &self.parts.policy, now).ok_or(Error::NotFound)
    }

    /// The shares of this gallery that the passes say they are of.
    async fn shares_named_by(&self, gallery: &Gallery, passes: &[Pass]) -> Result<Vec<Option<Share>>> {
        let key = |pass: &Pass| layout::share(gallery.owner, gallery.id, pass.share());
        let keys: Vec<Key> = passes.iter().map(key).collect();
        let rows = self.parts.records.get(&keys).await?;
        rows.iter().map(|row| row.as_ref().map(|row| Ok(stored::<Share>(row)?.value)).transpose()).collect()
    }
}

/// What the origin answers for something that was erased: `410` if anyone could see it, else the uniform `404`.
fn gone(gallery: &Gallery) -> Error {
    if gallery.visibility.is_open() { Error::Gone } else { Error::NotFound }
}
