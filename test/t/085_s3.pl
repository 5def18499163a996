# A repository in a real S3 store, behind TLS with a CA of its own: backups, archiving, PITR and expire
# through the sidecar and SQL; and what the job and readyz say when the store refuses, is not there,
# goes away in mid backup, or has lost its bucket.
use strict;
use warnings;
use JSON::PP;
use PgbrCluster;
use PgbrRepositoryTest;
use PgbrSandbox qw(slurp wait_for);
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0, s3 => 1, pgbackrest => { 'repo1-retention-full' => 1 })->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $s3 = $cluster->s3;
$member->psql('CREATE EXTENSION pgbackrest_ctl');

sub labels { return split /\n/, $member->psql('SELECT label FROM pgbr_info(refresh => true) ORDER BY label') }

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
	is($member->psql('SELECT string_agg(type, \' \' ORDER BY label) FROM pgbr_info(refresh => true)'),
		'full diff incr', 'pgbr_info shows all three');
	is($member->psql('SELECT status_message FROM pgbr_repositories'), 'ok', 'and the repository');
	is(run_job($member, kind => $_)->{state}, 'succeeded', "$_ finds nothing wrong") for qw(check verify);
};

subtest 'archiving' => sub {
	$member->psql('UPDATE event SET id = 1');
	my $segment = $member->psql('SELECT pg_walfile_name(pg_current_wal_insert_lsn())');
	my $archived = sub { $sidecar->http(GET => "/v1/wal/$segment")->{json}{archived} };
	ok(!$archived->(), 'a segment that is being written is not in the repository');
	$member->psql('SELECT pg_switch_wal()');
	wait_for { $archived->() } 'the segment to be archived';
	is($member->psql('SELECT failed_count FROM pg_stat_archiver'), 0, 'archive_command never failed');
};

subtest 'secrets stay where they are' => sub {
	is((stat $member->{config})[2] & 0777, 0600, 'pgbackrest.conf, which holds them, is for its owner alone');
	my ($job) = @{ $sidecar->http(GET => '/v1/jobs?limit=1')->{json}{jobs} };
	my $log = $sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content};
	like($log, qr/--repo1-s3-key-secret=<redacted>/, q{pgbackrest's log has no secret});
	my $all = join '', $log, map { slurp($_) } glob "$member->{sandbox}{log}/m1-*.log $sidecar->{state}/log/*";
	unlike($all, qr/\Q$s3->{$_}\E/, "the $_ is in no log") for qw(key secret);
};

subtest 'point in time' => sub {
	my $lsn = $member->psql(q{SELECT pgbr_restore_point('before the mistake')});
	my $time = $member->psql(q{SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')});
	$member->psql('INSERT INTO event VALUES (2)');
	$member->psql('SELECT pg_switch_wal()');
	my $count = 'SELECT count(*) FROM event';
	my %target = (lsn => $lsn, time => $time, name => 'before the mistake');
	for my $type (sort keys %target)
	{
		is(restored($member, $count, "--type=$type", "--target=$target{$type}", '--target-action=promote'), 1, "restored to a $type");
	}
	is(restored($member, $count), 2, 'and to the end of the WAL');
};

subtest 'expire' => sub {
	my @before = labels();
	my $full = run_job($member, type => 'full');
	is_deeply([ labels() ], [ $full->{label} ], 'a second full: the first is expired, with what depends on it');
	ok(repository_holds("backup/main/$full->{label}"), 'the store holds the one');
	ok(!repository_holds("backup/main/$_"), "not $_ any more") for @before;
	my $needed = $member->psql('SELECT wal_start FROM pgbr_backups');
	is($sidecar->http(GET => "/v1/wal/$needed")->{json}{archived}, JSON::PP::true, 'and the WAL it needs');
	my $first = '000000010000000000000001';
	is($sidecar->http(GET => "/v1/wal/$first")->{json}{archived}, JSON::PP::false, 'and none from before it');
	is(run_job($member, kind => 'expire')->{state}, 'succeeded', 'expire on demand');
};

# From here on a store that does not answer is given up soon.
$cluster->configure('io-timeout' => 1);
my %proper = %{ $cluster->{pgbackrest} };

sub with_options
{
	my ($code, %options) = @_;
	$cluster->configure(%options);
	$code->();
	$cluster->configure(map { $_ => $proper{$_} } keys %options);
	return;
}

subtest 'verifySsl off' => sub {
	with_options(
		sub {
			is(run_job($member, kind => 'check')->{state}, 'succeeded', 'a CA that did not sign the certificate is no hindrance');
			is(run_job($member, type => 'incr')->{state}, 'succeeded', 'a backup');
		},
		'repo1-storage-verify-tls' => 'n',
		'repo1-storage-ca-file' => undef);
};

# What is wrong: options; exit code and name of a backup's failure, its message, its hint.
my $is_unread = qr/could not read the stanza's backup.info or archive.info/;
my @wrong = (
	[ 'the secret', { 'repo1-s3-key-secret' => 'nonsense' },
		39, 'protocol', qr{403 \(Forbidden\): GET /backups/\S+ SignatureDoesNotMatch}, qr/check repoN-s3-key-secret/ ],
	[ 'the key', { 'repo1-s3-key' => 'nonsense' },
		39, 'protocol', qr{403 \(Forbidden\): GET /backups/\S+ InvalidAccessKeyId}, qr/check repoN-s3-key/ ],
	[ q{the bucket's name}, { 'repo1-s3-bucket' => 'elsewhere' },
		55, 'file-missing', qr/unable to load info file/,
		qr{no such bucket: check repoN-s3-bucket .*info says: repo1: .*404 \(Not Found\): GET /elsewhere/\S+ NoSuchBucket} ],
	[ 'the CA', { 'repo1-storage-ca-file' => $s3->other_ca_file },
		95, 'crypto', qr/unable to verify certificate presented by 'localhost:\d+'/, qr/CA that is not trusted here: .*repoN-storage-ca-file/ ],
	[ 'the path of the CA', { 'repo1-storage-ca-file' => '/nowhere/ca.pem' },
		95, 'crypto', qr/unable to set user-defined CA certificate location/, qr/repoN-storage-ca-file exists/ ],
	[ 'the host name', { 'repo1-s3-endpoint' => '127.0.0.1' },
		95, 'crypto', qr/unable to find hostname '127.0.0.1' in certificate/, qr/made out to another name: repoN-s3-endpoint/ ],
	[ 'that it is said to be encrypted', { 'repo1-cipher-type' => 'aes-256-cbc', 'repo1-cipher-pass' => 'x' },
		95, 'crypto', qr/cipher header invalid/, qr/not encrypted, .* repoN-cipher-type/ ]);

for my $row (@wrong)
{
	my ($name, $options, $code, $error, $message, $hint) = @$row;
	subtest "wrong: $name" => sub {
		with_options(
			sub {
				is_failure(run_job($member, type => 'incr'), $code, $error, $message, $hint, 'a backup fails and says why');
				readyz_says($member, 503, qr/^repo1: /, 'readyz says it');
				my ($check) = grep { $_->{name} eq 'repository' } @{ $sidecar->http(GET => '/readyz')->{json}{checks} };
				like($check->{message}, $code == 55 ? qr/no such bucket/ : $hint, 'with what to do');
				my $verify = run_job($member, kind => 'verify');
				if ($verify->{exit_code})
				{
					is_failure($verify, $code, $error, $message, $hint, 'a verify fails likewise');
				}
				else
				{
					is_failure($verify, 0, 'verify', $is_unread, qr/pgbackrest info says: repo1: /,
						'a verify, to which pgbackrest gives exit code 0, does not claim to have verified');
				}
			},
			%$options);
	};
}

subtest 'the store stops in mid backup' => sub {
	readyz_says($member, 503, qr/^repo1: /, 'readyz shows the last state');
	is(run_job($member, kind => 'check')->{state}, 'succeeded', 'all is as it was');
	readyz_says($member, 200, qr/^ok$/, 'readyz says so');
	# files that do not compress, one after the other
	$member->psql('CREATE TABLE bulk AS SELECT string_agg(gen_random_uuid()::text, \'\') AS t FROM generate_series(1, 1500000) GROUP BY random() < 0.5');
	$cluster->configure('compress-type' => 'gz', 'compress-level' => 9);
	my $job = $sidecar->post_job(kind => 'backup', type => 'full');
	$sidecar->wait_job($job->{id}, qr/^running$/);
	wait_for { ($sidecar->job($job->{id})->{progress}{percent} // 0) > 0 } 'the backup to copy';
	$s3->stop('KILL');
	$job = $sidecar->wait_job($job->{id}, undef, 90);
	is_failure($job, 49, 'host-connect', qr/unable to connect to 'localhost:\d+': \[111\] Connection refused/,
		qr/Nothing listens there: check that the server runs/, 'the backup fails and says why');
	readyz_says($member, 503, qr/^repo1: .*Connection refused.*Nothing listens there/, 'readyz, too');
	my $answer = $sidecar->http(GET => '/v1/info')->{json};
	is($answer->{stanzas}[0]{repo}[0]{status}{code}, 99, 'info, which ends with exit code 0, says that the repository is ill');
	is($member->psql('SELECT status_code FROM pgbr_repositories'), 99, 'SQL, too');
	is_failure(run_job($member, type => 'incr'), 49, 'host-connect', qr/Connection refused/, qr/Nothing listens there/,
		'a backup that is begun now fails');
	$s3->start;
	$job = run_job($member, type => 'full');
	is($job->{state}, 'succeeded', 'it is back: the next backup is made') or diag explain $job;
	readyz_says($member, 200, qr/^ok$/, 'and readyz knows it');
	is(run_job($member, kind => 'verify')->{state}, 'succeeded', 'verify finds no harm');
};

subtest 'the bucket is gone' => sub {
	$s3->remove_bucket;
	is_failure(run_job($member, type => 'incr'), 55, 'file-missing', qr/unable to load info file/,
		qr/no such bucket: .*was removed is lost.*NoSuchBucket/, 'a backup fails and says why');
	readyz_says($member, 503, qr/no such bucket/, 'readyz says it');
	is_failure(run_job($member, kind => 'stanza-create'), 39, 'protocol', qr{404 \(Not Found\): \w+ /backups/\S* NoSuchBucket},
		qr/no such bucket/, 'a stanza-create fails likewise');
	$member->pgbackrest('repo-create');
	is_failure(run_job($member, type => 'full'), 55, 'file-missing', qr/unable to load info file/,
		qr/holds nothing of this stanza.*stanza-create/, 'a new bucket: a stanza is missing');
	is(run_job($member, kind => 'stanza-create')->{state}, 'succeeded', 'it is created');
	is(run_job($member, type => 'full')->{state}, 'succeeded', 'and a backup is made');
	readyz_says($member, 200, qr/^ok$/, 'all is well again');
};

done_testing;
