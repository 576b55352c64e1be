//! A real server behind a real Varnish and a real nginx, and an account that has written something into every field.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::needle::{Needle, Until};
use super::picture;
use super::visits::come_too_early;
use crate::client::{Client, text};
use crate::database::Database;
use crate::nginx::Nginx;
use crate::server::{Server, eventually, free_port};
use crate::varnish::Varnishd;

/// What every text here begins with; the rest names its field.
pub const CANARY: &str = "canary-7d31";

pub struct Scene {
    pub server: Server,
    pub database: Database,
    pub varnish: Varnishd,
    pub nginx: Nginx,
    /// The server's data, and where it logs and may put what it needs for a moment.
    pub data: tempfile::TempDir,
    pub temporary: tempfile::TempDir,
    pub operator: Client,
    pub ada: Client,
    pub needles: Vec<Needle>,
    /// The addresses of everything that networks may keep.
    pub open: Vec<String>,
}

impl Scene {
    /// `None` where there are no caches to put in front.
    pub async fn start(database: Database) -> Option<Self> {
        let port = free_port();
        let (varnish, nginx) = (Varnishd::start(port)?, Nginx::start(port, "a secret of the canaries")?);
        let (data, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = temporary.path().join("log");
        let edges = format!("varnish://127.0.0.1:{},nginx://127.0.0.1:{}", varnish.port(), nginx.port());
        let mut settings = database.settings();
        settings.push(("GALERRA_CDN", edges));
        settings.push(("GALERRA_LOG", "trace".to_owned()));
        settings.push(("TMPDIR", temporary.path().display().to_string()));
        let early =
            [nginx.port(), varnish.port()].map(|port| Client::net(&format!("http://127.0.0.1:{port}")));
        let early = come_too_early(&early).await;
        let server = Server::logging_at(port, data.path(), &log, &settings);
        let operator = server.operator();
        let (name, mail) = (format!("{CANARY}-username"), format!("{CANARY}-email@example.org"));
        let new = json!({"username": name, "email": mail, "plan": "pro"});
        let made = operator.post("/api/v1/accounts", &new).await.expect(201);
        let ada = operator.at(nginx.port()).as_bearer(&text(&made, "api_key"));
        let (needles, open) = (Vec::new(), Vec::new());
        let mut scene =
            Self { server, database, varnish, nginx, data, temporary, operator, ada, needles, open };
        for edge in scene.edges() {
            // Varnish does not ask again at once where nobody answered.
            eventually("an edge asks", async || edge.get("/healthz").await.status == 200).await;
        }
        for said in early {
            scene.text(Until::Never, &said, &said);
        }
        scene.text(Until::Account, "username", &name);
        scene.text(Until::Account, "email", &mail);
        // What would still tell whether somebody had an account.
        for (field, text) in [("username", &name), ("email", &mail)] {
            let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{field}:{text}")));
            scene.text(Until::Account, &format!("digest of {field}"), &digest);
        }
        Some(scene)
    }

    pub fn text(&mut self, until: Until, name: &str, text: &str) {
        self.needles.push(Needle::text(until, name, text));
    }

    /// A text to write somewhere, looked for from now on.
    pub fn canary(&mut self, until: Until, name: &str) -> String {
        let text = format!("{CANARY}-{}", name.replace(' ', "-"));
        self.text(until, name, &text);
        text
    }

    /// A gallery whose texts were others before.
    pub async fn gallery(&mut self, until: Until, of: &str, visibility: &str) -> String {
        let mut texts = Vec::new();
        for (when, until) in [("first", Until::Replaced), ("last", until)] {
            let title = self.canary(until, &format!("{when} title of {of}"));
            let description = self.canary(until, &format!("{when} description of {of}"));
            texts.push(json!({"title": title, "description": description}));
        }
        let mut new = texts[0].clone();
        new["visibility"] = visibility.into();
        let gallery = text(&self.ada.post("/api/v1/galleries", &new).await.expect(201), "id");
        self.patch(&format!("/api/v1/galleries/{gallery}"), &texts[1]).await;
        gallery
    }

    pub async fn patch(&self, path: &str, edit: &Value) {
        self.ada.send(Method::PATCH, path, "application/json", edit.to_string()).await.expect(200);
    }

    /// An image with a trace in every field and in every corner of its file.
    pub async fn image(&mut self, until: Until, of: &str, gallery: &str, seed: u32) -> Value {
        let title = self.canary(until, &format!("title of {of}"));
        let alt = self.canary(until, &format!("alt of {of}"));
        let name = self.canary(until, &format!("file name of {of}"));
        let file = self.file(until, of, seed);
        let path = format!("/api/v1/galleries/{gallery}/images?title={title}&alt={alt}&name={name}.jpg");
        let image = self.ada.send(Method::POST, &path, "image/jpeg", file.clone()).await.expect(201);
        self.served(until, of, &image, &file).await;
        image
    }

    /// A file with a trace in every corner of its metadata.
    pub fn file(&mut self, until: Until, of: &str, seed: u32) -> Bytes {
        let traces = format!("{CANARY}-{}", of.replace(' ', "-"));
        for (place, trace) in picture::texts(&traces) {
            self.text(until, &format!("{place} of {of}"), &trace);
        }
        self.needles.push(Needle::bytes(until, &format!("place in the file of {of}"), &picture::place(seed)));
        picture::with_traces(seed, &traces)
    }

    /// Looks for everything that is made of an image, too.
    pub async fn served(&mut self, until: Until, of: &str, image: &Value, file: &[u8]) {
        let latitude = image["facts"]["location"]["latitude"].to_string();
        self.text(until, &format!("latitude of {of}"), &latitude);
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(file));
        self.text(until, &format!("digest of {of}"), &digest);
        self.needles.push(Needle::file(until, &format!("original of {of}"), file));
        let mut addresses: Vec<String> =
            image["renditions"].as_array().unwrap().iter().map(|it| text(it, "url")).collect();
        addresses.push(format!("/api/v1/images/{}/master", text(image, "id")));
        for address in addresses {
            let made = self.ada.get(&address).await;
            assert_eq!(made.status, 200, "{address}");
            let name = format!("{} of {of}", address.rsplit('/').next().unwrap());
            self.needles.push(Needle::file(until, &name, &made.body));
        }
    }

    /// The edges, as nobody in particular sees them.
    pub fn edges(&self) -> [Client; 2] {
        [self.nginx.port(), self.varnish.port()].map(|port| self.operator.stranger().at(port))
    }
}
