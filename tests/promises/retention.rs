//! What is kept is kept for as long as its rule says, and the forecast tells what goes next.

use galerra::Policy;
use serde_json::json;
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

#[tokio::test]
async fn the_forecast_knows_of_accounts_in_their_grace_and_of_tombstones() {
    let policy = Policy { account_grace: Duration::days(14), ..Policy::default() };
    let stage = Stage { policy, ..Stage::new() };
    let operator = stage.operator();
    let ada = operator.account("ada", "free").await;
    let erasure = text(&ada.delete("/api/v1/account").await.expect(202), "erasure");
    let due = async |name: &str, days: u16| {
        let shown = operator.get(&format!("/api/v1/operator/retention?days={days}")).await.expect(200);
        let rules = shown["rules"].as_array().unwrap().clone();
        let rule = rules.into_iter().find(|rule| rule["name"] == name).unwrap();
        (rule["due"].as_u64().unwrap(), rule["first"].clone())
    };
    assert_eq!(due("account-grace", 13).await, (0, json!([])));
    assert_eq!(due("account-grace", 15).await, (1, json!([erasure])));
    assert_eq!(due("tombstone", 59).await, (0, json!([])));
    assert_eq!(due("tombstone", 61).await, (1, json!([erasure])));
}
