# What others have done between two runs of the control binary: Patroni was resumed, and another
# leads; a sidecar was away, and has missed something; somebody has spoilt the files. The same
# command, or undo, must see that.
use strict;
use warnings;
use PgbrRestoreTest;
use PgbrSandbox qw(slurp spew wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;
my $cluster = $test->cluster;

sub fenced { my ($member) = @_; return -e $member->data . '/pgbr_fence/global/pg_control' }

# Patroni's pause, as people end it.
sub resume
{
	is($test->leader->patroni(PATCH => '/config', { pause => undef })->{status},
		200, 'somebody resumes Patroni');
	wait_for
	{
		!grep { $_->patroni(GET => '/patroni')->{pause} } $cluster->members
	}
	'all members to be resumed';
	return;
}

# Nothing is touched, and the same command makes another plan then.
sub is_given_up
{
	my ($name, @command) = @_;
	my ($leader, $timeline) = ($test->find_leader, $test->timeline);
	my $run;
	wait_for
	{
		($run = $test->begin(@command))->finish != 6
		  || $run->last_words =~ /since the plan/
	}
	'the lease of the one before to end', 60;
	like(
		$run->last_words,
		qr/the leader has changed since the plan was made/,
		"$name: the leader is another one");
	like($run->last_words, qr/Nothing was changed/, "$name: and nothing is changed");
	$test->is_healthy($name, 60);
	is($test->leader, $leader, "$name: who leads goes on");
	is($test->timeline, $timeline, "$name: on the timeline that it was on");
	return;
}

subtest 'another leads by now' => sub {
	my @target = $test->moment('the switchover');
	my $former = $test->leader;
	my ($next, $third) = $test->replicas;
	my $run = $test->begin('restore', @target);
	ok($run->wait_event(event => 'step', step => 'pause', state => 'done'), 'Patroni is paused')
	  or diag $run->last_words;
	# the journal comes no further, and so does the restore
	kill STOP => $third->sidecar->pid;
	wait_for
	{
		my ($newest) = @{ $former->sidecar->http(GET => '/v1/restores')->{json}{restores} };
		grep { $_->{step} eq 'stop-replicas' } @{ $newest->{document}{steps} }
	}
	'the journal to have the next step';
	$run->kill;
	$test->crash_sidecar($third);
	resume();
	is( $former->patroni(
			POST => '/switchover',
			{ leader => $former->name, candidate => $next->name })->{status},
		200,
		'a switchover');
	$cluster->wait_leader(other_than => $former);
	$test->find_leader;
	wait_for { $test->leader->psql('SELECT pg_is_in_recovery()') eq 'f' }
	'the end of the promotion';
	$test->mark('after the switchover, too');
	is_given_up('a switchover', 'restore', @target);
	$test->set_kept(grep { !/^after the switchover/ } $test->kept);
	$test->is_done('a plan of its own', 'restore', @target);
};

subtest 'the leader is on another timeline by now' => sub {
	my @target = $test->moment('the crash');
	my $leader = $test->leader;
	my $run = $test->begin('restore', @target);
	$test->has_begun($run, 'stop-replicas');
	# one takes its time
	my ($slow) = $test->replicas;
	my $postmaster = $slow->postmaster;
	kill STOP => $postmaster;
	wait_for
	{
		2 == grep {
			@{ $_->sidecar->http(GET => '/v1/jobs?kind=node-stop&state=running')->{json}{jobs} }
			  || fenced($_)
		} $test->replicas
	}
	'the replicas to be asked';
	$run->kill;
	kill CONT => $postmaster;
	wait_for
	{
		2 == grep { fenced($_) } $test->replicas
	}
	'the replicas to be stopped';
	resume();
	my ($before, $killed) = ($test->timeline, $leader->postmaster);
	$leader->kill_postmaster;
	my $now;
	wait_for
	{
		($leader->postmaster // $killed) != $killed && ($now = eval { $test->timeline })
	}
	'the leader to take writes again', 60;
	# Patroni 3 promotes it anew, 4 starts it as the primary that it was
	if ($now > $before)
	{
		$test->mark('after the crash, too');
		is_given_up('a crash', 'restore', @target);
	}
	$test->set_kept(grep { !/^after the crash/ } $test->kept);
	$test->is_done($now > $before ? 'a plan of its own' : 'the same timeline', 'restore', @target);
};

# As long as its journal says that nothing was done, a sidecar that nobody asks for a while gives a
# restore up.
subtest 'a sidecar has given the restore up' => sub {
	$test->await_jobs;
	my @target = $test->moment('a sidecar is away');
	my ($away) = $test->replicas;
	my $run = $test->begin('restore', @target);
	$test->has_begun($run, 'look-again');
	# the control binary stands still until this sidecar is gone, which does not hear of the pause
	# then
	wait_for
	{
		my ($newest) = @{ $away->sidecar->http(GET => '/v1/restores')->{json}{restores} };
		grep { $_->{step} eq 'look-again' } @{ $newest->{document}{steps} }
	}
	'the journal to have the last step before the pause';
	kill STOP => $run->pid;
	$away->sidecar->kill;
	kill CONT => $run->pid;
	is($run->finish, 9, 'it stops') or diag $run->last_words;
	is((reverse $run->steps_done)[0], 'look-again', 'with the pause') or diag $run->last_words;
	$away->sidecar->start;
	wait_for
	{
		($away->sidecar->http(GET => '/v1/restores')->{json}{restores}[0]{state} // '') eq 'done'
	}
	'the sidecar to give it up', 60;
	# and has something else to do since
	my $job = $away->sidecar->post_job(kind => 'verify');
	my $pgbackrest;
	wait_for { ($pgbackrest) = $test->processes($away, 'pgbackrest') } 'the job to run';
	kill STOP => $pgbackrest;
	$test->without('a sidecar is away');
	$run = $test->begin('restore', @target);
	ok( $run->wait_event(
			event => 'note',
			message => "member $away->{name}: verify $job->{id} is running; waiting for it to end"),
		'the job is waited for') or diag $run->last_words;
	kill CONT => $pgbackrest;
	is($run->finish, 0, 'given up by one: goes on') or diag $run->last_words;
	is($away->sidecar->wait_job($job->{id})->{state}, 'succeeded',
		'the job has not been disturbed');
	$test->is_healthy('given up by one', 60);
};

subtest 'a restore has taken the place of another on some members only' => sub {
	my @target = $test->moment('two restores');
	my $run = $test->begin('restore', @target);
	$test->has_begun($run, 'recover');
	$run->kill;
	my @members = $cluster->members;
	my $away = $members[1];
	wait_for { !$test->status->{restore}{holder_seconds_left} } 'the lease to end', 60;
	$run = $test->begin('restore', '--type=default');
	ok($run->wait_event(event => 'plan'), 'another target is planned') or diag $run->last_words;
	$away->sidecar->kill;
	isnt($run->finish, 0, 'it stops, too') or diag $run->last_words;
	$away->sidecar->start;
	$test->is_done('both', 'undo');
};

# Patroni does, when it takes what is restored for a server that has crashed.
subtest 'the target was taken away' => sub {
	my @target = $test->moment('the target is taken away');
	my $leader = $test->leader;
	my $run = $test->begin('restore', @target);
	$test->has_begun($run, 'recover');
	$run->kill;
	$leader->sidecar->kill;
	kill KILL => $test->processes($leader, 'postmaster');
	wait_for { !$test->processes($leader, 'postmaster') } 'the recovery server to be gone';
	unlink $leader->data . '/recovery.signal' or note 'it was not there any more';
	unlink $leader->data . '/backup_label.old';
	$leader->sidecar->start;
	$test->without('the target is taken away');
	$test->is_done('restored again', 'restore', @target);
};

# What goes on with a segment that was archived as it was could not archive it any more.
subtest 'a leader that has crashed in the pause' => sub {
	my @target = $test->moment('the leader crashes in the pause');
	my $leader = $test->leader;
	spew($leader->data . '/base/big', "\1" x (256 << 20));
	my $run = $test->begin('restore', '--keep-old', @target);
	ok($run->wait_event(event => 'step', step => 'pause', state => 'done'), 'Patroni is paused')
	  or diag $run->last_words;
	$leader->kill_postmaster;
	$test->has_begun($run, 'keep-old');
	kill INT => $run->pid;
	is($run->finish, 130, 'interrupted') or diag $run->last_words;
	like($run->errors, qr/"pgbackrest_ctl undo" takes it back/, 'and says what undo does');
	$test->is_done('taken back', 'undo');
	system 'rm', '-rf',
	  map { (glob($_->data . '.before-*'), $_->data . '/base/big') } $cluster->members;
	my ($before) = $test->leader->psql('SELECT archived_count FROM pg_stat_archiver');
	$test->leader->psql('SELECT pg_switch_wal()');
	wait_for { $test->leader->psql('SELECT archived_count FROM pg_stat_archiver') > $before }
	'WAL to be archived', 60;
	is($test->leader->psql('SELECT failed_count FROM pg_stat_archiver'),
		0, 'archiving has met nothing wrong');
	$test->is_quiet('taken back');
};

# Nobody starts it again in the pause.
subtest 'a leader that has crashed before it was stopped' => sub {
	my @target = $test->moment('the leader crashes before it is stopped');
	my $run = $test->begin('restore', @target);
	ok($run->wait_event(event => 'step', step => 'pause', state => 'done'), 'Patroni is paused')
	  or diag $run->last_words;
	$run->kill;
	$test->leader->kill_postmaster if $test->leader->postmaster;
	$test->without('the leader crashes before it is stopped');
	$test->is_done('a crashed leader', 'restore', @target);
};

subtest 'a sidecar is away at the end' => sub {
	my @target = $test->moment('the end is not heard');
	$test->without('the end is not heard');
	my ($away) = $test->replicas;
	my $state =
	  sub { return ($away->sidecar->http(GET => '/v1/restores')->{json}{restores}[0]{state} // '') };
	my $run = $test->begin('restore', @target);
	$test->has_begun($run, 'backup');
	$away->sidecar->kill;
	my $status = $run->finish;
	$away->sidecar->start;
	# the backup's step may not have come to the journal of all
	if ($status == 9)
	{
		$test->is_done('the last step', 'restore', @target);
	}
	else
	{
		is($status, 0, 'it is done all the same') or diag $run->last_words;
		like(
			join("\n", map { $_->{message} // '' } $run->events),
			qr/could not write the journal on member "$away->{name}".*the next restore, undo or status tells that member/,
			'and says who does not know');
		is($state->(), 'active', 'who does not know');
		$test->status;
	}
	is($state->(), 'done', 'it is told');
};

# The DCS has a position of the leader from before the restore, which nobody has reached.
subtest 'the leader goes again as soon as it serves' => sub {
	my @target = $test->moment('the leader goes again');
	my $leader = $test->leader;
	$leader->psql(
		'CREATE TABLE much AS SELECT repeat(md5(n::text), 100) FROM generate_series(1, 20000) AS n'
	);
	my $archive = $cluster->sandbox->{root} . '/repo/archive/main/15-1';
	my ($newest) = reverse sort map { m{(\w+)\.history$} } glob "$archive/*.history";
	my $blocked = sprintf '%s/%08X00000000', $archive, 1 + hex $newest;
	my $run = $test->begin('restore', @target);
	$test->has_begun($run, 'recover');
	# the new timeline's first WAL can't be written
	mkdir $blocked, 0500 or die "mkdir: $!";
	$test->has_begun($run, 'history-archived');
	my $before = $leader->postmaster;
	$leader->kill_postmaster;
	wait_for { ($leader->postmaster // $before) != $before } 'the leader to be started again', 60;
	wait_for
	{
		(eval { $leader->psql('SELECT pg_is_in_recovery()') } // '') eq 'f'
	}
	'it to take writes', 60;
	chmod 0750, $blocked;
	is($run->finish, 0, 'the restore goes on by itself') or diag $run->last_words;
	$test->without('the leader goes again');
	$test->is_healthy('done', 60);
};

subtest 'check_timeline, of a restore that was taken back' => sub {
	my $config = sub { return $test->leader->patroni(GET => '/config')->{check_timeline} };
	my $before = $config->();
	my @target = $test->moment('a host is down');
	my ($absent) = $test->replicas;
	$absent->kill;
	$test->without('a host is down');
	$test->run_ok('without it', 'restore', "--without-member=$absent->{name}", @target);
	$test->set_kept($test->kept, 'after a host is down');
	$test->run_ok('taken back', 'undo');
	ok($config->(), 'Patroni compares timelines in a leader race');
	$test->start_host($absent);
	wait_for { $absent->patroni(GET => '/patroni')->{status} }
	'Patroni of the member with old data';
	$test->is_done('brought back', 'restore', '--replicas-only', "--member=$absent->{name}");
	is($config->(), $before, 'check_timeline is what it was');
	$test->leader->patroni(PATCH => '/config', { check_timeline => JSON::PP::true });
	$test->is_done('replicas once more', 'restore', '--replicas-only', "--member=$absent->{name}");
	ok($config->(), 'what was set since is left alone');
};

# As Patroni does (Rewind.cleanup_archive_status) where it takes the leader for one that has
# crashed.
subtest 'the archiver is made to forget the new timeline' => sub {
	my @target = $test->moment('the archiver forgets');
	$test->without('the archiver forgets');
	my $leader = $test->leader;
	my $archive = "$cluster->{sandbox}{root}/repo/archive/main/15-1";
	my $run = $test->begin('restore', @target);
	$test->has_begun($run, 'verify');
	chmod 0550, $archive or die "$archive: $!";
	$test->has_begun($run, 'history-archived');
	unlink glob $leader->data . '/pg_wal/archive_status/*.history.*';
	kill TERM => $leader->psql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'archiver'});
	chmod 0750, $archive or die "$archive: $!";
	is($run->finish, 0, 'it is archived') or diag $run->last_words;
	my @jobs =
	  @{ $leader->sidecar->http(GET => '/v1/jobs?kind=node-unfence&limit=5')->{json}{jobs} };
	my $log = join '',
	  map { $leader->sidecar->http(GET => "/v1/jobs/$_->{id}/log")->{content} } @jobs;
	like(
		$log,
		qr/the history of timeline \d+ waits for the archiver again/,
		'since it was reminded');
	$test->is_healthy('the archiver forgot', 60);
};

done_testing;
