//! The witness that this service is to other logs, as C2SP tlog-witness has it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use galerra_core::Error;
use galerra_log::{self as log, AddCheckpoint};

use super::Doors;
use super::extract::Small;
use super::problem::{Answer, Problem};
use super::reply::TEXT;

pub(crate) async fn key(State(doors): State<Doors>) -> Answer {
    let key = doors.galerra.engine().witness_verifier().await?;
    Ok(([(CONTENT_TYPE, TEXT)], format!("{key}\n")).into_response())
}

/// Cosigns a checkpoint of a log that is watched here, if the log has only grown.
pub(crate) async fn add_checkpoint(State(doors): State<Doors>, Small(body): Small) -> Answer {
    let malformed = |reason: String| Problem::new(StatusCode::BAD_REQUEST, "malformed-checkpoint", reason);
    let body = std::str::from_utf8(&body).map_err(|_| malformed("the body is not UTF-8".to_owned()))?;
    let asked = AddCheckpoint::parse(body).map_err(|error| malformed(error.to_string()))?;
    let answer = doors.galerra.engine().witness(&asked).await.map_err(|error| match error {
        Error::NotFound => {
            Problem::new(StatusCode::NOT_FOUND, "log-not-watched", "this log is not watched here")
        }
        error => error.into(),
    })?;
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = match &answer {
        log::Answer::Cosigned { .. } => TEXT,
        log::Answer::Conflict { .. } => log::Answer::SIZE_TYPE,
        log::Answer::Refused(refusal) => {
            return Err(Problem::new(status, "checkpoint-refused", refusal.to_string()));
        }
    };
    Ok((status, [(CONTENT_TYPE, kind)], answer.body()).into_response())
}
