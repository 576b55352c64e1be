//! What lies with the blobs and is of no image: the ledger and the log, and of the log what lies with the records.

use data_encoding::HEXLOWER;
use galerra_log::{LogVerifier, TileId};
use galerra_storage::{Key, Prefix};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{key, prefix, rank, time_of};
use crate::{ErasureId, EventId};

/// The ledger of tombstones and marks, which lies with the blobs.
pub(crate) fn ledger() -> Prefix {
    prefix("ledger".to_owned())
}

pub(crate) fn tombstone(accepted: OffsetDateTime, era: ErasureId) -> Key {
    key(format!("ledger/{}/{}.{era}", folder_of(accepted), rank(accepted, 0)))
}

/// The mark of a widening of which this event tells.
pub(crate) fn mark(at: OffsetDateTime, id: EventId) -> Key {
    key(format!("ledger/{}/{}.{id}", folder_of(at), rank(at, 0)))
}

/// The record that a line of the ledger leaves in the database: the erasure of a tombstone, the event of a mark.
pub(crate) fn told_by(line: &Key) -> Option<Key> {
    let tail = line.as_str().rsplit('/').next()?;
    let id = tail.split_once('.')?.1;
    match id.parse() {
        Ok(id) => Some(super::erasure(id)),
        Err(_) => id.parse::<EventId>().is_ok().then(|| key(format!("event/{tail}"))),
    }
}

/// Whether it is a line from before that time.
pub(crate) fn is_line_before(key: &Key, end: OffsetDateTime) -> bool {
    *key != horizon() && time_of(key) < rank(end, 0).as_str()
}

/// Whether it is a line of that time or a later one.
pub(crate) fn is_line_since(key: &Key, start: OffsetDateTime) -> bool {
    *key != horizon() && !is_line_before(key, start)
}

/// How far back the ledger reaches. It sorts behind all days.
pub(crate) fn horizon() -> Key {
    key("ledger/horizon".to_owned())
}

fn folder_of(day: OffsetDateTime) -> String {
    let (year, month, day) = day.to_offset(time::UtcOffset::UTC).to_calendar_date();
    format!("{year:04}{:02}{day:02}", u8::from(month))
}

/// What waits for its place in the log.
pub(crate) fn log_queued() -> Prefix {
    prefix("log/queue".to_owned())
}

pub(crate) fn log_queue(at: OffsetDateTime, era: ErasureId) -> Key {
    key(format!("log/queue/{}.{era}", rank(at, 0)))
}

/// What has its place, but no receipt yet.
pub(crate) fn log_unsealed() -> Prefix {
    prefix("log/unsealed".to_owned())
}

pub(crate) fn log_unsealed_at(index: u64) -> Key {
    key(format!("log/unsealed/{index:016x}"))
}

/// The place that a key ends with.
pub(crate) fn log_index(key: &Key) -> Option<u64> {
    u64::from_str_radix(time_of(key), 16).ok()
}

/// Entries that are not in a full bundle yet.
pub(crate) fn log_entries() -> Prefix {
    prefix("log/entry".to_owned())
}

pub(crate) fn log_entry(index: u64) -> Key {
    key(format!("log/entry/{index:016x}"))
}

/// A tile as far as it goes: it grows under one key.
pub(crate) fn log_tile(tile: TileId) -> Key {
    key(format!("log/tile/{}/{:016x}", tile.level(), tile.index()))
}

pub(crate) fn log_head() -> Key {
    key("log/head".to_owned())
}

pub(crate) fn log_key() -> Key {
    key("log/key".to_owned())
}

/// The copy of the log's key beside the blobs; unlike the rest of the log it is not public.
pub(crate) fn log_secret() -> Key {
    key("log/secret".to_owned())
}

/// What was seen of a log that is watched here; with the records, and beside the blobs for when those are put back.
pub(crate) fn log_seen(log: &LogVerifier) -> Key {
    key(format!("log/seen/{}", HEXLOWER.encode(&Sha256::digest(log.to_string()))))
}

/// A folder of public files of the log.
pub(crate) fn log_folder(path: &str) -> Option<Prefix> {
    Prefix::parse(format!("log/{path}")).ok()
}

/// A public file of the log, beside the blobs.
pub(crate) fn log_file(path: &str) -> Option<Key> {
    Key::parse(format!("log/{path}")).ok()
}
