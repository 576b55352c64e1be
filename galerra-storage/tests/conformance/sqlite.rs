//! What SQLite alone must keep.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use galerra_storage::{Batch, Key, Op, Prefix, Records, Sqlite, StorageError, Version, View};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

async fn commit(store: &Sqlite, key: Key, op: Op) -> Version {
    let mut batch = Batch::new();
    batch.push(key, op);
    store.commit(batch).await.unwrap()
}

/// Whether the text lies in any file of the folder.
fn on_disk(folder: &Path, needle: &str) -> Option<String> {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
            return Some(path.display().to_string());
        }
    }
    None
}

#[tokio::test]
async fn a_removed_value_is_in_no_file_once_the_store_is_idle() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("db"), &[]).unwrap();
    let mut canaries = Vec::new();
    // Neighbours of all sizes come and go, so that pages are split, merged and filled again.
    for n in 0..1500_usize {
        let value = format!("\"{}CANARY-{n}-{}\"", "x".repeat(n * 37 % 3000), "y".repeat(n * 91 % 900));
        let name = key(&format!("a/{:04}", n * 7919 % 1500));
        let at = commit(&store, name.clone(), Op::Create(value.into())).await;
        canaries.push((name, at));
        if n % 3 == 0 {
            let (name, at) = canaries.swap_remove(n * 31 % canaries.len());
            commit(&store, name, Op::Remove(at)).await;
        }
    }
    assert!(on_disk(folder.path(), "CANARY").is_some(), "the test finds what is there");
    for (n, (name, at)) in canaries.into_iter().enumerate() {
        let op = if n % 2 == 0 { Op::Remove(at) } else { Op::Replace(at, "\"other\"".into()) };
        commit(&store, name, op).await;
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(on_disk(folder.path(), "CANARY"), None);
    assert!(store.scan(&Prefix::all(), None, 1).await.unwrap().len() == 1, "the store is still in use");
}

#[tokio::test]
async fn a_removed_value_is_in_no_page_of_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("db"), &[]).unwrap();
    let mut canaries = Vec::new();
    // Half of them stay: pages are split and joined, and what was on them moves between those that are left.
    for n in 0..1200_usize {
        let (name, filler) = (key(&format!("a/{:04}", n * 7919 % 1200)), "x".repeat(n * 37 % 1800));
        let word = if n % 2 == 0 { "CANARY" } else { "stays" };
        let at = commit(&store, name.clone(), Op::Create(format!("\"{word}-{n}-{filler}\"").into())).await;
        if n % 2 == 0 {
            canaries.push((name, at));
        }
        if n % 3 == 0 {
            let (name, at) = canaries.swap_remove(n * 31 % canaries.len());
            let longer = format!("\"CANARY-{n}-{}\"", "y".repeat(n * 91 % 900));
            let at = commit(&store, name.clone(), Op::Replace(at, longer.into())).await;
            canaries.push((name, at));
        }
    }
    assert!(on_disk(folder.path(), "CANARY").is_some(), "the test finds what is there");
    for nth in (0..canaries.len()).map(|nth| nth * 7 % canaries.len()) {
        let (name, at) = canaries[nth].clone();
        commit(&store, name, Op::Remove(at)).await;
    }
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if on_disk(folder.path(), "CANARY").is_none() {
            break;
        }
    }
    assert_eq!(on_disk(folder.path(), "CANARY"), None, "while the store is in use");
    // Pages that the store has in memory bring nothing back when they are written again.
    for n in 0..600_usize {
        commit(&store, key(&format!("a/{:04}/b", n * 7919 % 1200)), Op::Create("1".into())).await;
    }
    drop(store);
    assert_eq!(on_disk(folder.path(), "CANARY"), None, "when it is closed");
    let db = rusqlite::Connection::open(folder.path().join("db")).unwrap();
    let found: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
    drop(db);
    let store = Sqlite::open(folder.path().join("db"), &[]).unwrap();
    assert_eq!(store.scan(&Prefix::all(), None, 5000).await.unwrap().len(), 1200, "nothing else is lost");
}

#[tokio::test]
async fn a_store_that_is_never_idle_forgets_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(folder.path().join("db"), &[]).unwrap());
    let at = commit(&store, key("canary"), Op::Create("\"CANARY\"".into())).await;
    commit(&store, key("canary"), Op::Remove(at)).await;
    let busy = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 0.. {
                commit(&store, key(&format!("b/{n}")), Op::Create("1".into())).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(on_disk(folder.path(), "CANARY"), None);
    busy.abort();
}

#[tokio::test]
async fn a_closed_store_keeps_its_records_and_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = Sqlite::open(&path, &[]).unwrap();
    let kept = commit(&store, key("kept"), Op::Create("1".into())).await;
    let gone = commit(&store, key("gone"), Op::Create("\"CANARY\"".into())).await;
    commit(&store, key("gone"), Op::Remove(gone)).await;
    drop(store);
    assert_eq!(on_disk(folder.path(), "CANARY"), None);

    let store = Sqlite::open(&path, &[]).unwrap();
    let found = store.get(&[key("kept"), key("gone")]).await.unwrap();
    assert_eq!(found[0].as_ref().map(|row| row.version), Some(kept));
    assert_eq!(found[1], None);
    assert!(commit(&store, key("gone"), Op::Create("1".into())).await > gone);
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let first = Sqlite::open(&path, &[]).unwrap();
    let refusal = Sqlite::open(&path, &[]).unwrap_err();
    let StorageError::Permanent { source, .. } = refusal else { panic!("{refusal:?}") };
    assert!(source.to_string().contains("in use"), "{source}");
    drop(first);
    Sqlite::open(&path, &[]).unwrap();
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    drop(Sqlite::open(&path, &[]).unwrap());
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(db);
    assert!(matches!(Sqlite::open(&path, &[]), Err(StorageError::Invalid { .. })));
}

#[tokio::test]
async fn views_show_members_and_change_with_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let galleries = |columns| View { name: "galleries", pattern: "acc/%/gal/%", columns };
    let store = Sqlite::open(&path, &[galleries(&[("title", "title")])]).unwrap();
    let value = r#"{"title":"Sea","state":{"name":"open"}}"#;
    commit(&store, key("acc/1/gal/2"), Op::Create(value.into())).await;
    commit(&store, key("acc/1/img/3"), Op::Create("{}".into())).await;
    drop(store);
    let store = Sqlite::open(&path, &[galleries(&[("title", "title"), ("state", "state.name")])]).unwrap();
    let db = rusqlite::Connection::open(&path).unwrap();
    let row = db.query_row("SELECT key, title, state FROM galleries", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    });
    assert_eq!(row.unwrap(), ("acc/1/gal/2".into(), "Sea".into(), "open".into()));
    let evil = View { name: "x\"; DROP TABLE records; --", pattern: "%", columns: &[] };
    drop(store);
    assert!(matches!(Sqlite::open(&path, &[evil]), Err(StorageError::Invalid { .. })));
}
