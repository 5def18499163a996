/*
 * recovery_target_test.c
 *		The grammar of a restore's target: what is taken, in which canonical form, and what never
 *		reaches a command line.
 */
#include "common/recovery_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
expect(const char *type, const char *text, const char *canonical)
{
	RecoveryTarget target;
	PgbrError error = PGBR_ERROR_INIT;
	bool ok = recovery_target_parse(&target, type, text, false, NULL, NULL, &error);

	if (canonical == NULL && ok)
		fail_msg("%s \"%s\" was taken as \"%s\"", type, text, target.text);
	if (canonical && !ok)
		fail_msg("%s \"%s\": %s", type, text, error.message);
	if (canonical)
		assert_string_equal(target.text, canonical);
	else
		assert_int_equal(error.code, PGBR_ERROR_INVALID_VALUE);
}

/* Which of the many forms was meant is said. */
static void
test_time_reasons(void **state)
{
	static const char *const texts[][2] = {
		{"2024-10-23 14:11:04.1234567Z",
		 "It has more than six digits of a second: PostgreSQL keeps microseconds."},
		{"2024-10-23 14:11:04.123456789+00",
		 "It has more than six digits of a second: PostgreSQL keeps microseconds."},
		{"2024-10-23 14:11:04.Z",
		 "It has the form YYYY-MM-DD HH:MM:SS+ZZ, as in 2024-10-23 14:11:04+00."},
		{"2023-02-29 00:00:00Z", "There is no such moment in the calendar."},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		RecoveryTarget target;
		PgbrError error = PGBR_ERROR_INIT;

		assert_false(
			recovery_target_parse(&target, "time", texts[i][0], false, NULL, NULL, &error));
		assert_string_equal(error.detail, texts[i][1]);
	}
}

static void
test_time(void **state)
{
	(void) state;
	expect("time", "2024-10-23 14:11:04+00", "2024-10-23 14:11:04.000000+00");
	expect("time", "2024-10-23T14:11:04Z", "2024-10-23 14:11:04.000000+00");
	expect("time", "2024-10-23 14:11:04.5 UTC", "2024-10-23 14:11:04.500000+00");
	expect("time", "2024-10-23 14:11:04.123456+02", "2024-10-23 12:11:04.123456+00");
	expect("time", "2024-10-23 14:11:04 -05:30", "2024-10-23 19:41:04.000000+00");
	expect("time", "2024-02-29 23:59:59-0100", "2024-03-01 00:59:59.000000+00");
	expect("time", "1970-01-01 00:00:00+00", "1970-01-01 00:00:00.000000+00");
	expect("time", "9999-12-31 23:59:59Z", "9999-12-31 23:59:59.000000+00");
	/* no zone, a named one, one that PostgreSQL doesn't have */
	expect("time", "2024-10-23 14:11:04", NULL);
	expect("time", "2024-10-23 14:11:04 ", NULL);
	expect("time", "2024-10-23 14:11:04 EDT", NULL);
	expect("time", "2024-10-23 14:11:04 Europe/Berlin", NULL);
	expect("time", "2024-10-23 14:11:04+16", NULL);
	expect("time", "2024-10-23 14:11:04+02:60", NULL);
	expect("time", "2024-10-23 14:11:04+2", NULL);
	/* no such moment, more than microseconds, words */
	expect("time", "2023-02-29 00:00:00Z", NULL);
	expect("time", "2024-10-23 24:00:00Z", NULL);
	expect("time", "2024-10-23 14:11:60Z", NULL);
	expect("time", "2024-10-23 14:11:04.1234567Z", NULL);
	expect("time", "2024-10-23 14:11:04.Z", NULL);
	expect("time", "2024-10-23 14:11Z", NULL);
	expect("time", "1969-12-31 23:59:59Z", NULL);
	expect("time", "9999-12-31 23:59:59-01", NULL);
	expect("time", "yesterday", NULL);
	expect("time", "now", NULL);
	expect("time", "2024-10-23 14:11:04+00'; DROP TABLE a", NULL);
	expect("time", "2024-10-23 14:11:04+00\nrestore_command = 'x'", NULL);
}

static void
test_others(void **state)
{
	(void) state;
	expect("lsn", "0/5000028", "0/5000028");
	expect("lsn", "0000000a/00ff", "A/FF");
	expect("lsn", "FFFFFFFF/FFFFFFFF", "FFFFFFFF/FFFFFFFF");
	expect("lsn", "0/0", NULL);
	expect("lsn", "0/", NULL);
	expect("lsn", "123456789/0", NULL);
	expect("lsn", "0/5000028'", NULL);
	expect("xid", "1007", "1007");
	expect("xid", "0001007", "1007");
	expect("xid", "4294968303", "4294968303");
	expect("xid", "18446744073709551615", "18446744073709551615");
	expect("xid", "18446744073709551616", NULL);
	expect("xid", "2", NULL);
	/* the lower half of it is a reserved one */
	expect("xid", "4294967297", NULL);
	expect("xid", "-5", NULL);
	expect("xid", "+5", NULL);
	expect("xid", "0x3f", NULL);
	expect("xid", " 5", NULL);
	expect("name", "before the release", "before the release");
	expect("name", "vor der \xC3\x84nderung", "vor der \xC3\x84nderung");
	expect("name", "a'b", NULL);
	expect("name", "a\\b", NULL);
	expect("name", "a\nb", NULL);
	expect("name", " a", NULL);
	expect("name", "\xFF", NULL);
	expect("immediate", NULL, "");
	expect("default", NULL, "");
	expect("standby", NULL, "");
	expect("immediate", "x", NULL);
	expect("time", NULL, NULL);
	expect("time", "", NULL);
	expect("Time", "2024-10-23 14:11:04+00", NULL);
	expect(NULL, "0/5000028", NULL);
	expect(NULL, NULL, "");
	expect("", "", "");
	expect("latest", NULL, NULL);
}

static bool
parse(RecoveryTarget *target, const char *type, const char *text, bool exclusive, const char *set,
	  const char *timeline)
{
	PgbrError error;

	return recovery_target_parse(target, type, text, exclusive, set, timeline, &error);
}

static void
test_options(void **state)
{
	RecoveryTarget a;
	RecoveryTarget b;

	(void) state;
	assert_true(parse(&a, "lsn", "0/5", true, "20241023-141104F", "7"));
	assert_true(a.exclusive);
	assert_string_equal(a.set, "20241023-141104F");
	assert_int_equal(a.timeline, 7);
	assert_true(parse(&b, "lsn", "00/05", true, "20241023-141104F", "07"));
	assert_true(recovery_target_equal(&a, &b));
	b.timeline = 8;
	assert_false(recovery_target_equal(&a, &b));
	assert_false(parse(&a, "name", "x", true, NULL, NULL));
	assert_false(parse(&a, NULL, NULL, true, NULL, NULL));
	assert_false(parse(&a, NULL, NULL, false, "latest", NULL));
	assert_false(parse(&a, NULL, NULL, false, "20241023-141104F --delta", NULL));
	assert_false(parse(&a, NULL, NULL, false, NULL, "0"));
	assert_false(parse(&a, NULL, NULL, false, NULL, "current"));
	assert_false(parse(&a, NULL, NULL, false, NULL, "0x2"));
	assert_false(parse(&a, NULL, NULL, false, NULL, "4294967296"));
	assert_true(parse(&a, NULL, NULL, false, "", ""));
	assert_int_equal(a.timeline, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_time_reasons),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
