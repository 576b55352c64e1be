//! A backup that is put back brings nothing back that was deleted since: the ledger beside the blobs is replayed before
//! the first request.

use bytes::Bytes;
use galerra::cdn::{Fault as CdnFault, Tag};
use galerra::storage::{Call, Fault, Prefix};
use galerra::{Config, Galerra};
use http::{Method, Request};
use serde_json::{Value, json};
use time::Duration;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{Stage, erase};

async fn scene() -> (Stage, Client, String) {
    let stage = Stage::new().behind(|cdn| cdn.with_edges(2));
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("CANARY", "public").await;
    (stage, ada, gallery)
}

#[tokio::test]
async fn what_was_erased_is_not_served_or_listed_after_a_restore_not_even_once() {
    let (stage, ada, gallery) = scene().await;
    let kept = ada.upload(&gallery, photos::small(1)).await;
    let image = ada.upload(&gallery, photos::small(2)).await;
    let other = ada.gallery("other", "public").await;
    let url = text(&image["renditions"][0], "url");
    let backup = stage.records.snapshot();

    let erased = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    let gone = erase(&ada, &format!("/api/v1/galleries/{other}")).await;
    stage.until_done(&ada, &erased).await;
    stage.until_done(&ada, &gone).await;
    stage.advance(Duration::hours(5));
    stage.records.restore(&backup);

    // The first request of a fresh process is for what was erased.
    let ada = Client::here(stage.boot().router()).as_bearer(&ada.bearer());
    assert_eq!(ada.get(&url).await.status, 410);
    let ada = Client::here(stage.boot().router()).as_bearer(&ada.bearer());
    let listed = ada.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["id"], kept["id"]);
    assert_eq!(ada.get(&format!("/api/v1/galleries/{other}")).await.status, 410);
    let upload = format!("/api/v1/galleries/{other}/images");
    let again = ada.send(http::Method::POST, &upload, "image/png", photos::small(3)).await;
    assert_eq!(again.status, 410, "nothing can be written to it");
    // What was erased is erased once more, with a receipt, and the log goes on where it was.
    stage.until_done(&ada, &erased).await;
    stage.until_done(&ada, &gone).await;
    let entry = ada.receipt(&format!("/api/v1/erasures/{erased}/receipt")).await;
    assert_eq!(entry["event"], "completed");
}

#[tokio::test]
async fn an_account_that_was_erased_stays_erased_and_an_image_that_was_hidden_stays_hidden() {
    let (stage, ada, gallery) = scene().await;
    let eve = stage.operator().account("eve", "free").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let path = format!("/api/v1/images/{}", text(&image, "id"));
    let backup = stage.records.snapshot();
    eve.delete("/api/v1/account").await.expect(202);
    let hide = serde_json::json!({"hidden": true});
    assert_eq!(ada.send(http::Method::PATCH, &path, "application/json", hide.to_string()).await.status, 200);
    stage.boot().engine().tick().await.unwrap();
    stage.records.restore(&backup);
    let stranger = stage.stranger();
    assert_eq!(stranger.as_bearer(&eve.bearer()).get("/api/v1/account").await.status, 401);
    assert_eq!(stranger.get(&text(&image["renditions"][0], "url")).await.status, 404);
    assert_eq!(ada.get(&path).await.status, 200, "nothing is lost");
}

/// A private gallery, and what a guest with one of its links may see.
struct Shared {
    stage: Stage,
    ada: Client,
    gallery: String,
    image: String,
    thumb: String,
}

impl Shared {
    async fn new() -> Self {
        let stage = Stage::new();
        let ada = stage.operator().account("ada", "pro").await;
        let gallery = ada.gallery("for my friends", "private").await;
        let image = ada.upload(&gallery, photos::with_exif(1)).await;
        let (thumb, image) = (text(&image["renditions"][0], "url"), text(&image, "id"));
        let shared = Self { stage, ada, gallery, image, thumb };
        shared.patch(&shared.image_path(), &json!({"facts_shown": ["camera", "location"]})).await;
        shared
    }

    fn image_path(&self) -> String {
        format!("/api/v1/images/{}", self.image)
    }

    async fn patch(&self, path: &str, edit: &Value) -> Value {
        self.ada.send(Method::PATCH, path, "application/json", edit.to_string()).await.expect(200)
    }

    /// Makes a link; answers its path in the API and a guest who holds its cookie.
    async fn link(&self) -> (String, Client) {
        let shares = format!("/api/v1/galleries/{}/shares", self.gallery);
        let share = self.ada.post(&shares, &json!({"show_metadata": true})).await.expect(201);
        let opened = self.stage.stranger().get(&text(&share, "url")).await;
        let cookie = opened.header("set-cookie").split(';').next().unwrap().to_owned();
        (format!("/api/v1/shares/{}", text(&share, "id")), self.stage.stranger().with("cookie", &cookie))
    }

    /// What `narrow` does outlives the restore of a backup from before: the guest is refused `path` by the first
    /// request of a fresh process.
    async fn stays_refused(&self, guest: &Client, path: &str, narrow: impl AsyncFnOnce()) {
        assert_eq!(guest.get(path).await.status, 200, "{path}, before");
        let backup = self.stage.records.snapshot();
        narrow().await;
        assert_eq!(guest.get(path).await.status, 404, "{path}, narrowed");
        self.stage.records.restore(&backup);
        let guest = self.stage.stranger().with("cookie", &guest.header("cookie"));
        assert_eq!(guest.get(path).await.status, 404, "{path}, after the restore");
    }
}

#[tokio::test]
async fn a_link_that_was_revoked_stays_revoked_and_other_links_stay() {
    let shared = Shared::new().await;
    let ((link, guest), (_, other)) = (shared.link().await, shared.link().await);
    shared
        .stays_refused(&guest, &shared.thumb, async || _ = shared.ada.delete(&link).await.expect(204))
        .await;
    assert_eq!(
        shared.stage.stranger().with("cookie", &other.header("cookie")).get(&shared.thumb).await.status,
        200
    );
    let all = format!("/api/v1/galleries/{}/shares", shared.gallery);
    shared.stays_refused(&other, &shared.thumb, async || _ = shared.ada.delete(&all).await).await;
    let (_, guest) = shared.link().await;
    assert_eq!(guest.get(&shared.thumb).await.status, 200, "and the gallery can be shared anew");
}

#[tokio::test]
async fn a_link_that_got_a_password_opens_for_nobody_without_it() {
    let shared = Shared::new().await;
    let (link, guest) = shared.link().await;
    let edit = json!({"password": "correct horse battery staple"});
    shared.stays_refused(&guest, &shared.thumb, async || _ = shared.patch(&link, &edit).await).await;
}

#[tokio::test]
async fn an_image_that_was_hidden_from_guests_stays_hidden_from_them() {
    let shared = Shared::new().await;
    let (_, guest) = shared.link().await;
    let hide = async || _ = shared.patch(&shared.image_path(), &json!({"hidden": true})).await;
    shared.stays_refused(&guest, &shared.thumb, hide).await;
    assert_eq!(shared.ada.get(&shared.thumb).await.status, 200, "its owner keeps it");
    let shown = shared.patch(&shared.image_path(), &json!({"hidden": false})).await;
    assert_eq!(shown["hidden"], false, "and may show it again");
    let trash = async || _ = shared.ada.delete(&shared.image_path()).await;
    shared.stays_refused(&guest, &shared.thumb, trash).await;
}

#[tokio::test]
async fn a_private_gallery_in_the_trash_is_not_out_of_it_for_guests() {
    let shared = Shared::new().await;
    let (_, guest) = shared.link().await;
    let trash = async || _ = shared.ada.delete(&format!("/api/v1/galleries/{}", shared.gallery)).await;
    shared.stays_refused(&guest, &shared.thumb, trash).await;
}

/// Whoever asks again after an error is answered that it is so: then no backup may undo it.
#[tokio::test]
async fn what_was_narrowed_at_the_second_try_stays_narrowed() {
    let shared = Shared::new().await;
    let (_, guest) = shared.link().await;
    let hide = json!({"hidden": true}).to_string();
    let twice = async || {
        shared.stage.blobs.fail(Call::Put, Fault::Before);
        let patch = async || {
            shared.ada.send(Method::PATCH, &shared.image_path(), "application/json", hide.clone()).await
        };
        assert_eq!(patch().await.status, 503);
        shared.stage.blobs.heal();
        assert_eq!(patch().await.status, 200);
    };
    shared.stays_refused(&guest, &shared.thumb, twice).await;
    shared.patch(&shared.image_path(), &json!({"hidden": false})).await;
    let twice = async || {
        shared.stage.blobs.fail(Call::Put, Fault::Before);
        assert_eq!(shared.ada.delete(&shared.image_path()).await.status, 503);
        shared.stage.blobs.heal();
        assert_eq!(shared.ada.delete(&shared.image_path()).await.status, 200);
    };
    shared.stays_refused(&guest, &shared.thumb, twice).await;
}

#[tokio::test]
async fn facts_that_are_no_longer_shown_are_not_shown_again() {
    let shared = Shared::new().await;
    let (_, guest) = shared.link().await;
    let facts = async |guest: &Client| guest.get(&shared.image_path()).await.expect(200)["facts"].clone();
    assert!(facts(&guest).await.get("location").is_some());
    let backup = shared.stage.records.snapshot();
    shared.patch(&shared.image_path(), &json!({"facts_shown": ["camera"]})).await;
    assert!(facts(&guest).await.get("location").is_none());
    shared.stage.records.restore(&backup);
    let guest = shared.stage.stranger().with("cookie", &guest.header("cookie"));
    assert!(facts(&guest).await.get("location").is_none());
}

#[tokio::test]
async fn copies_of_an_image_that_a_restore_has_forgotten_are_asked_for_one_by_one() {
    let (stage, ada, gallery) = scene().await;
    let cdn = stage.cdns[0].clone();
    let backup = stage.records.snapshot();
    let image = ada.upload(&gallery, photos::small(1)).await;
    let url = text(&image["renditions"][0], "url");
    for edge in cdn.edges() {
        let request = Request::builder().uri(&url).body(Bytes::new()).unwrap();
        assert_eq!(cdn.serve_at(edge, request).await.status(), 200);
    }
    stage.records.restore(&backup);
    // No record knows of the image, and every purge is answered and forgotten.
    cdn.fault_always(CdnFault::Lie);
    let erased = erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
    let tag = Tag::parse(format!("i-{}", &text(&image, "id")[4..])).unwrap();
    for _ in 0..240 {
        stage.advance(Duration::minutes(1));
        stage.boot().engine().tick().await.unwrap();
    }
    let waits = ada.get(&format!("/api/v1/erasures/{erased}")).await.expect(200);
    assert!(cdn.held(&tag) == 0 || waits["state"] != "done", "no receipt while an edge holds it");
    cdn.heal();
    stage.until_done(&ada, &erased).await;
    assert_eq!(cdn.held(&tag), 0);
    let receipt = ada.receipt(&format!("/api/v1/erasures/{erased}/receipt")).await;
    assert!(receipt["evidence"]["edges"][0]["step"]["probes"].as_u64().unwrap() > 0, "{receipt}");
}

#[tokio::test]
async fn a_replay_that_dies_anywhere_is_done_anew_before_anything_is_served() {
    let (stage, ada, gallery) = scene().await;
    let hidden = ada.upload(&gallery, photos::small(1)).await;
    let young = [ada.upload(&gallery, photos::small(2)).await, ada.upload(&gallery, photos::small(3)).await];
    let closed = ada.gallery("other", "public").await;
    let backup = stage.records.snapshot();
    let patch = async |path: &str, edit: Value| {
        ada.send(Method::PATCH, path, "application/json", edit.to_string()).await.expect(200)
    };
    patch(&format!("/api/v1/images/{}", text(&hidden, "id")), json!({"hidden": true})).await;
    patch(&format!("/api/v1/galleries/{closed}"), json!({"visibility": "private"})).await;
    // Days that are known in full say nothing of older ones.
    for image in &young {
        stage.advance(Duration::days(1));
        erase(&ada, &format!("/api/v1/images/{}", text(image, "id"))).await;
    }
    let paths = [text(&hidden["renditions"][0], "url"), format!("/api/v1/galleries/{closed}")];
    for fault in [Fault::Before, Fault::After] {
        for nth in 1.. {
            stage.records.restore(&backup);
            let before = stage.records.calls();
            stage.records.fail_nth(nth, fault);
            drop(stage.boot().ready().await);
            let made = stage.records.calls() - before;
            stage.records.heal();
            for path in &paths {
                assert_eq!(stage.stranger().get(path).await.status, 404, "{path}, {fault:?} of call {nth}");
            }
            if nth > made {
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_erasure_that_begins_anew_was_asked_for_when_it_was() {
    let (stage, ada, gallery) = scene().await;
    let images = [ada.upload(&gallery, photos::small(1)).await, ada.upload(&gallery, photos::small(2)).await];
    let backup = stage.records.snapshot();
    stage.cdns[0].fault_always(CdnFault::FailBefore);
    let path = |nth: usize| format!("/api/v1/images/{}?permanent=true", text(&images[nth], "id"));
    let late = text(&ada.delete(&format!("{}&lane=expedited", path(0))).await.expect(202), "erasure");
    let slow = text(&ada.delete(&path(1)).await.expect(202), "erasure");
    let asked = ada.get(&format!("/api/v1/erasures/{late}")).await.expect(200);
    stage.advance(Duration::hours(3));
    stage.boot().engine().tick().await.unwrap();
    stage.records.restore(&backup);
    stage.cdns[0].heal();
    let ada = Client::here(stage.boot().router()).as_bearer(&ada.bearer());
    stage.until_done(&ada, &late).await;
    let entry = ada.receipt(&format!("/api/v1/erasures/{late}/receipt")).await;
    assert_eq!((&entry["lane"], &entry["in_time"]), (&"expedited".into(), &false.into()), "{entry}");
    assert_eq!((&entry["requested_at"], &entry["deadline"]), (&asked["accepted"], &asked["due"]));
    // And a network that was in front then is accounted for, whatever the settings say now.
    stage.records.restore(&backup);
    let bare = Stage { cdns: Vec::new(), ..stage };
    let ada = Client::here(bare.boot().router()).as_bearer(&ada.bearer());
    assert_eq!(ada.get(&format!("/api/v1/erasures/{slow}")).await.status, 200);
    for _ in 0..30 {
        bare.boot().engine().tick().await.unwrap();
        bare.advance(Duration::hours(1));
    }
    let entry = ada.receipt(&format!("/api/v1/erasures/{slow}/receipt")).await;
    assert_eq!(entry["level"], "ttl-bounded", "{entry}");
}

#[tokio::test]
async fn what_was_proven_and_had_no_receipt_is_proven_anew() {
    let (stage, ada, gallery) = scene().await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let (cdn, url) = (stage.cdns[0].clone(), text(&image["renditions"][0], "url"));
    let show = async |visibility: &str| {
        let (path, edit) = (format!("/api/v1/galleries/{gallery}"), json!({"visibility": visibility}));
        ada.send(Method::PATCH, &path, "application/json", edit.to_string()).await.expect(200)
    };
    let erasure = text(&show("private").await, "erasure");
    // Everything is proven, and the log cannot be written.
    stage.blobs.fail(Call::Put, Fault::Before);
    for _ in 0..60 {
        drop(stage.boot().engine().tick().await);
        stage.advance(Duration::seconds(15));
    }
    stage.blobs.heal();
    let found = ada.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
    assert_eq!(
        (&found["targets"][2]["state"], &found["state"]),
        (&"verified".into(), &"edges".into()),
        "{found}"
    );
    let backup = stage.records.snapshot();
    show("public").await;
    for edge in cdn.edges() {
        let request = Request::builder().uri(&url).body(Bytes::new()).unwrap();
        assert_eq!(cdn.serve_at(edge, request).await.status(), 200);
    }
    stage.records.restore(&backup);
    let ada = Client::here(stage.boot().router()).as_bearer(&ada.bearer());
    let back = ada.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
    assert_ne!(back["state"], "done");
    stage.until_done(&ada, &erasure).await;
    let tag = Tag::parse(format!("i-{}", &text(&image, "id")[4..])).unwrap();
    assert_eq!(cdn.held(&tag), 0, "a receipt while an edge holds it");
}

#[tokio::test]
async fn a_backup_that_is_older_than_the_ledger_is_refused() {
    let (stage, ada, gallery) = scene().await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let backup = stage.records.snapshot();
    let erased = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    stage.until_done(&ada, &erased).await;
    stage.advance(Duration::days(90));
    stage.boot().engine().tick().await.unwrap();
    stage.records.restore(&backup);
    assert_eq!(stage.stranger().get("/openapi.json").await.problem(500), "records-too-old");
}

/// Nobody has let go of old lines yet: no worker has run for as long.
#[tokio::test]
async fn a_backup_that_is_older_than_any_may_be_is_refused_though_the_ledger_still_knows() {
    let (stage, ada, gallery) = scene().await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let backup = stage.records.snapshot();
    stage.advance(Duration::hours(2));
    erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    stage.advance(Duration::days(62));
    let now = stage.records.snapshot();
    stage.records.restore(&backup);
    for _ in 0..2 {
        assert_eq!(stage.stranger().get("/openapi.json").await.problem(500), "records-too-old");
    }
    stage.records.restore(&now);
    assert_eq!(stage.stranger().get("/openapi.json").await.status, 200, "who only slept for as long goes on");
}

#[tokio::test]
async fn a_line_of_the_ledger_that_was_not_written_whole_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = format!("file:{}", folder.path().display());
    let config = Config { blobs: blobs.as_str().into(), ..Config::default() };
    let galerra = Galerra::open(&config).await.unwrap();
    let day = folder.path().join("ledger/20260101");
    std::fs::create_dir_all(&day).unwrap();
    let now = galerra.engine().parts().env.now().unix_timestamp_nanos() / 1000;
    let line = format!("{now:016x}0000.era_{}#7", "0".repeat(26));
    std::fs::write(day.join(line), "{").unwrap();
    let listed = galerra.engine().parts().blobs.list(&Prefix::all(), None, 9).await.unwrap();
    assert_eq!(listed.len(), 1, "it is seen");
    assert_eq!(galerra.engine().replay().await.unwrap(), 0);
}
