// links: sidecar/pgbackrest/info_document
/*
 * info_document_test.c
 *		A document comes out as it went in, from wherever it is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sidecar/pgbackrest/info_document.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK INFO_DOCUMENT_BLOCK

/* A JSON array of numbers, of this many bytes, which repeats itself or does not. */
static char *
make_text(size_t length, bool repeats)
{
	char *text = malloc(length + 16);
	uint32_t number = 1;
	size_t at = 0;

	text[at++] = '[';
	while (at + 12 < length)
	{
		number = repeats ? 123456789 : number * 1664525 + 1013904223;
		at += (size_t) sprintf(text + at, "%u,", number);
	}
	text[at++] = '0';
	while (at + 1 < length)
		text[at++] = ' ';
	text[at++] = ']';
	text[at] = '\0';
	return text;
}

static void
check_pieces(const InfoDocument *document, const char *text, size_t size)
{
	char *buffer = malloc(size);
	size_t at = 0;
	size_t got;

	while ((got = info_document_read(document, at, buffer, size)) > 0)
	{
		assert_true(got <= size);
		assert_memory_equal(buffer, text + at, got);
		at += got;
	}
	assert_int_equal(at, info_document_length(document));
	free(buffer);
}

static void
test_round_trip(void **state)
{
	static const size_t lengths[] = {3, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7};
	static const size_t sizes[] = {4999, BLOCK - 1, BLOCK, 2 * BLOCK};

	(void) state;
	for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++)
	{
		size_t length = lengths[i / 2];
		char *text = make_text(length, i % 2 == 0);
		InfoDocument *document = info_document_new(text, length);
		PgbrError error;
		json_t *parsed;

		assert_non_null(document);
		assert_int_equal(strlen(text), length);
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
			check_pieces(document, text, sizes[j]);
		parsed = info_document_parse(document, &error);
		assert_true(json_is_array(parsed));
		json_decref(parsed);
		info_document_release(document);
		free(text);
	}
}

static void
test_references(void **state)
{
	InfoDocument *document = info_document_new("[1]", 3);
	char buffer[8];

	(void) state;
	assert_ptr_equal(info_document_retain(document), document);
	info_document_release(document);
	assert_int_equal(info_document_read(document, 1, buffer, sizeof(buffer)), 2);
	assert_memory_equal(buffer, "1]", 2);
	assert_int_equal(info_document_read(document, 3, buffer, sizeof(buffer)), 0);
	assert_int_equal(info_document_read(document, SIZE_MAX, buffer, sizeof(buffer)), 0);
	info_document_release(document);
	info_document_release(NULL);
}

static void
test_no_json(void **state)
{
	InfoDocument *empty = info_document_new("", 0);
	InfoDocument *broken = info_document_new("[1", 2);
	PgbrError error;

	(void) state;
	assert_int_equal(info_document_length(empty), 0);
	assert_null(info_document_parse(empty, &error));
	assert_int_equal(error.code, PGBR_ERROR_BAD_REQUEST);
	assert_null(info_document_parse(broken, &error));
	assert_int_equal(error.code, PGBR_ERROR_BAD_REQUEST);
	info_document_release(empty);
	info_document_release(broken);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
