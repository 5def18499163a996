# What the checkout builds, laid out in a throw-away folder that the user of PostgreSQL can read:
# the checkout may lie where only its owner can look, and nothing is installed into the system.
#
#	dest/   the extension, as make install lays it out (PGBR_DEST)
#	bin/    the programs (PGBR_BUILD), bin/unit/ the unit tests
#	tmp/    where the tests have their own folders (TMPDIR)
#	logs/   what failed tests leave to be read (PGBR_LOGS)
# and beside them what tests read of the checkout, in the same places as there.
package PgbrStage;
use strict;
use warnings;
use Cwd            qw(abs_path);
use Fcntl          qw(:flock);
use File::Basename qw(dirname);
use PgbrOtherUser;
use PgbrSandbox;

my $top = abs_path(dirname(__FILE__) . '/../..');

sub top { return $top }

# Build and lay out. The programs and unit tests are, with build => 'sanitized', those under ASan
# and UBSan; with 'unit', plain ones; with 'covered', those that count which lines are run, into the
# folder counts().
sub new
{
	my ($class, %set) = @_;
	my $self = bless { sandbox => PgbrSandbox->new }, $class;
	my $stage = $self->{stage} = $self->{sandbox}{root};
	my $programs =
	  { sanitized => 'build/asan', covered => 'build/coverage' }->{ $set{build} // '' } // 'build';
	chdir $top or die "$top: $!\n";
	mkdir 'build';
	open my $lock, '>', 'build/.lock' or die "build/.lock: $!\n";
	flock $lock, LOCK_EX;
	# a job server of the make that called us is not ours to use
	$ENV{MAKEFLAGS} =~ s/(?:^| )(?:-j\d*|--jobserver-\S+)//g if $ENV{MAKEFLAGS};
	_quietly('make', '-s', '-j2', 'all', 'test-libs');
	_quietly('make', '-s', '-j2', $set{build}) if $set{build};
	mkdir "$stage/$_" for qw(dest bin tmp logs);
	_quietly('make', '-s', "DESTDIR=$stage/dest", 'install');
	_quietly('cp', '-r',
		(grep { -e } qw(src sql expected test docs deploy README.md pgbackrest_ctl.control)),
		$stage);
	_quietly('cp', '-r',
		(grep { -e } map { "$programs/$_" } qw(pgbackrest_sidecar pgbackrest_ctl unit)),
		'build/clock_preload.so', 'build/memory_preload.so', "$stage/bin");
	_quietly('chown', '-R', 'postgres:', $stage) if $> == 0;
	$ENV{PGBR_CHECKOUT} = $top;
	@ENV{qw(PGBR_DEST PGBR_BUILD TMPDIR PGBR_LOGS)} = map { "$stage/$_" } qw(dest bin tmp logs);
	$ENV{PERL5LIB} = "$stage/test/lib";
	# not beside the objects, where the user of PostgreSQL can't write
	$ENV{GCOV_PREFIX} = $self->counts if ($set{build} // '') eq 'covered';
	$self->{other_user} = PgbrOtherUser::serve() if $> == 0;
	return $self;
}

# The folder for the counts of lines, by the whole path of each object.
sub counts { my ($self) = @_; return "$self->{stage}/tmp/counts" }

sub folder { my ($self) = @_; return $self->{stage} }

# A command as the user PostgreSQL runs as: this one, or for root, whom it refuses, postgres. Its
# orphans are collected at once, as most inits do: Patroni takes a postmaster that has ended and
# that nobody has collected for one that runs.
sub as_user
{
	my ($self, @command) = @_;
	unshift @command, qw(tini -s -p SIGKILL --);
	return $>
	  ? @command
	  : (qw(setpriv --reuid=postgres --regid=postgres --init-groups --), @command);
}

# Run a command; its output is shown only when it fails, which ends the program.
sub _quietly
{
	my (@command) = @_;
	open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command or die "$command[0]: $!\n";
	my $output = do { local $/; <$pipe> };
	close $pipe or die "${output}failed: @command\n";
	return;
}

1;
