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
'the history of backups: scheduled runs and due times, and backups requested at this server''s'
' sidecar';
