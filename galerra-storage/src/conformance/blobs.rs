//! The contract of [`Blobs`], clause by clause.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};

use super::{folder, key, longest_key, prefix};
use crate::{Blobs, Body, Entry, Erased, Key, TornWrites, collect, whole};

/// The store under test.
pub type Store = Arc<dyn Blobs>;

const LONG: usize = 20 * 1024 * 1024 + 7;

async fn put(store: &Store, key: &Key, bytes: impl Into<Bytes>) {
    store.put(key, whole(bytes.into())).await.expect("a put succeeds");
}

async fn read(store: &Store, key: &Key, range: Option<Range<u64>>) -> Option<(u64, Bytes)> {
    let blob = store.get(key, range).await.expect("a get succeeds")?;
    Some((blob.size, collect(blob.body).await.expect("a body is read to its end")))
}

async fn content(store: &Store, key: &Key) -> Option<Bytes> {
    read(store, key, None).await.map(|(_, bytes)| bytes)
}

async fn erase(store: &Store, key: &Key) -> Erased {
    store.erase(key).await.expect("an erase succeeds")
}

async fn list(store: &Store, folder: &str, after: Option<&Key>, limit: usize) -> Vec<Entry> {
    store.list(&prefix(folder), after.cloned(), limit).await.expect("a list succeeds")
}

async fn names(store: &Store, folder: &str) -> Vec<String> {
    let found = list(store, folder, None, 10_000).await;
    found.iter().map(|entry| entry.key.as_str()[folder.len() + 1..].to_owned()).collect()
}

/// Bytes that differ at every place, for a length.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// A body that sends `length` bytes in chunks and then what `end` says.
fn broken_body(length: usize, end: impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    let chunk = pattern(64 * 1024);
    let chunks = length.div_ceil(chunk.len());
    stream::iter((0..chunks).map(move |_| Ok(chunk.clone()))).chain(end).boxed()
}

fn failing_body(length: usize) -> Body {
    broken_body(length, stream::once(async { Err(io::Error::other("the sender went away")) }))
}

/// `get` finds what was put, whole.
pub async fn what_was_put_is_read(store: Store) {
    let key = key(&folder(), "a");
    put(&store, &key, "hello").await;
    assert_eq!(read(&store, &key, None).await, Some((5, Bytes::from("hello"))));
    erase(&store, &key).await;
}

/// `put` replaces what was there.
pub async fn a_put_replaces(store: Store) {
    let key = key(&folder(), "a");
    put(&store, &key, "a longer first").await;
    put(&store, &key, "second").await;
    assert_eq!(content(&store, &key).await, Some(Bytes::from("second")));
    erase(&store, &key).await;
}

/// `get` of an absent key is `Ok(None)`, with a range or without, and so it is for a folder.
pub async fn an_absent_key_is_none(store: Store) {
    let folder = folder();
    put(&store, &key(&folder, "a/b"), "x").await;
    for absent in [key(&folder, "b"), key(&folder, "a"), key(&folder, "a/c"), key(&folder, "a/b/c")] {
        for range in [None, Some(0..1), Some(5..5)] {
            assert_eq!(read(&store, &absent, range).await, None, "{absent}");
        }
    }
    erase(&store, &key(&folder, "a/b")).await;
}

/// A range is clipped to the blob; one that starts at or past the end, or is empty, yields an empty body.
pub async fn a_range_is_clipped(store: Store) {
    let key = key(&folder(), "a");
    put(&store, &key, "0123456789").await;
    #[allow(clippy::reversed_empty_ranges, reason = "a reversed range is empty")]
    let cases = [
        (0..10, "0123456789"),
        (0..1, "0"),
        (3..6, "345"),
        (9..10, "9"),
        (8..20, "89"),
        (0..u64::MAX, "0123456789"),
        (10..11, ""),
        (10..10, ""),
        (4..4, ""),
        (6..2, ""),
        (5000..6000, ""),
    ];
    for (range, expected) in cases {
        let found = read(&store, &key, Some(range.clone())).await;
        assert_eq!(found, Some((10, Bytes::from(expected))), "{range:?}");
    }
    erase(&store, &key).await;
}

/// A blob of many parts is read as it was written, whole and in ranges, and `list` tells its length.
pub async fn a_long_blob_is_read_whole_and_in_ranges(store: Store) {
    let folder = folder();
    let (key, bytes) = (key(&folder, "a"), pattern(LONG));
    let chunks: Vec<_> = bytes.chunks(100_003).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    store.put(&key, stream::iter(chunks).boxed()).await.expect("a put succeeds");
    assert!(content(&store, &key).await == Some(bytes.clone()), "the blob is not what was written");
    for range in [0..1, 1..700_000, 262_143..786_433, 8_388_607..8_388_610, 9_000_000..20_000_000] {
        let (size, part) = read(&store, &key, Some(range.clone())).await.expect("the blob is there");
        let expected = bytes.slice(range.start as usize..range.end as usize);
        assert!(size == LONG as u64 && part == expected, "{range:?}");
    }
    assert_eq!(list(&store, &folder, None, 2).await, [Entry { key: key.clone(), size: LONG as u64 }]);
    assert_eq!(erase(&store, &key).await, Erased::Removed);
}

/// A body without bytes makes a blob without bytes, which is not an absent one.
pub async fn an_empty_body_is_a_blob(store: Store) {
    let folder = folder();
    let (key, other) = (key(&folder, "a"), key(&folder, "b"));
    store.put(&key, stream::empty().boxed()).await.expect("a put succeeds");
    put(&store, &other, "").await;
    for key in [&key, &other] {
        assert_eq!(read(&store, key, None).await, Some((0, Bytes::new())));
        assert_eq!(read(&store, key, Some(0..9)).await, Some((0, Bytes::new())));
    }
    assert_eq!(names(&store, &folder).await, ["a", "b"]);
    for key in [&key, &other] {
        assert_eq!(erase(&store, key).await, Erased::Removed);
    }
}

/// A key of the greatest length is kept.
pub async fn the_longest_key_is_kept(store: Store) {
    let folder = folder();
    let key = longest_key(&folder);
    put(&store, &key, "x").await;
    assert_eq!(content(&store, &key).await, Some(Bytes::from("x")));
    assert_eq!(list(&store, &folder, None, 2).await, [Entry { key: key.clone(), size: 1 }]);
    assert_eq!(erase(&store, &key).await, Erased::Removed);
    assert_eq!(list(&store, &folder, None, 2).await, []);
}

/// `erase` answers what it found; afterwards nothing is found, and erasing again is harmless.
pub async fn an_erase_tells_what_it_found(store: Store) {
    let folder = folder();
    let key = key(&folder, "a");
    assert_eq!(erase(&store, &key).await, Erased::Absent);
    put(&store, &key, "x").await;
    assert_eq!(erase(&store, &key).await, Erased::Removed);
    assert_eq!(content(&store, &key).await, None);
    assert_eq!(list(&store, &folder, None, 9).await, []);
    assert_eq!(erase(&store, &key).await, Erased::Absent);
    put(&store, &key, "y").await;
    assert_eq!(content(&store, &key).await, Some(Bytes::from("y")));
    assert_eq!(erase(&store, &key).await, Erased::Removed);
}

/// `erase` removes one key: not its siblings, not what starts with the same letters, not what lies below.
pub async fn an_erase_leaves_the_others(store: Store) {
    let folder = folder();
    let others = ["a-b", "a.b", "a0", "aa", "b/c", "b/d"];
    for name in others.iter().chain(&["a"]) {
        put(&store, &key(&folder, name), "x").await;
    }
    assert_eq!(erase(&store, &key(&folder, "a")).await, Erased::Removed);
    assert_eq!(erase(&store, &key(&folder, "b")).await, Erased::Absent);
    assert_eq!(names(&store, &folder).await, others);
    for name in others {
        assert_eq!(erase(&store, &key(&folder, name)).await, Erased::Removed);
    }
}

/// `list` shows keys in byte order, whatever the folders; `after` need not be a key that exists.
pub async fn a_list_is_in_byte_order(store: Store) {
    let folder = folder();
    let sorted =
        ["a-b", "a-b-c/x", "a.b/c", "a/0", "a/b/c", "a/b0", "a/c", "a0/a", "a_b", "aa", "b/a/a/a/a", "c"];
    for name in sorted.iter().rev() {
        put(&store, &key(&folder, name), *name).await;
    }
    assert_eq!(names(&store, &folder).await, sorted);
    for limit in 0..=sorted.len() + 1 {
        assert_eq!(list(&store, &folder, None, limit).await.len(), limit.min(sorted.len()));
    }
    let places = sorted.iter().copied().chain(["a-", "a", "a/b", "a/b/c/d", "a1", "zz", "0"]);
    for after in places {
        let expected: Vec<_> = sorted.iter().filter(|name| **name > after).take(3).collect();
        let page = list(&store, &folder, Some(&key(&folder, after)), 3).await;
        let found: Vec<_> = page.iter().map(|entry| &entry.key.as_str()[folder.len() + 1..]).collect();
        assert_eq!(found, expected.into_iter().copied().collect::<Vec<_>>(), "after {after}");
        assert!(
            page.iter().all(|entry| entry.size == entry.key.as_str().len() as u64 - folder.len() as u64 - 1)
        );
    }
    for name in sorted {
        erase(&store, &key(&folder, name)).await;
    }
}

/// `list` of a folder shows what lies below it: not the key of the same name, not what starts with it.
pub async fn a_list_ends_at_the_folder(store: Store) {
    let folder = folder();
    let all = ["a/b", "a/c/d", "a-b/c", "ab/c", "a0", "z/a/b"];
    for name in all {
        put(&store, &key(&folder, name), "x").await;
    }
    let below = |inner: &str| format!("{folder}/{inner}");
    assert_eq!(names(&store, &below("a")).await, ["b", "c/d"]);
    assert_eq!(names(&store, &below("a/c")).await, ["d"]);
    assert_eq!(names(&store, &below("a/b")).await, [] as [&str; 0]);
    assert_eq!(names(&store, &below("z")).await, ["a/b"]);
    assert_eq!(names(&store, &below("none/at/all")).await, [] as [&str; 0]);
    let before = key(&folder, "0");
    assert_eq!(
        list(&store, &below("a"), Some(&before), 9).await.len(),
        2,
        "`after` may lie before the folder"
    );
    let behind = key(&folder, "b");
    assert_eq!(list(&store, &below("a"), Some(&behind), 9).await, [], "`after` may lie behind the folder");
    for name in all {
        erase(&store, &key(&folder, name)).await;
    }
}

/// `list` sees every put and erase that returned before it was called.
pub async fn a_list_sees_what_returned_before(store: Store) {
    let folder = folder();
    for n in 0..20 {
        let key = key(&folder, &format!("{n:03}"));
        put(&store, &key, "x").await;
        assert_eq!(list(&store, &folder, None, 9).await, [Entry { key: key.clone(), size: 1 }]);
        put(&store, &key, "xyz").await;
        assert_eq!(list(&store, &folder, None, 9).await, [Entry { key: key.clone(), size: 3 }]);
        erase(&store, &key).await;
        assert_eq!(list(&store, &folder, None, 9).await, []);
    }
}

/// Does work for every key, sixteen at once.
async fn for_each<F>(store: &Store, keys: &[Key], work: impl Fn(Store, Key) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let all: Vec<_> = keys.iter().map(|key| work(store.clone(), key.clone())).collect();
    stream::iter(all).buffer_unordered(16).collect::<()>().await;
}

/// Pages follow on one another without gap or repetition; one shorter than asked for is the last.
pub async fn a_list_is_paged_to_the_end(store: Store) {
    let folder = folder();
    let all: Vec<_> = (0..1100).map(|n| key(&folder, &format!("{:x}/{n:04}", n % 16))).collect();
    for_each(&store, &all, |store, key| async move { put(&store, &key, "x").await }).await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = list(&store, &folder, after.as_ref(), 100).await;
        found.extend(page.iter().map(|entry| entry.key.clone()));
        after = found.last().cloned();
        if page.len() < 100 {
            break;
        }
    }
    let mut expected = all.clone();
    expected.sort();
    assert_eq!(found, expected);
    for_each(&store, &all, |store, key| async move {
        assert_eq!(erase(&store, &key).await, Erased::Removed);
    })
    .await;
    assert_eq!(list(&store, &folder, None, 9).await, []);
}

/// What a torn write left is shown by `list` under its key, or the semantics name it; `erase` clears it.
async fn leaves_nothing(store: &Store, folder: &str, key: &Key) {
    assert_eq!(content(store, key).await, None);
    let left = list(store, folder, None, 9).await;
    let torn = store.semantics().torn_writes;
    assert!(left.is_empty() || torn == TornWrites::Listed, "{left:?} is left and the store says {torn:?}");
    assert!(left.iter().all(|entry| entry.key == *key), "{left:?} is left of {key}");
    // Work that was dropped may need a moment to end.
    for _ in 0..500 {
        erase(store, key).await;
        if list(store, folder, None, 9).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(list(store, folder, None, 9).await, [], "an erase does not clear what a torn write left");
}

/// A put whose body fails leaves nothing that `get` finds.
pub async fn a_failing_body_leaves_nothing(store: Store) {
    let folder = folder();
    let key = key(&folder, "a");
    store.put(&key, failing_body(100_000)).await.expect_err("the body failed");
    leaves_nothing(&store, &folder, &key).await;
}

/// A put whose body fails after parts of it were stored leaves nothing that `get` finds.
pub async fn a_failing_long_body_leaves_nothing(store: Store) {
    let folder = folder();
    let key = key(&folder, "a/b");
    store.put(&key, failing_body(LONG)).await.expect_err("the body failed");
    leaves_nothing(&store, &folder, &key).await;
}

/// A put whose body fails keeps what was there.
pub async fn a_failing_body_keeps_what_was_there(store: Store) {
    let folder = folder();
    let key = key(&folder, "a");
    put(&store, &key, "kept").await;
    for length in [0, 100_000, LONG] {
        store.put(&key, failing_body(length)).await.expect_err("the body failed");
        assert_eq!(content(&store, &key).await, Some(Bytes::from("kept")));
    }
    assert_eq!(erase(&store, &key).await, Erased::Removed);
    leaves_nothing(&store, &folder, &key).await;
}

/// A put that is dropped half-way leaves nothing that `get` finds.
pub async fn a_dropped_put_leaves_nothing(store: Store) {
    for length in [0, 100_000, LONG] {
        let folder = folder();
        let key = key(&folder, "a");
        let (sent, arrived) = tokio::sync::oneshot::channel();
        let stalls = stream::once(async move {
            sent.send(()).expect("the test waits");
            std::future::pending().await
        });
        let upload = tokio::spawn({
            let (store, key) = (store.clone(), key.clone());
            async move { store.put(&key, broken_body(length, stalls)).await }
        });
        arrived.await.expect("the body is read to where it stalls");
        upload.abort();
        upload.await.expect_err("the upload was dropped");
        leaves_nothing(&store, &folder, &key).await;
    }
}

/// While a blob is replaced, readers see the one or the other, whole.
pub async fn an_overwrite_is_seen_whole(store: Store) {
    let key = key(&folder(), "a");
    let blob = |n: u8| Bytes::from(vec![n; 700_000 + usize::from(n)]);
    put(&store, &key, blob(0)).await;
    let writer = tokio::spawn({
        let (store, key) = (store.clone(), key.clone());
        async move {
            for n in 1..20 {
                put(&store, &key, blob(n)).await;
            }
        }
    });
    while !writer.is_finished() {
        let found = content(&store, &key).await.expect("there is always a blob");
        let first = *found.first().expect("no blob is empty");
        assert!(found == blob(first), "a mixture of blobs was read");
    }
    writer.await.expect("every put succeeds");
    assert!(content(&store, &key).await == Some(blob(19)));
    erase(&store, &key).await;
}

/// Puts and erases from many tasks do not disturb one another, also where folders come and go.
pub async fn many_puts_at_once_are_kept(store: Store) {
    let folder = folder();
    let task = |n: usize| {
        let (store, key) = (store.clone(), key(&folder, &format!("{}/{n}", n % 4)));
        tokio::spawn(async move {
            for round in 0..8 {
                put(&store, &key, format!("{n} {round}")).await;
                assert_eq!(content(&store, &key).await, Some(Bytes::from(format!("{n} {round}"))));
                assert_eq!(erase(&store, &key).await, Erased::Removed);
            }
        })
    };
    for task in (0..16).map(task).collect::<Vec<_>>() {
        task.await.expect("no task fails");
    }
    assert_eq!(list(&store, &folder, None, 9).await, []);
}
