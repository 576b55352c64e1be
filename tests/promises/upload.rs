//! "Images you upload remain your property": they are kept as they came, for their owner, and what others
//! see holds nothing that the file said about its maker.

use bytes::Bytes;
use http::Method;

use crate::client::text;
use crate::photos;
use crate::stage::Stage;

#[tokio::test]
async fn the_original_is_kept_bit_exact_for_its_owner_alone() {
    let operator = Stage::new().operator();
    let (ada, bob) = (operator.account("ada", "free").await, operator.account("bob", "free").await);
    let gallery = ada.gallery("open to all", "public").await;
    let photo = photos::small(1);
    let image = ada.upload(&gallery, photo.clone()).await;
    let path = format!("/api/v1/images/{}/original", text(&image, "id"));
    assert_eq!(ada.get(&path).await.body, photo);
    assert_eq!(ada.get(&path).await.header("cache-control"), "private, no-store");
    for stranger in [&bob, &operator, &operator.with("authorization", "Bearer nobody")] {
        assert!(stranger.get(&path).await.status.is_client_error());
    }
}

#[tokio::test]
async fn renditions_hold_nothing_but_pixels() {
    let client = Stage::new().operator().account("ada", "free").await;
    let gallery = client.gallery("g", "public").await;
    let mut secretive = photos::small(2).to_vec();
    // A text chunk before the end of the PNG: "tEXt", keyword, NUL, text, and its CRC.
    let text_chunk = chunk(*b"tEXt", b"Comment\0CANARY-IN-THE-FILE");
    let end = secretive.len() - 12;
    secretive.splice(end..end, text_chunk);
    let image = client.upload(&gallery, secretive.clone()).await;
    assert!(memchr::memmem::find(&secretive, b"CANARY-IN-THE-FILE").is_some());
    for rendition in image["renditions"].as_array().unwrap() {
        let bytes = client.get(&text(rendition, "url")).await.body;
        assert_eq!(bytes.len() as u64, rendition["bytes"].as_u64().unwrap());
        assert!(memchr::memmem::find(&bytes, b"CANARY").is_none());
        let starts = if rendition["type"] == "image/webp" { &b"RIFF"[..] } else { &[0xFF, 0xD8, 0xFF] };
        assert!(bytes.starts_with(starts));
    }
}

#[tokio::test]
async fn the_file_name_is_for_the_owner_alone() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let answer = ada.form(&gallery, &[("my secret.png".to_owned(), photos::small(3))]).await.expect(201);
    let id = text(&answer["images"][0], "id");
    let path = format!("/api/v1/images/{id}");
    assert_eq!(ada.get(&path).await.expect(200)["file_name"], "my secret.png");
    let stranger = stage.stranger();
    for path in [path, format!("/api/v1/galleries/{gallery}/images"), format!("/g/{gallery}")] {
        let body = stranger.get(&path).await.body;
        assert!(memchr::memmem::find(&body, b"secret").is_none());
    }
}

#[tokio::test]
async fn a_form_takes_what_it_can_and_names_what_it_cannot() {
    let client = Stage::new().operator().account("ada", "free").await;
    let gallery = client.gallery("g", "unlisted").await;
    let files = [
        ("good.png".to_owned(), photos::small(4)),
        ("bad.txt".to_owned(), Bytes::from_static(b"no picture at all")),
        ("empty.png".to_owned(), Bytes::new()),
        ("also good.png".to_owned(), photos::small(5)),
    ];
    let answer = client.form(&gallery, &files).await.expect(201);
    assert_eq!(answer["images"].as_array().unwrap().len(), 2);
    let refused: Vec<_> =
        answer["refused"].as_array().unwrap().iter().map(|r| (text(r, "name"), text(r, "code"))).collect();
    let expected = [("bad.txt", "unsupported-image"), ("empty.png", "empty-file")];
    assert_eq!(refused, expected.map(|(name, code)| (name.to_owned(), code.to_owned())));
    assert_eq!(client.get(&format!("/api/v1/galleries/{gallery}")).await.expect(200)["image_count"], 2);
}

#[tokio::test]
async fn a_form_that_goes_wrong_names_what_was_taken() {
    let client = Stage::new().operator().account("ada", "free").await;
    let gallery = client.gallery("g", "unlisted").await;
    let path = format!("/api/v1/galleries/{gallery}/images");
    let part = |head: &str, body: &[u8]| {
        let head = format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        [head.as_bytes(), body, b"\r\n"].concat()
    };
    let good = part("name=\"files\"; filename=\"a.png\"", &photos::small(1));
    let long = part("name=\"title\"", &vec![b'x'; 70_000]);
    let nameless = part("name=\"files\"", b"no picture");
    let kind = "multipart/form-data; boundary=b";
    for bad in [long, nameless, b"--b\r\nX-Endless: ".to_vec()] {
        let body = [good.clone(), bad, b"--b--\r\n".to_vec()].concat();
        let answer = client.send(Method::POST, &path, kind, body).await.expect(201);
        assert_eq!(answer["images"].as_array().unwrap().len(), 1);
        assert_eq!(answer["refused"].as_array().unwrap().len(), 1, "{answer}");
    }
    let endless = client.send(Method::POST, &path, kind, vec![b'x'; 3 << 20]).await;
    assert_eq!(endless.problem(400), "invalid-form");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_uploads_at_once_are_all_taken() {
    let stage = Stage::new();
    let client = stage.operator().account("ada", "free").await;
    let gallery = client.gallery("g", "unlisted").await;
    let photo = photos::generated(1, 16, 16);
    let uploads = (0..64).map(|_| {
        let (client, gallery, photo) = (client.clone(), gallery.clone(), photo.clone());
        tokio::spawn(async move { client.upload(&gallery, photo).await })
    });
    for upload in uploads.collect::<Vec<_>>() {
        upload.await.unwrap();
    }
    assert_eq!(client.get(&format!("/api/v1/galleries/{gallery}")).await.expect(200)["image_count"], 64);
}

#[tokio::test]
async fn a_refused_file_leaves_nothing_behind() {
    let stage = Stage::new();
    let client = stage.operator().account("ada", "free").await;
    let gallery = client.gallery("g", "unlisted").await;
    let path = format!("/api/v1/galleries/{gallery}/images");
    let cut = photos::small(6).slice(..2000);
    client.send(Method::POST, &path, "image/png", cut.clone()).await.problem(422);
    assert!(!stage.blobs.contains(&cut[500..600]));
    assert_eq!(client.get(&path).await.expect(200)["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn images_keep_the_order_they_came_in_page_by_page() {
    let client = Stage::new().operator().account("ada", "free").await;
    let gallery = client.gallery("g", "unlisted").await;
    let files: Vec<_> = (0..5).map(|seed| (format!("{seed}.png"), photos::small(seed))).collect();
    let made = client.form(&gallery, &files).await.expect(201);
    let made: Vec<_> = made["images"].as_array().unwrap().iter().map(|image| text(image, "id")).collect();
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = client.get(&format!("/api/v1/galleries/{gallery}/images?limit=2{next}")).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|image| text(image, "id")));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

/// A PNG chunk with its checksum.
fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut body = kind.to_vec();
    body.extend_from_slice(data);
    let crc = !body.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    });
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], &body, &crc.to_be_bytes()].concat()
}
