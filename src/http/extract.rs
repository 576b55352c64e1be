//! From requests to the engine's types: parsing lives only here.

use std::convert::Infallible;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use galerra_core::{Error, GalleryId, Guise, Pass, ShareId, Signed, Viewer};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::{Address, Doors};

/// Who is asking: what the host says, else the bearer token, else nobody in particular; with the passes
/// that the request carries as cookies, or in its address where there are no cookies.
pub(crate) struct Asking(pub(crate) Viewer);

impl FromRequestParts<Doors> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let viewer = match parts.extensions.get::<Viewer>() {
            Some(viewer) => viewer.clone(),
            None => by_bearer(parts, doors).await?,
        };
        let carried = asked(parts, "pass").and_then(|text| text.parse().ok());
        let passes = viewer.passes().iter().cloned().chain(carried).chain(pass_cookies(parts));
        let passes: Vec<Pass> = passes.collect();
        let viewer = viewer.with_passes(passes);
        Ok(Self(match guise(parts)? {
            Some(guise) => viewer.in_guise(guise),
            None => viewer,
        }))
    }
}

async fn by_bearer(parts: &Parts, doors: &Doors) -> Result<Viewer, Problem> {
    let Some(header) = parts.headers.get(AUTHORIZATION) else { return Ok(Viewer::anonymous()) };
    let bearer = header.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    // A pass is shown like a key by programs, which keep no cookies.
    if let Some(pass) = bearer.and_then(|bearer| bearer.parse::<Pass>().ok()) {
        return Ok(Viewer::anonymous().with_passes([pass]));
    }
    let viewer = match bearer {
        Some(bearer) => doors.galerra.viewer_of(bearer).await?,
        None => None,
    };
    // Whoever shows the key itself proves who they are.
    let viewer = viewer.map(|viewer| viewer.proved_at(doors.galerra.engine().parts().env.now()));
    viewer.ok_or_else(|| Error::Unauthenticated.into())
}

/// A parameter of an address.
fn asked(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query().filter(|query| query.contains(name))?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// As whom an owner wants to look; only to look.
fn guise(parts: &Parts) -> Result<Option<Guise>, Error> {
    let Some(asked) = asked(parts, "as").filter(|_| parts.method.is_safe()) else { return Ok(None) };
    Ok(Some(if asked == "guest" { Guise::Passer } else { Guise::Guest(asked.parse()?) }))
}

/// Where a request comes from, as far as the host says.
pub(crate) struct From(pub(crate) Option<IpAddr>);

impl FromRequestParts<Doors> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Doors) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Address>().map(|Address(address)| *address)))
    }
}

/// What an address was signed with for a network, if it was.
pub(crate) struct Signature(pub(crate) Option<Signed>);

impl FromRequestParts<Doors> for Signature {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Infallible> {
        let signed = Query::<Signed>::from_request_parts(parts, doors).await.ok();
        Ok(Self(signed.map(|Query(signed)| signed)))
    }
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
            return Err(too_slow());
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

/// The bytes of a short body.
pub(crate) struct Small(pub(crate) Bytes);

impl FromRequest<Doors> for Small {
    type Rejection = Problem;

    async fn from_request(request: Request, doors: &Doors) -> Result<Self, Problem> {
        match tokio::time::timeout(SMALL_BODY_TIME, Bytes::from_request(request, doors)).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(rejection)) => {
                Err(Problem::new(rejection.status(), "body-too-large", "this request takes a short body"))
            }
            Err(_) => Err(too_slow()),
        }
    }
}

fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the body did not come in time")
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
pub(crate) struct Mount {
    pub(crate) path: String,
    /// What this address carries on to those that it leads to: a pass, or a guise.
    pub(crate) carried: Option<String>,
}

impl FromRequestParts<Doors> for Mount {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Infallible> {
        let OriginalUri(original) = OriginalUri::from_request_parts(parts, doors).await?;
        let prefix = original.path().strip_suffix(parts.uri.path()).unwrap_or_default();
        let pass = asked(parts, "pass").and_then(|text| text.parse::<Pass>().ok());
        let guise = || asked(parts, "as").filter(|text| text == "guest" || text.parse::<ShareId>().is_ok());
        let carried = match pass {
            Some(pass) => Some(format!("pass={}", pass.reveal())),
            None => guise().map(|guise| format!("as={guise}")),
        };
        Ok(Self { path: prefix.to_owned(), carried })
    }
}
