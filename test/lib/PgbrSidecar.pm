# One pgbackrest_sidecar beside one member: its process, its log, and HTTP to it.
#
# The program is taken from PGBR_BUILD (test/run sets it: the build under ASan for the tests).
# It is asked over its socket, where it knows us for PostgreSQL's user; speak_tcp turns to its
# address, where nobody is known without a token. HTTPS is left to curl; this speaks plain HTTP.
package PgbrSidecar::Http;
use strict;
use warnings;
use parent 'HTTP::Tiny';
use IO::Socket::UNIX;

# HTTP::Tiny with a connection that somebody else has made.
sub new
{
	my ($class, $socket, %set) = @_;
	my $self = $class->SUPER::new(%set);
	$self->{pgbr_socket} = $socket;
	return $self;
}

sub _open_handle
{
	my ($self, $request, $scheme, $host, $port, $peer) = @_;
	return $self->SUPER::_open_handle($request, $scheme, $host, $port, $peer)
	  unless $self->{pgbr_socket};
	my $handle = HTTP::Tiny::Handle->new(timeout => $self->{timeout});
	$handle->{fh} = IO::Socket::UNIX->new(Peer => $self->{pgbr_socket})
	  or die "could not connect to $self->{pgbr_socket}: $!\n";
	@$handle{qw(scheme host port peer pid tid)} =
	  ($scheme, $host, $port, $peer, $$, HTTP::Tiny::Handle::_get_tid());
	return $handle;
}

package PgbrSidecar;
use strict;
use warnings;
use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use PgbrSandbox  qw(slurp wait_for);
use Scalar::Util qw(weaken);
use Time::HiRes  qw(time);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# options: more of the command line, as a list. One that is given again here wins over our own.
# name: of a further sidecar beside the same member, which the caller stops. default_listen: as it
# comes, with a socket and nothing else.
sub new
{
	my ($class, $member, %set) = @_;
	my $self = bless {
		member => $member,
		sandbox => $member->{sandbox},
		port => $member->{sandbox}->port,
		state => "$member->{dir}/" . ($set{name} // 'sidecar'),
		socket => "$member->{dir}/" . ($set{name} // 'sidecar') . '.sock',
		options => [ @{ $set{options} // [] } ],
		wrapper => [],
		default_listen => $set{default_listen},
		name => "$member->{name}-" . ($set{name} // 'sidecar'),
	}, $class;
	weaken $self->{member};
	mkdir $self->{state}, 0700;
	return $self;
}

sub url     { my ($self) = @_; return $self->{tcp} ? $self->tcp_url : "unix:$self->{socket}" }
sub tcp_url { my ($self) = @_; return "http://127.0.0.1:$self->{port}" }

# From now on it is asked at its address; with 0 over its socket again.
sub speak_tcp { my ($self, $tcp) = @_; $self->{tcp} = $tcp // 1; return $self }

sub pid { my ($self) = @_; return $self->{pid} }

# A command that it is run by from the next start on; none: by itself.
sub set_wrapper { my ($self, @command) = @_; $self->{wrapper} = [@command]; return $self }

sub state_dir { my ($self) = @_; return $self->{state} }

# The command line: for start, and for tests of what is refused.
sub command
{
	my ($self, @options) = @_;
	my $member = $self->{member};
	my %own = (
		'--stanza' => $member->{cluster}{stanza},
		'--config' => $member->{config},
		'--state-dir' => $self->{state},
		'--socket' => $self->{socket},
		'--listen' => "127.0.0.1:$self->{port}",
		'--pg-conninfo' => $member->conninfo('postgres'));
	delete $own{'--listen'} if $self->{default_listen};
	@options = (@{ $self->{options} }, @options);
	delete $own{ (split /=/)[0] } for @options;
	return (
		@{ $self->{wrapper} },
		"$ENV{PGBR_BUILD}/pgbackrest_sidecar",
		(map { "$_=$own{$_}" } sort keys %own), @options);
}

# Start the process, with further options for this time; returns without waiting for an answer.
sub launch
{
	my ($self, @options) = @_;
	$self->{pid} = $self->{sandbox}->spawn($self->{state}, $self->{name}, $self->command(@options));
	return $self;
}

# Start and wait until it answers.
sub start
{
	my ($self, @options) = @_;
	$self->launch(@options);
	wait_for
	{
		$self->alive or die "it ended:\n" . $self->log;
		$self->http(GET => '/livez')->{status} == 200
	}
	"$self->{name} to answer";
	return $self;
}

sub alive
{
	my ($self) = @_;
	return $self->{pid} && $self->{sandbox}->alive($self->{pid});
}

# As an orderly service manager does it; gives the wait status (0: a clean end).
sub stop
{
	my ($self, $limit) = @_;
	return unless $self->{pid};
	my $status = $self->{sandbox}->end($self->{pid}, 'TERM', $limit);
	delete $self->{pid};
	return $status;
}

sub kill
{
	my ($self) = @_;
	$self->{sandbox}->end($self->{pid}, 'KILL');
	delete $self->{pid};
	return;
}

sub restart
{
	my ($self, @options) = @_;
	$self->stop;
	return $self->start(@options);
}

# Wait until it says that backups can be made.
sub wait_ready
{
	my ($self, $limit) = @_;
	wait_for
	{
		my $answer = $self->http(GET => '/readyz');
		$answer->{status} == 200 or die "$answer->{content}\n"
	}
	"$self->{name} to be ready", $limit;
	return $self;
}

# One request; with headers => {}, body => text or a structure (sent as JSON), timeout => seconds.
# Gives HTTP::Tiny's answer (status 599: there was none), with the member json when it is JSON.
sub http
{
	my ($self, $method, $path, %with) = @_;
	my %request = (headers => { %{ $with{headers} // {} } });
	if (ref $with{body})
	{
		$request{content} = $json->encode($with{body});
		$request{headers}{'Content-Type'} //= 'application/json';
	}
	elsif (defined $with{body})
	{
		$request{content} = $with{body};
	}
	my $client = PgbrSidecar::Http->new(
		$self->{tcp} ? undef : $self->{socket},
		keep_alive => 0,
		max_redirect => 0,
		timeout => $with{timeout} // 30);
	my $answer = $client->request($method, $self->tcp_url . $path, \%request);
	$answer->{json} = $json->decode($answer->{content})
	  if ($answer->{headers}{'content-type'} // '') =~ m{^application/(?:problem\+)?json};
	return $answer;
}

# Ask for a job; gives it, or dies with the problem.
sub post_job
{
	my ($self, %job) = @_;
	my $answer = $self->http(POST => '/v1/jobs', body => \%job);
	die "$answer->{status}: $answer->{content}\n" unless $answer->{success};
	return $answer->{json};
}

sub job
{
	my ($self, $id) = @_;
	my $answer = $self->http(GET => "/v1/jobs/$id");
	die "$answer->{status}: $answer->{content}\n" unless $answer->{success};
	return $answer->{json};
}

# Wait for a job to be in a state that matches; without one, for its end. Gives the job.
sub wait_job
{
	my ($self, $id, $state, $limit) = @_;
	$state //= qr/^(?:succeeded|failed|cancelled|interrupted)$/;
	my $job;
	wait_for
	{
		$job = $self->job($id);
		$job->{state} =~ $state or die $json->encode($job) . "\n"
	}
	"job $id to be $state", $limit // 60;
	return $job;
}

# A connection to it.
sub connect
{
	my ($self) = @_;
	return IO::Socket::UNIX->new(Peer => $self->{socket}) unless $self->{tcp};
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port});
}

# Send bytes as they are and give what comes back until the other end closes, or the limit.
sub raw
{
	my ($self, $bytes, $limit) = @_;
	my $socket = $self->connect
	  or die "could not connect to $self->{name}: $!\n";
	local $SIG{PIPE} = 'IGNORE';
	syswrite $socket, $bytes;
	my ($select, $end, $answer) = (IO::Select->new($socket), time + ($limit // 5), '');
	while ((my $left = $end - time) > 0)
	{
		next unless $select->can_read($left);
		last unless sysread $socket, $answer, 65536, length $answer;
	}
	return $answer;
}

# The same, and what comes back read as http() gives it. Without an answer the status is 0.
sub raw_http
{
	my ($self, $bytes) = @_;
	my ($head, $content) = split /\r\n\r\n/, $self->raw($bytes, 10), 2;
	my ($first, @lines) = split /\r\n/, $head // '';
	my %answer =
	  (status => ($first // '') =~ m{^HTTP/1\.[01] (\d+)} ? $1 : 0, content => $content // '');
	for (@lines) { $answer{headers}{ lc $1 } = $2 if /^([^:]+): *(.*)/ }
	$answer{json} = JSON::PP->new->utf8->decode($answer{content})
	  if ($answer{headers}{'content-type'} // '') =~ /json/ && $answer{content};
	return \%answer;
}

# All it has written, over its restarts.
sub log
{
	my ($self) = @_;
	return slurp("$self->{sandbox}{log}/$self->{name}.log");
}

1;
