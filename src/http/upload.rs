use std::time::Duration;

use axum::Json;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use galerra_core::{
    Description, Error, FileName, GalleryId, Grant, Image, Imaging, NewImage, Refusal, Title, Viewer,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Doors;
use super::extract::{Asked, Asking, Id, Mount};
use super::page;
use super::problem::{Answer, Problem};
use super::reply::{self, Urls};

/// How much of a file is looked at before the rest is read.
const HEAD: usize = 64 * 1024;
/// Longest pause between two chunks of a body.
const IDLE: Duration = Duration::from_secs(30);
/// Longest time for all of a file: a slow sender does not keep its place for ever.
const WHOLE: Duration = Duration::from_secs(5 * 60);
/// Longest wait for room.
const QUEUE: Duration = Duration::from_secs(30);
/// Most bytes of a refused body that are read and thrown away, so that the client reads our answer.
const DISCARDED: usize = 512 * 1024 * 1024;
/// Most files of one request.
const MOST_FILES: u16 = 500;

/// Room for the bytes of uploads under way: what bounds the memory of them all.
#[derive(Debug)]
pub(crate) struct Room {
    limit: u64,
    kib: Semaphore,
}

impl Room {
    /// Room for four of the largest files at once.
    pub(crate) fn new(limit: u64) -> Self {
        let kib = usize::try_from(limit / 1024 + 1).unwrap_or(usize::MAX / 16);
        Self { limit, kib: Semaphore::new(kib.saturating_mul(4).min(Semaphore::MAX_PERMITS)) }
    }

    async fn enter(&self, declared: Option<u64>) -> Result<SemaphorePermit<'_>, Problem> {
        let bytes = declared.unwrap_or(self.limit).min(self.limit);
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        match tokio::time::timeout(QUEUE, self.kib.acquire_many(kib)).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Refusal::Busy.into()),
        }
    }
}

/// What a raw upload says about its image; in a form, fields of the same names come before the file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Said {
    #[serde(default)]
    title: String,
    #[serde(default)]
    alt: String,
    #[serde(default)]
    name: String,
}

impl Said {
    fn image(&self, file_name: &str, nth: u16) -> Result<NewImage, Error> {
        Ok(NewImage {
            title: Title::parse(&self.title)?,
            alt: Description::parse(&self.alt)?,
            file_name: FileName::clean(file_name),
            nth,
        })
    }
}

/// One upload request: who sends it, to which gallery, and the doors it came through.
struct Upload<'a> {
    doors: &'a Doors,
    viewer: Viewer,
    gallery: GalleryId,
    grant: Grant,
}

pub(crate) async fn upload(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(gallery): Id<GalleryId>,
    Asked(said): Asked<Said>,
    request: Request,
) -> Answer {
    let engine = doors.galerra.engine();
    engine.account(&viewer).await?;
    let grant = engine.gallery(&viewer, gallery).await?.grant;
    if !grant.is_owner() {
        return Err(Error::NotFound.into());
    }
    let upload = Upload { doors: &doors, viewer, gallery, grant };
    let urls = Urls { doors: &doors, mount: &mount };
    match kind(request.headers()) {
        Kind::Raw => upload.raw(&urls, &said, request).await,
        Kind::Form => upload.form(&urls, request).await,
        Kind::Other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-content-type",
            "send one image as `image/*`, or many as `multipart/form-data`",
        )),
    }
}

enum Kind {
    Raw,
    Form,
    Other,
}

fn kind(headers: &HeaderMap) -> Kind {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let declared = declared.to_ascii_lowercase();
    match () {
        () if declared.starts_with("multipart/form-data") => Kind::Form,
        // The declared type only says that it is a file: what it is, its content says.
        () if declared.starts_with("image/") || declared.starts_with("application/octet-stream") => Kind::Raw,
        () => Kind::Other,
    }
}

impl Upload<'_> {
    async fn raw(&self, urls: &Urls<'_>, said: &Said, request: Request) -> Answer {
        let new = said.image(&said.name, 0)?;
        let declared = request.headers().get(header::CONTENT_LENGTH);
        let declared: Option<u64> = declared.and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = request.into_body().into_data_stream();
        let limit = self.doors.uploads.limit;
        let outcome = if declared.is_some_and(|length| length > limit) {
            Err(Refusal::TooLarge { limit }.into())
        } else {
            let _room = self.doors.uploads.enter(declared).await?;
            match self.read(&mut body).await {
                Ok(bytes) => self.take(&new, bytes).await.map_err(Problem::from),
                Err(problem) => Err(problem),
            }
        };
        if outcome.is_err() {
            // The answer goes out at once; the rest of the body is thrown away beside it.
            tokio::spawn(async move { discard(&mut body).await });
        }
        let image = outcome?;
        Ok((StatusCode::CREATED, Json(reply::image(urls, &self.grant, &image))).into_response())
    }

    async fn form(&self, urls: &Urls<'_>, request: Request) -> Answer {
        let wants_page = wants_page(request.headers());
        let mut form = Multipart::from_request(request, self.doors).await.map_err(|_| not_a_form())?;
        let mut outcome = Outcome::default();
        let mut said = Said::default();
        let mut files = 0;
        loop {
            let mut field = match tokio::time::timeout(IDLE, form.next_field()).await {
                Ok(Ok(Some(field))) => field,
                Ok(Ok(None)) => break,
                // What was taken before the form broke off is taken: the answer has to name it.
                _ if files > 0 => {
                    outcome.refuse("", &not_a_form());
                    break;
                }
                _ => return Err(not_a_form()),
            };
            let Some(name) = field.file_name().map(str::to_owned) else {
                said.note(&mut field).await?;
                continue;
            };
            if files == MOST_FILES {
                outcome.refuse(
                    &name,
                    &Problem::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "too-many-files",
                        "send at most 500 files at once",
                    ),
                );
                break;
            }
            match self.file(&mut field, &said, &name, files).await {
                Ok(image) => outcome.images.push(image),
                Err(problem) => outcome.refuse(&name, &problem),
            }
            files += 1;
        }
        if wants_page {
            page::uploaded(urls, self.gallery, &outcome.refused)
        } else {
            outcome.reply(urls, &self.grant)
        }
    }

    async fn file(&self, field: &mut Field<'_>, said: &Said, name: &str, nth: u16) -> Result<Image, Problem> {
        let new = said.image(name, nth)?;
        let _room = self.doors.uploads.enter(None).await?;
        match self.read(field).await {
            Ok(bytes) => Ok(self.take(&new, bytes).await?),
            Err(problem) => {
                discard(field).await;
                Err(problem)
            }
        }
    }

    async fn take(&self, new: &NewImage, bytes: Bytes) -> Result<Image, Error> {
        self.doors.galerra.engine().upload(&self.viewer, self.gallery, new, bytes).await
    }

    async fn read<S, E>(&self, stream: &mut S) -> Result<Bytes, Problem>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        tokio::time::timeout(WHOLE, self.read_all(stream)).await.unwrap_or_else(|_| Err(too_slow()))
    }

    /// Reads a file to its end, unless its first bytes or its length say that it will not be taken.
    async fn read_all<S, E>(&self, stream: &mut S) -> Result<Bytes, Problem>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let imaging = self.doors.galerra.engine().parts().imaging.as_ref();
        let limit = self.doors.uploads.limit;
        let mut bytes = BytesMut::new();
        let mut admitted = false;
        loop {
            let chunk = match tokio::time::timeout(IDLE, stream.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(None) => break,
                Ok(Some(Err(_))) => return Err(broken_off()),
                Err(_) => return Err(too_slow()),
            };
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(Refusal::TooLarge { limit }.into());
            }
            bytes.extend_from_slice(&chunk);
            if !admitted && bytes.len() >= HEAD {
                admit(imaging, &bytes)?;
                admitted = true;
            }
        }
        if !admitted {
            admit(imaging, &bytes)?;
        }
        Ok(bytes.freeze())
    }
}

fn admit(imaging: &dyn Imaging, bytes: &[u8]) -> Result<(), Refusal> {
    imaging.admit(bytes.get(..HEAD).unwrap_or(bytes)).map(|_| ())
}

async fn discard<S, E>(stream: &mut S)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut left = DISCARDED;
    while let Ok(Some(Ok(chunk))) = tokio::time::timeout(IDLE, stream.next()).await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

impl Said {
    async fn note(&mut self, field: &mut Field<'_>) -> Result<(), Problem> {
        let name = field.name().unwrap_or_default().to_owned();
        let mut text = BytesMut::new();
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(IDLE, field.chunk()).await {
            if text.len() + chunk.len() > HEAD {
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "body-too-large",
                    "a form field is too long",
                ));
            }
            text.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        match name.as_str() {
            "title" => self.title = text,
            "alt" => self.alt = text,
            _ => {}
        }
        Ok(())
    }
}

/// What became of the files of a form.
#[derive(Default)]
struct Outcome {
    images: Vec<Image>,
    refused: Vec<Refused>,
}

/// A file that was not taken, as its sender is told.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) name: String,
    pub(crate) detail: String,
    code: &'static str,
    status: StatusCode,
}

impl Outcome {
    fn refuse(&mut self, name: &str, problem: &Problem) {
        let name = FileName::clean(name).as_str().to_owned();
        let (status, code) = (problem.status(), problem.code());
        self.refused.push(Refused { name, detail: problem.detail().to_owned(), code, status });
    }

    fn reply(self, urls: &Urls<'_>, grant: &Grant) -> Answer {
        let images: Vec<Value> = self.images.iter().map(|image| reply::image(urls, grant, image)).collect();
        let shown =
            |refused: &Refused| json!({"name": refused.name, "code": refused.code, "detail": refused.detail});
        let refused: Vec<Value> = self.refused.iter().map(shown).collect();
        match (self.images.is_empty(), self.refused.first()) {
            (true, None) => {
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no-file", "the form holds no file"))
            }
            (true, Some(first)) => Err(Problem::new(first.status, first.code, first.detail.clone())
                .with("images", json!([]))
                .with("refused", json!(refused))),
            (false, _) => {
                Ok((StatusCode::CREATED, Json(json!({"images": images, "refused": refused}))).into_response())
            }
        }
    }
}

/// Whether a browser sent the form, so that a page is the useful answer.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("text/html")
}

fn not_a_form() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-form", "the body is not whole `multipart/form-data`")
}

fn broken_off() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "body-cut-short", "the body ended before the file did")
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body-too-slow",
        "no byte came for thirty seconds, or the file took longer than five minutes",
    )
}
