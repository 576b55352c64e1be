//! Starts a real nginx on a free port of loopback, with the configuration of `tests/edges/nginx`.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::server::free_port;

/// A running nginx; it ends with this value.
pub struct Nginx {
    pub port: u16,
    dir: tempfile::TempDir,
    child: Child,
}

impl Nginx {
    /// Starts one in front of an origin on loopback; `None` where it is not installed, which only a machine that is not
    /// `CI` may say.
    pub fn start(origin_port: u16, secret: &str) -> Option<Self> {
        if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
            assert!(std::env::var_os("CI").is_none(), "nginx is not installed");
            println!("skipped: nginx is not installed");
            return None;
        }
        let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/edges/nginx/nginx.conf");
        let config = std::fs::read_to_string(path).unwrap();
        let config = config
            .replace("@PORT@", &port.to_string())
            .replace("@ORIGIN@", &format!("127.0.0.1:{origin_port}"))
            .replace("@SECRET@", secret)
            .replace("@DIR@", &dir.path().display().to_string());
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let log = dir.path().join("error.log");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).arg("-p").arg(dir.path()).arg("-e").arg(&log);
        // Its workers run as another user when it is started by root, and have to reach their folder.
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut nginx = Self { port, dir, child };
        for _ in 0..500 {
            assert!(nginx.child.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(&log).unwrap());
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(nginx);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nginx does not listen");
    }

    /// Where it keeps its logs and copies.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().ok();
        self.child.wait().ok();
    }
}
