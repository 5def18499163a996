# Failovers while a scheduled backup runs, on a Patroni cluster of three: the leader's server dies
# of kill -9, and then a whole member with its sidecar and pgbackrest. The new leader's scheduler
# closes the run as interrupted and makes one backup; nothing is made twice, whoever comes back.
#
# The backups are real; those that are to be hit wait for their last WAL, which is held back.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(wait_for);
use PgbrScheduleTest;
use PgbrSidecarTest;
use Test::More;

my $cluster = PgbrCluster->new(
	members => 3,
	clock => 1,
	# a backup that hangs finds out that its server is gone when this is over
	pgbackrest => { 'repo1-bundle' => 'y', 'archive-timeout' => 20 },
	parameters => {
		timezone => 'UTC',
		'pgbackrest_ctl.timezone' => 'UTC',
		'pgbackrest_ctl.incr_schedule' => '0 * * * *',
		# a clock that leaps is no connection that is lost
		wal_sender_timeout => 0,
		wal_receiver_timeout => 0,
	})->start;
my $clock = $cluster->clock;
my $leader = $cluster->wait_leader;
$clock->set('2027-02-01 00:30:00+00');
$leader->psql('CREATE EXTENSION pgbackrest_ctl');
wait_idle($leader);
for my $standby ($cluster->replicas)
{
	is( activity($standby),
		'scheduler idle: waiting for promotion',
		'a scheduler on a standby waits for promotion');
	wait_for
	{
		$standby->psql(q{SELECT count(*) FROM pg_extension WHERE extname = 'pgbackrest_ctl'})
	}
	'the extension to come there';
	is( $standby->psql(
			q{SELECT active, next_run, last_error FROM pgbr_schedule WHERE type = 'incr'}),
		q{f||no scheduler is running: this is a standby. The leader's runs the schedules.},
		'and says that the leader runs the schedules');
}

# Let the run of an hour begin, and wait until its backup hangs on WAL; gives its job.
sub begin_run
{
	my ($hour) = @_;
	hold_wal($leader);
	$clock->set("2027-02-01 0$hour:00:00+00");
	$clock->step(-0.1);
	wait_runs($leader, 1,
		"due = '2027-02-01 0$hour:00' AND state = 'running' AND job_id IS NOT NULL");
	my $job = $leader->psql(q{SELECT job_id FROM pgbr_run WHERE state = 'running'});
	wait_for { ($leader->sidecar->job($job)->{progress}{phase} // '') eq 'waiting for WAL' }
	'the backup to hang';
	return $job;
}

# What must be true after the failover that hit the run of an hour; it was on this timeline.
sub check_failover
{
	my ($name, $hour, $timeline) = @_;
	my $where = "due = '2027-02-01 0$hour:00'";
	wait_runs($leader, 1, "$where AND state = 'succeeded'", limit => 120);
	is_deeply(
		[ runs($leader, 'state, reason, timeline, due_count, failures, message', where => $where) ],
		[
			"interrupted|due|$timeline|1|0|its server went down or was replaced while it ran",
			'succeeded|interrupted|' . ($timeline + 1) . '|0|0|'
		],
		"$name: the run is closed as interrupted, and made again by the new leader");
	like(
		log_of($leader),
		qr/pgbackrest_ctl: scheduled incr backup was interrupted; it is tried again/,
		"$name: its log says so");
	my $promoted = (stat sprintf '%s/pg_wal/%08X.history', $leader->data, $timeline + 1)[9];
	my $finished = $leader->psql(
		"SELECT extract(epoch FROM finished_at) FROM pgbr_run WHERE $where AND state = 'succeeded'"
	);
	my $seconds = $finished - ($clock->now - time) - $promoted;
	cmp_ok($seconds, '<', 120, sprintf '%s: inside two minutes of promotion (%.0f s)',
		$name, $seconds);
	is($leader->psql('SELECT last_state FROM pgbr_schedule WHERE active'),
		'succeeded', "$name: pgbr_schedule shows it as done");
	return;
}

# Each due time that has come has one backup, made by the job that its run names.
sub is_once
{
	my ($name) = @_;
	my $backups = backups_of($leader);
	my @jobs = split /\n/,
	  $leader->psql(q{SELECT job_id FROM pgbr_run WHERE state = 'succeeded' ORDER BY job_id});
	is($leader->psql('SELECT count(*) FROM pgbr_run WHERE due_count > 0'),
		scalar @jobs, "$name: as many due times as runs that succeeded");
	is_deeply(
		{ map { $_ => scalar @{ $backups->{$_} } } keys %$backups },
		{ map { $_ => 1 } @jobs },
		"$name: and one backup of each, no other");
	is($leader->psql(q{SELECT count(*) FROM pgbr_run WHERE state IN ('queued', 'running')}),
		0, "$name: nothing is left to do");
	return;
}

# one that goes well, so that there is something to build on
$clock->set('2027-02-01 00:59:59.9+00');
wait_runs($leader, 1, q{state = 'succeeded'});
is_once('without a failover');

# --- the server dies, its sidecar lives
{
	my $job = begin_run(2);
	my $old = $leader;
	# Patroni would just start it again
	$old->{sandbox}->end(delete $old->{patroni_pid}, 'KILL');
	my $scheduler = scheduler($old);
	$old->kill_postmaster;
	wait_for { !$old->{sandbox}->alive($scheduler) } 'its scheduler to end', 4;
	pass('the scheduler ends with its server, though the sidecar is there');
	$leader = $cluster->wait_leader(other_than => $old);
	check_failover('kill -9 of the server', 2, 1);
	release_wal($old);
	isnt($old->sidecar->wait_job($job)->{state},
		'succeeded', 'the backup of the dead server has failed');
	$old->start;
	$cluster->wait_streaming;
	$leader = $cluster->wait_leader;
	wait_activity($old, qr/^scheduler idle: waiting for promotion$/);
	pass('it comes back and waits for promotion');
	is_once('kill -9 of the server');
}

# --- a whole member dies
{
	my $job = begin_run(3);
	my $old = $leader;
	$old->kill;
	$leader = $cluster->wait_leader(other_than => $old);
	check_failover('kill -9 of a member', 3, 2);
	release_wal($old);
	$old->start;
	$old->sidecar->start;
	is($old->sidecar->wait_job($job)->{state},
		'interrupted', 'its sidecar comes back and finds the job interrupted');
	$cluster->wait_streaming;
	$leader = $cluster->wait_leader;
	is_once('kill -9 of a member');
}

$clock->set('2027-02-01 03:59:59.9+00');
wait_runs($leader, 1, q{due = '2027-02-01 04:00' AND state = 'succeeded'});
is_once('afterwards');

done_testing;
