# What goes wrong around the sidecar, and what it makes of it: PostgreSQL down, a repository that is
# read-only, unreadable or full, a wrong stanza, a wrong archive_command, a state folder that can't
# be written. All of it is real, until a pgbackrest of our own comes for the state folder.
use strict;
use warnings;
use File::Path qw(make_path);
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(
	preload => 0,
	pgbackrest => { 'repo1-bundle' => 'y', 'archive-timeout' => 2, 'repo1-retention-full' => 1 });
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $repo = $cluster->sandbox->{root} . '/repo';

sub run_job
{
	my (%job) = @_;
	return $sidecar->wait_job($sidecar->post_job(kind => 'backup', %job)->{id});
}

# The checks of readyz: name => message, of those that are not ok
my @mismatched;

sub unready
{
	my $answer = $sidecar->http(GET => '/readyz');
	my %wrong = map { $_->{name} => $_->{message} } grep { !$_->{ok} } @{ $answer->{json}{checks} };
	push @mismatched, $answer->{content} if $answer->{status} != (%wrong ? 503 : 200);
	return \%wrong;
}

# --- the sidecar comes first, PostgreSQL later
{
	$sidecar->start;
	my $wrong =
	  wait_for { my $checks = unready(); $checks->{stanza} ne 'starting' ? $checks : undef }
	'a first look';
	like(
		$wrong->{stanza},
		qr/^waiting for PostgreSQL: connection .* failed/,
		'readyz names what it waits for');
	is($sidecar->http(GET => '/livez')->{status}, 200, 'it lives');
	my $node = $sidecar->http(GET => '/v1/node')->{json};
	ok(!$node->{running}, 'the node is down');
	like($node->{error}, qr/^connection/, 'and why');
	like($node->{pgbackrest_version}, qr/^2\.\d+$/, 'what is known without PostgreSQL is told');
	is_failure(run_job(), 55, 'file-missing', qr/backup\.info/, qr/stanza-create/,
		'a backup before there is a stanza');
	like(
		$sidecar->http(GET => '/v1/info?refresh=true')
		  ->{json}{stanzas}[0]{repo}[0]{status}{message},
		qr/missing stanza path/,
		'info says that it is missing');

	$member->start;
	$sidecar->wait_ready;
	pass('the stanza is created once PostgreSQL is there');
	my ($created) = @{ $sidecar->http(GET => '/v1/jobs?kind=stanza-create')->{json}{jobs} };
	is( "$created->{state} $created->{requested_by}",
		'succeeded pgbackrest_sidecar',
		'by a job of its own');
	is($sidecar->http(GET => '/v1/node')->{json}{role}, 'primary', 'the node is up');
	my $job = run_job(type => 'full');
	is($job->{state}, 'succeeded', 'a backup');
	is_deeply([ @$job{qw(error message hint)} ], [ undef, undef, undef ],
		'without a word of error');
}

# --- the repository
{
	# a read-only repository takes no WAL, too, which a backup waits for first
	$cluster->sandbox->run($repo, 'chmod', 'chmod', '-R', 'a-w', "$repo/backup");
	is_failure(run_job(), 47, 'path-create',
		qr{unable to create path '$repo/backup.*Permission denied},
		qr/permissions/, 'read-only');
	$cluster->sandbox->run($repo, 'chmod', 'chmod', '-R', 'a-w', "$repo/archive");
	is_failure(
		run_job(kind => 'check'),
		82,
		'archive-timeout',
		qr/was not archived before/,
		qr/archive_command.*own hint: check the archive_command.*; check the PostgreSQL server log/,
		'read-only, for WAL');
	is_deeply(unready(), {}, 'what is there can be read');
	$cluster->sandbox->run($repo, 'chmod', 'chmod', '-R', 'u+w', "$repo/archive", "$repo/backup");

	chmod 0000, "$repo/backup";
	is_failure(run_job(), 41, 'file-open', qr/backup\.info.*Permission denied/,
		qr/permissions/, 'unreadable');
	is_failure(
		run_job(kind => 'verify'),
		0, 'verify',
		qr/could not read the stanza/,
		qr/permissions.*info says: repo1: .*Permission denied/,
		'unreadable, which verify says with exit code 0');
	my $info = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
	like($info->{stanzas}[0]{repo}[0]{status}{message}, qr/Permission denied/, 'info tells');
	like(unready()->{repository}, qr/Permission denied/, 'and so does readyz');
	chmod 0700, "$repo/backup";
	$sidecar->http(GET => '/v1/info?refresh=true');
	is_deeply(unready(), {}, 'until it can be read again');

	my ($full) = map { m{([^/]+)$} } glob "$repo/backup/main/*F";
	symlink '/dev/full', "$repo/backup/main/backup.info.pgbackrest.tmp" or die;
	my $job = run_job();
	is_failure($job, 64, 'file-write', qr/backup\.info.*No space left on device/,
		qr/free space/, 'full');
	is($job->{label}, undef, 'a backup that is not complete has no label');
	unlink "$repo/backup/main/backup.info.pgbackrest.tmp" or die;
	is(run_job()->{state}, 'succeeded', 'the next one succeeds');

	# the backup is made, and the older one can't be expired
	chmod 0500, "$repo/backup/main/$full";
	$job = run_job(type => 'full');
	is($job->{state}, 'failed', 'an expire that fails after its backup');
	like($job->{message}, qr/\Q$full\E.*Permission denied/, 'says so');
	like($job->{label}, qr/F$/, 'the backup is there and has a label');
	is_deeply(
		[ map { @$_ } @{ backups_of($member) }{ $job->{id} } ],
		[ $job->{label} ],
		'which pgbackrest knows');
	chmod 0700, "$repo/backup/main/$full";
	is(run_job(kind => 'expire')->{state}, 'succeeded', 'and the next expire');
}

# --- archive_command
{
	my $set = sub {
		my ($command) = @_;
		$member->psql("ALTER SYSTEM SET archive_command = '$command'");
		$member->psql('SELECT pg_reload_conf()');
	};
	$set->('/bin/true');
	is_failure(run_job(), 68, 'archive-command-invalid', qr{'/bin/true' must contain pgbackrest},
		qr/archive-push/, 'a wrong archive_command');
	$set->('false pgbackrest');
	is_failure(run_job(), 82, 'archive-timeout', qr/was not archived/,
		qr/pg_stat_archiver/, 'one that fails');
	$member->psql('ALTER SYSTEM RESET archive_command');
	$member->psql('SELECT pg_reload_conf()');
}

# --- PostgreSQL goes down, and the stanza is another's
{
	$member->stop;
	is_failure(
		run_job(), 56, 'db-connect',
		qr/unable to find primary cluster/,
		qr/PostgreSQL is running.*in recovery\?$/,
		'PostgreSQL down');
	is_failure(
		run_job(kind => 'check'),
		27, 'config',
		qr/no database found/,
		qr/PostgreSQL is running/,
		'PostgreSQL down, check');
	is($sidecar->http(GET => '/v1/info?refresh=true')->{json}{error},
		undef, 'info needs no PostgreSQL');
	$member->start;

	# a slip in the name: the repository has this cluster already
	$sidecar->restart('--stanza=mian');
	my $wrong = wait_for { my $checks = unready(); $checks->{stanza} =~ /typo/ && $checks }
	'a look at the stanza';
	is( $wrong->{stanza},
		'the repository has this database cluster as stanza "main": is "mian" a typo? If it is not, create the stanza by hand: pgbackrest --stanza=mian stanza-create',
		'a name that is likely wrong: readyz asks');
	like($wrong->{repository}, qr/missing stanza path/, 'the repository does not know it');
	is_deeply(
		[
			grep { $_->{reason} eq 'the stanza is missing' && $_->{state} !~ /succeeded/ }
			  @{ $sidecar->http(GET => '/v1/jobs?kind=stanza-create')->{json}{jobs} }
		],
		[],
		'and nothing is created');
	is_failure(
		run_job(), 37, 'option-required',
		qr/requires option: pg1-path/,
		qr/holds the stanza.*does this stanza exist/,
		'a backup of it');
	my $conf = slurp($member->{config});
	my ($main) = $conf =~ /^(\[main\]\n.*)/ms;
	spew($member->{config}, "$conf\n" . $main =~ s/main/mian/r, 0600);
	$cluster->sandbox->run($member->{dir}, 'stanza-create', 'pgbackrest',
		"--config=$member->{config}", '--stanza=mian', 'stanza-create');
	$sidecar->restart('--stanza=mian');
	wait_for { $sidecar->http(GET => '/readyz')->{status} == 200 }
	'the stanza that was created by hand';
	pass('one that is created by hand is used');
	$cluster->sandbox->run($member->{dir}, 'stop', 'pgbackrest', "--config=$member->{config}",
		'--stanza=mian', 'stop');
	$cluster->sandbox->run($member->{dir}, 'stanza-delete', 'pgbackrest',
		"--config=$member->{config}", '--stanza=mian', '--force', 'stanza-delete');
	spew($member->{config}, $conf, 0600);

	# a cluster that was made anew, with the stanza of the one before
	$sidecar->stop;
	$member->stop;
	$cluster->sandbox->run($member->{dir}, 'rm', 'rm', '-rf', $member->data);
	$member->start;
	$sidecar->start;
	$wrong = wait_for { my $checks = unready(); $checks->{stanza} =~ /belongs/ && $checks }
	'a look at the stanza';
	like(
		$wrong->{stanza},
		qr/belongs to the database cluster with system identifier \d+, this one is \d+/,
		'another cluster: readyz says why');
	is_failure(
		run_job(), 51, 'backup-mismatch', qr/system-id/,
		qr/another database cluster/,
		'a backup of it');

	# a repository that other clusters use: what they have there is no reason to wait
	$sidecar->restart('--stanza=main2');
	$wrong = wait_for { my $checks = unready(); $checks->{stanza} =~ /failed/ && $checks }
	'a stanza-create';
	like(
		$wrong->{stanza},
		qr/stanza-create failed: option-required: .*pg1-path\. .*holds the stanza/,
		'a stanza that is not configured: readyz says why, and what to look at');
	like($wrong->{repository}, qr/missing stanza path/, 'the repository does not know it');
	spew($member->{config}, "$conf\n" . $main =~ s/main/main2/r, 0600);
	$sidecar->restart('--stanza=main2');
	wait_for { $sidecar->http(GET => '/readyz')->{status} == 200 } 'its own stanza to be created';
	pass('beside the stanza of another cluster it creates its own');
	spew($member->{config}, $conf, 0600);
	$sidecar->restart;
	is($sidecar->stop, 0, 'it ends cleanly while it waits');

	# a repository that never has what was made in it
	my $never =
	  '[{"name":"main","status":{"code":1,"message":"missing stanza path"},"repo":[{"key":1,"status":{"code":1,"message":"missing stanza path"}}]}]';
	my $before = @{ $sidecar->restart->http(GET => '/v1/jobs?kind=stanza-create')->{json}{jobs} };
	$sidecar->restart('--pgbackrest='
		  . program($member, 'never', qq{case "\${\@: -1}" in (info) echo '$never' ;; esac\n}));
	my @asked;
	wait_for
	{
		@asked = @{ $sidecar->http(GET => '/v1/jobs?kind=stanza-create')->{json}{jobs} };
		@asked >= $before + 5
	}
	'five of them';
	my ($later, $earlier) =
	  map { /:(\d\d\.\d+)Z$/ && $1 } map { $_->{requested_at} } @asked[ 0, 1 ];
	cmp_ok(($later - $earlier + 60) - 60 * ($later >= $earlier),
		'>=', 0.7, 'a stanza that is missing again and again is not created all the time');
	is($sidecar->stop, 0, 'a clean end');
}

# --- the state folder
# From here on nothing needs a repository or PostgreSQL: the program stands in for pgbackrest.
# A limit on the size of files, on a sidecar that runs; the soft one, so that it can be lifted
# again.
sub limit_files
{
	my ($limit) = @_;
	system('prlimit', '--pid', $sidecar->pid, "--fsize=$limit:") == 0 or die "prlimit failed\n";
	return;
}
{
	my $wait = "$member->{dir}/wait";
	spew($wait, '');
	$sidecar->start(
		stand_in($member, 'waits', "${other_commands}while test -e '$wait'; do sleep 0.05; done\n")
	);
	my $running = $sidecar->post_job(kind => 'backup')->{id};
	$sidecar->wait_job($running, qr/running/);
	my $waiting = $sidecar->post_job(kind => 'check')->{id};
	my $before = $sidecar->http(GET => '/v1/jobs')->{json};

	is(unready()->{queue}, undef, 'readyz: jobs are accepted');
	limit_files(4096);
	# no job has failed yet: it tries by itself
	my $wrong = wait_for { unready()->{queue} } 'readyz to see that there is no room';
	like(
		$wrong,
		qr/^could not use the job store .*disk I\/O error\. Check the free space/,
		'readyz says that none is');
	like(
		$sidecar->http(GET => '/metrics')->{content},
		qr/^pgbackrest_ctl_store_up\{stanza="main"\} 0$/m,
		'and a metric');
	for my $try (1 .. 3)
	{
		is_problem($sidecar->http(POST => '/v1/jobs', body => { kind => 'verify' }),
			507, 'storage', qr/job store/,
			"no room in the state folder: the job is not accepted ($try)");
	}
	is_problem(
		$sidecar->http(
			POST => '/v1/restore-points',
			body => {
				name => 'x',
				lsn => '0/1',
				timeline => 1,
				time => '2026-11-22T15:41:07Z',
				xid => '1'
			}),
		507,
		'storage',
		qr/job store/,
		'nor a restore point');
	is_problem($sidecar->http(DELETE => "/v1/jobs/$waiting"),
		507, 'storage', qr/job store/, 'nor a cancel');
	is_deeply(
		[ map { $_->{id} } @{ $sidecar->http(GET => '/v1/jobs')->{json}{jobs} } ],
		[ map { $_->{id} } @{ $before->{jobs} } ],
		'what was accepted can be read');
	unlink $wait;
	wait_for { return !job_processes($sidecar, $running) } 'the backup to end';
	is($sidecar->job($running)->{state},
		'running', 'its outcome is kept back while it can not be kept');
	is($sidecar->job($waiting)->{state}, 'queued', 'and the next one is not begun');
	limit_files('unlimited');
	wait_for { !unready()->{queue} } 'readyz to see that there is room';
	like(
		$sidecar->http(GET => '/metrics')->{content},
		qr/^pgbackrest_ctl_store_up\{stanza="main"\} 1$/m,
		'with room again it is ready by itself');
	is($sidecar->wait_job($running)->{state}, 'succeeded', 'with room again it is kept');
	is($sidecar->wait_job($waiting)->{state}, 'succeeded', 'and the next one is run');
	is(run_job(kind => 'verify')->{state}, 'succeeded', 'and new ones are accepted');

	# a stop while there is no room
	spew($wait, '');
	$running = $sidecar->post_job(kind => 'backup')->{id};
	$sidecar->wait_job($running, qr/running/);
	limit_files(4096);
	is($sidecar->stop, 0, 'a stop without room is a clean end');
	unlink $wait;
	$sidecar->start;
	is($sidecar->wait_job($running)->{state}, 'interrupted', 'and the job is interrupted');
	$sidecar->stop;
}

{
	my $dir = "$member->{dir}/broken";
	make_path($dir);
	my ($status, $log);
	for my $case (
		[
			'a state folder that can not be written',
			sub { chmod 0500, $dir },
			1, qr/could not create folder "\Q$dir\E\/log": Permission denied/
		],
		[
			'one that is a file',
			sub { spew("$dir.file", '') },
			1, qr/"\Q$dir\E\.file" is not a folder/, "$dir.file"
		],
		[
			'one below what can not be written',
			sub { 1 },
			1, qr/could not create folder "\/proc\/x"/, '/proc/x/y'
		],
		[
			'one that all can write to',
			sub { chmod 0777, $dir },
			1, qr/"\Q$dir\E" can be written by others, mode 0777; hint: .*chmod go-w/
		],
		[
			'one that a group can write to',
			sub { chmod 0770, $dir },
			1,
			qr/can be written by others, mode 0770/
		],
		[
			'one in a folder that all can write to',
			sub { chmod 0700, $dir; mkdir "$dir.all"; chmod 0777, "$dir.all" },
			1, qr/"\Q$dir\E\.all" can be written by others/, "$dir.all/x"
		],
		[
			'one with a link in it',
			sub { symlink "$member->{dir}", "$dir/log" or die },
			1, qr/"\Q$dir\E\/log" is a symbolic link/
		],
		[
			'one with a file that all can write to',
			sub { unlink "$dir/log"; spew("$dir/state.db", ''); chmod 0666, "$dir/state.db" },
			1,
			qr/state\.db" can be written by others, mode 0666/
		],
		[
			'a store that is a folder',
			sub { unlink "$dir/state.db"; mkdir "$dir/state.db", 0700 },
			1, qr/unable to open database file; hint: state\.db must be a regular file/
		],
		[
			'a store that is none',
			sub { rmdir "$dir/state.db"; spew("$dir/state.db", "this is no database\n" x 100) },
			1, qr/job store .*not a database/
		],
		[
			'a store of a later version',
			sub {
				unlink "$dir/state.db";
				system 'sqlite3', "$dir/state.db", 'PRAGMA user_version = 99';
			},
			1,
			qr/has form 99; this version knows forms up to \d/
		],
		[
			'the database of another program',
			sub {
				unlink "$dir/state.db";
				system 'sqlite3', "$dir/state.db", 'CREATE TABLE bookmark (url)';
			},
			1,
			qr/state\.db" was not made by this program, or was changed; hint: .*move state\.db/
		],
		[
			'a store that can not be written',
			sub { unlink glob "$dir/state.db*"; spew("$dir/state.db", '', 0400) },
			1,
			qr/job store .*readonly/
		])
	{
		my ($name, $prepare, $exit, $says, $folder) = @$case;
		$prepare->();
		($status, $log) = refused($sidecar, '--state-dir=' . ($folder // $dir));
		is($status, $exit, "$name: it does not start");
		like($log, $says, 'and says why');
	}

	# what somebody has done to a store is not run, and is said
	my $changed = PgbrSidecar->new($member, name => 'changed')
	  ->start(stand_in($member, 'quiet', $other_commands));
	$changed->wait_job($changed->post_job(kind => 'check')->{id});
	$changed->stop;
	my $sqlite = sub { system('sqlite3', "$changed->{state}/state.db", @_) == 0 or die };
	my $whole = slurp("$changed->{state}/state.db");
	for my $case (
		[
			'a trigger',
			q{CREATE TRIGGER planted AFTER INSERT ON job BEGIN UPDATE job SET state = 'succeeded'; END}
		],
		[
			'a trigger of the same name',
			'DROP TRIGGER audit_fixed; CREATE TRIGGER audit_fixed AFTER INSERT ON job BEGIN DELETE FROM audit; END'
		],
		[ 'no table', 'DROP TABLE restore_point' ],
		[
			'a view in place of a table',
			'ALTER TABLE fact RENAME TO kept; CREATE VIEW fact AS SELECT * FROM kept'
		])
	{
		my ($name, $sql) = @$case;
		$sqlite->($sql);
		($status, $log) = refused($changed);
		is($status, 1, "$name in the store: it does not start");
		like(
			$log,
			qr/was not made by this program, or was changed.*move state\.db/,
			'and says the way out');
		spew("$changed->{state}/state.db", $whole);
	}
	$sqlite->(q{UPDATE job SET state = 'odd'});
	$changed->start(stand_in($member, 'quiet', $other_commands));
	my $odd = $changed->http(GET => '/v1/jobs');
	is_problem(
		$odd, 507, 'storage',
		qr/job "\S+" in the job store is damaged/,
		'a row that makes no sense');
	like($odd->{json}{hint}, qr/move state\.db/, 'has a way out, too');
	$changed->stop;

	# the way out that the hint names, and what comes back
	my $damaged = PgbrSidecar->new($member, name => 'damaged')
	  ->start(stand_in($member, 'quiet', $other_commands));
	my %journal = (
		holder => 'me',
		lease_seconds => 60,
		revision => 3,
		state => 'active',
		document => { step => 'x' });
	is($damaged->http(PUT => '/v1/restores/r1', body => \%journal)->{status},
		200, 'a restore is under way');
	$damaged->kill;
	unlink glob "$damaged->{state}/state.db-*";
	spew("$damaged->{state}/state.db", 'x' x 8192);
	($status, $log) = refused($damaged);
	is($status, 1, 'a store that is damaged: it does not start');
	like(
		$log,
		qr/not a database.*move state\.db, state\.db-wal and state\.db-shm out/s,
		'and says the way out');
	rename "$damaged->{state}/state.db", "$damaged->{state}/../state.db.away" or die;
	$damaged->start(stand_in($member, 'quiet', $other_commands));
	is_problem(
		$damaged->http(
			PUT => '/v1/restores/r1',
			body => { %journal{qw(holder lease_seconds revision state)} }),
		404,
		'not-found',
		qr/is not known here/,
		'with a new store the restore is told that its journal is gone');
	is($damaged->http(PUT => '/v1/restores/r1', body => \%journal)->{status},
		200, 'and writes it again');
	is($damaged->http(GET => '/v1/restores/r1')->{json}{revision}, 3, 'as it was');

	# what it has noted of this member is held to its form, and a folder of programs to its owner
	mkdir "$dir.bin";
	for my $case (
		[ '/usr/bin', '/usr/bin', 0755 ],
		[ "$dir.bin", "$dir.bin", 0755 ],
		[ "$dir.bin", undef, 0777 ],
		[ 'bin', undef ],
		[ '/usr/bin/../bin', undef ],
		[ "/usr/bin\x01", undef ],
		[ '/nowhere/bin', undef ])
	{
		my ($bin, $shown, $mode) = @$case;
		chmod $mode, "$dir.bin" if $mode;
		$damaged->stop;
		system('sqlite3', "$damaged->{state}/state.db",
			"INSERT OR REPLACE INTO fact VALUES ('data_directory', '/nowhere'), ('postgres_bin', '$bin')"
		) == 0 or die;
		$damaged->start(stand_in($member, 'quiet', $other_commands), '--pg-conninfo=host=/nowhere');
		is($damaged->http(GET => '/v1/node')->{json}{postgres_bin},
			$shown, 'programs of ' . $bin =~ s/\x01/?/r . ($shown ? ' are' : ' are not') . ' run');
	}
	$damaged->stop;

	$sidecar->start;
	my $second = PgbrSidecar->new($member);
	($status, $log) = refused($second, "--state-dir=$sidecar->{state}");
	is($status, 1, 'a second one on the same state folder does not start');
	like($log, qr/another sidecar uses the state folder/, 'and says why');
	($status, $log) =
	  refused($second, "--state-dir=$member->{dir}/second", "--listen=127.0.0.1:$sidecar->{port}");
	is($status, 1, 'nor does one whose port is in use');
	like($log, qr/could not listen on "127.0.0.1:$sidecar->{port}": Address already in use/,
		'and says why');
	is($sidecar->http(GET => '/livez')->{status}, 200, 'the first one serves on');
	$sidecar->stop;
}

is_deeply(\@mismatched, [], 'the status of readyz was that of its checks');

done_testing;
