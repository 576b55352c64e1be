//! Starts a real nginx on a free port of loopback, with the configuration of `tests/edges/nginx`.
//!
//! This file needs nothing but the standard library, so that other test binaries can include it by path.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs, io, thread};

static STARTED: AtomicU32 = AtomicU32::new(0);
const MODULE: &str = "/usr/lib/nginx/modules/ngx_http_cache_purge_module.so";

/// A running nginx; it ends with this value.
#[derive(Debug)]
pub(crate) struct Nginx {
    port: u16,
    dir: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Nginx {
    /// Starts one in front of an origin on loopback, which verifies signed addresses by this secret.
    ///
    /// `None` when nginx or its module is not installed, which only a machine that is not `CI` may say.
    pub(crate) fn start(origin_port: u16, secret: &str) -> Option<Self> {
        if let Some(missing) = missing() {
            assert!(env::var_os("CI").is_none(), "{missing} is not installed");
            println!("skipped: {missing} is not installed");
            return None;
        }
        // Another process may take the free port before nginx does: try again with the next.
        let started = (0..3).find_map(|_| Self::try_start(origin_port, secret).ok());
        Some(started.expect("nginx starts"))
    }

    fn try_start(origin_port: u16, secret: &str) -> io::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("nginx-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir)?;
        // Started by root, its workers run as another user and have to reach their folder.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755))?;
        let config = template()?
            .replace("@PORT@", &port.to_string())
            .replace("@ORIGIN@", &format!("127.0.0.1:{origin_port}"))
            .replace("@SECRET@", secret)
            .replace("@DIR@", &dir.display().to_string());
        fs::write(dir.join("nginx.conf"), config)?;
        let nginx = Self { port, dir, child: Mutex::new(None) };
        nginx.run()?;
        Ok(nginx)
    }

    /// Where it listens on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps its logs and copies.
    pub(crate) fn folder(&self) -> &Path {
        &self.dir
    }

    /// Ends the process; its copies stay on the disk.
    pub(crate) fn stop(&self) {
        if let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() {
            terminate(&mut child);
        }
    }

    /// Starts the process, with the copies that are on the disk.
    pub(crate) fn run(&self) -> io::Result<()> {
        let log = self.dir.join("error.log");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(self.dir.join("nginx.conf")).arg("-p").arg(&self.dir).arg("-e").arg(&log);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut slot = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let child = slot.insert(child);
        for _ in 0..1000 {
            // First of all ours must live: another process may be listening there.
            if let Some(status) = child.try_wait()? {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(io::Error::other(format!("nginx ended: {status}\n{log}")));
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "nginx does not listen"))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop();
        fs::remove_dir_all(&self.dir).ok();
    }
}

/// What has to be installed first.
fn missing() -> Option<&'static str> {
    let version = Command::new("nginx").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match version {
        Err(_) => Some("nginx"),
        Ok(_) if !Path::new(MODULE).exists() => Some("libnginx-mod-http-cache-purge"),
        Ok(_) => None,
    }
}

fn template() -> io::Result<String> {
    // The front door and the leaves see the same folder from different places.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = root.join("tests/edges/nginx/nginx.conf");
    fs::read_to_string(if here.exists() { here } else { root.join("../tests/edges/nginx/nginx.conf") })
}

/// Asks this one process to end, and makes it end when it does not.
fn terminate(child: &mut Child) {
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().ok();
    for _ in 0..500 {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().ok();
    child.wait().ok();
}
