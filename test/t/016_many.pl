# Two thousand backups in the repository: pgbackrest's own document, the sidecar's copy, SQL and the
# control binary show each of them, and all say the same.
use strict;
use warnings;
use Digest::SHA qw(sha1_hex);
use JSON::PP;
use List::Util  qw(sum uniq);
use ManyBackups qw(make_backups);
use PgbrCluster;
use PgbrSandbox qw(slurp);
use PgbrSidecarTest;
use Test::More;

my $count = 2000;
my $json = JSON::PP->new->utf8->canonical;
my $cluster = PgbrCluster->new->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my @labels = make_backups($cluster->sandbox->{root} . '/repo/backup/main', $count);
is(scalar(uniq @labels), $count, "$count backups");

# --- pgbackrest and the sidecar
my $document = $json->decode($member->pgbackrest('--output=json', 'info'));
my @backups = @{ $document->[0]{backup} };
is($document->[0]{status}{message}, 'ok', 'pgbackrest takes them for good');
is_deeply([ map { $_->{label} } @backups ], \@labels, 'and shows them all');

my $answer = $sidecar->http(GET => '/v1/info?refresh=true');
is($answer->{status}, 200, 'the sidecar has them');
is($answer->{json}{error}, undef, 'without an error');
cmp_ok(length $answer->{content}, '>', 1_000_000, 'in more than a pipe holds');
# compared as text: a list of differences would take longer than the test
ok($json->encode($answer->{json}{stanzas}) eq $json->encode($document),
	'word by word as pgbackrest shows them');

my $head = '"stanzas":';
my $request = "GET /v1/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
my @digests = at_once(
	(sub {
		return [ map { my ($text) = $sidecar->raw($request, 30) =~ /$head(.*)/s; sha1_hex($text) }
			  1 .. 10 ];
	}) x 16);
my ($text) = $answer->{content} =~ /$head(.*)/s;
is_deeply(
	[ uniq map { @$_ } @digests ],
	[ sha1_hex($text) ],
	'sixteen readers at once get all of it');
my @zombies = grep { slurp($_) =~ /\) Z \Q@{[ $sidecar->pid ]}\E / } glob '/proc/[0-9]*/stat';
is_deeply(\@zombies, [], 'and no zombie is left');
is($sidecar->http(GET => '/readyz')->{status}, 200, 'the sidecar is ready');

# --- SQL
$member->psql('CREATE EXTENSION pgbackrest_ctl');
is_deeply([ split /\n/, $member->psql('SELECT label FROM pgbr_backups') ],
	\@labels, 'pgbr_backups shows them all');
is( $member->psql(
		'SELECT count(*), count(DISTINCT backup_id), sum(database_size), sum(repo_delta), sum(cardinality(reference)) FROM pgbr_backups'
	),
	join('|',
		$count, $count,
		sum(map { $_->{info}{size} } @backups),
		sum(map { $_->{info}{repository}{delta} } @backups),
		sum(map { scalar @{ $_->{reference} // [] } } @backups)),
	'with all there is to each');
is( $member->psql('SELECT count(*) FROM pgbr_backups b JOIN pgbr_backups p ON p.label = b.prior'),
	scalar(grep { defined $_->{prior} } @backups),
	'and what each is based on');
is($member->psql('SELECT jsonb_array_length(pgbr_info_json()->0->\'backup\')'),
	$count, 'so does pgbr_info_json');
is($member->psql('SELECT status_message FROM pgbr_status'), 'ok', 'and pgbr_status goes over them');

# --- the control binary
sub ctl
{
	my (@arguments) = @_;
	my ($status, $out, $errors) = $member->ctl(@arguments);
	is("$status $errors", '0 ', "pgbackrest_ctl @arguments");
	return $out;
}

# the labels in the order of an output, each once
sub labels_of { my ($out) = @_; return [ uniq $out =~ /\b(\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?)\b/g ] }
my $label = qr/\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?/;
my %known = map { $_ => 1 } @labels;
my @lines = split /\n/, ctl('info', '--format=tsv');
is_deeply(
	[ sort(uniq(grep { $known{$_} } map { /\b($label)\b/ ? $1 : () } @lines)) ],
	[ sort @labels ],
	'--format=tsv: a line for each');
# a diff or incr stands below its full backup, with the rest of its label
my $full = '';
my @listed;
for (split /\n/, ctl('info', '--format=pretty'))
{
	if    (/^\s*(\d{8}-\d{6}F) /)     { push @listed, $full = $1 }
	elsif (/^\s*(_\d{8}-\d{6}[DI]) /) { push @listed, "$full$1" }
}
is_deeply([ sort @listed ], [ sort @labels ], '--format=pretty: a line for each');
my $shown = $json->decode(ctl('info', '--format=json'));
ok($json->encode($shown->{stanzas}) eq $json->encode($document),
	'--format=json: pgbackrest\'s document');
is(scalar(@{ labels_of(ctl('info', '--format=yaml')) }), $count, '--format=yaml: the same');

done_testing;
