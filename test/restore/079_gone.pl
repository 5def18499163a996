# Members that are gone for good in the midst of a restore, or of an undo: --without-member goes on without them, or
# gives the cluster back without them. What is fenced off on their disks stays that until they are rebuilt.
use strict;
use warnings;
use PgbrRestoreTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;
my $cluster = $test->cluster;

# A row, a moment, and a row after it, which a restore to the moment takes away.
sub moment
{
	my ($name) = @_;
	$test->mark("before $name");
	my @target = $test->target('time');
	$test->mark("after $name");
	return @target;
}

sub without
{
	my ($name) = @_;
	$test->set_kept(grep { $_ ne "after $name" } $test->kept);
	return;
}

sub has_begun
{
	my ($run, $step) = @_;
	return ok($run->wait_event(event => 'step', step => $step, state => 'started'), "$step has begun") || diag $run->last_words;
}

# A host goes for good as the step begins, and the control binary with it.
sub lose_at
{
	my ($step, $member, @command) = @_;
	my $run = $test->begin(@command);
	has_begun($run, $step);
	$run->kill;
	$member->kill;
	wait_for { ($test->status->{restore}{holder_seconds_left} // 0) == 0 } 'the lease to end', 60;
	return;
}

# Without it the command stops, and says what can be done.
sub stops
{
	my ($name, @command) = @_;
	my $run = $test->run(@command);
	is($run->{status}, 9, "$name: it stops") or diag $run->last_words;
	like($run->last_words, qr/If the member is gone for good.*: --without-member=m/, "$name: and says how it goes on");
	return;
}

sub goes_on
{
	my ($name, @command) = @_;
	my $run = $test->run(@command);
	is($run->{status}, 0, "$name: done") or diag $run->last_words;
	$test->is_healthy($name, 60);
	return $run;
}

# A new disk, or the old one: it is rebuilt as a replica.
sub bring_back
{
	my ($name, $member) = @_;
	$test->start_host($member);
	wait_for { $member->patroni(GET => '/patroni')->{status} } 'its Patroni';
	$test->mark("$name is back");
	goes_on("$name is brought back", 'restore', '--replicas-only', "--member=$member->{name}");
	ok(!$member->sidecar->http(GET => '/v1/node')->{json}{fenced}, "$name: its fence is lifted");
	return;
}

subtest 'a replica, before any data was touched' => sub {
	my @target = moment('a replica is gone');
	my ($gone) = $test->replicas;
	lose_at('archive', $gone, 'restore', @target);
	my $run = $test->run('undo');
	isnt($run->{status}, 0, 'undo needs all members') or diag $run->last_words;
	like($run->last_words, qr/--without-member=$gone->{name}/, 'or the word that one is gone');
	my $leader = $test->leader;
	$run = goes_on('taken back without it', 'undo', "--without-member=$gone->{name}");
	is_deeply($run->summary->{left_out}, [ $gone->name ], 'the summary names it');
	is($test->leader, $leader, 'who led leads');
	$test->mark('taken back');
	bring_back('a replica', $gone);
};

subtest 'a replica, and the restore goes on' => sub {
	my @target = moment('a replica is gone again');
	my ($gone) = $test->replicas;
	lose_at('stop-leader', $gone, 'restore', @target);
	stops('untouched', 'restore', @target);
	my $run = $test->run('restore', "--without-member=nobody", @target);
	like($run->last_words, qr/has no member "nobody"/, 'a name that is not of the plan') or diag $run->last_words;
	without('a replica is gone again');
	$run = goes_on('untouched', 'restore', "--without-member=$gone->{name}", @target);
	is_deeply($run->summary->{left_out}, [ $gone->name ], 'the summary names it');
	ok($test->leader->patroni(GET => '/config')->{check_timeline}, 'Patroni compares timelines in a leader race');
	bring_back('a replica again', $gone);
	ok(!$test->leader->patroni(GET => '/config')->{check_timeline}, 'as before, now that it is back');
};

subtest 'a replica, when data was touched' => sub {
	my @target = moment('a replica is gone late');
	my ($gone) = $test->replicas;
	lose_at('recover', $gone, 'restore', @target);
	stops('touched', 'restore', @target);
	without('a replica is gone late');
	my $run = goes_on('touched', 'restore', "--without-member=$gone->{name}", @target);
	ok(!(grep { $_ eq 'pause' } $run->steps_done), 'it is no restore of its own');
	# and the way back, though it is still gone
	$test->set_kept($test->kept, 'after a replica is gone late');
	goes_on('taken back', 'undo');
	bring_back('a replica late', $gone);
};

subtest 'a replica, of an undo' => sub {
	my @target = moment('an undo');
	my ($gone) = $test->replicas;
	without('an undo');
	goes_on('a restore', 'restore', @target);
	$test->set_kept($test->kept, 'after an undo');
	$gone->kill;
	my $run = $test->run('undo');
	is($run->{status}, 8, 'refused by the plan') or diag $run->last_words;
	like($run->last_words, qr/--without-member=$gone->{name}/, 'which says what can be done');
	goes_on('without it', 'undo', "--without-member=$gone->{name}");
	bring_back('an undo', $gone);
};

subtest 'one of the replicas that are restored alone' => sub {
	my ($gone) = $test->replicas;
	lose_at('restore-replicas', $gone, 'restore', '--replicas-only');
	goes_on('replicas alone', 'restore', '--replicas-only', "--without-member=$gone->{name}");
	bring_back('replicas alone', $gone);
};

# Patroni before 3.1 would have members that are to be rewound wait for ever for one that it has not promoted itself
# (https://github.com/patroni/patroni/pull/2776); docs/restore.md says so.
sub another_leads
{
	my ($name, $gone) = @_;
	isnt($test->leader, $gone, "$name: another member leads");
	$test->crash_patroni($test->leader);
	bring_back($name, $gone);
	return;
}

subtest 'the leader, before any data was touched' => sub {
	my @target = moment('the leader is gone');
	my $gone = $test->leader;
	lose_at('archive', $gone, 'restore', @target);
	my @without = ("--without-member=$gone->{name}");
	my $run = $test->run('restore', @without, @target);
	like($run->last_words, qr/can't go on without the leader.*undo @without/s, 'its data was to be restored');
	isnt($run->{status}, 0, 'so it is refused');
	goes_on('without the leader', 'undo', @without);
	another_leads('the leader', $gone);
};

subtest 'the leader, when data was touched' => sub {
	my @target = moment('the leader is gone late');
	my $gone = $test->leader;
	lose_at('recover', $gone, 'restore', @target);
	stops('touched', 'restore', @target);
	without('the leader is gone late');
	goes_on('without the leader', 'restore', "--without-member=$gone->{name}", @target);
	another_leads('the leader late', $gone);
};

subtest 'the leader, when it served' => sub {
	my @target = moment('the leader is gone as it serves');
	my $gone = $test->leader;
	lose_at('restore-replicas', $gone, 'restore', @target);
	without('the leader is gone as it serves');
	goes_on('without the leader', 'restore', "--without-member=$gone->{name}", @target);
	another_leads('the leader that served', $gone);
};

subtest 'the leader, when it served, and it is taken back' => sub {
	my @target = moment('the leader is gone as it serves again');
	my $gone = $test->leader;
	lose_at('restore-replicas', $gone, 'restore', @target);
	goes_on('without the leader', 'undo', "--without-member=$gone->{name}");
	another_leads('the leader of an undo', $gone);
};

done_testing;
