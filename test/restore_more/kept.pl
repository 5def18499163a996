# A member that is kept as the way back, and what can happen to it, to the others, and to the undo
# by it.
use strict;
use warnings;
use JSON::PP;
use PgbrGoneTest;
use PgbrSandbox qw(spew wait_for);
use Test::More;

my $test = PgbrGoneTest->new;
my $cluster = $test->cluster;
my $kept;

sub kept_for
{
	my $node = $kept->sidecar->http(GET => '/v1/node')->{json};
	return $node->{kept_for};
}

# A restore that keeps the last replica; gives its options.
sub begin_keeping
{
	my ($title) = @_;
	(undef, $kept) = $test->replicas;
	$test->mark("$title: before");
	$test->start_writer;
	my @options = ('restore', '--keep-member=' . $kept->name, $test->target('time'));
	$test->mark_lost("$title: after");
	return @options;
}

# What was there before the restore must be there again.
sub expect_undone
{
	my ($title) = @_;
	$test->set_kept($test->kept, "$title: after");
	$test->keep_ticks;
	return;
}

sub restore_keeping
{
	my ($title) = @_;
	my $done = $test->run_ok($title, begin_keeping($title));
	is(kept_for(), $done->{id}, "$title: a member is kept");
	expect_undone($title);
	$test->find_leader;
	return;
}

sub goes_by_it
{
	my ($title, $run) = @_;
	is($run->plan->{leading} && $run->plan->{leader}, $kept->name, "$title: by the member");
	is($test->leader, $kept, "$title: which leads");
	is(kept_for(), undef, "$title: and is kept no longer");
	return;
}

sub goes_by_repository
{
	my ($title, $run) = @_;
	is($run->plan->{leading}, undef, "$title: by the repository");
	is(kept_for(), undef, "$title: the member is kept no longer");
	return;
}

subtest 'an undo of the undo' => sub {
	restore_keeping('twice');
	$test->mark_lost('twice: since it was restored');
	my $undo = $test->is_done('the undo', 'undo');
	goes_by_it('the undo', $undo);
	$test->set_kept((grep { $_ ne 'twice: after' } $test->kept), 'twice: since it was restored');
	$test->{ticks_kept} = [];
	my $back = $test->is_done('the undo of the undo', 'undo', $undo->summary->{id});
	is($back->plan->{leading}, undef, 'the undo of the undo: by the repository');
};

# An undo that is given up before it has touched anything leaves the member as it is.
subtest 'an undo that is given up' => sub {
	restore_keeping('given up');
	my $run = $test->begin_at('archive', 'undo');
	$run->kill;
	my $id = $run->plan->{id};
	my @undone = $test->kept;
	wait_for { ($run = $test->run('undo', $id))->{status} != 6 } 'the lease to end', 60;
	is($run->{status}, 0, 'the undo is taken back') or diag $run->last_words;
	ok(defined kept_for(), 'the member is kept');
	$test->set_kept(@undone);
	goes_by_it('given up', $test->is_done('given up', 'undo'));
};

# And so does a restore, which then keeps nobody.
subtest 'a restore that is given up' => sub {
	my @options = begin_keeping('given back');
	$test->begin_at('archive', @options)->kill;
	expect_undone('given back');
	$test->is_done('given back', 'undo');
	is(kept_for(), undef, 'no member is kept');
};

# Nothing was handed over.
subtest 'a restore that has stopped half-way' => sub {
	my @options = begin_keeping('half-way');
	$test->begin_at('verify', @options)->kill;
	expect_undone('half-way');
	goes_by_it('half-way', $test->is_done('half-way', 'undo'));
};

# Its timeline may be in no archive yet.
subtest 'a restore that has stopped when it was handed over' => sub {
	my @options = begin_keeping('handed over');
	$test->begin_at('history-archived', @options)->kill;
	expect_undone('handed over');
	goes_by_it('handed over', $test->is_done('handed over', 'undo'));
};

subtest 'another target instead' => sub {
	my @options = begin_keeping('instead');
	my $run = $test->begin_at('recover', @options);
	$run->kill;
	wait_for
	{
		($run = $test->run(@options[ 0, 1 ], '--type=default'))->{status} != 6
	}
	'the lease to end', 60;
	is($run->{status}, 0, 'it is done') or diag $run->last_words;
	is(kept_for(), ($run->summary // {})->{id}, 'the member is kept for the second');
	expect_undone('instead');
	$test->find_leader;
	goes_by_it('instead', $test->is_done('instead', 'undo'));
};

subtest 'a failover meanwhile' => sub {
	restore_keeping('failover');
	my $leader = $test->leader;
	$leader->kill;
	wait_for { ($cluster->leader // $leader) != $leader } 'another leader', 60;
	$test->find_leader;
	$test->start_host($leader);
	wait_for { $leader->patroni(GET => '/patroni')->{status} } 'its Patroni';
	goes_by_it('failover', $test->is_done('failover', 'undo'));
};

subtest 'a member that is reinitialised' => sub {
	restore_keeping('reinit');
	is($kept->patroni(POST => '/reinitialize', { force => JSON::PP::true })->{status},
		200, 'Patroni is told to');
	wait_for { !defined kept_for() } 'its data to be another', 60;
	goes_by_repository('reinit', $test->is_done('reinit', 'undo'));
};

subtest 'a member whose data is of no use' => sub {
	restore_keeping('no use');
	spew($kept->data . '/postgresql.auto.conf', "nonsense\n");
	my $run = $test->run('undo');
	is($run->{status}, 9, 'the undo stops') or diag $run->last_words;
	like($run->last_words, qr/at step recover.*--from-repository/s, 'and says how it goes on');
	goes_by_repository('no use', $test->is_done('no use', 'undo', '--from-repository'));
};

subtest 'a member that is not wanted' => sub {
	restore_keeping('not wanted');
	my $slot = $kept->name;
	my $waits = $test->leader->psql(
		"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '$slot' AND NOT active");
	is($waits, 1, 'the leader keeps WAL for its slot');
	goes_by_repository('not wanted', $test->is_done('not wanted', 'undo', '--from-repository'));
};

subtest 'a member that is gone' => sub {
	restore_keeping('gone');
	$kept->kill;
	my $name = $kept->name;
	my $run = $test->run('undo');
	is($run->{status}, 8, 'the undo is refused without it') or diag $run->last_words;
	$test->is_done('gone', 'undo', "--without-member=$name");
	$test->start_host($kept);
	wait_for { defined kept_for() } 'its sidecar';
	is_deeply($test->status->{kept}, [], 'gone: it is the way back of nothing any more');
	my (undef, $text) = $cluster->cluster_ctl('status');
	like(
		$text =~ s/\s+/ /gr,
		qr/$name was kept for restore \S+, which was undone without it/,
		'gone: and status tells so');
	$test->rebuild('gone', $kept);
};

# Who leads until then goes before its WAL was archived, and after the member was recovered.
for my $step ('stop-replicas', 'recover', 'restore-replicas')
{
	subtest "who leads is gone at $step" => sub {
		restore_keeping($step);
		my $leader = $test->leader;
		$test->lose_at($step, $leader, 'undo');
		my $name = $leader->name;
		$test->is_done($step, 'undo', "--without-member=$name");
		is($test->leader, $kept, "$step: the member that was kept leads");
		$test->bring_back($step, $leader);
	};
}

subtest 'the member is gone at hand-over' => sub {
	restore_keeping('hand-over');
	$test->lose_at('hand-over', $kept, 'undo');
	my $name = $kept->name;
	$test->is_done('hand-over', 'undo', "--without-member=$name");
	isnt($test->leader, $kept, 'hand-over: another leads');
	system 'rm', '-rf', $kept->data;
	$test->bring_back('hand-over', $kept);
};

done_testing;
