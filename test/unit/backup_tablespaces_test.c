// links: sidecar/pgbackrest/backup_tablespaces sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest_ask sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error
/*
 * backup_tablespaces_test.c
 *		What pgbackrest tells of a backup's tablespaces, and what it may leave out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sidecar/pgbackrest/backup_tablespaces.h"

#include <string.h>

#define LABEL "20261130-150210F"
#define BACKUP(more)                                                                \
	"[{\"name\":\"main\",\"db\":[{\"id\":1,\"repo-key\":2,\"version\":\"9\"},"      \
	"{\"id\":2,\"repo-key\":2,\"version\":\"15\"}],\"backup\":[{\"label\":\"" LABEL \
	"\",\"database\":{\"id\":2,\"repo-key\":2}" more "}],"                          \
	"\"status\":{\"code\":0,\"message\":\"ok\"}}]"

typedef struct Row
{
	const char *document;
	PgbrErrorCode code; /* NONE: it is read */
	size_t count;
	const char *message; /* a part of it */
} Row;

static const Row rows[] = {
	{BACKUP(""), PGBR_ERROR_NONE, 0, NULL},
	{BACKUP(",\"tablespace\":null"), PGBR_ERROR_NONE, 0, NULL},
	{BACKUP(",\"tablespace\":[{\"destination\":\"/a\",\"name\":\"x\",\"oid\":16384},"
			"{\"destination\":\"/b\",\"name\":\"y\",\"oid\":4294967295}]"),
	 PGBR_ERROR_NONE, 2, NULL},
	{BACKUP(",\"tablespace\":[{\"name\":\"x\",\"oid\":16384}]"), PGBR_ERROR_PROTOCOL, 0,
	 "without OID or location"},
	{BACKUP(",\"tablespace\":[{\"destination\":\"/a\"}]"), PGBR_ERROR_PROTOCOL, 0,
	 "without OID or location"},
	/* another backup, no backup, no stanza: nothing may be taken for a backup without any */
	{"[{\"name\":\"main\",\"backup\":[{\"label\":\"20261130-150210F_20261130-150311I\"}],"
	 "\"status\":{\"code\":0,\"message\":\"ok\"}}]",
	 PGBR_ERROR_NOT_FOUND, 0, "it may have expired"},
	{"[{\"name\":\"main\",\"backup\":[],\"status\":{\"code\":1,\"message\":"
	 "\"missing stanza path\"}}]",
	 PGBR_ERROR_NOT_FOUND, 0, "missing stanza path"},
	/* a repository that could not be read has not lost it */
	{"[{\"name\":\"main\",\"backup\":[],\"repo\":["
	 "{\"key\":1,\"status\":{\"code\":6,\"message\":\"requested backup not found\"}},"
	 "{\"key\":2,\"status\":{\"code\":99,\"message\":\"[FileMissingError] unable to load\\n"
	 "HINT: is it there?\"}}],\"status\":{\"code\":4,\"message\":\"different across repos\"}}]",
	 PGBR_ERROR_PGBACKREST, 0,
	 "could not see whether repository 2 has backup " LABEL ": [FileMissingError] unable to load"},
	{"[{\"name\":\"main\",\"backup\":[],\"repo\":["
	 "{\"key\":1,\"status\":{\"code\":6,\"message\":\"requested backup not found\"}}],"
	 "\"status\":{\"code\":6,\"message\":\"requested backup not found\"}}]",
	 PGBR_ERROR_NOT_FOUND, 0, "requested backup not found"},
	{"[]", PGBR_ERROR_NOT_FOUND, 0, LABEL},
	{"[{\"name\":\"main\",\"backup\":[{\"label\":\"" LABEL "\"}]}]", PGBR_ERROR_PROTOCOL, 0,
	 "version of PostgreSQL"},
};

static void
test_read(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		BackupTablespaces found = {"", json_object()};
		json_t *document = json_loads(rows[i].document, 0, NULL);
		PgbrError error = PGBR_ERROR_INIT;
		bool ok = backup_tablespaces_read(document, "main", LABEL, &found, &error);

		assert_non_null(document);
		assert_int_equal(ok, rows[i].code == PGBR_ERROR_NONE);
		assert_int_equal(error.code, rows[i].code);
		if (!ok)
			assert_non_null(strstr(error.message, rows[i].message));
		else
		{
			assert_string_equal(found.version, "15");
			assert_int_equal(json_object_size(found.locations), rows[i].count);
		}
		if (ok && rows[i].count > 0)
		{
			assert_string_equal(backup_tablespace(&found, "16384"), "/a");
			assert_string_equal(backup_tablespace(&found, "4294967295"), "/b");
			assert_null(backup_tablespace(&found, "1638"));
		}
		json_decref(document);
		backup_tablespaces_done(&found);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
