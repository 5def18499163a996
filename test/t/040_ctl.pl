# The control binary against a real sidecar: every verb, format and exit code, progress on a
# terminal and off it, Ctrl-C, and a sidecar that goes away in mid wait. Only the answers that no
# sidecar gives (silence, nonsense) come from a server of our own.
use strict;
use warnings;
use JSON::PP;
use PgbrCluster;
use PgbrCtlTest;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use PgbrStrangeServer qw(answer);
use PgbrTls;
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0, pgbackrest => { 'archive-timeout' => 60 })->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $program = "$ENV{PGBR_BUILD}/pgbackrest_ctl";
my $root = $cluster->sandbox->{root};
my $json = JSON::PP->new->utf8;
delete @ENV{ grep { /^PGBRCTL_/ } keys %ENV };
$ENV{PGBRCTL_URL} = $sidecar->url;
run_ctl_on($member);

sub wait_running
{
	my ($id) = @_;
	return $sidecar->wait_job($id, qr/^running$/);
}

# ---- usage
{
	like(ctl_ok('--version', '--version'), qr/^pgbackrest_ctl \d+\.\d+\n$/, 'the version');
	like(
		ctl_ok('help', 'help'),
		qr/^Verbs:\n  backup .*^Exit codes:\n +0 /ms,
		'help lists verbs and exit codes');
	is(ctl_ok('--help', '--help'), ctl_ok('help', 'help'), '--help is help');
	is( ctl_ok('backup --help', 'backup', '--help'),
		ctl_ok('help backup', 'help', 'backup'),
		'so it is of a verb');
	for my $case (
		[ [], qr/no verb is given/ ],
		[ ['restart'], qr/unknown verb "restart"/ ],
		[ [ 'help', 'restart' ], qr/unknown verb "restart"/ ],
		[ [ '--url=x', 'info' ], qr/the verb comes before its options/ ],
		[ [ 'info', '--loud' ], qr/unrecognized option "--loud"/ ],
		[ [ 'info', 'more' ], qr/too many arguments: "more"/ ],
		[ ['cancel'], qr/cancel needs an argument: ID/ ],
		[ [ 'info', '--format=xml' ], qr/invalid value "xml" for --format/ ],
		[ [ 'info', '--timeout=0' ], qr/invalid value "0" for --timeout/ ],
		[ [ 'info', '--url=127.0.0.1' ], qr/invalid sidecar URL/ ],
		[
			[ 'info', '--token-file=/nonexistent' ],
			qr{could not open file "/nonexistent": No such file}
		],
		[ [ 'info', '--url=https://127.0.0.1:1', '--ca-file=/nonexistent' ], qr{/nonexistent} ],
		[ [ 'info', '--key-file=x' ], qr/--key-file needs --cert-file/ ],
		[ [ 'backup', '--type=incremental' ], qr/invalid value "incremental" for --type/ ],
		[ [ 'backup', '--repo=257' ], qr/invalid value "257" for --repo/ ],
		[ [ 'backup', '--annotation=novalue' ], qr/invalid value "novalue" for --annotation/ ],
		[ [ 'backup', "--annotation=a=b\nc" ], qr/invalid value "a=b\nc" for --annotation/ ],
		[ [ 'backup', '--annotation=timestamp=1' ], qr/"timestamp" can't be given/ ],
		[ [ 'backup', qw(--annotation=a=1 --annotation=a=2) ], qr/"a" is given twice/ ],
		[ [ 'backup', '--reason=' . 'x' x 257 ], qr/for --reason/ ],
		[ [ 'jobs', '--state=asleep' ], qr/invalid value "asleep" for --state/ ],
		[ [ 'jobs', '--kind=nap' ], qr/invalid value "nap" for --kind/ ],
		[ [ 'jobs', '--limit=1001' ], qr/invalid value "1001" for --limit/ ],
		[ [ 'jobs', '--before=../x' ], qr/for --before/ ],
		[ [ 'jobs', '../../readyz' ], qr/is not the id of a job/ ],
		[ [ 'jobs', '--log' ], qr/--log needs a job's ID/ ],
		[ [ 'jobs', 'a', '--log', '-fjson' ], qr/--log prints text/ ],
		[ [ 'jobs', 'a', '--state=queued' ], qr/exclude each other/ ],
		[ [ 'cancel', 'a b' ], qr/is not the id of a job/ ],
		[ [ 'expire', '--set=latest' ], qr/invalid value "latest" for --set/ ],
		[ [ 'check', '--no-wait', '--wait-timeout=1' ], qr/exclude each other/ ])
	{
		my ($arguments, $pattern) = @$case;
		ctl_fails("usage: @$arguments" =~ s/\n/\\n/r, 2, $pattern, @$arguments);
	}
	my $jobs = $sidecar->http(GET => '/v1/jobs')->{json}{jobs};
	is(ref $jobs, 'ARRAY', 'the jobs are listed');
	is_deeply([ grep { $_->{kind} ne 'stanza-create' } @$jobs ], [], 'no job came of that');
}

# ---- backup
my ($full, $incr);
{
	my $out = ctl_ok('backup', qw(backup --type=full --reason=nightly --annotation=owner=dba),
		'--annotation=path=C:\\dir');
	my ($id) = $out =~ /^ (\S+) +\| backup \| full \| (?:queued|running) /m or diag $out;
	like($out, qr/^Follow it with "pgbackrest_ctl jobs \Q$id\E"\.$/m, 'backup: how to go on');
	my $job = $sidecar->wait_job($id);
	is($job->{state}, 'succeeded', 'backup: the job');
	is($job->{reason}, 'nightly', 'backup: its reason');
	like($job->{claimed_by}, qr/^\w+@/, 'backup: who asked, by his own word');
	is($job->{requested_by}, 'user:' . getpwuid($>), 'and as the sidecar knows it');
	is_deeply($job->{annotations}, { owner => 'dba', path => 'C:\\dir' },
		'backup: its annotations');
	$full = $job->{label};

	$out = ctl_ok('backup --wait', qw(backup --wait));
	like(
		$out,
		qr/^incr backup \S+ was accepted\n(\S+: \w.*elapsed.*\n)+/,
		'backup --wait: plain lines off a terminal');
	unlike($out, qr/[\r\e]/, 'backup --wait: nothing drawn');
	($incr) =
	  $out =~ /^incr backup (\S+) is complete: \d+:\d\d, \S+B, \S+B added to the repository\n\z/m
	  or diag $out;
	like($incr, qr/^\Q$full\E_\d{8}-\d{6}I$/, 'backup --wait: the label');

	($out) = $json->decode(ctl_ok('backup -f json', qw(backup --type=diff -f json)));
	is($out->{type}, 'diff', 'backup -f json: the job');
	is($sidecar->wait_job($out->{id})->{state}, 'succeeded', 'backup -f json: it is made');

	my ($status, $document, $errors) = ctl(qw(backup --wait --format=json));
	is($json->decode($document)->{state},
		'succeeded', 'backup --wait --format=json: the job at its end');
	like($errors, qr/elapsed/, 'backup --wait --format=json: progress on standard error');
}

# ---- info
{
	my $out = ctl_ok('info', 'info');
	like(
		$out,
		qr/\Astanza main: ok; repo 1: ok\nrepo 1, archive \d+-1: any moment since \S+Z can be restored\nas of \S+Z, \d+:\d\d ago\n\nlabel /,
		'info: what it is about');
	like(
		$out,
		qr/^label +type  ended \(UTC\) +took +size +in repo  WAL +expires\n\Q$full\E +full  \d\d-\d\d \d\d:\d\d +\d:\d\d +\S+MB +\S+MB  [0-9A-F]+\/\S+ +\S/m,
		'info: a row');
	my ($tail) = $incr =~ /(_.*)/;
	like($out, qr/^  \Q$tail\E +incr  /m, 'info: an incr below its full');
	like($out, qr/^\(4 backups\)\n\z/m, 'info: the footer');
	$out = ctl_ok('info --verbose', 'info', '--verbose');
	like(
		$out,
		qr/\Astanza main: ok; repo 1: ok\nrepo 1, archive \d+-1: any moment since \S+Z can be restored\nas of \S+Z, \d+:\d\d ago\n stanza \| repo \|/,
		'info --verbose: what it is about');
	like(
		$out,
		qr/^ main +\| +1 \| \Q$full\E +\| full \| \S+Z \| \S+Z \| +\d:\d\d \| +\S+MB \|/m,
		'info --verbose: a row');
	like($out, qr/\| owner=dba +\+\n/, 'info --verbose: annotations, a line each');
	like($out, qr/^\(4 rows\)\n\n\z/m, 'info --verbose: the footer');

	my @rows = rows(my $tsv = ctl_ok('info -f tsv', qw(info -f tsv)));
	is_deeply(
		[ map { $_->{type} } @rows ],
		[qw(full incr diff incr)],
		'info -f tsv: a line a backup');
	like($rows[0]{size}, qr/^\d+$/, 'info -f tsv: sizes are bytes');
	spew("$root/info.tsv", $tsv);
	my $columns = join ', ', map { "$_ text" } split /\t/, (split /\n/, $tsv)[0];
	is( $member->psql(
				"CREATE TEMP TABLE t ($columns); COPY t FROM '$root/info.tsv' (HEADER);"
			  . "SELECT annotation LIKE E'%path=C:\\\\\\\\dir%' AND annotation LIKE E'%\\n%' FROM t WHERE type = 'full'"
		),
		't',
		'info -f tsv: COPY reads it back');

	my $said = $sidecar->http(GET => '/v1/info')->{json};
	my $document = $json->decode(ctl_ok('info -f json', qw(info -f json)));
	is_deeply($document->{stanzas}, $said->{stanzas}, 'info -f json: the sidecar\'s document');
	spew("$root/info.yaml", ctl_ok('info -f yaml', qw(info -f yaml)));
	my ($status, $yaml, $errors) = $member->_command(
		'',
		'/usr/bin/python3',
		'-c',
		'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout, default=repr)',
		"$root/info.yaml");
	is_deeply($json->decode($yaml)->{stanzas},
		$said->{stanzas}, 'info -f yaml: the same, types and all')
	  or diag $errors;

	my $before = $said->{fetched_at};
	my $after = $json->decode(ctl_ok('info --refresh', qw(info --refresh -f json)))->{fetched_at};
	cmp_ok($after, 'gt', $before, 'info --refresh: newer than before');
}

# ---- jobs, cancel
{
	my @jobs = @{ $sidecar->http(GET => '/v1/jobs')->{json}{jobs} };
	my $out = ctl_ok('jobs', 'jobs');
	like($out, qr/\Aid +kind +type +state /, 'jobs: a table');
	my $count = @jobs;
	like($out, qr/^\($count jobs\)$/m, 'jobs: all of them');
	is_deeply(
		[ map { $_->{id} } rows(ctl_ok('jobs -f tsv', qw(jobs -f tsv))) ],
		[ map { $_->{id} } @jobs ],
		'jobs -f tsv: newest first');
	is_deeply($json->decode(ctl_ok('jobs -f json', qw(jobs -f json)))->{jobs},
		\@jobs, 'jobs -f json: the document');
	like(
		ctl_ok('jobs -f yaml', qw(jobs -f yaml)),
		qr/\Ajobs:\n- id: '\Q$jobs[0]{id}\E'\n/,
		'jobs -f yaml');
	my @filtered =
	  rows(ctl_ok('jobs: filters', qw(jobs --kind=backup --state=succeeded --limit=2 -ftsv)));
	is(scalar @filtered, 2, 'jobs: --limit');
	is_deeply([ grep { $_->{kind} ne 'backup' || $_->{state} ne 'succeeded' } @filtered ],
		[], 'jobs: --kind and --state');
	$out = ctl_ok('jobs: page', qw(jobs --limit=1));
	my ($before) = $out =~ /^There are older ones: --before=(\S+)$/m or diag $out;
	isnt((rows(ctl_ok('jobs: next page', qw(jobs --limit=1 -ftsv), "--before=$before")))[0]{id},
		$jobs[0]{id}, 'jobs: --before goes on');
	like(ctl_ok('jobs --state=queued', qw(jobs --state=queued)), qr/^\(0 jobs\)$/m, 'jobs: none');

	my ($job) = grep { ($_->{label} // '') eq $full } @jobs;
	my @known = (
		[ id => $job->{id} ],
		[ state => 'succeeded' ],
		[ label => $full ],
		[ reason => 'nightly' ],
		[ exit_code => 0 ]);
	$out = ctl_ok('jobs ID', 'jobs', $job->{id});
	like($out, qr/^$_->[0] +\Q$_->[1]\E$/m, "jobs ID: $_->[0]") for @known;
	$out = ctl_ok('jobs ID --verbose', 'jobs', $job->{id}, '--verbose');
	like($out, qr/\A-\[ RECORD 1 \]-*\+-+\n/, 'jobs ID --verbose: expanded as in psql');
	like($out, qr/^$_->[0] +\| \Q$_->[1]\E$/m, "jobs ID --verbose: $_->[0]") for @known;
	is_deeply($json->decode(ctl_ok('jobs ID -f json', 'jobs', $job->{id}, '-f', 'json')),
		$job, 'jobs ID -f json');
	like(
		ctl_ok('jobs ID --log', 'jobs', $job->{id}, '--log'),
		qr/ P00 +INFO: backup command end: completed successfully/m,
		'jobs ID --log');

	ctl_fails('jobs: unknown', 5, qr/nosuchjob/, 'jobs', 'nosuchjob');
	ctl_fails('jobs --log: unknown', 5, qr/nosuchjob/, qw(jobs nosuchjob --log));
	ctl_fails('cancel: unknown', 5, qr/nosuchjob/, 'cancel', 'nosuchjob');
	ctl_fails('cancel: over', 6, qr/\Q$job->{id}\E/, 'cancel', $job->{id});
}

# ---- a job that goes on and on
{
	hold_wal($member);
	ctl_fails(
		'--wait-timeout', 7,
		qr/is still (?:running|queued) after 2 s\n.*The job goes on\./,
		qw(backup --wait-timeout=2));
	my ($job) = @{ $sidecar->http(GET => '/v1/jobs?limit=1')->{json}{jobs} };
	is(wait_running($job->{id})->{state}, 'running', '--wait-timeout: it does');

	my $out = ctl_ok('backup behind another', qw(backup));
	my ($queued) = $out =~ /^ (\S+) +\| backup \| incr \| queued /m or diag $out;
	$out = ctl_ok('backup covered', qw(backup));
	like($out, qr/\| queued .*\| \Q$queued\E +\|/, 'backup: says which job covers it');
	my ($covered) = $out =~ /^ (\S+) +\| backup /m;
	like(
		ctl_ok('cancel: queued', 'cancel', $queued),
		qr/^ \Q$queued\E .* cancelled /m,
		'cancel: shows the job');
	ctl_ok('cancel: covered', 'cancel', $covered);

	my $follower = start_ctl(qw(check --wait-timeout=50));
	wait_output($follower, 'out', qr/^\S+: queued, /m);
	$follower->{handle}->signal('INT');
	is(finish($follower), 130, 'Ctrl-C: exit status');
	like(
		$follower->{errors},
		qr/stopped waiting for check \S+\n.*The job goes on\.\n.*pgbackrest_ctl cancel \S+"/,
		'Ctrl-C: how to go on');
	my ($check) = $follower->{out} =~ /^check (\S+) was accepted/;
	is($sidecar->job($check)->{state}, 'queued', 'Ctrl-C: the job is still there');
	ctl_ok('cancel: the check', 'cancel', $check);

	like(
		ctl_ok('cancel: running', 'cancel', $job->{id}),
		qr/ cancelled /,
		'cancel: waits until pgbackrest is stopped');
	is($sidecar->job($job->{id})->{state}, 'cancelled', 'cancel: so it says');

	# cancelled behind the back of one who waits
	my $waiter = start_ctl(qw(backup --wait));
	wait_output($waiter, 'out', qr/^\S+: (?:copying|starting|waiting for WAL|running)/m);
	my ($id) = $waiter->{out} =~ /^incr backup (\S+) was accepted/;
	$sidecar->http(DELETE => "/v1/jobs/$id");
	is(finish($waiter), 1, 'a job that is cancelled: exit status');
	like(
		$waiter->{errors},
		qr/incr backup \Q$id\E was cancelled/,
		'a job that is cancelled: message');

	# the sidecar goes away in mid wait
	$waiter = start_ctl(qw(backup --wait));
	wait_output($waiter, 'out', qr/^\S+: (?:copying|starting|waiting for WAL|running)/m);
	($id) = $waiter->{out} =~ /^incr backup (\S+) was accepted/;
	my $behind = start_ctl(qw(check));
	wait_output($behind, 'out', qr/^\S+: queued, /m);
	$sidecar->kill;
	wait_output($_, 'errors', qr/warning: the sidecar does not answer/) for $waiter, $behind;
	release_wal($member);
	$sidecar->start;
	is(finish($waiter), 1, 'a sidecar that was killed: exit status');
	my @warnings = $waiter->{errors} =~ /warning/g;
	is(scalar @warnings, 1, 'a sidecar that was killed: told once');
	like(
		$waiter->{errors},
		qr/incr backup \Q$id\E was interrupted/,
		'a sidecar that was killed: the outcome');
	is(finish($behind), 0, 'a sidecar that was killed: a job that was queued is done: exit status');
	like(
		$behind->{out},
		qr/^check \S+ succeeded$/m,
		'a sidecar that was killed: a job that was queued is done');
	$sidecar->wait_ready;
}

# ---- on a terminal
for my $columns (120, 50, 12)
{
	my ($status, $out) = on_terminal($columns, qw(backup --wait --type=full));
	is($status, 0, "terminal of $columns: exit status");
	my ($drawn) = $out =~ /accepted\r\n(.*)\r(?=[^\r]*is complete)/s or diag $out;
	my @frames = split /\r/, $drawn;
	cmp_ok(scalar @frames, '>', 1, "terminal of $columns: redrawn in place");
	is_deeply([ grep { length >= $columns } @frames ],
		[], "terminal of $columns: nothing beyond its width");
	unlike($drawn, qr/\n/, "terminal of $columns: one line");
	like($drawn, qr/\[[#.]+\]/, "terminal of $columns: a bar") if $columns >= 50;
	like($out, qr/full backup \S+ is complete/, "terminal of $columns: the end");
}
{
	my ($status, $out) = on_terminal(400, 'info', '--verbose');
	like($out, qr/^ stanza \| repo \|/m, 'info --verbose on a wide terminal: aligned');
	($status, $out) = on_terminal(80, 'info', '--verbose');
	like($out, qr/^-\[ RECORD 1 \]/m, 'info --verbose on a narrow one: expanded');
	($status, $out) = on_terminal(70, 'info');
	is_deeply([ grep { length > 70 } split /\r?\n/, $out ],
		[], 'info on a narrow one: within its width');
}

# ---- check, verify, expire
{
	my $out = ctl_ok('check', 'check');
	like(
		$out,
		qr/ P00 +INFO: check command end: completed successfully.*^check \S+ succeeded\n\z/ms,
		'check: pgbackrest\'s lines, then the outcome');
	like(ctl_ok('verify', 'verify'), qr/^verify \S+ succeeded$/m, 'verify');
	$out = ctl_ok('expire --dry-run', qw(expire --dry-run), "--set=$full");
	like($out, qr/remove expired backup \Q$full\E/, 'expire --dry-run: what it would remove');
	like(ctl_ok('info', 'info', '--verbose'), qr/\Q$incr\E/, 'expire --dry-run: removes nothing');
	$out = ctl_ok('expire --set', 'expire', "--set=$full", '--reason=too old');
	unlike(ctl_ok('info', qw(info --refresh)),
		qr/\Q$full\E/, 'expire --set: removes it and what depends on it');
	$out = ctl_ok('check --no-wait', qw(check --no-wait));
	my ($id) = $out =~ /^ (\S+) +\| check /m or diag $out;
	is($sidecar->wait_job($id)->{state}, 'succeeded', 'check --no-wait: the job');
	is($json->decode((ctl(qw(check --wait --format=json)))[1])->{state},
		'succeeded', 'check --format=json: the job at its end');
}

# ---- what fails
{
	my $out = ctl_fails(
		'backup that fails',
		1,
		qr/^pgbackrest_ctl: error: full backup \S+ failed: .+^pgbackrest_ctl: detail: pgbackrest ended with exit code \d{3} \([a-z-]+\)\.$/ms,
		qw(backup --type=full --wait --repo=7));
	unlike($out, qr/complete/, 'backup that fails: is not called complete');

	$member->stop;
	ctl_fails('PostgreSQL is down', 1, qr/exit code 056 \(db-connect\)/, qw(backup --wait));
	my ($status, $document) = ctl(qw(backup --wait -f json));
	is($status, 1, 'PostgreSQL is down, as json: exit status');
	is($json->decode($document)->{exit_code}, 56, 'PostgreSQL is down, as json: the job');
	$member->start;
	ctl_ok('check', 'check');
}

# ---- info that pgbackrest can't give
{
	chmod 0, "$root/repo";
	ctl_fails(
		'info: a repository that can\'t be read',
		1,
		qr/repository 1 could not be read: .*Permission denied/,
		qw(info --refresh));
	chmod 0750, "$root/repo";
	like(
		ctl_ok('info: it can be read again', qw(info --refresh)),
		qr/^\([1-9]\d* backups?\)$/m,
		'info: its backups');

	rename $member->{config}, "$member->{config}.away" or die $!;
	spew($member->{config}, "nonsense\n");
	my $out = ctl_fails(
		'info --refresh: pgbackrest fails',
		1,
		qr/gave no new information: /,
		qw(info --refresh));
	like(
		$out,
		qr/^last refresh failed: .*exit code\s+\d{3}.*^label .*^\([1-9]\d* backups?\)$/ms,
		'info --refresh: the older copy, and why it is not newer');
	like(
		ctl_ok('info: pgbackrest has failed', 'info'),
		qr/^last refresh failed: /m,
		'info: tells it, too');
	rename "$member->{config}.away", $member->{config} or die $!;
	unlike(ctl_ok('info --refresh: it works again', qw(info --refresh)),
		qr/failed/, 'info --refresh: no more of it');
}

# ---- who may
{
	spew("$root/tokens", "readonlytoken0123456789 read\noperatortoken0123456789 operate\n", 0600);
	spew("$root/$_->[0]", "$_->[1]\n", 0600)
	  for [ reader => 'readonlytoken0123456789' ], [ operator => 'operatortoken0123456789' ],
	  [ stranger => 'x' x 23 ];
	$sidecar->speak_tcp->restart("--token-file=$root/tokens")->wait_ready;
	$ENV{PGBRCTL_URL} = $sidecar->url;

	ctl_fails('no token', 4,
		qr/bearer token is required\n.*GET http.*\n.*hint: .*-file=FILE, PGBRCTL_TOKEN_FILE, or/,
		'info');
	ctl_fails(
		'a wrong token',
		4,
		qr/not known here\n.*GET http.*\n.*hint: .* a token of the sidecar's own token file: --token-file=FILE/,
		'info',
		"--token-file=$root/stranger");
	ctl_ok('a right token', 'info', "--token-file=$root/reader");
	ctl_fails('too small a scope', 4, qr/does not allow/, 'backup', "--token-file=$root/reader");
	local $ENV{PGBRCTL_TOKEN} = 'operatortoken0123456789';
	ctl_ok('a token in the environment', 'check');
	$sidecar->restart;
	delete $ENV{PGBRCTL_TOKEN};
	$sidecar->wait_ready;
}

# ---- TLS
{
	PgbrTls->new($cluster->sandbox, $root)->ca('ca')
	  ->certificate('server', 'ca', usage => 'serverAuth')->certificate('client', 'ca');
	my $url = $sidecar->tcp_url =~ s/http/https/r;
	my @trust = ("--url=$url", "--ca-file=$root/ca.crt");
	$sidecar->stop;
	$sidecar->launch(
		"--tls-cert-file=$root/server.crt", "--tls-key-file=$root/server.key",
		"--tls-client-ca-file=$root/ca.crt", "--token-file=$root/tokens");
	wait_for { (ctl('info', @trust))[0] == 4 } 'the sidecar to answer over TLS';
	ctl_ok('TLS and a token', 'info', @trust, "--token-file=$root/reader");
	ctl_ok(
		'TLS and a client certificate',
		'info', @trust, "--cert-file=$root/client.crt",
		"--key-file=$root/client.key");
	chmod 0640, "$root/$_" for qw(client.key reader);
	ctl_fails(
		'a key that others can read',
		2,
		qr/file "\Q$root\E\/client\.key" has group or world access\n.*hint: File must have permissions u=rw \(0600\)/,
		'info',
		@trust,
		"--cert-file=$root/client.crt",
		"--key-file=$root/client.key");
	spew("$root/both.pem", slurp("$root/client.crt") . slurp("$root/client.key"), 0644);
	ctl_fails(
		'one in the file of the certificate',
		2, qr/file "\Q$root\E\/both\.pem" has group or world access/,
		'info', @trust, "--cert-file=$root/both.pem");
	ctl_fails(
		'a token that others can read',
		2, qr/file "\Q$root\E\/reader" has group or world access\n.*hint: /,
		'info', @trust, "--token-file=$root/reader");
	ctl_fails(
		'a token from a pipe',
		2, qr/is not a regular file/,
		'info', @trust, '--token-file=/dev/zero');
	chmod 0600, "$root/$_" for qw(client.key reader both.pem);
	ctl_ok('others that can not', 'info', @trust, "--cert-file=$root/both.pem");
	ctl_fails(
		'TLS and a CA unknown',
		3, qr/could not connect to the sidecar: .*certificate/,
		'info', "--url=$url");
	ctl_fails('plain HTTP to TLS',
		3, qr/error: .*\n.*GET http:.*\n.*hint: .*answers only at https:\/\/\. /, 'info');
	spew("$root/no.pem", "no certificate\n");
	ctl_fails('a file that holds no certificate',
		2, qr/no\.pem/, 'info', "--url=$url", "--ca-file=$root/no.pem");
	$sidecar->speak_tcp(0)->restart->wait_ready;
	$ENV{PGBRCTL_URL} = $sidecar->url;

}

# ---- what is no sidecar
{
	my $port = $cluster->sandbox->port;
	ctl_fails(
		'no Patroni there',
		3,
		qr/could not ask Patroni: .*\n.*GET http:.*\n.*hint: .*--patroni-url=URL, PGBRCTL_PATRONI_URL, or patroni-url in/,
		'status',
		"--patroni-url=http://127.0.0.1:$port");
	ctl_fails(
		'no socket there',
		3, qr{could not connect to the sidecar: socket "$root/nowhere.sock": No such file},
		'info', "--url=unix:$root/nowhere.sock");
	ctl_fails('nobody there', 3,
		qr/could not connect to the sidecar: .*\n.*GET http:.*\n.*Is pgbackrest_sidecar running/,
		'info', "--url=http://127.0.0.1:$port");
	ctl_fails(
		'TLS to one without',
		3, qr/could not connect to the sidecar/,
		'info', '--url=' . $sidecar->tcp_url =~ s/http/https/r);

	my $bytes = sub {
		my ($text) = @_;
		return sub { syswrite $_[0], $text }
	};
	my $http = sub {
		my ($body, %with) = @_;
		return sub { answer($_[0], $body, %with) }
	};
	my $job = '{"id":"lost","kind":"backup","type":"incr","state":"queued"}';
	my @cases = (
		[ 'not-http', $bytes->("220 mail ready\r\n"), 3, qr/error: / ],
		[ 'closed', $bytes->(''), 3, qr/could not connect to the sidecar/ ],
		[
			'cut',
			$bytes->(
				"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{"
			),
			3,
			qr/error: /
		],
		[ 'html', $http->('<html>', type => 'text/html'), 3, qr{content type "text/html"} ],
		[ 'no-json', $http->('{"a":'), 3, qr/the sidecar's answer is not valid JSON/ ],
		[ 'no-object', $http->('[]'), 3, qr/not a JSON object/ ],
		[ 'no-jobs', $http->('{"jobs":[{"id":"a"}]}'), 3, qr/no kind/ ],
		[
			'proxy', $http->('<html>', status => 403, type => 'text/html'),
			3, qr/the server that answered is not a sidecar/
		],
		[ 'large', $http->(' ' x (9 << 20)), 3, qr/larger than 8 MB/ ],
		[
			'control',
			$http->(
				'{"code":"unavailable","detail":"a\u001b[31m\u009b\u202eb"}',
				status => 503,
				type => 'application/problem+json'),
			6,
			qr/error: a\\x1B\[31m\\u009B\\u202Eb$/m
		]);
	my $strange = PgbrStrangeServer->new(
		$cluster->sandbox,
		{
			(map { $_->[0] => $_->[1] } @cases),
			hang => sub { sysread $_[0], my $never, 1 },
			forgets => sub {
				my ($client, $request) = @_;
				return answer($client, $job, status => 202) if $request->{method} eq 'POST';
				answer(
					$client, '{"code":"not-found","detail":"no job \"lost\""}',
					status => 404,
					type => 'application/problem+json');
			},
		});
	for my $case (@cases)
	{
		my ($name, undef, $status, $pattern) = @$case;
		my $out = ctl_fails(
			"nonsense: $name",
			$status, $pattern, 'jobs', '--url=' . $strange->url . "/$name",
			'--timeout=10');
		is($out, '', "nonsense: $name: nothing printed");
	}
	my $began = time;
	my $hang = '--url=' . $strange->url . '/hang';
	ctl_fails('silence', 3, qr/no answer within 1\.0 s/, 'info', '--timeout=1', $hang);
	cmp_ok(time - $began, '<', 5, 'silence: the time-out holds');
	ctl_fails(
		'silence for a backup',
		3, qr/may have accepted the backup: check with/,
		'backup', '--timeout=1', $hang);
	ctl_fails(
		'a job that gets lost',
		5,
		qr/no job "lost"/,
		qw(backup --wait),
		'--url=' . $strange->url . '/forgets');
}

# ---- standard output that takes nothing
{
	my ($status, $out, $errors) =
	  $member->_command('', 'sh', '-c', "exec '$program' jobs >/dev/full");
	is($status, 1, 'full disk: exit status');
	like($errors, qr/could not write the output: No space left/, 'full disk: message');
}

done_testing;
