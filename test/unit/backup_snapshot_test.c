// links: sidecar/runner/backup_snapshot sidecar/pgbackrest/pgbackrest_ask sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error sidecar/queue/job sidecar/postgres/psql
/*
 * backup_snapshot_test.c
 *		Where a backup ended, by pgbackrest's lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sidecar/runner/backup_snapshot.h"

#include <string.h>

static void
test_lines(void **state)
{
	static const char *const others[] = {
		"",
		"2026-11-24 12:00:00.000 P00   INFO: backup start archive = 000000010000000000000005, lsn "
		"= "
		"0/5000028",
		"2026-11-24 12:00:00.000 P00   INFO: backup stop archive = 000000010000000000000005",
		"2026-11-24 12:00:00.000 P00   INFO: backup stop archive = 000000010000000000000005, lsn "
		"= ",
		"2026-11-24 12:00:00.000 P00   INFO: backup stop archive = 000000010000000000000005, lsn = "
		"0/50000000000000000000000000000000",
		"2026-11-24 12:00:00.000 P00   INFO: backup stop archive = 000000010000000000000005, lsn = "
		"nowhere",
		", lsn = 0/1",
	};
	char lsn[20] = "";

	(void) state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
	{
		backup_snapshot_line(others[i], lsn);
		assert_string_equal(lsn, "");
	}
	backup_snapshot_line("2026-11-24 12:00:00.000 P00   INFO: backup stop archive = "
						 "000000010000000000000005, lsn = 1A/50001F8",
						 lsn);
	assert_string_equal(lsn, "1A/50001F8");
	backup_snapshot_line(others[1], lsn);
	assert_string_equal(lsn, "1A/50001F8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
