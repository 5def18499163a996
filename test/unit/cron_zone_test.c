/*
 * cron_zone_test.c
 *		Schedules across changes of the clock: tables made by hand for what users will ask about,
 *		and a comparison with a plain model that lives through every minute.
 */
#include "zone_file.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* "2026-03-29 01:30 +0100" */
static int64_t
moment_at(const char *text)
{
	int offset = atoi(strrchr(text, ' ') + 1);

	return moment(text) - (offset / 100 * 3600 + offset % 100 * 60);
}

/* The moments that follow the first one, as many as there are. */
typedef struct Row
{
	const char *schedule;
	const char *moments[7];
} Row;

static void
check(const char *zone_name, const Row *rows, size_t count)
{
	ZoneFile file;
	PgbrZone zone = {zone_file_lookup, &file};

	zone_file_read(zone_name, &file);
	for (size_t i = 0; i < count; i++)
	{
		PgbrCron cron;
		int64_t at = moment_at(rows[i].moments[0]);

		assert_true(pgbr_cron_parse(rows[i].schedule, &cron, NULL, NULL));
		for (int j = 1; j < 7 && rows[i].moments[j]; j++)
		{
			int64_t expected = moment_at(rows[i].moments[j]);

			assert_true(pgbr_cron_next(&cron, &zone, at, &at));
			if (at != expected)
				fail_msg("%s, %s: %lld s from %s", zone_name, rows[i].schedule,
						 (long long) (at - expected), rows[i].moments[j]);
		}
	}
}

#define CHECK(zone, rows) check(zone, rows, sizeof(rows) / sizeof((rows)[0]))

static void
test_berlin(void **state)
{
	static const Row rows[] = {
		/* 29 March 2026, 02:00 becomes 03:00: the time that is missing runs when the gap ends */
		{"30 2 * * *",
		 {"2026-03-28 00:00 +0100", "2026-03-28 02:30 +0100", "2026-03-29 03:00 +0200",
		  "2026-03-30 02:30 +0200"}},
		/* two of them, or one and the end of the gap itself, are one run */
		{"15,45 2 * * *",
		 {"2026-03-29 00:00 +0100", "2026-03-29 03:00 +0200", "2026-03-30 02:15 +0200"}},
		{"0 2,3 * * *",
		 {"2026-03-29 00:00 +0100", "2026-03-29 03:00 +0200", "2026-03-30 02:00 +0200"}},
		{"0 2 29 3 *", {"2026-01-01 00:00 +0100", "2026-03-29 03:00 +0200"}},
		{"0 3 * * *", {"2026-03-28 12:00 +0100", "2026-03-29 03:00 +0200"}},
		{"59 1 * * *", {"2026-03-28 12:00 +0100", "2026-03-29 01:59 +0100"}},
		/* 25 October 2026, 03:00 becomes 02:00: what comes twice runs the first time */
		{"30 2 * * *",
		 {"2026-10-25 00:00 +0200", "2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"}},
		{"0 2 * * *",
		 {"2026-10-25 00:00 +0200", "2026-10-25 02:00 +0200", "2026-10-26 02:00 +0100"}},
		{"0 3 * * *",
		 {"2026-10-25 00:00 +0200", "2026-10-25 03:00 +0100", "2026-10-26 03:00 +0100"}},
		{"*/20 2 * * *",
		 {"2026-10-25 00:00 +0200", "2026-10-25 02:00 +0200", "2026-10-25 02:20 +0200",
		  "2026-10-25 02:40 +0200", "2026-10-26 02:00 +0100"}},
		/* asked in the middle of the hour that repeats */
		{"30 2 * * *", {"2026-10-25 02:10 +0100", "2026-10-26 02:30 +0100"}},
		/* every hour stays every hour */
		{"30 0/1 * * *",
		 {"2026-03-29 00:30 +0100", "2026-03-29 01:30 +0100", "2026-03-29 03:30 +0200",
		  "2026-03-29 04:30 +0200"}},
		{"30 * * * *",
		 {"2026-10-25 01:30 +0200", "2026-10-25 02:30 +0200", "2026-10-25 02:30 +0100",
		  "2026-10-25 03:30 +0100"}},
		{"*/30 * * * *",
		 {"2026-03-29 01:30 +0100", "2026-03-29 03:00 +0200", "2026-03-29 03:30 +0200"}},
		/* every second hour goes by the clock on the wall */
		{"0 */2 * * *",
		 {"2026-03-28 23:00 +0100", "2026-03-29 00:00 +0100", "2026-03-29 04:00 +0200"}},
		{"0 */2 * * *",
		 {"2026-10-25 00:00 +0200", "2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100",
		  "2026-10-25 04:00 +0100"}},
		/* the same hours by name are fixed times: none is lost and none repeated */
		{"0 0,2,4 * * *",
		 {"2026-03-28 23:00 +0100", "2026-03-29 00:00 +0100", "2026-03-29 03:00 +0200",
		  "2026-03-29 04:00 +0200"}},
	};

	(void) state;
	CHECK("Europe/Berlin", rows);
}

static void
test_new_york(void **state)
{
	static const Row rows[] = {
		{"30 2 * * sun",
		 {"2026-03-02 00:00 -0500", "2026-03-08 03:00 -0400", "2026-03-15 02:30 -0400"}},
		{"30 1 * * *",
		 {"2026-11-01 00:00 -0400", "2026-11-01 01:30 -0400", "2026-11-02 01:30 -0500"}},
		{"0 * * * *",
		 {"2026-11-01 00:00 -0400", "2026-11-01 01:00 -0400", "2026-11-01 01:00 -0500",
		  "2026-11-01 02:00 -0500"}},
		{"0 2 1-7 11 *",
		 {"2026-10-31 00:00 -0400", "2026-11-01 02:00 -0500", "2026-11-02 02:00 -0500"}},
	};

	(void) state;
	CHECK("America/New_York", rows);
}

/* Half an hour: 02:00 becomes 02:30 on 4 October 2026, and 01:30 on 5 April. */
static void
test_lord_howe(void **state)
{
	static const Row rows[] = {
		{"15 2 * * *",
		 {"2026-10-03 12:00 +1030", "2026-10-04 02:30 +1100", "2026-10-05 02:15 +1100"}},
		{"0,30 2 * * *",
		 {"2026-10-03 12:00 +1030", "2026-10-04 02:30 +1100", "2026-10-05 02:00 +1100"}},
		{"15 * * * *",
		 {"2026-10-04 01:00 +1030", "2026-10-04 01:15 +1030", "2026-10-04 03:15 +1100"}},
		{"45 1 * * *",
		 {"2026-04-05 00:00 +1100", "2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030"}},
		{"0 2 * * *", {"2026-04-05 00:00 +1100", "2026-04-05 02:00 +1030"}},
		{"*/15 * * * *",
		 {"2026-04-05 01:40 +1100", "2026-04-05 01:45 +1100", "2026-04-05 01:30 +1030",
		  "2026-04-05 01:45 +1030", "2026-04-05 02:00 +1030"}},
	};

	(void) state;
	CHECK("Australia/Lord_Howe", rows);
}

static void
test_midnight(void **state)
{
	/* 8 March 2026 begins at 01:00; on 1 November the first hour comes twice */
	static const Row havana[] = {
		{"@daily", {"2026-03-07 00:00 -0500", "2026-03-08 01:00 -0400", "2026-03-09 00:00 -0400"}},
		{"30 0 8 3 *", {"2026-01-01 00:00 -0500", "2026-03-08 01:00 -0400"}},
		{"@daily", {"2026-10-31 00:00 -0400", "2026-11-01 00:00 -0400", "2026-11-02 00:00 -0500"}},
		{"@monthly",
		 {"2026-10-31 00:00 -0400", "2026-11-01 00:00 -0400", "2026-12-01 00:00 -0500"}},
		{"@hourly", {"2026-03-07 23:00 -0500", "2026-03-08 01:00 -0400", "2026-03-08 02:00 -0400"}},
	};
	/* 25 October 2026 at 00:00 it is 23:00 of the day before once more */
	static const Row beirut[] = {
		{"0 0 * * *",
		 {"2026-03-28 00:00 +0200", "2026-03-29 01:00 +0300", "2026-03-30 00:00 +0300"}},
		{"30 23 * * *",
		 {"2026-10-24 00:00 +0300", "2026-10-24 23:30 +0300", "2026-10-25 23:30 +0200"}},
		{"0 0 * * *",
		 {"2026-10-24 00:00 +0300", "2026-10-25 00:00 +0200", "2026-10-26 00:00 +0200"}},
		{"30 * * * sat",
		 {"2026-10-24 22:30 +0300", "2026-10-24 23:30 +0300", "2026-10-24 23:30 +0200",
		  "2026-10-31 00:30 +0200"}},
	};
	static const Row sao_paulo[] = {
		{"0 0 * * *",
		 {"2018-11-03 00:00 -0300", "2018-11-04 01:00 -0200", "2018-11-05 00:00 -0200"}},
		{"0 0 4 11 *", {"2018-10-01 00:00 -0300", "2018-11-04 01:00 -0200"}},
		{"0 23 * * *",
		 {"2018-02-17 00:00 -0200", "2018-02-17 23:00 -0200", "2018-02-18 23:00 -0300"}},
		{"0 0 * * *", {"2018-02-17 12:00 -0200", "2018-02-18 00:00 -0300"}},
	};

	(void) state;
	CHECK("America/Havana", havana);
	CHECK("Asia/Beirut", beirut);
	CHECK("America/Sao_Paulo", sao_paulo);
}

/* 30 December 2011 did not take place; after the 29th came the 31st. */
static void
test_lost_day(void **state)
{
	static const Row rows[] = {
		{"0 12 * * *",
		 {"2011-12-28 12:00 -1000", "2011-12-29 12:00 -1000", "2011-12-31 00:00 +1400",
		  "2011-12-31 12:00 +1400", "2012-01-01 12:00 +1400"}},
		{"0 12 30 12 *",
		 {"2011-01-01 00:00 -1000", "2011-12-31 00:00 +1400", "2012-12-30 12:00 +1400"}},
		{"0 12 * * fri", {"2011-12-29 00:00 -1000", "2011-12-31 00:00 +1400"}},
		{"0 * * * *",
		 {"2011-12-29 22:00 -1000", "2011-12-29 23:00 -1000", "2011-12-31 00:00 +1400",
		  "2011-12-31 01:00 +1400"}},
	};

	(void) state;
	CHECK("Pacific/Apia", rows);
}

/* Other shapes: two hours at once, a DST below standard time, quarters of an hour, local mean time
 * with seconds. */
static void
test_other_zones(void **state)
{
	static const Row troll[] = {
		{"30 1 * * *", {"2026-03-28 12:00 +0000", "2026-03-29 03:00 +0200"}},
		{"30 2 * * *",
		 {"2026-10-25 00:00 +0200", "2026-10-25 02:30 +0200", "2026-10-26 02:30 +0000"}},
	};
	static const Row casablanca[] = {
		{"30 2 * * *",
		 {"2026-02-14 12:00 +0100", "2026-02-15 02:30 +0100", "2026-02-16 02:30 +0000"}},
		{"30 2 * * *", {"2026-03-21 12:00 +0000", "2026-03-22 03:00 +0100"}},
	};
	static const Row kathmandu[] = {
		{"0 0 * * *", {"2026-01-01 00:00 +0545", "2026-01-02 00:00 +0545"}},
		{"10 0 1 1 *", {"1985-12-31 00:00 +0530", "1986-01-01 00:15 +0545"}},
	};
	static const Row brussels[] = {
		{"0 12 * * *", {"1850-06-01 00:00 +0000", "1850-06-01 11:42:30 +0000"}},
	};

	(void) state;
	CHECK("Antarctica/Troll", troll);
	CHECK("Africa/Casablanca", casablanca);
	CHECK("Asia/Kathmandu", kathmandu);
	CHECK("Europe/Brussels", brussels);
}

/* Two steps back within an hour: 02:45 has come before, though not since the last step. */
static void
test_two_steps_back(void **state)
{
	const int64_t change = moment("2026-01-01 01:00");
	ZoneFile file = {2, {change, change + 1800}, {7200, 3600, 0}};
	PgbrZone zone = {zone_file_lookup, &file};
	PgbrCron cron;
	int64_t next;

	(void) state;
	assert_true(pgbr_cron_parse("45 2 * * *", &cron, NULL, NULL));
	assert_true(pgbr_cron_next(&cron, &zone, change - 3600, &next));
	assert_int_equal(next, moment_at("2026-01-01 02:45 +0200"));
	assert_true(pgbr_cron_next(&cron, &zone, next, &next));
	assert_int_equal(next, moment_at("2026-01-02 02:45 +0000"));
}

/*
 * The model: live through every minute from a day before a change to a day after it, with the local
 * time in force, and remember how far the local clock has come.
 */
typedef struct Model
{
	const PgbrCron *cron;
	const PgbrZone *zone;
	int64_t farthest;
} Model;

static bool
is_match(const PgbrCron *cron, int64_t local)
{
	time_t seconds = (time_t) local;
	struct tm tm;
	bool day;
	bool weekday;

	gmtime_r(&seconds, &tm);
	day = cron->days >> tm.tm_mday & 1;
	weekday = cron->weekdays >> tm.tm_wday & 1;
	if (cron->days == 0xFFFFFFFE || cron->weekdays == 0x7F ? !(day && weekday) : !(day || weekday))
		return false;
	return tm.tm_sec == 0 && cron->minutes >> tm.tm_min & 1 && cron->hours >> tm.tm_hour & 1 &&
		   cron->months >> (tm.tm_mon + 1) & 1;
}

/* True when the schedule is due at this minute; called for one minute after the other. */
static bool
model_is_due(Model *model, int64_t minute)
{
	int32_t offset;
	int64_t until;
	int64_t local;
	bool due;

	model->zone->lookup(model->zone->data, minute, &offset, &until);
	local = minute + offset;
	if (model->cron->wildcard_hour)
		return is_match(model->cron, local);
	due = false;
	for (int64_t passed = model->farthest + 60; passed <= local; passed += 60)
		due = due || is_match(model->cron, passed);
	if (local > model->farthest)
		model->farthest = local;
	return due;
}

static unsigned
pick(unsigned *seed, unsigned count)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % count;
}

static void
make_schedule(unsigned *seed, char *text, size_t size)
{
	static const char *const minutes[] = {"0", "30", "15,45", "*/20", "*", "5/25", "1-3"};
	static const char *const hours[] = {"*",   "*/2", "0/3", "2",	"0",   "23",
										"0,1", "1-3", "*/5", "2-4", "1/1", "0-23/4"};
	static const char *const days[] = {"*", "*", "1", "*/2", "25-31", "29"};
	static const char *const weekdays[] = {"*", "*", "0", "sat", "1-5"};

	snprintf(text, size, "%s %s %s * %s", minutes[pick(seed, 7)], hours[pick(seed, 12)],
			 days[pick(seed, 6)], weekdays[pick(seed, 5)]);
}

static void
compare(const char *zone_name, const ZoneFile *file, int64_t change, const char *schedule)
{
	const int64_t day = 86400;
	PgbrZone zone = {zone_file_lookup, file};
	PgbrCron cron;
	Model model = {&cron, &zone, 0};
	int32_t offset;
	int64_t until;
	int64_t next;

	assert_true(pgbr_cron_parse(schedule, &cron, NULL, NULL));
	/* long enough before the change for no earlier one to matter */
	zone.lookup(zone.data, change - 2 * day, &offset, &until);
	model.farthest = change - 2 * day + offset;
	if (!pgbr_cron_next(&cron, &zone, change - 2 * day, &next))
		next = INT64_MAX;
	for (int64_t minute = change - 2 * day + 60; minute < change + 2 * day; minute += 60)
	{
		bool due = model_is_due(&model, minute);

		if (due != (next == minute))
			fail_msg("%s, %s: at %lld the model says %s, next is %lld", zone_name, schedule,
					 (long long) minute, due ? "due" : "not due", (long long) next);
		if (due && !pgbr_cron_next(&cron, &zone, minute, &next))
			next = INT64_MAX;
	}
}

static void
test_model(void **state)
{
	static const char *const zones[] = {
		"Europe/Berlin",  "America/New_York",  "Australia/Lord_Howe", "America/Havana",
		"Asia/Beirut",	  "America/Sao_Paulo", "Pacific/Apia",		  "Antarctica/Troll",
		"Asia/Kathmandu", "Africa/Casablanca", "Africa/Cairo",		  "America/St_Johns",
		"Asia/Gaza",	  "Pacific/Kwajalein", "Asia/Pyongyang",	  "America/Caracas",
	};
	unsigned seed = 1;
	int compared = 0;

	(void) state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
	{
		ZoneFile file;

		zone_file_read(zones[i], &file);
		for (int change = 0; change < file.count; change++)
		{
			char schedule[64];

			/* from 1970, when zones had done away with local mean time, to 2037 */
			if (file.changes[change] < 0 || file.changes[change] % 60 != 0)
				continue;
			for (int j = 0; j < 2; j++)
			{
				make_schedule(&seed, schedule, sizeof(schedule));
				compare(zones[i], &file, file.changes[change], schedule);
				compared++;
			}
		}
	}
	print_message("# %d changes of the clock\n", compared);
	assert_true(compared > 2000);
}

/* Every next is later, and the same whichever moment before it one asks from. */
static void
test_consistent(void **state)
{
	ZoneFile file;
	PgbrZone zone = {zone_file_lookup, &file};
	unsigned seed = 7;

	(void) state;
	zone_file_read("Asia/Beirut", &file);
	for (int i = 0; i < 300; i++)
	{
		int64_t after = moment("2020-01-01 00:00") + (int64_t) pick(&seed, 30000) * 7211;
		char schedule[64];
		PgbrCron cron;
		int64_t next;

		make_schedule(&seed, schedule, sizeof(schedule));
		assert_true(pgbr_cron_parse(schedule, &cron, NULL, NULL));
		assert_true(pgbr_cron_next(&cron, &zone, after, &next));
		assert_true(next > after);
		for (int64_t between = after; between < next; between += 1 + (next - after) / 50)
		{
			int64_t again;

			assert_true(pgbr_cron_next(&cron, &zone, between, &again));
			assert_int_equal(again, next);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_berlin),		   cmocka_unit_test(test_new_york),
		cmocka_unit_test(test_lord_howe),	   cmocka_unit_test(test_midnight),
		cmocka_unit_test(test_lost_day),	   cmocka_unit_test(test_other_zones),
		cmocka_unit_test(test_two_steps_back), cmocka_unit_test(test_model),
		cmocka_unit_test(test_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
