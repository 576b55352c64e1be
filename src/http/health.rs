use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Doors;
use super::problem::Answer;

/// The document that states the HTTP surface (OpenAPI 3.1).
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

/// The process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// The process can read its records.
pub(crate) async fn ready(State(doors): State<Doors>) -> Answer<&'static str> {
    doors.galerra.engine().events(None, 1).await?;
    Ok("ready\n")
}

pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], OPENAPI)
}
