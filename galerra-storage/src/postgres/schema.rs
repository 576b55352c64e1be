use deadpool_postgres::Object;
use tokio_postgres::Error;

use crate::{View, views};

/// What every connection is told: the function `commit` counts on a fresh snapshot for each of its statements,
/// and a commit that has been answered must be on stable storage.
pub(super) const SESSION: &str = "
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
";

/// Every query here goes by keys: a plan for a small table must not stay when the table has grown.
pub(super) const ADVICE: &str = "
    SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off;
";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS $schema.records (
        key text COLLATE \"C\" PRIMARY KEY,
        version bigint NOT NULL,
        value jsonb NOT NULL
    );
    CREATE SEQUENCE IF NOT EXISTS $schema.versions CACHE 1;
";

/// Brings the schema up to date; an advisory lock lets one process at a time do so.
pub(super) async fn prepare(client: &mut Object, schema: &str, views: &[View]) -> Result<(), Error> {
    let change = client.transaction().await?;
    let lock = format!("SELECT pg_advisory_xact_lock(hashtextextended('{schema} migration', 0))");
    change.batch_execute(&lock).await?;
    // `CREATE SCHEMA IF NOT EXISTS` asks for a right that is not needed when the schema is there.
    if change.query_one("SELECT to_regnamespace($1) IS NULL", &[&schema]).await?.try_get(0)? {
        change.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
    }
    let text = TABLES.to_owned() + include_str!("commit.sql");
    change.batch_execute(&text.replace("$schema", schema)).await?;
    for view in views {
        let query = views::query(view, &format!("{schema}.records"), member);
        let name = format!("{schema}.\"{}\"", view.name);
        change.batch_execute(&format!("DROP VIEW IF EXISTS {name}; CREATE VIEW {name} AS {query};")).await?;
    }
    change.commit().await
}

fn member(path: &str) -> String {
    match path.rsplit_once('.') {
        None => format!("value->>'{path}'"),
        Some((folders, last)) => format!("value->'{}'->>'{last}'", folders.replace('.', "'->'")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_goes_down_member_by_member() {
        assert_eq!(super::member("a"), "value->>'a'");
        assert_eq!(super::member("a.b.c"), "value->'a'->'b'->>'c'");
    }
}
