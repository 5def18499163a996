/*
 * server_stop.h
 *		Ends what uses a data directory: the server, and the programs that Patroni runs on it. Used
 *		by one thread at a time.
 */
#ifndef PGBR_SIDECAR_RESTORE_SERVER_STOP_H
#define PGBR_SIDECAR_RESTORE_SERVER_STOP_H

#include "common/error.h"
#include "sidecar/restore/step_context.h"

/*
 * End the server that runs now, if one does: fast, and at once after so many seconds. *how is
 * "fast" or "immediate" then, and is left alone otherwise. TIMEOUT when it does not end, CONFLICT
 * when it can't be seen from here, ABORTED.
 */
extern bool server_stop(StepContext *context, int seconds, bool *was_running, const char **how,
						PgbrError *error);

/* Wait so many seconds for Patroni's programs that write into the data directory, then end
 * them. *found says whether there was one. TIMEOUT, ABORTED. */
extern bool server_end_writers(StepContext *context, int seconds, bool *found, PgbrError *error);

#endif
