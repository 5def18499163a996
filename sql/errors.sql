-- What is refused, and how: the message, its SQLSTATE, detail and hint.
CREATE EXTENSION pgbackrest_ctl;
CREATE TEMP TABLE before AS SELECT count(*) AS jobs FROM pgbr_jobs;

CREATE FUNCTION pg_temp.refusal(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	message := 'this was not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	IF length(message) > 200 THEN
		message := left(message, 30) || '...';
	END IF;
END
$$;
\pset format unaligned
\x on

-- types of backups
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup('foo')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup('')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup('FULL')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(NULL)$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup('--repo1-path=/tmp')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(E'full\n--repo1-path=/tmp')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup('full" --x')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(repeat('x', 100000))$$);

-- what is shown of them moves no cursor and turns nothing round
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(E'\x1b[31m')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_cancel(U&'\202E')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_restore_point(E'a\x1b]0;b\x07')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_schedule_preview('0 1 * * *', 1, E'\x1b[K')$$);

-- how long to wait
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(wait => NULL)$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(wait_seconds => NULL)$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(wait_seconds => 0)$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_check(wait => true, wait_seconds => -5)$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_expire(dry_run => NULL)$$);

-- repositories
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(repo => 0)$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(repo => 257)$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(repo => -2147483648)$$);

-- annotations
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '[]')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '"x"')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => 'null')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '{"a": 1}')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '{"a": {"b": "c"}}')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '{"a b": "c"}')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '{"--repo1-path=/tmp": "c"}')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '{"": "c"}')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '{"a": "line\nbreak"}')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => '{"timestamp": "20200101T0000"}')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => jsonb_build_object('a', repeat('x', 257)))$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => jsonb_build_object('a', repeat('x', 100000)))$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_backup(annotations => (SELECT jsonb_object_agg('k' || n, 'v') FROM generate_series(1, 33) AS n))$$);

-- IDs of jobs
SELECT * FROM pg_temp.refusal($$SELECT * FROM pgbr_job('no-such-job')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_cancel('no-such-job')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM pgbr_job('')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM pgbr_job('-x')$$);
SELECT * FROM pg_temp.refusal($$SELECT * FROM pgbr_job('../info')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_cancel('a?wait=60')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_cancel(E'a\r\nX: y')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_cancel('a''b"c')$$);
SELECT * FROM pg_temp.refusal($$SELECT pgbr_cancel(repeat('x', 100000))$$);
SELECT pgbr_cancel(NULL) IS NULL AS null;

-- none of these left a job behind
SELECT count(*) - (SELECT jobs FROM before) AS jobs FROM pgbr_jobs;
DROP EXTENSION pgbackrest_ctl;
