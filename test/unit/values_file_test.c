/*
 * values_file_test.c
 *		Values files as such: those that can't be read, and those that are meant to hurt.
 */
#include "common/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static PgbrError error;

static bool
parse(const char *text, PgbrValues *values)
{
	error = (PgbrError) PGBR_ERROR_INIT;
	return pgbr_values_parse("values.yaml", text, strlen(text), values, &error);
}

/* Append a text many times. */
static char *
repeat(const char *before, const char *text, int count, const char *after)
{
	size_t length = strlen(text);
	char *result = malloc(strlen(before) + length * (size_t) count + strlen(after) + 1);
	char *end = stpcpy(result, before);

	for (int i = 0; i < count; i++)
		end = stpcpy(end, text);
	strcpy(end, after);
	return result;
}

/* The processor's time that a file takes to be read. */
static double
seconds_for(char *text, bool taken)
{
	PgbrValues values;
	clock_t start = clock();

	assert_int_equal(parse(text, &values), taken);
	if (taken)
		pgbr_values_done(&values);
	free(text);
	return (double) (clock() - start) / CLOCKS_PER_SEC;
}

/* Each of these files is close to the limit of size. */
static void
test_hostile(void **state)
{
	const int size = 1000000;
	/* valgrind takes 50 times as long for all */
	const double limit = getenv("PGBR_VALGRIND") ? 100 : 2;
	PgbrValues values;
	char *text;

	(void) state;
	assert_true(seconds_for(repeat("a: ", "[", size, "\n"), false) < limit);
	assert_non_null(strstr(error.message, "nested more than 64 levels deep"));
	assert_true(seconds_for(repeat("pgBackRest: {resources: ", "{a: ", size / 4, "\n"), false) <
				limit);
	assert_non_null(strstr(error.message, "nested more than 64 levels deep"));
	assert_true(seconds_for(repeat("", "? ", size / 2, "\n"), false) < limit);
	assert_true(seconds_for(repeat("a: ", "- ", size / 2, "\n"), false) < limit);
	assert_true(seconds_for(repeat("a: [", "&b *b,", size / 6, "]\n"), false) < limit);
	assert_true(seconds_for(repeat("a: [", "&b x,*b,", size / 8, "]\n"), true) < limit);
	assert_true(seconds_for(repeat("a: [", "x,", size / 2, "]\n"), true) < limit);
	assert_true(seconds_for(repeat("a: \"", "\\x41", size / 4, "\"\n"), true) < limit);
	assert_true(seconds_for(repeat("", "a: b\n", size / 5, ""), true) < limit);
	assert_true(seconds_for(repeat("pgBackRest:\n", "  a: b\n", size / 7, ""), true) < limit);
	assert_true(seconds_for(repeat("pgBackRest:\n  configParams:\n", "    a: b\n", size / 9, ""),
							true) < limit);
	assert_true(seconds_for(repeat("pgBackRest:\n  configParams:\n", "  - a=b\n", size / 8, ""),
							true) < limit);
	assert_true(seconds_for(repeat("", "%TAG !a! x\n", size / 11, "--- a: b\n"), false) < limit);
	assert_non_null(strstr(error.message, "has more than 100 %TAG directives"));

	text = repeat("pgBackRest:\n  rwx:\n    volumes:\n", "    - v\n", 1001, "");
	assert_true(parse(text, &values));
	assert_int_equal(values.rwx.volumes.count, 1000);
	assert_int_equal(values.problem_count, 1);
	pgbr_values_done(&values);
	free(text);
	text = repeat("pgBackRest:\n", "  a: b\n", 100, "  fullSchedule: '@daily'\n");
	assert_true(parse(text, &values));
	assert_int_equal(values.problem_count, PGBR_VALUES_MAX_PROBLEMS);
	assert_string_equal(values.full_schedule.text, "@daily");
	pgbr_values_done(&values);
	free(text);
}

/* An alias is not expanded: the classic bomb is a small, right file, and an alias in our section is
 * a problem of its key. */
static void
test_alias_bomb(void **state)
{
	PgbrValues values;

	(void) state;
	assert_true(parse("a: &a [x,x,x,x,x,x,x,x,x]\n"
					  "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
					  "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
					  "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
					  "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
					  "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
					  "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"
					  "pgBackRest:\n"
					  "  fullSchedule: '@weekly'\n"
					  "  rwx: {volumes: *g}\n"
					  "  drS3: *g\n"
					  "  resources: *g\n",
					  &values));
	assert_int_equal(values.problem_count, 3);
	assert_string_equal(values.full_schedule.text, "@weekly");
	assert_string_equal(values.problems[0].detail, "File \"values.yaml\", line 10, column 18.");
	pgbr_values_done(&values);
}

static const char good[] = "pgBackRest:\n  fullSchedule: '@daily'\n";

static char folder[] = "/tmp/values_test.XXXXXX";

static const char *
in_folder(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void
assert_unreadable(const char *path, const char *reason)
{
	PgbrValues values;

	assert_false(pgbr_values_read(path, &values, &error));
	assert_int_equal(error.code, PGBR_ERROR_CONFIG);
	assert_non_null(strstr(error.message, path));
	if (strstr(error.message, reason) == NULL)
		fail_msg("%s", error.message);
	assert_false(values.found);
}

static void
test_files(void **state)
{
	PgbrValues values;
	char *bomb =
		repeat("a: &a [x,x,x,x,x,x,x,x]\n", "b: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n", 330000, "");
	clock_t start;

	(void) state;
	assert_non_null(mkdtemp(folder));
	assert_unreadable(in_folder("missing.yaml"), "could not open");
	assert_unreadable(in_folder("missing.yaml"), "No such file or directory");
	assert_unreadable(folder, "is not a regular file");
	assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
	assert_unreadable(in_folder("pipe"), "is not a regular file");
	assert_unreadable("/proc/self/mem", "could not read file");

	/* 10 MB of aliases are answered at once */
	assert_true(strlen(bomb) > 10000000);
	write_file(in_folder("bomb.yaml"), bomb, strlen(bomb));
	start = clock();
	assert_unreadable(in_folder("bomb.yaml"), "is larger than 1048576 bytes");
	assert_true((double) (clock() - start) / CLOCKS_PER_SEC < 0.5);
	free(bomb);

	/* to the byte */
	bomb = repeat("", "#", (int) PGBR_VALUES_MAX_SIZE, "\n");
	write_file(in_folder("full.yaml"), bomb, PGBR_VALUES_MAX_SIZE);
	assert_true(pgbr_values_read(in_folder("full.yaml"), &values, &error));
	pgbr_values_done(&values);
	write_file(in_folder("full.yaml"), bomb, PGBR_VALUES_MAX_SIZE + 1);
	assert_unreadable(in_folder("full.yaml"), "is larger than 1048576 bytes");
	free(bomb);

	write_file(in_folder("good.yaml"), good, strlen(good));
	assert_int_equal(symlink("good.yaml", in_folder("link.yaml")), 0);
	assert_true(pgbr_values_read(in_folder("link.yaml"), &values, &error));
	assert_string_equal(values.full_schedule.text, "@daily");

	/* what the caller finds wrong with a value gets its place */
	pgbr_error_set(&error, PGBR_ERROR_INVALID_VALUE, "invalid schedule");
	assert_false(pgbr_values_locate("v.yaml", &values.full_schedule, &error));
	assert_string_equal(error.detail, "File \"v.yaml\", line 2, column 17.");
	pgbr_error_detail(&error, "The error is at offset 3.");
	pgbr_values_locate("v.yaml", &values.full_schedule, &error);
	assert_string_equal(error.detail,
						"File \"v.yaml\", line 2, column 17. The error is at offset 3.");
	assert_false(pgbr_values_locate("v.yaml", &values.full_schedule, NULL));
	pgbr_values_done(&values);
}

static int
remove_folder(void **state)
{
	static const char *const names[] = {"pipe", "bomb.yaml", "full.yaml", "good.yaml", "link.yaml"};

	(void) state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(names[i]));
	rmdir(folder);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test_teardown(test_files, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
