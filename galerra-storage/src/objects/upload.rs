use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};

use super::PART;
use crate::Body;

/// Why an upload did not happen.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error("the body ended early")]
    Body(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] object_store::Error),
}

/// The next part of a body: at least [`PART`] bytes unless the body ends, in the chunks it came in.
pub(super) struct Part {
    pub(super) chunks: Vec<Bytes>,
    pub(super) last: bool,
}

pub(super) async fn next_part(body: &mut Body) -> std::io::Result<Part> {
    let mut chunks = Vec::new();
    let mut length = 0;
    while length < PART {
        let Some(chunk) = body.try_next().await? else { return Ok(Part { chunks, last: true }) };
        length += chunk.len();
        chunks.push(chunk);
    }
    Ok(Part { chunks, last: false })
}

/// Stores a body with one request if it is short, else in parts; leaves no parts behind unless the process dies.
pub(super) async fn upload(store: &dyn ObjectStore, path: &Path, mut body: Body) -> Result<(), UploadError> {
    let mut part = next_part(&mut body).await?;
    if part.last {
        store.put(path, PutPayload::from_iter(part.chunks)).await?;
        return Ok(());
    }
    let mut parts = Parts(Some(store.put_multipart(path).await?));
    let sent = async {
        loop {
            let Some(upload) = parts.0.as_mut() else { return Ok(()) };
            upload.put_part(PutPayload::from_iter(part.chunks)).await?;
            if part.last {
                upload.complete().await?;
                return Ok::<_, UploadError>(());
            }
            part = next_part(&mut body).await?;
        }
    }
    .await;
    match (sent, parts.0.take()) {
        (Err(cause), Some(mut upload)) => {
            // The cause is what the caller has to know; parts that stay are named by the semantics.
            if let Err(error) = upload.abort().await {
                tracing::warn!(error = %super::store::Cause::from(error), "an upload could not be aborted");
            }
            Err(cause)
        }
        (sent, _) => sent,
    }
}

/// An upload in parts that is aborted when it is dropped half-way.
struct Parts(Option<Box<dyn MultipartUpload>>);

impl Drop for Parts {
    fn drop(&mut self) {
        let Some(mut upload) = self.0.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}
