//! Everywhere something could be left, and what is.

use std::collections::BTreeMap;
use std::path::Path;

use super::needle::{Needle, Until};
use super::scene::Scene;
use crate::database::{Database, Postgres};

/// What was found, and where.
pub type Found = BTreeMap<String, Vec<String>>;

/// One place, as it is now.
pub struct Place {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Scene {
    /// Every file that server and edges have, everything that the operator is told, and every record.
    pub async fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for folder in [self.data.path(), self.temporary.path(), self.nginx.folder(), self.varnish.folder()] {
            files(folder, &mut places);
        }
        for path in [
            "/metrics",
            "/api/v1/operator/erasures",
            "/api/v1/operator/holds",
            "/api/v1/operator/retention?days=400",
            "/api/v1/operator/redevelopment",
        ] {
            let told = self.operator.get(path).await;
            assert_eq!(told.status, 200, "{path}");
            places.push(Place { name: path.to_owned(), bytes: told.body.into() });
        }
        match &self.database {
            Database::Sqlite => places.push(rows(&self.data.path().join("records.sqlite"))),
            Database::Postgres(database) => {
                let bytes = database.run("pg_dump", &["--dbname"]);
                places.push(Place { name: "pg_dump".to_owned(), bytes });
                places.extend(samples(database).await);
            }
        }
        places
    }

    /// Which of the needles are found, and where.
    pub async fn found(&self) -> Found {
        found_in(&self.needles, &self.places().await)
    }

    /// What should be gone is gone, and what should be there is there: once everything up to `gone` was erased.
    ///
    /// SQLite empties its log soon after a commit, not with it.
    pub async fn assert_gone(&self, gone: Until) {
        let mut left = Found::new();
        for _ in 0..10 {
            left = self.found().await;
            for needle in self.needles.iter().filter(|needle| needle.until > gone) {
                assert!(
                    left.contains_key(&needle.name),
                    "{gone:?}: {} is there before it is erased",
                    needle.name
                );
            }
            left.retain(|name, _| {
                self.needles.iter().any(|needle| needle.name == *name && needle.until <= gone)
            });
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        }
        panic!("{gone:?}: left are {left:#?}");
    }

    /// The scan sees what is put into each of these folders.
    pub async fn assert_scanned(&self) {
        let planted = Needle::text(Until::Never, "planted", "planted-in-a-folder");
        for folder in [self.data.path(), self.temporary.path(), self.nginx.folder(), self.varnish.folder()] {
            let file = folder.join("planted");
            std::fs::write(&file, "planted-in-a-folder").unwrap();
            let places = self.places().await;
            std::fs::remove_file(&file).unwrap();
            assert!(!found_in(std::slice::from_ref(&planted), &places).is_empty(), "{}", folder.display());
        }
    }
}

pub fn found_in<'a>(needles: impl IntoIterator<Item = &'a Needle>, places: &[Place]) -> Found {
    let mut found = Found::new();
    for needle in needles {
        let there = places.iter().filter(|place| needle.is_in(&place.bytes));
        let there: Vec<String> = there.map(|place| place.name.clone()).collect();
        if !there.is_empty() {
            found.insert(needle.name.clone(), there);
        }
    }
    found
}

fn files(folder: &Path, places: &mut Vec<Place>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, places);
        } else if let Ok(bytes) = std::fs::read(&path) {
            places.push(Place { name: path.display().to_string(), bytes });
        }
    }
}

/// The records of SQLite as they are read: in its file a text may be cut in two, by the end of a page.
fn rows(file: &Path) -> Place {
    let database =
        rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut all = database.prepare("SELECT key || char(10) || value || char(10) FROM records").unwrap();
    let all = all.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let bytes = all.map(Result::unwrap).collect::<String>().into_bytes();
    Place { name: "records".to_owned(), bytes }
}

/// What PostgreSQL remembers of columns to plan its queries: samples of what was in them.
async fn samples(database: &Postgres) -> Vec<Place> {
    let samples = "SELECT convert_to(s::text, 'UTF8') FROM pg_stats s WHERE schemaname = 'galerra'";
    let samples = database.rows(samples).await;
    samples.into_iter().map(|bytes| Place { name: "pg_stats".to_owned(), bytes }).collect()
}

impl Postgres {
    /// The files of the database as they are on the disk, and the log that writes go into first.
    pub async fn raw(&self) -> (Vec<Place>, Vec<Place>) {
        self.execute("CHECKPOINT").await;
        let folder = "'base/' || (SELECT oid FROM pg_database WHERE datname = current_database())";
        let names = format!(
            "SELECT convert_to({folder} || '/' || name, 'UTF8') FROM pg_ls_dir({folder}) AS name WHERE name ~ '^[0-9]'"
        );
        let segments = "SELECT convert_to('pg_wal/' || name, 'UTF8') FROM pg_ls_waldir()";
        (self.contents(&names).await, self.contents(segments).await)
    }

    async fn contents(&self, names: &str) -> Vec<Place> {
        let mut places = Vec::new();
        for name in self.rows(names).await {
            let name = String::from_utf8(name).unwrap();
            let read = format!("SELECT pg_read_binary_file('{name}', 0, 67108864, true)");
            places
                .extend(self.rows(&read).await.into_iter().map(|bytes| Place { name: name.clone(), bytes }));
        }
        places
    }
}
