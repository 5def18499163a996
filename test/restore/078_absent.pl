# Restores without a member that is down or whose sidecar does not answer, and what the member may
# do with its old data when it is back: nothing. No old row returns, whoever leads.
use strict;
use warnings;
use PgbrRestoreTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;
my $cluster = $test->cluster;
my $left_behind;

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

subtest 'the host of a replica is down' => sub {
	my ($absent) = $test->replicas;
	my $before = config('check_timeline');
	my @target = moment('a host is down');
	# what it has on its disk is past the target, or it would just follow by itself
	wait_for { $test->marks($absent) =~ /after a host is down/ } 'the row on the replica';
	$absent->psql('CHECKPOINT');
	$left_behind = $absent->name;
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

# What a member says that was left behind, until it is restored. Before Patroni rewinds the first
# one, it offers the end of the old timeline to the repository, which refuses it.
my $behind = qr/requested timeline \d+ is not a child of this server's history/;
my $offered =
  qr/^$left_behind: ERROR: \[045\]: WAL file '00000001[0-9A-F]{16}' already exists in the repo1/;
my @bad = grep { !/$offered/ } $test->logged(qr/^(?!.*$behind).*$PgbrRestoreTest::never/);
is(join("\n", @bad), '', "all of it: nothing bad in the servers' logs");
done_testing;
