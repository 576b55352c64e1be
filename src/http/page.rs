//! The plain pages: no script, no third party, nothing but what the grant opens.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse};
use galerra_core::{
    Audience, CachePolicy, Format, GalleryId, Grant, Image, Rendition, Seen, Share, VisibilityKind, layout,
};
use serde::Deserialize;

use super::Doors;
use super::extract::{Asked, Asking, Id, Mount};
use super::problem::{Answer, Problem};
use super::reply::{self, Urls};
use super::upload::Refused;

/// Images on one page.
const PER_PAGE: usize = 60;
/// Styles are inline and named by nothing else; images come from here or from the CDN.
const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; img-src 'self'";

/// The same for a page that shows no image.
pub(crate) const PLAIN: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[derive(Debug, Deserialize)]
pub(crate) struct Position {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "gallery.html")]
struct GalleryPage<'a> {
    title: &'a str,
    description: &'a str,
    count: u64,
    visibility: &'a str,
    indexed: bool,
    card: Option<Card>,
    owner: bool,
    /// Where its owner goes back to, who looks at it as somebody else.
    leave: Option<String>,
    takes: bool,
    archive: Option<String>,
    upload: String,
    tiles: Vec<Tile<'a>>,
    next: Option<String>,
}

/// How a page is shown where somebody has put its address: only of a gallery that anyone may see.
struct Card {
    page: String,
    oembed: String,
    picture: Option<Picture>,
}

/// A picture by its whole address, as programs elsewhere fetch it.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The largest picture of a gallery that is no larger than this, for whoever shows its address somewhere.
pub(crate) fn picture(
    urls: &Urls,
    grant: &Grant,
    images: &[Image],
    (width, height): (u32, u32),
) -> Option<Picture> {
    let image = images.iter().find(|image| grant.opens(image) && !image.is_kept())?;
    let mut fit: Vec<&Rendition> = image.renditions.iter().collect();
    fit.retain(|r| r.format == Format::Jpeg && grant.shows(r) && r.audience != Audience::Owner);
    fit.retain(|r| r.width <= width && r.height <= height);
    let rendition = fit.into_iter().max_by_key(|r| r.width)?;
    let url = urls.absolute(&urls.rendition(grant, image, rendition))?;
    Some(Picture { url, width: rendition.width, height: rendition.height })
}

fn card(urls: &Urls, seen: &Seen, images: &[Image]) -> Option<Card> {
    if seen.grant.cache() == CachePolicy::NoStore {
        return None;
    }
    let page = urls.absolute(&urls.at(&layout::gallery_path(seen.gallery.id)))?;
    let asked: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
    let oembed = urls.absolute(&urls.at(&format!("/oembed?url={asked}")))?;
    Some(Card { picture: picture(urls, &seen.grant, images, (1400, 1400)), page, oembed })
}

struct Tile<'a> {
    alt: &'a str,
    title: &'a str,
    width: u32,
    height: u32,
    /// Width by height; that of a strip is bounded, and its ends are cut off.
    ratio: String,
    colour: &'a str,
    thumb: String,
    sources: Vec<Source>,
    srcset: String,
    full: String,
    /// Why nobody but the owner sees it, if so.
    kept: &'static str,
}

/// The same sizes in a format that not every browser shows.
struct Source {
    kind: &'static str,
    srcset: String,
}

#[derive(Template)]
#[template(path = "uploaded.html")]
struct UploadedPage<'a> {
    taken: usize,
    held: bool,
    refused: &'a [Refused],
    back: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    title: &'a str,
    detail: &'a str,
}

pub(crate) async fn gallery(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    mount: Mount,
    Id(id): Id<GalleryId>,
    Asked(position): Asked<Position>,
) -> Answer {
    let engine = doors.galerra.engine();
    let seen = engine.gallery(&viewer, id).await?;
    let page = engine.images(&seen.grant, position.cursor.as_deref(), PER_PAGE).await?;
    let urls = Urls { doors: &doors, mount: &mount };
    let kind = seen.gallery.visibility.kind();
    let shown = GalleryPage {
        title: seen.gallery.title.as_str(),
        description: seen.gallery.description.as_str(),
        count: seen.count,
        visibility: label(kind),
        indexed: seen.grant.is_listed(),
        owner: seen.grant.is_owner(),
        card: card(&urls, &seen, &page.items),
        leave: viewer.guise().map(|_| format!("{}{}", mount.path, layout::gallery_path(id))),
        takes: seen.grant.takes().is_some() && viewer.guise().is_none(),
        archive: (seen.grant.may_download() && seen.count > 0)
            .then(|| urls.carrying(&format!("{}/api/v1/galleries/{id}/archive", mount.path))),
        upload: urls.carrying(&format!("{}/api/v1/galleries/{id}/images", mount.path)),
        tiles: page.items.iter().filter_map(|image| tile(&urls, &seen.grant, image)).collect(),
        next: page.next.map(|cursor| {
            urls.carrying(&format!("{}{}?cursor={cursor}", mount.path, layout::gallery_path(id)))
        }),
    };
    let robots = HeaderValue::from_static(reply::robots(&seen.grant));
    let robots = (HeaderName::from_static("x-robots-tag"), robots);
    Ok(([(header::CONTENT_SECURITY_POLICY, csp(&doors)), robots], render(&shown)?).into_response())
}

#[derive(Template)]
#[template(path = "knock.html")]
struct KnockPage<'a> {
    locked: bool,
    left: Option<u64>,
    wrong: &'a str,
}

/// What whoever follows a link is shown that asks for a password, or may be opened so many times only; `wrong` is what
/// was wrong with the last try.
pub(crate) fn knock(share: &Share, wrong: &str) -> Answer {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PLAIN)),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, noimageindex")),
    ];
    Ok((headers, render(&KnockPage { locked: share.is_locked(), left: share.uses.left(), wrong })?)
        .into_response())
}

/// What a browser is shown after it sent a form: the gallery, or what was not taken and why, or that it waits.
pub(crate) fn uploaded(
    urls: &Urls,
    id: GalleryId,
    (taken, held): (usize, bool),
    refused: &[Refused],
) -> Answer {
    let back = urls.carrying(&urls.at(&layout::gallery_path(id)));
    if refused.is_empty() && !held {
        return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, back)]).into_response());
    }
    let page = render(&UploadedPage { taken, held, refused, back })?;
    let status = if refused.is_empty() { StatusCode::ACCEPTED } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, [(header::CONTENT_SECURITY_POLICY, csp(urls.doors))], page).into_response())
}

/// A problem as a person is shown it; `None` leaves the answer as it is.
pub(crate) fn problem(problem: &Problem) -> Option<Html<String>> {
    let title = problem.status().canonical_reason().unwrap_or("Error");
    ProblemPage { title, detail: problem.detail() }.render().map(Html).ok()
}

fn render(page: &impl Template) -> Result<Html<String>, Problem> {
    let failed =
        |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page-failed", "the page could not be made");
    page.render().map(Html).map_err(failed)
}

fn csp(doors: &Doors) -> HeaderValue {
    let origin = doors.galerra.cdn_url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    HeaderValue::try_from(format!("{CSP} {origin}")).unwrap_or(HeaderValue::from_static(CSP))
}

fn label(kind: VisibilityKind) -> &'static str {
    match kind {
        VisibilityKind::Public => "Public",
        VisibilityKind::Unlisted => "Unlisted",
        VisibilityKind::Private => "Private",
    }
}

fn tile<'a>(urls: &Urls, grant: &Grant, image: &'a Image) -> Option<Tile<'a>> {
    let shown: Vec<&Rendition> = image.renditions.iter().filter(|rendition| grant.shows(rendition)).collect();
    // What every browser shows; the other formats are offered beside it.
    let plain = || shown.iter().filter(|rendition| rendition.format == Format::Jpeg);
    let smallest = plain().next().or(shown.first())?;
    let largest = plain().next_back().or(shown.last())?;
    let url = |rendition: &Rendition| urls.rendition(grant, image, rendition);
    let proportion = |rendition: &Rendition| f64::from(rendition.width) / f64::from(rendition.height.max(1));
    let whole = f64::from(image.width) / f64::from(image.height.max(1));
    let srcset = |format: Format| {
        let fit = shown.iter().filter(|rendition| {
            // Crops show another picture.
            rendition.format == format
                && rendition.width <= 1400
                && (proportion(rendition) / whole - 1.0).abs() < 0.05
        });
        fit.map(|rendition| format!("{} {}w", url(rendition), rendition.width)).collect::<Vec<_>>().join(", ")
    };
    let sources = [Format::Avif, Format::Webp]
        .map(|format| Source { kind: format.media_type(), srcset: srcset(format) });
    Some(Tile {
        alt: image.alt.as_str(),
        title: image.title.as_str(),
        width: image.width,
        height: image.height,
        ratio: format!("{:.3}", whole.clamp(0.4, 4.0)),
        colour: colour(image),
        thumb: url(smallest),
        sources: sources.into_iter().filter(|source| !source.srcset.is_empty()).collect(),
        srcset: srcset(Format::Jpeg),
        full: url(largest),
        kept: match (image.is_held(), image.hidden) {
            (true, _) => "Waits for you",
            (false, true) => "Hidden",
            (false, false) => "",
        },
    })
}

fn colour(image: &Image) -> &str {
    if image.colour.is_empty() { "#ddd" } else { &image.colour }
}
