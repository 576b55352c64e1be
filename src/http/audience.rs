use axum::Json;
use axum::extract::State;
use galerra_core::{CachePolicy, Disclosure, GalleryId, Grant, Listeners};
use serde_json::{Map, Value, json};

use super::Doors;
use super::extract::{Asking, Id};
use super::problem::Answer;
use super::reply;

/// Who sees a gallery, through what, in which form, and which caches may hold it.
pub(crate) async fn audience(
    State(doors): State<Doors>,
    Asking(viewer): Asking,
    Id(gallery): Id<GalleryId>,
) -> Answer<Json<Value>> {
    let listeners = doors.galerra.engine().audience(&viewer, gallery).await?;
    let Listeners { gallery, tally, owner, passer, guests } = &listeners;
    let mut who = vec![json!({"who": "owner", "sees": sees(&listeners, owner)})];
    who.extend(passer.iter().map(|grant| json!({"who": "anyone", "sees": sees(&listeners, grant)})));
    who.extend(guests.iter().map(|(share, grant)| {
        let sees = grant.as_ref().map(|grant| sees(&listeners, grant));
        json!({"who": "link", "link": reply::share(share), "sees": sees})
    }));
    Ok(Json(json!({
        "gallery": gallery.id,
        "visibility": gallery.visibility.kind(),
        "hidden": tally.hidden,
        "held": tally.held,
        "who": who,
        "caches": caches(&doors, owner.cache()),
    })))
}

fn sees(listeners: &Listeners, grant: &Grant) -> Value {
    let forms = ["renditions"].into_iter().chain(grant.may_download().then_some("master"));
    let metadata = match (grant.is_owner(), grant.is_guest(), grant.may_read_facts()) {
        (true, ..) => "all",
        (_, true, true) => "all-but-places-not-shown",
        (_, true, false) => "none",
        (_, false, _) => "as-shown",
    };
    json!({
        "images": grant.counts(listeners.tally),
        "forms": forms.chain(grant.is_owner().then_some("original")).collect::<Vec<_>>(),
        "metadata": metadata,
        "may_upload": grant.takes().is_some(),
    })
}

/// What may hold renditions besides the stores, and for how long.
fn caches(doors: &Doors, policy: CachePolicy) -> Vec<Value> {
    let CachePolicy::Public { shared } = policy else { return Vec::new() };
    let held = |who: &str, seconds: u32| json!({"who": who, "holds": "renditions", "seconds": seconds});
    let networks = doors.galerra.engine().parts().cdns.iter().map(|cdn| held(cdn.name(), shared));
    [held("browsers", 300)].into_iter().chain(networks).collect()
}

/// What a link would give away.
pub(crate) fn disclosed(disclosure: &Disclosure) -> Value {
    let facts = disclosure.facts.iter().map(|(fact, told, known)| {
        let name = json!(fact).as_str().unwrap_or_default().to_owned();
        (name, json!({"told": told, "kept": known - told}))
    });
    json!({
        "images": disclosure.images,
        "kept": disclosure.kept,
        "texts": disclosure.texts,
        "full_size": disclosure.full_size.map(|(images, bytes)| json!({"images": images, "bytes": bytes})),
        "facts": facts.collect::<Map<_, _>>(),
    })
}
