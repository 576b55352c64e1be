//! The contract, run against every network of this crate, and networks that must fail it.

mod benches;
mod copies;
mod fake;
mod guard;
mod nginx;
mod origin;
mod transport;
mod varnish;

use std::time::Duration;

use benches::{Fake, Real};
use galerra_cdn::{FakeCdn, cdn_conformance};
use nginx::Nginx;
use varnish::Varnishd;

cdn_conformance!(one_edge, Fake::new(FakeCdn::new()));
cdn_conformance!(several_edges, Fake::new(FakeCdn::new().with_edges(3)));
cdn_conformance!(with_shield, Fake::new(FakeCdn::new().with_edges(2).with_shield()));
cdn_conformance!(
    slow,
    Fake::new(FakeCdn::new().with_edges(2).with_shield().with_delay(Duration::from_secs(30)))
);
cdn_conformance!(without_probes, Fake::new(FakeCdn::new().without_probes()));
cdn_conformance!(by_paths, Fake::new(FakeCdn::new().with_edges(2).with_shield().by_paths()));
cdn_conformance!(real_varnish, maybe Real::<Varnishd>::start().await);
cdn_conformance!(real_nginx, maybe Real::<Nginx>::start().await);
