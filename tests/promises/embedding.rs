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
async fn networks_are_probed_below_the_mount() {
    let mut stage = Stage::new().behind(|cdn| cdn);
    "/photos".clone_into(&mut stage.mount);
    let ada = Client::here(stage.mounted(&stage.boot())).as_bearer(crate::stage::OPERATOR);
    let new = serde_json::json!({"username": "ada", "email": "ada@example.org"});
    let key = text(&ada.post("/photos/api/v1/accounts", &new).await.expect(201), "api_key");
    let ada = ada.as_bearer(&key);
    let new = serde_json::json!({"title": "t", "visibility": "public"});
    let gallery = text(&ada.post("/photos/api/v1/galleries", &new).await.expect(201), "id");
    let path = format!("/photos/api/v1/galleries/{gallery}/images");
    let image = ada.send(http::Method::POST, &path, "image/png", photos::small(1)).await.expect(201);
    let thumb = text(&image["renditions"][0], "url");
    let ask = || http::Request::builder().uri(&thumb).body(bytes::Bytes::new()).unwrap();
    assert_eq!(stage.cdns[0].serve(ask()).await.status(), 200);

    stage.cdns[0].fault_always(galerra::cdn::Fault::Lie);
    let path = format!("/photos/api/v1/galleries/{gallery}?permanent=true");
    let erasure = text(&ada.delete(&path).await.expect(202), "erasure");
    let receipt = format!("/photos/api/v1/erasures/{erasure}/receipt");
    for _ in 0..100 {
        stage.boot().engine().tick().await.unwrap();
        stage.advance(time::Duration::minutes(5));
    }
    assert_eq!(stage.cdns[0].serve(ask()).await.status(), 200, "the network lies");
    assert_eq!(ada.get(&receipt).await.status, 404);
}

#[tokio::test]
async fn a_mount_that_was_not_told_is_kept_out_of_caches() {
    let stage = Stage::new().behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("open", "public").await;
    let thumb = text(&ada.upload(&gallery, photos::small(1)).await["renditions"][0], "url");
    let nested = Client::here(Router::new().nest("/elsewhere", stage.boot().router()));
    assert_eq!(nested.get(&format!("/elsewhere{thumb}")).await.header("cache-control"), "private, no-store");
    assert!(stage.stranger().get(&thumb).await.header("cache-control").starts_with("public"));
}

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
