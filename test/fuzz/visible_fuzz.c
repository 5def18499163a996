// links: ctl
// runs: 120000
/*
 * visible_fuzz.c
 *		Any text that goes out, to a terminal, a log, a label or as JSON: what is visible holds
 *		nothing that a terminal obeys, stays as it is when it is made visible again, and JSON stays
 *		the same JSON.
 *
 * The first byte is the size of the place that it is cut to.
 */
#include "common/vocabulary.h"
#include "ctl/print/text.h"
#include "fuzz.h"

#include <jansson.h>

static void
check_text(const char *text, size_t size)
{
	StrBuf once;
	StrBuf twice;
	char cut[256];

	strbuf_init(&once);
	strbuf_init(&twice);
	pgbr_put_visible(&once, text, "\n\t");
	MUST(fuzz_is_visible(once.data, "\n\t") && pgbr_is_utf8(once.data, once.length));
	pgbr_put_visible(&twice, once.data, "\n\t");
	MUST(once.length == twice.length && memcmp(once.data, twice.data, once.length) == 0);
	pgbr_copy_visible(cut, size, text);
	MUST(strlen(cut) < size && strncmp(once.data, cut, strlen(cut)) == 0);
	MUST(fuzz_is_visible(cut, "\n\t"));
	strbuf_clear(&twice);
	text_put_visible(&twice, text);
	MUST(fuzz_is_visible(twice.data, "\n") && text_width(twice.data) >= 0);
	strbuf_done(&once);
	strbuf_done(&twice);
}

static void
check_json(const char *text, size_t length)
{
	json_t *value = json_loadb(text, length, JSON_DECODE_ANY, NULL);
	json_t *again;
	StrBuf out;

	if (value == NULL)
		return;
	strbuf_init(&out);
	pgbr_put_visible_json(&out, text, length);
	again = json_loadb(out.data, out.length, JSON_DECODE_ANY, NULL);
	MUST(again && json_equal(value, again));
	json_decref(again);
	strbuf_clear(&out);
	MUST(pgbr_put_visible_texts(&out, text, length) ||
		 (out.length == length && memcmp(out.data, text, length) == 0));
	again = json_loadb(out.data, out.length, JSON_DECODE_ANY, NULL);
	MUST(again && json_typeof(again) == json_typeof(value));
	if (json_is_string(again))
		MUST(fuzz_is_visible(json_string_value(again), "\n\t"));
	json_decref(value);
	json_decref(again);
	strbuf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	check_text(text, data[0] ? data[0] : 1);
	check_json(text, strlen(text));
	free(text);
	return 0;
}
