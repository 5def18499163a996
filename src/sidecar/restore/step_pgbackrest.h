/*
 * step_pgbackrest.h
 *		Runs pgbackrest for a step of a restore, as the job's own program: its lines are the job's
 *		log and progress. Used by one thread at a time.
 */
#ifndef PGBR_SIDECAR_RESTORE_STEP_PGBACKREST_H
#define PGBR_SIDECAR_RESTORE_STEP_PGBACKREST_H

#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/restore/step_context.h"

/* Run pgbackrest to its end and follow its lines; output begins as the caller made it. on_line
 * may be NULL. A failure of pgbackrest also sets the job's error, exit code and hint; ABORTED when
 * it was stopped. */
extern bool step_pgbackrest_run(StepContext *context, Command *command, PgbackrestRun *output,
								void (*on_line)(void *argument, const char *line), void *argument,
								Job *job, PgbrError *error);

#endif
