# A throw-away folder, the processes started in it, and the certainty that both are gone afterwards.
#
# A reaper is forked before anything else and waits at the end of a pipe. When this process closes
# the pipe or dies, whatever the way (kill -9 too), the reaper ends every process of the folder and
# removes it. A process belongs to the folder when its working directory lies in it or when it has
# inherited PGBR_SANDBOX: that holds for what daemons start by themselves, too.
#
# It knows nothing of clusters; that the postmaster is asked to end by SIGQUIT, so that its shared
# memory goes with it, is its one word about PostgreSQL.
package PgbrSandbox;
use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(basename);
use File::Copy     qw(copy);
use File::Path     qw(make_path remove_tree);
use File::Temp     qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Socket;
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(slurp spew wait_for);

my %sandboxes;    # by root folder: those that END has to remove
my @port_locks;

sub slurp
{
	my ($path) = @_;
	open my $file, '<', $path or return '';
	local $/;
	return scalar(<$file>) // '';
}

sub spew
{
	my ($path, $text, $mode) = @_;
	open my $file, '>', $path or die "could not write \"$path\": $!\n";
	print $file $text;
	close $file or die "could not write \"$path\": $!\n";
	chmod $mode, $path if defined $mode;
	return $path;
}

# Ask until the condition gives a true value, and give that value. Die when limit seconds are over,
# with what was waited for and what the condition died of last.
sub wait_for(&$;$)
{
	my ($condition, $what, $limit) = @_;
	my $end = time + ($limit // 30);
	while (1)
	{
		my $value = eval { $condition->() };
		my $error = $@;
		return $value if $value;
		if (time > $end)
		{
			$error = $error ? ": $error" : "\n";
			die sprintf 'waited %g s in vain for %s%s', $limit // 30, $what, $error;
		}
		sleep 0.03;
	}
}

# A folder of its own under $TMPDIR, readable by nobody else.
sub new
{
	my ($class) = @_;
	my $root = tempdir('pgbr-XXXXXX', TMPDIR => 1);
	my $self = bless { root => $root, log => "$root/log", owner => $$, at_end => [] }, $class;
	make_path($self->{log});
	$ENV{PGBR_SANDBOX} = $root;

	pipe my $read, my $write or die "pipe: $!";
	my $test = $$;
	my $reaper = fork // die "fork: $!";
	if (!$reaper)
	{
		POSIX::setsid();
		$0 = "reaper of $root";
		$SIG{$_} = 'IGNORE' for qw(HUP INT TERM PIPE);
		# what is open here keeps others waiting: our reaper, those of other sandboxes, the reader
		# of our output
		close $_ for $write, map { $_->{pipe} } values %sandboxes;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		sysread $read, my $never, 1;
		_reap($root, $test, $$);
		POSIX::_exit(0);
	}
	@$self{qw(reaper pipe)} = ($reaper, $write);
	$sandboxes{$root} = $self;
	return $self;
}

# End everything and remove the folder. Runs by itself when the program ends.
sub remove
{
	my ($self) = @_;
	return unless delete $sandboxes{ $self->{root} };
	close $self->{pipe};
	waitpid $self->{reaper}, 0;
	return;
}

# Have code called when a program that did not fail ends, before the sandbox is removed; it may die.
sub at_end
{
	my ($self, $code) = @_;
	push @{ $self->{at_end} }, $code;
	return;
}

# The processes of a folder, but for those given.
sub _processes
{
	my ($root, %except) = @_;
	my @found;
	for my $pid (map { basename($_) } glob '/proc/[0-9]*')
	{
		next if $except{$pid};
		my $folder = readlink("/proc/$pid/cwd") // '';
		push @found, $pid
		  if "$folder/" =~ m{^\Q$root\E/}
		  || slurp("/proc/$pid/environ") =~ m{\bPGBR_SANDBOX=\Q$root\E[/\0]};
	}
	return @found;
}

sub _reap
{
	my ($root, @except) = @_;
	my %except = map { $_ => 1 } @except;
	my $patience = time + 10;
	while (my @pids = _processes($root, %except))
	{
		for my $pid (@pids)
		{
			my $postgres = slurp("/proc/$pid/comm") eq "postgres\n";
			kill $postgres && time < $patience ? 'QUIT' : 'KILL', $pid;
		}
		sleep 0.03;
	}
	# a postmaster that was killed has left its segment of System V shared memory
	for my $pidfile (glob "$root/*/data/postmaster.pid $root/*/*/*/data/postmaster.pid")
	{
		my ($id) = slurp($pidfile) =~ /^ *\d+ +(\d+) *$/m or next;
		system 'ipcrm', '-m', $id;
	}
	remove_tree($root);
	return;
}

# Kill what runs in a folder of the sandbox, as the loss of a host would.
sub kill_below
{
	my ($self, $folder) = @_;
	wait_for
	{
		my @pids = grep { $self->alive($_) } _processes($folder, $$ => 1);
		kill KILL => @pids;
		!@pids
	}
	"all of $folder to be gone";
	return;
}

# Start a daemon in a folder, with its output in log/NAME.log; give its process id, which is the
# daemon's own.
sub spawn
{
	my ($self, $folder, $name, @argv) = @_;
	pipe my $executed, my $not_yet or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid)
	{
		# the kernel gives numbers anew
		delete $self->{status}{$pid};
		# until then it is a copy of this test, which would catch a signal that is meant for the
		# program
		close $not_yet;
		readline $executed;
		return $pid;
	}
	setpgrp;
	chdir $folder;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', "$self->{log}/$name.log";
	open STDERR, '>&', \*STDOUT;
	exec { $argv[0] } @argv or print STDERR "could not run $argv[0]: $!\n";
	POSIX::_exit(127);
}

# Run a command to its end; die with its output when it fails.
sub run
{
	my ($self, $folder, $name, @argv) = @_;
	my $pid = $self->spawn($folder, $name, @argv);
	waitpid $pid, 0;
	my $log = "$self->{log}/$name.log";
	die "$name failed:\n" . slurp($log) if $?;
	unlink $log;
	return;
}

# Whether a process still runs. A child that has ended is collected; its status is kept.
sub alive
{
	my ($self, $pid) = @_;
	return 0 if exists $self->{status}{$pid};
	my $got = waitpid $pid, WNOHANG;
	$self->{status}{$pid} = $? if $got == $pid;
	return 1 if $got == 0;
	# not ours: dead, too, while nobody has collected it
	return $got == -1 && slurp("/proc/$pid/stat") =~ /\) [^ZX] /;
}

# Send a signal and wait until the process is gone; give its wait status (undef for a grandchild).
sub end
{
	my ($self, $pid, $signal, $limit) = @_;
	kill $signal, $pid if $self->alive($pid);
	wait_for { !$self->alive($pid) } "process $pid to end by SIG$signal", $limit;
	return $self->{status}{$pid};
}

# A port nobody listens on, and that no other sandbox of this machine is given while this process
# lives: the claim is an abstract socket, which the kernel drops with the process. The range lies
# below the ports the kernel hands out for outgoing connections.
sub port
{
	my ($self) = @_;
	for (1 .. 1000)
	{
		my $port = 12000 + int rand 20000;
		socket my $lock, PF_UNIX, SOCK_STREAM, 0 or die "socket: $!";
		bind $lock, pack_sockaddr_un("\0pgbr-port-$port") or next;
		IO::Socket::INET->new(
			LocalAddr => '127.0.0.1',
			LocalPort => $port,
			Listen => 1,
			ReuseAddr => 1) or next;
		push @port_locks, $lock;
		return $port;
	}
	die "no free port\n";
}

# The reports of the sanitizers, if there are any.
sub sanitizer_reports
{
	my ($self) = @_;
	return join '', map { slurp($_) } glob "$self->{log}/sanitizer.*";
}

# Show how every log ends, and keep them where PGBR_LOGS says.
sub show_logs
{
	my ($self) = @_;
	my $keep = $ENV{PGBR_LOGS} && "$ENV{PGBR_LOGS}/" . basename($0, '.pl');
	make_path($keep) if $keep;
	for my $path (sort glob "$self->{log}/*")
	{
		copy($path, $keep) if $keep;
		my @lines = split /^/, slurp($path) or next;
		splice @lines, 0, -25 if @lines > 25;
		print STDERR "# ---- $path\n", map { "# $_" } @lines;
	}
	return;
}

# An interrupted program ends through END, like any other, and once only. ALRM is what test/run
# sends to a test that takes too long.
my %status_of = (INT => 130, TERM => 143, HUP => 129, ALRM => 124);
for my $signal (keys %status_of)
{
	$SIG{$signal} = sub {
		@SIG{ keys %status_of } = ('IGNORE') x keys %status_of;
		exit $status_of{$signal};
	};
}

END
{
	my $status = $?;
	for my $sandbox (grep { $_->{owner} == $$ } values %sandboxes)
	{
		# above 128: interrupted; a program that dies ends with 255
		my $interrupted = $status > 128 && $status < 160;
		my $failed = $status || (Test::Builder->can('new') && !Test::Builder->new->is_passing);
		for my $code ($failed ? () : @{ $sandbox->{at_end} })
		{
			eval { $code->(); 1 } or do { print STDERR "# $@"; $failed = $status = 1; };
		}
		if (my $reports = $sandbox->sanitizer_reports)
		{
			print STDERR "# a sanitizer has reported:\n$reports";
			$status ||= 1;
		}
		$sandbox->show_logs if $failed && !$interrupted;
		$sandbox->remove;
	}
	$? = $status;
}

1;
