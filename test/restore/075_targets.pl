# Restores to names, transactions and backups by themselves, and back, with a synchronous replica
# and the repository in an S3 store; the old data directory kept; and a leader that has died with
# WAL which nobody has archived.
use strict;
use warnings;
use IPC::Run ();
use PgbrMember;
use PgbrSandbox qw(wait_for);
use PgbrTargetTest;
use Test::More;

my $test = PgbrTargetTest->new(synchronous => 1, s3 => 1);
my $cluster = $test->cluster;
my $full = $test->backup('full');
my $after_full = $test->point('after the full backup');
my $incr = $test->backup('incr');
my $after_incr = $test->point('after the incr');

subtest 'xid, on the current timeline' => sub {
	$test->restore('xid', $after_incr->{included},
		$incr->{label}, '--type=xid', "--target=$after_incr->{xid}");
};
my $branch = $test->point('on timeline 2');
subtest 'undo' => sub {
	$test->undo('undo of xid');
	# it is there twice: once before the restore, once after it; of the first transactions after the
	# target some were on their way there, and got no other number
	my $xid = $after_incr->{xid} + 10;
	$test->is_ambiguous(
		'an xid of both branches',
		qr/transaction $xid was also assigned on timeline 2, which the cluster has left/,
		2, '--type=xid', "--target=$xid");
};
subtest 'name, before the earlier restores' => sub {
	$test->restore('name', $after_full->{included},
		$full->{label}, '--type=name', "--target=$after_full->{name}");
	$test->undo('undo of name');
};
subtest 'name, on a branch that was left' => sub {
	$test->restore('name there', $branch->{included}, undef, '--type=name',
		"--target=$branch->{name}", '--target-timeline=2');
	$test->undo('undo of name there');
};
subtest 'xid, exclusive, before the earlier restores' => sub {
	$test->restore(
		'xid exclusive',
		$after_incr->{excluded},
		$incr->{label}, '--type=xid', "--target=$after_incr->{xid}", '--target-exclusive',
		'--target-timeline=' . $test->timeline);
	$test->undo('undo of xid exclusive');
};
subtest 'a time' => sub {
	my $here = $test->point('here');
	$test->restore('time', $here->{included}, undef, '--type=time', "--target=$here->{time}");
	$test->undo('undo of time');
};
subtest 'all that was committed' => sub {
	$test->mark('the last');
	$test->restore('latest', undef, undef);
	$test->undo('undo of latest');
};
subtest 'a backup by itself, on the current timeline' => sub {
	my $here = $test->backup('incr');
	$test->mark('after it');
	$test->restore(
		'immediate here', $here->{included}, $here->{label}, '--type=immediate',
		"--set=$here->{label}");
	$test->undo('undo of immediate here');
};
subtest 'a backup by itself, before the earlier restores, with the old data kept' => sub {
	my $old = $test->leader;
	my $summary = $test->restore('immediate', $full->{included}, $full->{label}, '--type=immediate',
		"--set=$full->{label}", '--keep-old');
	my $sandbox = $cluster->sandbox;
	my $socket = "$sandbox->{root}/kept";
	mkdir $socket, 0700;
	# as someone would who looks for something in it
	my $pid = $sandbox->spawn($socket, 'kept', PgbrMember->bindir . '/postgres',
		'-D', $summary->{kept}, '-k', $socket, '-h', '', '-c', 'archive_mode=off',
		'-c', 'shared_preload_libraries=', '-p', $old->{port});
	my $marks;
	wait_for
	{
		IPC::Run::run(
			[
				'psql', '-XqAt', '-h', $socket, '-p', $old->{port}, '-U', 'postgres', '-c',
				'SELECT name FROM mark ORDER BY id', 'postgres'
			],
			'>',
			\$marks,
			'2>',
			\my $errors)
	}
	'the copy of the old data directory to answer';
	is_deeply(
		[ split /\n/, $marks ],
		$summary->{before}{marks},
		'the copy starts, with all that was there');
	$sandbox->end($pid, 'INT');
	$test->undo('undo of immediate');
};

# No server can be started, and so no failover hides it: something else has their ports.
subtest 'what a broken leader has not archived' => sub {
	my $leader = $test->leader;
	$cluster->s3->stop;
	for my $i (1 .. 2)
	{
		$test->mark("not archived $i");
		$leader->psql('SELECT pg_switch_wal()');
	}
	wait_for { $leader->psql('SELECT failed_count FROM pg_stat_archiver') > 0 } 'archiving to fail',
	  90;
	$test->mark('not archived, in the last segment');
	my @ports = $cluster->break_servers;
	$cluster->s3->start;
	my $summary = $test->restore_broken('broken leader', sub { @ports = () });
	is($summary->{result}, 'done', 'restored');
};

done_testing;
