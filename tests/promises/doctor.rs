//! The doctor: what records and blobs do not know of each other, found and healed.

use bytes::Bytes;
use galerra::storage::{Blobs, Key, Prefix, whole};

use crate::client::{Client, text};
use crate::photos;
use crate::server;
use crate::stage::Stage;

async fn scene() -> (Stage, Client, String) {
    let stage = Stage::new().behind(|cdn| cdn.with_edges(2));
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("CANARY", "public").await;
    (stage, ada, gallery)
}

#[tokio::test]
async fn the_doctor_finds_and_heals_what_a_restore_left() {
    let (stage, ada, gallery) = scene().await;
    let backup = stage.records.snapshot();
    ada.upload(&gallery, photos::small(1)).await;
    stage.records.restore(&backup);
    let engine = stage.boot().engine().clone();
    let found = engine.examine(false).await.unwrap();
    assert!(found.orphans.len() >= 2, "{found:?}");
    engine.examine(true).await.unwrap();
    assert!(engine.examine(false).await.unwrap().orphans.is_empty());
    assert!(!stage.blobs.contains(&photos::small(1)[5000..5100]));
}

#[tokio::test]
async fn the_doctor_sees_what_was_cut_short_and_what_is_in_no_place() {
    let (stage, ada, gallery) = scene().await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let engine = stage.boot().engine().clone();
    assert!(engine.examine(false).await.unwrap().lost_renditions.is_empty());
    let folder = Prefix::all();
    let blobs = stage.blobs.list(&folder, None, 100).await.unwrap();
    let thumb = blobs.iter().find(|blob| blob.key.as_str().ends_with("/thumb.jpg")).unwrap().key.clone();
    stage.blobs.put(&thumb, whole(Bytes::from("cut"))).await.unwrap();
    let (account, _) = thumb.as_str().split_once('/').unwrap();
    let stray = Key::parse(format!("{account}/stray")).unwrap();
    stage.blobs.put(&stray, whole(Bytes::from("stray"))).await.unwrap();
    let found = engine.examine(true).await.unwrap();
    assert_eq!(found.orphans, [stray]);
    assert_eq!(found.lost_renditions.len(), 1, "{found:?}");
    let again = engine.examine(false).await.unwrap();
    assert!(again.orphans.is_empty() && again.lost_renditions.is_empty(), "{again:?}");
    let url = text(&image["renditions"][0], "url");
    assert!(ada.get(&url).await.body.len() > 100, "it was made again");
}

#[test]
fn the_doctor_makes_no_folder_and_calls_it_well() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert!(!server::doctor(&missing, &[], &[]).0 && !missing.exists());
}
