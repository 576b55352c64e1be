//! The purges that edges were asked for, as their own logs have them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use http::Method;

use crate::client::Client;
use crate::nginx::Nginx;
use crate::server::eventually;
use crate::varnish::Varnishd;

/// Purges of nothing: whatever comes between the first and the last in a log is all there was.
const FIRST: &str = "first-of-all";
const LAST: &str = "last-of-all";

/// What a Varnish writes of its purges, followed until this value ends.
pub struct OfVarnish {
    child: Child,
    file: PathBuf,
    port: u16,
}

impl OfVarnish {
    /// Begins to follow. Its log is a ring in memory: it has to be read while it is written.
    pub async fn follow(edge: &Varnishd) -> Self {
        let file = edge.folder().join("purges");
        let mut command = Command::new("varnishncsa");
        command.arg("-n").arg(edge.folder().join("work")).arg("-w").arg(&file);
        command.args(["-q", "ReqMethod eq \"PURGE\"", "-F", "%{VCL_Log:purged}x"]);
        let child = command.stdin(Stdio::null()).spawn().expect("varnishncsa comes with Varnish");
        let log = Self { child, file, port: edge.port() };
        log.mark(FIRST).await;
        log
    }

    /// The tag of each purge so far.
    pub async fn tags(&self) -> Vec<String> {
        self.mark(LAST).await;
        self.read().lines().filter(|line| ![FIRST, LAST].contains(line)).map(str::to_owned).collect()
    }

    /// Purges this until the log has it.
    async fn mark(&self, tag: &str) {
        let edge = Client::net(&format!("http://127.0.0.1:{}", self.port)).with("xkey-purge", tag);
        let purge = Method::from_bytes(b"PURGE").unwrap();
        eventually("a purge is in Varnish's log", async || {
            assert_eq!(edge.send(purge.clone(), "/", "", "").await.status, 200);
            self.read().contains(tag)
        })
        .await;
    }

    fn read(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap_or_default()
    }
}

impl Drop for OfVarnish {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The image of each path that an nginx was told to forget so far.
pub async fn images_at(edge: &Nginx) -> Vec<String> {
    let nginx = Client::net(&format!("http://127.0.0.1:{}", edge.port()));
    assert_eq!(nginx.get(&format!("/_purge/i/{LAST}/")).await.status, 404, "there is no such copy");
    let read = || std::fs::read_to_string(edge.folder().join("access.log")).unwrap_or_default();
    eventually("a purge is in nginx's log", async || read().contains(LAST)).await;
    let log = read();
    let purged = log.lines().filter_map(|line| line.split_once(" GET /_purge/i/")?.1.split('/').next());
    purged.filter(|image| *image != LAST).map(str::to_owned).collect()
}
