# Plans of restores against a real cluster with a past: targets that can be reached, and those that
# can't, which are refused while the cluster keeps serving: a writer counts all the while.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP;
use PgbrCluster;
use PgbrSandbox       qw(slurp spew wait_for);
use PgbrStrangeServer qw(answer);
use PgbrWidth;
use Test::More;

my $json = JSON::PP->new->utf8;
my $cluster = PgbrCluster->new(members => 3)->start;
my $leader = $cluster->wait_leader;
my $root = $cluster->sandbox->{root};
my $archive = "$root/repo/archive/main/15-1";
delete @ENV{ grep { /^(?:PGBRCTL_.*|TYPE|TARGET|SET|TARGET_TIMELINE|REPLICAS_ONLY)$/ } keys %ENV };

sub now
{
	return $leader->psql(
		q{SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'}
	);
}

sub files
{
	return map { glob } @_;
}

# Have all WAL of now archived: gives the name of the segment that was switched from.
sub switch
{
	my $segment =
	  $leader->psql('SELECT pg_current_xact_id() IS NULL; SELECT pg_walfile_name(pg_switch_wal())')
	  =~ s/.*\n//r;
	wait_for { files("$archive/*/$segment-*") } "$segment to be archived";
	return $segment;
}

# A backup whose second is over, so that a time from now on is surely after it.
sub backup
{
	my ($type) = @_;
	my $job = $leader->psql("SELECT pgbr_backup('$type', wait => true)");
	my $label = $leader->psql("SELECT label FROM pgbr_job('$job')");
	my $second = time;
	wait_for { time > $second } 'the next second';
	return $label;
}

$leader->psql(
	'CREATE EXTENSION pgbackrest_ctl; CREATE TABLE count (n int, at timestamptz DEFAULT clock_timestamp())'
);
my $before_all = now();
my $full = backup('full');
my $first_time = now();
$leader->psql('INSERT INTO count VALUES (0)');
my $lsn = $leader->psql('SELECT pg_current_wal_insert_lsn()');
$leader->psql(q{SELECT pgbr_restore_point('before the release')});
my $xid = $leader->psql('INSERT INTO count VALUES (0) RETURNING pg_current_xact_id()');
my $gap = switch ();
switch ();
my $incr = backup('incr');
my $late_time = now();
$leader->psql('INSERT INTO count VALUES (0)');
switch ();

# The writer: one row after another, all through what follows.
spew("$root/writer.sql", "INSERT INTO count VALUES (1) \\watch 0.02\n");
my ($writer, $writer_output);

sub start_writer
{
	$writer = IPC::Run::start([ $leader->psql_command ],
		'<', "$root/writer.sql", '>', '/dev/null', '2>', \$writer_output);
	return;
}
start_writer();
$cluster->sandbox->at_end(sub { $writer->kill_kill });
sub written { return $leader->psql('SELECT count(*) FROM count') }
wait_for { written() > 5 } 'the writer to write';

# Whether to have the repository verified; a small one is, when nothing is said.
my @verify;

# Run the verb: gives exit status, decoded output, errors.
sub ctl_plan
{
	my (@arguments) = @_;
	my ($status, $out, $errors) = $cluster->cluster_ctl('plan', '-f', 'json', @verify, @arguments);
	return ($status, eval { $json->decode($out) } // {}, $errors);
}

sub reachable
{
	my ($name, $set, @arguments) = @_;
	my ($status, $plan, $errors) = ctl_plan(@arguments);
	is($status, 0, "$name: can be reached") or diag $errors;
	is($plan->{set}, $set, "$name: by the right backup");
	return $plan;
}

# Refused with exit status 8 and this message, with targets to try instead that are accepted, and
# nothing stopped: rows are written before and after.
sub refused
{
	my ($name, $message, @arguments) = @_;
	my $rows = written();
	my ($status, $refusal, $errors) = ctl_plan(@arguments);
	is($status, 8, "$name: refused") or diag $errors;
	like($errors, $message, "$name: says why");
	wait_for { written() > $rows } 'more rows';
	pass("$name: the cluster keeps serving");
	return $refusal;
}

my $plan = reachable('the end', $incr, ());
is($plan->{leader}, $leader->name, 'the leader is named');
is(scalar @{ $plan->{members} }, 3, 'and all members');
is($plan->{steps}[0]{step}, 'lock', 'the steps begin with the locks');
is(ref $plan->{unproven}, 'ARRAY', 'what could not be proven is listed');
is_deeply([ grep { /whole/ } @{ $plan->{unproven} } ], [], 'a small repository has been verified');

# takes the job, and is away from then on
my $relay = PgbrStrangeServer->new(
	$cluster->sandbox,
	{
		away => sub {
			my ($client, $request) = @_;
			return if $request->{path} =~ m{^/v1/jobs/};
			my $answer = $leader->sidecar->http(
				$request->{method} => $request->{path},
				headers => { 'Content-Type' => 'application/json' },
				body => $request->{body});
			answer($client, $answer->{content}, status => $answer->{status});
		}
	});
my $began = time;
$plan = reachable(
	'a sidecar that goes away',
	$incr,
	map { "--sidecar=$_->{name}=" . ($_ == $leader ? $relay->url . '/away' : $_->sidecar->url) }
	  $cluster->members);
cmp_ok(time - $began, '<', 30, 'the plan does not wait for it');
like($relay->requests, qr{^POST /away/v1/jobs }m, 'it was to verify the repository');
like(
	join("\n", @{ $plan->{unproven} }),
	qr/whole: could not connect to the sidecar/,
	'which is not proven');

# its outcome goes for those that follow
@verify = ('--no-verify');
reachable('a time', $incr, '--type=time', "--target=$late_time");
reachable('a time between the backups', $full, '--type=time', "--target=$first_time");
reachable('an LSN between the backups', $full, '--type=lsn', "--target=$lsn");
reachable('a name', $full, '--type=name', '--target=before the release');
reachable('a transaction', $full, '--type=xid', "--target=$xid");
reachable('a backup by itself', $full, '--type=immediate', "--set=$full");
{
	local %ENV = (%ENV, TYPE => 'time', TARGET => $first_time);
	reachable('the environment', $full, ());
	@ENV{qw(TYPE SET)} = ('immediate', $full);
	delete $ENV{TARGET};
	reachable('a backup of the environment', $full, ());
	delete @ENV{qw(TYPE SET)};
	$ENV{REPLICAS_ONLY} = 'true';
	ok(reachable('replicas by the environment', $incr, ())->{request}{replicas_only},
		'and they alone');
}
reachable('replicas', $incr, '--replicas-only', '--member=' . ($cluster->replicas)[0]->name);
my ($status, $out, $errors) = $cluster->cluster_ctl('plan', '--type=time', "--target=$first_time");
is_within(100, $out, 'the plan');
like(
	$out,
	qr/^ *\d+\. leader: .*\n *by hand: pgbackrest --stanza=main --repo=1 --delta --set=\Q$full\E --type=time/m,
	'steps with commands');

# what no leader can do anything about
refused('a future time', qr/in the future/, '--type=time', '--target=2099-01-01 00:00:00+00');
my $refusal = refused(
	'a time before the first backup', qr/no backup from which/,
	'--type=time', "--target=$before_all");
is($refusal->{nearest}[0]{type}, 'time', 'the earliest time is offered');
reachable('the earliest time', $full, '--type=time', "--target=$refusal->{nearest}[0]{target}");
$refusal = refused(
	'an unknown name',
	qr/no restore point "before the relase"/,
	'--type=name',
	'--target=before the relase');
is($refusal->{nearest}[0]{target}, 'before the release', 'a name like it is offered');
refused('an xid that was never assigned', qr/never assigned/, '--type=xid', '--target=4000000000');
refused('an LSN past the end', qr/past the end/, '--type=lsn', '--target=FF/0');
refused('a wrong timeline', qr/timeline 7 is not known/, '--target-timeline=7');
refused(
	'a backup that is too late', qr/too late/,
	'--type=time', "--target=$first_time",
	"--set=$incr");
refused('an unknown backup', qr/no backup 20200101-000000F/, '--set=20200101-000000F');

# what is no target at all
for my $strange (
	[ '--type=time', "--target=2026-01-01 00:00:00" ],
	[ '--type=name', "--target=x'; DROP TABLE count" ],
	[ '--type=name', "--target=x\nrestore_command = 'touch $root/owned'" ],
	[ '--type=xid', '--target=1 --delta' ],
	[ '--type=lsn', '--target=0/0;' ],
	['--set=--force'],
	['--target-timeline=latest'])
{
	($status, undef, $errors) = ctl_plan(@$strange);
	is($status, 2, "not in the grammar: @$strange") or diag $errors;
}

# a name that is there twice, on two timelines: after a failover
$leader->psql(q{SELECT pgbr_restore_point('twice')});
switch ();
$writer->kill_kill;
my ($other) = $cluster->replicas;
my $former = $leader;
$leader->stop;
$other = $cluster->wait_leader(other_than => $leader);
$leader->start;
$leader = $other;
wait_for { $leader->psql('SELECT pg_current_xact_id()') } 'the new leader to write';
$cluster->wait_streaming;
start_writer();
$leader->psql(q{SELECT pgbr_restore_point('twice')});
switch ();
wait_for { files("$archive/00000002.history*") } 'the history of timeline 2';
$refusal = refused(
	'a name that is there twice', qr/more than one restore point "twice"/,
	'--type=name', '--target=twice');
is_deeply(
	[ sort map { $_->{target_timeline} } @{ $refusal->{nearest} } ],
	[ 1, 2 ],
	'both are offered');
reachable('the first of them', $incr, '--type=name', '--target=twice', '--target-timeline=1');
{
	local %ENV = (%ENV, TYPE => 'name', TARGET => 'twice', TARGET_TIMELINE => 1);
	reachable('the same by the environment', $incr, ());
}
$refusal = refused(
	'the second of them', qr/no backup from which restore point twice/,
	'--type=name', '--target=twice',
	'--target-timeline=2');
reachable('its place', $incr, '--type=lsn', "--target=$refusal->{nearest}[0]{target}",
	'--target-exclusive', '--target-timeline=2');
reachable('across the failover', $incr, ());

# the host whose sidecar knew a restore point is gone, with all that this sidecar knew: the backup
# keeps the name
{
	my $sidecar = $former->sidecar;
	wait_for
	{
		my ($kept) = grep { $_->{label} eq $full }
		  @{ $leader->sidecar->http(GET => '/v1/info?refresh=true')->{json}{stanzas}[0]{backup} };
		grep { /^\d+ \d+ before the release$/ } values %{ $kept->{annotation} }
	}
	'the full backup to keep the restore point';
	$sidecar->stop;
	unlink glob $sidecar->state_dir . '/state.db*';
	$sidecar->start->wait_ready;
	is_deeply($sidecar->http(GET => '/v1/restore-points')->{json}{restore_points},
		[], 'a sidecar that has lost its restore points');
	reachable('a restore point that no sidecar knows',
		$full, '--type=name', '--target=before the release');
}

# the cluster: somebody is at work on it
sub set_pause
{
	my ($paused) = @_;
	$leader->patroni(PATCH => '/config', { pause => $paused });
	wait_for { !!$leader->patroni(GET => '/patroni')->{pause} == !!$paused }
	'Patroni to see the pause, or its end';
	return;
}
set_pause(JSON::PP::true);
refused('a cluster that is paused', qr/cluster "pgbr" is paused/);
set_pause(undef);
($other) = $cluster->replicas;
my $scheduled = $leader->patroni(
	POST => '/switchover',
	{
		leader => $leader->name,
		candidate => $other->name,
		scheduled_at => '2099-01-01T00:00:00+00:00'
	});
is($scheduled->{status}, 202, 'a switchover is scheduled') or diag $scheduled->{content};
refused('a cluster with a scheduled switchover', qr/switchover is scheduled/);
$leader->patroni(DELETE => '/switchover');
reachable('without it', $incr, ());

# a sidecar that can't stop its PostgreSQL, as in a container beside it
my @alone = qw(unshare --map-current-user --pid --fork --kill-child --mount-proc);
SKIP:
{
	skip 'this machine lets nobody make a process namespace', 3
	  if !IPC::Run::run([ @alone, 'true' ], '2>', \my $reason);
	my $sidecar = $other->sidecar;
	$sidecar->kill;
	$sidecar->set_wrapper(@alone)->start;
	refused('a server whose process is not seen',
		qr/process of PostgreSQL on member "\Q$other->{name}\E" is not seen/);
	reachable('the replicas beside it',
		$incr, '--replicas-only',
		map { "--member=$_->{name}" } grep { $_ != $other } $cluster->replicas);
	$sidecar->kill;
	$sidecar->set_wrapper->start;
}

# damage: last, since it stays
my ($file) = files(
	"$root/repo/backup/main/$incr/pg_data/global/*.lz4",
	"$root/repo/backup/main/$incr/pg_data/base/*/*.lz4");
my $contents = slurp($file);
open my $handle, '+<', $file or die "$file: $!\n";
seek $handle, int(length($contents) / 2), 0;
print $handle 'damage';
close $handle or die "$file: $!\n";
@verify = ();
reachable('the end, without the damaged backup', $full, '--verify');
@verify = ('--no-verify');
refused('a damaged backup', qr/damaged/, "--set=$incr");
($file) = files("$archive/*/$gap-*");
rename $file, "$root/away" or die "$file: $!\n";
$refusal = refused('missing WAL', qr/\Q$gap\E/, ());
ok(scalar @{ $refusal->{nearest} }, 'there is something to try instead');

for my $nearest (@{ $refusal->{nearest} })
{
	my @arguments = (
		"--type=$nearest->{type}",
		map { my $n = $nearest->{ $_->[1] }; defined $n ? "--$_->[0]=$n" : () }
		  [ 'target', 'target' ],
		[ 'set', 'set' ],
		[ 'target-timeline', 'target_timeline' ]);
	reachable("instead: @arguments", $nearest->{set}, @arguments);
}

# members
my ($replica) = $cluster->replicas;
$replica->sidecar->stop;
my (undef, $members, $why) = $cluster->cluster_ctl('status');
is_within(100, $members, 'status');
like($members, qr/^\Q$replica->{name}\E .* can't be asked *$/m, 'status: who can not be asked');
like(
	$why,
	qr/warning: the sidecar of member "\Q$replica->{name}\E" can't be asked: could not connect .*; hint: /,
	'and why');
refused(
	'a sidecar that does not answer',
	qr/sidecar of member "\Q$replica->{name}\E".*--sidecar=\Q$replica->{name}\E=URL/s,
	'--type=immediate');
$plan =
  reachable('without that member', $full, '--type=immediate', "--without-member=$replica->{name}");
ok($plan->{check_timeline}, 'it must not win with old data');
ok(!-e "$root/owned", 'nothing was executed');
$writer->kill_kill;
done_testing();
