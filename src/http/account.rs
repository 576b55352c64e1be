use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use galerra_core::{Account, AccountId, Email, Error, NewAccount, Plan, Username, Viewer, Who};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Doors;
use super::extract::{Asking, Body, Id};
use super::problem::Answer;
use super::reply::rfc3339;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    username: String,
    email: String,
    #[serde(default)]
    plan: Plan,
}

pub(crate) async fn create(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Body(new): Body<New>,
) -> Answer {
    operator(&viewer)?;
    let new = NewAccount {
        username: Username::parse(&new.username)?,
        email: Email::parse(&new.email)?,
        plan: new.plan,
    };
    let (account, key) = doors.galerra.engine().create_account(&new).await?;
    let mut shown = shown(&account);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("api_key".to_owned(), json!(key.reveal()));
    }
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

pub(super) fn operator(viewer: &Viewer) -> Result<(), Error> {
    match viewer.who {
        Who::Operator => Ok(()),
        Who::Account(_) => Err(Error::OperatorOnly),
        Who::Anonymous => Err(Error::Unauthenticated),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changed {
    plan: Plan,
}

/// Puts an account on another plan.
pub(crate) async fn change(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(id): Id<AccountId>,
    Body(changed): Body<Changed>,
) -> Answer {
    operator(&viewer)?;
    let account = doors.galerra.engine().change_plan(id, changed.plan).await?;
    Ok(Json(shown(&account)).into_response())
}

pub(crate) async fn show(State(doors): State<Doors>, Asking(viewer): Asking) -> Answer {
    let account = doors.galerra.engine().account(&viewer).await?;
    Ok(Json(shown(&account)).into_response())
}

pub(super) fn shown(account: &Account) -> Value {
    json!({
        "id": account.id,
        "username": account.username,
        "email": account.email,
        "plan": account.plan,
        "created": rfc3339(account.created),
    })
}
