// links:
/*
 * pgbackrest_file_test.c
 *		pgbackrest.conf as pgbackrest 2.45 was seen to read it.
 */
#include "program/pgbackrest_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static PgbrError error;

static bool
add(PgbackrestFile *file, const char *text)
{
	error = (PgbrError) PGBR_ERROR_INIT;
	return pgbackrest_file_add(file, "x.conf", text, strlen(text), &error);
}

static void
assert_option(const PgbackrestOption *option, const char *value, int line)
{
	assert_non_null(option);
	assert_string_equal(option->value, value);
	assert_int_equal(option->line, line);
}

static void
test_lines(void **state)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;

	(void) state;
	assert_true(add(&file, ""));
	assert_true(add(&file, "\n\n# a comment\n  \t\r\n"));
	assert_int_equal(file.count, 0);
	assert_true(add(&file, "[global]\r\n"
						   "  repo1-path = /a b \r\n"
						   "# io-timeout=1\n"
						   "\t# io-timeout=2\n"
						   "recovery-option=a=b=c\n"
						   "[main]\n"
						   "pg1-path=/x\n"
						   "[global]\n"
						   "compress-type=lz4"));
	assert_int_equal(file.count, 4);
	assert_option(pgbackrest_file_find(&file, NULL, NULL, "repo1-path"), "/a b", 2);
	assert_option(pgbackrest_file_find(&file, NULL, NULL, "recovery-option"), "a=b=c", 5);
	assert_option(pgbackrest_file_find(&file, NULL, NULL, "compress-type"), "lz4", 9);
	assert_null(pgbackrest_file_find(&file, NULL, NULL, "io-timeout"));
	assert_null(pgbackrest_file_find(&file, NULL, NULL, "pg1-path"));
	assert_null(pgbackrest_file_find(&file, "mai", NULL, "pg1-path"));
	assert_option(pgbackrest_file_find(&file, "main", "backup", "pg1-path"), "/x", 7);
	pgbackrest_file_done(&file);
	pgbackrest_file_done(&file);
}

static void
test_precedence(void **state)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;

	(void) state;
	assert_true(add(&file, "[global]\na=1\n[global:backup]\na=2\n[main]\na=3\n[main:backup]\na=4\n"
						   "[global]\nb=1\n[global:backup]\nb=2\n"));
	assert_option(pgbackrest_file_find(&file, "main", "backup", "a"), "4", 8);
	assert_option(pgbackrest_file_find(&file, "main", "expire", "a"), "3", 6);
	assert_option(pgbackrest_file_find(&file, "other", "backup", "a"), "2", 4);
	assert_option(pgbackrest_file_find(&file, NULL, NULL, "a"), "1", 2);
	assert_option(pgbackrest_file_find(&file, "main", "backup", "b"), "2", 12);
	assert_option(pgbackrest_file_find(&file, "main", NULL, "b"), "1", 10);
	pgbackrest_file_done(&file);
}

static void
test_lists_and_files(void **state)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	const PgbackrestOption *option;

	(void) state;
	assert_true(
		add(&file, "[global]\ndb-include=a\nx=1\n[main]\ndb-include=z\n[global]\ndb-include=b\n"));
	/* as a file of conf.d would */
	assert_true(add(&file, "[global]\ndb-include=c\n"));
	option = pgbackrest_file_find(&file, NULL, NULL, "db-include");
	assert_option(option, "a", 2);
	option = pgbackrest_file_next(&file, option);
	assert_option(option, "b", 7);
	option = pgbackrest_file_next(&file, option);
	assert_option(option, "c", 2);
	assert_null(pgbackrest_file_next(&file, option));
	pgbackrest_file_done(&file);
}

static void
test_stanzas_and_repositories(void **state)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	const char *rest;
	char stanza[65];
	size_t from = 0;

	(void) state;
	assert_true(add(&file,
					"[global]\nrepo2-path=/x\n[main:backup]\na=1\n[other]\nrepo4-path=/y\n"
					"repo999-path=/y\nrepo0-path=/y\nrepo-path=/y\nrepository=1\n[main]\nb=1\n"
					"[globally]\nc=1\n"));
	assert_true(pgbackrest_file_stanza(&file, &from, stanza, sizeof(stanza)));
	assert_string_equal(stanza, "main");
	assert_true(pgbackrest_file_stanza(&file, &from, stanza, sizeof(stanza)));
	assert_string_equal(stanza, "other");
	assert_true(pgbackrest_file_stanza(&file, &from, stanza, sizeof(stanza)));
	assert_string_equal(stanza, "globally");
	assert_false(pgbackrest_file_stanza(&file, &from, stanza, sizeof(stanza)));
	assert_int_equal(pgbackrest_file_last_repo(&file, "main"), 2);
	assert_int_equal(pgbackrest_file_last_repo(&file, "other"), 4);
	assert_int_equal(pgbackrest_file_last_repo(&file, NULL), 2);
	pgbackrest_file_done(&file);

	assert_int_equal(pgbackrest_option_repo("repo12-s3-key", &rest), 12);
	assert_string_equal(rest, "s3-key");
	assert_int_equal(pgbackrest_option_repo("repo256-path", NULL), 256);
	assert_int_equal(pgbackrest_option_repo("repo257-path", NULL), 0);
	assert_int_equal(pgbackrest_option_repo("repo1", NULL), 0);
	assert_int_equal(pgbackrest_option_repo("repo01-path", NULL), 0);
}

static void
test_refused(void **state)
{
	static const struct
	{
		const char *text;
		int line;
		const char *reason;
	} table[] = {
		{"x=1\n[global]\n", 1, "an option stands before the first section"},
		{"\n[global\nx=1\n", 2, "a section does not end with ]"},
		{"[global] # why\n", 1, "a section does not end with ]"},
		{"[\n", 1, "a section does not end with ]"},
		{"[]\n", 1, "a section has no name"},
		{"[global]\nrepo1-path\n", 2, "an option has no ="},
		{"[global]\n; comment\n", 2, "an option has no ="},
		{"[global]\n = 1\n", 2, "an option has no name"},
		{"[global]\na=1\nrepo1-path= \n", 3, "an option has no value"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		PgbackrestFile file = PGBACKREST_FILE_INIT;
		char detail[100];

		snprintf(detail, sizeof(detail), "File \"x.conf\", line %d.", table[i].line);
		if (add(&file, table[i].text))
			fail_msg("%s: was taken", table[i].text);
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
		if (strstr(error.message, table[i].reason) == NULL || strcmp(error.detail, detail) != 0 ||
			error.hint[0] == '\0')
			fail_msg("%s: %s | %s", table[i].text, error.message, error.detail);
		pgbackrest_file_done(&file);
	}
}

static void
test_nul(void **state)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;

	(void) state;
	assert_false(pgbackrest_file_add(&file, "x.conf", "[global]\na=1\0b\n", 15, &error));
	assert_non_null(strstr(error.message, "a NUL character"));
	pgbackrest_file_done(&file);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),			cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_lists_and_files), cmocka_unit_test(test_stanzas_and_repositories),
		cmocka_unit_test(test_refused),			cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
