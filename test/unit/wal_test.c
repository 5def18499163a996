// links:
/*
 * wal_test.c
 *		Names of segments and histories, and what is none.
 */
#include "common/wal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MB UINT64_C(1048576)

static void
test_segments(void **state)
{
	static const struct
	{
		const char *name;
		uint64_t size;
		uint32_t timeline; /* 0: no name */
		uint64_t segment;
	} rows[] = {
		{"0000000300000001000000FF", 16 * MB, 3, 0x1FF},
		{"0000000A00000001000000FF", 16 * MB, 10, 0x1FF},
		{"FFFFFFFFFFFFFFFF000000FF", 16 * MB, UINT32_MAX, UINT64_C(0xFFFFFFFFFF)},
		{"000000010000000100000001", 1024 * MB, 1, 5},
		{"000000010000000100000003", 1024 * MB, 1, 7},
		{"000000010000000100000FFF", MB, 1, 0x1FFF},
		/* no such segment of this size */
		{"000000010000000000000100", 16 * MB, 0, 0},
		{"000000010000000100000004", 1024 * MB, 0, 0},
		{"000000010000000100000FFF", 0, 0, 0},
		/* no timeline 0, no lower case, nothing after it, nothing missing */
		{"000000000000000100000001", 16 * MB, 0, 0},
		{"00000001000000000000000a", 16 * MB, 0, 0},
		{"00000001000000000000000A.partial", 16 * MB, 0, 0},
		{"00000001000000000000000", 16 * MB, 0, 0},
		{"00000001.history", 16 * MB, 0, 0},
		{"", 16 * MB, 0, 0},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		char name[WAL_NAME_SIZE];
		uint32_t timeline;
		uint64_t segment;
		bool ok = wal_segment_parse(rows[i].name, rows[i].size, &timeline, &segment);

		assert_int_equal(ok, rows[i].timeline > 0);
		if (!ok)
			continue;
		assert_int_equal(timeline, rows[i].timeline);
		assert_int_equal(segment, rows[i].segment);
		wal_segment_name(name, timeline, segment, rows[i].size);
		assert_string_equal(name, rows[i].name);
	}
}

static void
test_starts(void **state)
{
	uint32_t timeline;
	uint64_t segment;

	(void) state;
	assert_true(
		wal_segment_parse_start("00000002000000000000000A.partial", 16 * MB, &timeline, &segment));
	assert_int_equal(timeline, 2);
	assert_int_equal(segment, 10);
	assert_true(wal_segment_parse_start("00000002000000000000000B", 16 * MB, &timeline, &segment));
	assert_int_equal(segment, 11);
	assert_false(wal_segment_parse_start("00000002.history", 16 * MB, &timeline, &segment));
	assert_false(wal_segment_parse_start("0000000200000000000000", 16 * MB, &timeline, &segment));
}

static void
test_histories(void **state)
{
	static const char *const wrong[] = {
		"00000000.history",	  "00000001.history", "0000000a.history", "0000000A.history.tmp",
		"000000000A.history", "0000000A",		  "000A.history",	  "",
	};
	char name[WAL_HISTORY_NAME_SIZE];
	uint32_t timeline;

	(void) state;
	wal_history_name(name, 10);
	assert_string_equal(name, "0000000A.history");
	assert_true(wal_history_parse(name, &timeline));
	assert_int_equal(timeline, 10);
	wal_history_name(name, UINT32_MAX);
	assert_true(wal_history_parse(name, &timeline));
	assert_int_equal(timeline, UINT32_MAX);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(wal_history_parse(wrong[i], &timeline));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
