# Restores to times and places in WAL, and back, while two writers write: on the current timeline,
# before an earlier restore, and on a branch that one has left, from backups of every type and one
# from a standby.
use strict;
use warnings;
use PgbrSandbox qw(spew slurp wait_for);
use PgbrTargetTest;
use Test::More;

my $test = PgbrTargetTest->new(servers => 1);
my $full = $test->backup('full');
my $after_full = $test->point('after the full backup');
my $diff = $test->backup('diff');
my $after_diff = $test->point('after the diff');
my $incr = $test->backup('incr');
my $after_incr = $test->point('after the incr');
my ($standby) = $test->cluster->replicas;
my $from_standby = $test->backup('full', $standby);
like(
	$standby->sidecar->http(GET => "/v1/jobs/$from_standby->{id}/log")->{content},
	qr/replay on the standby reached/,
	'one is made from a standby');
my $after_standby = $test->point('after the one from a standby');

subtest 'time, on the current timeline, from a standby\'s backup' => sub {
	$test->restore(
		'time',
		$after_standby->{included},
		$from_standby->{label},
		'--type=time', "--target=$after_standby->{time}");
};
my $branch = $test->point('on timeline 2');
subtest 'undo' => sub {
	$test->undo('undo of time');
	$test->is_ambiguous(
		'a time of what was undone',
		qr/lies on timeline 2, which the cluster has left/,
		2, '--type=time', "--target=$branch->{time}");
};
subtest 'lsn, before the earlier restores, from an incr' => sub {
	$test->restore('lsn', $after_incr->{included},
		$incr->{label}, '--type=lsn', "--target=$after_incr->{lsn}");
	$test->undo('undo of lsn');
};
subtest 'time, on a branch that was left' => sub {
	$test->restore('time there', $branch->{included}, undef, '--type=time',
		"--target=$branch->{time}", '--target-timeline=2');
	$test->undo('undo of time there');
};
subtest 'undo of the undo' => sub {
	$test->undo('undo of the undo');
	$test->undo('and of that');
};
my $present = $test->point('on the present timeline');
subtest 'time, exclusive, before the earlier restores, from a diff' => sub {
	$test->restore(
		'time exclusive',
		$after_diff->{excluded},
		$diff->{label}, '--type=time', "--target=$after_diff->{time}",
		'--target-exclusive');
	$test->undo('undo of time exclusive');
};
subtest 'lsn, exclusive, on the current timeline' => sub {
	my $here = $test->point('here');
	$test->restore('lsn exclusive',
		$here->{excluded}, undef, '--type=lsn', "--target=$here->{lsn}", '--target-exclusive');
	$test->undo('undo of lsn exclusive');
};
subtest 'lsn, on a branch that was left, and from a full backup before all' => sub {
	$test->restore('lsn there', $branch->{included}, undef, '--type=lsn',
		"--target=$branch->{lsn}", '--target-timeline=2');
	$test->undo('undo of lsn there');
	$test->restore('time', $after_full->{included},
		$full->{label}, '--type=time', "--target=$after_full->{time}");
};
# Its WAL lies in the segment in which the new timeline begins, where a replica looks for it under
# the parent's name.
subtest 'on from before all the earlier restores, with a transaction that is prepared' => sub {
	$test->leader->psql(
		"BEGIN; INSERT INTO mark (name) VALUES ('prepared'); PREPARE TRANSACTION 'open'");
	my $there = $test->point('on from there');
	$test->restore('on from there',
		$there->{included}, undef, '--type=time', "--target=$there->{time}");
	is($test->leader->psql('SELECT gid FROM pg_prepared_xacts'), 'open', 'it is still open');
	$test->leader->psql("ROLLBACK PREPARED 'open'");
};

subtest 'schedules go on' => sub {
	for my $member ($test->cluster->members)
	{
		spew("$member->{dir}/server.conf",
			slurp("$member->{dir}/server.conf") . "pgbackrest_ctl.incr_schedule = '* * * * *'\n");
	}
	$test->undo('the last undo');
	my $done = $test->leader->psql('SELECT clock_timestamp()');
	wait_for
	{
		$test->leader->psql(
			"SELECT state FROM pgbr_runs WHERE requested_by = 'schedule' AND started_at > '$done'"
			  . " AND state IN ('succeeded', 'failed') ORDER BY run_id LIMIT 1") =~ /succeeded/
	}
	'a scheduled backup to succeed', 150;
	pass('a scheduled backup is made after a restore');
	$test->no_complaints('at the end');
};

done_testing;
