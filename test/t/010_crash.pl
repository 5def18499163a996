# What is left after a crash: of the sidecar at several moments of a backup, and of pgbackrest.
# Every job that was accepted is still there, none is run twice, and nobody is left holding the
# lock.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

my $cluster = PgbrCluster->new(preload => 0, pgbackrest => { 'repo1-bundle' => 'y' })->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $number = 0;

# no two of them alike, so that none covers another
sub post_backup
{
	my ($type) = @_;
	return $sidecar->post_job(
		kind => 'backup',
		type => $type // 'incr',
		annotations => { number => '' . ++$number })->{id};
}

# A job may be in the repository at most once, and one that succeeded exactly once.
sub is_never_twice
{
	my ($name, @ids) = @_;
	my $backups = backups_of($member);
	my @wrong;
	for my $id (@ids)
	{
		my $count = @{ $backups->{$id} // [] };
		my $state = $sidecar->job($id)->{state};
		push @wrong, "$id is $state and there $count times"
		  if $count > 1 || $count != 1 && $state eq 'succeeded';
	}
	ok(!@wrong, "$name: no job was run twice") or diag join "\n", @wrong;
	return;
}

my $first = post_backup('full');
is($sidecar->wait_job($first)->{state}, 'succeeded', 'a full backup to begin with');

# the moments: of each its name, how it is waited for, and what may have become of the job
my @moments = (
	[ 'as soon as it is accepted', sub { 1 }, qr/^(?:interrupted|succeeded)$/ ],
	[ 'as soon as it runs', sub { $_[0]{state} eq 'running' }, qr/^interrupted$/ ],
	[ 'while it copies', sub { ($_[0]{progress}{phase} // '') eq 'copying' }, qr/^interrupted$/ ],
	[
		'while it waits for WAL',
		sub { ($_[0]{progress}{phase} // '') eq 'waiting for WAL' },
		qr/^interrupted$/
	],
	[ 'when it has succeeded', sub { $_[0]{state} eq 'succeeded' }, qr/^succeeded$/ ]);
for my $moment (@moments)
{
	my ($when, $come, $outcome) = @$moment;
	my $holds = $when =~ /WAL/;
	hold_wal($member) if $holds;
	my $id = post_backup($when =~ /copies/ ? 'full' : 'incr');
	wait_for { $come->($sidecar->job($id)) } $when;
	$sidecar->kill;
	release_wal($member) if $holds;
	$sidecar->start;
	my @left = $sidecar->job($id)->{state} eq 'running' ? () : job_processes($sidecar, $id);
	is_deeply(\@left, [], "kill -9 $when: nothing of it runs after the restart");
	# the lock is free: what comes next does not meet it
	my $next = post_backup();
	my $job = $sidecar->wait_job($id);
	like($job->{state}, $outcome, "kill -9 $when: the job's state");
	is($sidecar->wait_job($next)->{state}, 'succeeded', "kill -9 $when: the next backup succeeds");
	is_never_twice("kill -9 $when", $id, $next);
}

# one runs and others wait
hold_wal($member);
my $running = post_backup();
my @queued = map { post_backup() } 1 .. 3;
push @queued, $sidecar->post_job(kind => 'expire', dry_run => JSON::PP::true)->{id};
my $covered = $sidecar->post_job(kind => 'expire', dry_run => JSON::PP::true)->{id};
$sidecar->wait_job($running, qr/running/);
$sidecar->kill;
$sidecar->start;
my $job = $sidecar->wait_job($running);
is($job->{state}, 'interrupted', 'several jobs: the one that ran is interrupted');
like($job->{message}, qr/went down/, 'and says why');
ok($job->{hint}, 'with a hint');
ok($job->{finished_at}, 'and when');
is($sidecar->job($covered)->{covered_by}, $queued[3], 'what covers what is still known');
# once more, while the first of those that waited runs
$sidecar->wait_job($queued[0], qr/running/);
$sidecar->kill;
$sidecar->start;
release_wal($member);
is_deeply(
	[ map { $sidecar->wait_job($_)->{state} } @queued, $covered ],
	[ 'interrupted', ('succeeded') x 4 ],
	'those that waited are run, over a second crash');
is_never_twice('several jobs', $running, @queued[ 0 .. 2 ]);
is($sidecar->job($first)->{state}, 'succeeded', 'what was over before is as it was');

# an orderly stop in mid backup
hold_wal($member);
$running = post_backup();
my $waits = post_backup();
$sidecar->wait_job($running, qr/running/);
is($sidecar->stop(20), 0, 'SIGTERM in mid backup: a clean end');
is_deeply([ job_processes($sidecar) ], [], 'nothing is left running');
ok(lock_is_free($member), 'and the lock is free');
release_wal($member);
$sidecar->start;
is($sidecar->job($running)->{state}, 'interrupted', 'the job that ran is interrupted');
is($sidecar->wait_job($waits)->{state}, 'succeeded',
	'the job that waited is run after the restart');

# a crash of pgbackrest itself
my $killed = post_backup('full');
wait_for { ($sidecar->job($killed)->{progress}{phase} // '') eq 'copying' } 'copying';
my ($leader) = $sidecar->log =~ /job \Q$killed\E: started: pgbackrest backup, process (\d+)/;
kill KILL => $leader;
my $after = post_backup();
$job = $sidecar->wait_job($killed);
is($job->{state}, 'failed', 'kill -9 of pgbackrest: the job fails');
is($job->{error}, 'killed', 'with what happened');
like($job->{message}, qr/signal 9/, 'in words, too');
is($job->{exit_code}, undef, 'and without an exit code');
is($sidecar->wait_job($after)->{state}, 'succeeded', 'the next one does not meet its lock');

# a crash of both: the children of pgbackrest have its lock, and SIGTERM does not end them
$killed = post_backup('full');
wait_for { ($sidecar->job($killed)->{progress}{phase} // '') eq 'copying' } 'copying';
($leader) = $sidecar->log =~ /job \Q$killed\E: started: pgbackrest backup, process (\d+)/;
kill STOP => $sidecar->pid;
kill KILL => $leader;
$sidecar->kill;
$sidecar->start;
is($sidecar->job($killed)->{state}, 'interrupted', 'kill -9 of both: the job is interrupted');
is($sidecar->wait_job(post_backup())->{state},
	'succeeded', 'the next one does not meet the lock either');

# one that does not end when it is asked to, with a child like itself
my $stubborn = program($member, 'stubborn', <<'END');
#!/usr/bin/perl
if ($ARGV[-1] eq 'backup')
{
	$SIG{TERM} = sub { open my $file, '>', "$0.asked" };
	fork;
	sleep 1 while 1;
}
exec 'pgbackrest', @ARGV;
END
my @fake = ("--pgbackrest=$stubborn", '--stop-timeout=1');
$sidecar->restart(@fake);

sub wait_stubborn
{
	my ($id) = @_;
	wait_for { job_processes($sidecar, $id) >= 2 } 'the stubborn one to run';
	return;
}

my $cancelled = post_backup();
wait_stubborn($cancelled);
my $answer = $sidecar->http(DELETE => "/v1/jobs/$cancelled");
is( "$answer->{status} $answer->{json}{state}",
	'200 cancelled',
	'a pgbackrest that ignores SIGTERM: cancelled');
is_deeply([ job_processes($sidecar) ], [], 'and killed with its child before the answer');

my $interrupted = post_backup();
wait_stubborn($interrupted);
is($sidecar->stop(20), 0, 'SIGTERM of the sidecar: a clean end all the same');
is_deeply([ job_processes($sidecar) ], [], 'without leaving it');

# the same folder by another name: what it leaves is found all the same
$sidecar->start(@fake, '--state-dir=.');
is($sidecar->job($interrupted)->{state}, 'interrupted', 'its job is interrupted');
my $orphaned = post_backup();
wait_stubborn($orphaned);
unlink "$stubborn.asked";
$sidecar->kill;
wait_for { unlink "$stubborn.asked" } 'the kernel to ask it to end';
cmp_ok(scalar job_processes($sidecar, $orphaned), '>=', 2, 'kill -9 of the sidecar: it goes on');
$sidecar->launch('--stop-timeout=3600');
wait_for { -e "$stubborn.asked" } 'the next sidecar to ask it to end';
$sidecar->kill;
$sidecar->start('--stop-timeout=1');
is_deeply([ job_processes($sidecar, $orphaned) ],
	[], 'until a restart kills it, the second one when the first crashes');
is($sidecar->job($orphaned)->{state}, 'interrupted', 'its job is interrupted');
like(
	$sidecar->log,
	qr/ended \d+ process\(es\) that an earlier sidecar left running/,
	'and the log says so');
is($sidecar->wait_job(post_backup())->{state}, 'succeeded', 'the real one works');

# a backup is complete when it is noted with it which transactions had ended: who asks it to stop
# then does not lose it
my $noting = program($member, 'noting', <<'END');
#!/bin/bash
test "${@: -1}" != annotate || { touch "$0.began"; while test -e "$0.hold"; do sleep 0.05; done; }
exec pgbackrest "$@"
END
spew("$noting.hold", '');
$sidecar->restart("--pgbackrest=$noting");
for my $end ('cancelled', 'SIGTERM')
{
	unlink "$noting.began";
	my $noted = post_backup();
	wait_for { -e "$noting.began" } 'the annotation to begin';
	if ($end eq 'cancelled')
	{
		is_problem($sidecar->http(DELETE => "/v1/jobs/$noted"),
			409, 'conflict', qr/succeeded/, "$end in the annotation: it is too late");
	}
	else
	{
		is($sidecar->stop(20), 0, "$end in the annotation: a clean end");
		is_deeply([ job_processes($sidecar) ], [], 'and nothing is left running');
		$sidecar->start("--pgbackrest=$noting");
	}
	$job = $sidecar->job($noted);
	is( "$job->{state} $job->{label}",
		"succeeded " . backups_of($member)->{$noted}[0],
		"$end in the annotation: the backup counts");
}
unlink "$noting.hold";

is_never_twice('all in all',
	map { $_->{id} } @{ $sidecar->http(GET => '/v1/jobs?kind=backup&limit=1000')->{json}{jobs} });

done_testing;
