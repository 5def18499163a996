# A hostile repository: whatever pgbackrest prints of it, nothing outside the grammars reaches a
# command line, no answer is broken by it or carries what moves a terminal, and memory stays
# bounded. A program stands in for pgbackrest: it prints what a file says, and notes with what it
# was run.
use strict;
use warnings;
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

my $cluster = PgbrCluster->new(preload => 0, pgbackrest => { 'repo1-retention-full' => 1 });
my $member = $cluster->member(1);
my $dir = $member->{dir};
my $json = JSON::PP->new->canonical->allow_nonref->ascii;

# One line a run, as the shell would quote it.
my $fake = program($member, 'fake', <<'END');
top="${0%/*}"
line=$(printf '%q ' "$@")
echo "$line" >> "$top/runs"
case " $* " in
(*\ info\ ) if [[ " $* " == *--set=* ]]; then cat "$top/answer.set"; else cat "$top/answer.info"; fi ;;
(*\ repo-ls\ *) if [[ " $* " == *--recurse* ]]; then cat "$top/answer.list"; else cat "$top/answer.wal"; fi ;;
(*\ repo-get\ *) cat "$top/answer.history" ;;
(*\ version\ ) cat "$top/answer.version" ;;
(*) cat "$top/answer.job" ;;
esac
END

my $SEGMENT = '000000010000000000000002';
my $HASH = '0123456789' x 4;

# What would move a cursor, end a line, a quoted text or a path, or be an option.
my $odd = "a\e[2J\e]0;x\a\x{9b}31m\x7f\x{202e}b\r\n'; \"\\";
my @names = (
	$odd, '../../etc',
	'/etc/passwd', '15-1/../../../../etc',
	'--delta', '--set=x',
	'-x', '',
	' ', "x\ny",
	"x\0y", 'x' x 5000,
	'$(id)', '`id`',
	'20261122-154107F/..', "20261122-154107F\n",
	'20261122-154107F --repo1-path=/x', '%s%n');
my @numbers = (-1, -9223372036854775808, 9223372036854775807, 4294967297, 257, 1e300, '1', {});

sub backup
{
	my ($label, %with) = @_;
	return {
		label => $label,
		type => 'full',
		prior => undef,
		reference => undef,
		error => JSON::PP::false,
		annotation => { timestamp => 'x1' },
		archive => { start => $SEGMENT, stop => $SEGMENT },
		backrest => { format => 5, version => '2.45' },
		database => { id => 1, 'repo-key' => 1 },
		info => { delta => 1, size => 1, repository => { delta => 1, size => 1 } },
		lsn => { start => '0/2000028', stop => '0/2000100' },
		timestamp => { start => 1795361000, stop => 1795361010 },
		%with
	};
}

sub document
{
	my (%with) = @_;
	return [ {
		name => 'main',
		cipher => 'none',
		status => { code => 0, message => 'ok', lock => { backup => { held => JSON::PP::false } } },
		db => [ { id => 1, 'repo-key' => 1, 'system-id' => 7, version => '15' } ],
		repo => [ { key => 1, cipher => 'none', status => { code => 0, message => 'ok' } } ],
		archive => [ {
			id => '15-1',
			min => $SEGMENT,
			max => $SEGMENT,
			database => { id => 1, 'repo-key' => 1 }
		} ],
		# the first is pinned, so the sidecar names what is to go
		backup => [
			backup('20261120-154107F', annotation => { pinned => 'x' }),
			backup('20261121-154107F'),
			backup('20261122-154107F')
		],
		%with
	} ];
}

# The value at a path of the document, replaced.
sub changed
{
	my ($value, @path) = @_;
	my $document = document();
	my $last = pop @path;
	my $at = $document;
	$at = ref $at eq 'ARRAY' ? $at->[$_] : $at->{$_} for @path;
	ref $at eq 'ARRAY' ? ($at->[$last] = $value) : ($at->{$last} = $value);
	return $json->encode($document);
}

my $listing = qq({"0000000100000000/$SEGMENT-$HASH.gz":{"type":"file","size":1,"time":1795361000}});
my %good = (
	info => $json->encode(document()),
	set => $json->encode(document(
		backup => [ backup('20261122-154107F', 'database-ref' => [ { name => 'x', oid => 1 } ]) ])),
	list => $listing,
	wal => "$SEGMENT-$HASH.gz\n",
	history => "1\t0/5000000\tno recovery target specified\n",
	version => "pgBackRest 2.45\n",
	job => "P00   INFO: done\n");

my @cases;
for my $path (
	[ 0, 'archive', 0, 'id' ],
	[ 0, 'archive', 0, 'max' ],
	[ 0, 'archive', 0, 'min' ],
	[ 0, 'backup', 2, 'label' ],
	[ 0, 'backup', 1, 'label' ],
	[ 0, 'backup', 2, 'prior' ],
	[ 0, 'backup', 2, 'type' ],
	[ 0, 'backup', 2, 'archive', 'start' ],
	[ 0, 'backup', 2, 'backrest', 'version' ],
	[ 0, 'backup', 2, 'lsn', 'stop' ],
	[ 0, 'backup', 2, 'annotation', 'timestamp' ],
	[ 0, 'backup', 0, 'annotation', 'pinned' ],
	[ 0, 'db', 0, 'version' ],
	[ 0, 'status', 'message' ],
	[ 0, 'cipher' ])
{
	push @cases, [ "@$path is odd", info => changed($_, @$path) ] for @names[ 0, 1, 4, 14 ];
	push @cases, [ "@$path is of another type", info => changed({}, @$path) ];
}
push @cases,
  [
	"archive id '" . substr($_, 0, 20) =~ s/[^ -~]/?/gr . "'",
	info => changed($_, 0, 'archive', 0, 'id')
  ]
  for @names;
push @cases,
  [
	"label '" . substr($_, 0, 20) =~ s/[^ -~]/?/gr . "'",
	info => changed($_, 0, 'backup', 2, 'label')
  ]
  for @names;
for my $path (
	[ 0, 'repo', 0, 'key' ],
	[ 0, 'archive', 0, 'database', 'repo-key' ],
	[ 0, 'backup', 2, 'database', 'repo-key' ],
	[ 0, 'backup', 2, 'timestamp', 'stop' ],
	[ 0, 'backup', 2, 'info', 'size' ],
	[ 0, 'backup', 2, 'info', 'repository', 'delta' ],
	[ 0, 'status', 'code' ],
	[ 0, 'db', 0, 'system-id' ])
{
	push @cases, [ "@$path is " . $json->encode($_), info => changed($_, @$path) ] for @numbers;
}
push @cases,
  [ 'a key twice', info => $good{info} =~ s/"name":"main"/"name":"main","name":"other"/r ],
  [ 'a number that overflows', info => $good{info} =~ s/1795361010/99999999999999999999999/r ],
  [ 'deep JSON', info => '[' x 100000 ], [ 'deep JSON that ends', info => '[' x 3000 . ']' x 3000 ],
  [
	'many annotations',
	info => changed({ map { ("k$_" => $odd) } 1 .. 5000 }, 0, 'backup', 2, 'annotation')
  ],
  [
	'an annotation of 1 MB',
	info => changed({ timestamp => 'x' x 1000000 }, 0, 'backup', 2, 'annotation')
  ],
  [ 'bytes that are no UTF-8', info => $good{info} =~ s/"version":"15"/"version":"\xff\xfe"/r ],
  [ 'ESC as it is', info => $good{info} =~ s/"version":"15"/"version":"\e[2J"/r ],
  [
	'three times the same backup',
	info => changed([ map { backup('20261122-154107F') } 1 .. 3 ], 0, 'backup')
  ],
  [
	'backups in a circle',
	info => changed(
		[
			map {
				backup(
					"2026112$_-154107F_2026112$_-164107I",
					type => 'incr',
					prior => '2026112' . (3 - $_) . '-154107F_2026112' . (3 - $_) . '-164107I')
			} 1,
			2
		],
		0,
		'backup')
  ],
  [ 'no arrays where there should be', info => changed({ a => 1 }, 0, 'backup') ],
  map({ [
		'a listing with ' . substr($_, 0, 20) =~ s/[^ -~]/?/gr,
		list => $json->encode(
			{ "0000000100000000/$_" => { type => 'file', time => 1 }, $_ => { type => 'file' } })
  ] } @names),
  map({ [
		'a listing with time ' . $json->encode($_),
		list => $json->encode(
			{ "0000000100000000/$SEGMENT-$HASH.gz" => { type => 'file', time => $_, size => $_ } })
  ] } @numbers),
  [ 'a deep listing', list => '{"x":' . '[' x 100000 ],
  [ 'a listing of rubbish', list => "\xff\0\e[2J" x 1000 ],
  [
	'a listing of histories',
	list => $json->encode(
		{ map { (sprintf('%08X.history', $_) => { type => 'file' }) } 0, 1, 2, 4294967295 })
  ],
  map({ [
		'a history of ' . substr($_, 0, 20) =~ s/[^ -~]/?/gr,
		list => '{"00000002.history":{"type":"file"}}',
		history => $_
	] } "1\t0/5\t$odd\n",
	"\0\0\0",
	"4294967296\t0/5\tx\n",
	"-1\t0/5\tx\n",
	"1\t../..\tx\n",
	"1\n" x 1000,
	'x' x 100000),
  map({ [ 'WAL as ' . substr($_, 0, 20) =~ s/[^ -~]/?/gr, wal => $_ ] } $odd,
	"../$SEGMENT", "\0$SEGMENT", $SEGMENT x 1000),
  map({ [ 'a version of ' . substr($_, 0, 20) =~ s/[^ -~]/?/gr, version => "pgBackRest $_\n" ] }
	$odd,
	'x' x 60000),
  map({ [ 'info of a set: ' . substr($_, 0, 20), set => $_ ] } '[' x 100000, '{}', "\xff"),
  [
	'a job that prints labels',
	job =>
	  "P00   INFO: new backup label = ../../etc\nP00   INFO: new backup label = $odd\nP00  ERROR: [055]: $odd\n"
  ];

# each argument that pgbackrest may ever see here, as %q has it
my $label = qr/\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?/;
my $repo = qr/(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-6])/;
my $allowed =
  qr{^(?:--config=[\w/.-]+|--stanza=main|--log-level-(?:console|stderr)=\w+|--output=(?:json|text)|--repo=$repo|--recurse|--sort=none|--dry-run
	|--set=$label|--filter=\\\^[0-9A-F]{24}-\S+|--repo$repo-retention-[a-z-]+=\w+|--no-expire-auto|archive/main/\d+-\d+(?:/[0-9A-F]{8}\.history|/[0-9A-F]{16})?
	|info|version|repo-ls|repo-get|expire)$}x;

sub answers
{
	my (%answers) = (%good, @_);
	for my $name (keys %answers)
	{
		my $text = $answers{$name};
		utf8::encode($text) if utf8::is_utf8($text);
		spew("$dir/answer.$name", $text);
	}
	return;
}
answers();
# the installed program: under ASan every start of a child takes long, and memory is another's
local $ENV{PGBR_BUILD} = "$ENV{PGBR_DEST}/usr/local/bin";
my $sidecar = $member->sidecar;
$sidecar->start(
	"--pgbackrest=$fake", '--psql=' . program($member, 'psql', "exit 2\n"),
	'--insecure-no-auth', '--info-interval=3600');

my (@broken, @ill, %ran);
# An answer that is not what it says it is, or carries a control character.
sub look_at
{
	my ($name, $path, $answer) = @_;
	my $text = $answer->{content};
	push @broken, "$name: $path: status $answer->{status}: " . substr $text, 0, 200
	  if $answer->{status} == 599;
	push @broken, "$name: $path: a control character: " . substr $text, 0, 200
	  if $text =~ /[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/;
	# a name, labels in quotes, and a number
	push @broken, map { "$name: $path: $_" }
	  grep { !/^(?:#.*|\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? [-+.\w]+)?$/ } split /\n/, $text
	  if $path eq '/metrics' && $answer->{status} == 200;
	return $answer;
}

for my $case (@cases)
{
	my ($name, @answers) = @$case;
	answers(@answers);
	my $info = look_at($name, '/v1/info', $sidecar->http(GET => '/v1/info?refresh=true'));
	for my $path (
		$answers[0] eq 'wal' ? "/v1/wal/$SEGMENT" : ("/v1/wal/$SEGMENT", '/v1/archive', '/metrics'))
	{
		# what was shown before is shown on where the new one was refused
		look_at($name, $path, $sidecar->http(GET => $path));
	}
	if ($name =~ /label|backup|pinned|prior|key|job/)
	{
		my $job = $sidecar->post_job(kind => 'expire', dry_run => JSON::PP::true);
		$job = $sidecar->wait_job($job->{id});
		look_at($name, 'job', { status => 200, content => $json->encode($job) });
		look_at($name, 'log', $sidecar->http(GET => "/v1/jobs/$job->{id}/log"));
	}
	$sidecar->alive or BAIL_OUT("the sidecar has ended: $name");
	for my $argument (map { split / / } split /\n/, slurp("$dir/runs"))
	{
		$ran{$argument}++;
		push @ill, "$name: $argument" unless $argument =~ $allowed;
	}
	unlink "$dir/runs";
}
is_deeply([ @ill[ 0 .. ($#ill > 9 ? 9 : $#ill) ] ],
	[], 'nothing outside a grammar reaches a command line, in ' . @cases . ' cases');
is_deeply([ @broken[ 0 .. ($#broken > 9 ? 9 : $#broken) ] ], [], 'and no answer is broken by it');
for my $expected (
	qr/^--set=$label$/, qr{^archive/main/15-1/\d+$},
	qr/^--repo1-retention-archive=/, qr/history$/)
{
	ok(scalar(grep { /$expected/ } keys %ran), "what is in order is run with: $expected");
}

# --- memory
sub peak_mb
{
	my ($peak) = slurp('/proc/' . $sidecar->pid . '/status') =~ /^VmHWM:\s+(\d+)/m;
	return $peak / 1024;
}

answers();
$sidecar->restart("--pgbackrest=$fake", '--insecure-no-auth', '--info-interval=3600');
for my $case (
	[
		'60 MB of backups',
		'[{"name":"main","backup":['
		  . join(',', ($json->encode(backup('20261122-154107F'))) x 110000) . ']}]'
	],
	[ '6 MB of empty objects', '[{"name":"main","x":[' . join(',', ('{}') x 2000000) . ']}]' ])
{
	my ($name, $text) = @$case;
	spew("$dir/answer.info", $text);
	like($sidecar->http(GET => '/v1/info?refresh=true')->{json}{error}{code},
		qr/^(?:too-large|protocol)$/, "$name are refused");
	cmp_ok(peak_mb(), '<', 40, 'in little memory');
}
spew("$dir/answer.info",
		'[{"name":"main","backup":['
	  . join(',', map { $json->encode(backup(sprintf '20261122-%06dF', $_)) } 1 .. 12000)
	  . ']}]');
is($sidecar->http(GET => '/v1/info?refresh=true')->{json}{error},
	undef, 'a document at the limit is taken: ' . int((-s "$dir/answer.info") / 1e5) / 10 . ' MB');
cmp_ok(peak_mb(), '<', 150, 'in the memory that the documentation names');
is($sidecar->stop, 0, 'the sidecar ends cleanly');

done_testing;
