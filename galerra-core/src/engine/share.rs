use time::OffsetDateTime;

use super::records::{Change, Mark, Place, ShareAt, Stored, stored};
use super::{Engine, MAX_PAGE, Page, Result};
use crate::{
    AccountId, Error, Gallery, GalleryId, Happened, Narrowed, NewShare, PassKey, Password, PasswordHash,
    Share, ShareEdit, ShareId, ShareToken, Shares, Viewer, Visibility, layout,
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
        let lock = self.locked_by(new.password.as_ref()).await?;
        let share = new.drawn(env, id, (now, expires), lock, token.digest());
        self.settle(|| async {
            let account = self.account_of(viewer).await?;
            let gallery = self.own_gallery(viewer, id).await?;
            if !gallery.value.visibility.is_open() {
                account.value.plan.pro()?;
            }
            let shared = relinked(&gallery.value, |links| (links < policy.max_links).then_some(links + 1))?;
            let owner = shared.owner;
            let mut change = Change::default();
            change.replace(layout::gallery(owner, id), gallery.version, &shared);
            change.create(layout::share(owner, id, share.id), &share);
            change.create(layout::share_key(&share.digest), &ShareAt { owner, gallery: id, share: share.id });
            change.create(layout::reference(share.id), &Place::Here { owner, gallery: id });
            change.create(layout::lapse(share.expires, share.id), &Mark {});
            self.tell(&mut change, Happened::Shared { share: share.id, gallery: id });
            self.commit(change).await
        })
        .await?;
        Ok((share, token))
    }

    /// The links of a gallery of the viewer's own; without their tokens, which nobody has but their holders.
    pub async fn shares(&self, viewer: &Viewer, id: GalleryId) -> Result<Page<Share>> {
        let owner = self.own_gallery(viewer, id).await?.value.owner;
        let shares = self.shares_of(owner, id).await?;
        Ok(Page { items: shares.into_iter().map(|share| share.value).collect(), next: None })
    }

    /// All links of the viewer's own galleries, by gallery.
    pub async fn all_shares(
        &self,
        viewer: &Viewer,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Share>> {
        let owner = self.account_of(viewer).await?.value.id;
        let Page { items, next } = self.list_below(&layout::all_shares(owner), cursor, limit).await?;
        let shares = items.iter().map(|row| stored::<Share>(row).map(|share| share.value));
        Ok(Page { items: shares.collect::<Result<_>>()?, next })
    }

    /// Changes what a link allows. Less than before ends at once what was handed out under it: the gallery's epoch
    /// moves, and with another password earlier passes are void.
    pub async fn edit_share(&self, viewer: &Viewer, id: ShareId, edit: &ShareEdit) -> Result<Share> {
        let env = self.parts.env.as_ref();
        if edit.expires.is_some_and(|expires| expires <= env.now()) {
            return Err(Error::Invalid { field: "expires", reason: "must be in the future".to_owned() });
        }
        let lock = match &edit.password {
            Some(password) => Some(self.locked_by(password.as_ref()).await?),
            None => None,
        };
        self.settle(|| async {
            let Linked { gallery, share: before } = self.own_share(viewer, id).await?;
            let mut after = edit.of(&before.value);
            let relocked = lock.as_ref().is_some_and(Option::is_some);
            if relocked {
                after.key = PassKey::draw(env);
            }
            after.lock = lock.clone().unwrap_or(after.lock);
            let tighter = relocked
                || after.terms.are_less_than(before.value.terms)
                || after.expires < before.value.expires;
            let owner = gallery.value.owner;
            let epoch = gallery.value.epoch + u64::from(tighter);
            let mut change = Change::default();
            change.replace(
                layout::gallery(owner, after.gallery),
                gallery.version,
                &Gallery { epoch, ..gallery.value },
            );
            change.replace(layout::share(owner, after.gallery, id), before.version, &after);
            let lapse = layout::lapse(after.expires, id);
            if self.read::<Mark>(lapse.clone()).await?.is_none() {
                change.create(lapse, &Mark {});
            }
            self.tell(&mut change, Happened::ShareEdited { share: id, gallery: after.gallery });
            if tighter {
                let narrowed = Narrowed::Links { share: Some(id) };
                self.narrow(change, owner, after.gallery, narrowed).await?;
            } else {
                self.commit(change).await?;
                self.entomb_narrowed(owner, after.gallery).await?;
            }
            Ok(after)
        })
        .await
    }

    /// The lock that a password makes.
    async fn locked_by(&self, password: Option<&Password>) -> Result<Option<PasswordHash>> {
        let Some(password) = password else { return Ok(None) };
        self.parts.passwords.hash(password.clone(), self.parts.env.random()).await.map(Some)
    }

    /// A link of the viewer's own, and its gallery.
    async fn own_share(&self, viewer: &Viewer, id: ShareId) -> Result<Linked> {
        let viewer_owns = self.account_of(viewer).await?.value.id;
        let place: Stored<Place> = self.read(layout::reference(id)).await?.ok_or(Error::NotFound)?;
        let Place::Here { owner, gallery } = place.value else { return Err(Error::NotFound) };
        if owner != viewer_owns {
            return Err(Error::NotFound);
        }
        let share = self.read(layout::share(owner, gallery, id)).await?.ok_or(Error::NotFound)?;
        // A link can be ended while its gallery is in the trash: it would come back with it.
        Ok(Linked { gallery: self.own_gallery_or_trashed(viewer, gallery).await?, share })
    }

    /// Revokes a link: it opens nothing from this commit on, its passes neither, and the gallery's epoch moves.
    pub async fn revoke(&self, viewer: &Viewer, id: ShareId) -> Result<()> {
        self.settle(|| async {
            let Linked { gallery, share } = self.own_share(viewer, id).await?;
            let Gallery { owner, id: gallery_id, .. } = gallery.value;
            let mut change = Change::default();
            self.end_links(&mut change, gallery, &[share]).await?;
            self.narrow(change, owner, gallery_id, Narrowed::Links { share: Some(id) }).await
        })
        .await
    }

    /// Removes a link that has expired before `end`; one that was given more time stays. A backup that brings it back
    /// brings it back expired.
    pub(super) async fn remove_expired(
        &self,
        viewer: &Viewer,
        id: ShareId,
        end: OffsetDateTime,
    ) -> Result<()> {
        self.settle(|| async {
            let Linked { gallery, share } = self.own_share(viewer, id).await?;
            if share.value.expires >= end {
                return Ok(());
            }
            let mut change = Change::default();
            self.end_links(&mut change, gallery, &[share]).await?;
            self.commit(change).await.map(|_| ())
        })
        .await
    }

    /// Revokes every link of a gallery of the viewer's own; answers how many there were.
    pub async fn revoke_all(&self, viewer: &Viewer, id: GalleryId) -> Result<u64> {
        self.settle(|| async {
            let gallery = self.own_gallery_or_trashed(viewer, id).await?;
            let owner = gallery.value.owner;
            let shares = self.shares_of(owner, id).await?;
            if shares.is_empty() {
                self.entomb_narrowed(owner, id).await?;
                return Ok(0);
            }
            let mut change = Change::default();
            self.end_links(&mut change, gallery, &shares).await?;
            self.narrow(change, owner, id, Narrowed::Links { share: None }).await?;
            Ok(shares.len() as u64)
        })
        .await
    }

    /// Adds to a change that links of which the ledger says so are not there again.
    pub(super) async fn end_links_again(
        &self,
        change: &mut Change,
        owner: AccountId,
        gallery: GalleryId,
        share: Option<ShareId>,
    ) -> Result<()> {
        let found: Option<Stored<Gallery>> = self.read(layout::gallery(owner, gallery)).await?;
        let Some(found) = found.filter(|found| found.value.life.is_there()) else { return Ok(()) };
        let shares = match share {
            Some(share) => self.read(layout::share(owner, gallery, share)).await?.into_iter().collect(),
            None => self.shares_of(owner, gallery).await?,
        };
        if shares.is_empty() { Ok(()) } else { self.end_links(change, found, &shares).await }
    }

    /// Adds the end of links to a change; their gallery counts them no longer, and its epoch moves.
    async fn end_links(
        &self,
        change: &mut Change,
        gallery: Stored<Gallery>,
        shares: &[Stored<Share>],
    ) -> Result<()> {
        let ended = u32::try_from(shares.len()).unwrap_or(u32::MAX);
        let mut tightened = relinked(&gallery.value, |links| Some(links.saturating_sub(ended)))?;
        tightened.epoch += 1;
        let Gallery { owner, id, .. } = tightened;
        change.replace(layout::gallery(owner, id), gallery.version, &tightened);
        self.drop_shares(change, owner, shares).await
    }

    /// The links of a gallery, of which there are never more than one page.
    pub(super) async fn shares_of(&self, owner: AccountId, gallery: GalleryId) -> Result<Vec<Stored<Share>>> {
        let rows = self.parts.records.scan(&layout::shares(owner, gallery), None, MAX_PAGE).await?;
        rows.iter().map(stored).collect()
    }

    /// Adds the end of links to a change, with all that leads to them.
    pub(super) async fn drop_shares(
        &self,
        change: &mut Change,
        owner: AccountId,
        shares: &[Stored<Share>],
    ) -> Result<()> {
        for Stored { version, value: share } in shares {
            change.remove(layout::share(owner, share.gallery, share.id), *version);
            let key = layout::share_key(&share.digest);
            if let Some(pointer) = self.read::<ShareAt>(key.clone()).await? {
                change.remove(key, pointer.version);
            }
            if let Some(place) = self.read::<Place>(layout::reference(share.id)).await? {
                change.replace(layout::reference(share.id), place.version, &Place::Gone { public: false });
            }
            self.tell(change, Happened::ShareRevoked { share: share.id, gallery: share.gallery });
        }
        Ok(())
    }
}

/// A link and its gallery.
struct Linked {
    gallery: Stored<Gallery>,
    share: Stored<Share>,
}

/// The gallery with another number of links; only a private one has any.
fn relinked(gallery: &Gallery, count: impl Fn(u32) -> Option<u32>) -> Result<Gallery> {
    let Visibility::Private(shares) = &gallery.visibility else { return Err(Error::NotPrivate) };
    let links = count(shares.links).ok_or(Error::TooManyLinks)?;
    Ok(Gallery { visibility: Visibility::Private(Shares { links }), ..gallery.clone() })
}
