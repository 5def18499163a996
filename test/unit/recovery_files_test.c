// links: sidecar/restore/parent_segments sidecar/restore/recovery_signal sidecar/postgres/recovery_log
/*
 * recovery_files_test.c
 *		The files that a recovery finds in the data directory: its signal, and the links to the
 *		first segments of timelines.
 */
#include "sidecar/restore/parent_segments.h"
#include "sidecar/restore/recovery_signal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MB (INT64_C(1024) * 1024)

static char directory[64];

static const char *
at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int
make_directory(void **state)
{
	(void) state;
	strcpy(directory, "/tmp/pgbr-XXXXXX");
	assert_non_null(mkdtemp(directory));
	assert_int_equal(mkdir(at("pg_wal"), 0700), 0);
	assert_int_equal(mkdir(at("pg_wal/archive_status"), 0700), 0);
	return 0;
}

static int
remove_directory(void **state)
{
	char command[128];

	(void) state;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static void
create(const char *name)
{
	int fd = open(at(name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void
assert_link(const char *name, const char *to)
{
	char path[64];
	char target[64] = "";
	struct stat st;

	snprintf(path, sizeof(path), "pg_wal/%s", name);
	if (to == NULL)
	{
		assert_int_not_equal(lstat(at(path), &st), 0);
		return;
	}
	assert_true(readlink(at(path), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, to);
	snprintf(path, sizeof(path), "pg_wal/archive_status/%s.done", name);
	assert_int_equal(access(at(path), F_OK), 0);
}

static void
test_links(void **state)
{
	/* left in a segment; at its very beginning; in one that is there; by the newest */
	static const char history[] = "1\t0/5000028\tbefore 2027-01-15 08:03:00+00\n"
								  "2\t0/7000000\tno recovery target specified\n"
								  "4\t0/8123458\treached consistency\n"
								  "\n"
								  "5\t1/FF000028\tafter LSN 1/FF000000\n";
	PgbrError error = PGBR_ERROR_INIT;
	struct stat st;

	(void) state;
	create("pg_wal/000000040000000000000008");
	for (int i = 0; i < 2; i++)
		if (!parent_segments_link(directory, history, 9, 16 * MB, &error))
			fail_msg("%s", error.message);
	assert_link("000000010000000000000005", "000000020000000000000005");
	assert_link("000000020000000000000007", NULL);
	assert_int_equal(lstat(at("pg_wal/000000040000000000000008"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_link("0000000500000001000000FF", "0000000900000001000000FF");
	assert_true(parent_segments_link(directory, "", 9, 16 * MB, &error));
	assert_false(parent_segments_link("/nowhere", history, 9, 16 * MB, &error));
	assert_int_equal(error.code, PGBR_ERROR_STORAGE);
}

/* As Patroni's _remove_file_if_exists. */
static bool
patroni_removes(const char *name)
{
	struct stat st;

	return (stat(at(name), &st) == 0 && S_ISREG(st.st_mode)) ||
		   (lstat(at(name), &st) == 0 && S_ISLNK(st.st_mode));
}

static void
test_signal(void **state)
{
	PgbrError error = PGBR_ERROR_INIT;

	(void) state;
	assert_false(recovery_signal_is_set(directory));
	create("recovery.signal");
	assert_true(patroni_removes("recovery.signal"));
	for (int i = 0; i < 2; i++)
	{
		assert_true(recovery_signal_set(directory, &error));
		assert_true(recovery_signal_is_set(directory));
		assert_false(patroni_removes("recovery.signal"));
		assert_int_not_equal(access(at("recovery.signal.new"), F_OK), 0);
	}
	/* as PostgreSQL does at the end */
	assert_int_equal(unlink(at("recovery.signal")), 0);
	assert_false(recovery_signal_is_set(directory));
	create("standby.signal");
	for (int i = 0; i < 2; i++)
		assert_true(recovery_signal_forget_standby(directory, &error));
	assert_int_not_equal(access(at("standby.signal"), F_OK), 0);
	assert_false(recovery_signal_set("/nowhere", &error));
	assert_int_equal(error.code, PGBR_ERROR_STORAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_links, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_signal, make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
