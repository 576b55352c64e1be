//! What each route gives to whom, written down without the rules that decide.

use http::Method;

use super::scene::{Picture, State, Subject, Viewer, Visible};

/// What a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A gallery, or what is in it.
    Gallery(Right),
    /// An image.
    Image(Right),
    /// The bytes of a rendition.
    Rendition,
    /// The card of a gallery that programs elsewhere fetch: what anyone may see, whoever asks.
    Card,
    /// A link, by its id.
    Share,
    /// A link, by its secret.
    Token,
    /// An erasure.
    Erasure,
    /// The account of whoever asks.
    Account,
    /// Matters of the operator.
    Operator,
    /// Nobody's.
    Nobody,
}

/// What it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    See,
    Download,
    Send,
    Own,
}

/// The rule of a route; a new route has to get one here.
pub(super) fn rule(method: &Method, path: &str) -> Option<Rule> {
    let reads = *method == Method::GET;
    let seen = if reads { Right::See } else { Right::Own };
    Some(match path {
        "/api/v1/accounts" | "/api/v1/accounts/{id}" | "/metrics" => Rule::Operator,
        path if path.starts_with("/api/v1/operator/") => Rule::Operator,
        "/api/v1/account" | "/api/v1/galleries" | "/api/v1/shares" | "/api/v1/trash" => Rule::Account,
        "/api/v1/galleries/{id}" => Rule::Gallery(seen),
        "/api/v1/galleries/{id}/images" if *method == Method::POST => Rule::Gallery(Right::Send),
        "/api/v1/galleries/{id}/images" | "/g/{id}" => Rule::Gallery(Right::See),
        "/api/v1/galleries/{id}/shares"
        | "/api/v1/galleries/{id}/audience"
        | "/api/v1/galleries/{id}/restore" => Rule::Gallery(Right::Own),
        "/api/v1/galleries/{id}/archive" => Rule::Gallery(Right::Download),
        "/api/v1/images/{id}" => Rule::Image(seen),
        "/api/v1/images/{id}/original" | "/api/v1/images/{id}/restore" => Rule::Image(Right::Own),
        "/api/v1/images/{id}/master" => Rule::Image(Right::Download),
        "/i/{image}/{file}" => Rule::Rendition,
        "/oembed" => Rule::Card,
        "/api/v1/shares/{id}" => Rule::Share,
        "/s/{token}" => Rule::Token,
        "/api/v1/erasures/{id}" | "/api/v1/erasures/{id}/receipt" | "/api/v1/erasures/{id}/expedite" => {
            Rule::Erasure
        }
        "/healthz"
        | "/readyz"
        | "/openapi.json"
        | "/log/key"
        | "/log/checkpoint"
        | "/log/tile/{*path}"
        | "/log/witness/key"
        | "/log/witness/add-checkpoint" => Rule::Nobody,
        _ => return None,
    })
}

/// Whether a viewer may do that with a gallery.
pub(super) fn may(viewer: &Viewer, right: Right, subject: &Subject) -> bool {
    let guest = viewer.guest_of(subject);
    match right {
        Right::See => viewer.owner || subject.visible != Visible::Private || guest.is_some(),
        Right::Download => viewer.owner || guest.is_some_and(|guest| guest.download),
        Right::Send => viewer.owner || guest.is_some_and(|guest| guest.upload),
        Right::Own => viewer.owner,
    }
}

/// Whether a viewer may do that with a picture.
pub(super) fn may_with(viewer: &Viewer, right: Right, subject: &Subject, picture: &Picture) -> bool {
    match picture.state {
        State::Shown => may(viewer, right, subject),
        State::Hidden | State::Held | State::Trashed => viewer.owner,
        State::Deleted => false,
    }
}

/// The status of what is refused: what is deleted and was open is known to have been there.
pub(super) fn is_gone(subject: &Subject, picture: &Picture) -> bool {
    picture.state == State::Deleted && subject.visible != Visible::Private
}
