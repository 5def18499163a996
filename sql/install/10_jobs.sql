-- Jobs: ask, wait, cancel. The sidecar owns a job once it was requested: ROLLBACK does not undo it.
-- A function that waits holds a snapshot, and so keeps VACUUM from removing rows that died since.

CREATE FUNCTION @extschema@.pgbr_backup(
	type text DEFAULT 'incr',
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60,
	annotations jsonb DEFAULT NULL,
	repo integer DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_backup(text, boolean, integer, jsonb, integer) IS
'request a backup (full, diff or incr); returns the job''s ID, which becomes the backup''s'
' backup_id;'
' ROLLBACK does not cancel the job; waiting holds a snapshot, so for a long backup poll'
' pgbr_job(ID)';

CREATE FUNCTION @extschema@.pgbr_check(wait boolean DEFAULT false, wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_check(boolean, integer) IS
'request pgbackrest check: is WAL archived, are the repositories usable; returns the job''s ID;'
' ROLLBACK does not cancel the job';

CREATE FUNCTION @extschema@.pgbr_verify(wait boolean DEFAULT false, wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_verify(boolean, integer) IS
'request pgbackrest verify: are the files in the repository intact; returns the job''s ID;'
' ROLLBACK does not cancel the job';

CREATE FUNCTION @extschema@.pgbr_expire(
	dry_run boolean DEFAULT true,
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_expire(boolean, boolean, integer) IS
'request pgbackrest expire: remove what retention no longer keeps; with dry_run nothing is'
' removed, and'
' the job''s log says what would be; returns the job''s ID; ROLLBACK does not cancel the job';

CREATE FUNCTION @extschema@.pgbr_pin(
	label text,
	reason text DEFAULT NULL,
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_pin(text, text, boolean, integer) IS
'protect a backup, and those it depends on, from being expired; returns the job''s ID;'
' ROLLBACK does not cancel the job';

CREATE FUNCTION @extschema@.pgbr_unpin(
	label text,
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_unpin(text, boolean, integer) IS
'let retention expire a pinned backup again; returns the job''s ID; ROLLBACK does not cancel'
' the job';

CREATE FUNCTION @extschema@.pgbr_stanza_upgrade(
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_stanza_upgrade(boolean, integer) IS
'request pgbackrest stanza-upgrade, after a major upgrade of PostgreSQL; returns the job''s ID;'
' ROLLBACK does not cancel the job';

CREATE FUNCTION @extschema@.pgbr_cancel(job_id text)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_cancel(text) IS
'cancel a job that is queued or running; false when it had already ended';

-- Jobs: read

CREATE FUNCTION @extschema@._pgbr_job(job_id text)
RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_job(text) IS 'a job as the sidecar returns it';

CREATE FUNCTION @extschema@._pgbr_jobs(state text, before text)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_jobs(text, text) IS
'a page of jobs as the sidecar returns it';

CREATE FUNCTION @extschema@._pgbr_job_rows(jobs jsonb)
RETURNS TABLE (
	job_id text, kind text, type text, repo integer, state text, covered_by text,
	requested_by text, claimed_by text, reason text, requested_at timestamptz,
	started_at timestamptz, finished_at timestamptz, duration interval, phase text,
	bytes_done bigint, bytes_total bigint, percent double precision, label text,
	annotations jsonb, set text, dry_run boolean, exit_code integer, error text, message text,
	hint text)
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT j.id, j.kind, j.type, j.repo, j.state, j.covered_by, j.requested_by,
		j.claimed_by, j.reason,
		j.requested_at, j.started_at, j.finished_at,
		coalesce(j.finished_at, clock_timestamp()) - j.started_at,
		p.phase, p.bytes_done, p.bytes_total, p.percent,
		j.label, j.annotations, j.set, j.dry_run, j.exit_code, j.error, j.message,
		j.hint
	FROM jsonb_to_recordset(jobs) AS j(
			id text, kind text, type text, repo integer, state text, covered_by text,
			requested_by text, claimed_by text, reason text, requested_at timestamptz,
			started_at timestamptz, finished_at timestamptz, progress jsonb, label text,
			annotations jsonb, set text,
			dry_run boolean, exit_code integer, error text, message text, hint text)
		LEFT JOIN LATERAL jsonb_to_record(j.progress) AS p(
			phase text, bytes_done bigint, bytes_total bigint, percent double precision) ON true
$$;
COMMENT ON FUNCTION @extschema@._pgbr_job_rows(jsonb) IS 'rows of an array of jobs';

CREATE VIEW @extschema@.pgbr_jobs AS
WITH RECURSIVE page(answer) AS (
		SELECT @extschema@._pgbr_jobs(NULL::text, NULL::text)
	UNION
		SELECT @extschema@._pgbr_jobs(NULL::text, answer->>'next')
		FROM page
		WHERE answer->>'next' IS NOT NULL
)
SELECT j.* FROM page, @extschema@._pgbr_job_rows(answer->'jobs') AS j;
COMMENT ON VIEW @extschema@.pgbr_jobs IS 'all jobs that the sidecar keeps, newest first';

CREATE FUNCTION @extschema@.pgbr_job(job_id text)
RETURNS SETOF @extschema@.pgbr_jobs
LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM @extschema@._pgbr_job_rows(jsonb_build_array(@extschema@._pgbr_job(job_id)))
$$;
COMMENT ON FUNCTION @extschema@.pgbr_job(text) IS 'one job, by its ID';

CREATE VIEW @extschema@.pgbr_progress AS
SELECT j.job_id, j.kind, j.type, j.phase, j.bytes_done, j.bytes_total, j.percent,
	j.duration AS elapsed,
	CASE WHEN j.percent BETWEEN 0.01 AND 100
		THEN j.started_at + j.duration * (100 / j.percent)
	END AS estimated_end
FROM @extschema@._pgbr_jobs('running'::text, NULL::text) AS page(answer),
	@extschema@._pgbr_job_rows(answer->'jobs') AS j;
COMMENT ON VIEW @extschema@.pgbr_progress IS 'progress of the running job';
