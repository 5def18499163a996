# Runs pg_regress on the inputs given (sql/NAME.sql), in a database of a cluster of one member with
# its sidecar and repository, and says how each went as TAP. test/run calls it.
use strict;
use warnings;
use File::Basename qw(basename);
use PgbrCluster;
use PgbrSandbox qw(slurp spew);

my @names = map { basename($_, '.sql') } @ARGV;
# pg_regress gives up at an input that has nothing yet to be compared with
mkdir 'expected';
-e "expected/$_.out" or spew("expected/$_.out", '') for @names;

my $cluster = PgbrCluster->new->start;
my $member = $cluster->member(1);
$cluster->psql('CREATE DATABASE regression');

chomp(my $pgxs = `pg_config --pgxs`);
my $results = $cluster->sandbox->{root};
(my $pg_regress = $pgxs) =~ s{/makefiles/.*}{/test/regress/pg_regress};
chomp(my $bindir = `pg_config --bindir`);
my @command = (
	$pg_regress, '--use-existing',
	'--dbname=regression', '--inputdir=.',
	"--outputdir=$results", "--bindir=$bindir",
	"--host=$member->{socket}", "--port=$member->{port}",
	'--user=postgres');
open my $pipe, '-|', @command, @names or die "$pg_regress: $!\n";

$| = 1;
print '1..' . @names . "\n";
my $number = 0;
while (<$pipe>)
{
	print "# $_";
	my ($name, $verdict) = /^test (\S+)\s+\.\.\. (ok|FAILED)/ or next;
	printf "%sok %d - %s\n", $verdict eq 'ok' ? '' : 'not ', ++$number, $name;
}
close $pipe;
my $status = $? >> 8;
if ($status)
{
	print map { "# $_\n" } split /\n/, slurp("$results/regression.diffs");
	mkdir "$ENV{PGBR_LOGS}/regress";
	system 'cp', '-r', "$results/results", "$ENV{PGBR_LOGS}/regress/";
}
exit $status;
