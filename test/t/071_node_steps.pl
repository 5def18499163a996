# The steps of a restore on one member: each is run, killed in the middle and run again; what may
# not happen is tried.
use strict;
use warnings;
use File::Path qw(remove_tree);
use JSON::PP;
use PgbrNodeTest;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

start_node();
my ($xid_b, $lsn_b, $time_b, $xid_c) = @after_b{qw(xid lsn time next_xid)};

subtest 'mark, stop, archive, keep' => sub {
	begin_restore();
	my $point = step('node-mark', name => "pgbr_undo_$restore");
	like($point->{lsn}, qr{^0/\w+$}, 'the point has an LSN');
	ok($point->{archived}, 'its WAL is archived');
	is($sidecar->http(GET => "/v1/wal/$point->{segment}")->{json}{archived}, $true, 'indeed');
	is(step('node-mark', name => "pgbr_undo_$restore")->{lsn},
		$point->{lsn}, 'a second mark is the first');
	$member->psql("CREATE TABLESPACE elsewhere LOCATION '"
		  . (mkdir("$dir/elsewhere", 0700) && "$dir/elsewhere")
		  . "'");
	$member->psql(
		'CREATE TABLE there TABLESPACE elsewhere AS SELECT generate_series(1, 1000) AS i');
	is(step_fails('node-restore', set => $backup, target_type => 'default')->{error},
		'conflict', 'no restore while it runs');
	is(step_fails('node-archive')->{error}, 'conflict', 'nor is its WAL pushed');
	is(step_fails('node-keep')->{error}, 'conflict', 'nor is it copied');
	my $stopped = step('node-stop', timeout => 30);
	is($stopped->{was_running}, $true, 'it ran');
	is($stopped->{how}, 'fast', 'and was shut down in order');
	is($stopped->{control}{state}, 'shut down', 'as pg_control says');
	is($stopped->{unarchived}, 0, 'with all WAL archived');
	# the postmaster is a zombie until somebody asks for it
	is(step('node-stop')->{was_running}, $false, 'a second stop has nothing to do');
	ok(server_is_down(), 'it is down');
	is_deeply(
		step('node-archive'),
		{ pushed => [], partial => undef },
		'nothing is left to archive');
	my $kept = step('node-keep');
	is($kept->{path}, "$data.before-$restore", 'a copy lies beside it');
	is(slurp("$kept->{path}/global/pg_control"), slurp("$data/global/pg_control"), 'it is one');
	my ($file) = glob "$kept->{path}/pg_tblspc/*/PG_*/*/*";
	ok($file && !-l $file && $file =~ m{^\Q$kept->{path}/}, 'with the tablespace inside');
	is(step('node-keep')->{bytes}, $kept->{bytes}, 'a second one is the first');
	remove_tree($kept->{path});
};

subtest 'every kind of target' => sub {
	my @rows = (
		[ 'immediate', {}, 'a', qr/^reached consistency$/ ],
		[ 'name', { target => 'after b' }, 'a b', qr/^at restore point "after b"$/ ],
		[ 'time', { target => $time_b }, 'a b', qr/^before \d{4}/ ],
		[ 'time', { target => $time_b, exclusive => $true }, 'a b', qr/^before \d{4}/ ],
		[ 'lsn', { target => $lsn_b }, 'a b', qr/^(?:after|before) LSN/ ],
		[ 'lsn', { target => $lsn_b, exclusive => $true }, 'a b', qr/^before LSN/ ],
		[ 'xid', { target => $xid_c }, 'a b c', qr/^after transaction $xid_c$/ ],
		[ 'xid', { target => $xid_c, exclusive => $true }, 'a b', qr/^before transaction $xid_c$/ ],
		[ 'default', {}, 'a b c d', qr/^no recovery target specified$/ ]);
	my $timeline = 1;
	for my $row (@rows)
	{
		my ($type, $target, $expected, $reason) = @$row;
		my $name = join ' ', $type, $target->{exclusive} ? 'exclusive' : ();
		hold_lock();
		my $restored = step(
			'node-restore',
			set => $backup,
			target_type => $type,
			target_timeline => 1,
			%$target);
		ok($restored->{bytes} > 1e6 && $restored->{files} > 900, "$name: restored")
		  or diag explain $restored;
		my $reached = step('node-recover', target_timeline => 1, replay_bytes => 1 << 26);
		is($reached->{timeline}, ++$timeline, "$name: a new timeline");
		is($reached->{parent_timeline}, 1, "$name: that leaves the first one");
		like($reached->{reason}, $reason, "$name: ended as it should");
		like($reached->{last_xact_time}, qr/^\d{4}-\d\d-\d\dT[\d:.]{15}Z$/, "$name: at a moment")
		  if $expected ne 'a';
		is_deeply(step('node-recover', target_timeline => 1),
			$reached, "$name: a second one changes nothing");
		ok(!-e "$data/postmaster.pid", "$name: no server is left");
		# its history is archived by the server that follows
		$member->start;
		is(batches(), $expected, "$name: the rows are those of the target");
		wait_for
		{
			my $h = sprintf '%08X', $timeline;
			my @found = glob "$repo/archive/main/*/$h.history";
			@found > 0
		}
		'the history to be archived';
		step('node-stop');
		server_is_down();
	}
};

subtest 'a standby, and what a target leaves behind' => sub {
	hold_lock();
	step(
		'node-restore',
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1);
	step('node-restore', set => $backup, target_type => 'standby');
	ok(-e "$data/standby.signal" && !-e "$data/recovery.signal", 'it is a standby');
	unlike(slurp("$data/postgresql.auto.conf"), qr/^recovery_target/m,
		'without the earlier target');
	like(step_fails('node-recover')->{message}, qr/standby/, 'a standby is not recovered');
	# settings in a file of the backup that would stop recovery elsewhere
	step(
		'node-restore',
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1);
	my $conf = slurp("$data/postgresql.conf");
	spew(
		"$data/postgresql.conf",
		$conf . join "\n",
		"recovery_target_lsn = '0/1'",
		'hot_standby = on',
		"primary_conninfo = 'host=nowhere.invalid'",
		"recovery_min_apply_delay = '1h'",
		"log_min_messages = panic",
		"log_line_prefix = 'x %m '",
		"archive_command = 'touch $dir/archived'",
		'');
	my $reached = step('node-recover', target_timeline => 1);
	like($reached->{reason}, qr/after b/, 'settings of a file in the backup do not count');
	ok(!-e "$dir/archived", 'nor does its archive_command');
	spew("$data/postgresql.conf", $conf);
};

# Patroni 3 takes what a backup has, "in production", for a crash.
subtest 'a replica has begun recovery' => sub {
	hold_lock();
	my @replica = (set => $backup, target_type => 'standby', fence => $true);
	my $control = sub { return step('node-stop', fence => $true)->{control}{state} };
	my $restore =
	  sub { hold('archive-get'); my $job = begin('node-restore', @replica); held(); return $job };
	step('node-restore', @replica);
	is($control->(), 'shut down in recovery', 'as pg_control says');
	like(start_fails(), qr/could not find the database system/, 'behind the fence');
	my $job = $restore->();
	like(
		start_fails(),
		qr/has invalid permissions|lock file/,
		'nobody can start a server meanwhile');
	kill_sidecar();
	release();
	is($sidecar->wait_job($job->{id})->{state}, 'interrupted', 'killed in the midst');
	like(start_fails(), qr/could not find the database system/, 'the fence stands again');
	$job = $restore->();
	cancel($job);
	release();
	is($sidecar->wait_job($job->{id})->{state}, 'cancelled', 'cancelled');
	like(start_fails(), qr/could not find the database system/, 'the fence stands');
	$job = $restore->();
	kill KILL => split /\n/, `pgrep -o -f -- '-D $data'`;
	is($sidecar->wait_job($job->{id})->{state},
		'succeeded', 'one that can not has its files all the same');
	release();
	like(
		$sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content},
		qr/could not begin recovery of the replica: the private recovery server was killed by signal 9/,
		'and the log says why');
	is($control->(), 'in production', 'as the backup has them');
	like(start_fails(), qr/could not find the database system/, 'behind the fence');
	# nor does one that has somehow no PostgreSQL's programs but those that every step needs
	mkdir "$dir/bin" or die;
	symlink PgbrMember->bindir . "/$_", "$dir/bin/$_" or die for qw(pg_controldata psql);
	$sidecar->kill;
	restart_sidecar("--pg-bin=$dir/bin");
	$job = begin('node-restore', @replica);
	is($sidecar->wait_job($job->{id})->{state}, 'succeeded', 'nor one without PostgreSQL')
	  or diag $sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content};
	like(
		$sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content},
		qr/could not begin recovery of the replica: could not execute/,
		'and the log says why');
	step(
		'node-restore',
		set => $backup,
		target_type => 'default',
		target_timeline => 1,
		fence => $true);
	like(
		step_fails('node-recover', fence => $true)->{message},
		qr/could not execute/,
		'a leader needs it');
	like(start_fails(), qr/could not find the database system/, 'behind the fence');
	# nor one that has none at all
	mkdir "$dir/none" or die;
	$sidecar->kill;
	restart_sidecar("--pg-bin=$dir/none");
	$job = $sidecar->wait_job(begin('node-restore', @replica)->{id});
	is($job->{state}, 'succeeded', 'nor one without any program');
	like(
		$sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content},
		qr/could not begin recovery of the replica: .*pg_controldata/,
		'and the log says why');
	$sidecar->kill;
	restart_sidecar();
	# nobody is to be let in on what was opened for writes, as a backup with its own WAL can be
	my @wal = map { m{/([0-9A-F]{24})-} } glob "$repo/archive/main/15-1/00000001*/*";
	spew(
		"$dir/after-restore",
		"rm '$data/standby.signal'\n" . join '',
		map {
			"pgbackrest --config='$member->{config}' --stanza=main archive-get $_ '$data/pg_wal/$_'\n"
		} @wal);
	$job = step_fails('node-restore', @replica);
	is($job->{error}, 'not-found', 'a replica that has become a primary is refused');
	like($job->{message}, qr/standby.signal was removed by another process/, 'with the reason');
	like(start_fails(), qr/could not find the database system/, 'behind the fence');
	unlink "$dir/after-restore" or die;
	step('node-restore', @replica);
	# what was fetched may go on past the point to which the cluster is restored
	is_deeply(
		[
			grep { /\/(?:[0-9A-F]{24}(?:\.done)?|RECOVERYXLOG)$/ }
			  glob "$data/pg_wal/* $data/pg_wal/archive_status/*"
		],
		[],
		'no WAL is left of it');
	step('node-unfence');
	$member->start;
	is($member->psql('SELECT pg_is_in_recovery()'), 't', 'the next one starts as a standby');
	unlike(
		slurp("$member->{dir}/../log/m1-postgres.log"),
		qr/could not locate required checkpoint/,
		'with what recovery needs');
	step('node-stop');
	server_is_down();
};

subtest 'impossible targets' => sub {
	hold_lock();
	for my $row (
		[
			name => 'no such point',
			qr/recovery ended before configured recovery target was reached/
		],
		[ time => '2099-01-01 00:00:00+00', qr/recovery ended before/ ],
		[ xid => '4000000', qr/recovery ended before/ ],
		[ lsn => '0/1000028', qr/before consistent recovery point/ ])
	{
		my ($type, $target, $message) = @$row;
		step(
			'node-restore',
			set => $backup,
			target_type => $type,
			target => $target,
			target_timeline => 1);
		my $job = step_fails('node-recover', target_timeline => 1);
		like($job->{message}, $message, "$type: and says why");
		ok($job->{hint}, "$type: with what to do");
		ok(-e "$data/recovery.signal", "$type: it was not promoted");
	}
	my $job = step_fails('node-restore', set => '20200101-000000F', target_type => 'default');
	is($job->{error}, 'backup-set-invalid', 'a backup that is not there');
	is($job->{exit_code}, 75, 'with the exit code');
};

# the repository is taken away while recovery waits for WAL
subtest 'no repository' => sub {
	hold_lock();
	step('node-restore', set => $backup, target_type => 'default', target_timeline => 1);
	hold('archive-get');
	my $job = begin('node-recover', target_timeline => 1);
	held();
	rename $repo, "$repo.away" or die;
	release();
	$job = $sidecar->wait_job($job->{id});
	is($job->{state}, 'failed', 'for long: recovery fails');
	like($job->{message}, qr/could not restore file .*FileMissing/, 'and says why');
	ok(-e "$data/recovery.signal", 'it is not promoted before the end of WAL');
	hold('archive-get');
	$job = begin('node-recover', target_timeline => 1);
	held();
	release();
	wait_for { $sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content} =~ /could not get/ }
	'a first complaint';
	rename "$repo.away", $repo or die;
	is($sidecar->wait_job($job->{id})->{state}, 'succeeded', 'for a moment: recovery goes on');
	$member->start;
	is(batches(), 'a b c d', 'with every row');
	my $away = sub {
		rename $repo, "$repo.away" or die;
		$sidecar->http(GET => '/v1/info?refresh=true');
		return;
	};
	my $back = sub { rename "$repo.away", $repo or die; return };
	# the archiver would make its folders there
	wait_for { my @ready = glob "$data/pg_wal/archive_status/*.ready"; !@ready }
	'all to be archived';
	$away->();
	$back->();
	my $point = step('node-mark', name => 'pgbr_undo_away');
	ok($point->{archived}, 'what info said meanwhile is not what a mark goes by');
	$away->();
	my $answer = $sidecar->http(GET => "/v1/wal/$point->{segment}");
	is($answer->{status}, 503, 'whether WAL is archived can not be said');
	like(
		$answer->{json}{detail},
		qr/names no usable archive: repo1: missing stanza path/,
		'and why');
	$back->();
	is($sidecar->http(GET => "/v1/wal/$point->{segment}")->{json}{archived},
		$true, 'and can, as soon as the repository is back');
	step('node-stop');
	server_is_down();
};

# --- killed in the middle, and run again
subtest 'node-restore is killed' => sub {
	restore_killed('kill -9 of the sidecar, early', \&kill_sidecar, 'interrupted');
	restore_killed('kill -9 of the sidecar, into an empty folder', \&kill_sidecar, 'interrupted');
	like(
		restore_killed('kill -9 of pgbackrest, into an empty folder', \&kill_pgbackrest, 'failed')
		  ->{message},
		qr/signal 9/,
		'told');
	restore_killed('cancelled, early', \&cancel, 'cancelled');
};

subtest 'node-recover is killed' => sub {
	recovery_killed('kill -9 of the sidecar', \&kill_sidecar, 'interrupted');
	like(recovery_killed('kill -9 of the server', \&kill_server, 'failed')->{message},
		qr/killed by signal 9/, 'told');
	like(recovery_killed('kill -9 of its startup process', \&kill_startup, 'failed')->{message},
		qr/terminated by signal 9/, 'told');
	recovery_killed('cancelled', \&cancel, 'cancelled');
	recovery_killed('kill -9 of the sidecar after the promotion', \&kill_sidecar, 'interrupted');
	recovery_killed('kill -9 of the server after the promotion', \&kill_server, 'failed');
	recovery_killed('cancelled after the promotion', \&cancel, 'cancelled');
	$member->start;
	is(batches(), 'a b', 'the rows are right in the end');
};

subtest 'before the last switch of the way' => sub {
	hold_lock();
	step('node-stop');
	server_is_down();
	for my $killed (0, 1)
	{
		step('node-restore', set => $backup, target_type => 'default', target_timeline => 1);
		my $parent = step('node-recover', target_timeline => 1)->{timeline};
		$member->start;
		like(
			history_of($parent),
			qr/^1\t\S+\tno recovery target specified\n$/,
			'a way with a switch at its end');
		step('node-stop');
		server_is_down();
		step(
			'node-restore',
			set => $backup,
			target_type => 'name',
			target => 'after b',
			target_timeline => $parent);
		if ($killed)
		{
			hold('psql');
			my $job = begin('node-recover', target_timeline => $parent);
			held();
			kill_sidecar();
			release();
			is($sidecar->wait_job($job->{id})->{state}, 'interrupted',
				'killed after the promotion');
		}
		my $reached = step('node-recover', target_timeline => $parent);
		is($reached->{parent_timeline},
			1, 'the new timeline leaves the one on which the target lies');
		is(step('node-recover', target_timeline => $parent)->{parent_timeline},
			1, 'a second one changes nothing');
		$member->start;
		is(batches(), 'a b', 'the rows are those of the target');
		like(
			history_of($reached->{timeline}),
			qr/^1\t\Q$reached->{fork_lsn}\E\tat restore point "after b"\n$/,
			'and so says its history');
		step('node-stop');
		server_is_down();
	}
};

subtest 'node-keep is killed' => sub {
	hold_lock();
	step('node-restore', set => $backup, target_type => 'default', target_timeline => 1);
	step('node-recover', target_timeline => 1);
	my $big = "$data/base/big";
	spew($big, "\1" x (256 << 20));
	my $copy = "$data.before-$restore";
	my $job = begin('node-keep');
	wait_for { -e "$copy.part" } 'half a copy';
	kill_sidecar();
	is($sidecar->wait_job($job->{id})->{state}, 'interrupted', 'the job is interrupted');
	ok(!-e $copy, 'half a copy has no name');
	remove_tree("$copy.part");
	$job = begin('node-keep');
	wait_for { -e "$copy.part" } 'half a copy';
	cancel($job);
	is($sidecar->wait_job($job->{id})->{state}, 'cancelled', 'cancelled');
	ok(!-e "$copy.part", 'half a copy is thrown away');
	is(step('node-keep')->{path}, $copy, 'a second one copies all');
	is(-s "$copy/base/big", -s $big, 'to the last byte');
	remove_tree($copy);
	unlink $big;
};

subtest 'node-stop at its time-out, and node-archive is killed' => sub {
	hold_lock();
	$member->start;
	my $timeline = 0 + $member->psql('SELECT timeline_id FROM pg_control_checkpoint()');
	wait_for { my @ready = glob "$data/pg_wal/archive_status/*.ready"; !@ready }
	'all to be archived';
	$member->psql("ALTER SYSTEM SET archive_command = 'exec sleep 600'");
	$member->psql('SELECT pg_reload_conf()');
	$member->psql("INSERT INTO t SELECT 'g', 1, 'x'");
	$member->psql('SELECT pg_switch_wal()');
	$member->psql("INSERT INTO t SELECT 'h', 1, 'x'");
	wait_for
	{
		$member->psql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'archiver'")
		  && slurp("$member->{dir}/../log/m1-postgres.log") =~ /reloading/
	}
	'the setting';
	my $stopped = step('node-stop', timeout => 2, fence => $true);
	server_is_down();
	is($stopped->{how}, 'immediate', 'a shutdown that hangs is ended');
	ok($stopped->{unarchived} > 0, 'with WAL that waits');
	hold('archive-push');
	my $job = begin('node-archive', partial => $true);
	held();
	kill_sidecar();
	release();
	is($sidecar->wait_job($job->{id})->{state}, 'interrupted', 'killed in the midst');
	like(start_fails(), qr/has invalid permissions/, 'and nobody can start the server');
	ok(@{ step('node-archive', partial => $true)->{pushed} } >= $stopped->{unarchived},
		'a second one pushes all');
	like(start_fails(), qr/could not find the database system/, 'and leaves the fence as it was');
	step('node-restore', set => $backup, target_type => 'default', target_timeline => $timeline);
	step('node-recover', target_timeline => $timeline);
	$member->start;
	is(batches(), 'a b c d g h', 'every row that was committed is back');
	step('node-stop');
	server_is_down();
	step(
		'node-restore',
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1);
	step('node-recover', target_timeline => 1);
	$member->start;
};

# --- a leader that crashes while nothing can be archived
subtest 'a crash with WAL that is not archived' => sub {
	hold_lock();
	my $timeline = 0 + $member->psql("SELECT timeline_id FROM pg_control_checkpoint()");
	$member->psql('SELECT pg_switch_wal()');
	wait_for { my @ready = glob "$data/pg_wal/archive_status/*.ready"; !@ready }
	'all to be archived';
	rename $repo, "$repo.away" or die;
	$member->psql("INSERT INTO t SELECT 'e', 1, 'x'");
	$member->psql('SELECT pg_switch_wal()');
	$member->psql("INSERT INTO t SELECT 'f', 1, 'x'");
	$member->kill_postmaster;
	my $stopped = step('node-stop');
	is($stopped->{was_running}, $false, 'it had crashed');
	is($stopped->{control}{state}, 'in production', 'as pg_control says');
	is($stopped->{unarchived}, 1, 'with WAL that waits');
	my $job = step_fails('node-archive', partial => $true);
	isnt($job->{exit_code}, undef, 'no repository: the exit code of pgbackrest');
	rename "$repo.away", $repo or die;
	my $archived = step('node-archive', partial => $true);
	is(scalar @{ $archived->{pushed} }, 2, 'two segments are pushed');
	is($archived->{partial}, $archived->{pushed}[1], 'the second was not full');
	is(step('node-archive', partial => $true)->{partial}, $archived->{partial}, 'the same again');
	step('node-restore', set => $backup, target_type => 'default', target_timeline => $timeline);
	step('node-recover', target_timeline => $timeline);
	$member->start;
	is(batches(), 'a b e f', 'every row that was committed is back');
};

subtest 'a replica with a part of a segment that the archive has' => sub {
	hold_lock();
	$member->psql('SELECT pg_switch_wal()');
	wait_for { my @ready = glob "$data/pg_wal/archive_status/*.ready"; !@ready }
	'all to be archived';
	# its own WAL alone, on its own timeline
	$member->psql("ALTER SYSTEM SET restore_command = ''");
	$member->psql("ALTER SYSTEM SET recovery_target_timeline = 'current'");
	$member->psql("INSERT INTO t SELECT 'i', 1, 'x'");
	my $segment = $member->psql('SELECT pg_walfile_name(pg_current_wal_lsn())');
	$member->kill_postmaster;
	server_is_down();
	spew("$data/standby.signal", '');
	$member->start;
	is(step('node-stop')->{control}{state}, 'shut down in recovery', 'it is a replica');
	server_is_down();
	# what its leader has written since
	spew("$dir/$segment", substr(slurp("$data/pg_wal/$segment"), 0, -1) . 'x');
	$member->pgbackrest('archive-push', "$dir/$segment");
	# and what it may have had no time to archive: a replica takes all for archived
	my ($before) =
	  reverse sort grep { /^[0-9A-F]{24}$/ && $_ lt $segment && /^@{[ substr $segment, 0, 8 ]}/ }
	  map { s{.*/}{}r } glob "$data/pg_wal/*";
	unlink glob("$repo/archive/main/15-1/*/$before-*") or die "$before: $!";
	# and one that was recycled as another timeline was left, under the number that it had there
	my $number = 1 + hex substr $segment, 16;
	my $recycled = slurp("$data/pg_wal/$segment");
	substr $recycled, 4, 12, pack 'LQ', 1,
	  (hex(substr $segment, 8, 8) << 32) + $number * 16 * 1024 * 1024;
	spew("$data/pg_wal/" . substr($segment, 0, 16) . sprintf('%08X', $number), $recycled);
	my $archived = step('node-archive', partial => $true);
	is($archived->{partial}, $segment, 'is no error');
	ok( (grep { $_ eq $before } @{ $archived->{pushed} })
		  && !(grep { $_ eq $segment } @{ $archived->{pushed} }),
		'what is not there is pushed');
	is($sidecar->http(GET => "/v1/wal/$before")->{json}{archived}, $true, 'indeed');
	unlink "$data/standby.signal" or die;
	$member->start;
	$member->kill_postmaster;
	step('node-stop');
	server_is_down();
	is(step_fails('node-archive', partial => $true)->{exit_code},
		45, 'that of a leader, which nobody else has, is one');
	step(
		'node-restore',
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1);
	step('node-recover', target_timeline => 1);
	$member->start;
};

# As Patroni does where it takes the leader for one that has crashed.
subtest 'the archiver has forgotten the history' => sub {
	hold_lock();
	step('node-stop');
	server_is_down();
	step(
		'node-restore',
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1);
	step('node-recover', target_timeline => 1);
	my ($history) = reverse sort map { s{.*/}{}r } glob "$data/pg_wal/*.history";
	unlink glob "$data/pg_wal/archive_status/*.history.*";
	step('node-unfence', primary => $true);
	ok(-e "$data/pg_wal/archive_status/$history.ready", 'the history waits for the archiver');
	unlink "$dir/bin/pg_controldata" or die;
	$sidecar->kill;
	restart_sidecar("--pg-bin=$dir/bin");
	my $job = $sidecar->wait_job(begin('node-unfence', primary => $true)->{id});
	is($job->{state}, 'succeeded',
		'where it can not be known, the server may be started all the same');
	like($sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content},
		qr/pg_controldata/, 'and the log says so');
	$sidecar->kill;
	restart_sidecar();
	$member->start;
	wait_for { glob "$repo/archive/main/15-1/$history" } 'it to be archived';
};

subtest 'whose process it is' => sub {
	hold_lock();
	step('node-stop');
	server_is_down();
	my $innocent = $cluster->sandbox->spawn($data, 'innocent', 'sleep', 600);
	spew("$data/postmaster.pid", "$innocent\n$data\n1\n1\n\n\n\n");
	is(step('node-stop')->{was_running}, $false, 'a number that is another process now');
	ok($cluster->sandbox->alive($innocent), 'is left alone, though it works in the same folder');
	my $other =
	  $cluster->sandbox->spawn($dir, 'other-restore',
		program($member, 'pgbackrest-other', "sleep 600 &\nwait\n"),
		"--config=$member->{config}", '--stanza=main', 'restore');
	like(
		step_fails('node-restore', set => $backup, target_type => 'default')->{message},
		qr/another pgbackrest.*process $other/,
		'a restore that somebody else runs');
	$cluster->sandbox->end($_, 'KILL') for $other, $innocent;
	step('node-restore', set => $backup, target_type => 'default');
};

end_restore();
done_testing;
