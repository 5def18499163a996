# A false sidecar, to which control binary and extension are pointed: what it says is shown in plain
# characters or refused, a token does not follow where it leads, and nothing is waited for without
# end.
use strict;
use warnings;
use IO::Select;
use IPC::Run ();
use JSON::PP;
use PgbrCluster;
use PgbrSandbox       qw(slurp spew wait_for);
use PgbrStrangeServer qw(answer);
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0, sidecars => 0)->start;
my $member = $cluster->member(1);
my $sandbox = $cluster->sandbox;
my $token = 'token-of-restore-0123456789';
my $token_file = spew("$sandbox->{root}/token", "$token\n", 0600);
delete @ENV{ grep { /^PGBRCTL_/ } keys %ENV };
$ENV{PGBRCTL_TOKEN_FILE} = $token_file;

# at an address whose text does not show that it is loopback
my @part = map { 1 + int rand 250 } 1 .. 3;
my $refusal = sub {
	answer(
		$_[0], { code => 'unauthorized', detail => 'who are you?' },
		status => 401,
		type => 'application/problem+json');
};
my $neighbour = PgbrStrangeServer->new($sandbox, { '' => $refusal });
my $thief = PgbrStrangeServer->new(
	$sandbox,
	{
		'' => $refusal,
		# says that a member is at an address of the host that asks
		lead => sub {
			return $refusal->(@_) if $_[1]{path} !~ m{/restores\?};
			answer(
				$_[0],
				restores(
					document => {
						members => [ {
							name => 'm2',
							sidecar_url => $neighbour->url . '/x',
							api_url => $neighbour->url
						} ]
					}));
		}
	},
	address => join('.', 127, @part));
my $evil = "http://127.$part[0]." . ($part[1] * 256 + $part[2]) . ":$thief->{port}";

# ESC, C1, DEL, what turns the direction of reading, and what would end a line or a quoted text
my $odd = "a\e[2J\e]0;x\a\x{9b}31m\x7f\x{202e}\x{2066}b\r\n'; \"\\";
my ($id, $label) = ('20261122T154107', '20261122-100000F');

sub job
{
	my (%with) = @_;
	return {
		id => $id,
		kind => 'backup',
		type => 'full',
		state => 'failed',
		dry_run => JSON::PP::false,
		requested_at => '2026-11-22T15:41:07Z',
		started_at => '2026-11-22T15:41:08Z',
		finished_at => '2026-11-22T15:41:09Z',
		repo => undef,
		set => undef,
		covered_by => undef,
		exit_code => 55,
		annotations => { $odd => $odd },
		label => $odd,
		map({ $_ => $odd } qw(reason requested_by claimed_by error message hint)),
		progress => { phase => $odd, bytes_done => 1, bytes_total => 2, percent => 50 },
		%with
	};
}

sub info
{
	my %status = (code => 99, message => $odd);
	return {
		fetched_at => '2026-11-22T15:41:07Z',
		age_seconds => 125,
		error => { code => $odd, message => $odd, hint => $odd, exit_code => 55 },
		retention => {
			error => $odd,
			repositories => {
				1 => {
					backups => { $label => { expires => $odd, kept_because => $odd } },
					archives => { $odd => { point_in_time_label => $odd } }
				}
			}
		},
		stanzas => [ {
			name => $odd,
			status => \%status,
			archive => [ {
				id => $odd,
				min => $odd,
				max => $odd,
				database => { id => 1, 'repo-key' => 1 }
			} ],
			db => [ { id => 1, 'repo-key' => 1, 'system-id' => 7, version => $odd } ],
			repo => [ { key => 1, cipher => $odd, status => \%status } ],
			backup => [ {
				label => $label,
				type => $odd,
				prior => $odd,
				reference => [$odd],
				annotation => { timestamp => $odd, pin => $odd },
				archive => { start => $odd, stop => $odd },
				backrest => { version => $odd },
				timestamp => { start => 1, stop => 2 }
			} ]
		} ]
	};
}

# A restore that another control binary is said to have begun, and where its members are.
sub restores
{
	my %record = (
		id => '20261124T120000-x',
		state => 'active',
		revision => 3,
		holder_seconds_left => 0,
		created_at => '2026-11-24T11:41:32Z',
		updated_at => '2026-11-24T11:41:32Z',
		document => {
			members => [
				{ name => 'm2', sidecar_url => $evil, api_url => $evil },
				{ name => 'm3', sidecar_url => "$evil/x" }
			]
		});
	return { restores => [ { %record, @_ } ] };
}

sub odd
{
	my ($client, $request) = @_;
	my $path = $request->{path};
	return answer($client, $odd x 3, type => 'text/plain') if $path =~ m{/log};
	return answer($client, info()) if $path                         =~ m{/info};
	return answer($client, restores()) if $path                     =~ m{/restores\?};
	return answer(
		$client,
		{
			name => $odd,
			stanza => $odd,
			map({ $_ => $odd } qw(version server_version system_identifier data_directory))
		}) if $path =~ m{/node};
	return answer($client, job(), status => 202)
	  if $request->{method} ne 'GET' || $path =~ m{/jobs/};
	return answer($client, { jobs => [ job() ], next => undef }) if $path =~ m{/jobs};
	return answer(
		$client,
		{
			restore_points => [
				map { {
					name => $odd,
					lsn => '0/1',
					timeline => 1,
					time => '2026-11-22T15:41:07Z',
					xid => '1'
				} } 1 .. 2
			]
		});
}
my %problem =
  (type => $odd, title => $odd, status => 409, code => 'conflict', detail => $odd, hint => $odd);
my $deep = '{"jobs":' . '[' x 100_000 . ']' x 100_000 . '}';

my $server = PgbrStrangeServer->new(
	$sandbox,
	{
		odd => \&odd,
		problem =>
		  sub { answer($_[0], \%problem, status => 409, type => 'application/problem+json') },
		redirect =>
		  sub { answer($_[0], '{}', status => 307, headers => "Location: $evil/v1/jobs\r\n") },
		moved => sub {
			answer(
				$_[0], job(state => 'queued'),
				status => 202,
				headers => "Location: $evil/v1/jobs/$id\r\n");
		},
		deep => sub { answer($_[0], $deep) },
		huge => sub { answer($_[0], { jobs => [], next => 'x' x (9 << 20) }) },
		# a byte now and then, and no end
		drip => sub {
			my ($client) = @_;
			syswrite $client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{";
			1 while !IO::Select->new($client)->can_read(0.2) && syswrite $client, ' ';
		},
		other => sub {
			answer(
				$_[0],
				job(id => $_[1]{method} eq 'POST' ? $id : 'another',
					state => $_[1]{method} eq 'POST' ? 'queued' : 'succeeded'));
		},
		'no-id' => sub { answer($_[0], job(id => "../x'); DROP TABLE t; --")) },
		types => sub {
			answer(
				$_[0],
				{
					jobs => { a => [] },
					next => [],
					restores => 'none',
					stanzas => {},
					retention => 1,
					id => 5
				});
		},
	});

sub is_plain
{
	my ($text, $name) = @_;
	my $plain = $text !~ /[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae|\xe2\x81\xa6/
	  && utf8::decode(my $copy = $text);
	ok($plain, "$name: what is printed is plain")
	  or diag $text =~ s/([^\n -~])/sprintf '<%02x>', ord $1/ger;
	return;
}

# --- the control binary
sub ctl
{
	my ($behaviour, @arguments) = @_;
	local $ENV{PGBRCTL_URL} = $server->url . "/$behaviour";
	IPC::Run::run([ "$ENV{PGBR_BUILD}/pgbackrest_ctl", @arguments, '--timeout=3' ],
		'<', \undef, '>', \my $out, '2>', \my $errors);
	is($? & 127, 0, "$behaviour: @arguments: no signal ends it");
	is_plain($out . $errors, "$behaviour: @arguments");
	return ($? >> 8, $out . $errors);
}

my @nowhere = ('--patroni-url=http://127.0.0.1:1', '--sidecar=m1=' . $server->url . '/odd');
for my $verb (
	['jobs'],
	[ 'jobs', $id ],
	[ 'jobs', $id, '--log' ],
	[ 'cancel', $id ],
	['info'],
	[ 'backup', '--wait' ],
	[ 'check', '--wait' ],
	[ 'pin', $label, '--wait' ],
	[ 'expire', '--wait' ],
	[ 'status', @nowhere ],
	[ 'plan', '--no-verify', @nowhere ])
{
	ctl('odd', @$verb, "--format=$_")
	  for $verb->[-1] eq '--log' ? 'pretty' : qw(pretty tsv json yaml);
}
for my $verb (['jobs'], [ 'cancel', $id ], ['backup'])
{
	my ($status, $all) = ctl('problem', @$verb);
	is($status, 6, "a refusal: @$verb");
	like(
		$all,
		qr/error: a\\x1B\[2J\\x1B\]0;x\\x07\\u009B31m\\x7F\\u202E\\u2066b\\r\n.*hint: a\\x1B/s,
		'in plain characters');
}
like($thief->requests, qr{^GET /v1/restores}m, 'who is named in a journal is asked');
is($thief->secrets, '', 'and gets no token');
my (undef, $all) = ctl('odd', 'status', @nowhere, '--trust-members');
like($thief->secrets, qr/^Bearer \Q$token\E$/m, 'which --trust-members would send');
like($server->secrets, qr/^Bearer \Q$token\E$/m, 'as it goes to the one that is named');

# a token may go to a port of this host that this host tells of; another host may have a friend here
(undef, $all) = ctl('odd', 'status', '--patroni-url=http://127.0.0.1:1',
	"--sidecar=m1=$evil/lead",
	'--patroni-user-file=' . spew("$sandbox->{root}/user", "admin:hunter2\n", 0600));
like($neighbour->requests, qr{^GET /x/v1/}m, 'a neighbour whom another host names is asked');
is($neighbour->secrets, '', 'and gets nothing') or diag $all;

my ($known, $kept) = ($thief->requests, $thief->secrets);
my %refused = (
	redirect => [ 3, qr/the server that answered is not a sidecar|HTTP status 307/ ],
	moved => [ 1, qr/./ ],
	deep => [ 3, qr/nested more than 64 levels/ ],
	huge => [ 3, qr/larger than 8 MB/ ],
	drip => [ 3, qr/no answer within 3\.0 s/ ],
	types => [ undef, qr// ],
	'no-id' => [ 3, qr/has no job ID/ ]);
for my $behaviour (sort keys %refused)
{
	my ($wanted, $pattern) = @{ $refused{$behaviour} };
	for my $verb ([ $behaviour eq 'no-id' ? ('jobs', $id) : 'jobs' ], ['backup'])
	{
		next if $behaviour eq 'moved' && $verb->[0] eq 'jobs';
		my $began = time;
		my ($status, $said) = ctl($behaviour, @$verb);
		$behaviour eq 'moved'
		  ? is($status, 0, 'a job that is elsewhere is accepted')
		  : defined $wanted && is($status, $wanted, "$behaviour: @$verb: it is refused");
		like($said, $pattern, "$behaviour: @$verb: and said") or diag $said;
		cmp_ok(time - $began, '<', 20, "$behaviour: @$verb: in time");
	}
}
my ($status, $said) = ctl('other', 'backup', '--wait');
is($status, 3, 'another job in the place of ours');
like($said, qr/the response is about job "another" instead of "$id"/, 'is not taken for it');
for my $verb ([ 'jobs', $id ], [ 'jobs', $id, '--format=json' ], [ 'cancel', $id ])
{
	($status, $said) = ctl('other', @$verb);
	is($status, 3, "@$verb: nor is it shown for it");
	like(
		$said,
		qr/the response is about job "another" instead of "$id"/,
		"@$verb: and that is said");
}
is_deeply([ $thief->requests, $thief->secrets ], [ $known, $kept ], 'nobody was led to the thief');

# --- the extension
sub behave
{
	my ($behaviour) = @_;
	my $url = $server->url . "/$behaviour";
	$member->psql("LOAD 'pgbackrest_ctl'; ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = '$url'");
	$member->psql('SELECT pg_reload_conf()');
	wait_for { $member->psql('SHOW pgbackrest_ctl.sidecar_url') eq $url } "the setting $url";
	return;
}

# What psql writes to standard error of a statement.
sub complaints
{
	my ($sql) = @_;
	my $script = "\\set ON_ERROR_STOP 0\n$sql;\n";
	IPC::Run::run([ $member->psql_command ], '<', \$script, '>', \my $out, '2>', \my $errors);
	is_plain($errors, $sql);
	return $errors;
}
$member->psql('CREATE EXTENSION pgbackrest_ctl');
$member->psql("LOAD 'pgbackrest_ctl'; ALTER SYSTEM SET pgbackrest_ctl.$_")
  for "sidecar_token_file = '$token_file'", "sidecar_timeout = '3s'";

my $shown = qr/a\\x1B\[2J\\x1B\]0;x\\x07\\u009B31m\\x7F\\u202E\\u2066b\\r/;
behave('problem');
like(complaints($_), qr/ERROR: .*$shown.*HINT: .*$shown/s, "$_: a refusal in plain characters")
  for 'SELECT pgbr_backup()', 'TABLE pgbr_jobs', q{SELECT pgbr_restore_point('x')};
like(complaints(qq{SELECT pgbr_cancel('$id')}), qr/WARNING: .*$shown/, 'as in a warning');
behave('odd');
like(
	complaints('SELECT pgbr_backup(wait => true)'),
	qr/ERROR:  job "$id" failed: $shown.*DETAIL: .*$shown.*HINT: .*$shown/s,
	'the end of a job');
like(
	complaints('SELECT count(*) FROM pgbr_info()'),
	qr/WARNING: .*$shown.*HINT: .*$shown/s,
	'information that is old');

for my $rows (
	(   map { "TABLE $_" }
		qw(pgbr_status pgbr_backups pgbr_jobs pgbr_progress pgbr_archives pgbr_repositories pgbr_restore_points)
	),
	"SELECT * FROM pgbr_job('$id')",
	'SELECT * FROM pgbr_info(true)',
	'SELECT pgbr_info_json()')
{
	complaints($rows);
	my $out = $member->psql($rows);
	is_plain($out, "its rows: $rows");
	like($out, qr/a\\+x1B\[2J/, "$rows: with escapes in them");
}
behave('no-id');
like(
	complaints('SELECT pgbr_backup(wait => true)'),
	qr/member "id" is not a job ID/,
	'an id that is none is not put into a hint');
behave('other');
like(
	complaints('SELECT pgbr_backup(wait => true)'),
	qr/it is about job "another"/,
	'another job is not taken for ours');
like(complaints($_), qr/it is about job "another"/, "$_: nor shown for it")
  for "SELECT pgbr_job('$id')", "SELECT pgbr_cancel('$id')";
behave('redirect');
like(complaints('TABLE pgbr_jobs'), qr/HTTP status 307/, 'nobody is followed');
behave('drip');
like(complaints('TABLE pgbr_jobs'), qr/no answer within 3\.0 s/, 'or waited for without end');
is_deeply([ $thief->requests, $thief->secrets ], [ $known, $kept ], 'nor led to the thief');
is_plain(slurp("$sandbox->{log}/m1-postgres.log"), 'the log of the server');

done_testing;
