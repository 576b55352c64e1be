//! The log, for everyone: its key, its newest checkpoint, and its tiles as C2SP tlog-tiles lays them out.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use super::Doors;
use super::problem::Answer;
use super::reply::TEXT;

pub(crate) async fn key(State(doors): State<Doors>) -> Answer {
    let key = doors.galerra.engine().log_verifier().await?;
    Ok(([(CONTENT_TYPE, TEXT)], format!("{key}\n")).into_response())
}

pub(crate) async fn checkpoint(State(doors): State<Doors>) -> Answer {
    let text = doors.galerra.engine().log_file("checkpoint").await?;
    Ok(([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-cache")], text).into_response())
}

/// Tiles never change: a wider one has another path.
pub(crate) async fn tile(State(doors): State<Doors>, Path(path): Path<String>) -> Answer {
    let bytes = doors.galerra.engine().log_file(&format!("tile/{path}")).await?;
    let headers =
        [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "public, max-age=604800, immutable")];
    Ok((headers, bytes).into_response())
}
