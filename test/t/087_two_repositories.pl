# Two repositories, a folder and an encrypted one in an S3 store, archived to asynchronously: each
# falls out in turn while the other goes on, and all is right again when it is back.
use strict;
use warnings;
use PgbrCluster;
use PgbrRepositoryTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $pass = join '', map { ('a' .. 'z', 0 .. 9)[ rand 36 ] } 1 .. 32;
my $cluster = PgbrCluster->new(
	preload => 0,
	s3 => 2,
	pgbackrest => {
		'io-timeout' => 5,
		'archive-async' => 'y',
		'archive-timeout' => 20,
		'repo1-retention-full' => 2,
		'repo2-retention-full' => 2,
		'repo2-cipher-type' => 'aes-256-cbc',
		'repo2-cipher-pass' => $pass,
	})->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $s3 = $cluster->s3;
my $folder = "$cluster->{sandbox}{root}/repo";
$member->psql('CREATE EXTENSION pgbackrest_ctl');
$member->psql('CREATE TABLE event AS SELECT 1 AS id');

# The WAL that a repository holds, a segment a line.
sub wal_of
{
	my ($repo) = @_;
	my ($status, $out) =
	  $member->try_pgbackrest("--repo=$repo", '--output=text', '--recurse', 'repo-ls',
		'archive/main/15-1');
	return $status ? () : sort $out =~ m{/([0-9A-F]{24})-}g;
}

# Fill a segment with something, and give its name.
sub switch_wal
{
	$member->psql('INSERT INTO event SELECT count(*) + 1 FROM event');
	return $member->psql('SELECT pg_walfile_name(pg_switch_wal())');
}

# After failures PostgreSQL's archiver sleeps for a minute, unless there is a new segment.
sub wake_archiver
{
	switch_wal();
	return;
}

sub wait_archived
{
	my ($segment, $repo) = @_;
	wait_for
	{
		grep { $_ eq $segment } wal_of($repo)
	}
	"$segment in repo$repo", 70;
	return 1;
}

# Nothing is missing between the first segment of a repository and its last.
sub has_no_gap
{
	my ($repo, $name) = @_;
	my @numbers = map { hex(substr $_, 8, 8) * 256 + hex substr $_, 16 } wal_of($repo);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply(\@numbers, [ $numbers[0] .. $numbers[-1] ], $name);
	return;
}

# The store goes, and pgbackrest gives it up soon; it comes back, and is given its time.
sub stop_store
{
	$cluster->configure('io-timeout' => 0.2);
	$s3->stop('KILL');
	return;
}

sub start_store
{
	$cluster->configure('io-timeout' => 5);
	$s3->start;
	wake_archiver();
	return;
}

sub status_of
{
	return $member->psql(
		'SELECT string_agg(repo || \':\' || status_code, \' \' ORDER BY repo) FROM pgbr_repositories'
	);
}

subtest 'both' => sub {
	for my $repo (1, 2)
	{
		my $job = run_job($member, type => 'full', repo => $repo);
		is($job->{state}, 'succeeded', "a full backup to repo$repo") or diag explain $job;
	}
	$member->psql('SELECT count(*) FROM pgbr_info(refresh => true)');
	is( $member->psql(
			'SELECT string_agg(repo || cipher, \' \' ORDER BY repo) FROM pgbr_repositories'),
		'1none 2aes-256-cbc',
		'one is encrypted');
	is(status_of(), '1:0 2:0', 'both are well');
	my $segment = switch_wal();
	ok(wait_archived($segment, $_), "WAL reaches repo$_") for 1, 2;
	is(restored($member, 'SELECT count(*) FROM event', '--repo=2'), 2,
		'the encrypted one restores');
	$cluster->configure('repo2-cipher-pass' => 'another');
	my $job = run_job($member, type => 'incr', repo => 2);
	is($job->{state}, 'failed', 'with another pass phrase it does not');
	like($job->{hint}, qr/pass phrase/, 'and says what to check') or diag explain $job;
	$cluster->configure('repo2-cipher-pass' => $pass);
};

subtest 'the store falls out' => sub {
	stop_store();
	my @segments = map { switch_wal() } 1 .. 3;
	ok(wait_archived($segments[-1], 1), 'WAL goes on to the folder');
	has_no_gap(1, 'all of it');
	wait_for { $member->psql('SELECT 1 FROM pg_stat_archiver WHERE failed_count > 0') }
	'archive_command to fail';
	pass('PostgreSQL is told that one repository lacks it, and keeps it');
	my $job = run_job($member, type => 'incr', repo => 1);
	is($job->{state}, 'succeeded', 'a backup to the folder is made') or diag explain $job;
	$job = run_job($member, type => 'incr');
	is_failure(
		$job, 104, 'command',
		qr/^repo2: .*Connection refused/,
		qr/^The backup is complete.*Nothing listens there/,
		'so is one that names no repository, but expire then fails');
	isnt($job->{label}, undef, 'the job has the label of the backup that was made');
	is_failure(
		run_job($member, type => 'incr', repo => 2),
		49, 'host-connect',
		qr/Connection refused/,
		qr/Nothing listens there/,
		'one to the store fails and says why');
	readyz_says(
		$member, 200,
		qr/^repo2: .*Connection refused.*Nothing listens there/,
		'readyz: backups can be made, but repo2 is ill');
	is(status_of(), '1:0 2:99', 'SQL tells which one');
	is_failure(
		run_job($member, kind => 'check'),
		49, 'host-connect',
		qr/Connection refused/,
		qr/Nothing listens there/,
		'a check does not pass over it');
	$sidecar->restart->wait_ready(60);
	readyz_says($member, 200, qr/^repo2: /,
		'a sidecar that starts now becomes ready with what is left');

	start_store();
	ok(wait_archived($segments[-1], 2), 'the store is back: it gets the WAL that it missed');
	has_no_gap(2, 'all of it');
	is(run_job($member, type => 'incr', repo => 2)->{state}, 'succeeded', 'a backup to it is made');
	readyz_says($member, 200, qr/^ok$/, 'readyz says that all is well');
	is(status_of(), '1:0 2:0', 'SQL, too');
	is(run_job($member, kind => 'check')->{state}, 'succeeded', 'and the check');
};

subtest 'the folder falls out' => sub {
	rename $folder, "$folder.away" or die "$folder: $!\n";
	symlink "$folder.nowhere", $folder or die "$folder: $!\n";
	my $segment = switch_wal();
	ok(wait_archived($segment, 2), 'WAL goes on to the store');
	my $job = run_job($member, type => 'incr', repo => 2);
	is($job->{state}, 'succeeded', 'a backup to the store is made') or diag explain $job;
	$job = run_job($member, type => 'incr');
	is($job->{state}, 'failed', 'one that names no repository goes to the first, and fails')
	  or diag explain $job;
	readyz_says($member, 200, qr/^repo1: /, 'readyz: backups can be made, but repo1 is ill');
	like(status_of(), qr/^1:[1-9]\d* 2:0$/, 'SQL tells which one');

	unlink $folder;
	rename "$folder.away", $folder or die "$folder: $!\n";
	wake_archiver();
	ok(wait_archived($segment, 1), 'the folder is back: it gets the WAL that it missed');
	has_no_gap($_, "no gap in repo$_") for 1, 2;
	is(run_job($member, type => 'full', repo => 1)->{state}, 'succeeded', 'a backup to it is made');
	is(run_job($member, kind => 'check')->{state}, 'succeeded', 'the check passes');
	readyz_says($member, 200, qr/^ok$/, 'and readyz says so');
	is(restored($member, 'SELECT count(*) = max(id) FROM event', '--repo=1'),
		't', 'it restores, to the last row');
};

subtest 'without archive-async' => sub {
	$cluster->configure('archive-async' => 'n');
	stop_store();
	my ($first, $second) = map { switch_wal() } 1 .. 2;
	# that it has been tried again shows that nothing else is
	my $failed = sub { $member->psql('SELECT failed_count FROM pg_stat_archiver') };
	my $before = $failed->();
	wait_for { $failed->() >= $before + 2 } 'archive_command to fail twice';
	ok(wait_archived($first, 1), 'one repository is away: the other gets this segment');
	ok(!(grep { $_ eq $second } wal_of(1)), 'but none after it');
	start_store();
	ok(wait_archived($second, $_), "until it is back: repo$_ has it") for 1, 2;
};

done_testing;
