# A cluster of three that is restored to known points and back. Two writers work all the while: one
# commits numbered rows, whose acknowledgements are kept, the other is pgbench. What must be there
# after a restore, and what must not, is known for each point.
#
#	my $test = PgbrTargetTest->new;
#	my $point = $test->point('the release');
#	$test->restore('to the release', $point, '--type=xid', "--target=$point->{xid}");
#	$test->undo('back');
package PgbrTargetTest;
use strict;
use warnings;
use IPC::Run ();
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrTls;
use Test::More;

# What a server may say while members are stopped and started in order, and no more; at other times
# nothing.
my @harmless = (
	# clients, Patroni and replicas that come before the server is ready, or as it stops
	qr/FATAL:  the database system is (?:starting up|shutting down|not yet accepting connections|in recovery mode)/,
	# a fast shutdown ends whoever is connected
	qr/FATAL:  terminating (?:connection|walreceiver process|autovacuum process|background worker .*) due to administrator command/,
	# that is what it says to one who is logging in
	qr/FATAL:  canceling authentication due to timeout/,
	# a replica outlives its leader for a moment, or is started before it
	qr/FATAL:  (?:could not connect to the primary server|could not receive data from WAL stream: (?!ERROR)|streaming replication receiver)/,
);

# Options as PgbrCluster's; synchronous: synchronous_mode of Patroni; servers: with pgbackrest's
# own TLS server between the members, so that backups can come from a standby.
sub new
{
	my ($class, %set) = @_;
	my ($synchronous, $servers) = delete @set{qw(synchronous servers)};
	delete @ENV{
		grep { /^(?:PGBRCTL_.*|TYPE|TARGET|SET|TARGET_TIMELINE|REPLICAS_ONLY)$/ }
		  keys %ENV
	};
	my $cluster = PgbrCluster->new(
		members => 3,
		$servers
		? ( sidecars => 0,
			sidecar_options => ['--pgbackrest-server'],
			pgbackrest => { 'io-timeout' => 5 })
		: (),
		%set);
	my $self = bless { cluster => $cluster, marks => [], runs => {}, run => 0, seen => {} }, $class;
	$self->_connect_members if $servers;
	$cluster->start;
	if ($servers)
	{
		$_->sidecar->start for $cluster->members;
		$_->sidecar->wait_ready for $cluster->members;
	}
	my $leader = $self->leader;
	if ($synchronous)
	{
		$leader->patroni(PATCH => '/config', { synchronous_mode => JSON::PP::true });
		wait_for
		{
			$leader->psql(q{SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'})
		}
		'a synchronous replica';
	}
	$leader->psql('CREATE EXTENSION pgbackrest_ctl; CREATE TABLE mark (id serial, name text);'
		  . 'CREATE TABLE written (run int, n int, PRIMARY KEY (run, n))');
	my $log = '';
	IPC::Run::run([ $self->_pgbench('-i', '-q', '-s', 1) ], '>&', \$log) or die "pgbench: $log\n";
	$self->write;
	$self->_skip_logs;
	return $self;
}

sub cluster { my ($self) = @_; return $self->{cluster} }
sub leader  { my ($self) = @_; return $self->{leader} = $self->{cluster}->wait_leader }

# TLS between all members: one certificate, of a CA of its own. pgbackrest 2.45 checks names, not
# addresses.
sub _connect_members
{
	my ($self) = @_;
	my $sandbox = $self->{cluster}->sandbox;
	my $root = $sandbox->{root};
	PgbrTls->new($sandbox, $root)->ca('ca')
	  ->certificate('member', 'ca', usage => 'serverAuth,clientAuth');
	my @members = $self->{cluster}->members;
	my %port = map { $_->name => $sandbox->port } @members;

	for my $own (@members)
	{
		my $tls = join '', map { "tls-server-$_->[0]=$_->[1]\n" }[ 'address', '127.0.0.1' ],
		  [ 'port', $port{ $own->name } ], [ 'auth', 'member=main' ],
		  [ 'ca-file', "$root/ca.crt" ], [ 'cert-file', "$root/member.crt" ],
		  [ 'key-file', "$root/member.key" ];
		my ($number, $others) = (1, '');
		for my $peer (grep { $_ != $own } @members)
		{
			$number++;
			$others .= join '', map { "pg$number-$_->[0]=$_->[1]\n" }[ 'host', 'localhost' ],
			  [ 'host-type', 'tls' ], [ 'host-port', $port{ $peer->name } ],
			  [ 'host-config', $peer->{config} ], [ 'host-ca-file', "$root/ca.crt" ],
			  [ 'host-cert-file', "$root/member.crt" ], [ 'host-key-file', "$root/member.key" ],
			  [ 'path', $peer->data ], [ 'port', $peer->{port} ],
			  [ 'socket-path', $peer->{socket} ],
			  [ 'user', 'postgres' ];
		}
		my $conf = slurp($own->{config});
		$conf =~ s/^\[global\]\n/[global]\n$tls/m or die 'no [global]';
		$conf =~ s/^\[main\]\n/[main]\n$others/m or die 'no [main]';
		spew($own->{config}, $conf);
	}
	return;
}

sub _pgbench
{
	my ($self, @options) = @_;
	my $leader = $self->{leader};
	return (
		'pgbench', '-h', $leader->{socket}, '-p', $leader->{port},
		'-U', 'postgres', @options, 'postgres');
}

# Start the writers on the leader; they end with the server that they write to. The rows of a run
# are numbered without a gap.
sub write
{
	my ($self) = @_;
	my ($leader, $sandbox) = ($self->leader, $self->{cluster}->sandbox);
	my $run = ++$self->{run};
	my $script = "$sandbox->{root}/writer-$run.sql";
	spew($script,
		"INSERT INTO written SELECT $run, coalesce(max(n), 0) + 1 FROM written WHERE run = $run RETURNING n \\watch 0.02\n"
	);
	$sandbox->spawn($sandbox->{root}, "writer-$run", $leader->psql_command, '-f', $script);
	$sandbox->spawn($sandbox->{root}, 'pgbench', $self->_pgbench(qw(-n -c 2 -R 20 -T 900)));
	wait_for { $self->acknowledged > 2 } 'the writer to write';
	return;
}

# The last row of the present run of which the writer was told that it is committed.
sub acknowledged
{
	my ($self) = @_;
	my @rows = slurp("$self->{cluster}->{sandbox}{log}/writer-$self->{run}.log") =~ /^(\d+)$/mg;
	return @rows ? $rows[-1] : 0;
}

# A mark of its own, which nothing but its name tells from others: gives its transaction id.
sub mark
{
	my ($self, $name) = @_;
	push @{ $self->{marks} }, $name;
	return $self->leader->psql(
		"INSERT INTO mark (name) VALUES ('$name') RETURNING pg_current_xact_id()");
}

# A state of the cluster: the marks in their order, and of each run the last row, which may be one
# of some.
sub _state
{
	my ($self, $least, $most) = @_;
	return {
		marks => [ @{ $self->{marks} } ],
		runs => { %{ $self->{runs} }, $self->{run} => [ $least, $most ] }
	};
}

# Commit a mark between others and give all ways to name that commit, and the states with it
# (included) and without it (excluded). Its restore point has the mark's name.
sub point
{
	my ($self, $name) = @_;
	my $leader = $self->leader;
	$self->mark("before $name");
	my $least = $self->acknowledged;
	my %before = %{ $self->_state($least, 0) };
	my $from = $leader->psql('SELECT pg_current_wal_insert_lsn()');
	my %point = (name => $name, xid => $self->mark($name));
	$leader->psql("SELECT pgbr_restore_point('$name')");
	$point{timeline} = $leader->psql('SELECT timeline_id FROM pg_control_checkpoint()');
	# Patroni does not let track_commit_timestamp be set
	local $ENV{TZ} = 'UTC';
	IPC::Run::run(
		[
			'pg_waldump', '-p', "$leader->{data}/pg_wal", '-t',
			$point{timeline}, '-r', 'Transaction', '-x',
			$point{xid}, '-n', 1, '-s',
			$from
		],
		'>',
		\my $record,
		'2>',
		\my $errors);
	@point{qw(lsn time)} = $record =~ /lsn: ([0-9A-F]+\/[0-9A-F]+),.*COMMIT (\S+ [0-9:.]+) UTC/
	  or die "no commit of $point{xid}: $record$errors\n";
	$point{time} .= '+00';
	$point{included} = $self->_state($least, 0);
	# one that is on its way while this is asked is committed, though nobody knows
	my $most = $leader->psql("SELECT max(n) FROM written WHERE run = $self->{run}") + 1;
	$_->{runs}{ $self->{run} }[1] = $most for \%before, $point{included};
	$point{excluded} = \%before;
	$self->mark("after $name");
	my $next = $self->acknowledged + 2;
	wait_for { $self->acknowledged > $next } 'rows that come later';
	return \%point;
}

# A backup, from a standby when one is given, and the states of before and after it. It ends in a
# second, and a time in that second can't be told from it.
sub backup
{
	my ($self, $type, $member) = @_;
	my $least = $self->acknowledged;
	my $sidecar = ($member // $self->leader)->sidecar;
	my $job = $sidecar->post_job(
		kind => 'backup',
		type => $type,
		$member ? (backup_standby => JSON::PP::true) : ());
	$job = $sidecar->wait_job($job->{id}, undef, 120);
	is($job->{state}, 'succeeded', "backup $type") or diag explain $job;
	my $most = $self->leader->psql("SELECT max(n) FROM written WHERE run = $self->{run}") + 1;
	my $second = time;
	wait_for { time > $second } 'the next second';
	return { label => $job->{label}, id => $job->{id}, included => $self->_state($least, $most) };
}

# The cluster is in this state on all three members, every transaction of pgbench is there whole or
# not at all, Patroni is not paused, and no server has complained but with what is harmless, or with
# what matches more.
sub is_state
{
	my ($self, $name, $state, @more) = @_;
	my $leader = $self->leader;
	$self->{cluster}->wait_streaming;
	my $end = $leader->psql('SELECT pg_current_wal_lsn()');
	for my $member ($self->{cluster}->members)
	{
		wait_for
		{
			$member == $leader || $member->psql("SELECT pg_last_wal_replay_lsn() >= '$end'") eq 't'
		}
		"$member->{name} to have all", 30;
		is_deeply([ split /\n/, $member->psql('SELECT name FROM mark ORDER BY id') ],
			$state->{marks}, "$name: the marks of $member->{name}");
		my %rows = map { /^(\d+)\|(\d+)\|(\d+)$/ ? ($1 => [ $2, $3 ]) : () } split /\n/,
		  $member->psql('SELECT run, count(*), max(n) FROM written GROUP BY run');
		is_deeply(
			[ sort { $a <=> $b } keys %rows ],
			[ sort { $a <=> $b } keys %{ $state->{runs} } ],
			"$name: the runs of $member->{name}");
		for my $run (sort { $a <=> $b } keys %{ $state->{runs} })
		{
			my ($count, $last) = @{ $rows{$run} // [ 0, 0 ] };
			my ($least, $most) = @{ $state->{runs}{$run} };
			is($count, $last, "$name: run $run has no gap");
			cmp_ok($last, '>=', $least, "$name: run $run has what it must");
			cmp_ok($last, '<=', $most, "$name: run $run has no more than it may");
			# from now on it is known
			$state->{runs}{$run} = [ $last, $last ];
		}
		my $sums =
		  'SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),'
		  . ' (SELECT sum(bbalance) FROM pgbench_branches), (SELECT coalesce(sum(delta), 0) FROM pgbench_history)';
		my %sums = map { $_ => 1 } split /\|/, $member->psql($sums);
		is(scalar keys %sums, 1, "$name: the sums of pgbench on $member->{name}");
	}
	ok(!$leader->patroni(GET => '/patroni')->{pause}, "$name: Patroni is not paused");
	$self->no_complaints($name, @harmless, @more);
	return;
}

# No error in the log of a server since this was asked last, but for those that match.
sub no_complaints
{
	my ($self, $name, @harmless) = @_;
	for my $member ($self->{cluster}->members)
	{
		my $log = $member->patroni_log;
		my $new = substr $log, $self->{seen}{ $member->{name} } // 0;
		$self->{seen}{ $member->{name} } = length $log;
		my @complaints = grep { /\b(?:ERROR|FATAL|PANIC):  / } split /\n/, $new;
		for my $harmless (@harmless)
		{
			@complaints = grep { $_ !~ $harmless } @complaints;
		}
		is_deeply(\@complaints, [], "$name: the log of $member->{name}");
	}
	return;
}

# What was logged until now is not looked at.
sub _skip_logs
{
	my ($self) = @_;
	$self->{seen}{ $_->{name} } = length $_->patroni_log for $self->{cluster}->members;
	return;
}

# Run a verb to its end, with the writers at work till the leader is stopped. Gives the summary;
# what was committed before is in its {before}, as a state.
sub _run
{
	my ($self, $name, @arguments) = @_;
	$self->no_complaints("$name, before");
	my ($status, $out, $errors) =
	  $self->{cluster}->cluster_ctl(@arguments, '--force', '--format=json');
	is($status, 0, "$name: the command")
	  or diag grep({ !/"event":"progress"/ } map { "$_\n" } split /\n/, $out), $errors;
	my ($summary) = map { JSON::PP->new->utf8->decode($_) } grep { /"event":"summary"/ } split /\n/,
	  $out;
	$summary //= {};
	is($summary->{result}, 'done', "$name: the summary");
	my $acknowledged = $self->acknowledged;
	$summary->{before} = $self->_state($acknowledged, $acknowledged + 1);
	return $summary;
}

# What a state is from now on, with writers again.
sub _go_on
{
	my ($self, $name, $state) = @_;
	$self->is_state($name, $state);
	$self->{marks} = [ @{ $state->{marks} } ];
	$self->{runs} = { %{ $state->{runs} } };
	$self->write;
	return;
}

# Restore to a state (as point or backup has them), and see the new timeline archived and the fresh
# backup made. With set => the backup that the plan must choose. Remembers what undo must bring
# back.
sub restore
{
	my ($self, $name, $state, $set, @options) = @_;
	my $summary = $self->_run($name, 'restore', '--no-verify', @options);
	$self->{undo} = $summary->{before};
	delete $self->{undone};
	is($summary->{set}, $set, "$name: the backup") if $set;
	$self->_go_on($name, $state // $summary->{before});
	$self->is_followed($name, $summary);
	return $summary;
}

# Restore all that was committed while no server can be started, until mend is called: in the pause,
# in which Patroni does not try to.
sub restore_broken
{
	my ($self, $name, $mend) = @_;
	my $least = $self->acknowledged;
	my ($out, $errors) = ('', '');
	my $leader = $self->{leader};
	local $self->{out} = \$out;
	# only a leader that has lost the key for this is recovered in the pause, too
	wait_for
	{
		substr($leader->patroni_log, $self->{seen}{ $leader->{name} }) =~ /starting as a secondary/
	}
	'Patroni to start the leader as a secondary', 60;
	local %ENV = (%ENV, $self->{cluster}->ctl_environment);
	my $run = IPC::Run::start(
		[ "$ENV{PGBR_BUILD}/pgbackrest_ctl", qw(restore --no-verify --force --format=json) ],
		'<', \undef, '>', \$out, '2>', \$errors);
	wait_for { $run->pump_nb; $out =~ /"step":"pause","state":"done"/ || !$run->pumpable }
	'the pause', 60;
	$mend->();
	# what broke it is the test's own doing
	$self->_skip_logs;
	$self->_let_patroni_round($run);
	$run->finish;
	is($run->result(0), 0, "$name: the command") or diag $out, $errors;
	my ($summary) = map { JSON::PP->new->utf8->decode($_) } grep { /"event":"summary"/ } split /\n/,
	  $out;
	# Patroni was about to recover the servers, and tries again as soon as it finds files: the fence
	# refuses that, and the place that is kept for the recovery server
	$self->is_state(
		$name,
		$self->_state($least, $least + 1),
		qr/FATAL:  data directory ".*" has invalid permissions|FATAL:  lock file "postmaster.pid" already exists|PANIC:  could not open file "global\/pg_control"/
	);
	return $summary // {};
}

# Hold the recovery of the leader while its Patroni, which was recovering it too, goes on with that:
# from when the recovery server has read its signal file, and again near its end.
sub _let_patroni_round
{
	my ($self, $run) = @_;
	my $leader = $self->{leader};
	wait_for
	{
		${ $self->{out} } =~ /"step":"recover","state":"started"/
		  || ($run->pumpable ? $run->pump_nb : die "it has ended: ${ $self->{out} }\n")
		  && 0
	}
	'the recovery of the leader', 60;
	my $startup = wait_for
	{
		my $found = $leader->startup_process;
		$found && kill(STOP => $found) ? $found : undef
	}
	'its startup process';
	my $before = length $leader->patroni_log;
	wait_for
	{
		my @rounds = substr($leader->patroni_log, $before) =~ /Lock owner: /g;
		@rounds >= 6
	}
	'six rounds of Patroni', 30;
	like(
		substr($leader->patroni_log, $before),
		qr/restarting after failure|starting as a secondary|crash recovery/,
		'Patroni recovers the leader, too');
	kill CONT => $startup;
	return;
}

# The plan refuses a target that may mean a branch which was left: with these words, and it offers
# that timeline first and the leader's last.
sub is_ambiguous
{
	my ($self, $name, $words, $timeline, @target) = @_;
	my ($status, $out) =
	  $self->{cluster}->cluster_ctl('plan', '--format=json', '--no-verify', @target);
	my $refusal = eval { JSON::PP->new->utf8->decode($out) } // {};
	my @nearest = map { $_->{target_timeline} } @{ $refusal->{nearest} // [] };
	is($status, 8, "$name: refused");
	like($refusal->{refused} // $out, $words, "$name: says why");
	is($nearest[0], $timeline, "$name: the branch is offered");
	is($nearest[-1], $self->timeline, "$name: and the leader's timeline");
	return;
}

# That on which the leader writes.
sub timeline
{
	my ($self) = @_;
	return hex substr $self->leader->psql('SELECT pg_walfile_name(pg_current_wal_insert_lsn())'),
	  0, 8;
}

# Take the last restore (or undo) back: every row that was committed before it is there.
sub undo
{
	my ($self, $name) = @_;
	my $state = $self->{undo};
	# that of an undo has to be meant
	my $summary = $self->_run($name, 'undo', $self->{undone} // ());
	$self->{undone} = $summary->{id};
	$self->{undo} = $summary->{before};
	$self->_go_on($name, $state);
	return $summary;
}

# The new timeline is in the repository, and the backup that was asked for is made.
sub is_followed
{
	my ($self, $name, $summary) = @_;
	my $leader = $self->leader;
	my $history = sprintf '%08X.history', $summary->{timeline};
	like($leader->pgbackrest('repo-ls', 'archive/main/15-1'),
		qr/^\Q$history\E/m, "$name: the history is archived");
	my $job;
	wait_for
	{
		($job) = grep { ($_->{restore} // '') eq $summary->{id} }
		  @{ $leader->sidecar->http(GET => '/v1/jobs?kind=backup&limit=20')->{json}{jobs} };
		$job && $job->{state} =~ /^(?:succeeded|failed|cancelled|interrupted)$/
	}
	'the fresh backup', 120;
	is($job->{state}, 'succeeded', "$name: a fresh backup is made") or diag explain $job;
	return;
}

1;
