use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use galerra_core::{Error, Refusal};
use serde_json::{Map, Value, json};

/// An error as clients see it: RFC 9457 `application/problem+json` with a stable kebab-case `code`.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    members: Map<String, Value>,
}

/// What handlers answer.
pub(crate) type Answer<T = Response> = Result<T, Problem>;

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), members: Map::new() }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether another password may help.
    pub(crate) fn is_about_the_password(&self) -> bool {
        matches!(self.code, "password-required" | "wrong-password" | "too-many-guesses")
    }

    /// The same problem with one more member.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, detail, members } = self.clone();
        let title = status.canonical_reason().unwrap_or("Error");
        let mut body = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail});
        if let Some(body) = body.as_object_mut() {
            body.extend(members);
        }
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = self.members.get("retry_after").and_then(Value::as_u64).unwrap_or(60);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        // For `reply::guard`, which shows people a page instead.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = status(&error);
        if matches!(error, Error::Storage(_) | Error::Unreadable(_)) {
            tracing::error!(
                code = error.code(),
                error = &error as &dyn std::error::Error,
                "a request failed"
            );
            return Self::new(
                status,
                error.code(),
                "the service could not do this now, or could not make sure of it: ask again",
            );
        }
        let problem = Self::new(status, error.code(), error.to_string());
        match error {
            Error::TooManyGuesses { wait } => problem.with("retry_after", json!(wait)),
            _ => problem,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Error::from(refusal).into()
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Gone => StatusCode::GONE,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::OperatorOnly
        | Error::Reauthenticate
        | Error::ProRequired
        | Error::PasswordRequired
        | Error::WrongPassword => StatusCode::FORBIDDEN,
        Error::TooManyGuesses { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::NotPrivate | Error::TooManyLinks | Error::TooManyHeld | Error::Taken { .. } => {
            StatusCode::CONFLICT
        }
        Error::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Refused(refusal) => match refusal {
            Refusal::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Unsupported | Refusal::UnsupportedCoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        },
        Error::Contended => StatusCode::SERVICE_UNAVAILABLE,
        Error::Storage(error) if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(crate) async fn no_such_path() -> Problem {
    Error::NotFound.into()
}

/// The answer to a method that an address does not have, with the ones it has.
pub(crate) fn method_not_allowed(allowed: &[Method]) -> Response {
    let detail = "this address does not answer that method";
    let mut response =
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail).into_response();
    let head = allowed.contains(&Method::GET).then_some("HEAD");
    let allowed = allowed.iter().map(Method::as_str).chain(head).collect::<Vec<_>>().join(", ");
    if let Ok(allowed) = HeaderValue::try_from(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
