# Times and transactions of branches that were left: after a switchover and a restore to before it,
# and after a restore to a name. The plan refuses what may mean two states, each that it offers is
# reached, and what can mean one only is done as it is.
use strict;
use warnings;
use JSON::PP;
use PgbrRestoreTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;

# A row of its own: its transaction, and a moment after it and before the next.
sub commit
{
	my ($name) = @_;
	my $xid = $test->mark_lost($name);
	return {
		name => $name,
		xid => $xid,
		time => $test->leader->psql('SELECT clock_timestamp()')
	};
}

sub ask_plan
{
	my (@target) = @_;
	my ($status, $out) =
	  $test->cluster->cluster_ctl('plan', '--no-verify', '--format=json', @target);
	return ($status, JSON::PP->new->utf8->decode($out));
}

sub is_refused
{
	my ($name, $branch, @target) = @_;
	my ($status, $refusal) = ask_plan(@target);
	is($status, 8, "$name: refused") or diag explain $refusal;
	my @offered = map { $_->{target_timeline} } @{ $refusal->{nearest} // [] };
	is($offered[0], $branch, "$name: the branch is offered") or diag explain $refusal;
	is($offered[-1], $test->timeline, "$name: and the leader's timeline");
	return;
}

sub is_planned
{
	my ($name, @target) = @_;
	my ($status, $plan) = ask_plan(@target);
	is($status, 0, "$name: planned") or diag explain $plan;
	is_deeply([ grep { /has left since/ } @{ $plan->{unproven} // ['no plan'] } ],
		[], "$name: and nothing is in doubt");
	return;
}

sub restored
{
	my ($name, $rows, @target) = @_;
	$test->set_kept(@$rows);
	$test->run_ok($name, 'restore', @target);
	$test->is_healthy($name, 60);
	$test->await_jobs;
	return;
}

sub at { my ($row) = @_; return ('--type=time', "--target=$row->{time}") }

my @base = ($test->kept);
my ($a, $b, $c, $d, $e, $g);

subtest 'a restore to before a switchover' => sub {
	($a, $b, $c) = map { commit($_) } qw(a b c);
	my ($leader, $other) = ($test->leader, ($test->replicas)[0]);
	my $answer = $leader->patroni(
		POST => '/switchover',
		{ leader => $leader->name, candidate => $other->name });
	is($answer->{status}, 200, 'a switchover') or diag $answer->{content};
	$test->cluster->wait_leader(other_than => $leader);
	$test->find_leader;
	wait_for { $test->leader->psql('SELECT pg_is_in_recovery()') eq 'f' }
	'the end of the promotion';
	$test->cluster->wait_streaming;
	is_planned('a time before a clean switchover', at($b));
	($d, $e) = map { commit($_) } qw(d e);
	is_planned('a time after it', at($d));
	restored('to a', [ @base, 'a' ], at($a));
	is_planned('the same time', at($a));
	is_refused('a time between that and the switchover', 1, at($b));
	is_refused('a time after the switchover', 2, at($d));
	my $further = 0;
	1 while $test->mark_lost('further ' . $further++) <= $d->{xid};
	is_refused('a transaction after it', 2, '--type=xid', "--target=$d->{xid}");
};

subtest 'as it was then' => sub {
	restored('d', [ @base, qw(a b c d) ], at($d), '--target-timeline=2');
};

subtest 'a restore to a name' => sub {
	$test->leader->psql("SELECT pgbr_restore_point('here')");
	$g = commit('after the name');
	my $timeline = $test->timeline;
	commit('the last');
	restored('to a name', [ @base, qw(a b c d) ], '--type=name', '--target=here');
	is_refused('a time after the name', $timeline, at($g));
	$test->mark('on the new timeline');
	is_planned('a time on the new timeline',
		'--type=time', '--target=' . $test->leader->psql('SELECT clock_timestamp()'));
	$test->set_kept(@base, qw(a b c d), 'after the name');
	restored(
		'to the time after the name',
		[ @base, qw(a b c d), 'after the name' ],
		at($g), "--target-timeline=$timeline");
};

done_testing;
