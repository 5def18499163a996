# Backups from a standby, without SSH: pgbackrest's own TLS server between two members, kept running
# by their sidecars. Scheduled backups go to the standby's sidecar while one streams, and to the
# leader's otherwise; the run says which and why. Then the repository is on a host of its own, whose
# sidecar makes the backups.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecar;
use PgbrTls;
use Test::More;

# a member that is away is given up after io-timeout
my $cluster = PgbrCluster->new(
	members => 2,
	sidecars => 0,
	sidecar_options => ['--pgbackrest-server'],
	pgbackrest => { 'io-timeout' => 5 });
my $sandbox = $cluster->sandbox;
my @members = $cluster->members;

# One CA, one certificate for all. pgbackrest 2.45 checks names, not addresses.
my $root = $sandbox->{root};
PgbrTls->new($sandbox, $root)->ca('ca')
  ->certificate('member', 'ca', usage => 'serverAuth,clientAuth');
my %port = map { $_->name => $sandbox->port } @members;

for my $i (0, 1)
{
	my ($own, $peer) = @members[ $i, 1 - $i ];
	my $tls = join '', map { "tls-server-$_->[0]=$_->[1]\n" }[ 'address', '127.0.0.1' ],
	  [ 'port', $port{ $own->name } ], [ 'auth', 'member=main' ],
	  [ 'ca-file', "$root/ca.crt" ], [ 'cert-file', "$root/member.crt" ],
	  [ 'key-file', "$root/member.key" ];
	my $pg2 = join '', map { "pg2-$_->[0]=$_->[1]\n" }[ 'host', 'localhost' ],
	  [ 'host-type', 'tls' ], [ 'host-port', $port{ $peer->name } ],
	  [ 'host-config', $peer->{config} ], [ 'host-ca-file', "$root/ca.crt" ],
	  [ 'host-cert-file', "$root/member.crt" ], [ 'host-key-file', "$root/member.key" ],
	  [ 'path', $peer->data ], [ 'port', $peer->{port} ], [ 'socket-path', $peer->{socket} ],
	  [ 'user', 'postgres' ];
	my $conf = slurp($own->{config});
	$conf =~ s/^\[global\]\n/[global]\n$tls/m or die 'no [global]';
	$conf =~ s/^\[main\]\n/[main]\n$pg2/m or die 'no [main]';
	spew($own->{config}, $conf);
}

# each needs the other's server to be ready
$cluster->start;
$_->sidecar->start for @members;
$_->sidecar->wait_ready for @members;
my $leader = $cluster->wait_leader;
my ($standby) = $cluster->replicas;
$leader->psql('CREATE EXTENSION pgbackrest_ctl');
wait_for { $standby->psql(q{SELECT 1 FROM pg_extension WHERE extname = 'pgbackrest_ctl'}) }
'the extension on the standby';

# a standby's sidecar makes a backup from the standby
my $job = $standby->psql(q{SELECT pgbr_backup('full', wait => true)});
is($standby->psql("SELECT state FROM pgbr_job('$job')"),
	'succeeded', 'a backup that was asked for on the standby');
my $log = $standby->sidecar->http(GET => "/v1/jobs/$job/log")->{content};
like($log, qr/replay on the standby reached/, 'was made from the standby');

# so does the schedule
sub newest_run
{
	my @row = split /\|/, $leader->psql(
		q{SELECT run_id, state, sidecar, sidecar_reason, job_id FROM pgbr_runs
			WHERE requested_by = 'schedule' AND started_at IS NOT NULL ORDER BY run_id DESC LIMIT 1});
	return @row;
}

sub wait_run
{
	my ($after, $what) = @_;
	my @run;
	wait_for
	{
		@run = newest_run();
		@run && $run[0] > $after && $run[1] =~ /succeeded|failed/
	}
	$what, 150;
	return @run;
}
$leader->psql("ALTER SYSTEM SET pgbackrest_ctl.$_")
  for "incr_schedule = '* * * * *'", 'backup_from_standby = on',
  "standby_sidecar_url = '" . $standby->sidecar->url . "'";
$leader->psql('SELECT pg_reload_conf()');
my @run = wait_run(0, 'a scheduled backup');
is($run[1], 'succeeded', 'a scheduled backup from the standby')
  or diag $leader->psql('SELECT message FROM pgbr_run');
is($run[2], $standby->sidecar->url, 'was made by the standby\'s sidecar');
is($run[3], 'a standby\'s: one streams', 'and says why');
like(
	$standby->sidecar->http(GET => "/v1/jobs/$run[4]/log")->{content},
	qr/replay on the standby reached/,
	'from the standby');

# and goes on without it
$standby->sidecar->stop;
@run = wait_run($run[0], 'a scheduled backup without the standby\'s sidecar');
is($run[1], 'succeeded', 'a scheduled backup while the standby\'s sidecar is away');
is($run[2], $leader->sidecar->url, 'was made by the leader\'s');
is($run[3], 'the leader\'s: the standby\'s did not answer', 'and says why');
$standby->sidecar->start->wait_ready;
$leader->psql('ALTER SYSTEM RESET ALL');
$leader->psql('SELECT pg_reload_conf()');

# --- a host for the repository, which the members reach by TLS, and which reaches them so
my $host = PgbrSidecar->new(
	$leader,
	name => 'repository',
	options => [ "--config=$root/repository.conf", '--repository-host', '--pgbackrest-server' ]);
my $host_port = $sandbox->port;
mkdir "$root/$_" or die "$root/$_: $!" for qw(repository-lock repository-log);
my %paths =
  map { my $conf = slurp($_->{config}); $_->name => { $conf =~ /^([\w-]+)=(.*)$/mg } } @members;
my ($repo_path) = map { $_->{'repo1-path'} } $paths{ $leader->name };

sub lines
{
	my ($prefix, %set) = @_;
	return join '', map { "$prefix-$_=$set{$_}\n" } sort keys %set;
}

sub tls_host
{
	my ($prefix, $port, $config) = @_;
	return lines(
		"$prefix-host",
		type => 'tls',
		port => $port,
		config => $config,
		'ca-file' => "$root/ca.crt",
		'cert-file' => "$root/member.crt",
		'key-file' => "$root/member.key") . "$prefix-host=localhost\n";
}
spew(
	"$root/repository.conf",
	"[global]\nrepo1-path=$repo_path\nrepo1-retention-full=7\nio-timeout=5\nstart-fast=y\n"
	  . "lock-path=$root/repository-lock\nlog-path=$root/repository-log\n"
	  . lines(
		'tls-server',
		address => '127.0.0.1',
		port => $host_port,
		auth => 'member=main',
		'ca-file' => "$root/ca.crt",
		'cert-file' => "$root/member.crt",
		'key-file' => "$root/member.key")
	  . "[main]\n"
	  . join(
		'',
		map {
			my ($number, $member) = ($_ + 1, $members[$_]);
			tls_host("pg$number", $port{ $member->name }, $member->{config})
			  . lines(
				"pg$number",
				path => $member->data,
				port => $member->{port},
				'socket-path' => $member->{socket},
				user => 'postgres')
		} 0,
		1));
for my $member (@members)
{
	my $conf = slurp($member->{config});
	my $remote = tls_host('repo1', $host_port, "$root/repository.conf");
	$conf =~ s/^repo1-.*\n//mg;
	$conf =~ s/^pg2-.*\n//mg;
	$conf =~ s/^\[global\]\n/[global]\n$remote/m or die 'no [global]';
	spew($member->{config}, $conf);
}
$host->start->wait_ready;
like(
	$host->http(GET => '/v1/node')->{json}{error},
	qr/this is the repository's host, which has no PostgreSQL/,
	'the repository\'s host says what it is');
$job = $host->wait_job($host->post_job(kind => 'backup', type => 'full')->{id});
is($job->{state}, 'succeeded', 'its sidecar makes a backup')
  or diag "$job->{message}\n$job->{hint}";

sub retention_of
{
	my ($sidecar) = @_;
	my $info = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
	return $info->{retention}{repositories}{1}{backups}{ $job->{label} }{expires} // 'missing';
}
like(retention_of($host), qr/after \d+ more full backups/, 'and knows when it expires');
is(retention_of($leader->sidecar), 'not known here', 'a member does not, and says so');
my $readyz = $leader->sidecar->http(GET => '/readyz');
SKIP:
{
	my ($version) =
	  $leader->sidecar->http(GET => '/v1/node')->{json}{pgbackrest_version} =~ /2\.(\d+)/;
	skip 'this pgbackrest makes backups on any host', 2 if $version >= 55;
	is($readyz->{status}, 503, 'a member is not ready');
	like(
		$readyz->{content},
		qr/the repository is on host \\"localhost\\", and pgbackrest 2\.\d+ makes backups only there/,
		'since no backup is made there');
}

# the leader's functions ask that sidecar, and a restore point that it keeps is with the backup
$leader->psql("ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = '" . $host->url . "'");
$leader->psql('SELECT pg_reload_conf()');
wait_for { $leader->psql('SHOW pgbackrest_ctl.sidecar_url') eq $host->url } 'the setting';
$leader->psql(q{SELECT pgbr_restore_point('kept there')});
wait_for
{
	my ($kept) = grep { $_->{label} eq $job->{label} }
	  @{ $leader->sidecar->http(GET => '/v1/info?refresh=true')->{json}{stanzas}[0]{backup} };
	grep { /kept there$/ } values %{ $kept->{annotation} }
}
'a member to see the restore point with the backup';
pass('a restore point that the repository\'s host registered is with the backup');
$job = $leader->psql(q{SELECT pgbr_backup('incr', wait => true)});
is($leader->psql("SELECT state FROM pgbr_job('$job')"),
	'succeeded', 'a backup that SQL asks the repository\'s host for');
$host->stop;

done_testing;
