-- The SQL face of pgbackrest_ctl. C functions bring the sidecar's answers as jsonb, checked for the
-- types that are relied on here; the views and functions of this file make rows of them.
--
-- Functions whose name begins with _ are parts of others and may change. They are granted like
-- those, as a function in a view runs with the rights of who reads the view.
--
-- All is read with nothing in the path but the server's own: an object that somebody has made in the
-- schema of the extension, before it came there, is not found. So each of its own objects is named
-- with the schema, and each argument of its functions is given, in the type that it is declared with.

\echo Use "CREATE EXTENSION pgbackrest_ctl" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

-- Jobs: ask, wait, cancel. A job is the sidecar's as soon as it was asked for: a rollback does not take
-- it back. With wait the statement goes on, and with it its snapshot, which keeps VACUUM from removing
-- what has died since; a function can't wait without one.

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
'ask for a backup (full, diff or incr); gives the job''s ID, which is also the backup''s backup_id; the job goes on after a ROLLBACK; wait holds a snapshot until it ends, so for a long backup rather look at pgbr_job(ID) again and again';

CREATE FUNCTION @extschema@.pgbr_check(wait boolean DEFAULT false, wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_check(boolean, integer) IS
'ask for pgbackrest check: is WAL archived, are the repositories usable; gives the job''s ID; the job goes on after a ROLLBACK';

CREATE FUNCTION @extschema@.pgbr_verify(wait boolean DEFAULT false, wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_verify(boolean, integer) IS
'ask for pgbackrest verify: are the files in the repository what they should be; gives the job''s ID; the job goes on after a ROLLBACK';

CREATE FUNCTION @extschema@.pgbr_expire(
	dry_run boolean DEFAULT true,
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_expire(boolean, boolean, integer) IS
'ask for pgbackrest expire: remove what the retention no longer keeps; with dry_run nothing is removed, and the job''s log in the sidecar says what would be; gives the job''s ID; the job goes on after a ROLLBACK';

CREATE FUNCTION @extschema@.pgbr_pin(
	label text,
	reason text DEFAULT NULL,
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_pin(text, text, boolean, integer) IS
'keep a backup, and those it depends on, from being expired; gives the job''s ID; the job goes on after a ROLLBACK';

CREATE FUNCTION @extschema@.pgbr_unpin(
	label text,
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_unpin(text, boolean, integer) IS
'leave a pinned backup to the retention again; gives the job''s ID; the job goes on after a ROLLBACK';

CREATE FUNCTION @extschema@.pgbr_stanza_upgrade(
	wait boolean DEFAULT false,
	wait_seconds integer DEFAULT 60)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_stanza_upgrade(boolean, integer) IS
'ask for pgbackrest stanza-upgrade, after a major upgrade of PostgreSQL; gives the job''s ID; the job goes on after a ROLLBACK';

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
COMMENT ON FUNCTION @extschema@._pgbr_job(text) IS 'a job as the sidecar gives it';

CREATE FUNCTION @extschema@._pgbr_jobs(state text, before text)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_jobs(text, text) IS 'a page of jobs as the sidecar gives it';

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
			started_at timestamptz, finished_at timestamptz, progress jsonb, label text, annotations jsonb, set text,
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

-- The audit: not for monitoring, since it says who works from where.

CREATE FUNCTION @extschema@._pgbr_audit(before bigint)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_audit(bigint) IS 'a page of the audit as the sidecar gives it';

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
'who changed what at this server''s sidecar, and who was refused, newest first';

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
COMMENT ON VIEW @extschema@.pgbr_progress IS 'how far the running job is';

-- Backups

CREATE FUNCTION @extschema@._pgbr_info(refresh boolean)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_info(boolean) IS
'what pgbackrest info says, its age and the last error, as the sidecar gives it';

CREATE FUNCTION @extschema@.pgbr_info_json(refresh boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT @extschema@._pgbr_info(refresh)->'stanzas'
$$;
COMMENT ON FUNCTION @extschema@.pgbr_info_json(boolean) IS
'pgbackrest''s own document (pgbackrest info --output=json); with refresh it is asked anew';

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
'the backups in the repositories, oldest first; with refresh pgbackrest is asked anew';

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
'the WAL in the repositories: first and last segment of each database, and from when on any moment can be restored';

CREATE VIEW @extschema@.pgbr_repositories AS
SELECT s.name AS stanza, r.key AS repo, r.cipher, (r.status->>'code')::integer AS status_code,
	r.status->>'message' AS status_message
FROM @extschema@._pgbr_info(false) AS answer
	CROSS JOIN jsonb_to_recordset(answer->'stanzas') AS s(name text, repo jsonb)
	CROSS JOIN jsonb_to_recordset(s.repo) AS r(
		key integer, cipher text, status jsonb);
COMMENT ON VIEW @extschema@.pgbr_repositories IS 'the repositories and whether they are usable';

-- Restore points

CREATE FUNCTION @extschema@.pgbr_restore_point(
	name text,
	wait_archived boolean DEFAULT true,
	wait_seconds integer DEFAULT 60)
RETURNS pg_lsn
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_restore_point(text, boolean, integer) IS
'create and register a named restore point, and wait until the WAL that holds it is in the repository';

CREATE FUNCTION @extschema@._pgbr_restore_points()
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_restore_points() IS 'the restore points as the sidecar gives them';

CREATE VIEW @extschema@.pgbr_restore_points AS
SELECT p.*
FROM @extschema@._pgbr_restore_points() AS answer
	CROSS JOIN jsonb_to_recordset(answer->'restore_points') AS p(
		name text, lsn pg_lsn, timeline integer, "time" timestamptz, xid xid8);
COMMENT ON VIEW @extschema@.pgbr_restore_points IS 'the registered restore points, newest first';

-- Schedules

CREATE TABLE @extschema@.pgbr_schedule_since (
	type text PRIMARY KEY,
	schedule text NOT NULL,
	time_zone text NOT NULL,
	since timestamptz NOT NULL);
COMMENT ON TABLE @extschema@.pgbr_schedule_since IS
'since when each schedule is in force: what was due before is not made up for';

CREATE TABLE @extschema@.pgbr_run (
	run_id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME @extschema@.pgbr_run_run_id_seq) PRIMARY KEY,
	type text NOT NULL,
	first_due timestamptz NOT NULL,
	due timestamptz NOT NULL,
	due_count integer NOT NULL,
	state text NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled',
		'interrupted', 'covered', 'missed')),
	reason text,
	-- no foreign key: pg_dump would warn of it each time, and could not restore rows one by one
	covered_by bigint,
	failures integer NOT NULL DEFAULT 0,
	not_before timestamptz,
	started_at timestamptz,
	finished_at timestamptz,
	timeline bigint,
	sidecar text,
	sidecar_reason text,
	job_id text,
	label text,
	exit_code integer,
	error text,
	message text,
	hint text);
COMMENT ON TABLE @extschema@.pgbr_run IS
'the scheduler''s own record: a row for each attempt at a run, and for due times that need none';
CREATE INDEX ON @extschema@.pgbr_run (type, due);
CREATE INDEX ON @extschema@.pgbr_run (state, finished_at);
CREATE INDEX ON @extschema@.pgbr_run (covered_by) WHERE covered_by IS NOT NULL;
CREATE UNIQUE INDEX pgbr_run_running ON @extschema@.pgbr_run (state) WHERE state = 'running';
CREATE UNIQUE INDEX pgbr_run_queued ON @extschema@.pgbr_run (type) WHERE state = 'queued';

-- a dump keeps the history; since when a schedule is in force is another server's own matter
SELECT pg_extension_config_dump('@extschema@.pgbr_run'::regclass, '');
SELECT pg_extension_config_dump(
	pg_get_serial_sequence('@extschema@.pgbr_run', 'run_id')::regclass, '');

CREATE FUNCTION @extschema@._pgbr_ignore_replicated()
RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_ignore_replicated() IS
'keeps out what logical replication brings of another server''s history';

CREATE TRIGGER pgbr_ignore_replicated BEFORE INSERT OR UPDATE OR DELETE ON @extschema@.pgbr_run
	FOR EACH ROW EXECUTE FUNCTION @extschema@._pgbr_ignore_replicated();
ALTER TABLE @extschema@.pgbr_run ENABLE REPLICA TRIGGER pgbr_ignore_replicated;
CREATE TRIGGER pgbr_ignore_replicated
	BEFORE INSERT OR UPDATE OR DELETE ON @extschema@.pgbr_schedule_since
	FOR EACH ROW EXECUTE FUNCTION @extschema@._pgbr_ignore_replicated();
ALTER TABLE @extschema@.pgbr_schedule_since ENABLE REPLICA TRIGGER pgbr_ignore_replicated;

CREATE FUNCTION @extschema@._pgbr_wake()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_wake() IS 'wake the scheduler at the end of this transaction';

CREATE FUNCTION @extschema@.pgbr_schedule_preview(
	schedule text,
	count integer DEFAULT 5,
	time_zone text DEFAULT NULL)
RETURNS SETOF timestamptz
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 5
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.pgbr_schedule_preview(text, integer, text) IS
'when a schedule would be due next; the time zone is that of the schedules unless given';

CREATE FUNCTION @extschema@._pgbr_schedule(
	OUT type text,
	OUT schedule text,
	OUT time_zone text,
	OUT set_in text,
	OUT active boolean,
	OUT next_run timestamptz,
	OUT error text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 3
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_schedule() IS 'the schedules as the settings and the values file have them';

CREATE VIEW @extschema@.pgbr_schedule AS
SELECT s.type, s.schedule, s.time_zone, s.set_in, s.active, s.next_run,
	r.due AS last_due,
	coalesce(c.state, r.state) AS last_state,
	c.type AS last_covered_by,
	coalesce(c.label, r.label) AS last_label,
	coalesce(s.error, e.message) AS last_error
FROM @extschema@._pgbr_schedule() AS s
	LEFT JOIN LATERAL (
		SELECT * FROM @extschema@.pgbr_run AS n
		WHERE n.type = s.type
		-- not by due: the clock may have been ahead
		ORDER BY n.run_id DESC
		LIMIT 1) AS r ON true
	LEFT JOIN @extschema@.pgbr_run AS c ON c.run_id = r.covered_by
	-- a run that is to be tried again, or is, has its error in the attempt before
	LEFT JOIN LATERAL (
		SELECT a.message FROM @extschema@.pgbr_run AS a
		WHERE a.type = coalesce(c.type, r.type) AND a.due = coalesce(c.due, r.due)
			AND coalesce(c.state, r.state) <> 'succeeded'
			AND a.message IS NOT NULL
		ORDER BY a.run_id DESC
		LIMIT 1) AS e ON true;
COMMENT ON VIEW @extschema@.pgbr_schedule IS
'the schedule of each type of backup: where it is set, when it runs next, how it went last';

-- Am I safe?

CREATE FUNCTION @extschema@._pgbr_status(
	OUT info jsonb,
	OUT backups jsonb,
	OUT running jsonb,
	OUT queued jsonb,
	OUT error text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_status() IS
'info and jobs as the sidecar gives them, or the error in getting them';

CREATE VIEW @extschema@.pgbr_status AS
WITH answer AS MATERIALIZED (
	SELECT info, backups->'jobs' AS backups, running->'jobs' AS running, queued->'jobs' AS queued,
		error
	FROM @extschema@._pgbr_status()
), stanza AS MATERIALIZED (
	SELECT s.*
	FROM answer
		CROSS JOIN jsonb_to_recordset(info->'stanzas') AS s(
			name text, status jsonb, repo jsonb, backup jsonb, archive jsonb)
	LIMIT 1
), backup AS (
	SELECT b.type, to_timestamp((b."timestamp"->>'stop')::double precision) AS stop_time
	FROM stanza AS s
		CROSS JOIN jsonb_to_recordset(s.backup) AS b(
			type text, error boolean, "timestamp" jsonb)
	WHERE b.error IS NOT TRUE
), newest AS (
	SELECT max(stop_time) FILTER (WHERE type = 'full') AS last_full,
		max(stop_time) FILTER (WHERE type = 'diff') AS last_diff,
		max(stop_time) FILTER (WHERE type = 'incr') AS last_incr,
		min(stop_time) AS oldest,
		max(stop_time) AS newest
	FROM backup
), failure AS (
	-- jobs that another one covered share its outcome, and would count it twice; the scheduler's own
	-- are in its history, which knows those of former leaders and those that reached no sidecar. That
	-- a job claims to be of the schedule hides no failure: the history must name it
	SELECT j.finished_at, j.message
	FROM answer
		CROSS JOIN @extschema@._pgbr_job_rows(backups) AS j
	WHERE j.state IN ('failed', 'interrupted') AND j.covered_by IS NULL
		AND NOT EXISTS (SELECT 1 FROM @extschema@.pgbr_run AS r WHERE r.job_id = j.job_id)
	UNION ALL
	SELECT r.finished_at, r.message
	FROM @extschema@.pgbr_run AS r
	WHERE r.state IN ('failed', 'interrupted')
), success AS (
	SELECT max(finished_at) AS finished_at
	FROM (
		SELECT j.finished_at
		FROM answer
			CROSS JOIN @extschema@._pgbr_job_rows(backups) AS j
		WHERE j.state = 'succeeded'
		UNION ALL
		SELECT max(r.finished_at) FROM @extschema@.pgbr_run AS r WHERE r.state = 'succeeded') AS s
), archiver AS (
	SELECT current_setting('archive_mode') AS archive_mode, s.last_archived_wal,
		s.last_archived_time, s.last_failed_wal, s.last_failed_time,
		(SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') AS wal_waiting,
		-- in none of the repositories, though the information is newer than its archiving:
		-- an archive_command that drops WAL says that all is well
		s.last_archived_time < (info->>'fetched_at')::timestamptz
			AND s.last_archived_wal NOT LIKE '%.history'
			AND coalesce(left(s.last_archived_wal, 24) > (
				SELECT max(a.max)
				FROM stanza, jsonb_to_recordset(stanza.archive) AS a(max text)), true)
			AS wal_missing
	FROM pg_stat_archiver AS s, answer
)
SELECT stanza.name AS stanza,
	(stanza.status->>'code')::integer AS status_code,
	stanza.status->>'message' AS status_message,
	(SELECT string_agg(format('%s: %s', r.key, r.status->>'message'), ', ' ORDER BY r.key)
		FROM jsonb_to_recordset(stanza.repo) AS r(key integer, status jsonb))
		AS repositories,
	(stanza.status->'lock'->'backup'->>'held')::boolean AS lock_held,
	last_full,
	clock_timestamp() - last_full AS last_full_age,
	last_diff,
	clock_timestamp() - last_diff AS last_diff_age,
	last_incr,
	clock_timestamp() - last_incr AS last_incr_age,
	(SELECT max(finished_at) FROM failure) AS last_failure,
	(SELECT message FROM failure ORDER BY finished_at DESC LIMIT 1) AS last_failure_message,
	(SELECT count(*) FROM failure
		WHERE finished_at > coalesce((SELECT finished_at FROM success), '-infinity'))
		AS failures_in_a_row,
	archive_mode,
	last_archived_wal,
	last_archived_time AS last_archived_at,
	last_failed_wal,
	last_failed_time AS last_failed_at,
	wal_waiting,
	oldest AS recovery_window_from,
	CASE WHEN oldest IS NULL THEN NULL
		WHEN wal_missing THEN newest
		ELSE greatest(newest, last_archived_time)
	END AS recovery_window_to,
	running->0->>'id' AS running_job,
	jsonb_array_length(queued) AS queued_jobs,
	(SELECT s.next_run FROM @extschema@._pgbr_schedule() AS s WHERE s.type = 'full') AS next_full,
	(SELECT s.next_run FROM @extschema@._pgbr_schedule() AS s WHERE s.type = 'diff') AS next_diff,
	(SELECT s.next_run FROM @extschema@._pgbr_schedule() AS s WHERE s.type = 'incr') AS next_incr,
	(SELECT string_agg(DISTINCT s.error, E'\n') FROM @extschema@._pgbr_schedule() AS s)
		AS schedule_error,
	make_interval(secs => (info->>'age_seconds')::double precision) AS info_age,
	info->'error'->>'message' AS info_error,
	answer.error AS sidecar_error
FROM answer
	CROSS JOIN newest
	CROSS JOIN archiver
	LEFT JOIN stanza ON true;
COMMENT ON VIEW @extschema@.pgbr_status IS
'am I safe? one row, whether the sidecar answers or not: repository, newest backups, failures, archiving, recovery window';

CREATE VIEW @extschema@.pgbr_runs AS
WITH requested AS (
	-- no row, and no error, when the sidecar is away: the scheduled runs are here all the same
	SELECT j.*
	FROM @extschema@._pgbr_status() AS answer,
		@extschema@._pgbr_job_rows(answer.backups->'jobs') AS j
	-- not what a job claims to be, but what the history does not name
	WHERE NOT EXISTS (SELECT 1 FROM @extschema@.pgbr_run AS r WHERE r.job_id = j.job_id)
)
SELECT r.run_id, 'schedule' AS requested_by, NULL::text AS claimed_by, r.type, r.first_due, r.due,
	r.due_count, r.state, r.reason, r.covered_by, r.failures, r.not_before, r.started_at,
	r.finished_at,
	r.sidecar, r.sidecar_reason, r.job_id, r.label, r.exit_code, r.error, r.message, r.hint
FROM @extschema@.pgbr_run AS r
UNION ALL
SELECT NULL, j.requested_by, j.claimed_by, j.type, NULL, NULL, 0, j.state,
	coalesce(j.reason, 'requested'), NULL, NULL, NULL, j.started_at, j.finished_at,
	NULL, NULL, j.job_id, j.label, j.exit_code, j.error, j.message, j.hint
FROM requested AS j;
COMMENT ON VIEW @extschema@.pgbr_runs IS
'the history of backups: scheduled runs and due times, and backups that were asked for at this server''s sidecar';

-- Nothing is for everyone; monitoring reads; who starts what is for the administrator to grant.

REVOKE ALL ON FUNCTION @extschema@.pgbr_backup(text, boolean, integer, jsonb, integer),
	@extschema@.pgbr_check(boolean, integer), @extschema@.pgbr_verify(boolean, integer),
	@extschema@.pgbr_expire(boolean, boolean, integer),
	@extschema@.pgbr_stanza_upgrade(boolean, integer),
	@extschema@.pgbr_pin(text, text, boolean, integer),
	@extschema@.pgbr_unpin(text, boolean, integer), @extschema@.pgbr_cancel(text),
	@extschema@.pgbr_restore_point(text, boolean, integer), @extschema@.pgbr_job(text),
	@extschema@.pgbr_info(boolean), @extschema@.pgbr_info_json(boolean),
	@extschema@._pgbr_job(text), @extschema@._pgbr_jobs(text, text),
	@extschema@._pgbr_job_rows(jsonb), @extschema@._pgbr_audit(bigint),
	@extschema@._pgbr_info(boolean), @extschema@._pgbr_restore_points(),
	@extschema@._pgbr_status(), @extschema@._pgbr_schedule(), @extschema@._pgbr_wake(),
	@extschema@._pgbr_ignore_replicated()
	FROM PUBLIC;

GRANT EXECUTE ON FUNCTION @extschema@.pgbr_job(text), @extschema@.pgbr_info(boolean),
	@extschema@.pgbr_info_json(boolean), @extschema@._pgbr_job(text),
	@extschema@._pgbr_jobs(text, text), @extschema@._pgbr_job_rows(jsonb),
	@extschema@._pgbr_info(boolean), @extschema@._pgbr_restore_points(),
	@extschema@._pgbr_status(), @extschema@._pgbr_schedule()
	TO pg_monitor;

REVOKE ALL ON @extschema@.pgbr_jobs, @extschema@.pgbr_progress, @extschema@.pgbr_backups,
	@extschema@.pgbr_archives, @extschema@.pgbr_repositories, @extschema@.pgbr_restore_points,
	@extschema@.pgbr_status, @extschema@.pgbr_schedule, @extschema@.pgbr_runs,
	@extschema@.pgbr_run, @extschema@.pgbr_schedule_since, @extschema@.pgbr_audit
	FROM PUBLIC;

GRANT SELECT ON @extschema@.pgbr_jobs, @extschema@.pgbr_progress, @extschema@.pgbr_backups,
	@extschema@.pgbr_archives, @extschema@.pgbr_repositories, @extschema@.pgbr_restore_points,
	@extschema@.pgbr_status, @extschema@.pgbr_schedule, @extschema@.pgbr_runs,
	@extschema@.pgbr_run, @extschema@.pgbr_schedule_since, @extschema@.pgbr_run_run_id_seq
	TO pg_monitor;

SELECT @extschema@._pgbr_wake();
