// links: sidecar/postgres/data_links
/*
 * data_links_test.c
 *		Which links of a data directory a restore keeps, which files are WAL, and links that are
 *		taken away and put back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sidecar/postgres/data_links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_names(void **state)
{
	static const char *const kept[] = {
		"pg_wal",		   "log",		  "pg_log", "pg_stat_tmp",		"server.crt",
		"postgresql.conf", "pg_hba.conf", "conf.d", "current_logfiles", "conf.d/x.conf",
	};
	static const char *const others[] = {
		"base",
		"base/16384",
		"global",
		"global/pg_control",
		"pg_xact",
		"pg_tblspc",
		"pg_wal/archive_status",
		"PG_VERSION",
		"postgresql.auto.conf",
		"recovery.signal",
		"pgbr_fence",
		"backup_label",

		"postmaster.pid",
	};
	static const char *const wal[] = {
		"000000010000000000000001",
		"000000010000000000000001.partial",
		"000000010000000000000001.00000028.backup",
		"00000002.history",
		"RECOVERYXLOG",
		"RECOVERYHISTORY",
		"xlogtemp.123",
		"archive_status/000000010000000000000001.ready",
		"archive_status/00000002.history.done",
		"summaries/0000000100000000010000280000000001000100.summary",
	};
	static const char *const no_wal[] = {
		"lost+found",
		"archive_status",
		"summaries",
		"note",
		"000000010000000000000001.old",
		"archive_status/note",
		"other/00000002.history",
		"000000010000000000000001/x",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_true(data_links_is_kept(kept[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(data_links_is_kept(others[i]));
	for (size_t i = 0; i < sizeof(wal) / sizeof(wal[0]); i++)
		assert_true(data_links_is_wal(wal[i]));
	for (size_t i = 0; i < sizeof(no_wal) / sizeof(no_wal[0]); i++)
		assert_false(data_links_is_wal(no_wal[i]));
}

/* Run a command of the shell in the folder, which must succeed. */
static void
shell(const char *folder, const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && %s", folder, command);
	if (system(line) != 0)
		fail_msg("%s", line);
}

static json_t *
hold(const char *folder)
{
	char data[256];
	PgbrError error = PGBR_ERROR_INIT;
	json_t *links;

	snprintf(data, sizeof(data), "%s/data", folder);
	links = data_links_hold(data, folder, &error);
	if (links == NULL)
		fail_msg("%s", error.message);
	return links;
}

static void
put_back(const char *folder, json_t *links)
{
	char data[256];
	PgbrError error = PGBR_ERROR_INIT;

	snprintf(data, sizeof(data), "%s/data", folder);
	if (!data_links_put_back(data, folder, links, &error))
		fail_msg("%s", error.message);
	json_decref(links);
}

/* What pgbackrest makes of them. */
static const char restored[] = "rm -rf data/pg_wal data/log data/server.crt && "
							   "mkdir -p data/pg_wal/archive_status data/log && "
							   "touch data/server.crt data/log/old data/pg_wal/x && "
							   "rm -rf data/conf.d";

static void
test_back(void **state)
{
	char folder[] = "/tmp/data_links_test.XXXXXX";
	PgbrError error = PGBR_ERROR_INIT;
	char data[256];

	(void) state;
	assert_non_null(mkdtemp(folder));
	snprintf(data, sizeof(data), "%s/data", folder);
	shell(folder, "mkdir -p data/base/1 wal/archive_status wal/lost+found logs && "
				  "touch cert logs/new wal/note wal/000000010000000000000001 "
				  "wal/archive_status/000000010000000000000001.done && "
				  "ln -s ../wal data/pg_wal && ln -s $PWD/logs data/log && "
				  "ln -s $PWD/cert data/server.crt && ln -s /x data/base/1/2 && "
				  "mkdir data/conf.d && ln -s $PWD/cert data/conf.d/x.conf");
	/* killed when pgbackrest had taken them away: the next one knows them */
	json_decref(hold(folder));
	shell(folder, restored);
	put_back(folder, hold(folder));
	shell(folder, "test $(readlink data/pg_wal) = ../wal && test -d data/pg_wal/archive_status && "
				  "test -e data/log/new -a ! -e data/log/old && test -L data/server.crt && "
				  "test -d wal/lost+found -a -e wal/note -a ! -e wal/x && "
				  "test -L data/conf.d/x.conf -a ! -e restore/links.json");
	shell(folder, "! ls wal wal/archive_status | grep 0001");
	/* what is a folder by now, and not because of a restore, stays one */
	shell(folder, "rm data/log && mkdir data/log");
	put_back(folder, hold(folder));
	shell(folder, "test ! -L data/log -a -d data/log -a -L data/pg_wal");
	/* killed half-way, and what one led to is gone */
	json_decref(hold(folder));
	shell(folder, restored);
	shell(folder, "rm cert");
	put_back(folder, hold(folder));
	shell(folder, "test -L data/pg_wal -a ! -L data/server.crt");
	/* a disk that is not mounted */
	shell(folder, "rm -r wal");
	assert_null(data_links_hold(data, folder, &error));
	assert_non_null(strstr(error.message, "could not follow link"));
	assert_non_null(strstr(error.hint, "Mount"));
	/* no data directory, no links */
	shell(folder, "rm -r data");
	put_back(folder, hold(folder));
	shell(folder, "test ! -e data && rm -r $PWD");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
