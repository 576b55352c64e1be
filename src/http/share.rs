use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use galerra_core::{Error, GalleryId, NewShare, Password, ShareEdit, ShareId, Terms, Title};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::Doors;
use super::audience::disclosed;
use super::extract::{Asked, Asking, Body, Id, Mount, Paging};
use super::problem::Answer;
use super::reply::{self, Urls};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct New {
    label: String,
    recipient: String,
    expires: Option<String>,
    max_views: Option<u64>,
    password: Option<String>,
    download: bool,
    show_metadata: bool,
    upload: bool,
}

impl TryFrom<New> for NewShare {
    type Error = Error;

    fn try_from(new: New) -> Result<Self, Error> {
        one_at_least(new.max_views)?;
        Ok(Self {
            label: text("label", &new.label)?,
            recipient: text("recipient", &new.recipient)?,
            terms: Terms { download: new.download, show_metadata: new.show_metadata, upload: new.upload },
            most_uses: new.max_views,
            password: new.password.as_deref().map(Password::parse).transpose()?,
            expires: new.expires.as_deref().map(time_of).transpose()?,
        })
    }
}

fn one_at_least(views: Option<u64>) -> Result<(), Error> {
    match views {
        Some(0) => Err(Error::Invalid { field: "max_views", reason: "must be one at least".to_owned() }),
        _ => Ok(()),
    }
}

/// What is to be changed of a link; what is not named stays, and `null` takes off what can be taken off.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::option_option, reason = "what is not named and what is `null` are two things")]
pub(crate) struct Edited {
    label: Option<String>,
    recipient: Option<String>,
    expires: Option<String>,
    #[serde(deserialize_with = "named")]
    max_views: Option<Option<u64>>,
    #[serde(deserialize_with = "named")]
    password: Option<Option<String>>,
    download: Option<bool>,
    show_metadata: Option<bool>,
    upload: Option<bool>,
}

/// Tells a member that is `null` from one that is not there.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

impl TryFrom<Edited> for ShareEdit {
    type Error = Error;

    fn try_from(edited: Edited) -> Result<Self, Error> {
        one_at_least(edited.max_views.flatten())?;
        let password = edited.password.map(|new| new.as_deref().map(Password::parse).transpose());
        Ok(Self {
            label: edited.label.map(|label| text("label", &label)).transpose()?,
            recipient: edited.recipient.map(|name| text("recipient", &name)).transpose()?,
            download: edited.download,
            show_metadata: edited.show_metadata,
            upload: edited.upload,
            most_uses: edited.max_views,
            expires: edited.expires.as_deref().map(time_of).transpose()?,
            password: password.transpose()?,
        })
    }
}

pub(crate) async fn edit(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<ShareId>,
    Body(edited): Body<Edited>,
) -> Answer<Json<Value>> {
    let share = doors.galerra.engine().edit_share(&viewer, id, &edited.try_into()?).await?;
    Ok(Json(reply::share(&share)))
}

#[derive(Deserialize)]
pub(crate) struct How {
    #[serde(default)]
    dry_run: bool,
}

/// Makes a link; or, in a dry run, says what it would give away.
pub(crate) async fn create(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(gallery): Id<GalleryId>,
    Asked(how): Asked<How>,
    Body(new): Body<New>,
) -> Answer {
    if how.dry_run {
        let disclosure = doors.galerra.engine().disclosure(&viewer, gallery, &new.try_into()?).await?;
        return Ok(Json(disclosed(&disclosure)).into_response());
    }
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
