use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use galerra_core::{
    Description, Error, Fact, Focal, GalleryEdit, GalleryId, ImageEdit, ImageId, Title, VisibilityKind,
};
use serde::Deserialize;
use serde_json::Value;

use super::Doors;
use super::extract::{Asking, Body, Id, Mount};
use super::problem::Answer;
use super::reply::{self, Urls};

/// What is to be changed of an image; what is not named stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edited {
    title: Option<String>,
    alt: Option<String>,
    focal: Option<(f32, f32)>,
    facts_shown: Option<BTreeSet<Fact>>,
    hidden: Option<bool>,
    held: Option<bool>,
}

impl TryFrom<Edited> for ImageEdit {
    type Error = Error;

    fn try_from(edited: Edited) -> Result<Self, Error> {
        let focal = edited.focal.map(|(x, y)| Focal::at(x, y).ok_or_else(outside)).transpose()?;
        Ok(Self {
            title: edited.title.map(|title| Title::parse(&title)).transpose()?,
            alt: edited.alt.map(|alt| Description::parse(&alt)).transpose()?,
            focal,
            shown: edited.facts_shown,
            hidden: edited.hidden,
            taken: match edited.held {
                None => false,
                Some(false) => true,
                Some(true) => {
                    let reason = "can only be taken off".to_owned();
                    return Err(Error::Invalid { field: "held", reason });
                }
            },
        })
    }
}

fn outside() -> Error {
    Error::Invalid { field: "focal", reason: "must be two numbers from 0 to 1".to_owned() }
}

pub(crate) async fn image(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<ImageId>,
    Body(edited): Body<Edited>,
) -> Answer<Json<Value>> {
    let edited = doors.galerra.engine().edit_image(&viewer, id, &edited.try_into()?).await?;
    if edited.tightened.is_some() {
        doors.galerra.wake();
    }
    let urls = Urls { doors: &doors, mount: &mount };
    let shown = reply::image(&urls, &edited.seen.grant, &edited.seen.image);
    Ok(Json(reply::tightened(&urls, shown, edited.tightened)))
}

/// What is to be changed of a gallery; what is not named stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditedGallery {
    title: Option<String>,
    description: Option<String>,
    visibility: Option<VisibilityKind>,
}

pub(crate) async fn gallery(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<GalleryId>,
    Body(edited): Body<EditedGallery>,
) -> Answer<Json<Value>> {
    let edit = GalleryEdit {
        title: edited.title.map(|title| Title::parse(&title)).transpose()?,
        description: edited.description.map(|text| Description::parse(&text)).transpose()?,
        visibility: edited.visibility,
    };
    let edited = doors.galerra.engine().edit_gallery(&viewer, id, &edit).await?;
    if edited.tightened.is_some() {
        doors.galerra.wake();
    }
    let urls = Urls { doors: &doors, mount: &mount };
    let shown = reply::gallery(&urls, &edited.seen.gallery, edited.seen.count);
    Ok(Json(reply::tightened(&urls, shown, edited.tightened)))
}
