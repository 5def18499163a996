# The way back of a restore: proven before anything stops, and kept until it is given up.
use strict;
use warnings;
use JSON::PP;
use PgbrRestoreTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;
my $cluster = $test->cluster;
my $archive = $cluster->sandbox->{root} . '/repo/archive/main/15-1';

sub backups
{
	return @{ $test->leader->sidecar->http(GET => '/v1/info')->{json}{stanzas}[0]{backup} };
}

# The next full backups would let what undo starts from go, and the WAL with it.
subtest 'a retention of one full backup' => sub {
	my $label = $test->backup('full')->{label};
	my @target = $test->moment('kept for the undo');
	my @before = $test->kept;
	$test->without('kept for the undo');
	my @after = $test->kept;
	my $restore = $test->run_ok('restore', 'restore', @target)->{id};
	$test->is_healthy('restored', 60);
	$test->await_jobs;
	my ($backup) = grep { $_->{label} eq $label } backups();
	like(
		$backup->{annotation}{'way-back'} // '',
		qr/^$restore until \d{4}-/,
		'the backup that undo starts from is kept');
	my $way = $test->status->{restore}{way_back};
	ok($way->{possible}, 'status says that undo is possible');
	is($way->{set}, $label, 'from which backup');
	is("$restore until $way->{until}", $backup->{annotation}{'way-back'}, 'and until when');
	$cluster->configure('repo1-retention-full' => 1);
	$test->backup('full') for 1 .. 2;
	my $undo = $test->run('undo');
	is($undo->{status}, 0, 'undo') or diag $undo->last_words;
	$test->set_kept(@before);
	$test->is_healthy('undone', 60);
	is($undo->plan->{set}, $label, 'starts from it');
	$test->await_jobs;
	is($test->run('undo', $undo->plan->{id})->{status}, 0, 'undo of the undo');
	$test->set_kept(@after);
	$test->is_healthy('undone twice', 60);
	$test->await_jobs;
};

subtest 'the way back is given up' => sub {
	my ($status, $out, $errors);
	for my $time ('given up', 'given up once more')
	{
		($status, $out, $errors) = $cluster->cluster_ctl('restore', '--accept', '--force');
		is($status, 0, $time) or diag $errors;
		is(scalar(grep { ($_->{annotation} // {})->{'way-back'} } backups()),
			0, "$time: nothing keeps it");
	}
	$test->backup('full') for 1 .. 2;
	($status, $out, $errors) = $cluster->cluster_ctl('status');
	is($status, 0, 'status') or diag $errors;
	like($out, qr/no way back\s+\S/, 'says that there is no way back, and why');
	unlike($out, qr/take back/, 'and offers no undo');
	is($test->status->{restore}{way_back}{possible}, JSON::PP::false, 'as JSON, too');
	is($test->run('undo', $test->status->{restore}{id})->{status}, 8, 'undo is refused');
	$test->is_healthy('given up');
};

# pgbackrest's own expire takes WAL away, and archive-push-queue-max does not archive it at all.
subtest 'a gap after the target' => sub {
	$test->backup('incr');
	my @target = $test->target('lsn');
	for my $i (1 .. 3)
	{
		$test->mark("behind the target $i");
		$test->leader->psql('SELECT pg_switch_wal()');
	}
	my $timeline = sprintf '%08X', $test->timeline;
	my @segments;
	my $last = sprintf "$timeline%s",
	  substr($test->leader->psql('SELECT pg_walfile_name(pg_current_wal_lsn())'), 8);
	wait_for
	{
		@segments = sort glob "$archive/$timeline*/$timeline*-*";
		hex(substr($last, 16)) - hex(substr(($segments[-1] =~ m{/(\w{24})-})[0], 16)) <= 1
	}
	'the segments to be archived';
	my ($gap) = $segments[-2];
	my ($name) = $gap =~ m{/(\w{24})-};
	my $postmaster = $test->leader->postmaster;
	rename $gap, "$archive/gap" or die "rename: $!";
	my ($status, $out, $errors) = $cluster->cluster_ctl('plan', '--no-verify', @target);
	is($status, 0, 'the plan') or diag $errors;
	like(
		$out,
		qr/way back\s+NONE: WAL segment $name is not in the\s+repository/s,
		'says that there is no way back');
	my $run = $test->run('restore', @target);
	is($run->{status}, 8, 'the restore is refused') or diag $run->last_words;
	my ($refused) = map { $_->{refusal} } grep { $_->{event} eq 'refused' } $run->events;
	like($refused->{refused}, qr/^there would be no way back: undo could not return to the end/,
		'and says why');
	like($refused->{detail}, qr/WAL segment $name is not in the repository/, 'with the segment');
	like($refused->{hint}, qr/--no-way-back/, 'and what to do');
	is($test->leader->postmaster, $postmaster, 'nothing was stopped');
	rename "$archive/gap", $gap or die "rename: $!";
	($status, $out, $errors) = $cluster->cluster_ctl('plan', '--no-verify', @target);
	unlike($out, qr/NONE/, 'with the segment there is one');
};

# By hand, while the plan is looked at: pgbackrest knows nothing of our locks.
subtest 'a backup that is expired between the plan and the stop' => sub {
	my $label = $test->backup('incr')->{label};
	my @target = $test->target('time');
	$test->mark('behind the target of the expired one');
	my @postmasters = map { $_->postmaster } $cluster->members;
	my $run = $test->begin('restore', @target);
	$test->has_begun($run, 'undo-point');
	is($run->plan->{set}, $label, 'the plan takes it');
	kill STOP => $run->pid;
	$test->leader->pgbackrest("--set=$label", 'expire');
	kill CONT => $run->pid;
	isnt($run->finish, 0, 'the restore ends');
	like($run->errors, qr/error: backup $label is no longer in repository 1/, 'and says why');
	is_deeply([ map { $_->postmaster } $cluster->members ], \@postmasters, 'nothing was stopped');
	$test->is_healthy('expired', 60);
	my $again = $test->plan_steps(@target);
	ok($again, 'and a new plan takes another one');
};

# The file of a table that has changed since is read from the repository by all members.
subtest 'a backup that is damaged' => sub {
	$cluster->configure('repo1-retention-full' => 9);
	my $older = $test->backup('full')->{label};
	my $label = $test->backup('full')->{label};
	my @target = $test->moment('damaged');
	my @before = $test->kept;
	my $file = $test->leader->psql(q{SELECT pg_relation_filepath('mark')});
	my ($lost) = glob $cluster->sandbox->{root} . "/repo/backup/main/$label/pg_data/$file*";
	unlink $lost or die "unlink: $!";
	my $run = $test->run('restore', @target);
	is($run->{status}, 9, 'the restore stops') or diag $run->last_words;
	is($run->plan->{set}, $label, 'it has taken the damaged one');
	like(
		$run->errors,
		qr/Backup $label is damaged\. The same command takes an older one, and --set=$older names one/,
		'and says what to do');
	unlike($run->errors, qr/cipher|stanza-create/, 'and nothing of pass phrases and stanzas');
	$test->without('damaged');
	$run = $test->is_done('the same command', 'restore', @target);
	is($run->plan->{set}, $older, 'takes the older one');
	like(
		join(' ', @{ $run->plan->{warnings} }),
		qr/Backup $label is passed over: restore \S+ found $label damaged/,
		'and says so');
	$test->await_jobs;
	my ($status, $out, $errors) =
	  $cluster->cluster_ctl('plan', '--no-verify', '--format=json', "--set=$label", @target);
	is($status, 0, 'the damaged one may be named') or diag $errors;
	like($out, qr/is taken although restore/, 'and the plan says that it is damaged');
	$run = $test->begin('undo');
	$test->set_kept(@before);
	is($run->finish, 0, 'undo') or diag $run->last_words;
	is($run->plan->{set}, $older, 'starts from the older one, too');
	$test->is_healthy('undone', 60);
	$test->await_jobs;
	# the undo has had the repository verified
	($status, undef, $errors) =
	  $cluster->cluster_ctl('plan', '--no-verify', "--set=$label", @target);
	is($status, 8, 'what pgbackrest itself has found damaged may not be named');
	like($errors, qr/backup $label, or one that it is based on, is damaged/,
		'and the plan says so');
};

$test->is_quiet('all of it');
done_testing;
