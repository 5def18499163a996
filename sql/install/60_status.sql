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
'information and jobs as the sidecar returns them, or why it could not be asked';

CREATE FUNCTION @extschema@._pgbr_safety(facts jsonb, OUT safe boolean, OUT problems text[])
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_safety(jsonb) IS
'the verdict on what pgbr_status knows, and on the schedules';

CREATE VIEW @extschema@.pgbr_status AS
WITH answer AS MATERIALIZED (
	SELECT info, backups->'jobs' AS backups, running->'jobs' AS running, queued->'jobs' AS queued,
		error
	FROM @extschema@._pgbr_status()
), stanza AS MATERIALIZED (
	SELECT s.*
	FROM answer
		CROSS JOIN jsonb_to_recordset(info->'stanzas') AS s(
			name text, status jsonb, repo jsonb, db jsonb, backup jsonb, archive jsonb)
	LIMIT 1
), server AS MATERIALIZED (
	-- an unsigned number, which PostgreSQL shows as if it had a sign
	SELECT (system_identifier::numeric + 18446744073709551616) % 18446744073709551616 AS system_id
	FROM pg_control_system()
), database AS MATERIALIZED (
	-- a repository keeps those of before a stanza-upgrade, with their backups and their WAL. They
	-- can't bring this server back
	SELECT d."repo-key" AS repo, d.id, d."system-id" AS system_id,
		d."system-id" = server.system_id AS is_own
	FROM server
		CROSS JOIN stanza
		CROSS JOIN jsonb_to_recordset(stanza.db) AS d(
			id integer, "repo-key" integer, "system-id" numeric)
), backup AS MATERIALIZED (
	SELECT b.label, b.type, b.error IS TRUE AS damaged,
		(b."timestamp"->>'start')::double precision AS start_time,
		to_timestamp((b."timestamp"->>'stop')::double precision) AS stop_time,
		d.is_own IS TRUE AS is_own
	FROM stanza AS s
		CROSS JOIN jsonb_to_recordset(s.backup) AS b(
			label text, type text, error boolean, "timestamp" jsonb, "database" jsonb)
		LEFT JOIN database AS d ON d.repo = (b."database"->>'repo-key')::integer
			AND d.id = (b."database"->>'id')::integer
), newest AS MATERIALIZED (
	SELECT max(stop_time) FILTER (WHERE type = 'full') AS last_full,
		max(stop_time) FILTER (WHERE type = 'diff') AS last_diff,
		max(stop_time) FILTER (WHERE type = 'incr') AS last_incr,
		min(stop_time) AS oldest,
		max(stop_time) AS newest,
		max(stop_time) FILTER (WHERE is_own) AS own_newest,
		jsonb_build_object(
			'full', max(start_time) FILTER (WHERE type = 'full' AND is_own),
			'diff', max(start_time) FILTER (WHERE type = 'diff' AND is_own),
			'incr', max(start_time) FILTER (WHERE type = 'incr' AND is_own)) AS started
	FROM backup
	WHERE NOT damaged
), failure AS (
	-- A job that another one covered shares its outcome, which counts once. The scheduler's own
	-- jobs are in its history, with those of former leaders and those that reached no sidecar. A
	-- job that only claims to be the schedule's still counts: the history must name it
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
), failing AS MATERIALIZED (
	SELECT max(f.finished_at) AS last_failure,
		(SELECT message FROM failure ORDER BY finished_at DESC LIMIT 1) AS last_failure_message,
		count(*) FILTER (
			WHERE f.finished_at > coalesce((SELECT finished_at FROM success), '-infinity'))
			AS failures_in_a_row
	FROM failure AS f
), schedule AS MATERIALIZED (
	SELECT type, next_run, error FROM @extschema@._pgbr_schedule()
), status_file AS MATERIALIZED (
	SELECT name, modification FROM pg_ls_archive_statusdir()
), archived AS MATERIALIZED (
	-- what PostgreSQL believes to be archived, and since when. Files of pg_wal tell what the newest
	-- does not: on a busy server that is always newer than the information about the repositories.
	-- They get a minute, in which pgbackrest may have been listing the archive
	SELECT left(s.last_archived_wal, 24) AS segment, s.last_archived_time AS since
	FROM pg_stat_archiver AS s
	-- the part of a segment that a promotion archives is for no restore, and is not listed
	WHERE s.last_archived_wal !~ '\.(history|partial)$'
	UNION ALL
	SELECT left(f.name, 24), f.modification + interval '1 minute'
	FROM status_file AS f
	WHERE f.name ~ '^[0-9A-F]{24}\.done$'
), unlisted AS MATERIALIZED (
	-- the information is newer than the archiving of these
	SELECT a.segment
	FROM answer, archived AS a
	WHERE a.since < (info->>'fetched_at')::timestamptz
), reach AS MATERIALIZED (
	-- how far each repository has this server's WAL
	SELECT r.key AS repo, (r.status->>'code')::integer AS code, r.status->>'message' AS message,
		coalesce((
			SELECT max(w.max)
			FROM jsonb_to_recordset(stanza.archive) AS w("database" jsonb, max text)
				JOIN database AS d ON d.repo = (w."database"->>'repo-key')::integer
					AND d.id = (w."database"->>'id')::integer
			WHERE d.repo = r.key AND d.is_own), '') AS segment
	FROM stanza
		CROSS JOIN jsonb_to_recordset(stanza.repo) AS r(key integer, status jsonb)
), missing AS MATERIALIZED (
	-- in none of the repositories, though it was archived: an archive_command that drops WAL says
	-- that all is well
	SELECT min(segment) AS segment
	FROM unlisted
	WHERE segment > coalesce((SELECT max(segment) FROM reach), '')
		-- of a repository that could not be read pgbackrest lists no WAL
		AND NOT EXISTS (SELECT FROM reach WHERE code = 99)
), archiver AS MATERIALIZED (
	SELECT current_setting('archive_mode') AS archive_mode, s.last_archived_wal,
		s.last_archived_time, s.last_failed_wal, s.last_failed_time,
		f.wal_waiting, f.oldest_waiting
	FROM pg_stat_archiver AS s, (
		SELECT count(*) AS wal_waiting, min(modification) AS oldest_waiting
		FROM status_file
		WHERE name LIKE '%.ready') AS f
), repository AS (
	SELECT jsonb_agg(jsonb_build_object(
		'repo', repo,
		'code', code,
		'message', message,
		'foreign_id', (
			-- the newest database of each repository must be this one
			SELECT d.system_id::text
			FROM (SELECT system_id, is_own FROM database WHERE database.repo = reach.repo
				ORDER BY id DESC LIMIT 1) AS d
			WHERE NOT d.is_own),
		-- one with a backup must have the WAL as well
		'missing_wal', (SELECT min(u.segment) FROM unlisted AS u
			WHERE reach.code = 0 AND u.segment > reach.segment)) ORDER BY repo) AS facts
	FROM reach
), verdict AS MATERIALIZED (
	SELECT v.safe, v.problems
	FROM answer
		CROSS JOIN newest
		CROSS JOIN archiver AS a
		CROSS JOIN missing
		CROSS JOIN failing
		CROSS JOIN repository
		CROSS JOIN server
		CROSS JOIN @extschema@._pgbr_safety(jsonb_build_object(
			'sidecar_error', answer.error,
			'has_info', info->>'fetched_at' IS NOT NULL AND info->>'age_seconds' IS NOT NULL,
			'info_age', (info->>'age_seconds')::double precision,
			'info_error', info->'error'->>'message',
			'repos', repository.facts,
			'system_id', server.system_id::text,
			'has_backup', EXISTS (SELECT FROM backup WHERE is_own),
			'newest_age', extract(epoch FROM clock_timestamp() - newest.own_newest),
			'damaged', (SELECT b.label FROM (
				SELECT label, damaged FROM backup WHERE is_own
				ORDER BY stop_time DESC NULLS LAST LIMIT 1) AS b
				WHERE b.damaged),
			'started', newest.started,
			'backup_runs', coalesce(running->0->>'kind' = 'backup', false),
			'archives', a.archive_mode = 'always'
				OR a.archive_mode = 'on' AND NOT pg_is_in_recovery(),
			'missing_wal', missing.segment,
			'has_archived_wal', a.last_archived_wal IS NOT NULL OR EXISTS (SELECT FROM archived),
			'archive_fails', coalesce(
				a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false),
			'failed_wal', a.last_failed_wal,
			'waiting', a.wal_waiting,
			'waiting_age', extract(epoch FROM clock_timestamp() - a.oldest_waiting),
			'failures', failing.failures_in_a_row,
			'failure_message', failing.last_failure_message)) AS v
)
SELECT verdict.safe,
	verdict.problems,
	stanza.name AS stanza,
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
	failing.last_failure,
	failing.last_failure_message,
	failing.failures_in_a_row,
	archive_mode,
	last_archived_wal,
	last_archived_time AS last_archived_at,
	last_failed_wal,
	last_failed_time AS last_failed_at,
	wal_waiting,
	oldest AS recovery_window_from,
	CASE WHEN oldest IS NULL THEN NULL
		WHEN missing.segment IS NOT NULL THEN newest
		ELSE greatest(newest, last_archived_time)
	END AS recovery_window_to,
	running->0->>'id' AS running_job,
	jsonb_array_length(queued) AS queued_jobs,
	(SELECT s.next_run FROM schedule AS s WHERE s.type = 'full') AS next_full,
	(SELECT s.next_run FROM schedule AS s WHERE s.type = 'diff') AS next_diff,
	(SELECT s.next_run FROM schedule AS s WHERE s.type = 'incr') AS next_incr,
	(SELECT string_agg(DISTINCT s.error, E'\n') FROM schedule AS s) AS schedule_error,
	make_interval(secs => (info->>'age_seconds')::double precision) AS info_age,
	info->'error'->>'message' AS info_error,
	answer.error AS sidecar_error
FROM answer
	CROSS JOIN newest
	CROSS JOIN archiver
	CROSS JOIN missing
	CROSS JOIN failing
	CROSS JOIN verdict
	LEFT JOIN stanza ON true;
COMMENT ON VIEW @extschema@.pgbr_status IS
'one row, whether the sidecar answers or not: am I safe, and what is wrong, worst first;'
' repository, newest backups, failures, archiving, recovery window';
