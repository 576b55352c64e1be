//! Receipts verify offline, against a log that anyone can read and that names nobody.

use galerra::cdn::Fault;
use galerra::log::{Checkpoint, LogVerifier, Receipt};
use time::Duration;

use crate::client::text;
use crate::photos;
use crate::server;
use crate::stage::{Stage, erase};

#[tokio::test]
async fn a_receipt_verifies_offline_and_no_bit_of_it_can_be_changed() {
    let stage = Stage::new().behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let erasure = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    stage.until_done(&ada, &erasure).await;
    let receipt = ada.get(&format!("/api/v1/erasures/{erasure}/receipt")).await;
    assert_eq!(receipt.header("content-type"), "text/plain; charset=utf-8");
    let key: LogVerifier =
        String::from_utf8(ada.get("/log/key").await.body.to_vec()).unwrap().trim().parse().unwrap();
    let proof = String::from_utf8(receipt.body.to_vec()).unwrap();
    let verified = Receipt::verify(&proof, &key, &[]).unwrap();
    assert_eq!(verified.object_id, text(&image, "id"));
    for at in (0..receipt.body.len()).step_by(7) {
        let mut forged = receipt.body.to_vec();
        forged[at] ^= 1 << (at % 8);
        let accepted = String::from_utf8(forged).is_ok_and(|text| Receipt::verify(&text, &key, &[]).is_ok());
        assert!(!accepted, "byte {at}");
    }
    let entries = ada.get("/log/tile/entries/000.p/1").await;
    assert_eq!(entries.status, 200);
    for id in [text(&image, "id"), gallery] {
        let found = entries.body.windows(id.len()).any(|window| window == id.as_bytes());
        assert!(!found, "the log names nobody");
    }
}

#[tokio::test]
async fn the_log_grows_and_every_receipt_stays_provable() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let mut erasures = Vec::new();
    for nth in 0..5 {
        let image = ada.upload(&gallery, photos::small(nth)).await;
        let erasure = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
        stage.until_done(&ada, &erasure).await;
        erasures.push(erasure);
    }
    for erasure in erasures {
        ada.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await;
    }
    let key: LogVerifier =
        String::from_utf8(ada.get("/log/key").await.body.to_vec()).unwrap().trim().parse().unwrap();
    let checkpoint = String::from_utf8(ada.get("/log/checkpoint").await.body.to_vec()).unwrap();
    assert_eq!(Checkpoint::open(&checkpoint, &key).unwrap().head().size, 5);
    assert_eq!(ada.get("/log/tile/0/000.p/5").await.body.len(), 5 * 32);
    assert_eq!(ada.get("/log/secret").await.status, 404);
    assert_eq!(ada.get("/log/tile/../secret").await.status, 404);
}

#[tokio::test]
async fn a_missed_promise_is_in_the_log_and_the_metrics_and_the_work_goes_on() {
    let stage = Stage::new().behind(|cdn| cdn);
    let operator = stage.operator();
    let ada = operator.account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    stage.cdns[0].fault_always(Fault::FailBefore);
    let erasure = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    for _ in 0..60 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(Duration::hours(1));
    }
    assert_eq!(ada.get("/metrics").await.status, 403);
    let metrics = String::from_utf8(operator.get("/metrics").await.body.to_vec()).unwrap();
    assert!(metrics.contains("galerra_erasures_breached 1\n"), "{metrics}");
    let queue = operator.get("/api/v1/operator/erasures").await.expect(200);
    assert_eq!(queue["items"][0]["breached"], true);
    let entries = ada.get("/log/tile/entries/000.p/1").await.body;
    assert!(entries.windows(8).any(|window| window == b"breached"));
    stage.cdns[0].heal();
    stage.until_done(&ada, &erasure).await;
    let entry = ada.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await;
    assert_eq!((&entry["event"], &entry["in_time"]), (&"completed".into(), &false.into()));
}

#[tokio::test]
async fn a_full_tile_takes_the_place_of_the_narrow_ones() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let mut erasures = Vec::new();
    for _ in 0..260 {
        let gallery = ada.gallery("g", "public").await;
        erasures.push(erase(&ada, &format!("/api/v1/galleries/{gallery}")).await);
    }
    for _ in 0..10 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(Duration::seconds(5));
    }
    for erasure in erasures.iter().step_by(37).chain(erasures.last()) {
        ada.receipt(&format!("/api/v1/erasures/{erasure}/receipt")).await;
    }
    assert_eq!(ada.get("/log/tile/0/000").await.body.len(), 256 * 32);
    assert_eq!(ada.get("/log/tile/1/000.p/1").await.body.len(), 32);
    assert_eq!(ada.get("/log/tile/0/001.p/4").await.body.len(), 4 * 32);
    for narrow in ["/log/tile/0/000.p/200", "/log/tile/entries/000.p/200"] {
        assert_eq!(ada.get(narrow).await.status, 404, "{narrow}");
    }
}

#[tokio::test]
async fn the_command_that_verifies_says_what_is_wrong_with_its_exit_code() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let erasure = erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
    stage.until_done(&ada, &erasure).await;
    let key = String::from_utf8(ada.get("/log/key").await.body.to_vec()).unwrap();
    let witness = String::from_utf8(ada.get("/log/witness/key").await.body.to_vec()).unwrap();
    let (key, witness) = (key.trim(), witness.trim());
    let receipt = ada.get(&format!("/api/v1/erasures/{erasure}/receipt")).await.body;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (good, binary) = (file("good", &receipt), file("binary", b"\xff\xfe"));
    let long = file("long", &vec![b'a'; (16 << 20) + 1]);
    for (arguments, code) in [
        (vec![good.as_str(), "--log-key", key], 0),
        (vec![&binary, "--log-key", key], 1),
        (vec![&good, "--log-key", key, "--witness", witness], 1),
        (vec![&good, "--log-key", key, "--witness", witness, "--witness", witness], 2),
        (vec![&good, "--log-key", key, "--log-key", key], 2),
        (vec![&long, "--log-key", key], 2),
        (vec!["/nowhere", "--log-key", key], 2),
        (vec![&good], 2),
    ] {
        assert_eq!(server::verify(&arguments), Some(code), "{arguments:?}");
    }
}
