# Measures what docs/bench.md says, on a cluster of one member with its sidecar and a repository on
# disk; test/bench/run calls it. What is compared is measured in turns, so that a machine that is
# busy with other things is so for both sides. Gives a JSON object with the rows on stdout, and what
# it is at on stderr.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use BenchRows  qw(at at_most row rows);
use BenchTools qw(children_seconds cpu_seconds exchange keep_psql median now psql_ms
  resident_kb run_command threads time_ms wrk);
use JSON::PP;
use ManyBackups qw(make_backups);
use PgbrCluster;
use PgbrSandbox qw(slurp wait_for);
use PgbrSidecar;
use POSIX       ();
use Time::HiRes qw(sleep);

my $info_interval = 120;    # the sidecar's default, in seconds
my $idle_seconds = 60;
my $connections = 16;
my ($cluster, $member, $sidecar, @cli);

# A time against that of the command line.
sub at_most_part
{
	my ($claim, $ms, $cli_ms, $parts) = @_;
	my $measured = sprintf '%.2f ms against %.1f ms: 1/%.3g', $ms, $cli_ms, $cli_ms / $ms;
	row($claim, $measured, "≤ 1/$parts", $ms * $parts <= $cli_ms);
	return;
}

# Have the repository hold this many backups, and the sidecar know it.
sub have_backups
{
	my ($count) = @_;
	make_backups("$cluster->{sandbox}{root}/repo/backup/$cluster->{stanza}", $count);
	my $info = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
	my $known = @{ $info->{stanzas}[0]{backup} };
	die "the sidecar knows $known backups of $count\n" unless $known == $count && !$info->{error};
	return;
}

sub measure_latency
{
	my ($count, $rounds, $http_parts, $sql_parts) = @_;
	at("latency at $count backups");
	my $connection = $sidecar->connect;
	my $psql = keep_psql($member->psql_command);
	my $sql = 'SELECT * FROM pgbr_info()';
	psql_ms($psql, $sql);
	my (@cli_ms, @http_ms, @sql_ms);
	for (1 .. $rounds)
	{
		push @cli_ms, time_ms(sub { run_command(@cli) });
		push @http_ms, map {
			time_ms(sub { exchange($connection, GET => '/v1/info') })
		} 1 .. 10;
		push @sql_ms, map { psql_ms($psql, $sql) } 1 .. 3;
	}
	close $psql->{in};
	waitpid $psql->{pid}, 0;
	my $cli_ms = median(@cli_ms);
	at_most_part("`GET /v1/info` at $count backups, p50", median(@http_ms), $cli_ms, $http_parts);
	at_most_part("`SELECT * FROM pgbr_info()` at $count backups, p50",
		median(@sql_ms), $cli_ms, $sql_parts);
	return;
}

# How often in a second the command line can be run by as many at once as there are connections:
# what a server that forks it for each request could answer at best.
sub forking_rate
{
	my ($seconds) = @_;
	my $start = now();
	my @counters = map { _fork_until($start + $seconds) } 1 .. $connections;
	my $runs = 0;
	$runs += readline($_) // die "pgbackrest failed\n" for @counters;
	return $runs / (now() - $start);
}

# One loop of it, in a process of its own: gives the pipe on which it says how often it went round.
sub _fork_until
{
	my ($end) = @_;
	my $pid = open(my $counter, '-|') // die "fork: $!\n";
	return $counter if $pid;
	my $runs = 0;
	for (; now() < $end; $runs++)
	{
		run_command(@cli);
	}
	syswrite STDOUT, $runs;
	POSIX::_exit(0);
}

sub measure_rate
{
	my ($count) = @_;
	at("requests at $count backups");
	my (@forking, @serving);
	for (1 .. 2)
	{
		push @forking, forking_rate(4);
		push @serving, (wrk($sidecar->tcp_url . '/v1/info', 4))[1];
	}
	my ($forking, $serving) = (median(@forking), median(@serving));
	my $measured = sprintf '%.0f/s against %.1f/s: %.0f times', $serving, $forking,
	  $serving / $forking;
	row("`GET /v1/info` at $count backups, requests at $connections connections",
		$measured, '≥ 50 times', $serving >= 50 * $forking);
	return;
}

# From the start of the process, that of its own fork included, to the end of its first answer.
sub measure_start
{
	at('starts');
	my @ms;
	for (1 .. 20)
	{
		$sidecar->stop;
		push @ms, time_ms(sub {
			my $connection;
			$sidecar->launch;
			sleep 0.0002 until $connection = $sidecar->connect;
			exchange($connection, GET => '/livez');
		});
	}
	at_most('first answer after start, median of 20', median(@ms), 20, 'ms', 1);
	return;
}

# How long the disk of the sidecar's state takes to have a page added to a file for good.
sub sync_ms
{
	my ($file) = @_;
	return time_ms(sub {
		syswrite $file, 'x' x 4096;
		$file->sync or die "fsync: $!\n";
	});
}

# From the request to the moment when the program given as --pgbackrest runs. That one notes the
# time and becomes pgbackrest.
sub measure_exec
{
	at('from POST to exec');
	my $stamps = $ENV{EXEC_STAMP} = "$cluster->{sandbox}{root}/stamps";
	$sidecar->restart("--pgbackrest=$ENV{PGBR_BUILD}/exec_stamp")->wait_ready;
	open my $page, '>', $sidecar->state_dir . '/page' or die "$!\n";
	my (@ms, @sync_ms);
	for (1 .. 30)
	{
		push @sync_ms, sync_ms($page);
		my $connection = $sidecar->connect;
		my $sent = now();
		my ($status, $job) =
		  exchange($connection, POST => '/v1/jobs', '{"kind":"expire","dry_run":true}');
		die "POST /v1/jobs: $status $job\n" unless $status == 202;
		my $ended = $sidecar->wait_job(decode_json($job)->{id});
		die "job: $ended->{state} $ended->{message}\n" unless $ended->{state} eq 'succeeded';
		my ($nanoseconds) = reverse slurp($stamps) =~ /^(\d+) .*\bexpire\b/mg or die "no stamp\n";
		push @ms, ($nanoseconds / 1e9 - $sent) * 1000;
	}
	my ($ms, $sync_ms) = (median(@ms), median(@sync_ms));
	row('from `POST /v1/jobs` to the exec of pgbackrest, median of 30',
		sprintf('%.2f ms, with %.2f ms a sync', $ms, $sync_ms),
		'≤ 2 syncs + 3 ms',
		$ms <= 2 * $sync_ms + 3);
	unlink $sidecar->state_dir . '/page';
	$sidecar->restart->wait_ready;
	return;
}

# CPU time while nothing is asked: what the sidecar takes between two refreshes, and with a second
# one that refreshes every second, what a refresh takes, pgbackrest included, as its part of the
# interval.
sub measure_idle
{
	my $busy = PgbrSidecar->new($member, name => 'busy', options => ['--info-interval=1']);
	$sidecar->restart->wait_ready;
	$busy->start->wait_ready;
	at("idle for $idle_seconds s");
	my @pids = ($sidecar->pid, $busy->pid);
	my $used = sub {
		return map { (cpu_seconds($_), children_seconds($_)) } @pids;
	};
	my ($start, @before) = (now(), $used->());
	sleep $idle_seconds;
	my ($seconds, @after) = (now() - $start, $used->());
	my ($own, $children, $busy_own, $busy_children) = map { $after[$_] - $before[$_] } 0 .. 3;
	die "the sidecar refreshed while it was to be idle\n" if $children;
	die "the other sidecar did not refresh\n" unless $busy_children;
	my $refresh_ms = ($busy_own + $busy_children) / $seconds * 1000;
	at( sprintf '%.3f ms a second between refreshes; %.1f ms a refresh, of it %.1f pgbackrest',
		$own / $seconds * 1000,
		$refresh_ms, $busy_children / $seconds * 1000);
	at_most(
		'idle CPU a second, with pgbackrest',
		$own / $seconds * 1000 + $refresh_ms / $info_interval,
		0.2, 'ms', 3);
	at_most('resident memory, idle', resident_kb($sidecar->pid) / 1024, 8, 'MB', 1);
	$busy->stop;
	return;
}

sub measure_growth
{
	my $idle_threads = threads($sidecar->pid);
	my $wanted = 100_000;
	my ($requests, $before) = (0);
	my $resident = sub {
		$sidecar->http(GET => '/v1/info?refresh=true');
		return resident_kb($sidecar->pid);
	};
	at("$wanted requests");
	while ($requests < $wanted)
	{
		my ($answered) = wrk($sidecar->tcp_url . '/v1/info', 4);
		# a connection has a thread
		wait_for { $idle_threads == threads($sidecar->pid) } 'the connections to be closed';
		# the first round is for the heap that so many connections at once take
		$requests += $answered if defined $before;
		$before //= $resident->();
	}
	at_most(
		"resident memory, growth over $requests requests",
		$resident->() - $before,
		256, 'kB', 0);
	return;
}

$cluster = PgbrCluster->new->start;
$member = $cluster->member(1);
$sidecar = $member->sidecar;
@cli = (
	'pgbackrest', "--config=$member->{config}",
	"--stanza=$cluster->{stanza}", 'info',
	'--output=json');
$cluster->psql('CREATE EXTENSION pgbackrest_ctl');

have_backups(12);
measure_idle();
measure_growth();
measure_latency(12, 40, 20, 4);
measure_rate(12);
measure_start();
measure_exec();
have_backups(2000);
measure_latency(2000, 10, 50, 6);
measure_rate(2000);
$sidecar->restart->wait_ready;
at_most('resident memory at 2000 backups, idle', resident_kb($sidecar->pid) / 1024, 8, 'MB', 1);
print JSON::PP->new->encode({ rows => rows() });
