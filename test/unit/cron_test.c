/*
 * cron_test.c
 *		The dialect of schedules, and the next due moment in UTC. Zones are in cron_zone_test.c.
 *
 * Called with "next" it is a filter for the comparison with croniter (cron_oracle_test.py): it
 * reads lines "schedule<TAB>seconds since 1970" and writes the next due moment, or "never", or the
 * error.
 */
#include "zone_file.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What a schedule means, written out as lists: "minutes|hours|days|months|weekdays". */
static void
describe(const PgbrCron *cron, char *text, size_t size)
{
	const uint64_t sets[] = {cron->minutes, cron->hours, cron->days, cron->months, cron->weekdays};
	size_t length = 0;

	for (int field = 0; field < 5; field++)
	{
		const char *separator = field == 0 ? "" : "|";

		for (int value = 0; value < 64; value++)
		{
			if (!(sets[field] >> value & 1))
				continue;
			length += (size_t) snprintf(text + length, size - length, "%s%d", separator, value);
			separator = ",";
		}
	}
}

#define ALL_HOURS "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23"
#define ALL_DAYS \
	"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
#define ALL_MONTHS "1,2,3,4,5,6,7,8,9,10,11,12"
#define ALL_WEEK   "0,1,2,3,4,5,6"
#define ANY_DATE   ALL_DAYS "|" ALL_MONTHS "|" ALL_WEEK

static void
test_meaning(void **state)
{
	static const struct
	{
		const char *schedule;
		const char *meaning;
		bool wildcard_hour;
	} table[] = {
		{"30 0/1 * * *", "30|" ALL_HOURS "|" ANY_DATE, true},
		{"30 * * * *", "30|" ALL_HOURS "|" ANY_DATE, true},
		{"0 */6 * * *", "0|0,6,12,18|" ANY_DATE, true},
		{"0 0/6 * * *", "0|0,6,12,18|" ANY_DATE, true},
		{"0 0-23/6 * * *", "0|0,6,12,18|" ANY_DATE, true},
		{"0 0-11,12-23 * * *", "0|" ALL_HOURS "|" ANY_DATE, true},
		{"0 0,6,12,18 * * *", "0|0,6,12,18|" ANY_DATE, false},
		{"0 1/6 * * *", "0|1,7,13,19|" ANY_DATE, false},
		{"5/15 3 * * *", "5,20,35,50|3|" ANY_DATE, false},
		{"10-20/5 3 * * *", "10,15,20|3|" ANY_DATE, false},
		{"59,0,59,7-9 3 * * *", "0,7,8,9,59|3|" ANY_DATE, false},
		{"*/60 3 * * *", "0|3|" ANY_DATE, false},
		{"0 */24 * * *", "0|0|" ANY_DATE, true},
		{"0 0 */10 * *", "0|0|1,11,21,31|" ALL_MONTHS "|" ALL_WEEK, false},
		{"0 0 1 jan,JUL,Oct-dec *", "0|0|1|1,7,10,11,12|" ALL_WEEK, false},
		{"0 0 1 feb/3 *", "0|0|1|2,5,8,11|" ALL_WEEK, false},
		{"0 0 * * 7", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0", false},
		{"0 0 * * 0", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0", false},
		{"0 0 * * Sun", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0", false},
		{"0 0 * * mon-fri", "0|0|" ALL_DAYS "|" ALL_MONTHS "|1,2,3,4,5", false},
		{"0 0 * * fri-sun", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0,5,6", false},
		{"0 0 * * 5-7", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0,5,6", false},
		{"0 0 * * 6-0", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0,6", false},
		{"0 0 * * sun-sun", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0", false},
		{"0 0 * * sun-tue", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0,1,2", false},
		{"0 0 * * 1/2", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0,1,3,5", false},
		{"0 0 * * */2", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0,2,4,6", false},
		{"0 0 * * */7", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0", false},
		{"0 0 * * 0-7", "0|0|" ANY_DATE, false},
		{"0 0 29 2 *", "0|0|29|2|" ALL_WEEK, false},
		{"0 0 31 2 mon", "0|0|31|2|1", false},
		{" \t0  0\t1 1 *\n", "0|0|1|1|" ALL_WEEK, false},
		{"@hourly", "0|" ALL_HOURS "|" ANY_DATE, true},
		{"@daily", "0|0|" ANY_DATE, false},
		{"@midnight", "0|0|" ANY_DATE, false},
		{" @Weekly ", "0|0|" ALL_DAYS "|" ALL_MONTHS "|0", false},
		{"@monthly", "0|0|1|" ALL_MONTHS "|" ALL_WEEK, false},
		{"@yearly", "0|0|1|1|" ALL_WEEK, false},
		{"@ANNUALLY", "0|0|1|1|" ALL_WEEK, false},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		PgbrCron cron;
		PgbrError error = PGBR_ERROR_INIT;
		char meaning[1024];

		if (!pgbr_cron_parse(table[i].schedule, &cron, NULL, &error))
			fail_msg("%s: %s", table[i].schedule, error.message);
		describe(&cron, meaning, sizeof(meaning));
		if (strcmp(meaning, table[i].meaning) != 0 || cron.wildcard_hour != table[i].wildcard_hour)
			fail_msg("%s: means %s, wildcard %d", table[i].schedule, meaning, cron.wildcard_hour);
	}
}

static void
test_refused(void **state)
{
	static const struct
	{
		const char *schedule;
		size_t position;
		const char *reason;
		const char *hint; /* a part of it */
	} table[] = {
		{"", 0, "it is empty", "minute, hour, day of month"},
		{"   ", 0, "it is empty", "minute, hour, day of month"},
		{"0 0 * *", 7, "it has fewer than five fields", "minute, hour, day of month"},
		{"0 0 0 * * *", 10, "it has more than five fields", "no seconds and no years"},
		{"0 0 12 * * ? 2030", 11, "it has more than five fields", "no seconds and no years"},
		{"60 0 * * *", 0, "60 is out of range", "0 to 59"},
		{"0 24 * * *", 2, "24 is out of range", "0 to 23"},
		{"0 0 0 * *", 4, "0 is out of range", "1 to 31"},
		{"0 0 32 * *", 4, "32 is out of range", "1 to 31"},
		{"0 0 * 0 *", 6, "0 is out of range", "1 to 12"},
		{"0 0 * 13 *", 6, "13 is out of range", "1 to 12"},
		{"0 0 * * 8", 8, "8 is out of range", "0 and 7 being Sunday"},
		{"0 0 0/5 * *", 4, "0 is out of range", "1 to 31"},
		{"99999999999999999999 0 * * *", 0, "99999999999999999999 is out of range", "0 to 59"},
		{"0 0,12,25 * * *", 7, "25 is out of range", "0 to 23"},
		{"0 0 * * monday", 8, "\"monday\" is not a value of this field", "sun to sat"},
		{"0 0 * mon *", 6, "\"mon\" is not a value of this field", "jan to dec"},
		{"jan 0 * * *", 0, "\"jan\" is not a value of this field", "0 to 59"},
		{"0 0 L * *", 4, "\"L\" is not a value of this field", "1 to 31"},
		{"0 0 15W * *", 4, "\"15W\" is not a value of this field", "1 to 31"},
		{"0 0 * * 5#2", 8, "\"5#2\" is not a value of this field", "sun to sat"},
		{"0 0 ? * 1", 4, "\"?\" is not a value of this field", "1 to 31"},
		{"H H * * *", 0, "\"H\" is not a value of this field", "0 to 59"},
		{"0 0 1, * *", 6, "a value is missing", "1 to 31"},
		{"0 0 ,1 * *", 4, "a value is missing", "1 to 31"},
		{"0 0 1- * *", 6, "a value is missing", "1 to 31"},
		{"-1 0 * * *", 0, "a value is missing", "0 to 59"},
		{"*-5 0 * * *", 1, "unexpected \"-5\"", "0 to 59"},
		{"*5 0 * * *", 1, "unexpected \"5\"", "0 to 59"},
		{"1-2-3 0 * * *", 3, "unexpected \"-3\"", "0 to 59"},
		{"0 0 1/2/3 * *", 7, "unexpected \"/3\"", "1 to 31"},
		{"0 22-4 * * *", 2, "the range 22-4 runs backwards", "\"22-23,0-4\""},
		{"0 0 * nov-feb *", 6, "the range nov-feb runs backwards", "\"11-12,1-2\""},
		{"0 0 * * fri-mon", 8, "the range fri-mon runs backwards", "\"5-7,1-1\""},
		{"*/0 0 * * *", 2, "a step is a whole number from 1", "*/2"},
		{"*/ 0 * * *", 2, "a step is a whole number from 1", "*/2"},
		{"*/x 0 * * *", 2, "a step is a whole number from 1", "*/2"},
		{"*/-5 0 * * *", 2, "a step is a whole number from 1", "*/2"},
		{"*/61 0 * * *", 2, "step 61 is larger than its range", "0-59 has 60 values"},
		{"0 */25 * * *", 4, "step 25 is larger than its range", "0-23 has 24 values"},
		{"55/10 0 * * *", 3, "step 10 is larger than its range", "write \"55\""},
		{"0 8-10/4 * * *", 7, "step 4 is larger than its range", "8-10 has 3 values"},
		{"0 0 * * */8", 10, "step 8 is larger than its range", "0-6 has 7 values"},
		{"0 0 31 2 *", 4, "no month that it names has such a day", "February"},
		{"0 0 30 2 *", 4, "no month that it names has such a day", "February"},
		{"0 0 30-31 feb *", 4, "no month that it names has such a day", "February"},
		{"0 0 31 4,6,9,11 *", 4, "no month that it names has such a day", "November have 30"},
		{"0 0 31 2 0-7", 4, "no month that it names has such a day", "February"},
		{"@reboot", 0, "@reboot is not a time", "caught up"},
		{"@every 5m", 7, "nothing may follow a name with @", "five fields"},
		{"@fortnightly", 0, "unknown name with @", "@hourly"},
		{"@", 0, "unknown name with @", "@hourly"},
		{"@dailyx", 0, "unknown name with @", "@hourly"},
		{"0 0 * * \xc3\xa9\x01", 8, "\"???\" is not a value of this field", "sun to sat"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		PgbrCron cron;
		PgbrError error = PGBR_ERROR_INIT;
		size_t position = 12345;
		char detail[100];

		if (pgbr_cron_parse(table[i].schedule, &cron, &position, &error))
			fail_msg("%s: was taken", table[i].schedule);
		assert_int_equal(error.code, PGBR_ERROR_INVALID_VALUE);
		snprintf(detail, sizeof(detail), "The error is at offset %zu", table[i].position);
		if (position != table[i].position ||
			strcmp(strrchr(error.message, ':') + 2, table[i].reason) != 0 ||
			strncmp(error.detail, detail, strlen(detail)) != 0 ||
			strstr(error.hint, table[i].hint) == NULL)
			fail_msg("%s: position %zu, %s | %s | %s", table[i].schedule, position, error.message,
					 error.detail, error.hint);
	}
}

static void
test_message(void **state)
{
	PgbrCron cron;
	PgbrError error = PGBR_ERROR_INIT;
	char *huge = malloc(1000001);

	(void) state;
	assert_false(pgbr_cron_parse("0 0 * * monday", &cron, NULL, &error));
	assert_string_equal(
		error.message,
		"invalid schedule \"0 0 * * monday\": \"monday\" is not a value of this field");
	assert_string_equal(error.detail, "The error is at offset 8, in the day-of-week field.");
	assert_false(pgbr_cron_parse("bad", &cron, NULL, NULL));

	/* a long text is read in one pass and quoted in part */
	assert_non_null(huge);
	memset(huge, '9', 1000000);
	huge[1000000] = '\0';
	assert_false(pgbr_cron_parse(huge, &cron, NULL, &error));
	memcpy(huge, "x * * * *", 9);
	assert_false(pgbr_cron_parse(huge, &cron, NULL, &error));
	assert_true(strlen(error.message) < 250);
	for (int i = 0; i + 2 < 1000000; i += 2)
		memcpy(huge + i, "7,", 2);
	memcpy(huge + 999990, "7 * * * * ", 10);
	assert_true(pgbr_cron_parse(huge, &cron, NULL, &error));
	assert_true(cron.minutes == UINT64_C(1) << 7);
	free(huge);
}

static void
test_next(void **state)
{
	static const struct
	{
		const char *schedule;
		const char *after;
		const char *next;
	} table[] = {
		/* strictly later, to the second */
		{"30 0/1 * * *", "2026-03-01 00:29:59", "2026-03-01 00:30"},
		{"30 0/1 * * *", "2026-03-01 00:30", "2026-03-01 01:30"},
		{"* * * * *", "2026-03-01 00:00:01", "2026-03-01 00:01"},
		{"5/15 * * * *", "2026-03-01 00:50", "2026-03-01 01:05"},
		/* weekdays: 2026-03-01 is a Sunday */
		{"0 2 * * 0", "2026-02-23 02:00", "2026-03-01 02:00"},
		{"0 2 * * 7", "2026-02-23 02:00", "2026-03-01 02:00"},
		{"0 2 * * sun", "2026-03-01 02:00", "2026-03-08 02:00"},
		{"0 2 * * 1", "2026-03-01 02:00", "2026-03-02 02:00"},
		{"0 2 * * mon-fri", "2026-02-27 02:00", "2026-03-02 02:00"},
		/* both day fields: either will do; one of them: both must fit */
		{"0 0 13 * fri", "2026-03-01 00:00", "2026-03-06 00:00"},
		{"0 0 13 * fri", "2026-04-10 00:00", "2026-04-13 00:00"},
		{"0 0 */2 * mon", "2026-03-01 00:00", "2026-03-02 00:00"},
		{"0 0 */1 * mon", "2026-03-02 00:00", "2026-03-09 00:00"},
		{"0 0 1-31 * mon", "2026-03-02 00:00", "2026-03-09 00:00"},
		{"0 0 13 * 0-6", "2026-03-02 00:00", "2026-03-13 00:00"},
		{"0 0 31 2 mon", "2026-03-02 00:00", "2027-02-01 00:00"},
		/* the end of a month and of a year */
		{"0 0 31 * *", "2026-03-31 00:00", "2026-05-31 00:00"},
		{"0 0 30 * *", "2026-01-30 00:00", "2026-03-30 00:00"},
		{"0 0 1,31 * *", "2026-02-05 00:00", "2026-03-01 00:00"},
		{"59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59"},
		{"0 0 1 1 *", "2026-12-31 23:59:59", "2027-01-01 00:00"},
		{"* * * * *", "2026-12-31 23:59", "2027-01-01 00:00"},
		/* leap days */
		{"0 0 29 2 *", "2024-02-29 00:00", "2028-02-29 00:00"},
		{"0 0 29 2 *", "2025-03-01 00:00", "2028-02-29 00:00"},
		{"0 0 29 2 *", "1999-01-01 00:00", "2000-02-29 00:00"},
		{"0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"},
		{"0 0 28 2 *", "2024-02-28 00:00", "2025-02-28 00:00"},
		{"0 0 1 3 *", "2024-02-29 12:00", "2024-03-01 00:00"},
		{"0 0 * * *", "2024-02-28 00:00", "2024-02-29 00:00"},
		{"0 0 * * *", "2100-02-28 00:00", "2100-03-01 00:00"},
		/* before 1970 */
		{"0 0 1 * thu", "1969-12-30 12:00", "1970-01-01 00:00"},
		{"15 3 * * *", "1901-12-13 20:45:52", "1901-12-14 03:15"},
		{"0 0 29 2 *", "1896-02-29 00:00", "1904-02-29 00:00"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		PgbrCron cron;
		int64_t next;

		assert_true(pgbr_cron_parse(table[i].schedule, &cron, NULL, NULL));
		assert_true(pgbr_cron_next(&cron, &zone_utc, moment(table[i].after), &next));
		if (next != moment(table[i].next))
			fail_msg("%s after %s: %lld", table[i].schedule, table[i].after, (long long) next);
	}
}

static bool
broken_lookup(const void *data, int64_t at, int32_t *offset, int64_t *until)
{
	int kind = *(const int *) data;

	*offset = kind == 1 ? INT32_MAX : kind == 2 ? INT32_MIN : 0;
	*until = kind == 3 ? at : kind == 4 ? at + 1 : INT64_MAX;
	return kind != 0;
}

static void
test_limits(void **state)
{
	PgbrCron cron;
	int64_t next = 42;

	(void) state;
	assert_true(pgbr_cron_parse("0 0 29 2 *", &cron, NULL, NULL));
	assert_false(pgbr_cron_next(&cron, &zone_utc, INT64_MAX, &next));
	assert_false(pgbr_cron_next(&cron, &zone_utc, INT64_MIN, &next));
	/* a zone that can't tell, is out of bounds, stands still or changes every second */
	for (int kind = 0; kind <= 4; kind++)
	{
		PgbrZone broken = {broken_lookup, &kind};

		assert_false(pgbr_cron_next(&cron, &broken, 0, &next));
	}
	assert_int_equal(next, 42);
}

/* The longest searches there are stay below a millisecond, by the processor's time. */
static void
test_bounded(void **state)
{
	PgbrCron cron;
	int64_t next;
	clock_t start;

	(void) state;
	assert_true(pgbr_cron_parse("59 23 29 2 *", &cron, NULL, NULL));
	start = clock();
	for (int i = 0; i < 1000; i++)
		assert_true(pgbr_cron_next(&cron, &zone_utc, moment("2096-02-29 23:59"), &next));
	assert_true((double) (clock() - start) / CLOCKS_PER_SEC < 1.0);
}

static int
filter(void)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin))
	{
		char *tab = strchr(line, '\t');
		PgbrCron cron;
		PgbrError error = PGBR_ERROR_INIT;
		int64_t next;

		if (tab == NULL)
			return 2;
		*tab = '\0';
		if (!pgbr_cron_parse(line, &cron, NULL, &error))
			printf("error: %s\n", error.message);
		else if (!pgbr_cron_next(&cron, &zone_utc, strtoll(tab + 1, NULL, 10), &next))
			printf("never\n");
		else
			printf("%lld\n", (long long) next);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meaning), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_message), cmocka_unit_test(test_next),
		cmocka_unit_test(test_limits),	cmocka_unit_test(test_bounded),
	};

	if (argc == 2 && strcmp(argv[1], "next") == 0)
		return filter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
