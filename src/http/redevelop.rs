use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::Doors;
use super::extract::Asking;
use super::problem::Answer;
use super::reply;

/// How far the making anew of renditions has come, for the operator.
pub(crate) async fn show(State(doors): State<Doors>, Asking(viewer): Asking) -> Answer<Json<Value>> {
    let work = doors.galerra.engine().redevelopment(&viewer).await?;
    Ok(Json(work.as_ref().map_or(Value::Null, reply::redevelopment)))
}
