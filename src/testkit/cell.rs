use std::fmt;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};

use super::answer::{ALL, Due, REFUSED, given, tells, wrongly_given, wrongly_refused};
use super::door::{Asked, Broken, Cast, Door};
use super::rules::{Right, Rule, is_gone, may, may_with, rule};
use super::scene::{self, Picture, Scene, State, Subject, Viewer, Visible, canary};

/// What the whole matrix showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matrix {
    /// How many answers were looked at.
    pub cells: usize,
    /// What was answered as it must not be.
    pub leaks: Vec<Leak>,
}

/// An answer that tells, lets or keeps what it must not; or is refused to whom it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Who asked.
    pub viewer: String,
    /// For what, and how.
    pub request: String,
    /// What was wrong with the answer.
    pub what: String,
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} answers, {} leaks", self.cells, self.leaks.len())?;
        for Leak { viewer, request, what } in &self.leaks {
            writeln!(f, "{viewer}: {request}: {what}")?;
        }
        Ok(())
    }
}

/// Asks for everything as everyone, and answers what leaked. `Broken` means that there was nothing to look at.
pub async fn leak_matrix(door: &dyn Door, cast: &Cast) -> Result<Matrix, Broken> {
    let scene = scene::set(door, cast).await?;
    let mut looking = Looking { door, cast, scene: &scene, matrix: Matrix::default() };
    for (path, methods) in crate::http::surface() {
        for method in methods {
            match rule(method, path) {
                Some(rule) => looking.route(method, path, rule).await,
                None => looking.leak("nobody", format!("{method} {path}"), "a route without a rule"),
            }
        }
    }
    looking.nothing_changed().await;
    looking.tightenings().await?;
    Ok(looking.matrix)
}

struct Looking<'a> {
    door: &'a dyn Door,
    cast: &'a Cast,
    scene: &'a Scene,
    matrix: Matrix,
}

impl Looking<'_> {
    async fn route(&mut self, method: &Method, path: &str, rule: Rule) {
        let scene = self.scene;
        for viewer in &scene.viewers {
            for subject in &scene.subjects {
                match rule {
                    Rule::Gallery(right) => self.gallery(viewer, method, path, right, subject).await,
                    Rule::Card => {
                        let address = format!("/g/{}", subject.id);
                        let asked =
                            Asked::of(method.clone(), format!("{path}?url={}{address}", self.cast.mount));
                        let absent = Asked::of(
                            method.clone(),
                            format!("{path}?url={}/g/{}", self.cast.mount, other(&subject.id)),
                        );
                        // Without an address of its own, a server knows none of its pages.
                        let open = subject.visible != Visible::Private && self.knows_itself(subject).await;
                        self.cells(
                            viewer,
                            &asked,
                            &absent,
                            if open { given(viewer, false) } else { REFUSED },
                        )
                        .await;
                    }
                    Rule::Image(_) | Rule::Rendition => {
                        for picture in &subject.pictures {
                            self.picture(viewer, method, path, rule, subject, picture).await;
                        }
                    }
                    Rule::Share => {
                        let Some(share) = &subject.share else { continue };
                        self.owned(viewer, method, path, share).await;
                    }
                    Rule::Erasure => self.owned(viewer, method, path, &subject.erasure).await,
                    Rule::Token | Rule::Account | Rule::Operator | Rule::Nobody => {}
                }
            }
            match rule {
                Rule::Account if !viewer.account => self.closed(viewer, method, path).await,
                Rule::Operator if !viewer.operator => self.closed(viewer, method, path).await,
                Rule::Token if *method == Method::GET => self.tokens(viewer).await,
                _ => {}
            }
        }
    }

    async fn gallery(
        &mut self,
        viewer: &Viewer,
        method: &Method,
        path: &str,
        right: Right,
        subject: &Subject,
    ) {
        let sends = right == Right::Send;
        let of = |id: &str| {
            if sends { scene::sent(id) } else { request(method, &path.replace("{id}", id)) }
        };
        let (asked, absent) = (of(&subject.id), of(&other(&subject.id)));
        let allowed = may(viewer, right, subject);
        if !allowed {
            self.cells(viewer, &asked, &absent, REFUSED).await;
        } else if *method == Method::GET {
            let private = subject.visible == Visible::Private || right != Right::See;
            self.cells(viewer, &asked, &absent, given(viewer, private)).await;
            if path.ends_with("{id}") && path.starts_with("/api") {
                self.count(viewer, &asked).await;
            }
            if path.ends_with("/images") && !viewer.owner {
                self.pages(viewer, &asked, subject).await;
            }
        }
    }

    async fn picture(
        &mut self,
        viewer: &Viewer,
        method: &Method,
        path: &str,
        rule: Rule,
        subject: &Subject,
        picture: &Picture,
    ) {
        let right = if let Rule::Image(right) = rule { right } else { Right::See };
        let of = |id: &str| {
            let path = path.replace("{id}", id).replace("{image}", id).replace("{file}", &picture.file);
            request(method, &path)
        };
        let (asked, absent) = (of(&picture.id), of(&other(&picture.id)));
        if picture.state == State::Deleted && *method != Method::GET && viewer.owner {
            // Deleting once more answers how far it has come.
        } else if !may_with(viewer, right, subject, picture) {
            let gone = is_gone(subject, picture);
            self.cells(viewer, &asked, &absent, Due::Refused { gone }).await;
        } else if *method == Method::GET {
            let cached = rule == Rule::Rendition
                && subject.visible != Visible::Private
                && picture.state == State::Shown;
            self.cells(viewer, &asked, &absent, given(viewer, !cached)).await;
        }
    }

    /// Something that its owner alone may see, by its id.
    async fn owned(&mut self, viewer: &Viewer, method: &Method, path: &str, id: &str) {
        let of = |id: &str| request(method, &path.replace("{id}", id));
        // The operator follows erasures, and nobody is shown a receipt that there is not.
        if !viewer.owner && !viewer.operator {
            self.cells(viewer, &of(id), &of(&other(id)), REFUSED).await;
        }
    }

    /// A route that has nothing for this viewer.
    async fn closed(&mut self, viewer: &Viewer, method: &Method, path: &str) {
        let asked = request(method, &path.replace("{id}", "acc_x"));
        let answer = asked.send(self.door, &self.cast.mount, &viewer.headers).await;
        self.matrix.cells += 1;
        if !answer.status().is_client_error() || tells(&answer, ALL).is_some() {
            self.leak(viewer.name, format!("{method} {path}"), format!("answered with {}", answer.status()));
        }
    }

    /// Links that lead nowhere are like links that never were; those that lead somewhere tell nothing of it.
    async fn tokens(&mut self, viewer: &Viewer) {
        for token in &self.scene.tokens {
            let of = |secret: &str| Asked::of(Method::HEAD, format!("/s/{secret}"));
            let at = |secret: &str| Asked { method: Method::GET, ..of(secret) };
            if !token.leads {
                let absent = at(&other(&token.secret));
                self.cells(viewer, &at(&token.secret), &absent, REFUSED).await;
            } else if token.name == "guest with a password" {
                let shown = at(&token.secret).send(self.door, &self.cast.mount, &viewer.headers).await;
                self.matrix.cells += 1;
                if shown.headers().contains_key(header::SET_COOKIE) || tells(&shown, ALL).is_some() {
                    self.leak(viewer.name, token.name.to_owned(), "opened without its password");
                }
            }
        }
    }

    /// How many images a viewer is told of: those that they may see.
    async fn count(&mut self, viewer: &Viewer, asked: &Asked) {
        let answer = asked.send(self.door, &self.cast.mount, &viewer.headers).await;
        let told: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        self.matrix.cells += 1;
        if !viewer.owner && told.get("image_count") != Some(&json!(1)) {
            self.leak(viewer.name, asked.path.clone(), "counts what they may not see");
        }
    }

    /// A list, page by page: it names nothing, and leaves no gap, where there is something that they may not see.
    async fn pages(&mut self, viewer: &Viewer, asked: &Asked, subject: &Subject) {
        let mut path = format!("{}?limit=1", asked.path);
        for _ in 0..10 {
            let asked = Asked::of(Method::GET, path.clone());
            let answer = asked.send(self.door, &self.cast.mount, &viewer.headers).await;
            self.matrix.cells += 1;
            for picture in subject.pictures.iter().filter(|picture| picture.state != State::Shown) {
                if tells(&answer, &[&picture.id]).is_some() {
                    self.leak(viewer.name, path.clone(), "names what they may not see");
                }
            }
            let told: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            let Some(next) = told.get("next").and_then(Value::as_str) else { return };
            if told.get("items").and_then(Value::as_array).is_none_or(Vec::is_empty) {
                self.leak(viewer.name, path.clone(), "has a gap where they may not see");
            }
            path = format!("{}?limit=1&cursor={next}", asked.path.split('?').next().unwrap_or_default());
        }
    }

    /// One thing in every representation.
    async fn cells(&mut self, viewer: &Viewer, asked: &Asked, absent: &Asked, due: Due<'_>) {
        let variants: &[(&str, Option<(&'static str, &str)>)] = if asked.method == Method::GET {
            &[
                ("", None),
                ("HEAD", None),
                ("range", Some(("range", "bytes=0-0"))),
                ("many ranges", Some(("range", "bytes=0-0,5-9"))),
                ("conditional", Some(("if-none-match", "*"))),
                ("page", Some(("accept", "text/html"))),
            ]
        } else {
            &[("", None)]
        };
        for (name, extra) in variants {
            let dressed = |asked: &Asked| {
                let mut asked = asked.clone();
                if *name == "HEAD" {
                    asked.method = Method::HEAD;
                }
                match extra {
                    Some((name, value)) => asked.with(name, value),
                    None => asked,
                }
            };
            let answer = dressed(asked).send(self.door, &self.cast.mount, &viewer.headers).await;
            let wrong = match due {
                Due::Given { private, secrets } => wrongly_given(&answer, private, secrets),
                // It is known to have been there; or, to whoever may not know, it never was.
                Due::Refused { gone: true } if answer.status() == StatusCode::GONE => tells(&answer, ALL),
                Due::Refused { .. } => {
                    let never = dressed(absent).send(self.door, &self.cast.mount, &viewer.headers).await;
                    wrongly_refused(&answer, &never)
                }
            };
            self.matrix.cells += 1;
            if let Some(what) = wrong {
                self.leak(viewer.name, format!("{} {} {name}", asked.method, asked.path), what);
            }
        }
    }

    /// Whether the server knows where it is, so that it can tell programs elsewhere of its pages.
    async fn knows_itself(&self, subject: &Subject) -> bool {
        let path = format!("/oembed?url={}/g/{}", self.cast.mount, subject.id);
        let answer = Asked::of(Method::GET, path).send(self.door, &self.cast.mount, &HeaderMap::new()).await;
        answer.status().is_success()
    }

    /// Whether everything is as it was before everybody asked for it.
    async fn nothing_changed(&mut self) {
        let owner = self.cast.owner.clone();
        for subject in &self.scene.subjects {
            for picture in subject.pictures.iter().filter(|picture| picture.state != State::Deleted) {
                let asked = Asked::of(Method::GET, format!("/api/v1/images/{}", picture.id));
                let answer = asked.good(self.door, &self.cast.mount, &owner).await.unwrap_or_default();
                self.matrix.cells += 1;
                let hidden = answer.get("hidden") == Some(&json!(picture.state == State::Hidden));
                if !hidden || answer.get("title") != Some(&json!(canary::TITLE)) {
                    self.leak("everyone", asked.path, "was changed by somebody who may not");
                }
            }
        }
    }

    /// What is tightened is dead at once.
    async fn tightenings(&mut self) -> Result<(), Broken> {
        let (door, mount, owner) = (self.door, self.cast.mount.as_str(), &self.cast.owner);
        let (share, came_by_it) = &self.scene.last;
        let revoke = Asked::of(Method::DELETE, format!("/api/v1/shares/{share}"));
        revoke.good(door, mount, owner).await?;
        let scene = self.scene;
        for subject in &scene.subjects {
            let path = format!("/api/v1/galleries/{}", subject.id);
            if subject.visible != Visible::Private {
                let edit = Asked::json(Method::PATCH, path.clone(), &json!({"visibility": "private"}));
                let edited = edit.good(door, mount, owner).await?;
                self.forgotten(edited.get("status").and_then(Value::as_str)).await?;
            }
            for viewer in scene.viewers.iter().filter(|viewer| !viewer.owner) {
                if subject.visible == Visible::Private && viewer.name != *came_by_it {
                    continue;
                }
                let asked = Asked::of(Method::GET, path.clone());
                self.cells(
                    viewer,
                    &asked,
                    &Asked::of(Method::GET, path.replace(&subject.id, &other(&subject.id))),
                    REFUSED,
                )
                .await;
                for picture in &subject.pictures {
                    let at = |id: &str| Asked::of(Method::GET, format!("/i/{id}/{}", picture.file));
                    let due = Due::Refused { gone: picture.state == State::Deleted };
                    self.cells(viewer, &at(&picture.id), &at(&other(&picture.id)), due).await;
                }
            }
        }
        Ok(())
    }

    /// Waits until networks have forgotten what was tightened, where there are any: half a minute at the most.
    async fn forgotten(&self, status: Option<&str>) -> Result<(), Broken> {
        let Some(at) = status.and_then(|status| status.find("/api/v1/").and_then(|at| status.get(at..)))
        else {
            return Ok(());
        };
        for _ in 0..300 {
            let erasure =
                Asked::of(Method::GET, at).good(self.door, &self.cast.mount, &self.cast.owner).await?;
            let targets = erasure.get("targets").and_then(Value::as_array);
            let is_edge = |target: &Value| target.get("kind") == Some(&json!("edge"));
            let networked = targets.is_some_and(|targets| targets.iter().any(is_edge));
            if erasure.get("state") == Some(&json!("done")) || !networked {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Broken { request: format!("GET {at}"), status: 200 })
    }

    fn leak(&mut self, viewer: &str, request: String, what: impl Into<String>) {
        self.matrix.leaks.push(Leak { viewer: viewer.to_owned(), request, what: what.into() });
    }
}

fn request(method: &Method, path: &str) -> Asked {
    match *method {
        Method::GET => Asked::of(Method::GET, path),
        Method::DELETE if path.contains("/shares") => Asked::of(Method::DELETE, path),
        Method::DELETE => Asked::of(Method::DELETE, format!("{path}?permanent=true")),
        _ => Asked::json(method.clone(), path, &json!({})),
    }
}

/// An id or a secret like this one that is nobody's.
fn other(id: &str) -> String {
    let (kind, bare) = id.split_once('_').unwrap_or(("", id));
    let first = if bare.starts_with('a') { 'b' } else { 'a' };
    format!("{kind}_{first}{}", bare.get(1..).unwrap_or_default())
}
