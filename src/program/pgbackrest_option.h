/*
 * pgbackrest_option.h
 *		Which names are options of pgbackrest, and which variables of the environment set one: pure
 *		but for the environment, which is only read.
 *
 * pgbackrest takes PGBACKREST_REPO1_PATH for its option repo1-path, and warns of every variable of
 * that prefix that names none. Kubernetes sets such variables by itself: PGBACKREST_SERVICE_HOST
 * where a Service is called "pgbackrest". Our children get only those that are options (process.h).
 *
 * Known are the options of pgbackrest 2.45 to 2.60, with the old names that these still take. An
 * option of a later version belongs into pgbackrest.conf, which goes to pgbackrest as it is.
 *
 * Thread-safe as long as nobody changes the environment.
 */
#ifndef PGBR_PROGRAM_PGBACKREST_OPTION_H
#define PGBR_PROGRAM_PGBACKREST_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#define PGBACKREST_VARIABLE_PREFIX "PGBACKREST_"

/* Room for the name of any variable, with its prefix. */
#define PGBACKREST_VARIABLE_SIZE 128

/* True for "repo1-path", "start-fast" and "repo-path"; false for "repo-type-1", "no-start-fast". */
extern bool pgbackrest_is_option(const char *name);

/* True for the old name of an option: "repo-path", "retention-full", "db-host". */
extern bool pgbackrest_is_old_option(const char *name);

/* The option that an entry of the environment ("PGBACKREST_REPO1_PATH=value") sets: "repo1-path".
 * False when it sets none. */
extern bool pgbackrest_variable_option(const char *entry, char name[PGBACKREST_VARIABLE_SIZE]);

/* True when an entry of the environment ("NAME=value") has pgbackrest's prefix and sets none of its
 * options. */
extern bool pgbackrest_is_stray(const char *entry);

/* The name of the first stray variable of our environment at or after *from, which is moved behind
 * it; copied into name, cut to its size. False: there is no other. */
extern bool pgbackrest_next_stray(size_t *from, char name[PGBACKREST_VARIABLE_SIZE]);

#endif
