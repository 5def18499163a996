/*
 * pgbackrest_file.h
 *		pgbackrest.conf read into options with the lines they stand on, by pgbackrest's own rules:
 *		pure.
 *
 * A section is [global], [STANZA], [global:COMMAND] or [STANZA:COMMAND]; the rest are
 * "option=value", lines that begin with '#', and empty lines. Blanks around a line, an option and a
 * value do not count. A section that is there twice goes on where it was left. A list is an option
 * that is there several times in a section.
 *
 * What pgbackrest refuses is refused with file and line: no option may stand before the first
 * section, have no '=', no name or no value. What it only warns about is taken as it is: names that
 * it does not know, and options that it takes on its command line alone. Deprecated names are not
 * translated. That an option which is no list is there twice is not looked for: that needs a list
 * of all options.
 *
 * pgbackrest reads the files of conf.d as if they were one with pgbackrest.conf: add each in turn.
 * What it finds in its environment (PGBACKREST_REPO1_PATH) or on its command line goes before the
 * files and is not known here.
 *
 * A file is used by one thread at a time. Texts are lent by the file until pgbackrest_file_done.
 */
#ifndef PGBR_PGBACKREST_FILE_H
#define PGBR_PGBACKREST_FILE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PGBACKREST_FILE_MAX_SIZE ((size_t) 1024 * 1024)

typedef struct PgbackrestOption
{
	char *section; /* as written: "global", "main:backup" */
	char *name;
	char *value;
	int line; /* counts from 1 */
} PgbackrestOption;

typedef struct PgbackrestFile
{
	PgbackrestOption *options; /* in the order of the lines */
	size_t count;
} PgbackrestFile;

/* All zeroes is an empty file. */
#define PGBACKREST_FILE_INIT \
	{                        \
		NULL, 0              \
	}

/* Add the text of a file called name. False: CONFIG, with the lines before the wrong one added;
 * INTERNAL when out of memory. */
extern bool pgbackrest_file_add(PgbackrestFile *file, const char *name, const char *text,
								size_t length, PgbrError *error);
extern void pgbackrest_file_done(PgbackrestFile *file); /* may be called twice */

/*
 * The option that applies to a stanza and a command, the first of a list: from the section
 * STANZA:COMMAND, else STANZA, else global:COMMAND, else global. Stanza and command may be NULL:
 * then their sections are skipped. NULL: no section has it.
 */
extern const PgbackrestOption *pgbackrest_file_find(const PgbackrestFile *file, const char *stanza,
													const char *command, const char *name);

/* The next item of a list: of the same section and name. NULL: there is none. */
extern const PgbackrestOption *
pgbackrest_file_next(const PgbackrestFile *file, const PgbackrestOption *option);

/* The highest N for which an option repoN-... applies to the stanza; 0: there is none. */
extern int pgbackrest_file_last_repo(const PgbackrestFile *file, const char *stanza);

/*
 * The name of the first stanza that is other than those of the options before from, which the
 * caller begins with 0 and hands back; copied into stanza of size bytes. False: there is no other.
 */
extern bool
pgbackrest_file_stanza(const PgbackrestFile *file, size_t *from, char *stanza, size_t size);

/* The repository's number of "repoN-...", or 0; *rest is what follows the dash. */
extern int pgbackrest_option_repo(const char *name, const char **rest);

#endif
