//! "No trace is left": a text in every field that a person can fill, in every corner of a file, and the bytes of everything
//! that is made of it, planted in a real server behind real edges; then looked for everywhere while it is there, and after
//! the receipts.
//!
//! The names in legal holds are exempt: they are the operator's own, and the law keeps them.

mod needle;
mod picture;
mod places;
mod scene;
mod visits;

use serde_json::{Value, json};

use self::needle::Until;
use self::places::found_in;
use self::scene::Scene;
use crate::client::text;
use crate::database::Database;
use crate::server::eventually;
use crate::stage::erase;

#[tokio::test(flavor = "multi_thread")]
async fn no_trace_is_left_on_sqlite() {
    let Some(scene) = Scene::start(Database::Sqlite).await else { return };
    let scene = erase_step_by_step(scene).await;
    assert!(scene.server.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_trace_is_left_on_postgresql() {
    let Some(database) = Database::postgres("canary").await else { return };
    let Some(scene) = Scene::start(database).await else { return };
    let scene = erase_step_by_step(scene).await;
    let Database::Postgres(database) = &scene.database else { unreachable!() };
    for (sql, forgets) in [("CHECKPOINT", false), ("VACUUM", false), ("VACUUM FULL", true)] {
        database.execute(sql).await;
        let (files, log) = database.raw().await;
        let (in_files, in_log) = (found_in(&scene.needles, &files), found_in(&scene.needles, &log));
        println!(
            "after {sql}: {} texts in files of the database, {} in its log",
            in_files.len(),
            in_log.len()
        );
        assert!(in_files.is_empty() || !forgets, "{in_files:#?}");
    }
    assert!(scene.server.stop());
    scene.database.remove().await;
}

/// Plants everything, shows that it is there, and erases first an image, then a gallery, then the account.
async fn erase_step_by_step(mut scene: Scene) -> Scene {
    let open = scene.gallery(Until::Gallery, "the open gallery", "public").await;
    let first = scene.image(Until::Image, "the first image", &open, 1).await;
    let second = scene.image(Until::Gallery, "the second image", &open, 2).await;
    let hidden = scene.image(Until::Gallery, "the hidden image", &open, 3).await;
    let trashed = scene.image(Until::Gallery, "the image in the trash", &open, 4).await;
    scene.look_around(&open, &[&first, &second, &hidden, &trashed]).await;
    let private = scene.gallery(Until::Account, "the private gallery", "private").await;
    let shared = scene.image(Until::Account, "the shared image", &private, 5).await;
    share(&mut scene, &private, &shared).await;
    scene.fail(&private).await;
    scene.patch(&image(&hidden), &json!({"hidden": true})).await;
    scene.ada.delete(&image(&trashed)).await.expect(200);
    if let Database::Postgres(database) = &scene.database {
        // As PostgreSQL does by itself now and then.
        database.execute("ANALYZE galerra.records").await;
    }
    scene.assert_scanned().await;
    scene.assert_gone(Until::Replaced).await;

    for (path, gone) in [(image(&first), Until::Image), (format!("/api/v1/galleries/{open}"), Until::Gallery)]
    {
        let erasure = erase(&scene.ada, &path).await;
        prove(&scene, &erasure).await;
        scene.assert_gone(gone).await;
    }
    let erasure = text(&scene.ada.delete("/api/v1/account").await.expect(202), "erasure");
    prove(&scene, &erasure).await;
    scene.assert_gone(Until::Account).await;
    for edge in scene.edges() {
        for address in &scene.open {
            let answer = edge.get(address).await;
            assert!(answer.status.is_client_error(), "{address}: {}", answer.status);
            assert!(!scene.needles.iter().any(|needle| needle.is_in(&answer.body)), "{address}");
        }
    }
    scene
}

/// A link with everything about it, opened and used by a guest; and one that is revoked.
async fn share(scene: &mut Scene, gallery: &str, shared: &Value) {
    let links = format!("/api/v1/galleries/{gallery}/shares");
    for (of, until) in [("the link", Until::Account), ("the revoked link", Until::Replaced)] {
        let label = scene.canary(until, &format!("label of {of}"));
        let recipient = scene.canary(until, &format!("recipient of {of}"));
        let terms = json!({
            "label": label, "recipient": recipient, "password": format!("{}-password", scene::CANARY),
            "download": true, "show_metadata": true, "upload": true,
        });
        let share = scene.ada.post(&links, &terms).await.expect(201);
        let link = text(&share, "url");
        let link = &link[link.find("/s/").unwrap()..];
        scene.text(Until::Never, &format!("token of {of}"), &link[3..]);
        if until == Until::Account {
            let guest = scene.be_a_guest(link, gallery, shared).await;
            scene.send_as_a_guest(&guest, gallery).await;
        } else {
            scene.ada.delete(&format!("/api/v1/shares/{}", text(&share, "id"))).await.expect(204);
        }
    }
}

fn image(image: &Value) -> String {
    format!("/api/v1/images/{}", text(image, "id"))
}

/// Waits for the receipt of an erasure: it claims that stores are empty and edges verified.
async fn prove(scene: &Scene, erasure: &str) {
    let receipt = format!("/api/v1/erasures/{erasure}/receipt");
    eventually("a receipt", async || scene.operator.get(&receipt).await.status == 200).await;
    assert_eq!(scene.operator.receipt(&receipt).await["level"], "edges-verified");
}
