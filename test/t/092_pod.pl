# A client on the network: a pod of another name, a program on another host. It reaches the
# sidecar's TCP address, and tries what a certificate of the CA, or something that looks like one,
# may do.
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
my $tls = PgbrTls->new($cluster->sandbox, $dir);

# what comes from another address than the sidecar's own
sub https
{
	my (@arguments) = @_;
	return $tls->https($port, @arguments, '--interface', '127.0.0.2');
}

sub replace
{
	my ($from, $to) = @_;
	rename spew("$dir/replace.new", slurp("$dir/$from")), "$dir/$to" or die "rename: $!\n";
	return;
}

sub start
{
	my (@options) = @_;
	replace('ca.crt', 'served_ca.crt');
	replace('ca.crl', 'served_ca.crl');
	$sidecar->launch(
		"--listen=0.0.0.0:$port",
		"--tls-cert-file=$dir/served.crt",
		"--tls-key-file=$dir/served.key",
		"--tls-client-ca-file=$dir/served_ca.crt", @options);
	wait_for { $sidecar->alive or die $sidecar->log; https('/livez')->{status} == 200 }
	'TLS to be served';
	return;
}

# What a client may do: the statuses of a read, an operate and a restore, the last two of which ask
# for nothing that there is.
sub may
{
	my (@as) = @_;
	my @json = ('-H', 'Content-Type: application/json', '-d');
	return join ' ', map { https(@$_, @as)->{status} }['/v1/jobs'],
	  [ '/v1/jobs', @json, '{"kind":"none"}' ], [ '/v1/restores/x', '-X', 'PUT', @json, '{}' ];
}
my %may = (
	nothing => '401 401 401',
	read => '200 403 403',
	operate => '200 422 403',
	restore => '200 422 422');
sub as { my ($name) = @_; return $tls->as_client($name) }

$tls->ca($_) for qw(ca other_ca);
$tls->ca('middle', signer => 'ca');
$tls->certificate($_, 'ca', usage => 'serverAuth') for qw(server renewed);
$tls->replace_pair('server', 'served');
$tls->certificate($_, 'ca') for qw(reader operator restorer somebody Restorer restorers revoked);
$tls->certificate('both', 'ca', usage => 'serverAuth,clientAuth', subject => '/O=x/CN=restorer');
$tls->certificate('of_server', 'ca', usage => 'serverAuth', subject => '/CN=restorer');
$tls->certificate('of_mail', 'ca', usage => 'emailProtection', subject => '/CN=restorer');
$tls->certificate('of_all', 'ca', usage => undef, subject => '/CN=restorer');
$tls->certificate('of_any', 'ca', usage => 'anyExtendedKeyUsage', subject => '/CN=restorer');
$tls->certificate('nameless', 'ca', subject => '/O=restorer');
$tls->certificate('two_names', 'ca', subject => '/CN=restorer/CN=somebody');
$tls->certificate('two_in_one', 'ca', subject => '/CN=somebody+CN=restorer');
$tls->certificate(
	'alternative', 'ca',
	subject => '/CN=other',
	extensions => ['1.2.3.4=ASN1:UTF8String:restorer']);
$tls->certificate('with_nul', 'ca', subject => '/CN=restorer.evil')
  ->forge('with_nul', 'ca', 'restorer.evil', "restorer\0evil");
$tls->certificate('with_escape', 'ca', subject => '/CN=restorer.evil')
  ->forge('with_escape', 'ca', 'restorer.evil', "restorer\e[1mx");
$tls->certificate('blank', 'ca', subject => '/CN=restorer ');
$tls->certificate('expired', 'ca', subject => '/CN=restorer', days => -1);
$tls->certificate('stranger', 'other_ca', subject => '/CN=restorer');
$tls->certificate('below', 'middle', subject => '/CN=restorer');
spew("$dir/below.crt", slurp("$dir/below.crt") . slurp("$dir/middle.crt"));
# signs with a certificate that is none of a CA
$tls->certificate('signed_by_client', 'restorer', subject => '/CN=restorer');
spew("$dir/signed_by_client.crt", slurp("$dir/signed_by_client.crt") . slurp("$dir/restorer.crt"));
$tls->crl('ca', revoke => ['revoked'])->crl('other_ca')->crl('middle');

subtest 'a certificate counts for what its name may do' => sub {
	my @names = map { "--tls-client-name=$_" } qw(reader=read operator restorer=restore);
	start(@names);
	is(may(), $may{nothing}, 'none');
	is(may(as('reader')), $may{read}, 'read');
	is(may(as('operator')), $may{operate}, 'operate, when no scope is said');
	is(may(as('restorer')), $may{restore}, 'restore');
	is(may(as('restorer'), '--tls-max', '1.2'), $may{restore}, 'with TLS 1.2, too');
	is(may(as('both')), $may{restore}, 'for clients among others');
	is(may(as('below')), $may{restore}, 'below another CA');
	is(may(as('revoked')), $may{nothing}, 'one that is not named here');
	like(
		https('/v1/jobs', as('somebody'))->{json}{detail},
		qr/no --tls-client-name of the sidecar names "somebody"/,
		'and why');

	for my $case (
		[ 'in another case', 'Restorer', qr/names "Restorer"/ ],
		[ 'that begins like one', 'restorers', qr/names "restorers"/ ],
		[ 'with a blank behind', 'blank', qr/names "restorer "/ ],
		[ 'without a name', 'nameless', qr/not one common name/ ],
		[ 'with two names', 'two_names', qr/not one common name/ ],
		[
			'with two names in one',
			'two_in_one', qr/not one common name|names "somebody\+CN=restorer"/
		],
		[ 'with the name elsewhere', 'alternative', qr/names "other"/ ],
		[ 'with a NUL in its name', 'with_nul', qr/not one common name of plain text/ ],
		[ 'with an escape in its name', 'with_escape', qr/not one common name of plain text/ ],
		[ 'of a server', 'of_server', qr/not made for clients/ ],
		[ 'for mail', 'of_mail', qr/not made for clients/ ],
		[ 'that does not say what it is for', 'of_all', qr/not made for clients/ ],
		[ 'for anything', 'of_any', qr/not made for clients/ ],
		[ 'that has expired', 'expired', qr/has expired/ ],
		[ 'of another CA', 'stranger', qr/not of the client CA/ ],
		[
			'signed by a client',
			'signed_by_client', qr/signature, key or chain is not valid|not of the client CA/
		])
	{
		my ($what, $name, $why) = @$case;
		is(may(as($name)), $may{nothing}, "a certificate $what");
		like(https('/v1/jobs', as($name))->{json}{detail}, $why, 'and why');
	}
	$sidecar->stop;

	start();
	is(may(as('somebody')), $may{read}, 'without any name given, a certificate of the CA reads');
	is(may(as('restorer')), $may{read}, 'and does no more, whatever its name');
	is(may(as('stranger')), $may{nothing}, 'and one of another CA nothing');
	$sidecar->stop;
	start('--tls-client-name=*=operate', '--tls-client-name=reader=read');
	is(may(as('somebody')), $may{operate}, '* is every other');
	is(may(as('reader')), $may{read}, 'than those that are named');
	$sidecar->stop;
};

# A connection that is kept, for one question after another; gives the status.
sub keep_alive
{
	my ($name) = @_;
	my ($in, $out, $errors) = ('', '', '');
	my $client = IPC::Run::start(
		[
			qw(openssl s_client -quiet -connect), "127.0.0.1:$port",
			'-cert', "$dir/$name.crt",
			'-key', "$dir/$name.key"
		],
		\$in,
		\$out,
		\$errors,
		IPC::Run::timeout(20));
	my $ask = sub {
		$out = '';
		$in .= "GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n";
		$client->pump
		  until $out =~ m{\AHTTP/1\.1 (\d+).*?Content-Length: (\d+)\r\n(?:.*\r\n)?\r\n(.*)\z}s
		  && length $3 >= $2;
		return $1;
	};
	return ($ask, sub { $client->kill_kill });
}

subtest 'the CA is replaced' => sub {
	start('--tls-client-name=restorer=restore');
	my ($ask, $end) = keep_alive('restorer');
	is($ask->(), 200, 'a connection');
	replace('other_ca.crt', 'served_ca.crt');
	is(may(as('restorer')), $may{nothing}, 'the old CA counts no longer');
	is($ask->(), 401, 'nor on a connection that was kept');
	$end->();
	is(may(as('stranger')), $may{restore}, 'the new one does');
	spew("$dir/served_ca.crt", slurp("$dir/other_ca.crt") . slurp("$dir/ca.crt"));
	is(may(as($_)), $may{restore}, "both: $_") for qw(restorer stranger);
	spew("$dir/served_ca.crt", slurp("$dir/ca.crt"));
	is(may(as('stranger')), $may{nothing}, 'one that was written over');

	# a session goes on without a certificate being shown again
	my $resumed =
	  `openssl s_client -connect 127.0.0.1:$port -cert $dir/restorer.crt -key $dir/restorer.key -tls1_2 -reconnect </dev/null 2>&1`;
	is(() = $resumed =~ /^New, TLS/gm, 6, 'no session is resumed');
	unlike($resumed, qr/^Reused/m, 'not one');

	my $before = length $sidecar->log;
	spew("$dir/served_ca.crt", substr slurp("$dir/ca.crt"), 0, 300);
	is(may(as('restorer')),
		$may{restore}, 'while a new one is being written, the one before counts');
	wait_for { may(as('restorer')) eq $may{nothing} } 'the old one to be given up', 15;
	is( () =
		  substr($sidecar->log, $before) =~
		  /no client certificate will be accepted: could not use the client CA/g,
		1,
		'but not for ever, and the log says so once');
	replace('ca.crt', 'served_ca.crt');
	is(may(as('restorer')), $may{restore}, 'until it is there');
	$sidecar->stop;
};

subtest 'a certificate is revoked' => sub {
	start('--tls-client-name=*=operate', "--tls-crl-file=$dir/served_ca.crl");
	is(may(as('revoked')), $may{nothing}, 'one that was');
	like(https('/v1/jobs', as('revoked'))->{json}{detail}, qr/it is revoked/, 'and why');
	my ($ask, $end) = keep_alive('somebody');
	is($ask->(), 200, 'one that was not');
	$tls->crl('ca', revoke => ['somebody']);
	replace('ca.crl', 'served_ca.crl');
	is($ask->(), 401, 'until it is, on a connection that was kept');
	$end->();
	is(may(as('somebody')), $may{nothing}, 'and on another');
	is(may(as('operator')), $may{operate}, 'others are not');

	is(may(as('below')), $may{nothing}, 'one below a CA without a list');
	like(
		https('/v1/jobs', as('below'))->{json}{detail},
		qr/no revocation list of its CA/,
		'and why');
	spew("$dir/served_ca.crt", slurp("$dir/ca.crt") . slurp("$dir/middle.crt"));
	spew("$dir/served_ca.crl", slurp("$dir/ca.crl") . slurp("$dir/middle.crl"));
	is(may(as('below')), $may{operate}, 'with a list of each');
	$tls->crl('middle', revoke => ['below']);
	spew("$dir/served_ca.crl", slurp("$dir/ca.crl") . slurp("$dir/middle.crl"));
	is(may(as('below')), $may{nothing}, 'in which it stands');
	$tls->crl('ca', revoke => ['middle']);
	$tls->{revoked}{middle} = [];
	$tls->crl('middle');
	spew("$dir/served_ca.crl", slurp("$dir/ca.crl") . slurp("$dir/middle.crl"));
	replace('ca.crt', 'served_ca.crt');
	wait_for { may(as('below')) eq $may{nothing} }
	'the list of a CA that is not trusted by itself to be refused', 15;

	replace('ca.crl', 'served_ca.crl');
	is(may(as('operator')), $may{operate}, 'a list that can be used again');
	$tls->crl('ca', expired => 1);
	replace('ca.crl', 'served_ca.crl');
	is(may(as('operator')), $may{nothing}, 'a list that has expired lets nobody in');
	like(https('/v1/jobs', as('operator'))->{json}{detail}, qr/or it has expired/, 'and why');
	$tls->crl('ca');
	replace('ca.crl', 'served_ca.crl');
	is(may(as('operator')), $may{operate}, 'a new one does');
	my $before = length $sidecar->log;
	unlink "$dir/served_ca.crl";
	is(may(as('operator')), $may{operate}, 'a list that is away for a moment');
	is(may(as('somebody')), $may{nothing}, 'is the one before');
	wait_for { may(as('operator')) eq $may{nothing} } 'a list that is gone to let nobody in', 15;
	like(
		https('/v1/jobs', as('operator'))->{json}{detail},
		qr/could not read its client CA or/,
		'and why');
	is( () =
		  substr($sidecar->log, $before) =~
		  /no client certificate will be accepted: could not open file/g,
		1,
		'once in the log');
	replace('other_ca.crl', 'served_ca.crl');
	is(may(as('operator')), $may{nothing}, 'one of another CA');
	replace('ca.crl', 'served_ca.crl');
	is(may(as('operator')), $may{operate}, 'and it is back');
	$sidecar->stop;
};

subtest 'handshakes while the pair is written' => sub {
	start('--tls-client-name=restorer=restore');
	my $writer = fork // die "fork: $!";
	if (!$writer)
	{
		# certificate and key in two halves each, in their places, for as long as it may
		my %text = map {
			my $name = $_;
			map { ("$name.$_" => slurp("$dir/$name.$_")) } qw(crt key)
		} qw(renewed server);
		while (getppid != 1)
		{
			for my $name (qw(renewed server))
			{
				for my $kind (qw(crt key))
				{
					open my $file, '>', "$dir/served.$kind" or last;
					my $text = $text{"$name.$kind"};
					syswrite $file, substr $text, 0, 200;
					select undef, undef, undef, 0.002;
					syswrite $file, substr $text, 200;
					close $file;
				}
			}
		}
		POSIX::_exit(0);
	}
	my @urls = ("https://127.0.0.1:$port/livez") x 49;
	my @status;
	for (1 .. 3)
	{
		my $answer = $tls->https($port, '/livez', '-H', 'Connection: close',
			'-o', '/dev/null', map { ($_, '-o', '/dev/null') } @urls);
		push @status, $answer->{content} =~ /(\d{3})/g, $answer->{status};
	}
	kill KILL => $writer;
	waitpid $writer, 0;
	is(scalar @status, 150, 'all handshakes were tried');
	is_deeply([ grep { $_ != 200 } @status ], [], 'and all have gone well');
	$tls->replace_pair('renewed', 'served');
	is( $tls->served_serial($port),
		$tls->serial('renewed'),
		'the pair that is there at last is served');
	is($sidecar->stop, 0, 'a clean end');
};

subtest 'who did what' => sub {
	my %token = map {
		$_ => "token-of-$_-" . join '',
		  map { ('a' .. 'z', 0 .. 9)[ rand 36 ] }
		  1 .. 32
	} qw(reader operator restorer);
	my %scope = (reader => 'read', operator => 'operate', restorer => 'restore');
	my $tokens =
	  spew("$dir/tokens", join('', map { "$token{$_} $scope{$_} $_\n" } sort keys %token), 0600);
	start('--tls-client-name=operator', "--token-file=$tokens");
	my $bearer = sub { my ($name) = @_; return ('-H', "Authorization: Bearer $token{$name}") };
	my @json = ('-H', 'Content-Type: application/json', '-d');
	my $audit = sub {
		my ($query) = @_;
		return https('/v1/audit?limit=1000' . ($query // ''), $bearer->('operator'))->{json}{audit};
	};
	my $newest = sub {
		my $row = $audit->()->[0];
		return join ' ',
		  map { $_ // '-' }
		  @$row{qw(caller claimed_by peer listener method path status refused count concerns)};
	};
	my $seen = sub {
		my ($text) = @_;
		return scalar grep { JSON::PP->new->encode($_) =~ $text } @{ $audit->() };
	};

	# what is changed
	my $job =
	  https('/v1/jobs', $bearer->('operator'), @json, '{"kind":"check","claimed_by":"schedule"}')
	  ->{json};
	is( "$job->{requested_by} $job->{claimed_by}",
		'token:operator schedule',
		'a job has who asked for it, and what that claims beside it');
	is($newest->(), "token:operator schedule 127.0.0.2 listen POST /v1/jobs 202 0 1 $job->{id}",
		'and a row');
	$job = https('/v1/jobs', as('operator'), @json, '{"kind":"verify"}')->{json};
	is($job->{requested_by}, 'certificate:operator', 'by a certificate');
	is($newest->(), "certificate:operator - 127.0.0.2 listen POST /v1/jobs 202 0 1 $job->{id}",
		'the same');
	https("/v1/jobs/$job->{id}", '-X', 'DELETE', $bearer->('restorer'));
	like(
		$newest->(),
		qr{^token:restorer - 127\.0\.0\.2 listen DELETE /v1/jobs/\Q$job->{id}\E (?:200|202|409) 0 1 \Q$job->{id}\E$},
		'what is cancelled');
	https('/v1/jobs', $bearer->('operator'), @json, '{"kind":"none"}');
	is($newest->(), 'token:operator - 127.0.0.2 listen POST /v1/jobs 422 0 1 -', 'what was wrong');
	https('/v1/restore-points', $bearer->('operator'), @json,
		'{"name":"x","lsn":"0/1","timeline":1,"time":"2026-11-22T15:41:07Z","xid":"1"}');
	is( $newest->(),
		'token:operator - 127.0.0.2 listen POST /v1/restore-points 201 0 1 -',
		'a restore point');
	https('/v1/restores/mine', '-X', 'PUT', $bearer->('restorer'), @json,
		'{"holder":"me","lease_seconds":0,"revision":1,"state":"active","document":{"harmless":true}}'
	);
	like($newest->(), qr{^token:restorer - 127\.0\.0\.2 listen PUT /v1/restores/mine 200 0 1 mine$},
		'a restore');
	https('/v1/restores/mine', '-X', 'PUT', $bearer->('restorer'), @json,
		'{"holder":"me","lease_seconds":0,"revision":2,"state":"done","document":{}}');
	my $rows = @{ $audit->() };
	https($_, $bearer->('operator'))
	  for '/v1/jobs', "/v1/jobs/$job->{id}", '/v1/info', '/metrics', '/v1/nothing';
	is(scalar @{ $audit->() }, $rows, 'what is read has none');

	# what is refused
	https('/v1/jobs');
	is($newest->(), 'anonymous - 127.0.0.2 listen GET /v1/jobs 401 1 1 -', 'nobody');
	https('/v1/jobs', $bearer->('reader'), @json, '{"kind":"check"}');
	is( $newest->(),
		'token:reader - 127.0.0.2 listen POST /v1/jobs 403 1 1 -',
		'a token that may not');
	https('/v1/restores/evil', '-X', 'PUT', as('operator'), @json, '{}');
	is( $newest->(),
		'certificate:operator - 127.0.0.2 listen PUT /v1/restores/evil 403 1 1 -',
		'a certificate that may not');
	https('/v1/jobs', '-H', 'Authorization: Bearer ' . 'x' x 40, '--interface', '127.0.0.3');
	like($newest->(), qr{ 127\.0\.0\.[23] listen GET /v1/jobs 401 1 1 -$}, 'a token that is none');
	https('/v1/jobs', @$_, $bearer->('restorer')),
	  like(
		$newest->(),
		qr{^token:restorer - 127\.0\.0\.2 listen GET /v1/jobs (?:403|421) 1 1 -$},
		"a page of another: @$_"
	  ) for [ '-H', 'Host: evil.example' ], [ '-H', 'Origin: https://evil.example' ];
	https("/v1/jobs/$_", '-H', 'Host: localhost', as('stranger')) for 'a%1b[31m%9b1mb', 'x' x 200;
	is($seen->(qr/\x1b|\x9b|\\u001b/i), 0, 'nothing of a path that a terminal would obey');
	https('/v1/jobs/x%0a2026-11-30%09nobody', '-X', 'DELETE');
	is($seen->(qr{/v1/jobs/x\\\\x0A2026-11-30\\\\x09nobody}), 1,
		'nor one that looks like two rows');
	is(scalar(grep { $_->{path} =~ /[\n\t]/ } @{ $audit->() }), 0, 'of any');
	$rows = @{ $audit->() };
	my $sum = sub {
		my $all = 0;
		$all += $_->{count} for grep { $_->{refused} && $_->{status} == 401 } @{ $audit->() };
		return $all;
	};
	my $before = $sum->();
	$tls->https($port, '/v1/jobs', '--interface', '127.0.0.2', '-o', '/dev/null',
		map { ("https://127.0.0.1:$port/v1/jobs", '-o', '/dev/null') } 1 .. 100);
	is($sum->() - $before, 101, 'each of many is counted');
	cmp_ok(@{ $audit->() } - $rows, '<=', 3, 'in few rows');
	ok(!(grep { $seen->(qr/\Q$_\E/) } values %token), 'no token is in it');

	# who reads it
	is(https('/v1/audit', $bearer->('reader'))->{status}, 403, 'not whoever reads');
	is(https('/v1/audit')->{status}, 401, 'nor nobody');
	my @pages;
	for (my $next = ''; defined $next; push @pages, $next)
	{
		my $page =
		  https('/v1/audit?limit=3' . ($next && "&before=$next"), $bearer->('operator'))->{json};
		cmp_ok(scalar @{ $page->{audit} }, '<=', 3, 'a page');
		$next = $page->{next} // last;
	}
	my $all = $audit->();
	is(scalar @pages, int((@$all - 1) / 3), 'the pages are all');
	is(https("/v1/audit?before=$_", $bearer->('operator'))->{status}, 422, "before=$_")
	  for qw(0 -1 x 1x 99999999999999999999), '';
	is(https('/v1/audit', '-X', 'DELETE', $bearer->('restorer'))->{status},
		405, 'and nobody changes it');

	# what can't be written down is not done
	my $jobs =
	  sub { scalar @{ https('/v1/jobs?limit=1000', $bearer->('operator'))->{json}{jobs} } };
	my $count = $jobs->();
	my $sqlite = sub {
		system('sqlite3', "$sidecar->{state}/state.db", '.timeout 5000', @_) == 0
		  or die "sqlite3 failed\n";
	};
	$sqlite->(q{CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END});
	is(https('/v1/jobs', $bearer->('operator'), @json, '{"kind":"check"}')->{status},
		507, 'a change that the audit can\'t keep');
	is($jobs->(), $count, 'is not made');
	is(https('/v1/jobs')->{status}, 401, 'a refusal goes on');
	$sqlite->('DROP TRIGGER full');
	is(https('/v1/jobs', $bearer->('operator'), @json, '{"kind":"check"}')->{status},
		202, 'until it can');

	# it is there after a crash, with the change that had no answer yet
	$sidecar->kill;
	$sqlite->(
		q{INSERT INTO audit SELECT max(id) + 1, time, 1, NULL, 0, 'x', '', '', '', 'POST', '/', '' FROM audit}
	);
	start('--tls-client-name=operator', "--token-file=$tokens");
	is( scalar @{ $audit->() },
		scalar @{ $audit->('&before=9223372036854775807') },
		'it is there after a crash');
	is($newest->(), 'x -   POST / - 0 1 -', 'and what had no answer says so');
	is($sidecar->stop, 0, 'a clean end');
};

done_testing;
