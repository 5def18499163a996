# The sidecar's log: one line an event, for a person or as JSON, and nothing from outside can forge
# a line, hide one or reach a terminal. PostgreSQL is not needed.
use strict;
use warnings;
use Fcntl;
use JSON::PP;
use List::Util qw(max);
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0, stanza => 'some.stanza-1');
my $member = $cluster->member(1);
my $sidecar = $member->sidecar->speak_tcp;
my $tokens = spew("$member->{dir}/tokens", 'a-token-of-more-than-16' . "\n", 0600);
my %authorization = (Authorization => 'Bearer a-token-of-more-than-16');

# what it says of a backup is in this file
my $fake = program($member, 'fake', <<'END');
case "${@: -1}" in
(backup) cat "${0%/*}/says"; exit 42 ;;
(info) cat "${0%/*}/knows" ;;
esac
END
# and of the repository in this one: a text of JSON's may hold DEL and C1 as they are
spew("$member->{dir}/knows",
	'[{"name":"some.stanza-1","archive":[],"backup":[],"db":[{"id":1,"repo-key":1,"system-id":7,"version":"15"}],'
	  . qq("cipher":"none","repo":[{"key":1,"cipher":"none","status":{"code":99,"message":"a \\u001b[31m \x7f \xc2\x9b31m"}}],)
	  . '"status":{"code":99,"message":"other","lock":{"backup":{"held":false}}}}]');

# the sidecar's log since it was last asked for, as lines
my $seen = 0;

sub new_lines
{
	my $log = $sidecar->log;
	my $new = substr $log, $seen;
	$seen = length $log;
	like($new, qr/\n\z/, 'the log ends with a whole line');
	return split /\n/, $new;
}

# Start it, make it say what is strange, stop it; gives the lines and the id of a job that failed.
sub run_sidecar
{
	my (@options) = @_;
	$sidecar->start("--pgbackrest=$fake", "--token-file=$tokens", @options);
	# a path that would end the line, begin another and write on a terminal, without a token: it is
	# logged
	for my $path (
		"x%0a2026-11-22T15:41:07.000Z info    [main] forged",
		'x%1b[31m', 'x%c2%9b31m', 'x%7f%08', 'x%ff%fe', 'x%22%5c',
		'x%c3%a9' . 'y' x 100,
		'y' x 54 . '%c3%a9')
	{
		my $answer = $sidecar->http(GET => '/v1/jobs/' . $path =~ s/ /%20/gr);
		is($answer->{status}, 401, 'a path that is logged') or diag $answer->{content};
	}
	# so it is with what pgbackrest says
	spew("$member->{dir}/says",
		"P00  ERROR: [042]: a \x1b[31m red\r \x07 \xff\xfe text \"quoted\" \\ \xc3\xa9\n");
	my $answer = $sidecar->http(
		POST => '/v1/jobs',
		headers => {%authorization},
		body => { kind => 'backup', claimed_by => "O'Neill \"\\\" \x{2028}" });
	is($answer->{status}, 202, 'a job');
	my $id = $answer->{json}{id};
	wait_for
	{
		$sidecar->http(GET => "/v1/jobs/$id", headers => {%authorization})->{json}{state} eq
		  'failed'
	}
	'it to fail';
	# what pgbackrest says of the repository is passed on
	my $info = $sidecar->http(GET => '/v1/info', headers => {%authorization});
	is( $info->{json}{stanzas}[0]{repo}[0]{status}{message},
		"a \e[31m \x7f \x{9b}31m",
		'info is what it was');
	ok($info->{content} !~ /[\x00-\x1f\x7f]|\xc2[\x80-\x9f]/, 'in plain characters')
	  or diag $info->{content} =~ s/([^ -~])/sprintf '<%02x>', ord $1/ger;
	like(
		$sidecar->http(GET => '/readyz', headers => {%authorization})->{content},
		qr/repo1: a \\\\x1B\[31m \\\\x7F \\\\u009B31m/,
		'and so is readyz');
	# a NUL would cut what is logged, and asked for
	for my $line ("GET /v1/jo\0bs", "GET /livez\0HTTP/1.1", "GET /livez?a\0b", "GE\0T /livez")
	{
		my $answer = $sidecar->raw_http("$line HTTP/1.1\r\nHost: localhost\r\n\r\n");
		is($answer->{status}, 400, 'a NUL in a request line is refused');
		is($answer->{json}{detail}, 'invalid request line', 'with the reason');
	}
	is($sidecar->stop, 0, 'a clean end');
	return ($id, new_lines());
}

my $time = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;

# --- for a person
{
	my ($id, @lines) = run_sidecar();
	is_deeply(
		[
			grep { !/^$time (?:info   |warning|error  ) \[some\.stanza-1\] (?:job \Q$id\E: )?\S/ }
			  @lines
		],
		[],
		'each line has time, level, stanza, and text');
	is_deeply([ grep { /[\x00-\x1f\x7f]|\xc2[\x80-\x9f]/ } @lines ], [],
		'and no control character');
	is_deeply([ grep { my $line = $_; !utf8::decode($line) } @lines ], [], 'and is UTF-8');
	my @times = map { /^(\S+)/ } @lines;
	is_deeply(\@times, [ sort @times ], 'in the order of time');
	is(scalar(grep { /refused GET .* from 127\.0\.0\.1: 401$/ } @lines),
		8, 'each refusal has its line');
	is(scalar(grep { /^$time info +\[main\] forged/ } @lines), 0, 'and none was forged');
	my $all = join "\n", @lines;
	my $from = qr/ from 127\.0\.0\.1/;
	like(
		$all,
		qr{refused GET /v1/jobs/x\\x0A2026-11-22T15:41:07.000Z info    \[main\] forged from 127\.0\.0\.1: 401},
		'a newline is escaped');
	like(
		$all,
		qr/jobs\/x\\x1B\[31m$from: 401.*jobs\/x\\u009B31m$from: 401.*jobs\/x\\x7F\\x08$from: 401.*jobs\/x\\xFF\\xFE$from: 401.*jobs\/x"\\$from: 401/s,
		'and so are others');
	my @of_job = grep { s/^.* job \Q$id\E: // } map { "$_" } @lines;
	is(scalar(@of_job), 3, 'a job has a line for each thing that happened to it');
	like($of_job[0], qr/^accepted: backup incr for token:line 1 \(O'Neill/, 'accepted');
	like($of_job[1], qr/^started: pgbackrest backup, process \d+$/, 'started');
	is($of_job[2],
		qq(failed: file-read: a \\x1B[31m red\\r \\x07 \\xFF\\xFE text "quoted" \\ \xc3\xa9),
		'failed');
	like($lines[-1], qr/ stopped$/, 'the last one says that it is over');
	is(scalar(grep { / listens on 127\.0\.0\.1:\d+$/ } @lines), 1, 'one says where it listens');
}

# --- as JSON
{
	my ($id, @lines) = run_sidecar('--log-format=json');
	my $json = JSON::PP->new->utf8;
	my @events = map {
		my $line = $_;
		my $event = eval { $json->decode($line) };
		$event // diag "no JSON: $line";
		$event // ()
	} @lines;
	is(scalar @events, scalar @lines, 'JSON: each line is an object');
	is_deeply([ grep { /[\x00-\x1f]/ } @lines ], [], 'with control characters escaped');
	my @wrong = grep {
		my %event = %$_;
		my $job = delete $event{job};
		join(' ', sort keys %event) ne 'level message stanza time'
		  || $event{time} !~ /^$time$/
		  || $event{stanza} ne 'some.stanza-1'
		  || $event{level} !~ /^(?:info|warning|error)$/
		  || defined $job && $job ne $id
	} @events;
	is_deeply(\@wrong, [], 'with time, level, stanza, message and job');
	my @messages = map { $_->{message} } @events;
	is(scalar(grep { /^refused GET .* from 127\.0\.0\.1: 401$/s } @messages),
		8, 'each refusal is there');
	is( $messages[ (grep { $messages[$_] =~ /forged/ } 0 .. $#messages)[0] ],
		"refused GET /v1/jobs/x\n2026-11-22T15:41:07.000Z info    [main] forged from 127.0.0.1: 401",
		'with its newline in it');
	my ($failed) = grep { $_->{message} =~ /^failed/ } @events;
	is_deeply([ @$failed{qw(level job)} ], [ 'error', $id ], 'the failure has its level and job');
	is($failed->{message},
		qq(failed: file-read: a \\x1B[31m red\\r \\x07 \\xFF\\xFE text "quoted" \\ \x{e9}),
		'and its text');
}

# --- levels
{
	my (undef, @lines) = run_sidecar('--log-level=warning');
	is(scalar(grep { !/^$time (?:warning|error  ) / } @lines), 0, 'warning: nothing below');
	is(scalar(grep { / refused / } @lines), 8 + 4, 'warning: the refusals, of tokens and of NULs');
	(undef, @lines) = run_sidecar('--log-level=error');
	is(scalar(grep { !/^$time error   / } @lines), 0, 'error: nothing below');
	is(scalar(grep { / failed: file-read: / } @lines), 1, 'error: the failure');
	for my $option ('--log-level=loud', '--log-level=', '--log-format=xml')
	{
		my ($status, $log) = refused($sidecar, $option);
		is($status, 2, "$option: refused");
		like($log, qr/error: invalid value "\w*" for --log-\w+: use /, 'and why');
	}
}

# --- nobody reads the log
# stderr is a pipe of one page: a few lines fill it
{
	local $sidecar->{tcp} = 0;
	my $fifo = "$member->{dir}/stalled";
	POSIX::mkfifo($fifo, 0600) or die "mkfifo: $!\n";
	sysopen my $pipe, $fifo, O_RDWR | O_NONBLOCK or die "$fifo: $!\n";
	fcntl $pipe, 1031, 4096 or die "F_SETPIPE_SZ: $!\n";
	my $read_on = sub { my ($text) = @_; 1 while sysread $pipe, $$text, 65536, length $$text };
	$sidecar->speak_tcp(0);
	$sidecar->set_wrapper('bash', '-c', "exec \"\$@\" 2>'$fifo'", 'bash');
	$sidecar->speak_tcp(0)->start("--pgbackrest=$fake");
	my ($longest, @ids) = (0);

	for my $number (1 .. 40)
	{
		my $start = time;
		push @ids, $sidecar->post_job(kind => 'backup', reason => "number $number")->{id};
		$longest = max($longest, time - $start);
		is($sidecar->wait_job($ids[-1])->{state},
			'failed', "nobody reads the log: job $number is done");
	}
	cmp_ok($longest, '<', 2, 'and no request waits for a reader');
	my $log = '';
	wait_for { $read_on->(\$log); $log =~ /job \Q$ids[-1]\E: failed/ }
	'the rest of the log to come when it is read';
	my @missing =
	  grep { $log !~ /job $_/ } map { ("$_: accepted", "$_: started", "$_: failed") } @ids;
	is_deeply(\@missing, [], 'then no line is missing');
	unlike($log, qr/dropped/, 'or was dropped');

	$sidecar->post_job(kind => 'backup', reason => "after it $_") for 1 .. 60;
	my $start = time;
	is($sidecar->stop, 0, 'nobody reads the log: a clean end');
	cmp_ok(time - $start, '<', 10, 'within the time that a reader is given');
	$read_on->(\$log);
	is( scalar(() = $log =~ /^.*\n/mg),
		scalar(() = $log =~ /^$time (?:info   |error  ) \[some\.stanza-1\] /mg),
		'each line is whole');
	$sidecar->set_wrapper();
}

done_testing;
