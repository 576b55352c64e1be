use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Doors;
use super::account::operator;
use super::extract::Asking;
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

/// How far behind deletions are, as Prometheus reads it. Counts alone, but counting takes as long as the queue.
pub(crate) async fn metrics(State(doors): State<Doors>, Asking(viewer): Asking) -> Answer {
    operator(&viewer)?;
    let lag = doors.galerra.engine().lag().await?;
    let text = format!(
        "# HELP galerra_erasures_open Erasures that are not finished.\n\
         # TYPE galerra_erasures_open gauge\n\
         galerra_erasures_open{{lane=\"expedited\"}} {}\n\
         galerra_erasures_open{{lane=\"standard\"}} {}\n\
         # HELP galerra_erasures_late Unfinished erasures that are later than aimed for.\n\
         # TYPE galerra_erasures_late gauge\n\
         galerra_erasures_late {}\n\
         # HELP galerra_erasures_breached Unfinished erasures that have missed the promised time.\n\
         # TYPE galerra_erasures_breached gauge\n\
         galerra_erasures_breached {}\n\
         # HELP galerra_erasures_held Erasures that wait for a legal hold to be released.\n\
         # TYPE galerra_erasures_held gauge\n\
         galerra_erasures_held {}\n\
         # HELP galerra_receipts_waiting What was proven and waits for the log, or for its witnesses.\n\
         # TYPE galerra_receipts_waiting gauge\n\
         galerra_receipts_waiting {}\n\
         # HELP galerra_erasures_oldest_seconds How long the oldest one has been under way.\n\
         # TYPE galerra_erasures_oldest_seconds gauge\n\
         galerra_erasures_oldest_seconds {}\n",
        lag.expedited,
        lag.standard,
        lag.late,
        lag.breached,
        lag.held,
        lag.unsealed,
        lag.oldest.whole_seconds(),
    );
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], OPENAPI)
}
