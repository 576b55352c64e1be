use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use galerra_core::{AccountId, Covered, Error, GalleryId, Hold, HoldId, ImageId, Reason};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Doors;
use super::account::operator;
use super::extract::{Asked, Asking, Body, Id, Paging};
use super::problem::Answer;

/// A hold as the operator asks for it: exactly one of the ids, and who, why and until when.
#[derive(Deserialize)]
pub(crate) struct New {
    account: Option<AccountId>,
    gallery: Option<GalleryId>,
    image: Option<ImageId>,
    #[serde(flatten)]
    reason: Reason,
}

pub(crate) async fn place(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Body(new): Body<New>,
) -> Answer {
    operator(&viewer)?;
    let covered = match (new.account, new.gallery, new.image) {
        (Some(account), None, None) => Covered::Account(account),
        (None, Some(gallery), None) => Covered::Gallery(gallery),
        (None, None, Some(image)) => Covered::Image(image),
        _ => {
            let reason = "must be the only one of account, gallery and image, and one of them must be there";
            return Err(Error::Invalid { field: "account", reason: reason.to_owned() }.into());
        }
    };
    let hold = doors.galerra.engine().place_hold(&viewer, covered, new.reason).await?;
    Ok((StatusCode::CREATED, Json(json!(hold))).into_response())
}

pub(crate) async fn list(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Asked(at): Asked<Paging>,
) -> Answer<Json<Value>> {
    operator(&viewer)?;
    let engine = doors.galerra.engine();
    let now = engine.parts().env.now();
    let page = engine.holds(&viewer, at.cursor.as_deref(), at.limit).await?;
    let items = page.items.iter().map(|hold| shown(hold, hold.is_overdue(now))).collect::<Vec<_>>();
    Ok(Json(json!({"items": items, "next": page.next})))
}

/// Who releases a hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct By {
    by: String,
}

pub(crate) async fn release(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<HoldId>,
    Body(By { by }): Body<By>,
) -> Answer<Json<Value>> {
    operator(&viewer)?;
    let hold = doors.galerra.engine().release_hold(&viewer, id, &by).await?;
    doors.galerra.wake();
    Ok(Json(json!(hold)))
}

fn shown(hold: &Hold, overdue: bool) -> Value {
    let mut shown = json!(hold);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("overdue".to_owned(), json!(overdue));
    }
    shown
}
