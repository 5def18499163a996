/*
 * table.h
 *		Rows and columns, and the four ways to print them: within a number of columns, as psql's
 *		aligned table, as psql's expanded display, and as tab-separated values.
 *
 * Names of columns are the caller's and must outlive the table; cells are copied. All columns come
 * first, then the cells from left to right, row after row. After running out of memory nothing is
 * written, and the output buffer is marked failed. Not thread-safe.
 */
#ifndef PGBR_CTL_PRINT_TABLE_H
#define PGBR_CTL_PRINT_TABLE_H

#include "common/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define TABLE_MAX_COLUMNS 32

typedef struct Column
{
	const char *name; /* one line of ASCII */
	bool is_number;	  /* aligned to the right */
} Column;

typedef struct Table
{
	Column columns[TABLE_MAX_COLUMNS];
	int column_count;
	char **cells;
	size_t cell_count;
	size_t capacity;
	bool failed;
} Table;

extern void table_init(Table *table);
extern void table_done(Table *table);
extern void table_add_column(Table *table, const char *name, bool is_number);

/* Add a cell; NULL is an empty one, or \N in tab-separated values. */
extern void table_add(Table *table, const char *text);
extern void table_addf(Table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Print as psql does with border 1, footer and empty line included. Aligned becomes expanded when a
 * line would be wider than so many columns; 0 means any width will do.
 */
extern void table_put_aligned(const Table *table, int columns, StrBuf *out);
extern void table_put_expanded(const Table *table, StrBuf *out);

/*
 * Print for people: names, then rows, in columns that stand two blanks apart, without rules. No
 * line is wider than so many columns (of which the table needs about six for each of its own): a
 * cell that is too long goes on in the next line, at a blank where it has one. Columns of which no
 * cell holds anything are left out.
 */
extern void table_put_fitted(const Table *table, int columns, StrBuf *out);

/* A line of names, then a line a row, escaped as COPY's text format is. */
extern void table_put_tsv(const Table *table, StrBuf *out);

#endif
