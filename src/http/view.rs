use std::ops::Range;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use galerra_core::{Error, Format, ImageId, SeenImage, Signed, Ticket, Viewer};
use galerra_storage::Blob;
use serde_json::Value;

use super::Doors;
use super::extract::{Asking, Id, Mount, Signature};
use super::problem::{Answer, Problem};
use super::range::{self, Part};
use super::reply::{self, Urls};

pub(crate) async fn image(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<ImageId>,
) -> Answer<Json<Value>> {
    let SeenImage { grant, image } = doors.galerra.engine().image(&viewer, id).await?;
    Ok(Json(reply::image(&Urls { doors: &doors, mount: &mount }, &grant, &image)))
}

/// The bytes of a rendition.
pub(crate) async fn rendition(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    path: Result<Path<(String, String)>, PathRejection>,
    Signature(signed): Signature,
    method: Method,
    request: HeaderMap,
) -> Answer {
    let Path((image, file)) = path.map_err(|_| Error::NotFound)?;
    let id: ImageId = image.parse().map_err(|_| Error::NotFound)?;
    let engine = doors.galerra.engine();
    let seen = match ticket(&doors, &mount, id, &file, signed) {
        Some(ticket) => engine.by_ticket(ticket).await?,
        None => with_bytes(&doors, &viewer, id, &file).await?,
    };
    let rendition = seen.rendition(&file).ok_or(Error::NotFound)?;
    let made = rendition.made.as_ref().ok_or(Error::NotFound)?;
    let cache = seen.grant.cache_of(&seen.image, rendition);
    let mut headers = reply::cache_headers(&doors, &mount, cache, &seen);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(rendition.format.media_type()));
    let name = format!("inline; filename=\"{id}-{file}\"");
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(|_| Error::NotFound)?);
    let stored = Stored { headers, sha256: &made.sha256, bytes: made.bytes };
    stored.sent(&method, &request, async |range| engine.rendition(&seen, &file, range).await).await
}

/// The ticket of an address that was signed for a network; a forged one is none, and says nothing about what is there.
fn ticket(doors: &Doors, mount: &Mount, id: ImageId, file: &str, signed: Option<Signed>) -> Option<Ticket> {
    Ticket::read(doors.galerra.signer()?, &reply::network_path(doors, mount), id, file, &signed?)
}

/// The image with the bytes of this rendition, which are made now if nobody has asked for them before.
async fn with_bytes(doors: &Doors, viewer: &Viewer, id: ImageId, file: &str) -> Result<SeenImage, Error> {
    let engine = doors.galerra.engine();
    let seen = engine.image(viewer, id).await?;
    if seen.rendition(file).ok_or(Error::NotFound)?.made.is_some() {
        return Ok(seen);
    }
    let (engine, viewer, file) = (engine.clone(), viewer.clone(), file.to_owned());
    to_the_end(async move { engine.developed(&viewer, id, &file).await }).await
}

/// Runs work that others wait for, too: it goes on when this client goes away.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.unwrap_or(Err(Error::Contended))
}

/// The master, for whoever may download it; never for a cache.
pub(crate) async fn master(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<ImageId>,
    method: Method,
    request: HeaderMap,
) -> Answer {
    let engine = doors.galerra.engine().clone();
    let seen = {
        let engine = engine.clone();
        to_the_end(async move { engine.mastered(&viewer, id).await }).await?
    };
    let master = seen.master().ok_or(Error::NotFound)?;
    let made = &master.made;
    let stored = Stored { headers: attachment(id, master.format)?, sha256: &made.sha256, bytes: made.bytes };
    stored.sent(&method, &request, async |range| engine.master(&seen, range).await).await
}

/// The bytes as uploaded, for their owner alone; never for a cache, and never rendered by a browser.
pub(crate) async fn original(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<ImageId>,
    method: Method,
    request: HeaderMap,
) -> Answer {
    let engine = doors.galerra.engine();
    let seen = engine.image(&viewer, id).await?;
    let original = seen.original().ok_or(Error::NotFound)?;
    let headers = attachment(id, original.format)?;
    let stored = Stored { headers, sha256: &original.sha256, bytes: original.bytes };
    stored.sent(&method, &request, async |range| engine.original(&seen, range).await).await
}

/// A file to keep, under a name that says nothing.
fn attachment(id: ImageId, format: Format) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    let name = format!("attachment; filename=\"{id}.{}\"", format.extension());
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(|_| Error::NotFound)?);
    Ok(headers)
}

/// Bytes that a grant has opened. Only now a client's conditions are looked at: a 304 is an answer about bytes, too.
struct Stored<'a> {
    headers: HeaderMap,
    sha256: &'a str,
    bytes: u64,
}

impl Stored<'_> {
    async fn sent(
        self,
        method: &Method,
        request: &HeaderMap,
        get: impl AsyncFnOnce(Option<Range<u64>>) -> Result<Blob, Error>,
    ) -> Answer {
        let Self { mut headers, sha256, bytes } = self;
        let etag = HeaderValue::try_from(format!("\"{sha256}\"")).map_err(|_| Error::NotFound)?;
        headers.insert(header::ETAG, etag.clone());
        if knows(request, &etag) {
            headers.remove(header::CONTENT_TYPE);
            headers.remove(header::CONTENT_DISPOSITION);
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers
            .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
        let (status, range) = match range::asked(method, request, &etag, bytes) {
            Part::Whole => (StatusCode::OK, None),
            Part::Of(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
            Part::Nothing => return Ok(beyond(bytes)),
        };
        let length = range.as_ref().map_or(bytes, |range| range.end - range.start);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(Range { start, end }) = &range {
            let part = format!("bytes {start}-{}/{bytes}", end - 1);
            headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(part).map_err(|_| Error::NotFound)?);
        }
        let blob = get(range).await?;
        Ok((status, headers, Body::from_stream(blob.body)).into_response())
    }
}

/// What is answered for bytes behind the last one.
pub(crate) fn beyond(bytes: u64) -> Response {
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    let problem = Problem::new(status, "range-not-satisfiable", "there are fewer bytes than that");
    ([(header::CONTENT_RANGE, format!("bytes */{bytes}"))], problem).into_response()
}

/// Whether the client already has these bytes (RFC 9110 §13.1.2).
pub(crate) fn knows(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
}
