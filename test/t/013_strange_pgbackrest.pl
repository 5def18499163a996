# What the sidecar makes of a pgbackrest that does what the real one does not: it prints rubbish or
# without end, hangs, is killed, is not there, and gives an info that is no info.
use strict;
use warnings;
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(spew wait_for);
use PgbrSidecarTest;
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0);
my $member = $cluster->member(1);
my $sidecar = $member->sidecar;
my $json = JSON::PP->new->canonical;

sub run_job
{
	my (%job) = @_;
	return $sidecar->wait_job($sidecar->post_job(kind => 'backup', %job)->{id});
}

# --- a pgbackrest that is strange
{
	my $run = sub {
		my ($name, $text) = @_;
		my $option = stand_in($member, "strange-$name", $other_commands . $text);
		$sidecar->alive ? $sidecar->restart($option) : $sidecar->start($option);
		return run_job();
	};
	is_failure(
		$run->(1, "exit 1\n"),
		1, 'unknown', qr/gave no message/,
		qr/^$/, 'exit 1 without a word');
	is_failure(
		$run->(50, "echo 'P00  ERROR: [050]: unable to lock'; exit 50\n"),
		50, 'lock-acquire', qr/^unable to lock$/,
		qr/Another/, 'an error in its words');
	is_failure($run->(255, "exit 255\n"), 255, 'unknown', qr/gave no message/, qr/^$/, 'exit 255');
	is_failure(
		$run->('segv', "kill -SEGV \$\$\n"),
		'null', 'killed', qr/killed by signal 11/,
		qr/^$/, 'a crash');
	is_failure(
		$run->('hup', "kill -HUP 0\n"),
		'null', 'killed', qr/killed by signal 1\b/,
		qr/^$/, 'death with its whole group');

	my $job = $run->(
		'rubbish',
		"head -c 300000 /dev/urandom; printf '\\nERROR: [099]: \\xff\\xfe\\x1b[31m\\xc3\\xa9\\n'; exit 99\n"
	);
	is_failure($job, 99, 'json-format', qr/^\\xFF\\xFE\\x1B\[31m\xe9$/, qr/^$/, 'rubbish');
	my $log = $sidecar->http(GET => "/v1/jobs/$job->{id}/log");
	ok( eval {
			JSON::PP->new->utf8->allow_nonref->decode($json->allow_nonref->encode($log->{content}));
			1;
		},
		'its log can be read');
	ok( $log->{content} !~ /[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/
		  && utf8::decode(my $copy = $log->{content}),
		'and moves no cursor');
	cmp_ok(length $log->{content}, '<=', 256 * 1024 + 100, 'and is bounded');

	$job = $run->(
		'lines',
		"for i in 1 2 3; do head -c 1000000 /dev/zero | tr '\\0' x; echo; done; echo 'P00 INFO: backup command end: completed'\n"
	);
	is($job->{state}, 'succeeded', 'lines of 1 MB');
	my ($ours, @lines) = split /\n/, $sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content};
	like($ours, qr/^could not look whether a promotion/, 'behind a line of the sidecar');
	is_deeply([ map { length } @lines ], [ 8192, 8192, 8192, 39 ], 'are cut');

	$job = $run->(
		'much', "yes 'P00   INFO: a line of some length that is repeated' | head -c 20000000\n");
	is($job->{state}, 'succeeded', '20 MB of lines');
	$log = $sidecar->http(GET => "/v1/jobs/$job->{id}/log")->{content};
	cmp_ok(length $log, '<=', 256 * 1024 + 100, 'its log is bounded');
	like($log, qr/the rest of the log was left out\n\z/, 'and says so');

	$job = $run->(
		'label',
		"echo 'P00 INFO: new backup label = ../../etc'; echo 'P00 INFO: backup command end: completed'\n"
	);
	is("$job->{state} " . ($job->{label} // 'null'), 'succeeded null', 'a label that is none');

	# one that prints without end, and one that does not print at all, can be cancelled
	for my $case ([ 'endless', "exec yes\n" ],
		[ 'silent', "exec >&- 2>&-\nwhile true; do sleep 0.1; done\n" ])
	{
		my ($name, $text) = @$case;
		$sidecar->restart(stand_in($member, "strange-$name", $other_commands . $text));
		my $id = $sidecar->post_job(kind => 'backup')->{id};
		wait_for { job_processes($sidecar, $id) } "the $name one to run";
		my $start = time;
		is($sidecar->http(DELETE => "/v1/jobs/$id")->{json}{state},
			'cancelled', "one that is $name is cancelled");
		cmp_ok(time - $start, '<', 5, 'at once');
	}

	$sidecar->restart('--pgbackrest=/nowhere/pgbackrest');
	is_failure(run_job(), 'null', 'config',
		qr{could not execute "/nowhere/pgbackrest": No such file},
		qr/--pgbackrest/, 'one that is not there');
	my $answer = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
	like($answer->{error}{message}, qr{could not execute "/nowhere/pgbackrest"}, 'for info, too');
	is_deeply(
		[ sort keys %{ $answer->{error} } ],
		[qw(code exit_code hint message)],
		'with all members');
	$sidecar->stop;
	my ($status, $log_of) = refused($sidecar, "--pgbackrest=/nowhere/pgback\xFFrest");
	is($status, 2, 'a name that is not UTF-8 is refused');
	like($log_of, qr/value of --pgbackrest is not valid UTF-8/, 'and says why');
}

# --- an info that is strange
{
	my $answers = "$member->{dir}/answers";
	spew($answers, "echo '$empty_info'");
	$sidecar->start(
		stand_in($member, 'strange-info', qq(test "\${\@: -1}" = info && . '$answers'\n)));
	my $first = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
	is($first->{error}, undef, 'info');
	my $warning = "P00   WARN: configuration file contains invalid option 'bogus-option'";
	spew($answers, qq(echo "$warning"; echo "$warning"; echo '$empty_info'));
	my $warned = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
	is($warned->{error}, undef, 'info behind warnings on standard output is info')
	  or diag $warned->{error}{message};
	is_deeply($warned->{stanzas}, $first->{stanzas}, 'and all of it');

	for my $case (
		[
			'nothing', 'true', 'protocol',
			qr/could not use what pgbackrest info printed: not valid JSON at line \d+/, 0
		],
		[
			'rubbish', 'head -c 100000 /dev/urandom',
			'protocol', qr/could not use what pgbackrest info printed: not valid JSON at line \d+/,
			0
		],
		[
			'JSON that is cut',
			qq(echo '[{"name":"main"'),
			'protocol', qr/could not use what pgbackrest info printed: not valid JSON at line \d+/,
			0
		],
		[ 'another document', q(echo '{"a":1}'), 'protocol', qr/no list of stanzas/, 0 ],
		[ 'no stanza', q(echo '[]'), 'protocol', qr/does not list stanza "main"/, 0 ],
		[
			'a failure',
			qq(echo 'ERROR: [042]: unable to read' >&2; echo '       HINT: look there' >&2; exit 42),
			'file-read',
			qr/^unable to read$/,
			42
		],
		[
			'a failure with much ado',
			qq(yes 'a warning' | head -c 1000000 >&2; echo 'ERROR: [042]: unable' >&2; exit 42),
			'file-read', qr/^unable$/, 42
		],
		# since 2.53 what is wrong before the log is set up stands on standard output
		[
			'a failure on standard output',
			qq(echo "P00  ERROR: [032]: 'lz9' is not allowed for 'compress-type' option"; exit 32),
			'option-invalid-value',
			qr/^'lz9' is not allowed for 'compress-type' option$/,
			32
		],
		[
			'a warning and a failure there',
			qq(echo "$warning"; echo 'P00  ERROR: [037]: info requires option'; exit 37),
			'option-required', qr/^info requires option$/, 37
		],
		[ 'a crash', 'kill -KILL $$', 'killed', qr/was killed/, undef ],
		[
			'half a million empty objects',
			q(printf '[{"name":"main","x":[{}'; yes ',{}' | head -500000 | tr -d '\\n'; echo ']}]'),
			'protocol',
			qr/more than \d+ values/,
			0
		],
		[
			'a text of 2 GB',
			q(printf '[{"name":"'; head -c 2000000000 /dev/zero | tr '\\0' x),
			'too-large', qr/more than \d+ bytes/, undef
		],
		[ '100 MB', 'head -c 100000000 /dev/zero', 'too-large', qr/more than \d+ bytes/, undef ])
	{
		my ($name, $text, $code, $message, $exit_code) = @$case;
		spew($answers, $text);
		my $answer = $sidecar->http(GET => '/v1/info?refresh=true')->{json};
		my $error = $answer->{error};
		ok( $error->{code} eq $code
			  && $error->{message} =~ $message
			  && ($error->{exit_code} // 'null') eq ($exit_code // 'null'),
			"info is $name: $code") or diag $json->pretty->encode($answer);
		is_deeply($answer->{stanzas}, $first->{stanzas}, 'the copy from before is given');
	}
	like($sidecar->http(GET => '/readyz')->{json}{checks}[1]{message},
		qr/too-large/, 'readyz knows');

	spew($answers, "while test -e '$answers'; do sleep 0.1; done\n");
	my $start = time;
	my $answer = $sidecar->http(GET => '/v1/info?refresh=true&wait=1')->{json};
	my $took = time - $start;
	ok($took >= 1 && $took < 5, 'an info that hangs: the answer comes when the time is up')
	  or diag $took;
	is($answer->{error}{code}, 'too-large', 'with the last error');
	is($sidecar->http(GET => '/v1/info')->{status}, 200, 'others do not wait for it');
	$start = time;
	is($sidecar->stop, 0, 'a stop ends it');
	cmp_ok(time - $start, '<', 5, 'at once');
	spew($answers, "echo '$empty_info'");
	$sidecar->start;
	is($sidecar->http(GET => '/v1/info?refresh=true')->{json}{error},
		undef, 'all is well at the end');
}

done_testing;
