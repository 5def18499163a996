# What the tests of a restore's steps share: one member whose server is plain PostgreSQL, so that
# nothing but the steps touches it; a sidecar whose programs can be made to stand still; the lock of
# one restore after the other.
#
# There are the rows a to d, with a backup after a, and after b a moment of every kind, in %after_b;
# "after b" is the name of a restore point.
#
#	start_node();
#	begin_restore();
#	step('node-stop', fence => $true);
#	end_restore();
package PgbrNodeTest;
use strict;
use warnings;
use Exporter qw(import);
use JSON::PP;
use PgbrCluster;
use File::Path  qw(remove_tree);
use PgbrSandbox qw(slurp spew wait_for);
use PgbrSidecarTest;
use Test::More;

our @EXPORT = qw($true $false $cluster $member $sidecar $data $dir $repo $restore $backup %after_b
  start_node hold_lock begin_restore end_restore post begin step step_fails hold held release
  restart_sidecar batches server_is_down start_fails add_batch restore_killed recovery_killed
  kill_pgbackrest kill_sidecar kill_server kill_startup cancel history_of);

our ($true, $false) = (JSON::PP::true, JSON::PP::false);
our ($cluster, $member, $sidecar, $data, $dir, $repo, $backup, %after_b);
my @options;

sub start_node
{
	# how long a recovery waits for a repository that can't be read
	$ENV{PGBR_SIDECAR_ARCHIVE_GET_RETRY} = 2;
	$cluster = PgbrCluster->new(preload => 0, sidecars => 0)->start;
	$member = $cluster->member(1);
	$sidecar = $member->sidecar;
	($data, $dir, $repo) = ($member->data, $member->{dir}, "$cluster->{sandbox}{root}/repo");

	# pgbackrest and psql with places to stand still: while the file DIR/hold-COMMAND is there, and
	# until it is gone. DIR/held tells that one stands there. The script DIR/after-restore is run
	# after each restore.
	my $pgbackrest = program($member, 'pgbackrest-here', <<"END");
for command in restore archive-get archive-push
do
	if [[ " \$* " == *" \$command "* ]]
	then
		while test -e '$dir/hold-'\$command; do touch '$dir/held'; sleep 0.05; done
	fi
done
if [[ " \$* " == *" restore "* && -e '$dir/after-restore' ]]
then
	pgbackrest "\$@" && exec bash '$dir/after-restore'
	exit
fi
exec pgbackrest "\$@"
END
	my $psql = program($member, 'psql-here', <<"END");
if [[ "\$*" == *datconnlimit* ]]
then
	while test -e '$dir/hold-psql'; do touch '$dir/held'; sleep 0.05; done
fi
exec psql "\$@"
END
	@options = ("--pgbackrest=$pgbackrest", "--psql=$psql", '--stop-timeout=10');
	$sidecar->start(@options)->wait_ready(60);
	$member->psql("CREATE TABLE t (batch text, i int, filler text)");
	add_batch('a');
	$backup =
	  $sidecar->wait_job($sidecar->post_job(kind => 'backup', type => 'full')->{id})->{label};
	$after_b{xid} =
	  $member->psql("BEGIN; INSERT INTO t SELECT 'b', 1, 'x'; SELECT pg_current_xact_id(); COMMIT");
	$after_b{lsn} = $member->psql('SELECT pg_current_wal_insert_lsn()');
	$after_b{time} = $member->psql(
		"SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00')");
	$member->psql("SELECT pg_create_restore_point('after b')");
	$after_b{next_xid} =
	  $member->psql("BEGIN; INSERT INTO t SELECT 'c', 1, 'x'; SELECT pg_current_xact_id(); COMMIT");
	add_batch('d');
	$member->psql('SELECT pg_switch_wal()');
	return;
}

sub add_batch
{
	my ($batch) = @_;
	return $member->psql(
			"INSERT INTO t SELECT '$batch', g, repeat('x', 500) FROM generate_series(1, 2000) g;"
		  . 'SELECT pg_current_xact_id()') =~ /(\d+)\s*$/ ? $1 : die;
}

# --- one restore after the other: ids, the lock, jobs
our $restore = '';
my ($revision, $posted) = (0, 0);

sub hold_lock
{
	my $answer = $sidecar->http(
		PUT => "/v1/restores/$restore",
		body => {
			holder => 'test',
			lease_seconds => 60,
			revision => ++$revision,
			state => $_[0] // 'active',
			replaces => undef,
			document => {}
		});
	die "$answer->{status}: $answer->{content}\n" unless $answer->{success};
	return;
}

sub begin_restore
{
	# no other test has it: on one machine the replicas of a restore make way for its leader
	$restore = "r$$-" . ++$posted;
	$revision = 0;
	hold_lock();
	return;
}

sub end_restore { hold_lock('done'); return }

sub post
{
	my ($kind, %arguments) = @_;
	return $sidecar->http(
		POST => "/v1/restores/$restore/jobs",
		body => { holder => 'test', kind => $kind, %arguments });
}

# post a step and give its job at once
sub begin
{
	my ($kind, %arguments) = @_;
	my $answer = post($kind, %arguments);
	die "$kind: $answer->{status}: $answer->{content}\n" unless $answer->{success};
	return $answer->{json};
}

# ... or at its end; it must succeed
sub step
{
	my ($kind, %arguments) = @_;
	my $job = $sidecar->wait_job(begin($kind, %arguments)->{id});
	die "$kind: " . JSON::PP->new->canonical->encode($job) . "\n" if $job->{state} ne 'succeeded';
	return $job->{result};
}

sub step_fails
{
	my ($kind, %arguments) = @_;
	my $job = $sidecar->wait_job(begin($kind, %arguments)->{id});
	is($job->{state}, 'failed', "$kind fails");
	return $job;
}

sub hold { my ($what) = @_; unlink "$dir/held"; spew("$dir/hold-$what", ''); return }

sub held
{
	wait_for { -e "$dir/held" } 'the held command';
	return;
}
sub release { unlink glob "$dir/hold-*"; return }

# with more options, or other values
sub restart_sidecar { my (@more) = @_; $sidecar->start(@options, @more); return }
sub batches { return $member->psql("SELECT string_agg(DISTINCT batch, ' ' ORDER BY batch) FROM t") }

# the postmaster is a child of nobody here but this test: collect it
sub server_is_down { return !$member->postmaster }

# Nobody can start a server: gives what it says.
sub start_fails
{
	my ($status, undef, $errors) =
	  $member->_command('', 'timeout', 30, $member->_bindir . '/postgres', '-D', $data);
	isnt($status, 0, 'no server starts');
	return $errors;
}

# Kill a restore in the middle, and run it again: gives the job that was killed. What kills gets the
# job.
sub restore_killed
{
	my ($name, $kill, $state) = @_;
	hold_lock();
	remove_tree($data, { keep_root => 1 }) if $name =~ /empty/;
	hold('restore') if $name =~ /early/;
	my $job = begin('node-restore', set => $backup, target_type => 'default', target_timeline => 1);
	if ($name =~ /early/) { held() }
	else
	{
		wait_for
		{
			$sidecar->job($job->{id})->{state} ne 'queued'
			  && -e "$data/PG_VERSION"
			  && !-e "$data/global/pg_control"
		}
		'half a restore';
	}
	$kill->($job);
	release();
	my $was = $sidecar->wait_job($job->{id});
	is($was->{state}, $state, "$name: the job is $state");
	is_deeply([ job_processes($sidecar) ], [], "$name: nothing of it is left");
	is( step('node-restore', set => $backup, target_type => 'default', target_timeline => 1)
		  ->{files} > 900,
		1,
		"$name: a second one restores");
	return $was;
}

sub kill_pgbackrest
{
	my ($job) = @_;
	kill KILL => job_processes($sidecar, $job->{id});
	return;
}
sub kill_sidecar { $sidecar->kill; restart_sidecar(); return }
sub cancel { $sidecar->http(DELETE => "/v1/jobs/$_[0]{id}"); return }

# The same of a recovery.
sub recovery_killed
{
	my ($name, $kill, $state) = @_;
	hold_lock();
	step(
		'node-restore',
		set => $backup,
		target_type => 'name',
		target => 'after b',
		target_timeline => 1);
	my $before = -e "$data/recovery.signal";
	my $promoted = $name =~ /promotion/;
	hold($promoted ? 'psql' : 'archive-get');
	my $job = begin('node-recover', target_timeline => 1);
	held();
	is(!!-e "$data/recovery.signal",
		!$promoted, "$name: it is " . ($promoted ? 'promoted' : 'in recovery'));
	my ($history) = reverse sort glob "$data/pg_wal/*.history";
	$kill->($job);
	release();
	my $was = $sidecar->wait_job($job->{id});
	is($was->{state}, $state, "$name: the job is $state") or diag explain $was;
	is_deeply([ job_processes($sidecar) ], [], "$name: nothing of it is left");
	my $reached = step('node-recover', target_timeline => 1);
	like($reached->{reason}, qr/after b/, "$name: a second one reaches the target");
	like($reached->{last_xact_time}, qr/^\d{4}-.*Z$/, "$name: and knows when");
	is(hex(($history =~ m{([^/]*)\.history$})[0]),
		$reached->{timeline}, "$name: on the timeline of the first")
	  if $promoted;
	return $was;
}

sub kill_server
{
	my ($pid) = slurp("$data/postmaster.pid") =~ /^(\d+)/;
	kill KILL => $pid;
	return;
}

sub kill_startup
{
	my ($pid) = slurp("$data/postmaster.pid") =~ /^(\d+)/;
	my ($startup) =
	  grep { slurp("/proc/$_/cmdline") =~ /startup/ && slurp("/proc/$_/stat") =~ /\) \S $pid / }
	  map { m{(\d+)$} } glob '/proc/[0-9]*';
	kill KILL => $startup;
	return;
}

# The history of the timeline that was made last, as it is in the repository.
sub history_of
{
	my ($timeline) = @_;
	my $name = sprintf '%08X.history', $timeline;
	wait_for { my @found = glob "$repo/archive/main/*/$name"; @found > 0 } "$name to be archived";
	return slurp(glob "$repo/archive/main/*/$name");
}

1;
