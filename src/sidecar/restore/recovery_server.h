/*
 * recovery_server.h
 *		The PostgreSQL that recovers a restored data directory before anybody is let in.
 *
 * It listens nowhere but on a socket in a folder that only our user can enter, archives nothing
 * though archiving is on (so that its history file waits for the server that follows), replicates
 * from nobody, and runs no worker of an extension. Settings of the saved command line hold but for
 * these; recovery's own are given here, all of them, so that none is left over from a file that
 * was in the backup.
 *
 * Nobody else can start a server meanwhile, and Patroni does not take it for its own. With a fence
 * (see fence.h) the data directory is behind it again at the end.
 *
 * If the sidecar dies, the kernel ends it.
 */
#ifndef PGBR_SIDECAR_RESTORE_RECOVERY_SERVER_H
#define PGBR_SIDECAR_RESTORE_RECOVERY_SERVER_H

#include "common/recovery_target.h"
#include "program/child.h"
#include "sidecar/restore/step_context.h"
#include "sidecar/postgres/control_data.h"
#include "sidecar/postgres/recovery_log.h"

#include <limits.h>

typedef struct RecoveryServer
{
	StepContext *context;
	Child child;
	char socket_folder[128];
	bool own_folder; /* outside of the state folder: removed at the end */
	bool fence;
	bool standby;
	bool begun; /* the standby has begun recovery */
	bool alone; /* it has the place, and keeps others out */
	int log_fd;
	int64_t wal_segment_size;
	ControlData control;  /* when it was started */
	int64_t replay_bytes; /* 0: not known */
	RecoveryLog log;
} RecoveryServer;

/* Start it on the data directory, where nothing may run. The caller ends it by
 * recovery_server_stop. target is what recovery.signal, if it is there, is to lead to; NULL:
 * it is a standby, and goes no further than to the end of the backup. */
extern bool recovery_server_start(RecoveryServer *server, StepContext *context,
								  const RecoveryTarget *target, bool fence, PgbrError *error);

/* Wait until recovery is over and connections are accepted. False when the server has ended
 * first (CONFLICT, with its own reason), when somebody has taken the target away, so that the
 * files are to be restored again (NOT_FOUND), or the job is stopped (ABORTED). */
extern bool recovery_server_wait(RecoveryServer *server, PgbrError *error);

/* Of a standby: wait until recovery has begun, which pg_control says then. False as above, or
 * when it has not within five minutes (TIMEOUT), or when it serves, being none (NOT_FOUND).
 * Without its signal file it passes through the same states: log.standby tells. */
extern bool recovery_server_wait_begun(RecoveryServer *server, PgbrError *error);

/* Shut it down in order, wait for that, and raise the fence; after a failure of the functions
 * above, too. A standby that has not begun recovery is ended at once, which leaves pg_control
 * as it was. False when it did not end in order: the next start has to recover. */
extern bool recovery_server_stop(RecoveryServer *server, PgbrError *error);

/* After its end: true when the WAL that it has replayed asks for higher settings than it had. A
 * next start gives them. */
extern bool recovery_server_had_too_little(const RecoveryServer *server);

/* Raise the fence of a directory that a server of ours may have been started on. */
extern bool recovery_server_close(const StepContext *context, PgbrError *error);

/* True while a server recovers the leader of this restore on this machine, be it for another
 * sidecar. */
extern bool recovery_server_is_near(const char *restore);

/* At the sidecar's start, when the processes of the one before are gone: raise the fence again
 * that it may have left open, in the moment before its server kept others out. A failure is
 * logged. */
extern void recovery_server_end_leftovers(JobQueue *queue);

#endif
