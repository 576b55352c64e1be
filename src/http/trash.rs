use axum::Json;
use axum::extract::State;
use galerra_core::{GalleryId, ImageId};
use serde_json::{Value, json};

use super::Doors;
use super::extract::{Asked, Asking, Id, Mount, Paging};
use super::problem::Answer;
use super::reply::{self, Urls};

/// What of the account is in the trash.
pub(crate) async fn list(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Value>> {
    let page = doors.galerra.engine().trash(&viewer, paging.cursor.as_deref(), paging.limit).await?;
    let items = page.items.iter().map(|(trashed, title)| {
        let mut shown = reply::trashed(trashed);
        if let Some(members) = shown.as_object_mut() {
            members.insert("title".to_owned(), json!(title));
        }
        shown
    });
    Ok(Json(json!({"items": items.collect::<Vec<_>>(), "next": page.next})))
}

pub(crate) async fn restore_image(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<ImageId>,
) -> Answer<Json<Value>> {
    let engine = doors.galerra.engine();
    engine.restore_image(&viewer, id).await?;
    let seen = engine.image(&viewer, id).await?;
    Ok(Json(reply::image(&Urls { doors: &doors, mount: &mount }, &seen.grant, &seen.image)))
}

pub(crate) async fn restore_gallery(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<GalleryId>,
) -> Answer<Json<Value>> {
    let engine = doors.galerra.engine();
    engine.restore_gallery(&viewer, id).await?;
    let seen = engine.gallery(&viewer, id).await?;
    Ok(Json(reply::gallery(&Urls { doors: &doors, mount: &mount }, &seen.gallery, seen.count)))
}
