# Who may restore: Patroni's REST API with a password and TLS, sidecars with tokens and TLS, and a
# restore that nobody goes on with. The cluster has one member, and names with odd characters.
use strict;
use warnings;
use utf8;
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use PgbrTls;
use Test::More;

my $scope = q{odd 'x' $(id); \\ ü};
my $name = q{m 1; $(id) 'ü'};
my $cluster = PgbrCluster->new(members => 1, patroni => 1);
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $dir = $member->{dir};
my $json = JSON::PP->new->utf8->canonical;

sub change_patroni
{
	my ($change) = @_;
	my $patroni = $json->decode(slurp("$dir/patroni.yml"));
	$change->($patroni);
	spew("$dir/patroni.yml", JSON::PP->new->ascii->canonical->pretty->encode($patroni), 0600);
	return;
}
change_patroni(sub { @{ $_[0] }{qw(name scope)} = ($name, $scope) });
$cluster->start;
$member->psql('CREATE TABLE mark (name text PRIMARY KEY)');
my $backup = $sidecar->post_job(kind => 'backup', type => 'full');
is($sidecar->wait_job($backup->{id})->{state}, 'succeeded', 'a backup to start from');

# --- tokens
my %token = map {
	$_ => "token-of-$_-" . join '',
	  map { ('a' .. 'z', 0 .. 9)[ rand 36 ] }
	  1 .. 32
} qw(read operate restore);
my $tokens = spew("$dir/tokens", join('', map { "$token{$_} $_\n" } keys %token), 0600);
spew("$dir/token-$_", "$token{$_}\n", 0600) for keys %token;
spew("$dir/user-$_->[0]", "$_->[1]\n", 0600)
  for [ 'right', 'admin:se cret:x' ], [ 'wrong', 'admin:secret' ];

sub as
{
	my ($scope, $method, $path, %with) = @_;
	return $sidecar->http(
		$method => $path,
		headers => { Authorization => "Bearer $token{$scope}" },
		%with);
}

sub put
{
	my ($id, %body) = @_;
	return as(
		restore => PUT => "/v1/restores/$id",
		body => {
			holder => 'ann',
			lease_seconds => 60,
			state => 'active',
			revision => 1,
			document => {},
			%body
		});
}

subtest 'a step is stopped by whoever may restore' => sub {
	$sidecar->speak_tcp->restart("--token-file=$tokens");
	hold_wal($member);
	is(put('steps')->{status}, 200, 'a restore');
	my $job = as(
		restore => POST => '/v1/restores/steps/jobs',
		body => { holder => 'ann', kind => 'node-mark', name => 'here', archive_timeout => 60 }
	)->{json};
	wait_for { as(read => GET => "/v1/jobs/$job->{id}")->{json}{state} eq 'running' }
	'the step to run';
	is_problem(
		as(operate => DELETE => "/v1/jobs/$job->{id}"),
		403, 'forbidden',
		qr/does not allow/,
		'a token for backups is not enough');
	is(as(read => GET => "/v1/jobs/$job->{id}")->{json}{state}, 'running', 'the step goes on');
	like(as(restore => DELETE => "/v1/jobs/$job->{id}")->{status},
		qr/^20[02]$/, 'one for restores is');
	wait_for { as(read => GET => "/v1/jobs/$job->{id}")->{json}{state} eq 'cancelled' }
	'the step to be cancelled';
	release_wal($member);
	is(put('steps', state => 'done', revision => 2)->{status}, 200, 'the restore ends');
};

subtest 'a restore that nobody goes on with' => sub {
	is(put('left', lease_seconds => 0, document => { harmless => JSON::PP::true })->{status},
		200, 'one that has done nothing yet');
	is_problem(as(operate => POST => '/v1/jobs', body => { kind => 'check' }),
		409, 'restore-in-progress', qr/"left"/, 'keeps backups out at first');
	wait_for { as(read => GET => '/v1/restores/left')->{json}{state} eq 'done' }
	'the restore to be given up', 20;
	is(as(operate => POST => '/v1/jobs', body => { kind => 'check' })->{status},
		202, 'jobs are taken again');
	is_problem(put('left', revision => 2),
		409, 'conflict', qr/has ended/, 'and its holder comes too late');
};

# --- TLS
PgbrTls->new($cluster->sandbox, $dir)->ca('ca')->certificate('server', 'ca', usage => 'serverAuth')
  ->certificate('client', 'ca');
change_patroni(sub {
	$_[0]{restapi} = {
		%{ $_[0]{restapi} },
		certfile => "$dir/server.crt",
		keyfile => "$dir/server.key",
		cafile => "$dir/ca.crt",
		verify_client => 'required',
		authentication => { username => 'admin', password => 'se cret:x' },
	};
});
kill HUP => $member->{patroni_pid};
$sidecar->stop;
# over its socket it is asked as before
$sidecar->speak_tcp(0)->start(
	"--token-file=$tokens",
	"--tls-cert-file=$dir/server.crt",
	"--tls-key-file=$dir/server.key");

# Everything that is needed; what is given takes its place, undef leaves it away.
sub ctl
{
	my ($with, @arguments) = @_;
	my $bytes = $name;
	utf8::encode($bytes);
	my %with = (
		PGBRCTL_PATRONI_URL => "https://127.0.0.1:$member->{rest_port}",
		PGBRCTL_SIDECARS => "$bytes=https://127.0.0.1:$sidecar->{port}",
		PGBRCTL_CA_FILE => "$dir/ca.crt",
		PGBRCTL_TOKEN_FILE => "$dir/token-restore",
		PGBRCTL_PATRONI_USER_FILE => "$dir/user-right",
		PGBRCTL_PATRONI_CERT_FILE => "$dir/client.crt",
		PGBRCTL_PATRONI_KEY_FILE => "$dir/client.key",
		%$with);
	delete @with{ grep { !defined $with{$_} } keys %with };
	local %ENV = (%ENV, %with);
	return $member->ctl(@arguments);
}

sub status
{
	my ($code, $out) = ctl({}, 'status', '--format=json');
	return $code ? die "status: $code\n" : $json->decode($out);
}

my @curl = (
	'curl', '-s', '--cacert', "$dir/ca.crt",
	'--cert', "$dir/client.crt", '--key', "$dir/client.key");
wait_for { `@curl https://127.0.0.1:$member->{rest_port}/cluster` =~ m{"api_url": "https:} }
'Patroni to be listed with TLS';
wait_for { status()->{members}[0]{state} eq 'running' } 'Patroni to answer with TLS';
my $postmaster = $member->postmaster;
my $known = status()->{restore}{id};
my @restore = ('restore', '--force', '--no-verify', '--format=json');
# with TLS 1.3 the server says no after the handshake: its word may be lost with the connection
my @cases = (
	[
		'no client certificate', 3, qr/TLS|SSL|certificate|could not ask Patroni: .*\n.*https:/i,
		PGBRCTL_PATRONI_CERT_FILE => undef,
		PGBRCTL_PATRONI_KEY_FILE => undef
	],
	[ 'a certificate without its key', 2, qr/belong together/, PGBRCTL_PATRONI_KEY_FILE => undef ],
	[ 'no password', 4, qr/status 401.*--patroni-user-file/s, PGBRCTL_PATRONI_USER_FILE => undef ],
	[
		'a wrong password',
		4,
		qr/status 401.*--patroni-user-file/s,
		PGBRCTL_PATRONI_USER_FILE => "$dir/user-wrong"
	],
	[
		'a token to read',
		4,
		qr/does not allow this.*restore/s,
		PGBRCTL_TOKEN_FILE => "$dir/token-read"
	],
	[
		'a token for backups',
		4,
		qr/does not allow this.*restore/s,
		PGBRCTL_TOKEN_FILE => "$dir/token-operate"
	],
	[ 'no CA', 3, qr/certificate/i, PGBRCTL_CA_FILE => undef ]);
for my $case (@cases)
{
	my ($what, $exit, $message, %with) = @$case;
	my ($code, $out, $errors) = ctl(\%with, @restore);
	is($code, $exit, "$what: exit code") or diag $out;
	is((ctl(\%with, 'plan', '--no-verify'))[0], $exit, "$what: the plan says so")
	  if $what =~ /password/;
	like($errors, $message, "$what: it is said");
	is($member->postmaster, $postmaster, "$what: nothing stops");
	my $status = status();
	ok(!$status->{paused} && ($status->{restore}{id} // '') eq ($known // ''),
		"$what: no restore was begun")
	  or diag $json->encode($status->{restore});
}

subtest 'all as it should be' => sub {
	my ($code, $out, $errors) = ctl({}, 'plan', '--no-verify');
	is($code, 0, 'the plan') or diag $errors;
	like(
		$out,
		qr/patronictl pause --wait 'odd '\\''x'\\'' \$\(id\); \\/,
		'its commands can be copied into a shell');
	$member->psql(q{INSERT INTO mark VALUES ('one')});
	my $lsn = $member->psql('SELECT pg_current_wal_insert_lsn()');
	$member->psql(q{INSERT INTO mark VALUES ('two')});
	($code, $out, $errors) = ctl({}, @restore, '--type=lsn', "--target=$lsn");
	is($code, 0, 'restored') or diag $out, $errors;
	isnt($member->postmaster, $postmaster, 'with another server');
	is($member->psql('SELECT name FROM mark'), 'one', 'the rows');
	is(status()->{cluster}, $scope, 'the name is what it is');
	is(status()->{members}[0]{name}, $name, 'and so is the member\'s');
	($code, $out, $errors) = ctl({}, 'undo', '--force');
	is($code, 0, 'undone') or diag $out, $errors;
	is($member->psql('SELECT count(*) FROM mark'), 2, 'all rows');
};

done_testing;
