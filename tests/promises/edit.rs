//! What its owner says about an image can be changed; facts about how it was taken are shown only when the owner
//! says so, one by one.

use galerra::imaging::{Preset, Recipe, Size};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client, text};
use crate::photos;
use crate::stage::Stage;

async fn patch(client: &Client, id: &str, body: &Value) -> Answer {
    client.send(Method::PATCH, &format!("/api/v1/images/{id}"), "application/json", body.to_string()).await
}

#[tokio::test]
async fn titles_and_texts_change_and_the_rest_stays() {
    let stage = Stage::new();
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let id = text(&image, "id");
    let shown = patch(&ada, &id, &json!({"title": "Harbour"})).await.expect(200);
    assert_eq!((&shown["title"], &shown["alt"]), (&"Harbour".into(), &"".into()));
    let shown = patch(&ada, &id, &json!({"alt": "Boats at dawn"})).await.expect(200);
    assert_eq!((&shown["title"], &shown["alt"]), (&"Harbour".into(), &"Boats at dawn".into()));
    assert_eq!(shown["renditions"], image["renditions"]);
    let bob = stage.operator().account("bob", "free").await;
    for other in [&bob, &stage.stranger(), &stage.operator()] {
        assert!(patch(other, &id, &json!({"title": "Mine"})).await.status.is_client_error());
    }
    for (bad, status) in [
        (json!({"colour": "red"}), 400),
        (json!({"focal": [2.0, 0.0]}), 422),
        (json!({"focal": "middle"}), 400),
        (json!({"facts_shown": ["shoe-size"]}), 400),
        (json!({"title": "x".repeat(5000)}), 422),
    ] {
        let status_seen = patch(&ada, &id, &bad).await.status.as_u16();
        assert!([status, 422].contains(&status_seen), "{bad}: {status_seen}");
    }
    assert_eq!(ada.get(&format!("/api/v1/images/{id}")).await.expect(200)["title"], "Harbour");
}

#[tokio::test]
async fn a_new_focal_point_moves_the_crops() {
    let square = Preset { size: Size::Cover(100, 100), ..Preset::new("square", 1) };
    let recipe = Recipe::new(vec![Preset::new("thumb", 100), square]).unwrap();
    let stage = Stage { recipe, ..Stage::new() };
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::generated(1, 600, 300)).await;
    let url = |image: &Value, name: &str| {
        let all = image["renditions"].as_array().unwrap();
        text(all.iter().find(|rendition| rendition["name"] == name).unwrap(), "url")
    };
    let (square, thumb) = (url(&image, "square"), url(&image, "thumb"));
    let before = (stage.stranger().get(&square).await.body, stage.stranger().get(&thumb).await.body);
    let shown = patch(&ada, &text(&image, "id"), &json!({"focal": [0.0, 0.5]})).await.expect(200);
    assert_eq!(shown["focal"], json!([0.0, 0.5]));
    assert_eq!(url(&shown, "square"), square);
    let after = (stage.stranger().get(&square).await.body, stage.stranger().get(&thumb).await.body);
    assert_ne!(after.0, before.0);
    assert_eq!(after.1, before.1);
    // Red grows rightwards: the left part has less of it.
    let red = |jpeg: &[u8]| libjpeg_turbo_rs::decompress(jpeg).unwrap().data[3 * 50];
    assert!(red(&after.0) + 20 < red(&before.0));
}
