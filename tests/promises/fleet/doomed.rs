//! Something that is going to be deleted: an image, a gallery or a whole account, and where visitors find it.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use crate::client::{Client, text};
use crate::photos;
use crate::stage::erase;

/// Uploads under way at once.
const AT_ONCE: usize = 8;
/// Galleries of an account.
const GALLERIES: usize = 4;

pub struct Doomed {
    /// What it is, for whoever reads the output.
    pub what: String,
    path: String,
    tag: String,
    /// The paths of each image by its id.
    images: BTreeMap<String, Vec<String>>,
}

impl Doomed {
    /// A new open gallery of so many pictures.
    pub async fn gallery(owner: &Client, count: usize) -> Self {
        let gallery = owner.gallery("g", "public").await;
        let images = upload(owner, &gallery, count).await;
        let (path, tag) = (format!("/api/v1/galleries/{gallery}"), tag('g', &gallery));
        Self { what: format!("a gallery of {count}"), path, tag, images }
    }

    /// An account, with so many pictures in several open galleries.
    pub async fn account(owner: &Client, count: usize) -> Self {
        let mut images = BTreeMap::new();
        for nth in 0..GALLERIES {
            let gallery = owner.gallery("g", "public").await;
            images.append(&mut upload(owner, &gallery, (count + nth) / GALLERIES).await);
        }
        assert_eq!(images.len(), count);
        let tag = tag('u', &text(&owner.get("/api/v1/account").await.expect(200), "id"));
        Self { what: format!("an account of {count}"), path: "/api/v1/account".to_owned(), tag, images }
    }

    /// One of its images, which is then no longer counted here.
    pub fn take_one(&mut self) -> Self {
        let (id, paths) = self.images.pop_first().unwrap();
        let (path, tag) = (format!("/api/v1/images/{id}"), tag('i', &id));
        Self { what: "an image".to_owned(), path, tag, images: BTreeMap::from([(id, paths)]) }
    }

    /// Deletes it for good; answers the erasure's id.
    pub async fn delete(&self, owner: &Client) -> String {
        erase(owner, &self.path).await
    }

    /// How many images it has.
    pub fn count(&self) -> usize {
        self.images.len()
    }

    /// Where visitors find it: the first rendition of every image, and of about a hundred images all of them.
    pub fn paths(&self) -> Vec<String> {
        let step = 1 + self.images.len() / 100;
        let shown = |(nth, paths): (usize, &Vec<String>)| {
            let count = if nth % step == 0 { paths.len() } else { 1 };
            paths.iter().take(count).cloned().collect::<Vec<_>>()
        };
        self.images.values().enumerate().flat_map(shown).collect()
    }

    /// Whether a purge that names this tag, or this image, is one of its own.
    pub fn is_meant_by(&self, named: &str) -> bool {
        named == self.tag || self.images.contains_key(named)
    }
}

/// Uploads pictures that are developed in no time; answers the paths of each by its id.
async fn upload(owner: &Client, gallery: &str, count: usize) -> BTreeMap<String, Vec<String>> {
    let one = |nth: usize| async move {
        let picture = photos::generated(u32::try_from(nth).unwrap(), 16, 12);
        let image = owner.upload(gallery, picture).await;
        let renditions = image["renditions"].as_array().unwrap().iter();
        let paths = renditions.map(|rendition| {
            let url = text(rendition, "url");
            url::Url::parse(&url).map_or_else(|_| url.clone(), |url| url.path().to_owned())
        });
        (text(&image, "id"), paths.collect())
    };
    stream::iter(0..count).map(one).buffer_unordered(AT_ONCE).collect().await
}

/// The tag of something by its id, as a Varnish sees it.
fn tag(kind: char, id: &str) -> String {
    format!("{kind}-{}", id.split('_').nth(1).unwrap())
}
