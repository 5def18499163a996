-- Backups

CREATE FUNCTION @extschema@._pgbr_info(refresh boolean)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_info(boolean) IS
'the output of pgbackrest info, its age and the last error, as the sidecar returns it';

CREATE FUNCTION @extschema@.pgbr_info_json(refresh boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT @extschema@._pgbr_info(refresh)->'stanzas'
$$;
COMMENT ON FUNCTION @extschema@.pgbr_info_json(boolean) IS
'the document of pgbackrest info --output=json; with refresh pgbackrest is run again';

CREATE FUNCTION @extschema@.pgbr_info(refresh boolean DEFAULT false)
RETURNS TABLE (
	stanza text,
	repo integer,
	label text,
	type text,
	prior text,
	reference text[],
	backup_id text,
	start_time timestamptz,
	stop_time timestamptz,
	duration interval,
	lsn_start pg_lsn,
	lsn_stop pg_lsn,
	wal_start text,
	wal_stop text,
	database_size bigint,
	delta bigint,
	repo_size bigint,
	repo_delta bigint,
	error boolean,
	annotations jsonb,
	pinned boolean,
	expires text,
	kept_because text,
	point_in_time boolean,
	pgbackrest_version text,
	postgres_version text,
	database_id integer,
	system_id numeric,
	age interval)
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_info(boolean) IS
'the backups in the repositories, oldest first; with refresh pgbackrest is run again';

CREATE VIEW @extschema@.pgbr_backups AS SELECT * FROM @extschema@.pgbr_info(false);
COMMENT ON VIEW @extschema@.pgbr_backups IS 'the backups in the repositories, oldest first';

CREATE VIEW @extschema@.pgbr_archives AS
SELECT s.name AS stanza, (a.database->>'repo-key')::integer AS repo,
	(a.database->>'id')::integer AS database_id, a.id AS archive_id,
	d.version AS postgres_version, d."system-id" AS system_id,
	a.min AS wal_min, a.max AS wal_max,
	(r.value->>'point_in_time_from')::timestamptz AS point_in_time_from,
	r.value->>'point_in_time_label' AS point_in_time_label,
	r.value->>'point_in_time_wal' AS point_in_time_wal
FROM @extschema@._pgbr_info(false) AS answer
	CROSS JOIN jsonb_to_recordset(answer->'stanzas') AS s(name text, db jsonb, archive jsonb)
	CROSS JOIN jsonb_to_recordset(s.archive) AS a(
		id text, min text, max text, database jsonb)
	LEFT JOIN LATERAL jsonb_to_recordset(s.db) AS d(
			id integer, "repo-key" integer, "system-id" numeric, version text)
		ON d.id = (a.database->>'id')::integer
			AND d."repo-key" = (a.database->>'repo-key')::integer
	CROSS JOIN LATERAL (
		SELECT answer->'retention'->'repositories'->(a.database->>'repo-key')->'archives'->a.id
			AS value) AS r;
COMMENT ON VIEW @extschema@.pgbr_archives IS
'the WAL in the repositories: first and last segment of each database, and since when any moment'
' can be restored';

CREATE VIEW @extschema@.pgbr_repositories AS
SELECT s.name AS stanza, r.key AS repo, r.cipher, (r.status->>'code')::integer AS status_code,
	r.status->>'message' AS status_message
FROM @extschema@._pgbr_info(false) AS answer
	CROSS JOIN jsonb_to_recordset(answer->'stanzas') AS s(name text, repo jsonb)
	CROSS JOIN jsonb_to_recordset(s.repo) AS r(
		key integer, cipher text, status jsonb);
COMMENT ON VIEW @extschema@.pgbr_repositories IS 'the repositories, and whether they are usable';
