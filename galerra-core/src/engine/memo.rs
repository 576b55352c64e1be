use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use galerra_storage::{Key, Row, Version};

use crate::{Account, Gallery, Image, ImageId};

/// Most images kept at hand.
const MOST: usize = 4096;

/// What was decoded to decide about an image, kept so that the next request need not decode it again.
///
/// It is never believed by itself: every use reads the records anew and holds their versions against the
/// ones that were decoded. A version is never given twice, so what matches is what is stored now.
#[derive(Debug, Default)]
pub(super) struct Memo {
    images: Mutex<HashMap<ImageId, Arc<Decoded>>>,
}

/// The records behind one image: where they are, and what they said at these versions.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) keys: [Key; 4],
    pub(super) versions: [Version; 4],
    pub(super) account: Account,
    pub(super) gallery: Gallery,
    pub(super) image: Arc<Image>,
}

impl Decoded {
    /// Whether the records are still what was decoded.
    pub(super) fn is_current(&self, rows: &[Option<Row>]) -> bool {
        let versions = rows.iter().map(|row| row.as_ref().map(|row| row.version));
        versions.eq(self.versions.iter().copied().map(Some))
    }
}

impl Memo {
    pub(super) fn find(&self, id: ImageId) -> Option<Arc<Decoded>> {
        self.images().get(&id).cloned()
    }

    pub(super) fn keep(&self, id: ImageId, decoded: Arc<Decoded>) {
        let mut images = self.images();
        if images.len() >= MOST {
            images.clear();
        }
        images.insert(id, decoded);
    }

    pub(super) fn forget(&self, id: ImageId) {
        self.images().remove(&id);
    }

    /// Forgets everything: an erasure leaves no copy of what it removes.
    pub(super) fn forget_all(&self) {
        self.images().clear();
    }

    fn images(&self) -> MutexGuard<'_, HashMap<ImageId, Arc<Decoded>>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
