use std::fmt;

use serde::{Deserialize, Serialize};

/// What a file said about how its picture was taken. Personal: `Debug` says only which facts there are.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// When, as the camera's clock said: ISO 8601, with an offset if the file has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
    /// Maker and model of the camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// The lens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    /// Time, aperture, sensitivity and focal length, as people write them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// Where a picture was taken.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north, from -90 to 90.
    pub latitude: f64,
    /// Degrees east, from -180 to 180.
    pub longitude: f64,
    /// Metres above the sea.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude: Option<f64>,
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Location")
    }
}

/// One of the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact {
    /// See [`Facts::taken`].
    Taken,
    /// See [`Facts::camera`].
    Camera,
    /// See [`Facts::lens`].
    Lens,
    /// See [`Facts::exposure`].
    Exposure,
    /// See [`Facts::location`].
    Location,
}

impl Fact {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Taken, Self::Camera, Self::Lens, Self::Exposure, Self::Location];
}

impl Facts {
    /// Whether this one is known.
    #[must_use]
    pub fn has(&self, fact: Fact) -> bool {
        match fact {
            Fact::Taken => self.taken.is_some(),
            Fact::Camera => self.camera.is_some(),
            Fact::Lens => self.lens.is_some(),
            Fact::Exposure => self.exposure.is_some(),
            Fact::Location => self.location.is_some(),
        }
    }

    /// The facts of which `shows` holds.
    #[must_use]
    pub fn only(&self, shows: impl Fn(Fact) -> bool) -> Self {
        Self {
            taken: self.taken.clone().filter(|_| shows(Fact::Taken)),
            camera: self.camera.clone().filter(|_| shows(Fact::Camera)),
            lens: self.lens.clone().filter(|_| shows(Fact::Lens)),
            exposure: self.exposure.clone().filter(|_| shows(Fact::Exposure)),
            location: self.location.filter(|_| shows(Fact::Location)),
        }
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(Fact::ALL.iter().filter(|fact| self.has(**fact))).finish()
    }
}
