# What the control binary prints for people is within 100 columns: with thousands of backups in two
# repositories, long texts, and characters that take two columns or none. plan and status of a
# cluster are held to it in 072_plan.pl.
use strict;
use warnings;
use ManyBackups qw(make_backups);
use PgbrCluster;
use PgbrSandbox qw(wait_for);
use PgbrWidth;
use Test::More;
use utf8;

my $stanza = 'a_stanza_with_a_name_that_takes_a_place_of_its_own';
my $cluster = PgbrCluster->new(
	stanza => $stanza,
	preload => 0,
	pgbackrest => {
		'repo1-retention-full' => 2,
		'repo2-retention-full-type' => 'time',
		'repo2-retention-full' => 20
	});
my $root = $cluster->{sandbox}{root};
mkdir "$root/repo2", 0750;
$cluster->{pgbackrest}{'repo2-path'} = "$root/repo2";
$_->write_pgbackrest_conf for $cluster->members;
$cluster->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;

# What a verb prints for people, which must fit, and as a document.
sub prints
{
	my ($name, @arguments) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $out) = $member->ctl(@arguments);
	is_within(100, $out, $name);
	return $out;
}

# --- jobs

my $long = '備份' x 40;
my $record;
for my $body (
	{
		kind => 'backup',
		type => 'full',
		repo => 1,
		reason => $long,
		annotations => { owner => $long, note => "e\x{301}" x 60 }
	},
	{ kind => 'backup', type => 'diff', repo => 2, reason => 'nightly' },
	{ kind => 'backup', type => 'incr', repo => 7, claimed_by => 'x' x 128 },
	{ kind => 'check' })
{
	my $id = $sidecar->post_job(%$body)->{id};
	wait_for { $sidecar->job($id)->{finished_at} } "job $id to end", 120;
	$record = prints("jobs $id", 'jobs', $id);
}
my $out = prints('jobs', 'jobs');
like($out, qr/^\(\d+ jobs\)$/m, 'all of them');
like($out, qr/^\S+ +backup +incr +failed /m, 'a row');

like($out, qr/\Aid +kind +type +state /, 'as a table');
my ($listed) = $sidecar->http(GET => '/v1/jobs')->{json}{jobs};
like($out, qr/^$_->{id} +$_->{kind} /m, "job $_->{id} on a line of its own") for @$listed;
(undef, $out) = $member->ctl('jobs', '--verbose');
like($out, qr/\A +id +\| +kind +\| type \| +state /, 'jobs --verbose: as in psql');
like($out, qr/^\(\d+ rows\)$/m, 'jobs --verbose: all of them');
unlike($record, qr/^hint/m, 'jobs ID: nothing that has no value');

# --- info

$out = prints('info', 'info');
like($out, qr/^repository 1:\n(?s:.*)^repository 2:\n/m, 'both repositories');
make_backups("$root/$_/backup/$stanza", 400) for 'repo', 'repo2';
$out = prints('info --refresh', 'info', '--refresh');
like($out, qr/^\(800 backups\)$/m, 'all of them');
my @indented = $out =~ /^( *)_\d{8}-\d{6}[DI] +(?:diff|incr) /mg;
is(join(' ', sort { $a <=> $b } keys %{ { map { length, 1 } @indented } }), '2 4', 'in chains');
(undef, my $verbose) = $member->ctl('info', '--verbose');
like($verbose, qr/^ \Q$stanza\E \|/m, 'info --verbose: all of it');

done_testing;
