/*
 * retention_settings_test.c
 *		Which value counts when there are several, and in which files pgbackrest looks.
 */
#include "program/retention_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static bool
read_text(const char *text, bool environment, RetentionConfig *config, PgbrError *error)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	bool done;

	assert_true(pgbackrest_file_add(&file, "x", text, strlen(text), error));
	done = retention_settings_of_file(&file, "main", environment, config, error);
	pgbackrest_file_done(&file);
	return done;
}

static void
test_nothing(void **state)
{
	RetentionConfig config;
	PgbrError error;

	(void) state;
	assert_true(read_text("", false, &config, &error));
	assert_int_equal(config.count, 1);
	assert_int_equal(config.repos[0].repo, 1);
	assert_int_equal(config.repos[0].full, 0);
	assert_false(config.repos[0].full_by_time);
	assert_int_equal(config.repos[0].archive_type, PGBR_BACKUP_FULL);
	assert_true(config.expire_auto);
}

static void
test_sections(void **state)
{
	static const char text[] =
		"[global]\nrepo1-retention-full=1\nrepo1-retention-diff=2\n"
		"repo2-path=/r\nrepo2-retention-full-type=time\nretention-archive=7\n"
		"[global:expire]\nrepo1-retention-full=3\n"
		"[main]\nrepo1-retention-diff=4\nrepo2-retention-archive-type=incr\n"
		"[main:expire]\nrepo2-retention-full=20\n"
		"[main:backup]\nrepo1-retention-full=99\nexpire-auto=n\n"
		"[other]\nrepo1-retention-full=98\nrepo9-path=/x\n";
	RetentionConfig config;
	PgbrError error;

	(void) state;
	assert_true(read_text(text, false, &config, &error));
	assert_int_equal(config.count, 2);
	assert_int_equal(config.repos[0].full, 3);
	assert_int_equal(config.repos[0].diff, 4);
	assert_int_equal(config.repos[0].archive, 7);
	assert_int_equal(config.repos[1].full, 20);
	assert_true(config.repos[1].full_by_time);
	assert_int_equal(config.repos[1].archive_type, PGBR_BACKUP_INCR);
	assert_false(config.expire_auto);
}

static void
test_environment(void **state)
{
	RetentionConfig config;
	PgbrError error;

	(void) state;
	setenv("PGBACKREST_REPO1_RETENTION_FULL", "8", 1);
	setenv("PGBACKREST_REPO3_RETENTION_FULL_TYPE", "time", 1);
	assert_true(read_text("[global]\nrepo1-retention-full=1\n", true, &config, &error));
	assert_int_equal(config.count, 3);
	assert_int_equal(config.repos[0].full, 8);
	assert_true(config.repos[2].full_by_time);
	assert_true(read_text("[global]\nrepo1-retention-full=1\n", false, &config, &error));
	assert_int_equal(config.count, 1);
	assert_int_equal(config.repos[0].full, 1);
	unsetenv("PGBACKREST_REPO1_RETENTION_FULL");
	unsetenv("PGBACKREST_REPO3_RETENTION_FULL_TYPE");
}

static void
test_invalid(void **state)
{
	static const char *const options[] = {
		"repo1-retention-full=0",			"repo1-retention-full=-1",
		"repo1-retention-diff=2x",			"repo1-retention-full= +3",
		"repo1-retention-archive=99999999", "repo1-retention-full=five",
		"repo1-retention-full-type=days",	"repo1-retention-archive-type=all",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
	{
		RetentionConfig config;
		PgbrError error;
		char text[128];

		snprintf(text, sizeof(text), "[global]\n%s\n", options[i]);
		assert_false(read_text(text, false, &config, &error));
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
		assert_non_null(strstr(error.message, "repo1-retention-"));
	}
}

static void
write_option(const char *folder, const char *name, const char *option, int value)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "[global]\n%s=%d\n", option, value);
	fclose(file);
}

static void
write_file(const char *folder, const char *name, int full)
{
	write_option(folder, name, "repo1-retention-full", full);
}

static int
full_of(const char *path)
{
	RetentionConfig config;
	PgbrError error;

	return retention_settings_read(path, "main", &config, &error) ? config.repos[0].full : -1;
}

/* That of the folder of includes. */
static int
diff_of(const char *path)
{
	RetentionConfig config;
	PgbrError error;

	return retention_settings_read(path, "main", &config, &error) ? config.repos[0].diff : -1;
}

static void
remove_file(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(remove(path), 0);
}

static void
test_files(void **state)
{
	char folder[] = "/tmp/retention_settings_XXXXXX";
	char path[512];

	(void) state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/conf.d", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(folder, "conf.d/b.conf", 4);
	write_file(folder, "conf.d/a.conf~", 5);
	setenv("PGBACKREST_CONFIG_PATH", folder, 1);
	assert_int_equal(full_of(NULL), 4);
	write_file(folder, "pgbackrest.conf", 2);
	write_file(folder, "other.conf", 3);
	assert_int_equal(full_of(NULL), 2);
	snprintf(path, sizeof(path), "%s/other.conf", folder);
	unsetenv("PGBACKREST_CONFIG_PATH");
	assert_int_equal(full_of(path), 3);
	setenv("PGBACKREST_CONFIG", path, 1);
	assert_int_equal(full_of(NULL), 3);
	unsetenv("PGBACKREST_CONFIG");
	assert_int_equal(full_of("/nonexistent"), -1);
	remove_file(folder, "conf.d/b.conf");
	remove_file(folder, "conf.d/a.conf~");
	remove_file(folder, "conf.d");
	remove_file(folder, "pgbackrest.conf");
	remove_file(folder, "other.conf");
	assert_int_equal(rmdir(folder), 0);
}

/* The folder of includes belongs to a file that was named only when it, or that of both, was. */
static void
test_includes(void **state)
{
	char folder[] = "/tmp/retention_settings_XXXXXX";
	char named[512];
	char include[512];

	(void) state;
	assert_non_null(mkdtemp(folder));
	snprintf(include, sizeof(include), "%s/conf.d", folder);
	snprintf(named, sizeof(named), "%s/named.conf", folder);
	assert_int_equal(mkdir(include, 0700), 0);
	write_file(folder, "named.conf", 3);
	write_option(folder, "conf.d/a.conf", "repo1-retention-diff", 4);
	assert_int_equal(full_of(named), 3);
	assert_int_equal(diff_of(named), 0);
	setenv("PGBACKREST_CONFIG_INCLUDE_PATH", include, 1);
	assert_int_equal(full_of(named), 3);
	assert_int_equal(diff_of(named), 4);
	unsetenv("PGBACKREST_CONFIG_INCLUDE_PATH");
	setenv("PGBACKREST_CONFIG_PATH", folder, 1);
	assert_int_equal(full_of(named), 3);
	assert_int_equal(diff_of(named), 4);
	/* without a name the folder's own file is read, and the includes */
	assert_int_equal(full_of(NULL), 0);
	assert_int_equal(diff_of(NULL), 4);
	unsetenv("PGBACKREST_CONFIG_PATH");
	/* a folder that was named must be there; one that was not need not */
	setenv("PGBACKREST_CONFIG_INCLUDE_PATH", "/nonexistent", 1);
	assert_int_equal(full_of(named), -1);
	unsetenv("PGBACKREST_CONFIG_INCLUDE_PATH");
	remove_file(folder, "conf.d/a.conf");
	remove_file(folder, "conf.d");
	setenv("PGBACKREST_CONFIG_PATH", folder, 1);
	assert_int_equal(full_of(named), 3);
	assert_int_equal(full_of(NULL), 0);
	unsetenv("PGBACKREST_CONFIG_PATH");
	remove_file(folder, "named.conf");
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_environment), cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_files),		cmocka_unit_test(test_includes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
