//! What many do at once.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::super::{folder, key};
use super::{Store, attempt, commit, create, get, names, rows, scan, text};
use crate::{Belief, Key, Op, StorageError};

/// `get` and `scan` see every commit that returned before they were called, while others write and read.
pub async fn reads_see_what_returned_before(store: Store) {
    let folder = folder();
    let task = |n: usize| {
        let (store, inner) = (store.clone(), format!("{folder}/{n}"));
        tokio::spawn(async move {
            let key = key(&inner, "a");
            for round in 0..25 {
                assert_eq!(get(&store, &key).await, None);
                let created = create(&store, &key, json!(round)).await;
                assert_eq!(get(&store, &key).await, Some((created, json!(round))));
                let replaced =
                    commit(&store, [(key.clone(), Op::Replace(created, text(&json!("new"))))]).await;
                let found = scan(&store, &inner, None, 2).await;
                assert_eq!(found.iter().map(|row| row.version).collect::<Vec<_>>(), [replaced]);
                assert_eq!(get(&store, &key).await, Some((replaced, json!("new"))));
                commit(&store, [(key.clone(), Op::Remove(replaced))]).await;
                assert_eq!(scan(&store, &inner, None, 2).await, []);
            }
        })
    };
    for task in (0..8).map(task).collect::<Vec<_>>() {
        task.await.expect("no task fails");
    }
}

/// Adds one to a counter until it succeeds; answers how often it conflicted.
async fn add_one(store: &Store, key: &Key) -> usize {
    for conflicts in 0.. {
        let (at, value) = get(store, key).await.expect("the counter is there");
        let next = json!(value.as_u64().expect("the counter is a number") + 1);
        match attempt(store, [(key.clone(), Op::Replace(at, text(&next)))]).await {
            Ok(_) => return conflicts,
            Err(error) => assert!(error.is_conflict(), "{error:?}"),
        }
    }
    0
}

/// Sixteen tasks that count on one record lose no count.
pub async fn no_update_is_lost(store: Store) {
    let key = key(&folder(), "counter");
    create(&store, &key, json!(0)).await;
    let task = || {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move {
            for _ in 0..10 {
                add_one(&store, &key).await;
            }
        })
    };
    for task in (0..16).map(|_| task()).collect::<Vec<_>>() {
        task.await.expect("no task fails");
    }
    assert_eq!(get(&store, &key).await.map(|(_, value)| value), Some(json!(160)));
}

/// Batches that share no record do not conflict.
pub async fn disjoint_batches_all_commit(store: Store) {
    let folder = folder();
    let task = |n: usize| {
        let (store, key) = (store.clone(), key(&folder, &n.to_string()));
        tokio::spawn(async move {
            create(&store, &key, json!(0)).await;
            for _ in 0..20 {
                assert_eq!(add_one(&store, &key).await, 0, "a conflict with nobody");
            }
        })
    };
    for task in (0..16).map(task).collect::<Vec<_>>() {
        task.await.expect("no task fails");
    }
}

/// Of many that create one record at once, one wins.
pub async fn one_of_many_creators_wins(store: Store) {
    let folder = folder();
    for round in 0..10 {
        let key = key(&folder, &round.to_string());
        let tries = (0..16).map(|n| attempt(&store, [(key.clone(), Op::Create(text(&json!(n))))]));
        let outcomes = join_all(tries).await;
        assert!(
            outcomes.iter().filter_map(|o| o.as_ref().err()).all(StorageError::is_conflict),
            "{outcomes:?}"
        );
        let won: Vec<_> = (0..16).filter(|n| outcomes[*n].is_ok()).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        assert_eq!(get(&store, &key).await.map(|(_, value)| value), Some(json!(won[0])));
    }
}

/// Two batches that each believe the other's record absent cannot both commit (write skew).
pub async fn beliefs_hold_when_the_batch_takes_effect(store: Store) {
    let folder = folder();
    for round in 0..40 {
        let [a, b] = ["a", "b"].map(|name| key(&folder, &format!("{round}/{name}")));
        let believe = |mine: &Key, other: &Key| {
            let (store, mine, other) = (store.clone(), mine.clone(), other.clone());
            let ops = [(mine, Op::Create(text(&json!(1)))), (other, Op::Expect(Belief::Absent))];
            tokio::spawn(async move { attempt(&store, ops).await })
        };
        let (first, second) = (believe(&a, &b), believe(&b, &a));
        let outcomes = [first.await, second.await].map(|outcome| outcome.expect("no task fails"));
        let committed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(
            outcomes.iter().filter_map(|o| o.as_ref().err()).all(StorageError::is_conflict),
            "{outcomes:?}"
        );
        assert!(committed <= 1, "both batches believed that they were alone");
        assert_eq!(names(&store, &format!("{folder}/{round}")).await.len(), committed);
    }
}

/// A record that a batch expects cannot be removed while the batch commits.
pub async fn an_expected_record_cannot_vanish(store: Store) {
    let folder = folder();
    for round in 0..40 {
        let [parent, child] = ["parent", "child"].map(|name| key(&folder, &format!("{round}/{name}")));
        let at = create(&store, &parent, json!(1)).await;
        let adopt =
            [(child.clone(), Op::Create(text(&json!(1)))), (parent.clone(), Op::Expect(Belief::At(at)))];
        let remove = [(parent.clone(), Op::Remove(at)), (child.clone(), Op::Expect(Belief::Absent))];
        let run = |ops: [(Key, Op); 2]| {
            let store = store.clone();
            tokio::spawn(async move { attempt(&store, ops).await.is_ok() })
        };
        let (adopted, removed) = (run(adopt), run(remove));
        let (adopted, removed) = (adopted.await.expect("no panic"), removed.await.expect("no panic"));
        assert!(adopted != removed, "one of both happens: adopted {adopted}, removed {removed}");
        let found = rows(&store, &[parent, child]).await;
        assert_eq!(found[0].is_some(), adopted);
        assert_eq!(found[1].is_some(), adopted);
    }
}

/// Batches over the same records, named in any order, wait for each other without a deadlock the caller sees.
pub async fn crossing_batches_do_not_block(store: Store) {
    let folder = folder();
    let keys: Vec<_> = (0..8).map(|n| key(&folder, &n.to_string())).collect();
    let task = |n: usize| {
        let (store, mut keys) = (store.clone(), keys.clone());
        keys.rotate_left(n % 8);
        tokio::spawn(async move {
            for _ in 0..10 {
                let found = rows(&store, &keys).await;
                let ops = keys.iter().zip(&found).map(|(key, row)| match row {
                    None => (key.clone(), Op::Create(text(&json!(1)))),
                    Some(row) if n.is_multiple_of(3) => (key.clone(), Op::Remove(row.version)),
                    Some(row) => (key.clone(), Op::Replace(row.version, text(&json!(2)))),
                });
                let outcome = attempt(&store, ops.collect::<Vec<_>>()).await;
                assert!(outcome.as_ref().err().is_none_or(StorageError::is_conflict), "{outcome:?}");
            }
        })
    };
    let tasks: Vec<_> = (0..12).map(task).collect();
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(60), task)
            .await
            .expect("no deadlock")
            .expect("no task fails");
    }
    let found = rows(&store, &keys).await;
    assert!(found.iter().all(|row| row.as_ref().map(|r| r.version) == found[0].as_ref().map(|r| r.version)));
}

/// A commit that is dropped at any moment has happened wholly or not at all.
pub async fn a_dropped_commit_is_whole_or_absent(store: Store) {
    let folder = folder();
    let mut happened = Vec::new();
    for round in 0..60_u32 {
        let keys: Vec<_> = (0..20).map(|n| key(&folder, &format!("{round}/{n:02}"))).collect();
        let ops: Vec<_> = keys.iter().map(|key| (key.clone(), Op::Create(text(&json!(round))))).collect();
        let store_of_task = store.clone();
        let task = tokio::spawn(async move { attempt(&store_of_task, ops).await });
        tokio::time::sleep(Duration::from_micros(u64::from(round) * 40)).await;
        task.abort();
        let finished = task.await.is_ok_and(|outcome| outcome.is_ok());
        happened.push((keys, finished));
    }
    // What was dropped may still take effect, but no longer than a moment.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for (keys, finished) in happened {
        let versions: Vec<_> =
            rows(&store, &keys).await.iter().map(|r| r.as_ref().map(|r| r.version)).collect();
        assert!(versions.iter().all(|version| *version == versions[0]), "a commit happened in part");
        assert!(!finished || versions[0].is_some(), "a commit that returned was lost");
    }
}
