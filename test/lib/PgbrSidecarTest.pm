# What several tests of the sidecar share: requests at the same time, problems, programs that stand
# in for pgbackrest, WAL that is held back, and what is left in the process table and the
# repository.
#
# A member's WAL is held back by its own archive_command, which waits for a file to go away: a
# backup then stays in its phase "waiting for WAL" for as long as a test needs, and it is a real
# one.
package PgbrSidecarTest;
use strict;
use warnings;
use Exporter 'import';
use Fcntl qw(:flock);
use JSON::PP;
use PgbrSandbox qw(slurp spew wait_for);
use POSIX       ();
use Test::More;
use Time::HiRes qw(time);

our @EXPORT = qw(
  $empty_info $other_commands at_once backups_of hold_wal idle_threads is_failure is_problem
  job_processes lock_is_free program refused release_wal stand_in threads
);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# Run all code references at the same time, each in a process of its own; gives what each returned
# (plain data), in their order.
sub at_once
{
	my (@code) = @_;
	my @pipes;
	for my $code (@code)
	{
		pipe my $read, my $write or die "pipe: $!";
		my $pid = fork // die "fork: $!";
		if (!$pid)
		{
			my $result = eval { $code->() };
			print $write $json->encode($@ ? { died => "$@" } : { result => $result });
			close $write;
			POSIX::_exit(0);
		}
		push @pipes, [ $pid, $read ];
	}
	my @results;
	for my $pipe (@pipes)
	{
		my ($pid, $read) = @$pipe;
		local $/;
		my $answer = $json->decode(scalar <$read>);
		waitpid $pid, 0;
		die $answer->{died} if defined $answer->{died};
		push @results, $answer->{result};
	}
	return @results;
}

# An answer that is a problem as RFC 9457 has it, of this status and code, and whose reason says
# this.
sub is_problem
{
	my ($answer, $status, $code, $detail, $name) = @_;
	my $problem = $answer->{json} // {};
	my @wrong;
	push @wrong, "status is $answer->{status}" if $answer->{status} != $status;
	push @wrong, 'it is no problem'
	  if ($answer->{headers}{'content-type'} // '') ne 'application/problem+json';
	push @wrong, 'code is ' . ($problem->{code} // 'missing') if ($problem->{code} // '') ne $code;
	push @wrong, 'the status in the body is another' if ($problem->{status} // 0) != $status;
	push @wrong, 'no title' unless $problem->{title};
	push @wrong, 'type is not about:blank' if ($problem->{type} // '') ne 'about:blank';
	push @wrong, 'detail is ' . ($problem->{detail} // 'missing')
	  if ($problem->{detail} // '') !~ $detail;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(!@wrong, $name) or diag join "\n", @wrong, substr $answer->{content}, 0, 1000;
	return !@wrong;
}

# A job that failed with this exit code and name, and whose message and hint say this.
sub is_failure
{
	my ($job, $exit_code, $error, $message, $hint, $name) = @_;
	my @outcome = map { $_ // 'null' } @$job{qw(state exit_code error)};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $ok =
		 "@outcome" eq "failed $exit_code $error"
	  && $job->{message} =~ $message
	  && ($job->{hint} // '') =~ $hint;
	ok($ok, "$name: $exit_code $error") or diag $json->pretty->encode($job);
	return;
}

# Write an executable that can be given as --pgbackrest; without #! in its text it is a bash script.
sub program
{
	my ($member, $name, $text) = @_;
	$text = "#!/bin/bash\n$text" unless $text =~ /^#!/;
	return spew("$member->{dir}/$name", $text, 0755);
}

# The same as an option of the sidecar.
sub stand_in
{
	my ($member, $name, $text) = @_;
	return "--pgbackrest=" . program($member, $name, $text);
}

# What such a program answers to info, and the beginning of one: the last argument is the command,
# and what is no backup is answered as by an empty repository.
our $empty_info =
  '[{"name":"main","db":[{"id":1,"system-id":1}],"repo":[{"key":1,"status":{"code":0,"message":"ok"}}],'
  . '"status":{"code":0,"message":"ok"}}]';
our $other_commands =
  qq{case "\${\@: -1}" in (info) echo '$empty_info'; exit ;; (version) echo 'pgBackRest 2.45'; exit ;; esac\n};

# Start a sidecar with options that it must refuse: gives its exit status and what it wrote.
sub refused
{
	my ($sidecar, @options) = @_;
	my $before = length $sidecar->log;
	$sidecar->launch(@options);
	wait_for { !$sidecar->alive } 'the sidecar to refuse to start';
	my $status = $sidecar->{sandbox}{status}{ delete $sidecar->{pid} };
	return ($status & 127 ? 128 + ($status & 127) : $status >> 8, substr $sidecar->log, $before);
}

# Hold back WAL from now on; a backup that begins stays until release_wal.
sub hold_wal
{
	my ($member) = @_;
	spew("$member->{dir}/hold", '');
	return if $member->{holds_wal}++;
	my $push = $member->_pgbackrest_line('archive-push "$1"');
	my $archive = program($member, 'pgbackrest-held',
		"while test -e '$member->{dir}/hold'\ndo\n\tsleep 0.05\ndone\nexec $push\n");
	$member->psql("ALTER SYSTEM SET archive_command = '$archive %p'");
	$member->psql('SELECT pg_reload_conf()');
	return;
}

sub release_wal
{
	my ($member) = @_;
	unlink "$member->{dir}/hold" or die "hold_wal comes first: $!\n";
	return;
}

# The process ids of pgbackrest, or of what stands in for it, that run a job (without id: any job),
# and of their children.
sub job_processes
{
	my ($sidecar, $id) = @_;
	my $wanted = defined $id ? qr/\Q$id\E/ : qr/[^\0]*/;
	my $mark = qr/(?:^|\0)PGBR_SIDECAR_MARK=\Q$sidecar->{state}\E:$wanted(?:\0|$)/;
	return grep { slurp("/proc/$_/environ") =~ $mark } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

# How many threads a sidecar has: each connection has one.
sub threads
{
	my ($sidecar) = @_;
	my @threads = glob "/proc/$sidecar->{pid}/task/*";
	return scalar @threads;
}

# How many it has when nobody is connected: the thread of a request ends a little after its answer.
sub idle_threads
{
	my ($sidecar) = @_;
	my ($count, $since) = (0, 0);
	wait_for
	{
		my $now = threads($sidecar);
		($count, $since) = ($now, time) if $now != $count;
		time - $since > 0.5
	}
	'the threads to settle';
	return $count;
}

# Whether nobody holds the lock that pgbackrest takes for what changes a stanza.
sub lock_is_free
{
	my ($member) = @_;
	my $path = "$member->{dir}/lock/$member->{cluster}{stanza}-backup.lock";
	open my $file, '+<', $path or return 1;
	return flock $file, LOCK_EX | LOCK_NB;
}

# The labels of the backups in the repository by the id of their job, as pgbackrest itself tells:
# { job id => [ label, ... ] }.
sub backups_of
{
	my ($member) = @_;
	my %labels;
	for my $stanza (@{ $json->decode($member->pgbackrest('--output=json', 'info')) })
	{
		push @{ $labels{ $_->{annotation}{timestamp} } }, $_->{label} for @{ $stanza->{backup} };
	}
	return \%labels;
}

1;
