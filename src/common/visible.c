/*
 * visible.c
 *		See visible.h.
 */
#include "common/visible.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the longest escape: \U and eight digits */
#define ESCAPE_SIZE 11

/* How long a character is by its first byte, and what that has of its number. 0: no first byte. */
static size_t
length_of(unsigned char first, unsigned long *point)
{
	size_t length = first < 0x80					? 1
					: first >= 0xC2 && first < 0xE0 ? 2
					: first >= 0xE0 && first < 0xF0 ? 3
					: first >= 0xF0 && first < 0xF5 ? 4
													: 0;

	*point = length <= 1 ? first : first & (0x7Fu >> length);
	return length;
}

bool
pgbr_character_next(const char **text, const char *end, PgbrCharacter *character)
{
	const unsigned char *p = (const unsigned char *) *text;
	unsigned long point;
	size_t length;

	if (end ? *text >= end : *p == '\0')
		return false;
	length = length_of(*p, &point);
	if (end && length > (size_t) (end - *text))
		length = 0;
	/* a NUL is no byte of a character either */
	for (size_t i = 1; i < length; i++)
	{
		if ((p[i] & 0xC0) != 0x80)
		{
			length = 0;
			break;
		}
		point = point << 6 | (p[i] & 0x3F);
	}
	if ((length == 3 && (point < 0x800 || (point >= 0xD800 && point <= 0xDFFF))) ||
		(length == 4 && (point < 0x10000 || point > 0x10FFFF)))
		length = 0;
	*character = (PgbrCharacter){*text, length > 0 ? length : 1, length > 0, length ? point : *p};
	*text += character->length;
	return true;
}

bool
pgbr_character_is_unsafe(const PgbrCharacter *character)
{
	static const struct
	{
		unsigned long first;
		unsigned long last;
	} ranges[] = {
		{0x00, 0x1F},	  {0x7F, 0x9F},		/* C0, DEL, C1 */
		{0x061C, 0x061C}, {0x200E, 0x200F}, /* marks of direction */
		{0x2028, 0x202E}, {0x2066, 0x2069}, /* separators, overrides and isolates */
		{0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, /* byte order mark, interlinear annotation */
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
	{
		if (character->point >= ranges[i].first && character->point <= ranges[i].last)
			return true;
	}
	return !character->valid;
}

static void
write_escape(char *escape, const PgbrCharacter *character)
{
	const char *format = character->point > 0xFFFF						? "\\U%08lX"
						 : character->valid && character->point >= 0x80 ? "\\u%04lX"
																		: "\\x%02lX";

	if (character->point == '\r')
		strcpy(escape, "\\r");
	else
		snprintf(escape, ESCAPE_SIZE, format, character->point);
}

void
pgbr_character_escape(StrBuf *buf, const PgbrCharacter *character)
{
	char escape[ESCAPE_SIZE];

	write_escape(escape, character);
	strbuf_puts(buf, escape);
}

static bool
is_kept(const PgbrCharacter *character, const char *kept)
{
	return !pgbr_character_is_unsafe(character) ||
		   (character->point > 0 && character->point < 0x80 &&
			strchr(kept, (int) character->point));
}

void
pgbr_put_visible(StrBuf *buf, const char *text, const char *kept)
{
	PgbrCharacter character;

	while (pgbr_character_next(&text, NULL, &character))
	{
		if (is_kept(&character, kept))
			strbuf_append(buf, character.bytes, character.length);
		else
			pgbr_character_escape(buf, &character);
	}
}

void
pgbr_make_visible(StrBuf *buf)
{
	StrBuf visible;

	strbuf_init(&visible);
	pgbr_put_visible(&visible, buf->data, "\n\t");
	strbuf_done(buf);
	if (visible.failed)
		strbuf_done(&visible);
	*buf = visible;
}

void
pgbr_copy_visible(char *target, size_t size, const char *text)
{
	PgbrCharacter character;
	size_t used = 0;

	while (pgbr_character_next(&text, NULL, &character))
	{
		char escape[ESCAPE_SIZE];
		const char *bytes = character.bytes;
		size_t length = character.length;

		if (!is_kept(&character, "\n\t"))
		{
			write_escape(escape, &character);
			bytes = escape;
			length = strlen(escape);
		}
		if (used + length >= size)
			break;
		memcpy(target + used, bytes, length);
		used += length;
	}
	target[used] = '\0';
}

void
pgbr_make_visible_json(StrBuf *buf)
{
	const char *text = buf->data;
	const char *end = text + buf->length;
	PgbrCharacter character;
	StrBuf visible;

	while (pgbr_character_next(&text, end, &character))
	{
		if (is_kept(&character, "\n\t"))
			continue;
		strbuf_init(&visible);
		pgbr_put_visible_json(&visible, buf->data, buf->length);
		strbuf_done(buf);
		*buf = visible;
		return;
	}
}

void
pgbr_put_visible_json(StrBuf *buf, const char *document, size_t length)
{
	const char *end = document + length;
	const char *kept = document;
	PgbrCharacter character;

	while (pgbr_character_next(&document, end, &character))
	{
		if (is_kept(&character, "\n\t"))
			continue;
		strbuf_append(buf, kept, (size_t) (character.bytes - kept));
		/* JSON has it between its texts only */
		if (character.point == '\r')
			strbuf_putc(buf, ' ');
		else
			strbuf_printf(buf, "\\u%04lX", character.point);
		kept = document;
	}
	strbuf_append(buf, kept, (size_t) (end - kept));
}

/* What JSON writes with a backslash at text; its length, or 0 when it is none of ours to see. */
static size_t
read_json_escape(const char *text, const char *end, unsigned long *point)
{
	static const char shorts[] = "b\bf\fr\r";
	const char *found;
	char digits[5] = "";

	if (end - text < 2)
		return 0;
	for (found = shorts; *found && *found != text[1]; found += 2)
		continue;
	if (*found)
	{
		*point = (unsigned char) found[1];
		return 2;
	}
	if (text[1] != 'u' || end - text < 6)
		return 0;
	memcpy(digits, text + 2, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return 0;
	*point = strtoul(digits, NULL, 16);
	return 6;
}

bool
pgbr_put_visible_texts(StrBuf *buf, const char *document, size_t length)
{
	const char *end = document + length;
	const char *kept = document;
	const char *at = document;
	bool inside = false;
	bool any = false;
	PgbrCharacter character;

	while (pgbr_character_next(&document, end, &character))
	{
		size_t escaped = 0;
		char escape[ESCAPE_SIZE];

		at = character.bytes;
		if (*at == '"')
			inside = !inside;
		if (!inside)
			continue;
		if (*at == '\\')
		{
			escaped = read_json_escape(at, end, &character.point);
			document = escaped ? at + escaped : at + 2 < end ? at + 2 : end;
		}
		/*
		 * a control character that is there as it is, or a byte that is no character, is refused by
		 * who reads it
		 */
		if ((*at == '\\' ? escaped == 0 : character.point < 0x20 || !character.valid) ||
			character.point == 0 || is_kept(&character, "\n\t"))
			continue;
		write_escape(escape, &character);
		strbuf_append(buf, kept, (size_t) (at - kept));
		strbuf_printf(buf, "\\%s", escape);
		kept = document;
		any = true;
	}
	strbuf_append(buf, kept, (size_t) (end - kept));
	return any;
}
