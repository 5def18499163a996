// links: sidecar/pgbackrest/archive_list
/*
 * archive_list_test.c
 *		Listings of archives: gaps, duplicates, partial segments, what is no WAL, and a large one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/strbuf.h"
#include "program/json.h"
#include "sidecar/pgbackrest/archive_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MB		 (1024 * 1024)
#define CHECKSUM "0123456789abcdef0123456789abcdef01234567"

static void
put_file(StrBuf *text, const char *path, int time)
{
	strbuf_printf(text, "%s\"%s\":{\"type\":\"file\",\"size\":1,\"time\":%d}",
				  text->length > 1 ? "," : "", path, time);
}

static void
put_segment(StrBuf *text, const char *name, const char *rest, int time)
{
	char path[256];

	snprintf(path, sizeof(path), "%.16s/%s%s", name, name, rest);
	put_file(text, path, time);
}

/* What a listing with these members shows. */
static json_t *
show(StrBuf *text, uint64_t segment_size)
{
	ArchiveList list;
	PgbrError error;
	json_t *object = json_object();

	strbuf_puts(text, "}");
	archive_list_init(&list, segment_size);
	assert_true(archive_list_read(&list, text->data, text->length, &error));
	archive_list_sort(&list);
	archive_list_json(&list, object);
	archive_list_done(&list);
	strbuf_done(text);
	return object;
}

static void
assert_json(const json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_string_equal(text, wanted);
	free(text);
}

static void
begin(StrBuf *text)
{
	strbuf_init(text);
	strbuf_puts(text, "{");
}

static void
test_ranges(void **state)
{
	StrBuf text;
	json_t *shown;

	(void) state;
	begin(&text);
	strbuf_puts(&text, "\".\":{\"type\":\"path\"}");
	/* in no order, over the end of a log file, with a gap, and on two timelines */
	put_segment(&text, "0000000100000001000000FF", "-" CHECKSUM ".gz", 3);
	put_segment(&text, "000000010000000200000000", "-" CHECKSUM, 4);
	put_segment(&text, "0000000100000001000000FE", "-" CHECKSUM ".zst", 2);
	put_segment(&text, "000000010000000200000002", "-" CHECKSUM, 86400);
	put_segment(&text, "000000020000000200000001", "-" CHECKSUM, 6);
	shown = show(&text, 16 * MB);
	assert_json(json_object_get(shown, "ranges"),
				"[{\"timeline\":1,\"first\":\"0000000100000001000000FE\",\"last\":"
				"\"000000010000000200000000\",\"segments\":3,\"last_time\":"
				"\"1970-01-01T00:00:04.000Z\"},"
				"{\"timeline\":1,\"first\":\"000000010000000200000002\",\"last\":"
				"\"000000010000000200000002\",\"segments\":1,\"last_time\":"
				"\"1970-01-02T00:00:00.000Z\"},"
				"{\"timeline\":2,\"first\":\"000000020000000200000001\",\"last\":"
				"\"000000020000000200000001\",\"segments\":1,\"last_time\":"
				"\"1970-01-01T00:00:06.000Z\"}]");
	assert_json(json_object_get(shown, "duplicates"), "[]");
	assert_json(json_object_get(shown, "partial"), "[]");
	json_decref(shown);
}

static void
test_odd_files(void **state)
{
	StrBuf text;
	json_t *shown;

	(void) state;
	begin(&text);
	put_segment(&text, "000000010000000000000001", "-" CHECKSUM, 1);
	put_segment(&text, "000000010000000000000001",
				"-89abcdef"
				"0123456789abcdef0123456789abcdef",
				1);
	put_segment(&text, "000000010000000000000002", ".partial-" CHECKSUM ".gz", 1);
	put_segment(&text, "000000010000000000000002", ".00000028.backup", 1);
	put_segment(&text, "000000010000000000000003", "", 1);
	put_segment(&text, "000000010000000000000003", "-short", 1);
	/* none of this size of segments, and of no timeline */
	put_segment(&text, "000000010000000000000100", "-" CHECKSUM, 1);
	put_segment(&text, "000000000000000000000001", "-" CHECKSUM, 1);
	put_segment(&text, "00000001000000000000000a", "-" CHECKSUM, 1);
	put_file(&text, "archive.info", 1);
	put_file(&text, "0000000100000000/000000010000000000000003-" CHECKSUM ".gz.pgbackrest.tmp", 1);
	shown = show(&text, 16 * MB);
	assert_int_equal(json_array_size(json_object_get(shown, "ranges")), 1);
	assert_json(json_object_get(shown, "duplicates"), "[\"000000010000000000000001\"]");
	assert_json(json_object_get(shown, "partial"), "[\"000000010000000000000002\"]");
	json_decref(shown);
}

static void
test_segment_sizes(void **state)
{
	StrBuf text;
	json_t *shown;

	(void) state;
	begin(&text);
	put_segment(&text, "000000010000000000000003", "-" CHECKSUM, 1);
	put_segment(&text, "000000010000000100000000", "-" CHECKSUM, 1);
	shown = show(&text, 1024 * MB);
	assert_int_equal(json_array_size(json_object_get(shown, "ranges")), 1);
	json_decref(shown);
	begin(&text);
	put_segment(&text, "000000010000000000000FFF", "-" CHECKSUM, 1);
	put_segment(&text, "000000010000000100000000", "-" CHECKSUM, 1);
	shown = show(&text, MB);
	assert_int_equal(json_array_size(json_object_get(shown, "ranges")), 1);
	json_decref(shown);
}

static void
test_many(void **state)
{
	StrBuf text;
	json_t *shown;
	const json_t *ranges;

	(void) state;
	begin(&text);
	for (unsigned int i = 100000; i-- > 0;)
	{
		char name[32];

		snprintf(name, sizeof(name), "00000001%08X%08X", i / 256, i % 256);
		if (i != 50000)
			put_segment(&text, name, "-" CHECKSUM ".gz", (int) i);
	}
	shown = show(&text, 16 * MB);
	ranges = json_object_get(shown, "ranges");
	assert_int_equal(json_array_size(ranges), 2);
	assert_int_equal(json_number(json_array_get(ranges, 0), "segments", 0), 50000);
	assert_int_equal(json_number(json_array_get(ranges, 1), "segments", 0), 49999);
	assert_string_equal(json_text(json_array_get(ranges, 1), "first"), "00000001000000C300000051");
	json_decref(shown);
}

static void
test_histories(void **state)
{
	StrBuf text;
	ArchiveList list;
	PgbrError error;

	(void) state;
	begin(&text);
	put_file(&text, "00000002.history", 1);
	put_file(&text, "0000000A.history", 1);
	put_file(&text, "00000003.history.tmp", 1);
	put_file(&text, "00000001.history", 1);
	put_file(&text, "0000000b.history", 1);
	strbuf_puts(&text, "}");
	archive_list_init(&list, 16 * MB);
	assert_true(archive_list_read(&list, text.data, text.length, &error));
	archive_list_sort(&list);
	assert_int_equal(list.count, 0);
	assert_int_equal(list.history_count, 2);
	assert_int_equal(list.histories[0], 10);
	assert_int_equal(list.histories[1], 2);
	archive_list_done(&list);
	strbuf_done(&text);
}

static void
test_broken_listings(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1}",
		"{\"a\":{\"type\":\"file\"}",
		"{\"a\":{\"type\":\"file\"},}",
		"{\"a\" {\"type\":\"file\"}}",
		"ERROR: [055]",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		ArchiveList list;
		PgbrError error = PGBR_ERROR_INIT;

		archive_list_init(&list, 16 * MB);
		assert_false(archive_list_read(&list, texts[i], strlen(texts[i]), &error));
		assert_int_equal(error.code, PGBR_ERROR_PROTOCOL);
		archive_list_done(&list);
	}
}

static void
assert_history(const char *text, const char *wanted)
{
	json_t *entries = archive_history_json(text);

	if (wanted == NULL)
		assert_null(entries);
	else
		assert_json(entries, wanted);
	json_decref(entries);
}

static void
test_history_files(void **state)
{
	(void) state;
	assert_history("", "[]");
	assert_history("1\t0/5000000\tno recovery target specified\n",
				   "[{\"timeline\":1,\"lsn\":\"0/5000000\",\"reason\":\"no recovery target "
				   "specified\"}]");
	/* as PostgreSQL writes a later one, and as somebody has edited it */
	assert_history("# a comment\n\n \t\r\n1 0/5000000\n\n2\t1/A0\tbefore 2026-11-24 "
				   "12:00:00.5+00\r\n",
				   "[{\"timeline\":1,\"lsn\":\"0/5000000\",\"reason\":\"\"},"
				   "{\"timeline\":2,\"lsn\":\"1/A0\",\"reason\":\"before 2026-11-24 "
				   "12:00:00.5+00\"}]");
	assert_history("1\t0/5000000\tat restore point \"a\xff\x1b[m\"\n",
				   "[{\"timeline\":1,\"lsn\":\"0/5000000\",\"reason\":\"at restore point "
				   "\\\"a\\\\xFF\\\\x1B[m\\\"\"}]");
	assert_history("one\t0/5000000\tx\n", NULL);
	assert_history("1\n", NULL);
	assert_history("1\tnowhere\tx\n", NULL);
	assert_history("0\t0/1\tx\n", NULL);
	assert_history("99999999999\t0/1\tx\n", NULL);
	assert_history("1\t0/1\tx\nrubbish", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),		  cmocka_unit_test(test_odd_files),
		cmocka_unit_test(test_segment_sizes), cmocka_unit_test(test_many),
		cmocka_unit_test(test_histories),	  cmocka_unit_test(test_broken_listings),
		cmocka_unit_test(test_history_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
