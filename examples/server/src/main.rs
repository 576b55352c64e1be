//! The Galerra server: galleries in one command.
//!
//! It adds to the library what a host brings: settings, a sign-in, and a socket.

mod doctor;
mod home;
mod serve;
mod settings;
mod sign_in;
mod verify;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use galerra::imaging::{Developer, Processes, Role, role};
use galerra::{Galerra, Registry};
use settings::{Place, Settings};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use url::Url;

const HELP: &str = "galerra-server: image galleries whose deletions are proven

usage: galerra-server [serve]
       galerra-server verify RECEIPT.tlog-proof --log-key KEY [--witness KEY]…    offline; the key is at /log/key
       galerra-server doctor [--heal]      looks for what records and blobs do not know of each other

Settings come from the environment, or from the file that GALERRA_SETTINGS names (TOML, the same names in
lower case without the prefix; the environment wins):

  GALERRA_LISTEN          address and port; port 0 takes a free one     127.0.0.1:8080
  GALERRA_DATA            folder for everything                         ./galerra-data
  GALERRA_RECORDS         sqlite:PATH | postgres://… | memory:          sqlite: in the folder
  GALERRA_BLOBS           file:PATH | s3://BUCKET | memory:             file: in the folder
  GALERRA_CDN             varnish://HOST:PORT | nginx://HOST:PORT, several by commas
  GALERRA_PUBLIC_URL      where people reach this server                http:// and the address
  GALERRA_CDN_URL         what image addresses of open galleries start with
  GALERRA_OPERATOR_TOKEN  the operator's token                          made at the first run, printed once
  GALERRA_IMAGING         processes | threads: where images are developed processes
  GALERRA_FILL_MAX GALERRA_PURGE_MAX GALERRA_WRITE_LEASE GALERRA_TICK   seconds: 120 30 60 1
  GALERRA_RETENTION       what is kept for how long, such as {trash_days=7,account_grace_days=14}
  GALERRA_SIGNING_KEY     signs addresses of private images for an nginx at GALERRA_CDN_URL
  GALERRA_PROXIES         proxies of one's own in front, for X-Forwarded-For    0
  GALERRA_LIMITS GALERRA_PRESETS GALERRA_WATERMARK   what an image may ask for · its renditions · their mark: see README
  GALERRA_WITNESSES       who cosigns the log: [{url='http://…/log/witness',key='…'}]
  GALERRA_WITNESSED       the keys of logs that are cosigned here: ['…']
  GALERRA_LOG             what to log, such as info or galerra=debug    info
";

fn main() -> ExitCode {
    match role() {
        Role::Host(processes) => host(processes),
        Role::Worker(code) => code,
    }
}

#[tokio::main]
async fn host(processes: Processes) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["serve"] => {}
        ["verify", rest @ ..] => return verify::verify(rest),
        ["doctor", heal @ ..] if matches!(heal, [] | ["--heal"]) => {
            log_from("warn");
            return ended(doctor::doctor(!heal.is_empty()).await);
        }
        ["--version" | "-V"] => {
            println!("galerra-server {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        ["--help" | "-h" | "help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    }
    ended(run(processes).await.map(|()| true))
}

/// What to tell whoever started it.
fn ended(outcome: Result<bool, Box<dyn Error>>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprint!("galerra-server: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn run(processes: Processes) -> Result<(), Box<dyn Error>> {
    let settings = Settings::read()?;
    log_from("info");
    let listener = TcpListener::bind(&settings.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", settings.listen))?;
    let address = Url::parse(&format!("http://{}", listener.local_addr()?))?;
    let config = settings.galerra()?;
    let developer = Developer::new(config.limits.clone(), config.recipe()?);
    let developer = match settings.imaging {
        Place::Processes => developer.in_processes(processes),
        Place::Threads => developer,
    };
    let galerra = Galerra::open_with(&config, &Registry::default(), Arc::new(developer)).await?;
    let galerra = match &settings.public_url {
        Some(_) => galerra,
        None => galerra.with_public_url(address.clone()),
    };
    println!("listening on {}", address.as_str().trim_end_matches('/'));
    let galerra = operator(galerra, &settings, &address).await?;
    let router: Router = sign_in::identify(home::routes(&galerra).merge(galerra.router()), &galerra);
    serve::serve(listener, router, &galerra, settings.proxies).await;
    Ok(())
}

/// Logs to standard error what `GALERRA_LOG` asks for.
fn log_from(level: &str) {
    let filter = EnvFilter::try_from_env("GALERRA_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// The operator's token: from the settings, or made at the first run and printed this once.
async fn operator(galerra: Galerra, settings: &Settings, address: &Url) -> Result<Galerra, galerra::Error> {
    if let Some(token) = &settings.operator_token {
        return Ok(galerra.with_operator_token(token.reveal()));
    }
    if let Some(token) = galerra.engine().found_operator().await? {
        println!("operator token (shown once, keep it): {}", token.reveal());
        println!("sign in with it at {address} to make the first account");
    }
    Ok(galerra)
}
