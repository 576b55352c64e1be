use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use galerra_core::zip::{Entry, Writer, overlap};
use galerra_core::{Archive, Engine, Error, Form, GalleryId, Packed, SeenImage, Viewer};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::Doors;
use super::extract::{Asked, Asking, Id};
use super::problem::Answer;
use super::range::{self, Part};
use super::view;

#[derive(Deserialize)]
pub(crate) struct Query {
    form: Option<String>,
}

/// A gallery as one ZIP file, read and sent piece by piece.
pub(crate) async fn archive(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<GalleryId>,
    Asked(Query { form }): Asked<Query>,
    method: Method,
    request: HeaderMap,
) -> Answer {
    let engine = doors.galerra.engine();
    let archive = engine.archive(&viewer, id, form.as_deref().map(Form::from)).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    let short: String = id.bare().chars().take(12).collect();
    let name = format!("attachment; filename=\"gallery-{short}.zip\"");
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(|_| Error::NotFound)?);
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    let wanted = match archive.settled() {
        Some((total, tag)) => match announced(&mut headers, &method, &request, total, &tag)? {
            Ok(wanted) => wanted,
            Err(answer) => return Ok(answer),
        },
        // What was never asked for is made on the way, and only then it is known how long it is.
        None => 0..u64::MAX,
    };
    let status = if headers.contains_key(header::CONTENT_RANGE) {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    if method == Method::HEAD {
        return Ok((status, headers).into_response());
    }
    Ok((status, headers, body(engine.clone(), viewer, archive, wanted)).into_response())
}

/// Says how long the archive is and what of it is sent; or answers that nothing is.
fn announced(
    headers: &mut HeaderMap,
    method: &Method,
    request: &HeaderMap,
    total: u64,
    tag: &str,
) -> Result<Result<Range<u64>, Response>, Error> {
    let etag = HeaderValue::try_from(format!("\"{tag}\"")).map_err(|_| Error::NotFound)?;
    headers.insert(header::ETAG, etag.clone());
    if view::knows(request, &etag) {
        headers.remove(header::CONTENT_TYPE);
        headers.remove(header::CONTENT_DISPOSITION);
        return Ok(Err((StatusCode::NOT_MODIFIED, headers.clone()).into_response()));
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let wanted = match range::asked(method, request, &etag, total) {
        Part::Whole => 0..total,
        Part::Of(part) => {
            let said = format!("bytes {}-{}/{total}", part.start, part.end - 1);
            headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(said).map_err(|_| Error::NotFound)?);
            part
        }
        Part::Nothing => return Ok(Err(view::beyond(total))),
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(wanted.end - wanted.start));
    Ok(Ok(wanted))
}

type Piece = Result<Bytes, std::io::Error>;

/// A few pieces on their way: whoever reads slowly makes the reader of blobs wait.
fn body(engine: Engine, viewer: Viewer, archive: Archive, wanted: Range<u64>) -> Body {
    let (pieces, mut sent) = mpsc::channel::<Piece>(2);
    tokio::spawn(async move {
        let sending = Sending { engine, viewer, pieces: pieces.clone(), wanted };
        if let Err(error) = sending.all(&archive).await {
            // An archive that is cut off is known to be; one that lacks a picture would not.
            pieces.send(Err(std::io::Error::other(error))).await.unwrap_or_default();
        }
    });
    Body::from_stream(futures::stream::poll_fn(move |context| sent.poll_recv(context)))
}

struct Sending {
    engine: Engine,
    viewer: Viewer,
    pieces: mpsc::Sender<Piece>,
    wanted: Range<u64>,
}

impl Sending {
    async fn all(&self, archive: &Archive) -> Result<(), Error> {
        let (mut writer, mut at) = (Writer::default(), 0);
        for planned in &archive.packed {
            let known = planned.entry();
            // What lies before the part that is wanted need not be looked at.
            let (entry, ready) = match known {
                Some(entry) if at + reach(&entry) <= self.wanted.start => (entry, None),
                _ => {
                    let (seen, packed) = self.engine.pack(&self.viewer, planned).await?;
                    (packed.entry().ok_or(Error::NotFound)?, Some((seen, packed)))
                }
            };
            let header = writer.begin(&entry);
            at = self.bytes(at, header).await;
            if let Some((seen, packed)) = &ready {
                self.blob(at, &entry, seen, packed).await?;
            }
            at += entry.bytes;
            if at >= self.wanted.end || self.pieces.is_closed() {
                return Ok(());
            }
        }
        self.bytes(at, writer.end()).await;
        Ok(())
    }

    /// Sends what of these bytes is wanted, which lie at `at`; answers where what follows lies.
    async fn bytes(&self, at: u64, bytes: Vec<u8>) -> u64 {
        let length = bytes.len() as u64;
        if let Some(part) = overlap(&self.wanted, at, length) {
            let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            let piece = Bytes::from(bytes).slice(index(part.start)..index(part.end));
            self.pieces.send(Ok(piece)).await.unwrap_or_default();
        }
        at + length
    }

    async fn blob(&self, at: u64, entry: &Entry, seen: &SeenImage, packed: &Packed) -> Result<(), Error> {
        let Some(part) = overlap(&self.wanted, at, entry.bytes) else { return Ok(()) };
        let mut body = self.engine.packed(seen, packed, Some(part)).await?.body;
        while let Some(piece) = body.next().await {
            if self.pieces.send(piece).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// The most that the bytes and the header of an entry take together.
fn reach(entry: &Entry) -> u64 {
    entry.bytes + 30 + 20 + entry.name.len() as u64
}
