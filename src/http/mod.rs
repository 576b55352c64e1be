//! The doors: the whole HTTP surface on one screen, one verb a file. Handlers hold no rule: they read the
//! request, call the engine once, and reply.

mod account;
mod address;
mod archive;
mod audience;
mod edit;
mod erase;
mod extract;
mod gallery;
mod health;
mod hold;
mod oembed;
mod open;
mod page;
mod problem;
mod range;
mod redevelop;
mod reply;
mod retention;
mod seal;
mod share;
mod trash;
mod upload;
mod view;
mod witness;

pub use address::Address;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, patch, post};

use crate::Galerra;

/// One line of the route table.
struct Route {
    path: &'static str,
    methods: &'static [Method],
    handler: MethodRouter<Doors>,
}

/// What handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    galerra: Galerra,
    uploads: Arc<upload::Room>,
}

/// Longest body of a request that carries no image.
const SMALL_BODY: usize = 64 * 1024;

/// The route table. `/openapi.json` states the same; a test compares them.
fn routes() -> Vec<Route> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    let route = |path, methods, handler| Route { path, methods, handler };
    vec![
        route("/api/v1/accounts", &[POST], post(account::create)),
        route("/api/v1/accounts/{id}", &[PATCH], patch(account::change)),
        route("/api/v1/account", &[GET, DELETE], get(account::show).delete(erase::account)),
        route("/api/v1/galleries", &[GET, POST], get(gallery::list).post(gallery::create)),
        route(
            "/api/v1/galleries/{id}",
            &[GET, PATCH, DELETE],
            get(gallery::show).patch(edit::gallery).delete(erase::gallery),
        ),
        route(
            "/api/v1/galleries/{id}/images",
            &[GET, POST],
            get(gallery::images).post(upload::upload).layer(DefaultBodyLimit::disable()),
        ),
        route(
            "/api/v1/galleries/{id}/shares",
            &[GET, POST, DELETE],
            get(share::list).post(share::create).delete(share::revoke_all),
        ),
        route("/api/v1/galleries/{id}/audience", &[GET], get(audience::audience)),
        route("/api/v1/galleries/{id}/archive", &[GET], get(archive::archive)),
        route("/api/v1/shares", &[GET], get(share::list_all)),
        route("/api/v1/shares/{id}", &[PATCH, DELETE], patch(share::edit).delete(share::revoke)),
        route(
            "/api/v1/images/{id}",
            &[GET, PATCH, DELETE],
            get(view::image).patch(edit::image).delete(erase::image),
        ),
        route("/api/v1/trash", &[GET], get(trash::list)),
        route("/api/v1/images/{id}/restore", &[POST], post(trash::restore_image)),
        route("/api/v1/galleries/{id}/restore", &[POST], post(trash::restore_gallery)),
        route("/api/v1/images/{id}/original", &[GET], get(view::original)),
        route("/api/v1/images/{id}/master", &[GET], get(view::master)),
        route("/api/v1/erasures/{id}", &[GET], get(erase::show)),
        route("/api/v1/erasures/{id}/receipt", &[GET], get(erase::receipt)),
        route("/api/v1/erasures/{id}/expedite", &[POST], post(erase::expedite)),
        route("/api/v1/operator/erasures", &[GET], get(erase::queue)),
        route("/api/v1/operator/accounts/{id}/restore", &[POST], post(erase::bring_back)),
        route("/api/v1/operator/holds", &[GET, POST], get(hold::list).post(hold::place)),
        route("/api/v1/operator/holds/{id}/release", &[POST], post(hold::release)),
        route("/api/v1/operator/retention", &[GET], get(retention::forecast)),
        route("/log/key", &[GET], get(seal::key)),
        route("/log/checkpoint", &[GET], get(seal::checkpoint)),
        route("/log/tile/{*path}", &[GET], get(seal::tile)),
        route("/log/witness/key", &[GET], get(witness::key)),
        route("/log/witness/add-checkpoint", &[POST], post(witness::add_checkpoint)),
        route("/api/v1/operator/redevelopment", &[GET], get(redevelop::show)),
        route("/i/{image}/{file}", &[GET], get(view::rendition)),
        route("/g/{id}", &[GET], get(page::gallery)),
        route("/oembed", &[GET], get(oembed::oembed)),
        route("/s/{token}", &[GET, POST], get(open::follow).post(open::open)),
        route("/healthz", &[GET], get(health::alive)),
        route("/readyz", &[GET], get(health::ready)),
        route("/metrics", &[GET], get(health::metrics)),
        route("/openapi.json", &[GET], get(health::openapi)),
    ]
}

/// Every path that is answered, and by which methods.
#[cfg(feature = "testkit")]
pub(crate) fn surface() -> Vec<(&'static str, &'static [Method])> {
    routes().iter().map(|route| (route.path, route.methods)).collect()
}

/// Lets nothing through before the ledger of deletions was replayed, but the question whether the process lives.
async fn settled(State(galerra): State<Galerra>, request: Request, next: Next) -> Response {
    let alive =
        request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str().ends_with("/healthz"));
    match galerra.ready().await {
        Err(error) if !alive => problem::Problem::from(error).into_response(),
        _ => next.run(request).await,
    }
}

impl Galerra {
    /// The whole HTTP surface, to be served as it is or nested under any prefix of a host's router.
    ///
    /// The state is baked in, so it nests into a host with a state of its own. A host that knows who is
    /// asking puts a [`crate::Viewer`] into the request's extensions; otherwise `Authorization: Bearer` decides.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let limit = self.engine().parts().imaging.max_bytes();
        let doors = Doors { galerra: self.clone(), uploads: Arc::new(upload::Room::new(limit)) };
        let table = routes().into_iter().fold(Router::new(), |router, route| {
            let allowed = route.methods;
            let refuse = move || async move { problem::method_not_allowed(allowed) };
            router.route(route.path, route.handler.fallback(refuse))
        });
        table
            .fallback(problem::no_such_path)
            .layer(DefaultBodyLimit::max(SMALL_BODY))
            .layer(axum::middleware::from_fn_with_state(self.clone(), settled))
            .layer(axum::middleware::from_fn(reply::guard))
            .with_state(doors)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_openapi_document_states_the_route_table() {
        let table: BTreeSet<(String, String)> = routes()
            .iter()
            .flat_map(|route| {
                route.methods.iter().map(|method| (route.path.to_owned(), method.as_str().to_lowercase()))
            })
            .collect();
        let document: serde_json::Value = serde_json::from_str(health::OPENAPI).unwrap();
        let stated = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            methods.map(|method| (path.clone(), method.clone()))
        });
        assert_eq!(stated.collect::<BTreeSet<_>>(), table);
    }
}
