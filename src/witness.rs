//! A witness of the log that is asked over HTTP (C2SP tlog-witness).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use galerra_cdn::{Transport, TransportError};
use galerra_core::{Testimony, Witness, WitnessError};
use galerra_log::{AddCheckpoint, Answer, WitnessVerifier};
use http::{Request, Response, StatusCode, header};
use serde::Deserialize;
use url::Url;

/// A witness that is asked over HTTP at `{url}/add-checkpoint` and signs with `key`, which its operator makes known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Named")]
pub struct HttpWitness {
    url: Url,
    key: WitnessVerifier,
}

/// A witness as settings name it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    url: Url,
    key: WitnessVerifier,
}

/// Witnesses are asked without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a witness has an http:// address; a proxy of yours may add TLS")]
pub struct WitnessAddressError;

impl TryFrom<Named> for HttpWitness {
    type Error = WitnessAddressError;

    fn try_from(Named { url, key }: Named) -> Result<Self, WitnessAddressError> {
        Self::new(url, key)
    }
}

impl HttpWitness {
    /// The witness with this name and public key below `url`, such as `http://witness.example/log/witness`.
    pub fn new(url: Url, key: WitnessVerifier) -> Result<Self, WitnessAddressError> {
        if url.scheme() == "http" { Ok(Self { url, key }) } else { Err(WitnessAddressError) }
    }

    /// The witness over a transport.
    #[must_use]
    pub fn over(self, transport: Arc<dyn Transport>) -> Arc<dyn Witness> {
        Arc::new(Reached { at: self, transport })
    }

    fn request(&self, asked: &AddCheckpoint) -> Result<Request<Bytes>, http::Error> {
        let prefix = self.url.as_str().trim_end_matches('/');
        Request::post(format!("{prefix}/add-checkpoint"))
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Bytes::from(asked.to_string()))
    }
}

#[derive(Debug)]
struct Reached {
    at: HttpWitness,
    transport: Arc<dyn Transport>,
}

#[async_trait]
impl Witness for Reached {
    fn verifier(&self) -> &WitnessVerifier {
        &self.at.key
    }

    async fn add_checkpoint(&self, asked: &AddCheckpoint) -> Result<Testimony, WitnessError> {
        let request = self.at.request(asked).map_err(|error| WitnessError::Unreachable(error.to_string()))?;
        let answer = self.transport.send(request).await;
        said(answer.map_err(|error: TransportError| WitnessError::Unreachable(error.to_string()))?)
    }
}

fn said(answer: Response<Bytes>) -> Result<Testimony, WitnessError> {
    let (parts, body) = answer.into_parts();
    let text = std::str::from_utf8(&body).ok();
    let testimony = text.and_then(|text| match parts.status {
        StatusCode::OK => Some(Testimony::Cosigned(text.to_owned())),
        StatusCode::CONFLICT => Answer::known_size(text).map(Testimony::Knows),
        _ => None,
    });
    testimony.ok_or(WitnessError::Status(parts.status.as_u16()))
}
