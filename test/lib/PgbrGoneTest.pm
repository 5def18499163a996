# What the tests of members that are gone for good in the midst share: a member is lost as a step begins, and comes back
# as a replica that is rebuilt.
#
#	my $gone = PgbrGoneTest->new;           # a PgbrRestoreTest with more to say
#	my @target = $gone->moment('a name');
#	$gone->lose_at('recover', $member, 'restore', @target);
#	$gone->goes_on('a name', 'restore', "--without-member=$member->{name}", @target);
#	$gone->bring_back('a name', $member);
package PgbrGoneTest;
use strict;
use warnings;
use parent 'PgbrRestoreTest';
use PgbrSandbox qw(wait_for);
use Test::More;

# A row, a moment, and a row after it, which a restore to the moment takes away.
sub moment
{
	my ($self, $name) = @_;
	$self->mark("before $name");
	my @target = $self->target('time');
	$self->mark("after $name");
	return @target;
}

sub without
{
	my ($self, $name) = @_;
	$self->set_kept(grep { $_ ne "after $name" } $self->kept);
	return;
}

sub has_begun
{
	my ($self, $run, $step) = @_;
	return ok($run->wait_event(event => 'step', step => $step, state => 'started'), "$step has begun") || diag $run->last_words;
}

# A host goes for good as the step begins, and the control binary with it.
sub lose_at
{
	my ($self, $step, $member, @command) = @_;
	my $run = $self->begin(@command);
	$self->has_begun($run, $step);
	$run->kill;
	$member->kill;
	wait_for { ($self->status->{restore}{holder_seconds_left} // 0) == 0 } 'the lease to end', 60;
	return;
}

# Without it the command stops, and says what can be done.
sub stops
{
	my ($self, $name, @command) = @_;
	my $run = $self->run(@command);
	is($run->{status}, 9, "$name: it stops") or diag $run->last_words;
	like($run->last_words, qr/is gone for good.*--without-member=m/, "$name: and says how it goes on");
	return;
}

sub goes_on
{
	my ($self, $name, @command) = @_;
	my $run = $self->run(@command);
	is($run->{status}, 0, "$name: done") or diag $run->last_words;
	$self->is_healthy($name, 60);
	return $run;
}

# A new disk, or the old one: it is rebuilt as a replica.
sub bring_back
{
	my ($self, $name, $member) = @_;
	$self->start_host($member);
	wait_for { $member->patroni(GET => '/patroni')->{status} } 'its Patroni';
	$self->mark("$name is back");
	$self->goes_on("$name is brought back", 'restore', '--replicas-only', "--member=$member->{name}");
	ok(!$member->sidecar->http(GET => '/v1/node')->{json}{fenced}, "$name: its fence is lifted");
	return;
}

# Patroni before 3.1 would have members that are to be rewound wait for ever for one that it has not promoted itself
# (https://github.com/patroni/patroni/pull/2776); docs/restore.md says so.
sub another_leads
{
	my ($self, $name, $gone) = @_;
	isnt($self->leader, $gone, "$name: another member leads");
	$self->crash_patroni($self->leader);
	$self->bring_back($name, $gone);
	return;
}

1;
