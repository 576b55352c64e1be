use galerra_storage::Key;

use super::records::{Change, Place, Stored, stored};
use super::{Engine, Page, Result, ranked};
use crate::{Error, Gallery, GalleryId, Happened, Life, NewGallery, Tally, Viewer, Visibility, layout};

impl Engine {
    /// Creates a gallery for the viewer. A private one needs the Pro plan.
    pub async fn create_gallery(&self, viewer: &Viewer, new: &NewGallery) -> Result<Gallery> {
        let account = self.account_of(viewer).await?;
        let owner = account.value.id;
        let env = self.parts.env.as_ref();
        let gallery = Gallery {
            id: GalleryId::draw(env),
            owner,
            title: new.title.clone(),
            description: new.description.clone(),
            visibility: Visibility::on_plan(new.visibility, account.value.plan)?,
            epoch: 1,
            created: env.now(),
            life: Life::Live,
        };
        let rank = layout::rank(gallery.created, 0);
        let mut change = Change::default();
        change.expect(layout::account(owner), account.version);
        change.create(layout::gallery(owner, gallery.id), &gallery);
        change.create(layout::gallery_listed(owner, gallery.id, &rank), &Tally::default());
        change.create(layout::tally(owner, gallery.id), &Tally::default());
        change.create(layout::reference(gallery.id), &Place::Here { owner, gallery: gallery.id });
        self.tell(&mut change, Happened::GalleryCreated { gallery: gallery.id });
        match self.commit(change).await {
            Ok(_) => Ok(gallery),
            Err(error) if error.is_conflict() => Err(Error::Contended),
            Err(error) => Err(error),
        }
    }

    /// The viewer's own galleries, oldest first, with their counts.
    pub async fn galleries(
        &self,
        viewer: &Viewer,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<(Gallery, Tally)>> {
        let owner = self.account_of(viewer).await?.value.id;
        let listed = self.list(&layout::galleries(owner), cursor, limit).await?;
        let ids: Vec<GalleryId> = listed.items.iter().filter_map(|row| ranked(&row.key)).collect();
        let keys: Vec<Key> =
            ids.iter().flat_map(|id| [layout::gallery(owner, *id), layout::tally(owner, *id)]).collect();
        let rows = self.parts.records.get(&keys).await?;
        let mut items = Vec::with_capacity(ids.len());
        for pair in rows.chunks(2) {
            let [Some(gallery), tally] = pair else { continue };
            let gallery: Stored<Gallery> = stored(gallery)?;
            let tally: Option<Stored<Tally>> = tally.as_ref().map(stored).transpose()?;
            if gallery.value.life.is_live() {
                items.push((gallery.value, tally.map(|tally| tally.value).unwrap_or_default()));
            }
        }
        Ok(Page { items, next: listed.next })
    }

    /// A gallery of the viewer's own that is live or in the trash.
    pub(super) async fn own_gallery_or_trashed(
        &self,
        viewer: &Viewer,
        id: GalleryId,
    ) -> Result<Stored<Gallery>> {
        let account = self.account_of(viewer).await?;
        let found: Option<Stored<Gallery>> = self.read(layout::gallery(account.value.id, id)).await?;
        found.filter(|gallery| gallery.value.life.is_there()).ok_or(Error::NotFound)
    }

    /// A live gallery of the viewer's own; someone else's is not found.
    pub(super) async fn own_gallery(&self, viewer: &Viewer, id: GalleryId) -> Result<Stored<Gallery>> {
        let found = self.own_gallery_or_trashed(viewer, id).await?;
        if found.value.life.is_live() { Ok(found) } else { Err(Error::NotFound) }
    }
}
