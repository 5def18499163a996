-- PUBLIC gets nothing but pgbr_schedule_preview. pg_monitor reads. The administrator grants the
-- rest.

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
	@extschema@._pgbr_status(), @extschema@._pgbr_safety(jsonb),
	@extschema@._pgbr_schedule(), @extschema@._pgbr_wake(),
	@extschema@._pgbr_ignore_replicated()
	FROM PUBLIC;

GRANT EXECUTE ON FUNCTION @extschema@.pgbr_job(text), @extschema@.pgbr_info(boolean),
	@extschema@.pgbr_info_json(boolean), @extschema@._pgbr_job(text),
	@extschema@._pgbr_jobs(text, text), @extschema@._pgbr_job_rows(jsonb),
	@extschema@._pgbr_info(boolean), @extschema@._pgbr_restore_points(),
	@extschema@._pgbr_status(), @extschema@._pgbr_safety(jsonb), @extschema@._pgbr_schedule()
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
