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

/// Asks whether PostgreSQL takes samples of keys or values: it would keep them in its statistics when the records are
/// long gone, until it takes others.
const SAMPLED: &str = "
    SELECT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = '$schema.records'::regclass
        AND attname IN ('key', 'value') AND attstattarget IS DISTINCT FROM 0
    )
";

/// Ends that. To give a column the type that it has drops its samples; a view that is not ours forbids it, and then they
/// stay until somebody drops that view and this is done by hand.
const UNSAMPLED: &str = "
    DO $do$ BEGIN
        ALTER TABLE $schema.records ALTER COLUMN key TYPE text COLLATE \"C\", ALTER COLUMN value TYPE jsonb;
    EXCEPTION WHEN feature_not_supported THEN
        RAISE WARNING 'a view of others keeps samples of records in the statistics';
    END $do$;
    ALTER TABLE $schema.records ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN value SET STATISTICS 0;
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
    let named = |view: &View| format!("{schema}.\"{}\"", view.name);
    for view in views {
        change.batch_execute(&format!("DROP VIEW IF EXISTS {}", named(view))).await?;
    }
    if change.query_one(&SAMPLED.replace("$schema", schema), &[]).await?.try_get(0)? {
        change.batch_execute(&UNSAMPLED.replace("$schema", schema)).await?;
    }
    for view in views {
        let query = views::query(view, &format!("{schema}.records"), member);
        change.batch_execute(&format!("CREATE VIEW {} AS {query}", named(view))).await?;
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
