/*
 * restore_command.h
 *		The command lines of pgbackrest that a restore needs, and what its restore prints: pure.
 *
 * The data directory is given on each command line: where pgbackrest.conf names another pg1-path,
 * pgbackrest must still not write into a directory that is not this PostgreSQL's.
 */
#ifndef PGBR_SIDECAR_RESTORE_RESTORE_COMMAND_H
#define PGBR_SIDECAR_RESTORE_RESTORE_COMMAND_H

#include "common/strbuf.h"
#include "sidecar/restore/step_arguments.h"
#include "sidecar/pgbackrest/pgbackrest.h"

extern void pgbackrest_restore_command(const SidecarConfig *config, const NodeArguments *arguments,
									   const char *data_directory, Command *command);

/* Push one file of pg_wal, in the foreground. */
extern void pgbackrest_push_command(const SidecarConfig *config, const char *data_directory,
									const char *file, Command *command);

/* Get one file for a server in recovery. */
extern void pgbackrest_get_command(const SidecarConfig *config, const char *data_directory,
								   const char *file, const char *destination, Command *command);

/* The restore_command that runs our own --archive-get (archive_get.h) of the given program. A shell
 * reads it: every text is quoted for it, and for PostgreSQL's %. */
extern void pgbackrest_restore_setting(const SidecarConfig *config, const char *program,
									   const char *data_directory, StrBuf *setting);

/* Read "restore size = 29.2MB, file total = 962" from a line of the log; false for another. */
extern bool pgbackrest_read_restored(const char *line, int64_t *bytes, int64_t *files);

#endif
