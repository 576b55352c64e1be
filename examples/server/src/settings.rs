use std::error::Error;
use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

use galerra::cdn::SecureLink;
use galerra::{Config, Location};
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use url::Url;

/// Every setting of the server, from the environment and a settings file.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: String,
    pub(crate) public_url: Option<Url>,
    pub(crate) operator_token: Option<Secret>,
    pub(crate) imaging: Place,
    /// Proxies of one's own that requests come through, each of which adds to `X-Forwarded-For`.
    pub(crate) proxies: usize,
    data: PathBuf,
    galerra: Config,
    /// Whether anything lies in the data folder.
    uses_data: bool,
}

/// Where images are developed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Processes,
    Threads,
}

/// A text that `Debug` does not show.
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

/// What is wrong with a setting: names it, and never shows its value.
type Wrong = Box<dyn Error>;

impl Settings {
    /// Reads the file that `GALERRA_SETTINGS` names, if it names one, and lays the environment over it.
    pub(crate) fn read() -> Result<Self, Wrong> {
        let mut source = Source { file: settings_file()? };
        let default = Config::default();
        let data = PathBuf::from(source.text("data")?.unwrap_or_else(|| "galerra-data".to_owned()));
        let inside = |scheme: &str, name: &str| {
            Location::from(format!("{scheme}:{}", data.join(name).display()).as_str())
        };
        let records = source.text("records")?.map(|url| Location::from(url.as_str()));
        let blobs = source.text("blobs")?.map(|url| Location::from(url.as_str()));
        let cdn = source.text("cdn")?.unwrap_or_default();
        let public_url = source.url("public_url")?;
        let settings = Self {
            listen: source.text("listen")?.unwrap_or_else(|| "127.0.0.1:8080".to_owned()),
            public_url: public_url.clone(),
            operator_token: source.text("operator_token")?.map(Secret),
            imaging: match source.text("imaging")?.as_deref() {
                None | Some("processes") => Place::Processes,
                Some("threads") => Place::Threads,
                Some(_) => return Err("the setting `imaging` must be `processes` or `threads`".into()),
            },
            proxies: source.count("proxies")?,
            uses_data: records.is_none() || blobs.is_none(),
            galerra: Config {
                records: records.unwrap_or_else(|| inside("sqlite", "records.sqlite")),
                blobs: blobs.unwrap_or_else(|| inside("file", "blobs")),
                cdn: cdn
                    .split(',')
                    .map(str::trim)
                    .filter(|url| !url.is_empty())
                    .map(Location::from)
                    .collect(),
                public_url,
                cdn_url: source.url("cdn_url")?,
                signing_key: source.signing_key()?,
                mount: default.mount,
                fill_max: source.seconds("fill_max", default.fill_max)?,
                purge_max: source.seconds("purge_max", default.purge_max)?,
                write_lease: source.seconds("write_lease", default.write_lease)?,
                tick: source.seconds("tick", default.tick)?,
                retention: source.value("retention")?.unwrap_or_default(),
                limits: source.value("limits")?.unwrap_or_default(),
                presets: source.value("presets")?.unwrap_or_default(),
                watermark: source.value("watermark")?,
                witnesses: source.value("witnesses")?.unwrap_or_default(),
                witnessed: source.value("witnessed")?.unwrap_or_default(),
            },
            data,
        };
        match source.file.keys().next() {
            Some(unknown) => Err(format!("the settings file has `{unknown}`, which is no setting").into()),
            None => Ok(settings),
        }
    }

    /// The library's settings; the data folder is made if it is needed, for its owner alone.
    pub(crate) fn galerra(&self) -> Result<Config, Wrong> {
        if self.uses_data {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.data);
            made.map_err(|error| format!("cannot make the data folder `{}`: {error}", self.data.display()))?;
            let access = std::fs::metadata(&self.data).map_or(0, |folder| folder.permissions().mode());
            if access & 0o077 != 0 {
                tracing::warn!("the data folder can be read by others than its owner: chmod 700 closes it");
            }
        }
        Ok(self.galerra.clone())
    }

    /// The same where everything has to be there already.
    pub(crate) fn existing(&self) -> Result<Config, Wrong> {
        if self.uses_data && !self.data.is_dir() {
            return Err(format!("there is no data folder `{}`", self.data.display()).into());
        }
        self.galerra()
    }
}

fn settings_file() -> Result<Table, Wrong> {
    let Some(path) = variable("settings")? else { return Ok(Table::new()) };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("cannot read the settings file `{path}`: {error}"))?;
    // The message of the parser would quote the line, and with it a secret.
    text.parse().map_err(|_| format!("the settings file `{path}` is not TOML").into())
}

/// Where settings come from; each one is taken out of the file as it is read, so that what is left is unknown.
struct Source {
    file: Table,
}

impl Source {
    fn text(&mut self, name: &str) -> Result<Option<String>, Wrong> {
        let filed = match self.file.remove(name) {
            Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
            Some(_) => return Err(format!("the setting `{name}` must be a text").into()),
            None => None,
        };
        Ok(variable(name)?.or(filed))
    }

    fn url(&mut self, name: &str) -> Result<Option<Url>, Wrong> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let url = Url::parse(&text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none());
        let wrong = || format!("the setting `{name}` must be an http:// or https:// address without a query");
        Ok(Some(url.ok_or_else(wrong)?))
    }

    /// A setting with parts of its own; in the environment it is written as TOML, too.
    fn value<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Wrong> {
        let given = match variable(name)? {
            Some(text) => {
                format!("it = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("it"))
            }
            None => match self.file.remove(name) {
                Some(filed) => Some(filed),
                None => return Ok(None),
            },
        };
        let wrong = |reason: String| format!("the setting `{name}` cannot be read: {reason}");
        let value = given.ok_or_else(|| wrong("it is not TOML".to_owned()))?;
        Ok(Some(value.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?))
    }

    fn signing_key(&mut self) -> Result<Option<SecureLink>, Wrong> {
        let key = self.text("signing_key")?.map(SecureLink::try_from).transpose();
        key.map_err(|reason| format!("the setting `signing_key` {reason}").into())
    }

    /// A small whole number; none by default.
    fn count(&mut self, name: &str) -> Result<usize, Wrong> {
        let filed = match self.file.remove(name) {
            Some(Value::Integer(count)) => usize::try_from(count).ok(),
            Some(_) => None,
            None => Some(0),
        };
        let given = match variable(name)? {
            Some(text) => text.parse().ok(),
            None => filed,
        };
        let count = given.filter(|count| *count <= 100);
        count.ok_or_else(|| format!("the setting `{name}` must be a whole number up to 100").into())
    }

    fn seconds(&mut self, name: &str, default: f64) -> Result<f64, Wrong> {
        let filed = match self.file.remove(name) {
            Some(Value::Float(seconds)) => Some(seconds),
            Some(Value::Integer(seconds)) => i32::try_from(seconds).ok().map(f64::from),
            Some(_) => Some(f64::NAN),
            None => None,
        };
        let given = match variable(name)? {
            Some(text) => Some(text.parse().unwrap_or(f64::NAN)),
            None => filed,
        };
        match given.unwrap_or(default) {
            // Somebody who ticks without a pause never rests.
            0.0 if name == "tick" => Err("the setting `tick` must be more than 0 seconds".into()),
            seconds if (0.0..=31_536_000.0).contains(&seconds) => Ok(seconds),
            _ => Err(format!("the setting `{name}` must be a number of seconds, a year at the most").into()),
        }
    }
}

/// A variable of the environment; one that is set to nothing counts as not set.
fn variable(name: &str) -> Result<Option<String>, Wrong> {
    let name = format!("GALERRA_{}", name.to_uppercase());
    match std::env::var(&name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8").into()),
    }
}
