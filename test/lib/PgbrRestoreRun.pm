# One run of the control binary whose events are read as they come, so that a test can act in the
# midst of it: kill it, or something else, as a step begins.
#
#	my $run = PgbrRestoreRun->new($cluster, 'restore', '--force', '--format=json', ...);
#	$run->wait_event(step => 'recover', state => 'started');
#	$run->kill;            # or: my $status = $run->finish;
package PgbrRestoreRun;
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use PgbrSandbox qw(slurp);
use POSIX       ();
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8;

sub new
{
	my ($class, $cluster, @arguments) = @_;
	my $errors = "$cluster->{sandbox}{root}/ctl-errors";
	unlink $errors;
	pipe my $read, my $write or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		my %environment = $cluster->ctl_environment;
		@ENV{ keys %environment } = values %environment;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>&', $write;
		open STDERR, '>', $errors;
		exec {"$ENV{PGBR_BUILD}/pgbackrest_ctl"} 'pgbackrest_ctl', @arguments or POSIX::_exit(127);
	}
	return bless {
		pid => $pid,
		read => $read,
		text => '',
		errors_file => $errors,
		events => [],
		arguments => \@arguments,
	}, $class;
}

sub pid { my ($self) = @_; return $self->{pid} }

# All events that were read.
sub events { my ($self) = @_; return @{ $self->{events} } }

# What it has written to its standard error.
sub errors { my ($self) = @_; return slurp($self->{errors_file}) }

# The next event, as a hash; undef when there are no more. Dies when there is none for a minute.
sub next_event
{
	my ($self, $limit) = @_;
	my $end = time + ($limit // 60);
	my $length;
	while (($length = 1 + index $self->{text}, "\n") == 0)
	{
		my $left = $end - time;
		die "waited in vain for an event of \"@{$self->{arguments}}\" after ", $self->last_words,
		  "\n"
		  unless $left > 0 && IO::Select->new($self->{read})->can_read($left);
		return undef unless sysread $self->{read}, $self->{text}, 65536, length $self->{text};
	}
	my $event = $json->decode(substr $self->{text}, 0, $length, '');
	push @{ $self->{events} }, $event;
	return $event;
}

# Whether next_event would return within so many seconds.
sub has_event
{
	my ($self, $seconds) = @_;
	return $self->{text} =~ /\n/ || IO::Select->new($self->{read})->can_read($seconds);
}

# Read on until an event has all of these members; gives it, or undef when the run ends before.
sub wait_event
{
	my ($self, %wanted) = @_;
	while (my $event = $self->next_event)
	{
		return $event unless grep { ($event->{$_} // '') ne $wanted{$_} } keys %wanted;
	}
	return undef;
}

# Wait for its end; gives the exit status, or 128 and the signal.
sub finish
{
	my ($self) = @_;
	1 while $self->next_event(120);
	waitpid $self->{pid}, 0;
	$self->{status} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return $self->{status};
}

# kill -9
sub kill
{
	my ($self) = @_;
	CORE::kill KILL => $self->{pid};
	return $self->finish;
}

# The steps that were told to be done, or skipped.
sub steps_done
{
	my ($self) = @_;
	return map { $_->{step} }
	  grep { $_->{event} eq 'step' && $_->{state} =~ /^(?:done|skipped)$/ } $self->events;
}

# The summary that it has ended with, or undef.
sub summary
{
	my ($self) = @_;
	my ($last) = reverse $self->events;
	return $last && $last->{event} eq 'summary' ? $last : undef;
}

# The plan that it goes by.
sub plan
{
	my ($self) = @_;
	my ($plan) = map { $_->{plan} } grep { $_->{event} eq 'plan' } $self->events;
	return $plan;
}

# How it ended, for whoever reads of a failure.
sub last_words
{
	my ($self) = @_;
	my @told = grep { $_->{event} =~ /^(?:step|note)$/ } $self->events;
	my @last = @told > 6 ? @told[ -6 .. -1 ] : @told;
	return join "\n", (map { $json->encode($_) } @last), $self->errors;
}

1;
