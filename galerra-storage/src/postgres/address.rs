use std::str::FromStr;

use tokio_postgres::Config;
use url::Url;

use super::NAME;
use crate::StorageError;

/// What a URL says about a database.
pub(super) struct Address {
    pub(super) config: Config,
    /// INVARIANT: a plain name, so that it can stand in the text of a statement.
    pub(super) schema: String,
    pub(super) pool: usize,
}

impl Address {
    pub(super) fn parse(url: &Url) -> Result<Self, StorageError> {
        let (mut schema, mut pool, mut others) = ("galerra".to_owned(), 16, Vec::new());
        for (name, value) in url.query_pairs() {
            match &*name {
                "schema" => schema = value.into_owned(),
                "pool" => pool = value.parse().map_err(|_| invalid("`pool` is not a number"))?,
                "sslmode" if !matches!(&*value, "disable" | "allow" | "prefer") => {
                    return Err(invalid("`sslmode` asks for encryption, which this build does not have"));
                }
                // The client knows no `allow`; without encryption it is what `disable` is.
                "sslmode" => others.push(("sslmode".to_owned(), "disable".to_owned())),
                _ => others.push((name.into_owned(), value.into_owned())),
            }
        }
        if !is_plain(&schema) {
            return Err(invalid("`schema` is not a name of the letters a-z, digits and `_`"));
        }
        if pool == 0 {
            return Err(invalid("`pool` is zero"));
        }
        let mut rest = url.clone();
        rest.set_query(None);
        if !others.is_empty() {
            rest.query_pairs_mut().extend_pairs(others);
        }
        // The parser's own message may repeat parts of the URL, the password among them.
        let mut config = Config::from_str(rest.as_str()).map_err(|_| invalid("the URL is not understood"))?;
        if config.get_application_name().is_none() {
            config.application_name("galerra");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(super::PATIENCE);
        }
        Ok(Self { config, schema, pool })
    }
}

fn is_plain(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn invalid(reason: &str) -> StorageError {
    StorageError::Invalid { store: NAME.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let Err(refusal) = Address::parse(&Url::parse(url).unwrap()) else { panic!("{url} is accepted") };
        format!("{refusal} {refusal:?}")
    }

    #[test]
    fn a_url_that_asks_for_encryption_is_refused() {
        for mode in ["require", "verify-ca", "verify-full", "REQUIRE"] {
            let refusal = refusal(&format!("postgres://u:SECRET@h/d?sslmode={mode}"));
            assert!(refusal.contains("encryption") && !refusal.contains("SECRET"), "{refusal}");
        }
        assert!(Address::parse(&Url::parse("postgres://u@h/d?sslmode=prefer").unwrap()).is_ok());
    }

    #[test]
    fn a_bad_url_is_refused_without_its_password() {
        for query in ["schema=a;drop", "schema=", "schema=A", "pool=x", "pool=0", "port=x", "nonsense=1"] {
            assert!(!refusal(&format!("postgres://u:SECRET@h/d?{query}")).contains("SECRET"));
        }
    }

    #[test]
    fn parameters_are_taken_out_of_the_url() {
        let url = Url::parse("postgres://u:p@h/d?schema=other&pool=3&application_name=x").unwrap();
        let Ok(address) = Address::parse(&url) else { panic!("the URL is refused") };
        assert_eq!((address.schema.as_str(), address.pool), ("other", 3));
        assert_eq!(address.config.get_application_name(), Some("x"));
        assert_eq!(address.config.get_dbname(), Some("d"));
    }
}
