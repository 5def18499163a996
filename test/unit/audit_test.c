// links: sidecar/queue/audit_fold sidecar/queue/audit_store sidecar/queue/store_db sidecar/queue/store_statement sidecar/queue/job_store sidecar/queue/job
/*
 * audit_test.c
 *		Which refusals become rows, and that rows stay as they are.
 */
#include "sidecar/queue/audit_fold.h"
#include "sidecar/queue/audit_store.h"
#include "sidecar/queue/store_statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_MS ((int64_t) 86400 * 1000)

static AuditRow
refusal(const char *peer, int status)
{
	AuditRow row = {.time = 1, .count = 1, .status = status, .is_refusal = true};

	strcpy(row.caller, "anonymous");
	strcpy(row.listener, "listen");
	strcpy(row.method, "GET");
	strcpy(row.path, "/v1/jobs");
	snprintf(row.peer, sizeof(row.peer), "%s", peer);
	return row;
}

static bool
add(AuditFold *fold, const char *peer, int status, int64_t now)
{
	AuditRow row = refusal(peer, status);

	return audit_fold_add(fold, &row, now);
}

static void
test_repeats(void **state)
{
	AuditFold fold = {0};
	AuditRow row;

	(void) state;
	assert_true(add(&fold, "192.0.2.1", 401, 1000));
	for (int i = 0; i < 99; i++)
		assert_false(add(&fold, "192.0.2.1", 401, 1000 + i));
	assert_true(add(&fold, "192.0.2.2", 401, 1000));
	assert_true(add(&fold, "192.0.2.1", 403, 1000));
	assert_false(audit_fold_take(&fold, 2000, false, &row));
	/* the minute is over */
	assert_true(audit_fold_take(&fold, 1000 + AUDIT_FOLD_MS, false, &row));
	assert_int_equal(row.count, 99);
	assert_string_equal(row.peer, "192.0.2.1");
	assert_false(audit_fold_take(&fold, 1000 + AUDIT_FOLD_MS, false, &row));
	assert_true(add(&fold, "192.0.2.1", 401, 1000 + AUDIT_FOLD_MS));
}

/* Whoever reads the audit sees all, and the rest of the minute is counted on. */
static void
test_take_all(void **state)
{
	AuditFold fold = {0};
	AuditRow row;

	(void) state;
	add(&fold, "192.0.2.1", 401, 1000);
	assert_false(audit_fold_take(&fold, 1001, true, &row));
	add(&fold, "192.0.2.1", 401, 1002);
	assert_true(audit_fold_take(&fold, 1003, true, &row));
	assert_int_equal(row.count, 1);
	assert_false(audit_fold_take(&fold, 1003, true, &row));
	assert_false(add(&fold, "192.0.2.1", 401, 1004));
	assert_true(audit_fold_take(&fold, 1000 + AUDIT_FOLD_MS, false, &row));
	assert_int_equal(row.count, 1);
}

/* From more addresses than there are slots: a bounded number of rows, and none is lost. */
static void
test_flood(void **state)
{
	AuditFold fold = {0};
	AuditRow row;
	int rows = 0;
	int counted = 0;

	(void) state;
	for (int i = 0; i < 10000; i++)
	{
		char peer[64];

		snprintf(peer, sizeof(peer), "2001:db8::%x", i);
		counted += add(&fold, peer, 401, 1000 + i);
	}
	assert_int_equal(counted, AUDIT_FOLD_SLOTS);
	while (audit_fold_take(&fold, 100 * AUDIT_FOLD_MS, false, &row))
	{
		rows++;
		counted += row.count;
		assert_string_equal(row.peer, "others");
	}
	assert_int_equal(rows, 1);
	assert_int_equal(counted, 10000);
}

typedef struct World
{
	char dir[64];
	JobStore *store;
} World;

static int
set_up(void **state)
{
	World *world = calloc(1, sizeof(*world));
	PgbrError error;

	strcpy(world->dir, "/tmp/pgbr-audit-XXXXXX");
	if (mkdtemp(world->dir) == NULL || (world->store = job_store_open(world->dir, &error)) == NULL)
		return -1;
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	World *world = *state;
	char path[128];
	static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm", "lock"};

	job_store_close(world->store);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		snprintf(path, sizeof(path), "%s/%s", world->dir, files[i]);
		unlink(path);
	}
	rmdir(world->dir);
	free(world);
	return 0;
}

static void
append(const AuditRow *row, void *argument)
{
	strcat(strcat(argument, row->peer), " ");
}

static void
test_append_only(void **state)
{
	World *world = *state;
	AuditRow row = refusal("192.0.2.1", 0);
	AuditRow other = refusal("192.0.2.2", 401);
	char peers[256] = "";
	PgbrError error;

	assert_true(audit_store_add(world->store, &row, 0, &error));
	assert_true(audit_store_add(world->store, &other, 0, &error));
	row.status = 202;
	strcpy(row.concerns, "job-1");
	assert_true(audit_store_end(world->store, &row, &error));
	/* once */
	row.status = 500;
	assert_false(audit_store_end(world->store, &row, &error));
	assert_int_equal(error.code, PGBR_ERROR_STORAGE);
	assert_false(audit_store_end(world->store, &other, &error));
	assert_int_not_equal(
		sqlite3_exec(world->store->db, "UPDATE audit SET caller = 'nobody'", NULL, NULL, NULL),
		SQLITE_OK);
	assert_true(audit_store_list(world->store, 0, 10, append, peers, &error));
	assert_string_equal(peers, "192.0.2.2 192.0.2.1 ");
	peers[0] = '\0';
	assert_true(audit_store_list(world->store, other.id, 10, append, peers, &error));
	assert_string_equal(peers, "192.0.2.1 ");
}

static void
fill(World *world, int rows, int is_refusal, int64_t time)
{
	char sql[600];

	snprintf(sql, sizeof(sql),
			 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
			 " INSERT INTO audit (time, count, status, is_refusal, caller, claimed_by, peer,"
			 " listener, method, path, concerns)"
			 " SELECT %lld, 1, 401, %d, '', '', '', '', '', '', '' FROM n",
			 rows, (long long) time, is_refusal);
	assert_int_equal(sqlite3_exec(world->store->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int
count(World *world, const char *where)
{
	char sql[200];
	sqlite3_stmt *statement;
	int rows;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE %s", where);
	assert_int_equal(sqlite3_prepare_v2(world->store->db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	rows = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return rows;
}

/* Enough rows for what is too old or too much to be forgotten. */
static void
add_some(World *world, int64_t before)
{
	PgbrError error;

	for (int i = 0; i < 256; i++)
	{
		AuditRow row = refusal("192.0.2.1", 401);

		row.time = 5000 * DAY_MS;
		assert_true(audit_store_add(world->store, &row, before, &error));
	}
}

static void
test_retention(void **state)
{
	World *world = *state;

	fill(world, 500, 0, 1000 * DAY_MS);
	fill(world, STORE_KEPT_ALWAYS, 0, 2000 * DAY_MS);
	assert_int_equal(sqlite3_exec(world->store->db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	add_some(world, 1500 * DAY_MS);
	assert_int_equal(count(world, "time < 1500 * 86400000"), 0);
	assert_int_equal(count(world, "NOT is_refusal"), STORE_KEPT_ALWAYS);
	/* a clock that is years ahead leaves the newest */
	add_some(world, INT64_MAX);
	assert_in_range(count(world, "true"), STORE_KEPT_ALWAYS, STORE_KEPT_ALWAYS + 255);
	/* who may only knock drives out nobody's changes */
	fill(world, 10, 0, 6000 * DAY_MS);
	fill(world, 60000, 1, 6000 * DAY_MS);
	add_some(world, 0);
	assert_in_range(count(world, "is_refusal"), 50000, 50255);
	assert_int_equal(count(world, "NOT is_refusal AND time = 6000 * 86400000"), 10);
	assert_int_equal(sqlite3_exec(world->store->db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_take_all),
		cmocka_unit_test(test_flood),
		cmocka_unit_test_setup_teardown(test_append_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_retention, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
