# A repository in a real S3 store, behind TLS with a CA of its own: backups, archiving, PITR and
# expire through the sidecar and SQL.
use strict;
use warnings;
use JSON::PP;
use PgbrCluster;
use PgbrRepositoryTest;
use PgbrSandbox qw(slurp wait_for);
use Test::More;

my $cluster =
  PgbrCluster->new(preload => 0, s3 => 1, pgbackrest => { 'repo1-retention-full' => 1 })->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $s3 = $cluster->s3;
$member->psql('CREATE EXTENSION pgbackrest_ctl');

sub labels
{
	return split /\n/, $member->psql('SELECT label FROM pgbr_info(refresh => true) ORDER BY label');
}

sub repository_holds
{
	my ($path) = @_;
	return $member->pgbackrest('repo-ls', $path) ne '';
}

subtest 'backups' => sub {
	readyz_says($member, 200, qr/^ok$/, 'the stanza is made, the sidecar is ready');
	my $full = run_job($member, type => 'full');
	is($full->{state}, 'succeeded', 'a full backup through the sidecar') or diag explain $full;
	$member->psql('CREATE TABLE event AS SELECT 1 AS id');
	my $diff = $member->psql(q{SELECT pgbr_backup('diff', wait => true)});
	is($member->psql("SELECT state FROM pgbr_job('$diff')"), 'succeeded', 'a diff through SQL');
	my ($status) = $member->ctl(qw(backup --type=incr --wait));
	is($status, 0, 'an incr through the control binary');
	is( $member->psql(
			'SELECT string_agg(type, \' \' ORDER BY label) FROM pgbr_info(refresh => true)'),
		'full diff incr',
		'pgbr_info shows all three');
	is($member->psql('SELECT status_message FROM pgbr_repositories'), 'ok', 'and the repository');
	is(run_job($member, kind => $_)->{state}, 'succeeded', "$_ finds nothing wrong")
	  for qw(check verify);
};

subtest 'archiving' => sub {
	$member->psql('UPDATE event SET id = 1');
	my $segment = $member->psql('SELECT pg_walfile_name(pg_current_wal_insert_lsn())');
	my $archived = sub { $sidecar->http(GET => "/v1/wal/$segment")->{json}{archived} };
	ok(!$archived->(), 'a segment that is being written is not in the repository');
	$member->psql('SELECT pg_switch_wal()');
	wait_for { $archived->() } 'the segment to be archived';
	is($member->psql('SELECT failed_count FROM pg_stat_archiver'),
		0, 'archive_command never failed');
};

subtest 'secrets stay where they are' => sub {
	is((stat $member->{config})[2] & 0777,
		0600, 'pgbackrest.conf, which holds them, is for its owner alone');
	my ($job) = @{ $sidecar->http(GET => '/v1/jobs?limit=1')->{json}{jobs} };
	my $log = $sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content};
	like($log, qr/--repo1-s3-key-secret=<redacted>/, q{pgbackrest's log has no secret});
	my $all = join '', $log,
	  map { slurp($_) } glob "$member->{sandbox}{log}/m1-*.log $sidecar->{state}/log/*";
	unlike($all, qr/\Q$s3->{$_}\E/, "the $_ is in no log") for qw(key secret);
};

subtest 'point in time' => sub {
	my $lsn = $member->psql(q{SELECT pgbr_restore_point('before the mistake')});
	my $time = $member->psql(
		q{SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')});
	$member->psql('INSERT INTO event VALUES (2)');
	$member->psql('SELECT pg_switch_wal()');
	my $count = 'SELECT count(*) FROM event';
	my %target = (lsn => $lsn, time => $time, name => 'before the mistake');
	for my $type (sort keys %target)
	{
		is( restored(
				$member, $count,
				"--type=$type", "--target=$target{$type}",
				'--target-action=promote'),
			1,
			"restored to a $type");
	}
	is(restored($member, $count), 2, 'and to the end of the WAL');
};

subtest 'expire' => sub {
	my @before = labels();
	my $full = run_job($member, type => 'full');
	is_deeply(
		[ labels() ],
		[ $full->{label} ],
		'a second full: the first is expired, with what depends on it');
	ok(repository_holds("backup/main/$full->{label}"), 'the store holds the one');
	ok(!repository_holds("backup/main/$_"), "not $_ any more") for @before;
	my $needed = $member->psql('SELECT wal_start FROM pgbr_backups');
	is($sidecar->http(GET => "/v1/wal/$needed")->{json}{archived},
		JSON::PP::true, 'and the WAL it needs');
	my $first = '000000010000000000000001';
	is($sidecar->http(GET => "/v1/wal/$first")->{json}{archived},
		JSON::PP::false, 'and none from before it');
	is(run_job($member, kind => 'expire')->{state}, 'succeeded', 'expire on demand');
};

subtest 'verifySsl off' => sub {
	$cluster->configure('repo1-storage-verify-tls' => 'n', 'repo1-storage-ca-file' => undef);
	is(run_job($member, kind => 'check')->{state}, 'succeeded', 'no CA is needed');
	is(run_job($member, type => 'incr')->{state}, 'succeeded', 'for a backup, either');
};

done_testing;
