use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use async_trait::async_trait;
use galerra_core::{Error, Password, PasswordHash, Passwords};
use tokio::sync::Semaphore;

/// Passwords hashed with Argon2id at its recommended cost: 19 MiB and two passes (RFC 9106, OWASP).
///
/// Two at once, so that however many guess, they take 38 MiB and leave processors to others.
#[derive(Debug, Clone)]
pub struct Argon2id {
    room: Arc<Semaphore>,
}

/// Hashes made at once.
const AT_ONCE: usize = 2;

impl Default for Argon2id {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Argon2id {
    /// Does slow work where it keeps nobody waiting.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(|_| Error::Contended)?;
        let work = move || {
            let done = work();
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Contended)
    }
}

#[async_trait]
impl Passwords for Argon2id {
    async fn hash(&self, password: Password, salt: [u8; 32]) -> Result<PasswordHash, Error> {
        let hash = move || Argon2::default().hash_password_with_salt(password.reveal().as_bytes(), &salt);
        let hash: phc::PasswordHash = self.aside(hash).await?.map_err(|_| Error::Contended)?;
        Ok(PasswordHash::phc(hash.to_string()))
    }

    async fn fits(&self, password: Password, hash: PasswordHash) -> Result<bool, Error> {
        let fits = move || {
            let verified = Argon2::default().verify_password(password.reveal().as_bytes(), hash.as_str());
            verified.is_ok()
        };
        self.aside(fits).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let passwords = Argon2id::default();
        let word = |text: &str| Password::parse(text).unwrap();
        let hash = passwords.hash(word("correct horse"), [1; 32]).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_ne!(hash, passwords.hash(word("correct horse"), [2; 32]).await.unwrap());
        assert!(passwords.fits(word("correct horse"), hash.clone()).await.unwrap());
        for wrong in ["correct horsf", "correct hors", "Correct horse", "correct horse "] {
            assert!(!passwords.fits(word(wrong), hash.clone()).await.unwrap(), "{wrong}");
        }
        let none = PasswordHash::phc("correct horse".to_owned());
        assert!(!passwords.fits(word("correct horse"), none).await.unwrap());
        assert!(!format!("{hash:?} {:?}", word("correct horse")).contains("horse"));
    }
}
