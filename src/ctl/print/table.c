/*
 * table.c
 *		See table.h. The layout follows psql's to the blank, trailing ones too.
 */
#include "ctl/print/table.h"

#include "ctl/print/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The cells as a terminal shows them, and how wide each column is. */
typedef struct Layout
{
	char **cells;
	int widths[TABLE_MAX_COLUMNS];
} Layout;

void
table_init(Table *table)
{
	memset(table, 0, sizeof(*table));
}

void
table_done(Table *table)
{
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->cell_count = table->capacity = 0;
}

void
table_add_column(Table *table, const char *name, bool is_number)
{
	if (table->column_count == TABLE_MAX_COLUMNS)
	{
		table->failed = true;
		return;
	}
	table->columns[table->column_count++] = (Column){name, is_number};
}

static bool
grow(Table *table)
{
	size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
	char **cells = realloc(table->cells, capacity * sizeof(*cells));

	if (cells == NULL)
		return false;
	table->cells = cells;
	table->capacity = capacity;
	return true;
}

void
table_add(Table *table, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if ((text && copy == NULL) || (table->cell_count == table->capacity && !grow(table)))
	{
		free(copy);
		table->failed = true;
		return;
	}
	table->cells[table->cell_count++] = copy;
}

void
table_addf(Table *table, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	table_add(table, text);
}

/* Columns that the longest line of a cell takes. */
static int
cell_width(const char *visible)
{
	int widest = 0;

	for (; visible; visible = strchr(visible, '\n'))
	{
		int width;

		visible += *visible == '\n';
		width = text_width(visible);
		if (width > widest)
			widest = width;
	}
	return widest;
}

static int
greater(int a, int b)
{
	return a > b ? a : b;
}

static void
layout_done(Layout *layout, size_t cell_count)
{
	for (size_t i = 0; layout->cells && i < cell_count; i++)
		free(layout->cells[i]);
	free(layout->cells);
}

static bool
layout_init(Layout *layout, const Table *table)
{
	StrBuf visible;
	bool ok = !table->failed;

	memset(layout, 0, sizeof(*layout));
	layout->cells = calloc(table->cell_count + 1, sizeof(char *));
	strbuf_init(&visible);
	for (int i = 0; i < table->column_count; i++)
		layout->widths[i] = text_width(table->columns[i].name);
	for (size_t i = 0; ok && layout->cells && i < table->cell_count; i++)
	{
		int *width = &layout->widths[i % table->column_count];

		text_put_visible(&visible, table->cells[i] ? table->cells[i] : "");
		*width = greater(*width, cell_width(visible.data));
		ok = (layout->cells[i] = strbuf_take(&visible)) != NULL;
	}
	strbuf_done(&visible);
	if (ok && layout->cells)
		return true;
	layout_done(layout, table->cell_count);
	return false;
}

static void
put_repeated(StrBuf *out, char c, int count)
{
	for (int i = 0; i < count; i++)
		strbuf_putc(out, c);
}

static size_t
row_count(const Table *table)
{
	return table->cell_count / table->column_count;
}

static void
put_header(const Table *table, const Layout *layout, StrBuf *out)
{
	for (int i = 0; i < table->column_count; i++)
	{
		int blanks = layout->widths[i] - text_width(table->columns[i].name);

		put_repeated(out, ' ', 1 + blanks / 2);
		strbuf_puts(out, table->columns[i].name);
		put_repeated(out, ' ', (blanks + 1) / 2 + 1);
		strbuf_putc(out, i + 1 < table->column_count ? '|' : '\n');
	}
	for (int i = 0; i < table->column_count; i++)
	{
		put_repeated(out, '-', layout->widths[i] + 2);
		strbuf_putc(out, i + 1 < table->column_count ? '+' : '\n');
	}
}

/* Print the line of a cell that *rest begins with, and move *rest to the next one or to NULL. */
static void
put_cell_line(StrBuf *out, const char **rest, int width, bool is_number, bool is_last)
{
	size_t length = *rest ? strcspn(*rest, "\n") : 0;
	bool goes_on = *rest && (*rest)[length] == '\n';
	int blanks = width - (*rest ? text_width(*rest) : 0);

	strbuf_putc(out, ' ');
	if (is_number && *rest)
		put_repeated(out, ' ', blanks);
	if (*rest)
		strbuf_append(out, *rest, length);
	if ((!is_number || *rest == NULL) && (goes_on || !is_last))
		put_repeated(out, ' ', blanks);
	if (goes_on)
		strbuf_putc(out, '+');
	else if (!is_last)
		strbuf_putc(out, ' ');
	strbuf_putc(out, is_last ? '\n' : '|');
	*rest = goes_on ? *rest + length + 1 : NULL;
}

static void
put_row(const Table *table, const Layout *layout, size_t row, StrBuf *out)
{
	const char *rest[TABLE_MAX_COLUMNS];
	int unfinished;

	for (int i = 0; i < table->column_count; i++)
		rest[i] = layout->cells[row * table->column_count + i];
	do
	{
		unfinished = 0;
		for (int i = 0; i < table->column_count; i++)
		{
			put_cell_line(out, &rest[i], layout->widths[i], table->columns[i].is_number,
						  i + 1 == table->column_count);
			unfinished += rest[i] != NULL;
		}
	} while (unfinished > 0);
}

static void
put_footer(const Table *table, StrBuf *out)
{
	strbuf_printf(out, "(%zu row%s)\n\n", row_count(table), row_count(table) == 1 ? "" : "s");
}

/* "-[ RECORD 7 ]---+------", as wide as the lines below it. */
static void
put_record_rule(StrBuf *out, size_t number, int name_width, int value_width)
{
	size_t start = out->length;

	strbuf_printf(out, "-[ RECORD %zu ]", number);
	while (!out->failed && out->length - start < (size_t) name_width + value_width + 3)
		strbuf_putc(out, out->length - start == (size_t) name_width + 1 ? '+' : '-');
	strbuf_putc(out, '\n');
}

void
table_put_expanded(const Table *table, StrBuf *out)
{
	Layout layout;
	int name_width = 0;
	int value_width = 0;

	if (!layout_init(&layout, table))
	{
		out->failed = true;
		return;
	}
	for (int i = 0; i < table->column_count; i++)
		name_width = greater(name_width, text_width(table->columns[i].name));
	for (size_t i = 0; i < table->cell_count; i++)
		value_width = greater(value_width, cell_width(layout.cells[i]));
	for (size_t i = 0; i < table->cell_count; i++)
	{
		const char *rest = layout.cells[i];
		const char *name = table->columns[i % table->column_count].name;

		if (i % table->column_count == 0)
			put_record_rule(out, i / table->column_count + 1, name_width, value_width);
		for (; rest; name = "")
		{
			strbuf_puts(out, name);
			put_repeated(out, ' ', name_width - text_width(name) + 1);
			strbuf_putc(out, '|');
			put_cell_line(out, &rest, value_width, false, true);
		}
	}
	strbuf_puts(out, table->cell_count == 0 ? "(0 rows)\n\n" : "\n");
	layout_done(&layout, table->cell_count);
}

void
table_put_aligned(const Table *table, int columns, StrBuf *out)
{
	Layout layout;
	int width = table->column_count - 1;

	if (!layout_init(&layout, table))
	{
		out->failed = true;
		return;
	}
	for (int i = 0; i < table->column_count; i++)
		width += layout.widths[i] + 2;
	if (columns > 0 && width > columns)
		table_put_expanded(table, out);
	else
	{
		put_header(table, &layout, out);
		for (size_t row = 0; row < row_count(table); row++)
			put_row(table, &layout, row, out);
		put_footer(table, out);
	}
	layout_done(&layout, table->cell_count);
}

#define FIT_GAP 2

/* A column with blanks in its cells can be wrapped down to this, any other down to the second. */
#define FIT_WORDS 14
#define FIT_LEAST 4

/* Leave out columns without anything: their width becomes 0. */
static void
fit_leave_out(const Table *table, Layout *layout)
{
	for (int i = 0; i < table->column_count; i++)
	{
		bool is_empty = table->cell_count > 0;

		for (size_t at = (size_t) i; is_empty && at < table->cell_count;
			 at += (size_t) table->column_count)
			is_empty = layout->cells[at][0] == '\0';
		if (is_empty)
			layout->widths[i] = 0;
	}
}

static bool
fit_has_words(const Table *table, const Layout *layout, int column)
{
	for (size_t at = (size_t) column; at < table->cell_count; at += (size_t) table->column_count)
	{
		if (strchr(layout->cells[at], ' '))
			return true;
	}
	return false;
}

/* The widest of those that are wider than the least; -1: none. */
static int
fit_widest(const Table *table, const Layout *layout, const bool *chosen, int least)
{
	int widest = -1;

	for (int i = 0; i < table->column_count; i++)
	{
		if (chosen[i] && layout->widths[i] > least &&
			(widest < 0 || layout->widths[i] > layout->widths[widest]))
			widest = i;
	}
	return widest;
}

/* Make columns narrower until all fit: first those with words, then whatever is widest. */
static void
fit_widths(const Table *table, int columns, Layout *layout)
{
	bool words[TABLE_MAX_COLUMNS];
	bool all[TABLE_MAX_COLUMNS];
	int total = -FIT_GAP;

	fit_leave_out(table, layout);
	for (int i = 0; i < table->column_count; i++)
	{
		words[i] = fit_has_words(table, layout, i);
		all[i] = true;
		total += layout->widths[i] ? layout->widths[i] + FIT_GAP : 0;
	}
	for (; total > columns; total--)
	{
		int widest = fit_widest(table, layout, words, FIT_WORDS);

		if (widest < 0)
			widest = fit_widest(table, layout, all, FIT_LEAST);
		if (widest < 0)
			return;
		layout->widths[widest]--;
	}
}

/* Print one line of a row: of each cell as much as fits. False when that was the last one. */
static bool
fit_put_line(const Table *table, const Layout *layout, const char **rest, StrBuf *out)
{
	bool goes_on = false;
	int missing = 0; /* blanks up to where the next cell begins */

	for (int i = 0; i < table->column_count; i++)
	{
		int width = layout->widths[i];
		const char *next = rest[i];
		size_t length = width && *rest[i] ? text_break(rest[i], width, &next) : 0;
		int blanks;
		StrBuf cell;

		if (width == 0)
			continue;
		strbuf_init(&cell);
		strbuf_append(&cell, rest[i], length);
		blanks = greater(0, width - (length ? text_width(cell.data) : 0));
		if (length)
		{
			put_repeated(out, ' ', missing + (table->columns[i].is_number ? blanks : 0));
			strbuf_append(out, rest[i], length);
			missing = table->columns[i].is_number ? 0 : blanks;
		}
		else
			missing += width;
		missing += FIT_GAP;
		out->failed |= cell.failed;
		strbuf_done(&cell);
		rest[i] = next;
		goes_on = goes_on || *next;
	}
	strbuf_putc(out, '\n');
	return goes_on;
}

void
table_put_fitted(const Table *table, int columns, StrBuf *out)
{
	const char *rest[TABLE_MAX_COLUMNS];
	Layout layout;

	if (!layout_init(&layout, table))
	{
		out->failed = true;
		return;
	}
	fit_widths(table, columns, &layout);
	for (int i = 0; i < table->column_count; i++)
		rest[i] = table->columns[i].name;
	while (fit_put_line(table, &layout, rest, out))
		;
	for (size_t row = 0; row < row_count(table); row++)
	{
		for (int i = 0; i < table->column_count; i++)
			rest[i] = layout.cells[row * table->column_count + i];
		while (fit_put_line(table, &layout, rest, out))
			;
	}
	layout_done(&layout, table->cell_count);
}

void
table_put_tsv(const Table *table, StrBuf *out)
{
	if (table->failed)
		out->failed = true;
	for (int i = 0; i < table->column_count; i++)
	{
		strbuf_puts(out, table->columns[i].name);
		strbuf_putc(out, i + 1 < table->column_count ? '\t' : '\n');
	}
	for (size_t i = 0; i < table->cell_count; i++)
	{
		text_put_copy(out, table->cells[i]);
		strbuf_putc(out, (i + 1) % table->column_count == 0 ? '\n' : '\t');
	}
}
