//! A purge of many paths takes its time: the waits of the plan begin when its last path was told, not its first.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use galerra::Policy;
use galerra::cdn::Fault as CdnFault;
use galerra::cdn::{Capabilities, Cdn, CdnError, FakeCdn, Probe, Progress, Purge, Sighting, Tag, Ticket};
use galerra::storage::{Call, Fault};
use galerra::{Galerra, Parts};
use galerra_core::Env;
use http::{HeaderName, HeaderValue};
use time::{Duration, OffsetDateTime};
use url::Url;

use crate::client::{Client, text};
use crate::photos;
use crate::stage::{OPERATOR, Stage, World, erase};

/// Longer than every wait of the policy.
const TAKES: Duration = Duration::minutes(10);

/// A network that takes long over each purge.
#[derive(Debug)]
struct Slow {
    fake: FakeCdn,
    world: Arc<World>,
    /// When each purge began and ended.
    purges: Mutex<Vec<[OffsetDateTime; 2]>>,
}

#[async_trait]
impl Cdn for Slow {
    fn name(&self) -> &str {
        self.fake.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.fake.capabilities()
    }

    async fn purge(&self, purge: &Purge) -> Result<Ticket, CdnError> {
        let began = self.world.now();
        self.fake.clock().advance(TAKES.unsigned_abs());
        let ticket = self.fake.purge(purge).await?;
        self.purges.lock().unwrap().push([began, self.world.now()]);
        Ok(ticket)
    }

    async fn progress(&self, ticket: &Ticket) -> Result<Progress, CdnError> {
        self.fake.progress(ticket).await
    }

    async fn probe(&self, probe: &Probe) -> Result<Sighting, CdnError> {
        self.fake.probe(probe).await
    }

    fn headers(&self, tags: &[Tag]) -> Vec<(HeaderName, HeaderValue)> {
        self.fake.headers(tags)
    }

    fn url(&self, path: &str) -> Url {
        self.fake.url(path)
    }

    fn sign(&self, path: &str, until: OffsetDateTime) -> Result<Url, CdnError> {
        self.fake.sign(path, until)
    }
}

/// The stage behind one slow network.
fn boot(stage: &Stage, slow: &Arc<Slow>) -> Galerra {
    let parts = Parts { cdns: vec![slow.clone()], ..stage.boot().engine().parts().clone() };
    Galerra::new(parts).unwrap().with_operator_token(OPERATOR)
}

#[tokio::test]
async fn a_purge_that_takes_long_is_waited_for_from_its_end() {
    let stage = Stage::new().behind(|cdn| cdn);
    let fake = stage.cdns[0].clone();
    let slow = Arc::new(Slow { fake, world: stage.world.clone(), purges: Mutex::default() });
    let galerra = boot(&stage, &slow);
    let ada = Client::here(galerra.router()).as_bearer(OPERATOR).account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let erasure = erase(&ada, &format!("/api/v1/images/{}", text(&image, "id"))).await;
    for _ in 0..20 {
        if slow.purges.lock().unwrap().len() == 3 {
            break;
        }
        galerra.engine().tick().await.unwrap();
        stage.advance(Duration::seconds(15));
    }
    let purges = slow.purges.lock().unwrap().clone();
    let (wait, [_, first_ended], [second_began, second_ended]) =
        (stage.policy.purge_max + stage.policy.fill_max, purges[1], purges[2]);
    assert!(second_began - first_ended >= wait, "{purges:?}");
    stage.until_done(&ada, &erasure).await;
    assert!(
        stage.world.now() - second_ended >= wait,
        "the purge spreads, and two rounds of probes are apart"
    );
}

/// An upload that is still under way keeps records where they are, so that nobody knows yet what to ask networks for.
#[tokio::test]
async fn nothing_is_taken_for_clean_before_it_is_known_what_to_ask_for() {
    let policy = Policy {
        fill_max: Duration::SECOND,
        purge_max: Duration::ZERO,
        write_lease: Duration::minutes(10),
        ..Policy::default()
    };
    let stage = Stage { policy, ..Stage::new() }.behind(|cdn| cdn);
    let ada = stage.operator().account("ada", "free").await;
    let gallery = ada.gallery("g", "public").await;
    let image = ada.upload(&gallery, photos::small(1)).await;
    let cdn = stage.cdns[0].clone();
    let request =
        http::Request::builder().uri(text(&image["renditions"][0], "url")).body(Bytes::new()).unwrap();
    assert_eq!(cdn.serve(request).await.status(), 200);
    let tag = Tag::parse(format!("i-{}", &text(&image, "id")[4..])).unwrap();
    stage.blobs.fail(Call::Put, Fault::Hang);
    let upload = ada.upload(&gallery, photos::small(2));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), upload).await.is_err(), "it hangs");
    stage.blobs.heal();

    cdn.fault_always(CdnFault::Lie);
    let erased = erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
    for _ in 0..120 {
        stage.boot().engine().tick().await.unwrap();
        let shown = ada.get(&format!("/api/v1/erasures/{erased}")).await.expect(200);
        assert!(cdn.held(&tag) == 0 || shown["state"] != "done", "a receipt while an edge holds it: {shown}");
        stage.advance(Duration::seconds(15));
    }
    cdn.heal();
    stage.until_done(&ada, &erased).await;
    assert_eq!(cdn.held(&tag), 0);
}
