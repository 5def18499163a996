# What befalls a restore that is not a kill: recovery that falls short, a repository that is cut
# off, people at a terminal, two control binaries, one that sleeps, a leader that moves.
use strict;
use warnings;
use IO::Pty;
use IPC::Run ();
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use POSIX       ();
use Test::More;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8;
my $cluster = PgbrCluster->new(members => 3)->start;
my $leader = $cluster->wait_leader;
$leader->psql('CREATE TABLE mark (name text PRIMARY KEY)');
my $first = $leader->sidecar->post_job(kind => 'backup', type => 'full');
$first = $leader->sidecar->wait_job($first->{id});
is($first->{state}, 'succeeded', 'a backup to start from');
mark('zero');
# a backup ends in a second, and a time in that second can't be told from it
wait_for
{
	$leader->psql(
		"SELECT clock_timestamp() > '$first->{finished_at}'::timestamptz + interval '1.1 s'") eq 't'
}
'the next second';

sub mark { my ($name) = @_; $leader->psql("INSERT INTO mark VALUES ('$name')"); return }

sub now
{
	return $leader->psql(
		q{SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'}
	);
}

sub command { my (@arguments) = @_; return ("$ENV{PGBR_BUILD}/pgbackrest_ctl", @arguments) }

# Run in the background: { run, out, errors }, with JSON events.
sub begin
{
	my (@arguments) = @_;
	my %self = (out => '', errors => '');
	local %ENV = (%ENV, $cluster->ctl_environment);
	$self{run} =
	  IPC::Run::start([ command(@arguments) ], '<', \undef, '>', \$self{out}, '2>', \$self{errors});
	return \%self;
}

sub wait_step
{
	my ($self, $step, $state) = @_;
	$state //= 'started';
	wait_for { $self->{run}->pump_nb; $self->{out} =~ /"step":"$step","state":"$state"/ }
	"step $step to be $state", 60;
	return;
}

sub end
{
	my ($self) = @_;
	wait_for { $self->{run}->pump_nb; !$self->{run}->pumpable } 'the control binary to end', 100;
	eval { $self->{run}->finish };
	return $self->{run}->full_result >> 8;
}

# At a terminal: { pid, pty, seen }.
sub at_terminal
{
	my ($columns, @arguments) = @_;
	my $pty = IO::Pty->new;
	my $slave = $pty->slave;
	$slave->set_winsize(24, $columns, 0, 0);
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		$pty->make_slave_controlling_terminal;
		%ENV = (%ENV, $cluster->ctl_environment);
		open STDIN, '<&', $slave;
		open STDOUT, '>&', $slave;
		open STDERR, '>&', $slave;
		exec { (command())[0] } command(@arguments) or POSIX::_exit(127);
	}
	close $slave;
	$pty->blocking(0);
	return { pid => $pid, pty => $pty, seen => '' };
}

sub look
{
	my ($self) = @_;
	sysread $self->{pty}, my $more, 65536;
	$self->{seen} .= $more // '';
	return $self->{seen};
}

sub wait_seen
{
	my ($self, $what) = @_;
	wait_for { look($self) =~ $what or die "it shows: $self->{seen}\n" }
	"the terminal to show $what", 30;
	return;
}

sub terminal_end
{
	my ($self) = @_;
	my $status;
	wait_for
	{
		look($self);
		waitpid($self->{pid}, POSIX::WNOHANG) == $self->{pid} and defined($status = $?)
	}
	'the command at the terminal to end', 100;
	look($self);
	return $status >> 8;
}

# Every line of standard output is an event.
sub events
{
	my ($out) = @_;
	my @events = eval {
		map { $json->decode($_) } split /\n/, $out;
	};
	is($@, '', 'each line is JSON') or diag $out;
	return @events;
}

sub status
{
	my ($code, $out) = $cluster->cluster_ctl('status', '--format=json');
	return $json->decode($out);
}

sub rows
{
	my ($member) = @_;
	return join ' ', split /\n/, $member->psql('SELECT name FROM mark ORDER BY name');
}

sub is_healthy
{
	my ($expected, $name) = @_;
	$leader = $cluster->wait_leader;
	$cluster->wait_streaming;
	for my $member ($cluster->members)
	{
		my $last = '';
		wait_for { ($last = rows($member)) eq $expected } "$member->{name} to have the rows: $last",
		  20;
	}
	my $status = status();
	ok(!$status->{paused} && ($status->{restore} // { state => 'done' })->{state} eq 'done',
		"$name: the cluster is healthy, with the rows: $expected");
	return;
}

sub is_closed
{
	my ($name) = @_;
	my $status = status();
	ok($status->{paused}, "$name: Patroni is paused");
	my $answered = eval { $leader->psql('SELECT 1') };
	ok(!$answered && $@ =~ /connection to server/, "$name: no client gets in on the leader")
	  or diag $answered // $@;
	# Patroni may still start a replica out of what it remembers, for reading
	my @writable = grep {
		(eval { $_->psql('SELECT pg_is_in_recovery()') } // 't') eq 'f'
	} $cluster->members;
	is_deeply([ map { $_->{name} } @writable ], [], "$name: nobody takes writes");
	is($status->{restore}{state}, 'active', "$name: the restore is not over");
	return $status;
}

my @restore = ('restore', '--force', '--no-verify', '--format=json');
my $middle;

subtest 'the name is asked for' => sub {
	mark('one');
	$middle = now();
	mark('two');
	my @command = ('restore', '--no-verify', '--type=time', "--target=$middle");
	my $wrong = at_terminal(80, @command);
	wait_seen($wrong, qr/Type the cluster's name, "pgbr"/);
	print { $wrong->{pty} } "pgbR\n";
	is(terminal_end($wrong), 130, 'another name is no confirmation');
	like($wrong->{seen}, qr/not confirmed; nothing was changed/, 'and that is said');
	is(status()->{restore}, undef, 'no restore was begun');
	my ($status, undef, $errors) = $cluster->cluster_ctl(@command);
	is($status, 2, 'without a terminal it is refused');
	like(
		$errors,
		qr/could not ask for confirmation: standard input is not a terminal\n.*--force/,
		'with the way out');
	is_healthy('one two zero', 'asked');

	my $right = at_terminal(30, @command);
	wait_seen($right, qr/Type the cluster's name/);
	print { $right->{pty} } "pgbr\n";
	is(terminal_end($right), 0, 'the right name is one') or diag $right->{seen};
	my @drawn = grep { /^  m\d: / } split /[\r\n]+/, $right->{seen};
	ok(@drawn > 0, 'progress is drawn');
	is_deeply([ grep { length > 29 } @drawn ], [], 'within a narrow terminal');
	is_healthy('one zero', 'typed');
};

my $short;

subtest 'recovery falls short; the same again, and another target' => sub {
	my $id = status()->{restore}{id};
	my $mark = $leader->sidecar->http(GET => "/v1/restores/$id")->{json}{document}{mark};
	# after the last commit of the timeline that was left, before its last segment was archived
	my ($day, $time, $micro) = $mark->{time} =~ /^(\S+)[T ](\d\d:\d\d:\d\d)\.?(\d*)/;
	$micro = substr "${micro}000000", 0, 6;
	my @short = (
		'--type=time',
		sprintf('--target=%s %s.%06d+00', $day, $time, $micro < 999_000 ? $micro + 900 : 999_999),
		'--target-timeline=1');
	$short = \@short;
	mark('three');
	my ($status, $out, $errors) = $cluster->cluster_ctl(@restore, @short);
	is($status, 9, 'exit code') or diag $out, $errors;
	my @events = events($out);
	my ($plan) = map { $_->{plan} } grep { $_->{event} eq 'plan' } @events;
	ok(@{ $plan->{unproven} } > 0, 'the plan told it as unproven');
	is($events[-1]{event}, 'stopped', 'it ends with why');
	is($events[-1]{exit_code}, 9, 'and the exit code');
	like($errors, qr/has stopped at step recover: .*before configured recovery target was reached/,
		'the message');
	like($errors, qr/the last commit that was reached is of \d{4}-/, 'tells what was reached');
	like(
		$errors,
		qr/with another --target to restore to another point\. "pgbackrest_ctl undo" takes it back/s,
		'and what can be done');
	is_closed('short');
	my ($code, $text) = $cluster->cluster_ctl('status');
	like($text, qr/undo/, 'status offers undo');

	($status, $out, $errors) = $cluster->cluster_ctl(@restore, @short);
	is($status, 9, 'the same command again comes to the same');
	events($out);
	is_closed('short again');
	($status, $out, $errors) = $cluster->cluster_ctl(
		'restore', '--force', '--no-verify', '--type=time',
		"--target=$middle", '--target-timeline=1');
	is($status, 0, 'another target') or diag $out, $errors;
	unlike($out, qr/\r/, 'plain lines without a terminal');
	is_healthy('one zero', 'another target');
	($status, $out, $errors) = $cluster->cluster_ctl('undo', '--force', '--format=json');
	is($status, 0, 'undone') or diag $out, $errors;
	events($out);
	is_healthy('one three zero', 'undo');
};

subtest 'falls short, and undo' => sub {
	my ($status, $out, $errors) = $cluster->cluster_ctl(@restore, @$short);
	is($status, 9, 'exit code') or diag $out, $errors;
	($status, undef, $errors) = $cluster->cluster_ctl('undo');
	is($status, 2, 'undo without a terminal is refused') or diag $errors;
	is_closed('short');
	# one that takes its place and is given up before it has stopped the leader, which is not whole
	my $run = begin(@restore, '--type=time', "--target=$middle", '--target-timeline=1');
	wait_step($run, 'pause');
	$run->{run}->signal('INT');
	is(end($run), 130, 'another target, interrupted') or diag $run->{out}, $run->{errors};
	($status, $out, $errors) = $cluster->cluster_ctl('undo', '--force', '--format=json');
	is($status, 0, 'undone') or diag $out, $errors;
	like(
		$out,
		qr/"step":"archive","state":"skipped"/,
		'and nothing of the half-restored leader is archived');
	is_healthy('one three zero', 'undo');
};

subtest 'Ctrl-C at a terminal, the journal of the leader lost, and on' => sub {
	mark('four');
	my $lsn = $leader->psql('SELECT pg_current_wal_insert_lsn()');
	mark('five');
	my @command = ('restore', '--force', '--no-verify', '--type=lsn', "--target=$lsn");
	my $run = at_terminal(100, @command);
	wait_seen($run, qr/^restore-leader: /m);
	print { $run->{pty} } "\x03";
	is(terminal_end($run), 130, 'exit code') or diag $run->{seen};
	like($run->{seen}, qr/has stopped at step .*interrupted/, 'the message');
	is_closed('Ctrl-C');
	# the disk of its state folder is another one now
	my $sidecar = $leader->sidecar;
	wait_for
	{
		!grep { $_->{state} =~ /running|queued/ }
		  @{ $sidecar->http(GET => '/v1/jobs')->{json}{jobs} }
	}
	'the steps to end';
	$sidecar->stop;
	system 'rm', '-rf', glob "$sidecar->{state}/*";
	# it has forgotten where the data directory is, too, and PostgreSQL does not run to tell it
	$sidecar->start("--pg-data=$leader->{data}");
	my ($status, $out, $errors) = $cluster->cluster_ctl(@command);
	is($status, 0, 'the same command goes on') or diag $out, $errors;
	is($sidecar->http(GET => '/v1/restores')->{json}{restores}[0]{state},
		'done', 'the journal is there again');
	is_healthy('four one three zero', 'gone on');
};

subtest 'the repository is cut off in the midst; the reader of the events leaves' => sub {
	my $run = begin(@restore, '--type=time', "--target=$middle", '--target-timeline=1');
	# the files are still to be copied, and need none of it
	wait_step($run, 'start-restore');
	my $repo = $cluster->sandbox->{root} . '/repo/archive';
	rename $repo, "$repo.away" or die "rename: $!";
	is(end($run), 9, 'exit code') or diag $run->{out}, $run->{errors};
	my @events = events($run->{out});
	is($events[-1]{event}, 'stopped', 'it ends with why');
	like($events[-1]{message}, qr/has stopped at step recover/, 'at recovery');
	is_closed('cut off');
	rename "$repo.away", $repo or die "rename: $!";

	pipe my $read, my $write or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		close $read;
		%ENV = (%ENV, $cluster->ctl_environment);
		open STDOUT, '>&', $write;
		open STDERR, '>', '/dev/null';
		exec { (command())[0] }
		  command(@restore, '--type=time', "--target=$middle", '--target-timeline=1')
		  or POSIX::_exit(127);
	}
	close $write;
	like(scalar <$read>, qr/^\{/, 'it goes on');
	close $read;
	wait_for { waitpid($pid, POSIX::WNOHANG) == $pid } 'the restore to end', 100;
	is($? & 127, 0, 'no signal ends it');
	is(status()->{restore}{state}, 'done', 'it is done, though nobody reads');
	is_healthy('one zero', 'mended');
};

# A replica would take the WAL of the timeline that was left, with rows from after the target.
subtest 'the first WAL of the new timeline does not get into the repository' => sub {
	mark('late');
	my $archive = $cluster->sandbox->{root} . '/repo/archive/main/15-1';
	my ($newest) = reverse sort map { m{(\w+)\.history$} } glob "$archive/*.history";
	my $next = sprintf '%08X', 1 + hex $newest;
	my $run = begin(@restore, '--again', '--type=time', "--target=$middle", '--target-timeline=1');
	wait_step($run, 'recover');
	# its folder can't be made
	spew("$archive/${next}00000000", '');
	wait_step($run, 'history-archived');
	wait_for
	{
		$run->{run}->pump_nb;
		$leader->psql("SELECT count(*) FROM pg_stat_archiver WHERE last_failed_wal ~ '^$next'")
	}
	'archiving to fail';
	ok(-e "$archive/$next.history", 'the history is there');
	my @replicas = grep { $_ != $leader } $cluster->members;
	is(scalar(grep { $_->sidecar->http(GET => '/v1/node')->{json}{fenced} } @replicas),
		2, 'no replica is let in');
	unlike($run->{out}, qr/"step":"unfence","state"/, 'the restore waits');
	unlink "$archive/${next}00000000";
	is(end($run), 0, 'it goes on when it can be archived') or diag $run->{out}, $run->{errors};
	is_healthy('one zero', 'archived late');
};

# Patroni's loop goes round, and sees that a server is there which is not its own.
subtest 'recovery that takes long' => sub {
	mark('late');
	my $run = begin(@restore, '--again', '--type=time', "--target=$middle", '--target-timeline=1');
	wait_step($run, 'recover');
	my $startup = wait_for
	{
		my $found = $leader->startup_process;
		$found && kill(STOP => $found) ? $found : undef
	}
	'the startup process of the recovery server';
	my $before = length $leader->patroni_log;
	wait_for { my @rounds = substr($leader->patroni_log, $before) =~ /PAUSE: /g; @rounds >= 5 }
	'five rounds of Patroni', 30;
	kill CONT => $startup;
	is(end($run), 0, 'it comes to its end') or diag $run->{out}, $run->{errors};
	unlike(
		substr($leader->patroni_log, $before),
		qr/starting as a secondary/,
		'Patroni has not started the leader');
	is_healthy('one zero', 'long');
};

subtest 'two at once, and one that slept' => sub {
	my @command = (@restore, '--type=immediate', "--set=$first->{label}");
	my $asleep = begin(@command);
	wait_step($asleep, 'restore-leader');
	my ($status, undef, $errors) = $cluster->cluster_ctl('undo', '--force');
	is($status, 6, 'undo is refused while somebody is at work') or diag $errors;
	($status, undef, $errors) =
	  $cluster->cluster_ctl('restore', '--force', '--no-verify', '--type=time', "--target=$middle");
	is($status, 6, 'so is another restore') or diag $errors;
	$asleep->{run}->signal('STOP');
	my (undef, $text) = $cluster->cluster_ctl('status');
	$text =~ s/\s+/ /g;
	like(
		$text,
		qr/was last heard of \d+ s ago; if it is gone, another one can go on in \d+ s\./,
		'status does not say that it is at work');
	# its lease ends; then another target takes its place
	my ($out, $code);
	wait_for
	{
		($code, $out, $errors) =
		  $cluster->cluster_ctl(@restore, '--type=time', "--target=$middle", '--target-timeline=1');
		$code != 6
	}
	'the lease of the one that sleeps to end', 60;
	is($code, 0, 'another one does its work') or diag $out, $errors;
	is_healthy('one zero', 'the other');
	my $before = status()->{restore};
	my @postmasters = map { $_->postmaster } $cluster->members;
	$asleep->{run}->signal('CONT');
	is(end($asleep), 6, 'the one that slept is refused') or diag $asleep->{out}, $asleep->{errors};
	like($asleep->{errors}, qr/has ended: replaced|another holder|in progress|gone on/,
		'and told why');
	is_deeply([ map { $_->postmaster } $cluster->members ],
		\@postmasters, 'and has stopped nothing');
	is_deeply(status()->{restore}, $before, 'nor written anything');
	is_healthy('one zero', 'afterwards');
};

subtest 'the leader moves while the plan is looked at' => sub {
	my ($replica) = grep { $_ != $leader } $cluster->members;
	my $run =
	  at_terminal(100, 'restore', '--no-verify', '--replicas-only', "--member=$replica->{name}");
	wait_seen($run, qr/Type the cluster's name/);
	my $answer = $leader->patroni(
		POST => '/switchover',
		{ leader => $leader->{name}, candidate => $replica->{name} });
	is($answer->{status}, 200, 'a switchover') or diag $answer->{content};
	wait_for { $replica->is_leader && $replica->psql('SELECT pg_is_in_recovery()') eq 'f' }
	'the replica to lead';
	my $postmaster = $replica->postmaster;
	print { $run->{pty} } "pgbr\n";
	is(terminal_end($run), 6, 'exit code') or diag $run->{seen};
	like($run->{seen}, qr/the leader has changed since the plan was made/, 'the message');
	is($replica->postmaster, $postmaster, 'the new leader is left alone');
	is_healthy('one zero', 'moved');
};

# A time stops only before a commit: what the drop had done before its own is replayed.
subtest 'a database that was being dropped' => sub {
	$leader->psql('CREATE DATABASE scratch');
	mark('seven');
	my $time = now();
	$leader->psql('DROP DATABASE scratch');
	mark('eight');
	my @command = (@restore, '--type=time', "--target=$time");
	my ($status, $out, $errors) = $cluster->cluster_ctl(@command);
	is($status, 9, 'it is not handed over') or diag $out, $errors;
	like(
		$errors,
		qr/has stopped at step verify: database "scratch" is invalid at the target/,
		'and the message names it');
	like(
		$errors,
		qr/--type=xid --target=\d+ restores to right after the drop/,
		'with another target');
	is_closed('dropped');
	($status, $out, $errors) = $cluster->cluster_ctl(@command, '--accept-invalid-databases');
	is($status, 0, 'the same command goes on when it is to') or diag $out, $errors;
	is_healthy('one seven zero', 'accepted');
	is($leader->psql("SELECT datconnlimit FROM pg_database WHERE datname = 'scratch'"),
		-2, 'the database is invalid');
	$leader->psql('DROP DATABASE scratch');
};

subtest 'a sidecar that is gone for long' => sub {
	mark('six');
	my $run = begin(@restore, '--type=time', "--target=$middle", '--target-timeline=1');
	my ($replica) = grep { $_ != $leader } $cluster->members;
	wait_step($run, 'restore-leader');
	$replica->sidecar->kill;
	is(end($run), 9, 'exit code') or diag $run->{out}, $run->{errors};
	like($run->{errors}, qr/member "$replica->{name}"/, 'it is named');
	events($run->{out});
	$replica->sidecar->start;
	my ($status, $out, $errors) =
	  $cluster->cluster_ctl(@restore, '--type=time', "--target=$middle", '--target-timeline=1');
	is($status, 0, 'the same command goes on') or diag $out, $errors;
	is_healthy('one zero', 'gone on');
};

done_testing;
