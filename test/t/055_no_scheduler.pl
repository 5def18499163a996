# A schedule that nobody runs: pgbr_schedule, pgbr_status and the metrics say so, why, and what to
# do.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(wait_for);
use PgbrScheduleTest;
use Test::More;

my $cluster = PgbrCluster->new(
	preload => 0,
	parameters => {
		'pgbackrest_ctl.full_schedule' => '0 0 1 1 *',
		'pgbackrest_ctl.incr_schedule' => '0 3 * * *',
	})->start;
my $member = $cluster->member(1);
$member->psql('CREATE EXTENSION pgbackrest_ctl');

# Start the server anew with other settings; undef takes one back.
sub restart_with
{
	my (%parameters) = @_;
	$cluster->{preload} = 1;
	my $all = $cluster->{parameters} = { %{ $cluster->{parameters} }, %parameters };
	delete @$all{ grep { !defined $all->{$_} } keys %$all };
	$member->_write_server_conf;
	$member->stop;
	return $member->start;
}

sub schedule_error { return $member->psql('SELECT schedule_error FROM pgbr_status', @_) }

# Nothing is active, and everything that shows a schedule says why.
sub is_idle
{
	my ($name, $reason, @in) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $expected = "no scheduler is running: $reason";
	wait_for { schedule_error(@in) eq $expected or die schedule_error(@in) . "\n" }
	"pgbr_status to say: $expected";
	is( $member->psql(
			'SELECT type, active, next_run, last_error FROM pgbr_schedule WHERE schedule IS NOT NULL ORDER BY type',
			@in),
		"full|f||$expected\nincr|f||$expected",
		$name);
	return is($member->psql('SELECT next_full, next_diff, next_incr FROM pgbr_status', @in),
		'||', 'pgbr_status has nothing that comes next');
}

sub is_active
{
	my ($name, @in) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	wait_idle($member);
	is(schedule_error(@in), '', $name);
	return is(
		$member->psql(
			q{SELECT string_agg(type, ' ' ORDER BY type) FROM pgbr_schedule WHERE active AND next_run > now() AND last_error IS NULL},
			@in),
		'full incr',
		'and the schedules are active');
}

sub metric
{
	my ($value) = @_;
	my $sidecar = $member->sidecar;
	wait_for
	{
		$sidecar->http(GET => '/metrics')->{content} =~
		  /^pgbackrest_ctl_schedule_active\{[^}]*type="incr"[^}]*\} $value$/m
	}
	"schedule_active to be $value";
	return pass("so does the metric: $value");
}

is_idle('not preloaded',
	'pgbackrest_ctl is not in shared_preload_libraries. Add it there, and restart PostgreSQL.');
metric(0);

restart_with();
is_active('preloaded');
metric(1);
set($member, schedule_enabled => 'off');
is_idle('switched off', 'pgbackrest_ctl.schedule_enabled is off.');
set($member, schedule_enabled => undef);
is_active('switched on');

restart_with(max_worker_processes => 0);
is_idle('no worker at all',
	'its background worker was not started. Raise max_worker_processes, and restart PostgreSQL.');
# PostgreSQL's own launcher of subscriptions takes one
restart_with(max_worker_processes => 2);
is_idle(
	'one too few',
	'no slot for a background worker is free. Raise max_worker_processes, and restart PostgreSQL.');

restart_with(max_worker_processes => undef, 'pgbackrest_ctl.database' => 'other');
is_idle(
	'a database that is not there',
	'database "other" does not exist. Create it, or set pgbackrest_ctl.database and restart PostgreSQL.'
);
my @other = (dbname => 'other');
$member->psql('CREATE DATABASE other');
kill USR1 =>
  $member->psql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgbackrest_ctl launcher'});
wait_activity($member, qr/waiting for CREATE EXTENSION/);
is_idle(
	'another database',
	'the extension is not in database "other". Run CREATE EXTENSION pgbackrest_ctl there, or set pgbackrest_ctl.database and restart PostgreSQL.'
);
is( $member->psql(
		'CREATE EXTENSION pgbackrest_ctl; SELECT count(*) FROM pgbr_schedule WHERE active', @other),
	2,
	'active as soon as the extension is there');
is_active('where its history is', @other);
is( $member->psql('SELECT type, active, last_error FROM pgbr_schedule WHERE type = \'incr\''),
	'incr|t|the schedules are run, and their history is kept, in database "other"',
	'elsewhere it is said where to look');

$member->psql('DROP EXTENSION pgbackrest_ctl', @other);
is_idle(
	'the extension was dropped there',
	'the extension is not in database "other". Run CREATE EXTENSION pgbackrest_ctl there, or set pgbackrest_ctl.database and restart PostgreSQL.'
);
$member->psql('CREATE SCHEMA "of its own"; CREATE EXTENSION pgbackrest_ctl SCHEMA "of its own"',
	@other);
wait_idle($member);
is($member->psql('SELECT count(*) FROM pgbr_schedule WHERE active'),
	2, 'it has come again, in another schema');

# the scheduler ends, and its database with it
$member->psql('DROP DATABASE other WITH (FORCE)');
is_idle('the scheduler has ended',
	q{it has ended. It is started again after 10 s; the server's log says why it has ended.});
wait_activity($member, qr/^scheduler idle: waiting for the database to be created/);
is_idle(
	'its database was dropped',
	'database "other" does not exist. Create it, or set pgbackrest_ctl.database and restart PostgreSQL.'
);
my $waiting = scheduler($member);
after_look($member, sub { kill USR1 => $waiting }) for 1 .. 3;
is(log_count($member, qr/FATAL:  database "other" does not exist/), 0, 'it does not try in vain');
is(log_count($member, qr/LOG:  pgbackrest_ctl: database "other" does not exist/),
	2, 'that is said once again');
$member->psql('CREATE DATABASE other');
kill USR1 => $waiting;
wait_activity($member, qr/waiting for CREATE EXTENSION/);
$member->psql('CREATE EXTENSION pgbackrest_ctl', @other);
is_active('a database that has come again', @other);

done_testing;
