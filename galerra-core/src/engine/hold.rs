use galerra_storage::{Key, Prefix};

use super::ledger::{Again, Marked};
use super::records::{Change, Place, Stored, stored};
use super::{Engine, Page, Result};
use crate::hold::{Reason, Release, check_text};
use crate::{AccountId, Error, GalleryId, Happened, Hold, HoldId, ImageId, Viewer, Who, layout};

/// Holds looked at of one account.
const PAGE: usize = 200;

/// What a hold is to cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covered {
    /// Everything that an account owns.
    Account(AccountId),
    /// One gallery.
    Gallery(GalleryId),
    /// One image.
    Image(ImageId),
}

impl Engine {
    /// Places a hold: from now on erasures leave the originals that it covers, and nothing else. Only the operator may.
    pub async fn place_hold(&self, viewer: &Viewer, covered: Covered, reason: Reason) -> Result<Hold> {
        operator_only(viewer)?;
        let env = self.parts.env.as_ref();
        let reason = reason.checked(env.now())?;
        let (account, gallery, image) = match covered {
            Covered::Account(account) => (account, None, None),
            Covered::Gallery(gallery) => (self.owner_of(gallery).await?.0, Some(gallery), None),
            Covered::Image(image) => {
                let (owner, gallery) = self.owner_of(image).await?;
                (owner, Some(gallery), Some(image))
            }
        };
        let known: Option<Stored<serde_json::Value>> = self.read(layout::account(account)).await?;
        known.ok_or(Error::NotFound)?;
        let (id, placed) = (HoldId::draw(env), env.now());
        let hold = Hold { id, account, gallery, image, reason, placed, released: None };
        let mut change = Change::default();
        Self::create_hold(&mut change, &hold);
        let told = self.tell(&mut change, Happened::HoldPlaced { hold: id });
        // The ledger knows first: what is under a hold for a moment only is kept for nothing, and not destroyed.
        self.commit_marked(change, &Marked { told, again: Some(Again::Hold(hold.clone())) }).await?;
        Ok(hold)
    }

    fn create_hold(change: &mut Change, hold: &Hold) {
        let account = hold.account;
        change.create(layout::hold(account, hold.id), hold);
        change.create(layout::reference(hold.id), &HoldAt { account });
    }

    /// Adds to a change that a hold, which the records may have forgotten, stands as the ledger says.
    pub(super) async fn hold_again(&self, change: &mut Change, hold: &Hold) -> Result<()> {
        let key = layout::hold(hold.account, hold.id);
        match self.read::<Hold>(key.clone()).await? {
            None => Self::create_hold(change, hold),
            // Once released it stays so.
            Some(found) if found.value.is_active() => change.replace(key, found.version, hold),
            Some(_) => {}
        }
        Ok(())
    }

    /// Releases a hold. Whatever it kept of erasures goes now.
    pub async fn release_hold(&self, viewer: &Viewer, id: HoldId, by: &str) -> Result<Hold> {
        operator_only(viewer)?;
        check_text("by", by)?;
        self.settle(|| async {
            let at: Stored<HoldAt> = self.read(layout::reference(id)).await?.ok_or(Error::NotFound)?;
            let key = layout::hold(at.value.account, id);
            let found: Stored<Hold> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
            let mut change = Change::default();
            let mut hold = found.value;
            // Asked again it is told again: whoever asks may have had an error because the ledger does not know yet.
            if hold.is_active() {
                hold.released = Some(Release { at: self.parts.env.now(), by: by.to_owned() });
                change.replace(key, found.version, &hold);
            }
            let told = self.tell(&mut change, Happened::HoldReleased { hold: id });
            self.commit(change).await?;
            self.mark(&Marked { told, again: Some(Again::Hold(hold.clone())) }).await?;
            Ok(hold)
        })
        .await
    }

    /// All holds, the released ones, too, by account.
    pub async fn holds(&self, viewer: &Viewer, cursor: Option<&str>, limit: usize) -> Result<Page<Hold>> {
        operator_only(viewer)?;
        let Page { items, next } = self.list_below(&layout::all_holds(), cursor, limit).await?;
        let holds = items.iter().map(|row| stored::<Hold>(row).map(|hold| hold.value));
        Ok(Page { items: holds.collect::<Result<_>>()?, next })
    }

    async fn owner_of(&self, id: impl std::fmt::Display) -> Result<(AccountId, GalleryId)> {
        let place: Stored<Place> = self.read(layout::reference(id)).await?.ok_or(Error::NotFound)?;
        place.value.here()
    }

    /// The folders of an account below which originals have to be left.
    pub(super) async fn kept_of(&self, owner: AccountId) -> Result<Held> {
        let mut folders = Vec::new();
        let mut after = None;
        loop {
            let rows = self.parts.records.scan(&layout::holds(owner), after, PAGE).await?;
            for row in &rows {
                let hold: Hold = stored(row)?.value;
                folders.extend(hold.is_active().then(|| layout::held_blobs(&hold)));
            }
            after = rows.last().map(|row| row.key.clone());
            if rows.len() < PAGE {
                return Ok(Held(folders));
            }
        }
    }
}

/// What legal holds keep of an account.
#[derive(Debug)]
pub(super) struct Held(Vec<Prefix>);

impl Held {
    /// Whether a blob has to stay: only originals do.
    pub(super) fn keeps(&self, blob: &Key) -> bool {
        layout::is_original(blob) && self.0.iter().any(|folder| folder.holds(blob))
    }
}

/// Whose hold it is.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct HoldAt {
    account: AccountId,
}

pub(super) fn operator_only(viewer: &Viewer) -> Result<()> {
    if viewer.who == Who::Operator { Ok(()) } else { Err(Error::OperatorOnly) }
}
