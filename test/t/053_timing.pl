# How soon a run starts after its due time, and that the scheduler sleeps until then: on the leader
# and on a standby. The clusters for the two share nothing but the machine, so they are watched
# together.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(slurp wait_for);
use PgbrScheduleTest;
use Test::More;
use Time::HiRes qw(time);

# --- asleep
# by the real clock: nothing is due this year but its first minute
my $asleep = PgbrCluster->new(
	members => 2,
	sidecars => 0,
	parameters => {
		'pgbackrest_ctl.timezone' => 'UTC',
		'pgbackrest_ctl.full_schedule' => '0 0 1 1 *',
		'pgbackrest_ctl.incr_schedule' => '0 0 1 1 *',
	})->start;
my $leader = $asleep->wait_leader;
my ($standby) = $asleep->replicas;
$leader->psql('CREATE EXTENSION pgbackrest_ctl');
wait_idle($leader);
wait_activity($standby, qr/scheduler idle: waiting for promotion/);

# how often a process has gone to sleep, by what the kernel counts
sub naps
{
	my ($pid) = @_;
	my ($naps) = slurp("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m
	  or die "no count of $pid\n";
	return $naps;
}
my %pid = (leader => scheduler($leader), standby => scheduler($standby));
my %before = map { $_ => naps($pid{$_}) } keys %pid;
my $end = time + 60;

# --- awake
# a clock that is set to shortly before each due time; each run is asked for and over at once
my $cluster = PgbrCluster->new(
	clock => 1,
	parameters => {
		'pgbackrest_ctl.timezone' => 'UTC',
		'pgbackrest_ctl.incr_schedule' => '*/10 * * * *',
	});
my $member = $cluster->member(1);
tame_pgbackrest($member);
pretend_backups($member);
$cluster->start;
my $clock = $cluster->clock;
$member->psql('CREATE EXTENSION pgbackrest_ctl');
wait_idle($member);

my $due = 600 * (1 + int($clock->now / 600));
my $count = 200;
for (1 .. $count)
{
	$clock->set($due - 0.1);
	wait_runs($member, $_, q{state = 'succeeded'});
	$due += 600;
}
my @late = sort { $a <=> $b }
  runs($member, 'extract(epoch FROM started_at - due) * 1000', where => q{state = 'succeeded'});
is(@late, $count, 'each due time had its run');
cmp_ok($late[0], '>=', 0, 'none before its time');
my $p99 = $late[ int(0.99 * $count) - 1 ];
cmp_ok(
	$p99, '<=', 100, sprintf 'p99 of %d: %.1f ms after the due time (median %.1f, at most %.1f)',
	$count, $p99, $late[ $count / 2 ],
	$late[-1]);

wait_for { time > $end } 'a minute to pass', 70;
is(naps($pid{$_}), $before{$_},
	"on the $_ the scheduler does not wake in a minute in which nothing is due")
  for sort keys %pid;

done_testing;
