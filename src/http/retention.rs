use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Doors;
use super::account::operator;
use super::extract::{Asked, Asking};
use super::problem::Answer;

/// How far ahead to look.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ahead {
    #[serde(default = "a_week")]
    days: u16,
}

fn a_week() -> u16 {
    7
}

/// Every retention rule, and what it will let go of.
pub(crate) async fn forecast(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Asked(Ahead { days }): Asked<Ahead>,
) -> Answer<Json<Value>> {
    operator(&viewer)?;
    let forecasts = doors.galerra.engine().forecast(&viewer, days).await?;
    let rules = forecasts.iter().map(|forecast| {
        let mut shown = json!(forecast.rule);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("after_seconds".to_owned(), json!(forecast.rule.after.whole_seconds()));
            shown.insert("due".to_owned(), json!(forecast.due));
            shown.insert("first".to_owned(), json!(forecast.first));
        }
        shown
    });
    Ok(Json(json!({"days": days, "rules": rules.collect::<Vec<_>>()})))
}
