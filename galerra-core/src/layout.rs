//! The only file that names keys, tags and paths.
//!
//! Records of an account lie under `{account}/…`, so an account is one range; a gallery's lie in a few ranges
//! below it. Outside lie only pointers, which hold ids and digests but nothing a person wrote:
//!
//! | key | value |
//! |---|---|
//! | `{acc}/account` | the account |
//! | `{acc}/gallery/{gal}` · `{acc}/galleries/{rank}.{gal}` · `{acc}/tally/{gal}` | gallery · its place in the list · its count |
//! | `{acc}/image/{gal}/{img}` · `{acc}/images/{gal}/{rank}.{img}` | image · its place in the gallery |
//! | `{acc}/intent/{gal}/{img}` · `lease/{deadline}.{img}` | an upload under way · when it is dead |
//! | `{acc}/share/{gal}/{shr}` · `sharekey/{digest}` | share · how its token finds it |
//! | `{acc}/trash/{gal}/{rank}.{id}` · `trash/{deadline}.{id}` | that something is in the trash · when it is erased |
//! | `ref/{id}` | where a gallery, image or share is, or that it is gone |
//! | `apikey/{digest}` · `claim/{digest}` | account of a key · that a name or address is taken |
//! | `operator/token` | digest of the operator's token, if Galerra made it |
//! | `erasure/{era}` · `plan/{era}/{page}` | erasure · what it has to prove |
//! | `open/{lane}/{next}.{era}` · `part/{acc}/{gal}/{era}` · `shelf/{rank}.{era}` | when it is due · what is under it · when it ended |
//! | `hold/{acc}/{hld}` | a legal hold, which outlives the account |
//! | `lapse/{expires}.{shr}` | when a link has expired |
//! | `event/{rank}.{evt}` | the feed |
//! | `log/key` · `log/head` · `log/tile/{level}/{n}` · `log/entry/{n}` | the log: its key, its end, its tiles, its last entries |
//! | `log/seen/{hash}` | what was seen of another log, as its witness |
//! | `log/queue/{rank}.{era}` · `log/unsealed/{n}` | what waits for its place in the log · for its receipt |
//! | `work/redevelopment` · `work/rules` | how far the making anew has come · retention as it was |
//! | `work/heartbeat` · `work/restored` | that the records live · when older ones were put back |
//!
//! Blobs of images lie under `{acc}/{gal}/{img}/`: `original`, `master`, and a file for each rendition; what was made anew
//! lies one folder deeper, `{round}/`. Beside them lie the service's own:
//!
//! | key | value |
//! |---|---|
//! | `ledger/{day}/{rank}.{era}` · `ledger/{day}/{rank}.{evt}` | a tombstone · the mark of a widening |
//! | `ledger/horizon` | how far back the ledger reaches |
//! | `log/checkpoint` · `log/tile/…` · `log/secret` | the log as anyone may read it · the copy of its key, which nobody may |
//! | `log/seen/{hash}` | a copy of what was seen of another log |

mod blobs;
mod graph;
mod ledger;
mod views;

use data_encoding::HEXLOWER;
use galerra_cdn::Tag;
use galerra_storage::{Key, Prefix};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::{
    AccountId, Erasure, ErasureId, EventId, GalleryId, HoldId, Image, ImageId, Lane, ShareId, Subject,
    Trashed,
};

pub(crate) use blobs::{
    account_of_blob, blobs, held_blobs, image_blobs, image_of_blob, is_original, made_blobs, manifest,
    master_blob, original_blob, path_of_blob, rendition_blob,
};
pub use graph::{Fate, Kind};
pub(crate) use graph::{intents, ranges, singles};
pub(crate) use ledger::{
    horizon, is_line_before, is_line_since, ledger, log_entries, log_entry, log_file, log_folder, log_head,
    log_index, log_key, log_queue, log_queued, log_secret, log_seen, log_tile, log_unsealed, log_unsealed_at,
    mark, told_by, tombstone,
};
pub use views::views;

fn key(text: String) -> Key {
    Key::parse(text).expect("ids and digests fit the grammar of keys")
}

fn prefix(text: String) -> Prefix {
    Prefix::parse(text).expect("ids and digests fit the grammar of keys")
}

/// A text that sorts by time and, within a microsecond, by `nth`.
#[must_use]
pub fn rank(at: OffsetDateTime, nth: u16) -> String {
    let micros = u64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(0);
    format!("{micros:016x}{nth:04x}")
}

pub(crate) fn account(acc: AccountId) -> Key {
    key(format!("{acc}/account"))
}

pub(crate) fn gallery(acc: AccountId, gal: GalleryId) -> Key {
    key(format!("{acc}/gallery/{gal}"))
}

pub(crate) fn galleries(acc: AccountId) -> Prefix {
    prefix(format!("{acc}/galleries"))
}

pub(crate) fn gallery_listed(acc: AccountId, gal: GalleryId, rank: &str) -> Key {
    key(format!("{acc}/galleries/{rank}.{gal}"))
}

pub(crate) fn tally(acc: AccountId, gal: GalleryId) -> Key {
    key(format!("{acc}/tally/{gal}"))
}

pub(crate) fn image(acc: AccountId, gal: GalleryId, img: ImageId) -> Key {
    key(format!("{acc}/image/{gal}/{img}"))
}

/// The images of a gallery themselves, in no order.
pub(crate) fn image_records(acc: AccountId, gal: GalleryId) -> Prefix {
    prefix(format!("{acc}/image/{gal}"))
}

pub(crate) fn images(acc: AccountId, gal: GalleryId) -> Prefix {
    prefix(format!("{acc}/images/{gal}"))
}

pub(crate) fn image_listed(acc: AccountId, gal: GalleryId, rank: &str, img: ImageId) -> Key {
    key(format!("{acc}/images/{gal}/{rank}.{img}"))
}

pub(crate) fn intent(acc: AccountId, gal: GalleryId, img: ImageId) -> Key {
    key(format!("{acc}/intent/{gal}/{img}"))
}

pub(crate) fn leases() -> Prefix {
    prefix("lease".to_owned())
}

pub(crate) fn lease(deadline: OffsetDateTime, img: ImageId) -> Key {
    key(format!("lease/{}.{img}", rank(deadline, 0)))
}

pub(crate) fn shares(acc: AccountId, gal: GalleryId) -> Prefix {
    prefix(format!("{acc}/share/{gal}"))
}

/// The links of all galleries of an account.
pub(crate) fn all_shares(acc: AccountId) -> Prefix {
    prefix(format!("{acc}/share"))
}

pub(crate) fn share(acc: AccountId, gal: GalleryId, shr: ShareId) -> Key {
    key(format!("{acc}/share/{gal}/{shr}"))
}

pub(crate) fn share_key(digest: &str) -> Key {
    key(format!("sharekey/{digest}"))
}

/// What of an account is in the trash.
pub(crate) fn all_trash(acc: AccountId) -> Prefix {
    prefix(format!("{acc}/trash"))
}

pub(crate) fn trashed(trashed: &Trashed) -> Key {
    let Trashed { owner, gallery, since, .. } = trashed;
    key(format!("{owner}/trash/{gallery}/{}.{}", rank(*since, 0), thing(trashed)))
}

/// When what is in the trash is erased.
pub(crate) fn trash() -> Prefix {
    prefix("trash".to_owned())
}

pub(crate) fn trash_due(trashed: &Trashed) -> Key {
    key(format!("trash/{}.{}", rank(trashed.until, 0), thing(trashed)))
}

fn thing(trashed: &Trashed) -> String {
    trashed.image.map_or_else(|| trashed.gallery.to_string(), |image| image.to_string())
}

pub(crate) fn reference(id: impl std::fmt::Display) -> Key {
    key(format!("ref/{id}"))
}

/// Where everything is.
pub(crate) fn references() -> Prefix {
    prefix("ref".to_owned())
}

/// The key before the first reference to an image.
pub(crate) fn before_images() -> Key {
    key("ref/img_".to_owned())
}

/// The image that a reference is of.
pub(crate) fn referenced_image(reference: &Key) -> Option<ImageId> {
    reference.as_str().strip_prefix("ref/")?.parse().ok()
}

pub(crate) fn redevelopment() -> Key {
    key("work/redevelopment".to_owned())
}

pub(crate) fn api_key(digest: &str) -> Key {
    key(format!("apikey/{digest}"))
}

pub(crate) fn operator() -> Key {
    key("operator/token".to_owned())
}

/// That a unique text is taken: a digest, so that the pointer itself names nobody.
pub(crate) fn claim(field: &str, text: &str) -> Key {
    let digest = Sha256::digest(format!("{field}:{}", text.to_lowercase()).as_bytes());
    key(format!("claim/{}", HEXLOWER.encode(&digest)))
}

pub(crate) fn erasure(era: ErasureId) -> Key {
    key(format!("erasure/{era}"))
}

pub(crate) fn open_erasures() -> Prefix {
    prefix("open".to_owned())
}

/// That the records live.
pub(crate) fn heartbeat() -> Key {
    key("work/heartbeat".to_owned())
}

/// When older records were put back, as far as it was noticed.
pub(crate) fn restored() -> Key {
    key("work/restored".to_owned())
}

/// The legal holds on what an account owns. They outlive it.
pub(crate) fn holds(acc: AccountId) -> Prefix {
    prefix(format!("hold/{acc}"))
}

pub(crate) fn all_holds() -> Prefix {
    prefix("hold".to_owned())
}

pub(crate) fn hold(acc: AccountId, hld: HoldId) -> Key {
    key(format!("hold/{acc}/{hld}"))
}

/// Finished erasures by the time they ended.
pub(crate) fn shelf() -> Prefix {
    prefix("shelf".to_owned())
}

pub(crate) fn shelved(at: OffsetDateTime, era: ErasureId) -> Key {
    key(format!("shelf/{}.{era}", rank(at, 0)))
}

/// When links have expired. The entry of a link that was given another time stays, and says nothing any more.
pub(crate) fn lapses() -> Prefix {
    prefix("lapse".to_owned())
}

pub(crate) fn lapse(expires: OffsetDateTime, shr: ShareId) -> Key {
    key(format!("lapse/{}.{shr}", rank(expires, 0)))
}

/// The times of retention rules when anybody last looked.
pub(crate) fn rules() -> Key {
    key("work/rules".to_owned())
}

/// The work items of a lane, by the time at which there is something to do.
pub(crate) fn open_lane(lane: Lane) -> Prefix {
    prefix(format!("open/{}", lane_name(lane)))
}

pub(crate) fn open_erasure(erasure: &Erasure) -> Key {
    key(format!("open/{}/{}.{}", lane_name(erasure.lane), rank(erasure.next, 0), erasure.id))
}

/// What of an account is under erasures that are not finished. It lies outside of the account, and outlives it so long.
pub(crate) fn parts(acc: AccountId) -> Prefix {
    prefix(format!("part/{acc}"))
}

/// What of a gallery is.
pub(crate) fn parts_of(acc: AccountId, gal: GalleryId) -> Prefix {
    prefix(format!("part/{acc}/{gal}"))
}

pub(crate) fn part(erasure: &Erasure) -> Key {
    let Erasure { owner, id, .. } = erasure;
    match erasure.subject {
        Subject::Account => key(format!("part/{owner}/{id}")),
        Subject::Image { gallery, .. }
        | Subject::Gallery { gallery }
        | Subject::Copies { gallery, .. }
        | Subject::Access { gallery, .. }
        | Subject::Renditions { gallery, .. } => key(format!("part/{owner}/{gallery}/{id}")),
    }
}

fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Expedited => "expedited",
        Lane::Standard => "standard",
    }
}

/// The time in a key `…/{rank}.{id}`, as it sorts.
pub(crate) fn time_of(key: &Key) -> &str {
    let tail = key.as_str().rsplit('/').next().unwrap_or_default();
    tail.split('.').next().unwrap_or_default()
}

pub(crate) fn plan(era: ErasureId) -> Prefix {
    prefix(format!("plan/{era}"))
}

pub(crate) fn plan_page(era: ErasureId, page: u32) -> Key {
    key(format!("plan/{era}/{page:08}"))
}

pub(crate) fn events() -> Prefix {
    prefix("event".to_owned())
}

pub(crate) fn event(at: OffsetDateTime, id: EventId) -> Key {
    key(format!("event/{}.{id}", rank(at, 0)))
}

/// The path under which a rendition is served, below wherever the router is mounted.
#[must_use]
pub fn rendition_path(img: ImageId, file: &str) -> String {
    format!("/i/{img}/{file}")
}

/// The path of a gallery's page.
#[must_use]
pub fn gallery_path(gal: GalleryId) -> String {
    format!("/g/{gal}")
}

/// The path that a share link leads to; it holds the secret.
#[must_use]
pub fn share_path(token: &crate::ShareToken) -> String {
    format!("/s/{}", token.reveal())
}

fn tag(kind: char, bare: &str) -> Tag {
    Tag::parse(format!("{kind}-{bare}")).expect("a bare id fits the grammar of tags")
}

/// The tags of everything that shows this image: the image's, its gallery's, its owner's.
#[must_use]
pub fn image_tags(image: &Image) -> [Tag; 3] {
    [tag('i', &image.id.bare()), tag('g', &image.gallery.bare()), tag('u', &image.owner.bare())]
}

/// The one tag that everything of a subject carries.
pub(crate) fn subject_tag(subject: &Subject, owner: AccountId) -> Tag {
    match subject {
        Subject::Image { image, .. }
        | Subject::Renditions { image, .. }
        | Subject::Copies { image: Some(image), .. } => tag('i', &image.bare()),
        Subject::Gallery { gallery }
        | Subject::Copies { gallery, image: None }
        | Subject::Access { gallery, .. } => tag('g', &gallery.bare()),
        Subject::Account => tag('u', &owner.bare()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_sort_by_time_then_by_order() {
        let early = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let late = early + time::Duration::microseconds(1);
        assert!(rank(early, 1) < rank(early, 2));
        assert!(rank(early, u16::MAX) < rank(late, 0));
    }
}
