# The fault table of a restore: each fault at each step of the plan. The steps come from the plan itself,
# so that a new one is covered without a word here.
#
# A case restores a cluster that is written to, to a time; lets the fault happen as its step begins; runs
# the same command again until it says that the restore is done; and looks whether the cluster is whole.
# The cluster goes on from case to case.
#
# Without PGBR_FAULTS=all a part of the table is tried: each step with the control binary killed, and
# the other faults along a diagonal, so that each meets several steps. Three files share the work: each
# takes every third case, from the one on that it gives to run_faults.
package PgbrFaults;
use strict;
use warnings;
use Exporter 'import';
use PgbrRestoreTest;
use PgbrSandbox qw(slurp wait_for);
use Test::More;
use Time::HiRes qw(time);

our @EXPORT = qw(run_faults);

# A person, or a supervisor, tries again; this often at most.
my $reruns_most = 6;

# Each fault: its name, which processes it meets (to be looked for while the step goes on), and what it does.
# It gives whether it has happened.
my @faults = (
	# the control binary, as a step begins, and between a step and the next
	[ 'ctl' => sub { my ($test, $run) = @_; $run->kill; 1 } ],
	[ 'ctl-after' => sub { my ($test, $run, $step) = @_; defined after_step($run, $step) && $run->kill; 1 } ],
	[ 'sidecar-leader' => sub { my ($test) = @_; $test->crash_sidecar($test->leader); 1 } ],
	[ 'sidecar-replica' => sub { my ($test) = @_; $test->crash_sidecar(replica($test)); 1 } ],
	[ 'pgbackrest-leader' => sub { my ($test, $run, $step) = @_; end_process($test, $run, $step, $test->leader, 'pgbackrest') } ],
	[ 'pgbackrest-replica' => sub { my ($test, $run, $step) = @_; end_process($test, $run, $step, replica($test), 'pgbackrest') } ],
	[ 'postmaster' => sub { my ($test, $run, $step) = @_; end_process($test, $run, $step, $test->leader, 'postmaster') } ],
	[ 'patroni-leader' => sub { my ($test) = @_; $test->crash_patroni($test->leader); 1 } ],
	[ 'patroni-replica' => sub { my ($test) = @_; $test->crash_patroni(replica($test)); 1 } ],
	[ 'reboot-leader' => sub { my ($test) = @_; $test->reboot($test->leader); 1 } ],
	[ 'reboot-replica' => sub { my ($test) = @_; $test->reboot(replica($test)); 1 } ],
);

# The steps in which a process is there to be killed, for the part of the table.
my %lives_in = (
	'pgbackrest-leader' => qr/^(?:start-restore|restore-leader|recover)$/,
	'pgbackrest-replica' => qr/^(?:start-replicas|restore-leader|restore-replicas)$/,
	'postmaster' => qr/^recover$/);

sub replica { my ($test) = @_; my ($first) = $test->replicas; return $first }

# Read on until the step is over.
sub after_step
{
	my ($run, $step) = @_;
	while (my $event = $run->next_event)
	{
		return $event if $event->{event} eq 'step' && $event->{step} eq $step && $event->{state} ne 'started';
	}
	return undef;
}

# Kill the first process of a kind that runs on a member before the step is over.
sub end_process
{
	my ($test, $run, $step, $member, $kind) = @_;
	my ($found, $over);
	wait_for
	{
		($found) = $test->processes($member, $kind);
		while (!$found && !$over && $run->has_event(0))
		{
			my $event = $run->next_event;
			$over = !$event || $event->{event} eq 'step' && $event->{step} eq $step && $event->{state} ne 'started';
		}
		$found || $over
	}
	"$kind on $member->{name}, or the end of $step", 60;
	kill KILL => $found if $found;
	return $found ? 1 : 0;
}

# The table: [step, fault] of all, in the order of the plan.
sub table
{
	my (@steps) = @_;
	return map { my $step = $_; map { [ $step, $_ ] } @faults } @steps;
}

# A part of it in which each step meets the death of the control binary and one other fault. Those that
# kill a process are taken where there is one.
sub part
{
	my (@steps) = @_;
	my @others = grep { !$lives_in{ $_->[0] } && $_->[0] ne 'ctl' } @faults;
	my @cases;
	for my $i (0 .. $#steps)
	{
		my $step = $steps[$i];
		push @cases, [ $step, $faults[0] ];
		push @cases, [ $step, $others[ $i % @others ] ];
		push @cases, grep { $lives_in{ $_->[1][0] } && $step =~ $lives_in{ $_->[1][0] } } map { [ $step, $_ ] } @faults;
	}
	return @cases;
}

# Run the same command until it is done, as whoever wants the restore does; gives the last run.
sub rerun
{
	my ($test, $run, @command) = @_;
	my @told;
	for (1 .. $reruns_most)
	{
		# what was rebooted takes its time, and a lease of one that was killed ends
		wait_for { $test->cluster->leader || $test->status->{paused} } 'a leader, or the pause';
		my $again = $test->begin(@command);
		return ($again, @told) if $again->finish == 0;
		push @told, $again->last_words;
	}
	return (undef, @told);
}

sub try_case
{
	my ($test, $number, $step, $fault) = @_;
	my ($name, $strike) = @$fault;
	my $title = "$name at $step";
	my $begun = time;
	$test->mark("before $number");
	$test->start_writer;
	my @command = ('restore', $test->target('time'), $step eq 'keep-old' ? '--keep-old' : ());
	$test->mark_lost("after $number");
	my $run = $test->begin(@command);
	if (!$run->wait_event(event => 'step', step => $step, state => 'started'))
	{
		$run->finish;
		return fail("$title: the step has begun") || diag $run->last_words;
	}
	my $happened = $strike->($test, $run, $step);
	my $status = $run->{status} // $run->finish;
	my ($again, @told) = rerun($test, $run, @command);
	ok($again, "$title: the same command comes to its end") or diag join "\n", $run->last_words, '---', @told;
	return if !$again;
	my $id = $again->summary->{id};
	note sprintf '%s: exit status %d, run %d times again, %s%.1f s', $title, $status, 1 + @told,
	  $happened ? '' : 'there was nothing to kill, ', time - $begun;
	note $_ for @told;
	$test->is_healthy($title, 60);
	my ($there) = $test->leader->psql("SELECT count(*) FROM pgbr_restore_points WHERE name = 'pgbr_undo_$id'");
	is($there, 1, "$title: the undo point is registered") unless $again->plan && $again->plan->{broken_leader};
	$test->is_quiet($title);
	system 'rm', '-rf', glob $test->leader->data . '.before-*';
	return;
}

# Try every third case, from this one on.
sub run_faults
{
	my ($first) = @_;
	my $test = PgbrRestoreTest->new;
	my $time = $test->leader->psql('SELECT clock_timestamp()');
	$test->mark('a target has something after it');
	my @steps = $test->plan_steps('--type=time', "--target=$time", '--keep-old');
	my @all = table(@steps);
	my @part = part(@steps);
	my ($all, $part) = (scalar @all, scalar @part);
	ok(slurp('README.md') =~ /\b$all cases\b[^|]*?\b$part of them\b/s, "the README gives the count: $all cases, $part of them in make check-restore");
	my @cases = ($ENV{PGBR_FAULTS} // '') eq 'all' ? @all : @part;
	my $only = $ENV{PGBR_FAULTS_ONLY};
	for my $i (grep { $_ % 3 == $first } 0 .. $#cases)
	{
		my ($step, $fault) = @{ $cases[$i] };
		next if $only && "$fault->[0] at $step" !~ /$only/;
		$test //= PgbrRestoreTest->new;
		my $fine = subtest "$fault->[0] at $step" => sub { try_case($test, $i, $step, $fault) };
		next if $fine;
		# the next case is not to suffer from this one
		my $sandbox = $test->cluster->sandbox;
		$sandbox->show_logs;
		undef $test;
		$sandbox->remove;
	}
	done_testing;
	return;
}

1;
