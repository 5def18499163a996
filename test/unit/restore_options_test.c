/*
 * restore_options_test.c
 *		The table of the options of pgbackrest's restore, against what pgbackrest itself tells, and
 *		what is said of those that are set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program/restore_options.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each option of the installed version has a row of its own rule, and no row is twice. */
static void
test_help(void **state)
{
	FILE *help = popen("pgbackrest help restore", "r");
	char line[256];
	int count = 0;

	(void) state;
	assert_non_null(help);
	while (fgets(line, sizeof(line), help))
	{
		char name[128];

		if (sscanf(line, "  --%127[a-z0-9-]", name) != 1)
			continue;
		count++;
		if (restore_option_find(name) == NULL)
			fail_msg("option \"%s\" of restore is not in the table", name);
	}
	assert_int_equal(pclose(help), 0);
	assert_true(count > 60);
	for (const RestoreOption *a = restore_options; a->name; a++)
	{
		bool taken_back = a->rule == RESTORE_OPTION_OVERRIDDEN || a->rule == RESTORE_OPTION_PLACED;

		assert_int_equal(taken_back, a->argument != NULL);
		/* the first that fits counts */
		assert_ptr_equal(restore_option_find(a->name), a);
	}
}

/* What is taken back is taken by the installed version. */
static void
test_arguments(void **state)
{
	char command[1024] = "pgbackrest --stanza=none --pg1-path=/nowhere --repo1-path=/nowhere"
						 " --log-level-console=off --log-level-stderr=off --log-level-file=off"
						 " --lock-path=/nowhere";
	int status;

	(void) state;
	for (const RestoreOption *option = restore_options; option->name; option++)
	{
		if (option->argument)
			snprintf(command + strlen(command), sizeof(command) - strlen(command), " %s",
					 option->argument);
	}
	strcat(command, " restore >/dev/null 2>&1");
	status = system(command);
	/* 75: there is no backup to restore; 31 and its neighbours are those of options */
	assert_int_equal(status / 256, 75);
}

static const char text[] = "[global]\n"
						   "db-exclude=scratch\n"
						   "link-all=y\n"
						   "start-fast=y\n"
						   "process-max=4\n"
						   "repo1-path=/x\n"
						   "made-up=1\n"
						   "[global:restore]\n"
						   "archive-mode=off\n"
						   "[global:backup]\n"
						   "force=y\n"
						   "[main]\n"
						   "pg1-path=/data\n"
						   "recovery-option=a=b\n"
						   "recovery-option=c=d\n"
						   "[main:restore]\n"
						   "db-exclude=more\n"
						   "repo1-target-time=2026-11-30 12:00:00+00\n"
						   "[other]\n"
						   "db-include=x\n";

static char *environment[] = {
	"PATH=/bin",
	"PGBACKREST_TARGET_EXCLUSIVE=y",
	"PGBACKREST_FORCE=",
	"PGBACKREST_SERVICE_HOST=10.0.0.1",
	"PGBACKREST_REPO1_S3_KEY=key",
	"PGBACKREST_ARCHIVE_MODE=off",
	NULL,
};

static void
test_list(void **state)
{
	static const char *const expected[][3] = {
		{"target-exclusive", "PGBACKREST_TARGET_EXCLUSIVE in the environment of the sidecar",
		 "refused"},
		{"archive-mode", "PGBACKREST_ARCHIVE_MODE in the environment of the sidecar", "overridden"},
		{"db-exclude", "section [main:restore] of pgbackrest.conf", "overridden"},
		{"made-up", "section [global] of pgbackrest.conf", "unknown"},
		{"recovery-option", "section [main] of pgbackrest.conf", "overridden"},
		{"repo1-target-time", "section [main:restore] of pgbackrest.conf", "refused"},
	};
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	PgbrError error;
	json_t *list;

	(void) state;
	assert_true(pgbackrest_file_add(&file, "f", text, sizeof(text) - 1, &error));
	list = restore_options_list(&file, "main", environment);
	assert_int_equal(json_array_size(list), sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
	{
		const json_t *item = json_array_get(list, i);

		assert_string_equal(json_string_value(json_object_get(item, "option")), expected[i][0]);
		assert_string_equal(json_string_value(json_object_get(item, "where")), expected[i][1]);
		assert_string_equal(json_string_value(json_object_get(item, "effect")), expected[i][2]);
	}
	json_decref(list);
	pgbackrest_file_done(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
