/*
 * visible.h
 *		Makes text from outside fit to be shown: in a terminal, a log, an error, a label. A
 *		character that would move the cursor, turn the direction of reading or be invisible
 *		becomes an escape.
 *
 * This is the only place that knows such characters, and the only decoder of UTF-8. The escapes are
 * those of psql: \r, \x1B for control characters and for bytes that are not UTF-8, \u009B beyond
 * ASCII. The result is valid UTF-8, and making it visible again changes nothing. All functions are
 * pure but for the buffer they append to.
 */
#ifndef PGBR_VISIBLE_H
#define PGBR_VISIBLE_H

#include "common/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct PgbrCharacter
{
	const char *bytes;
	size_t length;
	bool valid;			 /* of UTF-8 (RFC 3629); otherwise one byte that is not */
	unsigned long point; /* the byte itself when not valid */
} PgbrCharacter;

/* Take one character off a text that goes up to end, or up to its NUL when end is NULL; false when
 * nothing is left. */
extern bool pgbr_character_next(const char **text, const char *end, PgbrCharacter *character);

/* Must not go out as it is: not UTF-8, C0, DEL, C1, or one that turns the direction of reading. */
extern bool pgbr_character_is_unsafe(const PgbrCharacter *character);

/* Append the escape of any character. */
extern void pgbr_character_escape(StrBuf *buf, const PgbrCharacter *character);

/* Append text with every unsafe character escaped but for those in kept, as "\n\t". */
extern void pgbr_put_visible(StrBuf *buf, const char *text, const char *kept);

/* The same in place, keeping newline and tab; one that was out of memory is left empty. */
extern void pgbr_make_visible(StrBuf *buf);

/* The same, at most size - 1 bytes of it, no character and no escape cut in two. */
extern void pgbr_copy_visible(char *target, size_t size, const char *text);

/* Append JSON or double-quoted YAML; inside its texts such characters become \uXXXX. */
extern void pgbr_put_visible_json(StrBuf *buf, const char *document, size_t length);

/*
 * The same in place, without a copy when there is none of them; one that was out of memory has
 * failed.
 */
extern void pgbr_make_visible_json(StrBuf *buf);

/*
 * Append JSON whose texts are visible once they are read: of an unsafe character, as it is or as
 * JSON writes it, the escape stands there in letters. Newline and tab are kept; what is no JSON
 * stays none. Returns whether there was any.
 */
extern bool pgbr_put_visible_texts(StrBuf *buf, const char *document, size_t length);

#endif
