use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use galerra_core::{Error, GalleryId, Viewer};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Doors;
use super::extract::{Asked, Mount};
use super::page::picture;
use super::problem::{Answer, Problem};
use super::reply::Urls;

#[derive(Deserialize)]
pub(crate) struct Query {
    url: String,
    #[serde(default)]
    format: String,
    #[serde(default = "unbounded")]
    maxwidth: u32,
    #[serde(default = "unbounded")]
    maxheight: u32,
}

fn unbounded() -> u32 {
    u32::MAX
}

/// How a gallery is shown where somebody has put its address (oembed.com). Whoever asks, asks for others, so it tells
/// what anyone may see and nothing else.
pub(crate) async fn oembed(
    State(doors): State<Doors>,
    mount: Mount,
    Asked(query): Asked<Query>,
) -> Answer<Json<Value>> {
    if !matches!(query.format.as_str(), "" | "json") {
        return Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "format-not-implemented",
            "the answer is JSON",
        ));
    }
    let id = gallery(&doors, &mount, &query.url).ok_or(Error::NotFound)?;
    let engine = doors.galerra.engine();
    let seen = engine.gallery(&Viewer::anonymous(), id).await?;
    let mount = Mount { carried: None, ..mount };
    let urls = Urls { doors: &doors, mount: &mount };
    let page = engine.images(&seen.grant, None, 20).await?;
    let mut shown = json!({
        "version": "1.0",
        "type": "link",
        "title": seen.gallery.title,
        "provider_name": "Galerra",
        "provider_url": doors.galerra.public_url(),
        "cache_age": 300,
    });
    let most = (query.maxwidth.min(1400), query.maxheight.min(1400));
    let picture = picture(&urls, &seen.grant, &page.items, most);
    if let (Some(members), Some(picture)) = (shown.as_object_mut(), picture) {
        members.insert("thumbnail_url".to_owned(), json!(picture.url));
        members.insert("thumbnail_width".to_owned(), json!(picture.width));
        members.insert("thumbnail_height".to_owned(), json!(picture.height));
    }
    Ok(Json(shown))
}

/// The gallery of which this is the page's address, here.
fn gallery(doors: &Doors, mount: &Mount, address: &str) -> Option<GalleryId> {
    let here = doors.galerra.public_url()?;
    let url = here.join(address).ok().filter(|url| url.origin() == here.origin())?;
    let below = url.path().strip_prefix(here.path().trim_end_matches('/'))?;
    below.strip_prefix(mount.path.as_str())?.strip_prefix("/g/")?.parse().ok()
}
