# A cluster of one member, with tablespaces: one from before the backup and one from after the
# target. It is restored with its old data kept, and back.
use strict;
use warnings;
use PgbrRestoreTest;
use Test::More;

my $test = PgbrRestoreTest->new(members => 1, patroni => 1);
my $root = $test->cluster->sandbox->{root};

# A tablespace in a folder of its own, and a table in it.
sub make_tablespace
{
	my ($name) = @_;
	mkdir "$root/$name", 0700 or die "$root/$name: $!\n";
	# CREATE TABLESPACE is a statement by itself
	$test->leader->psql("CREATE TABLESPACE $name LOCATION '$root/$name'");
	$test->leader->psql(
		"CREATE TABLE in_$name TABLESPACE $name AS SELECT generate_series(1, 1000) AS n");
	return;
}

sub tablespaces
{
	return $test->leader->psql(
		"SELECT string_agg(spcname, ' ' ORDER BY spcname) FROM pg_tablespace WHERE spcname !~ '^pg_'"
	);
}
sub rows { my ($name) = @_; return $test->leader->psql("SELECT count(*) FROM in_$name") }

make_tablespace('early');
$test->backup('full');
$test->leader->psql('INSERT INTO in_early SELECT generate_series(1, 500)');
$test->mark('before the target');
my @target = $test->target('time');
my @kept = $test->kept;
$test->mark('after the target');
make_tablespace('late');
$test->leader->psql('DELETE FROM in_early');

my @after = $test->kept;
$test->set_kept(@kept);
my $summary = $test->run_ok('to a time', 'restore', '--keep-old', @target);
$test->is_healthy('to a time');
is(tablespaces(), 'early', 'the tablespace of the backup is there');
is(rows('early'), 1500, 'with what was written before the target');
my ($copied) = glob "$summary->{kept}/pg_tblspc/*/PG_*/*/*";
ok($copied && -s $copied, 'the copy of the old data holds the tablespaces');
ok(!-l $_, 'and not links to them: ' . s{.*/}{}r) for glob "$summary->{kept}/pg_tblspc/*";

$test->set_kept(@after);
$test->run_ok('back', 'undo');
$test->is_healthy('back');
is(tablespaces(), 'early late', 'both are there again');
is(rows('early'), 0, 'the first as it was');
is(rows('late'), 1000, 'the second, too');
$test->is_quiet('all of it');
done_testing;
