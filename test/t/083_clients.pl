# Clients of pgskipper's pgbackrest sidecar and backup daemon: they speak raw HTTP here, and get the
# very bytes they know. What is mended is mended: requests wait for each other, what is malformed is
# refused, and what failed says so.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use List::Util  qw(uniq);
use ManyBackups qw(make_backups);
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use PgbrTls;
use Test::More;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical;
my $cluster = PgbrCluster->new(sidecars => 0)->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my %port = map { $_ => $cluster->sandbox->port } qw(compat daemon daemon-list daemon-backup);
my @addresses = map { "--$_-listen=127.0.0.1:$port{$_}" } sort keys %port;
my @listen = (@addresses, '--compat-no-auth');
# they call by the name of a Service
push @{ $sidecar->{options} }, '--allowed-host=backrest';
$sidecar->start(@listen)->wait_ready;

# Bytes to a port; gives { status, headers, content }, or status 0 when nothing came.
sub raw
{
	my ($where, $bytes, $limit) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port{$where})
	  or die "$where: $!\n";
	local $SIG{PIPE} = 'IGNORE';
	syswrite $socket, $bytes;
	return answer($socket, $limit);
}

sub answer
{
	my ($socket, $limit) = @_;
	my ($select, $end, $text) = (IO::Select->new($socket), time + ($limit // 60), '');
	while ((my $left = $end - time) > 0)
	{
		next unless $select->can_read($left);
		last unless sysread $socket, $text, 65536, length $text;
	}
	my ($head, $content) = split /\r\n\r\n/, $text, 2;
	my ($first, @lines) = split /\r\n/, $head // '';
	my %answer =
	  (status => ($first // '') =~ m{^HTTP/1\.[01] (\d+)} ? $1 : 0, content => $content // '');
	for (@lines) { $answer{headers}{ lc $1 } = $2 if /^([^:]+): *(.*)/ }
	return \%answer;
}

sub request
{
	my ($method, $path, $type, $body) = @_;
	return
		"$method $path HTTP/1.1\r\nHost: backrest\r\nConnection: close\r\n"
	  . (defined $type ? "Content-Type: $type\r\n" : '')
	  . (
		  defined $body ? 'Content-Length: ' . length($body) . "\r\n"
		: $method eq 'POST' ? "Content-Length: 0\r\n"
		: '')
	  . "\r\n"
	  . ($body // '');
}

sub get { my ($where, $path) = @_; return raw($where, request(GET => $path)) }

sub post
{
	my ($where, $path, $type, $body) = @_;
	return raw($where, request(POST => $path, $type, $body));
}

my ($form, $in_json) = ('application/x-www-form-urlencoded', 'application/json');

sub is_answer
{
	my ($answer, $status, $type, $content, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply(
		[
			$answer->{status}, $answer->{headers}{'content-type'},
			$answer->{headers}{'content-length'}, $answer->{content}
		],
		[ $status, $type, length $content, $content ],
		$name);
}

my $text = 'text/plain; charset=utf-8';
my $empty =
  '{"annotation":null,"error":false,"info":{"delta":0,"size":0},"label":"","type":"","timestamp":{"start":0,"stop":0}}';

# --- before there is a backup
is_answer(get(compat => '/list'), 200, $in_json, '[]', 'no backup: an empty list');
is_answer(get(compat => '/status?timestamp=20240913T1104'),
	200, $in_json, $empty, 'no backup: an empty status');
is_answer(get('daemon-list' => '/list'),
	200, $in_json, '{}', 'no backup: an empty list of the daemon');

# --- the sidecar's backups
is_answer(
	post(compat => '/backup', $in_json, '{"timestamp": "20240913T1104"}'),
	200, $in_json,
	'"Backup started successfully"',
	'POST /backup, JSON');
is_answer(
	post(compat => '/backup/diff', $form, 'timestamp=20240913T1105'),
	200, $in_json,
	'"Diff backup has been started successfully"',
	'POST /backup/diff, a form');
is_answer(
	post(
		compat => '/backup/incr',
		"$in_json; charset=utf-8", '{"TimeStamp":"20240913T1106","more":[1]}'),
	200, $in_json,
	'"Delta backup has been started successfully"',
	'POST /backup/incr, another case and more than is known');
is_answer(
	post(compat => '/backup/incr', $form, 'TIMESTAMP=2024-09-13T11%3a07&x=%41+b'),
	200, $in_json,
	'"Delta backup has been started successfully"',
	'a form with another case, escapes and more');
my @stamps = qw(20240913T1104 20240913T1105 20240913T1106 2024-09-13T11:07);
my $backups = backups_of($member);
is_deeply([ sort keys %$backups ], [ sort @stamps ], 'the annotation is what the clients gave');
my %backup = map { $_->{annotation}{timestamp} => $_ }
  @{ $json->decode($member->pgbackrest('--output=json', 'info'))->[0]{backup} };

sub shown
{
	my ($b) = @_;
	return
	  qq({"annotation":{"timestamp":"$b->{annotation}{timestamp}"},"error":false,"info":{"delta":$b->{info}{delta},"size":$b->{info}{size}},)
	  . qq("label":"$b->{label}","type":"$b->{type}","timestamp":{"start":$b->{timestamp}{start},"stop":$b->{timestamp}{stop}}});
}

is_answer(
	get(compat => '/list'),
	200, $in_json,
	'[' . join(',', map { shown($backup{$_}) } @stamps) . ']',
	'GET /list, to the byte');
is_answer(
	get(compat => "/status?timestamp=$_"),
	200, $in_json,
	shown($backup{$_}),
	"GET /status of $_") for @stamps;
is_answer(get(compat => "/status?$_"), 200, $in_json, $empty, "GET /status?$_: empty")
  for 'timestamp=20990101T0000', 'timestamp=', 'x=1', '';
is( $member->psql(
		'CREATE EXTENSION pgbackrest_ctl; SELECT count(*) FROM pgbr_backups WHERE backup_id = ANY (\'{'
		  . join(',', @stamps) . '}\')'),
	4,
	'SQL shows it as the backup_id');
is_answer(
	post(compat => '/backup/incr', $in_json, $_),
	200, $in_json,
	'"Delta backup has been started successfully"',
	"no timestamp: $_") for '{}', '{"timestamp":""}', '{"timestamp":null}';
is_answer(
	post(compat => '/backup/incr', $form, ''),
	200, $in_json,
	'"Delta backup has been started successfully"',
	'no timestamp: an empty form');
is(scalar(grep { !/^(?:2024)/ } keys %{ backups_of($member) }),
	4, 'such backups have the id of their job');
is_answer(post(compat => '/upgrade'), 200, $in_json, '"Stanza has been upgraded"', 'POST /upgrade');

# --- what is refused
is_answer(
	post(compat => $_->[0], $_->[1], $_->[2]),
	422, $text,
	'Unprocessable Entity',
	"$_->[0] with " . ($_->[1] // 'no content type'))
  for [ '/backup', undef, undef ], [ '/backup', undef, '{}' ],
  [ '/backup/diff', 'text/plain', '{}' ], [ '/backup/incr', 'application/jsonx', '{}' ];
is(post(compat => '/backup', $in_json, $_)->{status}, 400, "malformed JSON: $_")
  for '', '{', '{"timestamp":', '[]', '"x"', '{"timestamp":1}';
is(post(compat => '/backup', $form, $_)->{status}, 400, "malformed form: $_")
  for 'timestamp=%', 'timestamp=%zz', 'timestamp=%00', 'timestamp=%ff';
is(post(compat => '/backup', $form, "timestamp=$_")->{status}, 422, "no id: $_")
  for '/dir', '../x', 'a+b', '-x', 'a%0ab', 'x' x 65, '%27', '$(x)';
is(post(compat => '/backup', $in_json, $json->encode({ timestamp => $_ }))->{status},
	422, 'no id, as JSON')
  for '/dir', "a\nb", 'x' x 300;
is_answer(
	raw(compat =>
		  "POST /backup HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: $in_json\r\nContent-Length: 5000000\r\n\r\n"
		  . ' ' x 5000000),
	413, $text,
	'Request Entity Too Large',
	'a body beyond the limit');
for my $wrong (
	[ GET => '/backup', 'POST' ],
	[ POST => '/list', 'GET, HEAD' ],
	[ DELETE => '/status', 'GET, HEAD' ])
{
	my $answer =
	  raw(compat => request($wrong->[0], $wrong->[1], $wrong->[0] eq 'POST' ? $in_json : undef));
	is( "$answer->{status} $answer->{headers}{allow}",
		"405 $wrong->[2]",
		"$wrong->[0] $wrong->[1]: 405");
}
is(get(compat => $_)->{status}, 404, "not there: $_")
  for '/', '/v1/jobs', '/metrics', '/backup/full', '/backups/list', '/health', '/livez';
is(get(daemon => $_)->{status}, 404, "not at the daemon's: $_") for '/list', '/v1/jobs';
is(get('daemon-list' => $_)->{status}, 404, "not at its list's: $_") for '/health', '/evict';
is($sidecar->http(GET => '/list')->{status}, 404, 'and none of them at our own');

# --- failures are told
my $conf = slurp($member->{config});
spew($member->{config}, $conf =~ s/^repo1-path=.*/repo1-path=nowhere/mr);
is_answer(
	post(compat => '/backup', $in_json, '{"timestamp":"fails"}'),
	500, $text,
	'exit status 32',
	'pgbackrest fails: its exit status');
is_answer(get(compat => '/list'), 500, $text, 'exit status 32', 'so does a list');
is_answer(
	post('daemon-backup' => '/backup/diff'),
	500, $text,
	'exit status 32',
	'and a backup of the daemon');
my $health = get(daemon => '/health');
is($json->decode($health->{content})->{status}, 'PROBLEM', 'the daemon has a problem');
is(get(daemon => '/v2/health')->{status}, 503, 'and is not healthy');
is_answer(
	get(daemon => '/backup/status/fails'),
	200, $text,
	"Backup Failed \n",
	'the backup has failed');
spew($member->{config}, $conf);
$sidecar->http(GET => '/v1/info?refresh=true');
is($json->decode(get(daemon => '/health')->{content})->{status},
	'WARNING', 'the last backup failed: a warning');

# --- the daemon
hold_wal($member);
# two in one minute
wait_for { (gmtime)[0] < 50 } 'the minute to have some seconds left';
my ($first, $second) = map { post(daemon => $_) } '/backup', '/backups/request';
my $id = $json->decode($first->{content})->{backup_id};
# one that failed before may have had the first id of this minute
like($id, qr/^\d{8}T\d{4}(?:-\d+)?$/, 'POST /backup: an id of the minute');
is_answer(
	$first,
	200,
	$in_json,
	qq({"accepted": true, "reason": "http-request", "backup_requests_in_queue": 1, "message": "PostgreSQL backup has been scheduled successfully.", "backup_id": "$id"}),
	'POST :8080/backup, to the byte');
my $other = $json->decode($second->{content})->{backup_id};
isnt($other, $id, 'the second of a minute has an id of its own');
wait_for
{
	($sidecar->http(GET => '/v1/jobs?state=running')->{json}{jobs}[0]{progress}{phase} // '') eq
	  'waiting for WAL'
}
'the first to run';
is_answer(get(daemon => "/backup/status/$_"), 200, $text, "In Progress \n", "status of $_")
  for $id, $other;
$health = $json->decode(get(daemon => '/health')->{content});
is($health->{backup_is_in_progress}, JSON::PP::true, 'a backup is in progress');
is($health->{backup}{requests_in_queue}, 1, 'and one waits');
my $vault = $json->decode(get('daemon-list' => '/list')->{content})->{$id};
is("$vault->{locked} $vault->{failed}", '1 0', 'it is locked');
release_wal($member);
wait_for { get(daemon => "/backup/status/$other")->{content} eq "Backup Done \n" }
'both to be done', 60;
is_answer(get(daemon => "/backup/status/$_"), 200, $text, "Backup Done \n", "status of $_")
  for $id, $other;
is(scalar @{ backups_of($member)->{$_} }, 1, "there is one backup $_") for $id, $other;
is_answer(
	get(daemon => '/backup/status/20990101T0000'),
	404, $text,
	"Backup 20990101T0000 not found \n",
	'an id that nobody knows');
is(get(daemon => "/backup/status/$_")->{status}, 404, "no id: $_")
  for '%00', '%2e%2e', 'x' x 100, '%27', '..';

my $incr = post('daemon-backup' => '/backup/incr');
is("$incr->{status} $incr->{headers}{'content-type'}", "202 $in_json", 'POST :9000/backup/incr');
like($incr->{content}, qr/^\{"backupId":"\d{8}T\d{4}(?:-\d+)?"\}$/, 'with its id alone');
my $diff = post('daemon-backup' => '/backup/diff', $form, 'x=1');
is($diff->{status}, 202, 'POST :9000/backup/diff');
for my $made ([ $incr, 'incr' ], [ $diff, 'diff' ])
{
	my $backup_id = $json->decode($made->[0]{content})->{backupId};
	is($json->decode(get(compat => "/status?timestamp=$backup_id")->{content})->{type},
		$made->[1], "$made->[1]: the sidecar knows it by that id");
}
my $list = get('daemon-list' => '/backups/list');
my %vaults = %{ $json->decode($list->{content}) };
is(get('daemon-list' => '/list')->{content}, $list->{content}, 'both lists are one');
my @order = $list->{content} =~ /"([^"]+)": \{"id": "\1"/g;
is_deeply(\@order, [ sort { $vaults{$b}{ts} <=> $vaults{$a}{ts} || 0 } @order ], 'newest first');
is_deeply(
	[ sort keys %{ $vaults{$id} } ],
	[qw(failed id locked metrics ts)],
	'what is told of each');
is($vaults{fails}{failed}, JSON::PP::true, 'one that failed is there, too');

my $answer = get(daemon => '/health');
is($answer->{headers}{'content-type'}, $in_json, 'GET :8080/health');
is(get(daemon => '/status')->{status}, 200, 'GET :8080/status');
$health = $json->decode($answer->{content});
is($health->{status}, 'UP', 'all is well');
is( "$health->{encryption} $health->{storage}{type} $health->{storage}{type_id}",
	'Off PgBackRest 2',
	'what it is');
my $info = $sidecar->http(GET => '/v1/info')->{json}{stanzas}[0];
my $sum = 0;
$sum += $_->{info}{repository}{delta} for @{ $info->{backup} };
is($health->{storage}{size}, $sum, 'the size of the backups');
cmp_ok($health->{storage}{archive_size}, '>', 0, 'the size of the archive');
cmp_ok($health->{storage}{free_space}, '>', 1, 'the free space');
cmp_ok($health->{storage}{total_space}, '>', $health->{storage}{free_space}, 'and the whole');
is( $health->{storage}{successful_dump_count},
	scalar @{ $info->{backup} },
	'how many backups there are');
cmp_ok(
	$health->{storage}{dump_count},
	'>',
	$health->{storage}{successful_dump_count},
	'and how many with those that failed');
is($health->{storage}{lastSuccessful}{id}, $order[0], 'the last one');
is($health->{backup}{time_until_next_backup}, 'none', 'without a schedule there is no next');
is($health->{backup}{eviction_rule}, '-', 'and no eviction rule of the daemon');
is_answer(get(daemon => '/v2/health'), 200, $text, 'OK', 'GET :8080/v2/health');

# --- long-blocking requests, one that hangs up, and sixteen others
hold_wal($member);
my @blocked = map {
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port{compat})
	  or die $!;
	syswrite $socket, request(POST => '/backup/incr', $form, "timestamp=blocked-$_");
	$socket
} 1 .. 4;
my %waiting;
wait_for
{
	%waiting =
	  map  { $_->{annotations}{timestamp} => $_ }
	  grep { ($_->{annotations}{timestamp} // '') =~ /^blocked/ }
	  @{ $sidecar->http(GET => '/v1/jobs')->{json}{jobs} };
	keys %waiting == 4
}
'four backups to be accepted';
my $left = pop @blocked;
close $left;
my $start = time;
my @others = at_once(
	(sub {
		my @seen;
		for (1 .. 3)
		{
			push @seen, get(compat => '/list')->{status},
			  get(compat => '/status?timestamp=blocked-1')->{status},
			  get(daemon => '/health')->{status}, get('daemon-list' => '/list')->{status},
			  $sidecar->http(GET => '/livez')->{status};
		}
		return \@seen;
	}) x 16);
is_deeply([ uniq map { @$_ } @others ], [200], 'sixteen others are served meanwhile');
cmp_ok(time - $start, '<', 30, 'without waiting for them');
ok(!IO::Select->new(@blocked)->can_read(0), 'those that block still do');
release_wal($member);
is_answer(
	answer($_), 200, $in_json,
	'"Delta backup has been started successfully"',
	'and are answered when their backup is done') for @blocked;
wait_for { $sidecar->job($waiting{'blocked-4'}{id})->{state} eq 'succeeded' }
'the backup of the client who left';
is(scalar @{ backups_of($member)->{"blocked-$_"} }, 1, "blocked-$_: one backup") for 1 .. 4;
is( scalar(
		grep { $_->{error} && $_->{error} eq 'lock-acquire' }
		  @{ $sidecar->http(GET => '/v1/jobs?limit=100')->{json}{jobs} }),
	0,
	'none met the lock of another');

# --- what can't be kept is not accepted
hold_wal($member);
$sidecar->restart(@listen, '--max-queued=1');
my @kept = $json->decode(post(daemon => '/backup')->{content})->{backup_id};
wait_for { @{ $sidecar->http(GET => '/v1/jobs?state=running')->{json}{jobs} } } 'it to run';
push @kept, $json->decode(post(daemon => '/backup')->{content})->{backup_id};
is_answer(
	post(daemon => '/backup'),
	429,
	$in_json,
	'{"accepted": false, "reason": "http-request", "backup_requests_in_queue": 1, "message": "1 jobs are waiting already", "backup_id": null}',
	'the queue is full: POST :8080/backup');
is(post('daemon-backup' => '/backup/diff')->{status}, 503, 'POST :9000/backup/diff');
is(post(compat => '/backup', $in_json, '{}')->{status}, 429, 'POST :3000/backup');
$health = wait_for
{
	my $now = $json->decode(get(daemon => '/health')->{content});
	($now->{message} // '') =~ /waiting already/ ? $now : undef
}
'health to see it';
is($health->{status}, 'PROBLEM', 'health says that there is a problem, and why');
release_wal($member);
for my $kept (@kept)
{
	wait_for { get(daemon => "/backup/status/$kept")->{content} eq "Backup Done \n" }
	"$kept to be done", 60;
}

# --- a restore of this member
sub restore { my ($type, $body) = @_; return post(compat => '/restore', $type, $body) }
is(restore($in_json, '{}')->{status}, 500, 'POST /restore while PostgreSQL runs: refused');
like(
	restore($form, 'backupId=')->{content},
	qr/^PostgreSQL runs on the data directory/,
	'and says so');
is(restore($in_json, $json->encode($_))->{status}, 422, 'a restore refuses ' . $json->encode($_))
  for { type => 'time', target => "2024-10-23 14:11:04+00'\nx = 'y" }
, { type => 'time', target => '2024-10-23 14:11:04' }, { type => 'lsn', target => '0/x' },
  { type => 'xid', target => '1 OR 1' }, { type => 'name', target => "a'b" },
  { type => 'shell', target => 'x' },    { target => 'x' },
  { backupId => 'nobody-knows' },        { type => 'time', target => '2001-01-01 00:00:00+00' };
is(restore(undef, '{}')->{status}, 422, 'a restore without a content type');
is(restore($in_json, '{')->{status}, 400, 'a restore with malformed JSON');
$member->psql('CREATE TABLE kept AS SELECT 1 AS one');
my $lsn = $member->psql('SELECT pg_create_restore_point(\'here\')');
$member->psql('CREATE TABLE lost AS SELECT 1 AS one');
$member->psql('SELECT pg_switch_wal()');
wait_for
{
	$member->psql(
		'SELECT last_archived_wal >= pg_walfile_name(\'' . $lsn . '\') FROM pg_stat_archiver') eq
	  't'
}
'the WAL to be archived';
$member->stop;
# a timestamp is taken as well as a label, and the target in its own words
is_answer(
	restore($form, 'backupId=blocked-1&type=name&target=here'),
	200, $in_json,
	'"Restore procedure has been started successfully"',
	'POST /restore, to the byte');
like(
	slurp($member->data . '/postgresql.auto.conf'),
	qr/^recovery_target_name = 'here'$/m,
	'the target is what was asked for');
is($json->decode($sidecar->http(GET => '/v1/restores?limit=1')->{content})->{restores}[0]{state},
	'done', 'the member is free again');
$member->start;
wait_for { $member->psql('SELECT pg_is_in_recovery()') eq 'f' } 'the recovery to end';
is($member->psql('SELECT to_regclass(\'kept\') IS NOT NULL, to_regclass(\'lost\') IS NULL'),
	't|t', 'and what is there is what was there at the target');

# a crash in mid restore
$member->stop;
my $slow = program($member, 'slow',
	qq{[[ " \$* " == *" restore "* ]] && { touch '$member->{dir}/restoring'; exec tail -f /dev/null; }\nexec pgbackrest "\$@"\n}
);
$sidecar->restart(@listen, "--pgbackrest=$slow");
my $hanging = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port{compat}) or die $!;
syswrite $hanging, request(POST => '/restore', $in_json, '{}');
wait_for { -e "$member->{dir}/restoring" } 'the restore to begin';
is($sidecar->http(POST => '/v1/jobs', body => { kind => 'check' })->{status},
	409, 'while it runs nothing else is taken');
is(restore($in_json, '{}')->{status}, 409, 'no second restore either');
$sidecar->kill;
$sidecar->start(@listen);
is(restore($in_json, '{}')->{status}, 200, 'after a crash it can be asked for again');
$member->start;
wait_for { $member->psql('SELECT pg_is_in_recovery()') eq 'f' } 'the recovery to end';
$sidecar->wait_ready;

# --- who may come
$sidecar->restart(@addresses);
is(get(compat => '/list')->{status},
	200, 'without --compat-no-auth and without tokens: anyone of this host reads');
is(post(compat => '/backup', $in_json, '{}')->{status}, 403, 'and may do no more');
is(post(daemon => '/backup', $in_json, '{}')->{status}, 403, 'nor at daemon');
is(post('daemon-backup' => '/backup/diff', $in_json, '{}')->{status}, 403, 'nor at daemon-backup');
is(restore($in_json, '{}')->{status}, 403, 'least of all restore');
my $tokens = spew("$member->{dir}/tokens", "a-token-that-may-operate operate\n", 0600);
$sidecar->speak_tcp->restart("--token-file=$tokens", @addresses);
is(get(compat => '/list')->{status}, 401, 'with tokens: not without one');
is( raw(compat =>
		  "GET /list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer a-token-that-may-operate\r\n\r\n"
	)->{status},
	200,
	'with one');
$sidecar->stop;
$port{compat} = $cluster->sandbox->port;
my ($status, $log) = refused($sidecar, "--compat-listen=0.0.0.0:$port{compat}");
is($status, 2, 'any address: refused');
like($log, qr/--compat-no-auth lets anyone in/, 'unless told');
$sidecar->start("--token-file=$tokens", "--compat-listen=0.0.0.0:$port{compat}",
	'--compat-no-auth');
is(get(compat => '/list')->{status}, 200, '--compat-no-auth: anyone at that address');
is($sidecar->http(GET => '/v1/jobs')->{status}, 401, 'and nobody else at our own');
# with TLS at our own address
my $pair = PgbrTls->new($cluster->sandbox, $member->{dir})->ca('localhost');
my ($key, $certificate) = map { $pair->path("localhost.$_") } qw(key crt);
my @tls = (
	"--token-file=$tokens", "--tls-cert-file=$certificate",
	"--tls-key-file=$key", "--compat-listen=127.0.0.1:$port{compat}");
$sidecar->stop;
$sidecar->launch(@tls, '--compat-no-auth');
my $listed = wait_for
{
	my $got = eval { get(compat => '/list') };
	$got && $got->{status} == 200 ? $got : undef
}
'existing clients to be served';
is($listed->{headers}{'content-type'},
	$in_json, 'with TLS at our own address they still speak plain HTTP');
isnt($sidecar->http(GET => '/livez')->{status}, 200, 'which our own does not');
$sidecar->stop;
$sidecar->launch(@tls);
wait_for { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port{compat}) }
'the address to be open';
isnt(get(compat => '/list')->{status}, 200, 'without --compat-no-auth TLS is spoken there, too');
$sidecar->speak_tcp(0)
  ->restart((grep { !/^--compat-listen/ } @listen), "--compat-listen=127.0.0.1:$port{compat}");

# --- any number of backups
my @labels = make_backups("$cluster->{sandbox}{root}/repo/backup/main", 2000);
$answer = get(compat => '/list');
is_deeply([ map { $_->{label} } @{ $json->decode($answer->{content}) } ],
	\@labels, 'GET /list of two thousand');
is(scalar keys %{ $json->decode(get('daemon-list' => '/list')->{content}) } >= 2000,
	1, 'GET :8081/list of two thousand');
my @zombies = grep { slurp($_) =~ /\) Z \Q@{[ $sidecar->pid ]}\E / } glob '/proc/[0-9]*/stat';
is_deeply(\@zombies, [], 'no zombie is left');

done_testing;
