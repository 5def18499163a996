# A replica that is kept as the way back of a restore: it stays as it is, undo goes by it, and
# restore --accept gives it up.
use strict;
use warnings;
use PgbrRestoreTest;
use PgbrSandbox qw(wait_for);
use Test::More;

my $test = PgbrRestoreTest->new;
my $cluster = $test->cluster;
my (undef, $kept) = $test->replicas;
my $name = $kept->name;
my @restore;

sub kept_for
{
	my $node = $kept->sidecar->http(GET => '/v1/node')->{json};
	return $node->{kept_for};
}

# All but the kept one stream, and have the marks that must be there.
sub serves
{
	my ($title) = @_;
	my $expected = join ', ', sort $test->kept;
	wait_for
	{
		my $leader = $test->find_leader;
		!grep { $test->marks($_) ne $expected } $leader, grep { $_ != $kept } $test->replicas
	}
	"$title: the marks on the members that serve", 30;
	return;
}

sub refuses
{
	my ($title, $pattern, @arguments) = @_;
	my ($status, undef, $errors) = $cluster->cluster_ctl(@arguments);
	is($status, 8, "$title: is refused") or diag $errors;
	like($errors, $pattern, "$title: and says why, and what helps");
	return;
}

subtest 'who can be kept' => sub {
	refuses(
		'the leader',
		qr/can't be kept: it is the leader/,
		'plan',
		'--keep-member=' . $test->leader->name);
	refuses('a stranger', qr/no member "m9" in cluster/, 'plan', '--keep-member=m9');
	my ($status, $out) = $cluster->cluster_ctl('plan', "--keep-member=$name");
	like($out, qr/\Q$name\E \(stays as it is, as the way back\)/, 'the plan shows it');
	like($out =~ s/\s+/ /gr, qr/the cluster has 2 members/, 'and what is missing meanwhile');
};

# Who is kept is stopped before the leader, and lacks what is written in between.
subtest 'a restore that keeps a replica' => sub {
	$test->start_writer;
	@restore = ('restore', "--keep-member=$name", $test->target('time'));
	$test->mark_lost('after the target');
	my $done = $test->run_ok('restore', @restore);
	is($done->{kept_member}, $name, 'the summary names the member');
	serves('restored');
	is(kept_for(), $done->{id}, 'it is kept for this restore');
	is_deeply(
		$test->status->{kept},
		[ { member => $name, restore => $done->{id} } ],
		'status names it, and what for');
	my (undef, $text) = $cluster->cluster_ctl('status');
	like(
		$text =~ s/\s+/ /gr,
		qr/restore --accept $done->{id}" gives that up/,
		'and tells how it ends');
	refuses(
		'another restore',
		qr/kept as the way back of restore $done->{id}.*undo $done->{id}.*--accept $done->{id}/s,
		'plan', '--type=default');
	refuses('--replicas-only', qr/kept as the way back/, 'plan', '--replicas-only');
	$test->reboot($kept);
	wait_for { $kept->patroni(GET => '/patroni')->{status} } 'its Patroni';
	is(kept_for(), $done->{id}, 'its host was started again, and it is kept');
};

subtest 'undo goes by it' => sub {
	$test->set_kept($test->kept, 'after the target');
	$test->keep_ticks;
	my $run = $test->run('undo');
	is($run->{status}, 0, 'it is done') or diag $run->last_words;
	my %steps = map { $_ => 1 } $run->steps_done;
	ok($steps{recover} && !$steps{'restore-leader'}, 'no files of the leader were restored');
	is($run->plan->{leader}, $name, 'who was kept is the leader');
	$test->is_healthy('undone', 60);
	is($test->leader, $kept, 'and leads');
	is(kept_for(), undef, 'it is kept no longer');
	my $summary = $run->summary // {};
	note sprintf 'it takes writes after %.1f s', $summary->{seconds_to_writes} // -1;
	$test->is_quiet('undone');
};

subtest 'accept gives it up' => sub {
	($kept) = $test->replicas;
	my @target = $test->target('time');
	$test->mark_lost('after the second target');
	my $done = $test->run_ok('a second', 'restore', '--keep-member=' . $kept->name, @target);
	serves('a second');
	$test->run_ok('accept', 'restore', '--accept', $done->{id});
	is(kept_for(), undef, 'it is kept no longer');
	$test->is_healthy('accepted', 60);
	my ($status, undef, $errors) = $cluster->cluster_ctl('restore', '--accept', 'nonsense');
	isnt($status, 0, 'nothing more is kept');
	like($errors, qr{nonsense}, "and it says so");
};

done_testing;
