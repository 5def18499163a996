-- Backups through SQL, with a real sidecar and a real repository. Nothing that differs from run to
-- run is shown.
CREATE EXTENSION pgbackrest_ctl;

-- a full backup, waited for
SELECT pgbr_backup('full', wait => true, wait_seconds => 120) AS job_id \gset
SELECT kind, type, state, covered_by, requested_by ~ '^user:.' AS by_user, claimed_by, exit_code, error, message,
	requested_at <= started_at AS started, started_at <= finished_at AS finished,
	duration > '0' AS has_duration, label ~ '^\d{8}-\d{6}F$' AS has_label
FROM pgbr_job(:'job_id') \gx
SELECT label FROM pgbr_job(:'job_id') \gset full_

-- the backup is there, under the job's ID
SELECT stanza, repo, label = :'full_label' AS label, type, prior, reference,
	backup_id = :'job_id' AS backup_id, start_time <= stop_time AS times,
	duration = stop_time - start_time AS duration, lsn_start < lsn_stop AS lsns,
	wal_start <= wal_stop AS wals, database_size > 1000000 AS database_size, delta = database_size AS delta,
	repo_size BETWEEN 1 AND database_size AS repo_size, repo_delta = repo_size AS repo_delta, error,
	annotations ?& '{snapshot-xmin,snapshot-xmax}' AND annotations->>'timestamp' = backup_id AS annotations,
	pgbackrest_version ~ '^2\.\d+' AS pgbackrest_version,
	postgres_version = (current_setting('server_version_num')::integer / 10000)::text AS postgres_version,
	database_id, system_id = (SELECT system_identifier FROM pg_control_system()) AS system_id,
	age BETWEEN '0' AND '1 minute' AS age
FROM pgbr_info(refresh => true) \gx

-- an incremental one, not waited for, with annotations
SELECT pgbr_backup(annotations => '{"ticket": "X-1", "who": "Zoë \"Z\" \\ O''Neil"}') AS job_id \gset
-- its row is there at once
SELECT kind, type, state IN ('queued', 'running', 'succeeded') AS state, annotations FROM pgbr_job(:'job_id');
-- jobs are done one after the other, so the end of a later one is waited for here
SELECT pgbr_check(wait => true, wait_seconds => 120) AS job_id \gset check_
SELECT state FROM pgbr_job(:'job_id');
SELECT type, prior = :'full_label' AS prior, reference = ARRAY[:'full_label'] AS reference,
	annotations - '{timestamp,snapshot-xmin,snapshot-xmax}'::text[] AS annotations, error
FROM pgbr_info(true)
WHERE backup_id = :'job_id';

-- a differential one, in a named repository
SELECT pgbr_backup(type => 'diff', wait => true, repo => 1) AS job_id \gset
SELECT repo, type, state FROM pgbr_job(:'job_id');
SELECT type, count(*) FROM pgbr_backups GROUP BY type ORDER BY type;

-- the other jobs
SELECT pgbr_verify(wait => true) AS job_id \gset verify_
SELECT pgbr_expire(wait => true) AS job_id \gset dry_
SELECT pgbr_expire(dry_run => false, wait => true) AS job_id \gset expire_
SELECT pgbr_stanza_upgrade(wait => true) AS job_id \gset upgrade_
SELECT kind, type, state, dry_run, exit_code, label
FROM pgbr_jobs
WHERE job_id IN (:'check_job_id', :'verify_job_id', :'dry_job_id', :'expire_job_id', :'upgrade_job_id')
ORDER BY requested_at;

-- a pin and its reason; without one, who has pinned
SELECT type, pinned, expires, kept_because, point_in_time FROM pgbr_backups WHERE label = :'full_label';
SELECT pgbr_pin(:'full_label', 'before the Zoë merger', wait => true) AS job_id \gset pin_
SELECT kind, state, set = :'full_label' AS set, annotations FROM pgbr_job(:'pin_job_id');
SELECT pinned, expires, kept_because FROM pgbr_backups WHERE label = :'full_label';
SELECT pgbr_pin(:'full_label', wait => true) AS job_id \gset pin_
SELECT kept_because ~ '^pinned: by sql .*@' AS who FROM pgbr_backups WHERE label = :'full_label';
SELECT pgbr_expire(wait => true) AS job_id \gset pinned_
SELECT pgbr_unpin(:'full_label', wait => true) AS job_id \gset pin_
SELECT pinned, expires, kept_because, annotations - '{timestamp,snapshot-xmin,snapshot-xmax}'::text[] AS annotations
FROM pgbr_backups WHERE label = :'full_label';
\set VERBOSITY sqlstate
SELECT pgbr_pin('20200101-000000F', wait => true);
\set VERBOSITY default
SELECT pgbr_pin('nonsense');
SELECT pgbr_pin(NULL);

-- newest first, and by page
SELECT count(*) AS jobs, bool_and(later) AS newest_first
FROM (SELECT requested_at <= lag(requested_at) OVER () IS NOT FALSE AS later FROM pgbr_jobs) AS j;
SELECT count(*) FROM (SELECT * FROM pgbr_jobs LIMIT 3) AS j;

-- one that has ended is too late to cancel
SET client_min_messages = error;
SELECT pgbr_cancel(:'expire_job_id');
RESET client_min_messages;

-- the repository and its WAL
SELECT * FROM pgbr_repositories;
SELECT stanza, repo, database_id, archive_id, postgres_version, system_id IS NOT NULL AS system_id,
	wal_min <= wal_max AS wal, point_in_time_label = :'full_label' AS point_in_time_label,
	point_in_time_wal >= wal_min AS point_in_time_wal,
	point_in_time_from = (SELECT min(stop_time) FROM pgbr_backups) AS point_in_time_from
FROM pgbr_archives;
SELECT jsonb_array_length(pgbr_info_json(true)) AS stanzas, pgbr_info_json()->0->>'name' AS name;

-- safe
SELECT stanza, status_code, status_message, repositories, lock_held,
	last_full < last_incr AND last_incr < last_diff AS order,
	least(last_full_age, last_diff_age, last_incr_age) > '0' AS ages, last_failure,
	last_failure_message, failures_in_a_row, archive_mode, last_archived_wal IS NOT NULL AS archived,
	last_archived_at <= clock_timestamp() AS archived_at, last_failed_wal, last_failed_at,
	wal_waiting, recovery_window_from = last_full AS recovery_window_from,
	recovery_window_to >= last_diff AS recovery_window_to, running_job, queued_jobs,
	info_age BETWEEN '0' AND '1 minute' AS info_age, info_error, sidecar_error
FROM pgbr_status \gx
TABLE pgbr_progress;

DROP EXTENSION pgbackrest_ctl;
