# Three days of a busy schedule in Berlin, across the night in which 02:00 becomes 03:00 and two
# failovers, by moving the clock of the servers: every due time is accounted for, and nothing is run
# twice. The clock also leaps, as after a suspend, and is set back and forth, as by NTP.
#
# The backups are pretended: what is told apart here are due times.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(wait_for);
use PgbrScheduleTest;
use POSIX qw(tzset);
use Test::More;

my %schedule = (full => '30 2 * * *', diff => '0 */6 * * *', incr => '*/30 * * * *');
my $cluster = PgbrCluster->new(
	members => 3,
	clock => 1,
	parameters => {
		'pgbackrest_ctl.timezone' => 'Europe/Berlin',
		'pgbackrest_ctl.catch_up_window' => '3h',
		(map { ("pgbackrest_ctl.${_}_schedule" => $schedule{$_}) } keys %schedule),
		wal_sender_timeout => 0,
		wal_receiver_timeout => 0,
	});
my @members = $cluster->members;

for my $member (@members)
{
	tame_pgbackrest($member);
	pretend_backups($member);
}
$cluster->start;
my $clock = $cluster->clock;
my $leader = $cluster->wait_leader;
my $begin = $clock->set('2027-03-27 00:10:00+01') && int $clock->now;
$leader->psql('CREATE EXTENSION pgbackrest_ctl');
wait_idle($leader);
my $end = $begin + 3 * 86400;

# What is due, by the C library's idea of Berlin and not by ours. The full backup of the night that
# has no 02:30 is due when the gap ends; the others go by the hours that pass.
$ENV{TZ} = 'Europe/Berlin';
tzset();
my (@due, %due);
for (my $moment = $begin - $begin % 60 + 60; $moment <= $end; $moment += 60)
{
	my (undef, $minute, $hour, $day, $month) = localtime $moment;
	my @types = (
		$minute % 30 == 0 ? 'incr' : (),
		$minute == 0 && $hour % 6 == 0 ? 'diff' : (),
		$hour == 2 && $minute == 30
		  || $day == 28 && $month == 2 && $hour == 3 && $minute == 0 ? 'full' : ());
	push @{ $due{$_} }, $moment for @types;
	push @due, $moment if @types;
}
delete $ENV{TZ};
tzset();
is_deeply(
	[ map { scalar @{ $due{$_} } } qw(full diff incr) ],
	[ 3, 12, 144 ],
	'three days have so many due times');

# Until everything up to a moment is in the history, and nothing is left to do.
sub wait_settled
{
	my ($moment) = @_;
	wait_for
	{
		$leader->psql(qq{SELECT (SELECT max(due) FROM pgbr_run) >= to_timestamp($moment)
				AND NOT EXISTS (SELECT FROM pgbr_run WHERE state IN ('queued', 'running'))}) eq 't'
	}
	"the scheduler to be done up to $moment", 60;
	return;
}

# A failover, during which the clock goes on by two hours and some minutes.
sub fail_over
{
	my ($moment) = @_;
	my $old = $leader;
	$old->kill;
	$clock->set($moment);
	$leader = $cluster->wait_leader(other_than => $old);
	wait_settled($moment - 1800);
	$old->start;
	$old->sidecar->start;
	$cluster->wait_streaming;
	return;
}

my %accident = (
	# 11:00 on the first day and 20:30 on the second
	$due[21] => sub { fail_over($_[0] + 2 * 3600 + 600) },
	$due[86] => sub { fail_over($_[0] + 2 * 3600 + 600) },
	# a suspend of an hour, and one that is longer than the catch-up window
	$due[40] => sub { $clock->set($_[0] + 3600) },
	$due[110] => sub { $clock->set($_[0] + 5 * 3600) },
	# NTP: a little back over a due time that was served, and forward over one that comes
	$due[10] => sub { $clock->step(-5) for 1 .. 2; $clock->step(3) },
	$due[60] => sub { $clock->step(-90); $clock->step(100) });
for my $moment (@due)
{
	next if $moment < $clock->now - 1;
	$clock->set($moment - 0.05) if $moment > $clock->now;
	wait_settled($moment);
	$accident{$moment}->($moment) if $accident{$moment};
}
$clock->set($end + 1);
wait_settled($due[-1]);

for my $type (qw(full diff incr))
{
	my @rows = map { [ split /\|/ ] } runs(
		$leader,
		q{extract(epoch FROM first_due)::bigint, extract(epoch FROM due)::bigint, due_count, state, coalesce(reason, '')},
		where => "type = '$type' AND due_count > 0");
	my (@wrong, $counted);
	for my $moment (@{ $due{$type} })
	{
		my $holding = grep { $_->[0] <= $moment && $moment <= $_->[1] } @rows;
		push @wrong, "$moment is in $holding rows" if $holding != 1;
	}
	for my $row (@rows)
	{
		my $inside = grep { $row->[0] <= $_ && $_ <= $row->[1] } @{ $due{$type} };
		push @wrong, "@$row holds $inside" if $inside != $row->[2];
		push @wrong, "@$row says not why" if $row->[3] eq 'missed' && $row->[4] eq '';
		$counted += $row->[2];
	}
	is_deeply(\@wrong, [], "$type: each due time is in one row of the history");
	is($counted, @{ $due{$type} }, "$type: and the rows count no others");
}

my $count = sub { return $leader->psql("SELECT count(*) FROM pgbr_run WHERE $_[0]") };
is($count->(q{state NOT IN ('succeeded', 'covered', 'missed', 'interrupted')}),
	0, 'all was run, covered, caught up or missed');
is($count->(q{state = 'covered' AND covered_by IS NULL}),
	0, 'what was covered names what covers it');
is( $leader->psql(
		q{SELECT count(*) FROM pgbr_run AS c JOIN pgbr_run AS r ON r.run_id = c.covered_by
			WHERE r.state <> 'succeeded' OR r.started_at < c.due
				OR array_position('{incr,diff,full}', r.type) < array_position('{incr,diff,full}', c.type)}),
	0,
	'which is as strong, has started after it was due and has succeeded');
cmp_ok($count->(q{reason = 'catch-up' AND state = 'succeeded'}), '>=', 3, 'some were caught up');
cmp_ok($count->(q{state = 'missed'}), '>=', 1, 'and some missed, as the clock had leapt too far');
my @made = map { -e "$_->{dir}/pretended" ? pretended($_) : () } @members;
is($count->(q{state = 'succeeded'}), @made, 'pgbackrest was run once for each run that succeeded');
note sprintf '%d due times, %d backups', scalar(map { @$_ } values %due), scalar @made;

done_testing;
