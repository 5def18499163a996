// links: sidecar/runner/expiry sidecar/pgbackrest/retention_info sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error sidecar/queue/job
/*
 * expiry_test.c
 *		What pgbackrest is told to remove where backups are pinned, in two repositories of which one
 *		can't be looked into.
 */
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/runner/expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char config_path[] = "/tmp/expiry_test_XXXXXX";
static SidecarConfig config = {
	.stanza = "main", .pgbackrest = "pgbackrest", .pgbackrest_config = config_path};

static int
write_config(void **state)
{
	static const char text[] = "[global]\nrepo1-retention-full=1\nrepo1-retention-diff=1\n"
							   "repo2-path=/r\nrepo2-retention-full=1\n"
							   "repo2-retention-archive-type=diff\nrepo2-retention-archive=1\n";
	int file = mkstemp(config_path);

	(void) state;
	return file < 0 || write(file, text, sizeof(text) - 1) != sizeof(text) - 1 || close(file) != 0;
}

static int
remove_config(void **state)
{
	(void) state;
	return unlink(config_path);
}

static json_t *
backup(int repo, const char *label, const char *prior, const char *pin)
{
	const char letter = label[strlen(label) - 1];
	json_t *object = json_pack(
		"{s:s, s:s, s:s?, s:{s:i, s:i}, s:{s:s, s:s}, s:{s:i}}", "label", label, "type",
		letter == 'F'	? "full"
		: letter == 'D' ? "diff"
						: "incr",
		"prior", prior, "database", "id", 1, "repo-key", repo, "archive", "start",
		"000000010000000000000001", "stop", "000000010000000000000001", "timestamp", "stop", 1);

	if (pin)
		json_object_set_new(object, "annotation", json_pack("{s:s}", "pinned", pin));
	return object;
}

static json_t *
document(int status_of_second)
{
	json_t *backups = json_array();

	json_array_append_new(backups, backup(1, "20261101-000000F", NULL, NULL));
	json_array_append_new(
		backups, backup(1, "20261101-000000F_20261102-000000D", "20261101-000000F", "why"));
	json_array_append_new(backups, backup(1, "20261101-000000F_20261103-000000I",
										  "20261101-000000F_20261102-000000D", NULL));
	json_array_append_new(backups, backup(1, "20261104-000000F", NULL, NULL));
	json_array_append_new(backups,
						  backup(1, "20261104-000000F_20261105-000000I", "20261104-000000F", NULL));
	json_array_append_new(backups, backup(1, "20261106-000000F", NULL, NULL));
	if (status_of_second == 0)
	{
		json_array_append_new(backups, backup(2, "20261101-000000F", NULL, NULL));
		json_array_append_new(backups, backup(2, "20261106-000000F", NULL, NULL));
	}
	return json_pack("[{s:s, s:o, s:[], s:[{s:i, s:{s:i, s:s}}, {s:i, s:{s:i, s:s}}]}]", "name",
					 "main", "backup", backups, "archive", "repo", "key", 1, "status", "code", 0,
					 "message", "ok", "key", 2, "status", "code", status_of_second, "message",
					 status_of_second ? "unable to connect" : "ok");
}

static void
is_command(const Expiry *expiry, int step, bool dry_run, const char *wanted)
{
	Command command;
	char line[1024] = "";

	assert_true(step < expiry->count);
	pgbackrest_expire_command(&config, &expiry->steps[step], dry_run, &command);
	/* what every command line begins with is not looked at */
	for (int i = 5; i < command.count; i++)
	{
		strcat(line, i > 5 ? " " : "");
		strcat(line, command.argv[i]);
	}
	assert_false(command.failed);
	assert_string_equal(line, wanted);
	command_done(&command);
}

#define WAL_ALONE(repo)                                                                           \
	" --repo" repo "-retention-full-type=count --repo" repo "-retention-full=9999999 --repo" repo \
	"-retention-diff=9999999"

static void
test_plan(void **state)
{
	json_t *info = document(0);
	Expiry expiry;
	PgbrError error;

	(void) state;
	assert_true(expiry_plan(&config, info, 0, &expiry, &error));
	assert_false(expiry.unread);
	assert_int_equal(expiry.count, 5);
	/* of a chain the first is named; what the pinned one builds on stays, what builds on it goes */
	is_command(&expiry, 0, false,
			   "--repo=1 --repo1-retention-archive-type=full --repo1-retention-archive=9999999 "
			   "--set=20261101-000000F_20261103-000000I expire");
	is_command(&expiry, 1, true,
			   "--repo=1 --repo1-retention-archive-type=full --repo1-retention-archive=9999999 "
			   "--set=20261104-000000F --dry-run expire");
	is_command(&expiry, 2, false,
			   "--repo=1 --repo1-retention-archive-type=full --repo1-retention-archive=1" WAL_ALONE(
				   "1") " expire");
	is_command(&expiry, 3, false,
			   "--repo=2 --repo2-retention-archive-type=full --repo2-retention-archive=9999999 "
			   "--set=20261101-000000F expire");
	is_command(&expiry, 4, false,
			   "--repo=2 --repo2-retention-archive-type=diff --repo2-retention-archive=1" WAL_ALONE(
				   "2") " expire");
	assert_non_null(strstr(expiry.notes.data, "repo1: backup 20261104-000000F is to go\n"));
	assert_non_null(strstr(expiry.notes.data,
						   "repo1: backup 20261101-000000F_20261102-000000D stays, or it would go: "
						   "pinned: why\n"));
	expiry_done(&expiry);
	expiry_done(&expiry);
	assert_true(expiry_plan(&config, info, 2, &expiry, &error));
	assert_int_equal(expiry.count, 2);
	expiry_done(&expiry);
	json_decref(info);
}

static void
test_unread(void **state)
{
	json_t *info = document(99);
	Expiry expiry;
	PgbrError error;

	(void) state;
	assert_true(expiry_plan(&config, info, 0, &expiry, &error));
	assert_int_equal(expiry.count, 3);
	assert_true(expiry.unread);
	assert_string_equal(expiry.reason, "could not look into repository 2: unable to connect");
	expiry_done(&expiry);
	assert_true(expiry_plan(&config, info, 1, &expiry, &error));
	assert_false(expiry.unread);
	expiry_done(&expiry);
	json_decref(info);
}

/* A repository without a backup can be read; of several that can't, the first is told. */
static void
test_readable(void **state)
{
	static const struct
	{
		int codes[2];
		int wanted;
		const char *reason; /* NULL: all could be read */
	} rows[] = {
		{{0, 2}, 0, NULL},
		{{2, 2}, 2, NULL},
		{{1, 99}, 0, "could not look into repository 1: bad 1"},
		{{1, 99}, 2, "could not look into repository 2: bad 2"},
		{{1, 99}, 1, "could not look into repository 1: bad 1"},
		{{1, 0}, 2, NULL},
		{{2, 99}, 0, "could not look into repository 2: bad 2"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		json_t *info = json_pack(
			"[{s:s, s:[], s:[], s:[{s:i, s:{s:i, s:s}}, {s:i, s:{s:i, s:s}}]}]", "name", "main",
			"backup", "archive", "repo", "key", 1, "status", "code", rows[i].codes[0], "message",
			"bad 1", "key", 2, "status", "code", rows[i].codes[1], "message", "bad 2");
		Expiry expiry;
		PgbrError error;

		assert_non_null(info);
		assert_true(expiry_plan(&config, info, rows[i].wanted, &expiry, &error));
		assert_int_equal(expiry.unread, rows[i].reason != NULL);
		if (rows[i].reason)
			assert_string_equal(expiry.reason, rows[i].reason);
		expiry_done(&expiry);
		json_decref(info);
	}
}

/* What depends on the very first backup goes with it; the same label elsewhere is another. */
static void
test_first_chain(void **state)
{
	json_t *info = document(0);
	json_t *backups = json_array();
	Expiry expiry;
	PgbrError error;

	(void) state;
	json_array_append_new(backups, backup(1, "20261101-000000F", NULL, NULL));
	json_array_append_new(backups,
						  backup(1, "20261101-000000F_20261102-000000D", "20261101-000000F", NULL));
	json_array_append_new(backups, backup(2, "20261101-000000F", NULL, NULL));
	json_array_append_new(backups,
						  backup(2, "20261101-000000F_20261103-000000D", "20261101-000000F", NULL));
	json_array_append_new(backups, backup(1, "20261106-000000F", NULL, NULL));
	json_object_set_new(json_array_get(info, 0), "backup", backups);
	assert_true(expiry_plan(&config, info, 0, &expiry, &error));
	assert_int_equal(expiry.count, 3);
	is_command(&expiry, 0, false,
			   "--repo=1 --repo1-retention-archive-type=full --repo1-retention-archive=9999999 "
			   "--set=20261101-000000F expire");
	assert_string_equal(expiry.steps[1].label, "");
	assert_int_equal(expiry.steps[1].repo, 1);
	assert_string_equal(expiry.steps[2].label, "");
	assert_int_equal(expiry.steps[2].repo, 2);
	expiry_done(&expiry);
	json_decref(info);
}

static void
test_set(void **state)
{
	static const struct
	{
		const char *label;
		int repo;
		bool free_to_go;
	} cases[] = {
		{"20261101-000000F", 0, false},
		{"20261101-000000F", 2, true},
		{"20261101-000000F_20261102-000000D", 1, false},
		{"20261101-000000F_20261103-000000I", 1, true},
		{"20261104-000000F", 0, true},
		{"20200101-000000F", 0, true},
	};
	json_t *info = document(0);

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		JobRequest request = {.kind = PGBR_JOB_EXPIRE, .repo = cases[i].repo};
		PgbrError error = PGBR_ERROR_INIT;

		strcpy(request.set, cases[i].label);
		assert_int_equal(expiry_check_set(&config, info, &request, &error), cases[i].free_to_go);
		if (!cases[i].free_to_go)
			assert_int_equal(error.code, PGBR_ERROR_CONFLICT);
	}
	json_decref(info);
}

/* It is let go by giving the undo up, not by an unpin. */
static void
test_way_back(void **state)
{
	json_t *info = document(0);
	json_t *of_undo = json_array_get(json_object_get(json_array_get(info, 0), "backup"), 4);
	JobRequest request = {.kind = PGBR_JOB_EXPIRE, .repo = 1, .set = "20261104-000000F"};
	PgbrError error = PGBR_ERROR_INIT;
	Expiry expiry;

	(void) state;
	json_object_set_new(
		of_undo, "annotation",
		json_pack("{s:s}", "way-back", "20261106T120000-ab12 until 9999-01-01T00:00:00Z"));
	assert_false(expiry_check_set(&config, info, &request, &error));
	assert_string_equal(error.message,
						"backup 20261104-000000F is kept: undo of a restore starts from "
						"20261104-000000F_20261105-000000I");
	assert_string_equal(
		error.detail,
		"It is the way back of restore 20261106T120000-ab12 until 9999-01-01T00:00:00Z.");
	assert_string_equal(error.hint, "\"pgbackrest_ctl restore --accept\" gives the undo up.");
	assert_true(expiry_plan(&config, info, 1, &expiry, &error));
	assert_int_equal(expiry.count, 2);
	is_command(&expiry, 1, false,
			   "--repo=1 --repo1-retention-archive-type=full --repo1-retention-archive=2" WAL_ALONE(
				   "1") " expire");
	expiry_done(&expiry);
	json_decref(info);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),	 cmocka_unit_test(test_unread),
		cmocka_unit_test(test_readable), cmocka_unit_test(test_first_chain),
		cmocka_unit_test(test_set),		 cmocka_unit_test(test_way_back),
	};

	return cmocka_run_group_tests(tests, write_config, remove_config);
}
