use std::error::Error;
use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use galerra::{Config, Location};
use serde::Deserialize;
use toml::{Table, Value};
use url::Url;

/// Every setting of the server, from the environment and a settings file.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) listen: String,
    data: PathBuf,
    records: Option<Location>,
    blobs: Option<Location>,
    cdn: String,
    pub(crate) public_url: Option<Url>,
    cdn_url: Option<Url>,
    pub(crate) operator_token: Option<Secret>,
    fill_max: Option<f64>,
    purge_max: Option<f64>,
    write_lease: Option<f64>,
    tick: Option<f64>,
}

/// A text that `Debug` does not show.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            data: "galerra-data".into(),
            records: None,
            blobs: None,
            cdn: String::new(),
            public_url: None,
            cdn_url: None,
            operator_token: None,
            fill_max: None,
            purge_max: None,
            write_lease: None,
            tick: None,
        }
    }
}

const TEXTS: [&str; 8] =
    ["listen", "data", "records", "blobs", "cdn", "public_url", "cdn_url", "operator_token"];
const SECONDS: [&str; 4] = ["fill_max", "purge_max", "write_lease", "tick"];

impl Settings {
    /// Reads the file that `GALERRA_SETTINGS` names, if it names one, and lays the environment over it.
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let mut table = match variable("settings") {
            Some(path) => std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read the settings file `{path}`: {error}"))?
                .parse::<Table>()
                // The message of the parser would quote the line, and with it a secret.
                .map_err(|_| format!("the settings file `{path}` is not TOML"))?,
            None => Table::new(),
        };
        for name in TEXTS {
            if let Some(text) = variable(name) {
                table.insert(name.to_owned(), Value::String(text));
            }
        }
        for name in SECONDS {
            if let Some(text) = variable(name) {
                let seconds =
                    text.parse().map_err(|_| format!("{} must be a number of seconds", upper(name)))?;
                table.insert(name.to_owned(), Value::Float(seconds));
            }
        }
        table.try_into().map_err(|error: toml::de::Error| error.message().to_owned().into())
    }

    /// The library's settings; defaults lie in the data folder, which is made if it is needed.
    pub(crate) fn galerra(&self) -> Result<Config, Box<dyn Error>> {
        let inside = |scheme: &str, name: &str| {
            Location::from(format!("{scheme}:{}", self.data.join(name).display()).as_str())
        };
        if self.records.is_none() || self.blobs.is_none() {
            // Everything in it is its owner's alone.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.data)
                .map_err(|error| format!("cannot make the data folder `{}`: {error}", self.data.display()))?;
        }
        let default = Config::default();
        let edges = self.cdn.split(',').map(str::trim).filter(|url| !url.is_empty());
        Ok(Config {
            records: self.records.clone().unwrap_or_else(|| inside("sqlite", "records.sqlite")),
            blobs: self.blobs.clone().unwrap_or_else(|| inside("file", "blobs")),
            cdn: edges.map(Location::from).collect(),
            public_url: self.public_url.clone(),
            cdn_url: self.cdn_url.clone(),
            mount: default.mount,
            fill_max: self.fill_max.unwrap_or(default.fill_max),
            purge_max: self.purge_max.unwrap_or(default.purge_max),
            write_lease: self.write_lease.unwrap_or(default.write_lease),
            tick: self.tick.unwrap_or(default.tick),
        })
    }
}

fn upper(name: &str) -> String {
    format!("GALERRA_{}", name.to_uppercase())
}

/// A variable that is set to nothing counts as not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(upper(name)).ok().filter(|text| !text.is_empty())
}
