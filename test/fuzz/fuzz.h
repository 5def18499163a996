/*
 * fuzz.h
 *		What the fuzzers share: the entry that libFuzzer calls, and a property that must hold.
 */
#ifndef PGBR_TEST_FUZZ_H
#define PGBR_TEST_FUZZ_H

#include "common/visible.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern int LLVMFuzzerInitialize(int *argc, char ***argv);

/* jansson hashes by chance: without it one seed tries the same inputs each time. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void) argc;
	(void) argv;
	json_object_seed(1);
	return 0;
}

#define MUST(condition)   \
	do                    \
	{                     \
		if (!(condition)) \
			abort();      \
	} while (0)

/*
 * A copy that ends with a NUL, in a block of its own size, so that a byte too far is found. Freed
 * by the caller.
 */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* Nothing in it that must not go out, but for the characters in kept. */
static inline bool
fuzz_is_visible(const char *text, const char *kept)
{
	PgbrCharacter character;

	while (pgbr_character_next(&text, NULL, &character))
	{
		if (pgbr_character_is_unsafe(&character) &&
			(character.point == 0 || character.point > 127 || !strchr(kept, (int) character.point)))
			return false;
	}
	return true;
}

/* A text as who reads a program's output has it, with escapes. */
static inline char *
fuzz_visible(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	StrBuf visible;

	strbuf_init(&visible);
	pgbr_put_visible(&visible, text, "\n\t");
	free(text);
	text = fuzz_text((const uint8_t *) visible.data, visible.length);
	strbuf_done(&visible);
	return text;
}

/* The first line of the input; *data and *size are moved past it. Freed by the caller. */
static inline char *
fuzz_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
	size_t length = end ? (size_t) (end - *data) : *size;
	char *line = fuzz_text(*data, length);

	length += end != NULL;
	*data += length;
	*size -= length;
	return line;
}

#endif
