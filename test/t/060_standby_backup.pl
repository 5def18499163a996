# Backups from a standby, without SSH: pgbackrest's own TLS server between two members, kept running
# by their sidecars. Scheduled backups go to the standby's sidecar while one streams, and to the
# leader's otherwise; the run says which and why.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
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

done_testing;
