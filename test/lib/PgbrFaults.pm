# The fault table of a restore: each fault at each step of the plan. The steps come from the plan
# itself, so that a new one is covered without a word here.
#
# A case has a command: restore to a time, undo of such a restore by the repository or by a member
# that was kept, or restore --replicas-only, of a cluster that is written to. It lets the fault
# happen as its step begins; runs the same command again until it says that it is done; and looks
# whether the cluster is whole. The cluster goes on from case to case.
#
# PGBR_FAULTS=all tries every fault at every step of a restore to a time, and a part of the table
# for the other three commands; without it, the part alone, for a restore to a time. A part is each
# step with the control binary killed, and the other faults along a diagonal, so that each meets
# several steps. Three files share the work: each takes every third case, from the one on that it
# gives to run_faults.
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

# Each fault: its name, which processes it meets (to be looked for while the step goes on), and what
# it does. It gives whether it has happened.
my @faults = (
	# the control binary, as a step begins, and between a step and the next
	[ 'ctl' => sub { my ($test, $run) = @_; $run->kill; 1 } ],
	[
		'ctl-after' =>
		  sub { my ($test, $run, $step) = @_; after_step($run, $step) or return 0; $run->kill; 1 }
	],
	[
		'sidecar-leader' =>
		  sub { my ($test, $run, $step) = @_; $test->crash_sidecar(leader($test, $step)); 1 }
	],
	[
		'sidecar-replica' =>
		  sub { my ($test, $run, $step) = @_; $test->crash_sidecar(replica($test, $step)); 1 }
	],
	[
		'pgbackrest-leader' => sub {
			my ($test, $run, $step) = @_;
			end_process($test, $run, $step, leader($test, $step), 'pgbackrest');
		}
	],
	[
		'pgbackrest-replica' => sub {
			my ($test, $run, $step) = @_;
			end_process($test, $run, $step, replica($test, $step), 'pgbackrest');
		}
	],
	[
		'postmaster-leader' => sub {
			my ($test, $run, $step) = @_;
			end_process($test, $run, $step, leader($test, $step), 'postmaster');
		}
	],
	[
		'postmaster-replica' => sub {
			my ($test, $run, $step) = @_;
			end_process($test, $run, $step, replica($test, $step), 'postmaster');
		}
	],
	[
		'patroni-leader' =>
		  sub { my ($test, $run, $step) = @_; $test->crash_patroni(leader($test, $step)); 1 }
	],
	[
		'patroni-replica' =>
		  sub { my ($test, $run, $step) = @_; $test->crash_patroni(replica($test, $step)); 1 }
	],
	[
		'reboot-leader' =>
		  sub { my ($test, $run, $step) = @_; $test->reboot(leader($test, $step)); 1 }
	],
	[
		'reboot-replica' =>
		  sub { my ($test, $run, $step) = @_; $test->reboot(replica($test, $step)); 1 }
	],);

# The steps in which a process is there to be killed, for the part of the table.
my %lives_in = (
	'pgbackrest-leader' => qr/^(?:start-restore|restore-leader|recover)$/,
	'pgbackrest-replica' => qr/^(?:start-replicas|restore-leader|restore-replicas)$/,
	'postmaster-leader' => qr/^recover$/,
	'postmaster-replica' => qr/^restore-replicas$/);

# Those of them in which it surely is. In the others it may be gone already, or not there yet, as
# start-replicas only asks for the jobs; that is reported as a skipped test.
my %surely_lives_in = (
	'pgbackrest-leader' => qr/^start-restore$/,
	'postmaster-leader' => qr/^recover$/);

# In an undo by a member that was kept this one takes the leader's place; until then it is the
# replica to be met, and afterwards who led until then.
my %leads_by_kept = map { $_ => 1 }
  qw(recover verify hand-over history-archived restore-replicas unfence resume replicas-stream
  backup unlock);

sub leader
{
	my ($test, $step) = @_;
	return $test->{kept_member} && $leads_by_kept{$step} ? $test->{kept_member} : $test->leader;
}

sub replica
{
	my ($test, $step) = @_;
	my ($first) = $test->replicas;
	return $first if !$test->{kept_member};
	return $leads_by_kept{$step} ? $test->leader : $test->{kept_member};
}

# Read on until the step is over.
sub after_step
{
	my ($run, $step) = @_;
	while (my $event = $run->next_event)
	{
		return $event
		  if $event->{event} eq 'step' && $event->{step} eq $step && $event->{state} ne 'started';
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
			$over = !$event
			  || $event->{event} eq 'step'
			  && $event->{step} eq $step
			  && $event->{state} ne 'started';
		}
		$found || $over
	}
	"$kind on $member->{name}, or the end of $step", 60;
	# it may have been started just before the step was over
	($found) = $test->processes($member, $kind) if !$found;
	kill KILL => $found if $found;
	return $found ? 1 : 0;
}

# The table: [step, fault] of all, in the order of the plan.
sub table
{
	my (@steps) = @_;
	return map {
		my $step = $_;
		map { [ $step, $_ ] } @faults
	} @steps;
}

# A part of it in which each step meets the death of the control binary and one other fault. Those
# that kill a process are taken where there is one.
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
		push @cases, grep { $lives_in{ $_->[1][0] } && $step =~ $lives_in{ $_->[1][0] } }
		  map { [ $step, $_ ] } @faults;
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

# A restore to be undone.
sub prepare_undo
{
	my ($test, $number, @options) = @_;
	my @target = $test->target('time');
	$test->mark_lost("after $number");
	my $id = $test->run_ok('the restore to be undone', 'restore', @options, @target)->{id};
	$test->find_leader;
	$test->mark_lost("after restore $number");
	$test->set_kept($test->kept, "after $number");
	$test->keep_ticks;
	return ('undo', $id);
}

# What comes before each command; gives its words.
my %prepare = (
	'restore' => sub {
		my ($test, $number, $step) = @_;
		my @command = ('restore', $test->target('time'), $step eq 'keep-old' ? '--keep-old' : ());
		$test->mark_lost("after $number");
		return @command;
	},
	'undo' => sub { prepare_undo(@_) },
	'undo by a kept member' => sub {
		my ($test, $number) = @_;
		(undef, $test->{kept_member}) = $test->replicas;
		prepare_undo($test, $number, '--keep-member=' . $test->{kept_member}->name);
	},
	'restore --replicas-only' => sub { ('restore', '--replicas-only') });

# A case whose fault did not happen proves nothing.
sub has_happened
{
	my ($title, $name, $step, $happened) = @_;
	my $where = $lives_in{$name} ? $surely_lives_in{$name} // qr/^$/ : qr/./;
	return ok($happened, "$title: it has happened") if $happened || $step =~ $where;
  SKIP: { skip "$title: there was nothing to kill", 1 }
	return;
}

sub try_case
{
	my ($test, $number, $verb, $step, $fault) = @_;
	my ($name, $strike) = @$fault;
	my $title = "$name at $step of $verb";
	my $begun = time;
	delete $test->{kept_member};
	$test->mark("before $number");
	$test->start_writer;
	my @command = $prepare{$verb}->($test, $number, $step);
	my $run = $test->begin(@command);

	if (!$run->wait_event(event => 'step', step => $step, state => 'started'))
	{
		$run->finish;
		return fail("$title: the step has begun") || diag $run->last_words;
	}
	my $happened = $strike->($test, $run, $step);
	my $status = $run->{status} // $run->finish;
	has_happened($title, $name, $step, $happened);
	my ($again, @told) = rerun($test, $run, @command);
	ok($again, "$title: the same command comes to its end")
	  or diag join "\n", $run->last_words, '---', @told;
	return if !$again;
	my $id = $again->summary->{id};
	note sprintf '%s: exit status %d, run %d times again, %.1f s', $title, $status, 1 + @told,
	  time - $begun;
	note $_ for @told;
	$test->is_healthy($title, 60);
	is($test->leader, $test->{kept_member}, "$title: who was kept leads") if $test->{kept_member};
	return $test->is_quiet($title) if $verb ne 'restore';
	my ($there) =
	  $test->leader->psql("SELECT count(*) FROM pgbr_restore_points WHERE name = 'pgbr_undo_$id'");
	is($there, 1, "$title: the undo point is registered")
	  unless $again->plan && $again->plan->{broken_leader};
	$test->is_quiet($title);
	system 'rm', '-rf', glob $test->leader->data . '.before-*';
	return;
}

# The steps of a command, by its plan.
sub steps_of
{
	my ($test, $verb) = @_;
	if ($verb =~ /^undo/)
	{
		my ($undo) = $test->run($prepare{$verb}->($test, "the table of $verb"));
		$test->find_leader;
		return map { $_->{step} } @{ $undo->plan->{steps} };
	}
	my @more = $verb eq 'restore' ? ('--keep-old', $test->target('time')) : '--replicas-only';
	# there is something after the target
	$test->mark("the table of $verb");
	return $test->plan_steps(@more);
}

# Try every third case, from this one on.
sub run_faults
{
	my ($first) = @_;
	my $test = PgbrRestoreTest->new;
	my @steps = steps_of($test, 'restore');
	my @all = map { [ 'restore', @$_ ] } table(@steps);
	my @part = map { [ 'restore', @$_ ] } part(@steps);
	my ($all, $part) = (scalar @all, scalar @part);
	ok( slurp('docs/restore/design.md') =~ /\b$all cases\b[^|]*?\b$part of them\b/s,
		"docs/restore/design.md gives the count: $all cases, $part of them in make test");
	my @cases = @part;

	if (($ENV{PGBR_FAULTS} // '') eq 'all')
	{
		my @others = map {
			my $verb = $_;
			map { [ $verb, @$_ ] } part(steps_of($test, $verb))
		} 'undo', 'undo by a kept member', 'restore --replicas-only';
		my $others = scalar @others;
		ok( slurp('docs/restore/design.md') =~ /\b$others cases of the other three\b/,
			"and $others of undo, undo by a kept member and --replicas-only");
		@cases = (@all, @others);
	}
	my $only = $ENV{PGBR_FAULTS_ONLY};
	for my $i (grep { $_ % 3 == $first } 0 .. $#cases)
	{
		my ($verb, $step, $fault) = @{ $cases[$i] };
		my $title = "$fault->[0] at $step of $verb";
		next if $only && $title !~ /$only/;
		$test //= PgbrRestoreTest->new;
		my $fine = subtest $title => sub { try_case($test, $i, $verb, $step, $fault) };
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
