# The SQL side with a real sidecar: waiting, cancelling, joining and failing jobs; restore points
# that do not reach the repository; tokens and TLS; other encodings; and a standby.
use strict;
use warnings;
use IPC::Run    ();
use ManyBackups qw(make_backups);
use PgbrCluster;
use PgbrSandbox qw(spew wait_for);
use PgbrSidecarTest;
use PgbrTls;
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0)->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
$member->psql('CREATE EXTENSION pgbackrest_ctl');

sub set_parameter
{
	my ($name, $value) = @_;
	$member->psql("LOAD 'pgbackrest_ctl'; ALTER SYSTEM SET $name = '$value'");
	$member->psql('SELECT pg_reload_conf()');
	wait_for { $member->psql("LOAD 'pgbackrest_ctl'; SHOW $name") eq $value } "$name to be $value";
	return;
}

# The statement fails with this SQLSTATE and text.
sub fails
{
	my ($sql, $sqlstate, $pattern, $name, %with) = @_;
	my $on = delete $with{on} // $member;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return like($on->psql_fails($sql, %with), qr/ERROR:  \Q$sqlstate\E: $pattern/s, $name);
}

# Run one statement in the background; notices and errors come with their SQLSTATE.
sub start_sql
{
	my ($sql) = @_;
	my $running = { out => '', errors => '' };
	my @command = ($member->psql_command, '-v', 'VERBOSITY=verbose', '-c', $sql);
	$running->{psql} = IPC::Run::start(\@command, '<', '/dev/null', '>', \$running->{out}, '2>',
		\$running->{errors});
	return $running;
}

# The job that a statement in the background waits for, once it runs.
sub running_job
{
	return wait_for { $member->psql(q{SELECT running_job FROM pgbr_status}) } 'a job to run';
}

subtest 'a backup that takes its time' => sub {
	hold_wal($member);
	my $waiting = start_sql(q{SELECT pgbr_backup('full', wait => true, wait_seconds => 300)});
	my $id = running_job();
	wait_for { $member->psql(q{SELECT phase FROM pgbr_progress}) eq 'waiting for WAL' }
	'its last phase';
	my ($row) = $member->psql(
		q{SELECT job_id, kind, type, bytes_done >= 0, percent IS NULL = (bytes_total IS NULL), elapsed > '0' FROM pgbr_progress}
	);
	is($row, "$id|backup|full|t|t|t", 'its progress');
	is( $member->psql(
			q{SELECT backend_xmin IS NOT NULL FROM pg_stat_activity WHERE query LIKE 'SELECT pgbr_backup%' AND pid <> pg_backend_pid()}
		),
		't',
		'who waits holds a snapshot, as docs/reference/sql.md says');
	is($member->psql('SELECT lock_held, queued_jobs FROM pgbr_status'),
		'f|0', 'its status, of before');
	is($member->psql('SELECT lock_held FROM (SELECT pgbr_info_json(true)) AS now, pgbr_status'),
		't', 'it holds the lock');

	# what is asked for meanwhile waits, and is joined
	my $first = $member->psql(q{SELECT pgbr_backup('incr')});
	my $joined = start_sql(q{SELECT pgbr_backup('incr', wait => true, wait_seconds => 300)});
	wait_for { $member->psql('SELECT count(*) FROM pgbr_jobs WHERE covered_by IS NOT NULL') }
	'one to be covered';
	my $second = $member->psql("SELECT job_id FROM pgbr_jobs WHERE covered_by = '$first'");
	isnt($second, '', 'SQL sees which job covers which');
	is($member->psql('SELECT queued_jobs FROM pgbr_status'), 2, 'pgbr_status counts both');
	wait_for { $joined->{psql}->pump_nb; $joined->{errors} } 'the notice';
	like(
		$joined->{errors},
		qr/^NOTICE:  00000: job "\Q$second\E" is covered by job "\Q$first\E"/,
		'who asks is told');

	# waits that end before their jobs do
	fails(
		q{SELECT pgbr_backup('diff', wait => true, wait_seconds => 1)},
		'57P05',
		'job "\S+" has not finished within 1 s\nDETAIL:  Job "\S+" is queued and goes on\.\nHINT:  Follow it',
		'wait_seconds are over');
	fails(
		q{SET statement_timeout = '500ms'; SELECT pgbr_check(wait => true)},
		'57014', 'canceling statement due to statement timeout\nDETAIL:  Job "\S+" goes on\.',
		'statement_timeout');
	my $cancelled = start_sql(q{SELECT pgbr_verify(wait => true)});
	my $verify = wait_for { $member->psql(q{SELECT job_id FROM pgbr_jobs WHERE kind = 'verify'}) }
	'verify to be queued';
	wait_for
	{
		$member->psql(
			q{SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pgbr_verify%' AND wait_event_type = 'Extension'}
		)
	}
	'the wait';
	my $start = time;
	$cancelled->{psql}->signal('INT');
	$cancelled->{psql}->finish;
	cmp_ok(time - $start, '<', 0.5, 'Ctrl-C ends a wait at once');
	like(
		$cancelled->{errors},
		qr/ERROR:  57014: .*\nDETAIL:  Job "\Q$verify\E" goes on\.\nHINT:  .*pgbr_cancel\('\Q$verify\E'\)/,
		'and says what goes on');
	is($member->psql("SELECT state FROM pgbr_job('$verify')"), 'queued', 'it does');

	# cancelling jobs
	is($member->psql("SELECT pgbr_cancel('$verify')"), 't', 'a queued job is cancelled');
	is($member->psql("SELECT state FROM pgbr_job('$verify')"), 'cancelled', 'at once');
	is($member->psql("SELECT pgbr_cancel('$id')"), 't', 'so is the one that runs');
	$waiting->{psql}->finish;
	like(
		$waiting->{errors},
		qr/ERROR:  57000: job "\Q$id\E" was cancelled/,
		'who waited for it is told');
	release_wal($member);
	$joined->{psql}->finish;
	is($joined->{out}, "$second\n",
		'the others are run: the end of the one that covers ends the wait');
	is( $member->psql(
			"SELECT string_agg(DISTINCT state, ', ') FROM pgbr_jobs WHERE job_id IN ('$first', '$second')"
		),
		'succeeded',
		'and both have succeeded');
	is($member->psql(q{SELECT failures_in_a_row, last_failure IS NULL FROM pgbr_status}),
		'0|t', 'a cancelled backup is no failure');
};

subtest 'failures' => sub {
	fails(
		'SELECT pgbr_backup(repo => 2, wait => true)',
		'58000',
		'job "\S+" failed: .*\nDETAIL:  pgbackrest backup ended with exit code \d+ \([a-z-]+\)\.',
		'a repository that is not configured');
	like(
		$member->psql(
			'SELECT failures_in_a_row, last_failure IS NOT NULL, last_failure_message FROM pgbr_status'
		),
		qr/^1\|t\|key '2' is not valid/,
		'pgbr_status shows it');
	my ($id, $state, $code, $error, $message) = split /\|/,
	  $member->psql('SELECT job_id, state, exit_code, error, message FROM pgbr_jobs LIMIT 1');
	like("$state $code $error $message", qr/^failed \d+ [a-z-]+ \S+/, 'and pgbr_jobs');
	# a wait outlasts a restart of the sidecar, and learns what became of the job
	hold_wal($member);
	my $waiting = start_sql(q{SELECT pgbr_backup(wait => true)});
	$id = running_job();
	$sidecar->kill;
	$sidecar->start;
	$waiting->{psql}->finish;
	like(
		$waiting->{errors},
		qr/ERROR:  58000: job "\Q$id\E" was interrupted/,
		'a sidecar that crashed is waited for');
	release_wal($member);
	is($member->psql('SELECT failures_in_a_row FROM pgbr_status'), 2, 'that is a failure, too');
	$member->psql('SELECT pgbr_backup(wait => true)');
	is($member->psql('SELECT failures_in_a_row, last_failure IS NOT NULL FROM pgbr_status'),
		'0|t', 'a success ends the row');
};

subtest 'a sidecar that is down' => sub {
	$sidecar->stop;
	fails(
		'SELECT pgbr_backup()',
		'08006',
		'could not reach the sidecar.*HINT:  Start pgbackrest_sidecar',
		'is said to be');
	like(
		$member->psql('SELECT sidecar_error, archive_mode, last_full IS NULL FROM pgbr_status'),
		qr/^could not reach the sidecar.*\|on\|t$/,
		'pgbr_status, too');
	my $before = $member->psql('SELECT pg_current_wal_lsn()');
	fails(
		q{SELECT pgbr_restore_point('lost')},
		'08006',
		'could not reach the sidecar',
		'no restore point is made');
	is( $member->psql(
				'SELECT count(*) FROM pg_ls_waldir() WHERE name > pg_walfile_name($$'
			  . $before
			  . '$$) AND modification > now()'),
		0,
		'no WAL either');
	$sidecar->start->wait_ready;
};

subtest 'restore points' => sub {
	my $lsn = $member->psql(q{SELECT pgbr_restore_point('Zoë')});
	my $segment = $member->psql("SELECT pg_walfile_name('$lsn')");
	my $records = `pg_waldump --path=$member->{data}/pg_wal --rmgr=XLOG $segment 2>&1`;
	like($records, qr/RESTORE_POINT Zoë/, 'the name is in the WAL');
	fails(
		q{SELECT pgbr_restore_point('Zoë')},
		'42710',
		'restore point "Zo.*" already exists on timeline 1',
		'and can\'t be there twice');

	# two at a time: one wins
	my @results = at_once(
		map {
			sub {
				eval { $member->psql(q{SELECT pgbr_restore_point('race', wait_archived => false)}) }
				  ? 'made'
				  : $@;
			}
		} 1 .. 6);
	is((grep { $_ eq 'made' } @results), 1, 'of six at a time one wins');
	is((grep { /already exists/ } @results), 5, 'the others are told');

	hold_wal($member);
	fails(
		q{SELECT pgbr_restore_point('held', wait_seconds => 1)},
		'57P05',
		'WAL segment [0-9A-F]{24} has not reached the repository within 1 s\nDETAIL:  Restore point "held" was created at [0-9A-F/]+ and is registered\.',
		'an archiver that is stuck');
	cmp_ok($member->psql('SELECT wal_waiting FROM pgbr_status'), '>', 0, 'pgbr_status shows it');
	fails(
		q{SET statement_timeout = '500ms'; SELECT pgbr_restore_point('cancelled')},
		'57014',
		'canceling.*\nDETAIL:  Restore point "cancelled" was created at [0-9A-F/]+ and is registered\.',
		'a wait that is cancelled');
	is( $member->psql(
			q{SELECT string_agg(name, ',') FROM (SELECT name FROM pgbr_restore_points LIMIT 2) AS p}
		),
		'cancelled,held',
		'both are registered');
	release_wal($member);

	set_parameter(archive_command => '/bin/true');
	fails(
		q{SELECT pgbr_restore_point('dropped', wait_seconds => 2)},
		'57P05',
		'WAL segment [0-9A-F]{24} has not reached the repository within 2 s',
		'WAL that is dropped');
	my $repo = "$member->{sandbox}{root}/repo";
	rename $repo, "$repo.away" or die "rename: $!";
	$member->sidecar->http(GET => '/v1/info?refresh=true');
	fails(
		q{SELECT pgbr_restore_point('away', wait_seconds => 2)},
		'57P05',
		'WAL segment [0-9A-F]{24} has not reached the repository within 2 s',
		'a repository that is away is waited for');
	rename "$repo.away", $repo or die "rename: $!";
	is( $member->psql(
			q{SELECT recovery_window_to < last_archived_at, recovery_window_to = greatest(last_full, last_diff, last_incr)
				FROM (SELECT pgbr_info_json(true)) AS now, pgbr_status}),
		't|t',
		'ends the recovery window');
	$member->psql('ALTER SYSTEM RESET archive_command');

	$member->psql(q{ALTER SYSTEM SET archive_mode = 'off'});
	$member->stop;
	$member->start;
	fails(
		q{SELECT pgbr_restore_point('off')},
		'55000',
		'WAL archiving is not enabled.*HINT:  archive_mode',
		'archive_mode off');
	like($member->psql(q{SELECT pgbr_restore_point('off', wait_archived => false)}),
		qr{^[0-9A-F]+/[0-9A-F]+$}, 'not waiting for it is possible');
	$member->psql('ALTER SYSTEM RESET archive_mode');
	$member->stop;
	$member->start;
};

subtest 'encodings and names' => sub {
	$member->psql(q{CREATE DATABASE latin1 ENCODING LATIN1 LOCALE 'C' TEMPLATE template0});
	$member->psql(q{CREATE DATABASE bytes ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0});
	$member->psql('CREATE EXTENSION pgbackrest_ctl', dbname => $_) for qw(latin1 bytes);
	my %latin1 = (dbname => 'latin1');
	my $name = q{'M' || chr(246) || 'bel'};
	$member->psql("SELECT pgbr_restore_point($name, wait_archived => false)", %latin1);
	is($member->psql("SELECT count(*) FROM pgbr_restore_points WHERE name = $name", %latin1),
		1, 'a restore point of a database in LATIN1');
	is($member->psql("SELECT count(*) FROM pgbr_restore_points WHERE name = $name"),
		1, 'has the same name for all');
	fails("SELECT pgbr_restore_point($name)", '42710', 'restore point', 'and is known to all');
	my $id = $member->psql(
		"SELECT pgbr_backup(annotations => jsonb_build_object('a', $name), wait => true)", %latin1);
	is( $member->psql(
			"SELECT annotations->>'a' = $name FROM pgbr_info(true) WHERE backup_id = '$id'",
			dbname => $_),
		't',
		"an annotation, seen from $_") for qw(latin1 postgres);
	is( $member->psql(
			"SELECT annotations->>'a' = E'M\\xc3\\xb6bel' FROM pgbr_info() WHERE backup_id = '$id'",
			dbname => 'bytes'),
		't',
		'and from SQL_ASCII');

	# 63 bytes each, of two bytes a character, and what is no UTF-8
	my $long = 'ä' x 31 . 'x';
	my %of = ($long => qr/^sql (?:ä){31}x\@(?:ä){30}$/, "a\nb'\"" => qr/^sql a\?b'"\@postgres$/);
	for my $role ($long, "a\nb'\"")
	{
		my $quoted = '"' . $role =~ s/"/""/gr . '"';
		my $database = $role eq $long ? $long : 'postgres';
		my $sql = "CREATE ROLE $quoted LOGIN SUPERUSER;\n";
		$sql .= "CREATE DATABASE $quoted;\n" if $role eq $long;
		$member->psql($sql);
		my $target =
		  "host=$member->{socket} port=$member->{port} dbname='$database' user='" . $role =~
		  s/(['\\])/\\$1/gr . "'";
		IPC::Run::run(
			[
				'psql', '-XqAt', '-d', $target, '-c',
				'CREATE EXTENSION IF NOT EXISTS pgbackrest_ctl',
				'-c', 'SELECT pgbr_check()'
			],
			'>',
			\my $out,
			'2>',
			\my $errors);
		my ($job) = $out =~ /(\S+)/ or diag $errors;
		my $by = $member->psql("SELECT claimed_by FROM pgbr_job('$job')");
		cmp_ok(length $by, '<=', 128, 'who asks, in 128 bytes');
		like($by, $of{$role}, 'by name');
	}
	$member->psql(q{CREATE ROLE bytes LOGIN SUPERUSER}, dbname => 'bytes');
	$member->psql(qq{ALTER ROLE bytes RENAME TO "b\xff"}, dbname => 'bytes');
	my $job = $member->psql('SELECT pgbr_check()', dbname => 'bytes', user => "b\xff");
	is($member->psql("SELECT claimed_by FROM pgbr_job('$job')"),
		'sql b?@bytes', 'a name that is not UTF-8');
};

subtest 'tokens' => sub {
	my $tokens =
	  spew("$member->{dir}/tokens", "reads-and-no-more read\ndoes-a-good-deal-more operate\n",
		0600);
	my $token = spew("$member->{dir}/token", "reads-and-no-more\n", 0600);
	$sidecar->restart("--token-file=$tokens");
	set_parameter('pgbackrest_ctl.sidecar_url' => $sidecar->tcp_url);
	fails('TABLE pgbr_jobs', '28000', '.*HINT:  Check pgbackrest_ctl\.sidecar_token_file', 'none');
	set_parameter('pgbackrest_ctl.sidecar_token_file' => $token);
	cmp_ok($member->psql('SELECT count(*) FROM pgbr_jobs'), '>', 0, 'one that may read reads');
	fails(
		'SELECT pgbr_backup()',
		'42501',
		'.*HINT:  It needs one of scope operate, or restore\.',
		'and may no more');
	spew($token, 'wrong');
	fails(
		'TABLE pgbr_jobs',
		'28000', '.*HINT:  Check pgbackrest_ctl\.sidecar_token_file',
		'a wrong one');
	like($member->psql('SELECT sidecar_error FROM pgbr_status'), qr/./, 'pgbr_status says so');
	spew($token, "  does-a-good-deal-more  \n");
	like($member->psql('SELECT pgbr_check(wait => true)'),
		qr/^\S+$/, 'one that may, without a reload');
	spew($token, "\n");
	fails(
		'TABLE pgbr_jobs',
		'F0000',
		'token file "' . quotemeta($token) . '" .*HINT:  Check pgbackrest_ctl\.sidecar_token_file',
		'an empty file');
	unlink $token;
	fails(
		'TABLE pgbr_jobs',
		'F0000',
		'could not open file "'
		  . quotemeta($token)
		  . '": No such file.*HINT:  Check pgbackrest_ctl\.sidecar_token_file',
		'no file');
	spew($token, "does-a-good-deal-more\n", 0640);
	fails(
		'TABLE pgbr_jobs',
		'F0000',
		'file "'
		  . quotemeta($token)
		  . '" has group or world access.*HINT:  File must have permissions u=rw \(0600\)',
		'a file that others can read');
	set_parameter('pgbackrest_ctl.sidecar_token_file' => '');
};

subtest 'TLS' => sub {
	my $dir = $member->{dir};
	PgbrTls->new($cluster->sandbox, $dir)->ca('ca')
	  ->certificate('server', 'ca', usage => 'serverAuth')->certificate('client', 'ca');
	$sidecar->stop;
	$sidecar->launch(
		"--tls-cert-file=$dir/server.crt",
		"--tls-key-file=$dir/server.key",
		"--tls-client-ca-file=$dir/ca.crt");
	set_parameter('pgbackrest_ctl.sidecar_url' => $sidecar->tcp_url =~ s/http/https/r);
	wait_for
	{
		my $connection =
		  IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sidecar->{port});
		defined $connection
	}
	'the sidecar to listen';
	fails(
		'TABLE pgbr_jobs',
		'08006',
		'could not reach the sidecar: .*certificate.*HINT:  Check .*pgbackrest_ctl\.sidecar_ca_file',
		'a certificate nobody vouches for');
	set_parameter('pgbackrest_ctl.sidecar_ca_file' => "$dir/ca.crt");
	fails(
		'TABLE pgbr_jobs',
		'28000',
		'.*HINT:  Check .*pgbackrest_ctl\.sidecar_cert_file',
		'no certificate of our own');
	set_parameter('pgbackrest_ctl.sidecar_cert_file' => "$dir/client.crt");
	set_parameter('pgbackrest_ctl.sidecar_key_file' => "$dir/client.key");
	cmp_ok($member->psql('SELECT count(*) FROM pgbr_jobs'), '>', 0, 'certificates on both sides');
	chmod 0604, "$dir/client.key";
	fails(
		'TABLE pgbr_jobs',
		'F0000',
		'file "'
		  . quotemeta("$dir/client.key")
		  . '" has group or world access.*HINT:  File must have permissions',
		'a key that others can read');
	chmod 0600, "$dir/client.key";
	set_parameter('pgbackrest_ctl.sidecar_ca_file' => "$dir/no-such-file");
	fails('TABLE pgbr_jobs', 'F0000', '.*no-such-file', 'a file that is not there');
	$member->psql("LOAD 'pgbackrest_ctl'; ALTER SYSTEM RESET pgbackrest_ctl.sidecar_$_")
	  for qw(url ca_file cert_file key_file);
	$member->psql('SELECT pg_reload_conf()');
	$sidecar->restart->wait_ready;
};

subtest 'two thousand backups' => sub {
	my @labels = make_backups("$member->{sandbox}{root}/repo/backup/main", 2000);
	is($member->psql('SELECT count(*), count(DISTINCT label), min(label) FROM pgbr_info(true)'),
		"2000|2000|$labels[0]", 'pgbr_info has them all');
	is( $member->psql(
			'SELECT max(label), count(*) FILTER (WHERE prior IS NOT NULL) > 1000 FROM pgbr_backups'
		),
		(sort @labels)[-1] . '|t',
		'pgbr_backups, too');
	is( $member->psql(
			'SELECT last_full IS NOT NULL, last_incr IS NOT NULL, sidecar_error FROM pgbr_status'),
		't|t|',
		'pgbr_status knows the newest');
	is($member->psql(q{SELECT jsonb_array_length(pgbr_info_json()->0->'backup')}),
		2000, 'pgbr_info_json has the document');
};

subtest 'a standby' => sub {
	my $both = PgbrCluster->new(members => 2)->start;
	my $leader = $both->wait_leader;
	my ($standby) = $both->replicas;
	$leader->psql('CREATE EXTENSION pgbackrest_ctl');
	my $id = $leader->psql(q{SELECT pgbr_backup('full', wait => true)});
	$leader->psql(q{SELECT pgbr_restore_point('here', wait_archived => false)});
	wait_for
	{
		$standby->psql(q{SELECT count(*) FROM pg_extension WHERE extname = 'pgbackrest_ctl'})
	}
	'the extension on the standby';
	is($standby->psql('SELECT backup_id FROM pgbr_info(refresh => true)'),
		$id, 'reads the repository');
	is($standby->psql('SELECT count(*) FROM ' . $_) =~ /^\d+$/, 1, "reads $_")
	  for
	  qw(pgbr_jobs pgbr_progress pgbr_backups pgbr_archives pgbr_repositories pgbr_restore_points);
	is( $standby->psql('SELECT status_code, last_full IS NOT NULL, sidecar_error FROM pgbr_status'),
		'0|t|', 'reads pgbr_status');
	is( $standby->psql(q{SELECT safe IS NULL, problems FROM pgbr_status}),
		't|{"this is a standby: ask the leader whether WAL is archived and schedules run"}',
		'which judges what a standby sees');
	my $job = $standby->psql('SELECT pgbr_check()');
	is($standby->psql("SELECT kind FROM pgbr_job('$job')"), 'check', 'asks its sidecar for jobs');
	is($standby->psql("SELECT pgbr_cancel('$job') IS NOT NULL"), 't', 'and cancels them')
	  if $standby->psql("SELECT state FROM pgbr_job('$job')") eq 'queued';
	fails(
		q{SELECT pgbr_restore_point('there')},
		'55000',
		'recovery is in progress.*HINT:  Restore points are created on the primary',
		'makes no restore points',
		on => $standby);
	fails(
		q{BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pgbr_backup('diff', wait => true, wait_seconds => 120)},
		'58000',
		'job "\S+" failed: .*exit code 56.*HINT:  This is a standby; ask the leader \(127\.0\.0\.1, port \d+\) for backups\.',
		'a backup that pgbackrest can\'t make there says why',
		on => $standby);
};

done_testing;
