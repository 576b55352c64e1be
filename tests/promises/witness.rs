//! Witnesses: somebody else remembers how far the log has grown and signs it, so that a service cannot tell one thing to one
//! and another to the other, whatever it puts back.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use galerra::cdn::{Transport, TransportError};
use galerra::log::{Checkpoint, Cosignature, LogVerifier, Receipt, WitnessVerifier};
use galerra::{HttpWitness, Witnessing};
use galerra_core::Env;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use time::Duration;
use tower::ServiceExt;

use crate::client::Client;
use crate::server::{Server, eventually};
use crate::stage::{Stage, erase};

/// The way to another service, which may be cut.
#[derive(Debug)]
struct Way {
    to: Stage,
    is_cut: AtomicBool,
}

#[async_trait]
impl Transport for Way {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if self.is_cut.load(Ordering::Relaxed) {
            return Err(TransportError::Unreachable("the way is cut".to_owned()));
        }
        let answer = self.to.boot().router::<()>().oneshot(request.map(Body::from)).await.unwrap();
        let (parts, body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.collect().await.unwrap().to_bytes()))
    }
}

/// A service, and another one that watches its log.
struct Watched {
    stage: Stage,
    ada: Client,
    log: LogVerifier,
    witness: WitnessVerifier,
    way: Arc<Way>,
}

async fn key<T: FromStr<Err: std::fmt::Debug>>(client: &Client, path: &str) -> T {
    let text = client.get(path).await;
    assert_eq!(text.status, 200, "{path}");
    std::str::from_utf8(&text.body).unwrap().trim().parse().unwrap()
}

impl Watched {
    async fn new() -> Self {
        let (stage, mut to) = (Stage::new(), Stage::new());
        let log: LogVerifier = key(&stage.stranger(), "/log/key").await;
        to.operator().account("bob", "free").await;
        let witness: WitnessVerifier = key(&to.stranger(), "/log/witness/key").await;
        to.world = Arc::clone(&stage.world);
        to.witnessing.of = vec![log.clone()];
        let way = Arc::new(Way { to, is_cut: AtomicBool::new(false) });
        let url = "http://witness.example/log/witness/".parse().unwrap();
        let asked = HttpWitness::new(url, witness.clone()).unwrap().over(way.clone());
        let stage = Stage { witnessing: Witnessing { by: vec![asked], of: Vec::new() }, ..stage };
        let ada = stage.operator().account("ada", "free").await;
        Self { stage, ada, log, witness, way }
    }

    /// Erases a gallery; answers its receipt and how long that took.
    async fn erased(&self) -> (String, Duration) {
        let gallery = self.ada.gallery("g", "public").await;
        let ada = Client::here(self.stage.boot().router()).as_bearer(&self.ada.bearer());
        let erasure = erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
        let took = self.stage.until_done(&ada, &erasure).await;
        let receipt = ada.get(&format!("/api/v1/erasures/{erasure}/receipt")).await;
        (String::from_utf8(receipt.body.to_vec()).unwrap(), took)
    }

    /// When the witness has cosigned a receipt, if it has.
    fn cosigned(&self, receipt: &str) -> Option<Cosignature> {
        Receipt::verify(receipt, &self.log, &[]).expect("a receipt that verifies");
        let verified = Receipt::verify(receipt, &self.log, std::slice::from_ref(&self.witness)).ok()?;
        verified.cosigned.first().cloned()
    }

    async fn checkpoint(&self) -> Checkpoint {
        let text = self.stage.stranger().get("/log/checkpoint").await.body;
        Checkpoint::open(std::str::from_utf8(&text).unwrap(), &self.log).unwrap()
    }

    fn cut(&self, is_cut: bool) {
        self.way.is_cut.store(is_cut, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_witness_cosigns_the_receipts_of_a_log_that_grows() {
    let watched = Watched::new().await;
    for _ in 0..3 {
        let (receipt, took) = watched.erased().await;
        let cosigned = watched.cosigned(&receipt).expect("a cosignature");
        assert_eq!(cosigned.name, watched.witness.name());
        let now = u64::try_from(watched.stage.world.now().unix_timestamp()).unwrap();
        assert!(cosigned.time <= now && cosigned.time + 60 > now, "the witness says when");
        assert!(took < Duration::minutes(1), "{took}");
        let other: WitnessVerifier = key(&watched.stage.stranger(), "/log/witness/key").await;
        assert!(Receipt::verify(&receipt, &watched.log, &[other]).is_err(), "only by whom it was cosigned");
    }
    assert!(
        watched.checkpoint().await.cosigned(std::slice::from_ref(&watched.witness)).is_ok(),
        "everyone may see it"
    );
}

#[tokio::test]
async fn receipts_wait_for_a_witness_that_is_silent_but_not_for_ever() {
    let watched = Watched::new().await;
    watched.cut(true);
    let (receipt, took) = watched.erased().await;
    assert_eq!(watched.cosigned(&receipt), None);
    assert!((Duration::minutes(10)..Duration::minutes(12)).contains(&took), "{took}");
    // The silence is known: nobody else waits for it.
    let (receipt, took) = watched.erased().await;
    assert_eq!(watched.cosigned(&receipt), None);
    assert!(took < Duration::minutes(1), "{took}");
    watched.cut(false);
    watched.stage.advance(Duration::minutes(1));
    watched.stage.boot().engine().tick().await.unwrap();
    assert!(
        watched.checkpoint().await.cosigned(std::slice::from_ref(&watched.witness)).is_ok(),
        "made up for"
    );
    // And a silence that begins anew is waited for anew, for as long as it lasts.
    watched.cut(true);
    let gallery = watched.ada.gallery("g", "public").await;
    let erasure = erase(&watched.ada, &format!("/api/v1/galleries/{gallery}")).await;
    for _ in 0..20 {
        watched.stage.boot().engine().tick().await.unwrap();
        watched.stage.advance(Duration::seconds(15));
    }
    watched.cut(false);
    let shown = watched.ada.get(&format!("/api/v1/erasures/{erasure}")).await.expect(200);
    assert_ne!(shown["state"], "done");
    watched.stage.until_done(&watched.ada, &erasure).await;
    let receipt = watched.ada.get(&format!("/api/v1/erasures/{erasure}/receipt")).await.body;
    assert!(watched.cosigned(std::str::from_utf8(&receipt).unwrap()).is_some());
}

#[tokio::test]
async fn a_log_that_was_put_back_gets_no_cosignature_for_what_it_says_anew() {
    let watched = Watched::new().await;
    watched.erased().await;
    let (records, blobs) = (watched.stage.records.snapshot(), watched.stage.blobs.snapshot());
    let seen = watched.way.to.records.snapshot();
    watched.erased().await;
    // The whole service is put back, ledger and log as well, and its witness's records, too.
    watched.stage.records.restore(&records);
    watched.stage.blobs.restore(&blobs);
    watched.way.to.records.restore(&seen);
    watched.stage.advance(Duration::seconds(3));
    let (receipt, _) = watched.erased().await;
    assert_eq!(watched.cosigned(&receipt), None, "it was told something else about this place");
    let (receipt, _) = watched.erased().await;
    assert_eq!(watched.cosigned(&receipt), None);
}

#[tokio::test]
async fn records_alone_may_be_put_back() {
    let watched = Watched::new().await;
    watched.erased().await;
    let records = watched.stage.records.snapshot();
    watched.erased().await;
    watched.stage.records.restore(&records);
    watched.stage.advance(Duration::seconds(3));
    let (receipt, _) = watched.erased().await;
    assert!(watched.cosigned(&receipt).is_some(), "the log goes on where the public files end");
}

#[tokio::test]
async fn what_is_no_question_to_a_witness_is_refused() {
    let watched = Watched::new().await;
    watched.erased().await;
    let text = watched.stage.stranger().get("/log/checkpoint").await.body;
    let text = std::str::from_utf8(&text).unwrap();
    let signed = text.rsplit_once("— ").unwrap().0;
    let (head, signatures) = signed.split_once("\n\n").unwrap();
    let root = head.lines().nth(2).unwrap();
    let foreign = text.replacen("galerra-log/", "other-log/", 1);
    let cases = [
        (String::new(), 400, "malformed-checkpoint"),
        (format!("old 00\n\n{signed}"), 400, "malformed-checkpoint"),
        (format!("old 9\n\n{signed}"), 400, "checkpoint-refused"),
        (format!("old 0\n\n{head}\nmore\n\n{signatures}"), 400, "checkpoint-refused"),
        (format!("old 0\n\n{}", signed.replacen("\n1\n", "\n2\n", 1)), 403, "checkpoint-refused"),
        (format!("old 0\n\n{foreign}"), 404, "log-not-watched"),
        (format!("old 1\n{root}\n\n{signed}"), 422, "checkpoint-refused"),
        ("x".repeat(1 << 17), 413, "body-too-large"),
    ];
    let witness = watched.way.to.stranger();
    let path = "/log/witness/add-checkpoint";
    for (body, status, code) in cases {
        let answer = witness.send(Method::POST, path, "text/plain", body.clone()).await;
        assert_eq!(answer.problem(status), code, "{body}");
    }
    assert_eq!(
        witness.send(Method::POST, path, "", vec![0xff, 0xfe]).await.problem(400),
        "malformed-checkpoint"
    );
    let answer = witness.send(Method::POST, path, "", format!("old 0\n\n{signed}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (409, "text/x.tlog.size"));
    assert_eq!(answer.body, "1\n");
    let answer = witness.send(Method::POST, path, "", format!("old 1\n\n{signed}")).await;
    assert_eq!(answer.status, 200, "the same once more");
    let own = watched.stage.stranger().send(Method::POST, path, "", format!("old 1\n\n{signed}")).await;
    assert_eq!(own.problem(404), "log-not-watched", "nobody watches itself without being told to");
}

#[tokio::test]
async fn two_servers_witness_each_other() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let servers = [0, 1].map(|nth| Server::start(folders[nth].path(), 0, &[]));
    let ports = [servers[0].port, servers[1].port];
    let (mut logs, mut witnesses) = (Vec::new(), Vec::new());
    for server in &servers {
        logs.push(key::<LogVerifier>(&server.operator(), "/log/key").await);
        witnesses.push(key::<WitnessVerifier>(&server.operator(), "/log/witness/key").await);
    }
    for server in servers {
        assert!(server.stop());
    }
    let servers = [0, 1].map(|nth| {
        let (other, port) = (1 - nth, ports[1 - nth]);
        let url = format!("http://127.0.0.1:{port}/log/witness");
        let by = format!("[{{url=\"{url}\",key=\"{}\"}}]", witnesses[other]);
        let of = format!("[\"{}\"]", logs[other]);
        let settings = [("GALERRA_WITNESSES", by), ("GALERRA_WITNESSED", of)];
        Server::start(folders[nth].path(), ports[nth], &settings)
    });
    for (nth, server) in servers.iter().enumerate() {
        let ada = server.operator().account("ada", "free").await;
        let gallery = ada.gallery("g", "public").await;
        let erasure = erase(&ada, &format!("/api/v1/galleries/{gallery}")).await;
        let path = format!("/api/v1/erasures/{erasure}/receipt");
        eventually("a receipt", async || ada.get(&path).await.status == 200).await;
        let receipt = String::from_utf8(ada.get(&path).await.body.to_vec()).unwrap();
        let other = &witnesses[1 - nth];
        let verified = Receipt::verify(&receipt, &logs[nth], std::slice::from_ref(other)).unwrap();
        assert_eq!(verified.cosigned[0].name, other.name());
        assert_eq!(verified.object_id, gallery);
    }
}
