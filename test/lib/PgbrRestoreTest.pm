# What the tests of restores share: a cluster of three members with sidecars and a first backup;
# rows that tell what a restore has kept; and the question whether the cluster is whole again.
#
# There are two kinds of rows. A mark is one that the test writes by name, before or after a target:
# the test knows which must be there. A tick is written by a client all the time (start_writer)
# until the server goes; it has a number and a time, and its number is noted once the commit was
# answered.
#
#	my $test = PgbrRestoreTest->new;
#	$test->mark('before');                       # kept, as all marks are by default
#	$test->start_writer;
#	my @target = $test->target('time');          # --type=time --target=...
#	$test->mark_lost('after');                   # not to be there after a restore to the target
#	my $run = $test->begin('restore', @target);  # PgbrRestoreRun
#	is($run->finish, 0);
#	$test->is_healthy('to a time');
package PgbrRestoreTest;
use strict;
use warnings;
use JSON::PP;
use PgbrCluster;
use PgbrRestoreRun;
use PgbrSandbox qw(slurp spew wait_for);
use Test::More;

# set: as PgbrCluster takes it, but for members, of which there are three.
sub new
{
	my ($class, %set) = @_;
	my $cluster = PgbrCluster->new(members => 3, %set)->start;
	my $self =
	  bless { cluster => $cluster, leader => $cluster->wait_leader, kept => [], seen => {} },
	  $class;
	my $leader = $self->leader;
	$leader->psql('CREATE EXTENSION pgbackrest_ctl');
	$leader->psql(
		'CREATE TABLE mark (name text PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())');
	$leader->psql(
		'CREATE TABLE tick (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())');
	spew("$cluster->{sandbox}{root}/tick.sql",
		"INSERT INTO tick DEFAULT VALUES RETURNING id \\watch 0.02\n");
	$self->backup('full');
	$self->mark('after the backup');
	return $self;
}

sub cluster { my ($self) = @_; return $self->{cluster} }

# The member that led when this was last looked for: is_healthy and find_leader do.
sub leader      { my ($self) = @_; return $self->{leader} }
sub find_leader { my ($self) = @_; return $self->{leader} = $self->{cluster}->wait_leader }

sub replicas
{
	my ($self) = @_;
	return grep { $_ != $self->leader } $self->{cluster}->members;
}

sub member
{
	my ($self, $name) = @_;
	my ($member) = grep { $_->name eq $name } $self->{cluster}->members;
	return $member;
}

# A backup of this type, on the leader's sidecar or on that of the member given; gives the job.
# Returns in a later second than the one it ended in, which a target of type time could not be told
# from.
sub backup
{
	my ($self, $type, $member) = @_;
	my $sidecar = ($member // $self->leader)->sidecar;
	my $job = $sidecar->wait_job($sidecar->post_job(kind => 'backup', type => $type)->{id});
	$job->{state} eq 'succeeded' or die "the backup has $job->{state}: $job->{message}\n";
	my $second = $self->leader->psql('SELECT extract(epoch FROM clock_timestamp())::bigint');
	wait_for
	{
		$self->leader->psql("SELECT extract(epoch FROM clock_timestamp()) > $second + 1") eq 't'
	}
	'the next second';
	return $job;
}

# The backup that the last restore has asked for is over, wherever it was.
sub await_jobs
{
	my ($self) = @_;
	for my $member ($self->{cluster}->members)
	{
		wait_for
		{
			!grep { $_->{state} =~ /^(?:queued|running)$/ }
			  @{ $member->sidecar->http(GET => '/v1/jobs?limit=20')->{json}{jobs} }
		}
		"the jobs of $member->{name}", 120;
	}
	return;
}

# --- rows

# A row that must be there after all that follows; gives its transaction id.
sub mark
{
	my ($self, $name) = @_;
	push @{ $self->{kept} }, $name;
	return $self->mark_lost($name);
}

# A row that the next restore must not keep.
sub mark_lost
{
	my ($self, $name) = @_;
	return $self->leader->psql(
		"INSERT INTO mark (name) VALUES ('$name') RETURNING pg_current_xact_id()");
}

# The marks that must be there: to be saved before a restore, and put back after it was undone.
sub kept { my ($self) = @_; return @{ $self->{kept} } }
sub set_kept { my ($self, @names) = @_; $self->{kept} = [@names]; return }

# The marks that a member has, sorted.
sub marks
{
	my ($self, $member) = @_;
	return join ', ', sort split /\n/, $member->psql('SELECT name FROM mark');
}

# Have a client write ticks until the leader's server goes, or stop_writer.
sub start_writer
{
	my ($self) = @_;
	my $sandbox = $self->{cluster}{sandbox};
	$self->stop_writer;
	$self->{writer_log} = "$sandbox->{log}/writer" . ++$self->{writers} . '.log';
	$self->{writer} =
	  $sandbox->spawn($sandbox->{root}, "writer$self->{writers}", $self->leader->psql_command,
		'-f', "$sandbox->{root}/tick.sql");
	my $log = $self->{writer_log};
	wait_for { slurp($log) =~ /^\d+$/m } 'the first tick';
	return;
}

sub stop_writer
{
	my ($self) = @_;
	my $pid = delete $self->{writer} or return;
	$self->{cluster}{sandbox}->end($pid, 'TERM');
	return;
}

# The numbers of the ticks whose commit was answered to the present or last writer, in their order.
sub answered_ticks
{
	my ($self) = @_;
	return slurp($self->{writer_log} // '') =~ /^(\d+)$/mg;
}

# From now on all that were answered must be there.
sub keep_ticks { my ($self) = @_; $self->{ticks_kept} = [ $self->answered_ticks ]; return }

# --- targets

# The options that restore to here, of this type. Ticks that were answered by now are to be there
# afterwards; is_healthy looks for them. The target xid is the one of a further mark, which is kept.
sub target
{
	my ($self, $type) = @_;
	my $leader = $self->leader;
	$self->keep_ticks;
	my %target = (
		time => sub { $leader->psql('SELECT clock_timestamp()') },
		lsn => sub { $leader->psql('SELECT pg_current_wal_insert_lsn()') },
		name => sub {
			my $name = 'point ' . ++$self->{points};
			$leader->psql("SELECT pgbr_restore_point('$name')");
			$name;
		},
		xid => sub { $self->mark('xid ' . ++$self->{points}) },
		default => sub { undef });
	my $target = $target{$type}->();
	return ("--type=$type", defined $target ? "--target=$target" : ());
}

# A row, a moment, and a row after it, which a restore to the moment takes away; gives the options
# of that restore.
sub moment
{
	my ($self, $name) = @_;
	$self->mark("before $name");
	my @target = $self->target('time');
	$self->mark("after $name");
	return @target;
}

# That row is not to be there any more.
sub without
{
	my ($self, $name) = @_;
	$self->set_kept(grep { $_ ne "after $name" } $self->kept);
	return;
}

# --- the control binary

# Start a verb of the cluster with events as JSON; gives the PgbrRestoreRun.
sub begin
{
	my ($self, $verb, @options) = @_;
	my @asked = $verb eq 'restore' ? ('--no-verify') : ();
	return PgbrRestoreRun->new($self->{cluster}, $verb, '--force', '--format=json', @asked,
		@options);
}

sub has_begun
{
	my ($self, $run, $step) = @_;
	return ok($run->wait_event(event => 'step', step => $step, state => 'started'),
		"$step has begun")
	  || diag $run->last_words;
}

# Run it to its end.
sub run
{
	my ($self, @arguments) = @_;
	my $run = $self->begin(@arguments);
	$run->finish;
	return $run;
}

# The same once the lease of the one before has ended; the cluster is whole then.
sub is_done
{
	my ($self, $name, @arguments) = @_;
	my $run;
	wait_for { ($run = $self->run(@arguments))->{status} != 6 }
	'the lease of the one before to end', 60;
	is($run->{status}, 0, "$name: done") or diag $run->last_words;
	$self->is_healthy($name, 60);
	return $run;
}

# Run it to its end, which must be a good one; gives the summary.
sub run_ok
{
	my ($self, $name, @arguments) = @_;
	my $run = $self->run(@arguments);
	is($run->{status}, 0, "$name: exit status") or diag $run->last_words;
	return $run->summary // {};
}

# status, decoded.
sub status
{
	my ($self) = @_;
	my ($status, $out, $errors) = $self->{cluster}->cluster_ctl('status', '--format=json');
	die "status: exit $status: $errors" if $status;
	return JSON::PP->new->utf8->decode($out);
}

# The names of the steps that a restore with these options would have now.
sub plan_steps
{
	my ($self, @options) = @_;
	my ($status, $out, $errors) =
	  $self->{cluster}->cluster_ctl('plan', '--format=json', '--no-verify', @options);
	die "plan: exit $status: $errors" if $status;
	return map { $_->{step} } @{ JSON::PP->new->utf8->decode($out)->{steps} };
}

# --- afterwards

# What is wrong with the cluster, or an empty text: one leader, all members on its timeline, not
# paused, no restore active, the marks on all members those that must be there, and the ticks too.
sub illness
{
	my ($self) = @_;
	my $leader = $self->find_leader;
	my $status = $self->status;
	return 'Patroni is paused' if $status->{paused};
	return "restore $status->{restore}{id} is active"
	  if ($status->{restore}{state} // '') eq 'active';
	my $view = $leader->patroni(GET => '/cluster');
	my @leaders = grep { $_->{role} =~ /leader|master|primary/ } @{ $view->{members} };
	return scalar(@leaders) . ' leaders' if @leaders != 1;
	my %streams = map { $_ => 1 } split /\n/,
	  $leader->psql(q{SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'});
	my $expected = join ', ', sort $self->kept;

	for my $member ($self->{cluster}->members)
	{
		my $name = $member->name;
		next unless $member->{patroni_pid};
		return "$name does not stream" unless $member == $leader || $streams{$name};
		my $node = $member->patroni(GET => '/patroni');
		my $timeline = $node->{timeline} // $leaders[0]{timeline};
		return "$name is on timeline $timeline, not $leaders[0]{timeline}"
		  if $timeline != $leaders[0]{timeline};
		my $marks = $self->marks($member);
		return "$name has the marks $marks instead of $expected" if $marks ne $expected;
		my $ticks = $self->{ticks_kept} // [];
		my $numbers = join ',', @$ticks;
		my $there = @$ticks ? $member->psql("SELECT count(*) FROM tick WHERE id IN ($numbers)") : 0;
		return sprintf '%s has %d of %d ticks that were answered before the target', $name, $there,
		  scalar @$ticks
		  if $there != @$ticks;
	}
	return '';
}

# The cluster gets whole, within the limit.
sub is_healthy
{
	my ($self, $name, $limit) = @_;
	my $illness = 'not looked at';
	eval {
		wait_for { $illness = $self->illness; $illness eq '' } 'the cluster to be whole',
		  $limit // 30;
	};
	$illness = $@ if $@ && $illness eq '';
	return ok($illness eq '', "$name: the cluster is whole")
	  || diag $illness eq '' ? $@ : "$illness\n$@";
}

# The timeline on which the leader writes; that of its last checkpoint may be another.
sub timeline
{
	my ($self) = @_;
	return hex substr $self->leader->psql('SELECT pg_walfile_name(pg_current_wal_insert_lsn())'),
	  0, 8;
}

# Lines that the servers (through Patroni's output) and pgbackrest have logged since this was last
# asked, and that match.
sub logged
{
	my ($self, $pattern) = @_;
	my @found;
	for my $member ($self->{cluster}->members)
	{
		my $name = $member->name;
		my $log = $member->patroni_log;
		my $new = substr $log, $self->{seen}{$name} // 0;
		$self->{seen}{$name} = length $log;
		push @found, map { "$name: $_" } grep { /$pattern/ } split /\n/, $new;
	}
	return @found;
}

# What no restore may leave in a server's log: a crash, damaged data, a WAL file that is archived
# twice with another content, a timeline that is not a child, a replica that has more than its
# leader.
our $never = qr/
	PANIC | invalid\ page | could\ not\ read\ block | checksum\ mismatch |
	page\ verification\ failed | \[045\] | archive\ with\ a\ different\ checksum |
	requested\ timeline.*is\ not\ a\ child | invalid\ primary\ checkpoint |
	unexpected\ timeline | is\ ahead\ of\ the\ WAL\ flush\ position/x;

sub is_quiet
{
	my ($self, $name, $pattern) = @_;
	return is(join("\n", $self->logged($pattern // $never)),
		'', "$name: nothing bad in the servers' logs");
}

# --- processes

# The process ids of a kind that run on a member: "pgbackrest", or "postmaster" for the temporary
# one of a recovery.
sub processes
{
	my ($self, $member, $kind) = @_;
	my @found;
	for my $folder (glob '/proc/[0-9]*')
	{
		my ($pid) = $folder =~ /(\d+)$/;
		my $command = join ' ', split /\0/, slurp("$folder/cmdline");
		next unless index($command, "$member->{dir}/") >= 0;
		my $name = slurp("$folder/comm");
		my $is =
			$kind eq 'postmaster'
		  ? $name eq "postgres\n"
		  && $command =~ /archive_command= / && $command =~ /hot_standby=off/
		  : $name eq "pgbackrest\n";
		push @found, $pid if $is;
	}
	return @found;
}

# kill -9 of the sidecar, which a supervisor starts again at once.
sub crash_sidecar
{
	my ($self, $member) = @_;
	$member->sidecar->kill if $member->sidecar->alive;
	$member->sidecar->start;
	return;
}

# The same for Patroni, whose PostgreSQL goes on.
sub crash_patroni
{
	my ($self, $member) = @_;
	$self->{cluster}{sandbox}->end(delete $member->{patroni_pid}, 'KILL') if $member->{patroni_pid};
	$member->start;
	return;
}

# All of a member at once, which then starts as a host would.
sub reboot
{
	my ($self, $member) = @_;
	$member->kill;
	$self->start_host($member);
	return;
}

sub start_host
{
	my ($self, $member) = @_;
	$member->start;
	$member->sidecar->start;
	return;
}

1;
