# The leader that is gone for good in the midst of a restore, or of an undo: --without-member goes on without it, or
# gives the cluster back without it. What is fenced off on the disk stays that until it is rebuilt.
use strict;
use warnings;
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
	like($run->last_words, qr/can't go on without the leader.*undo @without/s, 'its data was to be restored');
	isnt($run->{status}, 0, 'so it is refused');
	$test->goes_on('without the leader', 'undo', @without);
	$test->another_leads('the leader', $gone);
};

subtest 'the leader, when data was touched' => sub {
	my @target = $test->moment('the leader is gone late');
	my $gone = $test->leader;
	$test->lose_at('recover', $gone, 'restore', @target);
	$test->stops('touched', 'restore', @target);
	$test->without('the leader is gone late');
	$test->goes_on('without the leader', 'restore', "--without-member=$gone->{name}", @target);
	$test->another_leads('the leader late', $gone);
};

subtest 'the leader, when it served' => sub {
	my @target = $test->moment('the leader is gone as it serves');
	my $gone = $test->leader;
	$test->lose_at('restore-replicas', $gone, 'restore', @target);
	$test->without('the leader is gone as it serves');
	$test->goes_on('without the leader', 'restore', "--without-member=$gone->{name}", @target);
	$test->another_leads('the leader that served', $gone);
};

subtest 'the leader, when it served, and it is taken back' => sub {
	my @target = $test->moment('the leader is gone as it serves again');
	my $gone = $test->leader;
	$test->lose_at('restore-replicas', $gone, 'restore', @target);
	$test->goes_on('without the leader', 'undo', "--without-member=$gone->{name}");
	$test->another_leads('the leader of an undo', $gone);
};


subtest 'the leader, of an undo' => sub {
	my @target = $test->moment('an undo without its leader');
	my $gone = $test->leader;
	$test->without('an undo without its leader');
	$test->goes_on('a restore', 'restore', @target);
	$test->set_kept($test->kept, 'after an undo without its leader');
	$test->lose_at('recover', $gone, 'undo');
	$test->goes_on('an undo elsewhere', 'undo', "--without-member=$gone->{name}");
	$test->another_leads('an undo', $gone);
};

subtest 'the leader, while a replica alone is restored' => sub {
	my ($gone, ($replica)) = ($test->leader, $test->replicas);
	$test->mark('the replicas have it');
	$test->lose_at('restore-replicas', $gone, 'restore', '--replicas-only', "--member=$replica->{name}");
	my $run = $test->run('restore', '--replicas-only', "--member=$replica->{name}");
	like($run->last_words, qr/"pgbackrest_ctl undo --without-member=$gone->{name}" takes the restore back/, 'what can be done is told');
	$test->goes_on('another member', 'undo', "--without-member=$gone->{name}");
	$test->another_leads('replicas alone', $gone);
};

subtest 'the leader, when Patroni was resumed' => sub {
	my @target = $test->moment('Patroni is resumed');
	my $gone = $test->leader;
	$test->without('Patroni is resumed');
	$test->lose_at('replicas-stream', $gone, 'restore', @target);
	$test->cluster->wait_leader(other_than => $gone);
	$test->find_leader;
	wait_for { $test->leader->psql('SELECT pg_is_in_recovery()') eq 'f' } 'the end of the promotion';
	$test->mark('another leads since');
	my $run = $test->goes_on('what is left to be done', 'restore', "--without-member=$gone->{name}", @target);
	ok(!(grep { $_ eq 'recover' } $run->steps_done), 'nothing is restored again');
	$test->another_leads('the leader of then', $gone);
};

# Two would take writes.
subtest 'a leader that answers is not left out' => sub {
	my @target = $test->moment('the leader answers');
	my $leader = $test->leader;
	my @without = ("--without-member=$leader->{name}");
	for my $step (qw(pause restore-replicas))
	{
		my $run = $test->begin('restore', @target);
		$test->has_begun($run, $step);
		$run->kill;
		wait_for { ($test->status->{restore}{holder_seconds_left} // 0) == 0 } 'the lease to end', 60;
		for my $command ([ 'undo', @without ], $step eq 'pause' ? () : [ 'restore', @without, @target ])
		{
			$run = $test->run(@$command);
			like($run->last_words, qr/member "$leader->{name}" is the leader and can't be left out/, "$step: @$command[0] is refused")
			  or diag "exit status $run->{status}";
		}
	}
	$test->without('the leader answers');
	$test->goes_on('with it', 'restore', @target);
};

done_testing;
