//! A crowd that asks for everything that is gone, from before the server opens its port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tokio::task::JoinHandle;

use super::town::Town;
use crate::client::Client;
use crate::server::eventually;

/// How many ask at once.
const MANY: usize = 6;

/// Something that nobody may be told any more.
#[derive(Clone)]
pub struct Question {
    pub who: Client,
    pub method: Method,
    pub path: String,
    /// What the answer must not tell; if it is empty, there must be no answer at all.
    pub secret: String,
}

impl Question {
    pub fn get(who: &Client, path: &str, secret: &str) -> Self {
        Self { who: who.clone(), method: Method::GET, path: path.to_owned(), secret: secret.to_owned() }
    }

    /// Whether the answer tells it; an error if there was none.
    pub async fn ask(&self, port: u16) -> Result<bool, String> {
        let who = self.who.at(port);
        let answer = who.try_send(self.method.clone(), &self.path, "", Bytes::new()).await?;
        let told = memchr::memmem::find(&answer.body, self.secret.as_bytes()).is_some();
        Ok(!answer.status.is_client_error() && !answer.status.is_server_error() && told)
    }
}

pub struct Crowd {
    asked: Arc<AtomicUsize>,
    enough: Arc<AtomicBool>,
    people: Vec<JoinHandle<Vec<String>>>,
}

impl Crowd {
    /// Begins to ask, although nobody answers yet.
    pub fn gather(town: &Town) -> Self {
        let (asked, enough) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let people = (0..MANY).map(|nth| {
            let (port, questions) = (town.port, town.questions.clone());
            let (asked, enough) = (asked.clone(), enough.clone());
            tokio::spawn(async move {
                let mut told = Vec::new();
                // Each begins somewhere else, so that every question is among the first.
                let first = nth * questions.len() / MANY;
                for question in questions.iter().cycle().skip(first) {
                    if enough.load(Ordering::Relaxed) {
                        break;
                    }
                    match question.ask(port).await {
                        Ok(is_told) => {
                            asked.fetch_add(1, Ordering::Relaxed);
                            told.extend(is_told.then(|| format!("{} {}", question.path, question.secret)));
                        }
                        Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                }
                told
            })
        });
        Self { people: people.collect(), asked, enough }
    }

    /// Waits until that many questions were answered, and asserts that nothing was told.
    pub async fn go_home_after(self, answers: usize) -> usize {
        eventually("answers", async || self.asked.load(Ordering::Relaxed) >= answers).await;
        self.enough.store(true, Ordering::Relaxed);
        let mut told = Vec::new();
        for person in self.people {
            told.extend(person.await.unwrap());
        }
        assert!(told.is_empty(), "{told:#?}");
        self.asked.load(Ordering::Relaxed)
    }
}
