use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use galerra_core::{Description, GalleryId, NewGallery, Title, VisibilityKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Doors;
use super::extract::{Asked, Asking, Body, Id, Mount, Paging};
use super::problem::Answer;
use super::reply::{self, Urls};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    visibility: VisibilityKind,
}

pub(crate) async fn create(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Body(new): Body<New>,
) -> Answer {
    let new = NewGallery {
        title: Title::parse(&new.title)?,
        description: Description::parse(&new.description)?,
        visibility: new.visibility,
    };
    let gallery = doors.galerra.engine().create_gallery(&viewer, &new).await?;
    let urls = Urls { doors: &doors, mount: &mount };
    Ok((StatusCode::CREATED, Json(reply::gallery(&urls, &gallery, 0))).into_response())
}

pub(crate) async fn list(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Value>> {
    let page = doors.galerra.engine().galleries(&viewer, paging.cursor.as_deref(), paging.limit).await?;
    let urls = Urls { doors: &doors, mount: &mount };
    let items = page.items.iter().map(|(gallery, tally)| reply::gallery(&urls, gallery, tally.images));
    Ok(Json(json!({"items": items.collect::<Vec<_>>(), "next": page.next})))
}

pub(crate) async fn show(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<GalleryId>,
) -> Answer<Json<Value>> {
    let seen = doors.galerra.engine().gallery(&viewer, id).await?;
    Ok(Json(reply::gallery(&Urls { doors: &doors, mount: &mount }, &seen.gallery, seen.count)))
}

pub(crate) async fn images(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<GalleryId>,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Value>> {
    let engine = doors.galerra.engine();
    let seen = engine.gallery(&viewer, id).await?;
    let page = engine.images(&seen.grant, paging.cursor.as_deref(), paging.limit).await?;
    let urls = Urls { doors: &doors, mount: &mount };
    let items = page.items.iter().map(|image| reply::image(&urls, &seen.grant, image));
    Ok(Json(json!({"items": items.collect::<Vec<_>>(), "next": page.next})))
}
