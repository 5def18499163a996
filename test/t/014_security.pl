# Who is let in: where the sidecar may listen, bearer tokens and their scopes, TLS and certificates.
# Neither PostgreSQL nor a repository is needed for that.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use PgbrTls;
use Test::More;

my $cluster = PgbrCluster->new(preload => 0);
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $dir = $member->{dir};
my $port = $sidecar->{port};
# what follows is about who comes over TCP
$sidecar->speak_tcp;

# a file that only its owner can read
sub secret { my ($name, $text) = @_; return spew("$dir/$name", $text, 0600) }

my %token = map {
	$_ => "token-of-$_-" . join '',
	  map { ('a' .. 'z', 0 .. 9)[ rand 36 ] }
	  1 .. 32
} qw(read operate restore none later);
my $tokens = secret('tokens',
		"# a comment\n\n$token{read} read\n$token{operate}\r\n  $token{restore}\trestore\t"
	  . 'x' x 64
	  . "\n");

my $tls = PgbrTls->new($cluster->sandbox, $dir);
$tls->ca($_) for qw(ca other_ca);
$tls->certificate($_, 'ca', usage => 'serverAuth') for qw(server renewed);
$tls->certificate('client', 'ca')->certificate('stranger', 'other_ca')
  ->certificate('expired', 'ca', days => -1);
$tls->crl($_) for qw(ca other_ca);
my @tls = ("--tls-cert-file=$dir/server.crt", "--tls-key-file=$dir/server.key");

# --- where it may listen
for my $address ('0.0.0.0', '[::]', '198.51.100.1')
{
	for my $with (['nothing'], [ 'TLS alone', @tls ])
	{
		my ($name, @options) = @$with;
		my ($status, $log) = refused($sidecar, "--listen=$address:$port", @options);
		is($status, 2, "$address with $name: it does not start");
		like(
			$log,
			qr/refusing to listen on "\Q$address\E:$port" without authentication\nhint: Give --token-file/,
			'and says why');
	}
}
{
	local $ENV{PGBR_SIDECAR_LISTEN} = "0.0.0.0:$port";
	my $second = PgbrSidecar->new($member);
	my @command = grep { !/^--(?:listen|pg-conninfo)=/ } $second->command;
	my $output = `@command 2>&1`;
	is($? >> 8, 2, 'an address from the environment is held to the same');
	like($output, qr/refusing to listen/, 'and it says why');
}
for my $case (["--token-file=$tokens"], ['--insecure-no-auth'])
{
	$sidecar->start("--listen=0.0.0.0:$port", @$case);
	is($sidecar->http(GET => '/livez')->{status}, 200, "0.0.0.0 with @$case: it starts");
	is( $sidecar->http(GET => '/v1/jobs')->{status},
		$case->[0] =~ /token/ ? 401 : 200,
		'and asks for a token when it has one');
	is($sidecar->stop, 0, 'and stops');
}
for my $listen ("localhost:$port", "127.0.0.2:$port")
{
	$sidecar->launch("--listen=$listen");
	wait_for { $sidecar->log =~ /listens on \Q$listen\E/ } "to listen on $listen";
	is($sidecar->stop, 0, "$listen needs no authentication");
}
for my $listen (
	'127.0.0.1', ':8430', '127.0.0.1:', '127.0.0.1:70000',
	'127.0.0.1:x', '127.0.0.1:-1', '[::1:8430', "no host:$port",
	'')
{
	my ($status, $log) = refused($sidecar, "--listen=$listen");
	is($status, 2, "--listen=$listen: refused");
	like($log, qr/error: (?:invalid value|could not resolve) "\Q$listen\E|could not resolve "/,
		'and why');
}

# --- a password on a command line, which every user of the host can read
for my $conninfo ('dbname=postgres password=hunter2hunter2',
	'postgresql://postgres:hunter2hunter2@/postgres')
{
	my ($status, $log) = refused($sidecar, "--pg-conninfo=$conninfo");
	is($status, 2, 'a password in --pg-conninfo: it does not start');
	like(
		$log,
		qr/error: --pg-conninfo holds a password.*\nhint: Put it into a file .* passfile=FILE/,
		'and says what to do');
	unlike($log, qr/hunter2/, 'without telling it');
}

# --- token files
for my $case (
	[ 'that is not there', "$dir/nowhere", qr/could not open file ".*nowhere": No such file/ ],
	[
		'that its group can read',
		spew("$dir/group", "$token{read}\n", 0640),
		qr/has group or world access/
	],
	[
		'that all can read', spew("$dir/all", "$token{read}\n", 0604),
		qr/has group or world access/
	],
	[ 'without a token', secret('empty', "# none\n\n"), qr/holds no token/ ],
	[
		'with a short token',
		secret('short', "$token{read}\nshort\n"),
		qr/token in line 2 .* not 16 to 511 characters/
	],
	[
		'with a long token',
		secret('long', 'x' x 512),
		qr/token in line 1 .* not 16 to 511 characters/
	],
	[
		'with an unknown scope',
		secret('scope', "$token{read} write\n"),
		qr/invalid scope in line 1/
	],
	[
		'with a name of other characters',
		secret('name', "$token{read} read a\x1bb\n"),
		qr/invalid name in line 1 .* letters, digits and any of \._-/
	],
	[
		'with a long name',
		secret('long-name', "$token{read} read " . 'x' x 65 . "\n"),
		qr/invalid name in line 1/
	],
	[
		'with more than a name',
		secret('more', "$token{read} read a b\n"),
		qr/line 1 of the token file has text after TOKEN SCOPE NAME/
	],
	[
		'with too many tokens',
		secret('many', join '', map { "$token{read}$_\n" } 1 .. 65),
		qr/more than 64 tokens/
	],
	[ 'with a NUL', secret('nul', "$token{read}\0 read\n"), qr/the token file holds a NUL/ ],
	[ 'that is large', secret('large', '#' x 100000), qr/larger than/ ])
{
	my ($name, $file, $says) = @$case;
	my ($status, $log) = refused($sidecar, "--token-file=$file");
	cmp_ok($status, '>=', 1, "a token file $name: it does not start");
	like($log, $says, 'and says why');
	unlike($log, qr/\Q$token{read}\E/, 'without the token');
}

# --- tokens and scopes
# With a token in the header; undef: without the header.
sub with_token
{
	my ($method, $path, $value, %more) = @_;
	return $sidecar->http($method, $path, %more,
		headers => { defined $value ? (Authorization => $value) : () });
}
{
	$sidecar->start("--token-file=$tokens");
	my %body = (kind => 'check');
	my %point =
	  (name => 'x', lsn => '0/1', timeline => 1, time => '2026-11-22T15:41:07Z', xid => '1');
	# of each route: the status for nobody, read, operate, restore
	for my $route (
		[ GET => '/livez', undef, 200, 200, 200, 200 ],
		[ GET => '/readyz', undef, 503, 503, 503, 503 ],
		[ GET => '/v1/jobs', undef, 401, 200, 200, 200 ],
		[ GET => '/v1/jobs/x', undef, 401, 404, 404, 404 ],
		[ GET => '/v1/jobs/x/log', undef, 401, 404, 404, 404 ],
		[ GET => '/v1/info', undef, 401, 200, 200, 200 ],
		[ GET => '/v1/node', undef, 401, 200, 200, 200 ],
		[ GET => '/v1/doctor', undef, 401, 200, 200, 200 ],
		[ GET => '/v1/wal/x', undef, 401, 422, 422, 422 ],
		[ GET => '/v1/restore-points', undef, 401, 200, 200, 200 ],
		[ POST => '/v1/restore-points', \%point, 401, 403, 201, 409 ],
		[ POST => '/v1/jobs', \%body, 401, 403, 202, 202 ],
		[ DELETE => '/v1/jobs/x', undef, 401, 403, 404, 404 ])
	{
		my ($method, $path, $request, @expected) = @$route;
		my @got = map {
			with_token(
				$method, $path,
				$_ && "Bearer $token{$_}",
				$request ? (body => $request) : ())->{status}
		} undef, qw(read operate restore);
		is_deeply(\@got, \@expected, "$method $path: who may");
	}
	# whoever probes learns which check fails, and nothing of PostgreSQL or the repository
	my @ready = map { with_token(GET => '/readyz', $_ && "Bearer $token{$_}")->{json} } undef,
	  'read';
	is_deeply(
		[ map { $_->{message} } grep { !$_->{ok} } @{ $ready[0]{checks} } ],
		[
			map  { 'not ok; callers who may read are told why' }
			grep { !$_->{ok} } @{ $ready[1]{checks} }
		],
		'/readyz tells a stranger no reason');
	is_deeply(
		[ map { [ @$_{qw(name ok)} ] } @{ $ready[0]{checks} } ],
		[ map { [ @$_{qw(name ok)} ] } @{ $ready[1]{checks} } ],
		'but which check it is');
	like($ready[1]{checks}[0]{message}, qr/^(?!not ok).*\S/, 'and why to who may read');
	my $answer = with_token(GET => '/v1/jobs', undef);
	is_problem($answer, 401, 'unauthorized', qr/bearer token/, 'without a token');
	is($answer->{headers}{'www-authenticate'}, 'Bearer', 'and says what is wanted');
	is_problem(
		with_token(POST => '/v1/jobs', "Bearer $token{read}", body => \%body),
		403, 'forbidden',
		qr/does not allow/,
		'one that may not');

	my %wrong = (
		'an unknown token' => "Bearer $token{none}",
		'no token' => 'Bearer',
		'an empty one' => 'Bearer ',
		'another scheme' => "Basic $token{read}",
		'no scheme' => $token{read},
		'the beginning of one' => 'Bearer ' . substr($token{read}, 0, -1),
		'more than one' => "Bearer $token{read}x",
		'two blanks' => "Bearer  $token{read}",
		'two of them' => "Bearer $token{read} $token{operate}",
		'a long one' => 'Bearer ' . 'x' x 10000,
		'a comment of the file' => 'Bearer # a comment',
		'in other case' => 'Bearer ' . uc $token{read});

	for my $name (sort keys %wrong)
	{
		is(with_token(GET => '/v1/jobs', $wrong{$name})->{status}, 401, "$name: 401");
	}
	is(with_token(GET => '/v1/jobs', "bearer $token{read}")->{status},
		200, 'the scheme is in any case');
	is(with_token(GET => "/v1/jobs?access_token=$token{read}", undef)->{status},
		401, 'a token in the URL is none');

	# the file changes while it runs
	my $replace = sub { my ($text) = @_; rename secret('tokens.new', $text), $tokens or die };
	my $status = sub {
		my ($name) = @_;
		return with_token(GET => '/v1/jobs', "Bearer $token{$name}")->{status};
	};
	$replace->("$token{later} read\n");
	is_deeply(
		[ $status->('read'), $status->('later') ],
		[ 401, 200 ],
		'a file that is replaced counts at once');
	spew($tokens, "$token{read} read\n");
	is_deeply([ $status->('read'), $status->('later') ], [ 200, 401 ], 'and one that is rewritten');

	for my $change (
		[ 'is gone', sub { unlink $tokens } ],
		[ 'is wrong', sub { $replace->("$token{read} write\n") } ],
		[
			'can be read by others',
			sub { $replace->("$token{read}\n# for all\n"); chmod 0644, $tokens }
		])
	{
		my ($name, $do) = @$change;
		my $before = length $sidecar->log;
		$do->();
		is_deeply(
			[ map { $status->('read') } 1 .. 3 ],
			[ 401, 401, 401 ],
			"a file that $name lets nobody in");
		my $said = () =
		  substr($sidecar->log, $before) =~ /could not read the token file: nobody is let in/g;
		is($said, 1, 'and it says so once');
		$replace->("$token{read} read\n");
		is($status->('read'), 200, 'until it is right again');
	}
	chmod 0644, $tokens;
	is($status->('read'), 401, 'one that others may read from now on lets nobody in');
	chmod 0600, $tokens;
	is($status->('read'), 200, 'until its mode is as the hint says');
	my $time = (stat $tokens)[9];
	$replace->("$token{later} read\n");
	utime $time, $time, $tokens or die;
	is($status->('later'), 200, 'a file with a time set');
	spew($tokens, "$token{read} read\n");
	utime $time, $time, $tokens or die;
	is_deeply(
		[ $status->('later'), $status->('read') ],
		[ 401, 200 ],
		'one that was rewritten and given the time of the one before');
	is($sidecar->stop, 0, 'a clean end');
}

# --- TLS
sub https { my (@arguments) = @_; return $tls->https($port, @arguments) }

sub start_tls
{
	my (@options) = @_;
	$sidecar->launch(@tls, @options);
	wait_for { $sidecar->alive or die $sidecar->log; https('/livez')->{status} == 200 }
	'TLS to be served';
	return;
}

{
	for my $case (
		[ 'a certificate without a key', [ $tls[0] ], 2, qr/go together/ ],
		[ 'a key without a certificate', [ $tls[1] ], 2, qr/go together/ ],
		[
			'a client CA without TLS', ["--tls-client-ca-file=$dir/ca.crt"],
			2, qr/needs --tls-cert-file/
		],
		[
			'a key that its group can read',
			[ $tls[0], '--tls-key-file=' . spew("$dir/open.key", slurp("$dir/server.key"), 0640) ],
			2,
			qr/group or world access/
		],
		[
			'a key that is none',
			[ $tls[0], '--tls-key-file=' . secret('none.key', "no key\n") ],
			1, qr/could not use the key/
		],
		[
			'a certificate that is none',
			[ "--tls-cert-file=$dir/server.ext", $tls[1] ],
			1,
			qr/could not use the certificate/
		],
		[
			'a key of another certificate',
			[ $tls[0], "--tls-key-file=$dir/renewed.key" ],
			1,
			qr/key .* is not that of the certificate/
		],
		[
			'a certificate that is not there',
			[ "--tls-cert-file=$dir/nowhere", $tls[1] ],
			1,
			qr/could not open file ".*nowhere"/
		],
		[
			'a client CA that is not there',
			[ @tls, "--tls-client-ca-file=$dir/nowhere" ],
			1,
			qr/could not open file ".*nowhere"/
		],
		[
			'a client CA that is none',
			[ @tls, "--tls-client-ca-file=$dir/server.ext" ],
			1, qr/could not use the client CA/
		],
		[
			'a revocation list without a CA',
			[ @tls, "--tls-crl-file=$dir/ca.crl" ],
			2,
			qr/--tls-crl-file needs --tls-client-ca-file/
		],
		[
			'a name without a CA',
			[ @tls, '--tls-client-name=x' ],
			2, qr/--tls-client-name needs --tls-client-ca-file/
		],
		[
			'a revocation list that is not there',
			[ @tls, "--tls-client-ca-file=$dir/ca.crt", "--tls-crl-file=$dir/nowhere" ],
			1, qr/could not open file ".*nowhere"/
		],
		[
			'a revocation list that is none',
			[ @tls, "--tls-client-ca-file=$dir/ca.crt", "--tls-crl-file=$dir/ca.crt" ],
			1, qr/could not use the revocation list/
		],
		[
			'a revocation list of another CA',
			[ @tls, "--tls-client-ca-file=$dir/ca.crt", "--tls-crl-file=$dir/other_ca.crl" ],
			1, qr/is not signed by the client CA/
		],
		(   map { [
				"the name $_", [ @tls, "--tls-client-ca-file=$dir/ca.crt", "--tls-client-name=$_" ],
				2, qr/invalid (?:value|scope)/
			] } '',
			'=read', 'x=', 'x=all',
			'a=b=read',
			"a\nb",
			'x' x 128),
		[
			'a name twice',
			[
				@tls,
				"--tls-client-ca-file=$dir/ca.crt",
				map { "--tls-client-name=$_" } 'x=read', 'x'
			],
			2,
			qr/names "x" twice/
		])
	{
		my ($name, $options, $exit, $says) = @$case;
		my ($status, $log) = refused($sidecar, @$options);
		is($status, $exit, "$name: it does not start");
		like($log, $says, 'and says why');
	}

	$tls->replace_pair('server', 'served');
	@tls = ("--tls-cert-file=$dir/served.crt", "--tls-key-file=$dir/served.key");
	start_tls(
		'--pgbackrest='
		  . program(
			$member, 'hangs',
			qq(while test -e '$dir/hang'; do sleep 0.05; done\nexec pgbackrest "\$\@"\n)));
	is(https('/v1/jobs')->{status}, 200, 'TLS with a certificate of our CA');
	is(https('/livez', '--cacert', "$dir/other_ca.crt")->{exit},
		60, 'which another CA does not vouch for');
	is($tls->served_serial($port), $tls->serial('server'), 'the certificate it was given');
	unlike($sidecar->raw("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		qr/200|alive|ok/, 'plain HTTP gets no answer');
	unlike($sidecar->raw("\x16\x03\x01\xff\xff" . 'x' x 100000), qr/200/, 'nor does rubbish');
	my $old =
	  `echo | openssl s_client -connect 127.0.0.1:$port -tls1_1 -cipher ALL:\@SECLEVEL=0 2>&1`;
	unlike($old, qr/^\s*Cipher\s*: (?!0000)\S+/m, 'TLS 1.1 is not spoken');
	$tls->replace_pair('renewed', 'served');
	is( $tls->served_serial($port),
		$tls->serial('renewed'),
		'a certificate that is replaced is served at the next handshake');
	is(https('/livez')->{status}, 200, 'and works');
	spew("$dir/served.crt", "rubbish\n");
	is( $tls->served_serial($port),
		$tls->serial('renewed'),
		'while it is none, the one before is served') for 1 .. 2;
	is( () =
		  $sidecar->log =~
		  /the previous TLS certificate stays in use: could not use the certificate/g,
		1,
		'and the log says why, once');
	$tls->replace_pair('server', 'served');
	is($tls->served_serial($port), $tls->serial('server'), 'until it is right again');

	# who waits and hangs up is noticed, although TLS says good-bye first
	my $threads = idle_threads($sidecar);
	spew("$dir/hang", '');
	for my $number (1 .. 3)
	{
		my ($in, $out, $errors) = ("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", '', '');
		my $client = IPC::Run::start([ 'openssl', 's_client', '-connect', "127.0.0.1:$port" ],
			\$in, \$out, \$errors, IPC::Run::timeout(20));
		$client->pump until $out =~ /"status":"ok"/;
		$in .= "GET /v1/info?refresh=true&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n";
		# it says good-bye at the end of its input
		$client->finish;
	}
	cmp_ok(threads($sidecar), '>', $threads, 'they have been there');
	wait_for { threads($sidecar) == $threads } 'them to be forgotten', 10;
	pass('who hangs up while it waits is forgotten');
	unlink "$dir/hang";
	is($sidecar->stop, 0, 'a clean end');
}

# --- client certificates
sub as_client { my ($name) = @_; return $tls->as_client($name) }
my @post = ('-X', 'POST', '-H', 'Content-Type: application/json', '-d', '{"kind":"check"}');
{
	start_tls(
		"--tls-client-ca-file=$dir/ca.crt",
		'--tls-client-name=client=restore',
		"--listen=0.0.0.0:$port");
	is(https('/v1/jobs', as_client('client'))->{status}, 200, 'a client certificate of our CA');
	is(https('/v1/jobs', as_client('client'), @post)->{status}, 202, 'may do what its name may');
	is(https('/livez')->{status}, 200, 'without one: what is for everyone');
	my $answer = https('/v1/jobs');
	is($answer->{status}, 401, 'and nothing else');
	like($answer->{content}, qr/client certificate/, 'which says what is wanted');
	like(https('/v1/jobs', as_client($_))->{status},
		qr/^(?:0|401)$/, "a certificate that is no client's of our CA: $_")
	  for qw(stranger expired server);
	$sidecar->stop;

	start_tls("--tls-client-ca-file=$dir/ca.crt",
		'--tls-client-name=client', "--token-file=$tokens");
	my @token = ('-H', "Authorization: Bearer $token{read}");
	is(https('/v1/jobs', @token)->{status}, 200, 'with tokens as well, a token will do');
	is(https('/v1/jobs', @token, @post)->{status}, 403, 'for what it may');
	is(https('/v1/jobs', as_client('client'), @post)->{status}, 202, 'and so will a certificate');
	is(https('/v1/jobs')->{status}, 401, 'and nothing will not');
	like(https('/v1/jobs', as_client('stranger'), @token, @post)->{status},
		qr/^(?:0|403)$/, 'a foreign certificate adds nothing to a token');

	# no secret is anywhere
	my $seen = join "\n", map { slurp($_) } glob("/proc/" . $sidecar->pid . "/cmdline"),
	  glob("$cluster->{sandbox}{log}/*"), glob("$sidecar->{state}/*"),
	  glob("$sidecar->{state}/log/*");
	unlike($seen, qr/\Q$token{$_}\E/, "the token \"$_\" is in no log, command line or state")
	  for sort keys %token;
	like($seen, qr/refused GET \/v1\/jobs from 127\.0\.0\.1: 401/, 'what was refused is');
	is($sidecar->stop, 0, 'a clean end');
}

done_testing;
