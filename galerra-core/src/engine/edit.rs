use std::collections::BTreeSet;

use super::records::{Change, Stored};
use super::{Engine, Result};
use crate::{Description, Error, Fact, Focal, Image, ImageId, SeenImage, Title, Viewer, layout};

/// What its owner changes about an image; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ImageEdit {
    /// A new title.
    pub title: Option<Title>,
    /// A new text alternative.
    pub alt: Option<Description>,
    /// What crops are to keep in sight.
    pub focal: Option<Focal>,
    /// The facts that every viewer is to be shown; all others are hidden.
    pub shown: Option<BTreeSet<Fact>>,
}

impl Engine {
    /// Changes what its owner says about an image. A new focal point makes its renditions anew.
    pub async fn edit_image(&self, viewer: &Viewer, id: ImageId, edit: &ImageEdit) -> Result<SeenImage> {
        let image = self
            .settle(|| async {
                let seen = self.image(viewer, id).await?;
                if !seen.grant.is_owner() {
                    return Err(Error::NotFound);
                }
                let key = layout::image(seen.image.owner, seen.image.gallery, id);
                let now: Stored<Image> = self.read(key.clone()).await?.ok_or(Error::NotFound)?;
                if !now.value.life.is_live() {
                    return Err(Error::NotFound);
                }
                let after = edited(&now.value, edit);
                let mut change = Change::default();
                change.replace(key, now.version, &after);
                self.commit(change).await?;
                Ok(after)
            })
            .await?;
        self.redevelop_image(image.owner, image.gallery, id).await?;
        self.image(viewer, id).await
    }
}

fn edited(image: &Image, edit: &ImageEdit) -> Image {
    let focal = edit.focal.unwrap_or(image.focal);
    // Renditions follow the focal point: those of another one follow no recipe any more.
    let recipe = if focal == image.focal { image.recipe.clone() } else { String::new() };
    Image {
        title: edit.title.clone().unwrap_or_else(|| image.title.clone()),
        alt: edit.alt.clone().unwrap_or_else(|| image.alt.clone()),
        shown: edit.shown.clone().unwrap_or_else(|| image.shown.clone()),
        focal,
        recipe,
        ..image.clone()
    }
}
