//! Three Varnish and two nginx in front of one origin, and what each of them says it was told to forget.

use futures::future::join_all;
use futures::{StreamExt, stream};

use super::purge_log;
use crate::client::Client;
use crate::nginx::Nginx;
use crate::varnish::Varnishd;

/// Requests under way at once at one edge.
const AT_ONCE: usize = 8;

/// A running fleet; it ends with this value.
pub struct Fleet {
    // They read what the Varnish write, and end before them.
    logs: Vec<purge_log::OfVarnish>,
    varnish: Vec<Varnishd>,
    pub nginx: Vec<Nginx>,
}

impl Fleet {
    /// Starts all of them; `None` where one is not installed.
    pub async fn start(origin: u16) -> Option<Self> {
        let varnish: Option<Vec<_>> = (0..3).map(|_| Varnishd::start(origin)).collect();
        let nginx: Option<Vec<_>> = (0..2).map(|_| Nginx::start(origin, "a secret of the fleet")).collect();
        let (varnish, nginx) = (varnish?, nginx?);
        let logs = join_all(varnish.iter().map(purge_log::OfVarnish::follow)).await;
        Some(Self { logs, varnish, nginx })
    }

    /// The setting that names them, Varnish first.
    pub fn setting(&self) -> String {
        let varnish = self.varnish.iter().map(|edge| format!("varnish://127.0.0.1:{}", edge.port()));
        let nginx = self.nginx.iter().map(|edge| format!("nginx://127.0.0.1:{}", edge.port()));
        varnish.chain(nginx).collect::<Vec<_>>().join(",")
    }

    /// How many there are; the first of them are Varnish.
    pub fn len(&self) -> usize {
        self.varnish.len() + self.nginx.len()
    }

    pub fn is_varnish(&self, nth: usize) -> bool {
        nth < self.varnish.len()
    }

    /// Asks every edge for every path; answers how many times one served it.
    pub async fn serves(&self, paths: &[String]) -> usize {
        let ports = self.varnish.iter().map(Varnishd::port).chain(self.nginx.iter().map(Nginx::port));
        let mut served = 0;
        for port in ports {
            let visitor = Client::net(&format!("http://127.0.0.1:{port}"));
            let asked = stream::iter(paths).map(|path| visitor.get(path)).buffer_unordered(AT_ONCE);
            served += asked.filter(|answer| std::future::ready(answer.status == 200)).count().await;
        }
        served
    }

    /// What each edge was told to forget, a line a request, by its own log: the tag at a Varnish, the image at an nginx.
    pub async fn told(&self) -> Vec<Vec<String>> {
        let mut told = Vec::new();
        for log in &self.logs {
            told.push(log.tags().await);
        }
        for edge in &self.nginx {
            told.push(purge_log::images_at(edge).await);
        }
        told
    }
}
