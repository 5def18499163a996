// links: sidecar/queue/job_store sidecar/queue/store_db sidecar/queue/store_statement sidecar/queue/restore_store sidecar/queue/restore_lock sidecar/queue/job
/*
 * job_store_test.c
 *		What the store keeps and forgets, whatever the clock says; what it says of a disk that is
 *		full or damaged, and that it goes on by itself.
 */
#include "program/file.h"
#include "sidecar/queue/job_store.h"
#include "sidecar/queue/restore_store.h"
#include "sidecar/queue/store_statement.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)

typedef struct World
{
	char folder[64];
	char path[80]; /* of state.db */
	JobStore *store;
} World;

static JobStore *
open_store(const char *folder)
{
	PgbrError error;
	JobStore *store = job_store_open(folder, &error);

	if (store == NULL)
		fail_msg("%s", error.message);
	return store;
}

static int
set_up(void **state)
{
	World *world = calloc(1, sizeof(*world));

	strcpy(world->folder, "/tmp/job-store-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->path, sizeof(world->path), "%s/state.db", world->folder);
	world->store = open_store(world->folder);
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	World *world = *state;
	char command[100];

	job_store_close(world->store);
	snprintf(command, sizeof(command), "rm -rf %s", world->folder);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

static void
run_sql(World *world, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(world->store->db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
}

static int
count(World *world, const char *sql)
{
	sqlite3_stmt *statement;
	int number;

	assert_int_equal(sqlite3_prepare_v2(world->store->db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* Jobs that have ended, a minute after the other from a moment on. */
static void
add_ended(World *world, int jobs, int64_t from)
{
	char sql[900];

	snprintf(sql, sizeof(sql),
			 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
			 " INSERT INTO job (id, kind, type, repo, dry_run, backup_standby, backup_set,"
			 " annotations, requested_by, reason, state, covered_by, requested_at, started_at,"
			 " finished_at, label, exit_code, error, message, hint, restore, arguments, result)"
			 " SELECT 'j' || (SELECT count(*) FROM job) || '-' || i, 'check', 'incr', 0, 0, 0, '',"
			 " '', '', '', 'succeeded', '', 1, 1, %lld + i * 60000, '', 0, '', '', '', '', '', ''"
			 " FROM n",
			 jobs, (long long) from);
	run_sql(world, sql);
}

static void
count_forgotten(int64_t seq, void *argument)
{
	assert_true(seq > 0);
	++*(int *) argument;
}

static int
purge(World *world, int64_t before)
{
	PgbrError error;
	int forgotten = 0;

	assert_true(job_store_purge(world->store, before, count_forgotten, &forgotten, &error));
	return forgotten;
}

static void
test_purge_by_age(void **state)
{
	World *world = *state;

	add_ended(world, 10, 1000 * DAY_MS);
	add_ended(world, STORE_KEPT_ALWAYS, 2000 * DAY_MS);
	assert_int_equal(purge(world, 1000 * DAY_MS), 0);
	assert_int_equal(purge(world, 1500 * DAY_MS), 10);
	assert_int_equal(purge(world, 1500 * DAY_MS), 0);
}

/* A clock that is ten years ahead, before a job ends or while one does. */
static void
test_purge_by_a_wrong_clock(void **state)
{
	World *world = *state;

	add_ended(world, STORE_KEPT_ALWAYS - 1, 2000 * DAY_MS);
	add_ended(world, 1, 2000 * DAY_MS + 3650 * DAY_MS);
	assert_int_equal(purge(world, 2000 * DAY_MS + 3560 * DAY_MS), 0);
	add_ended(world, 5, 2001 * DAY_MS);
	assert_int_equal(purge(world, INT64_MAX), 5);
	assert_int_equal(count(world, "SELECT count(*) FROM job"), STORE_KEPT_ALWAYS);
	assert_int_equal(purge(world, 0), 0);
}

/* What is open is never forgotten, and does not count. */
static void
test_purge_spares_open_jobs(void **state)
{
	World *world = *state;

	add_ended(world, 3, 0);
	run_sql(world, "UPDATE job SET finished_at = 0, state = 'queued'");
	add_ended(world, STORE_KEPT_MOST + 2, 2000 * DAY_MS);
	assert_int_equal(purge(world, 0), 2);
	assert_int_equal(count(world, "SELECT count(*) FROM job WHERE state = 'queued'"), 3);
	assert_int_equal(count(world, "SELECT count(*) FROM job"), STORE_KEPT_MOST + 3);
}

static void
test_restore_points_are_limited(void **state)
{
	World *world = *state;
	PgbrError error;
	RestorePoint point = {.lsn = "0/1", .timeline = 1, .time = 1, .xid = "1"};

	run_sql(world,
			"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
			" INSERT INTO restore_point (name, timeline, lsn, time, xid)"
			" SELECT 'p' || i, 1, '0/1', 1, '1' FROM n");
	strcpy(point.name, "p10000");
	assert_false(job_store_add_point(world->store, &point, &error));
	assert_int_equal(error.code, PGBR_ERROR_DUPLICATE);
	assert_int_equal(count(world, "SELECT count(*) FROM restore_point"), STORE_POINTS_MOST);
	strcpy(point.name, "new");
	assert_true(job_store_add_point(world->store, &point, &error));
	assert_int_equal(count(world, "SELECT count(*) FROM restore_point"), STORE_POINTS_MOST);
	assert_int_equal(count(world, "SELECT count(*) FROM restore_point WHERE name = 'p1'"), 0);
	assert_int_equal(count(world, "SELECT count(*) FROM restore_point WHERE name = 'new'"), 1);
}

/* As a full disk: the file can't grow. */
static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
look_again(World *world)
{
	world->store->probed_at = -STORE_PROBE_MS;
}

static void
test_full_disk(void **state)
{
	World *world = *state;
	PgbrError error;

	assert_true(job_store_check(world->store, &error));
	limit_files(4096);
	/* not more often than the header says */
	assert_true(job_store_check(world->store, &error));
	look_again(world);
	assert_false(job_store_check(world->store, &error));
	assert_int_equal(error.code, PGBR_ERROR_STORAGE);
	assert_non_null(strstr(error.message, world->path));
	assert_non_null(strstr(error.hint, "file system"));
	limit_files(RLIM_INFINITY);
	assert_false(job_store_check(world->store, &error));
	look_again(world);
	assert_true(job_store_check(world->store, &error));
}

/* A write that fails says so to the next who asks, without a write of his own. */
static void
test_failed_write_is_remembered(void **state)
{
	World *world = *state;
	PgbrError error;
	RestorePoint point = {.name = "p", .lsn = "0/1", .timeline = 1, .time = 1, .xid = "1"};

	assert_true(job_store_check(world->store, &error));
	limit_files(4096);
	assert_false(job_store_add_point(world->store, &point, &error));
	limit_files(RLIM_INFINITY);
	assert_false(job_store_check(world->store, &error));
	look_again(world);
	assert_true(job_store_check(world->store, &error));
}

static void
write_at(const char *path, long offset, const char *text)
{
	FILE *file = fopen(path, "r+");

	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
close_store(World *world)
{
	job_store_close(world->store);
	world->store = NULL;
}

/* What can't be opened says why, and what to do. */
static void
cannot_open(World *world, const char *message, const char *hint)
{
	PgbrError error = PGBR_ERROR_INIT;

	world->store = job_store_open(world->folder, &error);
	assert_null(world->store);
	assert_int_equal(error.code, PGBR_ERROR_STORAGE);
	if (strstr(error.message, message) == NULL || strstr(error.hint, hint) == NULL)
		fail_msg("%s (%s)", error.message, error.hint);
}

static void
test_what_cannot_be_opened(void **state)
{
	World *world = *state;

	run_sql(world, "PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)");
	close_store(world);
	cannot_open(world, "form 99", "Run the version that wrote it");
	write_at(world->path, 0, "this is no database");
	cannot_open(world, "file is not a database", "move state.db, state.db-wal and state.db-shm");
	assert_int_equal(unlink(world->path), 0);
	assert_int_equal(mkdir(world->path, 0700), 0);
	cannot_open(world, "unable to open database file", "regular file");
	assert_int_equal(rmdir(world->path), 0);
	world->store = open_store(world->folder);
	close_store(world);
	assert_int_equal(chmod(world->path, 0400), 0);
	/* root may write all the same */
	if (geteuid() != 0)
		cannot_open(world, world->path, "belong to the sidecar's user");
}

/* Damage does not heal by a write elsewhere; what is moved away is made anew. */
static void
test_damage(void **state)
{
	World *world = *state;
	PgbrError error;
	int forgotten = 0;
	char away[100];

	add_ended(world, 2000, 2000 * DAY_MS);
	run_sql(world, "PRAGMA wal_checkpoint(TRUNCATE)");
	close_store(world);
	for (long page = 40; page < 90; page++)
		write_at(world->path, page * 4096, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
	world->store = open_store(world->folder);
	assert_false(job_store_purge(world->store, INT64_MAX, count_forgotten, &forgotten, &error));
	assert_non_null(strstr(error.message, "malformed"));
	assert_non_null(strstr(error.hint, "restore points are lost"));
	look_again(world);
	assert_false(job_store_check(world->store, &error));
	assert_non_null(strstr(error.message, "malformed"));
	close_store(world);
	snprintf(away, sizeof(away), "%s.damaged", world->path);
	assert_int_equal(rename(world->path, away), 0);
	world->store = open_store(world->folder);
	assert_true(job_store_check(world->store, &error));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_purge_by_age, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_purge_by_a_wrong_clock, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_purge_spares_open_jobs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restore_points_are_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failed_write_is_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_opened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
