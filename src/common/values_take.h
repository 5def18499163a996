/*
 * values_take.h
 *		Inside values: how a value of each type is taken from the file's events into the struct.
 *		Only values.c includes this.
 *
 * A function values_take_* begins at the current event and ends at the last event of the same node.
 * It returns false when reading as a whole can't go on: not YAML, or out of memory; the reader's
 * error tells. A value that is only wrong becomes a problem, its target stays as it is, and it
 * returns true.
 */
#ifndef PGBR_VALUES_TAKE_H
#define PGBR_VALUES_TAKE_H

#include "common/values_struct.h"
#include "common/yaml_reader.h"

#include <stdint.h>

#define SECTION "pgBackRest"

typedef struct ValuesReader
{
	YamlReader yaml;
	PgbrValues *values;
	uint64_t seen; /* bit i: key i of the table was there */
} ValuesReader;

typedef struct KeySpec KeySpec;

typedef bool (*ValuesTake)(ValuesReader *reader, const KeySpec *spec, void *target);

/* A row of the table of keys. */
struct KeySpec
{
	const char *path; /* below the section: "s3.bucket" */
	ValuesTake take;
	size_t target;					 /* offset in PgbrValues */
	bool fallback;					 /* of a flag */
	bool (*check)(const char *text); /* of a text; or NULL: any plain text will do */
	bool numbers;					 /* a text may be written as a number */
	bool is_secret;					 /* its value must not be shown */
	const char *rule;				 /* what check wants, a sentence */
};

extern bool values_take_text(ValuesReader *reader, const KeySpec *spec, void *target);
extern bool values_take_list(ValuesReader *reader, const KeySpec *spec, void *target);
extern bool values_take_count(ValuesReader *reader, const KeySpec *spec, void *target);
extern bool values_take_flag(ValuesReader *reader, const KeySpec *spec, void *target);
extern bool values_take_params(ValuesReader *reader, const KeySpec *spec, void *target);

/* Take each item of the mapping or list that the current event begins; of a mapping, take is called
 * at the key and takes the value too. */
extern bool
values_take_each(ValuesReader *reader, ValuesTake take, const KeySpec *spec, void *target);

/* Where the current event begins. */
extern PgbrValuesPlace values_place(const ValuesReader *reader);

/* Record that the current event is wrong. Returns where to put the hint, or NULL, which the
 * functions of error.h ignore, when there is no more room. A value is shown only if it has a check:
 * the others may be secrets. */
extern PgbrError *
values_problem(ValuesReader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Record that the current event is not of the expected type, and leave its node. */
extern bool values_wrong_type(ValuesReader *reader, const KeySpec *spec, const char *expected,
							  const char *hint);

#endif
