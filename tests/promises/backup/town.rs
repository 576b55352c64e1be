//! A server behind real edges whose database is copied, and what is erased, revoked and hidden after that.

use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value, json};

use super::crowd::Question;
use crate::client::{Client, text};
use crate::database::Database;
use crate::nginx::Nginx;
use crate::photos;
use crate::server::{Server, doctor, free_port};
use crate::stage::erase;
use crate::varnish::Varnishd;

/// How a backup is made: of a server that is stopped, or of one that runs.
#[derive(Debug, Clone, Copy)]
pub enum How {
    Stopped,
    Running,
}

pub struct Town {
    server: Option<Server>,
    database: Database,
    settings: Vec<(&'static str, String)>,
    data: tempfile::TempDir,
    backup: tempfile::TempDir,
    _edges: (Varnishd, Nginx),
    pub port: u16,
    pub operator: Client,
    ada: Client,
    eve: Client,
    open: String,
    other: String,
    share: String,
    pub kept: Value,
    erased: Value,
    hidden: Value,
    pub questions: Vec<Question>,
}

impl Town {
    /// `None` where there are no caches to put in front.
    pub async fn start(database: Database) -> Option<Self> {
        let port = free_port();
        let edges = (Varnishd::start(port)?, Nginx::start(port, "a secret of the town")?);
        let (data, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cdns = format!("varnish://127.0.0.1:{},nginx://127.0.0.1:{}", edges.0.port(), edges.1.port());
        let mut settings = database.settings();
        settings.push(("GALERRA_CDN", cdns));
        let server = Server::start(data.path(), port, &settings);
        let operator = server.operator();
        let (ada, eve) = (operator.account("ada", "pro").await, operator.account("eve", "free").await);
        let (open, other) = (ada.gallery("open", "public").await, ada.gallery("other", "public").await);
        let mut images = Vec::new();
        for nth in 0..3 {
            images.push(ada.upload(&open, photos::small(nth)).await);
        }
        let [kept, erased, hidden] = <[Value; 3]>::try_from(images).unwrap();
        let mut town = Self {
            server: Some(server),
            database,
            settings,
            data,
            backup,
            _edges: edges,
            port,
            operator,
            ada,
            eve,
            open,
            other,
            share: String::new(),
            kept,
            erased,
            hidden,
            questions: Vec::new(),
        };
        town.ask_for_what_is_open().await;
        town.ask_for_what_is_shared().await;
        Some(town)
    }

    /// What is open now and will be erased or hidden.
    async fn ask_for_what_is_open(&mut self) {
        let stranger = self.operator.stranger();
        let (erased, hidden) = (text(&self.erased, "id"), text(&self.hidden, "id"));
        let (page, images) = (format!("/g/{}", self.open), format!("/api/v1/galleries/{}/images", self.open));
        let mut questions = Vec::new();
        for (image, id) in [(&self.erased, &erased), (&self.hidden, &hidden)] {
            questions.push(Question::get(&stranger, &text(&image["renditions"][0], "url"), ""));
            questions.push(Question::get(&stranger, &format!("/api/v1/images/{id}"), ""));
            questions.extend([&page, &images].map(|path| Question::get(&stranger, path, id)));
        }
        questions.push(Question::get(&self.ada, &images, &erased));
        questions.push(Question::get(&self.ada, &format!("/api/v1/images/{erased}/original"), ""));
        questions.push(Question::get(&self.ada, "/api/v1/galleries", &self.other));
        questions.push(Question::get(&self.eve, "/api/v1/account", ""));
        let theirs = self.eve.gallery("of eve", "public").await;
        for (owner, gallery) in [(&self.ada, &self.other), (&self.eve, &theirs)] {
            let image = owner.upload(gallery, photos::small(7)).await;
            questions.push(Question::get(&stranger, &format!("/g/{gallery}"), ""));
            questions.push(Question::get(&stranger, &text(&image["renditions"][0], "url"), ""));
            questions.push(Question::get(owner, &format!("/api/v1/images/{}", text(&image, "id")), ""));
        }
        self.questions.extend(questions);
    }

    /// What a link opens now that will be revoked.
    async fn ask_for_what_is_shared(&mut self) {
        let private = self.ada.gallery("private", "private").await;
        let image = self.ada.upload(&private, photos::small(8)).await;
        let shares = format!("/api/v1/galleries/{private}/shares");
        let share = self.ada.post(&shares, &json!({"label": "friends"})).await.expect(201);
        let link = text(&share, "url");
        let link = &link[link.find("/s/").unwrap()..];
        let program = self.operator.stranger().with("accept", "application/json");
        let told = program.send(Method::POST, link, "", "").await.expect(200);
        let guest = self.operator.stranger().as_bearer(&text(&told, "pass"));
        self.share = text(&share, "id");
        self.questions.extend([
            Question { method: Method::POST, ..Question::get(&program, link, "") },
            Question::get(&guest, &text(&image["renditions"][0], "url"), ""),
            Question::get(&guest, &format!("/g/{private}"), ""),
            Question::get(&self.ada, "/api/v1/shares", &self.share),
        ]);
    }

    /// Erases, revokes and hides; answers the erasures.
    pub async fn narrow(&self) -> Vec<String> {
        let erased = erase(&self.ada, &format!("/api/v1/images/{}", text(&self.erased, "id"))).await;
        let other = erase(&self.ada, &format!("/api/v1/galleries/{}", self.other)).await;
        let eve = text(&self.eve.delete("/api/v1/account").await.expect(202), "erasure");
        self.ada.delete(&format!("/api/v1/shares/{}", self.share)).await.expect(204);
        let hidden = format!("/api/v1/images/{}", text(&self.hidden, "id"));
        let hide = json!({"hidden": true}).to_string();
        self.ada.send(Method::PATCH, &hidden, "application/json", hide).await.expect(200);
        vec![erased, other, eve]
    }

    pub fn stop(&mut self) {
        assert!(self.server.take().unwrap().stop());
    }

    pub fn go_on(&mut self) {
        self.server = Some(Server::start(self.data.path(), self.port, &self.settings));
    }

    /// Takes the ledger away, as nobody should.
    pub fn hide_ledger(&self) {
        std::fs::rename(self.ledger(), self.backup.path().join("ledger")).unwrap();
    }

    pub fn show_ledger(&self) {
        std::fs::remove_dir_all(self.ledger()).ok();
        std::fs::rename(self.backup.path().join("ledger"), self.ledger()).unwrap();
    }

    fn ledger(&self) -> PathBuf {
        self.data.path().join("blobs/ledger")
    }

    /// What the doctor says of the server, which must be stopped.
    pub fn doctor(&self, arguments: &[&str]) -> (bool, String) {
        doctor(self.data.path(), &self.settings, arguments)
    }

    /// What the doctor says when nothing is wrong: three images are left, and what is made of them.
    pub fn well(&self) -> String {
        format!("3 images, {} blobs looked at\n", files(&self.data.path().join("blobs")).len())
    }

    /// Puts a blob where no record knows it, and takes away one that a record knows; answers what the doctor says of both.
    pub fn spoil(&self) -> (String, String) {
        let (id, file) = (text(&self.kept, "id"), text(&self.kept["renditions"][0], "url"));
        let file = file.rsplit('/').next().unwrap();
        let blobs = files(&self.data.path().join("blobs"));
        let of_kept = |path: &&PathBuf| path.display().to_string().contains(&id);
        let known = blobs.iter().filter(of_kept).find(|path| path.ends_with(file)).unwrap();
        let stray = known.parent().unwrap().join("stray.jpg");
        std::fs::rename(known, stray).unwrap();
        ("stray.jpg".to_owned(), format!("missing: {file} of {id}"))
    }

    fn records(&self) -> PathBuf {
        self.data.path().join("records.sqlite")
    }

    pub async fn back_up(&mut self, how: How) {
        let copy = self.backup.path().join("records");
        match (&self.database, how) {
            (Database::Sqlite, How::Running) => {
                let database = rusqlite::Connection::open(self.records()).unwrap();
                database.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
            }
            (Database::Postgres(database), How::Running) => {
                database.run("pg_dump", &["-Fc", "-f", copy.to_str().unwrap(), "--dbname"]);
            }
            (_, How::Stopped) => {
                self.stop();
                match &self.database {
                    Database::Sqlite => _ = std::fs::copy(self.records(), copy).unwrap(),
                    Database::Postgres(database) => {
                        let name = &database.name;
                        database.over(&format!("CREATE DATABASE {name}_copy TEMPLATE {name}")).await;
                    }
                }
                self.go_on();
            }
        }
    }

    pub async fn restore(&self, how: How) {
        let copy = self.backup.path().join("records");
        match &self.database {
            Database::Sqlite => {
                for beside in ["records.sqlite-wal", "records.sqlite-shm"] {
                    std::fs::remove_file(self.data.path().join(beside)).ok();
                }
                std::fs::copy(copy, self.records()).unwrap();
            }
            Database::Postgres(database) => {
                let name = &database.name;
                database.over(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
                let template = if matches!(how, How::Stopped) {
                    format!(" TEMPLATE {name}_copy")
                } else {
                    String::new()
                };
                database.over(&format!("CREATE DATABASE {name}{template}")).await;
                if matches!(how, How::Running) {
                    database.run("pg_restore", &[copy.to_str().unwrap(), "--dbname"]);
                }
            }
        }
    }

    /// Ends everything.
    pub async fn end(mut self) {
        self.stop();
        if let Database::Postgres(database) = &self.database {
            database.over(&format!("DROP DATABASE IF EXISTS {}_copy", database.name)).await;
        }
        self.database.remove().await;
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
