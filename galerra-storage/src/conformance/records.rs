//! The contract of [`Records`], clause by clause.

mod together;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{folder, key, longest_key, prefix};
use crate::{Batch, Belief, Key, MAX_BATCH, MAX_VALUE, Op, Records, Row, StorageError, Version};

pub use self::together::{
    a_dropped_commit_is_whole_or_absent, an_expected_record_cannot_vanish,
    beliefs_hold_when_the_batch_takes_effect, crossing_batches_do_not_block, disjoint_batches_all_commit,
    no_update_is_lost, one_of_many_creators_wins, reads_see_what_returned_before,
};

/// The store under test.
pub type Store = Arc<dyn Records>;

const NEVER: Version = Version(i64::MAX);

fn text(value: &Value) -> Arc<str> {
    value.to_string().into()
}

fn batch(ops: impl IntoIterator<Item = (Key, Op)>) -> Batch {
    let mut batch = Batch::new();
    ops.into_iter().for_each(|(key, op)| batch.push(key, op));
    batch
}

async fn attempt(store: &Store, ops: impl IntoIterator<Item = (Key, Op)>) -> Result<Version, StorageError> {
    store.commit(batch(ops)).await
}

async fn commit(store: &Store, ops: impl IntoIterator<Item = (Key, Op)>) -> Version {
    attempt(store, ops).await.expect("the batch commits")
}

async fn create(store: &Store, key: &Key, value: Value) -> Version {
    commit(store, [(key.clone(), Op::Create(text(&value)))]).await
}

async fn get(store: &Store, key: &Key) -> Option<(Version, Value)> {
    let row = rows(store, std::slice::from_ref(key)).await.pop().flatten()?;
    assert_eq!(row.key, *key);
    Some((row.version, json(&row)))
}

async fn rows(store: &Store, keys: &[Key]) -> Vec<Option<Row>> {
    store.get(keys).await.expect("a get succeeds")
}

fn json(row: &Row) -> Value {
    serde_json::from_str(&row.value).expect("a value is JSON")
}

async fn scan(store: &Store, folder: &str, after: Option<&Key>, limit: usize) -> Vec<Row> {
    store.scan(&prefix(folder), after.cloned(), limit).await.expect("a scan succeeds")
}

async fn names(store: &Store, folder: &str) -> Vec<String> {
    let found = scan(store, folder, None, 10_000).await;
    found.iter().map(|row| row.key.as_str()[folder.len() + 1..].to_owned()).collect()
}

/// The batch is refused because of this key, and nothing has changed.
async fn conflicts(store: &Store, wrong: &Key, ops: Vec<(Key, Op)>) {
    let keys: Vec<_> = ops.iter().map(|(key, _)| key.clone()).collect();
    let before = rows(store, &keys).await;
    match attempt(store, ops).await {
        Err(StorageError::Conflict { key }) => assert_eq!(key, *wrong),
        other => assert!(other.is_err_and(|e| e.is_conflict()), "the batch is a conflict"),
    }
    assert_eq!(rows(store, &keys).await, before, "a refused batch changed something");
}

/// `get` and `scan` find what was committed.
pub async fn what_was_committed_is_read(store: Store) {
    let folder = folder();
    let key = key(&folder, "a");
    let value = json!({"title": "Sea", "n": [1, -2.5, null, true, {"deep": {"er": ""}}], "big": 9_007_199_254_740_993_i64});
    assert_eq!(get(&store, &key).await, None);
    let version = create(&store, &key, value.clone()).await;
    assert_eq!(get(&store, &key).await, Some((version, value.clone())));
    let found = scan(&store, &folder, None, 9).await;
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].key, found[0].version, json(&found[0])), (&key, version, value));
}

/// `get` answers in the order asked, `None` where there is nothing, and twice for a key asked for twice.
pub async fn a_get_answers_in_the_order_asked(store: Store) {
    let folder = folder();
    let [a, b, c] = ["a", "b", "c"].map(|name| key(&folder, name));
    create(&store, &a, json!(1)).await;
    create(&store, &c, json!(3)).await;
    let found = rows(&store, &[c.clone(), b, a.clone(), c.clone()]).await;
    let values: Vec<_> =
        found.iter().map(|row| row.as_ref().map(|row| (row.key.clone(), json(row)))).collect();
    assert_eq!(values, [Some((c.clone(), json!(3))), None, Some((a, json!(1))), Some((c, json!(3)))]);
    assert_eq!(rows(&store, &[]).await, []);
}

/// `get` takes up to [`MAX_BATCH`] keys.
pub async fn a_get_of_too_many_keys_is_invalid(store: Store) {
    let folder = folder();
    let mut keys: Vec<_> = (0..MAX_BATCH).map(|n| key(&folder, &n.to_string())).collect();
    assert_eq!(rows(&store, &keys).await.len(), MAX_BATCH);
    keys.push(key(&folder, "more"));
    assert!(matches!(store.get(&keys).await, Err(StorageError::Invalid { .. })));
}

/// `Create` conflicts with a record that is there.
pub async fn create_believes_absent(store: Store) {
    let key = key(&folder(), "a");
    create(&store, &key, json!(1)).await;
    conflicts(&store, &key, vec![(key.clone(), Op::Create(text(&json!(2))))]).await;
}

/// `Replace` conflicts with an absent record and with every other version.
pub async fn replace_believes_the_version(store: Store) {
    let key = key(&folder(), "a");
    let replace = |at| vec![(key.clone(), Op::Replace(at, text(&json!("new"))))];
    conflicts(&store, &key, replace(Version(1))).await;
    let first = create(&store, &key, json!("old")).await;
    conflicts(&store, &key, replace(NEVER)).await;
    let second = commit(&store, replace(first)).await;
    assert_eq!(get(&store, &key).await, Some((second, json!("new"))));
    conflicts(&store, &key, replace(first)).await;
}

/// `Remove` conflicts with an absent record and with every other version.
pub async fn remove_believes_the_version(store: Store) {
    let folder = folder();
    let key = key(&folder, "a");
    let remove = |at| vec![(key.clone(), Op::Remove(at))];
    conflicts(&store, &key, remove(Version(1))).await;
    let first = create(&store, &key, json!(1)).await;
    conflicts(&store, &key, remove(NEVER)).await;
    commit(&store, remove(first)).await;
    assert_eq!(get(&store, &key).await, None);
    assert_eq!(names(&store, &folder).await, [] as [&str; 0]);
    conflicts(&store, &key, remove(first)).await;
}

/// `Expect` changes nothing and conflicts when what it says is not so.
pub async fn expect_believes_what_it_says(store: Store) {
    let key = key(&folder(), "a");
    let expect = |belief| vec![(key.clone(), Op::Expect(belief))];
    commit(&store, expect(Belief::Absent)).await;
    conflicts(&store, &key, expect(Belief::At(Version(1)))).await;
    let version = create(&store, &key, json!(1)).await;
    commit(&store, expect(Belief::At(version))).await;
    assert_eq!(get(&store, &key).await, Some((version, json!(1))));
    conflicts(&store, &key, expect(Belief::Absent)).await;
    conflicts(&store, &key, expect(Belief::At(NEVER))).await;
}

/// One wrong belief among many right ones stops the whole batch, wherever it stands.
pub async fn one_wrong_belief_stops_the_batch(store: Store) {
    let folder = folder();
    let at = create(&store, &key(&folder, "m-replaced"), json!(1)).await;
    let gone = create(&store, &key(&folder, "n-removed"), json!(1)).await;
    for wrong in ["a", "m", "z"] {
        for op in [Op::Replace(at, text(&json!(2))), Op::Remove(at), Op::Expect(Belief::At(at))] {
            let wrong = key(&folder, wrong);
            let ops = vec![
                (key(&folder, "b-created"), Op::Create(text(&json!(1)))),
                (key(&folder, "m-replaced"), Op::Replace(at, text(&json!(2)))),
                (key(&folder, "n-removed"), Op::Remove(gone)),
                (key(&folder, "y-expected"), Op::Expect(Belief::Absent)),
                (wrong.clone(), op),
            ];
            conflicts(&store, &wrong, ops).await;
        }
    }
    assert_eq!(names(&store, &folder).await, ["m-replaced", "n-removed"]);
}

/// A key named twice makes the batch invalid.
pub async fn a_key_named_twice_is_invalid(store: Store) {
    let key = key(&folder(), "a");
    let twice = [(key.clone(), Op::Create(text(&json!(1)))), (key.clone(), Op::Create(text(&json!(2))))];
    assert!(matches!(attempt(&store, twice).await, Err(StorageError::Invalid { .. })));
    assert_eq!(get(&store, &key).await, None);
}

/// An empty batch commits.
pub async fn an_empty_batch_commits(store: Store) {
    commit(&store, []).await;
}

/// All records a batch writes get the version it answers.
pub async fn a_batch_has_one_version(store: Store) {
    let folder = folder();
    let keys: Vec<_> = (0..MAX_BATCH).map(|n| key(&folder, &format!("{n:04}"))).collect();
    let first = commit(&store, keys.iter().map(|key| (key.clone(), Op::Create(text(&json!(1)))))).await;
    let replace = keys.iter().map(|key| (key.clone(), Op::Replace(first, text(&json!(2)))));
    let second = commit(&store, replace).await;
    assert!(second > first);
    let found = rows(&store, &keys).await;
    assert!(found.iter().flatten().filter(|row| row.version == second).count() == MAX_BATCH);
    commit(&store, keys.iter().map(|key| (key.clone(), Op::Remove(second)))).await;
    assert_eq!(names(&store, &folder).await, [] as [&str; 0]);
}

/// A version is greater than every earlier one of its key, also after the record was removed.
pub async fn versions_grow_across_removal(store: Store) {
    let key = key(&folder(), "a");
    let mut last = Version(i64::MIN);
    for n in 0..10 {
        let created = create(&store, &key, json!(n)).await;
        let replaced = commit(&store, [(key.clone(), Op::Replace(created, text(&json!(-n))))]).await;
        assert!(last < created && created < replaced);
        last = replaced;
        commit(&store, [(key.clone(), Op::Remove(replaced))]).await;
    }
}

/// A string value whose JSON text has this many bytes.
fn sized(bytes: usize) -> Arc<str> {
    format!("\"{}\"", "x".repeat(bytes - 2)).into()
}

/// Keys and values up to the limits are kept.
pub async fn sizes_up_to_the_limits_are_kept(store: Store) {
    let folder = folder();
    let key = longest_key(&folder);
    let version = commit(&store, [(key.clone(), Op::Create(sized(MAX_VALUE)))]).await;
    assert_eq!(
        rows(&store, std::slice::from_ref(&key)).await[0].as_ref().map(|row| row.value.len()),
        Some(MAX_VALUE)
    );
    let found = scan(&store, &folder, None, 2).await;
    assert_eq!(found.iter().map(|row| (&row.key, row.version)).collect::<Vec<_>>(), [(&key, version)]);
}

/// Values and batches above the limits are invalid, and nothing of them is written.
pub async fn sizes_above_the_limits_are_invalid(store: Store) {
    let folder = folder();
    let small = (key(&folder, "small"), Op::Create(text(&json!(1))));
    let large = (key(&folder, "large"), Op::Create(sized(MAX_VALUE + 1)));
    assert!(matches!(attempt(&store, [small, large]).await, Err(StorageError::Invalid { .. })));
    let many = (0..=MAX_BATCH).map(|n| (key(&folder, &n.to_string()), Op::Create(text(&json!(1)))));
    assert!(matches!(attempt(&store, many).await, Err(StorageError::Invalid { .. })));
    assert_eq!(names(&store, &folder).await, [] as [&str; 0]);
}

async fn refuses(store: &Store, value: &str) {
    let folder = folder();
    let good = (key(&folder, "good"), Op::Create(text(&json!(1))));
    let bad = (key(&folder, "bad"), Op::Create(value.into()));
    let refusal = attempt(store, [good, bad]).await.expect_err("the value is refused");
    assert!(matches!(refusal, StorageError::Invalid { .. }), "{value:?}");
    assert!(
        value.len() < 9 || !format!("{refusal} {refusal:?}").contains(value),
        "the error shows the value"
    );
    assert_eq!(names(store, &folder).await, [] as [&str; 0]);
}

/// A value that is not JSON is invalid.
pub async fn a_value_that_is_not_json_is_invalid(store: Store) {
    for value in ["", "{", "{'secret': 1}", "[1,]", "NaN", "{} {}", "\"a\nb\"", "undefined", "\"\\ud800\""] {
        refuses(&store, value).await;
    }
}

/// A value that holds the character U+0000 is invalid, as a value or as a name.
pub async fn the_character_zero_is_invalid(store: Store) {
    for value in [r#""\u0000""#, r#"{"a\u0000b": 1}"#, r#"[{"deep": ["x\u0000"]}]"#, "\"\0\""] {
        refuses(&store, value).await;
    }
}

/// Every other character is kept, and a text that only looks like an escape.
pub async fn every_other_character_is_kept(store: Store) {
    let key = key(&folder(), "a");
    let value = json!({
        "ключ": "Überfahrt 海 🌊 \u{1} \u{7f} \u{2028} \u{feff} \u{10ffff}",
        "quotes": "'; DROP TABLE records; -- \" \\ \\u0000 %_ $1 ?1 :a",
        "": "\n\r\t\u{8}\u{c}/",
    });
    let version = create(&store, &key, value.clone()).await;
    assert_eq!(get(&store, &key).await, Some((version, value)));
}

/// `scan` shows keys in byte order; `after` need not be a key that exists.
pub async fn a_scan_is_in_byte_order(store: Store) {
    let folder = folder();
    let sorted =
        ["a", "a-b", "a.b", "a/0", "a/b/c", "a/b0", "a/c", "a0", "a_b", "aa", "b/a/a/a", "c", "z", "zz"];
    let ops = sorted.iter().map(|name| (key(&folder, name), Op::Create(text(&json!(name)))));
    commit(&store, ops).await;
    assert_eq!(names(&store, &folder).await, sorted);
    for limit in 0..=sorted.len() + 1 {
        assert_eq!(scan(&store, &folder, None, limit).await.len(), limit.min(sorted.len()));
    }
    for after in sorted.iter().copied().chain(["a-", "a/b", "a1", "0", "zzz"]) {
        let expected: Vec<_> =
            sorted.iter().filter(|name| **name > after).take(3).map(|name| json!(name)).collect();
        let page = scan(&store, &folder, Some(&key(&folder, after)), 3).await;
        assert_eq!(page.iter().map(json).collect::<Vec<_>>(), expected, "after {after}");
    }
}

/// `scan` of a folder shows what lies below it: not the key of the same name, not what starts with it.
pub async fn a_scan_ends_at_the_folder(store: Store) {
    let folder = folder();
    let all = ["a", "a/b", "a/b/c", "a-b", "ab/c", "a0", "z/a"];
    commit(&store, all.map(|name| (key(&folder, name), Op::Create(text(&json!(1)))))).await;
    let below = |inner: &str| format!("{folder}/{inner}");
    assert_eq!(names(&store, &below("a")).await, ["b", "b/c"]);
    assert_eq!(names(&store, &below("a/b")).await, ["c"]);
    assert_eq!(names(&store, &below("z")).await, ["a"]);
    assert_eq!(names(&store, &below("none")).await, [] as [&str; 0]);
    assert_eq!(scan(&store, &below("a"), Some(&key(&folder, "0")), 9).await.len(), 2);
    assert_eq!(scan(&store, &below("a"), Some(&key(&folder, "b")), 9).await, []);
    let everything = store.scan(&crate::Prefix::all(), Some(key(&folder, "a0")), 1).await;
    assert_eq!(everything.expect("a scan succeeds").first().map(|row| &row.key), Some(&key(&folder, "ab/c")));
}

/// Pages follow on one another without gap or repetition; one shorter than asked for is the last.
pub async fn a_scan_is_paged_to_the_end(store: Store) {
    let folder = folder();
    let mut all: Vec<_> = (0..5000).map(|n| key(&folder, &format!("{:x}/{n:04}", n % 16))).collect();
    for some in all.chunks(1000) {
        commit(&store, some.iter().map(|key| (key.clone(), Op::Create(text(&json!(1)))))).await;
    }
    all.sort();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = scan(&store, &folder, after.as_ref(), 250).await;
        found.extend(page.iter().map(|row| row.key.clone()));
        after = found.last().cloned();
        if page.len() < 250 {
            break;
        }
    }
    assert!(found == all, "pages have gaps or repeat keys");
}
