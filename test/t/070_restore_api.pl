# The sidecar's part in a restore before anything is touched: one lock a member with a lease, the
# journal, which jobs are taken and run meanwhile, what a member and the archive are said to be, and
# kill -9 of the sidecar in between.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox qw(spew wait_for);
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0)->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;

# PUT: what is not said is an active restore with a lease of a minute
sub put
{
	my ($id, $holder, %body) = @_;
	%body = (
		lease_seconds => 60,
		state => 'active',
		revision => 1,
		document => { by => $holder },
		%body);
	return $sidecar->http(PUT => "/v1/restores/$id", body => { holder => $holder, %body });
}

sub record { my ($id) = @_; return $sidecar->http(GET => "/v1/restores/$id")->{json} }

sub step
{
	my ($id, $holder, $kind, %body) = @_;
	my $key = delete $body{key};
	return $sidecar->http(
		POST => "/v1/restores/$id/jobs",
		headers => { $key ? ('Idempotency-Key' => $key) : () },
		body => { holder => $holder, kind => $kind, %body });
}

sub crash { $sidecar->kill; $sidecar->start; return }

# --- the lock and its lease
{
	is_deeply(
		$sidecar->http(GET => '/v1/restores')->{json},
		{ restores => [] },
		'no restore at first');
	is_problem(
		$sidecar->http(GET => '/v1/restores/none'),
		404, 'not-found',
		qr/no such restore/,
		'and none by its name');
	my $answer = put('one', 'ann');
	is($answer->{status}, 200, 'the first PUT takes the lock') or diag $answer->{content};
	my $record = $answer->{json};
	is_deeply(
		[ @$record{qw(id state revision)}, $record->{document} ],
		[ 'one', 'active', 1, { by => 'ann' } ],
		'and writes the journal');
	cmp_ok($record->{holder_seconds_left}, '>', 55, 'with a lease');
	ok(!exists $record->{holder}, 'the holder is nobody else\'s business');
	is($sidecar->http(GET => '/v1/node')->{json}{restore}, 'one', 'the node says so');

	is_problem(
		put('two', 'bob'),
		409, 'restore-in-progress',
		qr/restore "one" is in progress/,
		'another restore');
	is_problem(
		put('two', 'bob', replaces => 'one'),
		409, 'restore-in-progress',
		qr/another holder, whose lease ends in \d+ s/,
		'nor in its place');
	is_problem(
		put('one', 'bob', revision => 2),
		409, 'restore-in-progress',
		qr/ends in \d+ s/,
		'another holder');
	is_problem(
		$sidecar->http(
			PUT => '/v1/restores/two',
			body => {
				holder => 'ann',
				lease_seconds => 5,
				state => 'active',
				replaces => 'three',
				document => {},
				revision => 1
			}),
		409,
		'restore-in-progress',
		qr/"one"/,
		'one that replaces a third');

	is(put('one', 'ann')->{status}, 200, 'a repeated PUT');
	is_problem(
		put('one', 'ann', document => { other => 1 }),
		409, 'conflict',
		qr/already has revision 1/,
		'the same revision with another document');
	is(put('one', 'ann', revision => 5, document => { n => 5 })->{json}{revision},
		5, 'a newer revision');
	is_problem(
		put('one', 'ann', revision => 4),
		409, 'conflict', qr/already has revision 5: revision 4 is not newer/,
		'an older one');
	is_deeply(
		put('one', 'ann', document => undef, revision => undef)->{json}{document},
		{ n => 5 },
		'a renewal leaves the journal alone');

	# given back, it is another's at once
	is(put('one', 'ann', document => undef, lease_seconds => 0)->{json}{holder_seconds_left},
		0, 'the lease is given back');
	is_problem(
		put('one', 'bob', document => undef),
		409, 'conflict',
		qr/already has revision 5/,
		'whoever does not know the journal does not get it');
	is(put('one', 'bob', document => undef, revision => 5)->{status}, 200, 'and taken by another');
	is_problem(
		put('one', 'ann', revision => 6),
		409, 'restore-in-progress',
		qr/another holder/,
		'the first is out');
	is(put('one', 'bob', document => undef, lease_seconds => 1)->{status}, 200, 'a short lease');
	wait_for { put('one', 'ann', document => undef, revision => 5)->{status} == 200 }
	'the lease to end', 5;
	pass('ends by itself');
}

# --- the sidecar is killed
{
	is(put('one', 'ann', revision => 7, document => { n => 7 })->{status}, 200, 'written');
	crash();
	my $record = record('one');
	is_deeply(
		[ @$record{qw(state revision)}, $record->{document} ],
		[ 'active', 7, { n => 7 } ],
		'after kill -9: the journal is there');
	ok($record->{holder_seconds_left} > 0 && $record->{holder_seconds_left} <= 10,
		'and a fresh lease of ten seconds');
	is_problem(
		put('one', 'bob', revision => 8),
		409, 'restore-in-progress',
		qr/another holder/,
		'that is the holder\'s');
	is_problem($sidecar->http(POST => '/v1/jobs', body => { kind => 'check' }),
		409, 'restore-in-progress', qr/"one"/, 'jobs are refused');
	is(put('one', 'ann', revision => 8)->{status}, 200, 'he goes on');
}

# --- another takes its place
{
	put('one', 'ann', document => undef, lease_seconds => 0);
	is(put('two', 'bob', replaces => 'one')->{status}, 200, 'with a free lease it can be replaced');
	is(record('one')->{state}, 'replaced', 'and says so');
	is_problem(
		put('one', 'ann', revision => 9),
		409, 'conflict',
		qr/has ended: replaced/,
		'its holder is told');
	is_deeply(
		[ map { $_->{id} } @{ $sidecar->http(GET => '/v1/restores')->{json}{restores} } ],
		[ 'two', 'one' ],
		'newest first');
	is(scalar @{ $sidecar->http(GET => '/v1/restores?limit=1')->{json}{restores} },
		1, 'as many as are wanted');
	my %done = (state => 'done', revision => 2, document => { end => 1 });
	is(put('two', 'bob', %done)->{json}{state}, 'done', 'it ends');
	is(put('two', 'bob', %done)->{status}, 200, 'and again, as a retry');
	is_problem(
		put('two', 'bob', revision => 3),
		409, 'conflict',
		qr/has ended: done/,
		'but does not begin again');
	is($sidecar->http(GET => '/v1/node')->{json}{restore}, undef, 'the node is free');
	crash();
	is_deeply(
		[ map { record($_)->{state} } qw(one two) ],
		[ 'replaced', 'done' ],
		'also after kill -9');
	is(put('late', 'bob', %done)->{json}{state}, 'done', 'the record of one that was elsewhere');
	is($sidecar->http(GET => '/v1/node')->{json}{restore}, undef, 'takes no lock');
}

# --- what is refused
{
	my %good =
	  (holder => 'ann', lease_seconds => 5, revision => 1, state => 'active', document => {});
	my %bad = (
		holder => [ undef, '', 1, '-x', 'a b', 'x' x 65 ],
		lease_seconds => [ undef, -1, 61, 'x', 1e12 ],
		revision => [ undef, -1, 'x' ],
		state => [ undef, '', 'replaced', 1 ],
		replaces => [ 1, '', '../x', '.x' ],
		document => [ 1, 'x', [] ]);
	for my $key (sort keys %bad)
	{
		my @wrong = grep {
			$sidecar->http(PUT => '/v1/restores/bad', body => { %good, $key => $_ })->{status} !=
			  422
		} @{ $bad{$key} };
		is_deeply(\@wrong, [], "PUT: bad values of $key");
	}
	is_problem(
		put('bad', 'ann', more => 1),
		422, 'invalid-value',
		qr/unknown member "more"/,
		'PUT: an unknown member');
	is( $sidecar->http(
			PUT => '/v1/restores/bad',
			body => '[]',
			headers => { 'Content-Type' => 'application/json' })->{status},
		400,
		'PUT: no object');
	is( $sidecar->http(
			PUT => '/v1/restores/bad',
			body => '{}',
			headers => { 'Content-Type' => 'text/plain' })->{status},
		415,
		'PUT: no JSON');
	is($sidecar->http(PUT => "/v1/restores/$_", body => \%good)->{status}, 404, "PUT: no id: $_")
	  for '-x', '.x', 'a%20b', 'x' x 65;
	is($sidecar->http(POST => '/v1/restores/bad', body => {})->{status}, 405, 'POST of a restore');
	# refused before it is sent
	like(
		$sidecar->raw(
			"PUT /v1/restores/bad HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
		),
		qr{^HTTP/1.1 413 },
		'PUT: too large');
	is( $sidecar->http(
			PUT => '/v1/restores/bad',
			body => ' ' x 1048577,
			headers => { 'Content-Type' => 'application/json' })->{status},
		413,
		'PUT: too large, and sent all the same');
	is($sidecar->http(GET => '/v1/restores/bad')->{status}, 404, 'none of them was kept');
	my $big = put('big', 'ann', document => { x => 'y' x 900_000 });
	is($big->{status}, 200, 'a large journal is kept') or diag substr $big->{content}, 0, 300;
	is(length(record('big')->{document}{x}), 900_000, 'and read');
	put('big', 'ann', state => 'done', document => undef);
}

# --- jobs
{
	is_problem(
		$sidecar->http(POST => '/v1/jobs', body => { kind => 'node-stop' }),
		422, 'invalid-value',
		qr/belongs to a restore/,
		'a step outside a restore');
	is_problem(
		step('jobs', 'ann', 'node-stop'),
		409, 'conflict',
		qr/"jobs" is not active here/,
		'a step of none that is active');

	# a backup runs, one waits, and then the restore begins
	hold_wal($member);
	my $running = $sidecar->post_job(kind => 'backup', type => 'full')->{id};
	$sidecar->wait_job($running, qr/running/);
	my $waiting = $sidecar->post_job(kind => 'check')->{id};
	put('jobs', 'ann');
	is($sidecar->http(GET => '/v1/node')->{json}{running_job}, $running, 'the running job is told');
	is_problem($sidecar->http(POST => '/v1/jobs', body => { kind => 'backup' }),
		409, 'restore-in-progress', qr/"jobs"/, 'a backup is refused');
	release_wal($member);
	is($sidecar->wait_job($running)->{state}, 'succeeded', 'the one that ran goes on');

	is_problem(
		step('jobs', 'bob', 'node-mark', name => 'x'),
		409, 'restore-in-progress',
		qr/another holder/,
		'a step of somebody else');
	is_problem(step('other', 'ann', 'node-mark', name => 'x'),
		409, 'restore-in-progress', qr/"jobs"/, 'a step of another restore');
	is_problem(
		step('jobs', 'ann', 'expire'),
		422, 'invalid-value',
		qr/takes no job of kind expire/,
		'no other kinds');
	is_problem(step('jobs', 'ann', 'node-mark', name => "x'; y"),
		422, 'invalid-value', qr/"name"/, 'bad arguments');
	is_problem(
		step('jobs', 'ann', 'node-mark', name => 'x', more => 1),
		422, 'invalid-value',
		qr/takes no "more"/,
		'unknown arguments');
	is(step('jobs', undef, 'node-mark', name => 'x')->{status}, 422, 'no holder');

	my $mark =
	  step('jobs', 'ann', 'node-mark', name => 'undo_1', key => 'k1', claimed_by => 'a test');
	is($mark->{status}, 202, 'a step is accepted') or diag $mark->{content};
	is_deeply(
		[ @{ $mark->{json} }{qw(kind restore arguments claimed_by)} ],
		[ 'node-mark', 'jobs', { name => 'undo_1' }, 'a test' ],
		'and shows what it is');
	my $again =
	  step('jobs', 'ann', 'node-mark', name => 'undo_1', key => 'k1', claimed_by => 'a test');
	is($again->{status}, 200, 'its key gives it again');
	is($again->{json}{id}, $mark->{json}{id}, 'the same');
	is_problem(
		step('jobs', 'ann', 'node-mark', name => 'undo_2', key => 'k1', claimed_by => 'a test'),
		422, 'invalid-value', qr/Idempotency-Key/, 'not for another');
	my $job = $sidecar->wait_job($mark->{json}{id});
	is($job->{state}, 'succeeded', 'it is run') or diag explain $job;
	is($job->{result}{name}, 'undo_1', 'and has a result');
	is($sidecar->job($waiting)->{state}, 'queued', 'while the others wait');

	my $asked = step('jobs', 'ann', 'backup', type => 'incr');
	is($asked->{status}, 202, 'a backup for afterwards') or diag $asked->{content};
	is($asked->{json}{state}, 'queued', 'waits too');

	# kill -9 in the middle of a step, and with one that waits
	hold_wal($member);
	my $cut =
	  step('jobs', 'ann', 'node-mark', name => 'undo_3', archive_timeout => 300)->{json}{id};
	$sidecar->wait_job($cut, qr/running/);
	my $queued =
	  step('jobs', 'ann', 'node-mark', name => 'undo_4', archive_timeout => 300)->{json}{id};
	crash();
	is($sidecar->job($cut)->{state}, 'interrupted', 'kill -9 in a step: it is interrupted');
	$sidecar->wait_job($queued, qr/running/);
	pass('the next step is run');
	my $left = step('jobs', 'ann', 'node-mark', name => 'undo_5')->{json}{id};
	is($sidecar->http(DELETE => "/v1/jobs/$queued")->{json}{state},
		'cancelled', 'a step can be cancelled');
	$sidecar->wait_job($left, qr/running/);
	my $never = step('jobs', 'ann', 'node-mark', name => 'undo_6')->{json}{id};
	is(put('jobs', 'ann', state => 'done', revision => 9)->{status}, 200, 'the restore ends');
	is($sidecar->job($never)->{state}, 'cancelled', 'steps that had not begun end with it');
	release_wal($member);
	is($sidecar->wait_job($left)->{state}, 'succeeded', 'the one that ran goes on');
	is($sidecar->wait_job($waiting)->{state}, 'succeeded', 'what waited is done');
	is($sidecar->wait_job($asked->{json}{id})->{state},
		'succeeded', 'and the backup that was asked for');
	is($sidecar->http(POST => '/v1/jobs', body => { kind => 'check' })->{status},
		202, 'jobs are taken again');
}

# --- what a backup notes for a restore to a transaction id
{
	my $before = $member->psql('SELECT pg_current_xact_id()');
	my $id = $sidecar->post_job(kind => 'backup')->{id};
	is($sidecar->wait_job($id)->{state}, 'succeeded', 'a backup');
	my $after = $member->psql('SELECT pg_current_xact_id()');
	my $annotation = $sidecar->http(GET => '/v1/info')->{json}{stanzas}[0]{backup}[-1]{annotation};
	my ($xmin, $xmax) = @$annotation{qw(snapshot-xmin snapshot-xmax)};
	is($annotation->{timestamp}, $id, 'it is the newest');
	ok($before < $xmin && $xmin <= $xmax && $xmax <= $after,
		'which transactions had ended at its end')
	  or diag "$before $xmin $xmax $after";

	# one that does not get to its end
	my $newest =
	  sub { $sidecar->http(GET => '/v1/info?refresh=true')->{json}{stanzas}[0]{backup}[-1]{label} };
	my $label = $newest->();
	hold_wal($member);
	$id = $sidecar->post_job(kind => 'backup')->{id};
	wait_for { ($sidecar->job($id)->{progress}{phase} // '') eq 'waiting for WAL' }
	'the backup to wait for WAL';
	$sidecar->http(DELETE => "/v1/jobs/$id");
	release_wal($member);
	is($sidecar->wait_job($id)->{state}, 'cancelled', 'one that is cancelled');
	is($newest->(), $label, 'is none');
	unlike($sidecar->log, qr/\Q$id\E: could not note/, 'and nothing is noted with it');
}

# --- two at once
{
	my @answers = at_once(
		map {
			my $n = $_;
			sub { put("race-$n", "holder-$n") }
		} 1 .. 10);
	is(scalar(grep { $_->{status} == 200 } @answers), 1, 'of ten at once one gets the lock');
	is(scalar(grep { ($_->{json}{code} // '') eq 'restore-in-progress' } @answers),
		9, 'and nine are refused');
	my ($winner) = map { $_->{json}{id} } grep { $_->{status} == 200 } @answers;
	(my $holder = $winner) =~ s/race/holder/;
	put($winner, $holder, state => 'done', document => undef);
}

# --- the archive
{
	my $answer = $sidecar->http(GET => '/v1/archive');
	is($answer->{status}, 200, 'the archive');
	my ($repo) = @{ $answer->{json}{repositories} };
	is($repo->{error}, undef, 'is read') or diag $answer->{content};
	is(scalar @{ $repo->{ranges} }, 1, 'in one piece');
	my ($range) = @{ $repo->{ranges} };
	my $last = $member->psql('SELECT pg_walfile_name(pg_switch_wal())');
	wait_for { $sidecar->http(GET => "/v1/wal/$last")->{json}{archived} } 'WAL to be archived';
	is($sidecar->http(GET => '/v1/archive?repo=1')->{json}{repositories}[0]{ranges}[-1]{last},
		$last, 'up to the newest segment');
	is_deeply(
		$sidecar->http(GET => '/v1/archive?repo=2')->{json},
		{ repositories => [] },
		'a repository that is none');
	my ($hole) =
	  glob "$cluster->{sandbox}{root}/repo/archive/*/$repo->{archive_id}/*/$range->{first}-*";
	$hole //= '';
	ok(-e $hole, 'the first segment of a range is in the repository');
	{
		my $second = sprintf '%s%08X', substr($range->{first}, 0, 16),
		  1 + hex substr $range->{first}, 16;
		my ($file) =
		  glob "$cluster->{sandbox}{root}/repo/archive/*/$repo->{archive_id}/*/$second-*";
		rename $file, "$file.away" or die "$file: $!";
		my $ranges = $sidecar->http(GET => '/v1/archive')->{json}{repositories}[0]{ranges};
		is(scalar @$ranges, 2, 'a missing segment is a gap');
		is($ranges->[0]{last}, $range->{first}, 'where it is');
		rename "$file.away", $file or die "$file: $!";
	}
}

# --- a pgbackrest as of 2.53, which warns on standard output, before its answer, of an unknown
# option; and a variable that Kubernetes sets for a Service called "pgbackrest"
{
	my $seen = "$member->{dir}/environment";
	my $option = stand_in($member, 'warns', <<"BASH");
env >>'$seen'
echo "P00   WARN: configuration file contains invalid option 'bogus-option'"
exec pgbackrest "\$@"
BASH
	local $ENV{PGBACKREST_SERVICE_HOST} = '10.0.0.1';
	local $ENV{PGBACKREST_LOG_TIMESTAMP} = 'n';
	$sidecar->restart($option);
	$sidecar->wait_ready;
	my $before = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
	is($before->{error}, undef, 'info is read behind warnings') or diag $before->{error}{message};
	my $job = $sidecar->wait_job($sidecar->post_job(kind => 'backup')->{id});
	is($job->{state}, 'succeeded', 'a backup is made') or diag "$job->{message}\n$job->{hint}";
	my ($made) = grep { $_->{label} eq $job->{label} }
	  @{ $sidecar->http(GET => '/v1/info')->{json}{stanzas}[0]{backup} };
	ok($made->{annotation}{'snapshot-xmin'}, 'with its note');
	my ($repo) = @{ $sidecar->http(GET => '/v1/archive')->{json}{repositories} };
	is($repo->{error}, undef, 'the archive is listed') or diag $repo->{error};
	ok(scalar @{ $repo->{ranges} }, 'with its WAL');
	ok($sidecar->http(GET => "/v1/wal/$made->{archive}{stop}")->{json}{archived},
		'a segment is found');
	like($sidecar->http(GET => '/v1/node')->{json}{pgbackrest_version},
		qr/^2\.\d+/, 'the version is told');
	my $log = PgbrSandbox::slurp($seen);
	unlike($log, qr/SERVICE_HOST/, 'the variable of the Service goes to no pgbackrest');
	like($log, qr/^PGBACKREST_LOG_TIMESTAMP=n$/m, 'an option does');
	like(
		$sidecar->log,
		qr/PGBACKREST_SERVICE_HOST in the environment is no option of pgbackrest/,
		'and the sidecar says so');
	$sidecar->restart;
	$sidecar->wait_ready;
}

# --- a backup that is asked for right after a promotion, whose own checkpoint takes minutes
{
	$member->psql(
		q{CREATE TABLE filled AS SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i});
	$member->kill_postmaster;
	spew($member->data . '/standby.signal', '');
	$member->start;
	$member->psql('SELECT pg_promote()');
	my $behind =
		'SELECT timeline_id < (SELECT max(timeline_id) FROM (SELECT'
	  . q{ ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline_id) t)}
	  . ' FROM pg_control_checkpoint()';
	is($member->psql($behind), 't', 'pg_control has the old timeline');
	my $job = $sidecar->wait_job($sidecar->post_job(kind => 'backup')->{id});
	is($job->{state}, 'succeeded', 'a backup right after a promotion')
	  or diag "$job->{message}\n$job->{hint}";
	is($member->psql($behind), 'f', 'and now it has the new one');
	like(
		$sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content},
		qr/^made the checkpoint that ends the promotion$/m,
		'which its log says');
}

# --- the node, with PostgreSQL down
{
	my $up = $sidecar->http(GET => '/v1/node')->{json};
	is($up->{control}{state}, 'in production', 'control data of a running server');
	is( $up->{control}{max_connections},
		$up->{server_settings}{max_connections},
		'with its settings');
	like($up->{next_xid}, qr/^\d+$/, 'the next transaction id');
	$member->stop;
	crash();
	my $down = $sidecar->http(GET => '/v1/node')->{json};
	ok(!$down->{running}, 'PostgreSQL is down');
	is($down->{$_}, $up->{$_}, "$_ is still known")
	  for qw(data_directory wal_segment_size port postgres_bin postgres_version);
	is($down->{control}{state}, 'shut down', 'control data of one that was shut down');
	is($down->{control}{system_identifier}, $up->{system_identifier}, 'with its system identifier');
	is($down->{cluster_bytes}, undef, 'what only PostgreSQL can say is not there');
	# as where nobody has asked while PostgreSQL was up
	$sidecar->kill;
	system('sqlite3', "$sidecar->{state}/state.db",
		q{DELETE FROM fact WHERE name = 'wal_segment_size'}) == 0
	  or die "sqlite3 failed\n";
	$sidecar->start;
	is( $sidecar->http(GET => '/v1/node')->{json}{wal_segment_size},
		$up->{wal_segment_size},
		'pg_control tells the size of a WAL segment, too');
}

# --- scopes
{
	my %token = map {
		$_ => "token-of-$_-" . join '',
		  map { ('a' .. 'z')[ rand 26 ] }
		  1 .. 32
	} qw(read operate restore);
	my $file = spew("$member->{dir}/tokens", join('', map { "$token{$_} $_\n" } keys %token), 0600);
	$sidecar->speak_tcp->restart("--token-file=$file");
	my %body =
	  (holder => 'ann', lease_seconds => 5, revision => 1, state => 'active', document => {});
	for my $case (
		[ 'PUT', '/v1/restores/scope', \%body, [ 401, 403, 403, 200 ] ],
		[
			'POST', '/v1/restores/scope/jobs',
			{ holder => 'ann', kind => 'node-stop', timeout => 0 }, [ 401, 403, 403, 422 ]
		],
		[ 'GET', '/v1/restores', undef, [ 401, 200, 200, 200 ] ],
		[ 'GET', '/v1/archive', undef, [ 401, 200, 200, 200 ] ])
	{
		my ($method, $path, $body, $wanted) = @$case;
		my @got = map {
			$sidecar->http(
				$method => $path,
				headers => { $_ ? (Authorization => "Bearer $token{$_}") : () },
				$body ? (body => $body) : ())->{status}
		} undef, qw(read operate restore);
		is_deeply(\@got, $wanted, "$method $path: who may");
	}
}

done_testing;
