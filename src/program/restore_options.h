/*
 * restore_options.h
 *		Every option that pgbackrest's command restore takes, and why it can't change what a restore
 *		of this member brings: a table. Options reach pgbackrest from its files and from its
 *		environment, too, and most were set there for another purpose: a copy without some
 *		databases, or one that archives nothing.
 *
 * A test holds the table against "pgbackrest help restore". Thread-safe as long as nobody changes
 * the environment.
 */
#ifndef PGBR_PROGRAM_RESTORE_OPTIONS_H
#define PGBR_PROGRAM_RESTORE_OPTIONS_H

#include "program/pgbackrest_file.h"

#include <jansson.h>

typedef enum RestoreOptionRule
{
	RESTORE_OPTION_GIVEN,	   /* our command line has it, or its dependency keeps it out */
	RESTORE_OPTION_OVERRIDDEN, /* our command line takes it back */
	RESTORE_OPTION_PLACED,	   /* taken back where the member has files: they say where what lies */
	RESTORE_OPTION_REFUSED,	   /* no command line of every version takes it back */
	RESTORE_OPTION_HARMLESS,   /* how files are fetched and logged, not which */
} RestoreOptionRule;

typedef struct RestoreOption
{
	const char *name; /* or a pattern with '*' */
	RestoreOptionRule rule;
	const char *argument; /* what takes it back, or NULL */
} RestoreOption;

/* The table, which ends with a row without name. */
extern const RestoreOption restore_options[];

/* The row of a name as it stands in a file, "repo1-path" or "link-all"; NULL: not known. */
extern const RestoreOption *restore_option_find(const char *name);

/*
 * The options that are set and are not plainly harmless: an array of {option, where, effect}, with
 * the effect "overridden", "refused" or, for an option of no command that is known here, "unknown".
 * environment is one as environ. Pure. The caller owns a reference; NULL when out of memory.
 */
extern json_t *
restore_options_list(const PgbackrestFile *file, const char *stanza, char *const *environment);

/* The same of our environment and pgbackrest's files; JSON's null when they can't be read. path is
 * the value of pgbackrest's --config, or NULL when it is not given. */
extern json_t *restore_options_json(const char *path, const char *stanza);

#endif
