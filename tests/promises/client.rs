//! A client of the HTTP surface, in this process or over a socket.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use galerra::cdn::{HttpTransport, Transport};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// Who asks, and through which door.
#[derive(Clone)]
pub struct Client {
    door: Door,
    headers: Vec<(String, String)>,
}

#[derive(Clone)]
enum Door {
    Here(Router),
    Net { base: String, transport: HttpTransport },
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {} {:?}", self.status, self.body))
    }

    /// The JSON of an answer that must have this status.
    pub fn expect(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The stable code of a problem that must have this status.
    pub fn problem(&self, status: u16) -> String {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.json()["code"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Large photographs take a while in a build that is not optimised.
fn patient() -> HttpTransport {
    HttpTransport::new().with_deadline(std::time::Duration::from_secs(60))
}

impl Client {
    pub fn here(router: Router) -> Self {
        Self { door: Door::Here(router), headers: Vec::new() }
    }

    pub fn net(base: &str) -> Self {
        Self { door: Door::Net { base: base.to_owned(), transport: patient() }, headers: Vec::new() }
    }

    /// The same viewer at another port of this machine.
    pub fn at(&self, port: u16) -> Self {
        Self { headers: self.headers.clone(), ..Self::net(&format!("http://127.0.0.1:{port}")) }
    }

    /// The same door for whoever holds this key.
    pub fn as_bearer(&self, key: &str) -> Self {
        self.with("authorization", &format!("Bearer {key}"))
    }

    /// The same door for nobody in particular.
    pub fn stranger(&self) -> Self {
        Self { door: self.door.clone(), headers: Vec::new() }
    }

    /// The key that this client shows.
    pub fn bearer(&self) -> String {
        self.header("authorization").strip_prefix("Bearer ").unwrap_or_default().to_owned()
    }

    /// A header that this client sends; empty if it does not.
    pub fn header(&self, name: &str) -> String {
        let sent = self.headers.iter().find(|(known, _)| known == name);
        sent.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(known, _)| known != name);
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", Bytes::new()).await
    }

    /// The receipt at `path`, verified offline with the log's key; answers its entry and its evidence in one.
    pub async fn receipt(&self, path: &str) -> Value {
        let text = self.get(path).await;
        assert_eq!(text.status, 200, "{path}");
        let mount = path.split("/api/").next().unwrap_or_default();
        let key = self.get(&format!("{mount}/log/key")).await;
        let key = std::str::from_utf8(&key.body).unwrap().trim().parse().unwrap();
        let text = std::str::from_utf8(&text.body).unwrap();
        let verified = galerra::log::Receipt::verify(text, &key, &[]).expect("a receipt that verifies");
        let mut told = verified.entry.clone();
        told.as_object_mut().unwrap().insert("evidence".to_owned(), verified.evidence);
        told
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "", Bytes::new()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, "application/json", body.to_string()).await
    }

    pub async fn send(&self, method: Method, path: &str, kind: &str, body: impl Into<Bytes>) -> Answer {
        self.try_send(method, path, kind, body).await.expect("an answer")
    }

    /// Sends a request to a server that may die meanwhile.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, String> {
        let uri = match &self.door {
            Door::Net { base, .. } if path.starts_with('/') => format!("{base}{path}"),
            _ => path.to_owned(),
        };
        let mut request = Request::builder().method(method).uri(uri);
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(body.into()).unwrap();
        let (parts, body) = match &self.door {
            Door::Here(router) => {
                let answer = router.clone().oneshot(request.map(Body::from)).await.unwrap();
                let (parts, body) = answer.into_parts();
                (parts, body.collect().await.unwrap().to_bytes())
            }
            Door::Net { transport, .. } => {
                transport.send(request).await.map_err(|error| error.to_string())?.into_parts()
            }
        };
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Makes an account as the operator; answers a client that is that account.
    pub async fn account(&self, name: &str, plan: &str) -> Self {
        let new = serde_json::json!({"username": name, "email": format!("{name}@example.org"), "plan": plan});
        let made = self.post("/api/v1/accounts", &new).await.expect(201);
        self.as_bearer(made["api_key"].as_str().unwrap())
    }

    /// Makes a gallery; answers its id.
    pub async fn gallery(&self, title: &str, visibility: &str) -> String {
        let new = serde_json::json!({"title": title, "visibility": visibility});
        text(&self.post("/api/v1/galleries", &new).await.expect(201), "id")
    }

    /// Uploads one file as a raw body; answers the Image.
    pub async fn upload(&self, gallery: &str, bytes: impl Into<Bytes>) -> Value {
        let path = format!("/api/v1/galleries/{gallery}/images");
        self.send(Method::POST, &path, "image/jpeg", bytes).await.expect(201)
    }

    /// Uploads files as a form, under the names they have.
    pub async fn form(&self, gallery: &str, files: &[(String, Bytes)]) -> Answer {
        const BOUNDARY: &str = "zxcvbnm0123456789";
        let mut body = Vec::new();
        for (name, bytes) in files {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: image/jpeg\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let path = format!("/api/v1/galleries/{gallery}/images");
        self.send(Method::POST, &path, &format!("multipart/form-data; boundary={BOUNDARY}"), body).await
    }
}

/// A text member of a JSON object.
pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}")).to_owned()
}
