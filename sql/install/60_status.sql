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
