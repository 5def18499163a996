/*
 * schedule_accidents_test.c
 *		A year of accidents for a schedule: backups that fail, clocks that are set, nights without a
 *		worker and failovers, by chance from fixed seeds. Every due time must be accounted for once.
 */
#include "common/schedule_plan.h"

#include "zone_file.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOUR 3600
#define DAY	 86400

typedef enum Fate
{
	FATE_NONE,
	FATE_OWED,
	FATE_RUNNING,
	FATE_SUCCEEDED,
	FATE_GIVEN_UP,
	FATE_COVERED,
	FATE_MISSED,
} Fate;

#define BOOK_DAYS 366
#define SLOTS	  (BOOK_DAYS * 24 * 4) /* due times are quarters of an hour */

/* What a worker would have written into its history, which is all that a new leader knows. */
typedef struct Book
{
	int64_t start;
	Fate fates[PGBR_BACKUP_TYPE_COUNT][SLOTS];
	PgbrCron crons[PGBR_BACKUP_TYPE_COUNT];
	PgbrSchedule schedule;
	PgbrPlan plan;
	int64_t now;
	bool running;
	int runs;
	int failovers;
} Book;

static Fate *
fate_of(Book *book, PgbrBackupType type, int64_t due)
{
	int64_t slot = (due - book->start) / 900;

	assert_true(slot >= 0 && slot < SLOTS && (due - book->start) % 900 == 0);
	return &book->fates[type][slot];
}

/* Write one due time down: a new one, or one that was owed and is covered now. */
static void
write_fate(Book *book, const PgbrDueGroup *group, int64_t due)
{
	Fate *fate = fate_of(book, group->type, due);

	if (*fate == FATE_OWED)
		assert_int_equal(group->fate, PGBR_DUE_COVERED);
	else
		assert_int_equal(*fate, FATE_NONE);
	*fate = group->fate == PGBR_DUE_OWED	  ? FATE_OWED
			: group->fate == PGBR_DUE_COVERED ? FATE_COVERED
											  : FATE_MISSED;
}

static void
write_plan(Book *book)
{
	PgbrSchedule *schedule = &book->schedule;

	for (int i = 0; i < book->plan.group_count; i++)
	{
		const PgbrDueGroup *group = &book->plan.groups[i];
		int64_t due = group->first;
		int count = 1;

		for (; due < group->last; count++)
		{
			write_fate(book, group, due);
			assert_true(
				pgbr_cron_next(schedule->types[group->type].cron, &schedule->zone, due, &due));
		}
		write_fate(book, group, due);
		assert_int_equal(due, group->last);
		assert_int_equal(count, group->count);
	}
	if (!book->plan.start)
		return;
	assert_false(book->running);
	book->running = true;
	assert_int_equal(*fate_of(book, schedule->current_type, schedule->current.due), FATE_OWED);
	*fate_of(book, schedule->current_type, schedule->current.due) = FATE_RUNNING;
	book->runs++;
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		if (!book->plan.covered[type].exists)
			continue;
		assert_true(type < (int) schedule->current_type);
		assert_int_equal(*fate_of(book, type, book->plan.covered[type].due), FATE_OWED);
		*fate_of(book, type, book->plan.covered[type].due) = FATE_COVERED;
	}
}

static void
write_outcome(Book *book, PgbrOutcome outcome)
{
	PgbrBackupType type = book->schedule.current_type;
	Fate *fate = fate_of(book, type, book->schedule.current.due);

	PgbrBackupType by = PGBR_BACKUP_INCR;
	int64_t by_due = 0;

	assert_int_equal(*fate, FATE_RUNNING);
	book->running = false;
	switch (pgbr_schedule_finish(&book->schedule, outcome, book->now, &by, &by_due))
	{
		case PGBR_SEQUEL_NONE:
			*fate = FATE_SUCCEEDED;
			break;
		case PGBR_SEQUEL_OWED:
			*fate = FATE_OWED;
			break;
		case PGBR_SEQUEL_GIVE_UP:
			*fate = FATE_GIVEN_UP;
			break;
		case PGBR_SEQUEL_COVERED:
			assert_int_equal(*fate_of(book, by, by_due), FATE_OWED);
			*fate = FATE_COVERED;
			break;
	}
}

/* Another member takes over and knows nothing but the book. */
static void
fail_over(Book *book)
{
	PgbrSchedule *schedule = &book->schedule;

	schedule->current.exists = false;
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		schedule->types[type].owed.exists = false;
		schedule->types[type].handled = book->start;
		schedule->types[type].handled_is_ahead = false;
		for (int slot = 0; slot < SLOTS; slot++)
		{
			int64_t due = book->start + (int64_t) slot * 900;
			PgbrRun run = {.exists = true, .due = due, .not_before = PGBR_AT_ONCE};

			if (book->fates[type][slot] != FATE_NONE)
				schedule->types[type].handled = due;
			if (book->fates[type][slot] == FATE_OWED)
			{
				assert_false(schedule->types[type].owed.exists);
				schedule->types[type].owed = run;
			}
			if (book->fates[type][slot] == FATE_RUNNING)
			{
				assert_false(schedule->current.exists);
				schedule->current = run;
				schedule->current_type = type;
			}
		}
	}
	if (schedule->current.exists)
		write_outcome(book, PGBR_OUTCOME_INTERRUPTED);
	book->failovers++;
}

static unsigned
pick(unsigned *seed, unsigned count)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % count;
}

/* What happens next, and how much later. */
static void
step(Book *book, unsigned *seed)
{
	bool running = book->schedule.current.exists;
	int64_t wake = book->plan.wake;

	switch (pick(seed, 12))
	{
		case 0: /* the clock is set back */
			book->now -= pick(seed, 5 * HOUR);
			break;
		case 1: /* or ahead, or nobody was there */
			book->now += pick(seed, 3) ? pick(seed, 5 * HOUR) : 10 * pick(seed, 2 * DAY);
			break;
		case 2:
			book->now += pick(seed, HOUR);
			fail_over(book);
			break;
		case 3:
		case 4:
		case 5:
			if (running)
			{
				book->now += pick(seed, 2 * HOUR);
				write_outcome(book, pick(seed, 3) ? PGBR_OUTCOME_SUCCEEDED : PGBR_OUTCOME_FAILED);
				break;
			}
			/* FALLTHROUGH */
		default: /* sleep until it is time */
			if (wake < INT64_MAX && wake > book->now)
				book->now = wake;
	}
}

/*
 * Nothing up to the newest due time that was handled is without a fate, and nothing else has one.
 */
static void
check_book(Book *book)
{
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		const PgbrScheduledType *scheduled = &book->schedule.types[type];
		int64_t next;

		assert_true(pgbr_cron_next(scheduled->cron, &book->schedule.zone, book->start, &next));
		for (int slot = 1; slot < SLOTS; slot++)
		{
			int64_t due = book->start + (int64_t) slot * 900;
			bool handled = due == next && due <= scheduled->handled;

			if ((book->fates[type][slot] != FATE_NONE) != handled)
				fail_msg("type %d, slot %d: fate %d", type, slot, book->fates[type][slot]);
			if (due == next)
				assert_true(pgbr_cron_next(scheduled->cron, &book->schedule.zone, due, &next));
		}
	}
}

static void
open_book(Book *book, const char *const *schedules, const ZoneFile *file, int64_t window)
{
	memset(book, 0, sizeof(*book));
	book->start = book->now = moment("2026-01-01 00:00");
	book->schedule = (PgbrSchedule){.zone = {zone_file_lookup, file},
									.enabled = true,
									.catch_up_window = window,
									.retry_limit = 3};
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		assert_true(pgbr_cron_parse(schedules[type], &book->crons[type], NULL, NULL));
		book->schedule.types[type].cron = &book->crons[type];
		book->schedule.types[type].handled = book->start;
	}
	pgbr_schedule_plan(&book->schedule, book->now, &book->plan);
}

static void
test_accidents(void **state)
{
	static const char *const schedules[][PGBR_BACKUP_TYPE_COUNT] = {
		/* incr, diff, full */
		{"30 0/1 * * *", "0 2 * * *", "0 2 * * 0"},
		{"*/15 * * * *", "30 2 * * 1-6", "0 1 1,15 * *"},
		{"30 0/1 * * *", "30 0/1 * * *", "0 3 * * *"},
	};
	static Book book;
	ZoneFile file;
	int runs = 0;
	int failovers = 0;

	(void) state;
	zone_file_read("Europe/Berlin", &file);
	for (unsigned round = 0; round < 60; round++)
	{
		unsigned seed = round + 1;

		open_book(&book, schedules[round % 3], &file, pick(&seed, 2) ? DAY : 2 * HOUR);
		while (book.now < book.start + (BOOK_DAYS - 25) * (int64_t) DAY)
		{
			step(&book, &seed);
			pgbr_schedule_plan(&book.schedule, book.now, &book.plan);
			write_plan(&book);
		}
		check_book(&book);
		runs += book.runs;
		failovers += book.failovers;
	}
	print_message("# %d runs, %d failovers\n", runs, failovers);
	assert_true(runs > 10000 && failovers > 1000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accidents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
