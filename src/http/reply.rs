//! From the engine's types to responses: JSON shapes, URLs, and headers that come from a grant.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use galerra_core::{
    CachePolicy, EdgeTarget, Erasure, ErasureId, Gallery, Grant, Image, Life, Redevelopment, Rendition,
    SeenImage, Share, ShareToken, StoreTarget, Ticket, Trashed, UnderWay, layout,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::Doors;
use super::extract::Mount;
use super::page;
use super::problem::Problem;

/// The media type of receipts and of what the log says.
pub(crate) const TEXT: &str = galerra_log::Receipt::MEDIA_TYPE;

const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-store");

/// Closes what a handler left open: a response without a cache policy is not for caches, and none is for
/// sniffing or for leaking addresses.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let person = wants_page(request.headers());
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>().filter(|_| person);
    if let Some(shown) = problem.as_ref().and_then(page::problem) {
        let page = shown.into_response();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().extend(page.headers().clone());
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::PLAIN));
        *response.body_mut() = page.into_body();
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry("x-robots-tag").or_insert(HeaderValue::from_static("noindex, noimageindex"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Whether a browser asks, so that a page is the useful answer.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("text/html")
}

/// The headers by which caches may or may not keep what a grant opened.
pub(crate) fn cache_headers(doors: &Doors, mount: &Mount, cache: CachePolicy, seen: &SeenImage) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let parts = doors.galerra.engine().parts();
    // Probes would look for copies at another path than the one that caches would keep them under.
    let astray = mount.path != parts.mount && !parts.cdns.is_empty();
    if astray {
        tracing::warn!(
            mount = mount.path,
            "mounted elsewhere than `with_mount` says: nothing is given to caches"
        );
    }
    let CachePolicy::Public { shared } = (if astray { CachePolicy::NoStore } else { cache }) else {
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        headers.insert(HeaderName::from_static("cdn-cache-control"), HeaderValue::from_static("no-store"));
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex, noimageindex"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
        return headers;
    };
    let policy = format!("public, max-age=300, s-maxage={shared}, must-revalidate");
    headers.insert(header::CACHE_CONTROL, HeaderValue::try_from(policy).unwrap_or(NO_STORE));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    headers.insert("x-robots-tag", HeaderValue::from_static(robots(&seen.grant)));
    for cdn in &parts.cdns {
        headers.extend(cdn.headers(&layout::image_tags(&seen.image)));
    }
    headers
}

/// What search engines may do with what a grant opened.
pub(crate) fn robots(grant: &Grant) -> &'static str {
    if grant.is_listed() { "all" } else { "noindex, noimageindex" }
}

/// What comes before a path where a network serves it.
pub(crate) fn network_path(doors: &Doors, mount: &Mount) -> String {
    let below = doors.galerra.cdn_url().map_or("", |url| url.path().trim_end_matches('/'));
    format!("{below}{}", mount.path)
}

/// Where things are: absolute when the service knows its own address, else below the mount.
pub(crate) struct Urls<'a> {
    pub(crate) doors: &'a Doors,
    pub(crate) mount: &'a Mount,
}

impl Urls<'_> {
    pub(crate) fn at(&self, path: &str) -> String {
        let mount = &self.mount.path;
        match self.doors.galerra.public_url() {
            Some(base) => format!("{}{mount}{path}", base.as_str().trim_end_matches('/')),
            None => format!("{mount}{path}"),
        }
    }

    /// An address that the network verifies by itself; of bytes that are there, so that it makes none.
    fn signed(&self, base: &Url, grant: &Grant, image: &Image, rendition: &Rendition) -> Option<String> {
        rendition.made.as_ref()?;
        let signer = self.doors.galerra.signer()?;
        let (mount, now) =
            (network_path(self.doors, self.mount), self.doors.galerra.engine().parts().env.now());
        let address = Ticket::address(signer, &mount, grant, image, rendition, now)?;
        Some(format!("{}{address}", base.origin().ascii_serialization()))
    }

    /// An address that carries on what theirs did.
    pub(crate) fn carrying(&self, address: &str) -> String {
        match &self.mount.carried {
            Some(carried) => format!("{address}{}{carried}", if address.contains('?') { '&' } else { '?' }),
            None => address.to_owned(),
        }
    }

    /// The whole of an address that may be a path only, if the service knows where it is.
    pub(crate) fn absolute(&self, address: &str) -> Option<String> {
        match Url::parse(address) {
            Ok(url) => Some(url.to_string()),
            Err(_) => Some(self.doors.galerra.public_url()?.join(address).ok()?.to_string()),
        }
    }

    pub(crate) fn share(&self, token: &ShareToken) -> String {
        self.at(&layout::share_path(token))
    }

    /// A rendition: through the CDN only if anyone may see it; private bytes come from the origin.
    pub(crate) fn rendition(&self, grant: &Grant, image: &Image, rendition: &Rendition) -> String {
        let path = layout::rendition_path(image.id, &rendition.file());
        match (grant.cache_of(image, rendition), self.doors.galerra.cdn_url()) {
            (CachePolicy::Public { .. }, Some(base)) => {
                format!("{}{}{path}", base.as_str().trim_end_matches('/'), self.mount.path)
            }
            (CachePolicy::NoStore, Some(base)) if grant.is_guest() => {
                let signed = self.signed(base, grant, image, rendition);
                signed.unwrap_or_else(|| self.carrying(&format!("{}{path}", self.mount.path)))
            }
            (CachePolicy::NoStore, _) => self.carrying(&format!("{}{path}", self.mount.path)),
            // A pass would only end up in caches.
            (CachePolicy::Public { .. }, None) => format!("{}{path}", self.mount.path),
        }
    }
}

pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

pub(crate) fn gallery(urls: &Urls, gallery: &Gallery, count: u64) -> Value {
    json!({
        "id": gallery.id,
        "title": gallery.title,
        "description": gallery.description,
        "visibility": gallery.visibility.kind(),
        "url": urls.at(&layout::gallery_path(gallery.id)),
        "image_count": count,
        "created": rfc3339(gallery.created),
    })
}

/// An image as this grant shows it: the file name and the original are their owner's alone.
pub(crate) fn image(urls: &Urls, grant: &Grant, image: &Image) -> Value {
    let renditions = image.renditions.iter().filter(|rendition| grant.shows(rendition)).map(|rendition| {
        json!({
            "name": rendition.name,
            "width": rendition.width,
            "height": rendition.height,
            "type": rendition.format.media_type(),
            // Not known before somebody has asked for it.
            "bytes": rendition.made.as_ref().map(|made| made.bytes),
            "url": urls.rendition(grant, image, rendition),
        })
    });
    let owner = grant.is_owner();
    let mut shown = json!({
        "id": image.id,
        "gallery": image.gallery,
        "title": image.title,
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "bytes": image.original.bytes,
        "type": image.original.format.media_type(),
        "placeholder": image.placeholder,
        "colour": image.colour,
        "focal": image.focal,
        "created": rfc3339(image.created),
        "facts": image.facts.only(|fact| grant.tells(image, fact)),
        "renditions": renditions.collect::<Vec<_>>(),
    });
    let Some(members) = shown.as_object_mut() else { return shown };
    if grant.may_download() {
        members.insert(
            "master".to_owned(),
            json!(urls.carrying(&urls.at(&format!("/api/v1/images/{}/master", image.id)))),
        );
    }
    if owner {
        members.insert("file_name".to_owned(), json!(image.original.file_name));
        members.insert("facts_shown".to_owned(), json!(image.shown));
        members.insert("hidden".to_owned(), json!(image.hidden));
        members.insert("held".to_owned(), json!(image.is_held()));
        if let Life::Trashed { until, .. } = image.life {
            members.insert("trashed_until".to_owned(), json!(rfc3339(until)));
        }
        members
            .insert("original".to_owned(), json!(urls.at(&format!("/api/v1/images/{}/original", image.id))));
    }
    shown
}

/// What was changed, with the erasure of copies in networks that follows from it.
pub(crate) fn tightened(urls: &Urls, mut shown: Value, erasure: Option<ErasureId>) -> Value {
    if let (Some(members), Some(erasure)) = (shown.as_object_mut(), erasure) {
        members.insert("erasure".to_owned(), json!(erasure));
        members.insert("status".to_owned(), json!(urls.at(&format!("/api/v1/erasures/{erasure}"))));
    }
    shown
}

pub(crate) fn redevelopment(work: &Redevelopment) -> Value {
    json!({
        "recipe": work.recipe,
        "progress": work.progress(),
        "done": work.done,
        "failed": work.failed,
        "started": rfc3339(work.started),
        "finished": work.finished.map(rfc3339),
    })
}

pub(crate) fn trashed(trashed: &Trashed) -> Value {
    json!({
        "gallery": trashed.gallery,
        "image": trashed.image,
        "trashed": rfc3339(trashed.since),
        "until": rfc3339(trashed.until),
    })
}

pub(crate) fn share(share: &Share) -> Value {
    json!({
        "id": share.id,
        "gallery": share.gallery,
        "label": share.label,
        "recipient": share.recipient,
        "download": share.terms.download,
        "show_metadata": share.terms.show_metadata,
        "upload": share.terms.upload,
        "password": share.is_locked(),
        "views": share.uses.opened,
        "max_views": share.uses.most,
        "created": rfc3339(share.created),
        "expires": rfc3339(share.expires),
    })
}

/// An erasure as the operator sees it in the queue.
pub(crate) fn under_way(erasure: &UnderWay) -> Value {
    json!({
        "id": erasure.id,
        "accepted": rfc3339(erasure.accepted),
        "due": rfc3339(erasure.due),
        "breached": erasure.breached,
        "held": erasure.held,
    })
}

pub(crate) fn erasure(urls: &Urls, erasure: &Erasure) -> Value {
    let stores = [&erasure.records, &erasure.blobs];
    let targets = stores.map(store_target).into_iter().chain(erasure.edges.iter().map(edge_target));
    let receipt =
        erasure.receipt.as_ref().map(|_| urls.at(&format!("/api/v1/erasures/{}/receipt", erasure.id)));
    json!({
        "id": erasure.id,
        "state": erasure.stage(),
        "lane": erasure.lane,
        "subject": erasure.subject,
        "accepted": rfc3339(erasure.accepted),
        "due": rfc3339(erasure.due),
        "not_before": erasure.not_before.map(rfc3339),
        "targets": targets.collect::<Vec<_>>(),
        "receipt": receipt,
    })
}

fn store_target(target: &StoreTarget) -> Value {
    evidence("store", &target.semantics.store, &json!(target))
}

fn edge_target(target: &EdgeTarget) -> Value {
    evidence("edge", &target.name, &json!(target))
}

fn evidence(kind: &str, name: &str, evidence: &Value) -> Value {
    let state = evidence.pointer("/step/step").cloned().unwrap_or_default();
    json!({"kind": kind, "name": name, "state": state, "evidence": evidence})
}
