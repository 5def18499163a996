# What the tests of the scheduler share: what it does and has done, new settings, and backups that
# are held for as long as a test needs, or that are only pretended.
package PgbrScheduleTest;
use strict;
use warnings;
use Exporter 'import';
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;

our @EXPORT = qw(
  activity after_look hold_backups log_count log_of make_backups pretend_backups pretended
  release_backups reload runs scheduler set tame_pgbackrest wait_activity wait_idle wait_runs
);

# All of these take with dbname => the database of the scheduler.

# The scheduler's process id, or undef.
sub scheduler
{
	my ($member) = @_;
	return $member->psql(
		q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgbackrest_ctl scheduler'})
	  || undef;
}

# What the workers say that they do: "scheduler idle: waiting until ...".
sub activity
{
	my ($member) = @_;
	return $member->psql(
		q{SELECT format('%s %s: %s', replace(backend_type, 'pgbackrest_ctl ', ''), state, query)
		FROM pg_stat_activity WHERE backend_type LIKE 'pgbackrest_ctl %'});
}

sub wait_activity
{
	my ($member, $pattern, $limit) = @_;
	my $activity;
	wait_for
	{
		$activity = activity($member);
		$activity =~ $pattern or die "$activity\n"
	}
	"the scheduler to be $pattern", $limit // 60;
	return $activity;
}

# Wait until it has nothing to do before the next due time.
sub wait_idle
{
	my ($member, $limit) = @_;
	return wait_activity($member, qr/^scheduler idle: (?:waiting until|no backup is scheduled)/,
		$limit);
}

# Wake the worker (scheduler or launcher), which must be asleep, and wait until it has looked and
# sleeps again. Waking is left to the code, which is given its process id.
sub after_look
{
	my ($member, $wake) = @_;
	my $worker = q{FROM pg_stat_activity WHERE backend_type LIKE 'pgbackrest_ctl %'};
	my ($pid, $now) = split /\|/, $member->psql("SELECT pid, clock_timestamp() $worker");
	$wake->($pid);
	wait_for { $member->psql("SELECT state = 'idle' AND state_change > '$now' $worker") eq 't' }
	'the worker to sleep again';
	return;
}

sub reload
{
	my ($member) = @_;
	return after_look($member, sub { $member->psql('SELECT pg_reload_conf()') });
}

# Rows of pgbr_run in the order they were made, as an array of the given columns joined by "|".
sub runs
{
	my ($member, $columns, %with) = @_;
	my $where = $with{where} // 'true';
	return split /\n/,
	  $member->psql("SELECT $columns FROM pgbr_run WHERE $where ORDER BY run_id",
		dbname => $with{dbname});
}

# Wait until so many rows are like that.
sub wait_runs
{
	my ($member, $count, $where, %with) = @_;
	wait_for
	{
		my @runs = runs($member, 'pgbr_run', where => $where, dbname => $with{dbname});
		@runs == $count or die @runs . " are\n"
	}
	"$count runs to be $where", $with{limit} // 60;
	return;
}

# Change settings of the scheduler, or with a dot in front others (undef: take back), and reload.
sub set
{
	my ($member, %settings) = @_;
	my (@statements, @shown);
	for my $name (sort keys %settings)
	{
		my $full = $name =~ /[.]/ ? $name =~ s/^[.]//r : "pgbackrest_ctl.$name";
		my $value = defined $settings{$name} ? "'" . $settings{$name} =~ s/'/''/gr . "'" : undef;
		push @statements,
		  defined $value ? "ALTER SYSTEM SET $full = $value;" : "ALTER SYSTEM RESET $full;";
		push @shown, "current_setting('$full') = $value" if defined $value;
	}
	$member->psql(join "\n", @statements);
	reload($member);
	wait_for { $member->psql('SELECT ' . join ' AND ', 'true', @shown) eq 't' }
	'the server to have taken the settings';
	return;
}

# The server's log; under Patroni it is Patroni's.
sub log_of
{
	my ($member) = @_;
	my $name = $member->{cluster}{patroni} ? 'patroni' : 'postgres';
	return slurp("$member->{sandbox}{log}/$member->{name}-$name.log");
}

# How often the log says something.
sub log_count
{
	my ($member, $pattern) = @_;
	return scalar(() = log_of($member) =~ /$pattern/g);
}

# Have a member's sidecar, from its next start on, run a pgbackrest whose backups can be held and
# pretended. All else is the real one's, and so are backups that are neither.
sub tame_pgbackrest
{
	my ($member) = @_;
	my $dir = $member->{dir};
	my $program = program($member, 'pgbackrest-tame', <<"END");
[[ \${!#} = backup ]] || exec pgbackrest "\$@"
while [[ -e '$dir/hold-backups' ]]
do
	sleep 0.05
done
[[ -e '$dir/pretend-backups' ]] || exec pgbackrest "\$@"
echo "\$*" >>'$dir/pretended'
printf 'P00   INFO: %s\\n' "new backup label = \$(date +%Y%m%d-%H%M%S)F" 'backup command end: completed successfully'
END
	push @{ $member->sidecar->{options} }, "--pgbackrest=$program";
	return;
}

# Backups that begin from now on wait until release_backups.
sub hold_backups    { my ($member) = @_; return spew("$member->{dir}/hold-backups", '') }
sub release_backups { my ($member) = @_; return unlink "$member->{dir}/hold-backups" }

# Backups that begin from now on succeed at once, and there is none; until make_backups.
sub pretend_backups { my ($member) = @_; return spew("$member->{dir}/pretend-backups", '') }
sub make_backups    { my ($member) = @_; return unlink "$member->{dir}/pretend-backups" }

# The command lines of those that were pretended.
sub pretended
{
	my ($member) = @_;
	my @lines = split /\n/, slurp("$member->{dir}/pretended");
	return @lines;
}

1;
