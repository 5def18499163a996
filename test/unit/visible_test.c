/*
 * visible_test.c
 *		Text from elsewhere that goes out: what is escaped, in each of the forms, and what an error
 *		holds.
 */
#include "common/error.h"
#include "common/visible.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct
{
	const char *text;
	const char *visible;
} texts[] = {
	{"", ""},
	{"plain ä 世 \U0001F600", "plain ä 世 \U0001F600"},
	{"a\tb\nc", "a\tb\nc"},
	{"\x1b[2J\x07\x7f\r", "\\x1B[2J\\x07\\x7F\\r"},
	/* C1 as UTF-8 and as raw bytes */
	{"\xC2\x9B"
	 "31m\xC2\x85\x9b"
	 "31m",
	 "\\u009B31m\\u0085\\x9B31m"},
	/* which turn the direction, hide, or end a line elsewhere */
	{"\u202E\u2066\u200F\u061C\u2028\uFEFF", "\\u202E\\u2066\\u200F\\u061C\\u2028\\uFEFF"},
	/* overlong forms, surrogates, beyond the last character, cut short */
	{"\xC0\x9B\xE0\x80\x9B", "\\xC0\\x9B\\xE0\\x80\\x9B"},
	{"\xED\xA0\x80\xF4\x90\x80\x80", "\\xED\\xA0\\x80\\xF4\\x90\\x80\\x80"},
	{"\xC3(\xE2\x82", "\\xC3(\\xE2\\x82"},
	/* as it is when it comes again */
	{"\\x1B[2J", "\\x1B[2J"},
};

static void
test_visible(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		char copy[256];
		StrBuf buf;
		PgbrError error;

		strbuf_init(&buf);
		pgbr_put_visible(&buf, texts[i].text, "\n\t");
		assert_string_equal(buf.data, texts[i].visible);
		strbuf_clear(&buf);
		strbuf_puts(&buf, texts[i].text);
		pgbr_make_visible(&buf);
		assert_string_equal(buf.data, texts[i].visible);
		strbuf_done(&buf);
		pgbr_copy_visible(copy, sizeof(copy), texts[i].text);
		assert_string_equal(copy, texts[i].visible);
		pgbr_error_set(&error, PGBR_ERROR_INTERNAL, "%s", texts[i].text);
		pgbr_error_detail(&error, "%s", texts[i].text);
		pgbr_error_hint(&error, "%s", texts[i].text);
		assert_string_equal(error.message, texts[i].visible);
		assert_string_equal(error.detail, texts[i].visible);
		assert_string_equal(error.hint, texts[i].visible);
	}
}

static void
test_line(void **state)
{
	StrBuf buf;

	(void) state;
	strbuf_init(&buf);
	pgbr_put_visible(&buf, "a\tb\nforged", "");
	assert_string_equal(buf.data, "a\\x09b\\x0Aforged");
	strbuf_done(&buf);
}

/* Whatever the room, nothing is cut in two. */
static void
test_room(void **state)
{
	static const char *const parts[] = {"a", "\\x1B", "ä", "\\u009B", "b", NULL};
	char whole[64] = "";
	size_t at = 0;

	(void) state;
	for (size_t size = 1; size < 20; size++)
	{
		char copy[64];

		while (parts[at] && strlen(whole) + strlen(parts[at]) < size)
			strcat(whole, parts[at++]);
		pgbr_copy_visible(copy, size,
						  "a\x1bä\xC2\x9B"
						  "b");
		assert_string_equal(copy, whole);
	}
}

static void
test_error_room(void **state)
{
	char many[3000];
	PgbrError error;

	(void) state;
	memset(many, '\x1b', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	pgbr_error_set(&error, PGBR_ERROR_INTERNAL, "%s", many);
	assert_int_equal(strlen(error.message), 1020);
	pgbr_error_hint(&error, "%s", many);
	assert_int_equal(strlen(error.hint), 508);
}

static void
test_json(void **state)
{
	static const char document[] = "{\n\"a\": \"\xC2\x9B\x7F\xE2\x80\xAEä\"\n}\n";
	StrBuf buf;

	(void) state;
	strbuf_init(&buf);
	pgbr_put_visible_json(&buf, document, strlen(document));
	assert_string_equal(buf.data, "{\n\"a\": \"\\u009B\\u007F\\u202Eä\"\n}\n");
	strbuf_clear(&buf);
	/* between its texts JSON may have these, and no escapes */
	pgbr_put_visible_json(&buf, "{\t\"a\":\r\n1}", 10);
	assert_string_equal(buf.data, "{\t\"a\": \n1}");
	strbuf_clear(&buf);
	strbuf_puts(&buf, "{\"a\": \"\x7F\"}");
	pgbr_make_visible_json(&buf);
	assert_string_equal(buf.data, "{\"a\": \"\\u007F\"}");
	strbuf_clear(&buf);
	/* a piece of a text that goes on */
	pgbr_put_visible_json(&buf, "ab\x7F", 2);
	assert_string_equal(buf.data, "ab");
	strbuf_done(&buf);
}

static void
test_texts(void **state)
{
	static const char *const cases[][2] = {
		{"{\"a\": [1, \"b\\n\\tc\u00e4\\u00e4\\\\u001b\\\"\"]}", NULL},
		{"\"\\u001b[2J\"", "\"\\\\x1B[2J\""},
		{"{\"\x7F\": \"\xC2\x9B\\u009b\"}", "{\"\\\\x7F\": \"\\\\u009B\\\\u009B\"}"},
		{"\"\\u202E\\b\\f\\r\"", "\"\\\\u202E\\\\x08\\\\x0C\\\\r\""},
		{"\"\\\\\\u202e\\\"\\u202e\"", "\"\\\\\\\\u202E\\\"\\\\u202E\""},
		/* what is no JSON is whoever reads it to refuse */
		{"\"\\u0000\x1B\xFF\\ud800\"", NULL},
		{"\x7F \\u202e", NULL},
		{"\"\\u20", NULL},
		{"\"\\", NULL},
	};
	StrBuf buf;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *wanted = cases[i][1] ? cases[i][1] : cases[i][0];

		strbuf_init(&buf);
		assert_int_equal(pgbr_put_visible_texts(&buf, cases[i][0], strlen(cases[i][0])),
						 cases[i][1] != NULL);
		assert_string_equal(buf.data, wanted);
		strbuf_done(&buf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visible), cmocka_unit_test(test_line),
		cmocka_unit_test(test_room),	cmocka_unit_test(test_error_room),
		cmocka_unit_test(test_json),	cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
