/*
 * archive_get.h
 *		The restore_command of a recovery: pgbackrest_sidecar --archive-get FILE DESTINATION.
 *
 * PostgreSQL takes every exit status up to 125 for "there is no such file", ends recovery there and
 * promotes: a repository that can't be read for a moment would cost all that was committed later.
 * So what pgbackrest itself calls "not found" (1) is passed on, and everything else is tried again
 * for some time and is then a status that makes PostgreSQL give up with FATAL.
 */
#ifndef PGBR_SIDECAR_RESTORE_ARCHIVE_GET_H
#define PGBR_SIDECAR_RESTORE_ARCHIVE_GET_H

#include <stdbool.h>

/* True when the command line asks for this and not for a sidecar. */
extern bool archive_get_is_asked(int argc, char **argv);

/* Gives the exit status: 0 done, 1 not found, 255 failed. */
extern int archive_get_main(int argc, char **argv);

#endif
