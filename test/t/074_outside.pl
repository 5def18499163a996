# What a restore does about files outside of the data directory: a tablespace that a member has in
# another place than the backup says, one that the backup lacks, and WAL behind a link. It is killed
# in between.
use strict;
use warnings;
use PgbrNodeTest;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

start_node();

# A tablespace and a table in it: gives its OID.
sub make_tablespace
{
	my ($name) = @_;
	mkdir "$dir/$name", 0700 or die "$dir/$name: $!\n";
	$member->psql("CREATE TABLESPACE $name LOCATION '$dir/$name'");
	$member->psql("CREATE TABLE in_$name TABLESPACE $name AS SELECT generate_series(1, 1000) AS n");
	return $member->psql("SELECT oid FROM pg_tablespace WHERE spcname = '$name'");
}

sub folders
{
	my ($name) = @_;
	return map { s{.*/}{}r } glob "$dir/$name/PG_*";
}

my $moved = make_tablespace('moved');
my $with_it =
  $sidecar->wait_job($sidecar->post_job(kind => 'backup', type => 'incr')->{id})->{label};
my $late = make_tablespace('late');
spew("$dir/late/note", '');
# of another version, as pg_upgrade leaves it
mkdir "$dir/late/PG_14_202107181" or die;
begin_restore();
step('node-stop');
server_is_down();
rename "$dir/moved", "$dir/moved-here" or die "$dir/moved: $!\n";
unlink "$data/pg_tblspc/$moved" or die;
symlink "$dir/moved-here", "$data/pg_tblspc/$moved" or die;
rename "$data/pg_wal", "$dir/wal" or die "$data/pg_wal: $!\n";
symlink "$dir/wal", "$data/pg_wal" or die;

my @replica = (set => $with_it, target_type => 'standby');
is(step_fails('node-restore', set => '20200101-000000F', target_type => 'default')->{error},
	'backup-set-invalid', 'a backup that is not there');
is(scalar folders('late'), 2, 'has nothing removed');
rename "$repo/archive", "$repo/archive.away" or die "$repo/archive: $!\n";
my $cut = step_fails('node-restore', @replica);
rename "$repo/archive.away", "$repo/archive" or die "$repo/archive.away: $!\n";
is($cut->{error}, 'pgbackrest', 'a repository without its WAL');
like($cut->{message},
	qr/^could not see whether repository 1 has backup \Q$with_it\E: .*archive\.info/,
	'says why');
is(scalar folders('late'), 2, 'and has nothing removed');

subtest 'killed once pgbackrest has begun' => sub {
	my $job = begin('node-restore', @replica);
	wait_for { -e "$data/pg_wal" && !-l "$data/pg_wal" } 'pgbackrest to take the link away';
	kill_sidecar();
	is($sidecar->wait_job($job->{id})->{state}, 'interrupted', 'the job is interrupted');
	ok(!-l "$data/pg_tblspc/$late", 'the link of the late tablespace is gone');
	is_deeply([ folders('late') ], ['PG_14_202107181'], 'after its files');
};

subtest 'a replica' => sub {
	hold_lock();
	step('node-restore', @replica);
	is(readlink "$data/pg_tblspc/$moved", "$dir/moved-here", 'the moved one stays where it was');
	ok(!-e "$dir/moved", 'and not where the backup says');
	is(scalar folders('moved-here'), 1, 'with its files');
	is(readlink "$data/pg_wal", "$dir/wal", 'WAL is behind its link again');
	is_deeply([ glob "$dir/wal/00*" ], [], 'and none is left of what was there');
	ok(-e "$dir/late/note", 'what is not PostgreSQL\'s is left alone');
};

subtest 'a leader' => sub {
	step('node-restore', set => $with_it, target_type => 'default', target_timeline => 1);
	step('node-recover', target_timeline => 1);
	$member->start;
	is($member->psql("SELECT count(*) FROM in_$_"), 1000, "$_ has its rows") for qw(moved late);
	is(readlink "$data/pg_tblspc/$late", "$dir/late", 'the late one is made again');
	is(readlink "$data/pg_wal", "$dir/wal", 'WAL is behind its link');
};

end_restore();
done_testing;
