# The SQL side against servers that hang, break off, and answer rubbish or with every error there
# is: a clear error with its SQLSTATE within the time-out, and a backend that goes on as if nothing
# was.
use strict;
use warnings;
use utf8;
use IO::Select;
use IPC::Run ();
use JSON::PP;
use PgbrCluster;
use PgbrSandbox       qw(wait_for);
use PgbrStrangeServer qw(answer);
use PgbrWrongAnswers  qw(@wrong_infos @wrong_jobs info info_of_backup job);
use Socket;
use Test::More;
use Time::HiRes qw(time);

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);

my $cluster = PgbrCluster->new(preload => 0, sidecars => 0)->start;
my $member = $cluster->member(1);
my $timeout = 1;

# Never answer; the other end hangs up.
sub hang
{
	my ($client) = @_;
	sysread $client, my $byte, 1;
	return;
}

sub problem
{
	my ($client, %problem) = @_;
	return answer(
		$client, { type => 'about:blank', title => 'x', status => 400, %problem },
		status => 400,
		type => 'application/problem+json');
}

# A job that is accepted, and then is like this.
sub job_that_is
{
	my %then = @_;
	return sub {
		my ($client, $request) = @_;
		return answer($client, job(), status => 202) if $request->{method} eq 'POST';
		my ($wait) = $request->{path} =~ /wait=(\d+)/;
		IO::Select->new($client)->can_read($wait) unless %then;
		return answer($client, job(%then));
	};
}

my %codes = (
	'internal' => 'XX000',
	'bad-request' => '22023',
	'unauthorized' => '28000',
	'forbidden' => '42501',
	'not-found' => '42704',
	'method-not-allowed' => '08P01',
	'conflict' => '55006',
	'duplicate' => '42710',
	'too-large' => '54000',
	'unsupported-media-type' => '08P01',
	'invalid-value' => '22023',
	'queue-full' => '53000',
	'pgbackrest' => '58000',
	'unavailable' => '57P03',
	'storage' => '53100',
	'of-a-later-version' => 'XX000');

my $server = PgbrStrangeServer->new(
	$cluster->sandbox,
	{
		'hang' => \&hang,
		'close' => sub { },
		'reset' => sub { setsockopt $_[0], SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) },
		'ssh' => sub { syswrite $_[0], "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"; hang($_[0]) },
		'trickle' => sub {
			my ($client) = @_;
			syswrite $client,
			  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
			1 while syswrite($client, ' ') && !select undef, undef, undef, 0.05;
		},
		'half' => sub {
			syswrite $_[0],
			  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"jobs\"";
		},
		'text' => sub { answer($_[0], 'this is not JSON') },
		'nothing' => sub { answer($_[0], '') },
		'html' => sub { answer($_[0], '<html>hello</html>', type => 'text/html; charset=utf-8') },
		'nul' => sub { answer($_[0], "{\"jobs\": [], \"next\": null}\0") },
		'latin1' => sub { answer($_[0], "{\"jobs\": [], \"next\": \"\xe9\"}") },
		'deep' => sub { answer($_[0], '[' x 1_000_000) },
		'big' => sub { answer($_[0], '{"jobs": ["' . 'x' x 10_000_000 . '"]}') },
		'endless' => sub {
			my ($client) = @_;
			syswrite $client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
			1 while syswrite $client, 'x' x 65536;
		},
		'elsewhere' => sub { answer($_[0], '', status => 302, headers => "Location: /text/\r\n") },
		'gateway' =>
		  sub { answer($_[0], '<html>Bad Gateway</html>', status => 502, type => 'text/html') },
		'bare-500' => sub { answer($_[0], { code => 'storage' }, status => 500) },
		'bare-problem' =>
		  sub { answer($_[0], 'oops', status => 500, type => 'application/problem+json') },
		'odd-problem' =>
		  sub { answer($_[0], { detail => [] }, status => 500, type => 'application/problem+json') }
		,
		'well-problem' => sub {
			answer($_[0], { code => 'storage', detail => 'x' }, type => 'application/problem+json');
		},
		'again' => sub { answer($_[0], { jobs => [ job() ], next => '20261122T154107' }) },
		'arrow' =>
		  sub { answer($_[0], { jobs => [ job(message => "a \x{2192} b") ], next => undef }) },
		'progressing' => sub {
			my %progress =
			  (phase => 'copying', bytes_done => 100, bytes_total => 400, percent => 25);
			answer($_[0], { jobs => [ job(progress => \%progress) ], next => undef });
		},
		'umlaut' =>
		  sub { answer($_[0], { jobs => [ job(message => "Zo\x{eb}") ], next => undef }) },
		'stale' => sub {
			my %error = (
				code => 'file-read',
				message => 'unable to open',
				hint => 'Look there.',
				exit_code => 41);
			answer(
				$_[0],
				info(
					age_seconds => 125.4,
					error => \%error,
					stanzas => info_of_backup()->{stanzas}));
		},
		'never' => sub {
			my %error = (
				code => 'file-read',
				message => 'unable to open',
				hint => 'Look there.',
				exit_code => 41);
			answer($_[0], info(fetched_at => undef, age_seconds => undef, error => \%error));
		},
		'not-yet' => sub { answer($_[0], info(fetched_at => undef, age_seconds => undef)) },
		'poor' => sub { answer($_[0], info_of_backup()) },
		'running' => job_that_is(),
		'failed' => job_that_is(
			state => 'failed',
			exit_code => 50,
			error => 'lock-acquire',
			message => 'unable to acquire lock',
			hint => 'is another pgBackRest process running?'),
		'interrupted' => job_that_is(state => 'interrupted'),
		'cancelled' => job_that_is(state => 'cancelled'),
		'strange-state' => job_that_is(state => 'resting'),
		'away' => sub {
			my ($client, $request) = @_;
			answer($client, job(), status => 202) if $request->{method} eq 'POST';
		},
		'covered' => sub {
			my $job = job();
			$job->{covered_by} = '20261122T154100';
			answer($_[0], $job, status => 202);
		},
		# breaks the first connection of each key, after it has read the request
		'once-more' => sub {
			my ($client, $request) = @_;
			open my $seen, '>>', 'once-more' or die;
			return if !-s $seen && syswrite $seen, 'x';
			answer($client, job(id => $request->{key}), status => 202);
		},
		(   map {
				my $i = $_;
				("info-$i" => sub { answer($_[0], $wrong_infos[$i]) })
			} 0 .. $#wrong_infos),
		(   map {
				my $i = $_;
				("jobs-$i" => sub { answer($_[0], $wrong_jobs[$i]) })
			} 0 .. $#wrong_jobs),
		(   map {
				my $code = $_;
				(   "code-$code" => sub {
						problem(
							$_[0],
							code => $code,
							detail => "the reason is $code",
							hint => 'Do it.',
							exit_code => 55);
					})
			} keys %codes),
	});

# In a session that does not load the library, the server knows no setting of this name.
sub set_parameter
{
	my ($name, $value) = @_;
	$member->psql("LOAD 'pgbackrest_ctl'; ALTER SYSTEM SET pgbackrest_ctl.$name = '$value'");
	return;
}

# Send every request of new sessions to the server, which is to behave like this.
sub behave
{
	my ($behaviour) = @_;
	return point_to($server->url . "/$behaviour");
}

sub point_to
{
	my ($url) = @_;
	set_parameter(sidecar_url => $url);
	$member->psql('SELECT pg_reload_conf()');
	wait_for { $member->psql('SHOW pgbackrest_ctl.sidecar_url') eq $url } "the setting $url";
	return;
}

# Run one statement between two others of the same session. Gives what it wrote to the error output
# and how long it took; that the session went on is tested in passing.
sub try_sql
{
	my ($sql, %with) = @_;
	my $script =
		"\\set ON_ERROR_STOP 0\n\\set VERBOSITY verbose\n"
	  . ($with{before} // '')
	  . "SELECT 'before', pg_backend_pid();\n$sql;\nSELECT 'after', pg_backend_pid(), count(*) FROM pg_class;\n";
	my $start = time;
	utf8::encode($script);
	IPC::Run::run([ $member->psql_command(%with) ], '<', \$script, '>', \my $out, '2>',
		\my $errors);
	my $took = time - $start;
	utf8::decode($_) for $out, $errors;
	my ($before) = $out =~ /^before\|(\d+)/m;
	my ($after) = $out =~ /^after\|(\d+)\|\d+$/m;

	unless ($before && $after && $before == $after)
	{
		fail("the session goes on after: $sql");
		diag $out, $errors;
	}
	return wantarray ? ($errors, $took, $out) : $errors;
}

# The statement fails with this SQLSTATE and text, within the time-out.
sub fails
{
	my ($sql, $sqlstate, $pattern, $name, %with) = @_;
	my ($errors, $took) = try_sql($sql, %with);
	like($errors, qr/ERROR:  \Q$sqlstate\E: .*$pattern/s, $name);
	cmp_ok($took, '<', $timeout + 1.5, "$name: in time");
	return;
}

set_parameter(sidecar_timeout => "${timeout}s");
$member->psql('CREATE EXTENSION pgbackrest_ctl');

# nobody listens
point_to('http://127.0.0.1:1');
fails(
	'SELECT pgbr_backup()',
	'08006',
	'could not reach the sidecar: .*127\.0\.0\.1.*'
	  . 'DETAIL:  The request was POST http://127\.0\.0\.1:1/v1/jobs\..*HINT:  Start pgbackrest_sidecar, or check pgbackrest_ctl\.sidecar_url\.',
	'a sidecar that is down');
fails(
	'TABLE pgbr_jobs',
	'08006',
	'HINT:  Start pgbackrest_sidecar',
	'a sidecar that is down, for a view');
fails(
	q{SELECT pgbr_restore_point('x')},
	'08006',
	'HINT:  Start pgbackrest_sidecar',
	'a sidecar that is down, for a restore point');
my ($errors, $took, $out) =
  try_sql('SELECT sidecar_error, archive_mode, failures_in_a_row FROM pgbr_status');
is($errors, '', 'pgbr_status raises nothing');
like($out, qr/^could not reach the sidecar: .*\|on\|0$/m, 'but says it');
point_to('http://no-such-host.invalid');
fails(
	'TABLE pgbr_jobs',
	'08006',
	'could not reach the sidecar: .*no-such-host\.invalid',
	'a host that is unknown');
point_to($server->url =~ s/http/https/r . '/hang');
fails(
	'TABLE pgbr_jobs',
	'08006',
	'HINT:  Check .*pgbackrest_ctl\.sidecar_ca_file',
	'https where there is none');

# hangs and breaks
for my $sql (
	'TABLE pgbr_jobs',
	'SELECT pgbr_backup()',
	q{SELECT pgbr_cancel('x')},
	'SELECT * FROM pgbr_info(true)')
{
	for my $behaviour (qw(hang trickle))
	{
		behave($behaviour);
		fails(
			$sql, '08006',
			"no answer within $timeout\\.0 s.*HINT:  .*pgbackrest_ctl\\.sidecar_timeout",
			"$behaviour: $sql");
	}
	for my $behaviour (qw(close reset))
	{
		behave($behaviour);
		fails($sql, '08006', 'could not reach the sidecar', "$behaviour: $sql");
	}
}
behave('hang');
($errors, $took, $out) = try_sql('SELECT sidecar_error FROM pgbr_status');
like(
	$out,
	qr/^could not reach the sidecar: no answer within/m,
	'pgbr_status of a sidecar that hangs');
cmp_ok($took, '<', $timeout + 1.5, 'asks only once');

# rubbish
my %rubbish = (
	'ssh' => qr/invalid response from the sidecar/,
	'half' => qr/invalid response from the sidecar/,
	'text' => qr/invalid response from the sidecar: it is not valid JSON/,
	'nothing' => qr/invalid response from the sidecar: it is not valid JSON/,
	'html' => qr{its content type is "text/html"},
	'nul' => qr/NUL byte/,
	'latin1' => qr/invalid response from the sidecar: it is not valid JSON/,
	'deep' => qr/invalid response from the sidecar: it is not valid JSON/,
	'big' => qr/the answer is larger than 8 MB/,
	'endless' => qr/the answer is larger than 8 MB/,
	'elsewhere' => qr/HTTP status 302 without a reason/,
	'gateway' => qr/HTTP status 502 without a reason/,
	'bare-500' => qr/HTTP status 500 without a reason/,
	'bare-problem' => qr/not valid JSON/,
	'odd-problem' => qr/invalid response from the sidecar: member "code" is missing/,
	'well-problem' => qr/content type/);
for my $behaviour (sort keys %rubbish)
{
	behave($behaviour);
	fails(
		'TABLE pgbr_jobs',
		'08P01',
		"$rubbish{$behaviour}.*The request was GET "
		  . quotemeta($server->url)
		  . "/$behaviour/v1/jobs",
		$behaviour);
	my ($status_errors, undef, $status) =
	  try_sql('SELECT count(*), bool_and(sidecar_error <> $$$$) FROM pgbr_status');
	is($status_errors, '', "$behaviour: pgbr_status raises nothing");
	like($status, qr/^1\|t$/m, "$behaviour: but says it");
}

# JSON of another shape
for my $i (0 .. $#wrong_infos)
{
	behave("info-$i");
	my $name = 'info is ' . JSON::PP->new->canonical->allow_nonref->encode($wrong_infos[$i]);
	fails('SELECT * FROM pgbr_info()', '08P01', 'DETAIL:  The request was GET ', $name);
	fails(
		'TABLE pgbr_archives',
		'08P01',
		'invalid response from the sidecar: (?:(?:a )?member |it is not a JSON object)',
		"$name: pgbr_archives");
}
for my $i (0 .. $#wrong_jobs)
{
	behave("jobs-$i");
	fails(
		'TABLE pgbr_jobs',
		'08P01',
		'invalid response from the sidecar',
		'jobs are ' . JSON::PP->new->canonical->encode($wrong_jobs[$i]));
}
fails(
	'TABLE pgbr_restore_points',
	'08P01',
	'invalid response from the sidecar: member "restore_points" is missing',
	'restore points are jobs');
fails(
	q{SELECT * FROM pgbr_job('x')},
	'08P01',
	'invalid response from the sidecar: member "id" is missing',
	'a job is many');
fails(
	'SELECT pgbr_backup()',
	'08P01',
	'invalid response from the sidecar: member "id" is missing',
	'an accepted job is many');
behave('poor');
is( $member->psql('SELECT * FROM pgbr_info()'),
	'main||x' . '|' x 26 . '00:00:01',
	'of a backup nothing but its label is needed');
behave('again');
is($member->psql('SELECT count(*) FROM pgbr_jobs'),
	1, 'a page that comes again and again is taken once');

behave('progressing');
is( $member->psql(
		q{SELECT job_id, kind, type, phase, bytes_done, bytes_total, percent,
			abs(extract(epoch FROM elapsed - (clock_timestamp() - timestamptz '2026-11-22T15:41:08Z'))) < 5,
			abs(extract(epoch FROM estimated_end - (timestamptz '2026-11-22T15:41:08Z' + elapsed * 4))) < 5 FROM pgbr_progress}
	),
	'20261122T154107|backup|full|copying|100|400|25|t|t',
	'progress, and its end by the rule of three');

# what pgbackrest did not tell the sidecar
behave('stale');
($errors, $took, $out) = try_sql('SELECT label FROM pgbr_info()');
like(
	$errors,
	qr/WARNING:  58000: information on backups is 125 s old: unable to open\nDETAIL:  pgbackrest info ended with exit code 41 \(file-read\)\.\nHINT:  Look there\./,
	'old information comes with a warning');
is(() = $errors =~ /WARNING/g, 1, 'with one');
like($out, qr/^x$/m, 'and its rows');
behave('never');
fails(
	'TABLE pgbr_backups',
	'58000',
	'could not get information on backups: unable to open.*exit code 41 \(file-read\).*HINT:  Look there',
	'none at all is an error');
behave('not-yet');
fails(
	'TABLE pgbr_backups',
	'57P03',
	'sidecar has no information on backups yet',
	'not yet asked for');

# errors of the sidecar
for my $code (sort keys %codes)
{
	behave("code-$code");
	my ($text) = try_sql('SELECT pgbr_backup()');
	like(
		$text,
		qr/ERROR:  $codes{$code}: (?:sidecar: )?the reason is $code\nDETAIL:  pgbackrest ended with exit code 55\.\nHINT:  /,
		"$code is $codes{$code}");
	my $hint = $code eq 'unauthorized' ? qr/pgbackrest_ctl\.sidecar_token_file/ : qr/Do it\./;
	like($text, qr/HINT:  .*$hint/, "$code: hint");
}
behave('code-conflict');
($errors, $took, $out) = try_sql(q{SELECT pgbr_cancel('x')});
like($errors, qr/WARNING:  01000: the reason is conflict/, 'cancelling what has ended warns');
like($out, qr/^f$/m, 'and gives false');

# what becomes of a job
behave('failed');
fails(
	'SELECT pgbr_backup(wait => true)',
	'58000',
	'job "20261122T154107" failed: unable to acquire lock\nDETAIL:  pgbackrest backup ended with exit code 50 \(lock-acquire\)\.\nHINT:  is another',
	'a job that failed');
behave('interrupted');
fails(
	'SELECT pgbr_backup(wait => true)',
	'58000',
	'job "20261122T154107" was interrupted',
	'a job that was interrupted');
behave('cancelled');
fails(
	'SELECT pgbr_backup(wait => true)',
	'57000',
	'job "20261122T154107" was cancelled',
	'a job that was cancelled');
behave('strange-state');
fails(
	'SELECT pgbr_backup(wait => true)',
	'08P01',
	'job state "resting".*Job "20261122T154107" goes on\.',
	'a state of a later version');
behave('away');
fails(
	'SELECT pgbr_backup(wait => true)',
	'08006',
	'Job "20261122T154107" goes on\.',
	'a sidecar that goes away while its job is waited for');
behave('running');
fails(
	'SELECT pgbr_backup(wait => true, wait_seconds => 1)',
	'57P05',
	'job "20261122T154107" has not finished within 1 s\nDETAIL:  Job "20261122T154107" is running and goes on\.\nHINT:  .*pgbr_cancel',
	'a wait that is over');
behave('covered');
($errors) = try_sql('SELECT pgbr_backup()');
like(
	$errors,
	qr/NOTICE:  00000: job "20261122T154107" is covered by job "20261122T154100"/,
	'a job that another one covers');
behave('once-more');
is($member->psql('SELECT length(pgbr_backup())'), 36,
	'a connection that breaks is tried once more');
my @keys = $server->requests =~ m{^POST /once-more/v1/jobs (\S+)}mg;
is(scalar @keys, 2, 'and no more');
is($keys[0], $keys[1], 'with the same key');

# a cancel ends a request and a wait at once
for my $case (
	[ hang => 'TABLE pgbr_jobs' ],
	[ hang => 'SELECT pgbr_backup()' ],
	[ running => 'SELECT pgbr_backup(wait => true)' ],
	[ hang => 'TABLE pgbr_status' ])
{
	my ($behaviour, $sql) = @$case;
	behave($behaviour);
	(my $text, $took) = try_sql($sql, before => "SET statement_timeout = '300ms';\n");
	like(
		$text,
		qr/ERROR:  57014: canceling statement due to statement timeout/,
		"$behaviour: statement_timeout ends $sql");
	cmp_ok($took, '<', 1.2, "$behaviour: at once");
	like(
		$text,
		qr/DETAIL:  Job "20261122T154107" goes on\.\nHINT:  Follow it with .*pgbr_job\('20261122T154107'\)/,
		'the job goes on') if $behaviour eq 'running';
}
# Start one statement in the background and wait until the server was asked once more like this.
sub start_sql
{
	my ($sql, $asks) = @_;
	my $before = () = $server->requests =~ /$asks/g;
	my $running = { errors => '' };
	my @command = ($member->psql_command, '-v', 'VERBOSITY=verbose', '-c', $sql);
	$running->{psql} =
	  IPC::Run::start(\@command, '<', '/dev/null', '>', '/dev/null', '2>', \$running->{errors});
	wait_for { (() = $server->requests =~ /$asks/g) > $before } "psql to wait: $sql";
	return $running;
}
{
	behave('running');
	my $sql = 'SELECT pgbr_backup(wait => true)';
	my $waiting = start_sql($sql, qr{GET /running/v1/jobs/20261122T154107\?wait=});
	my $event = $member->psql("SELECT wait_event_type FROM pg_stat_activity WHERE query = '$sql'");
	is($event, 'Extension', 'pg_stat_activity shows that it waits');
	my $start = time;
	$waiting->{psql}->signal('INT');
	$waiting->{psql}->finish;
	cmp_ok(time - $start, '<', 0.5, 'Ctrl-C ends the wait at once');
	like(
		$waiting->{errors},
		qr/ERROR:  57014: canceling statement due to user request\nDETAIL:  Job "20261122T154107" goes on\./,
		'and says that the job goes on');
}
{
	behave('hang');
	my $hanging = start_sql('TABLE pgbr_jobs', qr{GET /hang/});
	my $start = time;
	$member->psql(
		q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'TABLE pgbr_jobs'});
	$hanging->{psql}->finish;
	cmp_ok(time - $start, '<', 0.5, 'a backend that is told to end does');
	like($hanging->{errors}, qr/terminating connection/, 'in good order');
}

# other encodings
$member->psql('CREATE DATABASE latin1 ENCODING LATIN1 LOCALE \'C\' TEMPLATE template0');
$member->psql('CREATE DATABASE bytes ENCODING SQL_ASCII LOCALE \'C\' TEMPLATE template0');
$member->psql('CREATE EXTENSION pgbackrest_ctl', dbname => $_) for qw(latin1 bytes);
behave('umlaut');
is( $member->psql(
		'SELECT ascii(substr(message, 3)), length(message) FROM pgbr_jobs',
		dbname => 'latin1'),
	'235|3',
	'an answer becomes LATIN1');
is($member->psql('SELECT length(message) FROM pgbr_jobs', dbname => 'bytes'),
	4, 'and stays UTF-8 where nothing is promised');
behave('arrow');
fails(
	'TABLE pgbr_jobs',
	'22P05',
	'the sidecar\'s response has a character that this database\'s encoding "LATIN1" lacks',
	'what LATIN1 lacks',
	dbname => 'latin1');
is($member->psql('SELECT octet_length(message) FROM pgbr_jobs', dbname => 'bytes'),
	7, 'SQL_ASCII takes all');
behave('covered');
fails(
	q{SELECT pgbr_backup(annotations => jsonb_build_object('a', E'Zo\xeb'))},
	'22021',
	'invalid byte sequence for encoding "UTF8"',
	'bytes that are not UTF-8',
	dbname => 'bytes');

# no session sends requests where it likes: neither before the library is loaded nor after
behave('covered');
my $asked = () = $server->requests =~ m{/hang/}g;
($errors) = try_sql('TABLE pgbr_restore_points',
	before => 'SET pgbackrest_ctl.sidecar_url = \'' . $server->url . "/hang';\n");
like(
	$errors,
	qr/WARNING:  .*parameter "pgbackrest_ctl.sidecar_url" cannot be changed now/,
	'a session can\'t set the URL');
is(() = $server->requests =~ m{/hang/}g, $asked, 'and is not obeyed');

done_testing;
