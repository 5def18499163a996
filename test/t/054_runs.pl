# Runs: which one starts when several are due, what waits for what, how failures are shown and tried
# again, and that a crash of any part, a stop or a clock that leaps neither loses nor repeats one.
# Backups are real, and held where something is to happen meanwhile; in the parts about sidecars and
# settings they are pretended.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(wait_for);
use PgbrScheduleTest;
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(
	clock => 1,
	pgbackrest => { 'repo1-bundle' => 'y' },
	parameters => {
		timezone => 'UTC',
		'pgbackrest_ctl.timezone' => 'UTC',
		'pgbackrest_ctl.sidecar_timeout' => '2s',
	});
my $member = $cluster->member(1);
tame_pgbackrest($member);
$cluster->start;
my $clock = $cluster->clock;
my $sidecar = $member->sidecar;
$member->psql('CREATE EXTENSION pgbackrest_ctl');

# Each part has a day of its own, and schedules that are new, so that nothing of before is made up
# for.
my $day = '2027-01-31';

sub part
{
	my (%schedules) = @_;
	set($member, map { $_ . '_schedule' => '' } qw(full diff incr));
	$day = $member->psql("SELECT date '$day' + 1");
	$clock->set("$day 00:30:00+00");
	set($member, map { $_ . '_schedule' => $schedules{$_} } keys %schedules);
	wait_idle($member);
	return;
}

# Let it become this time of the day, from a tenth of a second before.
sub at
{
	my ($time) = @_;
	return $clock->set(PgbrClock::moment("$day $time:00+00") - 0.1);
}

sub today { return [ runs($member, $_[0], where => "due::date = '$day'") ] }

sub wait_today
{
	my ($count, $where) = @_;
	return wait_runs($member, $count, "due::date = '$day' AND $where");
}

# How many backups the repository holds, with those that were pretended.
sub count_backups
{
	return pretended($member) + map { @$_ } values %{ backups_of($member) };
}

# Wait until the scheduler has handed a run to the sidecar; gives its job.
sub wait_job
{
	wait_today(1, q{state = 'running' AND job_id IS NOT NULL});
	return $member->psql(q{SELECT job_id FROM pgbr_run WHERE state = 'running'});
}

# --- together
part(full => '0 3 * * *', diff => '0 3 * * *', incr => '0 3 * * *');
at('03:00');
wait_today(1, q{state = 'succeeded'});
is(count_backups(), 1, 'three that are due together: one backup');
is_deeply(
	today(
		'type, due_count, state, covered_by = (SELECT run_id FROM pgbr_run WHERE label IS NOT NULL)'
	),
	[ 'incr|1|covered|t', 'diff|1|covered|t', 'full|1|succeeded|' ],
	'the strongest, and it covers the others');
my $label = $member->psql('SELECT label FROM pgbr_backups');
is( $member->psql(
		'SELECT DISTINCT last_due, last_state, last_covered_by, last_label, last_error FROM pgbr_schedule ORDER BY 3 NULLS FIRST'
	),
	"$day 03:00:00+00|succeeded||$label|\n$day 03:00:00+00|succeeded|full|$label|",
	'pgbr_schedule: all three are satisfied by it');
like(
	$member->psql('SELECT sidecar_reason FROM pgbr_runs WHERE label IS NOT NULL'),
	qr/^the leader's: /,
	'the run says whose sidecar made it, and why');

# --- by hand and by schedule
part(incr => '0 * * * *');
hold_backups($member);
at('01:00');
wait_job();
my $by_hand = $member->psql(q{SELECT pgbr_backup('diff')});
is($sidecar->job($by_hand)->{state}, 'queued', 'a backup by hand waits for the scheduled one');
release_backups($member);
is($sidecar->wait_job($by_hand)->{state}, 'succeeded', 'and is made after it');
wait_today(1, q{state = 'succeeded'});
is(count_backups(), 3, 'both are there');
is_deeply(
	[
		split /\n/,
		$member->psql(
			q{SELECT coalesce(claimed_by, requested_by), type, state FROM pgbr_runs WHERE label > '}
			  . $label
			  . q{' ORDER BY label})
	],
	[ 'schedule|incr|succeeded', 'sql postgres@postgres|diff|succeeded' ],
	'pgbr_runs shows both');

hold_backups($member);
$by_hand = $member->psql(q{SELECT pgbr_backup('incr')});
$sidecar->wait_job($by_hand, qr/running/);
at('02:00');
my $job = wait_job();
is($sidecar->job($job)->{state}, 'queued', 'a scheduled one waits for one by hand');
release_backups($member);
wait_today(2, q{state = 'succeeded'});
is(count_backups(), 5, 'and is made after it');

# --- queued once, never piled up
part(full => '30 6 * * *', incr => '0 * * * *');
my $before = count_backups();
hold_backups($member);
at('01:00');
wait_job();
for my $hour (2 .. 4)
{
	at("0$hour:00");
	wait_today(1, "due = '$day 0$hour:00' AND state = 'queued'");
}
release_backups($member);
wait_today(2, q{state = 'succeeded'});
is(count_backups(), $before + 2, 'three come due while one runs: one more backup');
is_deeply(
	today('due::time(0), state, reason, covered_by - run_id'),
	[
		'01:00:00|succeeded|due|',
		'02:00:00|covered|due while a backup was running|2',
		'03:00:00|covered|due while a backup was running|1',
		'04:00:00|succeeded|due while a backup was running|'
	],
	'for the last of them, and it covers the others');

# --- failures
my $archive_command = $member->psql('SHOW archive_command');
part(incr => '0 * * * *');
set($member, '.archive_command' => 'false', retry_limit => 2);
$before = count_backups();
at('01:00');
wait_today(1, q{state = 'failed'});
my $message = qr/archive_command 'false' must contain/;
like($member->psql(q{SELECT last_state, last_error FROM pgbr_schedule WHERE type = 'incr'}),
	qr/^queued\|.*$message/, 'a failure is in pgbr_schedule from the first, with its reason');
like($member->psql('SELECT failures_in_a_row, last_failure_message FROM pgbr_status'),
	qr/^1\|.*$message/, 'and in pgbr_status');
like(
	log_of($member),
	qr/scheduled incr backup failed: .*$message.*; it is tried again/,
	'and in the log');
like(wait_idle($member), qr/waiting until/, 'the scheduler waits for the next attempt');
is_deeply(
	today(
		q{state, reason, failures, due_count, coalesce(not_before - lag(date_trunc('second', finished_at)) OVER (ORDER BY run_id), '0'), error}
	),
	[ 'failed|due|1|1|00:00:00|archive-command-invalid', 'queued|retry|1|0|00:01:00|' ],
	'it is owed again in a minute');
$clock->step(61);
wait_today(2, q{state = 'failed'});
is_deeply(
	[
		@{
			today(
				q{state, failures, not_before - lag(date_trunc('second', finished_at)) OVER (ORDER BY run_id)}
			)
		}[-1]
	],
	['queued|2|00:02:00'],
	'and then in two');
$clock->step(121);
wait_today(3, q{state = 'failed'});
wait_today(0, q{state = 'queued'});
like(log_of($member), qr/$message.*; it was tried often enough/, 'until it was tried often enough');
is($member->psql('SELECT failures_in_a_row FROM pgbr_status'), 3, 'each is counted');
like($member->psql(q{SELECT last_state, last_error FROM pgbr_schedule WHERE type = 'incr'}),
	qr/^failed\|.*$message/, 'and the last is shown');

at('02:00');
wait_today(4, q{state = 'failed'});
set($member, '.archive_command' => undef);
$clock->step(61);
wait_today(1, q{state = 'succeeded'});
is(count_backups(), $before + 1, 'mended in time, the next attempt succeeds');
is_deeply([ @{ today('state, reason, failures, due_count') }[-1] ],
	['succeeded|retry|1|0'], 'as a retry');
is($member->psql(q{SELECT last_state, last_error FROM pgbr_schedule WHERE type = 'incr'}),
	'succeeded|', 'and the error is gone');
is($member->psql('SELECT failures_in_a_row FROM pgbr_status'), 0, 'in pgbr_status, too');
is($member->psql("SELECT sum(due_count) FROM pgbr_run WHERE due::date = '$day'"),
	2, 'each due time counts once');

$sidecar->stop;
at('03:00');
wait_today(1, q{state = 'failed' AND due > '} . "$day 02:30'");
like(
	$member->psql(q{SELECT last_error FROM pgbr_schedule WHERE type = 'incr'}),
	qr/^could not reach the sidecar: /,
	'no sidecar: that is a failure, too');
is($member->psql('SELECT failures_in_a_row FROM pgbr_status'), 1, 'and is counted without one');
$sidecar->start;
$clock->step(61);
wait_today(2, q{state = 'succeeded'});
is(count_backups(), $before + 2, 'and tried again');

hold_backups($member);
at('04:00');
$job = wait_job();
$member->psql("SELECT pgbr_cancel('$job')");
wait_today(1, q{state = 'cancelled'});
release_backups($member);
is_deeply([ @{ today('state, reason') }[-1] ],
	['cancelled|due'], 'a run that is cancelled is not tried again');
is(count_backups(), $before + 2, 'and makes no backup');

hold_backups($member);
at('05:00');
wait_job();
$sidecar->kill;
$sidecar->start;
wait_today(1, q{state = 'failed' AND due > '} . "$day 04:30'");
is_deeply(
	[ @{ today('state, reason, failures') }[ -2, -1 ] ],
	[ 'failed|due|1', 'queued|retry|1' ],
	'a sidecar that dies of a backup does not get it again at once');
release_backups($member);
$clock->step(61);
wait_today(3, q{state = 'succeeded'});
is(count_backups(), $before + 3, 'but in a minute');

# --- a sidecar that is slow, and a clock that leaps meanwhile
pretend_backups($member);
part(incr => '0 0,12 * * *');
$before = count_backups();
kill STOP => $sidecar->pid;
at('12:00');
wait_today(1, q{state = 'running'});
# longer than one request may take
wait_for
{
	$member->psql(
		q{SELECT clock_timestamp() > started_at + interval '5 s' FROM pgbr_run WHERE state = 'running'}
	) eq 't'
}
'two time-outs';
kill CONT => $sidecar->pid;
wait_today(1, q{state = 'succeeded'});
is(count_backups(), $before + 1, 'a sidecar that is slow to answer gets the run once');
is( scalar(
		grep { ($_->{reason} // '') =~ /^scheduled run/ && $_->{state} eq 'succeeded' }
		  @{ $sidecar->http(GET => '/v1/jobs?limit=1')->{json}{jobs} }),
	1,
	'as one job');

part(incr => '0 12 * * *');
hold_backups($member);
at('12:00');
wait_job();
kill STOP => $sidecar->pid;
$clock->step(3 * 3600);
wait_for
{
	$member->psql(
		q{SELECT clock_timestamp() > started_at + interval '3 h 4 s' FROM pgbr_run WHERE state = 'running'}
	) eq 't'
}
'a time-out';
kill CONT => $sidecar->pid;
$clock->step(-3 * 3600);
release_backups($member);
wait_today(1, q{state = 'succeeded'});
is_deeply(today('state, reason, failures'),
	['succeeded|due|0'], 'a clock that leaps in mid run does not lose it');

# --- new schedules in mid run
part(full => '0 1 * * *');
hold_backups($member);
at('01:00');
wait_job();
$clock->set("$day 06:30:00+00");
$member->psql(q{ALTER SYSTEM SET pgbackrest_ctl.incr_schedule = '0 * * * *'});
$member->psql('SELECT pg_reload_conf()');
wait_for { $member->psql(q{SELECT count(*) FROM pgbr_schedule_since WHERE type = 'incr'}) }
'the new schedule';
at('07:00');
wait_today(1, q{type = 'incr' AND state = 'queued'});
release_backups($member);
wait_today(2, q{state = 'succeeded'});
is_deeply(
	today('type, due::time(0), state'),
	[ 'full|01:00:00|succeeded', 'incr|07:00:00|succeeded' ],
	'a schedule that is new in mid run misses nothing from before');

# --- switched off
part(incr => '0 * * * *');
$before = count_backups();
set($member, schedule_enabled => 'off');
like(
	wait_activity($member, qr/no backup/),
	qr/^scheduler idle: no backup is scheduled$/,
	'schedule_enabled off: nothing is waited for');
is($member->psql(q{SELECT active, next_run FROM pgbr_schedule WHERE type = 'incr'}),
	'f|', 'and nothing is shown as next');
at('03:30');
set($member, schedule_enabled => 'on');
wait_idle($member);
is_deeply(
	today('due_count, state, reason'),
	['3|missed|pgbackrest_ctl.schedule_enabled was off'],
	'what came due is missed, with the reason');
at('04:00');
wait_today(1, q{state = 'succeeded'});
is(count_backups(), $before + 1, 'on again: it goes on');

# --- a clock that was days ahead
part(incr => '0 * * * *');
$before = count_backups();
at('01:00');
wait_today(1, q{state = 'succeeded'});
$clock->step(3 * 86400 + 1800);
wait_runs($member, 1, q{state = 'succeeded' AND reason = 'catch-up'});
wait_idle($member);
$clock->set("$day 01:30:00+00");
like(wait_activity($member, qr/waiting until \Q$day\E 02:00/),
	qr/idle/, 'a clock that was days ahead and is right again: the next run is not put off');
$member->stop;
$member->start;
wait_idle($member);
at('02:00');
wait_today(2, q{state = 'succeeded'});
is(count_backups(), $before + 3, 'nor lost by a restart');
is( $member->psql(q{SELECT last_due FROM pgbr_schedule WHERE type = 'incr'}),
	"$day 02:00:00+00",
	'and pgbr_schedule shows it');
$member->psql(q{DELETE FROM pgbr_run WHERE due > clock_timestamp()});

# --- a server that lets nobody write
part(incr => '0 1 * * *');
set($member, '.default_transaction_read_only' => 'on', '.synchronous_standby_names' => '*');
at('01:00');
wait_today(1, q{state = 'succeeded'});
pass('read-only by default and without its synchronous standby, it has its backups all the same');
my $began = time;
$member->stop;
cmp_ok(time - $began, '<', 3, 'and stops at once');
$member->start;
set($member, '.default_transaction_read_only' => undef, '.synchronous_standby_names' => undef);

# --- crashes and stops in mid run
make_backups($member);
part(incr => '0 1 * * *');
$before = count_backups();
hold_backups($member);
at('01:00');
$job = wait_job();
my $pid = scheduler($member);
kill KILL => $pid;
wait_for { (scheduler($member) // $pid) != $pid } 'the server to come back';
wait_activity($member, qr/scheduler active: incr backup, run \d+/);
is($sidecar->job($job)->{state}, 'running', 'kill -9 of the scheduler: its job goes on');
release_backups($member);
wait_today(1, q{state = 'succeeded'});
is_deeply(today('job_id, state, failures'), ["$job|succeeded|0"],
	'and is followed by the next one');
is(count_backups(), $before + 1, 'to one backup');

part(incr => '0 1 * * *');
hold_backups($member);
at('01:00');
$job = wait_job();
$began = time;
$member->stop;
cmp_ok(time - $began, '<', 3, 'a stop of the server in mid run is immediate');
$member->start;
wait_activity($member, qr/scheduler active: incr backup, run \d+/);
release_backups($member);
wait_today(1, q{state = 'succeeded'});
is_deeply(today('job_id, state, failures'),
	["$job|succeeded|0"], 'the job is followed after the start');
is(count_backups(), $before + 2, 'to one backup');

# the job is not there any more: as good as a failover
part(incr => '0 1 * * *');
hold_backups($member);
at('01:00');
$job = wait_job();
$member->stop;
$sidecar->stop;
system('rm', '-r', $sidecar->state_dir) == 0 or die "could not remove the sidecar's state\n";
mkdir $sidecar->state_dir, 0700;
release_backups($member);
$sidecar->start;
$member->start;
wait_today(1, q{state = 'succeeded'});
is_deeply(
	today('state, reason, failures, due_count, message'),
	[
		'interrupted|due|0|1|its server went down or was replaced while it ran',
		'succeeded|interrupted|0|0|'
	],
	'a run whose job is gone is closed as interrupted, and made again');
is(count_backups(), $before + 3, 'once');

# --- due while the server was down
part(diff => '0 2 * * *', incr => '0 * * * *');
set($member, catch_up_window => '4h');
$before = count_backups();
$member->stop;
$clock->set("$day 05:30:00+00");
$member->start;
wait_today(1, q{state = 'succeeded'});
is_deeply(
	[ sort @{ today('type, first_due::time(0), due::time(0), due_count, state, reason') } ],
	[
		'diff|02:00:00|02:00:00|1|succeeded|catch-up',
		'incr|01:00:00|01:00:00|1|missed|older than pgbackrest_ctl.catch_up_window',
		'incr|02:00:00|04:00:00|3|covered|',
		'incr|05:00:00|05:00:00|1|covered|catch-up'
	],
	'after a time without a server the strongest is caught up, and what is too old is missed');
is(count_backups(), $before + 1, 'by one backup');

# --- what is old goes
part(incr => '0 3 * * *');
my $kept = $member->psql(<<'END');
WITH old AS (
	INSERT INTO pgbr_run (type, first_due, due, due_count, state, finished_at)
	SELECT 'incr', t, t, 1, 'succeeded', t FROM (SELECT now() - interval '100 days' AS t) AS old
	RETURNING run_id)
INSERT INTO pgbr_run (type, first_due, due, due_count, state, finished_at, covered_by)
SELECT 'incr', now(), now(), 1, 'interrupted', now(), run_id FROM old RETURNING run_id
END
# to a clock that is years ahead all would be as old as these
$member->psql(<<'END');
INSERT INTO pgbr_run (type, first_due, due, due_count, state, finished_at)
SELECT 'incr', t, t, 1, 'missed', t FROM generate_series(1, 1100) AS n, LATERAL (SELECT '2016-01-01 00:00+00'::timestamptz + n * interval '1 minute' AS t) AS m
END
at('03:00');
wait_today(1, q{state = 'succeeded'});
wait_idle($member);
my $old = $member->psql(q{SELECT count(*) FROM pgbr_run WHERE due < now() - interval '90 days'});
ok( $old >= 990 && $old <= 1000,
	"what is older than history_retention is gone, but for the newest 1,000 runs: $old of 1101 stay"
);
is($member->psql("SELECT state, covered_by FROM pgbr_run WHERE run_id = $kept"),
	'interrupted|', 'and nothing names it');

done_testing;
