# Measures a restore of a cluster of three against a restore by hand, for docs/bench.md;
# test/bench/run calls it. By hand is `pgbackrest restore --delta` into a copy of the leader's data
# directory and a plain server that recovers it, to the same point from the same backup.
# PGBR_BENCH_SCALE is pgbench's (130: 2 GB), PGBR_BENCH_ROUNDS how often both are done in turns (3).
# Undo by a kept member is measured at that scale and, with PGBR_BENCH_LARGE_SCALE (1300: 20 GB), at
# another, against which the first is held. Gives a JSON object on stdout.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use BenchRows  qw(at row rows);
use BenchTools qw(median now run_command);
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp wait_for);

my $scale = $ENV{PGBR_BENCH_SCALE} || 130;
my $rounds = $ENV{PGBR_BENCH_ROUNDS} || 3;
my %patroni_defaults = (loop_wait => 10, ttl => 30, retry_timeout => 10);
my ($cluster, $leader);

sub pgbench
{
	my (@options) = @_;
	$cluster->sandbox->run($leader->{dir}, 'pgbench', 'pgbench', @options, $leader->conninfo);
	return;
}

# The plan for a target: from which backup and on which timeline, for who does it by hand.
sub make_plan
{
	my (@options) = @_;
	my ($status, $out, $errors) =
	  $cluster->cluster_ctl('plan', '--no-verify', '--format=json', @options);
	die "plan: exit status $status: $errors" if $status;
	return decode_json($out);
}

# A copy of the leader's data directory as it is now; of a server that rests, and that --delta
# mends.
sub copy_data
{
	my ($copy) = @_;
	system 'cp', '-a', $leader->data, $copy;
	unlink "$copy/postmaster.pid";
	system 'sync';
	return;
}

# Restore and recover the copy as an administrator would who does nothing else. Gives the seconds
# until that server takes writes, and of these the ones of pgbackrest.
sub by_hand
{
	my ($plan, $lsn, $copy) = @_;
	my @pgbackrest = (
		'pgbackrest', "--config=$leader->{config}",
		"--stanza=$cluster->{stanza}", "--pg1-path=$copy");
	my $socket = "$leader->{dir}/by-hand";
	mkdir $socket, 0700;
	my $start = now();
	run_command(
		@pgbackrest, '--log-level-console=off',
		'--delta', "--set=$plan->{set}",
		'--type=lsn', "--target=$lsn",
		"--target-timeline=$plan->{target_timeline}", '--target-action=promote',
		'restore');
	my $restored = now() - $start;
	my %settings = (
		listen_addresses => '',
		unix_socket_directories => $socket,
		port => $leader->{port},
		shared_preload_libraries => '',
		archive_mode => 'off',
		restore_command => join(' ', @pgbackrest, 'archive-get %f "%p"'));
	my $pid = $cluster->sandbox->spawn($leader->{dir}, 'by-hand', $leader->bindir . '/postgres',
		'-D', $copy, map { ('-c', "$_=$settings{$_}") } sort keys %settings);
	my @psql = (
		'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', $socket,
		'-p', $leader->{port}, '-U', 'postgres', '-c');
	wait_for { `@psql 'SELECT pg_is_in_recovery()' 2>/dev/null` eq "f\n" } 'the recovery by hand',
	  600;
	run_command(@psql, 'INSERT INTO mark DEFAULT VALUES', 'postgres');
	my $seconds = now() - $start;
	$cluster->sandbox->end($pid, 'INT', 120);
	return ($seconds, $restored);
}

# Run the control binary, after which this member leads and these stream. Gives the seconds until a
# row could be inserted and until all replicas streamed and had that row, and the summary.
sub by_command
{
	my ($leads, $streaming, @command) = @_;
	my (%seconds, $summary);
	local %ENV = (%ENV, $cluster->ctl_environment);
	my $start = now();
	open my $pipe, '-|', "$ENV{PGBR_BUILD}/pgbackrest_ctl", @command, '--force', '--no-verify',
	  '--format=json'
	  or die "$command[0]: $!\n";
	while (my $line = readline $pipe)
	{
		my $event = eval { decode_json($line) } or next;
		$summary = $event if $event->{event} eq 'summary';
		next unless $event->{event} eq 'step' && $event->{state} eq 'done';
		if ($event->{step} eq 'hand-over')
		{
			$leads->psql('INSERT INTO mark DEFAULT VALUES');
			$seconds{writes} = now() - $start;
		}
		if ($event->{step} eq 'replicas-stream')
		{
			my $rows = $leads->psql('SELECT count(*) FROM mark');
			for my $member (@$streaming)
			{
				wait_for { $member->psql('SELECT count(*) FROM mark') == $rows }
				"$member->{name} to have the row";
			}
			$seconds{healthy} = now() - $start;
		}
	}
	close $pipe or die "$command[0]: wait status $?\n";
	return (\%seconds, $summary);
}

sub measure_round
{
	my ($number) = @_;
	# some WAL up to the target, and files that have changed after it
	pgbench(qw(-n -N -c 2 -t), $scale * 40);
	my $lsn = $leader->psql('SELECT pg_current_wal_insert_lsn()');
	pgbench(qw(-n -N -c 2 -t), $scale * 20);
	# all that waits to be archived would be waited for by the restore alone
	my $last = $leader->psql('SELECT pg_walfile_name(pg_switch_wal())');
	wait_for { $leader->psql('SELECT last_archived_wal FROM pg_stat_archiver') ge $last }
	'WAL to be archived', 120;
	$leader->psql('CHECKPOINT');
	my $plan = make_plan('--type=lsn', "--target=$lsn");
	my $copy = "$leader->{dir}/copy";
	copy_data($copy);
	my ($hand, $restored) = by_hand($plan, $lsn, $copy);
	system 'rm', '-rf', $copy;
	system 'sync';
	my ($seconds, $summary) =
	  by_command($leader, [ $cluster->members ], 'restore', '--type=lsn', "--target=$lsn");
	at( sprintf
		  'round %d: by hand %.1f s (of it pgbackrest %.1f s), %d segments; writes %.1f s, all healthy %.1f s; load %s',
		$number,
		$hand,
		$restored,
		$plan->{wal_segments} // -1,
		@$seconds{qw(writes healthy)},
		slurp('/proc/loadavg') =~ /^(\S+)/);
	$leader = $cluster->wait_leader;
	# it is not to run while the next round is measured
	$leader->sidecar->wait_job($summary->{backup_job}, undef, 600);
	return { hand => $hand, restored => $restored, %$seconds, summary => $summary };
}

# A database of this scale, in a full backup. Gives its bytes.
sub fill
{
	my ($size) = @_;
	at("a database of scale $size");
	pgbench('-i', '-q', '-s', $size);
	my $backup = $leader->sidecar->post_job(kind => 'backup', type => 'full');
	$backup = $leader->sidecar->wait_job($backup->{id}, undef, 7200);
	die "backup: $backup->{message}\n" unless $backup->{state} eq 'succeeded';
	$cluster->wait_streaming(600);
	return $leader->psql(q{SELECT pg_database_size('postgres')});
}

# A restore that keeps a replica, and its undo. Gives the seconds until a row could be inserted
# after the undo.
sub undo_by_kept
{
	my ($number) = @_;
	my ($kept, @others) = grep { $_ != $leader } $cluster->members;
	my $lsn = $leader->psql('SELECT pg_current_wal_insert_lsn()');
	pgbench(qw(-n -N -c 2 -t), 2000);
	my ($ignored, $restored) = by_command($leader, [ $leader, @others ],
		'restore', '--type=lsn', "--target=$lsn", '--keep-member=' . $kept->name);
	$leader->sidecar->wait_job($restored->{backup_job}, undef, 7200);
	pgbench(qw(-n -N -c 2 -t), 2000);
	my ($seconds, $undone) = by_command($kept, [ $cluster->members ], 'undo', $restored->{id});
	die "the undo went by $undone->{leader}\n" if $undone->{leader} ne $kept->name;
	$leader = $cluster->wait_leader;
	at(sprintf 'undo %d by a kept member: writes %.1f s, all healthy %.1f s',
		$number, @$seconds{qw(writes healthy)});
	$leader->sidecar->wait_job($undone->{backup_job}, undef, 7200);
	return $seconds->{writes};
}

# The median of the undos at a size; the row holds it against a limit of its own.
sub measure_undo
{
	my ($bytes, $limit, $most) = @_;
	my $seconds = median(map { undo_by_kept($_) } 1 .. $rounds);
	row(sprintf(
			'undo of %.1f GB by a kept member, until it takes writes, median of %d',
			$bytes / 1e9, $rounds),
		sprintf('%.1f s', $seconds),
		$limit,
		$seconds <= $most);
	return $seconds;
}

$cluster =
  PgbrCluster->new(members => 3, parameters => { fsync => 'on', autovacuum => 'off' })->start;
$leader = $cluster->wait_leader;
$leader->psql('CREATE TABLE mark (at timestamptz DEFAULT clock_timestamp())');
my $bytes = fill($scale);
my $patched = $leader->patroni(PATCH => '/config', \%patroni_defaults);
die "PATCH /config: $patched->{status}\n" unless $patched->{status} == 200;

my @measured = map { measure_round($_) } 1 .. $rounds;
my $of = sub {
	my ($key) = @_;
	return median(map { $_->{$key} } @measured);
};
my ($hand, $writes, $healthy) = map { $of->($_) } qw(hand writes healthy);
my $size = sprintf '%.1f GB', $bytes / 1e9;
for (
	[ "restore of $size, until the leader takes writes", $writes, 1.1, 3 ],
	[ "restore of $size, until all three members are healthy", $healthy, 1.5, 15 ])
{
	my ($claim, $seconds, $times, $more) = @$_;
	my $measured = sprintf '%.1f s against %.1f s by hand', $seconds, $hand;
	row("$claim, median of $rounds",
		$measured,
		"≤ $times × by hand + $more s",
		$seconds <= $times * $hand + $more);
}
my $undo = measure_undo($bytes, '≤ 10 s', 10);
if (my $large = $ENV{PGBR_BENCH_LARGE_SCALE})
{
	measure_undo(fill($large), '≤ 1.2 × that', 1.2 * $undo);
}
print JSON::PP->new->canonical->encode({ rows => rows(), restore => $measured[-1]{summary} });
