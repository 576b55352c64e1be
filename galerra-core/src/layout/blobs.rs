//! Where the bytes of images lie.

use galerra_storage::{Key, Prefix};

use super::{key, prefix, rendition_path};
use crate::{AccountId, GalleryId, Hold, Image, ImageId, Rendition, Subject};

/// The folder of a subject's blobs; `None` when they share it with blobs that stay.
pub(crate) fn blobs(subject: &Subject, owner: AccountId) -> Option<Prefix> {
    match subject {
        Subject::Image { gallery, image } => Some(image_blobs(owner, *gallery, *image)),
        Subject::Gallery { gallery } => Some(prefix(format!("{owner}/{gallery}"))),
        Subject::Account => Some(prefix(owner.to_string())),
        Subject::Renditions { .. } | Subject::Copies { .. } | Subject::Access { .. } => None,
    }
}

pub(crate) fn image_blobs(acc: AccountId, gal: GalleryId, img: ImageId) -> Prefix {
    prefix(format!("{acc}/{gal}/{img}"))
}

pub(crate) fn original_blob(image: &Image) -> Key {
    key(format!("{}original", image_folder(image)))
}

/// The blob of a rendition: a new one in each round, so that bytes are never written over.
pub(crate) fn rendition_blob(image: &Image, rendition: &Rendition) -> Key {
    round_blob(image, rendition.round, &rendition.file())
}

pub(crate) fn master_blob(image: &Image, round: u32) -> Key {
    round_blob(image, round, "master")
}

fn round_blob(image: &Image, round: u32, file: &str) -> Key {
    let folder = image_folder(image);
    key(if round == 0 { format!("{folder}{file}") } else { format!("{folder}{round}/{file}") })
}

fn image_folder(image: &Image) -> Prefix {
    image_blobs(image.owner, image.gallery, image.id)
}

/// The image that a blob is of; `None` for what is the service's own.
pub(crate) fn image_of_blob(blob: &Key) -> Option<(AccountId, GalleryId, ImageId)> {
    let mut parts = blob.as_str().split('/');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The account in whose folder a blob lies.
pub(crate) fn account_of_blob(blob: &Key) -> Option<AccountId> {
    blob.as_str().split('/').next()?.parse().ok()
}

/// The path that shows a blob to those who may see it, if there is one for everybody.
pub(crate) fn path_of_blob(blob: &Key) -> Option<String> {
    let (_, _, image) = image_of_blob(blob)?;
    let file = blob.as_str().rsplit('/').next()?;
    (!matches!(file, "original" | "master")).then(|| rendition_path(image, file))
}

/// Every blob that an image has or may yet get, from its manifest.
pub(crate) fn manifest(image: &Image) -> Vec<Key> {
    let master = image.master.as_ref().map_or(image.round, |master| master.round);
    let renditions = image.renditions.iter().map(|rendition| rendition_blob(image, rendition));
    renditions.chain([master_blob(image, master), original_blob(image)]).collect()
}

/// The blobs that were made of an image so far.
pub(crate) fn made_blobs(image: &Image) -> Vec<Key> {
    let made = image.renditions.iter().filter(|rendition| rendition.made.is_some());
    let renditions = made.map(|rendition| rendition_blob(image, rendition));
    renditions.chain(image.master.iter().map(|master| master_blob(image, master.round))).collect()
}

/// The folder of the blobs that a hold is about.
pub(crate) fn held_blobs(hold: &Hold) -> Prefix {
    match (hold.gallery, hold.image) {
        (None, _) => prefix(hold.account.to_string()),
        (Some(gallery), None) => prefix(format!("{}/{gallery}", hold.account)),
        (Some(gallery), Some(image)) => image_blobs(hold.account, gallery, image),
    }
}

/// Whether a blob is the bytes that somebody uploaded.
pub(crate) fn is_original(blob: &Key) -> bool {
    blob.as_str().ends_with("/original")
}
