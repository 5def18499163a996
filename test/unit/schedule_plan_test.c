/*
 * schedule_plan_test.c
 *		What the schedule's worker is told to do: each rule by hand. All of them together are in
 *		schedule_accidents_test.c.
 */
#include "common/schedule_plan.h"

#include "zone_file.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOUR 3600
#define DAY	 86400

static PgbrCron crons[PGBR_BACKUP_TYPE_COUNT];

/* A schedule in UTC that is in force since a moment; a text may be NULL. */
static PgbrSchedule
make_schedule(const char *full, const char *diff, const char *incr, const char *since)
{
	const char *texts[PGBR_BACKUP_TYPE_COUNT] = {incr, diff, full};
	PgbrSchedule schedule = {
		.zone = zone_utc, .enabled = true, .catch_up_window = DAY, .retry_limit = 3};

	for (int i = 0; i < PGBR_BACKUP_TYPE_COUNT; i++)
	{
		schedule.types[i].handled = moment(since);
		if (texts[i] == NULL)
			continue;
		assert_true(pgbr_cron_parse(texts[i], &crons[i], NULL, NULL));
		schedule.types[i].cron = &crons[i];
	}
	return schedule;
}

static PgbrPlan plan;

static void
plan_at(PgbrSchedule *schedule, const char *now)
{
	pgbr_schedule_plan(schedule, moment(now), &plan);
}

static void
assert_starts(const PgbrSchedule *schedule, PgbrBackupType type, const char *due,
			  PgbrRunReason reason)
{
	assert_true(plan.start);
	assert_true(schedule->current.exists);
	assert_int_equal(schedule->current_type, type);
	assert_int_equal(schedule->current.due, moment(due));
	assert_int_equal(schedule->current.reason, reason);
}

static void
assert_group(int i, PgbrBackupType type, PgbrDueFate fate, const char *first, const char *last,
			 int count)
{
	assert_true(i < plan.group_count);
	assert_int_equal(plan.groups[i].type, type);
	assert_int_equal(plan.groups[i].fate, fate);
	assert_int_equal(plan.groups[i].first, moment(first));
	assert_int_equal(plan.groups[i].last, moment(last));
	assert_int_equal(plan.groups[i].count, count);
	assert_false(plan.groups[i].is_partial);
}

static PgbrBackupType by;
static int64_t by_due;

static PgbrSequel
finish_at(PgbrSchedule *schedule, PgbrOutcome outcome, const char *now)
{
	return pgbr_schedule_finish(schedule, outcome, moment(now), &by, &by_due);
}

static void
test_on_time(void **state)
{
	PgbrSchedule schedule = make_schedule(NULL, NULL, "30 0/1 * * *", "2026-03-01 09:50");

	(void) state;
	plan_at(&schedule, "2026-03-01 09:50");
	assert_int_equal(plan.group_count, 0);
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-01 10:30"));
	assert_int_equal(plan.next_due[PGBR_BACKUP_INCR], moment("2026-03-01 10:30"));
	assert_int_equal(plan.next_due[PGBR_BACKUP_FULL], INT64_MAX);

	/* woken too early: nothing yet */
	plan_at(&schedule, "2026-03-01 10:29:59");
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-01 10:30"));

	plan_at(&schedule, "2026-03-01 10:30");
	assert_int_equal(plan.group_count, 1);
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_OWED, "2026-03-01 10:30", "2026-03-01 10:30", 1);
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 10:30", PGBR_REASON_DUE);
	assert_int_equal(plan.wake, moment("2026-03-01 11:30"));

	/* asked again: nothing more */
	plan_at(&schedule, "2026-03-01 10:30");
	assert_int_equal(plan.group_count, 0);
	assert_false(plan.start);
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 10:31"),
					 PGBR_SEQUEL_NONE);
	plan_at(&schedule, "2026-03-01 10:31");
	assert_int_equal(plan.group_count, 0);
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-01 11:30"));
}

/* The seed's trap: both schedules fire in the same minute of every hour. */
static void
test_together(void **state)
{
	PgbrSchedule schedule =
		make_schedule("0 2 * * 0", "30 0/1 * * *", "30 0/1 * * *", "2026-02-28 23:00");

	(void) state;
	plan_at(&schedule, "2026-02-28 23:30");
	assert_int_equal(plan.group_count, 2);
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_OWED, "2026-02-28 23:30", "2026-02-28 23:30", 1);
	assert_group(1, PGBR_BACKUP_DIFF, PGBR_DUE_OWED, "2026-02-28 23:30", "2026-02-28 23:30", 1);
	assert_starts(&schedule, PGBR_BACKUP_DIFF, "2026-02-28 23:30", PGBR_REASON_DUE);
	assert_true(plan.covered[PGBR_BACKUP_INCR].exists);
	assert_int_equal(plan.covered[PGBR_BACKUP_INCR].due, moment("2026-02-28 23:30"));
	assert_false(plan.covered[PGBR_BACKUP_DIFF].exists);
	assert_false(plan.covered[PGBR_BACKUP_FULL].exists);
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-02-28 23:31");
	plan_at(&schedule, "2026-02-28 23:31");
	assert_false(plan.start);

	/* all three */
	schedule = make_schedule("0 2 * * 0", "0 2 * * *", "0 * * * *", "2026-03-01 01:00");
	plan_at(&schedule, "2026-03-01 02:00");
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_DUE);
	assert_true(plan.covered[PGBR_BACKUP_INCR].exists);
	assert_true(plan.covered[PGBR_BACKUP_DIFF].exists);
}

/* A full backup takes from 02:00 to 05:10, while three hourly ones come due. */
static void
test_queue(void **state)
{
	PgbrSchedule schedule = make_schedule("0 2 * * *", NULL, "0 * * * *", "2026-03-01 01:30");

	(void) state;
	plan_at(&schedule, "2026-03-01 02:00");
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_DUE);
	assert_int_equal(plan.wake, moment("2026-03-01 03:00"));
	plan_at(&schedule, "2026-03-01 03:00");
	assert_false(plan.start);
	assert_int_equal(plan.group_count, 1);
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_OWED, "2026-03-01 03:00", "2026-03-01 03:00", 1);
	plan_at(&schedule, "2026-03-01 04:00");
	assert_false(plan.start);
	assert_int_equal(plan.group_count, 2);
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_COVERED, "2026-03-01 03:00", "2026-03-01 03:00", 1);
	assert_int_equal(plan.groups[0].covered_by, moment("2026-03-01 04:00"));
	assert_group(1, PGBR_BACKUP_INCR, PGBR_DUE_OWED, "2026-03-01 04:00", "2026-03-01 04:00", 1);
	plan_at(&schedule, "2026-03-01 05:00");
	assert_int_equal(plan.wake, moment("2026-03-01 06:00"));

	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 05:10");
	plan_at(&schedule, "2026-03-01 05:10");
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 05:00", PGBR_REASON_QUEUED);
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 05:20");
	plan_at(&schedule, "2026-03-01 05:20");
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-01 06:00"));
}

/* A queued run is not missed, however long the one before it takes. */
static void
test_queue_outlasts_window(void **state)
{
	PgbrSchedule schedule = make_schedule(NULL, "0 2 * * *", "0 1 * * *", "2026-03-01 00:30");

	(void) state;
	schedule.catch_up_window = 0;
	plan_at(&schedule, "2026-03-01 01:00");
	plan_at(&schedule, "2026-03-01 02:00");
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 20:00");
	plan_at(&schedule, "2026-03-01 20:00");
	assert_starts(&schedule, PGBR_BACKUP_DIFF, "2026-03-01 02:00", PGBR_REASON_QUEUED);
}

/* No worker from 10:00 on the 1st to 09:15 on the 4th. */
static void
test_missed(void **state)
{
	PgbrSchedule schedule = make_schedule("0 2 * * *", NULL, "0 */6 * * *", "2026-03-01 10:00");

	(void) state;
	plan_at(&schedule, "2026-03-04 09:15");
	assert_int_equal(plan.group_count, 5);
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_TOO_OLD, "2026-03-01 12:00", "2026-03-03 06:00", 8);
	assert_group(1, PGBR_BACKUP_INCR, PGBR_DUE_COVERED, "2026-03-03 12:00", "2026-03-04 00:00", 3);
	assert_int_equal(plan.groups[1].covered_by, moment("2026-03-04 06:00"));
	assert_group(2, PGBR_BACKUP_INCR, PGBR_DUE_OWED, "2026-03-04 06:00", "2026-03-04 06:00", 1);
	assert_group(3, PGBR_BACKUP_FULL, PGBR_DUE_TOO_OLD, "2026-03-02 02:00", "2026-03-03 02:00", 2);
	assert_group(4, PGBR_BACKUP_FULL, PGBR_DUE_OWED, "2026-03-04 02:00", "2026-03-04 02:00", 1);
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-04 02:00", PGBR_REASON_CATCH_UP);
	assert_int_equal(plan.covered[PGBR_BACKUP_INCR].due, moment("2026-03-04 06:00"));
	assert_int_equal(plan.wake, moment("2026-03-04 12:00"));

	/* nothing inside the window: nothing starts */
	schedule = make_schedule("0 2 * * 0", NULL, NULL, "2026-02-28 10:00");
	plan_at(&schedule, "2026-03-02 02:00:01");
	assert_int_equal(plan.group_count, 1);
	assert_group(0, PGBR_BACKUP_FULL, PGBR_DUE_TOO_OLD, "2026-03-01 02:00", "2026-03-01 02:00", 1);
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-08 02:00"));

	/* at the edge of the window */
	schedule = make_schedule("0 2 * * 0", NULL, NULL, "2026-02-28 10:00");
	plan_at(&schedule, "2026-03-02 02:00");
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_CATCH_UP);

	/* without a window a minute's delay is still on time */
	schedule = make_schedule("0 2 * * 0", NULL, NULL, "2026-02-28 10:00");
	schedule.catch_up_window = 0;
	plan_at(&schedule, "2026-03-01 02:01");
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_DUE);
	schedule = make_schedule("0 2 * * 0", NULL, NULL, "2026-02-28 10:00");
	schedule.catch_up_window = 0;
	plan_at(&schedule, "2026-03-01 02:01:01");
	assert_false(plan.start);
}

static void
test_retry(void **state)
{
	PgbrSchedule schedule = make_schedule("0 2 * * 0", NULL, NULL, "2026-03-01 01:00");

	(void) state;
	schedule.retry_limit = 2;
	plan_at(&schedule, "2026-03-01 02:00");
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:10"),
					 PGBR_SEQUEL_OWED);
	plan_at(&schedule, "2026-03-01 02:10");
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-01 02:11"));
	plan_at(&schedule, "2026-03-01 02:11");
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_RETRY);
	assert_int_equal(schedule.current.failures, 1);
	assert_int_equal(plan.group_count, 0);
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:20"),
					 PGBR_SEQUEL_OWED);
	plan_at(&schedule, "2026-03-01 02:21:59");
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-01 02:22"));
	plan_at(&schedule, "2026-03-01 02:22");
	assert_true(plan.start);
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:30"),
					 PGBR_SEQUEL_GIVE_UP);
	plan_at(&schedule, "2026-03-01 02:30");
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-08 02:00"));

	/* the next due time has all its attempts again */
	plan_at(&schedule, "2026-03-08 02:00");
	assert_int_equal(schedule.current.failures, 0);

	/* none at all; and who cancels a run does not want it retried */
	schedule.retry_limit = 0;
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-08 02:01"),
					 PGBR_SEQUEL_GIVE_UP);
	schedule.retry_limit = 3;
	plan_at(&schedule, "2026-03-15 02:00");
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_CANCELLED, "2026-03-15 02:01"),
					 PGBR_SEQUEL_NONE);
}

static void
test_retry_delays(void **state)
{
	static const int delays[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};

	(void) state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(pgbr_retry_delay(i + 1), delays[i]);
	assert_int_equal(pgbr_retry_delay(1000000), 3600);
	assert_int_equal(pgbr_retry_delay(0), 60);
}

/* While a full backup waits for its retry, others come due. */
static void
test_retry_and_due(void **state)
{
	PgbrSchedule schedule =
		make_schedule("0 2 * * 0", "0 3 * * *", "5,12,15 2 * * *", "2026-03-01 01:00");

	(void) state;
	plan_at(&schedule, "2026-03-01 02:00");
	finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:01");
	plan_at(&schedule, "2026-03-01 02:02");
	finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:03:30");

	/* a weaker one does not wait for it */
	plan_at(&schedule, "2026-03-01 02:05");
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 02:05", PGBR_REASON_DUE);
	/* the retry does not cover a failed weaker one before its time comes */
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:05:10"),
					 PGBR_SEQUEL_OWED);
	/* when it does, the one that waits is covered */
	plan_at(&schedule, "2026-03-01 02:05:30");
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_RETRY);
	assert_int_equal(plan.covered[PGBR_BACKUP_INCR].due, moment("2026-03-01 02:05"));
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:11"),
					 PGBR_SEQUEL_OWED);

	/* a due time of its own type replaces a retry, and has all attempts */
	plan_at(&schedule, "2026-03-01 02:12");
	finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:14:30");
	plan_at(&schedule, "2026-03-01 02:15");
	assert_int_equal(plan.group_count, 2);
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_COVERED, "2026-03-01 02:12", "2026-03-01 02:12", 1);
	assert_int_equal(plan.groups[0].covered_by, moment("2026-03-01 02:15"));
	assert_group(1, PGBR_BACKUP_INCR, PGBR_DUE_OWED, "2026-03-01 02:15", "2026-03-01 02:15", 1);
	/* the third retry of the full backup is due too, and is stronger */
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_RETRY);
	assert_int_equal(schedule.current.failures, 3);
}

/* A run that fails while others wait is not tried again: they will do. */
static void
test_failed_with_queue(void **state)
{
	PgbrSchedule schedule = make_schedule("0 3 * * 0", NULL, "0 * * * *", "2026-03-01 00:30");

	(void) state;
	plan_at(&schedule, "2026-03-01 01:00");
	plan_at(&schedule, "2026-03-01 02:00");
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 02:30"),
					 PGBR_SEQUEL_COVERED);
	assert_int_equal(by, PGBR_BACKUP_INCR);
	assert_int_equal(by_due, moment("2026-03-01 02:00"));
	plan_at(&schedule, "2026-03-01 02:30");
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 02:00", PGBR_REASON_QUEUED);
	assert_int_equal(schedule.current.failures, 0);
	plan_at(&schedule, "2026-03-01 03:00");
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 03:30"),
					 PGBR_SEQUEL_COVERED);
	assert_int_equal(by, PGBR_BACKUP_FULL);
	assert_int_equal(by_due, moment("2026-03-01 03:00"));
}

/* The new leader reads in its history that a run was under way, and what waited. */
static void
test_failover(void **state)
{
	PgbrSchedule schedule = make_schedule("0 2 * * 0", NULL, "0 * * * *", "2026-03-01 03:00");

	(void) state;
	schedule.types[PGBR_BACKUP_FULL].handled = moment("2026-03-01 02:00");
	schedule.current_type = PGBR_BACKUP_FULL;
	schedule.current = (PgbrRun){.exists = true, .due = moment("2026-03-01 02:00"), .failures = 1};
	schedule.types[PGBR_BACKUP_INCR].owed =
		(PgbrRun){.exists = true, .due = moment("2026-03-01 03:00"), .not_before = PGBR_AT_ONCE};
	assert_int_equal(finish_at(&schedule, PGBR_OUTCOME_INTERRUPTED, "2026-03-01 03:20"),
					 PGBR_SEQUEL_OWED);
	plan_at(&schedule, "2026-03-01 03:20");
	assert_int_equal(plan.group_count, 0);
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_INTERRUPTED);
	assert_int_equal(schedule.current.failures, 1);
	assert_int_equal(plan.covered[PGBR_BACKUP_INCR].due, moment("2026-03-01 03:00"));

	/* nothing runs twice */
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 03:40");
	plan_at(&schedule, "2026-03-01 03:40");
	assert_false(plan.start);

	/* what came due without a leader covers the interrupted run of its type: one backup */
	schedule = make_schedule(NULL, NULL, "0 * * * *", "2026-03-01 03:00");
	schedule.current_type = PGBR_BACKUP_INCR;
	schedule.current = (PgbrRun){.exists = true, .due = moment("2026-03-01 03:00")};
	finish_at(&schedule, PGBR_OUTCOME_INTERRUPTED, "2026-03-01 04:30");
	plan_at(&schedule, "2026-03-01 04:30");
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_COVERED, "2026-03-01 03:00", "2026-03-01 03:00", 1);
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 04:00", PGBR_REASON_CATCH_UP);

	/* an interrupted run is made again though it is older than the window, and without attempts */
	schedule = make_schedule("0 2 * * 0", NULL, NULL, "2026-03-01 02:00");
	schedule.retry_limit = 0;
	schedule.catch_up_window = 0;
	schedule.current_type = PGBR_BACKUP_FULL;
	schedule.current = (PgbrRun){.exists = true, .due = moment("2026-03-01 02:00")};
	finish_at(&schedule, PGBR_OUTCOME_INTERRUPTED, "2026-03-03 02:00");
	plan_at(&schedule, "2026-03-03 02:00");
	assert_starts(&schedule, PGBR_BACKUP_FULL, "2026-03-01 02:00", PGBR_REASON_INTERRUPTED);
}

static void
test_clock_steps(void **state)
{
	PgbrSchedule schedule = make_schedule(NULL, NULL, "0 * * * *", "2026-03-01 09:30");

	(void) state;
	plan_at(&schedule, "2026-03-01 10:00");
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 10:05");

	/* back by 20 minutes: 10:00 comes again and is not repeated */
	plan_at(&schedule, "2026-03-01 09:45");
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-01 11:00"));
	plan_at(&schedule, "2026-03-01 10:00");
	assert_int_equal(plan.group_count, 0);
	assert_false(plan.start);

	/* ahead by three hours: one run, all due times accounted for; and back again: no second one */
	plan_at(&schedule, "2026-03-01 13:10");
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_COVERED, "2026-03-01 11:00", "2026-03-01 12:00", 2);
	assert_group(1, PGBR_BACKUP_INCR, PGBR_DUE_OWED, "2026-03-01 13:00", "2026-03-01 13:00", 1);
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 13:00", PGBR_REASON_CATCH_UP);
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 10:12");
	plan_at(&schedule, "2026-03-01 12:00");
	assert_int_equal(plan.group_count, 0);
	assert_int_equal(plan.wake, moment("2026-03-01 14:00"));

	/* ahead by twenty years and back: backups go on at once, not in twenty years */
	plan_at(&schedule, "2046-03-01 12:30");
	assert_true(plan.start);
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2046-03-01 12:31");
	plan_at(&schedule, "2026-03-01 13:20");
	assert_int_equal(plan.group_count, 0);
	assert_int_equal(plan.wake, moment("2026-03-01 14:00"));
	plan_at(&schedule, "2026-03-01 14:00");
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 14:00", PGBR_REASON_DUE);
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 14:01");
	plan_at(&schedule, "2026-03-01 14:01");
	assert_int_equal(plan.group_count, 0);
	plan_at(&schedule, "2026-03-01 15:00");
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 15:00", PGBR_REASON_DUE);

	/* the clock goes back once more: from there on, too */
	finish_at(&schedule, PGBR_OUTCOME_SUCCEEDED, "2026-03-01 15:01");
	plan_at(&schedule, "2026-02-01 15:30");
	assert_int_equal(plan.wake, moment("2026-02-01 16:00"));
	/* and it is right again: what was missed meanwhile is accounted for */
	schedule.types[PGBR_BACKUP_INCR].handled = moment("2026-03-01 15:00");
	plan_at(&schedule, "2026-03-01 15:30");
	assert_int_equal(plan.group_count, 0);
	plan_at(&schedule, "2026-03-01 16:00");
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 16:00", PGBR_REASON_DUE);

	/* a retry that waits does not wait for a clock that was set back */
	finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 16:01");
	plan_at(&schedule, "2025-12-01 15:30");
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 16:00", PGBR_REASON_RETRY);
}

/* One day is the border between a clock that steps back and one that had run away. */
static void
test_clock_border(void **state)
{
	PgbrSchedule schedule = make_schedule(NULL, NULL, "0 * * * *", "2026-03-02 12:00");

	(void) state;
	plan_at(&schedule, "2026-03-01 12:00");
	assert_int_equal(plan.wake, moment("2026-03-02 13:00"));
	plan_at(&schedule, "2026-03-01 11:59:59");
	assert_int_equal(plan.wake, moment("2026-03-01 12:00"));
}

static void
test_disabled(void **state)
{
	PgbrSchedule schedule = make_schedule("0 2 * * *", NULL, "0 * * * *", "2026-03-01 00:30");

	(void) state;
	schedule.enabled = false;
	plan_at(&schedule, "2026-03-01 05:30");
	assert_int_equal(plan.group_count, 2);
	assert_group(0, PGBR_BACKUP_INCR, PGBR_DUE_DISABLED, "2026-03-01 01:00", "2026-03-01 05:00", 5);
	assert_group(1, PGBR_BACKUP_FULL, PGBR_DUE_DISABLED, "2026-03-01 02:00", "2026-03-01 02:00", 1);
	assert_false(plan.start);
	assert_int_equal(plan.wake, INT64_MAX);
	assert_int_equal(plan.next_due[PGBR_BACKUP_INCR], moment("2026-03-01 06:00"));
	schedule.enabled = true;
	plan_at(&schedule, "2026-03-01 05:30");
	assert_int_equal(plan.group_count, 0);
	assert_false(plan.start);
	assert_int_equal(plan.wake, moment("2026-03-01 06:00"));

	/* what is owed stays owed */
	plan_at(&schedule, "2026-03-01 06:00");
	finish_at(&schedule, PGBR_OUTCOME_FAILED, "2026-03-01 06:01");
	schedule.enabled = false;
	plan_at(&schedule, "2026-03-01 06:30");
	assert_false(plan.start);
	schedule.enabled = true;
	plan_at(&schedule, "2026-03-01 06:31");
	assert_starts(&schedule, PGBR_BACKUP_INCR, "2026-03-01 06:00", PGBR_REASON_RETRY);
}

static void
test_nothing_scheduled(void **state)
{
	PgbrSchedule schedule = make_schedule(NULL, NULL, NULL, "2026-03-01 00:30");

	(void) state;
	plan_at(&schedule, "2027-03-01 00:30");
	assert_int_equal(plan.group_count, 0);
	assert_false(plan.start);
	assert_int_equal(plan.wake, INT64_MAX);
}

/* Ten years without a worker, every minute due: bounded work, and it says that it did not count. */
static void
test_bounded(void **state)
{
	PgbrSchedule schedule = make_schedule(NULL, NULL, "* * * * *", "2016-03-01 00:00");
	clock_t start = clock();

	(void) state;
	plan_at(&schedule, "2026-03-01 00:00");
	assert_true((double) (clock() - start) / CLOCKS_PER_SEC < 0.5);
	assert_int_equal(plan.group_count, 3);
	assert_int_equal(plan.groups[0].fate, PGBR_DUE_TOO_OLD);
	assert_true(plan.groups[0].is_partial);
	assert_int_equal(plan.groups[0].first, moment("2016-03-01 00:01"));
	assert_int_equal(plan.groups[0].count, 10000);
	assert_int_equal(plan.groups[1].fate, PGBR_DUE_COVERED);
	assert_false(plan.groups[1].is_partial);
	assert_int_equal(plan.groups[1].count, DAY / 60 - 1);
	assert_int_equal(plan.wake, moment("2026-03-01 00:01"));

	schedule = make_schedule(NULL, NULL, "* * * * *", "2026-01-01 00:00");
	schedule.catch_up_window = 400 * DAY;
	plan_at(&schedule, "2026-03-01 00:00");
	assert_int_equal(plan.group_count, 2);
	assert_true(plan.groups[0].is_partial);
	assert_int_equal(plan.groups[0].last, moment("2026-02-28 23:59"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_time),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_queue_outlasts_window),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_retry_delays),
		cmocka_unit_test(test_retry_and_due),
		cmocka_unit_test(test_failed_with_queue),
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_clock_steps),
		cmocka_unit_test(test_clock_border),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_nothing_scheduled),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
