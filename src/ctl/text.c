/*
 * text.c
 *		See text.h.
 */
#include "ctl/text.h"

#include <string.h>
#include <wchar.h>

#define TAB_COLUMNS 8

typedef struct Character
{
	const char *bytes;
	size_t length;
	bool valid;			 /* of UTF-8; otherwise one byte that is not */
	unsigned long point; /* the byte itself when not valid */
} Character;

/* Take one character off the text; false at its end. */
static bool
next_character(const char **text, Character *character)
{
	const unsigned char *p = (const unsigned char *) *text;
	size_t length = *p < 0x80				  ? 1
					: *p >= 0xC2 && *p < 0xE0 ? 2
					: *p >= 0xE0 && *p < 0xF0 ? 3
					: *p >= 0xF0 && *p < 0xF5 ? 4
											  : 0;
	unsigned long point = length <= 1 ? *p : *p & (0x7F >> length);

	if (*p == '\0')
		return false;
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
	character->valid = length > 0;
	character->bytes = *text;
	character->length = length > 0 ? length : 1;
	character->point = length > 0 ? point : *p;
	*text += character->length;
	return true;
}

static bool
is_control(const Character *character)
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

static int
width_of(const Character *character)
{
	return is_control(character) ? -1 : wcwidth((wchar_t) character->point);
}

static void
put_escape(StrBuf *buf, const Character *character)
{
	if (character->point == '\r')
		strbuf_puts(buf, "\\r");
	else if (!character->valid || character->point < 0x80)
		strbuf_printf(buf, "\\x%02lX", character->point);
	else if (character->point <= 0xFFFF)
		strbuf_printf(buf, "\\u%04lX", character->point);
	else
		strbuf_printf(buf, "\\U%08lX", character->point);
}

void
text_put_visible(StrBuf *buf, const char *text)
{
	Character character;
	int column = 0;

	while (next_character(&text, &character))
	{
		int width = width_of(&character);
		size_t before = buf->length;

		if (character.point == '\n')
		{
			strbuf_putc(buf, '\n');
			column = 0;
		}
		else if (character.point == '\t')
		{
			do
				strbuf_putc(buf, ' ');
			while (++column % TAB_COLUMNS != 0);
		}
		else if (width < 0)
		{
			put_escape(buf, &character);
			column += (int) (buf->length - before);
		}
		else
		{
			strbuf_append(buf, character.bytes, character.length);
			column += width;
		}
	}
}

int
text_width(const char *visible)
{
	Character character;
	int width = 0;

	while (next_character(&visible, &character) && character.point != '\n')
		width += width_of(&character);
	return width;
}

void
text_put_cut(StrBuf *buf, const char *visible, int columns)
{
	Character character;
	int width = 0;

	while (next_character(&visible, &character))
	{
		width += width_of(&character);
		if (width > columns)
			return;
		strbuf_append(buf, character.bytes, character.length);
	}
}

bool
text_has_control(const char *text)
{
	Character character;

	while (next_character(&text, &character))
	{
		if (is_control(&character) && character.point != '\n')
			return true;
	}
	return false;
}

void
text_put_quoted(StrBuf *buf, const char *document)
{
	Character character;

	while (next_character(&document, &character))
	{
		if (is_control(&character) && character.point != '\n')
			strbuf_printf(buf, "\\u%04lX", character.point);
		else
			strbuf_append(buf, character.bytes, character.length);
	}
}

void
text_put_copy(StrBuf *buf, const char *text)
{
	static const char letters[] = "\bb\ff\nn\rr\tt\vv\\\\";
	Character character;

	if (text == NULL)
	{
		strbuf_puts(buf, "\\N");
		return;
	}
	while (next_character(&text, &character))
	{
		const char *found = NULL;

		for (const char *pair = letters; *pair; pair += 2)
		{
			if (character.point == (unsigned char) *pair)
				found = pair;
		}
		if (found)
			strbuf_printf(buf, "\\%c", found[1]);
		else if (is_control(&character))
		{
			/* COPY knows escapes of bytes only */
			for (size_t i = 0; i < character.length; i++)
				strbuf_printf(buf, "\\x%02X", (unsigned char) character.bytes[i]);
		}
		else
			strbuf_append(buf, character.bytes, character.length);
	}
}
