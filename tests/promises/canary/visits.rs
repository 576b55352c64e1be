//! People who come by, through both edges: what they say of themselves on the way is kept nowhere.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::needle::Until;
use super::scene::{CANARY, Scene};
use crate::client::{Client, text};

impl Scene {
    /// Whoever comes by says where from, with what, and why.
    pub fn visitor(&mut self, edge: &Client, nth: usize) -> (Client, String) {
        let agent = self.canary(Until::Never, &format!("agent {nth}"));
        let referer = self.canary(Until::Never, &format!("referer {nth}"));
        let query = self.canary(Until::Never, &format!("query {nth}"));
        (edge.with("user-agent", &agent).with("referer", &format!("https://{referer}.example/")), query)
    }

    /// Looks at everything that is open, twice: the second copy comes from the edge.
    pub async fn look_around(&mut self, gallery: &str, images: &[&Value]) {
        for (nth, edge) in self.edges().iter().enumerate() {
            let (visitor, query) = self.visitor(edge, nth);
            for path in [format!("/g/{gallery}"), format!("/api/v1/galleries/{gallery}/images")] {
                assert_eq!(visitor.get(&format!("{path}?campaign={query}")).await.status, 200);
            }
            for image in images {
                for rendition in image["renditions"].as_array().unwrap() {
                    let address = text(rendition, "url");
                    assert_eq!(visitor.get(&format!("{address}?campaign={query}")).await.status, 200);
                    assert_eq!(visitor.get(&address).await.status, 200);
                    let again = visitor.get(&address).await;
                    assert!(again.header("cache-status").contains("; hit"), "{address}: {:?}", again.headers);
                    self.open.push(address);
                }
            }
        }
    }

    /// Follows a link with the wrong password and the right one, and sends a picture; answers the guest.
    pub async fn be_a_guest(&mut self, link: &str, gallery: &str, shared: &Value) -> Client {
        let password = self.canary(Until::Never, "password");
        let wrong = self.canary(Until::Never, "wrong password");
        let edge = self.edges()[0].clone();
        let (visitor, query) = self.visitor(&edge, 7);
        let program = visitor.with("accept", "application/json");
        let say = |password: &str| json!({ "password": password }).to_string();
        let link = format!("{link}?campaign={query}");
        let refused = program.send(Method::POST, &link, "application/json", say(&wrong)).await;
        assert!(refused.status.is_client_error(), "{}", refused.status);
        let told = program.send(Method::POST, &link, "application/json", say(&password)).await.expect(200);
        let guest = visitor.as_bearer(&text(&told, "pass"));
        self.text(Until::Never, "pass", &text(&told, "pass"));
        assert_eq!(guest.get(&text(&shared["renditions"][0], "url")).await.status, 200);
        assert_eq!(guest.get(&format!("/api/v1/galleries/{gallery}/archive")).await.status, 200);
        guest
    }

    /// A guest sends one picture that waits for its owner, and one that is refused.
    pub async fn send_as_a_guest(&mut self, guest: &Client, gallery: &str) {
        let name = self.canary(Until::Account, "file name of a guest");
        let refused = self.canary(Until::Never, "file name that was refused");
        let file = self.file(Until::Account, "a guest", 70);
        let broken = self.file(Until::Never, "a broken file", 71);
        let broken = broken.slice(..broken.len() / 2);
        let files = [(format!("{name}.jpg"), file.clone()), (format!("{refused}.jpg"), broken)];
        let sent = guest.form(gallery, &files).await.expect(202);
        assert_eq!((&sent["held"], sent["refused"].as_array().unwrap().len()), (&json!(1), 1), "{sent}");
        let listed = self.ada.get(&format!("/api/v1/galleries/{gallery}/images")).await.expect(200);
        let held = listed["items"].as_array().unwrap().iter().find(|image| image["held"] == true);
        self.served(Until::Account, "a guest", held.unwrap(), &file).await;
    }

    /// Keys that are nobody's, files that are no images, and addresses that lead nowhere.
    pub async fn fail(&mut self, gallery: &str) {
        let [edge, _] = self.edges();
        let (visitor, query) = self.visitor(&edge, 8);
        let key = self.canary(Until::Never, "wrong key");
        let form = "application/x-www-form-urlencoded";
        assert_eq!(visitor.send(Method::POST, "/sign-in", form, format!("key={key}")).await.status, 401);
        assert_eq!(visitor.as_bearer(&key).get("/api/v1/account").await.status, 401);
        assert_eq!(visitor.get(&format!("/nowhere?q={query}")).await.status, 404);
        let (title, body) =
            (self.canary(Until::Never, "title in vain"), self.canary(Until::Never, "no image"));
        let path = format!("/api/v1/galleries/{gallery}/images?title={title}");
        let sent = self.ada.send(Method::POST, &path, "image/jpeg", Bytes::from(body)).await;
        assert!(sent.status.is_client_error(), "{}", sent.status);
        let file = self.file(Until::Never, "a file that is cut off", 72);
        let sent = self.ada.send(Method::POST, &path, "image/jpeg", file.slice(..file.len() - 700)).await;
        assert!(sent.status.is_client_error(), "{}", sent.status);
    }
}

/// Visits while there is no server behind the edges; answers what the visitors said of themselves.
pub async fn come_too_early(edges: &[Client]) -> Vec<String> {
    let mut said = Vec::new();
    for (nth, edge) in edges.iter().enumerate() {
        let texts =
            ["agent", "referer", "query"].map(|what| format!("{CANARY}-{what}-of-an-early-visitor-{nth}"));
        let referer = format!("https://{}.example/", texts[1]);
        let visitor = edge.with("user-agent", &texts[0]).with("referer", &referer);
        for path in ["/s/gs_", "/i/x/thumb.jpg?campaign=", "/g/x?campaign="] {
            let answer = visitor.get(&format!("{path}{}", texts[2])).await;
            assert!(answer.status.is_server_error(), "{}", answer.status);
        }
        said.extend(texts);
    }
    said
}
