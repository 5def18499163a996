# The leader that is gone for good in the midst of a restore: --without-member goes on without it,
# or gives the cluster back without it. What is fenced off on the disk stays that until it is
# rebuilt.
use strict;
use warnings;
use File::Path qw(remove_tree);
use PgbrGoneTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrGoneTest->new;

subtest 'the leader, before any data was touched' => sub {
	my @target = $test->moment('the leader is gone');
	my $gone = $test->leader;
	$test->lose_at('archive', $gone, 'restore', @target);
	my @without = ("--without-member=$gone->{name}");
	my $run = $test->run('restore', @without, @target);
	like(
		$run->last_words,
		qr/can't go on without the leader.*undo @without/s,
		'its data was to be restored');
	isnt($run->{status}, 0, 'so it is refused');
	$test->is_done('without the leader', 'undo', @without);
	$test->another_leads('the leader', $gone);
};

# What its replicas have of its WAL may be more than was archived.
subtest 'the leader, which has crashed, before any data was touched' => sub {
	my @target = $test->moment('a crash');
	my $gone = $test->leader;
	my $run = $test->begin_at('stop-replicas', 'restore', @target);
	$gone->kill_postmaster;
	$test->has_begun($run, 'archive');
	$test->lose($run, $gone);
	$run = $test->is_done('given back', 'undo', "--without-member=$gone->{name}");
	ok(!(grep { $_ eq 'recover' } $run->steps_done), 'nothing is restored');
	$test->another_leads('a crashed leader', $gone);
};

subtest 'the leader, when data was touched' => sub {
	my @target = $test->moment('the leader is gone late');
	my $gone = $test->leader;
	$test->lose_at('recover', $gone, 'restore', @target);
	$test->stops('touched', 'restore', @target);
	$test->without('the leader is gone late');
	$test->is_done('without the leader', 'restore', "--without-member=$gone->{name}", @target);
	$test->another_leads('the leader late', $gone);
};

subtest 'the leader, when it served' => sub {
	my @target = $test->moment('the leader is gone as it serves');
	my $gone = $test->leader;
	$test->lose_at('restore-replicas', $gone, 'restore', @target);
	$test->without('the leader is gone as it serves');
	$test->is_done('without the leader', 'restore', "--without-member=$gone->{name}", @target);
	$test->another_leads('the leader that served', $gone);
};

subtest 'the leader, when it served, and it is taken back' => sub {
	my @target = $test->moment('the leader is gone as it serves again');
	my $gone = $test->leader;
	$test->lose_at('restore-replicas', $gone, 'restore', @target);
	$test->is_done('without the leader', 'undo', "--without-member=$gone->{name}");
	$test->another_leads('the leader of an undo', $gone);
};

# The repository takes nothing while it serves, and so it is with it that the rows are lost which
# were written since.
subtest
  'the leader, when it served on a timeline that nobody else knows, and another restore has begun'
  => sub {
	my @earlier = $test->target('time');
	my @target = $test->moment('nobody knows its timeline');
	my ($gone, $timeline) = ($test->leader, $test->timeline);
	my $archive = $test->cluster->{sandbox}{root} . '/repo/archive/main/15-1';
	my $run = $test->begin_at('verify', 'restore', @target);
	chmod 0550, $archive or die "$archive: $!";
	$test->has_begun($run, 'history-archived');
	$run->kill;
	$test->mark_lost('on its timeline');
	$test->await_lease;
	$test->lose_at('undo-point', $gone, 'restore', @earlier, "--target-timeline=$timeline");
	chmod 0750, $archive or die "$archive: $!";
	$run = $test->is_done('without the leader', 'undo', "--without-member=$gone->{name}");
	ok( (   grep {
				($_->{message} // '') =~
				  /member $gone->{name} may have started on a timeline .* empty its data directory/
			} $run->events),
		'what that means is told');
	remove_tree($gone->data);
	$test->another_leads('the leader of two restores', $gone);
  };

subtest 'the leader, when Patroni was resumed' => sub {
	my @target = $test->moment('Patroni is resumed');
	my $gone = $test->leader;
	$test->without('Patroni is resumed');
	$test->lose_at('replicas-stream', $gone, 'restore', @target);
	$test->cluster->wait_leader(other_than => $gone);
	$test->find_leader;
	wait_for { $test->leader->psql('SELECT pg_is_in_recovery()') eq 'f' }
	'the end of the promotion';
	$test->mark('another leads since');
	my $run = $test->is_done('what is left to be done',
		'restore', "--without-member=$gone->{name}", @target);
	ok(!(grep { $_ eq 'recover' } $run->steps_done), 'nothing is restored again');
	$test->another_leads('the leader of then', $gone);
};

done_testing;
