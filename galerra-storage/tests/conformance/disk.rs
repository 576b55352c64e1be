//! What the disk alone must keep.

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use galerra_storage::{Blobs, Erased, Key, Objects, Prefix, whole};

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

#[tokio::test]
async fn leftovers_of_a_killed_upload_are_listed_and_erased() {
    let folder = tempfile::tempdir().unwrap();
    let store = Objects::disk(folder.path()).unwrap();
    let image = folder.path().join("image");
    fs::create_dir(&image).unwrap();
    fs::write(image.join("original#1"), "torn").unwrap();
    fs::write(image.join("original#77"), "torn").unwrap();
    fs::write(image.join("original-b#2"), "torn").unwrap();
    store.put(&key("image/original-a"), whole(Bytes::from("whole"))).await.unwrap();

    let found = store.list(&Prefix::all(), None, 9).await.unwrap();
    let found: Vec<_> = found.iter().map(|entry| (entry.key.as_str(), entry.size)).collect();
    assert_eq!(found, [("image/original", 8), ("image/original-a", 5), ("image/original-b", 4)]);
    assert!(store.get(&key("image/original"), None).await.unwrap().is_none());

    assert_eq!(store.erase(&key("image/original")).await.unwrap(), Erased::Removed);
    assert_eq!(store.erase(&key("image/original")).await.unwrap(), Erased::Absent);
    assert_eq!(store.list(&Prefix::all(), None, 9).await.unwrap().len(), 2);
    assert_eq!(fs::read_dir(&image).unwrap().count(), 2);
}

#[tokio::test]
async fn an_erase_leaves_no_empty_folders() {
    let folder = tempfile::tempdir().unwrap();
    let store = Objects::disk(folder.path()).unwrap();
    store.put(&key("a/b/c/d"), whole(Bytes::from("x"))).await.unwrap();
    store.erase(&key("a/b/c/d")).await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_error_shows_no_path() {
    let folder = tempfile::tempdir().unwrap();
    let store = Objects::disk(folder.path()).unwrap();
    store.put(&key("a"), whole(Bytes::from("x"))).await.unwrap();
    let error = store.put(&key("a/b"), whole(Bytes::from("x"))).await.unwrap_err();
    assert!(!format!("{error:?}").contains(folder.path().to_str().unwrap()), "{error:?}");
}

#[tokio::test]
async fn what_a_dead_process_left_half_written_is_cleared_away_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Objects::disk(folder.path()).unwrap();
    let (old, young) = (folder.path().join("line#1"), folder.path().join("line#2"));
    for torn in [&old, &young] {
        fs::write(torn, "torn").unwrap();
    }
    let file = fs::File::options().write(true).open(&old).unwrap();
    let yesterday = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(25 * 3600);
    file.set_modified(yesterday).unwrap();
    assert_eq!(store.list(&Prefix::all(), None, 9).await.unwrap()[0].size, 4);
    assert!(!old.exists() && young.exists());
}
