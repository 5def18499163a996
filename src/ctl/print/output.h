/*
 * output.h
 *		The formats a verb prints its data in, and the way to standard output.
 *
 * pretty and tsv print a table, json and yaml print a document: the sidecar's own, unchanged in
 * content. The writers append to a buffer and are pure; output_print alone touches a stream.
 */
#ifndef PGBR_CTL_PRINT_OUTPUT_H
#define PGBR_CTL_PRINT_OUTPUT_H

#include "common/error.h"
#include "common/strbuf.h"
#include "ctl/print/table.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

typedef enum OutputFormat
{
	OUTPUT_PRETTY,
	OUTPUT_TSV,
	OUTPUT_JSON,
	OUTPUT_YAML,
} OutputFormat;

#define OUTPUT_FORMATS "pretty, tsv, json, yaml"

/* The format of a name; false when there is none. */
extern bool output_format_parse(const char *name, OutputFormat *format);

/* True for json and yaml. */
extern bool output_is_document(OutputFormat format);

/* Append a document, indented, with a newline at its end. Members keep their order. */
extern void output_put_json(const json_t *document, StrBuf *out);

/* The same in YAML. A text that a reader of YAML 1.1 or 1.2 could take for another type is
 * quoted. */
extern void output_put_yaml(const json_t *document, StrBuf *out);

/* Append the document in a format for which output_is_document holds. */
extern void output_put_document(const json_t *document, OutputFormat format, StrBuf *out);

/* Append the table in one of the others; columns as in table_put_aligned. */
extern void output_put_table(const Table *table, OutputFormat format, int columns, StrBuf *out);

/* How wide a line for people may be: what fits a page, or the terminal where that is narrower. */
#define OUTPUT_COLUMNS		 100
#define OUTPUT_COLUMNS_LEAST 60
extern int output_columns(FILE *stream);

/* Columns of the terminal behind a stream; 0 when there is none. */
extern int output_terminal_columns(FILE *stream);

/* Write the buffer to a stream and flush it; INTERNAL when memory ran out or the stream failed. */
extern bool output_print(FILE *stream, const StrBuf *out, PgbrError *error);

#endif
