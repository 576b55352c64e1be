use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use galerra_core::{Erasure, ErasureId, Error, GalleryId, ImageId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Doors;
use super::extract::{Asked, Asking, Id, Mount};
use super::problem::Answer;
use super::reply::{self, Urls};

/// Whether a deletion is for good: otherwise the trash keeps things for a while.
#[derive(Deserialize)]
pub(crate) struct How {
    #[serde(default)]
    permanent: bool,
}

pub(crate) async fn image(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<ImageId>,
    Asked(how): Asked<How>,
) -> Answer {
    let engine = doors.galerra.engine();
    if !how.permanent {
        return Ok(Json(reply::trashed(&engine.trash_image(&viewer, id).await?)).into_response());
    }
    let erasure = engine.erase_image(&viewer, id).await?;
    Ok(accepted(&doors, &mount, &erasure))
}

pub(crate) async fn gallery(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<GalleryId>,
    Asked(how): Asked<How>,
) -> Answer {
    let engine = doors.galerra.engine();
    if !how.permanent {
        return Ok(Json(reply::trashed(&engine.trash_gallery(&viewer, id).await?)).into_response());
    }
    let erasure = engine.erase_gallery(&viewer, id).await?;
    Ok(accepted(&doors, &mount, &erasure))
}

pub(crate) async fn account(State(doors): State<Doors>, Asking(viewer): Asking, mount: Mount) -> Answer {
    let erasure = doors.galerra.engine().erase_account(&viewer).await?;
    Ok(accepted(&doors, &mount, &erasure))
}

pub(crate) async fn show(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<ErasureId>,
) -> Answer<Json<Value>> {
    let erasure = doors.galerra.engine().erasure(&viewer, id).await?;
    Ok(Json(reply::erasure(&Urls { doors: &doors, mount: &mount }, &erasure)))
}

pub(crate) async fn receipt(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<ErasureId>,
) -> Answer<Json<Value>> {
    let erasure = doors.galerra.engine().erasure(&viewer, id).await?;
    Ok(Json(json!(erasure.receipt.ok_or(Error::NotFound)?)))
}

fn accepted(doors: &Doors, mount: &Mount, erasure: &Erasure) -> axum::response::Response {
    doors.galerra.wake();
    let status = Urls { doors, mount }.at(&format!("/api/v1/erasures/{}", erasure.id));
    (StatusCode::ACCEPTED, Json(json!({"erasure": erasure.id, "status": status}))).into_response()
}
