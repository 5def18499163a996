# One PostgreSQL of a cluster with what belongs to it: its configuration, Patroni (or a plain
# postmaster), pgbackrest.conf, the sidecar, and psql to it.
package PgbrMember;
use strict;
use warnings;
use File::Path qw(make_path);
use HTTP::Tiny;
use IPC::Run ();
use JSON::PP;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecar;
use Scalar::Util qw(weaken);

chomp(my $pg_config = $ENV{PG_CONFIG} // 'pg_config');
chomp(my $bindir = `$pg_config --bindir`);
chomp(my $pkglibdir = `$pg_config --pkglibdir`);
# before Debian's wrappers, which look for clusters of the system
$ENV{PATH} = "$bindir:$ENV{PATH}";

sub new
{
	my ($class, $cluster, $name) = @_;
	my $sandbox = $cluster->{sandbox};
	my $dir = "$sandbox->{root}/$name";
	my $self = bless {
		cluster => $cluster,
		sandbox => $sandbox,
		name => $name,
		dir => $dir,
		data => "$dir/data",
		socket => "$dir/socket",
		config => "$dir/pgbackrest.conf",
		port => $sandbox->port,
	}, $class;
	weaken $self->{cluster};
	make_path($dir, map { "$dir/$_" } qw(socket lock spool pgbackrest-log), { mode => 0700 });
	$self->{rest_port} = $sandbox->port if $cluster->{patroni};
	$self->{sidecar} = PgbrSidecar->new($self, options => $cluster->{sidecar_options});
	$self->write_pgbackrest_conf;
	$self->_write_server_conf;
	$self->_write_patroni_yml if $cluster->{patroni};
	return $self;
}

sub name    { my ($self) = @_; return $self->{name} }
sub data    { my ($self) = @_; return $self->{data} }
sub sidecar { my ($self) = @_; return $self->{sidecar} }

# PostgreSQL's programs, and the server's, which may have a clock of its own
sub bindir { return $bindir }

sub _bindir
{
	my ($self) = @_;
	return $self->{cluster}{clock} ? $self->{cluster}{clock}->bindir : $bindir;
}

sub conninfo
{
	my ($self, $dbname, $user) = @_;
	$dbname //= 'postgres';
	$user   //= 'postgres';
	return "host=$self->{socket} port=$self->{port} dbname=$dbname user=$user";
}

# The one place that knows how an extension is loaded from a folder that is not the system's:
# two settings that Debian's PostgreSQL 13 to 17 has. PGBR_DEST is the DESTDIR it was installed in.
sub _extension_settings
{
	return (
		extension_destdir => $ENV{PGBR_DEST},
		dynamic_library_path => "$ENV{PGBR_DEST}$pkglibdir:\$libdir");
}

# Settings that do not go through Patroni, which drops those it does not know.
sub _write_server_conf
{
	my ($self) = @_;
	my $cluster = $self->{cluster};
	my %settings = (
		_extension_settings(),
		'pgbackrest_ctl.sidecar_url' => $self->{sidecar}->url,
		# shared memory that a kill -9 does not leave in /dev/shm
		dynamic_shared_memory_type => 'mmap',
		fsync => 'off',
		# after a failover a replica turns to the new leader before the old one comes back and
		# archives what nobody else has
		wal_retrieve_retry_interval => '200ms',
		$cluster->{preload} ? (shared_preload_libraries => 'pgbackrest_ctl') : (),
		%{ $cluster->{parameters} });
	%settings = (%settings, $self->_parameters) unless $cluster->{patroni};
	my $text = join '',
	  map { "$_ = '" . $settings{$_} =~ s/(['\\])/$1$1/gr . "'\n" } sort keys %settings;
	spew("$self->{dir}/server.conf", $text);
	return;
}

# Settings that Patroni wants to hear of.
sub _parameters
{
	my ($self) = @_;
	return (
		archive_mode => 'on',
		archive_command => $self->_pgbackrest_line('archive-push "%p"'),
		listen_addresses => '127.0.0.1',
		port => $self->{port},
		unix_socket_directories => $self->{socket},
		max_connections => 40,
		max_prepared_transactions => 5,
		shared_buffers => '32MB',
		wal_level => 'replica',
		log_checkpoints => 'off');
}

sub _pgbackrest_line
{
	my ($self, $command) = @_;
	return "pgbackrest --config=$self->{config} --stanza=$self->{cluster}{stanza} $command";
}

sub write_pgbackrest_conf
{
	my ($self) = @_;
	my ($dir, $cluster) = @$self{qw(dir cluster)};
	my %global = (
		'repo1-path' => "$self->{sandbox}{root}/repo",
		'lock-path' => "$dir/lock",
		'log-path' => "$dir/pgbackrest-log",
		'spool-path' => "$dir/spool",
		'log-level-file' => 'off',
		'start-fast' => 'y',
		'compress-type' => 'lz4',
		%{ $cluster->{pgbackrest} });
	delete @global{ grep { !defined $global{$_} } keys %global };
	my %stanza = (
		'pg1-path' => $self->{data},
		'pg1-port' => $self->{port},
		'pg1-socket-path' => $self->{socket},
		'pg1-user' => 'postgres');
	spew(
		$self->{config},
		join('',
			"[global]\n", (map { "$_=$global{$_}\n" } sort keys %global),
			"\n[$cluster->{stanza}]\n", (map { "$_=$stanza{$_}\n" } sort keys %stanza)),
		0600);
	return;
}

# Every YAML reader reads JSON.
sub _write_patroni_yml
{
	my ($self) = @_;
	my $cluster = $self->{cluster};
	my ($on, $off) = (JSON::PP::true, JSON::PP::false);
	my %parameters = $self->_parameters;
	my %own = map { $_ => delete $parameters{$_} } qw(archive_command unix_socket_directories);
	delete @parameters{qw(listen_addresses port)};
	my %login =
	  map { $_ => { username => $_, password => $cluster->{password} } } qw(postgres replicator);
	my %patroni = (
		scope => $cluster->{scope},
		name => $self->{name},
		etcd3 => { host => "127.0.0.1:$cluster->{etcd_port}" },
		restapi => {
			listen => "127.0.0.1:$self->{rest_port}",
			connect_address => "127.0.0.1:$self->{rest_port}",
		},
		bootstrap => {
			dcs => {
				ttl => 10,
				loop_wait => 1,
				retry_timeout => 4,
				maximum_lag_on_failover => 1048576,
				postgresql =>
				  { use_pg_rewind => $on, use_slots => $on, parameters => \%parameters },
			},
			initdb =>
			  [ 'data-checksums', 'no-sync', { encoding => 'UTF8' }, { locale => 'C.UTF-8' } ],
		},
		postgresql => {
			listen => "127.0.0.1:$self->{port}",
			connect_address => "127.0.0.1:$self->{port}",
			data_dir => $self->{data},
			bin_dir => $self->_bindir,
			pgpass => "$self->{dir}/pgpass",
			use_unix_socket => $on,
			custom_conf => "$self->{dir}/server.conf",
			authentication => { superuser => $login{postgres}, replication => $login{replicator} },
			pg_hba => [ $self->_pg_hba ],
			parameters => \%own,
			recovery_conf => { restore_command => $self->_pgbackrest_line('archive-get %f "%p"') },
			create_replica_methods => [qw(pgbackrest basebackup)],
			pgbackrest => {
				command => $self->_pgbackrest_line('--delta --type=standby restore'),
				keep_data => $on,
				no_params => $on,
			},
			basebackup => [ { checkpoint => 'fast' } ],
		},
		watchdog => { mode => 'off' });
	spew("$self->{dir}/patroni.yml", JSON::PP->new->canonical->pretty->encode(\%patroni), 0600);
	return;
}

# The sockets lie in a folder of our own; over TCP anyone on this machine could come.
sub _pg_hba
{
	return (
		'local all all trust',
		'local replication all trust',
		'host all all 127.0.0.1/32 scram-sha-256',
		'host replication all 127.0.0.1/32 scram-sha-256');
}

# Start PostgreSQL: through Patroni, without waiting for it; or alone, until it answers.
sub start
{
	my ($self) = @_;
	if ($self->{cluster}{patroni})
	{
		$self->{patroni_pid} = $self->{sandbox}
		  ->spawn($self->{dir}, "$self->{name}-patroni", 'patroni', "$self->{dir}/patroni.yml");
		return $self;
	}
	$self->_initdb unless -e "$self->{data}/PG_VERSION";
	$self->{sandbox}->spawn($self->{dir}, "$self->{name}-postgres", $self->_bindir . '/postgres',
		'-D', $self->{data});
	$self->wait_running;
	return $self;
}

sub _initdb
{
	my ($self) = @_;
	$self->{sandbox}->run($self->{dir}, "$self->{name}-initdb", 'initdb', '--pgdata', $self->{data},
		qw(--username=postgres --auth=trust --data-checksums --no-sync --encoding=UTF8 --locale=C.UTF-8)
	);
	spew("$self->{data}/postgresql.conf", "include '$self->{dir}/server.conf'\n");
	spew("$self->{data}/pg_hba.conf", join '', map { "$_\n" } $self->_pg_hba);
	return;
}

sub wait_running
{
	my ($self, $limit) = @_;
	wait_for { $self->psql('SELECT 1') } "PostgreSQL of $self->{name} to answer", $limit // 60;
	return;
}

# Stop PostgreSQL in order, and Patroni with it.
sub stop
{
	my ($self) = @_;
	if (my $pid = delete $self->{patroni_pid})
	{
		$self->{sandbox}->end($pid, 'TERM', 60);
	}
	elsif (my $postmaster = $self->postmaster)
	{
		$self->{sandbox}->end($postmaster, 'INT', 60);
	}
	return;
}

# The postmaster's process id, or undef.
sub postmaster
{
	my ($self) = @_;
	my ($pid) = slurp("$self->{data}/postmaster.pid") =~ /^(\d+)/ or return;
	return $self->{sandbox}->alive($pid) ? $pid : undef;
}

# The process that replays WAL there, whoever has started its server; undef when there is none.
sub startup_process
{
	my ($self) = @_;
	my ($found) =
	  grep {
		(readlink("/proc/$_/cwd") // '') eq $self->data && slurp("/proc/$_/cmdline") =~ /startup/
	  }
	  map { m{(\d+)$} } glob '/proc/[0-9]*';
	return $found;
}

# The crash of a server: Patroni and the sidecar stay.
sub kill_postmaster
{
	my ($self) = @_;
	my $pid = $self->postmaster // die "$self->{name} does not run\n";
	$self->{sandbox}->end($pid, 'KILL');
	return;
}

# The crash of a host: Patroni, the sidecar, PostgreSQL and their children at once.
sub kill
{
	my ($self) = @_;
	my $postmaster = $self->postmaster;
	CORE::kill KILL => grep { defined } delete @$self{qw(patroni_pid)},
	  $self->{sidecar}{pid}, $postmaster;
	delete $self->{sidecar}{pid};
	$self->{sandbox}->kill_below($self->{dir});
	return;
}

# Patroni's REST API: gives the decoded answer with its status in {status}.
sub patroni
{
	my ($self, $method, $path, $body) = @_;
	my $http = HTTP::Tiny->new(timeout => 5, keep_alive => 0);
	my $answer = $http->request(
		$method,
		"http://127.0.0.1:$self->{rest_port}$path",
		$body ? { content => encode_json($body) } : {});
	my $json = eval { decode_json($answer->{content}) };
	return {
		ref $json eq 'HASH' ? %$json : (),
		status => $answer->{status},
		content => $answer->{content}
	};
}

sub is_leader
{
	my ($self) = @_;
	return 1 unless $self->{cluster}{patroni};
	return $self->{patroni_pid} && $self->patroni(GET => '/leader')->{status} == 200;
}

sub patroni_log
{
	my ($self) = @_;
	return slurp("$self->{sandbox}{log}/$self->{name}-patroni.log");
}

# psql's command line: for tests that run one in the background, through IPC::Run.
sub psql_command
{
	my ($self, %with) = @_;
	return ('psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d',
		$self->conninfo(@with{qw(dbname user)}));
}

# Run a command to its end: gives exit status (128 + signal when it was killed), output, errors.
sub _command
{
	my ($self, $input, @argv) = @_;
	# from a file: a program that ends without reading must not end us with a broken pipe
	open my $file, '+>', undef or die "temporary file: $!\n";
	print $file $input;
	seek $file, 0, 0;
	IPC::Run::run(\@argv, '<', $file, '>', \my $out, '2>', \my $errors);
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return ($status, $out, $errors);
}

# Run SQL (with dbname =>, user =>): gives unaligned rows without the last newline; dies when it
# fails.
sub psql
{
	my ($self, $sql, %with) = @_;
	my ($status, $out, $errors) = $self->_command($sql, $self->psql_command(%with));
	die "psql on $self->{name}: $errors" if $status;
	chomp $out;
	return $out;
}

# Run SQL that must fail: gives the verbose message, with its SQLSTATE; dies when it succeeds.
sub psql_fails
{
	my ($self, $sql, %with) = @_;
	my ($status, $out, $errors) =
	  $self->_command("\\set VERBOSITY verbose\n$sql", $self->psql_command(%with));
	die "this should have failed: $sql\n$out" unless $status;
	return $errors;
}

# pgbackrest with this member's configuration: gives exit code, output and errors.
sub try_pgbackrest
{
	my ($self, @arguments) = @_;
	return $self->_command('', 'pgbackrest', "--config=$self->{config}",
		"--stanza=$self->{cluster}{stanza}", @arguments);
}

# The same for what must succeed: gives the output.
sub pgbackrest
{
	my ($self, @arguments) = @_;
	my ($status, $out, $errors) = $self->try_pgbackrest(@arguments);
	die "pgbackrest @arguments: exit $status: $errors$out" if $status;
	return $out;
}

# The control binary, pointed at this member's sidecar: gives exit status, output and errors.
sub ctl
{
	my ($self, @arguments) = @_;
	local $ENV{PGBRCTL_URL} = $self->{sidecar}->url;
	return $self->_command('', "$ENV{PGBR_BUILD}/pgbackrest_ctl", @arguments);
}

1;
