# Stop watches and scales for the bench: clocks, medians, what a process takes, one HTTP connection
# that is kept, one psql that is kept. Knows nothing of what is claimed.
package BenchTools;
use strict;
use warnings;
use Exporter 'import';
use IO::Handle;
use IPC::Open2;
use PgbrSandbox qw(slurp);
use POSIX       ();
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

our @EXPORT_OK = qw(children_seconds cpu_seconds exchange keep_psql median now
  psql_ms resident_kb run_command threads time_ms wrk);

my $tick = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub median
{
	my @sorted = sort { $a <=> $b } @_ or die "a median of nothing\n";
	return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

sub time_ms
{
	my ($code) = @_;
	my $start = now();
	$code->();
	return (now() - $start) * 1000;
}

# Run a command as a server that forks it would: take all it prints. Gives its length.
sub run_command
{
	my (@command) = @_;
	open my $pipe, '-|', @command or die "$command[0]: $!\n";
	my ($length, $got, $block) = (0);
	$length += $got while $got = sysread $pipe, $block, 1 << 16;
	close $pipe or die "@command: wait status $?\n";
	return $length;
}

# A request on a kept connection. Gives the status and the whole body.
sub exchange
{
	my ($socket, $method, $path, $body) = @_;
	my $head = "$method $path HTTP/1.1\r\nHost: localhost\r\n";
	$head .= "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n"
	  if defined $body;
	syswrite $socket, "$head\r\n" . ($body // '');
	my ($answer, $end, $length) = ('');
	until (defined $end && length $answer >= $end + $length)
	{
		sysread $socket, $answer, 1 << 20, length $answer or die "$method $path: no answer\n";
		next if defined $end || (my $at = index $answer, "\r\n\r\n") < 0;
		($length) = substr($answer, 0, $at) =~ /^content-length: (\d+)/im
		  or die "$method $path: no length\n";
		$end = $at + 4;
	}
	return ($answer =~ m{^HTTP/1\.1 (\d+)}, substr $answer, $end);
}

# A session that says how long each statement took, its rows with it.
sub keep_psql
{
	my (@command) = @_;
	my $pid = open2(my $out, my $in, 'stdbuf', '-oL', @command, '-o', '/dev/null');
	$in->autoflush(1);
	print $in "\\timing on\n";
	return { pid => $pid, in => $in, out => $out };
}

sub psql_ms
{
	my ($psql, $sql) = @_;
	print { $psql->{in} } "$sql;\n";
	my $line = readline $psql->{out};
	return ($line // 'nothing') =~ /^Time: ([\d.]+) ms/ ? $1 : die "$sql: psql said $line\n";
}

# Load for so many seconds at 16 connections. Gives how many requests were answered, and how many
# in a second; dies when one went wrong.
sub wrk
{
	my ($url, $seconds, @options) = @_;
	open my $pipe, '-|', 'wrk', '-t1', '-c16', "-d${seconds}s", @options, $url or die "wrk: $!\n";
	my $report = do { local $/; <$pipe> };
	close $pipe;
	my ($requests, $rate) = $report =~ /^ *(\d+) requests in .*^Requests\/sec: *([\d.]+)/ms;
	die "wrk:\n$report" if !$requests || $report =~ /Non-2xx|Socket errors/;
	return ($requests, $rate);
}

# CPU time a process has used, by all its threads; by the kernel's clock of that process.
sub cpu_seconds
{
	my ($pid) = @_;
	return clock_gettime(-8 * ($pid + 1) + 2);
}

# What its children have used that have ended, in whole ticks of the system.
sub children_seconds
{
	my ($pid) = @_;
	my @fields = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr;
	return ($fields[13] + $fields[14]) / $tick;
}

sub _status
{
	my ($pid, $field) = @_;
	return slurp("/proc/$pid/status") =~ /^$field:\s+(\d+)/m ? $1 : die "process $pid is gone\n";
}

sub resident_kb { return _status($_[0], 'VmRSS') }
sub threads     { return _status($_[0], 'Threads') }

1;
