/*
 * recovery_server_command.h
 *		The command line of the recovery server (see recovery_server.h): the saved one of the
 *		member, what keeps others out, and recovery's settings, all of them. Not thread-safe.
 */
#ifndef PGBR_SIDECAR_RESTORE_RECOVERY_SERVER_COMMAND_H
#define PGBR_SIDECAR_RESTORE_RECOVERY_SERVER_COMMAND_H

#include "common/recovery_target.h"
#include "common/strbuf.h"
#include "sidecar/postgres/control_data.h"
#include "sidecar/postgres/postmaster_opts.h"
#include "sidecar/restore/step_context.h"

#include <stdbool.h>

/* Its external_pid_file, in the folder of the restore, by which others on the machine know it. */
#define SERVER_PID		   "pid"
#define SERVER_PID_REPLICA "replica.pid"

/* The port, which is a part of the socket's name. */
#define SERVER_SOCKET ".s.PGSQL.5432"

#define SERVER_ARGV_MOST (POSTMASTER_OPTS_MOST + 128)
#define SERVER_OWN_MOST	 20

typedef struct ServerCommand
{
	const char *argv[SERVER_ARGV_MOST]; /* ends with NULL */
	int count;
	StrBuf own[SERVER_OWN_MOST]; /* texts of ours that argv points to */
	int own_count;
	bool failed; /* one of these had no room, or no memory */
	PostmasterOpts opts;
} ServerCommand;

/*
 * Build it, from {0}; the caller ends it with server_command_done, also after a failure. target as
 * in recovery_server_start; control is that of the data directory, or NULL. Writes hba and ident
 * files into the restore's folder: STORAGE; CONFLICT when the data directory's version can't be
 * recovered, or the saved command line can't be understood.
 */
extern bool
server_command_build(ServerCommand *command, StepContext *context, const char *socket_folder,
					 const RecoveryTarget *target, const ControlData *control, PgbrError *error);
extern void server_command_done(ServerCommand *command);

#endif
