/*
 * values.h
 *		The pgBackRest section of a values file: read it into a struct, and say all that is wrong.
 *
 * A values file is YAML, as Helm takes it: one document whose top-level mapping has a section
 * "pgBackRest", also spelled "pgBackrest". Other sections are not looked at. One table in values.c
 * holds every key of the section with its type and its check.
 *
 * Two kinds of failure
 *	- The file can't be taken at all: it is missing, unreadable, larger than PGBR_VALUES_MAX_SIZE,
 *	  not YAML, nested too deep, or no mapping. Then reading fails.
 *	- One key is wrong: unknown, there twice (the first one counts), of the wrong type, out of its
 *	  grammar, or an alias, which the section may not have. Then that key stays unset and is put
 *	  among the problems, and the others are read: a wrong schedule must not stop the right ones.
 *
 * An anchor or alias is never expanded, so a file can't grow while it is read; reading takes at
 * most some tenths of a second. The texts of schedules and of the time zone are taken as they are:
 * what they mean is up to cron and to the owner of the zone data.
 *
 * A key without a value, with null or with "" is as good as left out. Pure but for the reading of
 * the file; no globals; safe in any thread.
 */
#ifndef PGBR_VALUES_H
#define PGBR_VALUES_H

#include "common/error.h"
#include "common/values_struct.h"

#include <stdbool.h>
#include <stddef.h>

#define PGBR_VALUES_MAX_SIZE ((size_t) 1024 * 1024)

/*
 * Read a file, or length bytes that are said to come from name. True: the caller ends values with
 * pgbr_values_done, and looks at the problems. False: values is empty, there is nothing to free,
 * and error is CONFIG with the place in its detail; INTERNAL when out of memory.
 */
extern bool pgbr_values_read(const char *path, PgbrValues *values, PgbrError *error);
extern bool pgbr_values_parse(const char *name, const char *data, size_t length, PgbrValues *values,
							  PgbrError *error);
extern void pgbr_values_done(PgbrValues *values); /* may be called twice */

/* Put the place of a value in front of the detail of an error that was set. For problems that the
 * caller finds in a value, such as a schedule that cron refuses. Returns false. */
extern bool pgbr_values_locate(const char *name, const PgbrValuesText *value, PgbrError *error);

#endif
