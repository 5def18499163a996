-- Schedules: when they would be due, what is refused and where the error is, what the views show and
-- to whom. What runs them is tested with a clock of its own.
CREATE EXTENSION pgbackrest_ctl;

\d pgbr_schedule
\d pgbr_runs
\d pgbr_run
\d pgbr_schedule_since

SELECT name, context, vartype, unit, min_val, max_val, boot_val
FROM pg_settings
WHERE name LIKE 'pgbackrest_ctl.%' AND name NOT LIKE 'pgbackrest_ctl.sidecar%'
ORDER BY name COLLATE "C";

-- nothing is scheduled unless it is set
SELECT type, schedule, set_in, active, next_run, last_due, last_state, last_covered_by, last_label,
	last_error
FROM pgbr_schedule
ORDER BY type COLLATE "C";
SELECT count(*) FROM pgbr_runs WHERE requested_by = 'schedule';
-- in the server's time zone, whatever that of a session is
SELECT min(time_zone) AS zone FROM pgbr_schedule \gset
SET timezone = 'Asia/Tokyo';
SELECT DISTINCT time_zone = :'zone' AS same_zone FROM pgbr_schedule;
SELECT count(*) AS changed FROM (
	SELECT pgbr_schedule_preview('0 12 1 * *') EXCEPT SELECT pgbr_schedule_preview('0 12 1 * *', 5, :'zone')) AS p;
RESET timezone;

-- a preview: relative to now, so only what recurs is shown
CREATE FUNCTION preview(schedule text, zone text, format text, count integer DEFAULT 3) RETURNS SETOF text
LANGUAGE sql
AS $$ SELECT to_char(p AT TIME ZONE zone, format) FROM pgbr_schedule_preview(schedule, count, zone) AS p $$;
SELECT count(*), min(p) > now() AS later FROM pgbr_schedule_preview('* * * * *') AS p;
SELECT count(*) FROM pgbr_schedule_preview('* * * * *', 0);
SELECT count(*), max(p) - min(p) AS lasts FROM pgbr_schedule_preview('* * * * *', 10000, 'UTC') AS p;
SELECT DISTINCT p - lag(p) OVER (ORDER BY p) AS every, extract(minute FROM p) AS minute
FROM pgbr_schedule_preview('30 0/1 * * *', 50, 'UTC') AS p
ORDER BY every;
SELECT DISTINCT * FROM preview('5/15 * * * *', 'UTC', 'MI', 8) ORDER BY 1;
SELECT * FROM preview('0 2 * * 0', 'UTC', 'Dy HH24:MI');
SELECT * FROM preview('0 2 * * 7', 'UTC', 'Dy HH24:MI');
SELECT * FROM preview('0 2 * * mon', 'UTC', 'Dy HH24:MI');
SELECT DISTINCT * FROM preview('0 2 * * fri-sun', 'UTC', 'Dy', 6) ORDER BY 1;
SELECT * FROM preview('30 4 29 FEB *', 'UTC', 'MM-DD HH24:MI');
SELECT * FROM preview('@yearly', 'UTC', 'MM-DD HH24:MI');
SELECT * FROM preview('@weekly', 'UTC', 'Dy HH24:MI');
-- day of month OR day of week
SELECT count(*) FILTER (WHERE extract(day FROM p) = 13) > 0 AS some_thirteenths,
	count(*) FILTER (WHERE extract(dow FROM p) = 5) > 0 AS some_fridays,
	count(*) FILTER (WHERE extract(day FROM p) <> 13 AND extract(dow FROM p) <> 5) AS others
FROM (SELECT s AT TIME ZONE 'UTC' AS p FROM pgbr_schedule_preview('0 0 13 * 5', 100, 'UTC') AS s) AS p;
-- a fixed local time: once a day, whatever the clock does
SELECT DISTINCT * FROM preview('30 2 * * *', 'Europe/Berlin', 'HH24:MI', 400) ORDER BY 1;
SELECT count(*) - count(DISTINCT (p AT TIME ZONE 'Europe/Berlin')::date) AS twice_a_day,
	(max(p) AT TIME ZONE 'Europe/Berlin')::date - (min(p) AT TIME ZONE 'Europe/Berlin')::date AS days
FROM pgbr_schedule_preview('30 2 * * *', 401, 'Europe/Berlin') AS p;
-- a wildcard hour: every hour that passes
SELECT DISTINCT p - lag(p) OVER (ORDER BY p) AS every
FROM pgbr_schedule_preview('15 * * * *', 9000, 'Europe/Berlin') AS p
ORDER BY every;
-- a clock that jumps by half an hour
SELECT DISTINCT * FROM preview('15 2 * * *', 'Australia/Lord_Howe', 'HH24:MI', 400) ORDER BY 1;

-- what is refused, with the place of the error and what would be right
SELECT pgbr_schedule_preview('');
SELECT pgbr_schedule_preview('0 2 * *');
SELECT pgbr_schedule_preview('0 0 2 * * *');
SELECT pgbr_schedule_preview('60 * * * *');
SELECT pgbr_schedule_preview('0 24 * * *');
SELECT pgbr_schedule_preview('0 2 0 * *');
SELECT pgbr_schedule_preview('0 2 * 13 *');
SELECT pgbr_schedule_preview('0 2 * * 8');
SELECT pgbr_schedule_preview('0 2 * * monday');
SELECT pgbr_schedule_preview('0 2 * * mon-');
SELECT pgbr_schedule_preview('0 5-2 * * *');
SELECT pgbr_schedule_preview('*/61 * * * *');
SELECT pgbr_schedule_preview('*/0 * * * *');
SELECT pgbr_schedule_preview('0,,5 * * * *');
SELECT pgbr_schedule_preview('0 0 31 2 *');
SELECT pgbr_schedule_preview('0 0 30 feb *');
SELECT pgbr_schedule_preview('@reboot');
SELECT pgbr_schedule_preview('@often');
SELECT pgbr_schedule_preview('? * * * *');
SELECT pgbr_schedule_preview('0 2 L * *');
SELECT pgbr_schedule_preview(NULL);
SELECT pgbr_schedule_preview('* * * * *', NULL);
SELECT pgbr_schedule_preview('* * * * *', -1);
SELECT pgbr_schedule_preview('* * * * *', 10001);
SELECT pgbr_schedule_preview('* * * * *', 1, 'Europe/Belrin');
SELECT pgbr_schedule_preview('* * * * *', 1, '');

-- the same where it is set; none of this is kept
ALTER SYSTEM SET pgbackrest_ctl.full_schedule = '0 25 * * *';
ALTER SYSTEM SET pgbackrest_ctl.diff_schedule = '0 0 2 * * *';
ALTER SYSTEM SET pgbackrest_ctl.incr_schedule = '0 0 31 4,6 *';
ALTER SYSTEM SET pgbackrest_ctl.timezone = 'Mars/Base';
ALTER SYSTEM SET pgbackrest_ctl.timezone = 'right/UTC';
ALTER SYSTEM SET pgbackrest_ctl.catch_up_window = '-1s';
ALTER SYSTEM SET pgbackrest_ctl.catch_up_window = '367d';
ALTER SYSTEM SET pgbackrest_ctl.retry_limit = 101;
ALTER SYSTEM SET pgbackrest_ctl.history_retention = '59min';
ALTER SYSTEM SET pgbackrest_ctl.standby_sidecar_url = 'localhost';
SET pgbackrest_ctl.full_schedule = '0 1 * * *';
SET pgbackrest_ctl.schedule_enabled = off;
SET pgbackrest_ctl.database = 'template1';
SELECT name, setting FROM pg_settings WHERE name LIKE 'pgbackrest_ctl.%_schedule' ORDER BY name COLLATE "C";

-- everyone may look at when a schedule would be due, and at nothing else
CREATE ROLE regress_pgbr_nobody;
SET ROLE regress_pgbr_nobody;
SELECT count(*) FROM pgbr_schedule_preview('* * * * *');
TABLE pgbr_schedule;
TABLE pgbr_runs;
TABLE pgbr_run;
TABLE pgbr_schedule_since;
SELECT _pgbr_schedule();
SELECT _pgbr_wake();
RESET ROLE;
-- pg_monitor reads, and changes nothing
GRANT pg_monitor TO regress_pgbr_nobody;
SET ROLE regress_pgbr_nobody;
SELECT count(*) FROM pgbr_schedule;
SELECT count(*) >= 0 AS reads FROM pgbr_runs;
SELECT count(*) FROM pgbr_run;
SELECT count(*) FROM pgbr_schedule_since;
DELETE FROM pgbr_run;
UPDATE pgbr_schedule_since SET since = now();
INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('incr', now(), now(), 1, 'missed');
SELECT _pgbr_wake();
RESET ROLE;
DROP ROLE regress_pgbr_nobody;

-- the history holds one run that is under way, and one of each type that waits
INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('incr', '2026-01-01 00:00+00', '2026-01-01 00:00+00', 1, 'running');
INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('full', '2026-01-01 00:00+00', '2026-01-01 00:00+00', 1, 'running');
INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('incr', '2026-01-01 00:00+00', '2026-01-01 00:00+00', 1, 'queued');
INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('incr', '2026-01-01 00:00+00', '2026-01-01 00:00+00', 1, 'queued');
SET timezone = 'UTC';
INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('incr', '2026-01-01 00:00+00', '2026-01-01 00:00+00', 1, 'over');
-- and nothing that the scheduler could not read
INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('weekly', '2026-01-01 00:00+00', '2026-01-01 00:00+00', 1, 'missed');
INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('incr', '2026-01-01 00:00+00', 'infinity', 1, 'missed');
INSERT INTO pgbr_run (type, first_due, due, due_count, state, not_before) VALUES ('incr', '2026-01-01 00:00+00', '2026-01-01 00:00+00', 1, 'missed', '-infinity');
RESET timezone;

DROP FUNCTION preview;
DROP EXTENSION pgbackrest_ctl;
