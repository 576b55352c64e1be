//! In a host's server: under a prefix, beside a state of its own, with the host's own users.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use galerra::{Email, NewAccount, Plan, Username, Viewer};

use crate::client::{Client, text};
use crate::photos;
use crate::stage::Stage;

#[tokio::test]
async fn it_nests_in_a_host_with_its_own_state_and_users() {
    let stage = Stage::new();
    let galerra = stage.boot();
    let new = NewAccount {
        username: Username::parse("ada").unwrap(),
        email: Email::parse("ada@example.org").unwrap(),
        plan: Plan::Free,
    };
    let (account, _) = galerra.engine().create_account(&new).await.unwrap();
    let sign_in = from_fn(move |mut request: Request, next: Next| async move {
        if request.headers().get("x-host-user").is_some_and(|user| user == "ada") {
            request.extensions_mut().insert(Viewer::account(account.id));
        }
        next.run(request).await
    });
    let host: Router = Router::new()
        .route("/", get(|State(name): State<String>| async move { name }))
        .nest("/photos/of", galerra.router().layer(sign_in))
        .with_state("the host".to_owned());
    let stranger = Client::here(host);
    let ada = stranger.with("x-host-user", "ada");

    assert_eq!(stranger.get("/").await.body, "the host");
    let new = serde_json::json!({"title": "t", "visibility": "unlisted"});
    let gallery = ada.post("/photos/of/api/v1/galleries", &new).await.expect(201);
    assert_eq!(text(&gallery, "url"), format!("/photos/of/g/{}", text(&gallery, "id")));
    let path = format!("/photos/of/api/v1/galleries/{}/images", text(&gallery, "id"));
    let image = ada.send(http::Method::POST, &path, "image/png", photos::small(1)).await.expect(201);
    for rendition in image["renditions"].as_array().unwrap() {
        assert_eq!(stranger.get(&text(rendition, "url")).await.status, 200);
    }
    assert_eq!(stranger.get(&text(&gallery, "url")).await.status, 200);
    assert_eq!(stranger.get("/photos/of/api/v1/galleries").await.problem(401), "unauthenticated");
    assert_eq!(stranger.get("/photos/of/nothing/here").await.problem(404), "not-found");
}
