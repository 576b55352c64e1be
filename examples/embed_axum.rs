//! Galerra inside an axum server that has a state and users of its own.
//!
//! `cargo run -p galerra --example embed_axum`, then
//! `curl -H 'x-user: ada' -H 'content-type: application/json' -d '{"title":"Summer"}' http://127.0.0.1:3000/photos/api/v1/galleries`

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Router, serve};
use galerra::{AccountId, Config, Galerra, NewAccount, Viewer};
use tokio::net::TcpListener;

/// What the host keeps: its greeting, and which Galerra account each of its users has.
#[derive(Clone)]
struct Host {
    greeting: &'static str,
    accounts: Arc<HashMap<String, AccountId>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let galerra = Galerra::open(&Config::default()).await?;
    let (ada, _) = galerra.engine().create_account(&NewAccount::free("ada", "ada@example.org")?).await?;
    let app = app(&galerra, [("ada".to_owned(), ada.id)]);

    // Without TCP_NODELAY, a body of several chunks waits for delayed acknowledgements.
    let listener = TcpListener::bind("127.0.0.1:3000").await?.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY: {error}");
        }
    });
    println!("listening on http://127.0.0.1:3000");
    tokio::select! {
        ended = async { serve(listener, app).await } => ended?,
        () = galerra.run(std::future::pending()) => {}
    }
    Ok(())
}

/// The host's server: its own page, and galleries below `/photos`.
pub(crate) fn app(galerra: &Galerra, users: impl IntoIterator<Item = (String, AccountId)>) -> Router {
    let host = Host { greeting: "hello from the host\n", accounts: Arc::new(users.into_iter().collect()) };
    Router::new()
        .route("/", get(async |State(host): State<Host>| host.greeting))
        .nest("/photos", galerra.router().layer(from_fn_with_state(host.clone(), who)))
        .with_state(host)
}

/// The host's own sign-in (here: a header) tells Galerra who is asking.
async fn who(State(host): State<Host>, mut request: Request, next: Next) -> Response {
    let user = request.headers().get("x-user").and_then(|user| user.to_str().ok());
    let viewer = user
        .and_then(|user| host.accounts.get(user))
        .map_or_else(Viewer::anonymous, |id| Viewer::account(*id));
    request.extensions_mut().insert(viewer);
    next.run(request).await
}
