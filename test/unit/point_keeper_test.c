// links: sidecar/runner/point_keeper sidecar/pgbackrest/info_cache sidecar/pgbackrest/info_document sidecar/pgbackrest/retention_info sidecar/pgbackrest/remote_backup sidecar/pgbackrest/version sidecar/pgbackrest/pgbackrest_ask sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error sidecar/queue/job_queue sidecar/queue/queue_restores sidecar/queue/queue_facts sidecar/queue/job_turn sidecar/queue/audit_store sidecar/queue/coalesced_jobs sidecar/queue/job_coalesce sidecar/queue/job_store sidecar/queue/store_db sidecar/queue/store_statement sidecar/queue/restore_store sidecar/queue/restore_lock sidecar/queue/job
/*
 * point_keeper_test.c
 *		Which backup keeps which restore points, and how they are written.
 */
#include "common/vocabulary.h"
#include "program/json.h"
#include "program/point_note.h"
#include "sidecar/runner/point_keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
test_note(void **state)
{
	static const PointNote note = {"before the r\xc3\xa9lease", 0x1F, 0x100000028, 1764490000123,
								   4294967301};
	static const char *const bad[][2] = {
		{"pinned", "1 2 x"},
		{"restore-point-", "1 2 x"},
		{"restore-point-0-1", "1 2 x"},
		{"restore-point-1-0", "1 2 x"},
		{"restore-point-100000000-1", "1 2 x"},
		{"restore-point-1-1 ", "1 2 x"},
		{"restore-point-1-g", "1 2 x"},
		{"restore-point-1--1", "1 2 x"},
		{"restore-point-1-1", ""},
		{"restore-point-1-1", "1 2"},
		{"restore-point-1-1", "1 2 "},
		{"restore-point-1-1", "-1 2 x"},
		{"restore-point-1-1", "1 a x"},
		{"restore-point-1-1", "1 99999999999999999999 x"},
		{"restore-point-1-1", "253402300800000 2 x"},
		{"restore-point-1-1", "1 2 it's"},
	};
	char key[POINT_NOTE_KEY_SIZE];
	char value[POINT_NOTE_VALUE_SIZE];
	PointNote read;

	(void) state;
	point_note_write(&note, key, value);
	assert_string_equal(key, "restore-point-0000001F-0000000100000028");
	assert_string_equal(value, "1764490000123 4294967301 before the r\xc3\xa9lease");
	assert_true(pgbr_is_annotation_key(key));
	assert_true(point_note_read(key, value, &read));
	assert_string_equal(read.name, note.name);
	assert_int_equal(read.timeline, note.timeline);
	assert_int_equal(read.lsn, note.lsn);
	assert_int_equal(read.time_ms, note.time_ms);
	assert_int_equal(read.xid, note.xid);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(point_note_read(bad[i][0], bad[i][1], &read));
}

#define BACKUP(label, repo, stop, more)                                   \
	"{\"label\":\"" label "\",\"database\":{\"id\":1,\"repo-key\":" #repo \
	"},\"timestamp\":{\"start\":" #stop ",\"stop\":" #stop "}" more "}"
#define STANZA(repo2, backups)                                          \
	"{\"name\":\"main\",\"repo\":[{\"key\":1,\"status\":{\"code\":0}}," \
	"{\"key\":2,\"status\":{\"code\":" #repo2 "}}],\"backup\":[" backups "]}"

static const RestorePoint points[] = {
	{"early", "0/1000028", 1, 1000500, "700", 1},
	{"a", "0/3000028", 1, 2000000, "710", 2},
	{"b", "1/3000028", 1, 2500000, "711", 3},
	{"c", "1/5000028", 2, 4000000, "720", 4},
};

static void
plan(const char *stanza, PointPlan *result)
{
	PgbrError error;
	json_t *document = json_parse(stanza, strlen(stanza), &error);

	assert_non_null(document);
	point_plan(document, points, sizeof(points) / sizeof(points[0]), result);
	json_decref(document);
}

#define FULL1 "19700101-003000F"
#define FULL2 "19700101-010000F"

static void
test_plan(void **state)
{
	PointPlan result;

	(void) state;
	/* no backup at all, and one that ended after all of them */
	plan(STANZA(0, ""), &result);
	assert_null(result.annotations);
	assert_false(result.unknown);
	plan(STANZA(0, BACKUP(FULL1, 1, 4001, "")), &result);
	assert_null(result.annotations);

	/* the last full before each: a diff goes before its full does; the second ones come later */
	plan(STANZA(0, BACKUP(FULL1, 1, 2000, "") "," BACKUP(FULL1 "_19700101-004000D", 1, 2400,
														 "") "," BACKUP(FULL2, 1, 3600, "")),
		 &result);
	assert_int_equal(result.repo, 1);
	assert_string_equal(result.label, FULL1);
	assert_int_equal(json_object_size(result.annotations), 2);
	assert_string_equal(json_text(result.annotations, "restore-point-00000001-0000000003000028"),
						"2000000 710 a");
	assert_string_equal(json_text(result.annotations, "restore-point-00000001-0000000103000028"),
						"2500000 711 b");
	json_decref(result.annotations);

	/* what is there is left, and the next backup gets its own */
	plan(STANZA(0,
				BACKUP(FULL1, 1, 2000,
					   ",\"annotation\":{\"restore-point-00000001-0000000003000028\":\"x\","
					   "\"restore-point-00000001-0000000103000028\":\"y\"}") "," BACKUP(FULL2, 1,
																						3600, "")),
		 &result);
	assert_string_equal(result.label, FULL2);
	assert_int_equal(json_object_size(result.annotations), 1);
	json_decref(result.annotations);

	/* each repository */
	plan(STANZA(0, BACKUP(FULL2, 2, 3600, "")), &result);
	assert_int_equal(result.repo, 2);
	assert_false(result.unknown);
	json_decref(result.annotations);
	plan(STANZA(99, ""), &result);
	assert_null(result.annotations);
	assert_true(result.unknown);
}

/* The oldest make room, and no other annotation does. */
static void
test_many(void **state)
{
	static char text[POINTS_PER_BACKUP * 64 + 4096];
	size_t length = (size_t) snprintf(
		text, sizeof(text),
		"{\"repo\":[{\"key\":1,\"status\":{\"code\":0}}],\"backup\":[{\"label\":\"" FULL1
		"\",\"database\":{\"id\":1,\"repo-key\":1},\"timestamp\":{\"start\":1,\"stop\":2},"
		"\"annotation\":{\"pinned\":\"x\"");
	PointPlan result;

	(void) state;
	for (int i = POINTS_PER_BACKUP; i > 0; i--)
		length += (size_t) snprintf(text + length, sizeof(text) - length,
									",\"restore-point-00000001-%016X\":\"1 2 x\"", i);
	snprintf(text + length, sizeof(text) - length, "}}]}");
	plan(text, &result);
	assert_string_equal(result.label, FULL1);
	assert_int_equal(json_object_size(result.annotations), 8);
	for (int i = 1; i <= 4; i++)
	{
		char key[POINT_NOTE_KEY_SIZE];

		snprintf(key, sizeof(key), "restore-point-00000001-%016X", i);
		assert_string_equal(json_text(result.annotations, key), "");
	}
	json_decref(result.annotations);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
