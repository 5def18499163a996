# A cluster of real parts in a throw-away folder: etcd, Patroni, PostgreSQL with the extension, a
# sidecar beside every member, and one pgbackrest repository that they share, on disk or in S3.
#
#	my $cluster = PgbrCluster->new(members => 3)->start;
#	$cluster->leader->psql('SELECT pgbr_backup()');
#
# Everything runs as the current user on free ports of 127.0.0.1. It needs PGBR_BUILD (the folder
# with the programs) and PGBR_DEST (the DESTDIR with the extension); test/run sets both. When the
# program ends, whatever the way, all is stopped and removed; see PgbrSandbox.
package PgbrCluster;
use strict;
use warnings;
use HTTP::Tiny;
use IO::Socket::INET;
use PgbrClock;
use PgbrMember;
use PgbrS3;
use PgbrSandbox qw(wait_for);

# members: how many (1); patroni: whether they run under it (when there are several); preload:
# shared_preload_libraries (1); sidecars: whether start starts them (1); stanza (main); parameters,
# pgbackrest: more settings of the server and of pgbackrest.conf; sidecar_options: more of its
# command line, as a list; clock: whether the servers have a clock of their own (PgbrClock); s3: the
# number of the repository that is in an S3 store (PgbrS3).
sub new
{
	my ($class, %set) = @_;
	$ENV{$_} // die "$_ is not set: start this through test/run or test/demo\n"
	  for qw(PGBR_BUILD PGBR_DEST);
	die "PostgreSQL does not run as root: start this through test/run or test/demo\n" if $> == 0;
	my $self = bless {
		members => 1,
		preload => 1,
		sidecars => 1,
		stanza => 'main',
		scope => 'pgbr',
		parameters => {},
		pgbackrest => {},
		sidecar_options => [],
		password => join('', map { ('a' .. 'z', 0 .. 9)[ rand 36 ] } 1 .. 24),
		%set,
	}, $class;
	$self->{patroni} //= $self->{members} > 1;
	$self->{sandbox} = PgbrSandbox->new;
	delete @ENV{ grep { /^(?:PG(?!BR_)|PGBACKREST_)/ } keys %ENV };
	$ENV{HOME} = $self->{sandbox}{root};
	$ENV{"${_}_OPTIONS"} = "log_path=$self->{sandbox}{log}/sanitizer:print_stacktrace=1"
	  for qw(ASAN UBSAN);
	$self->{clock} = PgbrClock->new($self->{sandbox}, PgbrMember->bindir) if $self->{clock};
	$self->{etcd_port} = $self->{sandbox}->port if $self->{patroni};
	mkdir "$self->{sandbox}{root}/repo", 0750;

	if ($self->{s3})
	{
		$self->{store} = PgbrS3->new($self->{sandbox});
		$self->{pgbackrest} = { $self->{store}->options($self->{s3}), %{ $self->{pgbackrest} } };
	}
	$self->{members} = [ map { PgbrMember->new($self, "m$_") } 1 .. $self->{members} ];
	# a sidecar that ends by itself can report what it leaked
	$self->{sandbox}->at_end(sub {
		for my $sidecar (map { $_->sidecar } $self->members)
		{
			$sidecar->alive or next;
			my $status = $sidecar->stop;
			die "$sidecar->{name} ended with wait status $status\n" if $status;
		}
	});
	return $self;
}

sub members { my ($self) = @_;          return @{ $self->{members} } }
sub member  { my ($self, $number) = @_; return $self->{members}[ $number - 1 ] }
sub sandbox { my ($self) = @_;          return $self->{sandbox} }
sub clock   { my ($self) = @_;          return $self->{clock} }
sub s3      { my ($self) = @_;          return $self->{store} }

# Change pgbackrest.conf of all members: options as in new, undef for one to be left out.
sub configure
{
	my ($self, %options) = @_;
	$self->{pgbackrest} = { %{ $self->{pgbackrest} }, %options };
	$_->write_pgbackrest_conf for $self->members;
	return;
}

# Bring all up and wait until every sidecar says it is ready and every replica streams. A new
# cluster is led by its first member. Without sidecars the stanza is made by hand.
sub start
{
	my ($self) = @_;
	my ($first, @others) = $self->members;
	my $is_new = !-e "$first->{data}/PG_VERSION";
	if ($self->{store} && $is_new)
	{
		$self->{store}->start;
		$first->pgbackrest("--repo=$self->{s3}", 'repo-create');
	}
	$self->start_etcd if $self->{patroni};
	$_->start for $first, $is_new ? () : @others;
	my $leader = $self->wait_leader;
	my @sidecars = $self->{sidecars} ? map { $_->sidecar } $self->members : ();
	if (@sidecars)
	{
		$leader->sidecar->start->wait_ready(60);
	}
	else
	{
		$leader->pgbackrest('stanza-create');
	}
	$_->start for $is_new ? @others : ();
	$_->start for grep { !$_->alive } @sidecars;
	$self->wait_streaming;
	$_->wait_ready(60) for @sidecars;
	return $self;
}

sub start_etcd
{
	my ($self) = @_;
	my $sandbox = $self->{sandbox};
	my $url = "http://127.0.0.1:$self->{etcd_port}";
	my $peer = 'http://127.0.0.1:' . ($self->{etcd_peer_port} //= $sandbox->port);
	$self->{etcd_pid} = $sandbox->spawn(
		$sandbox->{root}, 'etcd',
		'etcd', '--name=etcd',
		"--data-dir=$sandbox->{root}/etcd", '--logger=zap',
		'--log-level=warn', "--listen-client-urls=$url",
		"--advertise-client-urls=$url", "--listen-peer-urls=$peer",
		"--initial-advertise-peer-urls=$peer", "--initial-cluster=etcd=$peer");
	wait_for { HTTP::Tiny->new(timeout => 2)->get("$url/health")->{content} =~ /true/ }
	'etcd to be healthy';
	return;
}

# Stop all in order; start brings it up again with its data.
sub stop
{
	my ($self) = @_;
	for my $member (reverse $self->members)
	{
		$member->sidecar->stop;
		$member->stop;
	}
	$self->{sandbox}->end(delete $self->{etcd_pid}, 'TERM') if $self->{etcd_pid};
	return;
}

# Kill all servers and keep them from being started again: their ports are taken until what this
# gives is thrown away.
sub break_servers
{
	my ($self) = @_;
	my $leader = $self->leader;
	my @patroni = map { $_->{patroni_pid} } $self->members;
	my @ports;
	# nobody is to be promoted in between
	kill STOP => @patroni;
	$_->kill_postmaster for $leader, grep { $_ != $leader } $self->members;
	for my $member ($self->members)
	{
		push @ports, wait_for
		{
			IO::Socket::INET->new(
				Listen => 1,
				LocalAddr => '127.0.0.1',
				LocalPort => $member->{port},
				ReuseAddr => 1)
		}
		"the port of $member->{name}";
	}
	kill CONT => @patroni;
	return @ports;
}

# The member that leads now, or undef.
sub leader
{
	my ($self) = @_;
	my ($leader) = grep { $_->is_leader } $self->members;
	return $leader;
}

# Wait for a leader (with other_than => a member: for another one) and give it.
sub wait_leader
{
	my ($self, %with) = @_;
	my $not = $with{other_than} // 0;
	return wait_for
	{
		my $leader = $self->leader;
		$leader && $leader != $not ? $leader : undef
	}
	'a leader', $with{limit} // 60;
}

sub replicas
{
	my ($self) = @_;
	my $leader = $self->wait_leader;
	return grep { $_ != $leader } $self->members;
}

# Wait until every member whose Patroni runs leads or streams from the leader.
sub wait_streaming
{
	my ($self, $limit) = @_;
	return unless $self->{patroni};
	# a pg_basebackup streams too, under its own name
	my $query = q{SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'};
	wait_for
	{
		my $leader = $self->leader or return;
		my %streams = map { $_ => 1 } $leader->{name}, split /\n/, $leader->psql($query);
		!grep { $_->{patroni_pid} && !$streams{ $_->{name} } } $self->members
	}
	'all replicas to stream', $limit // 90;
	return;
}

# What the verbs that work on a whole cluster take from the environment: where Patroni and the
# sidecars of all members are.
sub ctl_environment
{
	my ($self) = @_;
	return (
		PGBRCTL_PATRONI_URL => join(',', map { "http://127.0.0.1:$_->{rest_port}" } $self->members),
		PGBRCTL_SIDECARS => join(',', map { "$_->{name}=" . $_->sidecar->url } $self->members));
}

# The control binary, told where the whole cluster is: gives exit status, output and errors.
sub cluster_ctl
{
	my ($self, @arguments) = @_;
	local %ENV = (%ENV, $self->ctl_environment);
	return $self->member(1)->ctl(@arguments);
}

# For clusters of one member: the methods of that member and of its sidecar under one roof.
for my $method (qw(psql psql_fails pgbackrest ctl data))
{
	no strict 'refs';
	*$method = sub { my ($self, @rest) = @_; return $self->wait_leader->$method(@rest) };
}
for my $method (qw(http raw post_job job wait_job))
{
	no strict 'refs';
	*$method = sub { my ($self, @rest) = @_; return $self->wait_leader->sidecar->$method(@rest) };
}

1;
