-- Checks what a batch believes and does what it says, in one call and so in one transaction.
--
-- `keys` are in byte order and name every record of the batch, `beliefs` their versions (null: absent).
-- Answers the version `given`, or the first key whose belief is `wrong`; then nothing has changed.
--
-- Why it is serialisable at READ COMMITTED: every belief is locked before it is checked, and the locks are
-- held until the commit. A record that is there is locked as a row. One that is not has no row, so whoever
-- believes in its absence holds an advisory lock, and whoever creates it holds that lock alone. Each statement
-- has a snapshot of its own, taken after the locks before it were granted.
--
-- Why it does not deadlock: advisory locks come before row locks, and both come in one order.
CREATE OR REPLACE FUNCTION $schema.commit(
    keys text[], beliefs bigint[], expected text[],
    creates text[], created text[], replaces text[], replaced text[], removes text[],
    OUT given bigint, OUT wrong text
) LANGUAGE plpgsql AS $body$
DECLARE
    absent constant bigint := cardinality(array_positions(beliefs, null));
    everything constant bigint := hashtextextended('$schema', 0);
    place bigint;
    alone boolean;
    found_at bigint;
BEGIN
    IF absent > 64 THEN
        -- So many locks could fill the server's table of locks: one lock instead, against all others.
        PERFORM pg_advisory_xact_lock(everything);
    ELSIF absent > 0 THEN
        PERFORM pg_advisory_xact_lock_shared(everything);
        FOR place, alone IN
            SELECT hashtextextended('$schema/' || b.key, 0), bool_or(b.key = ANY (creates))
            FROM unnest(keys, beliefs) AS b (key, version) WHERE b.version IS NULL
            GROUP BY 1 ORDER BY 1
        LOOP
            IF alone THEN
                PERFORM pg_advisory_xact_lock(place);
            ELSE
                PERFORM pg_advisory_xact_lock_shared(place);
            END IF;
        END LOOP;
    END IF;

    IF cardinality(expected) = 0 THEN
        WITH locked AS MATERIALIZED (
            SELECT r.key, r.version FROM $schema.records r WHERE r.key = ANY (keys) ORDER BY r.key FOR UPDATE
        )
        SELECT b.key INTO wrong
        FROM unnest(keys, beliefs) AS b (key, version) LEFT JOIN locked l ON l.key = b.key
        WHERE b.version IS DISTINCT FROM l.version
        ORDER BY b.key COLLATE "C" LIMIT 1;
    ELSE
        -- Records that are only expected are shared, so that many can expect one; two strengths of lock in one
        -- order need a loop.
        FOR i IN 1 .. cardinality(keys) LOOP
            IF keys[i] = ANY (expected) THEN
                SELECT r.version INTO found_at FROM $schema.records r WHERE r.key = keys[i] FOR SHARE;
            ELSE
                SELECT r.version INTO found_at FROM $schema.records r WHERE r.key = keys[i] FOR UPDATE;
            END IF;
            IF found_at IS DISTINCT FROM beliefs[i] THEN
                wrong := keys[i];
                EXIT;
            END IF;
        END LOOP;
    END IF;
    IF wrong IS NOT NULL THEN
        RETURN;
    END IF;

    -- After the locks: who comes later to a record gets a greater version.
    given := nextval('$schema.versions');
    IF cardinality(removes) > 0 THEN
        DELETE FROM $schema.records r WHERE r.key = ANY (removes);
    END IF;
    IF cardinality(replaces) > 0 THEN
        UPDATE $schema.records r SET version = given, value = n.value::jsonb
        FROM unnest(replaces, replaced) AS n (key, value) WHERE r.key = n.key;
    END IF;
    IF cardinality(creates) > 0 THEN
        INSERT INTO $schema.records (key, version, value)
        SELECT n.key, given, n.value::jsonb FROM unnest(creates, created) AS n (key, value);
    END IF;
END
$body$;
