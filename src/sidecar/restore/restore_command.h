/*
 * restore_command.h
 *		PostgreSQL's setting restore_command for a recovery that this sidecar runs: pure.
 */
#ifndef PGBR_SIDECAR_RESTORE_RESTORE_COMMAND_H
#define PGBR_SIDECAR_RESTORE_RESTORE_COMMAND_H

#include "common/strbuf.h"
#include "sidecar/config/config.h"

/* The restore_command that runs our own --archive-get (archive_get.h) of the given program. A shell
 * reads it: every text is quoted for it, and for PostgreSQL's %. */
extern void pgbackrest_restore_setting(const SidecarConfig *config, const char *program,
									   const char *data_directory, StrBuf *setting);

#endif
