# Commands as another user of this host, for tests of what such a one may do. Only root can become
# somebody else, and tests run as postgres: so test/run, when it is root, has two processes become
# nobody, of whom one is in postgres' group, and run what they are told at a socket. They end, and
# their folder goes, with test/run.
package PgbrOtherUser;
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Copy     qw(copy);
use File::Path     qw(remove_tree);
use File::Temp     qw(tempdir);
use IO::Socket::UNIX;
use IPC::Run ();
use JSON::PP;
use POSIX ();

my $json = JSON::PP->new->utf8->canonical;

# How each begins; the second one is let in where the group is.
my %as = (stranger => ['--clear-groups'], in_group => [ '--groups', 'postgres' ]);

# For root: start them. Gives what they end with, when it is closed.
sub serve
{
	my $folder = tempdir('pgbr-other-XXXXXX', DIR => '/tmp');
	my (undef, undef, $uid, $gid) = getpwnam 'postgres' or die "no user postgres\n";
	chmod 0755, $folder;
	# where both kinds of users can look
	mkdir "$folder/public", 0755 or die "$folder/public: $!\n";
	chown $uid, $gid, "$folder/public";
	# whom it becomes can't read where this lies
	copy(__FILE__, "$folder/PgbrOtherUser.pm") or die "$folder: $!\n";
	pipe my $read, my $write or die "pipe: $!\n";
	my $keeper = fork // die "fork: $!\n";
	if (!$keeper)
	{
		POSIX::setsid();
		# what is open here keeps others waiting: a sandbox's reaper, a lock, the reader of our
		# output
		POSIX::close($_) for grep { $_ != fileno $read } 3 .. 255;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		my @served = map { _serve_one("$folder/$_", $gid, @{ $as{$_} }) } sort keys %as;
		sysread $read, my $never, 1;
		kill TERM => @served;
		remove_tree($folder);
		POSIX::_exit(0);
	}
	close $read;
	$ENV{PGBR_OTHER_USER} = $folder;
	return $write;
}

sub _serve_one
{
	my ($path, $gid, @groups) = @_;
	my $socket = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "$path: $!\n";
	chown 0, $gid, $path;
	chmod 0660, $path;
	my $pid = fork // die "fork: $!\n";
	return $pid if $pid;
	# what it is told comes in as its standard input
	open STDIN, '<&', $socket or die "$path: $!\n";
	delete @ENV{qw(PGBR_SANDBOX PERL5LIB TMPDIR)};
	chdir '/';
	exec 'setpriv', '--reuid=nobody', '--regid=nogroup', @groups, '--', 'perl',
	  '-I' . dirname($path), '-MPgbrOtherUser', '-e', 'PgbrOtherUser::_obey()';
}

sub _obey
{
	my $listener = IO::Socket::UNIX->new_from_fd(0, 'r') or die "listener: $!\n";
	while (my $told = $listener->accept)
	{
		my $argv = $json->decode(scalar <$told>);
		my ($out, $errors) = ('', '');
		eval {
			IPC::Run::run([ 'timeout', 30, @$argv ], '<', '/dev/null', '>', \$out, '2>', \$errors);
		};
		print $told $json->encode({ status => $? >> 8, out => $out, errors => "$errors$@" });
		close $told;
	}
	return;
}

# A folder that the other user can look into, and where we write; undef when there is no other user.
sub public { return defined $ENV{PGBR_OTHER_USER} ? "$ENV{PGBR_OTHER_USER}/public" : undef }

# Run a command as "stranger" or "in_group": { status, out, errors }.
sub run
{
	my ($who, @argv) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => "$ENV{PGBR_OTHER_USER}/$who")
	  or die "could not reach the other user: $!\n";
	print $socket $json->encode(\@argv), "\n";
	$socket->flush;
	local $/;
	return $json->decode(scalar <$socket>);
}

1;
