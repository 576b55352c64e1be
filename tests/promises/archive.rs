//! A gallery leaves as one file for whoever may download it, whole or in parts, and for nobody else.

use std::io::{Cursor, Read};
use std::process::Command;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, text};
use crate::photos;
use crate::stage::Stage;

/// A private gallery with five images, one of them hidden, and a guest whose link has these terms.
async fn gallery(stage: &Stage, terms: Value) -> (Client, String, Client, String) {
    let ada = stage.operator().account("ada", "pro").await;
    let gallery = ada.gallery("for my friends", "private").await;
    for nth in 0..5 {
        let path = format!("/api/v1/galleries/{gallery}/images?title=Day%20{nth}/../%22x");
        let image = ada.send(Method::POST, &path, "image/jpeg", photos::with_exif(nth)).await.expect(201);
        if nth == 4 {
            let path = format!("/api/v1/images/{}", text(&image, "id"));
            let hide = json!({"hidden": true}).to_string();
            ada.send(Method::PATCH, &path, "application/json", hide).await.expect(200);
        }
    }
    let share = ada.post(&format!("/api/v1/galleries/{gallery}/shares"), &terms).await.expect(201);
    let program = stage.stranger().with("accept", "application/json");
    let told = program.send(Method::POST, &text(&share, "url"), "", "").await.expect(200);
    (ada, gallery, stage.stranger().as_bearer(&text(&told, "pass")), text(&share, "id"))
}

/// Names and bytes of what is in an archive, by name, as another program reads it.
fn unpacked(zip: &Bytes) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip.clone())).expect("a ZIP file");
    let mut files: Vec<_> = (0..archive.len())
        .map(|nth| {
            let mut file = archive.by_index(nth).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("its check sum fits");
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn an_archive_holds_what_its_reader_may_have() {
    let stage = Stage::new();
    let (ada, gallery, guest, share) = gallery(&stage, json!({"download": true})).await;
    let path = format!("/api/v1/galleries/{gallery}/archive");
    let own = ada.get(&path).await;
    assert_eq!((own.status.as_u16(), own.header("content-type")), (200, "application/zip"));
    assert_eq!(own.header("cache-control"), "private, no-store");
    let files = unpacked(&own.body);
    let originals: Vec<Vec<u8>> = (0..5).map(|nth| photos::with_exif(nth).to_vec()).collect();
    assert!(files.iter().map(|file| &file.1).eq(&originals));
    for (nth, (name, _)) in files.iter().enumerate() {
        assert!(name.starts_with(&format!("Day {nth} x ")) && name.contains(".jpg"), "{name}");
    }

    // Masters are made on the way: then it is not known beforehand how long it is, and the next time it is.
    let first = guest.get(&path).await;
    assert_eq!((first.status.as_u16(), first.header("etag"), first.header("content-length")), (200, "", ""));
    let second = guest.get(&path).await;
    assert_eq!(
        (&first.body, second.body.len().to_string().as_str()),
        (&second.body, second.header("content-length"))
    );
    let shown = unpacked(&first.body);
    assert_eq!(shown.len(), 4, "what is hidden is not in it");
    assert!(memchr::memmem::find(&first.body, b"Exif").is_none());
    assert_eq!(
        shown.iter().map(|file| &file.0).collect::<Vec<_>>(),
        files[..4].iter().map(|file| &file.0).collect::<Vec<_>>(),
        "names stay the same"
    );
    let small = unpacked(&guest.get(&format!("{path}?form=thumb")).await.body);
    assert!(small.iter().zip(&shown).all(|(small, full)| small.1.len() < full.1.len()));
    let head = guest.send(Method::HEAD, &path, "", "").await;
    assert_eq!((head.header("content-length"), head.body.len()), (second.header("content-length"), 0));

    for refused in [format!("{path}?form=original"), format!("/api/v1/galleries/{}/archive", "gal_x")] {
        assert_eq!(guest.get(&refused).await.status, 404, "{refused}");
    }
    for none in ["none", "", "..", "%00"] {
        assert_eq!(guest.get(&format!("{path}?form={none}")).await.problem(422), "invalid");
    }
    assert_eq!(stage.stranger().get(&path).await.status, 404);
    let edit = json!({"download": false}).to_string();
    ada.send(Method::PATCH, &format!("/api/v1/shares/{share}"), "application/json", edit).await.expect(200);
    assert_eq!(guest.get(&path).await.status, 404);
    let open = ada.gallery("open", "public").await;
    assert_eq!(stage.stranger().get(&format!("/api/v1/galleries/{open}/archive")).await.status, 404);
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let stage = Stage::new();
    let (ada, gallery, ..) = gallery(&stage, json!({})).await;
    let path = format!("/api/v1/galleries/{gallery}/archive");
    let whole = ada.get(&path).await;
    let (total, tag) = (whole.body.len(), whole.header("etag").to_owned());
    let part =
        async |range: String, tag: &str| ada.with("range", &range).with("if-range", tag).get(&path).await;
    let mut at = 0;
    for step in [1, 29, 31, 100, 4000, 33_333, total].into_iter().cycle() {
        let end = (at + step).min(total);
        let answer = part(format!("bytes={at}-{}", end - 1), &tag).await;
        assert_eq!(answer.status, 206);
        assert_eq!(answer.header("content-range"), format!("bytes {at}-{}/{total}", end - 1));
        assert_eq!(answer.body, whole.body.slice(at..end), "{at}..{end}");
        at = end;
        if at == total {
            break;
        }
    }
    assert_eq!(
        ada.with("range", &format!("bytes={total}-")).get(&path).await.problem(416),
        "range-not-satisfiable"
    );
    assert_eq!(ada.with("if-none-match", &tag).get(&path).await.status, 304);
    // Something was added: what the client has of it is of another archive, which comes whole.
    ada.upload(&gallery, photos::small(9)).await;
    let other = part("bytes=5-".to_owned(), &tag).await;
    assert_eq!((other.status.as_u16(), unpacked(&other.body).len()), (200, 6));
    assert_ne!(other.header("etag"), tag);
}

#[tokio::test]
async fn other_programs_read_it() {
    let Ok(unzip) = Command::new("python3").arg("--version").output() else {
        println!("skipped: python3 is not installed");
        return;
    };
    assert!(unzip.status.success());
    let stage = Stage::new();
    let (ada, gallery, ..) = gallery(&stage, json!({})).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gallery.zip");
    std::fs::write(&file, ada.get(&format!("/api/v1/galleries/{gallery}/archive")).await.body).unwrap();
    let tested = Command::new("python3").args(["-m", "zipfile", "-t"]).arg(&file).output().unwrap();
    assert!(tested.status.success(), "{tested:?}");
    assert!(!String::from_utf8_lossy(&tested.stdout).contains("Bad"));
}

#[tokio::test]
async fn what_was_revoked_meanwhile_ends_a_download() {
    let stage = Stage::new();
    let (ada, gallery, guest, share) = gallery(&stage, json!({"download": true})).await;
    let path = format!("/api/v1/galleries/{gallery}/archive?form=thumb");
    let galerra = stage.boot();
    let engine = galerra.engine();
    let (pass, bearer) = (guest.bearer().parse().unwrap(), guest.bearer());
    let viewer = galerra::Viewer::anonymous().with_passes([pass]);
    let archive = engine.archive(&viewer, gallery.parse().unwrap(), Some("thumb".into())).await.unwrap();
    engine.pack(&viewer, &archive.packed[0]).await.unwrap();
    assert_eq!(guest.as_bearer(&bearer).get(&path).await.status, 200);
    // What is announced stays: another title would move everything behind it.
    let id =
        text(&guest.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200)["items"][1], "id");
    let retitle = json!({"title": "a title that is longer than the one before"}).to_string();
    ada.send(Method::PATCH, &format!("/api/v1/images/{id}"), "application/json", retitle).await.expect(200);
    let (_, packed) = engine.pack(&viewer, &archive.packed[1]).await.unwrap();
    assert_eq!(packed.entry(), archive.packed[1].entry());
    ada.delete(&format!("/api/v1/shares/{share}")).await.expect(204);
    assert!(matches!(engine.pack(&viewer, &archive.packed[1]).await, Err(galerra::Error::NotFound)));
}
