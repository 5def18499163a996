-- What the extension consists of, who may use what, and that it can be removed and come again.
CREATE EXTENSION pgbackrest_ctl;

\d pgbr_jobs
\d pgbr_progress
\d pgbr_backups
\d pgbr_archives
\d pgbr_repositories
\d pgbr_restore_points
\d pgbr_status
\d pgbr_schedule
\d pgbr_runs
\d pgbr_audit

-- every function, and how it is marked
SELECT p.oid::regprocedure AS function, p.provolatile AS volatility, p.proparallel AS parallel,
	p.proisstrict AS strict, p.prosecdef AS definer
FROM pg_proc AS p
	JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE e.extname = 'pgbackrest_ctl'
ORDER BY p.proname COLLATE "C";

-- none without a comment
SELECT pg_describe_object(d.classid, d.objid, 0) AS uncommented
FROM pg_depend AS d
	JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE e.extname = 'pgbackrest_ctl' AND d.deptype = 'e' AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
	AND d.objid NOT IN (SELECT oid FROM pg_class WHERE relkind = 'S')
	AND obj_description(d.objid, d.classid::regclass::name) IS NULL;

-- what everyone may do: see what a schedule means
SELECT p.oid::regprocedure AS function
FROM pg_proc AS p
	JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE e.extname = 'pgbackrest_ctl' AND has_function_privilege('public', p.oid, 'EXECUTE')
ORDER BY p.proname COLLATE "C";
SELECT c.relname AS view
FROM pg_class AS c
	JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE e.extname = 'pgbackrest_ctl'
	AND (has_table_privilege('public', c.oid, 'SELECT') OR has_table_privilege('pg_monitor', c.oid, 'INSERT'));

CREATE ROLE regress_pgbr_nobody;
SET ROLE regress_pgbr_nobody;
SELECT pgbr_backup();
SELECT pgbr_cancel('x');
SELECT pgbr_restore_point('x');
SELECT pgbr_expire();
SELECT * FROM pgbr_info();
SELECT pgbr_info_json();
SELECT * FROM pgbr_job('x');
TABLE pgbr_jobs;
TABLE pgbr_progress;
TABLE pgbr_backups;
TABLE pgbr_archives;
TABLE pgbr_repositories;
TABLE pgbr_restore_points;
TABLE pgbr_status;
TABLE pgbr_schedule;
TABLE pgbr_runs;
TABLE pgbr_audit;
RESET ROLE;

-- pg_monitor reads
GRANT pg_monitor TO regress_pgbr_nobody;
SET ROLE regress_pgbr_nobody;
SELECT count(*) >= 0 AS reads FROM pgbr_jobs;
SELECT count(*) >= 0 AS reads FROM pgbr_progress;
SELECT count(*) >= 0 AS reads FROM pgbr_backups;
SELECT count(*) >= 0 AS reads FROM pgbr_archives;
SELECT count(*) >= 0 AS reads FROM pgbr_repositories;
SELECT count(*) >= 0 AS reads FROM pgbr_restore_points;
SELECT count(*) AS rows, bool_and(sidecar_error IS NULL) AS reads FROM pgbr_status;
SELECT count(*) >= 0 AS reads FROM pgbr_schedule;
SELECT count(*) >= 0 AS reads FROM pgbr_runs;
SELECT jsonb_typeof(pgbr_info_json());
SELECT * FROM pgbr_job('no-such-job');
-- but not who works from where, which is granted alone
TABLE pgbr_audit;
RESET ROLE;
GRANT SELECT ON pgbr_audit TO regress_pgbr_nobody;
GRANT EXECUTE ON FUNCTION _pgbr_audit(bigint) TO regress_pgbr_nobody;
SET ROLE regress_pgbr_nobody;
SELECT count(*) >= 0 AS reads FROM pgbr_audit;
RESET ROLE;
REVOKE ALL ON pgbr_audit FROM regress_pgbr_nobody;
REVOKE ALL ON FUNCTION _pgbr_audit(bigint) FROM regress_pgbr_nobody;
SELECT pgbr_cancel('audited');
SELECT caller ~ '^user:.' AS by_user, peer, listener, method, status, refused, count, concerns
	FROM pgbr_audit WHERE path = '/v1/jobs/audited';
SET ROLE regress_pgbr_nobody;
-- and starts nothing
SELECT pgbr_backup();
SELECT pgbr_check();
SELECT pgbr_verify();
SELECT pgbr_expire();
SELECT pgbr_stanza_upgrade();
SELECT pgbr_cancel('x');
SELECT pgbr_restore_point('x');
RESET ROLE;

-- what is granted is granted alone
REVOKE pg_monitor FROM regress_pgbr_nobody;
GRANT EXECUTE ON FUNCTION pgbr_cancel(text) TO regress_pgbr_nobody;
SET ROLE regress_pgbr_nobody;
SELECT pgbr_cancel('no-such-job');
SELECT pgbr_backup();
RESET ROLE;
REVOKE EXECUTE ON FUNCTION pgbr_cancel(text) FROM regress_pgbr_nobody;
DROP ROLE regress_pgbr_nobody;

-- no search_path leads the functions astray
CREATE SCHEMA pgbr_astray;
CREATE FUNCTION pgbr_astray.jsonb_build_array(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION pgbr_astray.get(jsonb, text) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"astray"'::jsonb $$;
CREATE OPERATOR pgbr_astray.-> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = pgbr_astray.get);
SET search_path = pgbr_astray, pg_catalog;
SELECT jsonb_typeof(public.pgbr_info_json());
SELECT count(*) FROM public.pgbr_status;
RESET search_path;
DROP SCHEMA pgbr_astray CASCADE;

-- another schema, and gone again
DROP EXTENSION pgbackrest_ctl;
CREATE SCHEMA pgbr_other;
CREATE EXTENSION pgbackrest_ctl SCHEMA pgbr_other;
SELECT count(*) FROM pgbr_other.pgbr_status;
SELECT jsonb_typeof(pgbr_other.pgbr_info_json());
SELECT * FROM pgbr_other.pgbr_job('no-such-job');
ALTER EXTENSION pgbackrest_ctl SET SCHEMA public;
DROP SCHEMA pgbr_other CASCADE;
