use std::sync::Arc;

use object_store::ObjectStoreScheme;
use object_store::prefix::PrefixStore;
use url::Url;

use super::store::Cause;
use super::{Objects, Store, decided_by_provider};
use crate::StorageError;

impl Objects {
    /// Blobs where a URL points: `file:///folder`, `memory:`, `s3://bucket/folder`, `gs://…`, `az://…`.
    ///
    /// Cloud stores take their credentials from the environment, as the provider's own tools do
    /// (`AWS_…`, `GOOGLE_…`, `AZURE_…`); each needs its feature (`s3`, `gcs`, `azure`).
    pub fn from_url(url: &Url) -> Result<Self, StorageError> {
        match url.scheme() {
            "file" => {
                let folder = url.to_file_path().map_err(|()| invalid("file", "the URL is not a path"))?;
                Self::disk(folder)
            }
            "memory" => Ok(Self::memory()),
            "s3" | "s3a" => cloud(url, "s3", "s3", cfg!(feature = "s3"), "AWS_"),
            "gs" => cloud(url, "gcs", "gcs", cfg!(feature = "gcs"), "GOOGLE_"),
            "az" | "azure" | "abfs" | "abfss" => {
                cloud(url, "azure", "azure", cfg!(feature = "azure"), "AZURE_")
            }
            other => Err(invalid("blobs", &format!("there is no store for `{other}:`"))),
        }
    }
}

fn cloud(url: &Url, name: &str, feature: &str, built: bool, settings: &str) -> Result<Objects, StorageError> {
    if !built {
        return Err(invalid(name, &format!("built without the feature `{feature}`")));
    }
    let texts = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings = texts.filter(|(name, _)| name.starts_with(settings));
    let refused = |error: object_store::Error| invalid(name, &Cause::from(error).to_string());
    let (store, folder) = object_store::parse_url_opts(url, settings).map_err(refused)?;
    let ordered = match ObjectStoreScheme::parse(url) {
        // Buckets of S3 Express, whose names end so, list in no order.
        Ok((ObjectStoreScheme::AmazonS3, _)) => !url.host_str().is_some_and(|host| host.ends_with("--x-s3")),
        Ok((ObjectStoreScheme::GoogleCloudStorage, _)) => true,
        _ => false,
    };
    Ok(Objects::over(Store {
        client: Arc::new(PrefixStore::new(store, folder)),
        ordered,
        semantics: decided_by_provider(name),
    }))
}

fn invalid(store: &str, reason: &str) -> StorageError {
    StorageError::Invalid { store: store.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_store_is_refused_in_words() {
        let refusal = |url: &str| Objects::from_url(&Url::parse(url).unwrap()).unwrap_err().to_string();
        assert_eq!(refusal("ftp://a.example/"), "blobs: there is no store for `ftp:`");
        #[cfg(not(feature = "s3"))]
        assert_eq!(refusal("s3://bucket/folder"), "s3: built without the feature `s3`");
    }
}
