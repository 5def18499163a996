# A cluster of one member, with tablespaces: one from before the backup, one that was made after it
# and is filled on both sides of a target, and one from after the target. It is restored with its
# old data kept, to before the second was made, and back. pgbackrest's configuration has options
# that are meant for copies. WAL, logs and a certificate are elsewhere, behind links.
use strict;
use warnings;
use PgbrRestoreTest;
use PgbrSandbox qw(slurp spew wait_for);
use Test::More;

my $test = PgbrRestoreTest->new(members => 1, patroni => 1);
my $root = $test->cluster->sandbox->{root};

# A tablespace in a folder of its own, and a table with an index in it.
sub make_tablespace
{
	my ($name) = @_;
	mkdir "$root/$name", 0700;
	# CREATE TABLESPACE is a statement by itself
	$test->leader->psql("CREATE TABLESPACE $name LOCATION '$root/$name'");
	$test->leader->psql("CREATE TABLE in_$name (n int PRIMARY KEY USING INDEX TABLESPACE $name)"
		  . " TABLESPACE $name; INSERT INTO in_$name SELECT generate_series(1, 1000)");
	return;
}

sub tablespaces
{
	return $test->leader->psql(
		"SELECT string_agg(spcname, ' ' ORDER BY spcname) FROM pg_tablespace WHERE spcname !~ '^pg_'"
	);
}

# How many rows a table has: all that look for them must find the same.
sub rows
{
	my ($name) = @_;
	my ($by_table, $by_index) = map {
		$test->leader->psql("SET enable_seqscan = $_; SET enable_bitmapscan = $_;"
			  . " SELECT count(*) FROM in_$name WHERE n > 0") =~ /(\d+)\s*$/
	} qw(on off);
	my $wrong = $test->leader->psql("SELECT bt_index_check('in_${name}_pkey', true)");
	return $by_table == $by_index && $wrong eq '' ? $by_table : "$by_table, $by_index by the index";
}

# What a restore in place must not do, whatever is configured for copies.
sub is_whole
{
	my ($name) = @_;
	my ($leader) = $test->cluster->members;
	is($leader->psql('SELECT count(*) FROM here', dbname => 'scratch'),
		100, "$name: the database that copies leave out is there");
	is($leader->psql('SHOW archive_mode'), 'on', "$name: WAL is archived");
	unlike(
		slurp($leader->data . '/postgresql.auto.conf'),
		qr/archive_mode|log_line_prefix/,
		"$name: and no setting says otherwise");
	return;
}

# Links from the data directory, and what they lead to.
my $data = $test->leader->data;
my %links = (pg_wal => "$root/wal", log => "$root/log-of-it", 'server.crt' => "$root/cert");

sub move_out
{
	$test->leader->stop;
	rename "$data/pg_wal", $links{pg_wal} or die "$data/pg_wal: $!\n";
	# as on a disk of its own
	mkdir $_, 0700 or die "$_: $!\n" for $links{log}, "$links{pg_wal}/lost+found";
	spew($_, "as it is\n") for $links{'server.crt'}, "$links{log}/1.log";
	symlink $links{$_}, "$data/$_" or die "$_: $!\n" for sort keys %links;
	$test->leader->start;
	wait_for { $test->find_leader->psql('SELECT pg_is_in_recovery()') eq 'f' } 'a leader', 60;
	return;
}

sub has_links
{
	my ($name) = @_;
	is_deeply({ map { $_ => readlink "$data/$_" } keys %links },
		\%links, "$name: all links are there");
	is( join('', map { slurp($_) } $links{'server.crt'}, "$links{log}/1.log"),
		"as it is\n" x 2,
		"$name: and lead to what was there");
	ok(-d "$links{pg_wal}/lost+found", "$name: also to what is not PostgreSQL's");
	return;
}

move_out();
$test->leader->psql('CREATE DATABASE scratch');
$test->leader->psql('CREATE TABLE here AS SELECT generate_series(1, 100) AS n',
	dbname => 'scratch');
make_tablespace('early');
$test->leader->psql('CREATE EXTENSION amcheck');
$test->backup('full');
my $timeline = hex substr $test->leader->psql('SELECT pg_walfile_name(pg_current_wal_lsn())'), 0, 8;
$test->leader->psql('INSERT INTO in_early SELECT generate_series(1001, 1500)');
my @before = $test->target('time');
$test->mark('before the second');
make_tablespace('second');
$test->mark('before the target');
my @target = $test->target('time');
my @kept = $test->kept;
$test->mark('after the target');
# pages with a later LSN, which replay leaves as they are if it finds them
$test->leader->psql(
	'INSERT INTO in_second SELECT generate_series(1001, 2000); UPDATE in_second SET n = n + 5000;');
$test->leader->psql('VACUUM (FREEZE) in_second');
make_tablespace('late');
$test->leader->psql('DELETE FROM in_early');
# what is not PostgreSQL's stays
open my $note, '>', "$root/second/note" or die "$root/second/note: $!\n";
close $note or die;

my $conf = $test->leader->{config};
spew($conf,
		slurp($conf)
	  . "[global:restore]\ndb-exclude=scratch\narchive-mode=off\nlink-all=y\n"
	  . "recovery-option=log_line_prefix=x\ntablespace-map-all=$root/nowhere\n");
# data behind a link would be lost sight of
symlink "$root/cert", "$data/base/1a" or die "$data/base/1a: $!\n";
my @after = $test->kept;
my $refused = $test->run('restore', @target);
is($refused->{status}, 8, 'the plan refuses a link to data');
like($refused->errors, qr{holds data behind the link "base/1a"}, 'and names it');
unlink "$data/base/1a" or die "$data/base/1a: $!\n";
$test->set_kept(@kept);
my $run = $test->run('restore', '--keep-old', @target);
is($run->{status}, 0, 'to a time: exit status') or diag $run->last_words;
$test->is_healthy('to a time');
is_whole('to a time');
has_links('to a time');
like(
	join(' ', @{ $run->plan->{warnings} }),
	qr/"db-exclude" of pgbackrest is set .* ignore it/,
	'the plan tells of it');
is(tablespaces(), 'early second', 'the tablespaces of the target are there');
is(rows('early'), 1500, 'with what was written before the target');
is(rows('second'), 1000, 'also in the one that the backup lacks');
is_deeply([ glob "$root/late/*" ], [], 'the one that was made later has left nothing');
ok(-e "$root/second/note", 'a file that is not PostgreSQL\'s is still there');
my $copy = $run->summary->{kept};
my ($copied) = glob "$copy/pg_tblspc/*/PG_*/*/*";
ok($copied && -s $copied, 'the copy of the old data holds the tablespaces');
ok(!-l $_, 'and not links to them: ' . s{.*/}{}r) for glob "$copy/pg_tblspc/*";

$test->set_kept(grep { !/second|target/ } @kept);
$test->run_ok('to before it', 'restore', @before);
$test->is_healthy('to before it');
is(tablespaces(), 'early', 'the tablespace of the backup is there');
make_tablespace('second');
is(rows('second'), 1000, 'the other can be made again');

$test->set_kept(@kept);
$test->run_ok('back', 'undo');
$test->is_healthy('back');
is_whole('back');
has_links('back');
is(tablespaces(), 'early second', 'both are there again');
is(rows('early'), 1500, 'the first as it was');
is(rows('second'), 1000, 'the second, too');
$test->set_kept(@after);
$test->run_ok('to the end', 'restore', '--type=default', "--target-timeline=$timeline");
$test->is_healthy('to the end');
is(tablespaces(), 'early late second', 'all are there');
is(rows('early'), 0, 'the first as it was');
is(rows('second'), 2000, 'the second, too');
is(rows('late'), 1000, 'and the last');
$test->is_quiet('all of it');
done_testing;
