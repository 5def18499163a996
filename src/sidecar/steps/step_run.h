/*
 * step_run.h
 *		The steps of a restore that are done on a member's own node: marking the point to come back
 *		to, stopping PostgreSQL, saving its WAL, keeping the old data directory, restoring, and
 *		recovering behind a private socket.
 *
 * A step is a job. Each can be run again after it was killed at any moment, and then gives the
 * result that it would have given; arguments are held to their grammar here, whoever checked them
 * before. What a step must remember lies in STATE_DIR/restore/ID.
 *
 * step_run is called by one thread at a time. step_check is pure.
 */
#ifndef PGBR_SIDECAR_STEPS_STEP_RUN_H
#define PGBR_SIDECAR_STEPS_STEP_RUN_H

#include "common/error.h"
#include "sidecar/restore/step_context.h"

/* Whether arguments are what a step of this kind ("node-stop") takes. INVALID_VALUE naming the
 * member; also for a kind that is no step. */
extern bool step_check(PgbrJobKind kind, const json_t *arguments, PgbrError *error);

/* Do the step: sets the job's state and what belongs to it (exit_code, error, message, hint), and
 * the context's result. */
extern void step_run(StepContext *context, Job *job);

#endif
