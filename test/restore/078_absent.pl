# Restores without a member that is down or whose sidecar does not answer, and what the member may
# do with its old data when it is back: nothing. No old row returns, whoever leads.
use strict;
use warnings;
use PgbrRestoreTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;
my $cluster = $test->cluster;

sub config { my ($key) = @_; return $test->leader->patroni(GET => '/config')->{$key} }

# Rows before a moment, and after it one that the restore has to take away.
sub moment
{
	my ($name) = @_;
	$test->find_leader;
	$test->mark("before $name");
	my @target = $test->target('time');
	$test->mark_lost("after $name");
	return @target;
}

# Whoever leads has the rows that are to be there, and no other.
sub is_kept
{
	my ($name) = @_;
	return is(
		$test->marks($test->find_leader),
		join(', ', sort $test->kept),
		"$name: the rows of the leader");
}

sub is_refused
{
	my ($name, $member, @target) = @_;
	my $before = $test->leader->postmaster;
	my $run = $test->run('restore', @target);
	is($run->{status}, 8, "$name: refused by the plan") or diag $run->last_words;
	like($run->last_words, qr/--without-member=$member->{name}/, "$name: what can be done is told");
	is($test->leader->postmaster, $before, "$name: the leader serves");
	$test->mark_lost("still written to, $name");
	return;
}

# The leader's host goes down, and the one that leads then has no old row; gives the former.
sub lose_leader
{
	my ($name) = @_;
	my $lost = $test->find_leader;
	$lost->kill;
	$cluster->wait_leader(other_than => $lost);
	is_kept($name);
	return $lost;
}

# Patroni of a member that has just come up may start PostgreSQL in the midst; then the same command
# goes on.
sub bring_back
{
	my ($name, $member) = @_;
	my @command = ('restore', '--replicas-only', "--member=$member->{name}");
	my $run = $test->run(@command);
	if ($run->{status} == 9)
	{
		note $run->last_words;
		$run = $test->run(@command);
	}
	is($run->{status}, 0, "$name: brought back") or diag $run->last_words;
	is($run->summary && $run->summary->{result}, 'done', "$name: the replica is restored");
	$test->is_healthy($name, 60);
	return;
}

# The sidecar of another member would overwrite that one's files twice.
subtest 'one sidecar for two members' => sub {
	my ($replica, $other) = $test->replicas;
	my ($leader, $before) = ($test->leader, $test->leader->postmaster);
	my @target = $test->target('time');
	for my $wrong ($leader, $other)
	{
		my $url = $wrong->sidecar->url;
		my $run = $test->run('restore', "--sidecar=$replica->{name}=$url", @target);
		is($run->{status}, 8, 'refused by the plan') or diag $run->last_words;
		my ($one, $two) = sort map { $_->name } $replica, $wrong;
		like($run->errors, qr/members "$one" and "$two" have the same sidecar/, 'both are named');
		like($run->errors, qr/\Q$url and $url\E answer for/, 'with their URLs');
		like($run->errors, qr/--sidecar=$one=URL --sidecar=$two=URL/, 'and the remedy');
	}
	# one is asked over its socket, and the same at its address
	my $run = $test->run('restore', "--sidecar=nobody=" . $leader->sidecar->url, @target);
	is($run->{status}, 8, 'a name that is no member is refused');
	like($run->errors, qr/and "nobody" have the same sidecar/, 'as it has no sidecar of its own');
	is($leader->postmaster, $before, 'the leader serves');
	my ($status, $plan) = $cluster->cluster_ctl('plan', '--no-verify', @target);
	like($plan, qr/^  sidecars   m1 at unix:\S+\n +m2 at unix:/m, 'the plan shows the URLs');
	# swapped: each has one of its own, and it is another's
	$run = $test->run(
		'restore',
		"--sidecar=$leader->{name}=" . $replica->sidecar->url,
		"--sidecar=$replica->{name}=" . $leader->sidecar->url, @target);
	is($run->{status}, 8, 'two that are swapped are refused') or diag $run->last_words;
	like($run->errors, qr/serves another PostgreSQL/, 'by what they serve');
	like($run->errors, qr/Its PostgreSQL (?:has port|is a|was started)/, 'and it is said why');
	is($leader->postmaster, $before, 'the leader still serves');
};

# It looks like the sidecar of a member whose PostgreSQL is down.
subtest 'a sidecar that has stopped nothing' => sub {
	my ($replica) = $test->replicas;
	my $before = $test->leader->postmaster;
	my @target = $test->moment('nothing was stopped');
	my $copy = "$replica->{dir}/copy";
	mkdir $copy, 0700;
	system 'cp', '-a', "$replica->{data}/global", "$replica->{data}/PG_VERSION", $copy;
	my $sidecar = PgbrSidecar->new($replica, name => 'stray');
	$sidecar->start("--pg-data=$copy", '--pg-conninfo=host=/nowhere',
		'--pg-bin=' . PgbrMember->bindir);
	my $run = $test->run('restore', "--sidecar=$replica->{name}=" . $sidecar->url, @target);
	is($run->{status}, 8, 'given up') or diag $run->last_words;
	like(
		$run->errors,
		qr/was given up at step stop-replicas: PostgreSQL of member "$replica->{name}" was stopped, and its Patroni says that it runs/,
		'with the reason');
	like($run->errors, qr/Nothing was changed/, 'and that nothing was changed');
	is($test->leader->postmaster, $before, 'the leader was not stopped');
	is($test->status->{restore}{state}, 'done', 'the locks are given back');
	$sidecar->stop;
	$test->is_healthy('given up', 60);
	is($test->leader->sidecar->post_job(kind => 'check')->{state}, 'queued', 'jobs are taken');
	$test->await_jobs;
	$test->run_ok('with its own sidecar', 'restore', @target);
	$test->without('nothing was stopped');
	$test->is_healthy('with its own sidecar', 60);
};

# pgbackrest would fail after PostgreSQL was stopped.
subtest 'a folder that can not be written' => sub {
	my ($replica) = $test->replicas;
	my $before = $test->leader->postmaster;
	chmod 0500, $replica->{data};
	my $run = $test->run('restore', $test->target('time'));
	chmod 0700, $replica->{data};
	is($run->{status}, 8, 'refused by the plan') or diag $run->last_words;
	like(
		$run->errors,
		qr/a restore would fail on member "$replica->{name}": \Q$replica->{data}\E: Permission denied/,
		'with member, folder and reason');
	is($test->leader->postmaster, $before, 'the leader serves');
};

subtest 'the host of a replica is down' => sub {
	my ($absent) = $test->replicas;
	my $before = config('check_timeline');
	my @target = moment('a host is down');
	$absent->kill;
	is_refused('a host is down', $absent, @target);
	my $summary =
	  $test->run_ok('without it', 'restore', "--without-member=$absent->{name}", @target);
	is_deeply($summary->{left_out}, [ $absent->name ], 'the summary names it');
	ok(config('check_timeline'), 'Patroni compares timelines in a leader race');
	is_kept('without it');
	$test->is_healthy('without it', 60);
	$test->start_host($absent);
	wait_for { $absent->patroni(GET => '/patroni')->{status} }
	'Patroni of the member with old data';
	my $lost = lose_leader('the leader is lost as old data is back');
	isnt($test->leader, $absent, 'and the member with old data does not lead');
	$test->start_host($lost);
	wait_for { $lost->postmaster } 'the former leader to run', 60;
	bring_back('old data', $absent);
	is(config('check_timeline'), $before, 'check_timeline is what it was');
};

subtest 'a replica runs, and its sidecar does not answer' => sub {
	my ($silent) = $test->replicas;
	my @target = moment('a sidecar is silent');
	$silent->sidecar->kill;
	is_refused('a sidecar is silent', $silent, @target);
	$test->run_ok('without the silent one', 'restore', "--without-member=$silent->{name}", @target);
	is_kept('without the silent one');
	my $lost = lose_leader('the leader is lost while a replica has old data');
	isnt($test->leader, $silent, 'and the replica with old data does not lead');
	$silent->sidecar->start;
	$test->start_host($lost);
	wait_for { $lost->postmaster } 'the former leader to run', 60;
	bring_back('no longer silent', $silent);
};

subtest 'the old leader comes back after a failover and a restore' => sub {
	my @target = moment('the leader is lost');
	my $old = $test->leader;
	$old->kill;
	$cluster->wait_leader(other_than => $old);
	wait_for { $test->find_leader->psql('SELECT pg_is_in_recovery()') eq 'f' }
	'the end of the promotion';
	$test->mark_lost('after the failover');
	$test->run_ok('without the old leader', 'restore', "--without-member=$old->{name}", @target);
	is_kept('without the old leader');
	$test->start_host($old);
	# Patroni rewinds it to where the restore has left its timeline
	my $follows =
	  sprintf
	  q{SELECT count(*) FROM pg_stat_replication WHERE application_name = '%s' AND state = 'streaming'},
	  $old->name;
	wait_for { $test->leader->psql($follows) } 'the old leader to follow by itself', 60;
	# it does so before it is consistent
	wait_for { $old->psql('SELECT 1') } 'the old leader to answer';
	is( $test->marks($old),
		join(', ', sort $test->kept),
		'the old leader follows without its old rows');
	bring_back('the old leader', $old);
	isnt($test->find_leader, $old, 'the old leader does not lead');
	is_kept('the old leader is back');
};

subtest 'Patroni is restarted everywhere in the midst, in synchronous mode' => sub {
	$test->find_leader;
	$test->leader->patroni(PATCH => '/config', { synchronous_mode => JSON::PP::true });
	wait_for { $test->leader->psql('SHOW synchronous_standby_names') ne '' }
	'a synchronous replica';
	my @target = moment('synchronous');
	my $run = $test->begin('restore', @target);
	ok($run->wait_event(event => 'step', step => 'recover', state => 'started'),
		'recovery has begun');
	for my $member ($cluster->members)
	{
		$cluster->sandbox->end(delete $member->{patroni_pid}, 'TERM', 60);
		$member->start;
	}
	is($run->finish, 0, 'the restore goes on') or diag $run->last_words;
	$test->is_healthy('synchronous', 60);
	wait_for { $test->leader->psql('SHOW synchronous_standby_names') ne '' }
	'a synchronous replica again';
	pass('it is synchronous again');
};

# what a member says that was left behind, until it is restored
my $behind = qr/requested timeline \d+ is not a child of this server's history/;
$test->is_quiet('all of it', qr/^(?!.*$behind).*$PgbrRestoreTest::never/);
done_testing;
