-- Schedules

CREATE TABLE @extschema@.pgbr_schedule_since (
	type text PRIMARY KEY,
	schedule text NOT NULL,
	time_zone text NOT NULL,
	since timestamptz NOT NULL);
COMMENT ON TABLE @extschema@.pgbr_schedule_since IS
'since when each schedule is in force: runs due before that are not caught up';

CREATE TABLE @extschema@.pgbr_run (
	run_id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME @extschema@.pgbr_run_run_id_seq)
		PRIMARY KEY,
	-- a value that the scheduler can't read would stop it
	type text NOT NULL CHECK (type IN ('full', 'diff', 'incr')),
	first_due timestamptz NOT NULL,
	due timestamptz NOT NULL CHECK (isfinite(due)),
	due_count integer NOT NULL,
	state text NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled',
		'interrupted', 'covered', 'missed')),
	reason text,
	-- no foreign key: pg_dump would warn of it each time, and could not restore rows one by one
	covered_by bigint,
	failures integer NOT NULL DEFAULT 0,
	not_before timestamptz CHECK (isfinite(not_before)),
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
'the scheduler''s own record: a row for each attempt at a run, and for due times without a run';
CREATE INDEX ON @extschema@.pgbr_run (type, due);
CREATE INDEX ON @extschema@.pgbr_run (state, finished_at);
CREATE INDEX ON @extschema@.pgbr_run (covered_by) WHERE covered_by IS NOT NULL;
CREATE UNIQUE INDEX pgbr_run_running ON @extschema@.pgbr_run (state) WHERE state = 'running';
CREATE UNIQUE INDEX pgbr_run_queued ON @extschema@.pgbr_run (type) WHERE state = 'queued';

-- A dump keeps the history. pgbr_schedule_since is not dumped: it belongs to one server.
SELECT pg_extension_config_dump('@extschema@.pgbr_run'::regclass, '');
SELECT pg_extension_config_dump(
	pg_get_serial_sequence('@extschema@.pgbr_run', 'run_id')::regclass, '');

CREATE FUNCTION @extschema@._pgbr_ignore_replicated()
RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@._pgbr_ignore_replicated() IS
'ignores rows of another server''s history that arrive by logical replication';

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
'when a schedule would be due next; by default in the time zone of the schedules';

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
COMMENT ON FUNCTION @extschema@._pgbr_schedule() IS
'the schedules in the settings and the values file';

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
'the schedule of each type of backup: where it is set, the next run, the outcome of the last one';
