// links: ctl/print/text ctl/print/units
/*
 * text_test.c
 *		Text from elsewhere made fit for a terminal, and sizes and durations as people read them.
 */
#include "ctl/print/text.h"
#include "ctl/print/units.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef void (*PutText)(StrBuf *buf, const char *text);

static void
expect(PutText put, const char *text, const char *wanted)
{
	StrBuf buf;

	strbuf_init(&buf);
	put(&buf, text);
	assert_string_equal(buf.data, wanted);
	strbuf_done(&buf);
}

static void
test_visible(void **state)
{
	(void) state;
	expect(text_put_visible, "", "");
	expect(text_put_visible, "plain ä 漢 😀", "plain ä 漢 😀");
	expect(text_put_visible, "a\x1b[2J\x7f\x01", "a\\x1B[2J\\x7F\\x01");
	expect(text_put_visible, "a\rb\nc", "a\\rb\nc");
	/* tab stops count from the start of the line, in columns */
	expect(text_put_visible, "\tx\n漢\ty", "        x\n漢      y");
	/* C1 as UTF-8 (CSI), a turned direction, a byte order mark */
	expect(text_put_visible,
		   "\xC2\x9B"
		   "31m",
		   "\\u009B31m");
	expect(text_put_visible,
		   "\xE2\x80\xAE"
		   "x\xEF\xBB\xBF",
		   "\\u202Ex\\uFEFF");
	/* not UTF-8: a stray byte, a cut sequence, an overlong form, a surrogate, past the last one */
	expect(text_put_visible, "\xFF", "\\xFF");
	expect(text_put_visible, "\xE6\xBC", "\\xE6\\xBC");
	expect(text_put_visible, "\xC0\xAF", "\\xC0\\xAF");
	expect(text_put_visible, "\xED\xA0\x80", "\\xED\\xA0\\x80");
	expect(text_put_visible, "\xF4\x90\x80\x80", "\\xF4\\x90\\x80\\x80");
	/* a code point that no character has */
	expect(text_put_visible, "\xF0\x9F\xBF\xBF", "\\U0001FFFF");
}

static void
test_width(void **state)
{
	StrBuf buf;

	(void) state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("ab"), 2);
	assert_int_equal(text_width("ä漢"), 3);
	/* a combining accent takes no column */
	assert_int_equal(text_width("e\xCC\x81"), 1);
	assert_int_equal(text_width("ab\ncdef"), 2);

	strbuf_init(&buf);
	text_put_cut(&buf, "a漢漢", 4);
	assert_string_equal(buf.data, "a漢");
	strbuf_clear(&buf);
	text_put_cut(&buf, "abc", 3);
	assert_string_equal(buf.data, "abc");
	strbuf_clear(&buf);
	text_put_cut(&buf, "abc", 0);
	assert_string_equal(buf.data, "");
	strbuf_done(&buf);
}

static void
test_has_control(void **state)
{
	(void) state;
	assert_false(text_has_control("plain\nä"));
	assert_true(text_has_control("a\tb"));
	assert_true(text_has_control("\xC2\x85"));
	assert_true(text_has_control("\xE2\x81\xA6"));
}

static void
test_copy(void **state)
{
	(void) state;
	expect(text_put_copy, NULL, "\\N");
	expect(text_put_copy, "", "");
	expect(text_put_copy, "\\N", "\\\\N");
	expect(text_put_copy, "a\tb\nc\\d\re\bf\fg\vh", "a\\tb\\nc\\\\d\\re\\bf\\fg\\vh");
	expect(text_put_copy, "\x1b[m ä \xC2\x9B", "\\x1B[m ä \\xC2\\x9B");
}

static void
test_units(void **state)
{
	char text[UNIT_TEXT];

	(void) state;
	assert_string_equal(unit_size(text, sizeof(text), 0), "0B");
	assert_string_equal(unit_size(text, sizeof(text), 1023), "1023B");
	assert_string_equal(unit_size(text, sizeof(text), 1024), "1KB");
	assert_string_equal(unit_size(text, sizeof(text), 29901), "29.2KB");
	assert_string_equal(unit_size(text, sizeof(text), 1024 * 1024 - 1), "1MB");
	assert_string_equal(unit_size(text, sizeof(text), INT64_MAX), "8192PB");
	assert_string_equal(unit_duration(text, sizeof(text), 0), "0:00");
	assert_string_equal(unit_duration(text, sizeof(text), 3599), "59:59");
	assert_string_equal(unit_duration(text, sizeof(text), 90061), "25:01:01");
	assert_string_equal(unit_time(text, sizeof(text), 1795370782), "2026-11-22T18:06:22Z");
	/* a year that the calendar can't hold stays a number */
	assert_string_equal(unit_time(text, sizeof(text), INT64_MAX), "9223372036854775807");
}

static void
expect_wrapped(const char *text, int columns, int indent, const char *wanted)
{
	StrBuf buf;

	strbuf_init(&buf);
	text_put_wrapped(&buf, text, columns, indent);
	assert_string_equal(buf.data, wanted);
	strbuf_done(&buf);
}

static void
test_wrapped(void **state)
{
	(void) state;
	expect_wrapped("", 10, 2, "\n");
	expect_wrapped("just  fits", 10, 2, "just  fits\n");
	expect_wrapped("just fits, but", 10, 2, "just fits,\n  but\n");
	expect_wrapped("two   blanks here", 5, 0, "two\nblank\ns\nhere\n");
	expect_wrapped("a\nb c", 10, 1, "a\n b c\n");
	expect_wrapped("  indented words", 10, 4, "  indented\n    words\n");
	/* a character of two columns, of which half would fit; an accent takes none */
	expect_wrapped("漢漢漢", 5, 0, "漢漢\n漢\n");
	expect_wrapped("e\u0301e\u0301e\u0301", 2, 0, "e\u0301e\u0301\ne\u0301\n");
	expect_wrapped("a\x1bz", 3, 0, "a\\x\n1Bz\n");
}

static void
test_page(void **state)
{
	StrBuf buf;

	(void) state;
	strbuf_init(&buf);
	text_put_page(&buf, "  target   time of day\n\n  - one two three\nend", 16);
	assert_string_equal(buf.data, "  target   time\n           of\n           day\n\n"
								  "  - one two\n    three\nend\n");
	strbuf_done(&buf);
}

static void
expect_command(const char *command, const char *wanted)
{
	StrBuf buf;

	strbuf_init(&buf);
	text_put_command(&buf, command, 20, 4);
	assert_string_equal(buf.data, wanted);
	strbuf_done(&buf);
}

static void
test_command(void **state)
{
	(void) state;
	expect_command("run it", "run it\n");
	expect_command("run --one --two --three", "run --one \\\n    --two --three\n");
	expect_command("run --at='a b c d' x", "run \\\n    --at='a b c d' \\\n    x\n");
	expect_command("run --is-much-too-long-for-a-line x",
				   "run \\\n    --is-much-too-long-for-a-line \\\n    x\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrapped), cmocka_unit_test(test_page),
		cmocka_unit_test(test_command), cmocka_unit_test(test_visible),
		cmocka_unit_test(test_width),	cmocka_unit_test(test_has_control),
		cmocka_unit_test(test_copy),	cmocka_unit_test(test_units),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
