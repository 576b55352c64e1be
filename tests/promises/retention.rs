//! What is kept is kept for as long as its rule says, and the forecast tells what goes next.

use time::Duration;

use crate::client::text;
use crate::photos;
use crate::stage::Stage;

#[tokio::test]
async fn the_forecast_tells_what_goes_and_touches_nothing() {
    let stage = Stage::new();
    let operator = stage.operator();
    let ada = operator.account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = text(&ada.upload(&gallery, photos::small(1)).await, "id");
    ada.delete(&format!("/api/v1/images/{image}")).await.expect(200);
    assert_eq!(ada.get("/api/v1/operator/retention").await.status, 403);
    let due = async |days: u16| {
        let shown = operator.get(&format!("/api/v1/operator/retention?days={days}")).await.expect(200);
        let rules = shown["rules"].as_array().unwrap().clone();
        rules.into_iter().find(|rule| rule["name"] == "trash").unwrap()
    };
    assert_eq!(due(7).await["due"], 0);
    let rule = due(31).await;
    assert_eq!((&rule["due"], &rule["first"][0]), (&1.into(), &image.into()));
    stage.advance(Duration::days(100));
    stage.boot().engine().tick().await.unwrap();
    let events = stage.boot().engine().events(None, 200).await.unwrap().items;
    assert!(!format!("{events:?}").contains("AccountCreated"), "events go after their time");
}
