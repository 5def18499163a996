# A replica that is gone for good in the midst of a restore, or of an undo: --without-member goes on
# without it, or gives the cluster back without it. What is fenced off on the disk stays that until
# it is rebuilt.
use strict;
use warnings;
use PgbrGoneTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrGoneTest->new;

subtest 'a replica, before any data was touched' => sub {
	my @target = $test->moment('a replica is gone');
	my ($gone) = $test->replicas;
	$test->lose_at('archive', $gone, 'restore', @target);
	my $run = $test->run('undo');
	isnt($run->{status}, 0, 'undo needs all members') or diag $run->last_words;
	like($run->last_words, qr/--without-member=$gone->{name}/, 'or the word that one is gone');
	my $leader = $test->leader;
	$run = $test->is_done('taken back without it', 'undo', "--without-member=$gone->{name}");
	is_deeply($run->summary->{left_out}, [ $gone->name ], 'the summary names it');
	is($test->leader, $leader, 'who led leads');
	$test->mark('taken back');
	$test->bring_back('a replica', $gone);
};

subtest 'a replica, and the restore goes on' => sub {
	my @target = $test->moment('a replica is gone again');
	my ($gone) = $test->replicas;
	$test->lose_at('stop-leader', $gone, 'restore', @target);
	$test->stops('untouched', 'restore', @target);
	my $run = $test->run('restore', "--without-member=nobody", @target);
	like($run->last_words, qr/has no member "nobody"/, 'a name that is not of the plan')
	  or diag $run->last_words;
	$test->without('a replica is gone again');
	$run = $test->is_done('untouched', 'restore', "--without-member=$gone->{name}", @target);
	is_deeply($run->summary->{left_out}, [ $gone->name ], 'the summary names it');
	ok($test->leader->patroni(GET => '/config')->{check_timeline},
		'Patroni compares timelines in a leader race');
	$test->bring_back('a replica again', $gone);
	ok(!$test->leader->patroni(GET => '/config')->{check_timeline},
		'as before, now that it is back');
};

subtest 'a replica, when data was touched' => sub {
	my @target = $test->moment('a replica is gone late');
	my ($gone) = $test->replicas;
	$test->lose_at('recover', $gone, 'restore', @target);
	$test->stops('touched', 'restore', @target);
	$test->without('a replica is gone late');
	my $run = $test->is_done('touched', 'restore', "--without-member=$gone->{name}", @target);
	ok(!(grep { $_ eq 'pause' } $run->steps_done), 'it is no restore of its own');
	$run = $test->run('restore', @target);
	is($run->{status}, 0, 'the command that had begun it') or diag $run->last_words;
	ok(!$run->steps_done, 'is known to be done');
	# and the way back, though it is still gone
	$test->set_kept($test->kept, 'after a replica is gone late');
	$test->is_done('taken back', 'undo');
	$test->bring_back('a replica late', $gone);
};

subtest 'a replica, of an undo' => sub {
	my @target = $test->moment('an undo');
	my ($gone) = $test->replicas;
	$test->without('an undo');
	$test->is_done('a restore', 'restore', @target);
	$test->set_kept($test->kept, 'after an undo');
	$gone->kill;
	my $run = $test->run('undo');
	is($run->{status}, 8, 'refused by the plan') or diag $run->last_words;
	like($run->last_words, qr/--without-member=$gone->{name}/, 'which says what can be done');
	$test->is_done('without it', 'undo', "--without-member=$gone->{name}");
	$test->bring_back('an undo', $gone);
};

subtest 'one of the replicas that are restored alone' => sub {
	my ($gone) = $test->replicas;
	$test->lose_at('restore-replicas', $gone, 'restore', '--replicas-only');
	$test->is_done('replicas alone', 'restore', '--replicas-only',
		"--without-member=$gone->{name}");
	$test->bring_back('replicas alone', $gone);
};

done_testing;
