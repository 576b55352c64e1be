//! Whatever is done to a gallery and its links, in whatever order, everyone sees what the last word of its owner says,
//! at once, and nobody sees more.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::client::{Client, text};
use crate::photos;
use crate::stage::Stage;

/// Throws that can be thrown again.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What its owner has said, kept apart from the service: a link by what it allows.
#[derive(Debug, Clone)]
struct Link {
    address: String,
    expires: OffsetDateTime,
    download: bool,
    metadata: bool,
    password: Option<&'static str>,
}

/// Somebody who came by a link.
struct Guest {
    client: Client,
    link: String,
    until: OffsetDateTime,
}

struct History {
    stage: Stage,
    dice: Dice,
    operator: Client,
    ada: Client,
    account: String,
    gallery: String,
    image: String,
    thumb: String,
    private: bool,
    pro: bool,
    hidden: bool,
    links: BTreeMap<String, Link>,
    guests: Vec<Guest>,
    did: Vec<String>,
}

impl History {
    async fn begin(seed: u64) -> Self {
        let stage = Stage::new();
        let operator = stage.operator();
        let ada = operator.account("ada", "pro").await;
        let account = text(&ada.get("/api/v1/account").await.expect(200), "id");
        let gallery = ada.gallery("g", "private").await;
        let image = ada.upload(&gallery, photos::with_exif(1)).await;
        let thumb = text(&image["renditions"][0], "url");
        let (links, guests, did) = (BTreeMap::new(), Vec::new(), Vec::new());
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (private, pro, hidden, image) = (true, true, false, text(&image, "id"));
        Self {
            stage,
            dice,
            operator,
            ada,
            account,
            gallery,
            image,
            thumb,
            private,
            pro,
            hidden,
            links,
            guests,
            did,
        }
    }

    fn now(&self) -> OffsetDateTime {
        galerra::Env::now(self.stage.world.as_ref())
    }

    async fn patch(&self, who: &Client, path: String, edit: Value) -> u16 {
        who.send(Method::PATCH, &path, "application/json", edit.to_string()).await.status.as_u16()
    }

    fn a_link(&mut self) -> Option<String> {
        let nth = self.dice.throw(self.links.len().max(1) as u64);
        self.links.keys().nth(usize::try_from(nth).unwrap()).cloned()
    }

    async fn step(&mut self) {
        let flag = self.dice.throw(2) == 0;
        match self.dice.throw(12) {
            0 | 1 => self.share(flag).await,
            2..=4 => self.come().await,
            5 => {
                let Some(id) = self.a_link() else { return };
                self.ada.delete(&format!("/api/v1/shares/{id}")).await.expect(204);
                self.links.remove(&id);
                self.did.push("revoke".to_owned());
            }
            6 | 7 => self.edit(flag).await,
            8 => {
                let kind = if flag { "private" } else { "public" };
                let path = format!("/api/v1/galleries/{}", self.gallery);
                if self.patch(&self.ada, path, json!({"visibility": kind})).await == 200 {
                    if self.private != flag {
                        self.links.clear();
                    }
                    self.private = flag;
                }
                self.did.push(kind.to_owned());
            }
            9 => {
                self.hidden = flag;
                let path = format!("/api/v1/images/{}", self.image);
                assert_eq!(self.patch(&self.ada, path, json!({"hidden": flag})).await, 200);
                self.did.push(format!("hidden {flag}"));
            }
            10 => {
                self.pro = flag;
                let path = format!("/api/v1/accounts/{}", self.account);
                let plan = if flag { "pro" } else { "free" };
                assert_eq!(self.patch(&self.operator, path, json!({"plan": plan})).await, 200);
                self.did.push(plan.to_owned());
            }
            _ => {
                let minutes = i64::try_from(self.dice.throw(90)).unwrap();
                self.stage.advance(Duration::minutes(minutes));
                self.did.push(format!("{minutes} minutes"));
            }
        }
    }

    async fn share(&mut self, flag: bool) {
        let expires = self.now() + Duration::minutes(30 + i64::try_from(self.dice.throw(200)).unwrap());
        let download = self.dice.throw(2) == 0;
        let password = flag.then_some("open");
        let at = expires.format(&time::format_description::well_known::Rfc3339).unwrap();
        let terms =
            json!({"expires": at, "download": download, "show_metadata": !download, "password": password});
        let path = format!("/api/v1/galleries/{}/shares", self.gallery);
        let made = self.ada.post(&path, &terms).await;
        if made.status == 201 {
            assert!(self.private && self.pro, "{:?}", self.did);
            let link =
                Link { address: text(&made.json(), "url"), expires, download, metadata: !download, password };
            self.links.insert(text(&made.json(), "id"), link);
        }
        self.did.push(format!("share {terms}"));
    }

    async fn come(&mut self) {
        let Some(id) = self.a_link() else { return };
        let link = self.links[&id].clone();
        let program = self.stage.stranger().with("accept", "application/json");
        let said = json!({"password": link.password}).to_string();
        let told = program.send(Method::POST, &link.address, "application/json", said).await;
        let open = self.private && self.pro && self.now() < link.expires;
        assert_eq!(told.status == 200, open, "{:?} {}", self.did, told.status);
        if open {
            let client = self.stage.stranger().as_bearer(&text(&told.json(), "pass"));
            let until = link.expires.min(self.now() + Duration::hours(12));
            self.guests.push(Guest { client, link: id, until });
        }
        self.did.push("come".to_owned());
    }

    async fn edit(&mut self, flag: bool) {
        let Some(id) = self.a_link() else { return };
        let (password, edit) = match self.dice.throw(3) {
            0 => (None, json!({"download": flag})),
            1 => (None, json!({"show_metadata": flag})),
            _ if flag => (Some(Some("other")), json!({"password": "other"})),
            _ => (Some(None), json!({"password": null})),
        };
        let path = format!("/api/v1/shares/{id}");
        assert_eq!(self.patch(&self.ada, path, edit.clone()).await, 200, "{:?}", self.did);
        let link = self.links.get_mut(&id).unwrap();
        link.download = edit["download"].as_bool().unwrap_or(link.download);
        link.metadata = edit["show_metadata"].as_bool().unwrap_or(link.metadata);
        if let Some(password) = password {
            link.password = password;
            if password.is_some() {
                // Whoever came by the old one is out, even where the new one is the same word.
                self.guests.retain(|guest| guest.link != id);
            }
        }
        self.did.push(format!("edit {edit}"));
    }

    /// Everybody looks.
    async fn check(&self) {
        let now = self.now();
        let path = format!("/api/v1/images/{}", self.image);
        for client in [&self.stage.stranger(), &self.operator] {
            let seen = client.get(&self.thumb).await.status == 200;
            assert_eq!(seen, !self.private && !self.hidden, "a stranger: {:?}", self.did);
        }
        assert_eq!(self.ada.get(&self.thumb).await.status, 200, "its owner: {:?}", self.did);
        for guest in &self.guests {
            let link = self.links.get(&guest.link);
            let good = link.filter(|link| self.private && self.pro && now < guest.until.min(link.expires));
            let sees = !self.hidden && (good.is_some() || !self.private);
            assert_eq!(guest.client.get(&self.thumb).await.status == 200, sees, "a guest: {:?}", self.did);
            let answer = guest.client.get(&path).await;
            assert_eq!(answer.status == 200, sees, "{:?}", self.did);
            if sees {
                let told = answer.json();
                let (download, metadata) = good.map_or((false, false), |link| (link.download, link.metadata));
                assert_eq!(told["master"].is_string(), download, "{:?}", self.did);
                assert_eq!(told["facts"]["camera"].is_string(), metadata, "{:?}", self.did);
                assert!(told["facts"]["location"].is_null() && told["original"].is_null());
            }
        }
    }
}

#[tokio::test]
async fn the_last_word_of_an_owner_holds_at_once() {
    let seeds = std::env::var("GALERRA_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40);
    for seed in 0..seeds {
        let mut history = History::begin(seed).await;
        for _ in 0..40 {
            history.step().await;
            history.check().await;
        }
    }
}
