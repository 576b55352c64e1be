//! The reference sign-in: a key typed once becomes a strict, script-proof cookie. A host with users of its
//! own does the same in its own way: it puts a `Viewer` into the request's extensions.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use galerra::Galerra;

const COOKIE: &str = "galerra_key";

/// Lets the cookie say who is asking, on every route.
pub(crate) fn identify(router: Router, galerra: &Galerra) -> Router {
    router.layer(from_fn_with_state(galerra.clone(), by_cookie))
}

async fn by_cookie(State(galerra): State<Galerra>, mut request: Request, next: Next) -> Response {
    let signed = !request.headers().contains_key(header::AUTHORIZATION);
    // Also without a cookie: another site must not sign a visitor in to an account of its own.
    if signed && !request.method().is_safe() && is_foreign(request.headers()) {
        return (StatusCode::FORBIDDEN, "this form was sent from another site\n").into_response();
    }
    if let Some(key) = key(request.headers()).filter(|_| signed) {
        match galerra.viewer_of(&key).await {
            Ok(Some(viewer)) => {
                request.extensions_mut().insert(viewer);
            }
            // A key that is nobody's any more leaves the visitor a stranger.
            Ok(None) => {}
            Err(error) => {
                tracing::error!(code = error.code(), "who is asking could not be looked up");
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
        }
    }
    next.run(request).await
}

/// Whether another site made the browser send this request.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), ..) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, origin)| origin != host),
        (None, Some(_), None) => true,
        (None, None, _) => false,
    }
}

fn key(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == COOKIE && !value.is_empty()).map(|(_, value)| value.to_owned())
}

/// The cookie that holds a key for this browser session; an empty key takes it away.
pub(crate) fn cookie(key: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let life = if key.is_empty() { "; Max-Age=0" } else { "" };
    format!("{COOKIE}={key}; Path=/; HttpOnly; SameSite=Strict{secure}{life}")
}
