# The extension in the life of a database: logical replication of all tables, dumps, transactions.
use strict;
use warnings;
use PgbrCluster;
use PgbrSandbox      qw(wait_for);
use PgbrScheduleTest qw(log_count);
use Test::More;

my $cluster = PgbrCluster->new(preload => 0)->start;
my $member = $cluster->member(1);
$member->psql(q{ALTER SYSTEM SET wal_level = 'logical'});
$member->stop;
$member->start;
my @subscriber = (dbname => 'subscriber');

sub add_run
{
	my ($state, $more) = @_;
	return $member->psql(
		"INSERT INTO pgbr_run (type, first_due, due, due_count, state, covered_by)
		VALUES ('incr', now(), now(), 1, '$state', " . ($more // 'NULL') . ') RETURNING run_id');
}

subtest 'a publication of all tables' => sub {
	$member->psql('CREATE DATABASE subscriber');
	$member->psql('CREATE TABLE app (id int PRIMARY KEY)', @$_) for [], \@subscriber;
	$member->psql(
		q{CREATE PUBLICATION everything FOR ALL TABLES; SELECT pg_create_logical_replication_slot('app', 'pgoutput')}
	);
	my $conninfo = $member->conninfo;
	$member->psql(
		"CREATE SUBSCRIPTION app CONNECTION '$conninfo' PUBLICATION everything WITH (create_slot = false)",
		@subscriber);
	my $arrives = sub {
		my ($id, $name) = @_;
		$member->psql("INSERT INTO app VALUES ($id)");
		wait_for { $member->psql("SELECT count(*) FROM app WHERE id = $id", @subscriber) }
		"row $id to arrive";
		return pass($name);
	};
	$arrives->(1, 'without the extension');

	$member->psql('CREATE EXTENSION pgbackrest_ctl');
	my $run = add_run('running');
	wait_for
	{
		log_count($member, qr/logical replication target relation "public.pgbr_run" does not exist/)
	}
	'the subscriber to stop';
	$member->psql('CREATE EXTENSION pgbackrest_ctl', @subscriber);
	$arrives->(2, 'with it at both ends, as docs/schedules.md says, the subscriber goes on');
	$member->psql('ALTER SUBSCRIPTION app REFRESH PUBLICATION', @subscriber);
	wait_for
	{
		$member->psql(q{SELECT count(*) FILTER (WHERE srsubstate = 'r') FROM pg_subscription_rel},
			@subscriber) == 3
	}
	'all tables to be taken over';
	is($member->psql('SELECT count(*) FROM pgbr_run', @subscriber),
		0, q{the publisher's history is not the subscriber's});
	$member->psql(
		q{INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('full', now(), now(), 1, 'running')},
		@subscriber);
	my $own = $member->psql('SELECT * FROM pgbr_run', @subscriber);
	$member->psql("UPDATE pgbr_run SET state = 'failed' WHERE run_id = $run");
	add_run('running');
	$member->psql(
		"DELETE FROM pgbr_run WHERE run_id = $run; INSERT INTO pgbr_schedule_since VALUES ('full', '0 1 * * *', 'UTC', now())"
	);
	$arrives->(3, 'what happens to it does not stop the subscriber');
	is($member->psql('SELECT * FROM pgbr_run', @subscriber), $own, 'nor touch what it has itself');
	is($member->psql('SELECT count(*) FROM pgbr_schedule_since', @subscriber),
		0, 'nor its schedules');
	$member->psql('DROP SUBSCRIPTION app', @subscriber);
	$member->psql('DROP PUBLICATION everything');
};

subtest 'a dump' => sub {
	my $newest = add_run('queued');
	add_run('covered', $newest);
	my $history = 'SELECT * FROM pgbr_run ORDER BY run_id';
	my $dump = "$member->{dir}/dump";
	my $ok = sub {
		my ($status, undef, $errors) = $member->_command('', @_);
		return is("$status$errors", '0', "@_[0, 1]");
	};
	$member->psql(
		"UPDATE pgbr_run SET message = 'moved behind the one that it covers' WHERE run_id = $newest"
	);
	$ok->('pg_dump', '-Fc', '--inserts', '-f', $dump, '-d', $member->conninfo);
	$member->psql('CREATE DATABASE copy');
	$ok->('pg_restore', '--exit-on-error', '-d', $member->conninfo('copy'), $dump);
	is($member->psql($history, dbname => 'copy'), $member->psql($history), 'the history is in it');
	cmp_ok(
		$member->psql(
			q{INSERT INTO pgbr_run (type, first_due, due, due_count, state) VALUES ('full', now(), now(), 1, 'queued') RETURNING run_id},
			dbname => 'copy'),
		'>',
		$newest + 1,
		'and goes on after it');
	$member->psql('CREATE ROLE owner LOGIN; CREATE DATABASE owned OWNER owner');
	$member->psql('CREATE EXTENSION pgbackrest_ctl', dbname => 'owned');
	my @by_owner = ('-f', '/dev/null', '-d', $member->conninfo('owned', 'owner'));
	my ($status, undef, $errors) = $member->_command('', 'pg_dump', @by_owner);
	like(
		$errors,
		qr/permission denied for .*pgbr_run|failed to get data for sequence "pgbr_run_run_id_seq"; user may lack/,
		'who may not read the history can not dump it');
	$ok->('pg_dump', '--exclude-table-data=*.pgbr_run*', @by_owner);
	$member->psql('GRANT pg_monitor TO owner');
	$ok->('pg_dump', '--column-inserts', @by_owner);
};

subtest 'transactions' => sub {
	my ($id) = $member->psql('BEGIN; SELECT pgbr_check(); ROLLBACK;') =~ /^(\S+)$/;
	is($member->sidecar->wait_job($id)->{state}, 'succeeded', 'a job goes on after a ROLLBACK');
};

done_testing;
