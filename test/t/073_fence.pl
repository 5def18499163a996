# The fence around a member that is being restored: nobody can start a server there, whatever is
# killed. What a recovery withstands, and what the steps of a restore refuse.
use strict;
use warnings;
use File::Path qw(remove_tree);
use IO::Socket::INET;
use PgbrMember;
use PgbrNodeTest;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

start_node();

subtest 'a fence' => sub {
	begin_restore();
	is(step('node-stop', fence => $true)->{control}{state}, 'shut down', 'a server is stopped');
	server_is_down();
	like(start_fails(), qr/could not find the database system/, 'behind the fence');
	is(step('node-stop', fence => $true)->{was_running}, $false,
		'a second stop leaves it as it is');
	is($sidecar->http(GET => '/v1/node')->{json}{fenced}, $true, 'and says so');
	step('node-unfence');
	step('node-unfence');
	is($sidecar->http(GET => '/v1/node')->{json}{fenced}, $false, 'and so is its end');
	$member->start;
	is(batches(), 'a b c d', 'lifted, it runs as it did');
	step('node-stop', fence => $true);
	server_is_down();
	step('node-stop');
	ok(-e "$data/global/pg_control", 'a stop without a fence lifts it');
	hold('restore');
	my $job = begin('node-restore', set => $backup, target_type => 'standby', fence => $true);
	held();
	release();
	wait_for { (stat $data)[2] & 2 || -e "$data/pgbr_fence/global/pg_control" }
	'the guard, or the fence';
	is($sidecar->wait_job($job->{id})->{state}, 'succeeded', 'restored');
	ok(-e "$data/pgbr_fence/global/pg_control" && !-e "$data/global/pg_control", 'behind a fence');
	is((stat $data)[2] & 07777, 0700, 'in a directory with its own mode');
	step('node-unfence');
	# a server that recovers is alone, and behind the fence again when it is done
	step(
		'node-restore',
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1,
		fence => $true);
	hold('psql');
	$job = begin('node-recover', target_timeline => 1, fence => $true);
	held();
	my ($server) = slurp("$data/postmaster.pid") =~ /^(\d+)/;
	is(slurp("/proc/$server/comm"), "postgres\n", 'the server that recovers');
	like(slurp("$data/postmaster.pid"), qr/^\d+\n.*\n1000000000\n/, 'is hidden from Patroni');
	like(start_fails(), qr/has invalid permissions/, 'and alone');
	spew("$data/standby.signal", '');
	release();
	is($sidecar->wait_job($job->{id})->{state}, 'succeeded', 'recovered');
	ok(-e "$data/pgbr_fence/global/pg_control" && !-e "$data/global/pg_control", 'and fenced');
	is((stat $data)[2] & 07777, 0700, 'with its own mode');
	is($sidecar->http(GET => '/v1/node')->{json}{control}{state},
		'shut down', 'its control data can be read');
	step('node-recover', target_timeline => 1, fence => $true);
	step('node-unfence', primary => $true);
	ok(!-e "$data/standby.signal", 'what Patroni would make of it is forgotten');
	$member->start;
	is(batches(), 'a b', 'it runs as a primary');
	step('node-unfence', primary => $true);
	is($member->psql('SELECT pg_is_in_recovery()'), 'f', 'a second one leaves it alone');
	step('node-stop', fence => $true);
	server_is_down();
	# one that was made a standby, as Patroni does it, is ended
	step('node-unfence');
	spew("$data/standby.signal", '');
	spew("$data/postgresql.auto.conf",
		slurp("$data/postgresql.auto.conf") =~ s/^recovery_target.*\n//mgr);
	$member->start;
	is($member->psql('SELECT pg_is_in_recovery()'), 't', 'made a standby');
	step('node-unfence', primary => $true);
	server_is_down();
	ok(!-e "$data/standby.signal", 'it is none any more');
	# and stays so if everybody dies
	remove_tree($data, { keep_root => 1 });
	$job = begin('node-restore', set => $backup, target_type => 'standby', fence => $true);
	wait_for { (stat $data)[2] & 2 } 'the guard';
	$sidecar->kill;
	is((stat $data)[2] & 07777, 0702, 'the guard stands');
	# as if all were there but for the guard
	spew("$data/$_", '') for grep { !-e "$data/$_" } qw(postgresql.conf global/pg_control);
	like(start_fails(), qr/has invalid permissions/, 'and holds');
	restart_sidecar();
	is($sidecar->wait_job($job->{id})->{state}, 'interrupted', 'the job is interrupted');
	step('node-restore', set => $backup, target_type => 'standby', fence => $true);
	is((stat $data)[2] & 07777, 0700, 'a second one gives the directory its own mode');
	step('node-restore', set => $backup, target_type => 'default', target_timeline => 1);
	step('node-recover', target_timeline => 1);
};

# Patroni runs one when a member has diverged, and has no eye for others.
subtest 'pg_rewind is not let write into what is restored' => sub {
	hold_lock();
	# where it hangs, as long as nobody answers
	my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";
	my $rewind = sub {
		my $pid = $cluster->sandbox->spawn($dir, 'rewind', PgbrMember::bindir() . '/pg_rewind',
			@_, '--source-server=host=127.0.0.1 dbname=postgres port=' . $listener->sockport);
		wait_for { slurp("/proc/$pid/comm") eq "pg_rewind\n" } 'pg_rewind';
		return $pid;
	};
	step('node-stop', fence => $true);
	server_is_down();
	my $pid = $rewind->('-D', $data);
	my $other = $rewind->('-D', "$data-other");
	my $job = begin('node-stop', fence => $true, timeout => 60);
	my $log = sub { return $sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content} };
	wait_for { $log->() =~ /for up to 60 s for pg_rewind, process $pid, to end/ }
	'the step to wait for it';
	# as it would when it is done
	spew("$data/global/pg_control", slurp("$data/pgbr_fence/global/pg_control"));
	$cluster->sandbox->end($pid, 'INT');
	is($sidecar->wait_job($job->{id})->{state}, 'succeeded', 'it is waited for');
	ok(!-e "$data/global/pg_control", 'and fenced again');
	$pid = $rewind->("--target-pgdata=$data/");
	is(step('node-stop', fence => $true, timeout => 1)->{was_running}, $false, 'one that goes on');
	$cluster->sandbox->end($pid, 'INT');
	$pid = $rewind->('-D', $data);
	$job = begin('node-restore', set => $backup, target_type => 'standby', fence => $true);
	like(
		$sidecar->wait_job($job->{id}, undef, 60)->{message},
		qr/pg_rewind, process $pid, writes into/,
		'a restore beside one is refused');
	ok(-e "/proc/$other", 'and one of another directory is left alone');
	$cluster->sandbox->end($_, 'INT') for $pid, $other;
};

# The server that recovers must find the directory as PostgreSQL wants it, and keeps others out from
# then on.
subtest 'a sidecar that is killed before its server keeps others out' => sub {
	hold_lock();
	my $bin = "$dir/bin";
	mkdir $bin or die "mkdir: $!";
	symlink PgbrMember::bindir() . "/$_", "$bin/$_" or die "symlink: $!" for qw(pg_controldata);
	my $postgres = PgbrMember::bindir() . '/postgres';
	program($member, 'bin/postgres',
		"while test -e '$dir/hold-postgres'; do touch '$dir/held'; sleep 0.05; done\nexec '$postgres' \"\$@\"\n"
	);
	$sidecar->stop;
	restart_sidecar("--pg-bin=$bin");
	step(
		'node-restore',
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1,
		fence => $true);
	hold('postgres');
	my $job = begin('node-recover', target_timeline => 1, fence => $true);
	held();
	ok(-e "$data/global/pg_control" && !((stat $data)[2] & 2), 'the directory is open');
	$sidecar->kill;
	ok(-e "$data/global/pg_control", 'and stays so while nobody is there');
	restart_sidecar("--pg-bin=$bin");
	is($sidecar->wait_job($job->{id})->{state}, 'interrupted', 'the job is interrupted');
	like(start_fails(), qr/could not find the database system/, 'the fence stands again');
	release();
	step('node-recover', target_timeline => 1, fence => $true);
	$sidecar->stop;
	restart_sidecar();
	# what comes after it is not taken for it
	step('node-unfence', primary => $true);
	$sidecar->stop;
	restart_sidecar();
	$member->start;
	is(batches(), 'a b', 'and what was recovered is as it should be');
};

# One that was paused while it recovered a leader that had crashed: it goes on in each iteration of
# its loop, now with rewind.py's ensure_clean_shutdown, now with follow in postgresql/__init__.py.
subtest 'a Patroni that recovers the leader as well' => sub {
	hold_lock();
	step('node-stop');
	server_is_down();
	my $crash_recovery = sub {
		unlink grep { -f || -l } map { "$data/$_" } qw(standby.signal recovery.signal);
		return;
	};
	my $follow = sub { spew("$data/standby.signal", ''); return };
	my @restore = (
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1,
		fence => $true);
	my @recover = (target_timeline => 1, fence => $true);
	my $reached = sub {
		my ($job, $name) = @_;
		$job = $sidecar->wait_job($job->{id});
		is($job->{state}, 'succeeded', $name) or diag explain $job;
		is($job->{result}{reason}, 'at restore point "after b"', "$name: where it was to");
		ok(!-e "$data/recovery.signal", "$name: the signal is used up");
		return;
	};

	step('node-restore', @restore);
	hold('archive-get');
	my $job = begin('node-recover', @recover);
	held();
	$crash_recovery->();
	$follow->();
	release();
	$reached->($job, 'during recovery');

	step('node-restore', @restore);
	$crash_recovery->();
	$follow->();
	$reached->(begin('node-recover', @recover), 'before it');

	my $bin = "$dir/bin";
	my $postgres = PgbrMember::bindir() . '/postgres';
	# as it starts: it first syncs all files
	program($member, 'bin/postgres', <<"END");
rm -f \$(test -f '$data/recovery.signal' && echo '$data/recovery.signal')
mv '$dir/standby.signal' '$data/standby.signal'
exec '$postgres' "\$@"
END
	$sidecar->stop;
	restart_sidecar("--pg-bin=$bin");
	step('node-restore', @restore);
	spew("$dir/standby.signal", '');
	$reached->(begin('node-recover', @recover), 'at its start');

	step('node-restore', @restore);
	hold('archive-get');
	spew("$dir/standby.signal", '');
	$job = begin('node-recover', @recover);
	held();
	kill_server();
	release();
	is($sidecar->wait_job($job->{id})->{state}, 'failed', 'the server is killed');
	$crash_recovery->();
	$follow->();
	$reached->(begin('node-recover', @recover), 'and once more');
	$sidecar->stop;
	restart_sidecar();
	step('node-unfence', primary => $true);
	$member->start;
	is(batches(), 'a b', 'and the rows are those of the target');
};

# What a recovery must not need: the login of --pg-conninfo, which may be younger than the target;
# the settings of today; WAL past the target, which PostgreSQL 15 would read ahead.
subtest 'a younger login, lower settings, damage past the target' => sub {
	hold_lock();
	my $restart = sub {
		my ($prepared) = @_;
		$member->psql("ALTER SYSTEM SET max_prepared_transactions = $prepared");
		step('node-stop');
		server_is_down();
		$member->start;
	};
	$restart->(7);
	my $timeline = 0 + $member->psql('SELECT timeline_id FROM pg_control_checkpoint()');
	end_restore();
	my $set =
	  $sidecar->wait_job($sidecar->post_job(kind => 'backup', type => 'full')->{id})->{label};
	begin_restore();
	$restart->(9);
	$member->psql("BEGIN; CREATE TABLE p$_ (); PREPARE TRANSACTION 'p$_'") for 1 .. 9;
	$member->psql("SELECT pg_create_restore_point('prepared')");
	$member->psql('CREATE ROLE young LOGIN SUPERUSER');
	$member->psql('CREATE DATABASE young');
	my $last = $member->psql('SELECT pg_walfile_name(pg_switch_wal())');
	$member->psql("ROLLBACK PREPARED 'p$_'") for 1 .. 9;
	$member->psql('SELECT pg_switch_wal()');
	step('node-stop');
	server_is_down();
	my @past = grep { m{/([0-9A-F]{24})-} && $1 gt $last && $1 =~ /^@{[ substr $last, 0, 8 ]}/ }
	  glob "$repo/archive/main/15-1/*/*";
	ok(@past > 0, 'there is WAL past the target');
	my %whole = map { $_ => slurp($_) } @past;
	spew($_, 'damaged') for @past;
	$sidecar->stop;
	restart_sidecar('--pg-conninfo=' . $member->conninfo('young', 'young'));
	my @target = (target_timeline => $timeline);
	step('node-restore', set => $set, target_type => 'name', target => 'prepared', @target);
	my $auto = slurp("$data/postgresql.auto.conf");
	spew("$data/postgresql.auto.conf", $auto =~ s/^max_prepared_transactions.*//mr);
	my $reached = step('node-recover', @target);
	is($reached->{reason}, 'at restore point "prepared"', 'it ends at the target');
	is($reached->{prepared}, 9, 'with the transactions that were open');
	is_deeply($reached->{invalid_databases}, [], 'and no database is incomplete');
	like($reached->{next_xid}, qr/^\d+$/, 'the next transaction is known');
	spew($_, $whole{$_}) for @past;
	$sidecar->stop;
	restart_sidecar();
	spew("$data/postgresql.auto.conf", "${auto}max_prepared_transactions = 9\n");
	$member->start;
	$member->psql("ROLLBACK PREPARED 'p$_'") for 1 .. 9;
	is(batches(), 'a b', 'and runs');
};

# The fence, too: a server that recovers for the same restore, of a leader on the same machine.
subtest 'a replica makes way for the leader on its machine' => sub {
	hold_lock();
	step('node-stop');
	server_is_down();
	my $near = sub {
		my ($id) = @_;
		return $cluster->sandbox->spawn($dir, 'near', 'perl', '-e', 'sleep 600', '--',
			"external_pid_file=/elsewhere/restore/$id/pid");
	};
	my $stands = sub { my ($pid) = @_; return slurp("/proc/$pid/stat") =~ /\) T / };
	my $begin = sub {
		my ($type) = @_;
		hold('restore');
		my $job = begin('node-restore', set => $backup, target_type => $type, fence => $true);
		my $pid = wait_for
		{
			my ($found) = grep {
					 slurp("/proc/$_/comm") eq "pgbackrest-here\n"
				  && slurp("/proc/$_/cmdline") =~ /\0restore\0/
			  }
			  map { m{(\d+)$} } glob '/proc/[0-9]*';
			$found
		}
		'the restore';
		return ($job, $pid);
	};
	my ($job, $pid) = $begin->('standby');
	my $other = $near->('another');
	my $server = $near->($restore);
	wait_for { $stands->($pid) } 'the restore of the replica to stand still';
	$cluster->sandbox->end($server, 'KILL');
	wait_for { !$stands->($pid) } 'it to go on, though another restore recovers';
	$server = $near->($restore);
	wait_for { $stands->($pid) } 'it to stand still again';
	$sidecar->http(DELETE => "/v1/jobs/$job->{id}");
	is($sidecar->wait_job($job->{id})->{state}, 'cancelled', 'it can be cancelled meanwhile');
	($job, $pid) = $begin->('standby');
	wait_for { $stands->($pid) } 'the next one to stand still';
	$sidecar->kill;
	restart_sidecar();
	wait_for { !-e "/proc/$pid" } 'it to end with its sidecar';
	is($sidecar->wait_job($job->{id})->{state}, 'interrupted', 'killed in the midst');
	($job, $pid) = $begin->('default');
	ok(!$stands->($pid), 'the leader does not stand still');
	release();
	is($sidecar->wait_job($job->{id})->{state}, 'succeeded', 'and is restored');
	# not for ever: its connections to a repository would end
	($job, $pid) = $begin->('standby');
	wait_for { $stands->($pid) } 'a replica that stands still';
	release();
	is($sidecar->wait_job($job->{id}, undef, 60)->{state},
		'succeeded', 'it goes on after a while all the same');
	$cluster->sandbox->end($_, 'KILL') for $server, $other;
};

subtest 'what is refused before it becomes a job' => sub {
	hold_lock();
	my $jobs = sub { scalar @{ $sidecar->http(GET => '/v1/jobs?limit=1000')->{json}{jobs} } };
	my $before = $jobs->();
	for my $text (
		"x'\nrestore_command = 'touch $dir/owned",
		"x\nrecovery_target_action=pause",
		"'; DROP TABLE t; --",
		'"', '\\', "a\0b", "\e[2J", "\x{85}", ' x', 'x' x 64, "\x{e9}" x 32, '`id`')
	{
		# a NUL ends with the JSON
		my $refused = $text =~ /\0/ ? qr/^400$/ : qr/^422$/;
		(my $shown = $text) =~ s/[^ -~]/./g;
		like(
			post('node-restore', set => $backup, target_type => 'name', target => $text)->{status},
			$refused,
			"name: $shown");
		like(post('node-mark', name => $text)->{status}, $refused, "mark: $shown");
		like(post('node-restore', set => "$backup$text", target_type => 'default')->{status},
			$refused, "set: $shown");
		like(post('node-restore', set => $backup, target_type => $text)->{status},
			$refused, "type: $shown");
		like(
			post(
				'node-restore',
				set => $backup,
				target_type => 'time',
				target => "$after_b{time}$text")->{status},
			$refused,
			"time: $shown");
	}
	is(post('node-mark', name => $_)->{status}, 422, "mark: $_")
	  for '$(touch owned)', '--x', '../../x', "a b";
	is(post('node-restore', set => $_, target_type => 'default')->{status}, 422, "set: $_")
	  for '../20200101-000000F', '--delta', 'latest';
	is($jobs->(), $before, 'there are no new jobs');
	# a name that a shell or an option reader would misread is just a name
	for my $name ('$(touch owned)', '--stanza=other', '%p')
	{
		step(
			'node-restore',
			set => $backup,
			target_type => 'name',
			target => $name,
			target_timeline => 1);
		like(
			step_fails('node-recover', target_timeline => 1)->{message},
			qr/recovery ended before/,
			"$name is looked for");
	}
	is_deeply([ grep { -e } map { "$_/owned" } $dir, $data, $sidecar->{state} ],
		[], 'nothing was executed');
};

end_restore();
done_testing;
