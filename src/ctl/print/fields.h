/*
 * fields.h
 *		Table rows from JSON objects: a row of the field table names the member that fills a column,
 *		and how it is printed.
 *
 * A member that is missing, null or of another type makes an empty cell. Pure.
 */
#ifndef PGBR_CTL_PRINT_FIELDS_H
#define PGBR_CTL_PRINT_FIELDS_H

#include "ctl/print/table.h"

#include <jansson.h>
#include <stdbool.h>

typedef enum FieldKind
{
	FIELD_TEXT,
	FIELD_NUMBER,
	FIELD_PERCENT, /* one decimal */
	FIELD_SIZE,	   /* bytes; for people 29.2KB */
	FIELD_SECONDS, /* for people 1:02:03 */
	FIELD_EPOCH,   /* seconds since 1970, printed as RFC 3339 in UTC */
	FIELD_FLAG,	   /* t or f, as psql does */
	FIELD_PAIRS,   /* an object of texts: key=value, a line each */
} FieldKind;

typedef struct Field
{
	const char *column; /* NULL ends the table */
	const char *member; /* a path with dots: "progress.percent" */
	FieldKind kind;
} Field;

/* Start a table with these columns. */
extern void fields_init_table(Table *table, const Field *fields);

/* Add a row; for_people chooses readable forms over machine-readable ones. */
extern void
fields_add_row(Table *table, const Field *fields, const json_t *object, bool for_people);

#endif
