-- The audit. It is not granted to pg_monitor: it says who works from where.

CREATE FUNCTION @extschema@._pgbr_audit(before bigint)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_audit(bigint) IS
'a page of the audit as the sidecar returns it';

CREATE VIEW @extschema@.pgbr_audit AS
WITH RECURSIVE page(answer) AS (
		SELECT @extschema@._pgbr_audit(NULL::bigint)
	UNION
		SELECT @extschema@._pgbr_audit((answer->>'next')::bigint)
		FROM page
		WHERE answer->>'next' IS NOT NULL
)
SELECT a.id, a."time", a.caller, a.claimed_by, a.peer, a.listener, a.method, a.path, a.status,
	a.refused, a.count, a.concerns
FROM page, jsonb_to_recordset(answer->'audit') AS a(
		id bigint, "time" timestamptz, caller text, claimed_by text, peer text, listener text,
		method text, path text, status integer, refused boolean, count integer, concerns text);
COMMENT ON VIEW @extschema@.pgbr_audit IS
'changes requested at this server''s sidecar, and requests that it refused, newest first';
