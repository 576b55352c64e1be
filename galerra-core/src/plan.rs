use serde::{Deserialize, Serialize};

use crate::{Image, Rendition, layout};

/// One page of a plan: what was there, by ids and digests only, so that it can be removed and probed after
/// the records that named it are gone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PlanPage {
    pub(crate) blobs: Vec<galerra_storage::Key>,
    pub(crate) served: Vec<Served>,
    /// Where the survey of a gallery goes on, if that is what wrote this page.
    #[serde(default)]
    pub(crate) last: Option<galerra_storage::Key>,
}

impl PlanPage {
    /// Adds every blob of an image and every response that shows it.
    pub(crate) fn add(&mut self, image: &Image) {
        self.blobs.extend(layout::manifest(image));
        self.add_served(image);
    }

    /// Adds every response that shows an image, or may yet have: records that come from a backup do not know of
    /// renditions that were made after it, and of which networks hold copies.
    pub(crate) fn add_served(&mut self, image: &Image) {
        self.served.extend(image.renditions.iter().map(|rendition| Served::of(image, rendition)));
    }

    /// Adds the blobs of `before` that `after` does not have, and the responses that show other bytes now.
    ///
    /// One writer an image: what was only planned has no bytes, and none are on their way.
    pub(crate) fn add_replaced(&mut self, before: &Image, after: &Image) {
        let kept = layout::made_blobs(after);
        self.blobs.extend(layout::made_blobs(before).into_iter().filter(|key| !kept.contains(key)));
        let served = |image: &Image| -> Vec<Served> {
            let made = image.renditions.iter().filter(|rendition| rendition.made.is_some());
            made.map(|rendition| Served::of(image, rendition)).collect()
        };
        let kept = served(after);
        self.served.extend(served(before).into_iter().filter(|response| !kept.contains(response)));
    }

    /// Adds blobs that were found, and every response that may show them.
    pub(crate) fn add_found(&mut self, blobs: Vec<galerra_storage::Key>) {
        let paths = blobs.iter().filter_map(layout::path_of_blob);
        self.served.extend(paths.map(|path| Served { path, sha256: String::new() }));
        self.blobs.extend(blobs);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blobs.is_empty() && self.served.is_empty()
    }
}

/// A response that networks may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Served {
    pub(crate) path: String,
    /// What it showed; empty if nobody knows that it was ever made. Then its age alone gives a copy away.
    pub(crate) sha256: String,
}

impl Served {
    /// The response that shows a rendition.
    fn of(image: &Image, rendition: &Rendition) -> Self {
        let path = layout::rendition_path(image.id, &rendition.file());
        let sha256 = rendition.made.as_ref().map(|made| made.sha256.clone()).unwrap_or_default();
        Self { path, sha256 }
    }
}
