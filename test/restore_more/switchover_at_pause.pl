# A switchover that somebody asks for right at the pause of a restore: its key stays in the DCS while
# all members are stopped, names another member, and keeps the leader from its leader key.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use POSIX ();
use PgbrRestoreTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;

subtest 'a switchover right at the pause' => sub {
	my ($leader, $other) = ($test->leader, $test->replicas);
	my @target = $test->moment('switchover');
	$test->without('switchover');
	my $run = $test->begin('restore', @target);
	ok($run->wait_event(event => 'step', step => 'stop-leader', state => 'started'),
		'the leader is about to stop')
	  or diag $run->last_words;
	# as patronictl asks for it; the answer comes late
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		eval {
			$leader->patroni(POST => '/switchover',
				{ leader => $leader->name, candidate => $other->name });
		};
		POSIX::_exit(0);
	}
	is($run->finish, 0, 'the restore is done') or diag $run->last_words;
	waitpid $pid, 0;
	$test->is_healthy('afterwards', 60);
	is($test->leader, $leader, 'the leader is who it was');
	note join "\n", map { $_->{message} } grep { $_->{event} eq 'note' } $run->events;
};

$test->is_quiet('all of it');
done_testing;
