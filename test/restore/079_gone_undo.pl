# The leader that is gone for good in the midst of an undo, or while replicas are restored, or where
# another leads since; and one that is not gone.
use strict;
use warnings;
use PgbrGoneTest;
use PgbrSandbox qw(slurp spew wait_for);
use Test::More;

my $test = PgbrGoneTest->new;

subtest 'the leader, of an undo' => sub {
	my @target = $test->moment('an undo without its leader');
	my $gone = $test->leader;
	$test->without('an undo without its leader');
	$test->is_done('a restore', 'restore', @target);
	$test->set_kept($test->kept, 'after an undo without its leader');
	$test->lose_at('recover', $gone, 'undo');
	$test->is_done('an undo elsewhere', 'undo', "--without-member=$gone->{name}");
	$test->another_leads('an undo', $gone);
};

# What it has archived since is kept, though nobody has waited for that.
subtest 'the leader, of an undo, when it served' => sub {
	my @target = $test->moment('an undo that served');
	my $gone = $test->leader;
	my @all = $test->kept;
	$test->without('an undo that served');
	$test->is_done('a restore before it', 'restore', @target);
	$test->set_kept(@all);
	my $run = $test->begin_at('history-archived', 'undo');
	$test->mark('since the undo serves');
	my $segment = $gone->psql('SELECT pg_walfile_name(pg_switch_wal())');
	wait_for { $gone->sidecar->http(GET => "/v1/wal/$segment")->{json}{archived} }
	'its WAL to be archived';
	$test->lose($run, $gone);
	$test->is_done('an undo elsewhere', 'undo', "--without-member=$gone->{name}");
	$test->another_leads('an undo that served', $gone);
};

subtest 'the leader, while a replica alone is restored' => sub {
	my ($gone, ($replica)) = ($test->leader, $test->replicas);
	$test->mark('the replicas have it');
	$test->lose_at('restore-replicas', $gone, 'restore', '--replicas-only',
		"--member=$replica->{name}");
	my $run = $test->run('restore', '--replicas-only', "--member=$replica->{name}");
	like(
		$run->last_words,
		qr/"pgbackrest_ctl undo --without-member=$gone->{name}" takes the restore back/,
		'what can be done is told');
	$run = $test->is_done('another member', 'undo', "--without-member=$gone->{name}");
	# in a pause Patroni would not stop a server there
	is( scalar(
			grep {
					 $_->{event} eq 'note'
				  && $_->{message} =~ /^make sure that the host of member $gone->{name} is down: /
			} $run->events),
		1,
		'what must be so is told');
	$test->another_leads('replicas alone', $gone);
};

# Somebody resumes Patroni, and a member that was let alone leads.
sub another_leads_since
{
	my ($gone) = @_;
	my ($left) = grep { $_ != $gone } $test->cluster->members;
	is($left->patroni(PATCH => '/config', { pause => undef })->{status},
		200, 'somebody resumes Patroni');
	$test->cluster->wait_leader(other_than => $gone);
	$test->find_leader;
	wait_for { $test->leader->psql('SELECT pg_is_in_recovery()') eq 'f' }
	'the end of the promotion', 60;
	return;
}

subtest 'the leader, while a replica alone is restored, and another leads since' => sub {
	my ($gone, ($replica)) = ($test->leader, $test->replicas);
	$test->mark('the replicas have it, too');
	$test->lose_at('restore-replicas', $gone, 'restore', '--replicas-only',
		"--member=$replica->{name}");
	another_leads_since($gone);
	isnt($test->leader, $replica, 'not the one that is not whole');
	$test->mark('since another leads');
	my $run = $test->is_done('the replica', 'undo', "--without-member=$gone->{name}");
	ok((grep { $_ eq 'start-replicas' } $run->steps_done), 'it is restored');
	ok(!(grep { $_ eq 'recover' } $run->steps_done), 'and who leads is not');
	$test->another_leads('replicas alone again', $gone);
};

subtest 'the leader, before anything was stopped, and another leads since' => sub {
	my @target = $test->moment('nothing was stopped');
	my $gone = $test->leader;
	$test->lose_at('undo-point', $gone, 'restore', @target);
	another_leads_since($gone);
	my $leader = $test->leader;
	$test->mark('since another leads, too');
	$test->is_done('it is given up', 'undo', "--without-member=$gone->{name}");
	is($test->leader, $leader, 'who leads goes on');
	$test->another_leads('nothing stopped', $gone);
};

# Two would take writes.
subtest 'a leader that answers is not left out' => sub {
	my @target = $test->moment('the leader answers');
	my $leader = $test->leader;
	my @without = ("--without-member=$leader->{name}");
	for my $step (qw(pause restore-replicas))
	{
		my $run = $test->begin_at($step, 'restore', @target);
		$run->kill;
		$test->await_lease;
		for my $command ([ 'undo', @without ],
			$step eq 'pause' ? () : [ 'restore', @without, @target ])
		{
			$run = $test->run(@$command);
			like(
				$run->last_words,
				qr/member "$leader->{name}" is the leader and can't be left out/,
				"$step: @$command[0] is refused") or diag "exit status $run->{status}";
		}
	}
	$test->without('the leader answers');
	$test->is_done('with it', 'restore', @target);
};

# Its key is renewed: it is the way there that is gone.
subtest 'a leader that can only not be reached is not left out' => sub {
	my ($leader, ($replica)) = ($test->leader, $test->replicas);
	my @command = ('restore', '--replicas-only', "--member=$replica->{name}");
	$test->begin_at('restore-replicas', @command)->kill;
	my $file = "$leader->{dir}/patroni.yml";
	my $config = slurp($file);
	my $lead_to = sub {
		my ($text) = @_;
		spew($file, $text, 0600);
		kill HUP => $leader->{patroni_pid};
		my ($port) = $text =~ /"restapi" : \{\s+"connect_address" : "127.0.0.1:(\d+)/ or die $text;
		wait_for
		{
			grep { $_->{name} eq $leader->{name} && $_->{api_url} =~ /:$port\// }
			  @{ $replica->patroni(GET => '/cluster')->{members} }
		}
		'the address of its REST API';
	};
	$lead_to->($config =~ s/("restapi" : \{\s+"connect_address" : "127.0.0.1:)\d+/${1}1/r);
	$leader->sidecar->kill;
	$test->await_lease;
	my $run = $test->run('undo', "--without-member=$leader->{name}");
	isnt($run->{status}, 0, 'it is refused');
	like(
		$run->last_words,
		qr/member "$leader->{name}" does not answer, but renews the leader key/,
		'with the reason');
	$lead_to->($config);
	$leader->sidecar->start;
	$test->is_done('with it', @command);
};

done_testing;
