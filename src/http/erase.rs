use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use galerra_core::{AccountId, Erasure, ErasureId, Error, GalleryId, ImageId, Lane};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Doors;
use super::account::{operator, shown};
use super::extract::{Asked, Asking, Id, Mount, Paging};
use super::problem::{Answer, Problem};
use super::reply::{self, Urls};

/// Whether a deletion is for good: otherwise the trash keeps things for a while. And how much it presses. A name that is
/// misspelled must not mean the trash.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct How {
    #[serde(default)]
    permanent: bool,
    lane: Option<Lane>,
}

impl How {
    /// The lane of a deletion for good; nothing goes into the trash faster than at once.
    fn permanently(self) -> Result<Option<Lane>, Problem> {
        match self {
            Self { permanent: true, lane } => Ok(Some(lane.unwrap_or_default())),
            Self { permanent: false, lane: None } => Ok(None),
            Self { permanent: false, lane: Some(_) } => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid-query",
                "`lane` is for deletions with `permanent=true`",
            )),
        }
    }
}

pub(crate) async fn image(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<ImageId>,
    Asked(how): Asked<How>,
) -> Answer {
    let engine = doors.galerra.engine();
    let Some(lane) = how.permanently()? else {
        let trashed = engine.trash_image(&viewer, id).await?;
        doors.galerra.wake();
        return Ok(Json(reply::trashed(&trashed)).into_response());
    };
    let erasure = engine.erase_image(&viewer, id, lane).await?;
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
    let Some(lane) = how.permanently()? else {
        let trashed = engine.trash_gallery(&viewer, id).await?;
        doors.galerra.wake();
        return Ok(Json(reply::trashed(&trashed)).into_response());
    };
    let erasure = engine.erase_gallery(&viewer, id, lane).await?;
    Ok(accepted(&doors, &mount, &erasure))
}

pub(crate) async fn account(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Asked(how): Asked<How>,
) -> Answer {
    let lane = how.lane.unwrap_or_default();
    let erasure = doors.galerra.engine().erase_account(&viewer, lane).await?;
    Ok(accepted(&doors, &mount, &erasure))
}

pub(crate) async fn bring_back(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<AccountId>,
) -> Answer<Json<Value>> {
    operator(&viewer)?;
    let account = doors.galerra.engine().bring_back_account(id).await?;
    Ok(Json(shown(&account)))
}

pub(crate) async fn expedite(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<ErasureId>,
) -> Answer<Json<Value>> {
    let erasure = doors.galerra.engine().expedite(&viewer, id).await?;
    doors.galerra.wake();
    Ok(Json(reply::erasure(&Urls { doors: &doors, mount: &mount }, &erasure)))
}

pub(crate) async fn queue(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Asked(at): Asked<Paging>,
) -> Answer<Json<Value>> {
    operator(&viewer)?;
    let engine = doors.galerra.engine();
    let page = engine.queue_of_erasures(&viewer, at.cursor.as_deref(), at.limit).await?;
    let items = page.items.iter().map(reply::under_way).collect::<Vec<_>>();
    Ok(Json(json!({"items": items, "next": page.next})))
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

/// The proof as text, which anyone can verify offline.
pub(crate) async fn receipt(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<ErasureId>,
) -> Answer {
    let erasure = doors.galerra.engine().erasure(&viewer, id).await?;
    let receipt = erasure.receipt.ok_or(Error::NotFound)?;
    let file = format!("attachment; filename=\"{id}.tlog-proof\"");
    let headers = [(CONTENT_TYPE, reply::TEXT.to_owned()), (CONTENT_DISPOSITION, file)];
    Ok((headers, receipt.text().to_owned()).into_response())
}

fn accepted(doors: &Doors, mount: &Mount, erasure: &Erasure) -> axum::response::Response {
    doors.galerra.wake();
    let status = Urls { doors, mount }.at(&format!("/api/v1/erasures/{}", erasure.id));
    (StatusCode::ACCEPTED, Json(json!({"erasure": erasure.id, "status": status}))).into_response()
}
