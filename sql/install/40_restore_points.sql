-- Restore points

CREATE FUNCTION @extschema@.pgbr_restore_point(
	name text,
	wait_archived boolean DEFAULT true,
	wait_seconds integer DEFAULT 60)
RETURNS pg_lsn
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_restore_point(text, boolean, integer) IS
'create and register a named restore point, and wait until its WAL is in the repository';

CREATE FUNCTION @extschema@._pgbr_restore_points()
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_restore_points() IS
'the restore points as the sidecar returns them';

CREATE VIEW @extschema@.pgbr_restore_points AS
SELECT p.*
FROM @extschema@._pgbr_restore_points() AS answer
	CROSS JOIN jsonb_to_recordset(answer->'restore_points') AS p(
		name text, lsn pg_lsn, timeline integer, "time" timestamptz, xid xid8);
COMMENT ON VIEW @extschema@.pgbr_restore_points IS 'the registered restore points, newest first';
