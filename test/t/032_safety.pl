# The verdict of pgbr_status: each problem is made for real, named first, and gone when it is
# mended.
use strict;
use warnings;
use ManyBackups qw(age_backups);
use PgbrCluster;
use PgbrSandbox      qw(slurp spew wait_for);
use PgbrScheduleTest qw(wait_idle);
use Test::More;

my $cluster = PgbrCluster->new->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $repo = "$cluster->{sandbox}{root}/repo";
$member->psql('CREATE EXTENSION pgbackrest_ctl');

sub refresh { return $sidecar->http(GET => '/v1/info?refresh=true') }

sub set
{
	my (%settings) = @_;
	$member->psql(
		join ';',
		(   map {
				"ALTER SYSTEM " . (defined $settings{$_} ? "SET $_ = '$settings{$_}'" : "RESET $_")
			} sort keys %settings),
		'SELECT pg_reload_conf()');
	return;
}

sub switch_wal
{
	return $member->psql(q{SELECT pg_walfile_name(l)
		FROM (SELECT pg_switch_wal() AS l FROM pg_create_restore_point('x')) AS s});
}

sub wait_archived
{
	my ($segment) = @_;
	wait_for
	{
		my $names = $member->psql(q{SELECT string_agg(name, ' ') FROM pg_ls_archive_statusdir()});
		$names =~ /\b$segment\.done\b/ or die "$names\n"
	}
	"$segment to be archived";
	return;
}

# The verdict comes to be no, with this problem first, or next to others.
sub is_unsafe
{
	my ($pattern, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $row = '';
	wait_for
	{
		$row = $member->psql('SELECT safe, problems[1] FROM pgbr_status');
		$row =~ /^f\|$pattern/ or die "$row\n"
	}
	"pgbr_status to say: $pattern";
	return like($row, qr/^f\|$pattern/, $name);
}

sub is_safe
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $row = '';
	wait_for
	{
		refresh();
		$row = $member->psql('SELECT safe, problems FROM pgbr_status');
		$row eq 't|{}' or die "$row\n"
	}
	'pgbr_status to say that all is well';
	return is($row, 't|{}', $name);
}

refresh();
is_unsafe(qr/there is no backup: nothing can be restored$/, 'without a backup');
my $full = $member->psql(q{SELECT label FROM pgbr_job(pgbr_backup('full', wait => true))});
is_safe('with a backup all is well');

subtest 'archiving' => sub {
	set(archive_command => '/bin/false');
	my $lost = switch_wal();
	is_unsafe(qr/archive_command fails for "$lost", 1 WAL files are waiting/,
		'an archive_command that fails');
	set(archive_command => '/bin/true');
	my $next = switch_wal();
	wait_for
	{
		$member->psql('SELECT last_archived_wal > last_failed_wal FROM pg_stat_archiver') eq 't'
	}
	'WAL to be dropped';
	refresh();
	is_unsafe(qr/WAL is lost: PostgreSQL has archived "$next", but it is in no repository/,
		'an archive_command that drops WAL');

	# on a busy server what was archived last is always newer than the information
	switch_wal();
	wait_for
	{
		$member->psql(
			q{SELECT last_archived_time > (SELECT max(stop_time) FROM pgbr_backups) FROM pg_stat_archiver}
		) eq 't'
	}
	'more to be dropped';
	my $status = "$member->{data}/pg_wal/archive_status/$lost.done";
	utime time - 300, time - 300, $status or die "$status: $!\n";
	is_unsafe(qr/WAL is lost: PostgreSQL has archived "$lost", but it is in no repository/,
		'and one that drops WAL on a busy server');
	is( $member->psql(
			'SELECT recovery_window_to = greatest(last_full, last_diff, last_incr) FROM pgbr_status'
		),
		't',
		'which ends the recovery window');
	set(archive_command => undef);
	$full = $member->psql(q{SELECT label FROM pgbr_job(pgbr_backup('full', wait => true))});
	is_safe('and a new backup makes it safe');
};

# A standby that is promoted archives the part of a segment where it ended, which no repository
# lists.
subtest 'a promotion' => sub {
	switch_wal();
	$member->stop;
	spew("$member->{data}/standby.signal", '');
	$member->start;
	$member->psql('SELECT pg_promote()');
	wait_for
	{
		$member->psql(q{SELECT last_archived_wal LIKE '%.partial' FROM pg_stat_archiver}) eq 't'
	}
	'the part of a segment to be archived';
	refresh();
	is($member->psql('SELECT safe, problems FROM pgbr_status'), 't|{}', 'all is well');
};

# archive_command pushes to the first repository alone
subtest 'a second repository that gets no WAL' => sub {
	my $config = slurp($member->{config});
	my $command = $member->psql('SHOW archive_command');
	spew("$member->{config}.one", $config, 0600);
	mkdir "$repo.2", 0750 or die "mkdir: $!\n";
	spew($member->{config}, $config =~ s/^repo1-path=/repo2-path=$repo.2\n$&/mr, 0600);
	$member->pgbackrest('stanza-create');
	refresh();
	is_unsafe(qr/repository 2: no valid backups$/, 'as yet it has no backup');
	$member->psql(q{SELECT pgbr_backup('full', wait => true, repo => 2)});
	is_safe('with a backup all is well');
	set(archive_command => $command =~ s/\Q$member->{config}\E/$&.one/r);
	my $segment = switch_wal();
	wait_archived($segment);
	refresh();
	is_unsafe(qr/repository 2 lacks WAL: PostgreSQL has archived "$segment", but it is not there/,
		'a repository that gets no WAL');
	set(archive_command => undef);
	spew($member->{config}, $config, 0600);
	is_safe('without it all is well');
};

subtest 'the sidecar and its information' => sub {
	$sidecar->stop;
	is_unsafe(qr/it is not known whether there are backups: could not reach the sidecar/,
		'a sidecar that is away');
	$sidecar->start;
	$sidecar->wait_ready;
	is_safe('it comes back');

	my $config = slurp($member->{config});
	spew($member->{config}, $config =~ s/^repo1-path=.*/repo1-path=not-absolute/mr, 0600);
	refresh();
	is_unsafe(qr/information about the repositories is \d+ s old: /, 'a refresh that fails');
	spew($member->{config}, $config, 0600);

	chmod 0, "$repo/backup" or die "chmod: $!\n";
	refresh();
	is_unsafe(qr/it is not known whether there are backups: repository 1: /,
		'a repository that can\'t be read');
	unlike(
		$member->psql('SELECT problems FROM pgbr_status'),
		qr/WAL is lost/,
		'which does not mean that WAL is lost');
	chmod 0750, "$repo/backup" or die "chmod: $!\n";
	rename $repo, "$repo.away" or die "rename: $!\n";
	refresh();
	is_unsafe(qr/there is no backup: nothing can be restored$/, 'a repository that is empty');
	like(
		$member->psql('SELECT problems FROM pgbr_status'),
		qr/"repository 1: missing stanza path"/,
		'and why');
	rename "$repo.away", $repo or die "rename: $!\n";
	is_safe('both are back');
};

subtest 'backups that fail, are late or hold errors' => sub {
	eval { $member->psql(q{SELECT pgbr_backup('incr', wait => true, repo => 2)}) };
	is_unsafe(qr/the last backup failed: key '2' is not valid/, 'a backup that fails');
	$member->psql(q{SELECT pgbr_backup('incr', wait => true)});
	is_safe('the next one succeeds');

	my @labels = split /\n/, $member->psql('SELECT label FROM pgbr_backups');
	age_backups("$repo/backup/main", map { $_ => 9 } @labels);
	refresh();
	is_unsafe(qr/the newest backup is 9 days old, and no backup is scheduled$/,
		'old ones, and no schedule');
	set('pgbackrest_ctl.full_schedule' => '0 1 * * *', 'pgbackrest_ctl.schedule_enabled' => 'off');
	is_unsafe(qr/the full backup that was due [89] days ago has not been made$/,
		'old ones, and a schedule that nobody runs');
	is( $member->psql('SELECT problems[2] FROM pgbr_status'),
		'no scheduler is running: pgbackrest_ctl.schedule_enabled is off.',
		'and why');
	set('pgbackrest_ctl.full_schedule' => undef, 'pgbackrest_ctl.schedule_enabled' => undef);

	$member->psql('CREATE TABLE damaged AS SELECT i FROM generate_series(1, 100) AS i; CHECKPOINT');
	my $file = "$member->{data}/" . $member->psql(q{SELECT pg_relation_filepath('damaged')});
	my $page = slurp($file);
	spew($file, substr($page, 0, 4000) . 'damage' . substr($page, 4006), 0600);
	my $label = $member->psql(q{SELECT label FROM pgbr_job(pgbr_backup('full', wait => true))});
	like(
		$member->psql('SELECT problems FROM pgbr_status'),
		qr/the newest backup, \\"$label\\", holds damaged pages/,
		'a backup of damaged pages');
	spew($file, $page, 0600);
	$member->psql(q{SELECT pgbr_backup('full', wait => true)});
	is_safe('the damage is mended');
};

subtest 'the server' => sub {
	set(archive_mode => 'off');
	$member->stop;
	$member->start;
	is_unsafe(qr/WAL is not archived: archive_mode is off$/, 'archive_mode is off');

	# another cluster in the place of this one
	$member->stop;
	rename $member->data, $member->data . '.old' or die "rename: $!\n";
	$member->start;
	$member->psql('CREATE EXTENSION pgbackrest_ctl');
	refresh();
	my $own = $member->psql('SELECT system_identifier FROM pg_control_system()');
	is_unsafe(
		qr/repository 1 holds backups of another cluster: its system identifier is \d+, this server's is $own$/,
		'backups of another cluster');
	set(archive_mode => undef);
	$member->stop;
	$member->start;
	$member->psql('SELECT pgbr_stanza_upgrade(wait => true)');
	switch_wal();
	wait_for { $member->psql('SELECT last_archived_wal FROM pg_stat_archiver') }
	'WAL to be archived';
	refresh();
	is( $member->psql('SELECT safe, problems FROM pgbr_status'),
		'f|{"there is no backup: nothing can be restored"}',
		'which can\'t bring back this one after a stanza-upgrade');
	set(archive_command => '/bin/true');
	my $lost = switch_wal();
	wait_archived($lost);
	refresh();
	like(
		$member->psql('SELECT problems[2] FROM pgbr_status'),
		qr/^WAL is lost: PostgreSQL has archived "$lost"/,
		'nor does its WAL hide that this one\'s is dropped');
	set(archive_command => undef);
	$member->psql(q{SELECT pgbr_backup('full', wait => true)});
	is_safe('until it has a backup of its own');
};

done_testing;
