# Starting and stopping, at any moment: whatever the sidecar is about, SIGTERM ends it soon and
# cleanly, and nothing that it has started outlives it.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $cluster = PgbrCluster->new(preload => 0);
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $dir = $member->{dir};

# stands in for pgbackrest and psql: hangs when it is told to
my $hang = program($member, 'hang', <<'END');
for word in "$@"
do
	test ! -e "${0%/*}/hang-$word" || while true; do sleep 0.1; done
done
case "${@: -1}" in
(info) echo '[{"name":"main","db":[],"repo":[{"key":1,"status":{"code":1,"message":"missing stanza path"}}],"status":{"code":1,"message":"x"}}]' ;;
(SELECT*) echo '{"is_standby":false,"timeline":1,"lsn":"0/1","system_identifier":"1","data_directory":"/","postgres_version":"15","archive_mode":"on"}' ;;
esac
END
my @fake = ("--pgbackrest=$hang", "--psql=$hang");

# what it has started and is still there
sub left
{
	return grep { slurp("/proc/$_/cmdline") =~ /\Q$hang\E/ } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

# Stop it, by another signal than SIGTERM if need be; it must be soon, clean and without a trace.
sub stops
{
	my ($name, $signal) = @_;
	my $start = time;
	my $status = $cluster->sandbox->end(delete $sidecar->{pid}, $signal // 'TERM', 30);
	my $took = time - $start;
	my @left = left();
	ok($status == 0 && $took < 5 && !@left, "$name: a clean end")
	  or diag "status $status after $took s, left: @left";
	return;
}

# --- at any moment after its start
{
	my @bad;
	for my $turn (1 .. 40)
	{
		$sidecar->launch(@fake);
		sleep $turn * 0.003;
		my $status = $cluster->sandbox->end(delete $sidecar->{pid}, 'TERM', 30);
		# before it has looked at its options it ends by the signal itself
		push @bad, "turn $turn: status $status" unless $status == 0 || $status == 15;
	}
	is_deeply(\@bad, [], 'stopped at 40 moments after the start: always a clean end');
	is_deeply([ left() ], [], 'and nothing is left');
	@bad = ();
	for my $turn (1 .. 20)
	{
		$sidecar->launch(@fake);
		sleep $turn * 0.005;
		$sidecar->kill;
	}
	$sidecar->start(@fake);
	is($sidecar->http(GET => '/v1/jobs')->{status},
		200, 'killed at 20 moments after the start: it starts again');
	stops('afterwards');
}

# --- while something hangs
my %hangs = (
	'pgbackrest info' => 'info',
	'psql' => '-XAtqw',
	'the stanza-create it has asked for' => 'stanza-create');
for my $name (sort keys %hangs)
{
	my $flag = spew("$dir/hang-$hangs{$name}", '');
	$sidecar->start(@fake);
	wait_for { left() } "$name to hang";
	is($sidecar->http(GET => '/livez')->{status}, 200, "$name hangs: the sidecar answers");
	is($sidecar->http(GET => '/readyz')->{status}, 503, "$name hangs: it is not ready");
	stops("$name hangs");
	unlink $flag;
}

# --- while clients wait
{
	spew("$dir/hang-backup", '');
	$sidecar->start(@fake);
	my $id = $sidecar->post_job(kind => 'backup')->{id};
	$sidecar->wait_job($id, qr/running/);
	my $threads = idle_threads($sidecar);
	spew("$dir/hang-info", '');
	spew("$dir/hang--XAtqw", '');
	spew("$dir/hang-repo-ls", '');
	my @paths =
	  ("/v1/jobs/$id?wait=60", '/v1/info?refresh=true&wait=300', '/v1/node', '/livez', undef);
	my @sockets;

	for my $path ((@paths) x 5)
	{
		my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sidecar->{port})
		  or die "connect: $!\n";
		syswrite $socket,
		  defined $path ? "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n" : 'GET /livez HT';
		push @sockets, $socket;
	}
	wait_for { threads($sidecar) >= $threads + @sockets } 'all of them';
	stops('25 clients, a backup, an info and a psql');
	my @answers =
	  map { my $answer = ''; 1 while sysread $_, $answer, 65536, length $answer; $answer } @sockets;
	is(scalar(grep { m{^HTTP/1.1 200.*"state"}s } @answers),
		5, 'those who wait for a job get it as it is');
	is(scalar(grep { m{^HTTP/1.1 200.*"status":"ok"}s } @answers),
		5, 'those who were served were served');
	unlink glob "$dir/hang-*";
	$sidecar->start(@fake);
	is($sidecar->job($id)->{state}, 'interrupted', 'the job is interrupted');
	is_problem($sidecar->http(GET => '/v1/jobs/x'), 404, 'not-found', qr/x/, 'and it serves');
}

# --- while somebody looks whether it is ready
{
	$sidecar->stop;
	# one that ends late leaves time for it
	my $stubborn = program($member, 'stubborn', <<'END');
case "${@: -1}" in (info) trap '' TERM; while true; do sleep 0.05; done ;; esac
exec "${0%/*}/hang" "$@"
END
	$sidecar->start("--pgbackrest=$stubborn", "--psql=$hang");
	wait_for
	{
		grep { slurp($_) =~ /\Q$stubborn\E.*\0info\0/s } glob '/proc/[0-9]*/cmdline'
	}
	'pgbackrest info to run';
	kill TERM => $sidecar->pid;
	my ($asked, @wrong) = 0;
	while (@wrong < 5 && (my $answer = $sidecar->http(GET => '/readyz'))->{status} != 599)
	{
		last if ++$asked > 10000;
		push @wrong, "$answer->{status}: $answer->{content}"
		  if $answer->{status} != 503 || !$answer->{json};
	}
	cmp_ok($asked, '>', 20, 'asked again and again whether it is ready, while it ends');
	is_deeply(\@wrong, [], 'it says that it is not');
	stops('and it ends');
	$sidecar->start(@fake);
}

# --- other signals
{
	kill HUP => $sidecar->pid;
	kill PIPE => $sidecar->pid;
	is($sidecar->http(GET => '/livez')->{status}, 200, 'SIGHUP and SIGPIPE do not end it');
	stops('SIGINT', 'INT');

	# asked twice, while pgbackrest takes its time
	my $slow = program($member, 'slow', <<'END');
test "${@: -1}" = backup || exec "${0%/*}/hang" "$@"
trap 'while test -e "${0%/*}/slow-wait"; do sleep 0.05; done; exit 63' TERM
while true; do sleep 0.05; done 2>/dev/null
END
	my $wait = spew("$dir/slow-wait", '');
	$sidecar->start("--pgbackrest=$slow", "--psql=$hang");
	my $id = $sidecar->post_job(kind => 'backup')->{id};
	wait_for { job_processes($sidecar, $id) >= 2 } 'the backup to run';
	kill TERM => $sidecar->pid;
	my $answer = wait_for
	{
		my $got = $sidecar->http(POST => '/v1/jobs', body => { kind => 'check' });
		$got->{status} != 202 && $got
	}
	'it to stop accepting';
	is_problem($answer, 503, 'unavailable', qr/stopping/, 'while it stops no job is accepted');
	like($answer->{headers}{'retry-after'}, qr/^\d+$/, 'and it says to come again');
	is($sidecar->http(GET => '/readyz')->{status}, 503, 'it is not ready any more');
	is($sidecar->job($id)->{state}, 'running', 'the backup has not ended');
	kill TERM => $sidecar->pid;
	unlink $wait;
	stops('asked twice');
	$sidecar->start(@fake);
	my $job = $sidecar->job($id);
	is( "$job->{state} $job->{exit_code} $job->{error}",
		'interrupted 63 term',
		'the backup was let end by itself');
	stops('at last');
}

# --- a parent that ignores SIGCHLD
{
	$sidecar->set_wrapper($^X, '-e', '$SIG{CHLD} = "IGNORE"; exec @ARGV');
	$sidecar->start(@fake);
	my $job = $sidecar->wait_job($sidecar->post_job(kind => 'check')->{id});
	is("$job->{state} $job->{exit_code}", 'succeeded 0', 'SIGCHLD was ignored: a job still ends');
	stops('SIGCHLD was ignored');
	$sidecar->set_wrapper;
}

done_testing;
