# What clients can make the sidecar hold is limited: the time a request takes to arrive, connections
# in all and from one address, waits that nobody waits for. All goes on at the same time, each part
# on a sidecar of its own, and none of it needs PostgreSQL.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use List::Util qw(max min uniq);
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use PgbrTls;
use Test::More;
use Time::HiRes qw(sleep time);

# seconds after which a slow client is cut off, and what a busy machine may add
my ($LIMIT, $SLACK) = (30, 10);

my $cluster = PgbrCluster->new(preload => 0);
my $member = $cluster->member(1);
my $dir = $member->{dir};

# a backup runs while this file is there; info is large, so that its answer does not fit into a
# socket
my $wait = spew("$dir/wait", '');
my $fake = program($member, 'fake', <<'END');
case "${@: -1}" in
(backup) while test -e "${0%/*}/wait"; do sleep 0.05; done ;;
(info) printf '[{"name":"main","filling":"'; head -c 6000000 /dev/zero | tr '\0' x; echo '"}]' ;;
esac
END

# takes its time to look for WAL, and notes what runs at the same time
my $noting = program($member, 'noting', <<'END');
case "$*" in
(*repo-ls*) exec 9>>"${0%/*}/running"; echo + >&9; sleep 0.2; echo - >&9 ;;
(*stanza-upgrade) while test -e "${0%/*}/wait-upgrade"; do sleep 0.05; done ;;
(*info) echo '[{"name":"main","archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000010000000000000009","min":"000000010000000000000001"}],"backup":[],"cipher":"none","db":[{"id":1,"repo-key":1,"system-id":1,"version":"15"}],"repo":[{"cipher":"none","key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]' ;;
esac
END

my $server = PgbrTls->new($cluster->sandbox, $dir)->ca('server');

sub start
{
	my ($name, @options) = @_;
	unshift @options, "--pgbackrest=$fake" unless grep { /^--pgbackrest=/ } @options;
	return PgbrSidecar->new($member, name => $name)->launch(@options);
}
my $slow = start('slow');
my $tls =
  start('tls', map { "--tls-$_->[0]-file=" . $server->path("server.$_->[1]") }[qw(cert crt)],
	[qw(key key)]);
my $capped = start('capped', '--max-connections=20', '--max-connections-per-address=10');
my $polled = start('polled');
my $unread = start('unread');
# a port of its own for metrics, so that both can be crowded
my $metrics_port = $cluster->sandbox->port;
my $crowded = start(
	'crowded', "--pgbackrest=$noting",
	"--metrics-listen=127.0.0.1:$metrics_port", '--insecure-no-auth');
my @sidecars = ($slow, $tls, $capped, $polled, $unread, $crowded);
for my $sidecar (@sidecars)
{
	wait_for { $sidecar->log =~ /listens on/ } "$sidecar->{name} to listen";
}

sub connect_to
{
	my ($sidecar, $from) = @_;
	my $socket = IO::Socket::INET->new(
		PeerAddr => '127.0.0.1',
		PeerPort => $sidecar->{port},
		LocalAddr => $from // '127.0.0.1') or die "could not connect to $sidecar->{name}: $!\n";
	return $socket;
}

sub descriptors
{
	my ($sidecar) = @_;
	my @fds = glob '/proc/' . $sidecar->pid . '/fd/*';
	return scalar @fds;
}

my $get = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $post =
  "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
my $hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'x' x 400;

# of each: its sidecar, what it sends at once, and what it then sends byte by byte
my %clients = (
	'says nothing' => [ $slow, '', '' ],
	'never ends its header' => [ $slow, substr($get, 0, 20), '' ],
	'sends its header byte by byte' => [ $slow, '', 'GET /livez HTTP/1.1' . "\r\nX: y" x 100 ],
	'never sends its body' => [ $slow, $post, '' ],
	'sends its body byte by byte' => [ $slow, $post, ' ' x 1000 ],
	'sends its body in chunks, byte by byte' =>
	  [ $slow, $post =~ s/Content-Length: 1000/Transfer-Encoding: chunked/r, "1\r\n \r\n" x 200 ],
	'stays after its answer' => [ $slow, $get, '' ],
	'begins a second request, byte by byte' =>
	  [ $slow, $get, 'GET /livez HTTP/1.1' . "\r\nX: y" x 100 ],
	'says nothing, to TLS' => [ $tls, '', '' ],
	'never ends its handshake' => [ $tls, substr($hello, 0, 100), '' ],
	'sends its handshake byte by byte' => [ $tls, '', $hello ]);

# Run them all; gives when each was cut off, and the longest time another request took meanwhile.
sub run_slow_clients
{
	my %left = map {
		my ($sidecar, $at_once, $slowly) = @{ $clients{$_} };
		my $socket = connect_to($sidecar);
		syswrite $socket, $at_once;
		($_ => { socket => $socket, slowly => $slowly, start => time })
	} keys %clients;
	my %ended;
	my $longest = 0;
	local $SIG{PIPE} = 'IGNORE';
	while (%left && time < (values %left)[0]{start} + $LIMIT + 2 * $SLACK)
	{
		my $turn = time;
		for my $name (keys %left)
		{
			my $client = $left{$name};
			my $socket = $client->{socket};
			my $byte = substr $client->{slowly}, 0, 1, '';
			syswrite $socket, $byte if length $byte;
			while (IO::Select->new($socket)->can_read(0))
			{
				# an answer, or the end
				next if sysread $socket, my $answer, 65536;
				$ended{$name} = time - $client->{start};
				last;
			}
			delete $left{$name} if exists $ended{$name};
		}
		my $start = time;
		$slow->http(GET => '/livez')->{status} == 200 or die "no answer beside the slow clients\n";
		$longest = max($longest, time - $start);
		sleep max(0, $turn + 1 - time);
	}
	return { ended => \%ended, longest => $longest };
}

# A client that does not read its answer; gives when nothing is held of it any more. The connection
# itself tells that to nobody: what was sent lies in the kernel.
sub run_unread
{
	my $threads = idle_threads($unread);
	my $socket = connect_to($unread);
	my $start = time;
	syswrite $socket, "GET /v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n";
	wait_for { threads($unread) > $threads } 'it to be served';
	wait_for { threads($unread) == $threads } 'it to be forgotten', $LIMIT + 2 * $SLACK;
	return time - $start;
}

# More connections than there may be.
sub run_caps
{
	# those that are cut off at once, of so many; the rest stay open
	my @open;
	my $cut = sub {
		my ($count, $from) = @_;
		my @sockets = map { connect_to($capped, $from) } 1 .. $count;
		my %cut;
		wait_for
		{
			sysread($_, my $nothing, 1) || ++$cut{$_}
			  for IO::Select->new(grep { !$cut{$_} } @sockets)->can_read(0.3);
			!IO::Select->new(grep { !$cut{$_} } @sockets)->can_read(0.3)
		}
		'the surplus to be cut off';
		push @open, grep { !$cut{$_} } @sockets;
		return scalar keys %cut;
	};
	my $threads = idle_threads($capped);
	my $result = {
		one_address => $cut->(30),
		another => $cut->(8, '127.0.0.2'),
		in_all => $cut->(5, '127.0.0.3'),
	};
	@open = grep { !IO::Select->new($_)->can_read(0) } @open;
	my $request = sub {
		my ($socket) = @_;
		syswrite $socket, $get;
		sysread $socket, my $answer, 65536;
		return $answer;
	};
	$result->{open} = @open;
	$result->{served} = grep { $request->($_) =~ m{^HTTP/1.1 200} } @open;
	@open = ();
	wait_for { threads($capped) == $threads } 'the connections to be gone';
	$result->{after} = $capped->http(GET => '/livez')->{status};
	return $result;
}

# Many who wait for one job, while others are accepted and cancelled; and many who hang up.
sub run_pollers
{
	my $job = $polled->post_job(kind => 'backup');
	my $waits = $polled->post_job(kind => 'check');
	$polled->wait_job($job->{id}, qr/running/);
	my ($threads, $descriptors) = (idle_threads($polled), descriptors($polled));
	my $poll = sub {
		my ($count) = @_;
		my @sockets = map { connect_to($polled) } 1 .. $count;
		syswrite $_,
		  "GET /v1/jobs/$job->{id}?wait=60 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
		  for @sockets;
		wait_for { threads($polled) >= $threads + $count } 'those who wait';
		return @sockets;
	};
	my %result;

	my @leavers = $poll->(60);
	my $start = time;
	@leavers = ();
	wait_for { threads($polled) == $threads } 'those who hung up to be forgotten';
	$result{forgotten} = time - $start;

	my @pollers = $poll->(60);
	my $longest = 0;
	for my $number (1 .. 30)
	{
		$start = time;
		my $id = $polled->post_job(kind => 'expire', reason => "number $number")->{id};
		$polled->http(DELETE => "/v1/jobs/$id");
		$longest = max($longest, time - $start);
	}
	$result{longest} = $longest;
	$start = time;
	unlink $wait;
	my @answers = map { local $/; scalar readline $_ } @pollers;
	$result{answered} = time - $start;
	$result{states} = [ uniq map { /"state":"(\w+)"/ ? $1 : $_ } @answers ];
	$result{next} = $polled->wait_job($waits->{id})->{state};
	@pollers = ();
	wait_for { threads($polled) == $threads && descriptors($polled) <= $descriptors }
	'all to be as before';

	# nothing is left of programs that were run
	for my $number (1 .. 30)
	{
		$polled->wait_job($polled->post_job(kind => 'verify', reason => "number $number")->{id});
		$polled->http(GET => $_) for '/v1/node', '/v1/wal/000000010000000000000001';
	}
	idle_threads($polled);
	$result{descriptors} = descriptors($polled) - $descriptors;

	# two requests at once on one connection
	my $socket = connect_to($polled);
	syswrite $socket, $get . $get =~ s/\r\n\r\n/\r\nConnection: close\r\n\r\n/r;
	my $both = do { local $/; <$socket> };
	$result{pipelined} = () = $both =~ m{HTTP/1.1 200}g;
	return \%result;
}

# Crowds of half requests and of whole ones, at a port, at that of the metrics and at the socket;
# meanwhile somebody else asks.
sub run_crowds
{
	my $ask = sub {
		my ($port, $path, $from) = @_;
		my $socket = IO::Socket::INET->new(
			PeerAddr => '127.0.0.1',
			PeerPort => $port,
			LocalAddr => $from // '127.0.0.1') or return "no connection: $!";
		syswrite $socket, "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
		my $start = time;
		my $answer =
		  IO::Select->new($socket)->can_read(20)
		  ? do { local $/; <$socket> // '' }
		  : 'none in time';
		return {
			status => $answer =~ m{^HTTP/1.1 (\d+)} ? "$1" : $answer,
			retry => $answer =~ /^Retry-After: 5\r$/m ? 1 : 0,
			seconds => time - $start
		};
	};
	my $half = sub { my ($socket) = @_; syswrite $socket, substr $get, 0, 20; return $socket };
	my %result;
	local $SIG{PIPE} = 'IGNORE';

	for my $port ($crowded->{port}, $metrics_port)
	{
		my @crowd = map {
			my $from = $_;
			map {
				$half->(
					IO::Socket::INET->new(
						PeerAddr => '127.0.0.1',
						PeerPort => $port,
						LocalAddr => $from) // die "half: $!\n")
			} 1 .. 150
		} '127.0.0.2', '127.0.0.3';
		my $path = $port == $metrics_port ? '/metrics' : '/livez';
		push @{ $result{half} }, map { $ask->($port, $path, $_)->{status} } '127.0.0.1',
		  '127.0.0.2', '127.0.0.4';
	}
	my @crowd =
	  map { $half->(IO::Socket::UNIX->new(Peer => $crowded->{socket}) // die "half: $!\n") }
	  1 .. 300;
	push @{ $result{half} }, $crowded->http(GET => '/livez')->{status};
	@crowd = ();

	my $wait = spew("$dir/wait-upgrade", '');
	my $job = $crowded->post_job(kind => 'stanza-upgrade')->{id};
	$crowded->wait_job($job, qr/running/);
	my @waiting = map {
		my $from = $_;
		map {
			my $socket = connect_to($crowded, $from);
			syswrite $socket, "GET /v1/jobs/$job?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n";
			$socket
		} 1 .. 130
	} '127.0.0.2', '127.0.0.3';
	wait_for { $ask->($crowded->{port}, '/v1/jobs', '127.0.0.4')->{status} == 503 }
	'no further request to be answered';
	$result{whole} = [
		map { $ask->($crowded->{port}, @$_)->{status} }['/livez'],
		[ '/livez', '127.0.0.4' ],
		[ '/livez', '127.0.0.2' ]
	];
	$result{refused} = $ask->($crowded->{port}, '/v1/jobs');
	$result{socket} = $crowded->http(GET => '/v1/jobs')->{status};
	unlink $wait;
	wait_for { $ask->($crowded->{port}, '/v1/jobs')->{status} == 200 } 'room for requests again';
	@waiting = ();

	my @wal = map {
		my $socket = connect_to($crowded, '127.0.0.5');
		syswrite $socket,
		  "GET /v1/wal/000000010000000000000001 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
		$socket
	} 1 .. 120;
	my $start = time;
	my @answers = map { local $/; readline($_) // '' } @wal;
	$result{wal} = {
		map {
			my $status = $_;
			($status => scalar grep { m{^HTTP/1.1 $status .*\r\n}s } @answers)
		} 200,
		503
	};
	$result{wal_seconds} = time - $start;
	$result{wal_retry} = grep { /^Retry-After: 5\r$/m } @answers;
	my ($running, $most) = (0, 0);
	for (split /\n/, slurp("$dir/running"))
	{
		$running += $_ eq '+' ? 1 : -1;
		$most = max($most, $running);
	}
	$result{wal_programs} = $most;

	$crowded->http(GET => '/livez', headers => { Origin => 'http://evil.example' }) for 1 .. 50;
	return \%result;
}

my ($slow_clients, $caps, $pollers, $forgotten, $crowds) =
  at_once(\&run_slow_clients, \&run_caps, \&run_pollers, \&run_unread, \&run_crowds);

for my $name (sort keys %clients)
{
	my $after = $slow_clients->{ended}{$name};
	ok(defined $after && $after > $LIMIT - 5 && $after < $LIMIT + $SLACK,
		"a client that $name is cut off")
	  or diag defined $after ? "after $after s" : 'never';
}
ok( $forgotten > $LIMIT - 5 && $forgotten < $LIMIT + $SLACK,
	'a client that does not read its answer is cut off') or diag $forgotten;
cmp_ok($slow_clients->{longest}, '<', 1, 'others are answered within a second meanwhile');

is($caps->{one_address}, 12,
	'30 connections from one address: those above 10 and a reserve of 8 are cut off, the oldest');
is($caps->{another}, 0, '8 from another address are not');
is($caps->{open}, 28, '5 from a third: of all, 20 and the reserve are left');
is($caps->{served}, $caps->{open}, 'those that are left are served');
is($caps->{after}, 200, 'and there is room when they are gone');

cmp_ok($pollers->{forgotten}, '<', 5, '60 who wait hang up: soon nothing of them is held');
cmp_ok($pollers->{longest}, '<', 1, '60 who wait: others are answered within a second');
is_deeply($pollers->{states}, ['succeeded'], 'all of them are told of the change');
cmp_ok($pollers->{answered}, '<', 3, 'at once');
is($pollers->{next}, 'succeeded', 'and jobs go on');
cmp_ok($pollers->{descriptors}, '<=', 0, 'and leave no descriptor open');
is($pollers->{pipelined}, 2, 'two requests at once on one connection get two answers');

is_deeply(
	$crowds->{half},
	[ (200) x 7 ],
	'300 half requests: others are answered, at a port, at that of the metrics and at the socket'
) or diag explain $crowds->{half};
is_deeply(
	$crowds->{whole},
	[ (200) x 3 ],
	'more whole requests than there may be: probes are answered') or diag explain $crowds->{whole};
is("$crowds->{refused}{status} $crowds->{refused}{retry}", '503 1',
	'others are told to come again');
is($crowds->{socket}, 200, 'and are answered at the socket');
cmp_ok($crowds->{wal_programs}, '<=', 4, '120 who ask for WAL at once: few programs run');
cmp_ok($crowds->{wal_programs}, '>=', 2, 'more than one');
cmp_ok($crowds->{wal}{200}, '>=', 10, 'some are answered');
is($crowds->{wal}{200} + $crowds->{wal}{503}, 120, 'all others told to come again')
  or diag explain $crowds->{wal};
is($crowds->{wal_retry}, $crowds->{wal}{503}, 'and when');
cmp_ok($crowds->{wal_seconds}, '<', 15, 'before they have waited long');

# connections that are open do not keep a stop waiting
my @idle = map { connect_to($_) } @sidecars;
my $start = time;
is($_->stop, 0, "$_->{name}: a clean end") for @sidecars;
cmp_ok(time - $start, '<', 5, 'at once, with open connections');
is(scalar(() = $crowded->log =~ /refused GET .*Origin/g),
	20, '50 refusals: 20 have a line of their own');
like(
	$crowded->log,
	qr/refused requests: 30 more that were not logged$/m,
	'and one tells of the others');

done_testing;
