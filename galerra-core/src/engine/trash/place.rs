//! Into the trash and out of it: what both mean for the records.

use super::Trashed;
use crate::engine::records::{Change, Mark, Stored};
use crate::engine::{Engine, Result};
use crate::{AccountId, Gallery, Image, Life, Subject, Tally, layout};

impl Engine {
    /// Adds to a change that an image goes into the trash, or stays in it for longer.
    pub(in crate::engine) async fn throw_image(
        &self,
        change: &mut Change,
        found: Stored<Image>,
        trashed: &Trashed,
    ) -> Result<()> {
        let Image { owner, gallery, id, .. } = found.value;
        let held = match found.value.life {
            Life::Held { by } => Some(by),
            Life::Trashed { since, until, held } => {
                self.take_out(change, &Trashed { since, until, ..trashed.clone() }).await?;
                held
            }
            Life::Live | Life::Gated { .. } => None,
        };
        if !matches!(found.value.life, Life::Trashed { .. }) {
            self.unlist(change, layout::image_listed(owner, gallery, &found.value.rank, id)).await?;
            self.count_down(change, &found.value).await?;
        }
        let life = Life::Trashed { since: trashed.since, until: trashed.until, held };
        change.replace(layout::image(owner, gallery, id), found.version, &Image { life, ..found.value });
        Self::lay(change, trashed);
        Ok(())
    }

    /// Adds to a change that a gallery goes into the trash, or stays in it for longer.
    pub(in crate::engine) async fn throw_gallery(
        &self,
        change: &mut Change,
        found: Stored<Gallery>,
        trashed: &Trashed,
    ) -> Result<()> {
        let Gallery { owner, id, created, epoch, .. } = found.value;
        if let Life::Trashed { since, until, .. } = found.value.life {
            self.take_out(change, &Trashed { since, until, ..trashed.clone() }).await?;
        }
        self.unlist(change, layout::gallery_listed(owner, id, &layout::rank(created, 0))).await?;
        let life = Life::Trashed { since: trashed.since, until: trashed.until, held: None };
        let after = Gallery { life, epoch: epoch + 1, ..found.value };
        change.replace(layout::gallery(owner, id), found.version, &after);
        Self::lay(change, trashed);
        Ok(())
    }

    /// Adds to a change that an image comes out of the trash.
    pub(in crate::engine) async fn fetch_image(
        &self,
        change: &mut Change,
        found: Stored<Image>,
        trashed: &Trashed,
    ) -> Result<()> {
        let Image { owner, gallery, id, .. } = found.value;
        let life = match found.value.life {
            Life::Trashed { held: Some(by), .. } => Life::Held { by },
            _ => Life::Live,
        };
        let after = Image { life, ..found.value };
        change.replace(layout::image(owner, gallery, id), found.version, &after);
        change.create(layout::image_listed(owner, gallery, &after.rank, id), &Mark {});
        let tally: Option<Stored<Tally>> = self.read(layout::tally(owner, gallery)).await?;
        if let Some(Stored { version, value }) = tally {
            change.replace(layout::tally(owner, gallery), version, &value.with(&after));
        }
        self.take_out(change, trashed).await
    }

    /// Adds to a change that a gallery comes out of the trash.
    pub(in crate::engine) async fn fetch_gallery(
        &self,
        change: &mut Change,
        found: Stored<Gallery>,
        trashed: &Trashed,
    ) -> Result<()> {
        let after = Gallery { life: Life::Live, ..found.value };
        let Gallery { owner, id, created, .. } = after;
        change.replace(layout::gallery(owner, id), found.version, &after);
        change.create(layout::gallery_listed(owner, id, &layout::rank(created, 0)), &Tally::default());
        self.take_out(change, trashed).await
    }

    /// How what was narrowed lies in the trash, if it does.
    pub(in crate::engine) async fn trashed(
        &self,
        owner: AccountId,
        narrowed: &Subject,
    ) -> Result<Option<Trashed>> {
        let Some((gallery, image)) = narrowed.narrows() else { return Ok(None) };
        let life = match image {
            Some(image) => {
                self.read(layout::image(owner, gallery, image)).await?.map(|it: Stored<Image>| it.value.life)
            }
            None => {
                self.read(layout::gallery(owner, gallery)).await?.map(|it: Stored<Gallery>| it.value.life)
            }
        };
        Ok(match life {
            Some(Life::Trashed { since, until, .. }) => Some(Trashed { owner, gallery, image, since, until }),
            _ => None,
        })
    }

    fn lay(change: &mut Change, trashed: &Trashed) {
        change.create(layout::trashed(trashed), trashed);
        change.create(layout::trash_due(trashed), trashed);
    }

    /// Adds to a change that something is not in the trash any more.
    pub(in crate::engine) async fn take_out(&self, change: &mut Change, trashed: &Trashed) -> Result<()> {
        for key in [layout::trashed(trashed), layout::trash_due(trashed)] {
            if let Some(there) = self.read::<Trashed>(key.clone()).await? {
                change.remove(key, there.version);
            }
        }
        Ok(())
    }
}
