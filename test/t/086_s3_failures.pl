# What the job and readyz say when an S3 store refuses, is not there, goes away in mid backup, or
# has lost its bucket: all with a real store, and pgbackrest as it is.
use strict;
use warnings;
use PgbrCluster;
use PgbrRepositoryTest;
use PgbrSandbox qw(wait_for);
use Test::More;

# a store that does not answer is given up soon
my $cluster = PgbrCluster->new(
	preload => 0,
	s3 => 1,
	pgbackrest => {
		'repo1-retention-full' => 1,
		'compress-type' => 'lz4',
		'io-timeout' => 0.5,
		'job-retry' => 0
	})->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $s3 = $cluster->s3;
my %proper = %{ $cluster->{pgbackrest} };
$member->psql('CREATE EXTENSION pgbackrest_ctl');
is(run_job($member, type => 'full')->{state}, 'succeeded', 'all is well before');

sub with_options
{
	my ($code, %options) = @_;
	$cluster->configure(%options);
	$code->();
	$cluster->configure(map { $_ => $proper{$_} } keys %options);
	return;
}

# What is wrong: options; exit code and name of a backup's failure, its message, its hint.
my $is_unread = qr/could not read the stanza's backup.info or archive.info/;
$s3->add_user(qw(other other secret));
my @wrong = (
	[
		'the secret', { 'repo1-s3-key-secret' => 'nonsense' },
		39, 'protocol',
		qr{403 \(Forbidden\): GET /backups/\S+ SignatureDoesNotMatch},
		qr/check repoN-s3-key-secret/
	],
	[
		'the key', { 'repo1-s3-key' => 'nonsense' },
		39, 'protocol',
		qr{403 \(Forbidden\): GET /backups/\S+ InvalidAccessKeyId},
		qr/does not know the key: check repoN-s3-key/
	],
	[
		'the user',
		{ 'repo1-s3-key' => 'other', 'repo1-s3-key-secret' => 'secret' },
		39,
		'protocol',
		qr{403 \(Forbidden\): GET /backups/\S+ AccessDenied},
		qr/may not do this: check repoN-s3-bucket/
	],
	[
		q{the bucket's name},
		{ 'repo1-s3-bucket' => 'elsewhere' },
		55,
		'file-missing',
		qr/unable to load info file/,
		qr{no such bucket: check repoN-s3-bucket .*info says: repo1: .*404 \(Not Found\): GET /elsewhere/\S+ NoSuchBucket}
	],
	[
		'the CA',
		{ 'repo1-storage-ca-file' => $s3->other_ca_file },
		95,
		'crypto',
		qr/unable to verify certificate presented by 'localhost:\d+'/,
		qr/CA that is not trusted here: .*repoN-storage-ca-file/
	],
	[
		'the path of the CA',
		{ 'repo1-storage-ca-file' => '/nowhere/ca.pem' },
		95, 'crypto',
		qr/unable to set user-defined CA certificate location/,
		qr/repoN-storage-ca-file exists/
	],
	[
		'the host name',
		{ 'repo1-s3-endpoint' => '127.0.0.1' },
		95, 'crypto',
		qr/unable to find hostname '127.0.0.1' in certificate/,
		qr/made out to another name: repoN-s3-endpoint/
	],
	[
		'that it is said to be encrypted',
		{ 'repo1-cipher-type' => 'aes-256-cbc', 'repo1-cipher-pass' => 'x' },
		95,
		'crypto',
		qr/cipher header invalid/,
		qr/not encrypted, .* repoN-cipher-type/
	]);

for my $row (@wrong)
{
	my ($name, $options, $code, $error, $message, $hint) = @$row;
	subtest "wrong: $name" => sub {
		with_options(
			sub {
				is_failure(run_job($member, type => 'incr'),
					$code, $error, $message, $hint, 'a backup fails and says why');
				readyz_says(
					$member, 503,
					$code == 55 ? qr/^repo1: .*no such bucket/ : $hint,
					'readyz, too, with what to do');
				my $verify = run_job($member, kind => 'verify');
				if ($verify->{exit_code})
				{
					is_failure($verify, $code, $error, $message, $hint, 'a verify fails likewise');
				}
				else
				{
					is_failure($verify, 0, 'verify', $is_unread, qr/pgbackrest info says: repo1: /,
						'a verify, to which pgbackrest gives exit code 0, does not claim to have verified'
					);
				}
			},
			%$options);
	};
}

subtest 'the store stops in mid backup' => sub {
	readyz_says($member, 503, qr/^repo1: /, 'readyz shows the last state');
	is(run_job($member, kind => 'check')->{state}, 'succeeded', 'all is as it was');
	readyz_says($member, 200, qr/^ok$/, 'readyz says so');
	# files that take their time, one after the other
	$member->psql(
		"CREATE TABLE bulk$_ AS SELECT string_agg(gen_random_uuid()::text, '') AS t FROM generate_series(1, 500000)"
	) for 1 .. 2;
	$cluster->configure('compress-type' => 'gz', 'compress-level' => 9);
	my $job = $sidecar->post_job(kind => 'backup', type => 'full');
	$sidecar->wait_job($job->{id}, qr/^running$/);
	wait_for { ($sidecar->job($job->{id})->{progress}{percent} // 0) > 0 } 'the backup to copy';
	$s3->stop('KILL');
	$job = $sidecar->wait_job($job->{id}, undef, 90);
	is_failure(
		$job,
		49,
		'host-connect',
		qr/unable to connect to 'localhost:\d+': \[111\] Connection refused/,
		qr/Nothing listens there: check that the server runs/,
		'the backup fails and says why');
	readyz_says($member, 503, qr/^repo1: .*Connection refused.*Nothing listens there/,
		'readyz, too');
	my $answer = $sidecar->http(GET => '/v1/info')->{json};
	is($answer->{stanzas}[0]{repo}[0]{status}{code},
		99, 'info, which ends with exit code 0, says that the repository is ill');
	is($member->psql('SELECT status_code FROM pgbr_repositories'), 99, 'SQL, too');
	is_failure(
		run_job($member, type => 'incr'),
		49, 'host-connect',
		qr/Connection refused/,
		qr/Nothing listens there/,
		'a backup that is begun now fails');
	$s3->start;
	$cluster->configure(map { $_ => $proper{$_} } qw(compress-type compress-level));
	$member->psql('DROP TABLE bulk1, bulk2');
	$job = run_job($member, type => 'full');
	is($job->{state}, 'succeeded', 'it is back: the next backup is made') or diag explain $job;
	readyz_says($member, 200, qr/^ok$/, 'and readyz knows it');
	is(run_job($member, kind => 'verify')->{state}, 'succeeded', 'verify finds no harm');
};

subtest 'the bucket is gone' => sub {
	$s3->remove_bucket;
	is_failure(
		run_job($member, type => 'incr'),
		55, 'file-missing',
		qr/unable to load info file/,
		qr/no such bucket: .*was removed is lost.*NoSuchBucket/,
		'a backup fails and says why');
	readyz_says($member, 503, qr/no such bucket/, 'readyz says it');
	is_failure(
		run_job($member, kind => 'stanza-create'),
		39, 'protocol',
		qr{404 \(Not Found\): \w+ /backups/\S* NoSuchBucket},
		qr/no such bucket/,
		'a stanza-create fails likewise');
	$member->pgbackrest('repo-create');
	is_failure(
		run_job($member, type => 'full'),
		55, 'file-missing',
		qr/unable to load info file/,
		qr/holds nothing of this stanza.*stanza-create/,
		'a new bucket: a stanza is missing');
	is(run_job($member, kind => 'stanza-create')->{state}, 'succeeded', 'it is created');
	is(run_job($member, type => 'full')->{state}, 'succeeded', 'and a backup is made');
	readyz_says($member, 200, qr/^ok$/, 'all is well again');
};

done_testing;
