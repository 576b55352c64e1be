use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::{Entry, Key, Prefix};

/// No write takes as long.
const LONGEST_WRITE: Duration = Duration::from_secs(24 * 3600);

/// Splits the name of a staged file, `name#digits`, from its number.
pub(super) fn staged_for(name: &str) -> Option<&str> {
    let (name, number) = name.split_once('#')?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(name)
}

/// A page of what lies below a folder on the disk, in byte order of the keys.
pub(super) fn list(
    root: &Path,
    prefix: &Prefix,
    after: Option<&Key>,
    limit: usize,
) -> io::Result<Vec<Entry>> {
    let mut page = Page { after: after.map(Key::as_str), limit, found: Vec::new() };
    page.folder(&root.join(prefix.as_str()), prefix.as_str())?;
    Ok(page.found)
}

struct Page<'a> {
    after: Option<&'a str>,
    limit: usize,
    found: Vec<Entry>,
}

/// Sizes of files and `None` for folders, by name; a folder's name ends in `/`, which sorts its keys rightly.
type Names = BTreeMap<String, Option<u64>>;

impl Page<'_> {
    /// Adds what lies in the folder; `base` is what its keys start with.
    fn folder(&mut self, folder: &Path, base: &str) -> io::Result<()> {
        for (name, size) in self.names(folder, base)? {
            if self.found.len() >= self.limit {
                return Ok(());
            }
            let key = format!("{base}{name}");
            match size {
                None => self.folder(&folder.join(name), &key)?,
                // What is not a key was not put here by this store.
                Some(size) => self.found.extend(Key::parse(key).map(|key| Entry { key, size })),
            }
        }
        Ok(())
    }

    fn names(&self, folder: &Path, base: &str) -> io::Result<Names> {
        let mut names = Names::new();
        for entry in absent_is_empty(fs::read_dir(folder))?.into_iter().flatten() {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let name = name + "/";
                if !self.is_over(&format!("{base}{name}")) {
                    names.insert(name, None);
                }
            } else if kind.is_file() {
                if staged_for(&name).is_some() && is_of_the_dead(&entry)? {
                    absent_is_empty(fs::remove_file(entry.path()))?;
                    continue;
                }
                let name = staged_for(&name).unwrap_or(&name).to_owned();
                if self.after.is_some_and(|after| format!("{base}{name}").as_str() <= after) {
                    continue;
                }
                // A file may be renamed or removed since the folder was read.
                let size = absent_is_empty(entry.metadata())?.map(|metadata| metadata.len());
                if let Some(size) = size {
                    let all = names.entry(name).or_insert(Some(0));
                    *all = all.map(|sum| sum + size);
                }
            }
        }
        Ok(names)
    }

    /// Whether every key that starts with this text was on an earlier page.
    fn is_over(&self, start: &str) -> bool {
        self.after.is_some_and(|after| after > start && !after.starts_with(start))
    }
}

/// Whether a staged file was last written to longer ago than any write takes: whoever wrote it is gone.
fn is_of_the_dead(staged: &fs::DirEntry) -> io::Result<bool> {
    let Some(metadata) = absent_is_empty(staged.metadata())? else { return Ok(false) };
    Ok(metadata.modified()?.elapsed().is_ok_and(|age| age > LONGEST_WRITE))
}

/// `None` where there is nothing, or something else than was looked for.
pub(super) fn absent_is_empty<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error says that there is no such file.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}
