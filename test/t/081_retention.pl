# What retention keeps, with the real pgbackrest: the documentation's examples, told before it
# happens; pins, which survive what the retention and a crash do and can be restored; WAL; and time.
use strict;
use warnings;
use JSON::PP;
use ManyBackups qw(age_backups);
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

my $cluster = PgbrCluster->new(
	preload => 0,
	pgbackrest =>
	  { 'repo1-retention-full' => 5, 'repo1-retention-diff' => 3, 'repo1-bundle' => 'y' })->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $repo = $cluster->sandbox->{root} . '/repo';
my $json = JSON::PP->new->canonical;

sub retention
{
	return $sidecar->http(GET => '/v1/info?refresh=true')->{json}{retention}{repositories}{1};
}
sub expires { my ($label) = @_; return retention()->{backups}{$label}{expires} }
sub kept    { my ($label) = @_; return retention()->{backups}{$label}{kept_because} }

sub told
{
	my ($words) = @_;
	my $told = retention()->{backups};
	return [ grep { $told->{$_}{expires} eq $words } sort keys %$told ];
}

# what pgbackrest itself has
sub document { return $json->decode($member->pgbackrest('--output=json', 'info'))->[0] }

sub labels
{
	return [ map { $_->{label} } @{ document()->{backup} } ];
}

sub run_job
{
	my (%job) = @_;
	my $job = $sidecar->wait_job($sidecar->post_job(%job)->{id});
	$job->{log} = $sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content};
	return $job;
}

my $number = 0;

sub backup
{
	my ($type) = @_;
	$number++;
	$member->psql(
		"CREATE TABLE IF NOT EXISTS made (number integer); INSERT INTO made VALUES ($number)");
	my $job = run_job(kind => 'backup', type => $type);
	die "$type backup: $job->{state}: $job->{message}\n" if $job->{state} ne 'succeeded';
	return $job->{label};
}

sub configure
{
	my (%options) = @_;
	%{ $cluster->{pgbackrest} } = (%{ $cluster->{pgbackrest} }, %options);
	$member->write_pgbackrest_conf;
	return;
}

# The segments in the archive
sub segments
{
	return [ sort map { m{/([0-9A-F]{24})-} } glob "$repo/archive/main/*/*/*" ];
}

# What is listed in one and not in the other
sub without
{
	my ($all, $some) = @_;
	my %some = map { $_ => 1 } @$some;
	return [ grep { !$some{$_} } @$all ];
}

# --- seven full backups with repo1-retention-full=5
my @fulls;
my @mistold;
for (1 .. 7)
{
	my ($before, $told) = (labels(), @fulls ? told('after 1 more full backup') : []);
	push @fulls, backup('full');
	my $gone = without($before, labels());
	push @mistold, "told [@$told], gone [@$gone]" if "@$told" ne "@$gone";
}
is_deeply(labels(), [ @fulls[ 2 .. 6 ] ], 'of seven full backups the five newest stay');
is_deeply(\@mistold, [], 'and each that went was told to go next');
is(kept($fulls[2]), 'one of the 5 newest full backups', 'the oldest is one of the five');
is(expires($fulls[6]), 'after 5 more full backups', 'the newest stays longest');
my $archive = (values %{ retention()->{archives} })[0];
is($archive->{point_in_time_label}, $fulls[2], 'any moment since the oldest one can be restored');
is($archive->{point_in_time_wal}, segments()->[0], 'its WAL is the first that is left');

# --- diffs with repo1-retention-diff=3
my @diffs = map { backup('diff') } 1 .. 3;
is_deeply(labels(), [ @fulls[ 2 .. 6 ], @diffs ], 'three diffs stay');
is_deeply(told('after 1 more full or diff backup'), [ $diffs[0] ], 'the first is the next to go');
push @diffs, backup('diff');
is_deeply(labels(), [ @fulls[ 2 .. 6 ], @diffs[ 1 .. 3 ] ], 'and goes with the fourth');

# --- pins
my ($status, $out, $errors) = $member->ctl('pin', $fulls[2], '--reason=before the merger');
is("$status $errors", '0 ', 'a backup is pinned');
is_deeply(
	[ kept($fulls[2]), expires($fulls[2]) ],
	[ 'pinned: before the merger', 'never while it is pinned' ],
	'for a reason');
is(run_job(kind => 'annotate', set => $diffs[1], annotations => { pinned => 'X-1' })->{state},
	'succeeded', 'another over HTTP');
is(kept($fulls[6]), "$diffs[1] depends on it and is pinned", 'what it depends on is kept, too');
($status, $out) = $member->ctl('info', '--format=tsv');
like(
	$out,
	qr/\t\Q$fulls[2]\E\t.*\tnever while it is pinned\tpinned: before the merger\t/m,
	'the control binary shows it');

for my $label ($fulls[2], $fulls[6])
{
	my $job = run_job(kind => 'expire', set => $label);
	is("$job->{state} $job->{error}", 'failed conflict', 'a pinned backup is not removed by name');
	like(
		$job->{message},
		qr/^backup \Q$label\E is kept: \S+ is pinned$/,
		'the reason says what is pinned');
}
($status, undef, $errors) = $member->ctl('expire', "--set=$fulls[2]");
is($status, 1, 'nor by the control binary');
like($errors, qr/unpin \Q$fulls[2]\E/, 'which tells how');

# a preview tells the truth, pins and all
my $kept = labels();
configure('repo1-retention-full' => 2, 'repo1-retention-diff' => 1);
my $due = [ @fulls[ 3, 4 ], $diffs[2] ];
is_deeply(told('at the next expire'), $due, 'less retention: what goes is told');
my $wal = segments();
my $preview = run_job(kind => 'expire', dry_run => JSON::PP::true);
is($preview->{state}, 'succeeded', 'a preview');
is_deeply([ sort $preview->{log} =~ /^repo1: backup (\S+) is to go$/mg ], $due, 'names them');
is_deeply([ sort $preview->{log} =~ /\[DRY-RUN\] repo1: remove expired backup (\S+)/g ],
	$due, 'as pgbackrest does');
like(
	$preview->{log},
	qr/^repo1: backup \Q$fulls[2]\E stays, or it would go: pinned: before the merger$/m,
	'and what a pin keeps');
is_deeply([ labels(), segments() ], [ $kept, $wal ], 'nothing is removed by it');

# killed between two backups that go
my $slow = program($member, 'pgbackrest-slow', <<'SCRIPT' =~ s/DIR/$member->{dir}/gr);
if [[ " $* " == *" expire "* ]]
then
	echo >>DIR/expires
	if [[ $(wc -l <DIR/expires) == 2 ]]
	then
		touch DIR/held
		while test -e DIR/held
		do
			sleep 0.05
		done
	fi
fi
exec pgbackrest "$@"
SCRIPT
$sidecar->restart("--pgbackrest=$slow");
$sidecar->wait_ready;
my $id = $sidecar->post_job(kind => 'expire')->{id};
wait_for { -e "$member->{dir}/held" } 'the second backup to be about to go';
$sidecar->kill;
unlink "$member->{dir}/held";
$sidecar->start;
$sidecar->wait_ready;
is($sidecar->job($id)->{state}, 'interrupted', 'an expire is killed in the midst');
my $gone = without($kept, labels());
cmp_ok(scalar @$gone, '>=', 1, 'something has gone');
is_deeply(without($gone, $due), [], 'nothing that had to stay');
my $verify = run_job(kind => 'verify');
is($verify->{state}, 'succeeded', 'the repository is good') or diag $verify->{log};
is(run_job(kind => 'expire')->{state}, 'succeeded', 'the next expire');
is_deeply(labels(), without($kept, $due), 'removes the rest');

# WAL: of the pinned backup what makes it consistent, of the others what they would have without it
my %backups = map { $_->{label} => $_->{archive} } @{ document()->{backup} };
my ($pinned, $oldest) = @backups{ @fulls[ 2, 5 ] };
is_deeply(
	segments(),
	[ grep { ($_ ge $pinned->{start} && $_ le $pinned->{stop}) || $_ ge $oldest->{start} } @$wal ],
	'WAL goes as without the pin, but for what the pinned backup needs');
is_deeply(
	[ map { retention()->{backups}{$_}{point_in_time} ? 1 : 0 } @fulls[ 2, 5 ] ],
	[ 0, 1 ],
	'which can only be restored to its end');

# backups with pins: their expire is the sidecar's
push @fulls, backup('full'), backup('full');
is_deeply(
	labels(),
	[ $fulls[2], $fulls[6], $diffs[1], @fulls[ 7, 8 ] ],
	'after backups all goes but the pinned');

# the pinned one is there in truth
{
	my $folder = "$member->{dir}/restored";
	mkdir $folder, 0700;
	$member->pgbackrest(
		"--pg1-path=$folder", "--set=$fulls[2]",
		'--type=immediate', '--target-action=promote',
		'restore');
	my $port = $cluster->sandbox->port;
	$cluster->sandbox->spawn($folder, 'restored', 'postgres', '-D', $folder, '-c', "port=$port",
		'-c', 'archive_mode=off', '-c', "unix_socket_directories=$folder");
	my $made = wait_for
	{
		my ($failed, $rows, $reason) = $member->_command('SELECT max(number) FROM made',
			'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d',
			"host=$folder port=$port user=postgres dbname=postgres");
		$failed and die $reason;
		$rows
	}
	'the restored server to answer';
	is($made, "3\n", 'the pinned backup restores');
}

# unpinned, it is the retention's again
($status, $out, $errors) = $member->ctl('unpin', $diffs[1]);
is("$status $errors", '0 ', 'a backup is unpinned');
is_deeply(told('at the next expire'), [ $fulls[6], $diffs[1] ], 'it goes with what it depends on');
run_job(kind => 'expire');
is_deeply(labels(), [ @fulls[ 2, 7, 8 ] ], 'at the next expire');

# a sidecar that can't learn what is pinned removes nothing
my $blind = program($member, 'pgbackrest-blind',
	qq([[ " \$* " == *" info "* ]] && exit 99\nexec pgbackrest "\$@"\n));
$sidecar->restart("--pgbackrest=$blind");
my $job = run_job(kind => 'expire');
is($job->{state}, 'failed', 'without knowing what is pinned nothing is expired');
like($job->{message}, qr/^could not learn which backups are pinned: /, 'and says so');
$job = run_job(kind => 'backup', type => 'full');
is($job->{state}, 'failed', 'nor after a backup');
push @fulls, $job->{label};
is_deeply(labels(), [ @fulls[ 2, 7, 8, 9 ] ], 'which is made and told all the same');
$sidecar->restart;
$sidecar->wait_ready;
$member->ctl('unpin', $fulls[2]);
run_job(kind => 'expire');
is_deeply(labels(), [ @fulls[ 8, 9 ] ], 'when all is known again, two of two stay');

# --- by time
configure('repo1-retention-full-type' => 'time', 'repo1-retention-full' => 20);
push @fulls, backup('full'), backup('full');
is_deeply(labels(), [ @fulls[ 8 .. 11 ] ], 'by time four full backups that are young stay');
age_backups("$repo/backup/main", $fulls[8] => 19.5, $fulls[9] => 12, $fulls[10] => 5);
is_deeply(
	[ kept($fulls[8]), kept($fulls[9]) ],
	[ ('not yet 20 days old') x 2 ],
	'one that is 19 days old, too');
like(
	expires($fulls[8]),
	qr/^at the first expire after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
	'it is told when it goes');
age_backups("$repo/backup/main", $fulls[8] => 30, $fulls[9] => 19.9);
run_job(kind => 'expire');
is_deeply(
	labels(),
	[ @fulls[ 8 .. 11 ] ],
	'at 30 days it stays, as the next one is younger than 20');
like(
	kept($fulls[8]),
	qr/^the newest full backup that is 20 days old/,
	'for the last 20 days are restored from it');
age_backups("$repo/backup/main", $fulls[9] => 20.1);
is_deeply(told('at the next expire'), [ $fulls[8] ],
	'once the next one is 20 days old it is to go');
run_job(kind => 'expire');
is_deeply(labels(), [ @fulls[ 9 .. 11 ] ], 'and goes');
is((values %{ retention()->{archives} })[0]{point_in_time_wal}, segments()->[0], 'with its WAL');

# --- the configuration can't be read
spew($member->{config}, slurp($member->{config}) =~ s/retention-full=20/retention-full=many/r,
	0600);
my $info = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
is( $info->{retention}{error},
	'invalid value "many" for "repo1-retention-full"',
	'a wrong value is named');
is_deeply($info->{retention}{repositories}, {}, 'and nothing claimed');
is(scalar @{ $info->{stanzas}[0]{backup} }, 3, 'the backups are shown all the same');
($status, $out) = $member->ctl('info');
like($out, qr/^retention is not known: invalid value "many"/m, 'the control binary says so');

$cluster->stop;
done_testing();
