# Restores of a cluster of three through the control binary, while pgbench writes: to each type of
# target, killed in their midst and gone on with, repeated, refused, and taken back.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(wait_for);
use Test::More;

my $cluster = PgbrCluster->new(members => 3)->start;
my $leader = $cluster->wait_leader;
$leader->psql(
	'CREATE TABLE mark (name text PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())');
$leader->psql('CREATE EXTENSION pgbackrest_ctl');
bench('-i', '-q', '-s', 1);
my $first = $leader->sidecar->post_job(kind => 'backup', type => 'full');
$first = $leader->sidecar->wait_job($first->{id});
is($first->{state}, 'succeeded', 'a backup to start from');
mark('after the backup');
# a backup ends in a second, and a time in that second can't be told from it
wait_for
{
	$leader->psql(q{SELECT clock_timestamp() > max(at) + interval '1.1 s' FROM mark}) eq 't'
}
'the next second';

sub bench
{
	my (@options) = @_;
	my $log = '';
	my @command = (
		'pgbench', '-h', $leader->{socket}, '-p', $leader->{port}, '-U',
		'postgres', @options, 'postgres');
	IPC::Run::run(\@command, '>&', \$log) or die "pgbench: $log\n" if $options[0] eq '-i';
	# it ends when the server it writes to is stopped
	$cluster->sandbox->spawn($cluster->sandbox->{root}, 'pgbench', @command) if $options[0] ne '-i';
	return;
}

sub mark
{
	my ($name) = @_;
	return $leader->psql("INSERT INTO mark (name) VALUES ('$name') RETURNING pg_current_xact_id()");
}

sub marks
{
	my ($member) = @_;
	return join ', ', split /\n/, $member->psql('SELECT name FROM mark ORDER BY at');
}

# The events of a run.
sub events
{
	my ($out) = @_;
	return map { JSON::PP->new->utf8->decode($_) } grep { /^\{/ } split /\n/, $out;
}

# All members have these marks and stand on one timeline, replicas stream, Patroni is not paused.
sub is_cluster
{
	my ($expected, $name) = @_;
	$leader = $cluster->wait_leader;
	$cluster->wait_streaming;
	for my $member ($cluster->members)
	{
		my $last = '';
		wait_for { ($last = marks($member)) eq $expected }
		"$member->{name} to have the rows ($last)", 20;
		is(marks($member), $expected, "$name: the rows of $member->{name}");
	}
	my ($status, $out) = $cluster->cluster_ctl('status', '--format=json');
	is($status, 0, "$name: status");
	my $json = JSON::PP->new->utf8->decode($out);
	ok(!$json->{paused}, "$name: Patroni is not paused");
	return $json;
}

sub restore
{
	my ($name, @options) = @_;
	my ($status, $out, $errors) =
	  $cluster->cluster_ctl('restore', '--force', '--no-verify', '--format=json', @options);
	is($status, 0, "$name: restored") or diag $out, $errors;
	my @events = events($out);
	my ($plan) = map { $_->{plan} } grep { $_->{event} eq 'plan' } @events;
	my %done = map { $_->{step} => 1 }
	  grep { $_->{event} eq 'step' && $_->{state} =~ /^(?:done|skipped)$/ } @events;
	my @steps = ref $plan->{steps} ? @{ $plan->{steps} } : ();
	cmp_ok(scalar @steps, '>=', 10, "$name: the plan has steps");
	is_deeply([ grep { !$done{ $_->{step} } } @steps ],
		[], "$name: every step of the plan was told");
	is($events[-1]{event}, 'summary', "$name: it ends with a summary");
	is($events[-1]{result}, 'done', "$name: done");
	return $events[-1];
}

# Start a restore and kill the control binary as soon as it has begun a step.
sub kill_at
{
	my ($step, @restore) = @_;
	my ($out, $errors) = ('', '');
	local %ENV = (%ENV, $cluster->ctl_environment);
	my $run = IPC::Run::start([ "$ENV{PGBR_BUILD}/pgbackrest_ctl", @restore ],
		'<', \undef, '>', \$out, '2>', \$errors);
	wait_for { $run->pump_nb; $out =~ /"step":"$step","state":"started"/ } "step $step to begin",
	  60;
	$run->signal('KILL');
	eval { $run->finish };
	return;
}

my @kept = ('after the backup');

subtest 'what is refused changes nothing' => sub {
	my ($status, $out, $errors) = $cluster->cluster_ctl('restore', '--no-verify');
	is($status, 2, 'without a terminal nobody can be asked');
	like($errors, qr/--force/, 'and that is said');
	($status, $out, $errors) =
	  $cluster->cluster_ctl('restore', '--force', '--no-verify', '--type=time',
		'--target=2099-01-01 00:00:00Z');
	is($status, 8, 'a time to come is refused by the plan');
	($status) =
	  $cluster->cluster_ctl('restore', '--force', '--no-verify', '--type=name', '--target=never');
	is($status, 8, 'so is a name that nobody knows');
	($status) = $cluster->cluster_ctl('undo', '--force');
	is($status, 5, 'there is nothing to take back');
	is(is_cluster(join(', ', @kept), 'refused')->{restore}, undef, 'no restore is known');
};

subtest 'killed in the midst, and gone on with' => sub {
	mark('before the time');
	push @kept, 'before the time';
	my $time = $leader->psql('SELECT clock_timestamp()');
	mark('after the time');
	bench('-T', 600);
	my @restore =
	  ('restore', '--force', '--no-verify', '--format=json', '--type=time', "--target=$time");
	kill_at('recover', @restore);
	my ($out, $errors);
	my ($status, $json) = $cluster->cluster_ctl('status', '--format=json');
	my $restore = JSON::PP->new->utf8->decode($json)->{restore};
	is($restore->{state}, 'active', 'the journal has it as active');
	is(JSON::PP->new->utf8->decode($json)->{paused}, JSON::PP::true, 'Patroni is paused');
	($status) = $cluster->cluster_ctl('restore', '--force', '--no-verify', '--type=immediate');
	is($status, 6, 'another restore is refused');
	my $answer = $leader->sidecar->http(POST => '/v1/jobs', body => { kind => 'backup' });
	is($answer->{status}, 409, 'a backup is refused');
	is($answer->{json}{code}, 'restore-in-progress', 'and why');
	($status, $out, $errors) = $cluster->cluster_ctl(@restore);
	is($status, 0, 'the same command goes on') or diag $out, $errors;
	my @events = events($out);
	is($events[-1]{id}, $restore->{id}, 'with the same restore');
	ok(!(grep { $_->{event} eq 'step' && $_->{step} eq 'stop-leader' } @events),
		'what was done is not done again');
	is_cluster(join(', ', @kept), 'to a time');
	($status, $out) = $cluster->cluster_ctl(@restore);
	is($status, 0, 'repeated');
	@events = events($out);
	is($events[-1]{id}, $restore->{id}, 'it is told that it is done');
};

subtest 'taken back' => sub {
	my ($status, $out, $errors) =
	  $cluster->cluster_ctl('undo', '--force', '--no-verify', '--format=json');
	is($status, 0, 'undone') or diag $out, $errors;
	unlike($errors, qr/verifying/, '--no-verify: without a look at the files of the repository');
	push @kept, 'after the time';
	is_cluster(join(', ', @kept), 'undo');
};

for my $type (qw(lsn name xid default))
{
	my $xid = mark("before the $type");
	push @kept, "before the $type";
	my %target = (
		lsn => sub { $leader->psql('SELECT pg_current_wal_insert_lsn()') },
		name => sub { $leader->psql("SELECT pgbr_restore_point('here')"); 'here' },
		xid => sub { $xid },
		default => sub { undef });
	my $target = $target{$type}->();
	mark("after the $type");
	push @kept, 'after the default' if $type eq 'default';
	subtest "to type $type" => sub {
		# a transaction of that number may be on a branch that the restores before have left
		my $timeline = $leader->psql(q{SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)});
		my $summary = restore(
			$type, "--type=$type",
			(defined $target ? "--target=$target" : ()),
			($type eq 'xid' ? '--target-timeline=' . hex $timeline : ()));
		ok($summary->{timeline} > 1, 'on a new timeline');
		is_cluster(join(', ', @kept), $type);
	};
}

subtest 'replicas only' => sub {
	my ($replica) = $cluster->replicas;
	my $before = $leader->postmaster;
	restore('a replica', '--replicas-only', "--member=$replica->{name}");
	is($leader->postmaster, $before, 'the leader is left alone');
	is_cluster(join(', ', @kept), 'replicas only');
};

subtest 'another target instead, without the sidecar for a moment, and back' => sub {
	my $lsn = $leader->psql('SELECT pg_current_wal_insert_lsn()');
	my @before = @kept;
	mark('after the lsn again');
	push @kept, 'after the lsn again';
	kill_at('recover', 'restore', '--force', '--no-verify', '--format=json', '--type=immediate');
	my $sidecar = $leader->sidecar;
	$sidecar->kill;
	$sidecar->start;
	my @restore =
	  ('restore', '--force', '--no-verify', '--format=json', '--type=lsn', "--target=$lsn");
	my ($status, $out, $errors);
	# whoever was killed has the lock until its lease is over
	wait_for { ($status, $out, $errors) = $cluster->cluster_ctl(@restore); $status != 6 }
	'the lease of the one that was killed to end';
	is($status, 0, 'restored to the other target') or diag $out, $errors;
	my %states = map { $_->{step} => $_->{state} } grep { $_->{event} eq 'step' } events($out);
	is($states{archive}, 'skipped', 'what the first has saved is not written over');
	isnt($states{'undo-point'} // 'skipped', 'done', 'and the way back is the one of the first');
	is_cluster(join(', ', @before), 'another target');
	($status, $out, $errors) = $cluster->cluster_ctl('undo', '--force');
	is($status, 0, 'undone') or diag $out, $errors;
	is_cluster(join(', ', @kept), 'undo of both');
};

subtest 'to the end of the backup, and back' => sub {
	my $summary = restore('immediate', '--type=immediate', "--set=$first->{label}", '--keep-old');
	ok(-e "$summary->{kept}/PG_VERSION", 'the old data directory is kept');
	is_cluster('', 'immediate');
	my ($status, $out, $errors) = $cluster->cluster_ctl('undo', '--force');
	is($status, 0, 'undone') or diag $out, $errors;
	like(
		$errors,
		qr/verifying .* in repository 1/,
		'the files of the repository are looked at first');
	is_cluster(join(', ', @kept), 'undo');
};

done_testing;
