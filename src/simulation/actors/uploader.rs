//! Uploaders: they try again when they are told to, and some go away in the middle.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use galerra_core::{GalleryId, NewImage, Viewer};
use sha2::{Digest, Sha256};

use super::super::coverage::Sight;
use super::super::darkroom::Photo;
use super::super::process::Front;
use super::{Owner, once};

/// How often an uploader tries.
const TRIES: usize = 3;

/// Sends images into a gallery, some at the beginning and some later.
pub(crate) fn uploads(front: &Arc<Front>, owner: &Owner, gallery: GalleryId) {
    for nth in 0..front.world.weather.images {
        let (front, viewer) = (Arc::clone(front), Viewer::account(owner.account));
        let world = Arc::clone(&front.world);
        let latest = if nth < 2 { Duration::from_secs(5) } else { front.world.weather.storm };
        world.employ(async move {
            front.world.pass(latest).await;
            upload(&front, &viewer, gallery, Sight::Uploaded).await;
        });
    }
}

/// Uploads one image, as somebody who may; each try is another photograph, for nobody knows what became of the last.
pub(super) async fn upload(front: &Arc<Front>, viewer: &Viewer, gallery: GalleryId, sight: Sight) {
    let world = &front.world;
    for _ in 0..TRIES {
        let photo = Photo(world.throw(super::super::dice::Dice::next));
        let file = photo.file();
        let sha256 = HEXLOWER.encode(&Sha256::digest(&file));
        world.watch(|watcher, _| {
            watcher.truth.photos.insert(sha256, photo);
            Ok(())
        });
        let new = NewImage::default();
        let request = |engine: galerra_core::Engine| {
            let (new, file) = (&new, file.clone());
            async move { engine.upload(viewer, gallery, new, file).await }
        };
        match once(front, &request).await {
            Some(Ok(image)) => {
                world.saw(sight);
                world.tell(|| format!("uploaded {} to {gallery}", image.id));
                return;
            }
            Some(Err(error)) => {
                world.saw(Sight::UploadRefused);
                world.tell(|| format!("an upload to {gallery} failed: {error}"));
                if !matches!(error, galerra_core::Error::Storage(_) | galerra_core::Error::Contended) {
                    return;
                }
            }
            None => {
                world.saw(Sight::UploadAbandoned);
                world.tell(|| format!("an upload to {gallery} was cut off"));
            }
        }
        world.pass(Duration::from_secs(30)).await;
    }
}
