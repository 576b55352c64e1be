use std::collections::BTreeMap;

use galerra_storage::{Key, Prefix, Row};

use super::records::{Change, Stored, stored};
use super::write::Intent;
use super::{Engine, Result};
use crate::{Image, ImageId, Subject, layout};

/// Things looked at by one read.
const PAGE: usize = 500;

/// What records and blobs do not know of each other.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Images looked at.
    pub images: u64,
    /// Blobs looked at.
    pub blobs: u64,
    /// Blobs that no record knows: left by whatever was lost, such as records newer than a restored backup.
    pub orphans: Vec<Key>,
    /// Images whose original is not there, or not as long as it was.
    pub lost_originals: Vec<ImageId>,
    /// Renditions and masters that are said to be there and are not, or not as long as they were.
    pub lost_renditions: Vec<(ImageId, String)>,
}

impl Engine {
    /// Compares every record with every blob, both ways. To heal is to erase orphans (what networks hold of them goes
    /// with the next ticks; what a legal hold keeps, when it is released), and to have renditions made again when they are
    /// asked for; an original that is lost is lost.
    pub async fn examine(&self, heal: bool) -> Result<Findings> {
        let mut found = Findings::default();
        self.examine_records(&mut found, heal).await?;
        self.examine_blobs(&mut found, heal).await?;
        Ok(found)
    }

    async fn examine_records(&self, found: &mut Findings, heal: bool) -> Result<()> {
        let mut after = Some(layout::before_images());
        loop {
            let rows = self.parts.records.scan(&layout::references(), after, PAGE).await?;
            for row in &rows {
                if let Some(image) = self.referenced(row).await? {
                    found.images += 1;
                    self.examine_image(found, image, heal).await?;
                }
            }
            after = rows.last().map(|row| row.key.clone());
            if rows.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// The image behind a reference, if there is one that is not being erased.
    async fn referenced(&self, row: &Row) -> Result<Option<Stored<Image>>> {
        let Some(id) = layout::referenced_image(&row.key) else { return Ok(None) };
        let Ok((owner, gallery)) = stored::<super::records::Place>(row)?.value.here() else {
            return Ok(None);
        };
        let image: Option<Stored<Image>> = self.read(layout::image(owner, gallery, id)).await?;
        Ok(image.filter(|image| image.value.life.is_there()))
    }

    async fn examine_image(&self, found: &mut Findings, image: Stored<Image>, heal: bool) -> Result<()> {
        let Image { owner, gallery, id, .. } = image.value;
        let there = self.all_below(&layout::image_blobs(owner, gallery, id)).await?;
        let lost = |blob: &Key, bytes: u64| there.get(blob) != Some(&bytes);
        if lost(&layout::original_blob(&image.value), image.value.original.bytes) {
            // An account, a gallery or an image that is on its way out is no loss.
            if self.live_account(owner).await?.is_some() {
                found.lost_originals.push(id);
            }
            return Ok(());
        }
        let mut healed = image.value.clone();
        let known = found.lost_renditions.len();
        for rendition in &mut healed.renditions {
            let blob = layout::rendition_blob(&image.value, rendition);
            if rendition.made.as_ref().is_some_and(|made| lost(&blob, made.bytes)) {
                found.lost_renditions.push((id, rendition.file()));
                rendition.made = None;
            }
        }
        if let Some(master) = &image.value.master
            && lost(&layout::master_blob(&image.value, master.round), master.made.bytes)
        {
            found.lost_renditions.push((id, "master".to_owned()));
            healed.master = None;
        }
        if heal && found.lost_renditions.len() > known {
            let mut change = Change::default();
            change.replace(layout::image(owner, gallery, id), image.version, &healed);
            self.commit(change).await?;
        }
        Ok(())
    }

    /// What lies in a folder, and how long it is.
    async fn all_below(&self, folder: &Prefix) -> Result<BTreeMap<Key, u64>> {
        let mut all = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.parts.blobs.list(folder, after, PAGE).await?;
            let full = page.len() == PAGE;
            after = page.last().map(|entry| entry.key.clone());
            all.extend(page.into_iter().map(|entry| (entry.key, entry.size)));
            if !full {
                return Ok(all);
            }
        }
    }

    async fn examine_blobs(&self, found: &mut Findings, heal: bool) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.parts.blobs.list(&Prefix::all(), after, PAGE).await?;
            let full = page.len() == PAGE;
            after = page.last().map(|entry| entry.key.clone());
            for key in page.into_iter().map(|entry| entry.key) {
                found.blobs += 1;
                if !self.is_explained(&key).await? {
                    found.orphans.push(key);
                }
            }
            if !full {
                return if heal { self.erase_orphans(&found.orphans).await } else { Ok(()) };
            }
        }
    }

    /// Erases orphans. Those of an image without a record are erased as any image is, from networks, too.
    async fn erase_orphans(&self, orphans: &[Key]) -> Result<()> {
        let place = |blob: &Key| (layout::account_of_blob(blob), layout::image_of_blob(blob));
        for blobs in orphans.chunk_by(|one, next| place(one) == place(next)) {
            let Some((Some(owner), image)) = blobs.first().map(place) else { continue };
            if let Some((_, gallery, image)) = image
                && self.read::<Image>(layout::image(owner, gallery, image)).await?.is_none()
            {
                let mut change = Change::default();
                let erasure = self.disown(&mut change, owner, (gallery, image), blobs.to_vec());
                self.commit_gated(change, Some(&erasure)).await?;
            }
            let held = self.kept_of(owner).await?;
            self.erase_blobs(blobs.iter().filter(|blob| !held.keeps(blob)).cloned().collect()).await?;
        }
        Ok(())
    }

    /// Whether a blob is the service's own, or an image or somebody at work knows it, or an erasure is after it.
    async fn is_explained(&self, blob: &Key) -> Result<bool> {
        let Some((owner, gallery, id)) = layout::image_of_blob(blob) else {
            return Ok(layout::account_of_blob(blob).is_none());
        };
        // First: whoever ends it has made the record.
        if self.read::<Intent>(layout::intent(owner, gallery, id)).await?.is_some() {
            return Ok(true);
        }
        let image: Option<Stored<Image>> = self.read(layout::image(owner, gallery, id)).await?;
        if let Some(image) = image {
            return Ok(!image.value.life.is_there() || layout::manifest(&image.value).contains(blob));
        }
        self.is_any_under(&layout::parts(owner), |part| match part {
            Subject::Account => true,
            Subject::Gallery { gallery: whole } => *whole == gallery,
            Subject::Image { image, .. } | Subject::Renditions { image, .. } => *image == id,
            Subject::Copies { .. } | Subject::Access { .. } => false,
        })
        .await
    }
}
