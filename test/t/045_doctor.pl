# pgbackrest_ctl doctor on a real cluster: all is well at first; then each thing is broken in turn,
# the one line that says so is looked for, and it is mended again.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use Test::More;

my $json = JSON::PP->new->utf8;
my $cluster = PgbrCluster->new(members => 2)->start;
my ($leader, $replica) = $cluster->members;
my $root = $cluster->sandbox->{root};
delete @ENV{ grep { /^PGBRCTL_/ } keys %ENV };

# Give exit status, a hash of "member/check" to its line, and errors.
sub doctor
{
	my (@arguments) = @_;
	my ($status, $out, $errors) = $cluster->cluster_ctl('doctor', '--format=json', @arguments);
	my $document = eval { $json->decode($out) } or return ($status, {}, $errors);
	my %lines = map { (($_->{member} // '') . "/$_->{check}" => $_) } @{ $document->{checks} };
	return ($status, \%lines, $errors);
}

sub not_ok
{
	my ($lines) = @_;
	return grep { $lines->{$_}{outcome} ne 'ok' } sort keys %$lines;
}

# Hold exactly these lines to be not ok: "member/check" => [ outcome, reason ].
sub finds
{
	my ($name, $wanted, $status_wanted, @arguments) = @_;
	my ($status, $lines, $errors) = doctor(@arguments);
	is_deeply(
		[ map { "$_ $lines->{$_}{outcome}" } not_ok($lines) ],
		[ map { "$_ $wanted->{$_}[0]" } sort keys %$wanted ],
		"$name: the lines") or diag explain [ map { $lines->{$_} } not_ok($lines) ];
	like($lines->{$_}{reason}, $wanted->{$_}[1], "$name: why of $_") for sort keys %$wanted;
	is($status, $status_wanted, "$name: exit status") or diag $errors;
	return $lines;
}

# ---- all is well
$leader->psql(q{CREATE EXTENSION pgbackrest_ctl; SELECT pgbr_check(wait => true)});
$_->sidecar->wait_ready for $cluster->members;
wait_for
{
	$leader->psql(
		q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pgbackrest_ctl scheduler'})
}
'the worker';
wait_for { $replica->psql(q{SELECT count(*) FROM pg_extension WHERE extname = 'pgbackrest_ctl'}) }
'the extension on the replica';
wait_for { my (undef, $lines) = doctor(); !not_ok($lines) } 'all to be well';
my $all = finds('at first', {}, 0);
is( scalar(grep { !defined $_->{reason} || $_->{reason} eq '' || defined $_->{cure} } values %$all),
	0,
	'each line has a reason, and no cure');
my %checks = map { (s{.*/}{}r => 1) } keys %$all;
my ($status, $out, $errors) = $cluster->cluster_ctl('doctor');
is($status, 0, 'pretty: exit status');
like(
	$out,
	qr/^m1\n  ok         patroni         http\S+ answers: primary, running$/m,
	'a heading for each member, and its lines');
like($out, qr/^the cluster\n  ok         leader/m, 'and for the cluster');
like($out, qr/^\d+ ok, 0 warn, 0 not known, 0 fail$/m, 'the sum');
is((() = $out =~ /^  ok /mg), keys %$all, 'as many lines as in JSON');
is((grep { length > 120 } split /\n/, $out), 0, 'no line is very long');
($status, $out) = $cluster->cluster_ctl('doctor', '-f', 'tsv');
like($out,
	qr/\Amember\tcheck\toutcome\treason\tcure\n(?:(?:m\d|\\N)\t[\w-]+\tok\t[^\t]+\t\\N\n)+\z/,
	'tsv');

# ---- folders
mkdir "$replica->{dir}/$_" for qw(spool pgbackrest-log lock);
for my $row (
	[ 'lock', 'lock-path', 'fail' ],
	[ 'pgbackrest-log', 'log-path', 'warn', 'log-level-file' => 'info' ],
	[ 'spool', 'spool-path', 'fail', 'archive-async' => 'y' ],
	[ 'sidecar', 'state-folder', 'fail' ])
{
	my ($folder, $check, $outcome, %options) = @$row;
	$cluster->configure(%options);
	chmod 0500, "$replica->{dir}/$folder";
	finds(
		"$folder can't be written",
		{ "m2/$check" => [ $outcome, qr/\Q$replica->{dir}\E\/$folder: Permission denied/ ] },
		$outcome eq 'fail' ? 1 : 10);
	chmod 0700, "$replica->{dir}/$folder";
	$cluster->configure(map { $_ => undef } keys %options);
	$cluster->configure('log-level-file' => 'off');
}

# ---- archiving
$leader->psql(q{ALTER SYSTEM SET archive_command = 'false'; SELECT pg_reload_conf()});
wait_for { $leader->psql('SHOW archive_command') eq 'false' } 'the setting';
finds('another archive_command',
	{ 'm1/archiving' => [ 'fail', qr/does not run pgbackrest archive-push/ ] }, 1);
$leader->psql(
	q{ALTER SYSTEM SET archive_command = 'false # archive-push'; SELECT pg_reload_conf()});
$leader->psql(q{SELECT pg_current_xact_id(); SELECT pg_switch_wal()});
wait_for
{
	$leader->psql(
		'SELECT failed_count > 0 AND last_failed_time > last_archived_time FROM pg_stat_archiver')
	  eq 't'
}
'a failure';
# the sidecar asks for it every 5 s at most
wait_for { my (undef, $lines) = doctor(); $lines->{'m1/archiving'}{outcome} ne 'ok' }
'the sidecar to see it';
finds('archiving that fails',
	{ 'm1/archiving' => [ 'fail', qr/the last attempt to archive failed; \d+ segments wait/ ] }, 1);
$leader->psql(q{ALTER SYSTEM RESET archive_command; SELECT pg_reload_conf()});
wait_for { my (undef, $lines) = doctor(); $lines->{'m1/archiving'}{outcome} eq 'ok' }
'archiving to go on', 90;

# ---- a schedule that is none
my $server_conf = slurp("$replica->{dir}/server.conf");
spew("$replica->{dir}/server.conf", $server_conf . "pgbackrest_ctl.full_schedule = 'every day'\n");
$replica->psql('SELECT pg_reload_conf()');
finds('a wrong schedule',
	{ 'm2/schedules' => [ 'fail', qr/refused: pgbackrest_ctl.full_schedule = "every day"/ ] }, 1);

# ---- a configuration file that can't be read; nobody reloads it meanwhile
spew("$replica->{dir}/included.conf", "work_mem = '4MB'\n", 0000);
spew("$replica->{dir}/server.conf", $server_conf . "include '$replica->{dir}/included.conf'\n");
my (undef, $lines) = doctor();
is($lines->{'m2/recovery'}{outcome}, 'fail', 'an included file that is not readable')
  or diag explain $lines->{'m2/recovery'};
like(
	$lines->{'m2/recovery'}{reason},
	qr/can't read its configuration: .*included.conf.*Permission denied/,
	'which one');
spew("$replica->{dir}/server.conf", $server_conf);
$replica->psql('SELECT pg_reload_conf()');

# ---- pgbackrest in cron too; what can't be read is not known
mkdir "$root/bin";

sub with_crontab
{
	my ($script) = @_;
	spew("$root/bin/crontab", "#!/bin/sh\n$script\n", 0755);
	return;
}
with_crontab(q{echo '0 1 * * 0 pgbackrest --stanza=main --type=full backup'});
$replica->sidecar->set_wrapper('env', "PATH=$root/bin:$ENV{PATH}")->restart;
$replica->sidecar->wait_ready;
finds('a backup in cron', { 'm2/cron' => [ 'warn', qr/also run by the crontab of/ ] }, 10);
with_crontab(q{yes '# a comment'});
finds('a crontab that can\'t be read', { 'm2/cron' => [ 'unknown', qr/printed|more|larger/ ] }, 11);
with_crontab('echo crontabs/postgres/: fopen: Permission denied >&2; exit 1');
finds(
	'a crontab that may not be read',
	{ 'm2/cron' => [ 'unknown', qr/crontab of \S+ can't be read from here: .*Permission denied/ ] },
	11);
with_crontab('echo no crontab for postgres >&2; exit 1');
finds('no crontab', {}, 0);

# ---- sidecars
my @urls = map { $_->sidecar->url } $cluster->members;
finds(
	'sidecars that are mixed up',
	{ map { ("m$_/sidecar" => [ 'fail', qr/is the sidecar of another member/ ]) } 1, 2 },
	1, "--sidecar=m1=$urls[1],m2=$urls[0]");
($status, $lines) = doctor('--sidecar=m1=http://127.0.0.1:1,m2=' . $urls[1]);
is($lines->{'m1/sidecar'}{outcome}, 'fail', 'a sidecar that does not answer');
like($lines->{'m1/sidecar'}{cure}, qr/--listen/, 'what to do');
is($lines->{'/same-sidecar'}{outcome}, 'unknown', 'and what it would say is not known');
is($lines->{'m2/sidecar'}{outcome}, 'ok', 'the others are asked');
$replica->sidecar->speak_tcp;
($status, $lines) = doctor();
is_deeply([ map { "$_ $lines->{$_}{outcome}" } not_ok($lines) ],
	['m2/token warn'], 'a caller without a name');
like($lines->{'m2/token'}{reason}, qr/only reading/, 'may only read');
like(
	$lines->{'m2/recovery'}{reason},
	qr/tells the reason to callers with a token/,
	'and is told no reasons');
$replica->sidecar->speak_tcp(0);

# ---- psql, the stanza, versions
spew("$root/pgbackrest-old",
	"#!/bin/sh\n[ \"\$*\" = version ] && echo 'pgBackRest 2.0' || exec pgbackrest \"\$@\"\n", 0755);
$replica->sidecar->restart("--pgbackrest=$root/pgbackrest-old");
$replica->sidecar->wait_ready;
finds('another pgbackrest',
	{ '/same-pgbackrest' => [ 'warn', qr/pgbackrest differs: m1 \S+, m2 2\.0/ ] }, 10);
$replica->sidecar->restart('--stanza=other');
($status, $lines) = doctor();
is($lines->{$_}{outcome}, 'fail', "another stanza: $_") for 'm2/stanza', '/same-stanza';
$replica->sidecar->restart("--psql=$root/none");
($status, $lines) = doctor();
is($status, 1, 'no psql: exit status');
is($lines->{'m2/postgresql'}{outcome}, 'fail', 'no psql');
is($lines->{"m2/$_"}{outcome}, 'unknown', "no psql: $_ is not known")
  for qw(archiving extension preload schedules worker sidecar);
$replica->sidecar->restart;
$replica->sidecar->wait_ready;

# ---- the extension, and Patroni
$leader->psql('DROP EXTENSION pgbackrest_ctl');
wait_for { !$replica->psql(q{SELECT count(*) FROM pg_extension WHERE extname = 'pgbackrest_ctl'}) }
'the same on the replica';
($status, $lines) = doctor();
is($lines->{"$_/extension"}{outcome}, 'warn', "no extension on $_") for qw(m1 m2);
$leader->psql('CREATE EXTENSION pgbackrest_ctl');
my $config = "http://127.0.0.1:$leader->{rest_port}/config";
my %patch = (headers => { 'Content-Type' => 'application/json' });
HTTP::Tiny->new->request(PATCH => $config, { %patch, content => '{"pause": true}' });
wait_for { my (undef, $lines_now) = doctor(); $lines_now->{'/leader'}{outcome} eq 'warn' }
'the pause to be told';
HTTP::Tiny->new->request(PATCH => $config, { %patch, content => '{"pause": null}' });
wait_for { my (undef, $lines_now) = doctor(); !not_ok($lines_now) } 'all to be well again';
($status, undef, $errors) = doctor('--patroni-url=http://127.0.0.1:1');
isnt($status, 0, 'no Patroni');
is( (   grep { !$checks{$_} }
		  qw(patroni patroni-write sidecar token postgresql data-directory state-folder lock-path
		  log-path spool-path stanza repository archiving extension preload schedules
		  worker recovery cron leader same-system same-postgresql)),
	0,
	'all checks are there');
done_testing;
