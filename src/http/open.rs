use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use galerra_core::{Error, Knock, Pass, Password, Share, ShareToken, layout};
use serde::Deserialize;
use serde_json::json;

use super::Doors;
use super::extract::{Asked, From, Id, Mount, Small, pass_cookie};
use super::page;
use super::problem::{Answer, Problem};
use super::reply::{self, Urls};

/// What whoever opens a link says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    password: Option<String>,
    /// `no` where a browser keeps none.
    cookies: String,
}

/// Follows a link. One that asks for a password, or may be opened some times only, is opened by a form: what previews
/// a link in a chat should not use it up, nor does looking whether it is there.
pub(crate) async fn follow(
    State(doors): State<Doors>,
    mount: Mount,
    From(from): From,
    Id(token): Id<ShareToken>,
    Asked(said): Asked<Said>,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let share = doors.galerra.engine().shared(&token).await?;
    if share.is_locked() || share.uses.most.is_some() || method == Method::HEAD {
        return page::knock(&share, "");
    }
    // A password in an address would end up in logs: only a form may carry one.
    let said = Said { password: None, ..said };
    Opening { doors: &doors, mount: &mount, from }.exchange(&token, &said, &headers).await
}

/// Opens a link with what a form or a program says.
pub(crate) async fn open(
    State(doors): State<Doors>,
    mount: Mount,
    From(from): From,
    Id(token): Id<ShareToken>,
    headers: HeaderMap,
    Small(body): Small,
) -> Answer {
    let said = said(&headers, &body)?;
    let opening = Opening { doors: &doors, mount: &mount, from };
    match opening.exchange(&token, &said, &headers).await {
        Err(problem) if problem.is_about_the_password() && reply::wants_page(&headers) => {
            let share = doors.galerra.engine().shared(&token).await?;
            let mut answer = problem.clone().into_response();
            let page = page::knock(&share, problem.detail())?;
            // The problem itself would be shown instead.
            answer.extensions_mut().remove::<Problem>();
            answer.headers_mut().remove(header::CONTENT_LENGTH);
            answer.headers_mut().extend(page.headers().clone());
            *answer.body_mut() = page.into_body();
            Ok(answer)
        }
        answer => answer,
    }
}

fn said(headers: &HeaderMap, body: &[u8]) -> Result<Said, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let wrong =
            |_| Problem::new(StatusCode::BAD_REQUEST, "invalid-json", "the body is not what a link takes");
        return serde_json::from_slice(body).map_err(wrong);
    }
    let mut said = Said::default();
    for (name, value) in url::form_urlencoded::parse(body) {
        match name.as_ref() {
            "password" => said.password = Some(value.into_owned()),
            "cookies" => said.cookies = value.into_owned(),
            _ => {}
        }
    }
    Ok(said)
}

struct Opening<'a> {
    doors: &'a Doors,
    mount: &'a Mount,
    from: Option<std::net::IpAddr>,
}

impl Opening<'_> {
    /// Exchanges a link for a pass: a program is told it; a browser gets it as a cookie and is led to a clean address,
    /// so that the secret stays out of histories, referrers and bookmarks; one without cookies carries it on.
    async fn exchange(&self, token: &ShareToken, said: &Said, headers: &HeaderMap) -> Answer {
        let password = said.password.as_deref().map(Password::parse).transpose()?;
        let knock = Knock { password, from: self.from };
        let (share, pass) = self.doors.galerra.engine().open_share(token, &knock).await?;
        let urls = Urls { doors: self.doors, mount: self.mount };
        let page = urls.at(&layout::gallery_path(share.gallery));
        if wants_json(headers) {
            return Ok(told(&share, &pass, &page));
        }
        if said.cookies == "no" {
            let page = format!("{page}?pass={}", pass.reveal());
            return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response());
        }
        let cookie = self.cookie(&share, &pass)?;
        let headers = [(header::LOCATION, HeaderValue::try_from(page).map_err(|_| Error::NotFound)?)];
        Ok((StatusCode::SEE_OTHER, headers, [(header::SET_COOKIE, cookie)]).into_response())
    }

    fn cookie(&self, share: &Share, pass: &Pass) -> Result<HeaderValue, Error> {
        let secure = self.doors.galerra.public_url().is_some_and(|url| url.scheme() == "https");
        let name = pass_cookie(share.gallery, secure);
        let left = (pass.until() - self.doors.galerra.engine().parts().env.now()).whole_seconds().max(0);
        let suffix = if secure { "; Secure" } else { "" };
        let cookie =
            format!("{name}={}; Path=/; Max-Age={left}; HttpOnly; SameSite=Lax{suffix}", pass.reveal());
        let mut cookie = HeaderValue::try_from(cookie).map_err(|_| Error::NotFound)?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }
}

fn told(share: &Share, pass: &Pass, page: &str) -> Response {
    let told = json!({
        "gallery": share.gallery,
        "url": page,
        "pass": pass.reveal(),
        "until": reply::rfc3339(pass.until()),
    });
    Json(told).into_response()
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.starts_with("application/json")
}
