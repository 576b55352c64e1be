//! A process that dies anywhere: every upload is whole or absent, every erasure ends. Each store call in turn
//! fails, before or after its effect; then fresh processes go on.

use galerra::storage::Fault;
use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{Stage, erase};

async fn gallery(stage: &Stage) -> (Client, String) {
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    (ada, gallery)
}

/// Runs fresh processes until nothing is left to sweep.
async fn settle(stage: &Stage) {
    for _ in 0..20 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(Duration::seconds(30));
    }
}

#[tokio::test]
async fn an_upload_is_whole_or_absent_wherever_a_store_fails() {
    let photo = photos::small(1);
    for fault in [Fault::Before, Fault::After] {
        for nth in 1.. {
            let stage = Stage::new();
            let (ada, gallery) = gallery(&stage).await;
            let path = format!("/api/v1/galleries/{gallery}/images");
            let before = (stage.records.calls(), stage.blobs.calls());
            stage.records.fail_nth(nth, fault);
            stage.blobs.fail_nth(nth, fault);
            let answer = ada.send(http::Method::POST, &path, "image/png", photo.clone()).await;
            let made = (stage.records.calls() - before.0, stage.blobs.calls() - before.1);
            stage.records.heal();
            stage.blobs.heal();
            settle(&stage).await;
            let listed = ada.get(&path).await.expect(200);
            match listed["items"].as_array().unwrap().as_slice() {
                [] => {
                    assert!(
                        !stage.blobs.contains(&photo[5000..5100]),
                        "bytes of an absent image, call {nth}"
                    );
                }
                [image] => {
                    let original = ada.get(&format!("/api/v1/images/{}/original", text(image, "id"))).await;
                    assert_eq!(original.body, photo, "call {nth}");
                }
                more => panic!("{more:?}"),
            }
            if nth > made.0.max(made.1) {
                assert_eq!(answer.status, 201, "no call was left to fail");
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_erasure_ends_wherever_a_store_fails() {
    for fault in [Fault::Before, Fault::After] {
        for nth in 1.. {
            let stage = Stage::new().behind(|cdn| cdn);
            let (ada, gallery) = gallery(&stage).await;
            ada.upload(&gallery, photos::small(1)).await;
            let erasure = erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
            let before = (stage.records.calls(), stage.blobs.calls());
            stage.records.fail_nth(nth, fault);
            stage.blobs.fail_nth(nth, fault);
            for _ in 0..60 {
                // A tick that fails is a process that died: the next one is a fresh one.
                drop(stage.boot().engine().tick().await);
                stage.advance(Duration::seconds(15));
            }
            let made = (stage.records.calls() - before.0, stage.blobs.calls() - before.1);
            let receipt = ada.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await;
            assert_eq!(receipt["level"], "edges-verified", "call {nth}");
            assert!(!stage.blobs.contains(&photos::small(1)[5000..5100]), "call {nth}");
            if nth > made.0.max(made.1).min(120) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_process_that_hangs_is_overtaken_by_the_sweeper() {
    let stage = Stage::new();
    let (ada, gallery) = gallery(&stage).await;
    let photo = photos::small(1);
    stage.blobs.fail_nth(2, Fault::Hang);
    let path = format!("/api/v1/galleries/{gallery}/images");
    let sending = ada.send(http::Method::POST, &path, "image/png", photo.clone());
    assert!(tokio::time::timeout(std::time::Duration::from_secs(5), sending).await.is_err());
    stage.blobs.heal();
    assert!(stage.records.contains(b"\"abandoned\":false"), "the upload had begun");
    settle(&stage).await;
    assert!(!stage.blobs.contains(&photo[5000..5100]));
    assert!(!stage.records.contains(b"\"abandoned\""));
}
