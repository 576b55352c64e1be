//! The pages a person needs before there is a gallery: sign in, make an account, make a gallery.

use askama::Template;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use galerra::{Error, Galerra, NewAccount, NewGallery, Plan, Viewer, VisibilityKind, Who};
use serde::Deserialize;

use crate::sign_in::cookie;

const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The server's own routes.
pub(crate) fn routes(galerra: &Galerra) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/accounts", post(create_account))
        .route("/galleries", post(create_gallery))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .with_state(galerra.clone())
}

#[derive(Template, Default)]
#[template(path = "home.html")]
struct Home {
    role: Role,
    galleries: Vec<Row>,
    notice: Option<String>,
    new_key: Option<String>,
}

#[derive(Default, PartialEq, Eq)]
enum Role {
    #[default]
    Stranger,
    Account,
    Operator,
}

struct Row {
    path: String,
    title: String,
    images: u64,
    visibility: String,
}

impl Home {
    fn reply(&self, status: StatusCode) -> Response {
        match self.render() {
            Ok(page) => {
                let headers = [
                    (header::CONTENT_SECURITY_POLICY, CSP),
                    (header::CACHE_CONTROL, "private, no-store"),
                    (header::REFERRER_POLICY, "no-referrer"),
                ];
                (status, headers, Html(page)).into_response()
            }
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

async fn home(State(galerra): State<Galerra>, viewer: Option<Extension<Viewer>>) -> Response {
    show(&galerra, viewer.map(|Extension(viewer)| viewer), None).await
}

async fn show(galerra: &Galerra, viewer: Option<Viewer>, problem: Option<&Error>) -> Response {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut page = Home { notice: problem.map(ToString::to_string), ..Home::default() };
    match viewer {
        Some(viewer) if matches!(viewer.who, Who::Account(_)) => {
            page.role = Role::Account;
            match galerra.engine().galleries(&viewer, None, 200).await {
                Ok(found) => {
                    page.galleries = found
                        .items
                        .into_iter()
                        .map(|(gallery, tally)| Row {
                            path: galerra::gallery_path(gallery.id),
                            title: gallery.title.as_str().to_owned(),
                            images: tally.images,
                            visibility: format!("{:?}", gallery.visibility.kind()),
                        })
                        .collect();
                }
                Err(error) => page.notice = Some(error.to_string()),
            }
        }
        Some(viewer) if viewer.who == Who::Operator => page.role = Role::Operator,
        _ => {}
    }
    page.reply(status)
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

async fn sign_in(State(galerra): State<Galerra>, Form(Key { key }): Form<Key>) -> Response {
    let key = key.trim();
    match galerra.viewer_of(key).await {
        Ok(Some(_)) => {
            ([(header::SET_COOKIE, cookie(key, is_secure(&galerra)))], Redirect::to("/")).into_response()
        }
        Ok(None) => {
            let notice = Some("Nobody has this key.".to_owned());
            Home { notice, ..Home::default() }.reply(StatusCode::UNAUTHORIZED)
        }
        Err(error) => show(&galerra, None, Some(&error)).await,
    }
}

async fn sign_out(State(galerra): State<Galerra>) -> Response {
    let clear = [(header::SET_COOKIE, cookie("", is_secure(&galerra)))];
    (clear, [("clear-site-data", "\"cache\"")], Redirect::to("/")).into_response()
}

fn is_secure(galerra: &Galerra) -> bool {
    galerra.public_url().is_some_and(|url| url.scheme() == "https")
}

#[derive(Deserialize)]
struct AccountForm {
    username: String,
    email: String,
    #[serde(default)]
    plan: Plan,
}

async fn create_account(
    State(galerra): State<Galerra>,
    viewer: Option<Extension<Viewer>>,
    Form(form): Form<AccountForm>,
) -> Response {
    let viewer = viewer.map(|Extension(viewer)| viewer);
    if viewer.as_ref().is_none_or(|viewer| viewer.who != Who::Operator) {
        return show(&galerra, viewer, Some(&Error::OperatorOnly)).await;
    }
    let made = match NewAccount::free(&form.username, &form.email) {
        Ok(new) => galerra.engine().create_account(&NewAccount { plan: form.plan, ..new }).await,
        Err(error) => Err(error),
    };
    match made {
        Ok((_, key)) => {
            let new_key = Some(key.reveal().to_owned());
            Home { role: Role::Operator, new_key, ..Home::default() }.reply(StatusCode::CREATED)
        }
        Err(error) => show(&galerra, viewer, Some(&error)).await,
    }
}

#[derive(Deserialize)]
struct GalleryForm {
    title: String,
    #[serde(default)]
    visibility: VisibilityKind,
}

async fn create_gallery(
    State(galerra): State<Galerra>,
    viewer: Option<Extension<Viewer>>,
    Form(form): Form<GalleryForm>,
) -> Response {
    let viewer = viewer.map_or_else(Viewer::anonymous, |Extension(viewer)| viewer);
    let made = match NewGallery::titled(&form.title) {
        Ok(new) => {
            let new = NewGallery { visibility: form.visibility, ..new };
            galerra.engine().create_gallery(&viewer, &new).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(gallery) => Redirect::to(&galerra::gallery_path(gallery.id)).into_response(),
        Err(error) => show(&galerra, Some(viewer), Some(&error)).await,
    }
}
