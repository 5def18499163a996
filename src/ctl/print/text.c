/*
 * text.c
 *		See text.h.
 */
#include "ctl/print/text.h"

#include "common/visible.h"

#include <string.h>
#include <wchar.h>

#define TAB_COLUMNS 8

/* before which column the first part of a line ends, where it has two */
#define PAGE_LABEL 20

static int
width_of(const PgbrCharacter *character)
{
	return pgbr_character_is_unsafe(character) ? -1 : wcwidth((wchar_t) character->point);
}

void
text_put_visible(StrBuf *buf, const char *text)
{
	PgbrCharacter character;
	int column = 0;

	while (pgbr_character_next(&text, NULL, &character))
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
			pgbr_character_escape(buf, &character);
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
	PgbrCharacter character;
	int width = 0;

	while (pgbr_character_next(&visible, NULL, &character) && character.point != '\n')
		width += width_of(&character);
	return width;
}

void
text_put_cut(StrBuf *buf, const char *visible, int columns)
{
	PgbrCharacter character;
	int width = 0;

	while (pgbr_character_next(&visible, NULL, &character))
	{
		width += width_of(&character);
		if (width > columns)
			return;
		strbuf_append(buf, character.bytes, character.length);
	}
}

size_t
text_break(const char *visible, int columns, const char **next)
{
	const char *rest = visible;
	const char *fits = visible; /* behind the last character that fits */
	const char *blank = NULL;	/* the first of the last blanks that fit */
	PgbrCharacter character;
	int width = 0;

	*next = NULL;
	while (pgbr_character_next(&rest, NULL, &character) && character.point != '\n')
	{
		width += width_of(&character);
		if (character.point == ' ' && fits > visible && fits[-1] != ' ')
			blank = fits;
		if (width > columns && fits > visible)
		{
			*next = blank ? blank : fits;
			break;
		}
		fits = rest;
	}
	if (*next == NULL)
	{
		*next = *fits == '\n' ? fits + 1 : fits;
		return (size_t) (fits - visible);
	}
	fits = *next;
	*next += strspn(*next, " ");
	*next += **next == '\n';
	return (size_t) (fits - visible);
}

void
text_put_wrapped(StrBuf *buf, const char *text, int columns, int indent)
{
	const char *next;
	StrBuf visible;
	bool is_first = true;

	strbuf_init(&visible);
	text_put_visible(&visible, text);
	for (const char *rest = visible.data; is_first || *rest; rest = next)
	{
		size_t length;

		if (!is_first)
			strbuf_printf(buf, "%*s", indent, "");
		length = text_break(rest, is_first ? columns : columns - indent, &next);
		strbuf_append(buf, rest, length);
		strbuf_putc(buf, '\n');
		is_first = false;
	}
	buf->failed |= visible.failed;
	strbuf_done(&visible);
}

/* Where a line that is too long goes on. */
static int
page_indent(const char *line, size_t length)
{
	size_t blanks = strspn(line, " ");

	for (size_t i = blanks; i + 2 < length && i < PAGE_LABEL; i++)
	{
		if (line[i] == ' ' && line[i + 1] == ' ')
			return (int) (i + strspn(line + i, " "));
	}
	return (int) blanks + 2;
}

void
text_put_page(StrBuf *buf, const char *visible, int columns)
{
	while (*visible)
	{
		size_t length = strcspn(visible, "\n");
		StrBuf line;

		strbuf_init(&line);
		strbuf_append(&line, visible, length);
		text_put_wrapped(buf, line.data, columns, page_indent(visible, length));
		buf->failed |= line.failed;
		strbuf_done(&line);
		visible += length + (visible[length] == '\n');
	}
}

/* The bytes of a word of a command; a blank within quotes does not end it. */
static size_t
word_length(const char *word)
{
	bool quoted = false;
	size_t length = 0;

	for (; word[length] && (quoted || word[length] != ' '); length++)
		quoted = quoted != (word[length] == '\'');
	return length;
}

void
text_put_command(StrBuf *buf, const char *visible, int columns, int indent)
{
	int column = indent;

	while (*visible)
	{
		size_t length = word_length(visible);
		StrBuf word;
		int width;

		strbuf_init(&word);
		strbuf_append(&word, visible, length);
		width = text_width(word.data);
		/* room for a blank and the sign that it goes on */
		if (column > indent && column + 1 + width + 2 > columns)
		{
			strbuf_printf(buf, " \\\n%*s", indent, "");
			column = indent;
		}
		else if (column > indent)
		{
			strbuf_putc(buf, ' ');
			column++;
		}
		strbuf_append(buf, visible, length);
		column += width;
		buf->failed |= word.failed;
		strbuf_done(&word);
		visible += length;
		visible += strspn(visible, " ");
	}
	strbuf_putc(buf, '\n');
}

bool
text_has_control(const char *text)
{
	PgbrCharacter character;

	while (pgbr_character_next(&text, NULL, &character))
	{
		if (pgbr_character_is_unsafe(&character) && character.point != '\n')
			return true;
	}
	return false;
}

void
text_put_copy(StrBuf *buf, const char *text)
{
	static const char letters[] = "\bb\ff\nn\rr\tt\vv\\\\";
	PgbrCharacter character;

	if (text == NULL)
	{
		strbuf_puts(buf, "\\N");
		return;
	}
	while (pgbr_character_next(&text, NULL, &character))
	{
		const char *found = NULL;

		for (const char *pair = letters; *pair; pair += 2)
		{
			if (character.point == (unsigned char) *pair)
				found = pair;
		}
		if (found)
			strbuf_printf(buf, "\\%c", found[1]);
		else if (pgbr_character_is_unsafe(&character))
		{
			/* COPY knows escapes of bytes only */
			for (size_t i = 0; i < character.length; i++)
				strbuf_printf(buf, "\\x%02X", (unsigned char) character.bytes[i]);
		}
		else
			strbuf_append(buf, character.bytes, character.length);
	}
}
