# What clients can make the sidecar hold is limited: the time a request takes to arrive, connections
# in all and from one address, waits that nobody waits for. All goes on at the same time, each part
# on a sidecar of its own, and none of it needs PostgreSQL.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use List::Util qw(max min uniq);
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(sleep time);

# seconds after which a slow client is cut off, and what a busy machine may add
my ($LIMIT, $SLACK) = (30, 10);

my $cluster = PgbrCluster->new(preload => 0);
my $member = $cluster->member(1);
my $dir = $member->{dir};

# a backup runs while this file is there; info is large, so that its answer does not fit into a socket
my $wait = spew("$dir/wait", '');
my $fake = program($member, 'fake', <<'END');
case "${@: -1}" in
(backup) while test -e "${0%/*}/wait"; do sleep 0.05; done ;;
(info) printf '[{"name":"main","filling":"'; head -c 6000000 /dev/zero | tr '\0' x; echo '"}]' ;;
esac
END

my $pair = "$dir/pair.pem";
$cluster->sandbox->run($dir, 'openssl', qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x),
	'-keyout', $pair, '-out', "$pair.crt");
chmod 0600, $pair;

sub start
{
	my ($name, @options) = @_;
	return PgbrSidecar->new($member, name => $name)->launch("--pgbackrest=$fake", @options);
}
my $slow = start('slow');
my $tls = start('tls', "--tls-cert-file=$pair.crt", "--tls-key-file=$pair");
my $capped = start('capped', '--max-connections=20', '--max-connections-per-address=10');
my $polled = start('polled');
my $unread = start('unread');
my @sidecars = ($slow, $tls, $capped, $polled, $unread);
for my $sidecar (@sidecars)
{
	wait_for { $sidecar->log =~ /listens on/ } "$sidecar->{name} to listen";
}

sub connect_to
{
	my ($sidecar, $from) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sidecar->{port}, LocalAddr => $from // '127.0.0.1')
	  or die "could not connect to $sidecar->{name}: $!\n";
	return $socket;
}

sub descriptors { my ($sidecar) = @_; my @fds = glob '/proc/' . $sidecar->pid . '/fd/*'; return scalar @fds }

my $get = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
my $post = "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
my $hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'x' x 400;

# of each: its sidecar, what it sends at once, and what it then sends byte by byte
my %clients = (
	'says nothing' => [ $slow, '', '' ],
	'never ends its header' => [ $slow, substr($get, 0, 20), '' ],
	'sends its header byte by byte' => [ $slow, '', 'GET /livez HTTP/1.1' . "\r\nX: y" x 100 ],
	'never sends its body' => [ $slow, $post, '' ],
	'sends its body byte by byte' => [ $slow, $post, ' ' x 1000 ],
	'sends its body in chunks, byte by byte' => [ $slow, $post =~ s/Content-Length: 1000/Transfer-Encoding: chunked/r, "1\r\n \r\n" x 200 ],
	'stays after its answer' => [ $slow, $get, '' ],
	'begins a second request, byte by byte' => [ $slow, $get, 'GET /livez HTTP/1.1' . "\r\nX: y" x 100 ],
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
	syswrite $socket, "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n";
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
			sysread($_, my $nothing, 1) || ++$cut{$_} for IO::Select->new(grep { !$cut{$_} } @sockets)->can_read(0.3);
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
	my $request = sub { my ($socket) = @_; syswrite $socket, $get; sysread $socket, my $answer, 65536; return $answer };
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
		syswrite $_, "GET /v1/jobs/$job->{id}?wait=60 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" for @sockets;
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
	wait_for { threads($polled) == $threads && descriptors($polled) <= $descriptors } 'all to be as before';

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

my ($slow_clients, $caps, $pollers, $forgotten) = at_once(\&run_slow_clients, \&run_caps, \&run_pollers, \&run_unread);

for my $name (sort keys %clients)
{
	my $after = $slow_clients->{ended}{$name};
	ok(defined $after && $after > $LIMIT - 5 && $after < $LIMIT + $SLACK, "a client that $name is cut off")
	  or diag defined $after ? "after $after s" : 'never';
}
ok($forgotten > $LIMIT - 5 && $forgotten < $LIMIT + $SLACK, 'a client that does not read its answer is cut off') or diag $forgotten;
cmp_ok($slow_clients->{longest}, '<', 1, 'others are answered within a second meanwhile');

is($caps->{one_address}, 20, '30 connections from one address: those above 10 are cut off');
is($caps->{another}, 0, '8 from another address are not');
is($caps->{in_all}, 3, '5 from a third: those above 20 in all are');
is($caps->{served}, $caps->{open}, 'those that are left are served');
is($caps->{after}, 200, 'and there is room when they are gone');

cmp_ok($pollers->{forgotten}, '<', 5, '60 who wait hang up: soon nothing of them is held');
cmp_ok($pollers->{longest}, '<', 1, '60 who wait: others are answered within a second');
is_deeply($pollers->{states}, ['succeeded'], 'all of them are told of the change');
cmp_ok($pollers->{answered}, '<', 3, 'at once');
is($pollers->{next}, 'succeeded', 'and jobs go on');
cmp_ok($pollers->{descriptors}, '<=', 0, 'and leave no descriptor open');
is($pollers->{pipelined}, 2, 'two requests at once on one connection get two answers');

# connections that are open do not keep a stop waiting
my @idle = map { connect_to($_) } @sidecars;
my $start = time;
is($_->stop, 0, "$_->{name}: a clean end") for @sidecars;
cmp_ok(time - $start, '<', 5, 'at once, with open connections');

done_testing;
