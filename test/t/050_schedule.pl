# The scheduler's life: when it comes, what it waits for and what it says, that the extension may go
# and come while it is there; its settings and the values file, right and wrong.
use strict;
use warnings;
use File::Temp qw(tempdir);
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrScheduleTest;
use Test::More;
use Time::HiRes qw(time);

# extension files of our own: a version to update to is put there
my $dest = tempdir('pgbr-dest-XXXXXX', TMPDIR => 1, CLEANUP => 1);
system('cp', '-r', "$ENV{PGBR_DEST}/.", $dest) == 0 or die "could not copy $ENV{PGBR_DEST}\n";
$ENV{PGBR_DEST} = $dest;

my $cluster = PgbrCluster->new(
	clock => 1,
	parameters => {
		'pgbackrest_ctl.database' => 'later',
		'pgbackrest_ctl.timezone' => 'UTC',
		'pgbackrest_ctl.catch_up_window' => '1h',
		'pgbackrest_ctl.incr_schedule' => '0 3 * * *',
	});
my $member = $cluster->member(1);
tame_pgbackrest($member);
pretend_backups($member);
$cluster->start;
my $clock = $cluster->clock;
my @in = (dbname => 'later');

sub sql { my ($sql) = @_; return $member->psql($sql, @in) }

# --- a database that is not there
{
	is( activity($member),
		'launcher idle: waiting for the database to be created',
		'without its database it waits and says so');
	my $launcher;
	after_look($member, sub { kill USR1 => $launcher = $_[0] }) for 1 .. 3;
	is( log_count(
			$member,
			qr/LOG:  pgbackrest_ctl: database "later" does not exist; no backups are scheduled until it does/
		),
		1,
		'the log says so once, however often it looks');
	$member->psql('CREATE DATABASE later');
	kill USR1 => $launcher;
	is( wait_activity($member, qr/scheduler idle/),
		'scheduler idle: waiting for CREATE EXTENSION pgbackrest_ctl',
		'once it is there, the scheduler waits for the extension');
	ok(!kill(0 => $launcher), 'and the launcher is gone');
}

# --- the extension comes and goes
sub missing
{
	return log_count($member, qr/LOG:  pgbackrest_ctl: the extension is not in database "later"/);
}
{
	my $pid = scheduler($member);
	reload($member) for 1 .. 3;
	is(missing(), 1, 'the log says once that the extension is missing');
	sql('BEGIN; CREATE EXTENSION pgbackrest_ctl; ROLLBACK');
	is( activity($member),
		'scheduler idle: waiting for CREATE EXTENSION pgbackrest_ctl',
		'one that is rolled back is none');

	my $created = time;
	sql('CREATE EXTENSION pgbackrest_ctl');
	like(
		wait_idle($member),
		qr/waiting until \d{4}-\d\d-\d\d 03:00:00/,
		'CREATE EXTENSION wakes it');
	cmp_ok(time - $created, '<', 5, 'at once');
	is(sql('SELECT count(*) FROM pgbr_schedule_since'),
		1, 'since when the schedule is in force is noted');

	$clock->set('2027-01-01 02:59:59.9+00');
	wait_runs($member, 1, q{state = 'succeeded'}, @in);
	wait_idle($member);
	sql('DROP EXTENSION pgbackrest_ctl');
	wait_activity($member, qr/waiting for CREATE EXTENSION/);
	is(missing(), 2, 'DROP EXTENSION is noticed at once');
	$clock->set('2027-01-02 03:00:01+00');
	sql('CREATE EXTENSION pgbackrest_ctl');
	wait_idle($member);
	is_deeply([ runs($member, 'run_id', @in) ], [], 'what was due without it is not made up for');

	# without the scheduler having seen that it was away
	sql('BEGIN; DROP EXTENSION pgbackrest_ctl; CREATE EXTENSION pgbackrest_ctl; COMMIT');
	wait_for { sql('SELECT count(*) FROM pgbr_schedule_since') }
	'the scheduler to note its schedule again';
	wait_idle($member);
	is(missing(), 2, 'gone and come again: nothing to say');
	$clock->set('2027-01-03 02:59:59.9+00');
	wait_runs($member, 1, q{state = 'succeeded'}, @in);

	sql('CREATE SCHEMA other');
	sql('BEGIN; DROP EXTENSION pgbackrest_ctl; CREATE EXTENSION pgbackrest_ctl SCHEMA other; COMMIT'
	);
	wait_for { sql('SELECT count(*) FROM other.pgbr_schedule_since') }
	'the scheduler to find it in another schema';
	$clock->set('2027-01-04 02:59:59.9+00');
	wait_for { sql(q{SELECT count(*) FROM other.pgbr_run WHERE state = 'succeeded'}) == 1 }
	'a run in another schema';
	sql('BEGIN; DROP EXTENSION pgbackrest_ctl; DROP SCHEMA other; CREATE EXTENSION pgbackrest_ctl; COMMIT'
	);
	wait_for { sql('SELECT count(*) FROM pgbr_schedule_since') } 'the scheduler to find it again';

	# in mid run
	chomp(my $share = `pg_config --sharedir`);
	spew(
		"$dest$share/extension/pgbackrest_ctl--0.1--0.1next.sql",
		"ALTER TABLE pgbr_run ADD COLUMN note text;\n");
	hold_backups($member);
	$clock->set('2027-01-05 02:59:59.9+00');
	wait_runs($member, 1, q{state = 'running' AND job_id IS NOT NULL}, @in);
	sql(q{ALTER EXTENSION pgbackrest_ctl UPDATE TO '0.1next'});
	release_backups($member);
	wait_runs($member, 1, q{state = 'succeeded'}, @in);
	pass('ALTER EXTENSION UPDATE in mid run');

	hold_backups($member);
	$clock->set('2027-01-06 02:59:59.9+00');
	wait_runs($member, 1, q{state = 'running' AND job_id IS NOT NULL}, @in);
	$pid = scheduler($member);
	sql('DROP EXTENSION pgbackrest_ctl');
	sql('CREATE EXTENSION pgbackrest_ctl');
	wait_for { sql('SELECT count(*) FROM pgbr_schedule_since') }
	'the scheduler to find it in mid run';
	# another run comes due before it is over
	$clock->set('2027-01-07 02:59:59.9+00');
	wait_runs($member, 1, q{state = 'queued'}, @in);
	release_backups($member);
	wait_runs($member, 1, q{state = 'succeeded' AND due = '2027-01-07 03:00+00'}, @in);
	is_deeply([ runs($member, 'run_id', @in) ],
		[1], 'gone and come again in mid run: what is due later is run');
	is(scheduler($member), $pid, 'by the same scheduler');

	hold_backups($member);
	$clock->set('2027-01-08 02:59:59.9+00');
	wait_runs($member, 1, q{state = 'running' AND job_id IS NOT NULL}, @in);
	sql('DROP EXTENSION pgbackrest_ctl');
	release_backups($member);
	wait_activity($member, qr/waiting for CREATE EXTENSION/);
	is(missing(), 3, 'gone in mid run: that is said when the run is over');
	sql('CREATE EXTENSION pgbackrest_ctl');
	wait_idle($member);
	is(scheduler($member), $pid, 'through all this the scheduler has not ended');
}

# --- daylight saving, as docs/schedules.md tells it
for my $example (
	[
		'Europe/Berlin', '2027-03-27 12:00:00+01',
		'30 2 * * *', '28 03:00 +02, 29 02:30 +02, 30 02:30 +02'
	],
	[
		'Europe/Berlin', '2027-03-28 00:45:00+01',
		'30 * * * *', '28 01:30 +01, 28 03:30 +02, 28 04:30 +02'
	],
	[
		'Europe/Berlin',
		'2027-03-28 01:45:00+01',
		'15,45 2 * * *',
		'28 03:00 +02, 29 02:15 +02, 29 02:45 +02'
	],
	[
		'Europe/Berlin', '2027-10-30 12:00:00+02',
		'30 2 * * *', '31 02:30 +02, 01 02:30 +01, 02 02:30 +01'
	],
	[
		'Europe/Berlin', '2027-10-31 01:45:00+02',
		'30 * * * *', '31 02:30 +02, 31 02:30 +01, 31 03:30 +01'
	],
	[
		'Australia/Lord_Howe',
		'2027-10-02 12:00:00+10:30',
		'15 2 * * *',
		'03 02:30 +11, 04 02:15 +11, 05 02:15 +11'
	],
	[
		'Australia/Lord_Howe', '2027-04-04 01:00:00+11',
		'45 * * * *', '04 01:45 +11, 04 01:45 +10:30, 04 02:45 +10:30'
	])
{
	my ($zone, $now, $schedule, $expected) = @$example;
	$clock->set($now);
	is( sql("SET timezone = '$zone'; SELECT string_agg(to_char(p, 'DD HH24:MI OF'), ', ') FROM pgbr_schedule_preview('$schedule', 3, '$zone') AS p"
		),
		$expected,
		"$schedule from $now");
}
wait_idle($member);

# --- settings
{
	my $pid = scheduler($member);
	set($member, incr_schedule => '30 0/1 * * *', timezone => 'Asia/Kathmandu');
	like(
		wait_activity($member, qr/:45:00/),
		qr/waiting until/,
		'a new schedule and zone are in force on reload');
	is( sql(q{SELECT time_zone, set_in, active, next_run - date_trunc('hour', next_run) FROM pgbr_schedule WHERE type = 'incr'}
		),
		'Asia/Kathmandu|setting|t|00:45:00',
		'and shown');
	is(scheduler($member), $pid, 'without a restart');

	my $refused =
	  $member->psql_fails(q{ALTER SYSTEM SET pgbackrest_ctl.full_schedule = '0 25 * * *'});
	like($refused, qr/ERROR:  22023: /, 'a wrong schedule is refused where it is set');
	like($refused, qr/DETAIL:  The error is at offset 2, in the hour field\./, 'with the position');
	like($refused, qr/HINT:  Hours are 0 to 23/, 'and a hint');
	$refused = $member->psql_fails(q{ALTER SYSTEM SET pgbackrest_ctl.timezone = 'Europe/Belrin'});
	like($refused, qr/HINT:  Use a name that pg_timezone_names shows/, 'so is a wrong zone');
	$refused = $member->psql_fails(q{SET pgbackrest_ctl.full_schedule = '0 1 * * *'});
	like($refused, qr/55P02/, 'no session sets one');

	open my $conf, '>>', "$member->{data}/postgresql.conf";
	print $conf
	  "pgbackrest_ctl.full_schedule = '0 0 31 2 *'\npgbackrest_ctl.diff_schedule = '0 4 * * *'\n";
	close $conf;
	reload($member);
	wait_for { sql(q{SELECT active FROM pgbr_schedule WHERE type = 'diff'}) eq 't' }
	'what is right in the file';
	like(
		sql(q{SELECT error FROM pg_file_settings WHERE name = 'pgbackrest_ctl.full_schedule'}),
		qr/setting could not be applied/,
		'one in the file is refused on reload');
	like(
		log_of($member),
		qr/LOG:  invalid schedule "0 0 31 2 \*".*\n.*DETAIL:  The error is at offset 4.*\n.*HINT:  February has/,
		'and the log says why, with position and hint');
	is(sql(q{SELECT schedule FROM pgbr_schedule WHERE type = 'full'}), '', 'it is not in force');
	my $told = qr/^pgbackrest_ctl\.full_schedule = '0 0 31 2 \*' is refused: invalid schedule/;
	like(sql(q{SELECT last_error FROM pgbr_schedule WHERE type = 'full'}),
		$told, 'pgbr_schedule says so');
	like(
		sql(q{SELECT problems FROM pgbr_status}),
		qr/"the schedule of full backups is wrong: pgbackrest_ctl\.full_schedule = /,
		'and pgbr_status');
	is(sql(q{SELECT last_error FROM pgbr_schedule WHERE type = 'diff'}), '', 'of no other type');
	set($member, diff_schedule => '', full_schedule => '');
	is(sql(q{SELECT string_agg(last_error, '') FROM pgbr_schedule}),
		'', 'until another value takes its place');
	sql(q{ALTER SYSTEM RESET pgbackrest_ctl.full_schedule});
	reload($member);
	like(sql(q{SELECT last_error FROM pgbr_schedule WHERE type = 'full'}),
		$told, 'it is refused again');
	my $file = "$member->{data}/postgresql.conf";
	spew($file, slurp($file) =~ s/^pgbackrest_ctl\.full_schedule = .*\n//mr, 0600);
	reload($member);
	is(sql(q{SELECT string_agg(last_error, '') FROM pgbr_schedule}), '', 'until the line is gone');
	set($member, full_schedule => '');
}

# --- the values file
my $values = "$member->{dir}/values.yaml";

# Put this into the values file, and wait until the scheduler has read it, and says this of it;
# gives what the log then says.
sub give_values
{
	my ($text, $mode, $message) = @_;
	chmod 0600, $values;
	unlink $values;
	spew($values, $text, $mode) if defined $text;
	my $length = length log_of($member);
	reload($member);
	wait_for { substr(log_of($member), $length) =~ $message } "the log to say $message" if $message;
	return substr log_of($member), $length;
}

my $by_strength = q{ORDER BY array_position('{full,diff,incr}', type)};

sub schedules
{
	return sql("SELECT type, schedule, time_zone, set_in, active FROM pgbr_schedule $by_strength");
}

set($member, config_file => $values, incr_schedule => '', timezone => '');
give_values(<<'END');
global: &everything { a: 1 }
pgBackRest:
  repoType: rwx
  fullSchedule: "0 1 * * SUN"
  diffSchedule: "0 1 * * 1-6"
  incrSchedule: "30 0/1 * * *"
  timeZone: Australia/Lord_Howe
END
is(schedules(), <<'END' =~ s/\n\z//r, 'the schedules of a values file are in force');
full|0 1 * * SUN|Australia/Lord_Howe|values file|t
diff|0 1 * * 1-6|Australia/Lord_Howe|values file|t
incr|30 0/1 * * *|Australia/Lord_Howe|values file|t
END
set($member, incr_schedule => '15 * * * *', timezone => 'UTC');
is(schedules(), <<'END' =~ s/\n\z//r, 'a setting wins over it');
full|0 1 * * SUN|UTC|values file|t
diff|0 1 * * 1-6|UTC|values file|t
incr|15 * * * *|UTC|setting|t
END

# What is wrong, what is said of it, and which types of the file are still in force; incr is a
# setting and is always.
my $right = qq{fullSchedule: "0 1 * * *"\n  diffSchedule: "0 2 * * *"\n};
my @wrong = (
	[ 'a file that is missing', undef, qr/could not open .*values\.yaml.*No such file/, '' ],
	[
		'one that can not be read',
		"pgBackRest:\n  $right",
		qr/could not open .*values\.yaml.*Permission denied/,
		'', 0
	],
	[ 'no YAML', "pgBackRest:\n  $right  - : {\n", qr/values\.yaml.*line 4/s, '' ],
	[
		'a key that is not known',
		"pgBackRest:\n  ${right}  incSchedule: x\n",
		qr/"pgBackRest\.incSchedule".*line 4/s,
		'full diff'
	],
	[
		'a key that is there twice',
		"pgBackRest:\n  ${right}  fullSchedule: '0 5 * * *'\n",
		qr/"pgBackRest\.fullSchedule".*twice.*line 4/s,
		'full diff'
	],
	[
		'a wrong type',
		"pgBackRest:\n  fullSchedule: [ 1 ]\n  diffSchedule: '0 2 * * *'\n",
		qr/"pgBackRest\.fullSchedule".*line 2/s, 'diff'
	],
	[
		'a wrong schedule',
		"pgBackRest:\n  fullSchedule: 0 1 * 13 *\n  diffSchedule: '0 2 * * *'\n",
		qr/13 is out of range.*line 2.*offset 6/s, 'diff'
	],
	[
		'six fields',
		"pgBackRest:\n  fullSchedule: 0 0 1 * * *\n  diffSchedule: '0 2 * * *'\n",
		qr/more than five fields.*line 2/s, 'diff'
	],
	[
		'a zone that is not known',
		"pgBackRest:\n  ${right}  timeZone: Mars/Base\n",
		qr{"Mars/Base" at line 4},
		'full diff', 0600
	],
	[ 'ten megabytes', "pgBackRest:\n  $right# " . 'x' x (10 << 20) . "\n", qr/larger than/, '' ]);
set($member, timezone => '');
for my $wrong (@wrong)
{
	my ($name, $text, $message, $active, $mode) = @$wrong;
	my $said = give_values($text, $mode, $message);
	is(() = $said =~ /LOG:  pgbackrest_ctl: /g, 1, "$name: the log says so once");
	my @rows = map { [ split /\|/ ] } split /\n/,
	  sql("SELECT type, active, last_error FROM pgbr_schedule $by_strength");
	is( join(' ', map { $_->[1] eq 't' ? $_->[0] : () } @rows),
		$active ? "$active incr" : 'incr',
		"$name: what is right goes on");
	ok(scalar(grep { ($_->[2] // '') =~ $message } @rows), "$name: pgbr_schedule says so")
	  or diag explain \@rows;
}

# an alias bomb of some ten megabytes, were it expanded
my @levels = map {
	my $n = $_;
	"b$n: &b$n [" . join(',', ($n ? '*b' . ($n - 1) : '"' . 'x' x 10 . '"') x 10) . ']'
} 0 .. 5;
my $bomb = join "\n", @levels, "pgBackRest:\n  $right  incrSchedule: *b5", '';
my $began = time;
give_values($bomb, undef, qr/"pgBackRest\.incrSchedule" has an alias/);
cmp_ok(time - $began, '<', 5, 'an alias bomb is said to be one, and costs no time');
is(sql('SELECT count(*) FROM pgbr_schedule WHERE active'), 3, 'and what is right goes on');
unlike(
	give_values("pgBackrest:\n  $right"),
	qr/LOG:  pgbackrest_ctl/,
	'all is right again: nothing to say');
unlike(sql('SELECT last_error FROM pgbr_schedule'), qr/\S/, 'and nothing shown');

done_testing;
