# /metrics: the exporter's names with what pgbackrest says, our own with what has happened, both
# parsed by Prometheus' own promtool; who may read them; two thousand backups; the alert rules.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP;
use List::Util  qw(max uniq);
use ManyBackups qw(make_backups);
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical;
my $cluster = PgbrCluster->new->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
$member->psql('CREATE EXTENSION pgbackrest_ctl');
$member->psql('CREATE DATABASE shop');
my $text;

# Fetch them; gives { name => [ [ { label => value }, value ], ... ] }. promtool holds the text to
# its grammar; this reads what passed.
sub metrics
{
	my ($with) = @_;
	my $answer = $sidecar->http(GET => '/metrics');
	is($answer->{status}, 200, 'metrics are served');
	is( $answer->{headers}{'content-type'},
		'text/plain; version=0.0.4; charset=utf-8',
		'as Prometheus wants them');
	$text = $answer->{content};
	IPC::Run::run([qw(promtool check metrics)], '<', \$text, '>', \my $out, '2>', \my $errors);
	# 3: lint found a name it would have chosen otherwise, which is the exporter's choice; 1: no
	# metrics
	my @own = grep { /^pgbackrest_ctl/ } split /\n/, "$out$errors";
	ok(($? >> 8) =~ /^[03]$/, 'promtool parses them') or diag substr "$out$errors", 0, 2000;
	is_deeply(\@own, [], 'and finds nothing odd about our own');
	return parse($text);
}

sub parse
{
	my (%metrics) = @_ > 1 ? die : ();
	for (split /\n/, $_[0])
	{
		next if /^#/;
		my ($name, $labels, $value) = /^(\w+)(?:\{(.*)\})? (\S+)$/ or die "no sample: $_\n";
		my %labels = ($labels // '') =~ /(\w+)="((?:[^"\\]|\\.)*)"/g;
		push @{ $metrics{$name} }, [ \%labels, $value ];
	}
	return \%metrics;
}

# The value of the one sample that has these labels; undef when there is none.
sub value
{
	my ($metrics, $name, %labels) = @_;
	my @found = grep {
		my $has = $_->[0];
		!grep { ($has->{$_} // '') ne $labels{$_} } keys %labels
	} @{ $metrics->{$name} // [] };
	die "$name is there " . @found . " times\n" if @found > 1;
	return @found ? $found[0][1] : undef;
}

sub own
{
	my ($metrics, $name, @labels) = @_;
	return value($metrics, "pgbackrest_ctl_$name", @labels);
}

# --- a stanza without backups
my $m = metrics();
is(value($m, 'pgbackrest_stanza_status', stanza => 'main'),
	2, 'no backup: the status of the stanza');
is(value($m, 'pgbackrest_exporter_status', stanza => 'main'),
	1, 'no backup: the information is there');
is(value($m, 'pgbackrest_repo_status', stanza => 'main', repo_key => 1, cipher => 'none'),
	2, 'no backup: the status of the repository');
is_deeply(
	[ map { own($m, 'backup_never_succeeded', type => $_) } qw(full diff incr) ],
	[ 1, 1, 1 ],
	'no backup: none ever succeeded');
is_deeply([ grep { /_last_/ && /^pgbackrest_backup/ && @{ $m->{$_} } } keys %$m ],
	[], 'no backup: no last one');
is(own($m, 'postgres_up'), 1, 'PostgreSQL answers');
my ($major, $minor) = $member->pgbackrest('version') =~ /(\d+)\.(\d+)/;
is( value($m, 'pgbackrest_version_info'),
	$major * 1_000_000 + $minor * 1000,
	'the version of pgbackrest');

# --- backups
my $before = time;
my $full = $sidecar->wait_job(
	$sidecar->post_job(kind => 'backup', type => 'full', annotations => { a => 'b' })->{id});
my $incr = $sidecar->wait_job($sidecar->post_job(kind => 'backup', type => 'incr')->{id});
is("$full->{state} $incr->{state}", 'succeeded succeeded', 'a full and an incr');
$m = metrics();
my $stanza = $sidecar->http(GET => '/v1/info')->{json}{stanzas}[0];
my %of = map { $_->{label} => $_ } @{ $stanza->{backup} };
my %source = (
	size_bytes => sub { $_[0]{info}{size} },
	delta_bytes => sub { $_[0]{info}{delta} },
	repo_size_bytes => sub { $_[0]{info}{repository}{size} },
	repo_delta_bytes => sub { $_[0]{info}{repository}{delta} },
	repo_size_map_bytes => sub { 0 },
	repo_delta_map_bytes => sub { 0 },
	error_status => sub { 0 },
	annotations => sub { scalar keys %{ $_[0]{annotation} } },
	duration_seconds => sub { $_[0]{timestamp}{stop} - $_[0]{timestamp}{start} });

sub six
{
	my ($b) = @_;
	return (
		backup_name => $b->{label},
		backup_type => $b->{type},
		block_incr => 'n',
		database_id => 1,
		repo_key => 1,
		stanza => 'main');
}

for my $backup ($of{ $full->{label} }, $of{ $incr->{label} })
{
	is( value($m, "pgbackrest_backup_$_", six($backup)),
		$source{$_}->($backup),
		"$backup->{type}: $_") for sort keys %source;
	is( value(
			$m, 'pgbackrest_backup_info', six($backup),
			backrest_ver => "$major.$minor",
			lsn_start => $backup->{lsn}{start},
			lsn_stop => $backup->{lsn}{stop},
			pg_version => $stanza->{db}[0]{version},
			prior => $backup->{prior} // '',
			wal_start => $backup->{archive}{start},
			wal_stop => $backup->{archive}{stop}),
		1,
		"$backup->{type}: info");
	my ($duration) = grep { $_->[0]{backup_name} eq $backup->{label} }
	  @{ $m->{pgbackrest_backup_duration_seconds} };
	like($duration->[0]{$_}, qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, "$backup->{type}: $_")
	  for qw(start_time stop_time);
	is( value($m, 'pgbackrest_backup_references', six($backup), ref_backup => 'full'),
		$backup->{type} eq 'incr' ? 1 : 0,
		"$backup->{type}: references");
}
my %last =
  (full => $of{ $full->{label} }, diff => $of{ $full->{label} }, incr => $of{ $incr->{label} });
for my $type (sort keys %last)
{
	my %three = (backup_type => $type, block_incr => 'n', stanza => 'main');
	is( value($m, "pgbackrest_backup_last_$_", %three),
		$source{$_}->($last{$type}),
		"last $type: $_") for sort keys %source;
	cmp_ok(
		value($m, 'pgbackrest_backup_since_last_completion_seconds', %three),
		'<=',
		time - $last{$type}{timestamp}{stop} + 1,
		"last $type: how long ago");
	is( value($m, 'pgbackrest_backup_last_references', %three, ref_backup => 'full'),
		$type eq 'incr' ? 1 : 0,
		"last $type: references");
	is(value($m, 'pgbackrest_backup_last_databases', %three), 2, "last $type: databases");
}
is(value($m, 'pgbackrest_backup_databases', six($of{ $incr->{label} })), 2,
	'databases of a backup');
is(value($m, 'pgbackrest_stanza_status', stanza => 'main'), 0, 'the stanza is well');
is( value(
		$m, 'pgbackrest_wal_archive_status',
		database_id => 1,
		pg_version => $stanza->{db}[0]{version},
		repo_key => 1,
		stanza => 'main'),
	1,
	'so is its archive');
is(value($m, $_, stanza => 'main'), 0, "idle: $_")
  for map { "pgbackrest_stanza_$_" }
  qw(backup_lock_status lock_status backup_complete_bytes backup_compete_bytes backup_total_bytes restore_lock_status restore_complete_bytes restore_total_bytes);

is_deeply(
	[ map { own($m, 'backup_never_succeeded', type => $_) } qw(full diff incr) ],
	[ 0, 1, 0 ],
	'what succeeded');
cmp_ok(own($m, 'backup_last_success_timestamp_seconds', type => 'full'), '>', $before, 'and when');
cmp_ok(own($m, 'job_last_duration_seconds', kind => 'backup', type => 'full'),
	'>', 0, 'how long it took');
is(own($m, 'job_last_exit_code', kind => 'backup', type => 'full'), 0, 'how it ended');
is( own($m, 'recovery_window_start_timestamp_seconds', repo_key => 1),
	$last{full}{timestamp}{stop},
	'where the recovery window begins');
cmp_ok(
	own($m, 'recovery_window_end_timestamp_seconds', repo_key => 1),
	'>=',
	$last{incr}{timestamp}{stop},
	'and where it ends');
cmp_ok(own($m, 'repo_free_bytes', repo_key => 1), '>', 0, 'the room in the repository');
cmp_ok(
	own($m, 'repo_size_bytes', repo_key => 1),
	'>',
	own($m, 'repo_free_bytes', repo_key => 1),
	'out of how much');
cmp_ok(own($m, 'info_age_seconds'), '<', 60, 'how old the information is');
is(own($m, 'wal_missing_segments') // 0, 0, 'no WAL is missing');

# --- failures
for my $round (1 .. 2)
{
	my $job =
	  $sidecar->wait_job($sidecar->post_job(kind => 'backup', type => 'diff', repo => 7)->{id});
	is($job->{state}, 'failed', 'a backup that fails');
	$m = metrics();
	is(own($m, 'backup_consecutive_failures', type => 'diff'), $round, 'is counted');
	is(own($m, 'job_last_exit_code', kind => 'backup', type => 'diff'),
		$job->{exit_code}, 'with its exit code');
	cmp_ok(own($m, 'backup_last_failure_timestamp_seconds', type => 'diff'),
		'>', $before, 'and its time');
}
is(own($m, 'backup_consecutive_failures', type => 'full'), 0,
	'other types are not counted with it');
$sidecar->wait_job($sidecar->post_job(kind => 'backup', type => 'diff')->{id});
$m = metrics();
is(own($m, 'backup_consecutive_failures', type => 'diff'), 0, 'a success ends the row');
is(own($m, 'backup_never_succeeded', type => 'diff'), 0, 'and is the first of its type');
$sidecar->restart;
$sidecar->wait_ready;
$m = metrics();
cmp_ok(own($m, 'backup_last_failure_timestamp_seconds', type => 'diff'),
	'>', $before, 'a restart forgets nothing');

# --- while something runs
hold_wal($member);
my $running =
  $sidecar->post_job(kind => 'backup', type => 'full', annotations => { n => '1' })->{id};
my $waiting =
  $sidecar->post_job(kind => 'backup', type => 'incr', annotations => { n => '2' })->{id};
my $covered = $sidecar->post_job(kind => 'backup', type => 'incr')->{id};
wait_for { ($sidecar->job($running)->{progress}{phase} // '') eq 'waiting for WAL' }
'the backup to wait for its WAL';
# what PostgreSQL said is kept for some seconds
wait_for { own(parse($sidecar->http(GET => '/metrics')->{content}), 'wal_waiting_files') }
'WAL to wait';
$m = metrics();
is(own($m, 'queue_depth'), 1, 'one job waits');
is(own($m, 'queue_covered'), 1, 'one is covered by it');
is(own($m, 'job_running'), 1, 'one runs');
is(value($m, 'pgbackrest_stanza_backup_lock_status', stanza => 'main'), 1, 'and holds the lock');
is( value($m, 'pgbackrest_stanza_backup_total_bytes', stanza => 'main'),
	$sidecar->job($running)->{progress}{bytes_total} // 0,
	'with so many bytes to do');
cmp_ok(own($m, 'wal_archive_lag_seconds'), '>', 0, 'WAL has waited for a while');
release_wal($member);
$sidecar->wait_job($_) for $running, $waiting, $covered;

# --- a schedule
$member->psql(q{ALTER SYSTEM SET pgbackrest_ctl.full_schedule = '0 0 1 1 *'});
$member->psql('SELECT pg_reload_conf()');
wait_for
{
	own($m = parse($sidecar->http(GET => '/metrics')->{content}),
		'schedule_next_run_timestamp_seconds',
		type => 'full')
}
'the schedule to be seen';
is( own($m, 'schedule_next_run_timestamp_seconds', type => 'full'),
	$member->psql(
		q{SELECT extract(epoch FROM next_run)::bigint FROM pgbr_schedule WHERE type = 'full'}),
	'when a full is due next');
is(own($m, 'schedule_active', type => 'full'), 1, 'it runs here');
is(own($m, 'schedule_lag_seconds', type => 'full'), 0, 'and is not late');
is(own($m, 'schedule_active', type => 'diff'), undef, 'a type without a schedule has none');

# --- PostgreSQL down, pgbackrest failing
$member->stop;
rename "$cluster->{sandbox}{root}/repo", "$cluster->{sandbox}{root}/away";
$sidecar->http(GET => '/v1/info?refresh=true');
wait_for { !own($m = parse($sidecar->http(GET => '/metrics')->{content}), 'postgres_up') }
'PostgreSQL to be down';
is(value($m, 'pgbackrest_repo_status', repo_key => 1),
	1, 'a repository that is gone shows in its status');
rename "$cluster->{sandbox}{root}/away", "$cluster->{sandbox}{root}/repo";
$sidecar->http(GET => '/v1/info?refresh=true');
spew($member->{config}, slurp($member->{config}) =~ s/^repo1-path=.*/repo1-path=nowhere/mr);
$sidecar->http(GET => '/v1/info?refresh=true');
$m = metrics();
is(own($m, 'info_up'), 0, 'pgbackrest fails: the information is old');
is(value($m, 'pgbackrest_exporter_status', stanza => 'main'), 0, 'as the exporter says it');
cmp_ok(own($m, 'info_refresh_errors_total'), '>', 0, 'the failures are counted');
ok(@{ $m->{pgbackrest_backup_info} }, 'and what was known is still shown');
$member->write_pgbackrest_conf;
$member->start;

# --- who may
my $token = 'a-token-that-may-read';
my $tokens = spew("$member->{dir}/tokens", "$token read\n", 0600);
my $port = $cluster->sandbox->port;
my $get = sub {
	my ($path, @headers) = @_;
	return HTTP::Tiny->new(timeout => 30)
	  ->get("http://127.0.0.1:$port$path", { headers => {@headers} })->{status};
};
$sidecar->speak_tcp->restart("--token-file=$tokens", "--metrics-listen=127.0.0.1:$port");
is($sidecar->http(GET => '/metrics')->{status}, 401, 'with tokens: not without one');
is($sidecar->http(GET => '/metrics', headers => { Authorization => "Bearer $token" })->{status},
	200, 'a token that may read');
is($get->('/metrics'), 401, 'the same at the address of the metrics');
is($get->('/metrics', Authorization => "Bearer $token"), 200, 'and there with a token');
is($get->($_, Authorization => "Bearer $token"), 404, "nothing else is there: $_")
  for qw(/v1/jobs /livez /);
$sidecar->restart("--token-file=$tokens", "--metrics-listen=0.0.0.0:$port", '--metrics-no-auth');
is($get->('/metrics'), 200, '--metrics-no-auth: anyone at that address');
is($sidecar->http(GET => '/metrics')->{status}, 401, 'but not at the other');
$sidecar->stop;
my ($status, $log) = refused($sidecar, "--metrics-listen=0.0.0.0:$port");
is($status, 2, 'any address without a token: refused');
like(
	$log,
	qr/refusing to listen on "0\.0\.0\.0:$port".*--metrics-no-auth/s,
	'with what can be done');
$sidecar->speak_tcp(0)->start->wait_ready;

# --- two thousand backups
my @labels = make_backups("$cluster->{sandbox}{root}/repo/backup/main", 2000);
$sidecar->http(GET => '/v1/info?refresh=true', timeout => 60);
my $start = time;
$m = metrics();
is_deeply(
	[ sort(uniq(map { $_->[0]{backup_name} } @{ $m->{pgbackrest_backup_info} })) ],
	[ sort @labels ],
	'two thousand backups are all there');
is(scalar @{ $m->{$_} }, 2000, "each with its $_")
  for map { "pgbackrest_backup_$_" } qw(size_bytes repo_delta_bytes annotations);
$start = time;
my $answer = $sidecar->http(GET => '/metrics');
# a sanitized build; the limit is there to see that it does not grow with their square
cmp_ok(time - $start, '<', 5, 'in a moment');
my @gone = at_once(
	map {
		sub { return $sidecar->http(GET => '/metrics')->{status} }
	} 1 .. 8);
is_deeply([ uniq @gone ], [200], 'eight readers at once');

# --- the rules that come with it
for my $check ([ qw(check rules), 'alerts.yaml' ], [ qw(test rules), 'alerts_test.yaml' ])
{
	my @command = ('promtool', @$check[ 0, 1 ], "deploy/monitoring/$check->[2]");
	IPC::Run::run(\@command, '>&', \my $out);
	is($?, 0, "@command") or diag $out;
}
# every metric that a rule or the dashboard names is one of ours
my %known = map { $_ => 1 } $text =~ /^# TYPE (\S+)/mg;
my @optional = qw(pgbackrest_ctl_restore_last_success_timestamp_seconds
  pgbackrest_ctl_restore_last_verified_timestamp_seconds pgbackrest_ctl_job_running_seconds
  pgbackrest_ctl_wal_last_failure_timestamp_seconds pgbackrest_ctl_wal_missing_segments);
$known{$_} = 1 for @optional;
for my $file (qw(alerts.yaml dashboard.json))
{
	my @unknown = grep { !$known{$_} }
	  uniq slurp("deploy/monitoring/$file") =~ /\b(pgbackrest_(?:ctl_)?\w+_\w+)\b/g;
	is_deeply(\@unknown, [], "$file names metrics that exist");
}
ok(eval { $json->decode(slurp('deploy/monitoring/dashboard.json')) }, 'the dashboard is JSON');
# and docs/reference/metrics.md lists them all
my $docs = slurp('docs/reference/metrics.md');
is_deeply(
	[
		grep { $docs !~ /\b\Q@{[ s{^pgbackrest_ctl_}{}r ]}\E\b/ }
		grep { /^pgbackrest_ctl_/ } keys %known
	],
	[],
	'docs/reference/metrics.md lists our own');

done_testing;
