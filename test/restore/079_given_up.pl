# Restores that are given up: "undo" before any data was touched gives the cluster back as it is,
# whoever leads by then. Undos that are interrupted, and what a restore that was interrupted once
# the leader serves has left to be done. And replicas alone, restored when their timeline's
# beginning is no longer in the repository.
use strict;
use warnings;
use PgbrRestoreTest;
use PgbrSandbox qw(spew wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;
my $cluster = $test->cluster;
my $archive = $cluster->sandbox->{root} . '/repo/archive/main/15-1';

sub timeline { return $test->leader->psql('SELECT timeline_id FROM pg_control_checkpoint()') }

# Patroni's pause, as people end it.
sub resume
{
	my ($member) = @_;
	is($member->patroni(PATCH => '/config', { pause => undef })->{status},
		200, 'somebody resumes Patroni');
	return;
}

# One member takes writes, and it is the one that leads.
sub is_alone
{
	my ($name) = @_;
	my @writable = grep {
		(eval { $_->psql('SELECT pg_is_in_recovery()') } // 't') eq 'f'
	} $cluster->members;
	is_deeply(
		[ map { $_->name } @writable ],
		[ $test->leader->name ],
		"$name: one member takes writes");
	return;
}

sub fenced
{
	return scalar grep { $_->sidecar->http(GET => '/v1/node')->{json}{fenced} } $test->replicas;
}

my $untouched = 'taken back before any data was touched';

sub is_undone
{
	my ($run, $name, $result) = @_;
	is($run->{status} // $run->finish, 0, "$name: undone") or diag $run->last_words;
	is(($run->summary // {})->{result}, $result, "$name: and says how");
	$test->is_healthy($name, 60);
	is_alone($name);
	return;
}

sub is_given_up
{
	my ($name, @id) = @_;
	return is_undone($test->begin('undo', @id), $name, $untouched);
}

# Begin a restore, or an undo, and interrupt it in a step.
sub interrupt_at
{
	my ($step, @options) = @_;
	my $verb = @options && $options[0] eq 'undo' ? shift @options : 'restore';
	my $run = $test->begin($verb, @options);
	ok($run->wait_event(event => 'step', step => $step, state => 'started'), "$step has begun")
	  or diag $run->last_words;
	kill INT => $run->pid;
	is($run->finish, 130, "$step: interrupted") or diag $run->last_words;
	return $run;
}

subtest 'a restart that is scheduled' => sub {
	my $leader = $test->leader;
	is( $leader->patroni(POST => '/restart', { schedule => '2100-01-01T00:00:00+00:00' })->{status},
		202,
		'for the leader');
	interrupt_at('stop-replicas');
	ok($leader->patroni(GET => '/patroni')->{scheduled_restart}, 'is not taken back by the pause');
	is_given_up('with it');
	is($leader->patroni(DELETE => '/restart')->{status}, 200, 'but by a person');
};

subtest 'nobody has changed anything since' => sub {
	for my $step (qw(pause stop-replicas keep-old))
	{
		$test->mark("given up at $step");
		# what takes a while to be copied
		spew($test->leader->data . '/base/big', "\1" x (256 << 20));
		my ($leader, $timeline) = ($test->leader, timeline());
		my $run = interrupt_at($step, '--keep-old');
		like($run->errors, qr/No data directory was written to/, "$step: and what that means");
		is_given_up($step);
		is($test->leader, $leader, "$step: the leader is who it was");
		is(timeline(), $timeline, "$step: on the timeline that it was on");
		system 'rm', '-rf', $leader->data . '/base/big', glob $leader->data . '.before-*';
	}
};

subtest 'the leader is another one by now' => sub {
	my ($former, $other) = ($test->leader, $test->replicas);
	# it does not see the pause, for which the restore waits
	kill STOP => $other->{patroni_pid};
	interrupt_at('pause');
	kill CONT => $other->{patroni_pid};
	resume($former);
	wait_for { !$_->patroni(GET => '/patroni')->{pause} or return for $cluster->members; 1 }
	'all members to see it';
	$cluster->wait_streaming;
	wait_for
	{
		grep { $_->{name} eq $other->name && $_->{state} =~ /running|streaming/ }
		  @{ $former->patroni(GET => '/cluster')->{members} }
	}
	'Patroni to know it again';
	my $answer = $former->patroni(
		POST => '/switchover',
		{ leader => $former->name, candidate => $other->name });
	is($answer->{status}, 200, 'a switchover') or diag $answer->{content};
	is($test->find_leader, $other, 'another member leads');
	wait_for { $other->psql('SELECT pg_is_in_recovery()') eq 'f' } 'the end of the promotion';
	$test->mark('the other leads');
	my $postmaster = $other->postmaster;
	is_given_up('another leads');
	is($test->leader, $other, 'it still does');
	is($other->postmaster, $postmaster, 'and was not restarted');
};

subtest 'a member that was left out leads by now' => sub {
	my ($former, $other) = ($test->leader, $test->replicas);
	$test->mark('to the end');
	$other->sidecar->kill;
	spew($former->data . '/base/big', "\1" x (256 << 20));
	interrupt_at('keep-old', '--keep-old', "--without-member=$other->{name}");
	resume($other);
	# as long as Patroni of a fenced leader runs, it keeps the leader's key
	$cluster->sandbox->end(delete $former->{patroni_pid}, 'TERM', 60);
	is($cluster->wait_leader(other_than => $former), $other, 'it leads');
	$former->start;
	$test->find_leader;
	wait_for { $other->psql('SELECT pg_is_in_recovery()') eq 'f' } 'the end of the promotion';
	$test->mark('left out, and leads');
	ok($former->sidecar->http(GET => '/v1/node')->{json}{fenced},
		'the former leader is fenced off');
	is_given_up('left out');
	is($test->leader, $other, 'it still leads');
	$other->sidecar->start;
	system 'rm', '-rf',
	  map { ($_->data . '/base/big', glob $_->data . '.before-*') } $cluster->members;
};

subtest 'a leader that was down' => sub {
	$test->mark('before all were killed');
	my @ports = $cluster->break_servers;
	my $run = $test->begin('restore', '--keep-old');
	ok($run->wait_event(event => 'step', step => 'keep-old', state => 'started'),
		'its restore has begun')
	  or diag $run->last_words;
	kill INT => $run->pid;
	is($run->finish, 130, 'interrupted');
	@ports = ();
	is_given_up('was down');
	system 'rm', '-rf', map { glob $_->data . '.before-*' } $cluster->members;
};

# Replicas are behind the fence of the restore that was replaced by one that has not begun.
subtest 'a restore that serves already, and its undo, both interrupted' => sub {
	my $leader = $test->leader;
	$test->mark('kept');
	my @target = $test->target('time');
	$test->mark_lost('after the target');
	my ($newest) = reverse sort map { m{(\w+)\.history$} } glob "$archive/*.history";
	my $blocked = sprintf '%s/%08X00000000', $archive, 1 + hex($newest // 1);
	my $run = $test->begin('restore', @target);
	ok($run->wait_event(event => 'step', step => 'recover', state => 'started'),
		'recovery has begun')
	  or diag $run->last_words;
	# the new timeline's first WAL can't be written
	mkdir $blocked, 0500 or die "mkdir: $!";
	ok($run->wait_event(event => 'step', step => 'history-archived', state => 'started'),
		'the leader serves')
	  or diag $run->last_words;
	kill INT => $run->pid;
	is($run->finish, 130, 'the restore is interrupted') or diag $run->last_words;
	my $undo = interrupt_at('undo-point', 'undo')->plan->{id};
	is(fenced(), 2, 'the replicas are fenced off');
	is($test->status->{restore}{state}, 'active', 'which is not forgotten');
	my $postmaster = $leader->postmaster;
	# one was still being restored
	my ($replica) = $test->replicas;
	system 'rm', '-rf', map { $replica->data . "/$_" } qw(pgbr_fence base);
	$run = $test->begin('undo', $undo);
	my $failed = 'SELECT failed_count FROM pg_stat_archiver';
	my $before = $leader->psql($failed);
	$test->mark('written on the new timeline');
	$leader->psql('SELECT pg_switch_wal()');
	wait_for { $leader->psql($failed) > $before + 1 } 'archiving to fail again', 60;
	is(fenced(), 1, 'no replica is let in before the timeline is in the repository');
	chmod 0750, $blocked;
	is_undone($run, 'both', 'done');
	is($test->leader, $leader, 'the leader is who it was');
	is($leader->postmaster, $postmaster, 'and was not restarted');
	$test->set_kept((grep { $_ ne 'written on the new timeline' } $test->kept), 'after the target');
	is_undone($test->begin('undo'), 'the restore itself', 'done');
};

subtest 'an undo that is interrupted' => sub {
	my @before = $test->kept;
	my @target = $test->target('time');
	$test->mark_lost('back by undo');
	my $restore = $test->run_ok('to be undone', 'restore', @target)->{id};
	$test->is_healthy('restored');
	$test->mark('given up with the undo');
	my $undo = interrupt_at('stop-replicas', 'undo')->plan->{id};
	is_given_up('undo of an undo', $undo);

	for my $again ([], [$restore])
	{
		$test->set_kept(@before, 'given up with the undo');
		interrupt_at('stop-replicas', 'undo', $restore);
		$test->set_kept(@before, 'back by undo');
		my $run = $test->begin('undo', @$again);
		is_undone($run, "undo again (@$again)", 'done');
		# whoever did not see its end
		for my $repeated ([], [$restore])
		{
			my $second = $test->begin('undo', @$repeated);
			is_undone($second, "once more (@$repeated)", 'done');
			is($second->summary->{id}, $run->summary->{id}, 'it is the same undo');
		}
		next if @$again;
		$test->set_kept(@before, 'given up with the undo');
		is_undone($test->begin('undo', $run->summary->{id}), 'undo of that', 'done');
	}
};

# Whoever was to see it was killed.
subtest 'a leader that serves though the restore does not know it' => sub {
	my @before = $test->kept;
	my $leader = $test->leader;
	my @target = $test->target('time');
	$test->mark_lost('after the target, too');
	my $run = $test->begin('restore', @target);
	ok($run->wait_event(event => 'step', step => 'hand-over', state => 'started'),
		'the hand-over has begun')
	  or diag $run->last_words;
	my $before = length $leader->patroni_log;
	wait_for { substr($leader->patroni_log, $before) =~ /LOG:  starting PostgreSQL/ }
	'Patroni to start the leader';
	$run->kill;
	wait_for { $leader->psql('SELECT pg_is_in_recovery()') eq 'f' } 'the leader to take writes';
	my $journal = $leader->sidecar->http(GET => '/v1/restores')->{json}{restores}[0];
	is($journal->{state}, 'active', 'the restore is not done');
	$leader->psql(q{INSERT INTO mark (name) VALUES ('after the hand-over')});
	$test->set_kept(@before, 'after the target, too');
	wait_for { ($run = $test->begin('undo'))->finish != 6 }
	'the lease of the one that was killed to end', 60;
	is_undone($run, 'undo', 'done');
	$test->set_kept(@before, 'after the hand-over');
	is_undone($test->begin('undo', $run->summary->{id}), 'undo of that', 'done');
};

subtest 'replicas alone, without the first WAL of their timeline' => sub {
	my $leader = $test->leader;
	my $timeline = sprintf '%08X', timeline();
	isnt($timeline, '00000001', 'there was a switch');
	$test->mark('before the backup');
	$test->backup('full');
	my ($first) = sort map { m{/(\w{24})-} } glob "$archive/$timeline*/*";
	$leader->pgbackrest('--repo1-retention-full=1', 'expire');
	my ($now) = sort map { m{/(\w{24})-} } glob "$archive/$timeline*/*";
	cmp_ok($now, 'gt', $first, 'the first WAL has expired');
	my ($replica) = $test->replicas;
	$test->run_ok('replicas', 'restore', '--replicas-only', "--member=$replica->{name}");
	$test->is_healthy('replicas');
	is($test->leader, $leader, 'the leader is who it was');
};

$test->is_quiet('all of it');
done_testing;
