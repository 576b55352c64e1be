//! The real server, as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::client::Client;

/// The operator's token of every server here.
const OPERATOR: &str = "the operator of the server";

/// A running server; it is stopped with this value.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts a server over a data folder, with more settings, and waits until it listens.
    pub fn start(data: &Path, port: u16, settings: &[(&str, String)]) -> Self {
        Self::begin(data, port, settings, Stdio::inherit())
    }

    /// The same on a free port, with its log in a file.
    pub fn start_logging(data: &Path, log: &Path, settings: &[(&str, String)]) -> Self {
        Self::begin(data, 0, settings, std::fs::File::create(log).unwrap().into())
    }

    /// The same on a given port.
    pub fn logging_at(port: u16, data: &Path, log: &Path, settings: &[(&str, String)]) -> Self {
        Self::begin(data, port, settings, std::fs::File::create(log).unwrap().into())
    }

    fn begin(data: &Path, port: u16, settings: &[(&str, String)], log: Stdio) -> Self {
        let mut command = over(data, settings);
        command.env("GALERRA_LISTEN", format!("127.0.0.1:{port}")).stderr(log).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://127.0.0.1:");
        let port = address.unwrap_or_else(|| panic!("the first line is {line:?}")).parse().unwrap();
        Self { child, port }
    }

    /// A client of the server, as the operator.
    pub fn operator(&self) -> Client {
        Client::net(&format!("http://127.0.0.1:{}", self.port)).as_bearer(OPERATOR)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end, and waits until it has; whether it ended well.
    pub fn stop(mut self) -> bool {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// The program over a data folder, with more settings.
fn over(data: &Path, settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(binary());
    command
        .env("GALERRA_DATA", data)
        .env("GALERRA_OPERATOR_TOKEN", OPERATOR)
        .envs([("GALERRA_FILL_MAX", "0.2"), ("GALERRA_PURGE_MAX", "0"), ("GALERRA_TICK", "0.05")])
        .env("GALERRA_LOG", "warn")
        .envs(settings.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null());
    command
}

/// What `galerra-server doctor` says of a server that is stopped, and whether it thinks that all is well.
pub fn doctor(data: &Path, settings: &[(&str, String)], arguments: &[&str]) -> (bool, String) {
    let output = over(data, settings).arg("doctor").args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// How `galerra-server verify` ends.
pub fn verify(arguments: &[&str]) -> Option<i32> {
    Command::new(binary()).arg("verify").args(arguments).output().unwrap().status.code()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// The server's binary: the one `GALERRA_SERVER` names, else one built beside this test.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("GALERRA_SERVER") {
            return path.into();
        }
        let build = ["build", "--quiet", "-p", "galerra-server"];
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo).args(build).current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(status.unwrap().success(), "the server builds");
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap();
        [folder.join("galerra-server"), folder.join("../debug/galerra-server")]
            .into_iter()
            .find(|path| path.exists())
            .unwrap()
    })
}

/// Tries something until it holds, for at most a minute.
pub async fn eventually<F: AsyncFn() -> bool>(what: &str, holds: F) {
    within(1, what, holds).await;
}

/// Tries something until it holds, for at most so many minutes.
pub async fn within<F: AsyncFn() -> bool>(minutes: usize, what: &str, holds: F) {
    for _ in 0..1200 * minutes {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: not within {minutes} min");
}
