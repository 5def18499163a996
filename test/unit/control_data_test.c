// links: sidecar/postgres/control_data sidecar/postgres/fence
/*
 * control_data_test.c
 *		What pg_controldata prints, and what it must not lack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program/json.h"
#include "sidecar/postgres/control_data.h"

#include <stdio.h>
#include <string.h>

/* Of PostgreSQL 15, without lines that are not read. */
static const char *const lines[] = {
	"Database system identifier:           7711708788702568331\n",
	"Database cluster state:               shut down in recovery\n",
	"Latest checkpoint location:           1A/1511B00\n",
	"Latest checkpoint's REDO location:    1A/1511AC8\n",
	"Latest checkpoint's TimeLineID:       7\n",
	"Latest checkpoint's NextXID:          1:724\n",
	"Time of latest checkpoint:            Tue Nov 24 12:08:42 2026\n",
	"Minimum recovery ending location:     1A/1511B78\n",
	"max_connections setting:              100\n",
	"max_worker_processes setting:         8\n",
	"max_wal_senders setting:              10\n",
	"max_prepared_xacts setting:           0\n",
	"max_locks_per_xact setting:           64\n",
	"Bytes per WAL segment:                16777216\n",
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

/* All lines but one. */
static const char *
text_without(size_t left_out)
{
	static char text[4096];

	strcpy(text, "pg_control version number:            1300\n");
	for (size_t i = 0; i < LINES; i++)
		strcat(text, i == left_out ? "" : lines[i]);
	return text;
}

static void
test_read(void **state)
{
	ControlData control;
	json_t *json;

	(void) state;
	assert_true(control_data_parse(text_without(LINES), &control));
	assert_string_equal(control.state, "shut down in recovery");
	assert_string_equal(control.checkpoint_lsn, "1A/1511B00");
	assert_string_equal(control.redo_lsn, "1A/1511AC8");
	assert_string_equal(control.min_recovery_lsn, "1A/1511B78");
	assert_string_equal(control.next_xid, "1:724");
	assert_int_equal(control.timeline, 7);
	assert_int_equal(control.wal_segment_size, 16777216);
	assert_int_equal(control.max_prepared_transactions, 0);
	assert_int_equal(control.max_locks_per_transaction, 64);
	assert_true(control_data_is_clean(&control));
	json = control_data_json(&control);
	assert_string_equal(json_text(json, "system_identifier"), "7711708788702568331");
	assert_int_equal(json_number(json, "max_connections", 0), 100);
	assert_int_equal(json_number(json, "timeline", 0), 7);
	json_decref(json);
}

static void
test_states(void **state)
{
	static const char *const dirty[] = {"in production", "in crash recovery", "starting up",
										"in archive recovery", "shutting down"};
	ControlData control;

	(void) state;
	assert_true(control_data_parse(text_without(LINES), &control));
	strcpy(control.state, "shut down");
	assert_true(control_data_is_clean(&control));
	assert_false(control_data_is_replica(&control));
	for (size_t i = 0; i < sizeof(dirty) / sizeof(dirty[0]); i++)
	{
		strcpy(control.state, dirty[i]);
		assert_false(control_data_is_clean(&control));
		assert_int_equal(control_data_is_replica(&control), i == 3);
	}
	strcpy(control.state, "shut down in recovery");
	assert_true(control_data_is_replica(&control));
}

static void
test_missing(void **state)
{
	ControlData control;

	(void) state;
	assert_false(control_data_parse("", &control));
	assert_false(control_data_parse("pg_controldata: error: could not open file\n", &control));
	for (size_t i = 0; i < LINES; i++)
	{
		if (control_data_parse(text_without(i), &control))
			fail_msg("without %s", lines[i]);
	}
}

/* Values that can't be: they come from a file of a restored backup. */
static void
test_values(void **state)
{
	static const struct
	{
		size_t line;
		const char *text;
	} rows[] = {
		{0, "Database system identifier:           77x\n"},
		{1, "Database cluster state:               \xff\n"},
		{1, "Database cluster state:               a state that is longer than any that there ever "
			"was\n"},
		{2, "Latest checkpoint location:           1A\n"},
		{4, "Latest checkpoint's TimeLineID:       0\n"},
		{4, "Latest checkpoint's TimeLineID:       4294967296\n"},
		{5, "Latest checkpoint's NextXID:          \n"},
		{8, "max_connections setting:              -1\n"},
		{8, "max_connections setting:              2147483648\n"},
		{13, "Bytes per WAL segment:                3\n"},
		{13, "Bytes per WAL segment:                16777217\n"},
	};
	ControlData control;

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		char text[4096];

		snprintf(text, sizeof(text), "%s%s", text_without(rows[i].line), rows[i].text);
		if (control_data_parse(text, &control))
			fail_msg("taken: %s", rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
