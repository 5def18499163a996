# A restore that takes the place of another that was not finished, and is itself not finished, and
# what is kept of the first: its rows, its replicas, and the way back.
use strict;
use warnings;
use PgbrRestoreTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;
my $cluster = $test->cluster;

# A restore, ended as the step begins, with its lease.
sub end_at
{
	my ($step, @options) = @_;
	my $run;
	wait_for
	{
		$run = $test->begin('restore', @options);
		$run->wait_event(event => 'step', step => $step, state => 'started')
		  or ($run->finish == 6 ? undef : die $run->last_words);
	}
	"$step to begin", 60;
	$run->kill;
	return $run;
}

subtest 'the leader has moved to another timeline while replicas were not whole' => sub {
	$test->mark('before the first');
	my @first = $test->target('time');
	end_at('restore-replicas', @first);
	$test->mark('since the first serves');
	my @second = $test->target('time');
	$test->mark('after the second');
	end_at('stop-replicas', @second);
	my $leader = $test->leader;
	is($leader->patroni(PATCH => '/config', { pause => undef })->{status},
		200, 'somebody resumes Patroni');
	wait_for { !$leader->patroni(GET => '/patroni')->{pause} } 'the leader to be resumed';
	my ($before, $killed) = ($test->timeline, $leader->postmaster);
	$leader->kill_postmaster;
	my $now;
	wait_for
	{
		($leader->postmaster // $killed) != $killed && ($now = eval { $test->timeline })
	}
	'the leader to take writes again', 60;
	my $run;
	# Patroni 3 promotes it anew, 4 starts it as the primary that it was
	if ($now > $before)
	{
		wait_for
		{
			($run = $test->begin('restore', @second))->finish != 6
			  || $run->last_words =~ /since the plan/
		}
		'the lease to end', 60;
		like(
			$run->last_words,
			qr/the leader has changed since the plan was made/,
			'the second restore is given up');
		my ($hint) =
		  $run->last_words =~ /"pgbackrest_ctl undo (\S+)" restores the replicas to follow it/;
		ok($hint, 'with what is to be done for the replicas') or diag $run->last_words;
		$test->is_done('the replicas', 'undo', $hint);
	}
	else
	{
		$test->is_done('the replicas', 'undo');
	}
	is($test->leader, $leader, 'who led leads');
	is($test->timeline, $now, 'on the timeline that it was on');
};

# The first has opened the leader, and nobody has seen it; then it crashes. What was written there
# since is saved by the second, or the third.
subtest 'a leader that was handed over, and two that follow' => sub {
	$test->mark('before three');
	my @first = $test->target('time');
	my $leader = $test->leader;
	my $run = $test->begin('restore', @first);
	ok($run->wait_event(event => 'step', step => 'hand-over', state => 'started'),
		'it is handed over')
	  or diag $run->last_words;
	wait_for
	{
		(eval { $leader->psql('SELECT pg_is_in_recovery()') } // '') eq 'f'
	}
	'the leader to serve';
	$run->kill;
	$test->mark('since it was handed over');
	my @target = $test->target('time');
	$test->mark_lost('after the third');
	# in the pause nobody starts it again
	$leader->kill_postmaster;
	end_at('archive', '--type=default');
	$test->is_done('the third', 'restore', @target);
};

# The same, and the second is taken back: to where the cluster was before it, not before the first.
subtest 'a leader that was handed over, and one that is taken back' => sub {
	$test->mark('before two');
	my @first = $test->target('time');
	end_at('restore-replicas', @first);
	$test->mark('since it serves');
	$test->leader->kill_postmaster;
	end_at('stop-leader', '--type=default');
	$test->is_done('the second is taken back', 'undo');
};

done_testing;
