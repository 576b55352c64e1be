//! Starts a real Varnish on a free port of loopback, with the configuration of `tests/edges/varnish`.
//!
//! This file needs nothing but the standard library, so that other test binaries can include it by path.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs, io, thread};

static STARTED: AtomicU32 = AtomicU32::new(0);
/// What of requests stays out of the log in shared memory: addresses, headers, and who sent them.
const UNLOGGED: &str = "vsl_mask=-SessOpen,-ReqStart,-ReqURL,-ReqHeader,-ReqUnset,-RespHeader,-RespUnset,-BereqURL,\
    -BereqHeader,-BereqUnset,-BerespHeader,-BerespUnset,-HttpGarbage";

/// A running Varnish; it ends with this value.
#[derive(Debug)]
pub(crate) struct Varnishd {
    port: u16,
    dir: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Varnishd {
    /// Starts one in front of an origin on loopback.
    ///
    /// `None` when Varnish is not installed, which only a machine that is not `CI` may say.
    pub(crate) fn start(origin_port: u16) -> Option<Self> {
        if !installed() {
            assert!(env::var_os("CI").is_none(), "varnishd is not installed");
            println!("skipped: varnishd is not installed");
            return None;
        }
        // Another process may take the free port before Varnish does: try again with the next.
        let started = (0..3).find_map(|_| Self::try_start(origin_port).ok());
        Some(started.expect("varnishd starts"))
    }

    fn try_start(origin_port: u16) -> io::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("varnish-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir)?;
        write_vcl(&dir, origin_port)?;
        let child = command(&dir, port).spawn()?;
        let varnish = Self { port, dir, child: Mutex::new(Some(child)) };
        varnish.wait_until_up()?;
        Ok(varnish)
    }

    /// Where it listens on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps its logs; its working folder is `work` in it.
    pub(crate) fn folder(&self) -> &Path {
        &self.dir
    }

    /// Ends the process; its copies are lost.
    pub(crate) fn stop(&self) {
        if let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() {
            terminate(&mut child);
        }
    }

    fn wait_until_up(&self) -> io::Result<()> {
        for _ in 0..1000 {
            // First of all ours must live: another process may be listening there.
            let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(status) = child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                return Err(io::Error::other(format!("varnishd ended: {status}\n{}", self.log())));
            }
            drop(child);
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, self.log()))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }
}

impl Drop for Varnishd {
    fn drop(&mut self) {
        self.stop();
        fs::remove_dir_all(&self.dir).ok();
    }
}

fn installed() -> bool {
    Command::new("varnishd").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn command(dir: &Path, port: u16) -> Command {
    let mut command = Command::new("varnishd");
    // One thread pool and little memory: several run at once on a small machine.
    command
        .args(["-F", "-j", "none", "-i", "edge", "-T", "none", "-s", "malloc,64m"])
        .args(["-a", &format!("127.0.0.1:{port}")])
        .args(["-p", "thread_pools=1", "-p", "thread_pool_min=5", "-p", "thread_pool_max=200"])
        .args(["-p", "default_grace=0", "-p", "default_keep=0", "-p", UNLOGGED, "-p", "vsl_space=2m"])
        .arg("-p")
        .arg(format!("vcl_path={}", dir.display()))
        .arg("-n")
        .arg(dir.join("work"))
        .arg("-f")
        .arg(dir.join("edge.vcl"));
    let log = fs::File::create(dir.join("log")).expect("a log file");
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a handle")).stderr(log);
    command
}

/// Copies the configuration, with the origin filled in.
fn write_vcl(to: &Path, origin_port: u16) -> io::Result<()> {
    // The front door and the leaves see the same folder from different places.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = root.join("tests/edges/varnish");
    let from = if here.is_dir() { here } else { root.join("../tests/edges/varnish") };
    let edge = fs::read_to_string(from.join("edge.vcl"))?
        .replace("@ORIGIN_HOST@", "127.0.0.1")
        .replace("@ORIGIN_PORT@", &origin_port.to_string());
    fs::write(to.join("edge.vcl"), edge)?;
    fs::copy(from.join("guard.vcl"), to.join("guard.vcl")).map(drop)
}

/// Asks this one process to end, and makes it end when it does not.
fn terminate(child: &mut Child) {
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().ok();
    for _ in 0..250 {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().ok();
    child.wait().ok();
}
