# A clock of its own for all PostgreSQL servers of a sandbox, which the test sets. It runs on at the
# pace of the real one.
#
#	my $cluster = PgbrCluster->new(clock => 1)->start;
#	my $clock = $cluster->clock;
#	$clock->set('2026-10-25 02:59:59.9+02');    # sets it for what the server sees as time of day
#	$clock->step(86400);
#
# Servers that are started from then on have it; the programs beside them, and Patroni, go by the
# real one. It works through test/lib/clock_preload.c, which says what is shifted and what is not.
package PgbrClock;
use strict;
use warnings;
use File::Basename qw(basename);
use PgbrSandbox    qw(spew);
use POSIX          qw(floor);
use Time::HiRes    qw(time);
use Time::Local    qw(timegm);

# Moments are seconds since 1970, or "YYYY-MM-DD HH:MM:SS+HH[:MM]".
sub moment
{
	my ($text) = @_;
	return $text if $text =~ /^[\d.]+$/;
	my ($year, $month, $day, $hour, $minute, $second, $sign, $east, $rest) =
	  $text =~ /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d(?:\.\d+)?)([+-])(\d\d)(?::?(\d\d))?$/
	  or die "no moment: $text\n";
	my $offset = "${sign}1" * (3600 * $east + 60 * ($rest // 0));
	return timegm(floor($second), $minute, $hour, $day, $month - 1, $year) +
	  $second -
	  floor($second) -
	  $offset;
}

sub new
{
	my ($class, $sandbox, $bindir) = @_;
	my $self = bless {
		file => "$sandbox->{root}/clock",
		bindir => "$sandbox->{root}/clock-bin",
		ahead => 0
	}, $class;
	spew($self->{file}, pack 'qq', 0, -1);
	mkdir $self->{bindir};
	symlink $_, "$self->{bindir}/" . basename($_) for grep { !m{/postgres$} } glob "$bindir/*";
	spew("$self->{bindir}/postgres", <<"END", 0755);
#!/bin/sh
PGBR_CLOCK='$self->{file}' LD_PRELOAD='$ENV{PGBR_BUILD}/clock_preload.so' exec '$bindir/postgres' "\$@"
END
	return $self;
}

# What stands in for PostgreSQL's own folder of programs.
sub bindir { my ($self) = @_; return $self->{bindir} }

sub now { my ($self) = @_; return time + $self->{ahead} / 1e6 }

# Set it to a moment, as far away as it may be.
sub set
{
	my ($self, $moment) = @_;
	$moment = moment($moment);
	return $self->_shift(floor(($moment - time) * 1e6));
}

# Set it forward by seconds, or back.
sub step
{
	my ($self, $seconds) = @_;
	return $self->_shift($self->{ahead} + floor($seconds * 1e6));
}

# In one write, so that those who watch the file are woken once.
sub _shift
{
	my ($self, $ahead) = @_;
	$self->{ahead} = $ahead;
	open my $file, '+<', $self->{file} or die "$self->{file}: $!\n";
	syswrite($file, pack 'qq', $ahead, -1 - $ahead) == 16 or die "$self->{file}: $!\n";
	return $self;
}

1;
