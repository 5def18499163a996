/*
 * recovery_result.h
 *		What a recovery has reached, read back from the data directory and the recovery server's
 *		log. One thread at a time.
 *
 * Nothing of it needs a login: the role and the database of --pg-conninfo may not have existed at
 * the target. Only for the incomplete databases the server itself is asked, with the first login
 * that it accepts.
 */
#ifndef PGBR_SIDECAR_RESTORE_RECOVERY_RESULT_H
#define PGBR_SIDECAR_RESTORE_RECOVERY_RESULT_H

#include "sidecar/restore/step_context.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Ask the recovered server which databases are invalid: [{"name", "xid"}], where xid is the
 * transaction that dropped it, or null. DROP DATABASE removes the files before it commits, so a
 * recovery that ends in between leaves a database without them. PostgreSQL marks one since 11.21,
 * 12.16, 13.12, 14.9, 15.4 and 16. JSON null, and a line in the job's log, when nobody could log
 * in. The caller owns a reference.
 */
extern json_t *recovery_result_ask(StepContext *context, const char *socket_folder);

/*
 * Read the rest when the server was shut down, and correct the new timeline's history (see
 * recovery_history_mend). CONFLICT when pg_wal has no such history, STORAGE. The caller owns
 * *result, which has {"timeline", "next_xid", "fork_lsn", "parent_timeline", "reason",
 * "last_xact_time", "last_xid", "stop", "prepared", "log_tail"}.
 */
extern bool recovery_result_gather(StepContext *context, json_t **result, PgbrError *error);

#endif
