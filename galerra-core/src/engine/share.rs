use super::records::{Change, Place, ShareAt, Stored, stored};
use super::{Engine, MAX_PAGE, Page, Result};
use crate::{
    Error, Gallery, GalleryId, Happened, NewShare, Share, ShareId, ShareToken, Shares, Viewer, Visibility,
    layout,
};

impl Engine {
    /// Makes a link to a private gallery of the viewer's own. The token is answered here and never again.
    pub async fn share(&self, viewer: &Viewer, id: GalleryId, new: &NewShare) -> Result<(Share, ShareToken)> {
        let (env, policy) = (self.parts.env.as_ref(), &self.parts.policy);
        let now = env.now();
        let expires = new.expires.unwrap_or(now + policy.share_life);
        if expires <= now {
            return Err(Error::Invalid { field: "expires", reason: "must be in the future".to_owned() });
        }
        let token = ShareToken::draw(env);
        let share = Share {
            id: ShareId::draw(env),
            gallery: id,
            label: new.label.clone(),
            created: now,
            expires,
            digest: token.digest(),
        };
        self.settle(|| async {
            let gallery = self.own_gallery(viewer, id).await?;
            let shared = relinked(&gallery.value, |links| (links < policy.max_links).then_some(links + 1))?;
            let owner = shared.owner;
            let mut change = Change::default();
            change.replace(layout::gallery(owner, id), gallery.version, &shared);
            change.create(layout::share(owner, id, share.id), &share);
            change.create(layout::share_key(&share.digest), &ShareAt { owner, gallery: id, share: share.id });
            change.create(layout::reference(share.id), &Place::Here { owner, gallery: id });
            self.tell(&mut change, Happened::Shared { share: share.id, gallery: id });
            self.commit(change).await
        })
        .await?;
        Ok((share, token))
    }

    /// The links of a gallery of the viewer's own; without their tokens, which nobody has but their holders.
    pub async fn shares(&self, viewer: &Viewer, id: GalleryId) -> Result<Page<Share>> {
        let owner = self.own_gallery(viewer, id).await?.value.owner;
        let rows = self.parts.records.scan(&layout::shares(owner, id), None, MAX_PAGE).await?;
        let shares = rows.iter().map(|row| stored::<Share>(row).map(|share| share.value));
        Ok(Page { items: shares.collect::<Result<_>>()?, next: None })
    }

    /// Revokes a link: it opens nothing from this commit on, and the gallery's epoch moves.
    pub async fn revoke(&self, viewer: &Viewer, id: ShareId) -> Result<()> {
        self.settle(|| async {
            let viewer_owns = self.account_of(viewer).await?.value.id;
            let place: Stored<Place> = self.read(layout::reference(id)).await?.ok_or(Error::NotFound)?;
            let Place::Here { owner, gallery: gal } = place.value else { return Err(Error::NotFound) };
            if owner != viewer_owns {
                return Err(Error::NotFound);
            }
            let gallery = self.own_gallery(viewer, gal).await?;
            let share: Stored<Share> =
                self.read(layout::share(owner, gal, id)).await?.ok_or(Error::NotFound)?;
            let key = layout::share_key(&share.value.digest);
            let pointer: Stored<ShareAt> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
            let mut tightened = relinked(&gallery.value, |links| Some(links.saturating_sub(1)))?;
            tightened.epoch += 1;
            let mut change = Change::default();
            change.replace(layout::gallery(owner, gal), gallery.version, &tightened);
            change.remove(layout::share(owner, gal, id), share.version);
            change.remove(key, pointer.version);
            change.replace(layout::reference(id), place.version, &Place::Gone { public: false });
            self.tell(&mut change, Happened::ShareRevoked { share: id, gallery: gal });
            self.commit(change).await.map(|_| ())
        })
        .await
    }
}

/// The gallery with another number of links; only a private one has any.
fn relinked(gallery: &Gallery, count: impl Fn(u32) -> Option<u32>) -> Result<Gallery> {
    let Visibility::Private(shares) = &gallery.visibility else { return Err(Error::NotPrivate) };
    let links = count(shares.links).ok_or(Error::TooManyLinks)?;
    Ok(Gallery { visibility: Visibility::Private(Shares { links }), ..gallery.clone() })
}
