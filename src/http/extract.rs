//! From requests to the engine's types: parsing lives only here.

use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use galerra_core::{Error, GalleryId, Pass, Viewer};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Doors;
use super::problem::Problem;

/// Who is asking: what the host says, else the bearer token, else nobody in particular; with the passes
/// that the request carries as cookies.
pub(crate) struct Asking(pub(crate) Viewer);

impl FromRequestParts<Doors> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let viewer = match parts.extensions.get::<Viewer>() {
            Some(viewer) => viewer.clone(),
            None => by_bearer(parts, doors).await?,
        };
        let passes: Vec<Pass> = viewer.passes().iter().cloned().chain(pass_cookies(parts)).collect();
        Ok(Self(viewer.with_passes(passes)))
    }
}

async fn by_bearer(parts: &Parts, doors: &Doors) -> Result<Viewer, Problem> {
    let Some(header) = parts.headers.get(AUTHORIZATION) else { return Ok(Viewer::anonymous()) };
    let bearer = header.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let viewer = match bearer {
        Some(bearer) => doors.galerra.viewer_of(bearer).await?,
        None => None,
    };
    viewer.ok_or_else(|| Error::Unauthenticated.into())
}

/// The name of the cookie that holds the pass to a gallery. Browsers give the `__Host-` prefix to secure
/// cookies of one host only; plain HTTP has to do without.
pub(crate) fn pass_cookie(gallery: GalleryId, secure: bool) -> String {
    let prefix = if secure { "__Host-" } else { "" };
    format!("{prefix}galerra-{}", gallery.bare())
}

fn pass_cookies(parts: &Parts) -> impl Iterator<Item = Pass> + '_ {
    let lines = parts.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        let name = name.strip_prefix("__Host-").unwrap_or(name);
        name.starts_with("galerra-").then(|| value.parse().ok())?
    })
}

/// An id from the path. One that cannot be an id names nothing, which is the uniform answer.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr + Send> FromRequestParts<Doors> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, doors).await.map_err(|_| Error::NotFound)?;
        Ok(Self(text.parse().map_err(|_| Error::NotFound)?))
    }
}

/// Longest time for a body that carries no image.
const SMALL_BODY_TIME: Duration = Duration::from_secs(20);

/// A JSON body; whatever is wrong with it becomes a problem with a stable code.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Doors> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, doors: &Doors) -> Result<Self, Problem> {
        let reading = Json::<T>::from_request(request, doors);
        let Ok(read) = tokio::time::timeout(SMALL_BODY_TIME, reading).await else {
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "body-too-slow",
                "the body did not come in time",
            ));
        };
        match read {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "body-too-large",
                    "this request takes a short JSON body",
                ),
                StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported-content-type",
                    "send `Content-Type: application/json`",
                ),
                _ => Problem::new(
                    StatusCode::BAD_REQUEST,
                    "invalid-json",
                    "the body is not the JSON object this request takes; see /openapi.json",
                ),
            }),
        }
    }
}

/// The query string; whatever is wrong with it becomes a problem with a stable code.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Doors> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, doors).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid-query",
                "the query is not what this address takes",
            )),
        }
    }
}

/// Which page of a list is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Paging {
    #[serde(default = "fifty")]
    pub(crate) limit: usize,
    pub(crate) cursor: Option<String>,
}

fn fifty() -> usize {
    50
}

/// Below which path the router is mounted: empty, or starting with `/`.
pub(crate) struct Mount(pub(crate) String);

impl FromRequestParts<Doors> for Mount {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Infallible> {
        let OriginalUri(original) = OriginalUri::from_request_parts(parts, doors).await?;
        let prefix = original.path().strip_suffix(parts.uri.path()).unwrap_or_default();
        Ok(Self(prefix.to_owned()))
    }
}
