use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use galerra_core::{Error, GalleryId, NewShare, ShareId, ShareToken, Terms, Title, layout};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::Doors;
use super::extract::{Asked, Asking, Body, Id, Mount, Paging, pass_cookie};
use super::page;
use super::problem::Answer;
use super::reply::{self, Urls};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct New {
    label: String,
    recipient: String,
    expires: Option<String>,
    max_views: Option<u64>,
    download: bool,
    show_metadata: bool,
}

impl TryFrom<New> for NewShare {
    type Error = Error;

    fn try_from(new: New) -> Result<Self, Error> {
        if new.max_views == Some(0) {
            return Err(Error::Invalid { field: "max_views", reason: "must be one at least".to_owned() });
        }
        Ok(Self {
            label: text("label", &new.label)?,
            recipient: text("recipient", &new.recipient)?,
            terms: Terms { download: new.download, show_metadata: new.show_metadata },
            most_uses: new.max_views,
            expires: new.expires.as_deref().map(time_of).transpose()?,
        })
    }
}

pub(crate) async fn create(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(gallery): Id<GalleryId>,
    Body(new): Body<New>,
) -> Answer {
    let (share, token) = doors.galerra.engine().share(&viewer, gallery, &new.try_into()?).await?;
    let mut shown = reply::share(&share);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("url".to_owned(), json!(Urls { doors: &doors, mount: &mount }.share(&token)));
    }
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

fn text(field: &'static str, text: &str) -> Result<Title, Error> {
    Title::parse(text).map_err(|error| match error {
        Error::Invalid { reason, .. } => Error::Invalid { field, reason },
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

/// The links of all galleries of the account.
pub(crate) async fn list_all(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Value>> {
    let page = doors.galerra.engine().all_shares(&viewer, paging.cursor.as_deref(), paging.limit).await?;
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

pub(crate) async fn revoke_all(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(gallery): Id<GalleryId>,
) -> Answer<Json<Value>> {
    let revoked = doors.galerra.engine().revoke_all(&viewer, gallery).await?;
    Ok(Json(json!({"revoked": revoked})))
}

/// Follows a link. One that may be opened some times only is opened by a button: what previews a link in a chat
/// should not use it up.
pub(crate) async fn follow(State(doors): State<Doors>, mount: Mount, Id(token): Id<ShareToken>) -> Answer {
    let share = doors.galerra.engine().shared(&token).await?;
    match share.uses.most {
        Some(most) => page::knock(most - share.uses.opened),
        None => exchanged(&doors, &mount, &token).await,
    }
}

pub(crate) async fn open(State(doors): State<Doors>, mount: Mount, Id(token): Id<ShareToken>) -> Answer {
    exchanged(&doors, &mount, &token).await
}

/// Exchanges a link for a pass and leads to a clean address, so that the secret stays out of histories, referrers
/// and bookmarks.
async fn exchanged(doors: &Doors, mount: &Mount, token: &ShareToken) -> Answer {
    let engine = doors.galerra.engine();
    let (share, pass) = engine.open_share(token).await?;
    let secure = doors.galerra.public_url().is_some_and(|url| url.scheme() == "https");
    let name = pass_cookie(share.gallery, secure);
    let left = (pass.until() - engine.parts().env.now()).whole_seconds().max(0);
    let suffix = if secure { "; Secure" } else { "" };
    let cookie = format!("{name}={}; Path=/; Max-Age={left}; HttpOnly; SameSite=Lax{suffix}", pass.reveal());
    let mut cookie = HeaderValue::try_from(cookie).map_err(|_| Error::NotFound)?;
    cookie.set_sensitive(true);
    let page = Urls { doors, mount }.at(&layout::gallery_path(share.gallery));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, page)], [(header::SET_COOKIE, cookie)]).into_response())
}
