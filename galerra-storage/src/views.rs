use crate::{StorageError, View};

/// Refuses a view whose texts could mean anything but themselves in SQL.
pub(crate) fn check(views: &[View], store: &str) -> Result<(), StorageError> {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    for view in views {
        let columns = view.columns.iter().all(|(name, path)| plain(name) && path.split('.').all(plain));
        if !plain(view.name) || !columns || view.pattern.contains(['\'', '\0']) {
            let reason = format!("the view `{}` is not made of plain names", view.name);
            return Err(StorageError::Invalid { store: store.to_owned(), reason });
        }
    }
    Ok(())
}

/// The query of a view, given how the engine spells the member at a path.
pub(crate) fn query(view: &View, records: &str, member: impl Fn(&str) -> String) -> String {
    let mut columns = vec!["key".to_owned(), "version".to_owned()];
    columns.extend(view.columns.iter().map(|(name, path)| format!("{} AS \"{name}\"", member(path))));
    let (columns, pattern) = (columns.join(", "), view.pattern);
    format!("SELECT {columns} FROM {records} WHERE key LIKE '{pattern}' ESCAPE '\\'")
}
