-- Restore points: created, registered, archived; and what is refused.
CREATE EXTENSION pgbackrest_ctl;

SELECT pgbr_restore_point('before-migration') AS lsn \gset
SELECT name, lsn = :'lsn' AS lsn, timeline, time <= clock_timestamp() AS time,
	xid <= pg_current_xact_id() AS xid
FROM pgbr_restore_points;

-- it is in the repository when the function returns
SELECT pgbr_info_json(refresh => true)->0->'archive'->0->>'max' >= pg_walfile_name(:'lsn') AS archived;

-- a name exists once
SELECT pgbr_restore_point('before-migration');
SELECT pgbr_restore_point('before-migration', wait_archived => false);
SELECT pgbr_restore_point('after') > :'lsn' AS later;
SELECT name FROM pgbr_restore_points;

-- without waiting
SELECT pgbr_restore_point('quick', wait_archived => false) > :'lsn' AS later;

-- any letters and marks but those that would not be safe in a configuration file
SELECT pgbr_restore_point('Zoë & co: 50 % (a/b) ?x=1#y', wait_archived => false) > :'lsn' AS later;
SELECT pgbr_restore_point(repeat('x', 63), wait_archived => false) > :'lsn' AS later;
SELECT name FROM pgbr_restore_points LIMIT 2;
\set VERBOSITY terse
SELECT pgbr_restore_point(repeat('x', 64));
SELECT pgbr_restore_point(repeat('ü', 32));
SELECT pgbr_restore_point('');
SELECT pgbr_restore_point(' x');
SELECT pgbr_restore_point('x ');
SELECT pgbr_restore_point('it''s');
SELECT pgbr_restore_point('"x"');
SELECT pgbr_restore_point('a\b');
SELECT pgbr_restore_point(E'a\nb');
SELECT pgbr_restore_point(NULL);
SELECT pgbr_restore_point('x', wait_archived => NULL);
SELECT pgbr_restore_point('x', wait_seconds => 0);
\set VERBOSITY default
SELECT pgbr_restore_point(repeat('x', 64));
SELECT count(*) FROM pgbr_restore_points;

-- the lock is not held to the end of the transaction
BEGIN;
SELECT pgbr_restore_point('in a transaction', wait_archived => false) > :'lsn' AS later;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
ROLLBACK;
-- and what was made is not taken back
SELECT name FROM pgbr_restore_points LIMIT 1;

DROP EXTENSION pgbackrest_ctl;
