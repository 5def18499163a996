# Every value from outside is held to its grammar: what is not in it gets a 4xx that says why, and
# nothing of it reaches a command line. pgbackrest is run through a script that writes down its argv
# and then becomes the real one.
use strict;
use warnings;
use utf8;
use Encode qw(encode);
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $cluster = PgbrCluster->new(preload => 0, sidecars => 0)->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $record = "$member->{dir}/argv";
my $recorder = program($member, 'recorder',
	qq{printf '%s\\0' "\$@" \$'\\n' >>'$record'\nexec pgbackrest "\$@"\n});
$sidecar->start("--pgbackrest=$recorder")->wait_ready;

my $mark = 'ATTEMPT';    # in every attempt, so that it can be looked for afterwards
my $json = JSON::PP->new->utf8->canonical;

# the command lines so far, as lists
sub command_lines
{
	return map { [ split /\0/ ] } split /\n\0/, slurp($record);
}

sub post
{
	my ($path, $body, $type) = @_;
	return $sidecar->http(
		POST => $path,
		body => $body,
		headers => { 'Content-Type' => $type // 'application/json' });
}

sub raw_post
{
	my ($headers, $body) = @_;
	return $sidecar->raw_http(
			"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		  . "Content-Type: application/json\r\n$headers\r\n$body");
}

my $jobs_before = @{ $sidecar->http(GET => '/v1/jobs')->{json}{jobs} };
# --- bodies that are not JSON
my %not_json = (
	'nothing' => '',
	'a blank' => ' ',
	'a word' => $mark,
	'an open object' => '{"kind":"check"',
	'something after the object' => qq({"kind":"check"} $mark),
	'two objects' => '{"kind":"check"}{"kind":"check"}',
	'a key twice' => qq({"kind":"$mark","kind":"check"}),
	'a key twice, further in' => qq({"kind":"backup","annotations":{"a":"$mark","a":"b"}}),
	'\u0000 in a text' => qq({"kind":"backup","annotations":{"a":"$mark\\u0000x"}}),
	'\u0000 in a key' => qq({"kind":"backup","annotations":{"$mark\\u0000x":"a"}}),
	'NUL' => qq({"kind":"check"}\0),
	'NUL in a text' => qq({"kind":"$mark\0check"}),
	'a newline in a text' => qq({"kind":"backup","reason":"$mark\nx"}),
	'invalid UTF-8' => qq({"kind":"backup","reason":"$mark\xFF"}),
	'overlong UTF-8' => qq({"kind":"backup","reason":"$mark\xC0\xAF"}),
	'UTF-8 that is cut short' => qq({"kind":"backup","reason":"$mark\xE2\x82"}),
	'a lone surrogate' => qq({"kind":"backup","reason":"$mark\\ud800"}),
	'UTF-16' => encode('UTF-16LE', qq({"kind":"check"})),
	'a byte order mark' => qq(\xEF\xBB\xBF{"kind":"check"}),
	'single quotes' => "{'kind':'check'}",
	'no quotes' => '{kind:check}',
	'a comment' => '{"kind":"check"/*x*/}',
	'a comma at the end' => '{"kind":"check",}',
	'NaN' => '{"kind":"backup","repo":NaN}',
	'a number beyond all' => '{"kind":"backup","repo":1e999}',
	'a whole number beyond 64 bits' => '{"kind":"backup","repo":99999999999999999999}',
	'deep arrays' => '[' x 30000,
	'deep arrays, as deep as the parser would go' => '[' x 2000 . ']' x 2000,
	'deep arrays in a member' => '{"kind":"backup","reason":' . '[' x 64 . ']' x 64 . '}',
	'deep arrays, closed' => '[' x 30000 . ']' x 30000,
	'deep objects' => '{"a":' x 12000,
	'a form' => "kind=check&x=$mark",
	'XML' => "<kind>$mark</kind>");
is_problem(post('/v1/jobs', $not_json{$_}), 400, 'bad-request', qr/./, "not JSON: $_")
  for sort keys %not_json;
is_problem(post('/v1/restore-points', $not_json{$_}),
	400, 'bad-request', qr/./, "not JSON: a restore point: $_")
  for 'nothing', 'NUL in a text', 'deep arrays, closed';
is_problem(
	post('/v1/jobs', $_),
	400, 'bad-request',
	qr/not a JSON object|'\{' expected/,
	"no object: $_") for 'null', 'true', '1', '"check"', '[]', '[{"kind":"check"}]';
my $nested = '["]]\\"[[",' x 63 . '1' . ']' x 63;
is_problem(post('/v1/jobs', qq({"kind":"backup","reason":$nested})),
	422, 'invalid-value', qr/reason/, 'deep, but within reason');

# --- members outside their grammar: JSON, and what the reason must name
my $label = '20261122-154107F';
my @outside = (
	# kind
	[ {}, 'kind' ],
	(   map { [ { kind => $_ }, 'kind' ] } undef, 1,
		[], {},
		JSON::PP::true, '',
		'Backup', 'backup ',
		'restore', "backup --repo1-path=/$mark",
		"backup\n", "check;$mark",
		'$(x)', '--help',
		'info', 'x' x 1000),
	# members that nobody knows, or not of this kind
	[ { kind => 'backup', $mark => 1 }, $mark ],
	[ { kind => 'backup', 'repo1-path' => "/$mark" }, 'repo1-path' ],
	[ { kind => 'backup', "a\nb" => 1 }, 'unknown member' ],
	[ { kind => 'backup', '' => 1 }, 'unknown member' ],
	[ { kind => 'backup', Type => 'full' }, 'Type' ],
	[ { kind => 'check', type => 'full' }, 'type' ],
	[ { kind => 'verify', dry_run => JSON::PP::true }, 'dry_run' ],
	[ { kind => 'backup', set => $label }, 'set' ],
	[ { kind => 'stanza-create', repo => 1 }, 'repo' ],
	[ { kind => 'expire', annotations => { a => 'b' } }, 'annotations' ],
	# type
	(   map { [ { kind => 'backup', type => $_ }, 'type' ] } '',
		'Full', 'full ', 'delta', "full --pg1-path=/$mark",
		"full\n", 1, [], {}, JSON::PP::false, ['full']),
	# repo
	(   map { [ { kind => 'backup', repo => $_ }, 'repo' ] } 0,
		-1, 257, 1e18, 1.5, '1', "1 --repo1-path=/$mark",
		[], {}, JSON::PP::true),
	# annotations
	(   map { [ { kind => 'backup', annotations => $_ }, 'annotations' ] } 1,
		$mark, [], ["a=$mark"], JSON::PP::true,
		{ map { $_ => '' } 1 .. 33 },
		{ map { $_ => 'x' x 250 } 1 .. 30 }),
	(   map { [ { kind => 'backup', annotations => { $_ => 'x' } }, 'annotation key' ] } '', '-a',
		'--repo1-path', "a b",
		"a=$mark", "a\nb", "a\tb", 'a/b', 'a:b', "a'b", 'a"b', 'a$b', "$mark\x{e9}", 'a' x 65,
		'a' x 10000),
	[ { kind => 'backup', annotations => { timestamp => $mark } }, 'timestamp' ],
	(   map { [ { kind => 'backup', annotations => { a => $_ } }, '"a"' ] } undef, 1,
		[], {},
		JSON::PP::true, "$mark\n",
		"\n--repo1-path=/$mark", "a\rb",
		"a\tb", "\x07",
		"\x7f", "\x{85}",
		"\x{9b}31m", 'x' x 257,
		"\x{e9}" x 129),
	# set
	(   map { [ { kind => 'expire', set => $_ }, 'set' ] } '', 'latest',
		"../$mark", "/$mark",
		"$label/..", "$label\n",
		"$label --repo1-path=/$mark", "-$label",
		lc $label, "${label}_20261122-154108X",
		"${label}_20261122-154108", 1,
		[], {},
		JSON::PP::true),
	# dry_run
	(   map { [ { kind => 'expire', dry_run => $_ }, 'dry_run' ] } 'true',
		1, 0, [], {}, "n --repo1-path=/$mark"),
	# who and why
	(   map { [ { kind => 'check', claimed_by => $_ }, 'claimed_by' ] } 1,
		[], {}, "$mark\nx", "\x1b[31m", 'x' x 129),
	(   map { [ { kind => 'check', reason => $_ }, 'reason' ] } 1,
		[], {}, "$mark\nx", "\x{9b}", 'x' x 257),
	# what annotate needs
	[ { kind => 'annotate', annotations => { a => $mark } }, 'set' ],
	[ { kind => 'annotate', set => $label }, 'annotations' ],
	[ { kind => 'annotate', set => $label, annotations => {} }, 'annotations' ],
	[ { kind => 'annotate', set => $label, annotations => { timestamp => $mark } }, 'timestamp' ]);
for my $attempt (@outside)
{
	my ($job, $names) = @$attempt;
	my $text = $json->encode($job);
	my $name = length $text > 90 ? substr($text, 0, 90) . '...' : $text;
	$name =~ s/([^ -~])/sprintf '\\x{%x}', ord $1/ge;
	is_problem(post('/v1/jobs', $text), 422, 'invalid-value', qr/\Q$names\E/, $name);
}

# --- sizes and how the body comes
my $long = $mark x 15000;
is_problem(post('/v1/jobs', $json->encode({ kind => 'backup', reason => $long })),
	413, 'too-large', qr/65536/, 'a text of 100 KB');
my $fill = sub {
	my ($length) = @_;
	my $body = '{"kind":"verify"}';
	return $body . ' ' x ($length - length $body);
};
is_problem(post('/v1/jobs', $fill->(65537)),
	413, 'too-large', qr/65536/, 'a body of 64 KiB and one byte');
my $chunk = sub { my ($data) = @_; return sprintf "%x\r\n%s\r\n", length $data, $data };
is_problem(raw_post("Transfer-Encoding: chunked\r\n", $chunk->(' ' x 30000) x 3 . "0\r\n\r\n"),
	413, 'too-large', qr/65536/, 'one that comes in chunks');
is_problem(raw_post("Content-Length: 100000000000\r\n", ''),
	413, 'too-large', qr/65536/, 'one that is only announced');
my $expected = raw_post("Content-Length: 100000\r\nExpect: 100-continue\r\n", '');
is($expected->{status}, 413, 'it is not asked for first');

my %types = (
	'none' => '',
	'text' => 'text/plain',
	'a form' => 'application/x-www-form-urlencoded',
	'almost' => 'application/jsonx',
	'shorter' => 'application/js',
	'another JSON' => 'application/problem+json',
	'a list' => 'text/plain, application/json');
is_problem(post('/v1/jobs', '{"kind":"check"}', $types{$_}),
	415, 'unsupported-media-type', qr{application/json}, "content type: $_")
  for sort keys %types;
is_problem(
	$sidecar->raw_http(
		"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 16\r\n\r\n{\"kind\":\"check\"}"
	),
	415,
	'unsupported-media-type',
	qr{application/json},
	'content type: no header');

# --- headers
is_problem(raw_post("Content-Length: 17\r\nIdempotency-Key: $_->[1]\r\n", '{"kind":"verify"}'),
	422, 'invalid-value', qr/Idempotency-Key/, "Idempotency-Key: $_->[0]")
  for [ 'empty', '' ], [ 'Latin-1', "$mark\xE9" ], [ 'UTF-8', "$mark\xC3\xA9" ],
  [ 'a control character', "$mark\x01" ],
  [ 'too long', 'k' x 129 ];
for my $attempt (
	[ 'a header of 40 KB', raw_post('X-Long: ' . 'x' x 40000 . "\r\n", '') ],
	[
		'a path of 100 KB',
		$sidecar->raw_http("GET /v1/jobs/" . 'x' x 100000 . " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	],
	[ '5,000 headers', raw_post(join('', map { "X-$_: x\r\n" } 1 .. 5000), '') ],
	[ 'a Content-Length below zero', raw_post("Content-Length: -1\r\n", '') ],
	[ 'a Content-Length that is no number', raw_post("Content-Length: 1x\r\n", '{') ],
	[
		'a Content-Length beyond 64 bits',
		raw_post("Content-Length: 99999999999999999999999\r\n", '{')
	],
	[
		'a chunk that is no number',
		raw_post("Transfer-Encoding: chunked\r\n", "xyz\r\n{}\r\n0\r\n\r\n")
	],
	[ 'no Host', $sidecar->raw_http("GET /livez HTTP/1.1\r\n\r\n") ],
	[ 'no HTTP', $sidecar->raw_http("$mark\r\n\r\n") ],
	[ 'HTTP/2', $sidecar->raw_http("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") ],
	[ 'TLS', $sidecar->raw_http("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n") ])
{
	my ($name, $answer) = @$attempt;
	like($answer->{status}, qr/^(?:0|4\d\d|505)$/, "$name: refused") or diag $answer->{content};
}

# --- where a request ends (RFC 9112)
# what two readers could see differently is refused, and nothing is read after it: each attempt is
# followed by a request that must get no answer
{
	my $next = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
	my $job = '{"kind":"verify"}';
	my $chunked = "11\r\n$job\r\n0\r\n\r\n";
	my $begin = "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
	my $statuses = sub {
		my ($bytes) = @_;
		return join ' ', $sidecar->raw($bytes . $next, 10) =~ m{HTTP/1\.[01] (\d+) [A-Z]}g;
	};
	for my $case (
		[
			'Content-Length twice, the same',
			"Content-Length: 17\r\nContent-Length: 17\r\n\r\n$job"
		],
		[
			'Content-Length twice, not the same',
			"Content-Length: 17\r\nContent-Length: 18\r\n\r\n$job"
		],
		[
			'Content-Length twice, the first one 0',
			"Content-Length: 0\r\nContent-Length: 17\r\n\r\n$job"
		],
		[
			'Content-Length and Transfer-Encoding',
			"Content-Length: 17\r\nTransfer-Encoding: chunked\r\n\r\n$chunked"
		],
		[
			'Transfer-Encoding and Content-Length',
			"Transfer-Encoding: chunked\r\nContent-Length: 17\r\n\r\n$chunked"
		],
		[
			'Transfer-Encoding twice',
			"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n$chunked"
		],
		[ 'Transfer-Encoding: identity', "Transfer-Encoding: identity\r\n\r\n$job" ],
		[ 'Transfer-Encoding: gzip, chunked', "Transfer-Encoding: gzip, chunked\r\n\r\n$chunked" ],
		[
			'a blank before the colon',
			"Content-Length: 17\r\nTransfer-Encoding : chunked\r\n\r\n$job"
		],
		[ 'a blank in a name', "X Y: z\r\nContent-Length: 17\r\n\r\n$job" ],
		[ 'a second Host', "Content-Length: 17\r\nHost: localhost\r\n\r\n$job" ],
		[ 'a bare LF', "X: y\nContent-Length: 17\r\n\r\n$job" ],
		[ 'a bare LF at the last line', "Content-Length: 17\n\r\n$job" ],
		[ 'a bare LF as the empty line', "Content-Length: 17\r\n\n$job" ],
		[ 'a bare CR', "X: y\rZ: z\r\nContent-Length: 17\r\n\r\n$job" ],
		[ 'NUL', "X: y\0z\r\nContent-Length: 17\r\n\r\n$job" ],
		[ 'NUL at the last line', "Content-Length: 17\0 18\r\n\r\n$job" ],
		[ 'a line that goes on', "X: y\r\n z\r\nContent-Length: 17\r\n\r\n$job" ],
		[ 'a length that goes on', "Content-Length: 1\r\n 7\r\n\r\n$job" ],
		[ 'a line that begins with a blank', " X: y\r\nContent-Length: 17\r\n\r\n$job" ],
		[ 'chunks of no number', "Transfer-Encoding: chunked\r\n\r\n0x11\r\n$job\r\n0\r\n\r\n" ],
		[ 'chunks of another length', "Transfer-Encoding: chunked\r\n\r\n10\r\n$job\r\n0\r\n\r\n" ],
		[
			'chunks of a length below zero',
			"Transfer-Encoding: chunked\r\n\r\n-11\r\n$job\r\n0\r\n\r\n"
		])
	{
		is($statuses->($begin . $case->[1]), 400, "$case->[0]: refused, and the connection closed");
	}
	is($statuses->("GET /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
		400, 'chunks in HTTP/1.0');
	is($statuses->("GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
		421, 'a Host that is not ours');
	# after a body nothing is read, however it was framed
	is($statuses->("GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nxxxxx"),
		200, 'the connection ends with a body');
	is( $statuses->(
			"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\nxxxxx\n0\n\n"
		),
		200,
		'and with a chunked one');
	# without one it goes on, whatever the header's size
	is( $statuses->(
				"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: "
			  . 'x' x 9000 . "\r\n"
			  . join('', map { "X$_:\ty\r\n" } 1 .. 100) . "\r\n"
			  . "GET /livez HTTP/1.1\r\nhost:localhost\r\nConnection: close\r\n\r\n"),
		'200 200',
		'but not without one');
}

# --- paths
my @no_paths = (
	'/', '/v1',
	'/v1/', '/V1/jobs',
	'//v1/jobs', '/v1//jobs',
	'/v1/jobs/', '/v1/jobs//log',
	'/v1/jobs/x/log/', '/v1/jobs/x/y',
	'/v1/jobs/../../etc/passwd', '/v1/../v1/jobs',
	'/v1/jobs%00', '/v1/jobs%2f..%2fjobs',
	'/livez/', '/v1/wal/00000001%2f0000',
	"/$mark");
is_problem($sidecar->http(GET => $_), 404, 'not-found', qr/./, "no path: $_") for @no_paths;
my @no_ids = (
	'%00', 'x%00',
	'..', '.%2e',
	'%2e%2e', "--repo1-path=$mark",
	"%2d%2drepo1-path=$mark", '$(x)',
	'`x`', "x%0a$mark",
	'x%0d%0ay', '%27',
	'%22', '%5c',
	'x;y', 'x%20y',
	'%c3%a9', '%ff',
	'%', '%zz',
	'x' x 65, 'x' x 20000,
	"20261122T154107$mark");
for my $id (@no_ids)
{
	my $name = length $id > 60 ? substr($id, 0, 60) . '...' : $id;
	is_problem($sidecar->http($_->[0] => "/v1/jobs/$id$_->[1]"),
		404, 'not-found', qr/./, "no job: $_->[0] $name$_->[1]")
	  for [ GET => '' ], [ DELETE => '' ], [ GET => '/log' ];
}
is_problem(
	$sidecar->http(GET => "/v1/wal/$_"),
	422, 'invalid-value',
	qr/WAL segment/,
	"no WAL segment: $_"
) for '0', '0' x 23, '0' x 25, 'a' x 24, 'G' x 24, '..', '0' x 23 . '%00', '0' x 22 . '.*';

# --- queries
is_problem($sidecar->http(GET => $_->[0]), 400, 'bad-request', $_->[1], "query: $_->[0]")
  for [ "/v1/jobs?$mark=1", qr/unknown.*$mark/ ],
  [ '/v1/jobs?limit=1&limit=2', qr/"limit".*twice/ ],
  [ '/v1/jobs?Limit=1', qr/unknown.*Limit/ ], [ '/v1/jobs?%00=1', qr/unknown/ ],
  [ '/v1/jobs?%0a=1', qr/unknown/ ],
  [ '/v1/jobs?limit=1&x', qr/unknown/ ], [ '/livez?x=1', qr/unknown/ ],
  [ '/readyz?verbose', qr/unknown/ ],
  [ '/v1/node?refresh=true', qr/unknown/ ],
  [ '/v1/info?' . join('&', map { "x$_=1" } 1 .. 20), qr/unknown/ ];
is_problem($sidecar->http(GET => $_->[0]), 422, 'invalid-value', qr/"$_->[1]"/, "query: $_->[0]")
  for [ '/v1/jobs?limit=', 'limit' ], [ '/v1/jobs?limit', 'limit' ],
  [ '/v1/jobs?limit=1%00', 'limit' ],
  [ '/v1/jobs?limit=%2b1', 'limit' ], [ '/v1/jobs?limit=1.0', 'limit' ],
  [ '/v1/jobs?state=', 'state' ],
  [ '/v1/jobs?state=queued%27', 'state' ], [ "/v1/jobs?kind=$mark", 'kind' ],
  [ '/v1/jobs?before=', 'before' ],
  [ "/v1/jobs?before=--$mark", 'before' ], [ '/v1/jobs?before=%27%20OR%201', 'before' ],
  [ '/v1/info?refresh=yes', 'refresh' ],
  [ '/v1/info?refresh', 'refresh' ], [ '/v1/info?wait=301', 'wait' ],
  [ '/v1/info?wait=-1', 'wait' ],
  [ '/v1/jobs/20261122T154107?wait=61', 'wait' ], [ '/v1/jobs/20261122T154107?wait=x', 'wait' ],
  [ '/v1/restore-points?timeline=0', 'timeline' ],
  [ '/v1/restore-points?timeline=99999999999', 'timeline' ],
  [ '/v1/restore-points?name=', 'name' ], [ '/v1/restore-points?name=%27', 'name' ],
  [ '/v1/restore-points?name=%ff', 'name' ];

# --- methods
my %allow = (
	'/v1/jobs' => 'GET, HEAD, POST',
	'/v1/jobs/x' => 'GET, HEAD, DELETE',
	'/v1/jobs/x/log' => 'GET, HEAD',
	'/v1/info' => 'GET, HEAD',
	'/v1/restore-points' => 'GET, HEAD, POST',
	'/livez' => 'GET, HEAD');
for my $path (sort keys %allow)
{
	for my $method (qw(GET POST PUT PATCH DELETE OPTIONS TRACE PROPFIND get))
	{
		next if $allow{$path} =~ /\b$method\b/;
		my $answer = $sidecar->http($method => $path);
		is_problem($answer, 405, 'method-not-allowed', qr/\Q$method\E/, "$method $path");
		is($answer->{headers}{allow}, $allow{$path}, "$method $path: Allow");
	}
}
for my $path (qw(/livez /readyz /v1/jobs /v1/info))
{
	my $head =
	  $sidecar->raw_http("HEAD $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	my $get = $sidecar->http(GET => $path);
	is("$head->{status} $head->{content}", "$get->{status} ", "HEAD $path: no body");
	is( $head->{headers}{'content-type'},
		$get->{headers}{'content-type'},
		"HEAD $path: the headers of GET");
}
is( $sidecar->raw_http("HEAD /v1/jobs/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	  ->{status},
	404, 'HEAD of what is not there');

# --- restore points
my %point = (
	name => 'before it',
	lsn => '0/16B3748',
	timeline => 1,
	time => '2026-11-22T15:41:07Z',
	xid => '731');
for my $attempt (
	(   map { [ name => $_ ] } undef,
		'', 1, [], "$mark'", "$mark\n", 'a"b', 'a\\b', 'a`b', ' a', 'a ', 'x' x 64, "\x{e9}" x 32,
		"\x{85}"),
	(   map { [ lsn => $_ ] } undef,
		'', 0, '0', '0/', '/0', '0/0/0', '0/G', '0x0/0', '0/123456789', "0/0\n", " 0/0",
		"0/0'$mark"),
	(map { [ timeline => $_ ] } undef, 0, -1, '1', 1.5, 1e15, [], JSON::PP::true),
	(   map { [ time => $_ ] } undef, '',
		1, $mark,
		'2026-11-22', '2026-11-22T15:41:07',
		'2026-13-22T15:41:07Z', '2026-02-30T00:00:00Z',
		'2026-11-22T25:00:00Z', "2026-11-22T15:41:07Z'",
		'2026-11-22T15:41:07Z ', 'now',
		'infinity'),
	(map { [ xid => $_ ] } undef, '', 731, '-1', '0x1', '1' x 21, "1\n", "1;$mark"),
	[ $mark => 1 ])
{
	my ($key, $value) = @$attempt;
	my $text = $json->encode({ %point, $key => $value });
	my $name = substr $text =~ s/([^ -~])/sprintf '\\x{%x}', ord $1/ger, 0, 120;
	is_problem(post('/v1/restore-points', $text),
		422, 'invalid-value', qr/"\Q$key\E"/, "a restore point: $name");
}
is_deeply($sidecar->http(GET => '/v1/restore-points')->{json}{restore_points},
	[], 'none of them is kept');
my $kept = post('/v1/restore-points', $json->encode(\%point));
is($kept->{status}, 201, 'a restore point in its grammar is kept');
is_deeply($kept->{json}, { %point, time => '2026-11-22T15:41:07.000Z' }, 'as it was given');
is_problem(post('/v1/restore-points', $json->encode(\%point)),
	409, 'duplicate', qr/before it/, 'once on a timeline');
is(post('/v1/restore-points', $json->encode({ %point, timeline => 2 }))->{status},
	201, 'and again on another');
is_deeply(
	[
		map { $_->{timeline} }
		  @{ $sidecar->http(GET => '/v1/restore-points?name=before%20it')->{json}{restore_points} }
	],
	[ 2, 1 ],
	'newest first');
is( scalar @{
		$sidecar->http(GET => '/v1/restore-points?name=before+it&timeline=1')
		  ->{json}{restore_points}
	},
	1,
	'those of a timeline');

# --- nothing of all that has had an effect
ok($sidecar->alive, 'the sidecar is well');
is(scalar @{ $sidecar->http(GET => '/v1/jobs')->{json}{jobs} }, $jobs_before,
	'no job was accepted');
unlike(slurp($record), qr/$mark/, 'nothing of it has reached a command line');
my @unknown = grep {
	!/^(?:--config=\Q$member->{config}\E|--stanza=main|--log-level-(?:console|stderr)=\w+|--output=json|info|version|stanza-create)$/
} map { @$_ } command_lines();
is_deeply(\@unknown, [], 'the command lines hold what they always hold');

# --- what is in the grammar arrives as it is
my %annotations = (
	plain => 'text',
	'A.b_c-1' => 'x',
	'k' x 64 => 'v' x 256,
	quotes => q{'"`},
	shell => '$(touch /tmp/x); rm -rf * | cat > y &',
	option => '--repo1-path=/elsewhere',
	equals => 'a=b=c',
	backslash => '\\n\\0',
	percent => '%p%s%n',
	blank => '  ',
	unicode => "Zürich 東京 🐘",
	'0' => '-');
unlink $record;
my $answer = post(
	'/v1/jobs',
	encode(
		'UTF-8',
		JSON::PP->new->canonical->encode({
			kind => 'backup',
			type => 'full',
			repo => 1,
			annotations => \%annotations,
			claimed_by => q{O'Neill "x"},
			reason => '--type=incr'
		})));
is($answer->{status}, 202, 'a job in its grammar is accepted') or diag $answer->{content};
my $id = $answer->{json}{id};
my $job = $sidecar->wait_job($id);
is($job->{state}, 'succeeded', 'and run') or diag $json->encode($job);
my ($line) = grep { $_->[-1] eq 'backup' } command_lines();
my %own = map { encode('UTF-8', "--annotation=$_=$annotations{$_}") => 1 } keys %annotations;
is_deeply(
	[ sort grep { !$own{$_} } @$line ],
	[
		sort "--config=$member->{config}", '--stanza=main',
		'--log-level-stderr=off', '--log-level-console=detail',
		'--repo=1', '--type=full',
		"--annotation=timestamp=$id", 'backup'
	],
	'its command line');
is( scalar(grep { $own{$_} } @$line),
	scalar keys %annotations,
	'has one argument for each annotation, as it was given');
is_deeply($job->{annotations}, \%annotations, 'the job shows them');
my $info = $sidecar->http(GET => '/v1/info')->{json}{stanzas}[0]{backup}[-1];
my %snapshot = map { $_ => delete $info->{annotation}{$_} } qw(snapshot-xmin snapshot-xmax);
is_deeply($info->{annotation}, { %annotations, timestamp => $id }, 'and so does pgbackrest');
like($snapshot{$_}, qr/^\d+$/, "with $_") for sort keys %snapshot;
is($job->{claimed_by}, q{O'Neill "x"}, 'who asked');
is($job->{reason}, '--type=incr', 'and why');

# the other kinds
unlink $record;
my $set = $job->{label};
for my $case (
	[
		{ kind => 'annotate', set => $set, annotations => { plain => '', more => q{it's} } },
		"--set=$set", '--annotation=plain=', q{--annotation=more=it's}, 'annotate'
	],
	[
		{ kind => 'expire', set => $set, dry_run => JSON::PP::true, repo => 1 },
		"--set=$set", '--dry-run', '--repo=1', 'expire'
	],
	[ { kind => 'verify', repo => 1 }, '--repo=1', '--output=text', 'verify' ],
	[ { kind => 'check' }, 'check' ],
	[ { kind => 'stanza-upgrade' }, 'stanza-upgrade' ])
{
	my ($request, @arguments) = @$case;
	my $done = $sidecar->wait_job($sidecar->post_job(%$request)->{id});
	my ($argv) = grep { $_->[-1] eq $request->{kind} } command_lines();
	is_deeply(
		[ sort grep { !/^--(?:config|stanza|log-level-\w+)=/ } @$argv ],
		[ sort @arguments ],
		"$request->{kind}: its command line");
	is( $done->{state},
		$request->{kind} eq 'expire' ? 'failed' : 'succeeded',
		"$request->{kind}: it is run") or diag $json->encode($done);
}
$info = $sidecar->http(GET => '/v1/info?refresh=true')->{json}{stanzas}[0]{backup}[-1];
is($info->{annotation}{more}, q{it's}, 'annotate has added one');
ok(!exists $info->{annotation}{plain}, 'and removed one');

# bodies that are right, in ways that are not the usual ones
my %right = (
	'64 KiB' => sub { post('/v1/jobs', $fill->(65536)) },
	'in chunks' => sub {
		raw_post("Transfer-Encoding: chunked\r\n",
			$chunk->('{"kind":') . $chunk->('"verify"}') . "0\r\n\r\n");
	},
	'a content type with a charset' =>
	  sub { post('/v1/jobs', '{"kind":"verify"}', 'Application/JSON; charset=utf-8') },
	'null for what is not given' =>
	  sub { post('/v1/jobs', '{"kind":"verify","repo":null,"claimed_by":null,"reason":null}') });
for my $name (sort keys %right)
{
	my $accepted = $right{$name}->();
	is($accepted->{status}, 202, "accepted: $name") or diag $accepted->{content};
	$sidecar->wait_job($accepted->{json}{id}) if $accepted->{status} == 202;
}

done_testing;
