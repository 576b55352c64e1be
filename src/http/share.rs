use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use galerra_core::{Error, GalleryId, NewShare, ShareId, ShareToken, Title, layout};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::Doors;
use super::extract::{Asking, Body, Id, Mount, share_cookie};
use super::problem::Answer;
use super::reply::{self, Urls};

/// Longest life of the cookie a link is exchanged for; the link itself can be opened again.
const COOKIE_SECONDS: i64 = 12 * 60 * 60;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    #[serde(default)]
    label: String,
    expires: Option<String>,
}

pub(crate) async fn create(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(gallery): Id<GalleryId>,
    Body(new): Body<New>,
) -> Answer {
    let new =
        NewShare { label: label(&new.label)?, expires: new.expires.as_deref().map(time_of).transpose()? };
    let (share, token) = doors.galerra.engine().share(&viewer, gallery, &new).await?;
    let mut shown = reply::share(&share);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("url".to_owned(), json!(Urls { doors: &doors, mount: &mount }.share(&token)));
    }
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

fn label(text: &str) -> Result<Title, Error> {
    Title::parse(text).map_err(|error| match error {
        Error::Invalid { reason, .. } => Error::Invalid { field: "label", reason },
        other => other,
    })
}

fn time_of(text: &str) -> Result<OffsetDateTime, Error> {
    let time =
        OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|time| time.checked_to_offset(UtcOffset::UTC));
    let invalid = || Error::Invalid { field: "expires", reason: "must be an RFC 3339 time".to_owned() };
    time.filter(|time| time.year() <= 9999).ok_or_else(invalid)
}

pub(crate) async fn list(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(gallery): Id<GalleryId>,
) -> Answer<Json<Value>> {
    let page = doors.galerra.engine().shares(&viewer, gallery).await?;
    let items: Vec<Value> = page.items.iter().map(reply::share).collect();
    Ok(Json(json!({"items": items, "next": page.next})))
}

pub(crate) async fn revoke(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(share): Id<ShareId>,
) -> Answer<StatusCode> {
    doors.galerra.engine().revoke(&viewer, share).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Exchanges a link for a cookie and leads to a clean address, so that the secret stays out of histories,
/// referrers and bookmarks.
pub(crate) async fn open(State(doors): State<Doors>, mount: Mount, Id(token): Id<ShareToken>) -> Answer {
    let engine = doors.galerra.engine();
    let (gallery, share) = engine.open_share(&token).await?;
    let secure = doors.galerra.public_url().is_some_and(|url| url.scheme() == "https");
    let name = share_cookie(gallery.id, secure);
    let left = (share.expires - engine.parts().env.now()).whole_seconds().clamp(0, COOKIE_SECONDS);
    let suffix = if secure { "; Secure" } else { "" };
    let cookie = format!("{name}={}; Path=/; Max-Age={left}; HttpOnly; SameSite=Lax{suffix}", token.reveal());
    let mut cookie = HeaderValue::try_from(cookie).map_err(|_| Error::NotFound)?;
    cookie.set_sensitive(true);
    let page = Urls { doors: &doors, mount: &mount }.at(&layout::gallery_path(gallery.id));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, page)], [(header::SET_COOKIE, cookie)]).into_response())
}
