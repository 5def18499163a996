# As root: README by the letter, on hosts of its own and a cluster that knows nothing of us.
#
# The cluster has two members under Patroni, configured by hand after Patroni's and pgbackrest's own
# manuals, and backups by cron. The test uses none of our test libraries. It follows README's quick
# start and first restore, and docs/upgrade.md's uninstall. It types each fenced block as it stands,
# on the hosts that the words in bold before the block name, in one shell a host.
#
# A host is a set of namespaces (test/hosts): its own processes, name, /tmp and /run, and an overlay
# over each folder that is written. What an uninstall leaves lies in the overlay. Both hosts share a
# network that leads nowhere else. Small programs take the place of systemd and ssh.
use strict;
use warnings;
use Cwd        qw(getcwd);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'needs root, who can set up hosts' if $> != 0;
my $checkout = $ENV{PGBR_CHECKOUT} // getcwd;
my @isolated = qw(unshare --mount --net --ipc --pid --fork --kill-child --mount-proc);
plan skip_all => 'needs namespaces, which are not to be had here'
  if system "@isolated true 2>/dev/null";

if (!$ENV{PGBR_FIRST_HOUR})
{
	# what runs in there ends with it; only the folder is left to be removed
	local $ENV{PGBR_FIRST_HOUR} = tempdir('pgbr-first-hour-XXXXXX', TMPDIR => 1);
	local $SIG{ALRM} = local $SIG{TERM} = sub { };
	my $status = system @isolated, $^X, $0;
	remove_tree($ENV{PGBR_FIRST_HOUR});
	exit($status ? 1 : 0);
}

my $dir = $ENV{PGBR_FIRST_HOUR};
my %address = (pg1 => '10.0.0.11', pg2 => '10.0.0.12');
my %host;    # by name: the process id of its init

sub slurp { my ($path) = @_; local (@ARGV, $/) = $path; return scalar <> }

sub spew
{
	my ($path, $text, $mode) = @_;
	open my $file, '>', $path or die "$path: $!\n";
	print $file $text;
	close $file or die "$path: $!\n";
	chmod $mode, $path if $mode;
	return $path;
}

sub must { system(@_) == 0 or die "failed: @_\n"; return }

sub wait_for
{
	my ($what, $limit, $condition) = @_;
	my $end = time + $limit;
	until ($condition->())
	{
		die "timed out after $limit s waiting for $what\n", logs() if time > $end;
		sleep 0.2;
	}
	return;
}

# --- the hosts

sub start_host
{
	my ($name) = @_;
	my $keeper = fork // die "fork: $!\n";
	exec qw(unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc),
	  "$checkout/test/hosts/init", $name, $dir, $checkout
	  if !$keeper;
	wait_for(
		"host $name",
		20,
		sub {
			(my $init = slurp("/proc/$keeper/task/$keeper/children")) =~ s/ .*//s;
			$init && slurp("/proc/$init/comm") eq "tini\n" && ($host{$name} = $init);
		});
	background($name, 'sshd', "$checkout/test/hosts/sshd", $address{$name});
	return;
}

sub enter
{
	my ($name) = @_;
	return ('nsenter', "--target=$host{$name}", qw(--mount --uts --ipc --pid --));
}

# A daemon of a host, with its output in /var/log there.
sub background
{
	my ($name, $log, @command) = @_;
	must(enter($name), 'sh', '-c',
		'log=$1; shift; setsid "$@" </dev/null >"/var/log/$log.log" 2>&1 &',
		'sh', $log, @command);
	return;
}

my @as_postgres = qw(setpriv --reuid=postgres --regid=postgres --init-groups --);

# Run text in root's shell on a host, in the checkout; its variables are kept for the next time. At
# the terminal the cluster's name is typed. Gives what is shown; dies when a command fails.
sub type
{
	my ($name, $text) = @_;
	my @environment = (
		'env', '-i', 'HOME=/root', 'LANG=C.UTF-8', 'TERM=xterm',
		'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
	# by its descriptor: the host has a /tmp of its own
	spew("$dir/typed",
			"stty rows 60 columns 160\nset -a\ncd $checkout\n"
		  . "[ ! -e /root/session ] || . /root/session\n"
		  . "set -e\n$text\nexport -p >/root/session\n");
	my $command = join ' ', enter($name), @environment, 'bash', '/dev/fd/9', "9<$dir/typed";
	pipe my $keyboard, my $fingers or die "pipe: $!\n";
	my $pid = open(my $screen, '-|') // die "fork: $!\n";
	if (!$pid)
	{
		open STDIN, '<&', $keyboard;
		open STDERR, '>&', \*STDOUT;
		exec qw(timeout --kill-after=5 200 script --quiet --return --command), $command,
		  '/dev/null';
	}
	syswrite $fingers, "shop\n" x 2;
	my $shown = do { local $/; <$screen> }
	  // '';
	close $screen;
	my $status = $?;
	$shown =~ s/\r//g;
	note "$name: $text$shown";
	die "exit status @{[ $status >> 8 ]} of what was typed on $name:\n$text\n$shown\n", logs()
	  if $status;
	return $shown;
}

sub logs
{
	return join '', map {
		my $file = $_;
		my @lines = split /^/, slurp($file);
		("--- $file\n", @lines > 40 ? @lines[ -40 .. -1 ] : @lines)
	} glob "$dir/pg*/upper/var/log/{etcd,patroni,pgbackrest_sidecar}.log";
}

sub psql
{
	my ($name, $query) = @_;
	my @command = (enter($name), @as_postgres, 'psql', '--no-psqlrc', '-Atc', $query);
	open my $out, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', @command or die "psql: $!\n";
	local $/;
	my $answer = <$out> // '';
	$answer =~ s{\n\z}{};
	return close($out) ? $answer : undef;
}

sub leader
{
	return (grep { (psql($_, 'SELECT pg_is_in_recovery()') // '') eq 'f' } sort keys %address)[0]
	  // die "no leader\n";
}

sub wait_streaming
{
	my $members =
	  q{FROM pg_stat_replication WHERE application_name ~ '^pg\d$' AND state = 'streaming'};
	return wait_for('the replica', 60,
		sub { (psql(leader(), "SELECT count(*) $members") // 0) eq '1' });
}

# --- the cluster that was there first
sub patroni_yml
{
	my ($name) = @_;
	return <<"END";
scope: shop
name: $name
etcd3: {hosts: 10.0.0.10:2379}
restapi: {listen: $address{$name}:8008, connect_address: $address{$name}:8008}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 3
    retry_timeout: 5
    postgresql:
      use_pg_rewind: true
      parameters:
        wal_level: replica
        archive_mode: "on"
        archive_command: pgbackrest --stanza=main archive-push %p
  initdb: [data-checksums, {encoding: UTF8}, {locale: C.UTF-8}, {text-search-config: german}]
postgresql:
  listen: $address{$name}:5432
  connect_address: $address{$name}:5432
  data_dir: /var/lib/postgresql/15/main
  bin_dir: /usr/lib/postgresql/15/bin
  authentication:
    superuser: {username: postgres, password: secret}
    replication: {username: replicator, password: secret}
  pg_hba:
    - local all all peer
    - host all all 10.0.0.0/24 scram-sha-256
    - host replication replicator 10.0.0.0/24 scram-sha-256
  recovery_conf: {restore_command: pgbackrest --stanza=main archive-get %f "%p"}
END
}

my $settings = q{SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings
	WHERE name IN ('TimeZone', 'log_timezone', 'DateStyle', 'default_text_search_config')
		OR name LIKE 'lc\_%'};

must(qw(mount --make-rprivate /));
# where the disk is an overlay itself, it can't hold another's upper folder
mkdir "$dir/try-$_" for qw(upper work on);
my $overlay = "-o lowerdir=/etc,upperdir=$dir/try-upper,workdir=$dir/try-work overlay $dir/try-on";
must(qw(mount -t tmpfs tmpfs), $dir) if system "mount -t overlay $overlay 2>/dev/null";
must(qw(ip link set lo up));
must(qw(ip address add), "$_/24", qw(dev lo)) for '10.0.0.10', values %address;
mkdir "$dir/repository";
must('chown', 'postgres:', "$dir/repository");
start_host($_) for sort keys %address;
background(
	'pg1', 'etcd', 'etcd', '--data-dir=/run/etcd', '--unsafe-no-fsync',
	'--listen-client-urls=http://10.0.0.10:2379',
	'--advertise-client-urls=http://10.0.0.10:2379');

for my $name (sort keys %address)
{
	my %files = (
		'/etc/patroni/patroni.yml' => patroni_yml($name),
		'/etc/pgbackrest.conf' =>
		  "[global]\nrepo1-path=/var/lib/pgbackrest\nrepo1-retention-full=2\nstart-fast=y\n\n"
		  . "[main]\npg1-path=/var/lib/postgresql/15/main\n",
		'/etc/cron.d/pgbackrest' =>
		  "0 3 * * 0 postgres pgbackrest --stanza=main --type=full backup\n");
	for my $path (sort keys %files)
	{
		open my $in, '|-', enter($name), 'sh', '-c', "cat >$path && chown postgres $path"
		  or die "$path: $!\n";
		print $in $files{$path};
		close $in or die "$path\n";
	}
	background($name, 'patroni', @as_postgres, 'env', 'TZ=Europe/Berlin',
		'HOME=/var/lib/postgresql', 'patroni', '/etc/patroni/patroni.yml');
	if ($name eq 'pg1')
	{
		wait_for('the leader', 60,
			sub { (psql('pg1', 'SELECT pg_is_in_recovery()') // '') eq 'f' });
		must(enter('pg1'), @as_postgres, 'pgbackrest', '--stanza=main', '--log-level-console=warn',
			$_)
		  for 'stanza-create', 'backup';
	}
}
wait_streaming();
psql('pg1', 'CREATE TABLE goods AS SELECT generate_series(1, 1000) AS id');
my %settings = map { $_ => psql($_, $settings) } sort keys %address;
like(
	$settings{pg2},
	qr/TimeZone=Europe\/Berlin.*default_text_search_config=pg_catalog\.german/,
	'a cluster of its own kind');

# --- README

# The fenced blocks of a section: where each is to be run, and its text.
sub blocks
{
	my ($file, $section) = @_;
	my ($text) = slurp("$checkout/$file") =~ /^\Q$section\E\n(.*?)(?=^## |\z)/ms
	  or die "$file has no section \"$section\"\n";
	my @blocks;
	while ($text =~ /\G(.*?)^( *)```sh\n(.*?)^\g2```$/gms)
	{
		my ($before, $indent, $block) = ($1, $2, $3);
		$block =~ s/^$indent//mg;
		my ($where) = (reverse $before =~ /\*\*On (every member|the leader)\*\*/g)
		  or die "$file does not say where to run:\n$block";
		push @blocks, { where => $where, text => $block };
	}
	die "$file, \"$section\": no block is marked \"sh\"\n" unless @blocks;
	return @blocks;
}

# Type the blocks of a section and give what they show. "wait" names blocks that are typed again
# until they show something, for at most so many seconds.
sub follow
{
	my ($file, $section, %wait) = @_;
	my @shown;
	for my $block (blocks($file, $section))
	{
		my @where = $block->{where} eq 'every member' ? sort keys %address : (leader());
		my $shown = '';
		for my $name (@where)
		{
			my ($wanted) = grep { $block->{text} =~ $wait{$_}{block} } keys %wait;
			my $take = sub {
				$shown = type($name, $block->{text});
				return !$wanted || $shown =~ $wait{$wanted}{shows};
			};
			wait_for($wanted // 'nothing', $wanted ? $wait{$wanted}{limit} : 0, $take);
			# this member's, as README says
			type($name, "ADDRESS=$address{$name}") if $block->{text} =~ /^export ADDRESS=/m;
		}
		push @shown, $shown;
	}
	return join '', @shown;
}

my $shown = follow(
	'README.md',
	'## Quick start on an existing Patroni cluster',
	'a run of the schedule' =>
	  { block => qr/pgbr_runs/, shows => qr/^ schedule .* succeeded /m, limit => 90 });
like($shown, qr/^ *\d{8}-\d{6}F /m, 'the backup that cron made is shown in SQL');
like($shown, qr/^ *\d{8}-\d{6}F_\d{8}-\d{6}I /m, 'and one that was asked for there');
is(psql($_, $settings), $settings{$_}, "$_ has kept its time zone, locale and text search")
  for sort keys %address;
is( psql(
		'pg2',
		q{SELECT count(*) > 0 FROM pgbr_runs WHERE requested_by = 'schedule' AND state = 'succeeded'}
	),
	't',
	'the standby shows what the schedule ran');
is(psql('pg1', q{SELECT schedule FROM pgbr_schedule WHERE type = 'full'}),
	'0 1 * * 0', 'a schedule with blanks got through');

$shown = follow(
	'README.md',
	'## Your first restore',
	'all sidecars to listen' =>
	  { block => qr/ctl\.yaml/, shows => qr/^(?:(?!can't be asked).)*\z/s, limit => 20 });
like($shown, qr/^ *42$/m, 'the restore has brought the table back');
is( psql(
		leader(),
		q{SELECT to_regclass('first_restore') IS NULL AND (SELECT count(*) FROM goods) = 1000}),
	't',
	'undo has taken that back');
wait_streaming();
is(psql($_, $settings), $settings{$_}, "$_ has its settings still") for sort keys %address;

# --- and away again
my $leader = leader();
follow('docs/upgrade.md', '## Uninstall');
is(psql($leader, 'SELECT count(*) FROM goods'), '1000', 'the cluster goes on');
is(psql($leader, q{SELECT count(*) FROM pg_settings WHERE name LIKE 'pgbackrest%'}),
	'0', 'no setting is left');
unlike(type($leader, 'patronictl show-config'), qr/pgbackrest_ctl/, 'nor in the DCS');
for my $name (sort keys %address)
{
	my $upper = "$dir/$name/upper";
	my @left = grep { /pgbackrest_(?:ctl|sidecar)|pgbr/ && !m{^\Q$checkout\E/} }
	  map { s/^\Q$upper\E//r } split /\n/, qx(find $upper ! -type d ! -type c);
	is("@left", '/var/log/pgbackrest_sidecar.log', "no file is left on $name but the log");
	like(
		type($name, 'ls -d /etc/pgbackrest_ctl /var/lib/pgbackrest_sidecar || true'),
		qr/^(?:ls: cannot access .*\n|shop\n)+\z/,
		'and no folder');
}
like(
	type($leader, 'runuser -u postgres -- pgbackrest --stanza=main info'),
	qr/full backup: /,
	'the backups stay');
done_testing;
