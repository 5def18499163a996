# A real S3 store on loopback, in a sandbox: the RADOS gateway of Ceph over TLS with a CA of its
# own.
#
#	my $cluster = PgbrCluster->new(s3 => 1)->start;    # repo1 of the cluster is in the store
#	$cluster->s3->stop;                                # and start brings it back with what it holds
#
# One monitor, one storage daemon and the gateway, unprivileged, on free ports of 127.0.0.1. What is
# stored stays in the storage daemon's memory, so all of it is there in a second or two; only the
# gateway, which is what clients talk to, is stopped and started again. Keys are random; they reach
# pgbackrest by its configuration file alone.
package PgbrS3;
use strict;
use warnings;
use IO::Socket::INET;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrTls;

my $host = 'localhost';    # what the certificate and the gateway are made out to
my $bucket = 'backups';

sub new
{
	my ($class, $sandbox) = @_;
	my $dir = "$sandbox->{root}/s3";
	my $self = bless {
		sandbox => $sandbox,
		dir => $dir,
		port => $sandbox->port,
		monitor_port => $sandbox->port,
		key => _random(20),
		secret => _random(40),
	}, $class;
	mkdir $_, 0700 for $dir, map { "$dir/$_" } qw(monitor storage gateway);
	$self->{tls} = PgbrTls->new($self->{sandbox}, $self->{dir})->ca('ca')->ca('other-ca');
	$self->make_certificate($host);
	$self->_write_conf;
	return $self;
}

sub port    { my ($self) = @_; return $self->{port} }
sub bucket  { return $bucket }
sub ca_file { my ($self) = @_; return "$self->{dir}/ca.crt" }

# Another CA, which has signed nothing.
sub other_ca_file { my ($self) = @_; return "$self->{dir}/other-ca.crt" }

# What pgbackrest.conf needs to use this as repository number N, as name => value.
sub options
{
	my ($self, $repo) = @_;
	my %options = (
		type => 's3',
		path => '/pgbackrest',
		's3-bucket' => $bucket,
		's3-endpoint' => $host,
		's3-region' => 'us-east-1',
		's3-uri-style' => 'path',
		's3-key' => $self->{key},
		's3-key-secret' => $self->{secret},
		'storage-port' => $self->{port},
		'storage-ca-file' => $self->ca_file,
		bundle => 'y');
	# with the default of 60 s a store that is away is given up after minutes
	return ('io-timeout' => 5, map { ("repo$repo-$_" => $options{$_}) } keys %options);
}

# Bring it up, the first time with its user; the bucket is made by pgbackrest's repo-create.
sub start
{
	my ($self) = @_;
	$self->_start_storage unless $self->{storage_pid};
	$self->{gateway_pid} = $self->_spawn('gateway', 'radosgw', '--name=client.admin');
	wait_for
	{
		$self->{sandbox}->alive($self->{gateway_pid}) or die "it has ended\n";
		IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port})
	}
	'the S3 store to listen';
	return $self;
}

# The gateway goes: whoever connects is refused. Signal KILL is that of a crash.
sub stop
{
	my ($self, $signal) = @_;
	$self->{sandbox}->end(delete $self->{gateway_pid}, $signal // 'TERM');
	return $self;
}

# Take the bucket away with all that is in it.
sub remove_bucket
{
	my ($self) = @_;
	$self->_run('radosgw-admin', 'bucket', 'rm', "--bucket=$bucket", '--purge-objects');
	return;
}

# Make a user, who owns nothing yet.
sub add_user
{
	my ($self, $name, $key, $secret) = @_;
	$self->_run(
		'radosgw-admin', qw(user create), "--uid=$name", "--display-name=$name",
		"--access-key=$key", "--secret-key=$secret");
	return;
}

# Have the gateway show, from its next start on, a certificate of our CA for this name.
sub make_certificate
{
	my ($self, $name) = @_;
	my $dir = $self->{dir};
	$self->{tls}->certificate(
		'gateway', 'ca',
		usage => 'serverAuth',
		subject => "/CN=$name",
		names => "DNS:$name");
	spew("$dir/gateway-tls.pem", slurp("$dir/gateway.key") . slurp("$dir/gateway.crt"), 0600);
	return;
}

sub _random
{
	my ($length) = @_;
	return join '', map { ('a' .. 'z', 'A' .. 'Z', 0 .. 9)[ rand 62 ] } 1 .. $length;
}

sub _write_conf
{
	my ($self) = @_;
	my ($dir, $port, $monitor_port) = @$self{qw(dir port monitor_port)};
	chomp(my $id = slurp('/proc/sys/kernel/random/uuid'));
	$self->{id} = $id;
	spew("$dir/ceph.conf", <<"END");
[global]
fsid = $id
mon host = v2:127.0.0.1:$monitor_port/0
public addr = 127.0.0.1
ms bind msgr1 = false
keyring = $dir/keyring
run dir = $dir
admin socket = $dir/\$name.asok
log file = $dir/\$name.log
mon cluster log file = $dir/cluster.log
mon data = $dir/monitor
# a disk that is nearly full is no reason to end
mon data avail crit = 1
paxos propose interval = 0.05
paxos min wait = 0.01
osd data = $dir/storage
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush initial weight = 1
rgw rados pool pg num min = 1
rgw data = $dir/gateway
rgw dns name = $host
# without tcp_nodelay a restore takes fifteen times as long
rgw frontends = beast ssl_endpoint=127.0.0.1:$port ssl_certificate=$dir/gateway-tls.pem tcp_nodelay=1
END
	chomp(my $key = `ceph-authtool --gen-print-key`);
	my @parts = map { "[$_]\nkey = $key\ncaps mon = \"allow *\"\ncaps osd = \"allow *\"\n" }
	  qw(mon. osd.0 client.admin);
	spew("$dir/keyring", join('', @parts), 0600);
	return;
}

sub _start_storage
{
	my ($self) = @_;
	my $dir = $self->{dir};
	chomp(my $disk = slurp('/proc/sys/kernel/random/uuid'));
	$self->{sandbox}->run(
		$dir, 's3-monmap',
		qw(monmaptool --create --addv a),
		"[v2:127.0.0.1:$self->{monitor_port}]",
		'--fsid', $self->{id}, 'monmap');
	$self->_run(qw(ceph-mon --id=a --mkfs --monmap=monmap), "--keyring=$dir/keyring");
	$self->_spawn('monitor', 'ceph-mon', '--id=a');
	$self->_run('ceph', 'osd', 'new', $disk, 0);
	$self->_run('ceph-osd', '--id=0', '--mkfs', "--osd-uuid=$disk");
	$self->{storage_pid} = $self->_spawn('storage', 'ceph-osd', '--id=0');
	# who asks it before that is made to wait for 5 s
	wait_for { slurp("$dir/osd.0.log") =~ /booting -> active/ }
	'the storage daemon of S3 to be active';
	$self->add_user('pgbackrest', @$self{qw(key secret)});
	return;
}

sub _run
{
	my ($self, $program, @arguments) = @_;
	return $self->{sandbox}
	  ->run($self->{dir}, "s3-$program", $program, '--conf', "$self->{dir}/ceph.conf", @arguments);
}

sub _spawn
{
	my ($self, $name, $program, @arguments) = @_;
	return $self->{sandbox}
	  ->spawn($self->{dir}, "s3-$name", $program, '--conf', "$self->{dir}/ceph.conf",
		'--foreground', @arguments);
}

1;
