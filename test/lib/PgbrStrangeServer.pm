# An HTTP server that does what a sidecar can't be made to do: hang, break off, answer rubbish. How
# it answers is chosen by the first part of the path, so one server is many: with a sidecar_url of
# "$server->url/hang" every request hangs.
#
#	my $server = PgbrStrangeServer->new($sandbox, { hang => sub { ... } });
#
# A handler is given the socket and the request {method, path, key, body} (path without that first
# part) and writes what it likes; the connection is closed when it returns. Where there is no
# handler for the first part, that of '' is taken. It listens on 127.0.0.1, or at what is given:
#
#	PgbrStrangeServer->new($sandbox, {...}, address => '127.1.2.3', port => 8430);
package PgbrStrangeServer;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use JSON::PP;
use PgbrSandbox qw(slurp wait_for);
use POSIX       ();

our @EXPORT_OK = qw(answer);

sub new
{
	my ($class, $sandbox, $handlers, %at) = @_;
	my $self = bless { address => '127.0.0.1', port => $at{port} // $sandbox->port, %at }, $class;
	$self->{log} = "$sandbox->{log}/strange-server-$self->{address}-$self->{port}.requests";
	my $socket = IO::Socket::INET->new(
		LocalAddr => $self->{address},
		LocalPort => $self->{port},
		Listen => 64,
		ReuseAddr => 1) or die "could not listen on port $self->{port}: $!\n";
	my $pid = fork // die "fork: $!";
	return $self if $pid;
	setpgrp;
	chdir $sandbox->{root};
	# the reaper waits for its other end to be closed everywhere
	close $sandbox->{pipe};
	$SIG{CHLD} = 'IGNORE';
	while (1)
	{
		my $client = $socket->accept or next;
		next if fork // die "fork: $!";
		$self->_serve($client, $handlers);
		close $client;
		POSIX::_exit(0);
	}
}

sub url { my ($self) = @_; return "http://$self->{address}:$self->{port}" }

# All requests so far, one a line: METHOD /BEHAVIOUR/PATH KEY
sub requests { my ($self) = @_; return -e $self->{log} ? slurp($self->{log}) : '' }

# The secrets that came with them, one a line: what stood in Authorization.
sub secrets
{
	my ($self) = @_;
	return -e "$self->{log}.secrets" ? slurp("$self->{log}.secrets") : '';
}

sub _serve
{
	my ($self, $client, $handlers) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $head = '';
	while ($head !~ /\r\n\r\n/)
	{
		sysread $client, $head, 65536, length $head or return;
		return if $head =~ /^\x16\x03/;    # TLS
	}
	($head, my $body) = split /\r\n\r\n/, $head, 2;
	my ($length) = $head =~ /^Content-Length: (\d+)/mi;
	while (length $body < ($length // 0))
	{
		sysread $client, $body, 65536, length $body or return;
	}
	my ($method, $behaviour, $path) = $head =~ m{^(\S+) /([^/]+)(\S*)} or return;
	my ($key) = $head =~ /^Idempotency-Key: (\S+)/mi;
	open my $log, '>>', $self->{log} or die "$self->{log}: $!";
	syswrite $log, "$method /$behaviour$path " . ($key // '-') . "\n";
	if ($head =~ /^Authorization: ([^\r\n]*)/mi)
	{
		open my $secrets, '>>', "$self->{log}.secrets" or die "$self->{log}.secrets: $!";
		syswrite $secrets, "$1\n";
	}
	my $handler = $handlers->{$behaviour} // $handlers->{''} or return;
	$handler->($client, { method => $method, path => $path, key => $key, body => $body });
	return;
}

# Answer in good order. A structure is sent as JSON, a text as it is.
sub answer
{
	my ($client, $body, %with) = @_;
	$body = JSON::PP->new->utf8->canonical->encode($body) if ref $body;
	my $type = $with{type} // 'application/json';
	my $status = $with{status} // 200;
	my $bytes =
		"HTTP/1.1 $status x\r\nContent-Type: $type\r\nContent-Length: "
	  . length($body) . "\r\n"
	  . ($with{headers} // '')
	  . "Connection: close\r\n\r\n$body";
	my $sent = 0;
	while ($sent < length $bytes)
	{
		$sent += syswrite($client, $bytes, 65536, $sent) // return;
	}
	# what is closed with something unread is reset, and the answer with it
	shutdown $client, 1;
	sysread $client, my $rest, 1;
	return;
}

1;
