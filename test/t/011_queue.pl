# The queue: who is joined with whom, what a repeated request gets, what a cancel does, and how the
# list is read. Backups are real; where one has to stay in its place, its WAL is held back.
use strict;
use warnings;
use List::Util qw(uniq);
use PgbrCluster;
use PgbrSandbox qw(wait_for);
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0, pgbackrest => { 'repo1-bundle' => 'y' })->start;
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;

# a backup that runs until WAL is released, so that others wait behind it
sub block
{
	hold_wal($member);
	my $id = $sidecar->post_job(kind => 'backup', annotations => { blocks => 'yes' })->{id};
	$sidecar->wait_job($id, qr/running/);
	return $id;
}

sub post
{
	my (%job) = @_;
	return $sidecar->post_job(kind => 'backup', %job)->{id};
}

sub cancel { my ($id) = @_; return $sidecar->http(DELETE => "/v1/jobs/$id") }

# of each job how many backups it made
sub count_backups
{
	my $backups = backups_of($member);
	return { map { $_ => scalar @{ $backups->{$_} } } keys %$backups };
}

sub covered_by { my ($id) = @_; return $sidecar->job($id)->{covered_by} }

# --- twenty at once
{
	my $blocks = block();
	my @types = (('incr') x 12, ('diff') x 5, ('full') x 3);
	my @answers = at_once(
		map {
			my $type = $_;
			sub { $sidecar->http(POST => '/v1/jobs', body => { kind => 'backup', type => $type }) }
		} @types);
	is_deeply([ uniq map { $_->{status} } @answers ], [202],
		'twenty requests at once are accepted');
	my @jobs = map { $_->{json} } @answers;
	is(scalar(uniq map { $_->{id} } @jobs), 20, 'each is a job of its own');
	is_deeply([ grep { $_->{headers}{location} ne "/v1/jobs/$_->{json}{id}" } @answers ],
		[], 'that Location names');
	my ($works) =
	  map { $_->{id} } grep { !defined $_->{covered_by} } map { $sidecar->job($_->{id}) } @jobs;
	is($sidecar->job($works)->{type}, 'full', 'the strongest does the work');
	my @covered = grep { $_ ne $works } map { $_->{id} } @jobs;
	is_deeply([ uniq map { covered_by($_) } @covered ], [$works], 'and covers all others');
	release_wal($member);
	my $done = $sidecar->wait_job($works);
	is($done->{state}, 'succeeded', 'it succeeds');
	my @outcomes = map { $sidecar->job($_) } @covered;
	is_deeply([ uniq map { $_->{state} } @outcomes ], ['succeeded'], 'and they with it');
	is_deeply([ uniq map { $_->{label} } @outcomes ], [ $done->{label} ], 'with its label');
	is_deeply([ uniq map { $_->{exit_code} } @outcomes ], [0], 'and exit code');
	is_deeply(
		[ uniq map { $_->{finished_at} } @outcomes ],
		[ $done->{finished_at} ],
		'at the same time');
	is( $sidecar->http(GET => "/v1/jobs/$covered[0]/log")->{content},
		$sidecar->http(GET => "/v1/jobs/$works/log")->{content},
		'its log is theirs, too');
	is_deeply(count_backups(), { $blocks => 1, $works => 1 }, 'two backups were made');
}

# --- what is joined with what
{
	my $blocks = block();
	my %group = map { $_ => { annotations => { group => $_ } } } 'a' .. 'e';
	my $weak = post(type => 'incr', %{ $group{a} });
	my $strong = post(type => 'full', %{ $group{a} });
	is(covered_by($weak), $strong, 'a stronger one that comes later covers a weaker one');
	$strong = post(type => 'diff', %{ $group{b} });
	$weak = post(type => 'incr', %{ $group{b} });
	is(covered_by($weak), $strong, 'a stronger one that was there covers a weaker one');
	my @chain = map { post(type => $_, %{ $group{c} }) } qw(incr diff full);
	is_deeply(
		[ map { covered_by($_) } @chain ],
		[ $chain[2], $chain[2], undef ],
		'what a weaker one had covered goes to the strongest');
	my @equal = map { post(type => 'incr', %{ $group{d} }) } 1 .. 3;
	is_deeply(
		[ map { covered_by($_) } @equal ],
		[ undef, $equal[0], $equal[0] ],
		'of equal ones the first does the work');
	is(covered_by(post(type => 'full', %{ $group{e} })), undef, 'other annotations are not joined');
	my $plain = post(type => 'incr');
	is($sidecar->job(covered_by($plain))->{type},
		'full', 'one without annotations is covered by one with');
	is(covered_by(post(type => 'incr', repo => 1)), undef, 'one for a repository is not');
	my $expire = $sidecar->post_job(kind => 'expire')->{id};
	is($sidecar->post_job(kind => 'expire')->{covered_by}, $expire, 'other kinds are joined, too');
	is($sidecar->post_job(kind => 'expire', dry_run => JSON::PP::true)->{covered_by},
		undef, 'a dry run is not the same');
	is($sidecar->post_job(kind => 'expire', set => '20261122-154107F')->{covered_by},
		undef, 'nor is another set');
	is($sidecar->post_job(kind => 'check')->{covered_by}, undef, 'nor is another kind');
	is($sidecar->post_job(kind => 'backup', annotations => { blocks => 'yes' })->{covered_by},
		undef, 'one that runs covers nothing new');

	# all of it away again
	my @open = map { $_->{id} } @{ $sidecar->http(GET => '/v1/jobs?state=queued')->{json}{jobs} };
	is_deeply([ uniq map { cancel($_)->{status} } @open ], [200],
		'what waits is cancelled at once');
	is($sidecar->job($blocks)->{state}, 'running', 'what runs goes on');

	my $answer = cancel($blocks);
	is("$answer->{status} $answer->{json}{state}", '200 cancelled', 'what runs is cancelled');
	is_deeply([ job_processes($sidecar) ], [], 'pgbackrest is gone when the answer comes');
	ok(lock_is_free($member), 'and so is its lock');
	is_problem(
		cancel($blocks), 409, 'conflict',
		qr/already ended: cancelled/,
		'it can not be cancelled again');
	is_problem(cancel('20001122T154107'),
		404, 'not-found', qr/20001122T154107/, 'nor can what is not there');
	release_wal($member);
}

# --- cancelling what covers and what is covered
{
	my $blocks = block();
	my $full = post(type => 'full');
	my ($first, $second, $third) = map { post(type => $_) } qw(incr diff incr);
	is(cancel($first)->{json}{state}, 'cancelled', 'a covered job is cancelled');
	is($sidecar->job($full)->{state}, 'queued', 'what covers it is not');
	is(cancel($full)->{json}{state}, 'cancelled', 'what covers others is cancelled');
	is_deeply(
		[ @{ $sidecar->job($second) }{qw(state covered_by)} ],
		[ 'queued', undef ],
		'they are queued again');
	is(covered_by($third), $second, 'and joined with each other');
	is($sidecar->job($first)->{state}, 'cancelled', 'what was cancelled stays so');

	# the same for one that runs
	cancel($blocks);
	$sidecar->wait_job($second, qr/running/);
	is($sidecar->job($third)->{state}, 'running', 'a covered job runs with the one that covers it');
	my $fourth = post(type => 'incr');
	is(covered_by($fourth), undef, 'one that comes later waits');
	is(cancel($second)->{json}{state}, 'cancelled',
		'what covers others is cancelled while it runs');
	is_deeply([ job_processes($sidecar, $second) ],
		[], 'its pgbackrest is gone when the answer comes');
	# they are alike, so the earlier one runs again for both
	is(covered_by($fourth), $third, 'what it covered is queued again, and joined');
	release_wal($member);
	is($sidecar->wait_job($third)->{state}, 'succeeded', 'and run');
	is($sidecar->wait_job($fourth)->{state}, 'succeeded', 'with the one that was joined');
	is_deeply(
		[
			map { $_ // 0 } @{ count_backups() }{ $blocks, $full, $first, $second, $third, $fourth }
		],
		[ 0, 0, 0, 0, 1, 0 ],
		'one backup was made');
}

# --- a request that is repeated
{
	my $blocks = block();
	my $ask = sub {
		my ($key, $body) = @_;
		return $sidecar->http(
			POST => '/v1/jobs',
			headers => { 'Idempotency-Key' => $key, 'Content-Type' => 'application/json' },
			body => $body // '{"kind":"check"}');
	};
	my $one = $ask->('key 1');
	is($one->{status}, 202, 'a new Idempotency-Key');
	my $again = $ask->('key 1', '{ "kind" : "check", "repo" : null }');
	is($again->{status}, 200, 'the same request again');
	is($again->{json}{id}, $one->{json}{id}, 'gets the same job');
	is($again->{headers}{location}, "/v1/jobs/$one->{json}{id}", 'with its location');
	is_problem(
		$ask->('key 1', '{"kind":"verify"}'),
		422, 'invalid-value',
		qr/Idempotency-Key.*\Q$one->{json}{id}\E/,
		'the key with another request is refused');
	is($ask->('key 2')->{status}, 202, 'another key is another request');
	my @answers = at_once(
		map {
			sub { $ask->('key 3') }
		} 1 .. 10);
	is_deeply(
		[ sort map { $_->{status} } @answers ],
		[ (200) x 9, 202 ],
		'ten with one key at once: one is new');
	is(scalar(uniq map { $_->{json}{id} } @answers), 1, 'and they get one job');
	is($ask->('k' x 128)->{status}, 202, 'a key of 128 characters');
	is_problem($ask->('k' x 129),
		422, 'invalid-value', qr/Idempotency-Key/, 'one of 129 is refused');
	is_problem($ask->(''), 422, 'invalid-value', qr/Idempotency-Key/, 'and so is an empty one');
	is_problem($ask->("k\ty"), 422, 'invalid-value', qr/Idempotency-Key/,
		'and one with a control character');
	$sidecar->kill;
	$sidecar->start;
	$again = $ask->('key 1');
	is( "$again->{status} $again->{json}{id}",
		"200 $one->{json}{id}",
		'a key is known after a crash');
	is_problem($ask->('key 1', '{"kind":"verify"}'),
		422, 'invalid-value', qr/key/i, 'and so is its request');
	release_wal($member);
	$sidecar->wait_job($one->{json}{id});
	is($ask->('key 1')->{json}{state}, 'succeeded', 'it gets the job as it is now');
}

# --- a queue that is full
{
	wait_for { !@{ $sidecar->http(GET => '/v1/jobs?state=queued')->{json}{jobs} } }
	'an empty queue';
	$sidecar->restart('--max-queued=3');
	$sidecar->wait_ready;
	my $blocks = block();
	my @waiting = map { post(annotations => { number => "$_" }) } 1 .. 3;
	my $answer = $sidecar->http(POST => '/v1/jobs', body => { kind => 'check' });
	is_problem($answer, 429, 'queue-full', qr/3 jobs/, 'a queue that is full');
	like($answer->{headers}{'retry-after'}, qr/^\d+$/, 'says when to come again');
	ok($answer->{json}{hint}, 'and what can be done');
	my $ready = $sidecar->http(GET => '/readyz');
	my ($check) = grep { $_->{name} eq 'queue' } @{ $ready->{json}{checks} };
	is_deeply([ $ready->{status}, $check->{ok} ? 1 : 0 ], [ 503, 0 ], 'readyz knows');
	cancel($waiting[0]);
	is($sidecar->http(POST => '/v1/jobs', body => { kind => 'check' })->{status},
		202, 'there is room after a cancel');

	# --- waiting for a change
	my $start = time;
	my $held = $sidecar->http(GET => "/v1/jobs/$blocks?wait=1")->{json};
	is($held->{state}, 'running', 'wait: nothing changes');
	cmp_ok(time - $start, '>=', 1, 'the answer comes when the time is up');
	$start = time;
	my ($change, undef) =
	  at_once(sub { $sidecar->http(GET => "/v1/jobs/$waiting[1]?wait=50", timeout => 60)->{json} },
		sub { cancel($waiting[1])->{status} });
	is($change->{state}, 'cancelled', 'wait: a change');
	$sidecar->http(GET => "/v1/jobs/$waiting[1]?wait=50");
	$sidecar->http(GET => "/v1/jobs/$blocks?wait=0");
	cmp_ok(time - $start, '<', 20, 'the answer comes with it, and at once for what is over');
	my $threads = idle_threads($sidecar);
	($change) = at_once(
		sub { $sidecar->http(GET => "/v1/jobs/$waiting[2]?wait=50", timeout => 60)->{json} },
		sub {
			wait_for { threads($sidecar) > $threads } 'the request';
			return kill TERM => $sidecar->pid;
		});
	is($change->{state}, 'queued', 'wait: a stop ends it');
	release_wal($member);
	is($sidecar->stop, 0, 'cleanly');
	$sidecar->start;
	is($sidecar->job($blocks)->{state}, 'interrupted', 'the job that ran is interrupted');
	is($sidecar->wait_job($waiting[2])->{state}, 'succeeded', 'the job that waited is run');
}

# --- a job that comes to its end although it is being cancelled
{
	my $late = program($member, 'late', <<'END');
test "${@: -1}" = backup || exec pgbackrest "$@"
trap 'exit 0' TERM
while true; do sleep 0.05; done 2>/dev/null
END
	$sidecar->restart("--pgbackrest=$late");
	my $id = post();
	wait_for { job_processes($sidecar, $id) >= 2 } 'it to run';
	is_problem(cancel($id), 409, 'conflict', qr/\Q$id\E.*succeeded/,
		'what has ended first was not cancelled');
	is($sidecar->job($id)->{state}, 'succeeded', 'and has succeeded');
	$sidecar->restart;
}

# --- reading the list
{
	my $list = sub { my ($query) = @_; return $sidecar->http(GET => "/v1/jobs$query") };
	my $all = $list->('?limit=1000')->{json};
	my @ids = map { $_->{id} } @{ $all->{jobs} };
	cmp_ok(scalar @ids, '>', 40, 'the list has them all');
	is($all->{next}, undef, 'on one page there is no next one');
	my @times = map { $_->{requested_at} } @{ $all->{jobs} };
	is_deeply(\@times, [ reverse sort @times ], 'newest first');
	my ($before, @paged) = ('');

	while (1)
	{
		my $page = $list->("?limit=7$before")->{json};
		push @paged, map { $_->{id} } @{ $page->{jobs} };
		last unless defined $page->{next};
		is(scalar @{ $page->{jobs} }, 7, 'a full page');
		$before = "&before=$page->{next}";
	}
	is_deeply(\@paged, \@ids, 'page by page it is the same');
	is(scalar @{ $list->('?limit=' . @ids)->{json}{jobs} }, scalar @ids,
		'a last page that is full');
	is($list->('?limit=' . @ids)->{json}{next}, undef, 'has no next one');
	is($list->('?before=' . $ids[-1])->{json}{next}, undef, 'before the first');
	is_deeply($list->('?before=' . $ids[-1])->{json}{jobs}, [], 'there is nothing');
	for my $filter ([ state => 'cancelled' ], [ kind => 'check' ])
	{
		my ($key, $value) = @$filter;
		is_deeply(
			$list->("?limit=1000&$key=$value")->{json}{jobs},
			[ grep { $_->{$key} eq $value } @{ $all->{jobs} } ],
			"those whose $key is $value");
	}
	is_deeply(
		$list->('?limit=1000&state=cancelled&kind=check')->{json}{jobs},
		[ grep { $_->{state} eq 'cancelled' && $_->{kind} eq 'check' } @{ $all->{jobs} } ],
		'both at once');
	is_problem($list->('?before=20001122T154107'),
		404, 'not-found', qr/20001122T154107/, 'before an unknown job');
	is_problem($list->("?limit=$_"), 422, 'invalid-value', qr/limit/, "limit=$_")
	  for qw(0 1001 -1 x 1e2 99999999999);
	is_problem($list->('?state=done'), 422, 'invalid-value', qr/state/, 'an unknown state');
	is_problem($list->('?kind=restore'), 422, 'invalid-value', qr/kind/, 'an unknown kind');
}

done_testing;
