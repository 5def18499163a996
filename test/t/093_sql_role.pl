# The trust boundary of SQL: what a role that may log in and make objects (as everyone may in the
# schema public of PostgreSQL 13 and 14) can have the extension, its scheduler and the sidecar do.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrScheduleTest;
use Test::More;

# --- what the project's SQL calls

# All SQL of the project: the scripts, and the texts in C.
sub project_sql
{
	my $sql = join "\n", map { slurp($_) =~ s/--.*//gr } glob 'sql/install/*.sql sql/*--*.sql';
	my @sources = glob 'src/extension/*.c src/sidecar/*.c src/sidecar/*/*.c'
	  or die "no source is here\n";
	for my $source (map { slurp($_) } @sources)
	{
		$sql .= join ' ', "\n", $source =~ /"((?:[^"\\\n]|\\.)*)"/g;
	}
	return $sql;
}

sub unique
{
	my %seen = map { $_ => 1 } @_;
	my @sorted = sort keys %seen;
	return @sorted;
}

sub sql_array
{
	return 'ARRAY[' . join(', ', map { "'" . s/'/''/gr . "'" } @_) . ']::text[]';
}

my $sql = project_sql();
my @called =
  unique($sql =~ /(?<![\w.])([a-z_][a-z0-9_]*)\s*\(/g, $sql =~ /\@extschema\@\.(\w+)\s*\(/g);
# and what stands behind BETWEEN, IN, LIKE and IS DISTINCT FROM
my @operators = unique($sql =~ m{([-+*/<>=~!\@#%^&|?]+)}g, qw(= <> < <= > >= ~~ !~~));
my %names_first = $sql =~ /(?<![\w.])([a-z_][a-z0-9_]*)\((\w+) =>/g;
cmp_ok(scalar(grep { /^(?:to_timestamp|format|make_interval|_pgbr_jobs)$/ } @called),
	'==', 4, 'the scan finds what is called');
is_deeply([ sort keys %names_first ], ['make_interval'], 'also by named arguments');

# --- planting

# Everything is planted that would win over the server's own, or the extension's, because its types
# fit better: for each name all combinations of types, but those that are there already. What is
# called says so in the server's log, whatever becomes of the transaction.
sub planting
{
	my ($own) = @_;
	my ($functions, $operators) = (sql_array(@called), sql_array(@operators));
	my $named = join ', ', map { "('$_', '$names_first{$_}')" } sort keys %names_first;
	return <<"END";
SET check_function_bodies = off;
CREATE TEMP TABLE own (name text, least int, most int, arguments text);
INSERT INTO own VALUES $own;
CREATE TEMP TABLE kind AS SELECT unnest(ARRAY['boolean', 'integer', 'bigint', 'numeric', 'double precision',
	'text', 'name', 'timestamp with time zone', 'interval', 'jsonb', 'pg_lsn', 'oid']) AS name;
CREATE TEMP TABLE parameters AS
	SELECT 0 AS count, '' AS list
	UNION ALL SELECT 1, name FROM kind
	UNION ALL SELECT 2, a.name || ', ' || b.name FROM kind AS a, kind AS b
	UNION ALL SELECT 3, a.name || ', ' || b.name || ', ' || c.name FROM kind AS a, kind AS b, kind AS c
		WHERE 'oid' NOT IN (a.name, b.name, c.name) AND a.name IN ('text', 'jsonb', 'numeric');
CREATE TEMP TABLE wanted AS
	SELECT name, least, most, 'text' AS result FROM own
	UNION ALL
	SELECT proname, min(pronargs - pronargdefaults), max(CASE WHEN provariadic <> 0 THEN 3 ELSE pronargs END),
		coalesce(min(prorettype::regtype::text) FILTER (WHERE prorettype::regtype::text IN (SELECT name FROM kind)), 'text')
	FROM pg_proc
	WHERE proname = ANY ($functions) AND pronamespace = 'pg_catalog'::regnamespace GROUP BY proname;
CREATE TEMP TABLE planted AS
	SELECT w.name, p.count, p.list, w.result
	FROM wanted AS w JOIN parameters AS p ON p.count BETWEEN w.least AND w.most
	WHERE (w.name, p.list) NOT IN (
		SELECT proname, oidvectortypes(proargtypes) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
		UNION ALL SELECT name, arguments FROM own);
DO \$do\$
DECLARE p record;
BEGIN
	FOR p IN SELECT planted.*, named.argument || ' ' AS argument
		FROM planted LEFT JOIN (VALUES $named) AS named(name, argument) ON planted.name = named.name AND count = 1
	LOOP
		EXECUTE format('CREATE FUNCTION public.%I(%s%s) RETURNS %s LANGUAGE plpgsql AS '
			'''BEGIN RAISE LOG ''''planted: %s(%s)''''; RETURN NULL; END''', p.name, p.argument, p.list, p.result, p.name, p.list);
	END LOOP;
	FOR p IN SELECT o.oprname, a.name AS a, b.name AS b, row_number() OVER () AS number,
			coalesce(min(oprresult::regtype::text) FILTER (WHERE oprresult::regtype::text IN (SELECT name FROM kind)), 'text') AS result
		FROM pg_operator AS o, kind AS a, kind AS b
		WHERE oprname = ANY ($operators) AND NOT EXISTS (SELECT FROM pg_operator AS e WHERE e.oprname = o.oprname
			AND e.oprleft = a.name::regtype AND e.oprright = b.name::regtype)
		GROUP BY 1, 2, 3
	LOOP
		EXECUTE format('CREATE FUNCTION public.planted_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS '
			'''BEGIN RAISE LOG ''''planted: %s %s %s''''; RETURN NULL; END''', p.number, p.a, p.b, p.result,
			p.a, replace(p.oprname, '%', '%%'), p.b);
		EXECUTE format('CREATE OPERATOR public.%s (FUNCTION = public.planted_%s, LEFTARG = %s, RIGHTARG = %s)',
			p.oprname, p.number, p.a, p.b);
	END LOOP;
END \$do\$;
SELECT (SELECT count(*) FROM planted), (SELECT count(*) FROM pg_operator WHERE oprnamespace = 'public'::regnamespace);
END
}

my $cluster = PgbrCluster->new(
	clock => 1,
	parameters => {
		'pgbackrest_ctl.timezone' => 'UTC',
		'pgbackrest_ctl.catch_up_window' => '1h',
		'pgbackrest_ctl.incr_schedule' => '0 3 * * *',
	});
my $member = $cluster->member(1);
tame_pgbackrest($member);
pretend_backups($member);
# the worst that can be set for the sidecar's sessions
push @{ $member->sidecar->{options} },
  '--pg-conninfo=' . $member->conninfo . q{ options='-c search_path=public,pg_catalog'};
$cluster->start;
my $sidecar = $member->sidecar;
my @mallory = (user => 'mallory');

# What was planted and called since the last look.
my $looked = 0;

sub called
{
	my $log = substr log_of($member), $looked;
	$looked += length $log;
	return [ unique($log =~ /LOG:  planted: (.*)/g) ];
}

subtest 'planted functions and operators' => sub {
	$member->psql(
		'CREATE ROLE mallory LOGIN; GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE DATABASE clean'
	);
	$member->psql('CREATE EXTENSION pgbackrest_ctl', dbname => 'clean');
	my $own = $member->psql(<<'END', dbname => 'clean');
SELECT string_agg(format('(%L, %s, %s, %L)', proname, pronargs - pronargdefaults, pronargs, oidvectortypes(proargtypes)), ', ')
FROM pg_proc JOIN pg_depend ON classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pgbackrest_ctl')
END
	my ($functions, $operators) = split /\|/, $member->psql(planting($own), @mallory);
	cmp_ok($functions, '>', 2000, "$functions functions are planted");
	cmp_ok($operators, '>', 1000, "$operators operators");
	is_deeply(called(), [], 'nothing has called them');
	$member->psql(
		q{SELECT to_timestamp(1::bigint), 1::numeric - 1, format('%s: %s', 1, 'x'::text)});
	is_deeply(
		called(),
		[ 'format(text, integer, text)', 'numeric - integer', 'to_timestamp(bigint)' ],
		'who has public in the path does');

	$member->psql('CREATE EXTENSION pgbackrest_ctl');
	is_deeply(called(), [], 'CREATE EXTENSION calls none');
	$member->psql(q{SELECT pgbr_restore_point('mark'::text, false, 60)});
	my @views = split /\n/, $member->psql(<<'END');
SELECT objid::regclass FROM pg_depend JOIN pg_class ON pg_class.oid = objid AND relkind = 'v'
WHERE classid = 'pg_class'::regclass AND deptype = 'e'
END
	cmp_ok(scalar @views, '>', 8, 'the views of the extension');
	$member->psql("SELECT * FROM $_") for @views;
	$member->psql('SELECT * FROM pgbr_info(false)');
	is_deeply(called(), [], 'nor do its views');

	wait_idle($member);
	$cluster->clock->set('2027-01-01 02:59:59.9+00');
	wait_runs($member, 1, q{state = 'succeeded'});
	wait_idle($member);
	is_deeply(called(), [], 'nor does the scheduler');

	make_backups($member);
	my $id =
	  $member->psql(q{SELECT pgbr_backup('full'::text, true, 120, '{}'::jsonb, NULL::integer)});
	$member->psql("SELECT * FROM pgbr_job('$id'::text)");
	$member->psql("SELECT * FROM $_") for @views;
	for my $path (qw(/v1/node /metrics /readyz))
	{
		is($sidecar->http(GET => $path)->{status}, 200, $path);
	}
	is_deeply(called(), [], 'nor does the sidecar, or a view with a backup to show');
	is($member->psql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}),
		'f', 'mallory is who she was');
};

# --- what the scheduler and the sidecar take for the extension's

# Have the scheduler write to both of its tables.
my $hour = 4;

sub have_it_run
{
	$hour++;
	my $last = $member->psql('SELECT max(run_id) FROM pgbr_run');
	$member->psql("ALTER SYSTEM SET pgbackrest_ctl.incr_schedule = '0 $hour * * *'");
	$member->psql('SELECT pg_reload_conf()');
	wait_for
	{
		$member->psql("SELECT count(*) FROM pgbr_schedule_since WHERE schedule = '0 $hour * * *'")
	}
	'the schedule to be taken';
	wait_idle($member);
	$cluster->clock->set(sprintf '2027-01-01 %02d:59:59.9+00', $hour - 1);
	wait_runs($member, 1, "run_id > $last AND state = 'succeeded'");
	return wait_idle($member);
}

subtest 'who may make triggers, or owns the tables' => sub {
	pretend_backups($member);
	$member->psql(
		'CREATE SCHEMA planted AUTHORIZATION mallory; GRANT pg_monitor TO mallory; GRANT ALL ON ALL TABLES IN SCHEMA public TO mallory'
	);
	# says for whom it was run
	$member->psql(<<'END', @mallory);
CREATE FUNCTION planted.planted() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'planted: run as %', current_user; RETURN true; END $$;
CREATE FUNCTION planted.on_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM planted.planted(); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER planted BEFORE INSERT OR UPDATE OR DELETE ON pgbr_run FOR EACH ROW EXECUTE FUNCTION planted.on_change();
CREATE TRIGGER planted AFTER INSERT OR UPDATE OR DELETE ON pgbr_schedule_since FOR EACH STATEMENT EXECUTE FUNCTION planted.on_change();
END
	have_it_run();
	is_deeply(called(), [], 'a trigger of who was granted all on all tables is not fired');

	$member->psql("ALTER TABLE $_ OWNER TO mallory") for qw(pgbr_run pgbr_schedule_since);
	$member->psql(
		'ALTER TABLE pgbr_run ENABLE ALWAYS TRIGGER planted; ALTER TABLE pgbr_run ADD CHECK (planted.planted())',
		@mallory);
	have_it_run();
	is_deeply(called(), ['run as mallory'],
		'what their owner has put there is run with the rights of the owner');
	$member->psql(<<'END');
DROP TRIGGER planted ON pgbr_run; DROP TRIGGER planted ON pgbr_schedule_since; ALTER TABLE pgbr_run DROP CONSTRAINT pgbr_run_check;
ALTER TABLE pgbr_run OWNER TO postgres; ALTER TABLE pgbr_schedule_since OWNER TO postgres;
END
};

subtest 'who owns the view that the sidecar reads' => sub {
	my $definition = $member->psql(q{SELECT pg_get_viewdef('pgbr_schedule')}) =~ s/;$//r;
	my $shown = sub {
		my $page = $sidecar->http(GET => '/metrics')->{content};
		return $page =~ /^pgbackrest_ctl_schedule_active/m ? 1 : 0;
	};
	my $fresh = sub { $sidecar->stop; $sidecar->start; return $shown->() };
	my $up = sub {
		my ($value) = $sidecar->http(GET => '/metrics')->{content} =~
		  /^pgbackrest_ctl_schedules_up\{[^}]*\} (\d)$/m;
		return $value;
	};
	is($fresh->(), 1, 'the metrics show schedules');
	is($up->(), 1, 'and say that they can');
	$member->psql('ALTER VIEW pgbr_schedule OWNER TO mallory');
	$member->psql(
		"CREATE OR REPLACE VIEW pgbr_schedule AS SELECT * FROM ($definition) AS s WHERE planted.planted()",
		@mallory);
	is($fresh->(), 0, 'not those of a view that is of somebody else');
	is($up->(), 0, 'and say so');
	is_deeply(called(), [], 'which is not read');
	like(
		$sidecar->log,
		qr/warning .*the schedules are not in the metrics: .*role "mallory", which is not a superuser, owns/,
		'the log says why');
	$member->psql(
		"CREATE OR REPLACE VIEW pgbr_schedule AS $definition; ALTER VIEW pgbr_schedule OWNER TO postgres"
	);
	is($fresh->(), 1, 'it is again');
};

subtest 'who owns the schema' => sub {
	$member->psql('ALTER DATABASE postgres OWNER TO mallory');
	$member->psql(<<'END', @mallory);
CREATE VIEW planted.pgbr_schedule AS SELECT *, planted.planted() AS more FROM (
	SELECT ''::text AS type, true AS active, now() AS next_run, now() AS last_due, ''::text AS last_state, ''::text AS schedule) AS s;
CREATE TABLE planted.pgbr_run (LIKE public.pgbr_run INCLUDING ALL);
CREATE TABLE planted.pgbr_schedule_since (LIKE public.pgbr_schedule_since INCLUDING ALL, CHECK (planted.planted()));
END
	my $there =
	  'BEGIN; ALTER SCHEMA public RENAME TO away; ALTER SCHEMA planted RENAME TO public; COMMIT;';
	my $back =
	  'BEGIN; ALTER SCHEMA public RENAME TO planted; ALTER SCHEMA away RENAME TO public; COMMIT;';

	# the scheduler has found the extension and is about to write when another takes its place
	my ($in, $out) = ('', '');
	my $holder = IPC::Run::start([ $member->psql_command ], '<', \$in, '>', \$out);
	$in .= "BEGIN; LOCK TABLE pgbr_schedule_since;\n\\echo locked\n";
	wait_for { $holder->pump_nb; $out =~ /locked/ } 'the lock';
	my $began = log_count($member, qr/is not of the extension/);
	$member->psql("ALTER SYSTEM SET pgbackrest_ctl.incr_schedule = '30 5 * * *'");
	$member->psql('SELECT pg_reload_conf()');
	wait_for
	{
		$member->psql(
			q{SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pgbr_schedule_since'::regclass}
		)
	}
	'the scheduler to wait for it';
	$member->psql($there, @mallory);
	$in .= "COMMIT;\n";
	$in .= "\\q\n";
	$holder->finish;
	wait_for { log_count($member, qr/is not of the extension/) > $began }
	'the scheduler to refuse it';
	is_deeply(called(), [], 'a table that was put under the name of one of ours is not touched');
	$member->psql($back, @mallory);

	# as fast as can be, while the sidecar looks again and again
	spew("$member->{dir}/swap.sql", "SET synchronous_commit = off;\n" . "$there\n$back\n" x 20000);
	my $swapper =
	  IPC::Run::start([ $member->psql_command(@mallory), '-f', "$member->{dir}/swap.sql" ],
		'<', '/dev/null', '>', '/dev/null');
	for (1 .. 3)
	{
		$sidecar->stop;
		$sidecar->start;
		is($sidecar->http(GET => '/metrics')->{status}, 200, 'metrics');
	}
	$swapper->kill_kill;
	is_deeply(called(), [], 'nor is such a view');
	$member->psql('ALTER DATABASE postgres OWNER TO postgres; REVOKE pg_monitor FROM mallory');
	$member->psql(<<'END');
DO $$ BEGIN IF to_regnamespace('away') IS NOT NULL THEN ALTER SCHEMA public RENAME TO planted; ALTER SCHEMA away RENAME TO public; END IF; END $$
END
	wait_idle($member);
	have_it_run();
	is_deeply(called(), [], 'and it goes on with its own');
};

# --- who did what

subtest 'the audit names the role' => sub {
	$member->psql(
		'GRANT EXECUTE ON FUNCTION pgbr_backup(text, boolean, integer, jsonb, integer), pgbr_cancel(text),
		pgbr_restore_point(text, boolean, integer) TO mallory');
	my $id =
	  $member->psql(q{SELECT pgbr_backup('incr'::text, true, 60, '{}'::jsonb, NULL::integer)},
		@mallory);
	like($member->psql_fails(q{SELECT pgbr_cancel('nothing'::text)}, @mallory),
		qr/42704/, 'there is no such job');
	is($member->psql("SELECT pgbr_cancel('$id'::text)"), 'f', 'one that has ended');
	$member->psql(q{SELECT pgbr_restore_point('hers'::text, false, 60)}, @mallory);
	is_deeply(
		[
			split /\n/,
			$member->psql(
				'SELECT method, path, claimed_by, concerns FROM pgbr_audit ORDER BY id DESC LIMIT 4'
			)
		],
		[
			'POST|/v1/restore-points|sql mallory@postgres|',
			"DELETE|/v1/jobs/$id|sql postgres\@postgres|$id",
			'DELETE|/v1/jobs/nothing|sql mallory@postgres|nothing',
			"POST|/v1/jobs|sql mallory\@postgres|$id"
		],
		'that has asked for a backup, a cancel and a restore point');
	is($member->psql_fails('SELECT * FROM pgbr_audit', @mallory) =~ /42501/ ? 1 : 0,
		1, 'which she may not read');
	is($sidecar->http(DELETE => "/v1/jobs/$id?claimed_by=$_")->{status},
		422, "claimed_by=$_ is refused")
	  for 'a%0Ab', 'x' x 129;
};

# --- where the token goes

# Somebody listens where nothing of ours should ask.
sub was_asked { my ($listener) = @_; return scalar IO::Select->new($listener)->can_read(0) }

my $token_file = "$member->{dir}/token";
spew($token_file, "a-token-that-is-to-be-kept-secret\n", 0600);
my $port = $cluster->sandbox->port;
my $false_url = "http://127.0.0.1:$port";
my $false = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5)
  or die "$false_url: $!\n";

subtest 'who writes to the history does not say where the token goes' => sub {
	pretend_backups($member);
	set($member, sidecar_token_file => $token_file);
	wait_idle($member);
	$member->psql(
		"INSERT INTO pgbr_run (type, first_due, due, due_count, state, started_at, timeline, sidecar)
		VALUES ('full', now(), now(), 1, 'running', now(), 1, '$false_url')");
	$member->stop;
	$member->start;
	wait_for
	{
		$member->psql(q{SELECT count(*) FROM pgbr_run WHERE state IN ('running', 'queued')}) == 0
	}
	'the run to be inherited';
	like(
		$member->psql(qq{SELECT state, message FROM pgbr_run WHERE sidecar = '$false_url'}),
		qr/^interrupted\|its server went down/,
		'it is looked for at the sidecar of the settings');
	ok(!was_asked($false), 'and not where the history says');
};

subtest 'a setting that the client gives where the library is not preloaded' => sub {
	$cluster->{preload} = 0;
	$member->_write_server_conf;
	$member->stop;
	$member->start;
	$member->psql(
		'GRANT EXECUTE ON FUNCTION pgbr_check(boolean, integer), _pgbr_schedule() TO mallory');
	my $ask = 'SELECT pgbr_check(false, 60) IS NOT NULL';
	is($member->psql($ask, @mallory), 't', 'the settings of the configuration file hold');
	is($member->psql("SET pgbackrest_ctl.sidecar_url = '$false_url'; $ask", @mallory),
		't', 'also in a session that has set one itself');

	my $refused =
	  qr/ERROR:  55P02: setting "pgbackrest_ctl\.\w+" was given by this client, its role or the database\n.*\nHINT:/s;
	for my $option (
		'sidecar_url=x', "sidecar_url=$false_url",
		'SIDECAR_URL=', "standby_sidecar_url=$false_url",
		'sidecar_ca_file=/x', 'sidecar_token_file=',
		'sidecar_timeout=0')
	{
		local $ENV{PGOPTIONS} = "-c pgbackrest_ctl.$option";
		like($member->psql_fails($ask, @mallory), $refused, "$option is refused");
		like($member->psql_fails('SELECT * FROM _pgbr_schedule()', @mallory),
			$refused, 'nor is a schedule shown that may be another')
		  if $option eq 'sidecar_url=x';
	}
	for my $whose ('ROLE mallory', 'DATABASE postgres', 'ROLE ALL')
	{
		$member->psql("ALTER $whose SET pgbackrest_ctl.sidecar_url = 'x'");
		like($member->psql_fails($ask, @mallory), $refused, "so is one of ALTER $whose");
		$member->psql("ALTER $whose RESET pgbackrest_ctl.sidecar_url");
	}
	is($member->psql($ask, @mallory), 't', 'which can be taken back');
	ok(!was_asked($false), 'nobody else was asked');
};

done_testing;
