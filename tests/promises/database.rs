//! Where a real server keeps its records: SQLite in its data folder, or a PostgreSQL database of its own.

use std::path::PathBuf;
use std::process::Command;

/// A place for records, made for one test.
pub enum Database {
    Sqlite,
    Postgres(Postgres),
}

/// A database of its own on the server that `GALERRA_TEST_POSTGRES` names.
pub struct Postgres {
    server: String,
    pub name: String,
}

impl Database {
    /// A fresh PostgreSQL database; `None` where there is no server, which only a machine that is not `CI` may say.
    pub async fn postgres(of: &str) -> Option<Self> {
        let Some(server) = std::env::var("GALERRA_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
            assert!(std::env::var_os("CI").is_none(), "GALERRA_TEST_POSTGRES is not set");
            println!("skipped: GALERRA_TEST_POSTGRES is not set");
            return None;
        };
        let database = Postgres { server, name: format!("{of}_{}", std::process::id()) };
        database.over(&format!("CREATE DATABASE {}", database.name)).await;
        Some(Self::Postgres(database))
    }

    /// What tells the server of it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sqlite => Vec::new(),
            Self::Postgres(database) => vec![("GALERRA_RECORDS", database.url())],
        }
    }

    /// Removes it; one of a test that failed stays to be looked at.
    pub async fn remove(self) {
        if let Self::Postgres(database) = self {
            database.over(&format!("DROP DATABASE {} WITH (FORCE)", database.name)).await;
        }
    }
}

impl Postgres {
    pub fn url(&self) -> String {
        let mut url: url::Url = self.server.parse().unwrap();
        url.set_path(&self.name);
        url.to_string()
    }

    /// Carries out a statement from outside of the database.
    pub async fn over(&self, sql: &str) {
        connect(&self.server).await.batch_execute(sql).await.unwrap();
    }

    /// Carries out a statement in the database.
    pub async fn execute(&self, sql: &str) {
        connect(&self.url()).await.batch_execute(sql).await.unwrap();
    }

    /// The only column of what a query answers, as bytes.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<u8>> {
        let rows = connect(&self.url()).await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, Option<Vec<u8>>>(0).unwrap_or_default()).collect()
    }

    /// Runs one of PostgreSQL's own programs over the database; answers what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(path_of(program)).args(arguments).arg(self.url()).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// Where a program of PostgreSQL is: with the newest server, else wherever programs are.
fn path_of(program: &str) -> PathBuf {
    let servers = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = servers.map(|server| server.path().join("bin").join(program)).filter(|path| path.exists());
    found.max().unwrap_or_else(|| program.into())
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
