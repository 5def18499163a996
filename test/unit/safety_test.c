/*
 * safety_test.c
 *		The verdict: what each fact is called, that the worst comes first, and that what is not
 *		known never counts as well.
 */
#include "common/safety.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static PgbrSafety safety;

/* A leader of which all is well. */
static PgbrSafetyFacts
make_healthy(void)
{
	PgbrSafetyFacts facts = {
		.has_info = true,
		.info_age = 30,
		.repos = {{.repo = 1, .message = "ok"}},
		.repo_count = 1,
		.system_id = "7001",
		.has_backup = true,
		.newest_age = 3600,
		.postgres_answers = true,
		.archives = true,
		.wal = PGBR_WAL_SEEN,
		.is_scheduled = {true, true, true},
	};

	return facts;
}

/* The verdict is no, and its only problem is this text. */
static void
expect(const PgbrSafetyFacts *facts, const char *text)
{
	pgbr_safety_judge(facts, &safety);
	assert_int_equal(safety.safe, PGBR_SAFE_NO);
	assert_int_equal(safety.count, 1);
	assert_string_equal(safety.problems[0], text);
}

static void
expect_safe(const PgbrSafetyFacts *facts)
{
	pgbr_safety_judge(facts, &safety);
	assert_int_equal(safety.count, 0);
	assert_int_equal(safety.safe, PGBR_SAFE_YES);
}

static void
test_safe(void **state)
{
	PgbrSafetyFacts facts = make_healthy();

	(void) state;
	expect_safe(&facts);
	/* waits that are normal for a while */
	facts.waiting = 3;
	facts.waiting_age = PGBR_SAFETY_ARCHIVE_S;
	facts.info_age = PGBR_SAFETY_STALE_S;
	facts.overdue[PGBR_BACKUP_FULL] = PGBR_SAFETY_OVERDUE_S;
	expect_safe(&facts);
	facts.backup_runs = true;
	facts.overdue[PGBR_BACKUP_FULL] = PGBR_SAFETY_RUNNING_S;
	expect_safe(&facts);
	/* backups that something else makes */
	memset(facts.is_scheduled, 0, sizeof(facts.is_scheduled));
	facts.newest_age = PGBR_SAFETY_UNSCHEDULED_S;
	expect_safe(&facts);
}

static void
test_nothing_known(void **state)
{
	PgbrSafetyFacts facts = {0};

	(void) state;
	pgbr_safety_judge(&facts, &safety);
	assert_int_equal(safety.safe, PGBR_SAFE_NO);
	assert_int_equal(safety.count, 2);
	assert_string_equal(safety.problems[0], "it is not known whether there are backups: "
											"pgbackrest has not been asked successfully yet");
	assert_string_equal(safety.problems[1], "it is not known whether WAL is archived: PostgreSQL "
											"could not be asked");
}

static void
test_knowledge(void **state)
{
	PgbrSafetyFacts facts = make_healthy();

	(void) state;
	facts.has_info = facts.has_backup = false;
	facts.repo_count = 0;
	facts.newest_age = -1;
	facts.info_error = "unable to open repo";
	expect(&facts, "it is not known whether there are backups: unable to open repo");
	facts.sidecar_error = "could not reach the sidecar: no";
	expect(&facts, "it is not known whether there are backups: could not reach the sidecar: no");

	facts = make_healthy();
	facts.info_age = PGBR_SAFETY_STALE_S + 1;
	expect(&facts, "information about the repositories is 15 min old");
	facts.info_age = 10;
	facts.info_error = "key is wrong";
	expect(&facts, "information about the repositories is 10 s old: key is wrong");
}

static void
test_backups(void **state)
{
	PgbrSafetyFacts facts = make_healthy();

	(void) state;
	facts.repos[0].foreign_id = "9009";
	expect(&facts, "repository 1 holds backups of another cluster: its system identifier is 9009, "
				   "this server's is 7001");

	facts = make_healthy();
	facts.has_backup = false;
	facts.newest_age = -1;
	facts.repos[0] =
		(PgbrSafetyRepo){.repo = 1, .code = PGBR_REPO_NO_BACKUP, .message = "no valid backups"};
	expect(&facts, "there is no backup: nothing can be restored");
	facts.repos[0] =
		(PgbrSafetyRepo){.repo = 1, .code = PGBR_REPO_UNREAD, .message = "unable to open"};
	expect(&facts, "it is not known whether there are backups: repository 1: unable to open");

	facts = make_healthy();
	facts.repos[facts.repo_count++] =
		(PgbrSafetyRepo){.repo = 2, .code = PGBR_REPO_NO_BACKUP, .message = "no valid backups"};
	expect(&facts, "repository 2: no valid backups");
	facts.repos[1] = (PgbrSafetyRepo){.repo = 2, .code = 99};
	expect(&facts, "repository 2: its status is not known");

	facts = make_healthy();
	facts.damaged = "20261101-010000F";
	expect(&facts, "the newest backup, \"20261101-010000F\", holds damaged pages");
}

static void
test_archiving(void **state)
{
	PgbrSafetyFacts facts = make_healthy();

	(void) state;
	facts.archives = false;
	expect(&facts, "WAL is not archived: archive_mode is off");

	facts = make_healthy();
	facts.wal = PGBR_WAL_UNKNOWN;
	expect(&facts, "it is not known whether WAL reaches a repository: PostgreSQL has archived none "
				   "since its statistics were reset");
	facts.wal = PGBR_WAL_MISSING;
	facts.missing_wal = "000000010000000000000005";
	expect(&facts, "WAL is lost: PostgreSQL has archived \"000000010000000000000005\", but it is "
				   "in no repository; archive_command must run pgbackrest archive-push");

	facts = make_healthy();
	facts.repos[0].missing_wal = "000000010000000000000005";
	expect(&facts, "repository 1 lacks WAL: PostgreSQL has archived \"000000010000000000000005\", "
				   "but it is not there; archive_command must push to all repositories");
	facts.wal = PGBR_WAL_MISSING;
	facts.missing_wal = facts.repos[0].missing_wal;
	expect(&facts, "WAL is lost: PostgreSQL has archived \"000000010000000000000005\", but it is "
				   "in no repository; archive_command must run pgbackrest archive-push");

	facts = make_healthy();
	facts.waiting = 7;
	facts.waiting_age = PGBR_SAFETY_ARCHIVE_S + 60;
	expect(&facts, "WAL is archived late: 7 files are waiting, the oldest for 11 min");
	facts.archive_fails = true;
	facts.failed_wal = "000000010000000000000006";
	expect(&facts, "archive_command fails for \"000000010000000000000006\", 7 WAL files are "
				   "waiting; the server's log has the error");
}

static void
test_schedules(void **state)
{
	PgbrSafetyFacts facts = make_healthy();

	(void) state;
	facts.overdue[PGBR_BACKUP_DIFF] = 30 * 3600;
	expect(&facts, "the diff backup that was due 30 h ago has not been made");
	facts.backup_runs = true;
	expect(&facts, "the diff backup that was due 30 h ago has not been made");
	facts.is_scheduled[PGBR_BACKUP_DIFF] = false;
	expect_safe(&facts);

	facts = make_healthy();
	facts.is_scheduled[PGBR_BACKUP_FULL] = false;
	facts.schedule_errors[PGBR_BACKUP_FULL] = "hour 25";
	expect(&facts, "the schedule of full backups is wrong: hour 25");

	facts = make_healthy();
	facts.values_error = "no such file";
	expect(&facts, "the settings of the schedules are not all in force: no such file");

	facts = make_healthy();
	facts.idle = "no scheduler is running: why";
	expect(&facts, "no scheduler is running: why");

	facts = make_healthy();
	memset(facts.is_scheduled, 0, sizeof(facts.is_scheduled));
	facts.newest_age = 9 * 86400;
	expect(&facts, "the newest backup is 9 days old, and no backup is scheduled");
}

static void
test_failures(void **state)
{
	PgbrSafetyFacts facts = make_healthy();

	(void) state;
	facts.failures = 1;
	facts.failure_message = "disk full";
	expect(&facts, "the last backup failed: disk full");
	facts.failures = 3;
	expect(&facts, "the last 3 backups failed: disk full");
}

/* A standby does not see the leader's archiving and schedules: that alone is no bad news. */
static void
test_standby(void **state)
{
	PgbrSafetyFacts facts = make_healthy();
	const char *note =
		"this is a standby: ask the leader whether WAL is archived and schedules run";

	(void) state;
	facts.is_standby = true;
	facts.archives = false;
	facts.wal = PGBR_WAL_UNKNOWN;
	pgbr_safety_judge(&facts, &safety);
	assert_int_equal(safety.safe, PGBR_SAFE_UNSEEN);
	assert_int_equal(safety.count, 1);
	assert_string_equal(safety.problems[0], note);

	facts.failures = 1;
	pgbr_safety_judge(&facts, &safety);
	assert_int_equal(safety.safe, PGBR_SAFE_NO);
	assert_int_equal(safety.count, 2);
	assert_string_equal(safety.problems[1], note);
}

/* All at once: the worst comes first. */
static void
test_order(void **state)
{
	static const char *const beginnings[] = {
		"repository 1 holds backups of another",
		"WAL is lost",
		"archive_command fails",
		"repository 1: bad",
		"the newest backup, ",
		"information about",
		"the full backup that was due",
		"the incr backup that was due",
		"the schedule of diff",
		"the settings of",
		"no scheduler",
		"the last 2 backups",
	};
	PgbrSafetyFacts facts = make_healthy();

	(void) state;
	facts.repos[0] = (PgbrSafetyRepo){.repo = 1, .code = 5, .message = "bad", .foreign_id = "9009"};
	facts.wal = PGBR_WAL_MISSING;
	facts.archive_fails = true;
	facts.damaged = "20261101-010000F";
	facts.info_error = "away";
	facts.overdue[PGBR_BACKUP_FULL] = facts.overdue[PGBR_BACKUP_INCR] = 86400;
	facts.is_scheduled[PGBR_BACKUP_DIFF] = false;
	facts.schedule_errors[PGBR_BACKUP_DIFF] = "wrong";
	facts.values_error = "away";
	facts.idle = "no scheduler is running: why";
	facts.failures = 2;
	pgbr_safety_judge(&facts, &safety);
	assert_int_equal(safety.count, sizeof(beginnings) / sizeof(beginnings[0]));
	for (int i = 0; i < safety.count; i++)
		assert_memory_equal(safety.problems[i], beginnings[i], strlen(beginnings[i]));
}

/* More of them, and longer texts, than there is room for. */
static void
test_room(void **state)
{
	PgbrSafetyFacts facts = make_healthy();
	char text[4000];

	(void) state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	facts.repo_count = PGBR_SAFETY_REPOS;
	for (int i = 0; i < facts.repo_count; i++)
		facts.repos[i] =
			(PgbrSafetyRepo){.repo = i, .code = 99, .message = text, .foreign_id = text};
	for (int i = 0; i < PGBR_BACKUP_TYPE_COUNT; i++)
	{
		facts.schedule_errors[i] = text;
		facts.overdue[i] = 1e6;
	}
	facts.failures = 2;
	facts.failure_message = facts.idle = facts.values_error = facts.info_error = text;
	facts.archive_fails = true;
	facts.wal = PGBR_WAL_MISSING;
	facts.failed_wal = facts.missing_wal = facts.damaged = text;
	pgbr_safety_judge(&facts, &safety);
	assert_in_range(safety.count, 20, PGBR_SAFETY_PROBLEMS);
	for (int i = 0; i < safety.count; i++)
		assert_in_range(strlen(safety.problems[i]), 1, PGBR_SAFETY_TEXT - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),	  cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_knowledge), cmocka_unit_test(test_backups),
		cmocka_unit_test(test_archiving), cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_failures),  cmocka_unit_test(test_standby),
		cmocka_unit_test(test_order),	  cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
