# What the tests of members that are gone for good in the midst share: a member is lost as a step
# begins, and comes back as a replica that is rebuilt.
#
#	my $gone = PgbrGoneTest->new;           # a PgbrRestoreTest with more to say
#	my @target = $gone->moment('a name');
#	$gone->lose_at('recover', $member, 'restore', @target);
#	$gone->is_done('a name', 'restore', "--without-member=$member->{name}", @target);
#	$gone->bring_back('a name', $member);
package PgbrGoneTest;
use strict;
use warnings;
use parent 'PgbrRestoreTest';
use PgbrSandbox qw(wait_for);
use Test::More;

# Run a command until the step begins.
sub begin_at
{
	my ($self, $step, @command) = @_;
	my $run = $self->begin(@command);
	$self->has_begun($run, $step);
	return $run;
}

# A host goes for good, and the control binary with it.
sub lose
{
	my ($self, $run, $member) = @_;
	$run->kill;
	$member->kill;
	$self->await_lease;
	return;
}

# ... as the step begins
sub lose_at
{
	my ($self, $step, $member, @command) = @_;
	return $self->lose($self->begin_at($step, @command), $member);
}

sub await_lease
{
	my ($self) = @_;
	wait_for { ($self->status->{restore}{holder_seconds_left} // 0) == 0 } 'the lease to end', 60;
	return;
}

# Without it the command stops, and says what can be done.
sub stops
{
	my ($self, $name, @command) = @_;
	my $run = $self->run(@command);
	is($run->{status}, 9, "$name: it stops") or diag $run->last_words;
	like(
		$run->last_words,
		qr/is gone for good.*--without-member=m/,
		"$name: and says how it goes on");
	return;
}

# A new disk, or the old one: it is rebuilt as a replica.
sub bring_back
{
	my ($self, $name, $member) = @_;
	$self->start_host($member);
	return $self->rebuild($name, $member);
}

# ... once its host was started
sub rebuild
{
	my ($self, $name, $member) = @_;
	wait_for { $member->patroni(GET => '/patroni')->{status} } 'its Patroni';
	$self->mark("$name is back");
	$self->is_done("$name is brought back",
		'restore', '--replicas-only', "--member=$member->{name}");
	ok(!$member->sidecar->http(GET => '/v1/node')->{json}{fenced}, "$name: its fence is lifted");
	return;
}

# Patroni before 3.1 would have members that are to be rewound wait for ever for one that it has not
# promoted itself (https://github.com/patroni/patroni/pull/2776); docs/restore/runbook.md says so.
sub another_leads
{
	my ($self, $name, $gone) = @_;
	isnt($self->leader, $gone, "$name: another member leads");
	$self->crash_patroni($self->leader);
	$self->bring_back($name, $gone);
	return;
}

1;
