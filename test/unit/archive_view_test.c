// links: ctl/facts/archive_view ctl/facts/timeline_path
/*
 * archive_view_test.c
 *		A timeline is there when one repository has its history and the segment of the switch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/facts/archive_view.h"

#define SEGMENT (INT64_C(16) << 20)

/* Of timelines 2 and 3, in two repositories: histories, and a range of each. */
static json_t *
make_archive(void)
{
	const char *text =
		"{\"repositories\": ["
		"{\"ranges\": [{\"first\": \"000000010000000000000001\", \"last\": "
		"\"00000001000000000000000C\"},"
		"  {\"first\": \"00000002000000000000000C\", \"last\": \"000000020000000000000010\"}],"
		" \"histories\": [{\"timeline\": 2, \"entries\": [{\"timeline\": 1, \"lsn\": "
		"\"0/C800000\"}]},"
		"  {\"timeline\": 3, \"entries\": [{\"timeline\": 1, \"lsn\": \"0/C800000\"}, "
		"{\"timeline\": 2, \"lsn\": "
		"\"0/11000000\"}]}]},"
		"{\"repo\": 2, \"error\": \"it can't be read\"},"
		"{\"ranges\": [{\"first\": \"000000030000000000000011\", \"last\": "
		"\"000000030000000000000012\"}], "
		"\"histories\": []}]}";
	json_t *archive = json_loads(text, 0, NULL);

	assert_non_null(archive);
	return archive;
}

static void
test_timelines(void **state)
{
	json_t *archive = make_archive();

	(void) state;
	assert_true(archive_has_timeline(archive, 2, SEGMENT));
	/* its history and its first segment are in two */
	assert_false(archive_has_timeline(archive, 3, SEGMENT));
	assert_false(archive_has_timeline(archive, 4, SEGMENT));
	assert_false(archive_has_timeline(NULL, 2, SEGMENT));
	json_array_append_new(
		json_object_get(json_array_get(json_object_get(archive, "repositories"), 0), "ranges"),
		json_pack("{ss ss}", "first", "000000030000000000000011", "last",
				  "000000030000000000000011"));
	assert_true(archive_has_timeline(archive, 3, SEGMENT));
	json_decref(archive);
}

static void
test_whole(void **state)
{
	json_t *archive = make_archive();
	PgbrError error;

	(void) state;
	assert_false(archive_is_whole(archive, &error));
	assert_int_equal(error.code, PGBR_ERROR_UNAVAILABLE);
	assert_string_equal(error.message, "repository 2: it can't be read");
	json_array_remove(json_object_get(archive, "repositories"), 1);
	assert_true(archive_is_whole(archive, &error));
	json_decref(archive);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_timelines),
									   cmocka_unit_test(test_whole)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
