//! What the matrix looks at: galleries of every visibility, pictures in every state, links in every state.

use http::{HeaderMap, Method, header};
use serde_json::{Value, json};

use super::door::{Asked, Broken, Cast, Door};

/// What nobody may read but whom it is for, each where it is hidden.
pub(super) mod canary {
    pub(crate) const TITLE: &str = "CANARY-TITLE-b31f";
    pub(crate) const ALT: &str = "CANARY-ALT-b31f";
    pub(crate) const ABOUT: &str = "CANARY-ABOUT-b31f";
    pub(crate) const FILE: &str = "CANARY-FILE-b31f";
    pub(crate) const CAMERA: &str = "CANARY-CAMERA";
    pub(crate) const TAKEN: &str = "2019-11-23";
    pub(crate) const PLACE: &str = "43.471";
}

/// A small JPEG that says when, where and with what it was taken.
const PICTURE: &[u8] = include_bytes!("picture.jpg");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visible {
    Public,
    Unlisted,
    Private,
}

impl Visible {
    fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Shown,
    Hidden,
    Held,
    Trashed,
    Deleted,
}

#[derive(Debug)]
pub(super) struct Picture {
    pub(super) id: String,
    pub(super) state: State,
    /// The last segment of a rendition's address.
    pub(super) file: String,
}

/// A gallery and what is in it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) id: String,
    pub(super) visible: Visible,
    pub(super) pictures: Vec<Picture>,
    pub(super) share: Option<String>,
    pub(super) erasure: String,
}

/// Somebody who asks.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) name: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) owner: bool,
    pub(super) account: bool,
    pub(super) operator: bool,
    guest: Option<(String, Guest)>,
}

/// What a link that is good allows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guest {
    pub(super) download: bool,
    pub(super) metadata: bool,
    pub(super) upload: bool,
}

impl Viewer {
    fn new(name: &'static str, headers: HeaderMap) -> Self {
        Self { name, headers, owner: false, account: false, operator: false, guest: None }
    }

    /// Whether the link they have lets them read facts.
    pub(super) fn reads_facts(&self) -> bool {
        self.guest.as_ref().is_some_and(|(_, guest)| guest.metadata)
    }

    /// What their link allows in this gallery, if they have a good one.
    pub(super) fn guest_of(&self, subject: &Subject) -> Option<Guest> {
        self.guest.as_ref().filter(|(gallery, _)| *gallery == subject.id).map(|(_, guest)| *guest)
    }
}

/// A link's secret, and whether it leads anywhere.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) name: &'static str,
    pub(super) secret: String,
    pub(super) leads: bool,
}

#[derive(Debug)]
pub(super) struct Scene {
    pub(super) subjects: Vec<Subject>,
    pub(super) viewers: Vec<Viewer>,
    pub(super) tokens: Vec<Token>,
    /// A link that is good, to be revoked at the end, and who came by it.
    pub(super) last: (String, &'static str),
}

/// Somebody who sets the scene.
struct Stage<'a> {
    door: &'a dyn Door,
    cast: &'a Cast,
}

/// Sets the scene.
pub(super) async fn set(door: &dyn Door, cast: &Cast) -> Result<Scene, Broken> {
    let stage = Stage { door, cast };
    let mut subjects = Vec::new();
    for visible in [Visible::Public, Visible::Unlisted, Visible::Private] {
        subjects.push(stage.subject(visible).await?);
    }
    let other = stage.subject(Visible::Private).await?;
    let mut viewers = vec![
        Viewer { owner: true, account: true, ..Viewer::new("owner", cast.owner.clone()) },
        Viewer { account: true, ..Viewer::new("stranger", cast.stranger.clone()) },
        Viewer::new("anonymous", HeaderMap::new()),
    ];
    viewers.extend(
        cast.operator
            .iter()
            .map(|headers| Viewer { operator: true, ..Viewer::new("operator", headers.clone()) }),
    );
    let mut tokens = Vec::new();
    let mut last = (String::new(), "guest");
    if let Some(private) = subjects.iter_mut().find(|subject| subject.visible == Visible::Private) {
        last.0 = stage.guests(private, &other, &mut viewers, &mut tokens).await?;
    }
    Ok(Scene { subjects, viewers, tokens, last })
}

impl Stage<'_> {
    async fn owner(&self, asked: Asked) -> Result<Value, Broken> {
        asked.good(self.door, &self.cast.mount, &self.cast.owner).await
    }

    async fn subject(&self, visible: Visible) -> Result<Subject, Broken> {
        let new =
            json!({"title": canary::TITLE, "description": canary::ABOUT, "visibility": visible.as_str()});
        let id = text(&self.owner(Asked::json(Method::POST, "/api/v1/galleries", &new)).await?, "id");
        let (mut pictures, mut erasure) = (Vec::new(), String::new());
        for state in [State::Shown, State::Hidden, State::Trashed, State::Deleted] {
            let made = picture(&self.owner(sent(&id)).await?, state);
            let path = format!("/api/v1/images/{}", made.id);
            match state {
                State::Hidden => {
                    self.owner(Asked::json(Method::PATCH, path, &json!({"hidden": true}))).await?;
                }
                State::Trashed => {
                    self.owner(Asked::of(Method::DELETE, path)).await?;
                }
                State::Deleted => {
                    let delete = Asked::of(Method::DELETE, format!("{path}?permanent=true"));
                    erasure = text(&self.owner(delete).await?, "erasure");
                }
                State::Shown | State::Held => {}
            }
            pictures.push(made);
        }
        Ok(Subject { id, visible, pictures, share: None, erasure })
    }

    /// Links in every state, and whoever came by them; answers the id of the plain one.
    async fn guests(
        &self,
        private: &mut Subject,
        other: &Subject,
        viewers: &mut Vec<Viewer>,
        tokens: &mut Vec<Token>,
    ) -> Result<String, Broken> {
        let mut plain = String::new();
        let (download, metadata, upload) = (true, true, true);
        for (name, terms, allowed) in [
            ("guest", json!({}), Guest::default()),
            ("guest who may download", json!({"download": true}), Guest { download, ..Guest::default() }),
            ("guest who reads facts", json!({"show_metadata": true}), Guest { metadata, ..Guest::default() }),
            ("guest who may send", json!({"upload": true}), Guest { upload, ..Guest::default() }),
            ("guest with a password", json!({"password": "open sesame"}), Guest::default()),
        ] {
            let (id, secret) = self.link(&private.id, &terms).await?;
            let headers = self.opened(&secret, &terms).await?;
            viewers.push(Viewer { guest: Some((private.id.clone(), allowed)), ..Viewer::new(name, headers) });
            tokens.push(Token { name, secret, leads: true });
            if name == "guest" {
                plain.clone_from(&id);
                private.share = Some(id);
            }
        }
        let sends = |viewer: &&Viewer| viewer.guest_of(private).is_some_and(|guest| guest.upload);
        let sender = viewers.iter().find(sends).map(|viewer| viewer.headers.clone()).unwrap_or_default();
        sent(&private.id).good(self.door, &self.cast.mount, &sender).await?;
        private.pictures.push(self.held(private).await?);

        let (_, secret) = self.link(&other.id, &json!({"download": true, "show_metadata": true})).await?;
        viewers.push(Viewer::new("guest of another gallery", self.opened(&secret, &json!({})).await?));
        let (id, secret) = self.link(&private.id, &json!({"download": true, "show_metadata": true})).await?;
        viewers.push(Viewer::new("guest whose link was revoked", self.opened(&secret, &json!({})).await?));
        self.owner(Asked::of(Method::DELETE, format!("/api/v1/shares/{id}"))).await?;
        tokens.push(Token { name: "revoked link", secret, leads: false });
        let (id, secret) = self.link(&private.id, &json!({"password": "one"})).await?;
        let before = self.opened(&secret, &json!({"password": "one"})).await?;
        viewers.push(Viewer::new("guest whose password was changed", before));
        let edit = Asked::json(Method::PATCH, format!("/api/v1/shares/{id}"), &json!({"password": "two"}));
        self.owner(edit).await?;
        let (_, secret) = self.link(&private.id, &json!({"max_views": 1})).await?;
        self.opened(&secret, &json!({})).await?;
        tokens.push(Token { name: "link that is used up", secret, leads: false });
        let mut forged = HeaderMap::new();
        let pass = format!("galerra-x=gp_{}.ffffffff.{}", "a".repeat(26), "A".repeat(43));
        forged.insert(header::COOKIE, pass.parse().unwrap_or(header::HeaderValue::from_static("")));
        viewers.push(Viewer::new("bearer of a forged pass", forged));
        Ok(plain)
    }

    /// Makes a link; answers its id and its secret.
    async fn link(&self, gallery: &str, terms: &Value) -> Result<(String, String), Broken> {
        let path = format!("/api/v1/galleries/{gallery}/shares");
        let made = self.owner(Asked::json(Method::POST, path, terms)).await?;
        let secret = text(&made, "url").rsplit('/').next().unwrap_or_default().to_owned();
        Ok((text(&made, "id"), secret))
    }

    /// The headers of whoever opened a link.
    async fn opened(&self, secret: &str, terms: &Value) -> Result<HeaderMap, Broken> {
        let said = json!({"password": terms.get("password")});
        let open =
            Asked::json(Method::POST, format!("/s/{secret}"), &said).with("accept", "application/json");
        let told = open.good(self.door, &self.cast.mount, &HeaderMap::new()).await?;
        let mut headers = HeaderMap::new();
        if let Ok(cookie) = format!("galerra-kit={}", text(&told, "pass")).parse() {
            headers.insert(header::COOKIE, cookie);
        }
        Ok(headers)
    }

    /// The picture that waits for the owner.
    async fn held(&self, private: &Subject) -> Result<Picture, Broken> {
        let path = format!("/api/v1/galleries/{}/images", private.id);
        let listed = self.owner(Asked::of(Method::GET, path.clone())).await?;
        let waits = |image: &&Value| image.get("held") == Some(&json!(true));
        let images = listed.get("items").and_then(Value::as_array);
        let found = images.and_then(|images| images.iter().find(waits));
        found
            .map(|held| picture(held, State::Held))
            .ok_or(Broken { request: format!("GET {path}"), status: 200 })
    }
}

/// A picture on its way into a gallery.
pub(super) fn sent(gallery: &str) -> Asked {
    let (title, alt, name) = (canary::TITLE, canary::ALT, canary::FILE);
    let path = format!("/api/v1/galleries/{gallery}/images?title={title}&alt={alt}&name={name}");
    Asked { body: PICTURE.into(), ..Asked::of(Method::POST, path) }.with("content-type", "image/jpeg")
}

fn picture(shown: &Value, state: State) -> Picture {
    let url = shown.pointer("/renditions/0/url").and_then(Value::as_str).unwrap_or_default();
    let file = url.rsplit('/').next().unwrap_or_default().to_owned();
    Picture { id: text(shown, "id"), state, file }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
