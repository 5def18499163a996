/*
 * step_table.h
 *		The steps of a restore: a row here and a file of this folder each.
 *
 * A step fails with an error; where pgbackrest failed, the job's error, exit code and hint are
 * set. It can be run again after it was killed at any moment.
 */
#ifndef PGBR_SIDECAR_STEPS_STEP_TABLE_H
#define PGBR_SIDECAR_STEPS_STEP_TABLE_H

#include "sidecar/restore/step_arguments.h"
#include "sidecar/restore/step_context.h"

typedef bool
StepFunction(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error);

/* The kind of job, what does it, and whether it needs to know the data directory. */
#define STEP_TABLE(X)                   \
	X(NODE_MARK, step_mark, false)      \
	X(NODE_STOP, step_stop, true)       \
	X(NODE_ARCHIVE, step_archive, true) \
	X(NODE_KEEP, step_keep, true)       \
	X(NODE_RESTORE, step_restore, true) \
	X(NODE_RECOVER, step_recover, true) \
	X(NODE_UNFENCE, step_unfence, true)

#define X(kind, function, needs_directory) extern StepFunction function;
STEP_TABLE(X)
#undef X

#endif
