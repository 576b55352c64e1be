mod intake;

use axum::Json;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use bytes::BytesMut;
use futures::StreamExt;
use galerra_core::{
    Description, Error, FileName, GalleryId, Grant, Image, Imaging, NewImage, Title, Viewer, Who,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use intake::Room;
use intake::{Arrived, HEAD, IDLE, Signless, discard};

use super::Doors;
use super::extract::{Asked, Asking, Id, Mount};
use super::page;
use super::problem::{Answer, Problem};
use super::reply::{self, Urls};

/// Most files of one request.
const MOST_FILES: u16 = 500;

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
    let grant = match engine.gallery(&viewer, gallery).await {
        Ok(seen) if seen.grant.takes().is_some() => seen.grant,
        Ok(_) | Err(Error::NotFound | Error::Gone) if viewer.who == Who::Anonymous => {
            return Err(Error::Unauthenticated.into());
        }
        Ok(_) => return Err(Error::NotFound.into()),
        Err(error) => return Err(error.into()),
    };
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
    let declared = text(headers, header::CONTENT_TYPE).to_ascii_lowercase();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    match essence {
        "multipart/form-data" => Kind::Form,
        // The declared type only says that it is a file: what it is, its content says.
        "application/octet-stream" => Kind::Raw,
        image if image.starts_with("image/") => Kind::Raw,
        _ => Kind::Other,
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Upload<'_> {
    fn imaging(&self) -> &dyn Imaging {
        self.doors.galerra.engine().parts().imaging.as_ref()
    }

    async fn raw(&self, urls: &Urls<'_>, said: &Said, request: Request) -> Answer {
        let new = said.image(&said.name, 0)?;
        let declared = text(request.headers(), header::CONTENT_LENGTH).parse().ok();
        let mut body = request.into_body().into_data_stream();
        let outcome = match self.doors.uploads.admits(declared) {
            Err(refusal) => Err(refusal.into()),
            Ok(()) => match self.doors.uploads.read(self.imaging(), &mut body).await {
                Ok(arrived) => self.take(&new, arrived).await.map_err(Problem::from),
                Err(problem) => Err(problem),
            },
        };
        if outcome.is_err() {
            // The answer goes out at once; the rest of the body is thrown away beside it.
            tokio::spawn(async move { discard(&mut body).await });
        }
        let image = outcome?;
        Ok(if image.is_held() {
            (StatusCode::ACCEPTED, Json(json!({"held": 1}))).into_response()
        } else {
            (StatusCode::CREATED, Json(reply::image(urls, &self.grant, &image))).into_response()
        })
    }

    /// Takes the files of a form one after the other. Whatever goes wrong later, the answer names what was
    /// taken: otherwise a second try would take it twice.
    async fn form(&self, urls: &Urls<'_>, request: Request) -> Answer {
        let wants_page = reply::wants_page(request.headers());
        let signless = Signless::default();
        let request = signless.watch(request);
        let mut form = Multipart::from_request(request, self.doors).await.map_err(|_| not_a_form())?;
        let mut outcome = Outcome::default();
        let mut said = Said::default();
        let mut files = 0;
        loop {
            let mut field = match tokio::time::timeout(IDLE, form.next_field()).await {
                Ok(Ok(Some(field))) => field,
                Ok(Ok(None)) => break,
                _ => {
                    outcome.refuse("", &not_a_form());
                    break;
                }
            };
            signless.reset();
            let name = field.file_name().map(str::to_owned);
            if name.is_none() && !holds_a_file(&field) {
                if let Err(problem) = said.note(&mut field, &signless).await {
                    outcome.refuse(field.name().unwrap_or_default(), &problem);
                }
                continue;
            }
            let name = name.unwrap_or_default();
            if files == MOST_FILES {
                outcome.refuse(&name, &too_many());
                break;
            }
            match self.file(&mut field, &said, &name, files, &signless).await {
                Ok(image) => outcome.images.push(image),
                Err(problem) => outcome.refuse(&name, &problem),
            }
            files += 1;
        }
        if wants_page {
            let held = !self.grant.is_owner();
            return page::uploaded(urls, self.gallery, (outcome.images.len(), held), &outcome.refused);
        }
        outcome.reply(urls, &self.grant)
    }

    async fn file(
        &self,
        field: &mut Field<'_>,
        said: &Said,
        name: &str,
        nth: u16,
        signless: &Signless,
    ) -> Result<Image, Problem> {
        let mut chunks = field.inspect(|_| signless.reset());
        let read = match said.image(name, nth) {
            Ok(new) => {
                self.doors.uploads.read(self.imaging(), &mut chunks).await.map(|arrived| (new, arrived))
            }
            Err(error) => Err(error.into()),
        };
        match read {
            Ok((new, arrived)) => Ok(self.take(&new, arrived).await?),
            Err(problem) => {
                discard(&mut chunks).await;
                Err(problem)
            }
        }
    }

    async fn take(&self, new: &NewImage, Arrived { bytes, place }: Arrived<'_>) -> Result<Image, Error> {
        let taken = self.doors.galerra.engine().upload(&self.viewer, self.gallery, new, bytes).await;
        drop(place);
        taken
    }
}

/// Whether a part without a readable file name is a file all the same: it must not get lost as a text.
fn holds_a_file(field: &Field<'_>) -> bool {
    let typed = field.content_type().is_some_and(|kind| !kind.starts_with("text/plain"));
    typed || matches!(field.name(), Some("files" | "file"))
}

impl Said {
    async fn note(&mut self, field: &mut Field<'_>, signless: &Signless) -> Result<(), Problem> {
        let mut text = BytesMut::new();
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(IDLE, field.chunk()).await {
            signless.reset();
            if text.len() + chunk.len() > HEAD {
                discard(field).await;
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "body-too-large",
                    "a form field is too long",
                ));
            }
            text.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        match field.name() {
            Some("title") => self.title = text,
            Some("alt") => self.alt = text,
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
            (false, _) if !grant.is_owner() => {
                // What waits for its owner, its sender is not shown any more.
                let held = json!({"images": [], "held": images.len(), "refused": refused});
                Ok((StatusCode::ACCEPTED, Json(held)).into_response())
            }
            (false, _) => {
                Ok((StatusCode::CREATED, Json(json!({"images": images, "refused": refused}))).into_response())
            }
        }
    }
}

fn not_a_form() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-form", "the body is not whole `multipart/form-data`")
}

fn too_many() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-files", "send at most 500 files at once")
}
