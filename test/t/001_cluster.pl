# The parts together, as they are deployed: a Patroni cluster of three, a sidecar beside each
# member, one repository. And the extension in a server that did not preload it.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(wait_for);
use Test::More;

my $cluster = PgbrCluster->new(members => 3)->start;
my $leader = $cluster->wait_leader;
my @replicas = $cluster->replicas;

is($leader->psql('SHOW shared_preload_libraries'), 'pgbackrest_ctl', 'the leader has preloaded it');
$leader->psql('CREATE EXTENSION pgbackrest_ctl');

for my $member ($cluster->members)
{
	my $ready = $member->sidecar->http(GET => '/readyz');
	is($ready->{status}, 200, "$member->{name}: ready") or diag $ready->{content};
	my $node = $member->sidecar->http(GET => '/v1/node')->{json};
	is($node->{role}, $member == $leader ? 'primary' : 'standby',
		"$member->{name}: knows its role");
}

my $job = $leader->psql(q{SELECT pgbr_backup('full', wait => true)});
my ($state, $label) = split /\|/, $leader->psql("SELECT state, label FROM pgbr_job('$job')");
is($state, 'succeeded', 'a full backup through SQL');
my $info = $leader->pgbackrest('info');
like($info, qr/full backup: \Q$label\E/, 'pgbackrest knows it');

for my $replica (@replicas)
{
	my $name = $replica->name;
	wait_for { $replica->psql(q{SELECT 1 FROM pg_extension WHERE extname = 'pgbackrest_ctl'}) }
	"the extension on $name";
	is($replica->psql('SELECT backup_id FROM pgbr_info(refresh => true)'),
		$job, "$name: a reader sees it");
	is($replica->psql('SELECT status_code FROM pgbr_status'), 0, "$name: so does pgbr_status");
}

# a replica's sidecar is its own: the leader's jobs are not there, and it is not asked in vain
is($replicas[0]->psql('SELECT count(*) FROM pgbr_jobs WHERE state = \'succeeded\''),
	0, 'jobs are each sidecar\'s own');

# a member that is made again comes from the repository
my ($again) = @replicas;
$again->sidecar->stop;
$again->stop;
is(system('rm', '-rf', $again->data), 0, 'a replica loses its data');
$again->start;
$cluster->wait_streaming;
like(
	$again->patroni_log,
	qr/replica has been created using pgbackrest/,
	'and is made again by pgbackrest');
$again->sidecar->start->wait_ready;

my $plain = PgbrCluster->new(preload => 0)->start;
is($plain->psql('SHOW shared_preload_libraries'), '', 'a server that preloads nothing');
$plain->psql('CREATE EXTENSION pgbackrest_ctl');
is( $plain->psql('SELECT status_message FROM pgbr_status'),
	'no valid backups',
	'the extension works there, too');

done_testing;
