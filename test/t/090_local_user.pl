# Another user of the host: whom a sidecar lets in that was started as it comes, what he can do with
# its socket's place, and with a TCP address on loopback, to which anybody of the host can connect.
#
# Where the tests run as root, there is another user (PgbrOtherUser). Everywhere else what comes
# over TCP stands for him: it has no name there, whoever sends it.
use strict;
use warnings;
use Fcntl qw(S_ISSOCK);
use IO::Socket::UNIX;
use JSON::PP;
use PgbrCluster;
use PgbrOtherUser;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

my $cluster = PgbrCluster->new(preload => 0, sidecars => 0)->start;
my $member = $cluster->member(1);
my $dir = $member->{dir};
my $public = PgbrOtherUser::public();
my $sidecar = $member->{sidecar} = PgbrSidecar->new($member, default_listen => 1);
# where the other user can get at it, if he may
$sidecar->{socket} = "$public/sidecar.sock" if $public;
my $socket = $sidecar->{socket};
my $port = $sidecar->{port};
$member->psql('CREATE EXTENSION pgbackrest_ctl');
$member->psql(
	"LOAD 'pgbackrest_ctl'; ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:$socket'");
$member->psql('SELECT pg_reload_conf()');
$member->psql('CREATE TABLE precious AS SELECT 42 AS answer');
my $postmaster = $member->postmaster;

sub mode { my ($path) = @_; return sprintf '%o', (lstat $path)[2] & 07777 }

# The attack: a restore is begun in our name, the server is stopped, and its files are written over.
my $evil = '{"holder":"evil","lease_seconds":60,"revision":1,"state":"active","document":{"a":1}}';
my @attack = (
	[ PUT => '/v1/restores/evil-1', $evil ],
	[
		POST => '/v1/restores/evil-1/jobs',
		'{"holder":"evil","kind":"node-stop","fence":true,"timeout":60}'
	],
	[ POST => '/v1/restores/evil-1/jobs', '{"holder":"evil","kind":"node-restore"}' ],
	[ POST => '/v1/jobs', '{"kind":"backup","type":"full"}' ],
	[ POST => '/v1/jobs', '{"kind":"expire"}' ],
	[
		POST => '/v1/restore-points',
		'{"name":"x","lsn":"0/1","timeline":1,"time":"2026-11-22T15:41:07Z","xid":"1"}'
	],
	[ DELETE => '/v1/jobs/x' ]);

sub curl
{
	my ($method, $path, $body, @options) = @_;
	return (
		qw(curl -sS --max-time 20 -o /dev/null -w %{http_code} -X),
		$method, defined $body ? ('-H', 'Content-Type: application/json', '-d', $body) : (),
		@options, "http://localhost$path");
}

# What the attack gets, as statuses; do sends one request and gives its status.
sub attack
{
	my ($do) = @_;
	return join ' ', map { $do->(@$_) } @attack;
}

sub is_unharmed
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($member->postmaster, $postmaster, "$name: PostgreSQL runs as before");
	is($member->psql('TABLE precious'), 42, 'with its data');
	is_deeply($sidecar->http(GET => '/v1/restores')->{json}{restores}, [], 'no restore was begun');
	is_deeply(
		[
			grep { ($_->{requested_by} // '') !~ /^sidecar/ && $_->{kind} !~ /^stanza/ }
			  @{ $sidecar->http(GET => '/v1/jobs')->{json}{jobs} }
		],
		[],
		'and no job asked for');
	return;
}

# The TCP addresses, as /proc has them, on which a process listens.
sub addresses
{
	my ($pid) = @_;
	my %own = map { my $link = readlink($_) // ''; $link =~ /^socket:\[(\d+)\]/ ? ($1 => 1) : () }
	  glob "/proc/$pid/fd/*";
	my @lines = map { split /\n/ } map { slurp("/proc/$pid/net/$_") } qw(tcp tcp6);
	return
	  map { my @field = split; ($field[3] // '') eq '0A' && $own{ $field[9] } ? $field[1] : () }
	  @lines;
}

subtest 'as it comes' => sub {
	$sidecar->start->wait_ready;
	is_deeply([ addresses($sidecar->pid) ], [], 'it listens on no TCP address');
	ok(S_ISSOCK((lstat $socket)[2]), 'but at a socket');
	is(mode($socket), '660', 'of mode 0660');
	is((lstat $socket)[5], $) + 0, "and the group of PostgreSQL's user");
	is($member->psql('SELECT sidecar_error IS NULL FROM pgbr_status'),
		't', 'the extension reaches it');
	my ($status, $out, $errors) = $member->ctl('jobs', '--format=json');
	is("$status$errors", '0', 'and the control binary');
	is($sidecar->http(POST => '/v1/jobs', body => { kind => 'nothing' })->{status},
		422, "PostgreSQL's user may do everything");
};

subtest 'another user' => sub {
	plan skip_all => 'needs root, who can become another user' unless $public;
	my $as = sub {
		my ($who) = @_;
		return sub {
			my ($method, $path, $body, @more) = @_;
			return PgbrOtherUser::run($who,
				curl($method, $path, $body, @more, '--unix-socket', $socket))->{out};
		};
	};
	my $at = PgbrOtherUser::run('stranger', curl(GET => '/livez', undef, '--unix-socket', $socket));
	is($at->{status}, 7, 'who is not in the group does not get in');
	is(attack($as->('stranger')), join(' ', ('000') x @attack), 'with nothing');
	is($as->('in_group')->(GET => '/v1/jobs'), 200, 'who is in it reads');
	is(attack($as->('in_group')), join(' ', (403) x @attack), 'and does no more');
	is_unharmed('another user');
	my $token = spew("$public/token", "an-unknown-token-of-32-characters\n", 0644);
	is($as->('in_group')->(POST => '/v1/jobs', '{"kind":"backup"}', '-H', "\@$token"),
		403, 'also with a token that is none');

	system('cp', "$ENV{PGBR_BUILD}/pgbackrest_ctl", $public) == 0 or die "cp\n";
	my $ctl = sub {
		my ($who, @arguments) = @_;
		return PgbrOtherUser::run($who, "$public/pgbackrest_ctl", @arguments, "--url=unix:$socket");
	};
	my $got = $ctl->('stranger', 'jobs');
	is($got->{status}, 4, 'the control binary of one who may not: exit code 4');
	like(
		$got->{errors},
		qr/could not connect to socket "\Q$socket\E": Permission denied\n.*unix:\Q$socket\E.*\n.*for PostgreSQL's user, its group and root; others use/s,
		'and it says who may');
	is($ctl->('in_group', 'jobs')->{status}, 0, 'in the group it reads');
	$got = $ctl->('in_group', 'backup');
	is($got->{status}, 4, 'and makes no backup');
	like(
		$got->{errors},
		qr/user:nobody may not do this over the socket\n.*PostgreSQL's user and root may/s,
		'which it says, too');

	$sidecar->restart('--socket-others=none');
	is($as->('in_group')->(GET => '/v1/jobs'), 403, '--socket-others=none: he does not even read');
	is($as->('in_group')->(GET => '/livez'), 200, 'but that it lives');
	is($sidecar->http(GET => '/v1/jobs')->{status}, 200, "PostgreSQL's user does");
	my $tokens = spew("$dir/other-tokens", "a-token-that-may-operate operate\n", 0600);
	$sidecar->restart('--socket-others=none', "--token-file=$tokens");
	is( $as->('in_group')
		  ->(DELETE => '/v1/jobs/x', undef, '-H', 'Authorization: Bearer a-token-that-may-operate'),
		404,
		'a token adds to what he may');
	is( $as->('in_group')->(
			PUT => '/v1/restores/x',
			$evil, '-H', 'Authorization: Bearer a-token-that-may-operate'),
		403,
		'no more than it says');
	$sidecar->restart;
};

subtest 'TCP on loopback' => sub {
	$sidecar->restart("--listen=127.0.0.1:$port,127.0.0.2:$port", "--listen=[::1]:$port");
	is(scalar(addresses($sidecar->pid)), 3, 'several addresses');
	my $over = sub {
		my ($host) = @_;
		return sub {
			my ($method, $path, $body, @more) = @_;
			my @command = curl($method, $path, $body, '-g', @more);
			$command[-1] =~ s/localhost/$host:$port/;
			IPC::Run::run(\@command, '>', \my $out);
			return $out;
		};
	};
	for my $host ('127.0.0.1', '127.0.0.2', '[::1]')
	{
		is($over->($host)->(GET => '/v1/jobs'),
			200, "$host: without a token anybody of the host reads");
		is(attack($over->($host)), join(' ', (403) x @attack), 'and does no more');
		my @forged = map { ('-H', $_) } 'X-Forwarded-For: 127.0.0.1', 'X-Remote-User: postgres',
		  'Authorization: Basic cG9zdGdyZXM6',
		  'Authorization: Bearer restore';
		is( attack(sub {
				my ($method, $path, $body) = @_;
				$over->($host)->($method, $path, $body, @forged);
			}),
			join(' ', (403) x @attack),
			'whatever he says');
	}
	is_unharmed('over TCP');
	my $answer = PgbrSidecar::Http->new(undef)->request(
		POST => "http://127.0.0.1:$port/v1/jobs",
		{ content => '{}', headers => { 'Content-Type' => 'application/json' } });
	like(
		$answer->{content},
		qr/its callers are not authenticated.*socket, as PostgreSQL's user or root, or start it with --token-file/,
		'it says what to do');

	my $file = "$dir/made-tokens";
	my @made = ("$ENV{PGBR_BUILD}/pgbackrest_sidecar", "--init-tokens=$file");
	is(system(@made), 0, '--init-tokens');
	is(mode($file), '600', 'makes a file that nobody else reads');
	my @lines = grep { !/^#/ } split /\n/, slurp($file);
	is_deeply(
		[ map { (split)[1] } @lines ],
		[qw(restore operate read)],
		'with a token of each scope');
	is_deeply([ grep { !/^[0-9a-f]{64} [a-z]+ [a-z]+$/ } @lines ], [], 'and a name');
	my %seen = map { (split)[0] => 1 } @lines;
	is(scalar(keys %seen), 3, 'each another one');
	my $before = slurp($file);
	IPC::Run::run(\@made, '2>', \my $errors);
	is($? >> 8, 2, 'a file that is there is left alone');
	like(
		$errors,
		qr/could not create token file "\Q$file\E": File exists\nhint: It is never replaced/,
		'which is said');
	is(slurp($file), $before, 'to the letter');
	symlink "$dir/elsewhere", "$dir/link" or die;
	IPC::Run::run([ $made[0], "--init-tokens=$dir/link" ], '2>', \$errors);
	is($? >> 8, 2, 'a link is not followed');
	ok(!-e "$dir/elsewhere", 'to anywhere');
	IPC::Run::run([ $made[0], "--init-tokens=$dir/missing/tokens" ], '2>', \$errors);
	is($? >> 8, 2, 'a folder is not made');
	like(
		$errors,
		qr/No such file.*\nhint: Make its folder first, .*install -d/,
		'and how to make it is told');

	$sidecar->restart("--listen=127.0.0.1:$port", "--token-file=$file");
	is(attack($over->('127.0.0.1')), join(' ', (401) x @attack),
		'with tokens: nothing without one');
	is($over->('127.0.0.1')->(GET => '/v1/jobs'), 401, 'not even to read');
	my ($restore, $operate, $read) = map { [ '-H', 'Authorization: Bearer ' . (split)[0] ] } @lines;
	my $with = sub {
		my ($token) = @_;
		return join ' ', map { $over->('127.0.0.1')->(@$_, @$token) }[ GET => '/v1/jobs', undef ],
		  [ DELETE => '/v1/jobs/x', undef ], [ PUT => '/v1/restores/x', '{}' ];
	};
	is($with->($read), '200 403 403', 'that to read');
	is($with->($operate), '200 404 403', 'that to operate');
	is($with->($restore), '200 404 422', 'that to restore');
	local $ENV{PGBRCTL_URL} = "http://127.0.0.1:$port";
	my @ctl = ("$ENV{PGBR_BUILD}/pgbackrest_ctl", 'cancel', 'x', "--token-file=$file");
	IPC::Run::run(\@ctl, '2>', \$errors);
	is($? >> 8, 5, 'the control binary takes its first token of the same file') or diag $errors;
	is($sidecar->http(DELETE => '/v1/jobs/x')->{status},
		404, "PostgreSQL's user needs none at the socket");
	$sidecar->restart("--listen=127.0.0.1:$port", '--insecure-no-auth');
	is($over->('127.0.0.1')->(DELETE => '/v1/jobs/x'), 404, '--insecure-no-auth: whoever comes');
	is_unharmed('after all');
	$sidecar->stop;
};

subtest 'the place of the socket' => sub {
	ok(!-e $socket && !-e "$socket.lock", 'after a clean end nothing lies there');
	$sidecar->start;
	$sidecar->kill;
	ok(-S $socket, 'after a crash it does');
	$sidecar->start;
	is($sidecar->http(GET => '/livez')->{status}, 200, 'which the next start replaces');

	my $second = PgbrSidecar->new($member, name => 'second', default_listen => 1);
	my ($status, $log) = refused($second, "--socket=$socket");
	is($status, 1, 'a second sidecar does not start there');
	like($log, qr/another sidecar serves the socket "\Q$socket\E"/, 'and says why');
	is($sidecar->http(GET => '/livez')->{status}, 200, 'the first one answers as before');
	$sidecar->stop;

	# what else may lie there, and what must be left of it
	my $path = "$dir/place.sock";
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die;
	($status, $log) = refused($second, "--socket=$path");
	like($log, qr/another program serves the socket/, "another program's socket");
	ok(IO::Socket::UNIX->new(Peer => $path), 'which is still there');
	undef $listener;
	unlink $path, "$path.lock";
	spew("$dir/victim", "kept\n");

	for my $case (
		[
			'a file',
			sub { rename spew("$path.new", "kept\n"), $path },
			qr/no socket of the sidecar's user/, $path
		],
		[
			'a link',
			sub { symlink "$dir/victim", $path },
			qr/no socket of the sidecar's user/,
			"$dir/victim"
		],
		[
			'a link in the place of the lock',
			sub { symlink "$dir/victim", "$path.lock" },
			qr/could not open lock file/,
			"$dir/victim"
		])
	{
		my ($what, $make, $says, $kept) = @$case;
		$make->();
		($status, $log) = refused($second, "--socket=$path");
		is($status, 1, "$what: it does not start");
		like($log, $says, 'and says why');
		is(slurp($kept), "kept\n", 'nothing of it is touched');
		unlink $path, "$path.lock";
	}
	mkdir "$dir/open" or die;
	chmod 0777, "$dir/open";
	mkdir "$dir/closed", 0500 or die;
	for my $case (
		[
			"$dir/open/x.sock", 1,
			qr/refusing to make a socket in ".*open\/", where everybody may remove it/
		],
		[
			"$dir/nowhere/x.sock", 1,
			qr/could not use the folder ".*nowhere\/": No such file.*hint: .*--socket=PATH/si
		],
		[
			"$dir/closed/x.sock",
			1,
			qr/could not open lock file ".*": Permission denied.*hint: Make its folder.*--socket=PATH/si
		],
		[ 'relative', 2, qr/invalid value "relative" for --socket/ ],
		[ "$dir/" . 'x' x 108, 2, qr/invalid value ".*" for --socket\nhint: .*at most 107/ ],
		[ "$dir/a b", 2, qr/invalid value/ ],
		[ "$dir/a:b", 2, qr/invalid value/ ])
	{
		my ($at, $exit, $says) = @$case;
		($status, $log) = refused($second, "--socket=$at");
		is($status, $exit, "--socket=$at: refused");
		like($log, $says, 'and why');
	}
	($status, $log) = refused($second, '--socket=');
	is($status, 2, 'with neither a socket nor an address it does not start');
	($status, $log) = refused($second, '--socket-others=operate');
	is($status, 2, 'others do not get to do more than read');

	# many at once, where a crash has left one
	$second->{socket} = $path;
	$second->start;
	$second->kill;
	ok(-S $path, 'one is left');
	my @many = map { PgbrSidecar->new($member, name => "many-$_", default_listen => 1) } 1 .. 5;
	$_->launch("--socket=$path") for @many;
	wait_for
	{
		return 4 == grep { !$_->alive } @many;
	}
	'all but one to give up';
	my ($winner) = grep { $_->alive } @many;
	$winner->{socket} = $path;
	wait_for { $winner->http(GET => '/livez')->{status} == 200 } 'it to answer';
	pass('of many that start at once one serves');
	is($winner->stop, 0, 'and ends');
	ok(!-e $path && !-e "$path.lock", 'and leaves nothing');
};

subtest 'the user it runs as' => sub {
	my $second = PgbrSidecar->new($member, name => 'nowhere');
	my ($status, $log) = refused($second, '--state-dir=/pgbr-nowhere');
	is($status, 1, 'it needs its folder');
	like(
		$log,
		qr{could not create folder "/pgbr-nowhere": .*hint: Make it as root: install -d -o $> -m 0700 '/pgbr-nowhere'},
		'and says how it is made');
	my @root = qw(unshare --map-root-user);
	plan skip_all => 'nobody can seem to be root here'
	  unless IPC::Run::run([ @root, 'true' ], '2>', \my $none);
	my @command = (
		@root, "$ENV{PGBR_BUILD}/pgbackrest_sidecar",
		'--stanza=main', "--state-dir=$dir/of-root", '--socket=' . "$dir/of-root.sock");
	IPC::Run::run(\@command, '2>', \my $errors, IPC::Run::timeout(30));
	is($? >> 8, 2, 'as root it does not start');
	like(
		$errors,
		qr/must not be run as root\nhint: .*systemctl start pgbackrest_sidecar, or runuser -u postgres/,
		'and says as whom it does');
	ok(!-e "$dir/of-root", 'and makes no folder that PostgreSQL could not read');
	my $tokens = "$dir/of-root-tokens";
	IPC::Run::run([ @root, "$ENV{PGBR_BUILD}/pgbackrest_sidecar", "--init-tokens=$tokens" ],
		'2>', \$errors);
	is($? >> 8, 0, 'as root it makes tokens');
	like(
		$errors,
		qr/warning: only root can read token file "\Q$tokens\E"\nhint: .*chgrp postgres '\Q$tokens\E'/,
		'and says who can not read them');
};

subtest 'somebody was there first' => sub {
	plan skip_all => 'needs root, who can become another user' unless $public;
	mkdir "$public/all" or die;
	chmod 01777, "$public/all";
	my $path = "$public/all/squat.sock";
	# he listens, lets everybody in, and notes what he is told
	my $squat =
	  q{use IO::Socket::UNIX; my $l = IO::Socket::UNIX->new(Local => "$ARGV[0]", Listen => 9) or die; chmod 0777, $ARGV[0];
	  exit if fork; close STDOUT; close STDERR; alarm 25; while (my $c = $l->accept) { sysread $c, my $told, 9999; open my $f, '>>', "$ARGV[0].told"; print $f $told; close $f; close $c }};
	is(PgbrOtherUser::run('stranger', 'perl', '-e', $squat, $path)->{status},
		0, 'he listens in a folder for all');
	my $second = PgbrSidecar->new($member, name => 'late', default_listen => 1);
	my ($status, $log) = refused($second, "--socket=$path");
	is($status, 1, 'a sidecar does not start at his place');
	like($log, qr/no socket of the sidecar's user/, 'and says so');
	my $token = spew("$dir/secret-token", "a-secret-that-he-wants\n", 0600);
	my @ctl =
	  ("$ENV{PGBR_BUILD}/pgbackrest_ctl", 'jobs', "--url=unix:$path", "--token-file=$token");
	IPC::Run::run(\@ctl, '2>', \my $errors);
	is($? >> 8, 2, 'the control binary tells him nothing');
	like(
		$errors,
		qr/socket "\Q$path\E" belongs to user \d+, who does not own its folder/,
		'and says whose it is');
	$member->psql(
		"LOAD 'pgbackrest_ctl'; ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:$path'");
	$member->psql('SELECT pg_reload_conf()');
	wait_for { $member->psql('SHOW pgbackrest_ctl.sidecar_url') eq "unix:$path" } 'the setting';
	like($member->psql_fails('TABLE pgbr_jobs'), qr/belongs to user/, 'nor does the extension');
	like(
		$member->psql('SELECT sidecar_error FROM pgbr_status'),
		qr/belongs to user/,
		'which its status says');
	is(slurp("$path.told"), '', 'he has heard nothing');
};

done_testing;
